package author

import (
	"context"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/membership"
	"evisit/pkg/practice"
)

// DecideMembership has the caller's practice sell a membership on terms from their From on; the
// zero From is at once. Members have what they accepted until they were told of new terms. The
// terms that were decided last change nothing.
//
// Errors: those of Decide.
func (r *Room) DecideMembership(ctx context.Context, c clinic.Caller, t membership.Terms) (practice.Practice, error) {
	return r.decideMembership(ctx, c, "membership", func(p practice.Practice, by string, now time.Time) (practice.Config, bool, error) {
		return p.DecideMembership(p.ID, t, by, now)
	})
}

// WithdrawMembership takes back the terms of a membership that were to begin at from.
//
// Errors: those of Decide; fault.NotFound if none begin then.
func (r *Room) WithdrawMembership(ctx context.Context, c clinic.Caller, from time.Time) (practice.Practice, error) {
	return r.decideMembership(ctx, c, "membership_taken_back", func(p practice.Practice, by string, now time.Time) (practice.Config, bool, error) {
		return p.WithdrawMembership(from, by, now)
	})
}

// CloseMembership has the caller's practice sell its membership no more. Members keep it until
// their year ends. A closed one is unchanged.
//
// Errors: those of Decide; fault.NotFound if there is none.
func (r *Room) CloseMembership(ctx context.Context, c clinic.Caller) (practice.Practice, error) {
	return r.decideMembership(ctx, c, "membership_closed", func(p practice.Practice, by string, now time.Time) (practice.Config, bool, error) {
		return p.CloseMembership(by, now)
	})
}

func (r *Room) decideMembership(ctx context.Context, c clinic.Caller, what string,
	decide func(practice.Practice, string, time.Time) (practice.Config, bool, error),
) (practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.DecideTerms, "")
	if err != nil {
		return practice.Practice{}, err
	}
	return r.change(ctx, c, func(p practice.Practice, now time.Time) (clinic.Commit, error) {
		config, changed, err := decide(p, c.Person.ID, now)
		if err != nil || !changed {
			return clinic.Commit{}, err
		}
		p.Config = config
		about := "configuration " + practice.ConfigKey(p.Configured+1)
		return clinic.Commit{Practice: &p, Config: true, Audit: r.record(c, identity.DecideTerms, what, about, now)}, nil
	})
}
