package charge

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// applyToVisit adds to c what the change of a payment from was to p means for
// its visit: the visit's next state, letters to the patient and the practice,
// and work items of the practice.
func (m *Room) applyToVisit(ctx context.Context, c *clinic.Commit, was, p billing.Payment) error {
	v, err := m.Store.Visit(ctx, p.Visit)
	if err != nil {
		return err
	}
	for i := range c.Entries {
		c.Entries[i].Form, c.Entries[i].Clinician, c.Entries[i].Payer = v.Form.Name, v.AnsweredBy(), v.Quote.Plan.Payer
	}
	next := v
	if was.Version == 0 {
		next = v.WithStray(p.ID)
		c.Events = append(c.Events, m.event(outbox.StrayFound, outbox.Notify, next, p, c.At))
		if err := m.openWork(ctx, c, work.Item{Kind: work.StrayPayment, Practice: v.Practice, Visit: v.ID, Payment: p.ID}, p.ID); err != nil {
			return err
		}
	}
	if was.State != p.State {
		if next, err = m.applyState(ctx, c, next, was, p); err != nil {
			return err
		}
	}
	if err := errors.Join(m.applyRefund(ctx, c, next, was, p), m.applyDispute(ctx, c, next, was, p)); err != nil {
		return err
	}
	if next, err = m.followFee(ctx, c, next, p); err != nil {
		return err
	}
	answered := v.Status == visit.Answered || v.Status == visit.Closed
	if answered && p.Collected > was.Collected && was.State != billing.Held { // a fee that could not be captured
		if err := m.endFailedPayments(ctx, c, v); err != nil {
			return err
		}
	}
	if next.Version != v.Version {
		next.Version = v.Version + 1
		c.Visit = &next
		if err := m.Kernel.EndVisitWork(ctx, c, v, next, "system:charge"); err != nil {
			return err
		}
	}
	if !was.Dispute.Open() { // else the next look at the dispute is put already
		m.lookLater(c, next, p)
	}
	c.Audit = append(c.Audit, m.Kernel.Record(clinic.System("charge"), "payment."+change(was, p), next, c.At))
	return nil
}

// followFee returns v after p changed, and adds to c, if the fee of v's answer is owed from
// now on, the letter with the pay link and somebody's work.
func (m *Room) followFee(ctx context.Context, c *clinic.Commit, v visit.Visit, p billing.Payment) (visit.Visit, error) {
	next := v.FollowPayment(p, c.At)
	if !next.Owed || v.Owed {
		return next, nil
	}
	c.Events = append(c.Events, m.event(outbox.ChargeFailed, outbox.Notify, next, p, c.At))
	item := work.Item{Kind: work.PaymentFailed, Practice: v.Practice, Visit: v.ID, Payment: p.ID, Note: p.Why}
	return next, m.openWork(ctx, c, item, p.ID)
}

// change names what the trail says of a payment's change.
func change(was, p billing.Payment) string {
	switch {
	case p.Dispute != was.Dispute:
		return disputeChange(was.Dispute, p.Dispute)
	case p.Refunded < was.Refunded:
		return "unrefunded"
	case p.Refunded > was.Refunded && p.State == was.State:
		return string(billing.FullyRefunded) // in part
	}
	return string(p.State)
}

// event is an event about p, which need not be the payment that v wants.
func (m *Room) event(k outbox.Kind, to outbox.Consumer, v visit.Visit, p billing.Payment, now time.Time) outbox.Event {
	e := m.Kernel.Event(k, to, v, now)
	e.Payment = p.ID
	return e
}

