// Package charge moves money: it has the only Stripe key that fetches, captures
// and releases. An event is a hint: charge fetches the payment from Stripe,
// reads again whether the visit wants what the event asks for, and acts on those
// two. It decrypts no content. What a payment's state means is package billing.
package charge

import (
	"context"
	"errors"
	"fmt"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// Cards moves money at Stripe. Every call names the connected account that owns
// the object. An error that is a *clinic.Refusal is definite: the effect did not
// happen. After any other error the outcome is unknown, and the call is repeated
// with the same key.
type Cards interface {
	// Observe fetches a payment by its intent or, while it has none, by its
	// session. It also returns the reference in the object's metadata, which is
	// empty if this system did not make the object.
	Observe(ctx context.Context, account, object string) (ref string, o billing.Observation, err error)
	Capture(ctx context.Context, account, intent string, amount money.Cents, key string) error
	Release(ctx context.Context, account, intent, key string) error
}

// Reads are what a Room reads besides the kernel.
type Reads interface {
	Payment(ctx context.Context, id string) (billing.Payment, error)
	Visit(ctx context.Context, id string) (visit.Visit, error)
	// PracticeOf returns the practice that owns a connected account.
	PracticeOf(ctx context.Context, account string) (string, error)
	WorkItem(ctx context.Context, practice, id string) (work.Item, error)
}

// A Room is what the function charge has. Its fields must be set before use; it
// is safe for concurrent use.
type Room struct {
	Kernel *clinic.Kernel
	Store  Reads
	Cards  Cards
}

// attempts bounds how often a commit is decided again because someone else
// changed the payment or the visit between the read and the commit.
const attempts = 6

// Handle acts on one event and stores the outcome.
func (m *Room) Handle(ctx context.Context, d outbox.Delivery) error {
	return m.Kernel.Deliver(ctx, d, m.owner, m.Act)
}

// owner returns the practice that a Stripe event concerns. A Stripe event names
// an account, not a practice; if no practice has that account, owner returns "".
func (m *Room) owner(ctx context.Context, d outbox.Delivery) string {
	id, err := m.Store.PracticeOf(ctx, d.Account)
	if err != nil && !errors.Is(err, fault.NotFound) {
		m.Kernel.Log.WarnContext(ctx, "the practice of a parked event's account cannot be read", "event", d.ID, "err", err)
	}
	return id
}

// Act acts on one event. It may be called any number of times for the same
// event: what it commits is guarded by the version of the payment, and a payment
// that is in the state observed at Stripe commits nothing. After an error the event
// is tried again.
func (m *Room) Act(ctx context.Context, d outbox.Delivery) error {
	switch d.Kind {
	case outbox.StripeReported:
		return m.receive(ctx, d)
	case outbox.CheckPayment:
		return m.checkPayment(ctx, d)
	case outbox.Capture:
		return m.capture(ctx, d)
	case outbox.Release:
		return m.release(ctx, d)
	case outbox.Received, outbox.Asked, outbox.Replied, outbox.Answered, outbox.Ended, outbox.Late,
		outbox.Charged, outbox.ChargeFailed, outbox.Diverted, outbox.CheckoutAbandoned:
	}
	return fmt.Errorf("event %s of kind %s is not for charge", d.ID, d.Kind)
}

// errForeign marks an event whose account does not own the payment it names.
var errForeign = &clinic.Refusal{Code: "foreign_account", Final: true}

// receive settles the payment that a Stripe event is about.
func (m *Room) receive(ctx context.Context, d outbox.Delivery) error {
	ref, o, err := m.Cards.Observe(ctx, d.Account, d.Object)
	if refused, ok := errors.AsType[*clinic.Refusal](err); ok && refused.Code == "resource_missing" {
		return &clinic.Refusal{Code: refused.Code, Final: true} // the account has no such object
	}
	if err != nil {
		return err
	}
	if ref == "" {
		return nil
	}
	p, err := m.Store.Payment(ctx, ref)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil // an object of another system on the same account
	case err != nil:
		return err
	case p.Account != d.Account:
		return errForeign
	}
	return m.settle(ctx, p, o)
}

// checkPayment fetches a payment whose page has expired and for which no webhook
// came.
func (m *Room) checkPayment(ctx context.Context, d outbox.Delivery) error {
	p, err := m.Store.Payment(ctx, d.Payment)
	if err != nil {
		return err
	}
	_, o, err := m.Cards.Observe(ctx, p.Account, p.Session)
	if err != nil {
		return err
	}
	settled, _, err := p.Settle(o, m.Kernel.Time())
	if err != nil {
		return err
	}
	if settled.State == p.State { // an intent alone, of a card that was declined, moves the visit nowhere
		return nil
	}
	return m.settle(ctx, p, o)
}

