package stripesim

import (
	"context"
	"fmt"
)

// A Tally is a number of holds or charges and the sum of their amounts.
type Tally struct {
	Count int   `json:"count"`
	Cents int64 `json:"cents"`
}

func (x *Tally) add(cents int64) { x.Count++; x.Cents += cents }

// An Oracle is the state of an account's money, computed from the account's objects.
// In cents, Holds = Captured + Released + Lapsed + Held, and BalanceCents = Captured -
// Refunded - Disputed - FeeCents + EarnedCents - PaidOut. The part of a hold that a
// smaller capture released is in Released.Cents and not in Released.Count. A payment
// captured at once counts in Holds and Captured.
type Oracle struct {
	Holds        Tally          `json:"holds"` // all holds ever made
	Held         Tally          `json:"held"`  // holds in force
	Captured     Tally          `json:"captured"`
	Released     Tally          `json:"released"`
	Lapsed       Tally          `json:"lapsed"`   // holds that expired
	Refunded     Tally          `json:"refunded"` // refunds of captured money; Count is of charges
	OpenSessions int            `json:"open_sessions"`
	BalanceCents int64          `json:"balance_cents"` // the sum of the balance transactions
	PendingCents int64          `json:"pending_cents"` // part of BalanceCents that is not available yet
	Intents      []OracleIntent `json:"payment_intents"`
	OracleMoney

	Subscriptions []OracleSubscription `json:"subscriptions"`
}

// An OracleIntent is one payment in an Oracle.
type OracleIntent struct {
	ID             string            `json:"id"`
	Account        string            `json:"account"`
	Session        string            `json:"session"`            // empty if there was no page
	Invoice        string            `json:"invoice,omitempty"`  // what the payment is for, if it is for one
	Customer       string            `json:"customer,omitempty"` // whose card Stripe keeps; empty if it keeps none
	Status         string            `json:"status"`
	Amount         int64             `json:"amount"`
	AmountReceived int64             `json:"amount_received"`
	AmountRefunded int64             `json:"amount_refunded"` // part of AmountReceived
	FeeCents       int64             `json:"fee_cents"`       // of the charge and its refunds, without disputes
	PlatformCents  int64             `json:"platform_cents"`  // part of FeeCents: the platform's
	CaptureBefore  int64             `json:"capture_before,omitempty"`
	Created        int64             `json:"created"`
	Metadata       map[string]string `json:"metadata"`
}

// An OracleSubscription is one subscription in an Oracle. PaidCents is the sum of its
// paid invoices before refunds, and PendingCents what waits for its next one.
type OracleSubscription struct {
	ID                string            `json:"id"`
	Account           string            `json:"account"`
	Customer          string            `json:"customer"`
	Status            string            `json:"status"`
	PeriodStart       int64             `json:"current_period_start"`
	PeriodEnd         int64             `json:"current_period_end"`
	CancelAtPeriodEnd bool              `json:"cancel_at_period_end"`
	YearCents         int64             `json:"year_cents"`
	PaidCents         int64             `json:"paid_cents"`
	PendingCents      int64             `json:"pending_cents"`
	Metadata          map[string]string `json:"metadata"`
	Invoices          []OracleInvoice   `json:"invoices"`
}

// An OracleInvoice is one invoice of an OracleSubscription, oldest first.
type OracleInvoice struct {
	ID            string `json:"id"`
	Number        string `json:"number"`
	Status        string `json:"status"`
	AmountDue     int64  `json:"amount_due"`
	AmountPaid    int64  `json:"amount_paid"`
	PaymentIntent string `json:"payment_intent"`
	Created       int64  `json:"created"`
}

// Oracle returns the state of an account's money, or that of all accounts together if
// account is empty.
func (s *Sim) Oracle(ctx context.Context, account string) (Oracle, error) {
	if err := s.expireDue(ctx); err != nil {
		return Oracle{}, err
	}
	out := newOracle()
	err := s.update(ctx, account, origin{}, func(ctx context.Context, t *tx) error {
		accounts := []string{account}
		if account == "" {
			var err error
			if accounts, err = t.bodies(ctx, `SELECT id FROM objects WHERE kind = ? ORDER BY seq`, kindAccount); err != nil {
				return err
			}
		}
		for _, a := range accounts {
			t.account = a
			known, err := t.knows(ctx, a)
			if err != nil {
				return err
			}
			if !known {
				return missing(kindAccount, a, "account")
			}
			if err := t.tally(ctx, &out); err != nil {
				return fmt.Errorf("computing the truth about %s: %w", a, err)
			}
		}
		return nil
	})
	return out, err
}

