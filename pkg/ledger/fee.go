package ledger

import (
	"fmt"
	"strings"
	"time"

	"evisit/pkg/money"
)

// Accounts of memberships. What is paid for a year is owed to the member until the year is over,
// and is then earned.
const (
	DeferredFees   Account = "deferred_fees"   // yearly fees paid and not earned yet (liability)
	MembershipFees Account = "membership_fees" // yearly fees earned (income)
)

// Kinds of a membership's entries; Entry.Payment is the membership.
const (
	Fee    Kind = "membership_fee"    // a yearly fee was paid
	Earned Kind = "membership_earned" // a year is over, or what ran of it
)

// FeePaid records that the total paid of a membership's invoice rose from before to total, of
// which Stripe took fee, as of Captured.
func FeePaid(membership, practice, invoice string, before, total, fee money.Cents, at time.Time) (Entry, error) {
	return collected(Fee, fmt.Sprintf("%s-%s-%d", Fee, invoice, total), membership, practice, fee, at,
		Posting{Stripe, total - before}, Posting{DeferredFees, before - total})
}

// FeeCost records that what Stripe took of a membership's invoice changed from before to total, as
// StripeFee does for a visit's payment.
func FeeCost(membership, practice, invoice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	e, err := StripeFee(membership, practice, before, total, change, at)
	e.ID = fmt.Sprintf("%s-%s-%d-%d", e.Kind, invoice, total, change)
	return e, err
}

// FeePlatformCost records that what the platform took of a membership's invoice, less what it gave
// back, changed from before to total, as PlatformFee does for a visit's payment.
func FeePlatformCost(membership, practice, invoice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	e, err := PlatformFee(membership, practice, before, total, change, at)
	e.ID = fmt.Sprintf("%s-%s-%d-%d", e.Kind, invoice, total, change)
	return e, err
}

// FeeDisputed records that what disputes have of what a membership's invoice was paid with changed
// from before to total, as Disputed does for a visit's payment.
func FeeDisputed(membership, practice, invoice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	e, err := Disputed(membership, practice, before, total, change, at)
	e.ID = fmt.Sprintf("%s-%s-%d-%d", e.Kind, invoice, total, change)
	return e, err
}

// FeeDisputeCost records that what Stripe took for the disputes of a membership's invoice changed
// from before to total, as DisputeFee does for a visit's payment.
func FeeDisputeCost(membership, practice, invoice string, before, total money.Cents, change int, at time.Time) (Entry, error) {
	e, err := DisputeFee(membership, practice, before, total, change, at)
	e.ID = fmt.Sprintf("%s-%s-%d-%d", e.Kind, invoice, total, change)
	return e, err
}

// FeeRefunded records that the total refunded of a membership's invoice changed from before to
// total, as Refunded does for a visit's payment. Earned says that the fee was earned before.
func FeeRefunded(membership, practice, invoice string, before, total money.Cents, earned bool, change int, at time.Time) (Entry, error) {
	from := DeferredFees
	if earned {
		from = Refunds
	}
	kind, first, second := Refund, Posting{from, total - before}, Posting{Stripe, before - total}
	if total < before {
		kind, first, second = RefundFailed, second, first
	}
	id := fmt.Sprintf("%s-%s-%d", kind, invoice, total)
	if change > 0 {
		id += fmt.Sprintf("-%d", change)
	}
	return entry(kind, id, membership, practice, at, first, second)
}

// FeeEarned records that amount, which was paid by a membership's invoice, is earned.
func FeeEarned(membership, practice, invoice string, amount money.Cents, at time.Time) (Entry, error) {
	return entry(Earned, fmt.Sprintf("%s-%s", Earned, invoice), membership, practice, at,
		Posting{DeferredFees, amount}, Posting{MembershipFees, -amount})
}

// OfMembership reports whether e is about a membership and not about a visit. The ids of a
// membership's entries name an invoice after the kind; those of a visit's have an amount there,
// or nothing.
func (e Entry) OfMembership() bool {
	rest := strings.TrimPrefix(strings.TrimPrefix(e.ID, string(e.Kind)), "-")
	return rest != "" && !strings.ContainsRune("-0123456789", rune(rest[0]))
}
