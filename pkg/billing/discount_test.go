package billing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/money"
)

func TestWithDiscount_Amounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		amount  money.Cents
		percent int
		want    money.Cents
		basis   billing.Basis
		words   string
	}{
		{"none", 40_00, 0, 40_00, billing.Fee, ""},
		{"a part", 40_00, 60, 16_00, billing.SlidingScale, "The practice's price is $40.00. 60 % of it is taken off for you."},
		{"rounded down", 33_33, 33, 22_33, billing.SlidingScale, "The practice's price is $33.33. 33 % of it is taken off for you."},
		{"all", 40_00, 100, 0, billing.Waiver, "The practice's price is $40.00. It is waived for you."},
		{"50 cents are left", 50_00, 99, 50, billing.SlidingScale, "The practice's price is $50.00. 99 % of it is taken off for you."},
		{"49 cents are left", 49_00, 99, 0, billing.SlidingScale, "The practice's price is $49.00. 99 % of it is taken off for you; what is left is too little for a card to be charged, so you pay nothing."},
		{"the smallest price", 50, 1, 0, billing.SlidingScale, "The practice's price is $0.50. 1 % of it is taken off for you; what is left is too little for a card to be charged, so you pay nothing."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			q := billing.Quote{ID: "q", Amount: test.amount, Basis: billing.Fee}.WithDiscount(test.percent)
			if q.Amount != test.want || q.Basis != test.basis || q.Discount() != test.words || q.Free() != (test.want == 0) {
				t.Errorf("%+v, %q", q, q.Discount())
			}
			if listed := test.percent > 0; listed != (q.Listed == test.amount) || q.Percent != test.percent {
				t.Errorf("the posted price and the percent are %s and %d", q.Listed, q.Percent)
			}
		})
	}
}

// What is free without a discount stays what it is.
func TestWithDiscount_Free(t *testing.T) {
	t.Parallel()
	free, err := billing.Price("q", "refill", "no-charge", nil, billing.SelfPay, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(free, free.WithDiscount(100)); diff != "" {
		t.Errorf("(-without +with):\n%s", diff)
	}
}

// The prices by kind are discounted as the amount is; one that is not below it then is left
// out.
func TestWithDiscount_Kinds(t *testing.T) {
	t.Parallel()
	q := billing.Quote{Amount: 40_00}.WithKinds(billing.KindPrices{coding.NursePractitioner: 30_00, coding.PhysicianAssist: 80}).WithDiscount(50)
	want := billing.KindPrices{coding.NursePractitioner: 15_00, coding.PhysicianAssist: 0}
	if diff := cmp.Diff(want, q.Lower); diff != "" || q.Amount != 20_00 {
		t.Errorf("%s (-want +got):\n%s", q.Amount, diff)
	}
	if q = q.WithDiscount(100); q.Lower != nil || q.FeeOf(coding.NursePractitioner) != 0 {
		t.Errorf("waived, it costs %v, and %s", q.Lower, q.FeeOf(coding.NursePractitioner))
	}
}

// Whatever is taken off, nothing is above the posted price, every amount is free or can be
// charged to a card, and no kind's fee is above the amount.
func TestWithDiscount_AnyIsChargeable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		price := rapid.OneOf(rapid.Int64Range(50, 5_000), rapid.Int64Range(50, int64(money.Max)))
		posted := money.Cents(price.Draw(t, "posted"))
		kind := min(posted, money.Cents(price.Draw(t, "kind")))
		percent := rapid.IntRange(0, 100).Draw(t, "percent")
		q := billing.Quote{Amount: posted, Basis: billing.Fee}.WithKinds(billing.KindPrices{coding.NursePractitioner: kind}).WithDiscount(percent)
		fee := q.FeeOf(coding.NursePractitioner)
		for _, amount := range []money.Cents{q.Amount, fee} {
			if amount != 0 && amount < billing.Smallest || amount > posted {
				t.Errorf("%s with %d %% off is %s", posted, percent, amount)
			}
		}
		if fee > q.Amount || (percent == 100) != (q.Basis == billing.Waiver) {
			t.Errorf("%+v has the fee %s", q, fee)
		}
	})
}
