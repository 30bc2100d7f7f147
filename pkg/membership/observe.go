package membership

import (
	"fmt"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/money"
)

// An Observation is a subscription as fetched from Stripe. It is never taken from an event, so
// events may come in any order and any number (billing rules §5.8).
type Observation struct {
	Account, Customer, Subscription string
	Standing
}

// A Standing is how a subscription stood when it was fetched.
type Standing struct {
	At     time.Time `json:"at"`     // when it was fetched
	Status string    `json:"status"` // in Stripe's words
	// Year is the current period. Stripe moves it on at a renewal, before that is paid.
	Year
	CancelAtEnd bool `json:"cancel_at_end,omitempty"`
	// Turn is the Membership.Turn of the last call of ours that said whether it is renewed, as the
	// subscription's metadata has it; 0: none has. Who changes CancelAtEnd at Stripe leaves it.
	Turn int `json:"turn,omitempty"`
	// UnpaidSince is when the first of its invoices that is open was made; zero: none is, or it
	// is not known, and a failed payment is then counted from Start.
	UnpaidSince time.Time `json:"unpaid_since,omitzero"`
	// PayURL is Stripe's page on which that invoice can be paid with any card (hosted_invoice_url),
	// and Open what is left to pay of it; empty, 0: none is open.
	PayURL string      `json:"pay_url,omitempty"`
	Open   money.Cents `json:"open,omitempty"`
	Ended  time.Time   `json:"ended,omitzero"`
	// Reason is Stripe's for a cancellation (cancellation_details.reason).
	Reason string      `json:"reason,omitempty"`
	Price  money.Cents `json:"price,omitempty"` // of the next renewal; 0: not known
	// Paid is what was paid for the current period in all, what was added in mid-year included,
	// and Refunded what of it was refunded.
	Paid     money.Cents `json:"paid,omitempty"`
	Refunded money.Cents `json:"refunded,omitempty"`
	// Withdrawn is what disputes have of it.
	Withdrawn money.Cents `json:"withdrawn,omitempty"`
}

// back is what of Paid is with the payer again, or with their bank.
func (s Standing) back() money.Cents { return min(s.Refunded+s.Withdrawn, s.Paid) }

// The statuses of a subscription at Stripe (docs.stripe.com, the subscription object).
const (
	statusIncomplete = "incomplete"         // the first payment is awaited, for 23 hours
	statusExpired    = "incomplete_expired" // it was not made; final
	statusTrialing   = "trialing"           // a trial that somebody set by hand
	statusActive     = "active"
	statusPastDue    = "past_due" // a payment failed and is tried again
	statusUnpaid     = "unpaid"   // and is not tried again
	statusPaused     = "paused"   // a trial ended without a way to pay
	statusCanceled   = "canceled" // final
)

// reasonUnpaid is Stripe's reason for a subscription that it canceled after its last try to collect.
const reasonUnpaid = "payment_failed"

// state returns the state of a membership whose subscription stands so (billing rules §5.12). A status
// that is not known is never an end: what was paid for holds.
func (s Standing) state() (State, End) {
	switch s.Status {
	case "", statusIncomplete:
		return Pending, End{}
	case statusActive, statusTrialing:
		return Active, End{}
	case statusPastDue, statusUnpaid, statusPaused:
		return PastDue, End{}
	case statusExpired:
		return Ended, End{At: s.ended(), Why: NeverPaid}
	case statusCanceled:
		if s.Reason == reasonUnpaid {
			return Ended, End{At: s.ended(), Why: Unpaid}
		}
		return Ended, End{At: s.ended(), Why: Cancelled}
	}
	if s.Paid > 0 {
		return Active, End{}
	}
	return Pending, End{}
}

func (s Standing) ended() time.Time {
	if s.Ended.IsZero() {
		return s.At
	}
	return s.Ended
}

