package billing

import (
	"cmp"
	"fmt"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// An Observation is a payment as fetched from Stripe. It is never taken from an
// event, so events may come in any order and any number.
type Observation struct {
	Session       string      // the page; empty if the intent was fetched
	Intent        string      // zero: the page is unpaid
	Status        string      // of the intent, in Stripe's words
	Amount        money.Cents // of the intent; zero: not known
	SessionOver   bool        // the page has expired
	Capturable    money.Cents
	Received      money.Cents
	Refunded      money.Cents
	StripeFee     money.Cents // of the charge and its refunds; 0 also while Stripe has not booked it
	PlatformFee   money.Cents // taken of the charge, less what was given back; 0 also while Stripe has not booked it
	Dispute       Dispute     // the one that is open, else the latest; zero: none, or not known
	Withdrawn     money.Cents // by all disputes of the intent, less what came back
	DisputeFee    money.Cents // Stripe's, for all of them
	Expired       bool        // canceled by Stripe because the hold expired
	CaptureBefore time.Time
	Failure       string // Stripe's code for the last failed attempt
	Warned        bool   // the card's issuer warns of fraud
}

// The statuses of an intent at Stripe.
const (
	statusHeld       = "requires_capture"
	statusCollected  = "succeeded"
	statusCanceled   = "canceled"
	statusProcessing = "processing"
	statusUnpaid     = "requires_payment_method"
	statusAsks       = "requires_action"
)

// RefundFailed is the Why of a payment whose refund failed.
const RefundFailed = "refund_failed"

// Settle returns p in the state observed at Stripe, and the entries that record
// the difference. The same observation again changes nothing. Settle refuses
// amounts that are impossible: a hold that is not the quote's, a capture above
// it.
func (p Payment) Settle(o Observation, now time.Time) (Payment, []ledger.Entry, error) {
	s := settlement{Payment: p, o: o, now: now}
	for _, step := range []func() error{s.identify, s.hold, s.process, s.refuse, s.abandon, s.collect, s.cost, s.platform, s.release, s.refund, s.dispute} {
		if err := step(); err != nil {
			return Payment{}, nil, err
		}
	}
	if s.Payment == p {
		return p, nil, nil
	}
	s.Version++
	return s.Payment, s.entries, nil
}

// A settlement is a payment while Settle changes it. Each step handles one part
// of the observation; their order is that of a payment's life, so that a late
// first observation is recorded from the beginning.
type settlement struct {
	Payment
	o       Observation
	now     time.Time
	entries []ledger.Entry
}

func (s *settlement) post(e ledger.Entry, err error) error {
	s.entries = append(s.entries, e)
	return err
}

func (s *settlement) identify() error {
	if s.o.Intent == "" {
		return nil
	}
	if s.Intent != "" && s.Intent != s.o.Intent {
		return fmt.Errorf("billing: payment %s has intent %s, and Stripe reports %s", s.ID, s.Intent, s.o.Intent)
	}
	s.Intent = s.o.Intent
	return nil
}

func (s *settlement) hold() error {
	if s.o.Status != statusHeld || !s.unpaid() {
		return nil
	}
	if s.o.Capturable != s.Amount {
		return fmt.Errorf("billing: payment %s of %s is held for %s", s.ID, s.Amount, s.o.Capturable)
	}
	s.State, s.Held, s.HeldAt, s.CaptureBefore, s.EndedAt = Held, s.o.Capturable, s.now, s.o.CaptureBefore, time.Time{}
	return s.post(ledger.Held(s.ID, s.Practice, s.Held, s.now))
}

// process records that a bank was asked for the fee, and that it refused.
func (s *settlement) process() error {
	switch {
	case s.o.Status == statusProcessing && s.unpaid():
		s.State, s.EndedAt = Processing, time.Time{}
	case s.State == Processing && (s.o.Status == statusUnpaid || s.o.Status == statusCanceled):
		s.State, s.EndedAt, s.Why = Failed, s.now, cmp.Or(s.o.Failure, "payment_failed")
	}
	return nil
}

// refuse records that a card refused to be charged without the patient. Nobody is there to
// try another, or to authenticate.
func (s *settlement) refuse() error {
	refused := s.o.Status == statusUnpaid || s.o.Status == statusAsks || s.o.Status == statusCanceled
	if s.CardOf != "" && s.State == Opened && refused {
		s.State, s.EndedAt, s.Why = Failed, s.now, cmp.Or(s.o.Failure, "payment_failed")
	}
	return nil
}

func (s *settlement) abandon() error {
	over := s.o.SessionOver && s.o.Status != statusCollected
	if s.State == Opened && (over || s.o.Status == statusCanceled) {
		s.State, s.EndedAt = Abandoned, s.now
	}
	return nil
}

func (s *settlement) collect() error {
	if s.o.Status != statusCollected || !s.unpaid() && s.State != Held && s.State != Failed {
		return nil
	}
	if s.o.Received <= 0 || s.o.Received > s.Amount {
		return fmt.Errorf("billing: payment %s of %s collected %s", s.ID, s.Amount, s.o.Received)
	}
	held := s.State == Held
	s.State, s.Collected, s.StripeFee, s.EndedAt, s.Why = Captured, s.o.Received, s.o.StripeFee, s.now, ""
	if held {
		return s.post(ledger.Captured(s.ID, s.Practice, s.Held, s.Collected, s.StripeFee, s.now))
	}
	return s.post(ledger.Charged(s.ID, s.Practice, s.Collected, s.StripeFee, s.now))
}

// cost follows what Stripe took of a charge, where that was not known when it was collected, or
// changed with a refund.
func (s *settlement) cost() error {
	before := s.StripeFee
	if s.o.Status != statusCollected || s.Collected == 0 || s.o.StripeFee == before {
		return nil
	}
	s.StripeFee = s.o.StripeFee
	return s.post(ledger.StripeFee(s.ID, s.Practice, before, s.StripeFee, s.Version+1, s.now))
}

// platform follows what the platform took of a charge, up and, as with a refund, down.
func (s *settlement) platform() error {
	before := s.PlatformFee
	if s.o.Status != statusCollected || s.Collected == 0 || s.o.PlatformFee == before {
		return nil
	}
	s.PlatformFee = s.o.PlatformFee
	return s.post(ledger.PlatformFee(s.ID, s.Practice, before, s.PlatformFee, s.Version+1, s.now))
}

func (s *settlement) release() error {
	if s.o.Status != statusCanceled || s.State != Held {
		return nil
	}
	s.State, s.EndedAt = Released, s.now
	switch {
	case s.Why != "":
		s.State = Failed
	case s.o.Expired:
		s.State = Lapsed
	}
	return s.post(ledger.Released(s.ID, s.Practice, s.Held, s.now))
}

// refund follows the total refunded up and, when a refund failed, down.
func (s *settlement) refund() error {
	if s.o.Status != statusCollected || s.o.Refunded == s.Refunded || s.Collected == 0 {
		return nil
	}
	if s.o.Refunded < 0 || s.o.Refunded > s.Collected {
		return fmt.Errorf("billing: payment %s collected %s and refunded %s", s.ID, s.Collected, s.o.Refunded)
	}
	before, change := s.Refunded, 0
	if s.Refunded = s.o.Refunded; s.Refunded < before {
		s.Why = RefundFailed
	}
	if s.Why == RefundFailed {
		change = s.Version + 1
	}
	switch {
	case s.Refunded == s.Collected:
		s.State, s.Why = FullyRefunded, ""
	case s.State == FullyRefunded:
		s.State = Captured
	}
	return s.postRefunds(before, change)
}

// unpaid reports whether no hold or charge of p was observed yet. A hold that
// comes on an abandoned page is recorded, so that it can be released.
func (p Payment) unpaid() bool {
	return p.State == Opened || p.State == Abandoned || p.State == Processing
}

// Newer reports whether p may have been settled by a later observation than o: Settle
// would take the difference for a refund that failed, for a fee that Stripe gave back, or
// the platform without a refund, or for a change of a dispute.
func (p Payment) Newer(o Observation) bool {
	seen := p.Dispute.as(told{})
	given := o.PlatformFee < p.PlatformFee && o.Refunded <= p.Refunded
	return o.Refunded < p.Refunded || o.StripeFee < p.StripeFee || given || seen.ID != "" && (seen != o.Dispute || o.Withdrawn != p.Withdrawn)
}
