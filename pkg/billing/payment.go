package billing

import (
	"fmt"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A State is the stage of a payment's life.
//
//	opened → held → captured (→ refunded, disputed)
//	opened → abandoned        held → released | lapsed        opened, held → failed
type State string

const (
	Opened        State = "opened"    // the Checkout page can be paid
	Held          State = "held"      // the card is held for the quoted amount
	Captured      State = "captured"  // the fee is collected
	FullyRefunded State = "refunded"  // all that was captured is refunded
	Disputed      State = "disputed"  // the cardholder disputes the charge
	Abandoned     State = "abandoned" // the page expired unpaid
	Released      State = "released"  // this system released the hold
	Lapsed        State = "lapsed"    // the hold expired before a capture
	Failed        State = "failed"    // the answer was given and the card could not be charged
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
	// AtOnce says that paying the page collects the fee without a hold: the pay
	// link of an answer whose capture failed.
	AtOnce        bool        `json:"at_once,omitempty"`
	Session       string      `json:"session,omitempty"`
	URL           string      `json:"url,omitempty"`
	SessionEnds   time.Time   `json:"session_ends"`
	Intent        string      `json:"intent,omitempty"`
	Held          money.Cents `json:"held,omitempty"`
	Collected     money.Cents `json:"collected,omitempty"`
	Refunded      money.Cents `json:"refunded,omitempty"`
	CaptureBefore time.Time   `json:"capture_before,omitzero"`
	Why           string      `json:"why,omitempty"` // Stripe's code for a failure
	OpenedAt      time.Time   `json:"opened_at"`
	HeldAt        time.Time   `json:"held_at,omitzero"`
	EndedAt       time.Time   `json:"ended_at,omitzero"`
	Version       int         `json:"version"`
}

// NewPayment returns p as a new payment whose page can be paid. The visit,
// practice, account, amount and page of p must be set.
func NewPayment(p Payment, now time.Time) (Payment, error) {
	if p.Amount <= 0 || p.Amount > money.Max {
		return Payment{}, fmt.Errorf("billing: payment %s: %s cannot be charged to a card", p.ID, p.Amount)
	}
	p.State, p.OpenedAt, p.Version = Opened, now, 1
	return p, nil
}

// Fail returns p as failed, because Stripe refused its capture for good, and the
// entry that releases the hold. why is Stripe's code. A payment that has ended
// is returned unchanged.
func (p Payment) Fail(why string, now time.Time) (Payment, []ledger.Entry, error) {
	if p.State != Opened && p.State != Held {
		return p, nil, nil
	}
	var es []ledger.Entry
	if p.State == Held {
		e, err := ledger.Released(p.ID, p.Practice, p.Held, now)
		if err != nil {
			return Payment{}, nil, err
		}
		es = append(es, e)
	}
	p.State, p.Why, p.EndedAt = Failed, why, now
	p.Version++
	return p, es, nil
}

// A Way is how a fee can be paid.
type Way string

const (
	NotPayable   Way = ""        // the fee is held or collected
	AtPage       Way = "page"    // at the payment's URL
	AwaitsStripe Way = "unheard" // the page has expired, and Stripe has yet to report whether it was paid
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
	case Abandoned, Released, Lapsed, Failed:
		return ByLink
	case Held, Captured, FullyRefunded, Disputed:
	}
	return NotPayable
}
