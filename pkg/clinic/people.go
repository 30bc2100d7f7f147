package clinic

import (
	"context"
	"errors"
	"sync"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

var errUnknown = fault.New(fault.Anonymous, "unknown_person", "you are signed in, but no practice here knows you")

// ErrSecondFactor refuses people who work at a practice and signed in with a password
// alone.
var ErrSecondFactor = fault.New(fault.Denied, "second_factor", "people of a practice sign in with a second factor; sign in again with one")

// memberLife is how long a process remembers which person of a practice a token
// proves. The person's row, with role and deactivation, is read for every
// request.
const memberLife = time.Minute

// personOf returns the id of the person that p proves, at the first practice if
// there are several.
func (k *Kernel) personOf(ctx context.Context, p Proof, latest bool) (string, error) {
	if p.Subject == "" {
		return "", errUnknown
	}
	now := k.Now()
	if id, ok := k.members.get(p, now); ok && !latest {
		return id, nil
	}
	t, err := k.Store.Token(ctx, p)
	if errors.Is(err, fault.NotFound) || err == nil && len(t.Memberships) == 0 {
		return "", errUnknown
	}
	if err != nil {
		return "", err
	}
	id := t.Memberships[0].Person
	k.members.put(p, id, now.Add(memberLife))
	return id, nil
}

// Identify returns c with its person read. An unknown or deactivated person is
// refused.
func (k *Kernel) Identify(ctx context.Context, c Caller) (Caller, error) {
	if c.Person.ID != "" {
		return c, nil
	}
	for _, latest := range []bool{false, true} {
		id, err := k.personOf(ctx, c.Proof, latest)
		if err != nil {
			return c, err
		}
		p, err := k.Store.Person(ctx, id)
		if err == nil && !p.Inactive {
			c.Person = p
			return c, nil
		}
		if err != nil && !errors.Is(err, fault.NotFound) {
			return c, err
		}
	}
	return c, errUnknown
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

// A memory keeps a text under each key for a while. The zero memory is empty.
type memory[K comparable] struct {
	mu   sync.Mutex
	kept map[K]remembered[string]
}

type remembered[T any] struct {
	value T
	until time.Time
}

// maxMemory bounds the entries of a memory; at the bound the memory is emptied.
const maxMemory = 10_000

func (m *memory[K]) get(key K, now time.Time) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.kept[key]
	return r.value, ok && now.Before(r.until)
}

func (m *memory[K]) put(key K, value string, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= maxMemory {
		m.kept = map[K]remembered[string]{}
	}
	m.kept[key] = remembered[string]{value, until}
}
