package stripesim

import (
	"context"
	"fmt"
	"time"
)

// Terms are what Stripe takes of an account's money, and when Stripe gives the account
// the rest. The zero value takes nothing, makes all money available at once, and pays
// out by hand alone.
type Terms struct {
	// BasisPoints and FixedCents are Stripe's fee on what is captured of a charge, in
	// hundredths of a percent and in cents, whatever the payment method. The fee is
	// rounded to the nearest cent, half a cent up, as Stripe does
	// (support.stripe.com/questions/rounding-rules-for-stripe-fees). It is not given
	// back when the charge is refunded.
	BasisPoints int64 `json:"basis_points,omitempty"`
	FixedCents  int64 `json:"fixed_cents,omitempty"`

	// DisputeCents is taken with the money of a dispute, and kept whoever wins.
	DisputeCents int64 `json:"dispute_cents,omitempty"`

	// DelayDays is after how many days, at midnight UTC, what an account is paid is
	// available. What is taken from an account is taken at once.
	DelayDays int `json:"delay_days,omitempty"`

	// DailyPayouts pays out at midnight UTC all that is available, if it is more than
	// nothing.
	DailyPayouts bool `json:"daily_payouts,omitempty"`
}

// StandardTerms are those of an account of type standard in the United States, with
// cards of that country: 2.9 % and 30 cents, 15 dollars for a dispute, two days, daily
// payouts.
var StandardTerms = Terms{BasisPoints: 290, FixedCents: 30, DisputeCents: 1500, DelayDays: 2, DailyPayouts: true}

// AnyAccount stands in Options.Terms for the accounts that it does not name.
const AnyAccount = ""

func (x Terms) check() error {
	if x.BasisPoints < 0 || x.BasisPoints > 10_000 || x.FixedCents < 0 || x.DisputeCents < 0 || x.DelayDays < 0 {
		return fmt.Errorf("terms %+v: no part is negative, and a fee is at most the whole", x)
	}
	return nil
}

// fee is Stripe's fee on a charge of which amount was captured.
func (x Terms) fee(amount int64) int64 {
	const whole = 10_000
	return (amount*x.BasisPoints+whole/2)/whole + x.FixedCents
}

// availableOn is when the account has what moved at now: money that comes waits, and
// money that goes does not.
func (x Terms) availableOn(now time.Time, net int64) int64 {
	if x.DelayDays == 0 || net <= 0 {
		return now.Unix()
	}
	return now.Truncate(day).Add(time.Duration(x.DelayDays) * day).Unix()
}

const day = 24 * time.Hour

// nextPayout is the next time of daily payouts after now, or zero.
func (x Terms) nextPayout(now time.Time) int64 {
	if !x.DailyPayouts {
		return 0
	}
	return now.Truncate(day).Add(day).Unix()
}

// SetTerms changes an account's terms for what happens from now on.
func (s *Sim) SetTerms(ctx context.Context, id string, terms Terms) error {
	if err := terms.check(); err != nil {
		return err
	}
	return s.update(ctx, id, origin{}, func(ctx context.Context, t *tx) error {
		a := new(account)
		if err := t.get(ctx, kindAccount, id, "account", a); err != nil {
			return err
		}
		a.setTerms(terms, t.now)
		return t.put(ctx, a, a.due())
	})
}

// setTerms keeps the time of a daily payout that is due already.
func (a *account) setTerms(terms Terms, now time.Time) {
	if a.Sim.NextPayout == 0 || !terms.DailyPayouts {
		a.Sim.NextPayout = terms.nextPayout(now)
	}
	a.Sim.Terms = terms
}

// termsOf are the terms of an account in Options.
func (o Options) termsOf(id string) Terms {
	if terms, ok := o.Terms[id]; ok {
		return terms
	}
	return o.Terms[AnyAccount]
}

// terms are those of the transaction's account.
func (t *tx) terms(ctx context.Context) (Terms, error) {
	var a account
	err := t.get(ctx, kindAccount, t.account, "account", &a)
	return a.Sim.Terms, err
}
