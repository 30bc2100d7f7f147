// Package clinic is the kernel of the application. A step of it loads what a
// decision needs, refuses those who may not make it, has a capability decide,
// and commits the decision once. The capabilities are the packages below, one
// for each set of powers; their rules are there and in the domain packages.
package clinic

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

// A Kernel runs the steps of every capability. Its exported fields must be set
// before use. It is safe for concurrent use.
type Kernel struct {
	Store Store
	// Writer begins the ids of the events that this function puts; empty where
	// the function puts none.
	Writer outbox.Writer
	// Operators are those who run the system, at the practice audit.Platform; there are
	// no rows of them.
	Operators []Proof
	// Patient reads a patient with their contact data, for the policy on minors; nil where
	// no patient asks for anything.
	Patient func(ctx context.Context, id string) (identity.Patient, error)
	Now     func() time.Time
	NewID   func() string
	Log     *slog.Logger

	forms     sync.Map // formKey → *intake.Form; a version never changes
	practices sync.Map // id → remembered practice
	members   memory[Proof, []identity.Membership]
	accounts  memory[string, billing.Account] // of patients' requests, by practice and account
	noted     memory[string, struct{}]        // keys of what recordHourly recorded
}

// A Caller is the person who makes a request, and the request's own identity.
type Caller struct {
	Proof Proof
	// Practice is which of the practices that know the holder of Proof the request
	// is made at. Empty is the only one there is.
	Practice string
	// Email and Phone are the caller's as the identity provider confirmed them; empty
	// if it confirmed none.
	Email, Phone phi.Text
	// Strong is set if the caller signed in with a second factor, without which people
	// who work are refused.
	Strong bool
	// Person is the caller. If it is left empty, the kernel reads it together
	// with the visit, from Proof.
	Person    identity.Person
	IP        string
	UserAgent string
	// Once is the request's idempotency key; the zero value asks for none.
	Once Once
	// Version, unless it is 0, is the version of the visit that the request was
	// decided on: a step on another version is refused with ErrStale, unless it has
	// nothing to do, or finds a red flag.
	Version int
	// Found, unless it is nil, is set to the person that a step read, so that
	// the reply can list what this person can do next without reading them
	// again.
	Found *identity.Person
	// Kept, unless it is nil, names a kept form by its Holder and ID. What loads a
	// visit reads it in the same call, and sets it: to the zero KeptForm if there is
	// none.
	Kept *KeptForm
}

// Identified returns the caller's person: the one that a step read, else Person.
func (c Caller) Identified() identity.Person {
	if c.Found != nil && c.Found.ID != "" {
		return *c.Found
	}
	return c.Person
}

// A Proof is the issuer of a verified token and the subject that the token
// names.
type Proof struct{ Issuer, Subject string }

// A Proven is what a verified token proves of its holder; each field is the
// Caller's of that name.
type Proven struct {
	Proof        Proof
	Email, Phone phi.Text
	Strong       bool
}

// By returns c as the holder of the token that proves p.
func (c Caller) By(p Proven) Caller {
	c.Proof, c.Email, c.Phone, c.Strong = p.Proof, p.Email, p.Phone, p.Strong
	return c
}

// Actor returns c as the actor of an audit record about patient.
func (c Caller) Actor(patient string) audit.Actor {
	a := audit.Actor{ID: c.Person.ID, Role: string(c.Person.Role), Name: c.Person.Display, IP: c.IP}
	if c.Person.Patient != patient && c.Person.ReadsFor(patient, time.Time{}) {
		a.OnBehalf = patient
	}
	return a
}

// System returns a function as the actor of an action that no person asked for.
func System(function string) audit.Actor {
	return audit.Actor{ID: "system:" + function, Role: "system"}
}

// Time returns the instant of one decision, in whole milliseconds, which keep
// rows small.
func (k *Kernel) Time() time.Time { return k.Now().UTC().Truncate(time.Millisecond) }

// Record returns the audit record of an action on v.
func (k *Kernel) Record(a audit.Actor, action string, v visit.Visit, now time.Time) audit.Record {
	return audit.Record{
		ID: k.NewID(), Practice: v.Practice, At: now, Actor: a, Action: action, Visit: v.ID, Version: v.Version,
	}
}

// Event returns an event about v, put by this function.
func (k *Kernel) Event(kind outbox.Kind, to outbox.Consumer, v visit.Visit, now time.Time) outbox.Event {
	return outbox.Event{
		ID: outbox.NewID(k.Writer, now, k.NewID()), Kind: kind, To: to,
		Practice: v.Practice, Patient: v.Patient, Visit: v.ID, Payment: v.Payment, At: now,
	}
}

// MembershipEvent returns an event about a membership, put by this function.
func (k *Kernel) MembershipEvent(kind outbox.Kind, to outbox.Consumer, m membership.Membership, now time.Time) outbox.Event {
	return outbox.Event{
		ID: outbox.NewID(k.Writer, now, k.NewID()), Kind: kind, To: to, Practice: m.Practice, Patient: m.Payer, Membership: m.ID, At: now,
	}
}

