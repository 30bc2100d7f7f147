package registrar

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
	"evisit/pkg/work"
)

// allow returns c with its person read, who may do that at a practice.
func (r *Room) allow(ctx context.Context, c clinic.Caller, do identity.Action, practice string) (clinic.Caller, error) {
	c, err := r.Kernel.Identify(ctx, c)
	if err != nil {
		return c, err
	}
	if practice == "" {
		practice = c.Person.Practice
	}
	if practice != c.Person.Practice && practice != audit.Platform { // a practice that does not exist has no log for the refusal
		if _, err := r.Kernel.Practice(ctx, practice); err != nil {
			return c, err
		}
	}
	at := identity.Resource{Practice: practice, Whole: true}
	return c, r.Kernel.Allow(ctx, c, do, at, clinic.Subject{Practice: practice})
}

// record is the audit record of what c did to about, in a practice's log.
func (r *Room) record(c clinic.Caller, practice string, do identity.Action, what, about string, now time.Time) []audit.Record {
	return []audit.Record{{
		ID: r.Kernel.NewID(), Practice: practice, At: now, Actor: c.Actor(""), Action: string(do) + ":" + what, Resource: about,
	}}
}

var errPracticeExists = fault.New(fault.Conflict, "practice_exists", "a practice with this id is registered with other words; choose another id, or change that practice")

// Register registers a practice, which decides nothing yet and can be sent no request
// before it does. It is for operators. The same registration again returns the
// practice.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict for an id that
// another registration has (practice_exists), or an account that another practice has
// (account_taken).
func (r *Room) Register(ctx context.Context, c clinic.Caller, in registry.Registration) (practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.RunPractices, audit.Platform)
	if err != nil {
		return practice.Practice{}, err
	}
	if in, err = in.Check(); err != nil {
		return practice.Practice{}, err
	}
	now := r.Kernel.Time()
	p := practice.Practice{ID: in.ID, Core: in.Core(practice.Core{Since: now, Configured: 1}), Version: 1}
	err = r.commitPractice(ctx, clinic.Commit{
		Practice: &p, Config: true, Account: p.Account != "", Audit: r.record(c, p.ID, identity.RunPractices, "registered", p.ID, now),
	})
	if !errors.Is(err, clinic.ErrChanged) && !errors.Is(err, clinic.ErrExists) {
		return p, err
	}
	stands, err := r.Kernel.Store.Practice(ctx, in.ID)
	switch {
	case errors.Is(err, fault.NotFound): // it is not the practice that exists
		err = errAccountTaken
	case err == nil && in.Core(stands.Core) != stands.Core:
		err = errPracticeExists
	}
	return stands, err
}

// errIDStays refuses what would give an id to something that has another.
var errIDStays = fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
	fault.Problem{Where: "/id", Code: "id", Text: "Give the id that the address names; an id never changes."})

func keepsID(id, given string) error {
	if given != id {
		return errIDStays
	}
	return nil
}

// Change corrects what the practice of that id was registered with; its id never changes. Who reads
// requests, as patients are told, follows a new name unless the text is the practice's
// own. It is for operators.
//
// Errors: those of Register; clinic.ErrStale if c names another version.
func (r *Room) Change(ctx context.Context, c clinic.Caller, id string, in registry.Registration) (practice.Practice, error) {
	return r.changeCore(ctx, c, id, "changed", func(was practice.Core, _ time.Time) (practice.Core, error) {
		kept, err := in.Check()
		return kept.Core(was), fault.Both(keepsID(id, in.ID), err)
	})
}

// Suspend keeps a practice from beginning anything new, or ends that. Its open visits
// run out as they would. It is for operators; what is so already is returned unchanged.
func (r *Room) Suspend(ctx context.Context, c clinic.Caller, id string, suspended bool) (practice.Practice, error) {
	what := "suspended"
	if !suspended {
		what = "resumed"
	}
	return r.changeCore(ctx, c, id, what, func(core practice.Core, now time.Time) (practice.Core, error) {
		switch {
		case !suspended:
			core.Suspended = time.Time{}
		case core.Suspended.IsZero():
			core.Suspended = now
		}
		return core, nil
	})
}

