package charge

import (
	"context"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

// refundAttempts is how often a refund is tried that Stripe refuses for a reason that may
// pass, such as too little money in the account.
const refundAttempts = 4

// refund makes the refund that a person asked for by d. It reads again that this is asked
// for, and at Stripe what is left: an event alone refunds nothing, and what was refunded by
// hand, or before, is not refunded again.
func (m *Room) refund(ctx context.Context, d outbox.Delivery) error {
	p, err := m.Store.Payment(ctx, d.Payment)
	if err != nil || p.Asked.ID != d.ID || p.Asked.Stage != billing.RefundAsked {
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
	switch {
	case seen.Asked.Stage != billing.RefundAsked:
		return m.settle(ctx, p, o)
	case seen.State == billing.Disputed || seen.Withdrawn > 0:
		return m.refundRefused(ctx, p, o, billing.BankHasIt)
	case seen.Left() < seen.Asked.Amount:
		return m.refundRefused(ctx, p, o, billing.LessLeft)
	}
	refused, err := splitRefusal(m.Cards.Refund(ctx, refundOf(seen, p.Asked.Amount), d.Key()))
	if err != nil {
		return err
	}
	if o, err = m.observe(ctx, p); err != nil {
		return err
	}
	if seen, _, err = p.Settle(o, m.Kernel.Time()); err != nil {
		return err
	}
	switch {
	case seen.Asked.Stage != billing.RefundAsked:
		return m.settle(ctx, p, o)
	case refused == nil: // it was made, and has failed already
		return m.refundRefused(ctx, p, o, billing.RefundFailed)
	case refused.Temporary || !refused.Final && d.Attempt < refundAttempts-1:
		return refused
	}
	return m.refundRefused(ctx, p, o, refused.Code)
}

// refundRefused settles p, whose refund that was asked for is not made, and makes somebody's
// work of it. The patient was told nothing of the refund.
func (m *Room) refundRefused(ctx context.Context, p billing.Payment, o billing.Observation, why string) error {
	if err := m.settle(ctx, p, o); err != nil {
		return err
	}
	now, asked := m.Kernel.Time(), p.Asked.ID
	p, err := m.Store.Payment(ctx, p.ID)
	if err != nil {
		return err
	}
	next := p.RefundRefused(asked, why)
	if next.Version == p.Version {
		return nil
	}
	v, err := m.Store.Visit(ctx, p.Visit)
	if err != nil {
		return err
	}
	c := clinic.Commit{
		Payments: []billing.Payment{next}, At: now,
		Audit: []audit.Record{m.Kernel.Record(clinic.System("charge"), "payment.refund_refused", v, now)},
	}
	item := work.Item{Kind: work.RefundUnmade, Practice: v.Practice, Visit: v.ID, Payment: p.ID}
	if why == billing.RefundFailed {
		item.Kind = work.RefundFailed
	}
	if err := m.placeWork(ctx, &c, work.New(item, p.ID, now).Says(why, time.Time{})); err != nil {
		return err
	}
	return m.Kernel.Store.Commit(ctx, c)
}
