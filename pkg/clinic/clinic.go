// Package clinic is the application: each method loads what a decision needs,
// asks the domain to decide, seals what is private, and commits the result
// once. It declares the interfaces of the parts it needs and knows none of
// their technologies.
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
	"evisit/pkg/visit"
)

// A Clinic is the application. Its fields must be set before use, except those
// a function has no key for: api has no Cards, charge has no Checkout and no
// Mail. It is safe for concurrent use.
type Clinic struct {
	Store    Store
	Seal     Sealer
	Blobs    Blobs
	Checkout Checkout
	Cards    Cards
	Mail     Mail
	// Pages is the base URL of the pages, without a trailing slash.
	Pages string
	// LogKey signs the audit logs; only sweep has its private half.
	LogKey audit.Key
	Now    func() time.Time
	NewID  func() string
	Log    *slog.Logger

	forms     sync.Map // formKey → *intake.Form; a version never changes
	practices sync.Map // id → remembered
}

// A Sealer encrypts content so that it opens only in its own place: practice,
// record and field are bound to the ciphertext as associated data.
type Sealer interface {
	Seal(ctx context.Context, place Place, plain []byte) ([]byte, error)
	// Unseal fails if the sealed bytes were altered or moved to another place.
	Unseal(ctx context.Context, place Place, sealed []byte) ([]byte, error)
}

// A Place is where a sealed value belongs.
type Place struct{ Practice, Record, Field string }

// Blobs keeps immutable objects.
type Blobs interface {
	// Put stores an object under a key derived from its content. Putting the
	// same object again succeeds.
	Put(ctx context.Context, key string, data []byte) error
	// Get returns an object, or an error of kind fault.NotFound.
	Get(ctx context.Context, key string) ([]byte, error)
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
}

// A Proof is what a verified token says: its issuer and the subject there.
type Proof struct{ Issuer, Subject string }

// Once makes a request repeatable: the same key with the same input has the
// result of the first; with other input it is refused.
type Once struct {
	Key   string // scoped by the caller to subject and route
	Input string // hash of the input
}

func (c Caller) actor(patient string) audit.Actor {
	a := audit.Actor{ID: c.Person.ID, Role: string(c.Person.Role), Name: c.Person.Display, IP: c.IP}
	if c.Person.Patient != patient && c.Person.ActsFor(patient, time.Time{}) {
		a.OnBehalf = patient
	}
	return a
}

// system is the actor of what happens by itself.
func system(name string) audit.Actor { return audit.Actor{ID: "system:" + name, Role: "system"} }

// now is the instant of one decision. Milliseconds are enough for people and
// keep rows small.
func (cl *Clinic) now() time.Time { return cl.Now().UTC().Truncate(time.Millisecond) }

func (cl *Clinic) trail(a audit.Actor, action string, v visit.Visit, now time.Time) audit.Record {
	return audit.Record{
		ID: cl.NewID(), Practice: v.Practice, At: now, Actor: a, Action: action,
		Visit: v.ID, Version: v.Version,
	}
}

// attempts bounds how often a decision is made again because someone else
// changed the record in between.
const attempts = 6

// decision is what one step makes of a visit: the commit that makes it true.
// One whose visit has the version it had changes nothing.
type decision struct {
	visit  visit.Visit
	commit Commit
	// refusal is what the caller is told although the commit is made.
	refusal error
}

// loaded is what a decision is made on.
type loaded struct {
	caller  Caller
	visit   visit.Visit
	answers []byte // sealed; only where the step asked for the chart
	now     time.Time
}

// change loads a visit the caller may do a to, decides, and commits; when the
// visit changed in between it decides again on the new one, so that the loser
// of a race is told what really stands in the way.
func (cl *Clinic) change(ctx context.Context, c Caller, a identity.Action, id string, decide func(loaded) (decision, error)) (visit.Visit, error) {
	return cl.step(ctx, c, a, Want{Visit: id}, decide)
}

// changeChart is change for a decision that needs the answers too.
func (cl *Clinic) changeChart(ctx context.Context, c Caller, a identity.Action, id string, decide func(loaded) (decision, error)) (visit.Visit, error) {
	return cl.step(ctx, c, a, Want{Visit: id, Answers: true}, decide)
}

// step decides first on what was so a moment ago, which costs half to read: the
// commit's guard notices if it no longer is. Nothing is refused on such a read;
// whatever goes wrong is decided again on the latest.
func (cl *Clinic) step(ctx context.Context, c Caller, a identity.Action, w Want, decide func(loaded) (decision, error)) (visit.Visit, error) {
	for n := 1; ; n++ {
		w.Latest = n > 1
		v, err := cl.attempt(ctx, c, a, w, decide)
		switch {
		case errors.Is(err, ErrSeen):
			return cl.seenBefore(ctx, c, err)
		case err == nil, errors.Is(err, errDespite):
			return v, err
		case n == 1 && !errors.Is(err, fault.Busy), errors.Is(err, ErrChanged) && n < attempts:
			continue
		}
		return cl.seenBefore(ctx, c, err)
	}
}

