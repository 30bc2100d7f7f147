package billing

import (
	"maps"
	"slices"
	"strings"

	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// KindPrices are prices in cents by the kind of clinician who answers. A kind that
// is not named has the form's own price.
type KindPrices map[coding.Kind]money.Cents

// KindPriceList is a practice's KindPrices for each form name.
type KindPriceList map[string]KindPrices

// Check names what is wrong with prices by kind beside the posted prices of list:
// who is no clinician, what cannot be charged to a card, a form without a price of
// its own, and a price above it, because the posted price is the most that is ever
// charged. The place of a problem is FORM/KIND.
func (l KindPriceList) Check(list PriceList) []fault.Problem {
	var ps []fault.Problem
	for _, form := range slices.Sorted(maps.Keys(l)) {
		for _, kind := range slices.Sorted(maps.Keys(l[form])) {
			add := func(code, text string) {
				ps = append(ps, fault.Problem{Where: form + "/" + string(kind), Code: code, Text: text})
			}
			price := l[form][kind]
			if !kind.Treats() {
				add("kind", "This is no kind of clinician.")
			}
			if !chargeable(price) {
				add("price", unchargeable(price))
			}
			switch posted, ok := list[form]; {
			case !ok:
				add("no_price", "Post the form's own price first: it is the most that is ever charged.")
			case price > posted:
				add("above_price", "A kind's price is at most the form's own, "+posted.String()+"; this one is "+price.String()+".")
			}
		}
	}
	return ps
}

// Below returns those of k that are below amount; nil if there are none.
func (k KindPrices) Below(amount money.Cents) KindPrices {
	var lower KindPrices
	for kind, price := range k {
		if price >= 0 && price < amount {
			if lower == nil {
				lower = KindPrices{}
			}
			lower[kind] = price
		}
	}
	return lower
}

// WithKinds returns q with those prices by kind that are below its amount.
func (q Quote) WithKinds(k KindPrices) Quote {
	q.Lower = k.Below(q.Amount)
	return q
}

// FeeOf returns what an answer by a clinician of kind costs under q: the kind's
// price, or the amount of q.
func (q Quote) FeeOf(kind coding.Kind) money.Cents {
	if price, ok := q.Lower[kind]; ok {
		return min(price, q.Amount)
	}
	return q.Amount
}

// LowerFee returns the fee of an answer that costs fee, and which the clinician who
// gives it lowers to what they say: 0 waives it, nil leaves it. What is above fee, or
// cannot be charged to a card, is a fault.Invalid.
func LowerFee(fee money.Cents, said *money.Cents) (money.Cents, error) {
	switch {
	case said == nil:
		return fee, nil
	case *said > fee:
		return 0, feeRefused("the fee of this answer is at most " + fee.String() + "; you may lower it, and not raise it")
	case *said != fee && !chargeable(*said):
		return 0, feeRefused("a fee is 0, which waives it, or at least " + Smallest.String() + "; this one is " + said.String())
	}
	return *said, nil
}

func feeRefused(why string) error {
	return fault.New(fault.Invalid, "invalid_request", "the fee cannot be that", fault.Problem{Where: "/fee_cents", Code: "fee", Text: why})
}

// Most is the words of q for the patient, if it has lower prices; else empty.
func (q Quote) Most() string { return q.Lower.Words(q.Amount) }

// Words says what an answer costs at the most and what when a clinician of a kind of k
// gives it, in words for the patient; empty if k has none.
func (k KindPrices) Words(most money.Cents) string {
	if len(k) == 0 {
		return ""
	}
	prices := slices.Sorted(maps.Values(k))
	slices.Reverse(prices)
	words := "At most " + most.String()
	for _, price := range slices.Compact(prices) {
		var kinds []string
		for _, kind := range coding.Clinicians {
			if p, ok := k[kind]; ok && p == price {
				kinds = append(kinds, kind.Words())
			}
		}
		amount := price.String()
		if price == 0 {
			amount = "nothing"
		}
		words += "; " + amount + " if " + strings.Join(kinds, " or ") + " answers"
	}
	return words + "."
}
