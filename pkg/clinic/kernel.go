// Package clinic is the kernel of the application. It loads what a decision
// needs, refuses who may not, lets a capability decide, and commits once. It
// holds no rule of a capability: those are the packages below it, one for each
// set of powers.
package clinic

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

// A Kernel is what every capability stands on. Its exported fields must be set
// before use. It is safe for concurrent use.
type Kernel struct {
	Store Store
	// Writer begins the ids of the events this function puts; empty where it
	// puts none.
	Writer outbox.Writer
	Now    func() time.Time
	NewID  func() string
	Log    *slog.Logger

	forms     sync.Map // formKey → *intake.Form; a version never changes
	practices sync.Map // id → remembered practice
	members   memory   // Proof → memberships
}

// A Caller is who makes a request, and the request's own identity.
type Caller struct {
	Proof Proof
	// Person is who that is; left empty, it is looked up where it is needed,
	// together with whatever else is read.
	Person    identity.Person
	IP        string
	UserAgent string
	// Once is the request's idempotency key; the zero value asks for none.
	Once Once
	// Found, unless it is nil, is set to the person that a step looked up, so that
	// its reply can say what they can do next without reading them again.
	Found *identity.Person
}

// Is is who the caller is known to be: found by a step, or else given.
func (c Caller) Identified() identity.Person {
	if c.Found != nil && c.Found.ID != "" {
		return *c.Found
	}
	return c.Person
}

// A Proof is what a verified token says: its issuer and the subject there.
type Proof struct{ Issuer, Subject string }

// Actor is c in an audit record about patient.
func (c Caller) Actor(patient string) audit.Actor {
	a := audit.Actor{ID: c.Person.ID, Role: string(c.Person.Role), Name: c.Person.Display, IP: c.IP}
	if c.Person.Patient != patient && c.Person.ActsFor(patient, time.Time{}) {
		a.OnBehalf = patient
	}
	return a
}

// System is the actor of what a function does by itself.
func System(function string) audit.Actor {
	return audit.Actor{ID: "system:" + function, Role: "system"}
}

// Time is the instant of one decision. Milliseconds are enough for people and
// keep rows small.
func (k *Kernel) Time() time.Time { return k.Now().UTC().Truncate(time.Millisecond) }

// Record is the audit record of an action on v.
func (k *Kernel) Record(a audit.Actor, action string, v visit.Visit, now time.Time) audit.Record {
	return audit.Record{
		ID: k.NewID(), Practice: v.Practice, At: now, Actor: a, Action: action, Visit: v.ID, Version: v.Version,
	}
}

// Event is an event about v that this function puts.
func (k *Kernel) Event(kind outbox.Kind, to outbox.Consumer, v visit.Visit, now time.Time) outbox.Event {
	return outbox.Event{
		ID: outbox.NewID(k.Writer, now, k.NewID()), Kind: kind, To: to,
		Practice: v.Practice, Patient: v.Patient, Visit: v.ID, Payment: v.Payment, At: now,
	}
}

// A Decision is what one step makes of a visit. Only the kernel numbers
// versions. A Decision without a Visit changes nothing.
type Decision struct {
	Visit  *visit.Visit
	Commit Commit // what becomes true with it
	// Told is what the caller is told although the commit is made; nil otherwise.
	RefuseWith error
}

// Change is the decision to make next of a visit, and c true with it. A step
// that was made before leaves the visit as it was, which changes nothing.
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
}

// Nothing is the result of a step that has none besides the visit.
type Nothing = struct{}

// attempts bounds how often a decision is made again because someone else
// changed the record in between.
const attempts = 6

// errDespite marks a refusal that comes with a commit that was made.
var errRefusedAndCommitted = errors.New("committed all the same")

