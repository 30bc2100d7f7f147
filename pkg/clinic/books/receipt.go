package books

import (
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/visit"
)

// A Receipt says what a patient paid under one payment of a visit, and what came back to them.
type Receipt struct {
	Number string
	Lines  []Line // oldest first
	Paid   money.Cents
}

// A Line is one movement of a patient's money: Amount is what they paid, negative if it came
// back.
type Line struct {
	Kind   ledger.Kind
	Amount money.Cents
	At     time.Time
}

// Receipts returns those of v, in the order of its payments: one for each of which something
// was collected. Holds and what the practice pays are not the patient's money.
func (m Money) Receipts(v visit.Visit) []Receipt {
	var all []Receipt
	for _, p := range m.Payments {
		if p.Collected == 0 {
			continue
		}
		r := Receipt{Number: v.Receipt(p.ID)}
		for _, e := range entriesOf(m.Entries, p.ID) {
			if paid := paidBy(e); paid != 0 {
				r.Lines = append(r.Lines, Line{e.Kind, paid, e.At})
				r.Paid += paid
			}
		}
		all = append(all, r)
	}
	return all
}

// paidBy is what the patient paid by e, negative if it came back to them.
func paidBy(e ledger.Entry) money.Cents {
	switch e.Kind {
	case ledger.Capture, ledger.Charge, ledger.RefundFailed, ledger.DisputeReturned:
		return e.Amount()
	case ledger.Refund, ledger.DisputeTaken:
		return -e.Amount()
	case ledger.Hold, ledger.Release, ledger.DisputeCharged, ledger.DisputeFeeReturned, ledger.StripeFeeTaken, ledger.StripeFeeReturned, ledger.PlatformFeeTaken, ledger.PlatformFeeReturned, ledger.Fee, ledger.Earned, ledger.PayoutMade, ledger.PayoutReturned:
	}
	return 0
}