// unpaid returns since when a payment is failing.
func (s Standing) unpaid() time.Time {
	if s.UnpaidSince.IsZero() {
		return s.Start
	}
	return s.UnpaidSince
}

// final reports whether Stripe never changes the status again.
func (s Standing) final() bool { return s.Status == statusCanceled || s.Status == statusExpired }

// after reports whether s is how a subscription stood after was: a final status is after any other,
// and of two alike the one that was fetched later.
func (s Standing) after(was Standing) bool {
	if s.final() != was.final() {
		return s.final()
	}
	return s.At.After(was.At)
}

// Observe returns m in the state observed at Stripe. What was fetched before that which m follows
// already changes nothing, nor does the same again: however often and in whatever order fetched
// subscriptions come, the last of them decides.
//
// It refuses a subscription of another account or customer, one that is not m's, and amounts and
// periods that are impossible. It never opens what was decided to end, except that a membership
// that ended unpaid and is paid after all, before Stripe canceled it, goes on.
func (m Membership) Observe(o Observation) (Membership, error) {
	if err := m.identify(o); err != nil {
		return Membership{}, err
	}
	if err := o.check(); err != nil {
		return Membership{}, fmt.Errorf("membership %s: subscription %s: %w", m.ID, o.Subscription, err)
	}
	if m.Subscription != "" && !o.after(m.Standing) {
		return m, nil
	}
	was := m.Standing
	m.Customer, m.Subscription, m.Standing = o.Customer, o.Subscription, o.Standing
	next := m.next()
	next.followTurn(was)
	return next, nil
}

// identify refuses what is not m's at Stripe.
func (m Membership) identify(o Observation) error {
	switch {
	case o.Account != m.Account:
		return fmt.Errorf("membership %s is of account %s, and account %s reports %s", m.ID, m.Account, o.Account, o.Subscription)
	case o.Customer == "" || m.Customer != "" && o.Customer != m.Customer:
		return fmt.Errorf("membership %s is of customer %s, and %s is of %q", m.ID, m.Customer, o.Subscription, o.Customer)
	case o.Subscription == "" || m.Subscription != "" && o.Subscription != m.Subscription:
		return fmt.Errorf("membership %s has subscription %s, and Stripe reports %q", m.ID, m.Subscription, o.Subscription)
	}
	return nil
}

const day = 24 * time.Hour

// check refuses what cannot be of a yearly subscription. Its years are counted by Stripe in UTC, so
// that they have 365 days or 366.
func (s Standing) check() error {
	length := s.End.Sub(s.Start)
	switch {
	case s.At.IsZero():
		return fmt.Errorf("nobody says when it was fetched")
	case s.Paid < 0 || s.Paid > money.Max || s.Refunded < 0 || s.Refunded > s.Paid || s.Withdrawn < 0:
		return fmt.Errorf("paid %s, refunded %s and withdrawn %s", s.Paid, s.Refunded, s.Withdrawn)
	case length < 0 || s.Start.IsZero() != s.End.IsZero():
		return fmt.Errorf("its period is from %s to %s", s.Start, s.End)
	}
	switch s.Status {
	case statusActive, statusPastDue, statusUnpaid:
		if s.Start.IsZero() || length < 364*day || length > 367*day {
			return fmt.Errorf("its period is of %s, and not a year", length)
		}
	case statusTrialing, statusPaused:
		if s.Start.IsZero() {
			return fmt.Errorf("it has no period")
		}
	}
	return nil
}

// GraceEnds is when the grace of a past due m ends: with the last of so many days after the day on
// which the payment failed, in the practice's zone. Without days of grace it ends as the payment
// fails. It is zero if m is not past due.
func (m Membership) GraceEnds(zone *time.Location) time.Time {
	if m.State != PastDue {
		return time.Time{}
	}
	since := m.Standing.unpaid()
	grace := m.TermsAt(since).Grace
	if grace == 0 {
		return since
	}
	return civil.Of(since, zone).AddDays(grace + 1).Start(zone).UTC()
}
