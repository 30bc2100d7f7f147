// Package ledger records money as balanced double entries. A balance is always
// derived from entries; package statement keeps that of each closed month, which is never changed.
package ledger

import (
	"fmt"
	"time"

	"evisit/pkg/money"
)

// An Account is a line of the practice's books.
type Account string

const (
	Holds     Account = "holds"      // card holds in force (memorandum, debit)
	HoldsOwed Account = "holds_owed" // counterpart of Holds: to be captured or released
	Stripe    Account = "stripe"     // money that Stripe owes the practice (asset)
	VisitFees Account = "visit_fees" // fees earned by answers (income)
	Refunds   Account = "refunds"    // fees refunded (contra-income)
	// Disputes has the fees that cardholders' banks took back, until a dispute is won
	// (contra-income).
	Disputes    Account = "disputes"
	DisputeFees Account = "dispute_fees" // what Stripe takes for disputes (expense)
	// StripeFees is what Stripe takes of charges and their refunds, without disputes (expense).
	StripeFees Account = "stripe_fees"
	// PlatformFees is what the platform takes of charges, less what it gave back with their refunds
	// (expense).
	PlatformFees Account = "platform_fees"
	Bank         Account = "bank" // what Stripe paid out to the practice's bank (asset)
)

// A Kind is the event of a payment's life that an entry records. A payment has at
// most one hold, one capture and one release.
type Kind string

const (
	Hold    Kind = "hold"
	Capture Kind = "capture"
	Charge  Kind = "charge" // money collected without a hold, as by a pay link
	Release Kind = "release"
	Refund  Kind = "refund"
	// RefundFailed is the return of refunded money, because the refund failed.
	RefundFailed Kind = "refund_failed"
	// DisputeTaken is money that a dispute withdrew, DisputeReturned its return when the
	// dispute is won.
	DisputeTaken    Kind = "dispute_taken"
	DisputeReturned Kind = "dispute_returned"
	// DisputeCharged is Stripe's fee for a dispute, DisputeFeeReturned the return of one.
	DisputeCharged     Kind = "dispute_fee"
	DisputeFeeReturned Kind = "dispute_fee_returned"
	// StripeFeeTaken is Stripe's fee of a charge or of its refunds, where the entry of the charge
	// does not have it; StripeFeeReturned is what Stripe gave back of such fees.
	StripeFeeTaken    Kind = "stripe_fee"
	StripeFeeReturned Kind = "stripe_fee_returned"
	// PlatformFeeTaken is the platform's part of a charge, PlatformFeeReturned what it gave back of
	// such parts.
	PlatformFeeTaken    Kind = "platform_fee"
	PlatformFeeReturned Kind = "platform_fee_returned"
	// PayoutMade is money that left Stripe for the practice's bank, PayoutReturned its return
	// because the payout failed or was canceled. Entry.Payment is the payout.
	PayoutMade     Kind = "payout"
	PayoutReturned Kind = "payout_returned"
)

// A Posting adds Amount to Account. Debits are positive, credits negative.
type Posting struct {
	Account Account     `json:"account"`
	Amount  money.Cents `json:"amount"`
}

// An Entry is a set of postings about one payment that sums to zero. ID is unique
// within the payment, so that an entry cannot be posted twice.
type Entry struct {
	ID       string    `json:"id"`
	Kind     Kind      `json:"kind"`
	Payment  string    `json:"payment"`
	Practice string    `json:"practice"`
	At       time.Time `json:"at"`
	Postings []Posting `json:"postings"`
	// By is the person who asked for a refund, and Reason the code of why; empty of what
	// nobody here asked for.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Form is the form of the visit that was paid for, and Clinician who had answered it. They are
	// empty of what is about no visit, and of what was booked before they were kept; Clinician
	// also before the answer.
	Form      string `json:"form,omitempty"`
	Clinician string `json:"clinician,omitempty"`
	// Payer is the id of the health plan's payer, as coverage.Payer has it, if the patient was quoted their
	// share of what the payer allows; empty of what is about no such visit.
	Payer string `json:"payer,omitempty"`
}

// Held records a card hold of amount.
func Held(payment, practice string, amount money.Cents, at time.Time) (Entry, error) {
	return entry(Hold, string(Hold), payment, practice, at,
		Posting{Holds, amount}, Posting{HoldsOwed, -amount})
}

// Released records the release of a hold of amount.
func Released(payment, practice string, amount money.Cents, at time.Time) (Entry, error) {
	return entry(Release, string(Release), payment, practice, at,
		Posting{HoldsOwed, amount}, Posting{Holds, -amount})
}

// Captured records that captured was collected out of a hold of held, of which Stripe took
// fee; 0 if it took nothing, or is not known to have. The entry also releases the remainder
// of the hold, because Stripe does so on capture.
func Captured(payment, practice string, held, captured, fee money.Cents, at time.Time) (Entry, error) {
	if captured <= 0 || captured > held {
		return Entry{}, fmt.Errorf("ledger: payment %s: captured %s of a hold of %s", payment, captured, held)
	}
	return collected(Capture, string(Capture), payment, practice, fee, at,
		Posting{HoldsOwed, held}, Posting{Holds, -held},
		Posting{Stripe, captured}, Posting{VisitFees, -captured})
}

