package billing_test

import (
	"testing"

	"pgregory.net/rapid"

	"evisit/pkg/billing"
	"evisit/pkg/money"
)

// The platform's part is that of what is collected, whatever was held, rounded down to a cent.
func TestPlatformPart_RoundedDown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		collected money.Cents
		part      int // in hundredths of a percent
		want      money.Cents
	}{
		{40_00, 0, 0},
		{0, 2_50, 0},
		{40_00, 2_50, 1_00},
		{15_00, 2_50, 37},    // 37.5
		{40_00, 1, 0},        // 0.4
		{50, 1_99, 0},        // 0.995
		{50, 2_00, 1},        // the least that a card is charged
		{99_99, 30_00, 2999}, // 2999.7
		{money.Max, 30_00, 30_000_00},
	} {
		if got := billing.PlatformPart(test.collected, test.part); got != test.want {
			t.Errorf("%d hundredths of a percent of %s are %s, want %s", test.part, test.collected, got, test.want)
		}
	}
}

// Of what is collected in part, the platform takes no more than of the whole, and less than a cent less
// than its share.
func TestPlatformPart_GrowsWithWhatIsCollected(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := money.Cents(rapid.Int64Range(0, int64(money.Max)).Draw(t, "whole"))
		some := money.Cents(rapid.Int64Range(0, int64(whole)).Draw(t, "some"))
		part := rapid.IntRange(0, 30_00).Draw(t, "part")
		got, most := billing.PlatformPart(some, part), billing.PlatformPart(whole, part)
		if got > most || got*100_00 > some*money.Cents(part) || (got+1)*100_00 <= some*money.Cents(part) {
			t.Errorf("%d hundredths of a percent of %s are %s, of %s %s", part, some, got, whole, most)
		}
	})
}

// What is told to Stripe as a payment is begun is the part of one that is collected at once; a payment by
// the card of another has the other's.
func TestPayment_AtOncePart(t *testing.T) {
	t.Parallel()
	held := billing.Payment{ID: "v.q", Visit: "v", Amount: 40_00, Platform: 2_50}
	if got := held.AtOncePart(); got != 0 {
		t.Errorf("of a hold it is %s", got)
	}
	for atOnce, want := range map[bool]money.Cents{false: 0, true: 37} {
		by, err := held.ByCard(15_00, atOnce, noon)
		if err != nil || by.Platform != held.Platform || by.AtOncePart() != want {
			t.Errorf("by the card, at once: %t, it is %s of %+v, %v; want %s", atOnce, by.AtOncePart(), by, err, want)
		}
	}
}

// An observation without a part that the payment has is later only if more is refunded.
func TestNewer_PlatformFee(t *testing.T) {
	t.Parallel()
	p, _, err := say(open(t, true), shared(captured, 100))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Newer(captured) || p.Newer(shared(captured, 100)) || p.Newer(shared(back1000, 75)) {
		t.Errorf("newer than without it: %t; with it: %t; with less and a refund: %t", p.Newer(captured), p.Newer(shared(captured, 100)), p.Newer(shared(back1000, 75)))
	}
}
