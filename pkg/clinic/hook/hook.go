// Package hook keeps what Stripe's webhooks report, for charge to act on. It
// has no key of Stripe's and reads nothing.
package hook

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
)

// A StripeEvent is a verified webhook, reduced to what is fetched because of it.
type StripeEvent struct {
	ID      string
	Account string    // the connected account; empty for the platform's own
	Object  string    // a PaymentIntent or Checkout Session
	Created time.Time // by Stripe's clock
}

// A Room is what stripehook has. It is safe for concurrent use.
type Room struct{ Kernel *clinic.Kernel }

// lease is when an event that comes too late for the sweep of its bucket is due
// again unless it is done by then.
const lease = 10 * time.Minute

// ReceiveStripeEvent keeps a verified event. Received again, it is the same row:
// its id is made of Stripe's own, so its bucket is that of the time Stripe made
// it. The event's type does not matter: charge fetches what it is about.
func (m *Room) ReceiveStripeEvent(ctx context.Context, e StripeEvent) error {
	now := m.Kernel.Time()
	event := outbox.Event{
		ID:   outbox.NewID(m.Kernel.Writer, e.Created, e.Account+"."+e.ID),
		Kind: outbox.StripeReported, To: outbox.Charge, Account: e.Account, Object: e.Object, At: now,
	}
	if outbox.BucketOf(e.Created) < outbox.BucketOf(now) {
		event.Lease = now.Add(lease)
	}
	err := m.Kernel.Store.Commit(ctx, clinic.Commit{Events: []outbox.Event{event}})
	if errors.Is(err, clinic.ErrExists) {
		return nil
	}
	return err
}
