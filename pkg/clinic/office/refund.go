package office

import (
	"context"
	"slices"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// Refunds are what was refunded of a visit's payments, and what the caller can refund.
type Refunds struct {
	Visit    visit.Visit
	Payments []Refundable // that were charged
	Entries  []ledger.Entry
}

// A Refundable is a payment, and how much of it the caller can refund now; 0: nothing.
type Refundable struct {
	billing.Payment
	Most money.Cents
}

var errNotCharged = fault.New(fault.NotFound, "not_charged", "no such payment of this visit was charged")

// Refunds returns the refunds of a visit, and records that the caller read them. Errors:
// those of LoadVisit.
func (o *Office) Refunds(ctx context.Context, c clinic.Caller, id string) (Refunds, error) {
	c, v, err := o.Kernel.LoadVisit(ctx, c, identity.RefundPayment, id)
	if err != nil {
		return Refunds{}, err
	}
	m, err := books.Load(ctx, o.Store, v)
	if err != nil {
		return Refunds{}, err
	}
	limit, err := o.refundLimit(ctx, c, v)
	if err != nil {
		return Refunds{}, err
	}
	out, now := Refunds{Visit: v}, o.Kernel.Time()
	for _, p := range m.Payments {
		if p.Collected > 0 {
			out.Payments = append(out.Payments, Refundable{p, p.Refundable(limit, v.Keeps(p.ID), now)})
		}
	}
	for _, e := range m.Entries {
		if e.Kind == ledger.Refund || e.Kind == ledger.RefundFailed {
			out.Entries = append(out.Entries, e)
		}
	}
	return out, o.recordLook(ctx, c, identity.ReadMoney, v)
}

// MayRefund reports whether the caller can refund something of v now. It tells nothing
// else of the payments, and is no look at them.
func (o *Office) MayRefund(ctx context.Context, c clinic.Caller, v visit.Visit) (bool, error) {
	now := o.Kernel.Time()
	if len(v.Payments) == 0 || !slices.Contains(identity.Rights(c.Person, v.Resource(), now), identity.RefundPayment) {
		return false, nil
	}
	limit, err := o.refundLimit(ctx, c, v)
	if err != nil || limit == 0 {
		return false, err
	}
	m, err := books.Load(ctx, o.Store, v)
	return slices.ContainsFunc(m.Payments, func(p billing.Payment) bool { return p.Refundable(limit, v.Keeps(p.ID), now) > 0 }), err
}

// refundLimit is how much of one payment of v the caller may have refunded in all.
// Administrators have no limit; staff have the one that their practice decided, which is
// nothing before it did. Nobody else refunds: a clinician lowers the fee with the answer,
// and sees no payments.
func (o *Office) refundLimit(ctx context.Context, c clinic.Caller, v visit.Visit) (money.Cents, error) {
	if c.Person.Has(identity.Admin) {
		return money.Max, nil
	}
	p, err := o.Kernel.Practice(ctx, v.Practice)
	return p.RefundLimit, err
}

// A RefundRequest is what a caller wants refunded. Left is what was left of the payment
// when the caller was shown it.
type RefundRequest struct {
	Payment string
	Amount  money.Cents
	Left    money.Cents
	Reason  billing.RefundReason
}

// Refund has an amount of a payment refunded, once: the same asked again by the same person
// succeeds, and of two at once one is carried out and the other refused. Function charge
// makes the refund at Stripe. Errors: those of LoadVisit; fault.NotFound for a payment of
// another visit, or that was not charged; those of billing.Payment.AskRefund.
func (o *Office) Refund(ctx context.Context, c clinic.Caller, id string, r RefundRequest) (billing.Payment, error) {
	return clinic.Retry(func() (billing.Payment, error) { return o.refund(ctx, c, id, r) })
}

func (o *Office) refund(ctx context.Context, c clinic.Caller, id string, r RefundRequest) (billing.Payment, error) {
	c, v, err := o.Kernel.LoadVisit(ctx, c, identity.RefundPayment, id)
	if err != nil {
		return billing.Payment{}, err
	}
	m, err := books.Load(ctx, o.Store, v)
	if err != nil {
		return billing.Payment{}, err
	}
	at := slices.IndexFunc(m.Payments, func(p billing.Payment) bool { return p.ID == r.Payment && p.Collected > 0 })
	if at < 0 {
		return billing.Payment{}, errNotCharged
	}
	limit, err := o.refundLimit(ctx, c, v)
	if err != nil {
		return billing.Payment{}, err
	}
	p, now := m.Payments[at], o.Kernel.Time()
	e := o.Kernel.Event(outbox.Refund, outbox.Charge, v, now)
	e.Payment = p.ID
	asked := billing.Refund{ID: e.ID, Amount: r.Amount, Left: r.Left, Reason: r.Reason, By: c.Person.ID}
	next, err := p.AskRefund(asked, limit, v.Keeps(p.ID), now)
	if err != nil || next.Version == p.Version {
		return next, err
	}
	act := o.Kernel.Record(c.Actor(v.Patient), string(identity.RefundPayment), v, now)
	act.Resource = p.ID
	return next, o.Kernel.Store.Commit(ctx, clinic.Commit{
		At: now, Payments: []billing.Payment{next}, Events: []outbox.Event{e}, Audit: []audit.Record{act},
	})
}
