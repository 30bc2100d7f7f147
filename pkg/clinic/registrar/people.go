package registrar

import (
	"context"
	"reflect"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

// People lists who works, or worked, at the caller's practice, by role.
func (r *Room) People(ctx context.Context, c clinic.Caller) ([]identity.Person, error) {
	c, err := r.allow(ctx, c, identity.ReadRoster, "")
	if err != nil {
		return nil, err
	}
	return r.Store.Roster(ctx, c.Person.Practice)
}

// Person returns one of those who work, or worked, at the caller's practice.
func (r *Room) Person(ctx context.Context, c clinic.Caller, id string) (identity.Person, error) {
	c, err := r.allow(ctx, c, identity.ReadRoster, "")
	if err != nil {
		return identity.Person{}, err
	}
	return r.worker(ctx, c.Person.Practice, id)
}

var errNoPerson = fault.New(fault.NotFound, "not_found", "nobody with this id works here")

func (r *Room) worker(ctx context.Context, practice, id string) (identity.Person, error) {
	p, err := r.Kernel.Store.Person(ctx, id)
	if err == nil && (p.Practice != practice || !p.Works()) {
		err = errNoPerson
	}
	return p, err
}

// ChangePerson replaces what the caller's practice says of someone who works there: roles,
// name, NPI and licenses. It holds from that person's next request on.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict (last_admin) if
// nobody would be administrator; clinic.ErrStale if c names another version.
func (r *Room) ChangePerson(ctx context.Context, c clinic.Caller, id string, w registry.Worker) (identity.Person, error) {
	return r.changePerson(ctx, c, id, "changed", func(p identity.Person, now time.Time) (identity.Person, error) {
		w, err := w.Check(now)
		if err != nil {
			return p, err
		}
		return w.On(p), nil
	})
}

// Activate gives back to someone who works at the caller's practice what they may do,
// or takes it away at once, everywhere. What is so already is returned unchanged.
//
// Errors: fault.Conflict (last_admin) if nobody would be administrator.
func (r *Room) Activate(ctx context.Context, c clinic.Caller, id string, active bool) (identity.Person, error) {
	what := "deactivated"
	if active {
		what = "reactivated"
	}
	return r.changePerson(ctx, c, id, what, func(p identity.Person, now time.Time) (identity.Person, error) {
		return p.Activate(active, now), nil
	})
}

func (r *Room) changePerson(ctx context.Context, c clinic.Caller, id, what string, change func(identity.Person, time.Time) (identity.Person, error)) (identity.Person, error) {
	c, err := r.allow(ctx, c, identity.ManagePeople, "")
	if err != nil {
		return identity.Person{}, err
	}
	return clinic.Retry(func() (identity.Person, error) {
		// The practice's version is read before the roster. A change that takes the role of
		// administrator from someone writes it, so that two cannot each take the other's.
		here, err := r.Kernel.Store.Practice(ctx, c.Person.Practice)
		if err != nil {
			return identity.Person{}, err
		}
		was, err := r.worker(ctx, here.ID, id)
		if err != nil {
			return was, err
		}
		now := r.Kernel.Time()
		next, err := change(was, now)
		if err != nil || reflect.DeepEqual(next, was) {
			return was, err
		}
		if c.Version != 0 && c.Version != was.Version {
			return was, clinic.ErrStale
		}
		roster, err := r.Store.Roster(ctx, here.ID)
		if err != nil {
			return was, err
		}
		next.Version++
		m := clinic.Commit{Person: &next, Audit: r.record(c, here.ID, identity.ManagePeople, what, id, now)}
		leaves, err := registry.Leave(was, next, roster)
		if err != nil {
			return was, err
		}
		here, told := here.ReadByWith(roster, next)
		if leaves || told {
			here.Version++
			m.Practice = &here
		}
		return next, r.commitPractice(ctx, m)
	})
}
