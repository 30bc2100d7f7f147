package billing

import (
	"fmt"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A State is where a payment stands.
//
//	opened → held → captured (→ refunded, disputed)
//	opened → abandoned        held → released | lapsed        opened, held → failed
type State string

const (
	Opened    State = "opened"    // the Checkout page may be paid
	Held      State = "held"      // the card is held for the quoted amount
	Captured  State = "captured"  // the fee is collected
	Refunded  State = "refunded"  // wholly given back after capture
	Disputed  State = "disputed"  // the cardholder contests it
	Abandoned State = "abandoned" // the page closed unpaid
	Released  State = "released"  // the hold was let go on our word
	Lapsed    State = "lapsed"    // the hold ran out before it was captured
	Failed    State = "failed"    // the answer was given and the card could not be charged
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
	// AtOnce payments are collected when paid, without a hold: the pay link of
	// an answer whose capture failed.
	AtOnce        bool        `json:"at_once,omitempty"`
	Session       string      `json:"session,omitempty"`
	URL           string      `json:"url,omitempty"`
	SessionEnds   time.Time   `json:"session_ends"`
	Intent        string      `json:"intent,omitempty"`
	Held          money.Cents `json:"held,omitempty"`
	Collected     money.Cents `json:"collected,omitempty"`
	GivenBack     money.Cents `json:"given_back,omitempty"`
	CaptureBefore time.Time   `json:"capture_before,omitzero"`
	Why           string      `json:"why,omitempty"` // Stripe's code for a failure
	OpenedAt      time.Time   `json:"opened_at"`
	HeldAt        time.Time   `json:"held_at,omitzero"`
	EndedAt       time.Time   `json:"ended_at,omitzero"`
	Version       int         `json:"version"`
}

// Open returns p as a new payment whose page may be paid. What it is for, its
// account, amount and page must be set.
func Open(p Payment, now time.Time) (Payment, error) {
	if p.Amount <= 0 || p.Amount > money.Max {
		return Payment{}, fmt.Errorf("billing: payment %s: %s cannot be charged to a card", p.ID, p.Amount)
	}
	p.State, p.OpenedAt, p.Version = Opened, now, 1
	return p, nil
}

// An Observation is what Stripe says of a payment now. It is fetched, never
// taken from an event, so events may come in any order and any number.
type Observation struct {
	Intent        string // zero: nobody has paid the page
	Status        string // of the intent, in Stripe's words
	SessionOver   bool   // the page can no longer be paid
	Capturable    money.Cents
	Received      money.Cents
	Refunded      money.Cents
	Disputed      bool
	Expired       bool // canceled by Stripe because the hold ran out
	CaptureBefore time.Time
}

// Settle returns p brought up to what Stripe says, and the entries that record
// the difference. Told the same thing again it changes nothing. It refuses
// amounts that cannot be: a hold that is not the quote, a capture above it.
func (p Payment) Settle(o Observation, now time.Time) (Payment, []ledger.Entry, error) {
	was := p
	var es []ledger.Entry
	post := func(e ledger.Entry, err error) error {
		es = append(es, e)
		return err
	}
	if o.Intent != "" {
		if p.Intent != "" && p.Intent != o.Intent {
			return Payment{}, nil, fmt.Errorf("billing: payment %s has intent %s, told of %s", p.ID, p.Intent, o.Intent)
		}
		p.Intent = o.Intent
	}
	switch {
	case p.unpaid() && o.Status == "requires_capture":
		if o.Capturable != p.Amount {
			return Payment{}, nil, fmt.Errorf("billing: payment %s of %s is held for %s", p.ID, p.Amount, o.Capturable)
		}
		p.State, p.Held, p.HeldAt, p.CaptureBefore, p.EndedAt = Held, o.Capturable, now, o.CaptureBefore, time.Time{}
		if err := post(ledger.Held(p.ID, p.Practice, p.Held, now)); err != nil {
			return Payment{}, nil, err
		}
	case p.State == Opened && o.Status == "canceled":
		p.State, p.EndedAt = Abandoned, now
	case p.State == Opened && o.SessionOver && o.Status != "succeeded" && o.Status != "processing":
		p.State, p.EndedAt = Abandoned, now
	}
	if o.Status == "succeeded" && (p.unpaid() || p.State == Held || p.State == Failed) {
		if o.Received <= 0 || o.Received > p.Amount {
			return Payment{}, nil, fmt.Errorf("billing: payment %s of %s collected %s", p.ID, p.Amount, o.Received)
		}
		record := func() (ledger.Entry, error) { return ledger.Charged(p.ID, p.Practice, o.Received, now) }
		if p.State == Held {
			record = func() (ledger.Entry, error) { return ledger.Captured(p.ID, p.Practice, p.Held, o.Received, now) }
		}
		if err := post(record()); err != nil {
			return Payment{}, nil, err
		}
		p.State, p.Collected, p.EndedAt, p.Why = Captured, o.Received, now, ""
	}
	if o.Status == "canceled" && p.State == Held {
		p.State, p.EndedAt = Released, now
		if o.Expired {
			p.State = Lapsed
		}
		if err := post(ledger.Released(p.ID, p.Practice, p.Held, now)); err != nil {
			return Payment{}, nil, err
		}
	}
	if o.Refunded > p.GivenBack && p.Collected > 0 {
		if o.Refunded > p.Collected {
			return Payment{}, nil, fmt.Errorf("billing: payment %s collected %s and gave back %s", p.ID, p.Collected, o.Refunded)
		}
		if err := post(ledger.Refunded(p.ID, p.Practice, p.GivenBack, o.Refunded, now)); err != nil {
			return Payment{}, nil, err
		}
		p.GivenBack = o.Refunded
		if p.GivenBack == p.Collected {
			p.State = Refunded
		}
	}
	if o.Disputed && p.State == Captured {
		p.State = Disputed
	}
	if p == was {
		return was, nil, nil
	}
	p.Version++
	return p, es, nil
}

// unpaid reports whether no money of p was seen yet. Should any come after all
// to a page given up, it is recorded, so that it can be let go.
func (p Payment) unpaid() bool { return p.State == Opened || p.State == Abandoned }

// Fail returns p as one whose capture Stripe refused for good, and the entry
// that lets the hold go. Why is Stripe's code. A payment that ended otherwise
// stays as it is.
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
