package clinic

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

var errUnknown = fault.New(fault.Anonymous, "unknown_person", "you are signed in, but no practice here knows you")

// ErrSecondFactor refuses people who work at a practice and signed in with a password
// alone.
var ErrSecondFactor = fault.New(fault.Denied, "second_factor", "people of a practice sign in with a second factor; sign in again with one")

// errUnknownThere refuses the holder of a token who named a practice.
var errUnknownThere = fault.New(fault.Anonymous, "unknown_person", "you are signed in, but this practice does not know you, or no longer")

// unknown is the refusal of c, whom no practice knows, or not the one that c names.
func (c Caller) unknown() error {
	if c.Practice != "" {
		return errUnknownThere
	}
	return errUnknown
}

// IsUnchosen reports whether err says that several practices know the holder of a
// token, and that the request names none.
func IsUnchosen(err error) bool {
	f, ok := fault.Public(err)
	return ok && f.Code == "choose_practice"
}

// unchosen refuses a request at none of the practices that know its sender as ps.
func (k *Kernel) unchosen(ctx context.Context, ps []identity.Person) error {
	var choices []fault.Problem
	for _, p := range ps {
		at, err := k.Practice(ctx, p.Practice)
		if err != nil {
			return err
		}
		choices = append(choices, fault.Problem{Where: PracticeHeader, Code: "choice", Text: p.Practice + " (" + at.Name + ")"})
	}
	return fault.New(fault.Invalid, "choose_practice", "several practices know you; say at which of them you ask", choices...)
}

// PracticeHeader is the header by which programs name the practice.
const PracticeHeader = "Evisit-Practice"

// memberLife is how long a process remembers by which practices the holder of a token
// is known. The person's row, with role and deactivation, is read for every
// request.
const memberLife = time.Minute

// operator returns who the holder of p is if they run the system.
func (k *Kernel) operator(p Proof) (identity.Person, bool) {
	if p.Subject == "" || !slices.Contains(k.Operators, p) {
		return identity.Person{}, false
	}
	return identity.Person{ID: "operator." + p.Subject, Practice: audit.Platform, Role: identity.Operator}, true
}

// membersOf returns by which practices the holder of p is known, or was: a membership
// stays when the person is deactivated.
func (k *Kernel) membersOf(ctx context.Context, p Proof, latest bool) ([]identity.Membership, error) {
	if p.Subject == "" {
		return nil, nil
	}
	now := k.Now()
	if ms, ok := k.members.get(p, now); ok && !latest {
		return ms, nil
	}
	t, err := k.Store.Token(ctx, p)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	ms := t.Memberships
	if op, ok := k.operator(p); ok {
		ms = slices.DeleteFunc(slices.Clone(ms), func(m identity.Membership) bool { return m.Practice == audit.Platform })
		ms = append(ms, identity.Membership{Practice: op.Practice, Person: op.ID})
	}
	if len(ms) > 0 {
		k.members.put(p, ms, now.Add(memberLife))
	}
	return ms, nil
}

// person reads who the holder of p is as m. Of operators there is no row.
func (k *Kernel) person(ctx context.Context, p Proof, m identity.Membership) (identity.Person, error) {
	if op, ok := k.operator(p); ok && op.Practice == m.Practice {
		return op, nil
	}
	return k.Store.Person(ctx, m.Person)
}

// memberOf returns the membership of c's person: at the practice that c names, else at
// the only one that knows the holder of c's proof and has not deactivated them.
func (k *Kernel) memberOf(ctx context.Context, c Caller, latest bool) (identity.Membership, error) {
	ms, err := k.membersOf(ctx, c.Proof, latest)
	if err != nil {
		return identity.Membership{}, err
	}
	ms = c.named(ms)
	if len(ms) == 1 {
		return ms[0], nil
	}
	ps, err := k.active(ctx, c.Proof, ms)
	switch {
	case err != nil:
		return identity.Membership{}, err
	case len(ps) == 0:
		return identity.Membership{}, c.unknown()
	case len(ps) == 1:
		return identity.Membership{Practice: ps[0].Practice, Person: ps[0].ID}, nil
	}
	return identity.Membership{}, k.unchosen(ctx, ps)
}

