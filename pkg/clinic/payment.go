package clinic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// Checkout makes payment pages. Asked again with the same Key it returns the
// same page.
type Checkout interface {
	NewPage(ctx context.Context, p PageRequest) (session, url string, err error)
}

// A PageRequest is what a payment page needs; it carries no word of the visit.
type PageRequest struct {
	Account string
	Key     string // idempotency key
	Ref     string // our payment id, kept in Stripe's metadata
	Amount  money.Cents
	AtOnce  bool
	Ends    time.Time
	Done    string // where the page leads when paid
	Back    string // and when left
}

// Cards moves money at Stripe. Every call names the connected account that
// owns the object. An error that is a *Refusal is definite: the effect did not
// happen. Any other leaves it unknown; the call is repeated with the same key.
type Cards interface {
	// Observe reports how a payment stands, by its intent or, while it has
	// none, by its session; and the reference in its metadata, empty if the
	// object is not ours.
	Observe(ctx context.Context, account, object string) (ref string, o billing.Observation, err error)
	Capture(ctx context.Context, account, intent string, amount money.Cents, key string) error
	Release(ctx context.Context, account, intent, key string) error
}

// A Refusal is Stripe's no: asked again with the same key it says the same, so
// another attempt needs another key.
type Refusal struct {
	Code string
	// Final says that the card or the hold is at fault: asking again cannot
	// help.
	Final bool
	// Passing says that Stripe itself failed: the object must be looked at
	// before asking again, and the number of attempts means nothing.
	Passing bool
}

func (r *Refusal) Error() string { return "refused by stripe: " + r.Code }

// A StripeEvent is a verified webhook, reduced to what is fetched because of it.
type StripeEvent struct {
	ID      string
	Account string // the connected account; empty for the platform's own
	Object  string // a PaymentIntent or Checkout Session
}

// Hear keeps a verified event for charge to act on. Heard again, it is the same
// row. The event's type does not matter: what it is about is fetched.
func (cl *Clinic) Hear(ctx context.Context, e StripeEvent) error {
	err := cl.Store.Commit(ctx, Commit{Events: []outbox.Event{{
		ID: "stripe." + e.Account + "." + e.ID, Kind: outbox.StripeSaid, To: outbox.Charge,
		Account: e.Account, Object: e.Object, At: cl.now(),
	}}})
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}

// Pay returns where to pay for a visit: the open page of one awaiting payment,
// or a new pay link for an answer whose card failed.
func (cl *Clinic) Pay(ctx context.Context, c Caller, id string) (Sent, error) {
	v, err := cl.change(ctx, c, identity.FillVisit, id, func(l loaded) (decision, error) {
		if l.visit.Status == visit.AwaitingPayment {
			return decision{visit: l.visit}, nil
		}
		return cl.payLink(ctx, l)
	})
	if err != nil {
		return Sent{}, err
	}
	return cl.pageOf(ctx, v)
}

// linkEvery is how long asking for a pay link again gives the same one.
const linkEvery = time.Hour

func (cl *Clinic) payLink(ctx context.Context, l loaded) (decision, error) {
	v := l.visit
	if v.Payment == "" || v.Status != visit.Answered && v.Status != visit.Closed {
		return decision{}, fault.New(fault.Conflict, "nothing_to_pay", "there is nothing to pay for this visit")
	}
	last, err := cl.Store.Payment(ctx, v.Payment)
	if err != nil {
		return decision{}, err
	}
	switch last.State {
	case billing.Opened:
		return decision{visit: v}, nil
	case billing.Failed, billing.Lapsed, billing.Abandoned, billing.Released:
	case billing.Held, billing.Captured, billing.Refunded, billing.Disputed:
		return decision{}, fault.New(fault.Conflict, "nothing_to_pay", "there is nothing to pay for this visit")
	}
	began := l.now.Truncate(linkEvery)
	pay, err := cl.openPage(ctx, billing.Payment{
		ID: v.Quote.ID + began.Format("-20060102T15"), Visit: v.ID, Practice: v.Practice, Account: last.Account,
		Amount: v.Quote.Amount, AtOnce: true, SessionEnds: began.Add(2 * linkEvery),
	}, l.now)
	return decision{visit: v.PayLink(pay.ID), commit: Commit{Payments: []billing.Payment{pay}}}, err
}

