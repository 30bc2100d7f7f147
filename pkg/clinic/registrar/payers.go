package registrar

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// Payers lists the payers that a new coverage may name, by name, to everyone whom a practice
// knows; operators are shown the ended ones too.
func (r *Room) Payers(ctx context.Context, c clinic.Caller) ([]coverage.Payer, error) {
	c, err := r.Kernel.Identify(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := r.Store.Payers(ctx)
	may := identity.Rights(c.Person, identity.Resource{Practice: audit.Platform, Whole: true}, r.Kernel.Time())
	if !slices.Contains(may, identity.RunPractices) {
		all = slices.DeleteFunc(all, func(p coverage.Payer) bool { return !p.Ended.IsZero() })
	}
	slices.SortStableFunc(all, func(a, b coverage.Payer) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return all, err
}

// KeepsPayers returns nil if c may register and correct payers: an operator.
func (r *Room) KeepsPayers(ctx context.Context, c clinic.Caller) error {
	_, err := r.allow(ctx, c, identity.RunPractices, audit.Platform)
	return err
}

// Payer returns one payer. It is for operators.
func (r *Room) Payer(ctx context.Context, c clinic.Caller, id string) (coverage.Payer, error) {
	if err := r.KeepsPayers(ctx, c); err != nil {
		return coverage.Payer{}, err
	}
	return r.payer(ctx, id)
}

var errNoPayer = fault.New(fault.NotFound, "not_found", "there is no payer of this id")

func (r *Room) payer(ctx context.Context, id string) (coverage.Payer, error) {
	p, err := r.Store.Payer(ctx, id)
	if errors.Is(err, fault.NotFound) {
		err = errNoPayer
	}
	return p, err
}

var errPayerExists = fault.New(fault.Conflict, "payer_exists", "a payer of this id is registered with other words; correct that one")

// RegisterPayer registers a payer, which coverages may name from then on. It is for operators.
// The same registration again returns the payer.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict (payer_exists) for an id
// that another registration has.
func (r *Room) RegisterPayer(ctx context.Context, c clinic.Caller, in coverage.Payer) (coverage.Payer, error) {
	c, err := r.allow(ctx, c, identity.RunPractices, audit.Platform)
	if err != nil {
		return coverage.Payer{}, err
	}
	if in, err = in.Check(); err != nil {
		return coverage.Payer{}, err
	}
	in.Ended, in.Version = time.Time{}, 1
	err = r.Kernel.Store.Commit(ctx, clinic.Commit{
		Payer: &in, Audit: r.record(c, audit.Platform, identity.RunPractices, "payer_registered", in.ID, r.Kernel.Time()),
	})
	if !errors.Is(err, clinic.ErrExists) {
		return in, err
	}
	stands, err := r.payer(ctx, in.ID)
	if in.Ended, in.Version = stands.Ended, stands.Version; err == nil && in != stands {
		err = errPayerExists
	}
	return stands, err
}

// ChangePayer corrects what the payer of that id was registered with; its id never changes. Coverages that name
// it are of the corrected payer. It is for operators.
//
// Errors: fault.Invalid, which names everything wrong; clinic.ErrStale if c names another version.
func (r *Room) ChangePayer(ctx context.Context, c clinic.Caller, id string, in coverage.Payer) (coverage.Payer, error) {
	return r.changePayer(ctx, c, id, "payer_changed", func(was coverage.Payer, _ time.Time) (coverage.Payer, error) {
		next, err := in.Check()
		next.Ended, next.Version = was.Ended, was.Version
		return next, fault.Both(keepsID(id, in.ID), err)
	})
}

// EndPayer ends a payer, which new coverages then cannot name, or, where ended is false, takes
// it up again. Operators may. A payer that stands so already is returned unchanged.
func (r *Room) EndPayer(ctx context.Context, c clinic.Caller, id string, ended bool) (coverage.Payer, error) {
	what := "payer_ended"
	if !ended {
		what = "payer_resumed"
	}
	return r.changePayer(ctx, c, id, what, func(p coverage.Payer, now time.Time) (coverage.Payer, error) {
		switch {
		case !ended:
			p.Ended = time.Time{}
		case p.Ended.IsZero():
			p.Ended = now
		}
		return p, nil
	})
}

func (r *Room) changePayer(ctx context.Context, c clinic.Caller, id, what string, change func(coverage.Payer, time.Time) (coverage.Payer, error)) (coverage.Payer, error) {
	c, err := r.allow(ctx, c, identity.RunPractices, audit.Platform)
	if err != nil {
		return coverage.Payer{}, err
	}
	return clinic.Retry(func() (coverage.Payer, error) {
		was, err := r.payer(ctx, id)
		if err != nil {
			return was, err
		}
		now := r.Kernel.Time()
		next, err := change(was, now)
		if err != nil || next == was {
			return was, err
		}
		if c.Version != 0 && c.Version != was.Version {
			return was, clinic.ErrStale
		}
		next.Version++
		return next, r.Kernel.Store.Commit(ctx, clinic.Commit{
			Payer: &next, Audit: r.record(c, audit.Platform, identity.RunPractices, what, id, now),
		})
	})
}
