package author

import (
	"context"
	"maps"
	"slices"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/practice"
)

// Settings are what a practice has decided.
type Settings struct {
	// Practice is as it is now; its Coming and NextConsent are still to begin.
	Practice practice.Practice
	// History are the configurations that were decided, the newest first.
	History []practice.Config
	// Account is how its account at Stripe stands; without an ID, it has none.
	Account billing.Account
	// Generated is who reads requests, as the practice's people make it.
	Generated string
}

// Settings returns what the caller's practice has decided.
func (r *Room) Settings(ctx context.Context, c clinic.Caller) (Settings, error) {
	c, err := r.allow(ctx, c, identity.DecideTerms, "")
	if err != nil {
		return Settings{}, err
	}
	p, err := r.Kernel.Store.Practice(ctx, c.Person.Practice)
	if err != nil {
		return Settings{}, err
	}
	history, err := r.Store.Configs(ctx, p.ID)
	if err != nil {
		return Settings{}, err
	}
	slices.Reverse(history)
	people, err := r.Store.Roster(ctx, p.ID)
	if err != nil {
		return Settings{}, err
	}
	account, err := r.Kernel.AccountOf(ctx, p)
	return Settings{Practice: p.At(r.Kernel.Time()), History: history, Account: account, Generated: practice.ReadBy(p.Name, people)}, err
}

// Decide decides ch for the caller's practice: at once, or from its From on. What was
// quoted and promised before stands.
//
// Errors: fault.Invalid, which names every problem; clinic.ErrStale if the caller has seen
// another version of the practice; clinic.ErrChanged for the second of two who decide at
// the same time.
func (r *Room) Decide(ctx context.Context, c clinic.Caller, ch practice.Change) (practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.DecideTerms, "")
	if err != nil {
		return practice.Practice{}, err
	}
	unpublished := r.published(ctx, c.Person.Practice, ch)
	return r.reconfigure(ctx, c, "decided", func(was practice.Config, now time.Time) (practice.Config, error) {
		next, err := was.Decide(ch, c.Person.ID, now)
		return next, fault.Both(unpublished, err)
	})
}

// Withdraw takes back the decisions of the caller's practice that were to begin at from.
func (r *Room) Withdraw(ctx context.Context, c clinic.Caller, from time.Time) (practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.DecideTerms, "")
	if err != nil {
		return practice.Practice{}, err
	}
	return r.reconfigure(ctx, c, "taken_back", func(was practice.Config, now time.Time) (practice.Config, error) {
		return was.Withdraw(from, c.Person.ID, now)
	})
}

func (r *Room) reconfigure(ctx context.Context, c clinic.Caller, what string, decide func(practice.Config, time.Time) (practice.Config, error)) (practice.Practice, error) {
	return r.change(ctx, c, func(p practice.Practice, now time.Time) (clinic.Commit, error) {
		config, err := decide(p.Config, now)
		if err != nil {
			return clinic.Commit{}, err
		}
		p.Config = config
		about := "configuration " + practice.ConfigKey(p.Configured+1)
		return clinic.Commit{Practice: &p, Config: true, Audit: r.record(c, identity.DecideTerms, what, about, now)}, nil
	})
}

// published refuses versions of forms that the practice has not published, and prices of forms of which it
// has published none.
func (r *Room) published(ctx context.Context, practiceID string, ch practice.Change) error {
	if len(ch.Forms)+len(ch.Prices)+len(ch.KindPrices) == 0 {
		return nil
	}
	all, err := r.Store.FormVersions(ctx, practiceID)
	if err != nil {
		return err
	}
	var problems []fault.Problem
	for _, name := range slices.Sorted(maps.Keys(ch.Forms)) {
		if version := ch.Forms[name]; version != "" && !offers(all, name, version) {
			problems = append(problems, fault.Problem{Where: "/forms/" + name, Code: "form", Text: "The practice has published no such version of this form."})
		}
	}
	has := func(form string) bool {
		return slices.ContainsFunc(all, func(v clinic.FormVersion) bool { return v.Name == form })
	}
	for _, form := range slices.Sorted(maps.Keys(ch.Prices)) {
		if ch.Prices[form] != nil && !has(form) {
			problems = append(problems, fault.Problem{Where: "/prices/" + form, Code: "form", Text: "The practice has published no such form."})
		}
	}
	for _, form := range slices.Sorted(maps.Keys(ch.KindPrices)) {
		if !has(form) {
			problems = append(problems, fault.Problem{Where: "/kind_prices/" + form, Code: "form", Text: "The practice has published no such form."})
		}
	}
	if len(problems) > 0 {
		return fault.New(fault.Invalid, "invalid_request", "some of these decisions cannot be made", problems...)
	}
	return nil
}

// DecideConsent decides the consent text of the caller's practice, at once or from from
// on. What patients accepted before is kept. A text that is to come already begins at
// from instead; one that holds then anyway changes nothing.
//
// Errors: those of Decide; fault.Conflict for a version that was used (consent_exists;
// clinic.ErrExists if another took its place since).
func (r *Room) DecideConsent(ctx context.Context, c clinic.Caller, text practice.Consent, from time.Time) (practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.DecideTerms, "")
	if err != nil {
		return practice.Practice{}, err
	}
	return r.change(ctx, c, func(p practice.Practice, now time.Time) (clinic.Commit, error) {
		next, isNew, err := p.DecideConsent(text, from, now)
		if err != nil || next.Core == p.At(now).Core {
			return clinic.Commit{}, err
		}
		next.Config = p.Config // as it stands, with what is to begin
		later := next.ConsentNext == text.Version
		return clinic.Commit{
			Practice: &next, Consent: isNew && !later, NextConsent: isNew && later,
			Audit: r.record(c, identity.DecideTerms, "consent", "consent "+text.Version, now),
		}, nil
	})
}

// DecideReaders has patients told the text as who reads their requests; an empty text is
// the one that the practice's people make.
func (r *Room) DecideReaders(ctx context.Context, c clinic.Caller, text string) (practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.DecideTerms, "")
	if err != nil {
		return practice.Practice{}, err
	}
	people, err := r.Store.Roster(ctx, c.Person.Practice)
	if err != nil {
		return practice.Practice{}, err
	}
	return r.change(ctx, c, func(p practice.Practice, now time.Time) (clinic.Commit, error) {
		next, err := p.DecideReaders(text, people)
		if err != nil || next.Core == p.Core {
			return clinic.Commit{}, err
		}
		return clinic.Commit{Practice: &next, Audit: r.record(c, identity.DecideTerms, "readers", "who reads", now)}, nil
	})
}
