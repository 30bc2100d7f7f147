package billing

import (
	"fmt"
	"slices"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A RefundReason is why a person of the practice refunds a fee. It is one of a few, and no
// text of theirs: the patient's letter says it, and plain mail has no word of health.
type RefundReason string

const (
	Mistaken  RefundReason = "mistake"
	PaidTwice RefundReason = "paid_twice"
	TookLong  RefundReason = "late"
	Unsettled RefundReason = "unsettled"
	Courtesy  RefundReason = "courtesy"
)

// RefundReasons lists every reason, as people choose among them.
var RefundReasons = []RefundReason{Unsettled, TookLong, Mistaken, PaidTwice, Courtesy}

// Text says r to the patient.
func (r RefundReason) Text() string {
	switch r {
	case Mistaken:
		return "the charge was a mistake"
	case PaidTwice:
		return "it was paid twice"
	case TookLong:
		return "the answer took too long"
	case Unsettled:
		return "the answer did not settle the request"
	case Courtesy:
		return "as a courtesy"
	}
	return string(r)
}

// A RefundStage says how far a refund that a person asked for is.
type RefundStage string

const (
	RefundAsked RefundStage = "asked" // on its way to Stripe
	RefundMade  RefundStage = "made"  // Stripe has refunded it
	// RefundUndone says that Stripe refused the refund, or that it came back.
	RefundUndone RefundStage = "undone"
)

// A Refund is what a person of the practice asked to be refunded of a payment. The zero
// Refund is none.
type Refund struct {
	ID     string // of the event that takes it to Stripe
	Amount money.Cents
	Reason RefundReason
	// Left is what could be refunded of the payment when By was shown it, so that of two
	// people who refund the same at once one is refused.
	Left  money.Cents
	By    string
	At    time.Time
	Stage RefundStage
	Why   string // why it is undone: LessLeft, BankHasIt, RefundFailed, or Stripe's code
}

// Why a refund that a person asked for is undone, beside RefundFailed and Stripe's own codes.
const (
	LessLeft  = "less_left" // of the charge, for something was refunded elsewhere meanwhile
	BankHasIt = "disputed"  // the cardholder's bank has the money, or a part of it
)

// refundLife is how long a refund is believed to be on its way. Its event is given up
// earlier; after it another may be asked for.
const refundLife = 7 * 24 * time.Hour

// underWay reports whether r is on its way to Stripe at now.
func (r Refund) underWay(now time.Time) bool {
	return r.Stage == RefundAsked && now.Before(r.At.Add(refundLife))
}

// repeats reports whether r asks for what was asks for, and has not come to nothing.
func (r Refund) repeats(was Refund) bool {
	same := r.Amount == was.Amount && r.Reason == was.Reason && r.Left == was.Left && r.By == was.By
	return same && was.Stage != RefundUndone
}

// Why a refund cannot be asked for.
var (
	errRefundUnderWay = fault.New(fault.Conflict, "refund_under_way", "a refund of this payment is under way; reload it in a minute to see what is left")
	errRefundDisputed = fault.New(fault.Conflict, "refund_disputed", "the cardholder's bank has this money, or a part of it, because of a dispute; nothing of the charge can be refunded")
	errNothingLeft    = fault.New(fault.Conflict, "nothing_left", "nothing of this payment can be refunded: it was not charged, or all of it is refunded")
	errRefundChanged  = fault.New(fault.Conflict, "refund_changed", "something was refunded since you were shown this payment; reload it to see what is left")
)

// Left returns how much of p can be refunded: what was collected and not refunded; nothing
// while a dispute has a part of it, for Stripe then refunds nothing of the charge.
func (p Payment) Left() money.Cents {
	if p.State != Captured || p.Withdrawn > 0 {
		return 0
	}
	return p.Collected - p.Refunded
}

// Refundable returns how much of p a person may refund at now who may have no more than
// limit refunded of one payment, and whose visit keeps a fee of keep.
func (p Payment) Refundable(limit, keep money.Cents, now time.Time) money.Cents {
	if p.Asked.underWay(now) || p.Excess(keep) > 0 {
		return 0
	}
	return max(0, min(p.Left(), limit-p.Refunded))
}

// AskRefund returns p with the refund r to be made. limit is how much of one payment who
// asks may have refunded in all, with what others refunded of it; money.Max of who has no
// limit. keep is the fee that the visit of p keeps: what is above it is refunded by rule,
// and nothing else meanwhile. What r asks for a second time changes nothing. ID, Amount,
// Reason, Left and By of r must be set.
func (p Payment) AskRefund(r Refund, limit, keep money.Cents, now time.Time) (Payment, error) {
	if err := r.check(); err != nil {
		return Payment{}, err
	}
	switch left := p.Left(); {
	case r.repeats(p.Asked):
		return p, nil
	case p.Asked.underWay(now) || p.Excess(keep) > 0:
		return Payment{}, errRefundUnderWay
	case p.State == Disputed || p.State == ChargedBack || p.Withdrawn > 0:
		return Payment{}, errRefundDisputed
	case left == 0:
		return Payment{}, errNothingLeft
	case r.Left != left:
		return Payment{}, errRefundChanged
	case r.Amount > left:
		return Payment{}, fault.New(fault.Conflict, "refund_above_left", "at most "+left.String()+" of this payment can be refunded")
	case p.Refunded+r.Amount > limit:
		return Payment{}, aboveLimit(limit)
	}
	r.At, r.Stage, r.Why = now, RefundAsked, ""
	p.Asked = r
	p.Version++
	return p, nil
}

func aboveLimit(limit money.Cents) error {
	text := "at your practice administrators alone refund; ask one of them"
	if limit > 0 {
		text = "you may refund at most " + limit.String() + " of one payment, with what is refunded of it already; ask an administrator"
	}
	return fault.New(fault.Conflict, "refund_above_limit", text)
}

func (r Refund) check() error {
	var wrong []fault.Problem
	if r.Amount < 1 || r.Amount > money.Max {
		wrong = append(wrong, fault.Problem{Where: "/amount_cents", Code: "range", Text: fmt.Sprintf("A refund is of at least 1 cent and at most %s.", money.Max)})
	}
	if !slices.Contains(RefundReasons, r.Reason) {
		wrong = append(wrong, fault.Problem{Where: "/reason", Code: "oneof", Text: "Choose one of the reasons."})
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "invalid_request", "this cannot be refunded so", wrong...)
	}
	return nil
}

