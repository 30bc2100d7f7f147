package billing

import (
	"fmt"

	"evisit/pkg/money"
)

// The bases of a quote with a discount.
const (
	Waiver       Basis = "waiver"        // the practice waives its posted price for the patient
	SlidingScale Basis = "sliding_scale" // the practice takes a part off its posted price for the patient
)

// WithDiscount returns q with percent, from 0 to 100, taken off its amount and off its lower
// prices alike. What is free without a discount has none, nor has the share of a health plan's
// member (see CoveredBy).
func (q Quote) WithDiscount(percent int) Quote {
	if percent <= 0 || q.Free() || q.Basis == PlanShare {
		return q
	}
	q.Listed, q.Percent, q.Basis = q.Amount, percent, SlidingScale
	if percent == 100 {
		q.Basis = Waiver
	}
	lower := KindPrices{}
	for kind, price := range q.Lower {
		lower[kind] = discounted(price, percent)
	}
	if q.Amount = discounted(q.Amount, percent); q.Free() {
		q.Caveat, q.Restricted = "", false // nothing is paid in whatever way
	}
	return q.WithKinds(lower)
}

// discounted is price without percent of it, rounded down to the cent. If what is left
// cannot be charged to a card because it is below Smallest, nothing is charged.
func discounted(price money.Cents, percent int) money.Cents {
	left := price * money.Cents(100-percent) / 100
	if left < Smallest {
		return 0
	}
	return left
}

// Discount is the words of q's discount for the patient; empty if it has none.
func (q Quote) Discount() string {
	switch {
	case q.Basis == Waiver:
		return fmt.Sprintf("The practice's price is %s. It is waived for you.", q.Listed)
	case q.Basis == SlidingScale && q.Free():
		return fmt.Sprintf("The practice's price is %s. %d %% of it is taken off for you; what is left is too little for a card to be charged, so you pay nothing.", q.Listed, q.Percent)
	case q.Basis == SlidingScale:
		return fmt.Sprintf("The practice's price is %s. %d %% of it is taken off for you.", q.Listed, q.Percent)
	}
	return ""
}
