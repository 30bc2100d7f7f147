package books

import (
	"strings"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/visit"
)

// A Paid is one movement of a patient's money, and what it was for. It has no word of why.
type Paid struct {
	At   time.Time
	Kind ledger.Kind
	// Visit is the visit that it paid for; empty: a membership.
	Visit string
	// Number is that of the receipt, or of the membership's invoice.
	Number string
	// Amount is what was paid, negative if it came back.
	Amount money.Cents
}

// PaidFor lists what was paid for v and came back, oldest first for each payment.
func (m Money) PaidFor(v visit.Visit) []Paid {
	var all []Paid
	for _, r := range m.Receipts(v) {
		for _, l := range r.Lines {
			all = append(all, Paid{l.At, l.Kind, v.ID, r.Number, l.Amount})
		}
	}
	return all
}

// PaidYearly lists what was paid by the invoices of memberships and came back, in the order of their
// entries. A fee was paid when Stripe says, which its entry may be later than.
func PaidYearly(bills []membership.Bill, entries []ledger.Entry) []Paid {
	of := map[string]membership.Bill{}
	for _, b := range bills {
		of[b.Invoice] = b
	}
	var all []Paid
	for _, e := range entries {
		invoice, _, _ := strings.Cut(strings.TrimPrefix(e.ID, string(e.Kind)+"-"), "-")
		bill, paid, at := of[invoice], paidBy(e), e.At
		if e.Kind == ledger.Fee {
			paid = e.Amount()
			if !bill.PaidAt.IsZero() {
				at = bill.PaidAt
			}
		}
		if paid != 0 {
			all = append(all, Paid{At: at, Kind: e.Kind, Number: bill.Number, Amount: paid})
		}
	}
	return all
}
