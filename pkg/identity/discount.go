package identity

import (
	"time"

	"evisit/pkg/fault"
)

// A Discount is what a practice takes off its posted prices for one patient, and why: all of
// a price, which waives it, or a part. It is decided for a patient and for a time, because
// no fee may be waived as a routine (billing rules §3.13). The zero Discount is none.
type Discount struct {
	Percent int    `json:"percent,omitempty"` // from 1 to 100
	Reason  Relief `json:"reason,omitempty"`
	// From is when it begins, Until when it is over. By gave it, At.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	By    string    `json:"by,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

// A Relief is why a patient has a discount.
type Relief string

// Why a patient has a discount.
const (
	Hardship  Relief = "hardship"  // they cannot pay the price
	Uninsured Relief = "uninsured" // they have no health plan
	Amends    Relief = "amends"    // the practice makes up for something
	Courtesy  Relief = "courtesy"  // they work at the practice, or are family of who does
)

// Reliefs are all reasons for a discount.
var Reliefs = []Relief{Hardship, Uninsured, Amends, Courtesy}

// Words returns r in words for the practice; empty for a word that is no reason.
func (r Relief) Words() string {
	switch r {
	case Hardship:
		return "the patient cannot pay the price"
	case Uninsured:
		return "the patient has no health plan"
	case Amends:
		return "the practice makes up for something"
	case Courtesy:
		return "the patient works here, or is family of somebody who does"
	}
	return ""
}

// longestDiscount is how long a discount lasts at most, with a day to spare for a leap
// year: what a patient can pay is asked again each year.
const longestDiscount = 367 * 24 * time.Hour

// Check returns what is wrong with d, which is given at now, by the names that it has in
// the API.
func (d Discount) Check(now time.Time) []fault.Problem {
	var all []fault.Problem
	add := func(where, code, text string) {
		all = append(all, fault.Problem{Where: where, Code: code, Text: text})
	}
	if d.Percent < 1 || d.Percent > 100 {
		add("/percent", "range", "Give a whole number from 1 to 100; 100 waives the price.")
	}
	if d.Reason.Words() == "" {
		add("/reason", "reason", "Give one of: hardship, uninsured, amends, courtesy.")
	}
	switch {
	case !d.Until.After(now):
		add("/last", "range", "Give a last day that has not passed.")
	case !d.Until.After(d.From):
		add("/last", "range", "Give a last day that is not before the first.")
	case d.Until.Sub(d.From) > longestDiscount:
		add("/last", "range", "Give a last day within a year of the first; then give the discount again.")
	}
	return all
}

// PercentAt returns how much is taken off a price at now; 0: nothing.
func (d Discount) PercentAt(now time.Time) int {
	if now.Before(d.From) || !now.Before(d.Until) {
		return 0
	}
	return d.Percent
}

// Same reports whether d, given at now, is as other already is. One that has begun begins
// no earlier for being given again.
func (d Discount) Same(other Discount, now time.Time) bool {
	begun := !d.From.After(now) && !other.From.After(now)
	return d.Percent == other.Percent && d.Reason == other.Reason && d.Until.Equal(other.Until) && (begun || d.From.Equal(other.From))
}
