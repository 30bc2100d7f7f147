package stripesim

import (
	"context"
	"fmt"
)

// A Tally is a number of things and what they come to.
type Tally struct {
	Count int   `json:"count"`
	Cents int64 `json:"cents"`
}

func (x *Tally) add(cents int64) { x.Count++; x.Cents += cents }

// An Oracle is the truth about an account's money, computed from its objects:
// holds = captured + released + lapsed + held in cents, and balance =
// captured - refunded. The part of a hold that a smaller capture let go is in
// released, cents only. A payment captured at once counts as held and captured.
type Oracle struct {
	Holds        Tally          `json:"holds"` // every authorisation ever made
	Held         Tally          `json:"held"`  // those still standing
	Captured     Tally          `json:"captured"`
	Released     Tally          `json:"released"`
	Lapsed       Tally          `json:"lapsed"`
	Refunded     Tally          `json:"refunded"` // of money taken; Count is of charges
	OpenSessions int            `json:"open_sessions"`
	BalanceCents int64          `json:"balance_cents"` // the sum of the balance transactions
	Intents      []OracleIntent `json:"payment_intents"`
}

// An OracleIntent is one payment as the oracle sees it.
type OracleIntent struct {
	ID             string            `json:"id"`
	Account        string            `json:"account"`
	Session        string            `json:"session"`
	Status         string            `json:"status"`
	Amount         int64             `json:"amount"`
	AmountReceived int64             `json:"amount_received"`
	AmountRefunded int64             `json:"amount_refunded"` // of the money received
	CaptureBefore  int64             `json:"capture_before,omitempty"`
	Created        int64             `json:"created"`
	Metadata       map[string]string `json:"metadata"`
}

// Oracle computes an account's truth, or with an empty account that of all
// accounts together.
func (s *Sim) Oracle(ctx context.Context, account string) (Oracle, error) {
	if err := s.settle(ctx); err != nil {
		return Oracle{}, err
	}
	out := Oracle{Intents: []OracleIntent{}}
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
		back[ch.PaymentIntent] += ch.givenBack()
	}
	for _, pi := range intents {
		out.Intents = append(out.Intents, OracleIntent{
			ID: pi.ID, Account: t.account, Session: pi.Sim.Session, Status: pi.Status, Amount: pi.Amount,
			AmountReceived: pi.AmountReceived, AmountRefunded: back[pi.ID], CaptureBefore: pi.Sim.CaptureBefore,
			Created: pi.Created, Metadata: pi.Metadata,
		})
	}
	balance, err := t.balance(ctx)
	out.BalanceCents += balance
	return err
}

// count puts one charge where its money is.
func (o *Oracle) count(ch *charge, pi *intent) {
	if !ch.Paid {
		return
	}
	o.Holds.add(ch.Amount)
	switch {
	case ch.Captured:
		o.Captured.add(ch.AmountCaptured)
		o.Released.Cents += ch.Amount - ch.AmountCaptured
		if back := ch.givenBack(); back > 0 {
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