// openPage makes p's page at Stripe. The request follows from p alone and p's
// id is its key, so a lost answer finds the same page.
func (cl *Clinic) openPage(ctx context.Context, p billing.Payment, now time.Time) (billing.Payment, error) {
	back := cl.Pages + "/my/visits/" + p.Visit
	var err error
	p.Session, p.URL, err = cl.Checkout.NewPage(ctx, PageRequest{
		Account: p.Account, Key: p.ID, Ref: p.ID, Amount: p.Amount, AtOnce: p.AtOnce,
		Ends: p.SessionEnds, Done: back + "?paid=1", Back: back + "?left=1",
	})
	if err != nil {
		return p, fault.Hide(fault.Busy, "payment_page_unavailable",
			"the payment page cannot be opened just now, so nothing was sent; your answers are kept, repeat the same request", err)
	}
	return billing.Open(p, now)
}

// pageOf returns where v's payment is paid; nowhere if it is past paying.
func (cl *Clinic) pageOf(ctx context.Context, v visit.Visit) (Sent, error) {
	p, err := cl.Store.Payment(ctx, v.Payment)
	if err != nil {
		return Sent{}, err
	}
	if p.State != billing.Opened || !cl.now().Before(p.SessionEnds) {
		return Sent{Visit: v}, nil // Stripe's word on it is on its way
	}
	return Sent{v, p.URL}, nil
}

// Charge acts on one event for charge. It is safe to call for the same event
// any number of times. An error says that the event is to be tried again.
func (cl *Clinic) Charge(ctx context.Context, d outbox.Delivery) error {
	switch d.Kind {
	case outbox.StripeSaid:
		return cl.heard(ctx, d)
	case outbox.Capture:
		return cl.capture(ctx, d)
	case outbox.Release:
		return cl.release(ctx, d)
	case outbox.VisitDue:
		return cl.due(ctx, d)
	case outbox.Received, outbox.Asked, outbox.Replied, outbox.Answered, outbox.Ended, outbox.Late,
		outbox.Charged, outbox.ChargeFails, outbox.Diverted, outbox.CheckoutEnd:
	}
	return fmt.Errorf("event %s of kind %s is not for charge", d.ID, d.Kind)
}

// errForeign marks an event whose account does not own the payment it names.
var errForeign = &Refusal{Code: "foreign_account", Final: true}

func (cl *Clinic) heard(ctx context.Context, d outbox.Delivery) error {
	ref, o, err := cl.Cards.Observe(ctx, d.Account, d.Object)
	if refused, ok := errors.AsType[*Refusal](err); ok && refused.Code == "resource_missing" {
		return errForeign
	}
	if err != nil {
		return err
	}
	if ref == "" {
		return cl.done(ctx, d)
	}
	p, err := cl.Store.Payment(ctx, ref)
	switch {
	case errors.Is(err, fault.NotFound):
		return cl.done(ctx, d) // an object of another system on the same account
	case err != nil:
		return err
	case p.Account != d.Account:
		return errForeign
	}
	return cl.settle(ctx, p, o, d.ID)
}

func (cl *Clinic) done(ctx context.Context, d outbox.Delivery) error {
	return cl.Store.Commit(ctx, Commit{Done: d.ID, At: cl.now()})
}

// capture collects the fee of an answered visit.
func (cl *Clinic) capture(ctx context.Context, d outbox.Delivery) error {
	p, err := cl.Store.Payment(ctx, d.Payment)
	if err != nil {
		return err
	}
	if p.State != billing.Held {
		return cl.done(ctx, d)
	}
	refused, err := definite(cl.Cards.Capture(ctx, p.Account, p.Intent, p.Held, d.Key()))
	if err != nil {
		return err
	}
	_, o, err := cl.Cards.Observe(ctx, p.Account, p.Intent)
	if err != nil {
		return err
	}
	if refused == nil || o.Status != "requires_capture" {
		return cl.settle(ctx, p, o, d.ID)
	}
	if refused.Passing || !refused.Final && d.Attempt < captureAttempts-1 {
		return refused
	}
	if err := cl.Cards.Release(ctx, p.Account, p.Intent, d.Key()+"-let-go"); err != nil {
		return err // refused or unknown, the hold may stand: look again before giving the payment up
	}
	return cl.fail(ctx, p, refused.Code, d.ID)
}

// captureAttempts is how often a capture that Stripe refused for a reason that
// may pass is tried before the answer is left to be paid by link.
const captureAttempts = 4

func (cl *Clinic) release(ctx context.Context, d outbox.Delivery) error {
	p, err := cl.Store.Payment(ctx, d.Payment)
	if err != nil {
		return err
	}
	if p.State != billing.Held {
		return cl.done(ctx, d) // a hold that comes later is let go when it does
	}
	refused, err := definite(cl.Cards.Release(ctx, p.Account, p.Intent, d.Key()))
	if err != nil {
		return err
	}
	_, o, err := cl.Cards.Observe(ctx, p.Account, p.Intent)
	if err != nil {
		return err
	}
	if refused != nil && o.Status == "requires_capture" {
		return refused
	}
	return cl.settle(ctx, p, o, d.ID)
}

