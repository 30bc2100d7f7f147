package ledger_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// amounts draws mostly sensible amounts, and some at the ends of the range.
var amounts = rapid.OneOf(
	rapid.Custom(func(t *rapid.T) money.Cents {
		return money.Cents(rapid.Int64Range(1, int64(money.Max)).Draw(t, "sensible"))
	}),
	rapid.Custom(func(t *rapid.T) money.Cents { return money.Cents(rapid.Int64().Draw(t, "any")) }),
	rapid.SampledFrom([]money.Cents{0, 1, -1, money.Max, money.Max + 1, -money.Max, math.MinInt64, math.MaxInt64}),
)

// Every entry that a constructor makes balances; amounts out of range are refused.
func TestEntry_BalancesOrIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, fee := amounts.Draw(t, "a"), amounts.Draw(t, "b"), amounts.Draw(t, "fee")
		made := map[string]func() (ledger.Entry, error){
			"Held":     func() (ledger.Entry, error) { return ledger.Held("p", "x", a, noon) },
			"Released": func() (ledger.Entry, error) { return ledger.Released("p", "x", a, noon) },
			"Captured": func() (ledger.Entry, error) { return ledger.Captured("p", "x", a, b, fee, noon) },
			"Charged":  func() (ledger.Entry, error) { return ledger.Charged("p", "x", a, fee, noon) },
			"Refunded": func() (ledger.Entry, error) { return ledger.Refunded("p", "x", a, b, 7, noon) },
			"FeePaid":  func() (ledger.Entry, error) { return ledger.FeePaid("m", "x", "in_1", 0, a, fee, noon) },
			"FeeCost":  func() (ledger.Entry, error) { return ledger.FeeCost("m", "x", "in_1", 0, a, 7, noon) },
		}
		sensible := func(c money.Cents) bool { return c > 0 && c <= money.Max }
		cost := fee == 0 || sensible(fee)
		for name, want := range map[string]bool{
			"Held": sensible(a), "Released": sensible(a), "Charged": sensible(a) && cost, "FeePaid": sensible(a) && cost, "FeeCost": sensible(a),
			"Captured": sensible(a) && sensible(b) && b <= a && cost,
		} {
			if _, err := made[name](); (err == nil) != want {
				t.Errorf("%s of %s and %s = %v, want it accepted: %t", name, a, b, err, want)
			}
		}
		for name, make := range made {
			e, err := make()
			if err != nil {
				continue
			}
			var sum money.Cents
			for _, p := range e.Postings {
				if p.Amount == 0 || p.Amount > money.Max || p.Amount < -money.Max {
					t.Errorf("%s posts %s to %s", name, p.Amount, p.Account)
				}
				sum += p.Amount
			}
			if sum != 0 {
				t.Errorf("%s is off balance by %s", name, sum)
			}
		}
	})
}