// named returns those of ms at the practice that c names; all if c names none.
func (c Caller) named(ms []identity.Membership) []identity.Membership {
	if c.Practice == "" {
		return ms
	}
	return slices.DeleteFunc(slices.Clone(ms), func(m identity.Membership) bool { return m.Practice != c.Practice })
}

// active reads who the holder of p is as each of ms, and returns those that are not
// deactivated.
func (k *Kernel) active(ctx context.Context, p Proof, ms []identity.Membership) ([]identity.Person, error) {
	var ps []identity.Person
	for _, m := range ms {
		who, err := k.person(ctx, p, m)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil && !who.Inactive {
			ps = append(ps, who)
		}
	}
	return ps, nil
}

// Memberships returns who the holder of c's proof is at each practice that knows them
// and has not deactivated them, whichever c names. If there is none, the error is
// one of IsUnknown.
func (k *Kernel) Memberships(ctx context.Context, c Caller) ([]identity.Person, error) {
	for _, latest := range []bool{false, true} {
		ms, err := k.membersOf(ctx, c.Proof, latest)
		if err != nil {
			return nil, err
		}
		if len(ms) == 1 && ms[0].Person == c.Person.ID { // which Identify has read
			return []identity.Person{c.Person}, nil
		}
		if ps, err := k.active(ctx, c.Proof, ms); err != nil || len(ps) > 0 {
			return ps, err
		}
	}
	return nil, errUnknown
}

// HasSeveral reports whether several practices know the holder of c's proof, or did. It
// may lag a minute.
func (k *Kernel) HasSeveral(ctx context.Context, c Caller) (bool, error) {
	ms, err := k.membersOf(ctx, c.Proof, false)
	return len(ms) > 1, err
}

// admit refuses c if its person, who was read, works and signed in with one factor.
func (c Caller) admit() error {
	if c.Person.Works() && !c.Strong {
		return ErrSecondFactor
	}
	return nil
}

// Identify returns c with its person read. An unknown or deactivated person is
// refused, one who is known by several practices and names none, and one who works
// and signed in without a second factor.
func (k *Kernel) Identify(ctx context.Context, c Caller) (Caller, error) {
	if c.Person.ID != "" {
		return c, nil
	}
	for _, latest := range []bool{false, true} {
		m, err := k.memberOf(ctx, c, latest)
		if errors.Is(err, fault.Anonymous) {
			continue
		}
		if err != nil {
			return c, err
		}
		p, err := k.person(ctx, c.Proof, m)
		if err == nil && !p.Inactive {
			as := c
			as.Person = p
			if err := as.admit(); err != nil {
				return c, err
			}
			return as, nil
		}
		if err != nil && !errors.Is(err, fault.NotFound) {
			return c, err
		}
	}
	return c, c.unknown()
}

// withGrant returns p with the grant that lets p act for patient, if there is
// one. People who work at a practice act for no patient.
func (k *Kernel) withGrant(ctx context.Context, p identity.Person, patient string) (identity.Person, error) {
	if p.Works() || patient == "" || p.Patient == patient {
		return p, nil
	}
	g, err := k.Store.Grant(ctx, patient, p.ID)
	if errors.Is(err, fault.NotFound) {
		p.Grants = nil
		return p, nil
	}
	if g.Practice == p.Practice {
		p.Grants = []identity.Grant{g}
	}
	return p, err
}

// ForPatient returns c with its person read, and with the grant that lets this
// person act for patient, if there is one.
func (k *Kernel) ForPatient(ctx context.Context, c Caller, patient string) (Caller, error) {
	c, err := k.Identify(ctx, c)
	if err != nil {
		return c, err
	}
	c.Person, err = k.withGrant(ctx, c.Person, patient)
	if c.Found != nil {
		*c.Found = c.Person
	}
	return c, err
}

// A memory keeps a value under each key for a while. The zero memory is empty.
type memory[K comparable, V any] struct {
	mu   sync.Mutex
	kept map[K]remembered[V]
}

type remembered[T any] struct {
	value T
	until time.Time
}

// maxMemory bounds the entries of a memory; at the bound the memory is emptied.
const maxMemory = 10_000

func (m *memory[K, V]) get(key K, now time.Time) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.kept[key]
	return r.value, ok && now.Before(r.until)
}

func (m *memory[K, V]) put(key K, value V, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= maxMemory {
		m.kept = map[K]remembered[V]{}
	}
	m.kept[key] = remembered[V]{value, until}
}
