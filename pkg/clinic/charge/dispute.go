package charge

import (
	"context"
	"errors"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// applyDispute adds to c what the change of p's dispute means: work of the practice's
// office and letters to it and, when a dispute leaves money with the practice that v does
// not keep, its refund.
func (m *Room) applyDispute(ctx context.Context, c *clinic.Commit, v visit.Visit, was, p billing.Payment) error {
	if p.Dispute == was.Dispute {
		return nil
	}
	if k := letterOf(was.Dispute, p.Dispute); k != "" {
		c.Events = append(c.Events, m.event(k, outbox.Notify, v, p, c.At))
	}
	if err := m.disputeWork(ctx, c, v, was.Dispute, p); err != nil {
		return err
	}
	if was.State == billing.Disputed && p.Excess(v.Keeps(p.ID)) > 0 {
		c.Events = append(c.Events, m.event(outbox.Release, outbox.Charge, v, p, c.At), m.event(outbox.Reversed, outbox.Notify, v, p, c.At))
	}
	return nil
}

// letterOf returns the kind of letter that tells how a dispute came from was to d; empty if
// none does.
func letterOf(was, d billing.Dispute) outbox.Kind {
	begun := was.ID != d.ID || was.Inquiry() && !d.Inquiry()
	switch {
	case !d.Open() && (begun || was.Open()):
		return outbox.DisputeEnded
	case d.Open() && d.Missed && !was.Missed:
		return outbox.DisputeMissed
	case begun && d.AwaitsAnswer():
		return outbox.DisputeOpened
	case d.AwaitsAnswer() && d.Warned && !was.Warned:
		return outbox.DisputeDue
	}
	return ""
}

// disputeChange names what the trail says of a dispute that came from was to d.
func disputeChange(was, d billing.Dispute) string {
	switch {
	case d.Won():
		return "dispute_won"
	case d.Lost():
		return "dispute_lost"
	case !d.Open():
		return "inquiry_closed"
	case d.Missed && (!was.Missed || was.ID != d.ID):
		return "dispute_missed"
	case d.Answered && !was.Answered:
		return "dispute_answered"
	case d.Inquiry():
		return "inquired"
	}
	return string(billing.Disputed)
}

// disputeWork adds to c the work that p's dispute, which was was, makes, and ends what it
// makes no more.
func (m *Room) disputeWork(ctx context.Context, c *clinic.Commit, v visit.Visit, was billing.Dispute, p billing.Payment) error {
	d := p.Dispute
	item := work.Item{Kind: work.Dispute, Practice: v.Practice, Visit: v.ID, Payment: p.ID, Note: d.Reason}
	if d.Inquiry() {
		item.Note = work.Inquiry
	}
	var errs []error
	if d.AwaitsAnswer() && !d.Missed {
		errs = append(errs, m.placeWork(ctx, c, work.New(item, p.ID, c.At).Says(item.Note, d.Due)))
	} else {
		errs = append(errs, m.endWork(ctx, c, work.Dispute, v.Practice, p.ID))
	}
	missed := item
	missed.Kind = work.DisputeMissed
	switch {
	case d.Won():
		errs = append(errs, m.endWork(ctx, c, work.DisputeMissed, v.Practice, d.ID))
	case d.Missed && (!was.Missed || was.ID != d.ID):
		errs = append(errs, m.openWork(ctx, c, missed, d.ID))
	}
	if !d.Inquiry() { // what a dispute has cannot be refunded
		errs = append(errs, m.endWork(ctx, c, work.FraudWarned, v.Practice, p.ID))
	}
	return errors.Join(errs...)
}

// placeWork adds to c an item of the practice's office as it is to be: new, opened again,
// or with another note and due time.
func (m *Room) placeWork(ctx context.Context, c *clinic.Commit, i work.Item) error {
	i.Pool, i.Version = identity.OfficePool, 1
	was, err := m.Store.WorkItem(ctx, i.Practice, i.ID)
	switch {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return err
	case was.Open():
		if i = was.Says(i.Note, i.Due); i.Version == was.Version {
			return nil
		}
	default:
		i = i.Again(was)
	}
	c.Work = append(c.Work, i)
	return nil
}

// carry takes to Stripe what the practice decided about the dispute of a payment. It reads
// again that this was decided, of the dispute and the stage that Stripe has now, and that
// the bank still waits: an event alone submits nothing, and what was submitted by hand, or
// before, is not submitted again.
func (m *Room) carry(ctx context.Context, d outbox.Delivery, what billing.Decision) error {
	p, err := m.Store.Payment(ctx, d.Payment)
	if err != nil {
		return err
	}
	o, err := m.observe(ctx, p)
	if err != nil {
		return err
	}
	seen, _, err := p.Settle(o, m.Kernel.Time())
	if err != nil {
		return err
	}
	if !seen.Dispute.AwaitsAnswer() || seen.Dispute.Decision != what {
		return m.settle(ctx, p, o)
	}
	if what == billing.Accepting {
		return m.giveBack(ctx, p, m.Cards.AcceptDispute(ctx, p.Account, seen.Dispute.ID, d.Key()))
	}
	said, err := m.Store.Evidence(ctx, seen)
	if err != nil {
		return err
	}
	return m.giveBack(ctx, p, m.Cards.SubmitEvidence(ctx, p.Account, seen.Dispute.ID, said, d.Key()))
}