// definite tells a refusal, after which we know, from an outcome that is
// unknown, which is the error.
func definite(err error) (*Refusal, error) {
	if refused, ok := errors.AsType[*Refusal](err); ok {
		return refused, nil
	}
	return nil, err
}

// settle brings a payment, its ledger and its visit up to what Stripe says,
// and consumes the event that made us look; all in one commit.
func (cl *Clinic) settle(ctx context.Context, p billing.Payment, o billing.Observation, event string) error {
	for n := 1; ; n++ {
		now := cl.now()
		next, entries, err := p.Settle(o, now)
		if err != nil {
			return err
		}
		m := Commit{Done: event, At: now, Entries: entries}
		if next.Version != p.Version {
			m.Payments = []billing.Payment{next}
			if err := cl.follow(ctx, &m, p, next, now); err != nil {
				return err
			}
		}
		err = cl.Store.Commit(ctx, m)
		if !errors.Is(err, ErrChanged) || n == attempts {
			return err
		}
		if p, err = cl.Store.Payment(ctx, p.ID); err != nil {
			return err
		}
	}
}

// fail records that an answered visit's hold could not be captured: the answer
// stands, the patient gets a pay link, the practice a work item.
func (cl *Clinic) fail(ctx context.Context, p billing.Payment, why, event string) error {
	now := cl.now()
	next, entries, err := p.Fail(why, now)
	if err != nil {
		return err
	}
	v, err := cl.Store.Visit(ctx, p.Visit)
	if err != nil {
		return err
	}
	return cl.Store.Commit(ctx, Commit{
		Done: event, At: now, Payments: []billing.Payment{next}, Entries: entries,
		Events: []outbox.Event{cl.event(outbox.ChargeFails, outbox.Notify, v, now)},
		Audit:  []audit.Record{cl.trail(system("charge"), "payment."+string(next.State), v, now)},
	})
}

// follow adds to m what a payment's change means for its visit.
func (cl *Clinic) follow(ctx context.Context, m *Commit, was, p billing.Payment, now time.Time) error {
	v, err := cl.Store.Visit(ctx, p.Visit)
	if err != nil {
		return err
	}
	next := v
	tell := func(k outbox.Kind, to outbox.Consumer) {
		e := cl.event(k, to, next, now)
		e.Payment = p.ID
		m.Events = append(m.Events, e)
	}
	if was.State != p.State {
		switch p.State {
		case billing.Held:
			practice, err := cl.practice(ctx, v.Practice)
			if err != nil {
				return err
			}
			var wanted bool
			if next, wanted = v.Held(p.ID, p.CaptureBefore, practice.Terms, now); wanted {
				tell(outbox.Received, outbox.Notify)
			} else {
				tell(outbox.Release, outbox.Charge)
			}
		case billing.Abandoned:
			if next = v.Unpaid(p.ID); next.Version != v.Version {
				tell(outbox.CheckoutEnd, outbox.Notify)
			}
		case billing.Captured:
			tell(outbox.Charged, outbox.Notify)
			if v.Status == visit.AwaitingPayment { // captured by hand at Stripe
				practice, err := cl.practice(ctx, v.Practice)
				if err != nil {
					return err
				}
				next, _ = v.Held(p.ID, time.Time{}, practice.Terms, now)
			}
		case billing.Lapsed, billing.Released:
			if next = v.Unheld(p.ID, now); next.Version != v.Version {
				tell(outbox.Ended, outbox.Notify)
			} else if v.Payment == p.ID && !v.Times.Answered.IsZero() {
				tell(outbox.ChargeFails, outbox.Notify)
			}
		case billing.Opened, billing.Refunded, billing.Disputed, billing.Failed:
		}
	}
	if next.Version != v.Version {
		m.Visit = &next
	}
	m.Audit = append(m.Audit, cl.trail(system("charge"), "payment."+string(p.State), next, now))
	return nil
}

// A Money is what is known of a visit's payments.
type Money struct {
	Visit    visit.Visit
	Payments []billing.Payment
	Entries  []ledger.Entry
}

// Money returns a visit's payments and ledger entries.
func (cl *Clinic) Money(ctx context.Context, c Caller, id string) (Money, error) {
	v, err := cl.allowed(ctx, c, identity.ReadMoney, id, cl.now())
	if err != nil {
		return Money{}, err
	}
	out := Money{Visit: v}
	for _, id := range v.Payments {
		p, err := cl.Store.Payment(ctx, id)
		if err != nil {
			return Money{}, err
		}
		es, err := cl.Store.Entries(ctx, id)
		if err != nil {
			return Money{}, err
		}
		out.Payments, out.Entries = append(out.Payments, p), append(out.Entries, es...)
	}
	return out, nil
}
