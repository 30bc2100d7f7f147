package money_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"evisit/pkg/money"
)

func TestCents_String(t *testing.T) {
	t.Parallel()
	for c, want := range map[money.Cents]string{
		0:             "$0.00",
		1:             "$0.01",
		-1:            "-$0.01",
		99:            "$0.99",
		100:           "$1.00",
		-305:          "-$3.05",
		4000:          "$40.00",
		money.Max:     "$100000.00",
		math.MaxInt64: "$92233720368547758.07",
		math.MinInt64: "-$92233720368547758.08",
	} {
		if got := c.String(); got != want {
			t.Errorf("%d cents = %s, want %s", int64(c), got, want)
		}
	}
}

// The digits of a formatted amount are the amount, so formatting loses no cent.
func TestCents_StringKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := money.Cents(rapid.Int64().Draw(t, "cents"))
		digits := strings.NewReplacer("$", "", ".", "").Replace(c.String())
		if got, err := strconv.ParseInt(digits, 10, 64); err != nil || got != int64(c) {
			t.Errorf("%d cents = %s", int64(c), c)
		}
	})
}
