// Package office is the practice's own side: its settings, its people, the work
// that waits for somebody, its money and its log. It decrypts no chart.
package office

import (
	"context"
	"errors"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// Reads are what an Office reads besides the kernel.
type Reads interface {
	books.Reads
	// Work lists a practice's open items, what is due first. It may lag about a
	// second.
	Work(ctx context.Context, practice string) ([]work.Item, error)
	// WorkItem returns one item, open or ended.
	WorkItem(ctx context.Context, practice, id string) (work.Item, error)
	// Trail returns the audit records of a visit in the order of the log. It may lag
	// about a second.
	Trail(ctx context.Context, visit string) ([]audit.Record, error)
	// Log returns what a practice's log holds in order, after the position after and
	// up to and including the one through, at most limit.
	Log(ctx context.Context, practice, after, through string, limit int) ([]clinic.Leaf, error)
	// Stored returns rows by their keys as text (audit.Item.Key), as of the latest
	// commit. A row that is not there is not in the result.
	Stored(ctx context.Context, keys []string) (map[string]audit.Item, error)
	// LogHead returns the latest head of a practice's log; version 0 if none.
	LogHead(ctx context.Context, practice string) (clinic.LogHead, error)
}

// An Office is what api has for those who run a practice. Its fields must be set
// before use; it is safe for concurrent use.
type Office struct {
	Kernel *clinic.Kernel
	Store  Reads
	// LogKey checks the practice's log; its private half is sweep's alone.
	LogKey audit.Key
}

// Visit returns a visit's state, for those who may see it.
func (o *Office) Visit(ctx context.Context, c clinic.Caller, id string) (clinic.Caller, visit.Visit, error) {
	return o.Kernel.LoadVisit(ctx, c, identity.ReadVisit, id)
}

// Money returns a visit's payments and ledger entries.
func (o *Office) Money(ctx context.Context, c clinic.Caller, id string) (visit.Visit, books.Money, error) {
	_, v, err := o.Kernel.LoadVisit(ctx, c, identity.ReadMoney, id)
	if err != nil {
		return v, books.Money{}, err
	}
	m, err := books.Load(ctx, o.Store, v)
	return v, m, err
}

// Trail lists who did what to a visit and who saw it, in order.
func (o *Office) Trail(ctx context.Context, c clinic.Caller, id string) (visit.Visit, []audit.Record, error) {
	_, v, err := o.Kernel.LoadVisit(ctx, c, identity.ReadTrail, id)
	if err != nil {
		return v, nil, err
	}
	rs, err := o.Store.Trail(ctx, id)
	return v, rs, err
}

// Work lists what the caller's practice wants of people like the caller: an
// administrator sees all of it, others that of their pool.
func (o *Office) Work(ctx context.Context, c clinic.Caller) ([]work.Item, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return nil, err
	}
	now := o.Kernel.Time()
	at := identity.Resource{Practice: c.Person.Practice, Pool: c.Person.PoolOf()}
	if err := identity.Allow(c.Person, identity.ReadWork, at, now); err != nil {
		return nil, err
	}
	all, err := o.Store.Work(ctx, at.Practice)
	var mine []work.Item
	for _, i := range all {
		at.Pool = i.Pool
		if identity.Allow(c.Person, identity.ReadWork, at, now) == nil {
			mine = append(mine, i)
		}
	}
	return mine, err
}

// EndWork ends an item on the word of somebody whose work it is. Ended again it
// stays as it is.
func (o *Office) EndWork(ctx context.Context, c clinic.Caller, id string) (work.Item, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return work.Item{}, err
	}
	i, err := o.Store.WorkItem(ctx, c.Person.Practice, id)
	if err != nil {
		return i, err
	}
	now := o.Kernel.Time()
	at := identity.Resource{Practice: i.Practice, Pool: i.Pool}
	if err := identity.Allow(c.Person, identity.EndWork, at, now); err != nil {
		return work.Item{}, err
	}
	next := i.End(c.Person.ID, now)
	if next.Version == i.Version {
		return i, nil
	}
	err = o.Kernel.Store.Commit(ctx, clinic.Commit{Work: []work.Item{next}, Audit: []audit.Record{{
		ID: o.Kernel.NewID(), Practice: i.Practice, At: now, Actor: c.Actor(""),
		Action: string(identity.EndWork), Visit: i.Visit, Resource: i.ID,
	}}})
	if errors.Is(err, clinic.ErrChanged) {
		return o.Store.WorkItem(ctx, i.Practice, id)
	}
	return next, err
}