func (t *tx) tally(ctx context.Context, out *Oracle) error {
	sessions, err := all[session](ctx, t, kindSession)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if s.Status == sessionOpen {
			out.OpenSessions++
		}
	}
	intents, err := all[intent](ctx, t, kindIntent)
	if err != nil {
		return err
	}
	byID := map[string]*intent{}
	for _, pi := range intents {
		byID[pi.ID] = pi
	}
	charges, err := all[charge](ctx, t, kindCharge)
	if err != nil {
		return err
	}
	back := map[string]int64{}
	for _, ch := range charges {
		out.count(ch, byID[ch.PaymentIntent])
		back[ch.PaymentIntent] += ch.refundedCents()
	}
	fees, platform, err := t.intentFees(ctx, charges)
	if err != nil {
		return err
	}
	for _, pi := range intents {
		out.Intents = append(out.Intents, OracleIntent{
			ID: pi.ID, Account: t.account, Session: pi.Sim.Session, Invoice: deref(pi.Invoice), Customer: deref(pi.Customer), Status: pi.Status, Amount: pi.Amount,
			AmountReceived: pi.AmountReceived, AmountRefunded: back[pi.ID], FeeCents: fees[pi.ID], PlatformCents: platform[pi.ID],
			CaptureBefore: pi.Sim.CaptureBefore, Created: pi.Created, Metadata: pi.Metadata,
		})
	}
	if err := t.tallySubscriptions(ctx, out); err != nil {
		return err
	}
	available, pending, err := t.balance(ctx)
	out.BalanceCents, out.PendingCents = out.BalanceCents+available+pending, out.PendingCents+pending
	if err != nil {
		return err
	}
	return t.tallyMoney(ctx, &out.OracleMoney)
}

// intentFees sums the fees of the movements of charges, and of their refunds, by intent, and of
// these the platform's.
func (t *tx) intentFees(ctx context.Context, charges []*charge) (fees, platform map[string]int64, err error) {
	refunds, err := all[refund](ctx, t, kindRefund)
	if err != nil {
		return nil, nil, err
	}
	of := map[string]string{}
	for _, ch := range charges {
		of[ch.ID] = ch.PaymentIntent
	}
	for _, r := range refunds {
		of[r.ID] = r.PaymentIntent
	}
	xs, err := all[transaction](ctx, t, kindTransaction)
	fees, platform = map[string]int64{}, map[string]int64{}
	for _, x := range xs {
		intent, ok := of[x.Source]
		if !ok || x.Type == movedAdjustment {
			continue
		}
		fees[intent] += x.Fee
		for _, d := range x.FeeDetails {
			if d.Type == movedFee {
				platform[intent] += d.Amount
			}
		}
	}
	return fees, platform, err
}

func (t *tx) tallySubscriptions(ctx context.Context, out *Oracle) error {
	subs, err := all[subscription](ctx, t, kindSubscription)
	if err != nil {
		return err
	}
	invoices, err := all[invoice](ctx, t, kindInvoice)
	if err != nil {
		return err
	}
	for _, s := range subs {
		o := OracleSubscription{
			ID: s.ID, Account: t.account, Customer: s.Customer, Status: s.Status, PeriodStart: s.CurrentPeriodStart,
			PeriodEnd: s.CurrentPeriodEnd, CancelAtPeriodEnd: s.CancelAtPeriodEnd, YearCents: s.yearAmount(), Metadata: s.Metadata,
			Invoices: []OracleInvoice{},
		}
		for _, inv := range invoices {
			if inv.Subscription != s.ID {
				continue
			}
			o.PaidCents += inv.AmountPaid
			o.Invoices = append(o.Invoices, OracleInvoice{
				ID: inv.ID, Number: deref(inv.Number), Status: inv.Status, AmountDue: inv.AmountDue, AmountPaid: inv.AmountPaid,
				PaymentIntent: deref(inv.PaymentIntent), Created: inv.Created,
			})
		}
		pending, err := t.pendingItems(ctx, s)
		if err != nil {
			return err
		}
		for _, item := range pending {
			o.PendingCents += item.Amount
		}
		out.Subscriptions = append(out.Subscriptions, o)
	}
	return nil
}

// count adds one charge to the tallies that its state belongs to.
func (o *Oracle) count(ch *charge, pi *intent) {
	if !ch.Paid {
		return
	}
	o.Holds.add(ch.Amount)
	switch {
	case ch.Captured:
		o.Captured.add(ch.AmountCaptured)
		o.Released.Cents += ch.Amount - ch.AmountCaptured
		if back := ch.refundedCents(); back > 0 {
			o.Refunded.add(back)
		}
	case pi.Status == intentNeedsCapture:
		o.Held.add(ch.Amount)
	case pi.CancellationReason != nil && *pi.CancellationReason == canceledAutomatic:
		o.Lapsed.add(ch.Amount)
	default:
		o.Released.add(ch.Amount)
	}
}
