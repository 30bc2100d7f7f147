package author

import (
	"context"
	"errors"
	"slices"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// Contracts are what a practice entered of its agreements with payers.
type Contracts struct {
	// Entered are those that count, by payer, code and first day.
	Entered []billing.Contract
	// Today is the practice's day.
	Today civil.Day
	// Payers are those of whom a contract may be entered, and those who have one.
	Payers   []coverage.Payer
	practice string
	all      []billing.Contract // removed ones too
}

// Holds reports whether c is the contract by which members of its payer pay for its code today.
func (l Contracts) Holds(c billing.Contract) bool {
	holds, found := billing.ContractOn(l.Entered, c.Payer, c.Code, l.Today)
	return found && holds.ID() == c.ID()
}

// Contracts returns the contracts of the caller's practice. It is for administrators.
func (r *Room) Contracts(ctx context.Context, c clinic.Caller) (Contracts, error) {
	c, err := r.allow(ctx, c, identity.DecideTerms, "")
	if err != nil {
		return Contracts{}, err
	}
	return r.contracts(ctx, c.Person.Practice)
}

func (r *Room) contracts(ctx context.Context, practiceID string) (Contracts, error) {
	p, err := r.Kernel.Store.Practice(ctx, practiceID)
	if err != nil {
		return Contracts{}, err
	}
	zone, err := p.Location()
	if err != nil {
		return Contracts{}, err
	}
	out := Contracts{practice: practiceID, Today: civil.Of(r.Kernel.Time(), zone)}
	if out.all, err = r.Store.Contracts(ctx, practiceID); err != nil {
		return Contracts{}, err
	}
	out.Entered = slices.DeleteFunc(slices.Clone(out.all), func(c billing.Contract) bool { return !c.Removed.IsZero() })
	payers, err := r.Store.Payers(ctx)
	out.Payers = slices.DeleteFunc(payers, func(p coverage.Payer) bool {
		named := slices.ContainsFunc(out.Entered, func(c billing.Contract) bool { return c.Payer == p.ID })
		return !named && p.Contracts() != nil
	})
	return out, err
}

// EnterContract enters in as a contract of the caller's practice. One of the same payer, code
// and first day is replaced; what says the same already is unchanged. What was quoted before
// stands. It is for administrators.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict (contracts_full);
// clinic.ErrStale if c names another version.
func (r *Room) EnterContract(ctx context.Context, c clinic.Caller, in billing.Contract) (billing.Contract, error) {
	return r.changeContract(ctx, c, "contract", func(l Contracts, by string, now time.Time) (was, next billing.Contract, err error) {
		in.Practice = l.practice
		was, _ = contractOf(l.all, in.ID())
		next, _, err = in.Enter(l.all, by, now)
		return was, next, fault.Both(in.CheckWith(coverage.ByID(l.Payers, in.Payer)), err)
	})
}

// RemoveContract has a contract of the caller's practice count no more. What was quoted by it
// stands. A removed one is unchanged. It is for administrators.
//
// Errors: fault.NotFound if there is none of that id; clinic.ErrStale if c names another version.
func (r *Room) RemoveContract(ctx context.Context, c clinic.Caller, id string) (billing.Contract, error) {
	return r.changeContract(ctx, c, "contract_removed", func(l Contracts, _ string, now time.Time) (was, next billing.Contract, err error) {
		was, err = contractOf(l.all, id)
		if next = was; err == nil && was.Removed.IsZero() {
			next.Removed, next.Version = now, was.Version+1
		}
		return was, next, err
	})
}

// changeContract commits what decide makes of one of the caller's contracts.
func (r *Room) changeContract(ctx context.Context, c clinic.Caller, what string,
	decide func(l Contracts, by string, now time.Time) (was, next billing.Contract, err error),
) (billing.Contract, error) {
	c, err := r.allow(ctx, c, identity.DecideTerms, "")
	if err != nil {
		return billing.Contract{}, err
	}
	l, err := r.contracts(ctx, c.Person.Practice)
	if err != nil {
		return billing.Contract{}, err
	}
	now := r.Kernel.Time()
	was, next, err := decide(l, c.Person.ID, now)
	switch {
	case err != nil || next.Version == was.Version:
		return was, err
	case c.Version != 0 && c.Version != was.Version:
		return was, clinic.ErrStale
	}
	commit := clinic.Commit{Contract: &next, Audit: r.record(c, identity.DecideTerms, what, "contract "+next.ID(), now)}
	here, err := r.Kernel.Store.Practice(ctx, c.Person.Practice)
	if err != nil {
		return next, err
	}
	if !here.Contracts {
		here.Contracts = true
		here.Version++
		commit.Practice = &here
	}
	err = r.Kernel.Store.Commit(ctx, commit)
	if errors.Is(err, clinic.ErrExists) {
		err = clinic.ErrChanged // another entered it at the same moment
	}
	r.Kernel.ForgetPractice(here.ID)
	return next, err
}

func contractOf(all []billing.Contract, id string) (billing.Contract, error) {
	for _, c := range all {
		if c.ID() == id {
			return c, nil
		}
	}
	return billing.Contract{}, fault.New(fault.NotFound, "not_found", "the practice has no such contract")
}
