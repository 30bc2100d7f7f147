package billing

import (
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A PayoutState is a payout as fetched from Stripe: money of a connected account on its way to
// the practice's bank, or back.
type PayoutState struct {
	ID     string      `json:"id"` // at Stripe; it means nothing without the account
	Amount money.Cents `json:"amount"`
	// Status is Stripe's word: pending, in_transit, paid, failed or canceled. A payout that was
	// paid may fail some days later.
	Status string    `json:"status"`
	Made   time.Time `json:"made"`
	// Arrives is when the bank has the money, as Stripe expects.
	Arrives time.Time `json:"arrives,omitzero"`
	// Automatic says that Stripe made it by the account's schedule, and nobody by hand.
	Automatic bool `json:"automatic,omitempty"`
	// Failure is Stripe's code for why the bank refused it; empty: it did not.
	Failure string `json:"failure,omitempty"`
}

// A Payout is a payout to a practice, as far as it is in the books.
type Payout struct {
	Practice string `json:"practice"`
	Account  string `json:"account"`
	PayoutState
	// Sent is what of it is in the books as paid out: Amount, or nothing once it has failed.
	Sent    money.Cents `json:"sent,omitempty"`
	Version int         `json:"-"`
}

// The statuses of a payout at Stripe whose money is with the account again, and the one of a
// payout that the bank has.
const (
	payoutFailed   = "failed"
	payoutCanceled = "canceled"
	payoutPaid     = "paid"
)

// Failed reports whether the bank refused the payout, and Paid whether the bank has it.
func (s PayoutState) Failed() bool { return s.Status == payoutFailed }
func (s PayoutState) Paid() bool   { return s.Status == payoutPaid }

// Returned reports whether the money is with the account again. A status that is not known is one
// of a payout on its way.
func (s PayoutState) Returned() bool { return s.Failed() || s.Status == payoutCanceled }

// PayoutsOf is what the ledger's entries about a practice's payouts are kept under, as those of
// a visit's payments are under the visit. No visit's id has a colon.
func PayoutsOf(practice string) string { return "payouts:" + practice }

// Ref names p in the ledger.
func (p Payout) Ref() string { return PayoutsOf(p.Practice) + "." + p.Account + "." + p.ID }

// Follow returns p as it stands at Stripe, and the entry that books the difference: what is paid
// out leaves the money at Stripe when the payout is made, as Stripe's balance has it, and comes
// back when it fails. The same again changes nothing.
func (p Payout) Follow(s PayoutState, now time.Time) (Payout, []ledger.Entry, error) {
	next := p
	next.PayoutState, next.Sent = s, s.Amount
	if s.Returned() {
		next.Sent = 0
	}
	if next == p {
		return p, nil, nil
	}
	next.Version++
	if next.Sent == p.Sent {
		return next, nil, nil
	}
	e, err := ledger.PaidOut(next.Ref(), p.Practice, p.Sent, next.Sent, next.Version, now)
	if err != nil {
		return p, nil, err
	}
	return next, []ledger.Entry{e}, nil
}

// Newer reports whether p may be as fetched later than s: a payout that has arrived, failed or was
// canceled is never on its way again, and one that failed or was canceled never arrives.
func (p Payout) Newer(s PayoutState) bool {
	stage := func(s PayoutState) int {
		switch {
		case s.Returned():
			return 2
		case s.Paid():
			return 1
		}
		return 0
	}
	return p.Version > 0 && stage(s) < stage(p.PayoutState)
}
