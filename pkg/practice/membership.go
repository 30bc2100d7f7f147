package practice

import (
	"fmt"
	"slices"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
)

// MembershipName is what a practice's membership is called, for people.
const MembershipName = "Yearly membership"

// Membership returns the membership that the practice sells at t, with its terms; false if it
// sells none.
func (c Config) Membership(t time.Time) (membership.Terms, bool) {
	if len(c.Memberships) == 0 {
		return membership.Terms{}, false
	}
	return c.Memberships[len(c.Memberships)-1].At(t)
}

// Offer returns the membership with an id, which may be closed.
func (c Config) Offer(id string) (membership.Offer, bool) {
	i := slices.IndexFunc(c.Memberships, func(o membership.Offer) bool { return o.ID == id })
	if i < 0 {
		return membership.Offer{}, false
	}
	return c.Memberships[i], true
}

// DecideMembership returns the configuration of a practice that sells a membership on terms
// from their From on; the zero From is at once. A closed membership is followed by another.
// The terms that were decided last change nothing, and it reports false. Members have what they
// accepted until they were told of new terms (see package membership).
//
// Errors: fault.Invalid, which names every problem.
func (c Config) DecideMembership(practice string, t membership.Terms, by string, now time.Time) (Config, bool, error) {
	c = c.At(now)
	all := slices.Clone(c.Memberships)
	if n := len(all); n == 0 || !all[n-1].Closed.IsZero() {
		all = append(all, membership.Offer{ID: fmt.Sprintf("yearly-%d", n+1), Practice: practice, Name: MembershipName})
	}
	was := all[len(all)-1]
	next, err := was.Decide(t, now)
	if err := fault.Both(fault.Both(c.offered(t), c.forMedicare(t)), err); err != nil {
		return Config{}, false, err
	}
	all[len(all)-1] = next
	return c.withMemberships(all, by, now), next.Version != was.Version, nil
}

// offered refuses terms that name a form which the practice does not offer.
func (c Config) offered(t membership.Terms) error {
	var problems []fault.Problem
	for i, form := range t.Forms {
		if c.Forms[form] == "" {
			problems = append(problems, fault.Problem{Where: fmt.Sprintf("/forms/%d", i), Code: "form", Text: "The practice does not offer the form " + form + "."})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", problems...)
}

// forMedicare refuses terms that let people with Medicare be members by what is not so (billing rule 19):
// that the practice has opted out of Medicare, which it has not decided for the time at which they begin;
// or that nothing is included that a health plan covers, though visits are that plans are billed for.
func (c Config) forMedicare(t membership.Terms) error {
	var problems []fault.Problem
	if t.OptedOut && !c.At(t.From).OptedOut {
		problems = append(problems, fault.Problem{
			Where: "/opted_out", Code: "not_opted_out",
			Text: "The practice's settings do not say that every clinician has opted out of Medicare by then. If they have, decide that first.",
		})
	}
	if t.NonCovered && t.Visits > 0 && slices.ContainsFunc(t.Classes, billing.BilledToPlans) {
		problems = append(problems, fault.Problem{
			Where: "/non_covered", Code: "covered",
			Text: "Visits are included that health plans are billed for, so it is not so that nothing is included that a plan covers.",
		})
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", problems...)
}

// WithdrawMembership returns the configuration without the terms that were to begin at from.
func (c Config) WithdrawMembership(from time.Time, by string, now time.Time) (Config, bool, error) {
	if len(c.Memberships) == 0 {
		return Config{}, false, errNoMembership
	}
	all := slices.Clone(c.Memberships)
	next, err := all[len(all)-1].Withdraw(from, now)
	if err != nil {
		return Config{}, false, err
	}
	all[len(all)-1] = next
	return c.withMemberships(all, by, now), true, nil
}

// CloseMembership returns the configuration of a practice that sells its membership no more.
// Members keep it until their year ends, and are told before. Closing a closed one changes nothing,
// and it reports false.
func (c Config) CloseMembership(by string, now time.Time) (Config, bool, error) {
	if len(c.Memberships) == 0 {
		return Config{}, false, errNoMembership
	}
	all := slices.Clone(c.Memberships)
	was := all[len(all)-1]
	all[len(all)-1] = was.Close(now)
	return c.withMemberships(all, by, now), all[len(all)-1].Version != was.Version, nil
}

var errNoMembership = fault.New(fault.NotFound, "not_found", "the practice offers no membership")

// withMemberships returns c with all its memberships replaced by a decision.
func (c Config) withMemberships(all []membership.Offer, by string, now time.Time) Config {
	c = c.At(now)
	c.Memberships, c.Decided = all, Decider{Person: by, At: now}
	return c
}