// Each kind of entry posts to the accounts that the books expect, and tells a person
// the amount that moved.
func TestEntry_PostsToAccounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		make func() (ledger.Entry, error)
		id   string
		want map[ledger.Account]money.Cents
		told money.Cents
	}{
		{
			name: "Held", id: "hold",
			make: func() (ledger.Entry, error) { return ledger.Held("p", "x", 4000, noon) },
			want: map[ledger.Account]money.Cents{ledger.Holds: 4000, ledger.HoldsOwed: -4000},
			told: 4000,
		},
		{
			name: "Released", id: "release",
			make: func() (ledger.Entry, error) { return ledger.Released("p", "x", 4000, noon) },
			want: map[ledger.Account]money.Cents{ledger.Holds: -4000, ledger.HoldsOwed: 4000},
			told: 4000,
		},
		{
			name: "Captured, all of the hold", id: "capture",
			make: func() (ledger.Entry, error) { return ledger.Captured("p", "x", 4000, 4000, 0, noon) },
			want: map[ledger.Account]money.Cents{ledger.Holds: -4000, ledger.HoldsOwed: 4000, ledger.Stripe: 4000, ledger.VisitFees: -4000},
			told: 4000,
		},
		{
			name: "Captured, a part of the hold", id: "capture",
			make: func() (ledger.Entry, error) { return ledger.Captured("p", "x", 4000, 2500, 0, noon) },
			want: map[ledger.Account]money.Cents{ledger.Holds: -4000, ledger.HoldsOwed: 4000, ledger.Stripe: 2500, ledger.VisitFees: -2500},
			told: 2500,
		},
		{
			name: "Charged", id: "charge",
			make: func() (ledger.Entry, error) { return ledger.Charged("p", "x", 4000, 0, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: 4000, ledger.VisitFees: -4000},
			told: 4000,
		},
		{
			name: "Captured, and what Stripe took of it", id: "capture",
			make: func() (ledger.Entry, error) { return ledger.Captured("p", "x", 4000, 2500, 103, noon) },
			want: map[ledger.Account]money.Cents{ledger.Holds: -4000, ledger.HoldsOwed: 4000, ledger.Stripe: 2397, ledger.StripeFees: 103, ledger.VisitFees: -2500},
			told: 2500,
		},
		{
			name: "Charged less than Stripe took", id: "charge",
			make: func() (ledger.Entry, error) { return ledger.Charged("p", "x", 20, 31, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: -11, ledger.StripeFees: 31, ledger.VisitFees: -20},
			told: 20,
		},
		{
			name: "StripeFee, known later", id: "stripe_fee-103-4",
			make: func() (ledger.Entry, error) { return ledger.StripeFee("p", "x", 0, 103, 4, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: -103, ledger.StripeFees: 103},
			told: 103,
		},
		{
			name: "StripeFee, of which some came back", id: "stripe_fee_returned-100-5",
			make: func() (ledger.Entry, error) { return ledger.StripeFee("p", "x", 103, 100, 5, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: 3, ledger.StripeFees: -3},
			told: 3,
		},
		{
			name: "PlatformFee", id: "platform_fee-100-4",
			make: func() (ledger.Entry, error) { return ledger.PlatformFee("p", "x", 0, 100, 4, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: -100, ledger.PlatformFees: 100},
			told: 100,
		},
		{
			name: "PlatformFee, of which some came back", id: "platform_fee_returned-69-5",
			make: func() (ledger.Entry, error) { return ledger.PlatformFee("p", "x", 100, 69, 5, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: 31, ledger.PlatformFees: -31},
			told: 31,
		},
		{
			name: "FeePlatformCost", id: "platform_fee-in_1-875-2",
			make: func() (ledger.Entry, error) { return ledger.FeePlatformCost("m", "x", "in_1", 0, 8_75, 2, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: -8_75, ledger.PlatformFees: 8_75},
			told: 8_75,
		},
		{
			name: "FeePaid, and what Stripe took of it", id: "membership_fee-in_1-35000",
			make: func() (ledger.Entry, error) { return ledger.FeePaid("m", "x", "in_1", 0, 350_00, 10_45, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: 339_55, ledger.StripeFees: 10_45, ledger.DeferredFees: -350_00},
			told: 350_00,
		},
		{
			name: "FeeCost, known later", id: "stripe_fee-in_1-1045-2",
			make: func() (ledger.Entry, error) { return ledger.FeeCost("m", "x", "in_1", 0, 10_45, 2, noon) },
			want: map[ledger.Account]money.Cents{ledger.Stripe: -10_45, ledger.StripeFees: 10_45},
			told: 10_45,
		},
		{
			name: "Refunded, a second time", id: "refund-2500",
			make: func() (ledger.Entry, error) { return ledger.Refunded("p", "x", 1000, 2500, 0, noon) },
			want: map[ledger.Account]money.Cents{ledger.Refunds: 1500, ledger.Stripe: -1500},
			told: 1500,
		},
		{
			name: "Refunded, and the refund failed", id: "refund_failed-1000-6",
			make: func() (ledger.Entry, error) { return ledger.Refunded("p", "x", 2500, 1000, 6, noon) },
			want: map[ledger.Account]money.Cents{ledger.Refunds: -1500, ledger.Stripe: 1500},
			told: 1500,
		},
	} {
		e, err := test.make()
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, ledger.Balances([]ledger.Entry{e})); diff != "" || e.ID != test.id {
			t.Errorf("%s has id %s and posts (-want +got):\n%s", test.name, e.ID, diff)
		}
		if got := e.Amount(); got != test.told {
			t.Errorf("%s is told as %s, want %s", test.name, got, test.told)
		}
	}
}

func TestCheck_Refuses(t *testing.T) {
	t.Parallel()
	for name, ps := range map[string][]ledger.Posting{
		"nothing":        nil,
		"one posting":    {{Account: ledger.Stripe, Amount: 1}},
		"a cent too few": {{Account: ledger.Stripe, Amount: 100}, {Account: ledger.VisitFees, Amount: -99}},
		"a zero":         {{Account: ledger.Stripe, Amount: 0}, {Account: ledger.VisitFees, Amount: 0}},
		"beyond the max": {{Account: ledger.Stripe, Amount: money.Max + 1}, {Account: ledger.VisitFees, Amount: -money.Max - 1}},
		"overflow": {
			{Account: ledger.Stripe, Amount: math.MaxInt64},
			{Account: ledger.Stripe, Amount: math.MaxInt64},
			{Account: ledger.VisitFees, Amount: 2},
		},
	} {
		if err := (ledger.Entry{Postings: ps}).Check(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// What an entry is about is told by its id, whatever its accounts: a refund of a yearly fee
// that was earned posts as a visit's does.
func TestOfMembership_EveryConstructor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make func() (ledger.Entry, error)
		want bool
	}{
		"Held":                  {func() (ledger.Entry, error) { return ledger.Held("p", "x", 4000, noon) }, false},
		"Released":              {func() (ledger.Entry, error) { return ledger.Released("p", "x", 4000, noon) }, false},
		"Captured":              {func() (ledger.Entry, error) { return ledger.Captured("p", "x", 4000, 2500, 0, noon) }, false},
		"Charged":               {func() (ledger.Entry, error) { return ledger.Charged("p", "x", 4000, 0, noon) }, false},
		"Refunded":              {func() (ledger.Entry, error) { return ledger.Refunded("p", "x", 0, 4000, 0, noon) }, false},
		"Refunded, failed":      {func() (ledger.Entry, error) { return ledger.Refunded("p", "x", 4000, 0, 3, noon) }, false},
		"Disputed":              {func() (ledger.Entry, error) { return ledger.Disputed("p", "x", 0, 4000, 1, noon) }, false},
		"DisputeFee":            {func() (ledger.Entry, error) { return ledger.DisputeFee("p", "x", 0, 1500, 1, noon) }, false},
		"PaidOut":               {func() (ledger.Entry, error) { return ledger.PaidOut("po", "x", 0, 4000, 1, noon) }, false},
		"PaidOut, by Stripe":    {func() (ledger.Entry, error) { return ledger.PaidOut("po", "x", 0, -4000, 1, noon) }, false},
		"FeePaid":               {func() (ledger.Entry, error) { return ledger.FeePaid("m", "x", "in_1", 0, 35000, 0, noon) }, true},
		"FeeRefunded":           {func() (ledger.Entry, error) { return ledger.FeeRefunded("m", "x", "in_1", 0, 35000, false, 0, noon) }, true},
		"FeeRefunded, earned":   {func() (ledger.Entry, error) { return ledger.FeeRefunded("m", "x", "in_1", 0, 35000, true, 0, noon) }, true},
		"FeeRefunded, returned": {func() (ledger.Entry, error) { return ledger.FeeRefunded("m", "x", "in_1", 35000, 0, true, 2, noon) }, true},
		"FeeDisputed":           {func() (ledger.Entry, error) { return ledger.FeeDisputed("m", "x", "in_1", 0, 35000, 2, noon) }, true},
		"FeeDisputed, won":      {func() (ledger.Entry, error) { return ledger.FeeDisputed("m", "x", "in_1", 35000, 0, 3, noon) }, true},
		"FeeDisputeCost":        {func() (ledger.Entry, error) { return ledger.FeeDisputeCost("m", "x", "in_1", 0, 1500, 2, noon) }, true},
		"FeeEarned":             {func() (ledger.Entry, error) { return ledger.FeeEarned("m", "x", "in_1", 35000, noon) }, true},
	} {
		e, err := test.make()
		if err != nil || e.OfMembership() != test.want {
			t.Errorf("%s: OfMembership of %s = %t, %v", name, e.ID, e.OfMembership(), err)
		}
	}
}
