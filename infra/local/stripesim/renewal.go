package stripesim

import (
	"context"
	"time"
)

// retries are the waits before a failed renewal is tried again, each from the attempt
// before it: on the 3rd, the 7th and the 14th day. Stripe's Smart Retries choose their
// days themselves; as a rule they try eight times in two weeks.
var retries = []time.Duration{3 * 24 * time.Hour, 4 * 24 * time.Hour, 7 * 24 * time.Hour}

// advanceSubscription does what is due of a subscription.
func (t *tx) advanceSubscription(ctx context.Context, id string) error {
	s := new(subscription)
	if err := t.get(ctx, kindSubscription, id, "", s); err != nil {
		return err
	}
	switch {
	case s.Status == subIncomplete:
		return t.cancelNow(ctx, s, false, false)
	case t.now.Unix() < s.CurrentPeriodEnd:
		return t.announceRenewal(ctx, s)
	case s.CancelAtPeriodEnd:
		if err := t.invoicePending(ctx, s); err != nil {
			return err
		}
		return t.endSubscription(ctx, s, "cancellation_requested")
	}
	return t.renew(ctx, s)
}

// announceRenewal sends invoice.upcoming, whose invoice does not exist yet.
func (t *tx) announceRenewal(ctx context.Context, s *subscription) error {
	pending, err := t.pendingItems(ctx, s)
	if err != nil {
		return err
	}
	inv, err := t.renewalInvoice(ctx, s, pending)
	if err != nil {
		return err
	}
	inv.ID, inv.Lines.URL = "", "/v1/invoices/upcoming/lines?subscription="+s.ID
	if err := t.emit(ctx, "invoice.upcoming", inv); err != nil {
		return err
	}
	s.Sim.Announced = s.CurrentPeriodEnd
	return t.put(ctx, s, s.due())
}

// renewalInvoice is a draft of the year after the current period, with what is pending.
// Its own period is the one that ends, as Stripe has it.
func (t *tx) renewalInvoice(ctx context.Context, s *subscription, pending []*invoiceItem) (*invoice, error) {
	year, err := t.yearLines(ctx, s, s.CurrentPeriodEnd, s.nextPeriodEnd())
	if err != nil {
		return nil, err
	}
	inv, err := t.newInvoice(ctx, s, "subscription_cycle", append(linesOf(pending), year...))
	if err != nil {
		return nil, err
	}
	inv.PeriodStart, inv.PeriodEnd = s.CurrentPeriodStart, s.CurrentPeriodEnd
	return inv, nil
}

// renew begins the next year, with an invoice that is charged when it was a draft for
// draftLasts. The invoices of an unpaid subscription stay drafts.
func (t *tx) renew(ctx context.Context, s *subscription) error {
	pending, err := t.pendingItems(ctx, s)
	if err != nil {
		return err
	}
	inv, err := t.renewalInvoice(ctx, s, pending)
	if err != nil {
		return err
	}
	inv.AutoAdvance = s.Status != subUnpaid
	if err := t.take(ctx, pending, inv); err != nil {
		return err
	}
	s.CurrentPeriodStart, s.CurrentPeriodEnd, s.LatestInvoice = s.CurrentPeriodEnd, s.nextPeriodEnd(), &inv.ID
	if err := t.changeSubscription(ctx, s); err != nil {
		return err
	}
	return t.change(ctx, "invoice.created", inv, inv.due())
}

// advanceInvoice finalizes a draft that is due, and tries to collect it. Without a card,
// and while the account is disabled, the attempt fails without a charge.
func (t *tx) advanceInvoice(ctx context.Context, id string) error {
	inv := new(invoice)
	if err := t.get(ctx, kindInvoice, id, "", inv); err != nil {
		return err
	}
	if inv.Status == invoiceDraft {
		if err := t.finalize(ctx, inv); err != nil || inv.Paid {
			return err
		}
	}
	pi := new(intent)
	if err := t.get(ctx, kindIntent, *inv.PaymentIntent, "", pi); err != nil {
		return err
	}
	m, err := t.methodFor(ctx, inv, "")
	if err != nil {
		return err
	}
	var a account
	if err := t.get(ctx, kindAccount, t.account, "", &a); err != nil {
		return err
	}
	pi.Sim.ByRequest = false
	if m == nil || !a.ChargesEnabled {
		pi.LastPaymentError = nil
		return t.recordInvoiceFailed(ctx, pi)
	}
	return t.payOffSession(ctx, pi, m)
}