// applyState returns v after its payment came from was to the state of p, and adds
// the events about it to c.
func (m *Room) applyState(ctx context.Context, c *clinic.Commit, v visit.Visit, was, p billing.Payment) (visit.Visit, error) {
	next := v
	tell := func(k outbox.Kind, to outbox.Consumer) { c.Events = append(c.Events, m.event(k, to, next, p, c.At)) }
	switch p.State {
	case billing.Held:
		if p.CardOf != "" {
			return m.applyRenewal(c, v, p), nil
		}
		terms, err := m.terms(ctx, v)
		if err != nil {
			return v, err
		}
		var wanted bool
		if next, wanted = v.HoldPlaced(p.ID, p.CaptureBefore, terms, c.At); wanted {
			tell(outbox.Received, outbox.Notify)
		} else {
			tell(outbox.Release, outbox.Charge)
		}
	case billing.Captured, billing.FullyRefunded, billing.Disputed, billing.ChargedBack: // the collection and what followed may be observed at once
		if p.Collected > was.Collected {
			return m.applyCapture(ctx, c, v, p)
		}
	case billing.Abandoned, billing.Failed: // before the answer, a bank refused
		if p.CardOf != "" && p.State == billing.Failed && was.State == billing.Opened {
			return v.RefuseCard(), nil
		}
		if next = v.CheckoutAbandoned(p.ID); next.Version != v.Version {
			tell(outbox.CheckoutAbandoned, outbox.Notify)
		}
	case billing.Lapsed, billing.Released:
		next = v.HoldLost(p.ID, c.At)
		if p.State == billing.Lapsed {
			next = v.HoldLapsed(p.ID, c.At)
		}
		switch {
		case next.Version != v.Version:
			tell(outbox.Ended, outbox.Notify)
			c.Work = append(c.Work, clinic.ExpiredWork(next, c.At))
		case v.ChargesCard(p):
			tell(outbox.Capture, outbox.Charge)
		}
	case billing.Opened, billing.Processing:
	}
	return next, nil
}

// applyCapture returns v after p was collected. A charge that v does not want, made
// by hand at Stripe or too late, is refunded, the patient told, and the practice
// asked to find out how it came. So is one that was refunded at Stripe before the
// request was sent, which is a draft again.
func (m *Room) applyCapture(ctx context.Context, c *clinic.Commit, v visit.Visit, p billing.Payment) (visit.Visit, error) {
	next := v
	tell := func(k outbox.Kind, to outbox.Consumer) { c.Events = append(c.Events, m.event(k, to, next, p, c.At)) }
	unsent := v.Status == visit.AwaitingPayment && p.State == billing.FullyRefunded
	if !v.WantsPayment(p.ID) || unsent {
		next = v.CheckoutAbandoned(p.ID)
		tell(outbox.Release, outbox.Charge)
		tell(outbox.Reversed, outbox.Notify)
		return next, m.openWork(ctx, c, work.Item{Kind: work.PaymentReversed, Practice: v.Practice, Visit: v.ID, Payment: p.ID}, p.ID)
	}
	tell(outbox.Charged, outbox.Notify)
	if p.Excess(v.Keeps(p.ID)) > 0 { // captured by hand at Stripe, after an answer that costs less than was held
		tell(outbox.Release, outbox.Charge)
	}
	if v.Status.BeforeAnswer() {
		if err := m.openFirst(ctx, c, work.Item{Kind: work.PaymentEarly, Practice: v.Practice, Visit: v.ID, Payment: p.ID}, p.ID); err != nil {
			return v, err
		}
	}
	if v.Status != visit.AwaitingPayment {
		return v, nil
	}
	terms, err := m.terms(ctx, v) // captured by hand at Stripe, or paid by a page that charges at once
	if err != nil {
		return v, err
	}
	next, _ = v.HoldPlaced(p.ID, time.Time{}, terms, c.At)
	tell(outbox.Received, outbox.Notify)
	return next, nil
}

// applyRefund adds to c what the change of the amount refunded means: a refund that
// failed is told and somebody's work, until the money is refunded after all.
func (m *Room) applyRefund(ctx context.Context, c *clinic.Commit, v visit.Visit, was, p billing.Payment) error {
	kept := v.Keeps(p.ID)
	if was.Asked.Stage == billing.RefundAsked && p.Asked.Stage == billing.RefundMade {
		c.Events = append(c.Events, m.event(outbox.Refunded, outbox.Notify, v, p, c.At))
	}
	if p.State == billing.FullyRefunded || p.Asked.Stage == billing.RefundMade && was.Asked.Stage != p.Asked.Stage {
		if err := m.endWork(ctx, c, work.RefundUnmade, v.Practice, p.ID); err != nil {
			return err
		}
	}
	switch {
	case p.Refunded < was.Refunded:
		c.Events = append(c.Events, m.event(outbox.RefundFailed, outbox.Notify, v, p, c.At))
		return m.openWork(ctx, c, work.Item{Kind: work.RefundFailed, Practice: v.Practice, Visit: v.ID, Payment: p.ID, Note: p.Why}, p.ID)
	case p.State == billing.FullyRefunded && was.State != p.State:
		err := m.endWork(ctx, c, work.RefundFailed, v.Practice, p.ID)
		for _, k := range []work.Kind{work.FraudWarned, work.PaymentEarly} {
			err = errors.Join(err, m.endWork(ctx, c, k, v.Practice, p.ID))
		}
		if err != nil || v.WantsPayment(p.ID) {
			return err
		}
		if v.Waived() && v.Payment == p.ID {
			return m.tellReversed(ctx, c, v, p)
		}
		return m.openFirst(ctx, c, work.Item{Kind: work.PaymentReversed, Practice: v.Practice, Visit: v.ID, Payment: p.ID}, p.ID)
	case p.Refunded > was.Refunded && v.MayCapture(p.ID) && p.Collected-was.Refunded > kept:
		if p.Excess(kept) > 0 {
			c.Events = append(c.Events, m.event(outbox.Release, outbox.Charge, v, p, c.At))
		}
		return m.tellReversed(ctx, c, v, p)
	}
	return nil
}

