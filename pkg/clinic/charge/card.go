package charge

import (
	"context"
	"slices"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// renew renews the hold of a visit that awaits its answer, as the patient agreed: first the
// payment that is to do it is stored, with an event of its own, which then has Stripe hold the
// card. The hold that the visit has is released when the new one stands.
func (m *Room) renew(ctx context.Context, d outbox.Delivery) error {
	p, v, err := m.paymentAndVisit(ctx, d)
	switch {
	case err != nil:
		return err
	case p.CardOf != "" && p.State == billing.Opened:
		return m.chargeCard(ctx, d, p, v)
	case !v.RenewsHold(p):
		return nil
	}
	by, err := p.ByCard(v.Quote.Amount, false, m.Kernel.Time())
	if err != nil || slices.Contains(v.Payments, by.ID) {
		return err
	}
	return m.openCardPayment(ctx, by, v.WithRenewal(by.ID), outbox.RenewHold)
}

// collectLapsed collects the fee of an answered visit whose hold, under p, ended before: from
// the same card, if the patient agreed, else the fee is owed.
func (m *Room) collectLapsed(ctx context.Context, p billing.Payment, v visit.Visit) error {
	now := m.Kernel.Time()
	if v.ChargesCard(p) {
		by, err := p.ByCard(v.Fee(), true, now)
		if err != nil {
			return err
		}
		return m.openCardPayment(ctx, by, v.PayLink(by.ID), outbox.Capture)
	}
	c := clinic.Commit{At: now}
	next, err := m.followFee(ctx, &c, v, p)
	if err != nil || next.Version == v.Version {
		return err
	}
	next.Version = v.Version + 1
	c.Visit = &next
	c.Audit = append(c.Audit, m.Kernel.Record(clinic.System("charge"), "payment.owed", next, now))
	return m.Kernel.Store.Commit(ctx, c)
}

// openCardPayment stores a payment by a card, its visit, and the event that asks Stripe for it.
func (m *Room) openCardPayment(ctx context.Context, p billing.Payment, v visit.Visit, k outbox.Kind) error {
	return m.Kernel.Store.Commit(ctx, clinic.Commit{
		Visit: &v, Payments: []billing.Payment{p}, At: p.OpenedAt, Events: []outbox.Event{m.event(k, outbox.Charge, v, p, p.OpenedAt)},
		Audit: []audit.Record{m.Kernel.Record(clinic.System("charge"), "payment.by_card", v, p.OpenedAt)},
	})
}

// chargeCard has Stripe hold or collect p by the card that its patient paid with before. An
// earlier try may have done so, and its answer be lost: that intent is found, also where v
// does not want p any more, and then released or refunded. A card that refuses is not tried
// again.
func (m *Room) chargeCard(ctx context.Context, d outbox.Delivery, p billing.Payment, v visit.Visit) error {
	first, err := m.Store.Payment(ctx, p.CardOf)
	if err != nil {
		return err
	}
	c := CardCharge{Account: p.Account, Ref: p.ID, Card: first.Intent, Amount: p.Amount, AtOnce: p.AtOnce, Platform: p.AtOncePart()}
	intent, err := m.Cards.FindCardCharge(ctx, c)
	if err != nil {
		return err
	}
	wanted := v.MayCapture(p.ID) || !p.AtOnce && v.Card == visit.CardAgreed && v.Status.AwaitsAnswer()
	switch {
	case intent != "":
	case !wanted:
		return m.settle(ctx, p, billing.Observation{SessionOver: true})
	default:
		if intent, err = m.Cards.ChargeCard(ctx, c, d.Key()); err != nil {
			return m.cardRefused(ctx, d, p, err)
		}
	}
	_, o, err := m.Cards.Observe(ctx, p.Account, intent)
	if err != nil {
		return err
	}
	return m.settle(ctx, p, o)
}

// cardRefused settles p after ChargeCard made no intent: Stripe does not have the card any
// more, or does not take the call.
func (m *Room) cardRefused(ctx context.Context, d outbox.Delivery, p billing.Payment, err error) error {
	refused, unknown := splitRefusal(err)
	switch {
	case unknown != nil:
		return unknown
	case refused.Temporary, lost(refused), !refused.Final && d.Attempt < captureAttempts-1:
		return refused
	}
	return m.settle(ctx, p, billing.Observation{Status: "canceled", Failure: refused.Code})
}

// applyRenewal returns v after the hold under p, in place of the one that v has, was placed:
// the former is released, or p, if v does not want it.
func (m *Room) applyRenewal(c *clinic.Commit, v visit.Visit, p billing.Payment) visit.Visit {
	next, wanted := v.HoldRenewed(p.ID, p.CaptureBefore)
	release := m.event(outbox.Release, outbox.Charge, next, p, c.At)
	switch {
	case !wanted:
		c.Events = append(c.Events, release)
	case next.Version != v.Version:
		release.Payment = v.Payment
		c.Events = append(c.Events, release)
	}
	return next
}
