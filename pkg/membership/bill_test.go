package membership_test

import (
	"testing"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

// A bill follows its invoice: what is paid is deferred, a refund lowers what is deferred, and the
// rest is earned once when the year is over. A refund after that lowers what was earned, once. The same
// again books nothing, and the books always balance.
func TestBill_Settle(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	year := membership.Year{Start: noon, End: noon.AddDate(1, 0, 0)}
	paid := func(amount, refunded money.Cents) membership.Billed {
		return membership.Billed{Invoice: "in_1", Intent: "pi_1", Number: "A-1", Year: year, Amount: 350_00, Paid: amount, Refunded: refunded, PaidAt: noon}
	}
	costs := func(o membership.Billed, fee money.Cents) membership.Billed {
		o.StripeFee = fee
		return o
	}
	shared := func(o membership.Billed, part money.Cents) membership.Billed {
		o.PlatformFee = part
		return o
	}
	contested := func(o membership.Billed, withdrawn, fee money.Cents) membership.Billed {
		o.Withdrawn, o.DisputeFee = withdrawn, fee
		o.Contest = membership.Contest{ID: "dp_1", Reason: "fraudulent", Awaits: withdrawn > 0, Due: noon.AddDate(0, 0, 9)}
		return o
	}
	type balance struct{ stripe, deferred, earned, refunds, fees, disputes, disputeFees, platform money.Cents }
	for _, test := range []struct {
		name  string
		steps []membership.Billed
		over  []bool
		want  balance
	}{
		{"not paid", []membership.Billed{{Invoice: "in_1", Year: year, Amount: 350_00}}, []bool{false}, balance{}},
		{"paid", []membership.Billed{paid(350_00, 0), paid(350_00, 0)}, []bool{false, false}, balance{stripe: 350_00, deferred: -350_00}},
		{"refunded in part", []membership.Billed{paid(350_00, 0), paid(350_00, 50_00)}, []bool{false, false}, balance{stripe: 300_00, deferred: -300_00}},
		{"the refund failed", []membership.Billed{paid(350_00, 0), paid(350_00, 50_00), paid(350_00, 0), paid(350_00, 50_00)}, []bool{false, false, false, false}, balance{stripe: 300_00, deferred: -300_00}},
		{"over", []membership.Billed{paid(350_00, 50_00), paid(350_00, 50_00), paid(350_00, 50_00)}, []bool{false, true, true}, balance{stripe: 300_00, earned: -300_00}},
		{"all is refunded, and over", []membership.Billed{paid(350_00, 350_00), paid(350_00, 350_00)}, []bool{false, true}, balance{}},
		{"refunded after its end", []membership.Billed{paid(350_00, 0), paid(350_00, 0), paid(350_00, 100_00)}, []bool{false, true, true}, balance{stripe: 250_00, earned: -350_00, refunds: 100_00}},
		{"paid, and what Stripe took", []membership.Billed{costs(paid(350_00, 0), 10_45)}, []bool{false}, balance{stripe: 339_55, deferred: -350_00, fees: 10_45}},
		{"a fee known later, and one of a refund", []membership.Billed{paid(350_00, 0), costs(paid(350_00, 0), 10_45), costs(paid(350_00, 50_00), 10_70)}, []bool{false, false, false}, balance{stripe: 289_30, deferred: -300_00, fees: 10_70}},
		{"paid in parts, a fee given back", []membership.Billed{costs(paid(100_00, 0), 3_20), costs(paid(350_00, 0), 3_00), costs(paid(350_00, 0), 3_20)}, []bool{false, false, false}, balance{stripe: 346_80, deferred: -350_00, fees: 3_20}},
		{"a part of the platform, and what Stripe took", []membership.Billed{shared(costs(paid(350_00, 0), 10_45), 8_75)}, []bool{false}, balance{stripe: 330_80, deferred: -350_00, fees: 10_45, platform: 8_75}},
		{"a part given back, and taken again", []membership.Billed{shared(paid(350_00, 0), 8_75), shared(paid(350_00, 50_00), 7_50), shared(paid(350_00, 0), 8_75), shared(paid(350_00, 50_00), 7_50)}, []bool{false, false, false, false}, balance{stripe: 292_50, deferred: -300_00, platform: 7_50}},
		{"disputed, and lost", []membership.Billed{paid(350_00, 0), contested(paid(350_00, 0), 350_00, 15_00), contested(paid(350_00, 0), 350_00, 15_00)}, []bool{false, false, true}, balance{stripe: -15_00, earned: -350_00, disputes: 350_00, disputeFees: 15_00}},
		{"disputed, and won, and again", []membership.Billed{paid(350_00, 0), contested(paid(350_00, 0), 350_00, 15_00), contested(paid(350_00, 0), 0, 0), contested(paid(350_00, 0), 350_00, 15_00), contested(paid(350_00, 0), 0, 15_00)}, []bool{false, false, false, false, false}, balance{stripe: 335_00, deferred: -350_00, disputeFees: 15_00}},
		{"an inquiry", []membership.Billed{paid(350_00, 0), contested(paid(350_00, 0), 0, 0)}, []bool{false, false}, balance{stripe: 350_00, deferred: -350_00}},
	} {
		b := membership.Membership{ID: "jane.m1", Practice: "lakeside"}.BillOf("in_1")
		var all []ledger.Entry
		ids := map[string]bool{}
		for i, step := range test.steps {
			next, entries, err := b.Settle(step, test.over[i], noon.Add(time.Duration(i)*time.Hour))
			if err != nil {
				t.Fatalf("%s, step %d: %v", test.name, i, err)
			}
			again, more, err := next.Settle(step, test.over[i], noon)
			if err != nil || len(more) != 0 || again != next {
				t.Errorf("%s, step %d again: %+v %v %v", test.name, i, again, more, err)
			}
			for _, e := range entries {
				if err := e.Check(); err != nil || ids[e.ID] {
					t.Errorf("%s: entry %s: %v, twice %v", test.name, e.ID, err, ids[e.ID])
				}
				ids[e.ID] = true
			}
			b, all = next, append(all, entries...)
		}
		sums := ledger.Balances(all)
		if got := (balance{sums[ledger.Stripe], sums[ledger.DeferredFees], sums[ledger.MembershipFees], sums[ledger.Refunds], sums[ledger.StripeFees], sums[ledger.Disputes], sums[ledger.DisputeFees], sums[ledger.PlatformFees]}); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	for name, bad := range map[string]membership.Billed{
		"more refunded than paid": paid(10, 11), "refunded below nothing": paid(10, -1), "less paid than before": paid(9, 0), "too much": paid(money.Max+1, 0), "less than nothing withdrawn": contested(paid(350_00, 0), -1, 0),
		"a fee below nothing": costs(paid(10, 0), -1), "a part below nothing": shared(paid(10, 0), -1),
		"another's": {Invoice: "in_2", Paid: 10},
	} {
		b, _, err := membership.Membership{ID: "jane.m1", Practice: "lakeside"}.BillOf("in_1").Settle(paid(10, 0), false, noon)
		if err != nil {
			t.Fatal(err)
		}
		if next, entries, err := b.Settle(bad, false, noon); err == nil || next != b || entries != nil {
			t.Errorf("%s: %+v %v", name, next, entries)
		}
	}
}
