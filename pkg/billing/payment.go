package billing

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"evisit/pkg/money"
)

// A State is the stage of a payment's life.
//
//	opened → held → captured ⇄ refunded, captured ⇄ disputed → charged_back
//	opened → abandoned        held → released | lapsed | failed
//	opened → processing → captured | failed
//	opened → failed   of a payment without a page, which the card refused
type State string

const (
	Opened State = "opened" // the Checkout page can be paid
	Held   State = "held"   // the card is held for the quoted amount
	// Processing says that the page was paid by a method that takes days, such as
	// a bank account.
	Processing    State = "processing"
	Captured      State = "captured" // the fee is collected
	FullyRefunded State = "refunded" // all that was captured is refunded
	Disputed      State = "disputed" // a dispute that is no inquiry is open: the bank decides
	// ChargedBack says that disputes were lost, and with refunds have all that was
	// captured.
	ChargedBack State = "charged_back"
	Abandoned   State = "abandoned" // the page expired unpaid
	Released    State = "released"  // this system released the hold
	Lapsed      State = "lapsed"    // the hold expired before a capture
	Failed      State = "failed"    // the fee could not be charged to the card or bank account
)

// A Payment is one attempt to pay for a visit. A visit whose Checkout was
// abandoned gets another; only the visit's latest is wanted. Every Stripe id
// in it belongs to Account and means nothing without it.
type Payment struct {
	ID       string      `json:"id"`
	Visit    string      `json:"visit"`
	Practice string      `json:"practice"`
	Account  string      `json:"account"`
	Amount   money.Cents `json:"amount"`
	State    State       `json:"state"`
	// Platform is the platform's part of what p collects through this system, in hundredths of a
	// percent, as it was decided when p was begun; 0: nothing.
	Platform int `json:"platform,omitempty"`
	// AtOnce says that paying the page collects the fee without a hold: the pay
	// link of an answer whose capture failed.
	AtOnce bool `json:"at_once,omitempty"`
	// Later is what the patient agreed to when they went to the page: that the card may be
	// charged without them when its hold has ended. Zero: nothing.
	Later LaterCharge `json:"later,omitzero"`
	// CardOf is the payment with whose card p is held or charged without the patient, as
	// they agreed; p then has no page. Empty: the patient pays on p's page.
	CardOf      string      `json:"card_of,omitempty"`
	Session     string      `json:"session,omitempty"`
	URL         string      `json:"url,omitempty"`
	SessionEnds time.Time   `json:"session_ends"`
	Intent      string      `json:"intent,omitempty"`
	Held        money.Cents `json:"held,omitempty"`
	Collected   money.Cents `json:"collected,omitempty"`
	Refunded    money.Cents `json:"refunded,omitempty"`
	// StripeFee is what Stripe took of the charge and of its refunds, without disputes.
	StripeFee money.Cents `json:"stripe_fee,omitempty"`
	// PlatformFee is what the platform took of the charge, less what it gave back with refunds.
	PlatformFee money.Cents `json:"platform_fee,omitempty"`
	// Asked is the refund that a person of the practice asked for last.
	Asked Refund `json:"asked,omitzero"`
	// Dispute is the latest dispute or inquiry. Withdrawn is what disputes have of the
	// money, and DisputeFee what Stripe took for them.
	Dispute       Dispute     `json:"dispute,omitzero"`
	Withdrawn     money.Cents `json:"withdrawn,omitempty"`
	DisputeFee    money.Cents `json:"dispute_fee,omitempty"`
	CaptureBefore time.Time   `json:"capture_before,omitzero"`
	// Why is Stripe's code for a failure: of a capture, also while its hold is
	// still to be released, or of a refund.
	Why      string    `json:"why,omitempty"`
	OpenedAt time.Time `json:"opened_at"`
	HeldAt   time.Time `json:"held_at,omitzero"`
	EndedAt  time.Time `json:"ended_at,omitzero"`
	Version  int       `json:"version"`
}

// Smallest is the least that Stripe charges to a card, in US dollars.
const Smallest money.Cents = 50

// NewPayment returns p as a new payment whose page can be paid. The visit,
// practice, account, amount and page of p must be set.
func NewPayment(p Payment, now time.Time) (Payment, error) {
	if p.Amount < Smallest || p.Amount > money.Max {
		return Payment{}, fmt.Errorf("billing: payment %s: %s cannot be charged to a card", p.ID, p.Amount)
	}
	p.State, p.OpenedAt, p.Version = Opened, now, 1
	return p, nil
}

// ByCard returns a payment of amount in place of p, whose hold runs out or has: by the same
// card, without the patient, who agreed to that. It holds the amount, or collects it at once.
// Its id follows from p's, so that p is replaced once. Stripe knows nothing of it yet.
func (p Payment) ByCard(amount money.Cents, atOnce bool, now time.Time) (Payment, error) {
	next := Payment{
		ID: p.ID + "-renewed", Visit: p.Visit, Practice: p.Practice, Account: p.Account, Amount: amount, Platform: p.Platform, AtOnce: atOnce,
		CardOf: cmp.Or(p.CardOf, p.ID),
	}
	if atOnce {
		next.ID = p.ID + "-charged"
	}
	return NewPayment(next, now)
}

// Owns reports whether o is of p's own page or intent. More pages can be made by
// hand at Stripe with the reference of p: the first of them that is paid with the
// amount of p is p's; any other is a stray.
func (p Payment) Owns(o Observation) bool {
	switch {
	case o.Intent == "":
		return o.Session == "" || o.Session == p.Session
	case p.Intent != "":
		return p.Intent == o.Intent
	}
	return o.Amount == 0 || p.Amount == o.Amount
}