// RefundRefused returns p, whose refund with that id will not be made, with Stripe's code
// for why. A payment whose refund is another, or has ended, is returned unchanged.
func (p Payment) RefundRefused(id, why string) Payment {
	if p.Asked.ID != id || p.Asked.Stage != RefundAsked {
		return p
	}
	p.Asked.Stage, p.Asked.Why = RefundUndone, why
	p.Version++
	return p
}

// postRefunds records that the total refunded rose or fell from before. A rise by at least
// what a person asked for is, as far as that goes, theirs, whoever made it at Stripe: the
// same is not refunded twice.
func (s *settlement) postRefunds(before money.Cents, change int) error {
	switch asked := s.Asked; {
	case asked.Stage == RefundAsked && s.Refunded-before >= asked.Amount:
		s.Asked.Stage = RefundMade
		made := before + asked.Amount
		e, err := ledger.Refunded(s.ID, s.Practice, before, made, change, s.now)
		e.By, e.Reason = asked.By, string(asked.Reason)
		if err := s.post(e, err); err != nil || made == s.Refunded {
			return err
		}
		before = made
	case asked.Stage == RefundMade && s.Refunded < before:
		s.Asked.Stage, s.Asked.Why = RefundUndone, RefundFailed
	}
	return s.post(ledger.Refunded(s.ID, s.Practice, before, s.Refunded, change, s.now))
}
