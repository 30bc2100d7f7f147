package membership

import (
	"fmt"
	"slices"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
)

// maxEver bounds who was ever a member, so that a row stays small.
const maxEver = 60

// Add returns m with a further member from now on, and what is charged for the rest of the year. It
// is for a payer who agreed to that amount. Somebody who is a member changes nothing and costs
// nothing; nor does who was one in this year and comes back, whose place is paid.
//
// Errors: fault.Conflict, if the year is not paid, all places are taken (members_full) or Medicare
// covers what is included (medicare_member); fault.Invalid, if it is not known whether it does.
func (m Membership) Add(a Applicant, zone *time.Location, now time.Time) (Membership, Part, error) {
	if err := m.running(now); err != nil {
		return Membership{}, Part{}, err
	}
	if m.find(a.Patient) >= 0 {
		return m, Part{}, nil
	}
	t, places := m.TermsAt(now), m.places()
	if err := t.admit(a.Medicare); err != nil {
		return Membership{}, Part{}, err
	}
	back := slices.Contains(places, a.Patient)
	if !back && len(places) >= t.Members || len(m.People) >= maxEver {
		return Membership{}, Part{}, fault.New(fault.Conflict, "members_full",
			fmt.Sprintf("This membership is for at most %s, and all places of this year are taken. A place is free again when a new year begins.", persons(t.Members)))
	}
	var part Part
	if n := len(places); !back {
		part = m.Standing.charged(t.Yearly(n+1)-t.Yearly(n), civil.Of(now, zone), zone)
	}
	m.People = append(slices.Clone(m.People), Member{Patient: a.Patient, Joined: now, Medicare: a.Medicare.since()})
	return m.next(), part, nil
}

// admit returns nil if somebody may be a member by billing rule 19.
func (t Terms) admit(md Medicare) error {
	switch t.permits(md) {
	case barred:
		return fault.New(fault.Conflict, "medicare_member", medicareText)
	case unknown:
		return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
			fault.Problem{Where: "/medicare", Code: "required", Text: askMedicare})
	case permitted:
	}
	return nil
}

// Remove returns m without a member from now on. Their place is paid until the year ends, and is not
// refunded. Who has left is unchanged. It refuses the last member (last_member), somebody who never
// was one (not_a_member) and a year that is not paid, with fault.Conflict.
func (m Membership) Remove(patient string, now time.Time) (Membership, error) {
	if err := m.running(now); err != nil {
		return Membership{}, err
	}
	i := m.find(patient)
	switch {
	case i < 0 && slices.ContainsFunc(m.People, func(p Member) bool { return p.Patient == patient }):
		return m, nil
	case i < 0:
		return Membership{}, fault.New(fault.Conflict, "not_a_member", "This patient is not named in the membership.")
	case m.alone():
		return Membership{}, fault.New(fault.Conflict, "last_member", "Nobody else would be left. Cancel the membership instead.")
	}
	m.People = slices.Clone(m.People)
	m.People[i].Left = now
	return m.next(), nil
}

// Upgrade returns m with other terms from now on that its payer accepted in the given version, and
// what is charged for the rest of the year: the part of what they cost more. Visits that were used
// stay used, and a notice that was given for the next renewal is void. Medicare is what is known of
// each member's. The terms that m has anyway change nothing and cost nothing.
//
// Errors: fault.Conflict, if the terms have changed since they were read (terms_changed), the year
// is not paid, the terms are for fewer people (members_full), cost less (smaller_membership) or are
// not for a member's Medicare (medicare_member); fault.Invalid, if that is not known.
func (m Membership) Upgrade(t Terms, accepted int, medicare map[string]Medicare, zone *time.Location, now time.Time) (Membership, Part, error) {
	was, n := m.TermsAt(now), len(m.places())
	if accepted != t.Version {
		return Membership{}, Part{}, termsChanged()
	}
	if err := m.running(now); err != nil {
		return Membership{}, Part{}, err
	}
	switch {
	case t.is(was):
		return m, Part{}, nil
	case n > t.Members:
		return Membership{}, Part{}, fault.New(fault.Conflict, "members_full", fmt.Sprintf("That membership is for at most %s, and you have %d places in this year.", persons(t.Members), n))
	case t.Yearly(n) < was.Yearly(n):
		return Membership{}, Part{}, fault.New(fault.Conflict, "smaller_membership", "That membership costs less than yours. Cancel yours at the end of its year, and join the other then.")
	}
	people := slices.Clone(m.People)
	for i, p := range people {
		if !p.Left.IsZero() {
			continue
		}
		if err := t.admit(medicare[p.Patient]); err != nil {
			return Membership{}, Part{}, err
		}
		if medicare[p.Patient].PartB != coding.Unknown {
			people[i].Medicare = medicare[p.Patient].since()
		}
	}
	m.Terms, m.Accepted, m.Notice, m.People = t, Acceptance{t.Offer, accepted, now}, Notice{}, people
	return m.next(), m.Standing.charged(t.Yearly(n)-was.Yearly(n), civil.Of(now, zone), zone), nil
}