// Stray returns the payment of an intent that has p's reference and that p does
// not own, as observed for the first time. No visit wants it. It has no version
// until it is settled.
func (p Payment) Stray(o Observation, now time.Time) Payment {
	return Payment{
		ID: p.StrayID(o.Intent), Visit: p.Visit, Practice: p.Practice, Account: p.Account, Amount: o.Amount,
		State: Opened, Intent: o.Intent, OpenedAt: now,
	}
}

// StrayID names the payment of a stray intent with p's reference.
func (p Payment) StrayID(intent string) string { return p.Visit + "." + intent }

// CaptureRefused returns p, whose hold Stripe refused to capture for good, with
// Stripe's code, so that releasing the hold makes p failed whatever happens in
// between. A payment that is not held, or has a code, is returned unchanged.
func (p Payment) CaptureRefused(why string) Payment {
	if p.State != Held || p.Why != "" {
		return p
	}
	p.Why = why
	p.Version++
	return p
}

// A Fate is what became of the money of a request that ended without an answer.
type Fate string

const (
	NeverCharged Fate = ""             // no card was charged; a hold is released
	Refunding    Fate = "refunding"    // a card was charged, and the charge is being refunded
	Returned     Fate = "refunded"     // a card was charged, and all of it is refunded
	TakenBack    Fate = "charged_back" // a card was charged, and its bank took all of it back
	Contested    Fate = "disputed"     // a card was charged, and its bank decides about that
	Stranded     Fate = "not_refunded" // a card was charged, and the refund failed
)

// FateOf returns what became of the payments of a request that ended without an
// answer: what is least settled of any of them.
func FateOf(ps []Payment) Fate {
	order := []Fate{NeverCharged, Returned, TakenBack, Refunding, Contested, Stranded}
	worst := 0
	for _, p := range ps {
		worst = max(worst, slices.Index(order, p.fate()))
	}
	return order[worst]
}

// fate is what became of what p collected, if its request ended without an answer.
func (p Payment) fate() Fate {
	switch {
	case p.Collected == 0:
		return NeverCharged
	case p.State == Disputed:
		return Contested
	case p.State == ChargedBack:
		return TakenBack
	case p.Refunded == p.Collected:
		return Returned
	case p.Why == RefundFailed:
		return Stranded
	}
	return Refunding
}

// Text returns f in words for the patient.
func (f Fate) Text() string {
	switch f {
	case Refunding:
		return "You were charged for it, and the charge is being refunded in full; your bank may take some days to show it."
	case Returned:
		return "You were charged for it, and the charge was refunded in full; your bank may take some days to show it."
	case TakenBack:
		return "You were charged for it, and your bank took the charge back for you."
	case Contested:
		return "You were charged for it, and you or your bank dispute the charge; your bank decides."
	case Stranded:
		return "You were charged for it, and the refund did not go through; the practice will find another way to return the money."
	case NeverCharged:
	}
	return "Nothing is charged; a hold on your card is released."
}

// MustRefund reports whether captured money of p, which no visit wants, is still
// to be refunded.
func (p Payment) MustRefund() bool { return p.Excess(0) > 0 }

// Excess returns how much of what p collected is still to be refunded, if its visit
// keeps a fee of keep. A refund that failed is not tried again: a person must find
// another way. What a dispute has cannot be refunded, nor, at Stripe, the rest of that
// charge; a dispute that is won leaves all of it.
func (p Payment) Excess(keep money.Cents) money.Cents {
	if p.State != Captured || p.Why == RefundFailed || p.Withdrawn > 0 {
		return 0
	}
	return max(0, p.Collected-p.Refunded-keep)
}

const (
	// pageGrace gives Stripe's webhook about an expired page time to arrive before
	// Stripe is asked.
	pageGrace = 2 * time.Minute
	// lookEvery is how long after it Stripe is asked again while the page's end is
	// not reported, and bankEvery while a bank takes its days.
	lookEvery = 10 * time.Minute
	bankEvery = 12 * time.Hour
)

// NextLook returns when Stripe must be asked how p stands, whatever webhooks say;
// zero if p is final, or if a deadline of its visit or an event of its own asks.
func (p Payment) NextLook(now time.Time) time.Time {
	switch {
	case p.Dispute.Open():
		return p.Dispute.nextLook(now)
	case p.State == Processing:
		return now.Add(bankEvery)
	case p.State != Opened || !p.AtOnce || p.CardOf != "": // an event of its own is tried until Stripe's answer is known
		return time.Time{}
	case now.Before(p.SessionEnds.Add(pageGrace)):
		return p.SessionEnds.Add(pageGrace)
	}
	return now.Add(lookEvery)
}

// A Way is how a fee can be paid.
type Way string

const (
	NotPayable   Way = ""        // the fee is held or collected
	AtPage       Way = "page"    // at the payment's URL
	AwaitsStripe Way = "unheard" // Stripe has yet to report whether the fee was paid: the page has expired, or a bank takes its days
	ByLink       Way = "link"    // on a new page: the payment ended without the fee
)

// Payable returns how the fee of p can be paid at now. Whether the fee is wanted
// is for the visit to decide.
func (p Payment) Payable(now time.Time) Way {
	switch p.State {
	case Opened:
		if now.Before(p.SessionEnds) {
			return AtPage
		}
		return AwaitsStripe
	case Processing:
		return AwaitsStripe
	case Abandoned, Released, Lapsed, Failed:
		return ByLink
	case Held, Captured, FullyRefunded, Disputed, ChargedBack:
	}
	return NotPayable
}