func (r *Room) changeCore(ctx context.Context, c clinic.Caller, id, what string, change func(practice.Core, time.Time) (practice.Core, error)) (practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.RunPractices, audit.Platform)
	if err != nil {
		return practice.Practice{}, err
	}
	return clinic.Retry(func() (practice.Practice, error) {
		was, err := r.Kernel.Store.Practice(ctx, id)
		if err != nil {
			return was, err
		}
		now := r.Kernel.Time()
		next := was
		if next.Core, err = change(was.Core, now); err != nil || next.Core == was.Core {
			return was, err
		}
		if c.Version != 0 && c.Version != was.Version {
			return was, clinic.ErrStale
		}
		if next.Name != was.Name {
			roster, err := r.Store.Roster(ctx, id)
			if err != nil {
				return was, err
			}
			next, _ = next.ReadByThese(roster)
		}
		next.Version++
		with := clinic.Commit{
			Practice: &next, Account: next.Account != "" && next.Account != was.Account,
			Audit: r.record(c, id, identity.RunPractices, what, id, now),
		}
		if was.Account != "" && next.Account != was.Account { // ends the work about the former account
			with.Events = append(with.Events, r.askAccount(id, was.Account))
		}
		err = r.commitPractice(ctx, with)
		if errors.Is(err, clinic.ErrExists) {
			err = errAccountTaken
		}
		return next, err
	})
}

var errAccountTaken = fault.New(fault.Conflict, "account_taken", "another practice has this account at Stripe; each has one of its own")

// commitPractice commits c, with the first look at a new account, and has Stripe asked how
// it stands.
func (r *Room) commitPractice(ctx context.Context, c clinic.Commit) error {
	if c.Account {
		c.Events = append(c.Events, r.firstLook(*c.Practice), r.askAccount(c.Practice.ID, c.Practice.Account))
	}
	err := r.Kernel.Store.Commit(ctx, c)
	if c.Practice != nil {
		r.Kernel.ForgetPractice(c.Practice.ID)
	}
	return err
}

// firstLook is the first event that asks Stripe what changed on a practice's
// account. Each puts the next, a day later.
func (r *Room) firstLook(p practice.Practice) outbox.Event {
	now := r.Kernel.Time()
	return outbox.Event{
		ID: outbox.NewID(r.Kernel.Writer, now, r.Kernel.NewID()), Kind: outbox.CheckAccount, To: outbox.Charge,
		Practice: p.ID, Account: p.Account, At: now, Later: now.Add(24 * time.Hour),
	}
}

// askAccount is the event that asks Stripe now how a practice's account stands. Since when
// it stands so is not known: what charge finds has events of its own.
func (r *Room) askAccount(practice, account string) outbox.Event {
	return outbox.Event{
		ID: outbox.NewID(r.Kernel.Writer, r.Kernel.Time(), r.Kernel.NewID()), Kind: outbox.AskAccount, To: outbox.Charge,
		Practice: practice, Account: account,
	}
}

// A Standing is how a practice stands, for who runs the system: never a word of what
// its patients wrote.
type Standing struct {
	practice.Practice
	Open   int       // work items that somebody must do
	Parked int       // of these, events that were given up
	Oldest time.Time // when the first of them was due; zero: none
}

// Practices lists all practices and how they stand. It is for operators. It reads each
// practice and its open work: about a unit for each, and half a unit for each item.
func (r *Room) Practices(ctx context.Context, c clinic.Caller) ([]Standing, error) {
	if _, err := r.allow(ctx, c, identity.RunPractices, audit.Platform); err != nil {
		return nil, err
	}
	ids, err := r.Store.Practices(ctx)
	if err != nil {
		return nil, err
	}
	var all []Standing
	for _, id := range ids {
		s, err := r.standing(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Practice returns one practice as Practices does.
func (r *Room) Practice(ctx context.Context, c clinic.Caller, id string) (Standing, error) {
	if _, err := r.allow(ctx, c, identity.RunPractices, audit.Platform); err != nil {
		return Standing{}, err
	}
	return r.standing(ctx, id)
}

func (r *Room) standing(ctx context.Context, id string) (Standing, error) {
	p, err := r.Kernel.Store.Practice(ctx, id)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Practice: p}
	items, err := r.Store.Work(ctx, id)
	for n, i := range items {
		if n == 0 {
			s.Oldest = i.Due
		}
		if s.Open++; i.Kind == work.EventParked {
			s.Parked++
		}
	}
	return s, err
}