// A Decision is the next state of a visit and what is committed with it. Only
// the kernel numbers versions. A Decision without a Visit commits nothing.
type Decision struct {
	Visit  *visit.Visit
	Commit Commit // committed together with Visit
	// RefuseWith is the error that the caller gets although the decision is
	// committed; nil otherwise.
	RefuseWith error
	// Urgent is set if nothing may keep the decision from being made: neither its
	// commit nor, repeated, its reply is refused because the request's key was used
	// for another request.
	Urgent bool
}

// Change returns the decision that turns a visit from was into next and commits
// c with it. If next has the version of was, the step was made before, and the
// decision commits nothing.
func Change(was, next visit.Visit, c Commit) Decision {
	if next.Version == was.Version {
		return Decision{}
	}
	return Decision{Visit: &next, Commit: c}
}

// An Input is what a step decides on.
type Input struct {
	Caller  Caller
	Visit   visit.Visit
	Answers []byte // sealed; only where the Query asked for them
	Now     time.Time
	// Sure is set if what is refused now stays refused: another attempt was refused before,
	// and the rows are the latest.
	Sure bool
}

// Stale returns ErrStale if the request was decided on another version of the
// visit. The kernel asks after the decision; a decision that puts a document asks
// before.
func (in Input) Stale() error {
	if v := in.Caller.Version; v != 0 && v != in.Visit.Version {
		return ErrStale
	}
	return nil
}

// Nothing is the result of a step that returns the visit alone.
type Nothing = struct{}

// attempts bounds how often a step is decided again because someone else changed
// the visit between the read and the commit.
const attempts = 6

// errRefusedAndCommitted marks a refusal (Decision.RefuseWith) whose decision
// was committed.
var errRefusedAndCommitted = errors.New("refused, and committed")

// Step authorizes c for action do on the visit of q, has decide decide on the
// rows read, and commits the decision. If someone else changed the visit between
// the read and the commit, Step reads and decides again. A request that was
// carried out before under the same idempotency key returns the visit as it is
// now. T is the decision's own result, returned with a refusal too; it is the
// last attempt's, and zero for a repeated request.
//
// The first attempt reads eventually consistent (half price); on any error but
// fault.Busy it retries with a consistent read, so that nothing is refused
// because of an old row. A decision that may commit nothing and return what it
// read needs a q of the latest. Content that does not fit the visit is read again up to
// six times.
//
// Errors: fault.Denied; fault.NotFound, also for a visit of another practice;
// ErrChanged after six attempts; fault.Busy if the outcome is unknown; and the
// refusals of decide.
func Step[T any](ctx context.Context, k *Kernel, c Caller, do identity.Action, q Query,
	decide func(Input) (Decision, T, error),
) (visit.Visit, T, error) {
	var none T
	for n := 1; ; n++ {
		q.Latest = q.Latest || n > 1
		v, t, err := attempt(ctx, k, c, do, q, n > 1, decide)
		switch {
		case err == nil, errors.Is(err, errRefusedAndCommitted):
			return v, t, err
		case errors.Is(err, ErrRepeated):
		case n == 1 && !errors.Is(err, fault.Busy), worthRetrying(err) && n < attempts:
			continue
		}
		if v, err = k.repeatOr(ctx, c, do, err); err == nil {
			t = none
		}
		return v, t, err
	}
}

// worthRetrying reports whether err may not occur when everything is read again:
// someone else changed the visit after it was read, or while its rows were read
// one by one.
func worthRetrying(err error) bool {
	return errors.Is(err, ErrChanged) || errors.Is(err, vault.ErrBroken)
}

// attempt is one of Step's. Unless it is sure, a refusal is decided again, and not
// recorded.
func attempt[T any](ctx context.Context, k *Kernel, c Caller, do identity.Action, q Query, sure bool,
	decide func(Input) (Decision, T, error),
) (visit.Visit, T, error) {
	var none T
	now := k.Time()
	c, rows, err := k.loadAllowed(ctx, c, do, q, sure, now)
	if err != nil {
		return visit.Visit{}, none, err
	}
	v := rows.Visit
	in := Input{c, v, rows.Answers, now, sure}
	d, t, err := decide(in)
	switch {
	case err != nil:
		if sure && errors.Is(err, fault.Denied) {
			k.recordRefusal(ctx, c, string(do), Subject{Practice: v.Practice, Visit: v.ID}, codeOf(err))
		}
		return visit.Visit{}, t, err
	case d.Visit == nil:
		shown, err := k.unchanged(ctx, c, do, v)
		if d.Urgent && errors.Is(err, errKeyReused) {
			return v, t, nil
		}
		return shown, t, err
	}
	next := *d.Visit
	if err := in.Stale(); err != nil && next.Status != visit.Diverted {
		return visit.Visit{}, t, err
	}
	next.Version = v.Version + 1
	d.Commit.Visit = &next
	if len(d.Commit.Audit) == 0 {
		d.Commit.Audit = append(d.Commit.Audit, k.Record(c.Actor(v.Patient), string(do)+":"+string(next.Status), next, now))
	}
	d.Commit.Audit[0].Version = next.Version
	if err := k.EndVisitWork(ctx, &d.Commit, v, next, c.Person.ID); err != nil {
		return visit.Visit{}, none, err
	}
	if d.RefuseWith == nil { // a request that was refused leaves its key unused
		d.Commit.Request = c.Request(v.ID, now)
	}
	if err := k.commit(ctx, c, d); err != nil {
		return visit.Visit{}, none, err
	}
	if d.RefuseWith != nil {
		return visit.Visit{}, none, errors.Join(d.RefuseWith, errRefusedAndCommitted)
	}
	return next, t, nil
}

