// Package membership decides on yearly memberships: what a practice offers, whether a visit is
// included, what a year costs from some day on and what is refunded, when a renewal is announced
// and what happens if its payment fails, and what follows if a member has Medicare. It follows the
// subscription at Stripe by what was fetched there.
//
//	pending → active ⇄ past_due → ended
//
// It decides on values. Storing them, calling Stripe, writing to people and reading the clock are
// left to others; when something is due is said by NextDue.
package membership

import (
	"fmt"
	"slices"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A State is the stage of a membership's life.
type State string

// The states.
const (
	Pending State = "pending"  // its first payment is not reported
	Active  State = "active"   // its year is paid
	PastDue State = "past_due" // a payment failed; visits are included until the grace ends
	Ended   State = "ended"
)

// A Why is the reason for which a membership ended.
type Why string

// The reasons.
const (
	NeverPaid  Why = "never_paid"  // the first payment was not made in time
	Cancelled  Why = "cancelled"   // by the member, at the end of the year or at once
	ByPractice Why = "by_practice" // at once, or with the year, as the payer was told
	Unpaid     Why = "unpaid"      // a payment failed and the grace is over
	OfMedicare Why = "medicare"    // nobody is left who may be a member
)

// An End is when a membership ended, and why. The zero End is of one that has not.
type End struct {
	At  time.Time `json:"at"`
	Why Why       `json:"why"`
}

// IsZero reports whether nothing ended.
func (e End) IsZero() bool { return e.At.IsZero() }

// A Membership is what one patient pays a practice for by the year, for themselves or for their
// family. It is never deleted: it ends. Customer and Subscription are ids of Account at Stripe and
// mean nothing without it.
type Membership struct {
	ID       string `json:"id"`
	Practice string `json:"practice"`
	// Payer is the patient who pays. A payer who is not among People is no member: a parent
	// may pay for a child alone.
	Payer        string `json:"payer"`
	Account      string `json:"account"`
	Customer     string `json:"customer,omitempty"`
	Subscription string `json:"subscription,omitempty"` // empty until Stripe reports it
	// Terms are what the payer accepted. What a practice decides later changes them by a
	// Notice, or because the payer accepts other terms, and in no other way.
	Terms Terms `json:"terms"`
	// Platform is the platform's part of what is paid for it, in hundredths of a percent, as it was
	// decided when the payer joined; 0: nothing.
	Platform int `json:"platform,omitempty"`
	// Accepted is what the payer accepted last, and when; zero: before that was kept.
	Accepted Acceptance `json:"accepted,omitzero"`
	// Page is where the first payment can be made.
	Page Page `json:"page,omitzero"`
	// Notice is the last that was given; its terms hold from the renewal that it names.
	Notice Notice   `json:"notice,omitzero"`
	People []Member `json:"people"`
	State  State    `json:"state"`
	// Standing is the subscription as last fetched from Stripe; zero: never.
	Standing Standing `json:"standing,omitzero"`
	// Asked is what Stripe is asked to do and has not confirmed; see Carried. Turn counts how often
	// it was asked to renew m or not to, and the last of them holds: Standing.Turn is the one that
	// Stripe did last, which may be an older one whose call arrived late.
	Asked Ask `json:"asked,omitempty"`
	Turn  int `json:"turn,omitempty"`
	// Decided is the decision to end at once, which holds whatever Stripe reports later.
	Decided Decision `json:"decided,omitzero"`
	Back    Back     `json:"back,omitzero"`
	// Ended is how it ended: by Decided, or as Stripe reports.
	Ended   End       `json:"ended,omitzero"`
	Made    time.Time `json:"made"`
	Version int       `json:"version"`
}

// An Acceptance is one version of an offer's terms, which somebody accepted.
type Acceptance struct {
	Offer string    `json:"offer"`
	Terms int       `json:"terms"` // the version
	At    time.Time `json:"at"`
}

// A Decision is an End that was decided here, and what had been paid by then for the year that
// began at Year; zero: no year had begun. It has the Reason of a practice.
type Decision struct {
	End
	Year   time.Time   `json:"year,omitzero"`
	Paid   money.Cents `json:"paid,omitempty"`
	Reason Reason      `json:"reason,omitempty"` // of a practice
}

// Back is what is refunded of one year's payments, in all: what was refunded before, and what was
// decided to be. Year is the start of that year. What Stripe has not refunded by the next year is
// not owed of that one's payments: a person must find another way.
type Back struct {
	Year   time.Time   `json:"year"`
	Amount money.Cents `json:"amount"`
}

// A Member is a patient for whom visits are included.
type Member struct {
	Patient string    `json:"patient"`
	Joined  time.Time `json:"joined"`
	Left    time.Time `json:"left,omitzero"` // zero: they have not
	// Medicare is the first day on which the member has Medicare Part B; zero: not that is known.
	Medicare civil.Day `json:"medicare,omitzero"`
	// Refunded is set of a member who left because of Medicare: their part of the year was
	// refunded.
	Refunded bool `json:"refunded,omitempty"`
}

// present reports whether the member was one at an instant.
func (p Member) present(at time.Time) bool {
	return !at.Before(p.Joined) && (p.Left.IsZero() || at.Before(p.Left))
}

// An Application is what somebody asks for who wants a membership.
type Application struct {
	ID, Practice, Payer string
	Account, Customer   string
	Terms               Terms // those in force
	// Accepted is the version of the terms that the payer read and accepted.
	Accepted int
	// Platform is the platform's part, as Membership has it.
	Platform int
	People   []Applicant
}

// An Applicant is a patient who is to be a member.
type Applicant struct {
	Patient  string
	Medicare Medicare
}

// Enrol returns the membership that a asks for, which awaits its first payment.
//
// It refuses with fault.Invalid, naming every problem, an application that is not complete, and
// with fault.Conflict terms that have changed since they were read (terms_changed), and applicants
// for whom Medicare pays for what is included (medicare_member; billing rule 19).
func (a Application) Enrol(now time.Time) (Membership, error) {
	if a.Accepted != a.Terms.Version {
		return Membership{}, termsChanged()
	}
	var all problems
	most := a.Terms.Members
	all.must(len(a.People) > 0 && len(a.People) <= most, "/members", "occurrence", fmt.Sprintf("Name from 1 to %d people: this membership is for no more.", most))
	for i, p := range a.People[:min(len(a.People), maxMembers)] {
		where := fmt.Sprintf("/members/%d", i)
		earlier := slices.ContainsFunc(a.People[:i], func(o Applicant) bool { return o.Patient == p.Patient })
		all.must(p.Patient != "" && !earlier, where, "repeated", "Name each person once.")
		all.must(a.Terms.permits(p.Medicare) != unknown, where+"/medicare", "required", askMedicare)
	}
	if err := all.err(); err != nil {
		return Membership{}, err
	}
	for i, p := range a.People {
		all.must(a.Terms.permits(p.Medicare) != barred, fmt.Sprintf("/members/%d/medicare", i), "medicare", medicareText)
	}
	if len(all) > 0 {
		return Membership{}, fault.New(fault.Conflict, "medicare_member", medicareText, all...)
	}
	m := Membership{
		ID: a.ID, Practice: a.Practice, Payer: a.Payer, Account: a.Account, Customer: a.Customer,
		Terms: a.Terms, Accepted: Acceptance{a.Terms.Offer, a.Accepted, now}, Platform: a.Platform, State: Pending, Made: now, Version: 1,
	}
	for _, p := range a.People {
		m.People = append(m.People, Member{Patient: p.Patient, Joined: now, Medicare: p.Medicare.since()})
	}
	return m, nil
}

// next returns m as the next version, in the state that follows from what is decided and reported.
func (m Membership) next() Membership {
	m.State, m.Ended = m.stand()
	m.Version++
	return m
}

// stand derives how m stands. It depends on the decision to end it and on the last Standing alone,
// never on the way there, so that reports may come in any order and number.
func (m Membership) stand() (State, End) {
	state, end := m.Standing.state()
	if !m.Decided.IsZero() && !m.paidAfterAll(state) {
		return Ended, m.Decided.End
	}
	if end.Why == Cancelled && m.closing() { // Stripe was asked to, and not by who pays
		end.Why = ByPractice
	}
	return state, end
}

// paidAfterAll reports whether m, which ended because its grace was over, was paid before Stripe
// canceled it: it is active, or a payment failed that was asked for later.
func (m Membership) paidAfterAll(state State) bool {
	s := m.Standing
	if m.Decided.Why != Unpaid || !s.At.After(m.Decided.At) {
		return false
	}
	return state == Active || state == PastDue && s.unpaid().After(m.Decided.At)
}

// TermsAt returns the terms that hold at an instant: those of a notice only once the year has ended
// that it was given for.
func (m Membership) TermsAt(at time.Time) Terms {
	renewed := !m.Standing.Start.Before(m.Notice.Renews) || !at.Before(m.Standing.End)
	if m.Notice.renews() && !at.Before(m.Notice.Renews) && renewed {
		return m.Notice.Terms
	}
	return m.Terms
}

// find returns the index of a patient who is a member and has not left; -1 if they are not.
func (m Membership) find(patient string) int {
	return slices.IndexFunc(m.People, func(p Member) bool { return p.Patient == patient && p.Left.IsZero() })
}

// places are the patients who were members at any time of the year that runs: each has a place until
// it ends. Who left because of Medicare has none, because it was refunded.
func (m Membership) places() []string {
	var all []string
	for _, p := range m.People {
		if !p.Refunded && (p.Left.IsZero() || p.Left.After(m.Standing.Start)) && !slices.Contains(all, p.Patient) {
			all = append(all, p.Patient)
		}
	}
	return all
}

// running returns nil if m's year is paid and not over, which is when members may change it.
func (m Membership) running(now time.Time) error {
	switch {
	case m.State == Ended || m.State == Active && !m.Renews() && !now.Before(m.Standing.End):
		return errEnded()
	case m.State == Pending:
		return fault.New(fault.Conflict, "membership_pending", "This membership begins when its first payment is made. Pay first, or wait until the payment is reported.")
	case m.State == PastDue:
		return fault.New(fault.Conflict, "membership_unpaid", "A payment for this membership failed. Pay it first.")
	}
	return nil
}

func errEnded() error {
	return fault.New(fault.Conflict, "membership_ended", "This membership has ended. Join again to have another.")
}

func termsChanged() error {
	return fault.New(fault.Conflict, "terms_changed", "The price or the terms have changed since you read them. Read them again, and accept them if you agree.")
}

// problems collects all that is wrong with an input. The zero value is empty.
type problems []fault.Problem

// must adds a problem of where unless ok.
func (p *problems) must(ok bool, where, code, text string) {
	if !ok {
		*p = append(*p, fault.Problem{Where: where, Code: code, Text: text})
	}
}

// err is a fault.Invalid with all problems; nil if there are none.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", p...)
}