// recordInvoiceFailed records a failed attempt at an invoice, and plans the next one. The
// subscription is past due, and after the last attempt canceled or unpaid, as the
// account is set. A subscription that was never paid stays incomplete.
func (t *tx) recordInvoiceFailed(ctx context.Context, pi *intent) error {
	var inv invoice
	if err := t.get(ctx, kindInvoice, *pi.Invoice, "", &inv); err != nil {
		return err
	}
	inv.Attempted, inv.Charge = true, pi.LatestCharge
	first, last := inv.BillingReason == "subscription_create", false
	if !pi.Sim.ByRequest {
		inv.AttemptCount++
		if last = !first && inv.AttemptCount > len(retries); !first && !last {
			next := t.now.Add(retries[inv.AttemptCount-1]).Unix()
			inv.NextPaymentAttempt = &next
		}
	}
	if last {
		inv.AutoAdvance, inv.NextPaymentAttempt = false, nil
	}
	if why := pi.LastPaymentError; why != nil && why.Code == "authentication_required" {
		if err := t.emit(ctx, "invoice.payment_action_required", &inv); err != nil {
			return err
		}
	}
	if err := t.change(ctx, "invoice.payment_failed", &inv, inv.due()); err != nil || first {
		return err
	}
	return t.afterFailure(ctx, &inv, last)
}

// afterFailure changes the subscription of an invoice whose payment failed.
func (t *tx) afterFailure(ctx context.Context, inv *invoice, last bool) error {
	s := new(subscription)
	if err := t.get(ctx, kindSubscription, inv.Subscription, "", s); err != nil {
		return err
	}
	var a account
	if err := t.get(ctx, kindAccount, t.account, "", &a); err != nil {
		return err
	}
	switch {
	case !s.lives() || !is(s.LatestInvoice, inv.ID):
		return nil
	case last && !a.Sim.KeepsUnpaid:
		return t.endSubscription(ctx, s, "payment_failed")
	case last:
		s.Status = subUnpaid
	case s.Status == subActive:
		s.Status = subPastDue
	default:
		return nil
	}
	return t.changeSubscription(ctx, s)
}

// stopCollecting ends the attempts to collect a subscription's invoices, which stay as
// they are.
func (t *tx) stopCollecting(ctx context.Context, s *subscription) error {
	invoices, err := all[invoice](ctx, t, kindInvoice)
	if err != nil {
		return err
	}
	for _, inv := range invoices {
		if inv.Subscription != s.ID || inv.due() == 0 {
			continue
		}
		inv.AutoAdvance, inv.NextPaymentAttempt = false, nil
		if err := t.change(ctx, "invoice.updated", inv, 0); err != nil {
			return err
		}
	}
	return nil
}

// handRenewals sets what becomes of a subscription that cannot be collected.
func (t *tx) handRenewals(ctx context.Context, a Act) (any, error) {
	out := new(account)
	if err := t.get(ctx, kindAccount, a.ID, "id", out); err != nil {
		return nil, err
	}
	out.Sim.KeepsUnpaid = a.Do == HandRenewalsUnpaid
	return out, t.put(ctx, out, out.due())
}

// renewalAct is the act that changes what becomes of such a subscription.
func (a *account) renewalAct() string {
	if a.Sim.KeepsUnpaid {
		return HandRenewalsCancel
	}
	return HandRenewalsUnpaid
}

func (t *tx) handUnsubscribe(ctx context.Context, a Act) (any, error) {
	return cancelSubscription(ctx, t, a.call(""))
}

func (t *tx) handRenewal(ctx context.Context, a Act) (any, error) {
	c := a.call("")
	c.params["cancel_at_period_end"] = a.Do == HandStopRenewal
	return updateSubscription(ctx, t, c)
}

// renewalHand is the act that changes whether s is renewed.
func (s *subscription) renewalHand() string {
	if s.CancelAtPeriodEnd {
		return HandRenew
	}
	return HandStopRenewal
}

// subscriptionRows are the rows of the subscriptions on the page of acts.
func (t *tx) subscriptionRows(ctx context.Context) ([]handRow, error) {
	subs, err := all[subscription](ctx, t, kindSubscription)
	var rows []handRow
	for _, s := range subs {
		row := handRow{s.ID, t.account, s.Status, s.Metadata["ref"], s.yearAmount(), nil}
		if s.lives() {
			row.Acts = []string{s.renewalHand(), HandUnsubscribe}
		}
		rows = append(rows, row)
	}
	return rows, err
}
