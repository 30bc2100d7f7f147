// Package author is how a practice makes its forms and takes its decisions:
// administrators hand in questionnaires and decide prices, promises and consent, the
// medical director approves forms. It reads no visit and no person's data.
package author

import (
	"context"
	"errors"
	"sync"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
	"evisit/pkg/protocol"
)

// A Room has the steps of those who write forms and decide for a practice. Its fields
// must be set before use; it is safe for concurrent use.
type Room struct {
	Kernel *clinic.Kernel
	Store  Reads
	// Library returns what a practice may begin with. It is a function so that who never
	// writes a form carries none.
	Library func() (protocol.Library, error)

	compiling sync.Once
	protocols []*intake.Form // of Library, once one has asked for them
	unusable  error          // why Library's protocols are no forms; nil if they are
}

// Reads are what a Room reads besides the kernel.
type Reads interface {
	// Draft returns a practice's draft of a form.
	Draft(ctx context.Context, practice, name string) (protocol.Draft, error)
	// Drafts lists a practice's drafts by name.
	Drafts(ctx context.Context, practice string) ([]protocol.Draft, error)
	// FormVersions lists what a practice has published, by name and version.
	FormVersions(ctx context.Context, practice string) ([]clinic.FormVersion, error)
	// Configs lists every configuration that a practice has decided, the first one first.
	Configs(ctx context.Context, practice string) ([]practice.Config, error)
	// Roster lists who works, or worked, at a practice, by role.
	Roster(ctx context.Context, practice string) ([]identity.Person, error)
	// Contracts lists what a practice entered of its agreements with payers, removed ones too,
	// by payer, code and first day.
	Contracts(ctx context.Context, practice string) ([]billing.Contract, error)
	// Payers lists the payers, by id.
	Payers(ctx context.Context) ([]coverage.Payer, error)
}

// allow returns c with its person read, who may do that at their practice.
func (r *Room) allow(ctx context.Context, c clinic.Caller, do identity.Action, about string) (clinic.Caller, error) {
	c, err := r.Kernel.Identify(ctx, c)
	if err != nil {
		return c, err
	}
	at := identity.Resource{Practice: c.Person.Practice, Whole: true}
	return c, r.Kernel.Allow(ctx, c, do, at, clinic.Subject{Practice: at.Practice, Resource: about})
}

// record is the audit record of what c did to about.
func (r *Room) record(c clinic.Caller, do identity.Action, what, about string, now time.Time) []audit.Record {
	return []audit.Record{{
		ID: r.Kernel.NewID(), Practice: c.Person.Practice, At: now, Actor: c.Actor(""), Action: string(do) + ":" + what, Resource: about,
	}}
}

func by(c clinic.Caller, now time.Time) protocol.Author {
	return protocol.Author{Person: c.Person.ID, Name: c.Person.Display, At: now}
}

// change commits what step makes of the caller's practice, as the next version of it. A
// caller who has seen another version is refused; so is the second of two who decide at
// the same time. A step that returns no commit changes nothing.
func (r *Room) change(ctx context.Context, c clinic.Caller, step func(practice.Practice, time.Time) (clinic.Commit, error)) (practice.Practice, error) {
	was, err := r.Kernel.Store.Practice(ctx, c.Person.Practice)
	if err != nil {
		return was, err
	}
	commit, err := step(was, r.Kernel.Time())
	switch {
	case err != nil:
		return was, err
	case commit.Practice == nil:
		return was, nil
	case c.Version != 0 && c.Version != was.Version:
		return was, clinic.ErrStale
	}
	commit.Practice.Version = was.Version + 1
	if commit.Config {
		commit.Practice.Configured = was.Configured + 1
	}
	err = r.Kernel.Store.Commit(ctx, commit)
	r.Kernel.ForgetPractice(was.ID)
	return *commit.Practice, err
}

// ifThere turns the error that there is no such row into no error.
func ifThere(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