// commit commits d, without the key of c's request if d is urgent and the key was
// used for another request.
func (k *Kernel) commit(ctx context.Context, c Caller, d Decision) error {
	err := k.Store.Commit(ctx, d.Commit)
	if !d.Urgent || !errors.Is(err, ErrRepeated) {
		return err
	}
	if _, used := k.Earlier(ctx, c); !errors.Is(used, errKeyReused) {
		return err
	}
	d.Commit.Request = nil
	return k.Store.Commit(ctx, d.Commit)
}

// loadAllowed reads what q asks for and the caller's person in one call. It
// refuses a caller who may not take action do on the visit. If it is to be sure, it
// relies on nothing that is remembered of the caller, and records the refusal.
func (k *Kernel) loadAllowed(ctx context.Context, c Caller, do identity.Action, q Query, sure bool, now time.Time) (Caller, Rows, error) {
	if c.Person.ID == "" {
		m, err := k.memberOf(ctx, c, sure)
		if err != nil {
			return c, Rows{}, err
		}
		if op, ok := k.operator(c.Proof); ok && op.Practice == m.Practice {
			c.Person = op
			if err := c.admit(); err != nil {
				return c, Rows{}, err
			}
		} else {
			q.Person = m.Person
		}
	}
	if c.Kept != nil {
		q.Kept = *c.Kept
	}
	rows, err := k.Store.Load(ctx, q)
	if err != nil {
		return c, rows, err
	}
	if c.Kept != nil {
		*c.Kept = rows.Kept
	}
	if q.Person != "" {
		if c.Person = rows.Person; c.Person.ID == "" || c.Person.Inactive {
			return c, rows, c.unknown()
		}
		if err := c.admit(); err != nil {
			return c, rows, err
		}
	}
	if rows.Visit.ID == "" {
		return c, rows, errNotThere
	}
	if c.Person, err = k.withGrant(ctx, c.Person, rows.Visit.Patient); err != nil {
		return c, rows, err
	}
	if c.Found != nil {
		*c.Found = c.Person
	}
	at, err := k.resource(ctx, c.Person, rows.Visit)
	if err != nil {
		return c, rows, err
	}
	if !sure {
		return c, rows, identity.Allow(c.Person, do, at, now)
	}
	return c, rows, k.Allow(ctx, c, do, at, Subject{Practice: rows.Visit.Practice, Visit: rows.Visit.ID})
}

var errNotThere = fault.New(fault.NotFound, "not_found", "there is no such thing, or it is not yours to see")

// LoadVisit loads a visit on which c may take action do, for a reply that shows
// no content.
func (k *Kernel) LoadVisit(ctx context.Context, c Caller, do identity.Action, id string) (Caller, visit.Visit, error) {
	c, rows, err := k.LoadRows(ctx, c, do, Query{Visit: id})
	return c, rows.Visit, err
}

// LoadRows loads the visit of q, on which c may take action do, and what else q
// asks for.
func (k *Kernel) LoadRows(ctx context.Context, c Caller, do identity.Action, q Query) (Caller, Rows, error) {
	q.Latest = true
	return k.loadAllowed(ctx, c, do, q, true, k.Time())
}

// EndingEvents returns the events of a visit that ended without an answer: one
// releases its hold, one tells the patient who waited, one gives the membership that
// included it the visit back.
func (k *Kernel) EndingEvents(was, v visit.Visit, now time.Time) []outbox.Event {
	var es []outbox.Event
	if was.Payment != "" {
		es = append(es, k.Event(outbox.Release, outbox.Charge, v, now))
	}
	if was.Status.AwaitsAnswer() && !v.Private() {
		es = append(es, k.Event(outbox.Ended, outbox.Notify, v, now))
	}
	if was.Status.AwaitsAnswer() && was.Quote.Basis == billing.ByMember {
		es = append(es, k.Event(outbox.GiveBackVisit, outbox.Charge, v, now))
	}
	return es
}
