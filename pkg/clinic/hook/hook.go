// Package hook stores Stripe's webhooks as events for charge to act on. It has
// no Stripe key and reads no row.
package hook

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
)

// A StripeEvent is a verified webhook, reduced to the object that charge must
// fetch.
type StripeEvent struct {
	ID      string
	Account string    // the connected account; empty for the platform's own
	Object  string    // a PaymentIntent, Checkout Session, early fraud warning, subscription or payout, or the account itself
	Live    bool      // of live mode
	Created time.Time // by Stripe's clock
}

// A Room is what stripehook has. It is safe for concurrent use.
type Room struct {
	Kernel *clinic.Kernel
	// Mode is the mode of the system's Stripe keys. Stripe sends an endpoint for
	// connected accounts the events of the other mode too, whose objects these keys
	// cannot fetch. Empty is either: events of both modes are stored.
	Mode Mode
}

// A Mode is one of Stripe's two worlds.
type Mode string

const (
	Live Mode = "live"
	Test Mode = "test"
)

func (e StripeEvent) mode() Mode {
	if e.Live {
		return Live
	}
	return Test
}

// lease is when an event is due again unless it is done by then. Only an event
// that comes too late for the sweep of its bucket, or has a time far from now, needs
// one.
const lease = 10 * time.Minute

// ReceiveStripeEvent stores a verified event. Received again, it is the same
// row: the row's id is made of Stripe's id, and its bucket is that of the time
// Stripe made the event. The event's type does not matter: charge fetches the
// object. An event of the other mode is accepted and not stored.
func (m *Room) ReceiveStripeEvent(ctx context.Context, e StripeEvent) error {
	if m.Mode != "" && m.Mode != e.mode() {
		return nil
	}
	now := m.Kernel.Time()
	event := outbox.Event{
		ID:   outbox.NewID(m.Kernel.Writer, e.Created, e.Account+"."+e.ID),
		Kind: outbox.StripeReported, To: outbox.Charge, Account: e.Account, Object: e.Object, At: now,
	}
	if outbox.BucketOf(e.Created) != outbox.BucketOf(now) {
		event.Lease = now.Add(lease)
	}
	err := m.Kernel.Store.Commit(ctx, clinic.Commit{Events: []outbox.Event{event}})
	if errors.Is(err, clinic.ErrExists) {
		return nil
	}
	return err
}