// Step authorizes c for do on the visit of q and has decide decide on what was
// loaded; if someone else changed the visit in between, it decides again on the
// new one. A request that was carried out before under the same key has the
// result of then. T is what the decision has to say besides, also when it
// refuses: it is the last attempt's, and zero for a request that was carried out
// before.
//
// The first attempt reads eventually consistent, at half the price. On any
// error it reads again, consistently: nothing is refused on an old row. Content
// that does not fit the visit is read again up to six times.
//
// Errors: fault.Denied, fault.NotFound (also for what is another practice's),
// ErrChanged after six attempts, fault.Busy with an unknown outcome, and what
// decide refuses with.
func Step[T any](ctx context.Context, k *Kernel, c Caller, do identity.Action, q Query,
	decide func(Input) (Decision, T, error),
) (visit.Visit, T, error) {
	var none T
	for n := 1; ; n++ {
		q.Latest = n > 1
		v, t, err := attempt(ctx, k, c, do, q, decide)
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

// passing reports whether err may be gone when everything is read again: someone
// else changed the visit, in between or while its rows were read one by one.
func worthRetrying(err error) bool {
	return errors.Is(err, ErrChanged) || errors.Is(err, vault.ErrBroken)
}

func attempt[T any](ctx context.Context, k *Kernel, c Caller, do identity.Action, q Query,
	decide func(Input) (Decision, T, error),
) (visit.Visit, T, error) {
	var none T
	now := k.Time()
	c, rows, err := k.loadAllowed(ctx, c, do, q, now)
	if err != nil {
		return visit.Visit{}, none, err
	}
	v := rows.Visit
	d, t, err := decide(Input{c, v, rows.Answers, now})
	switch {
	case err != nil:
		return visit.Visit{}, t, err
	case d.Visit == nil:
		v, err = k.unchanged(ctx, c, do, v)
		return v, t, err
	}
	next := *d.Visit
	next.Version = v.Version + 1
	d.Commit.Visit = &next
	if len(d.Commit.Audit) == 0 {
		d.Commit.Audit = append(d.Commit.Audit, k.Record(c.Actor(v.Patient), string(do)+":"+string(next.Status), next, now))
	}
	d.Commit.Audit[0].Version = next.Version
	if d.RefuseWith == nil { // a request that was refused leaves its key unused
		d.Commit.Request = c.request(v.ID, now)
	}
	if err := k.Store.Commit(ctx, d.Commit); err != nil {
		return visit.Visit{}, none, err
	}
	if d.RefuseWith != nil {
		return visit.Visit{}, none, errors.Join(d.RefuseWith, errRefusedAndCommitted)
	}
	return next, t, nil
}

// load reads what q asks for and who c is, in one call, and refuses who may not.
func (k *Kernel) loadAllowed(ctx context.Context, c Caller, do identity.Action, q Query, now time.Time) (Caller, Rows, error) {
	if c.Person.ID == "" {
		id, err := k.personOf(ctx, c.Proof, q.Latest)
		if err != nil {
			return c, Rows{}, err
		}
		q.Person = id
	}
	rows, err := k.Store.Load(ctx, q)
	if err != nil {
		return c, rows, err
	}
	if q.Person != "" {
		if c.Person = rows.Person; c.Person.ID == "" || c.Person.Inactive {
			return c, rows, errUnknown
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
	return c, rows, identity.Allow(c.Person, do, rows.Visit.Resource(), now)
}

var errNotThere = fault.New(fault.NotFound, "not_found", "there is no such thing, or it is not yours to see")

// See loads a visit that c may do do to, for a reply that shows no content.
func (k *Kernel) LoadVisit(ctx context.Context, c Caller, do identity.Action, id string) (Caller, visit.Visit, error) {
	c, rows, err := k.LoadRows(ctx, c, do, Query{Visit: id})
	return c, rows.Visit, err
}

// Load is See for what else q asks for: the answers of a draft, for its author.
func (k *Kernel) LoadRows(ctx context.Context, c Caller, do identity.Action, q Query) (Caller, Rows, error) {
	q.Latest = true
	return k.loadAllowed(ctx, c, do, q, k.Time())
}

// Open is See for a reply that shows what of the visit's content: who saw it is
// recorded before it is shown, and the patient's side seeing it is their receipt
// for every message so far (guideline G8). A patient's side that types a draft
// is its author, not its reader, and leaves no record.
func (k *Kernel) RecordRead(ctx context.Context, c Caller, id, what string) (Caller, visit.Visit, error) {
	now := k.Time()
	c, v, err := k.LoadVisit(ctx, c, identity.ReadChart, id)
	if err != nil {
		return c, v, err
	}
	own := c.Person.ActsFor(v.Patient, now)
	if own && v.Status == visit.Draft {
		return c, v, nil
	}
	shown := v
	m := Commit{Audit: []audit.Record{k.Record(c.Actor(v.Patient), string(identity.ReadChart)+":"+what, v, now)}}
	if next := v.MarkRead(c.Person.ID, now); own && next.Version != v.Version {
		next.Version = v.Version + 1
		m.Visit, shown = &next, next
	}
	err = k.Store.Commit(ctx, m)
	if errors.Is(err, ErrChanged) { // the visit moved on: the read is recorded, its mark comes with the next
		m.Visit, shown = nil, v
		err = k.Store.Commit(ctx, m)
	}
	return c, shown, err
}

// Ending lists the events of a visit that ended without an answer: its hold is
// released, and the patient who waited is told.
func (k *Kernel) EndingEvents(was, v visit.Visit, now time.Time) []outbox.Event {
	var es []outbox.Event
	if was.Payment != "" {
		es = append(es, k.Event(outbox.Release, outbox.Charge, v, now))
	}
	if was.Status.AwaitsAnswer() {
		es = append(es, k.Event(outbox.Ended, outbox.Notify, v, now))
	}
	return es
}