// captureAttempts is how often a capture is tried that Stripe refuses for a
// reason that may pass; after that the fee is to be paid by link.
const captureAttempts = 4

// capture captures the fee of an answered visit. It reads again whether the
// visit is answered and wants this payment: an event alone captures nothing.
func (m *Room) capture(ctx context.Context, d outbox.Delivery) error {
	p, v, err := m.paymentAndVisit(ctx, d)
	if err != nil {
		return err
	}
	if p.State != billing.Held || !v.MayCapture(p.ID) {
		return nil
	}
	refused, err := splitRefusal(m.Cards.Capture(ctx, p.Account, p.Intent, p.Held, d.Key()))
	if err != nil {
		return err
	}
	_, o, err := m.Cards.Observe(ctx, p.Account, p.Intent)
	if err != nil {
		return err
	}
	if refused == nil || o.Status != "requires_capture" {
		return m.settle(ctx, p, o)
	}
	if refused.Temporary || !refused.Final && d.Attempt < captureAttempts-1 {
		return refused
	}
	if err := m.Cards.Release(ctx, p.Account, p.Intent, d.Key()+"-release"); err != nil {
		return err // refused or unknown, the hold may stand: fetch it again before the payment becomes failed
	}
	return m.fail(ctx, p, refused.Code)
}

// paymentAndVisit reads the payment that an event names, and its visit.
func (m *Room) paymentAndVisit(ctx context.Context, d outbox.Delivery) (billing.Payment, visit.Visit, error) {
	p, err := m.Store.Payment(ctx, d.Payment)
	if err != nil {
		return p, visit.Visit{}, err
	}
	v, err := m.Store.Visit(ctx, p.Visit)
	return p, v, err
}

// release releases a hold that its visit does not want.
func (m *Room) release(ctx context.Context, d outbox.Delivery) error {
	p, v, err := m.paymentAndVisit(ctx, d)
	if err != nil {
		return err
	}
	if p.State != billing.Held || v.WantsPayment(p.ID) {
		return nil // a later hold is released when Stripe reports it
	}
	refused, err := splitRefusal(m.Cards.Release(ctx, p.Account, p.Intent, d.Key()))
	if err != nil {
		return err
	}
	_, o, err := m.Cards.Observe(ctx, p.Account, p.Intent)
	if err != nil {
		return err
	}
	if refused != nil && o.Status == "requires_capture" {
		return refused
	}
	return m.settle(ctx, p, o)
}

// splitRefusal returns a definite refusal as the first result, and an error that
// leaves the outcome unknown as the second.
func splitRefusal(err error) (*clinic.Refusal, error) {
	if refused, ok := errors.AsType[*clinic.Refusal](err); ok {
		return refused, nil
	}
	return nil, err
}

// settle brings a payment, its ledger entries and its visit to the state
// observed at Stripe, in one commit; none if the payment is in that state.
func (m *Room) settle(ctx context.Context, p billing.Payment, o billing.Observation) error {
	for n := 1; ; n++ {
		now := m.Kernel.Time()
		next, entries, err := p.Settle(o, now)
		if err != nil || next.Version == p.Version {
			return err
		}
		c := clinic.Commit{At: now, Payments: []billing.Payment{next}, Entries: entries}
		if err := m.applyToVisit(ctx, &c, p, next); err != nil {
			return err
		}
		err = m.Kernel.Store.Commit(ctx, c)
		if !errors.Is(err, clinic.ErrChanged) || n == attempts {
			return err
		}
		if p, err = m.Store.Payment(ctx, p.ID); err != nil {
			return err
		}
	}
}

// fail records that the hold of an answered visit could not be captured: the
// answer stands, the patient gets a pay link, the practice a work item.
func (m *Room) fail(ctx context.Context, p billing.Payment, why string) error {
	for n := 1; ; n++ {
		now := m.Kernel.Time()
		next, entries, err := p.Fail(why, now)
		if err != nil {
			return err
		}
		c := clinic.Commit{At: now, Payments: []billing.Payment{next}, Entries: entries}
		if err := m.applyToVisit(ctx, &c, p, next); err != nil {
			return err
		}
		err = m.Kernel.Store.Commit(ctx, c)
		if !errors.Is(err, clinic.ErrChanged) || n == attempts {
			return err
		}
	}
}