// tellReversed adds to c, the first time, that more of p was charged than the answer of v
// costs, and is refunded: a letter to the patient, and somebody's work to find out how.
func (m *Room) tellReversed(ctx context.Context, c *clinic.Commit, v visit.Visit, p billing.Payment) error {
	told := len(c.Work)
	err := m.openFirst(ctx, c, work.Item{Kind: work.PaymentReversed, Practice: v.Practice, Visit: v.ID, Payment: p.ID}, p.ID)
	if len(c.Work) > told {
		c.Events = append(c.Events, m.event(outbox.Reversed, outbox.Notify, v, p, c.At))
	}
	return err
}

// openFirst is openWork for an item that is opened once: not again after it ended.
func (m *Room) openFirst(ctx context.Context, c *clinic.Commit, i work.Item, about string) error {
	_, err := m.Store.WorkItem(ctx, i.Practice, work.ID(i.Kind, about))
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	return m.openWork(ctx, c, i, about)
}

// warn adds to c that the issuer of p's card warns of fraud. Money that is refunded, or
// that a dispute has, needs nobody.
func (m *Room) warn(ctx context.Context, c *clinic.Commit, p billing.Payment) error {
	if p.Version == 0 || p.State == billing.FullyRefunded || p.Withdrawn > 0 {
		return nil
	}
	v, err := m.Store.Visit(ctx, p.Visit)
	if err != nil {
		return err
	}
	item := work.Item{Kind: work.FraudWarned, Practice: v.Practice, Visit: v.ID, Payment: p.ID}
	_, err = m.Store.WorkItem(ctx, v.Practice, work.ID(item.Kind, p.ID))
	if !errors.Is(err, fault.NotFound) { // told before
		return err
	}
	c.Events = append(c.Events, m.event(outbox.FraudWarned, outbox.Notify, v, p, c.At))
	if len(c.Audit) == 0 {
		c.Audit = append(c.Audit, m.Kernel.Record(clinic.System("charge"), "payment.warned", v, c.At))
	}
	return m.openWork(ctx, c, item, p.ID)
}

func (m *Room) terms(ctx context.Context, v visit.Visit) (visit.Terms, error) {
	p, err := m.Kernel.Practice(ctx, v.Practice)
	return p.Terms, err
}

// openWork adds to c an item of the practice's office about the record with that
// id, unless one is open or c has it already.
func (m *Room) openWork(ctx context.Context, c *clinic.Commit, i work.Item, about string) error {
	i.Pool = identity.OfficePool
	return m.Kernel.OpenWork(ctx, c, work.New(i, about, c.At))
}

// endWork adds to c that the item of a kind about the record with that id has
// ended, if it is open.
func (m *Room) endWork(ctx context.Context, c *clinic.Commit, k work.Kind, practice, about string) error {
	item, err := m.Store.WorkItem(ctx, practice, work.ID(k, about))
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if next := item.End("system:charge", c.At); next.Version != item.Version {
		c.Work = append(c.Work, next)
	}
	return nil
}

// endFailedPayments ends the work items of v's payments that could not be
// collected.
func (m *Room) endFailedPayments(ctx context.Context, c *clinic.Commit, v visit.Visit) error {
	for _, id := range v.Payments {
		if err := m.endWork(ctx, c, work.PaymentFailed, v.Practice, id); err != nil {
			return err
		}
	}
	return nil
}