// Charged records amount collected without a hold, of which Stripe took fee, as of Captured.
func Charged(payment, practice string, amount, fee money.Cents, at time.Time) (Entry, error) {
	return collected(Charge, string(Charge), payment, practice, fee, at,
		Posting{Stripe, amount}, Posting{VisitFees, -amount})
}

// collected is an entry of money that came, with Stripe's fee if there is one: one entry, so
// that a fee which is known at once costs no row of its own.
func collected(k Kind, id, payment, practice string, fee money.Cents, at time.Time, ps ...Posting) (Entry, error) {
	switch {
	case fee < 0:
		return Entry{}, fmt.Errorf("ledger: payment %s: Stripe took a fee of %s", payment, fee)
	case fee > 0:
		ps = append(ps, Posting{StripeFees, fee}, Posting{Stripe, -fee})
	}
	return entry(k, id, payment, practice, at, ps...)
}

// Refunded records that the total refunded of a payment changed from before to
// total: it rose by a refund, or fell by one that failed. Once a refund has failed,
// the same total can be reached again: change then numbers the payment's changes,
// and is 0 before.
func Refunded(payment, practice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	kind, first, second := Refund, Posting{Refunds, total - before}, Posting{Stripe, before - total}
	if total < before {
		kind, first, second = RefundFailed, second, first
	}
	id := fmt.Sprintf("%s-%d", kind, total)
	if change > 0 {
		id += fmt.Sprintf("-%d", change)
	}
	return entry(kind, id, payment, practice, at, first, second)
}

// Disputed records that what disputes have of a payment changed from before to total: one
// withdrew money, or one was won. change numbers the payment's changes, for the same total
// can be reached again.
func Disputed(payment, practice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	return moved(DisputeTaken, DisputeReturned, Disputes, payment, practice, before, total, change, at)
}

// DisputeFee records that what Stripe took for the disputes of a payment changed from
// before to total. change is as of Disputed.
func DisputeFee(payment, practice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	return moved(DisputeCharged, DisputeFeeReturned, DisputeFees, payment, practice, before, total, change, at)
}

// StripeFee records that what Stripe took of the charge of a payment, and of its refunds,
// changed from before to total. change is as of Disputed.
func StripeFee(payment, practice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	return moved(StripeFeeTaken, StripeFeeReturned, StripeFees, payment, practice, before, total, change, at)
}

// PlatformFee records that what the platform took of the charge of a payment, less what it gave back,
// changed from before to total. change is as of Disputed.
func PlatformFee(payment, practice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	return moved(PlatformFeeTaken, PlatformFeeReturned, PlatformFees, payment, practice, before, total, change, at)
}

// PaidOut records that what a payout took to the practice's bank changed from before to total. It
// is below zero of a payout by which Stripe takes what the account owes it. change is as of
// Disputed.
func PaidOut(payout, practice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	kind, first, second := PayoutMade, Posting{Bank, total - before}, Posting{Stripe, before - total}
	if total == 0 {
		kind = PayoutReturned
	}
	if first.Amount < 0 {
		first, second = second, first
	}
	return entry(kind, fmt.Sprintf("%s-%d-%d", kind, total, change), payout, practice, at, first, second)
}

// moved records that a total which is taken from the money at Stripe rose, or fell.
func moved(up, down Kind, of Account, payment, practice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	if total < 0 {
		return Entry{}, fmt.Errorf("ledger: payment %s: a total of %s on %s", payment, total, of)
	}
	kind, first, second := up, Posting{of, total - before}, Posting{Stripe, before - total}
	if total < before {
		kind, first, second = down, second, first
	}
	return entry(kind, fmt.Sprintf("%s-%d-%d", kind, total, change), payment, practice, at, first, second)
}

func entry(k Kind, id, payment, practice string, at time.Time, ps ...Posting) (Entry, error) {
	e := Entry{ID: id, Kind: k, Payment: payment, Practice: practice, At: at, Postings: ps}
	if debit := ps[0].Amount; debit <= 0 {
		return Entry{}, fmt.Errorf("ledger: entry %s of payment %s is of %s", id, payment, debit)
	}
	return e, e.Check()
}

// Amount is the positive amount that a person is told: the money that moved at
// Stripe before its fee, or, where only a hold changed, that of the hold. A capture of
// part of a hold posts both. It is 0 of an entry without postings.
func (e Entry) Amount() money.Cents {
	var amount money.Cents
	for _, p := range e.Postings {
		if p.Account == Stripe {
			return max(p.Amount, -p.Amount)
		}
		if amount == 0 {
			amount = max(p.Amount, -p.Amount)
		}
	}
	return amount
}

// Check reports an entry that does not balance, has fewer than two postings, or
// has a posting of zero or of more than money.Max.
func (e Entry) Check() error {
	var sum money.Cents
	for _, p := range e.Postings {
		if p.Amount == 0 || p.Amount > money.Max || p.Amount < -money.Max {
			return fmt.Errorf("ledger: entry %s of payment %s posts %s to %s", e.ID, e.Payment, p.Amount, p.Account)
		}
		sum += p.Amount
	}
	if sum != 0 || len(e.Postings) < 2 {
		return fmt.Errorf("ledger: entry %s of payment %s is off balance by %s", e.ID, e.Payment, sum)
	}
	return nil
}

// Balances sums entries by account.
func Balances(entries []Entry) map[Account]money.Cents {
	sums := map[Account]money.Cents{}
	for _, e := range entries {
		for _, p := range e.Postings {
			sums[p.Account] += p.Amount
		}
	}
	return sums
}
