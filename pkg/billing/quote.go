// Package billing decides what a visit costs and follows the life of its card
// payment. It decides on what was observed at Stripe; calling Stripe is left to
// package charge and stripepay.
package billing

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A Basis is the reason for a quote's amount.
type Basis string

const (
	Fee      Basis = "practice_fee" // the practice's posted price for this form
	NoCharge Basis = "no_charge"    // this kind of request is never charged
	ByMember Basis = "membership"   // the patient's yearly membership includes it
)

// RouteItem is the link id of the question how a request will be paid.
const RouteItem = "payment-route"

// A Route is the patient's answer to how they expect to pay.
type Route string

const (
	SelfPay    Route = "self-pay"
	Insurance  Route = "insurance"
	Membership Route = "membership"
)

// A Caveat is a warning shown with a quote.
type Caveat string

const (
	PlanNotBilled Caveat = "plan_not_billed" // the practice has no contract with any payer
	NoMembership  Caveat = "no_membership"
	// The other reasons for which a membership does not pay for a request.
	MembershipUsed    Caveat = "membership_used"     // all its visits of the year are used
	MembershipNotThis Caveat = "membership_not_this" // it does not include such a request
	MembershipPending Caveat = "membership_pending"  // its first payment is not reported
	MembershipUnpaid  Caveat = "membership_unpaid"   // a payment failed, and its grace is over
	MembershipBarred  Caveat = "membership_barred"   // Medicare covers the request
)

// Text returns c in words for the patient; empty for none.
func (c Caveat) Text() string {
	switch c {
	case PlanNotBilled, PlanUncontracted, PlanUnknown, PlanEnded, PlanMedicare, PlanNotThis:
		return planCaveats[c]
	case NoMembership:
		return "We found no active membership for you, so the posted fee applies."
	case MembershipUsed:
		return "The visits that your membership includes in this year are used, so the posted fee applies."
	case MembershipNotThis:
		return "Your membership does not include this kind of request, so the posted fee applies."
	case MembershipPending:
		return "Your membership begins when its first payment is reported. Until then the posted fee applies."
	case MembershipUnpaid:
		return "A payment for your membership failed and the time to make it is over, so the posted fee applies."
	case MembershipBarred:
		return "Medicare covers requests like this one, so your membership may not pay for it. Call the practice about how to pay."
	}
	return ""
}

const (
	// QuoteLife is how long a quote may be accepted.
	QuoteLife = time.Hour
	// pageLife is how long after QuoteLife the payment page can still be paid;
	// Stripe requires at least 30 minutes.
	pageLife = 45 * time.Minute
)

// A Quote is a price offered before any charge (eRisk, fee disclosure; domain
// rule G25). No capture for the visit exceeds Amount.
type Quote struct {
	ID     string      `json:"id"`
	Amount money.Cents `json:"amount"`
	// Listed is the posted price, of which Percent is taken off for this patient; both are
	// zero without a discount.
	Listed  money.Cents `json:"listed,omitempty"`
	Percent int         `json:"percent,omitempty"`
	// Lower are the prices below Amount of an answer by clinicians of some kinds, as
	// they were when the quote was made; nil if it costs Amount whoever answers.
	Lower  KindPrices `json:"lower,omitempty"`
	Basis  Basis      `json:"basis"`
	Plan   Plan       `json:"plan,omitzero"` // of PlanShare; zero of any other basis
	Caveat Caveat     `json:"caveat,omitempty"`
	// Restricted is set if the patient said that they pay the amount themselves: they ask the
	// practice to disclose nothing about the visit to a health plan, which it must not once it is paid
	// (45 CFR 164.522(a)(1)(vi)). Whether they have a plan, or enter one later, does not matter.
	Restricted bool      `json:"restricted,omitempty"`
	ExpiresAt  time.Time `json:"expires"`
	Refused    int       `json:"refused,omitempty"` // payment pages that Stripe refused to make
}

// Fresh reports whether q has at least half of its life left, so that a patient
// has time to read and accept it. The zero Quote is not fresh.
func (q Quote) Fresh(now time.Time) bool { return q.ExpiresAt.Sub(now) >= QuoteLife/2 }

// Page names the payment page for the quote, and its payment. The name changes
// only after a definite refusal, which the same name would only repeat.
func (q Quote) Page() string {
	if q.Refused == 0 {
		return q.ID
	}
	return q.ID + "-" + strconv.Itoa(q.Refused)
}

