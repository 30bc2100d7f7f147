package membership

import (
	"strconv"
	"strings"
	"time"

	"evisit/pkg/money"
)

// A Page is Stripe's, where a membership's first payment can be made until its end.
type Page struct {
	Session string    `json:"session"`
	URL     string    `json:"url"`
	Ends    time.Time `json:"ends"`
}

// IDOf is the id of a patient's nth membership, which begins with what it is of: two that are asked
// for at once are the same.
func IDOf(payer string, n int) string { return payer + ".m" + strconv.Itoa(n) }

// PayerOf is the patient who pays for the membership with an id.
func PayerOf(id string) string {
	payer, _, _ := strings.Cut(id, ".")
	return payer
}

// Payable reports whether m's first payment can still be made on its Page.
func (m Membership) Payable(now time.Time) bool {
	return m.State == Pending && m.Subscription == "" && m.Page.URL != "" && now.Before(m.Page.Ends)
}

// Arrears returns Stripe's page on which the payer of a past due m can pay, and how much; empty if m is
// not past due, or Stripe has no page for it.
func (m Membership) Arrears() (page string, amount money.Cents) {
	if m.State != PastDue {
		return "", 0
	}
	return m.Standing.PayURL, m.Standing.Open
}

// Same reports whether m stands as was did, but for when that was fetched from Stripe.
func (m Membership) Same(was Membership) bool {
	a, b := m.Standing, was.Standing
	a.At, b.At = time.Time{}, time.Time{}
	return m.State == was.State && m.Ended == was.Ended && m.Asked == was.Asked && m.Turn == was.Turn && m.Customer == was.Customer && m.Subscription == was.Subscription && a == b
}