// errDespite marks a refusal that comes with a commit that was made.
var errDespite = errors.New("committed all the same")

func (cl *Clinic) attempt(ctx context.Context, c Caller, a identity.Action, w Want, decide func(loaded) (decision, error)) (visit.Visit, error) {
	now := cl.now()
	c, v, answers, err := cl.opened(ctx, c, w)
	if err != nil {
		return visit.Visit{}, err
	}
	if err := identity.Allow(c.Person, a, v.Resource(), now); err != nil {
		return visit.Visit{}, err
	}
	d, err := decide(loaded{c, v, answers, now})
	if err != nil {
		return visit.Visit{}, err
	}
	if d.visit.Version == v.Version {
		return cl.unchanged(ctx, c, v)
	}
	d.commit.Visit = &d.visit
	if len(d.commit.Audit) == 0 {
		d.commit.Audit = append(d.commit.Audit, cl.trail(c.actor(v.Patient), string(a)+":"+string(d.visit.Status), d.visit, now))
	}
	if d.refusal != nil { // the request was not carried out, so its key stays free
		if err := cl.Store.Commit(ctx, d.commit); err != nil {
			return visit.Visit{}, err
		}
		return visit.Visit{}, errors.Join(d.refusal, errDespite)
	}
	if err := cl.commit(ctx, c, w.Visit, d.commit); err != nil {
		return visit.Visit{}, err
	}
	return d.visit, nil
}

// opened reads what a step is decided on, and with it, in the same call, who
// the caller is, where that is not known yet.
func (cl *Clinic) opened(ctx context.Context, c Caller, w Want) (Caller, visit.Visit, []byte, error) {
	if c.Person.ID == "" {
		w.Who = c.Proof
	}
	o, err := cl.Store.Open(ctx, w)
	if err != nil {
		return c, visit.Visit{}, nil, err
	}
	if c.Person.ID == "" {
		if o.Person.ID == "" || o.Person.Inactive {
			return c, visit.Visit{}, nil, errUnknown
		}
		c.Person = o.Person
	}
	if o.Visit.ID == "" {
		return c, visit.Visit{}, nil, fault.New(fault.NotFound, "not_found", "there is no such thing, or it is not yours to see")
	}
	return c, o.Visit, o.Answers, nil
}

func (cl *Clinic) allowed(ctx context.Context, c Caller, a identity.Action, id string, now time.Time) (visit.Visit, error) {
	v, err := cl.Store.Visit(ctx, id)
	if err != nil {
		return visit.Visit{}, err
	}
	return v, identity.Allow(c.Person, a, v.Resource(), now)
}

// unchanged is the result of a request that finds nothing left to do: v, unless
// its key was used for something else.
func (cl *Clinic) unchanged(ctx context.Context, c Caller, v visit.Visit) (visit.Visit, error) {
	then, err := cl.seenBefore(ctx, c, ErrSeen)
	if errors.Is(err, ErrSeen) {
		return v, nil // no key, or one not used yet
	}
	if err != nil || then.ID == v.ID {
		return v, err
	}
	return then, nil
}

// commit adds the request's own row, so that the same request again is known.
func (cl *Clinic) commit(ctx context.Context, c Caller, result string, m Commit) error {
	if c.Once.Key != "" {
		m.Request = &Request{Key: c.Once.Key, Input: c.Once.Input, Result: result, Ends: cl.now().Add(RequestLife)}
	}
	return cl.Store.Commit(ctx, m)
}

// RequestLife is how long an idempotency key is remembered.
const RequestLife = 48 * time.Hour

// seenBefore turns why into success if this very request was carried out
// before, and into a refusal if its key was used for something else.
func (cl *Clinic) seenBefore(ctx context.Context, c Caller, why error) (visit.Visit, error) {
	if c.Once.Key == "" {
		return visit.Visit{}, why
	}
	r, err := cl.Store.Request(ctx, c.Once.Key)
	switch {
	case errors.Is(err, fault.NotFound):
		return visit.Visit{}, why
	case err != nil:
		return visit.Visit{}, err
	case r.Input != c.Once.Input:
		return visit.Visit{}, fault.New(fault.Conflict, "idempotency_key_reused", "this Idempotency-Key was used for a different request; use a new one")
	}
	return cl.Store.Visit(ctx, r.Result)
}

// NewOnce scopes an idempotency key to who uses it and for what.
func NewOnce(person, route, key string, input []byte) Once {
	return Once{Key: person + " " + route + " " + key, Input: hashBytes(input)}
}