// PageEnds returns when the page for the quote expires. It follows from the
// quote alone, so that a repeated request for the page is the same call.
func (q Quote) PageEnds() time.Time { return q.ExpiresAt.Add(pageLife) }

// Free reports whether the quote needs no card.
func (q Quote) Free() bool { return q.Amount == 0 }

// Included returns q as a membership pays for it: nothing is charged.
func (q Quote) Included() Quote {
	q.Amount, q.Lower, q.Basis, q.Caveat = 0, nil, ByMember, ""
	return q
}

// NotIncluded returns q, which a membership does not pay for, with why.
func (q Quote) NotIncluded(why Caveat) Quote {
	q.Caveat = why
	return q
}

// SameTerms reports whether q is paid for, and discounted, as other is: a membership, a
// health plan or a discount may begin or end between two quotes for the same answers. A price, or
// what a payer allows, may change; who was quoted the former one has it.
func (q Quote) SameTerms(other Quote) bool {
	return q.Basis == other.Basis && q.Caveat == other.Caveat && q.Percent == other.Percent && q.Plan.Payer == other.Plan.Payer
}

// A PriceList is a practice's posted price in cents for each form name. A price
// of 0 makes a form free.
type PriceList map[string]money.Cents

// Check refuses prices that cannot be charged to a card.
func (l PriceList) Check() error {
	var ps []fault.Problem
	for _, form := range slices.Sorted(maps.Keys(l)) {
		if !chargeable(l[form]) {
			ps = append(ps, fault.Problem{
				Where: form, Code: "price",
				Text: unchargeable(l[form]),
			})
		}
	}
	if len(ps) > 0 {
		return fault.New(fault.Invalid, "invalid_request", "some prices cannot be charged to a card", ps...)
	}
	return nil
}

func unchargeable(price money.Cents) string {
	return "a price is 0, or from " + Smallest.String() + " to " + money.Max.String() + "; this one is " + price.String()
}

func chargeable(price money.Cents) bool {
	return price == 0 || price >= Smallest && price <= money.Max
}

// Uncharged reports whether forms of a billing class are never charged for
// (forms README, billing classes).
func Uncharged(class string) bool {
	return class == "no-charge" || class == "monitoring" || class == "none"
}

// freeRequests are the kinds of administrative request that are never charged for. The
// form has a posted fee for paperwork; asking about a bill, an appointment, a referral
// or results is free (billing rules §5.17; request types P3, P4, P5, P10).
var freeRequests = []string{"billing", "appointment", "referral", "results"}

// FreeRequests lists the kinds of request that are free on a form of the given class
// although the form has a price; none if all cost the same.
func FreeRequests(class string) []string {
	if class != "admin-fee" {
		return nil
	}
	return freeRequests
}

// ClassFor returns the billing class of one request on a form of the given class.
func ClassFor(class, request string) string {
	if slices.Contains(FreeRequests(class), request) {
		return "no-charge"
	}
	return class
}

// Posted returns what a request of the given billing class on form costs by the
// practice's list. A class that is charged for needs a posted price: a patient is never
// shown or quoted an amount that the practice did not post.
func Posted(form, class string, list PriceList) (money.Cents, error) {
	if Uncharged(class) {
		return 0, nil
	}
	amount, posted := list[form]
	if !posted || !chargeable(amount) {
		return 0, fault.New(fault.Conflict, "no_price", "this practice has not posted a price for this form that can be paid; please call the practice")
	}
	return amount, nil
}

// Price quotes form, of the given billing class, from the practice's list. Whether a membership
// pays instead, or a health plan (CoveredBy), is decided after it. It refuses as Posted does.
func Price(id, form, class string, list PriceList, route Route, now time.Time) (Quote, error) {
	q := Quote{ID: id, ExpiresAt: now.Add(QuoteLife)}
	if Uncharged(class) {
		q.Basis = NoCharge
		return q, nil
	}
	amount, err := Posted(form, class, list)
	if err != nil {
		return Quote{}, err
	}
	q.Amount, q.Basis = amount, Fee
	switch route {
	case SelfPay:
		q.Restricted = amount > 0
	case Insurance:
		if q.Caveat = PlanNotThis; BilledToPlans(class) {
			q.Caveat = PlanNotBilled
		}
	case Membership:
		q.Caveat = NoMembership
	}
	return q, nil
}
