// Package office is the practice's side of what happens: its work items, the payments and
// the audit trail of its visits, its money, the page at Stripe about its account, and its log.
// It decrypts no chart. Who belongs to the practice is package registrar's, and what it decides
// package author's.
package office

import (
	"context"
	"errors"
	"slices"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/reconcile"
	"evisit/pkg/statement"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// Reads are what an Office reads besides the kernel.
type Reads interface {
	books.Reads
	// Work lists a practice's open items, the earliest due first. It may lag
	// about a second.
	Work(ctx context.Context, practice string) ([]work.Item, error)
	// WorkItem returns one item, open or ended.
	WorkItem(ctx context.Context, practice, id string) (work.Item, error)
	// Payer returns the payer of an id.
	Payer(ctx context.Context, id string) (coverage.Payer, error)
	// Log returns the leaves of a practice's log in order, after position after
	// up to and including position through, at most limit.
	Log(ctx context.Context, practice, after, through string, limit int) ([]clinic.Leaf, error)
	// Stored returns the rows under the given keys (audit.Item.Key), by key. A
	// row that does not exist is not in the result.
	Stored(ctx context.Context, keys []string) (map[string]audit.Item, error)
	// Delivery returns an event and how it stands. An event that cannot be decoded is
	// Unreadable.
	Delivery(ctx context.Context, event string) (outbox.Delivery, error)
	// Evidence returns what is submitted about the dispute of p, in its present stage.
	Evidence(ctx context.Context, p billing.Payment) (billing.Evidence, error)
	// Payouts lists the latest payouts to a practice, the newest first.
	Payouts(ctx context.Context, practice string, limit int) ([]billing.Payout, error)
	// Outcomes lists what the latest comparisons of a practice's accounts came to, the newest first.
	Outcomes(ctx context.Context, practice string, limit int) ([]reconcile.Outcome, error)
	books.Booked
	// Included lists the memberships of a patient, the oldest first, with what was used of each year, and
	// Paid their bills, the newest first, with what was entered of them.
	Included(ctx context.Context, patient string) ([]membership.Membership, []membership.Count, error)
	Paid(ctx context.Context, patient string) ([]membership.Bill, []ledger.Entry, error)
	// Closing returns how far a practice's books are closed, and BalanceAt what its accounts stood at
	// when the last month was closed that ended by an instant.
	Closing(ctx context.Context, practice string) (statement.Closing, error)
	BalanceAt(ctx context.Context, practice string, at time.Time) (statement.Balance, error)
	// BookPlace is the place of an entry, after which a page of Booked can go on.
	BookPlace(e ledger.Entry) string
	// LogHead returns the latest head of a practice's log; version 0 if none.
	LogHead(ctx context.Context, practice string) (clinic.LogHead, error)
}

// An Office has the steps and reads of those who run a practice. Its fields must
// be set before use; it is safe for concurrent use.
type Office struct {
	Kernel *clinic.Kernel
	Store  Reads
	// Accounts makes the pages at Stripe about the practice's account.
	Accounts AccountPages
	// Pages is the base URL of the pages, without a trailing slash.
	Pages string
	// LogKey verifies the practice's log. Only sweep has its private half.
	LogKey audit.Key
}

// Visit returns a visit's state to a caller who may read it, and records that.
func (o *Office) Visit(ctx context.Context, c clinic.Caller, id string) (visit.Visit, error) {
	c, v, err := o.Kernel.LoadVisit(ctx, c, identity.ReadVisit, id)
	if err != nil {
		return v, err
	}
	return v, o.Kernel.RecordState(ctx, c, v)
}

// Money returns a visit's payments and ledger entries, and records that the caller
// read them.
func (o *Office) Money(ctx context.Context, c clinic.Caller, id string) (visit.Visit, books.Money, error) {
	c, v, err := o.Kernel.LoadVisit(ctx, c, identity.ReadMoney, id)
	if err != nil {
		return v, books.Money{}, err
	}
	m, err := books.Load(ctx, o.Store, v)
	if err != nil {
		return v, m, err
	}
	return v, m, o.recordLook(ctx, c, identity.ReadMoney, v)
}

// Trail lists the audit records of a visit, reads included, in order, and records
// that the caller read them.
func (o *Office) Trail(ctx context.Context, c clinic.Caller, id string) (visit.Visit, []audit.Record, error) {
	c, v, err := o.Kernel.LoadVisit(ctx, c, identity.ReadTrail, id)
	if err != nil {
		return v, nil, err
	}
	rs, err := o.Kernel.Store.Trail(ctx, id, time.Time{})
	if err != nil {
		return v, nil, err
	}
	return v, rs, o.recordLook(ctx, c, identity.ReadTrail, v)
}

// recordLook records that c read a part of v that is no content.
func (o *Office) recordLook(ctx context.Context, c clinic.Caller, do identity.Action, v visit.Visit) error {
	return o.Kernel.RecordLook(ctx, c, do, clinic.Subject{Practice: v.Practice, Visit: v.ID})
}

// maxWork bounds the list of work, which nobody works through faster than it is read.
const maxWork = 500

// Work lists the open work items that the caller may read, the most urgent 500: an
// administrator those of the practice, others those of their pool, without those of one
// colleague.
func (o *Office) Work(ctx context.Context, c clinic.Caller) ([]work.Item, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return nil, err
	}
	now := o.Kernel.Time()
	at := identity.Resource{Practice: c.Person.Practice, Pool: c.Person.PoolOf(), Whole: true}
	if err := o.Kernel.Allow(ctx, c, identity.ReadWork, at, clinic.Subject{Practice: at.Practice}); err != nil {
		return nil, err
	}
	all, err := o.Store.Work(ctx, at.Practice)
	if err == nil {
		err = o.Kernel.RecordList(ctx, c, identity.ReadWork, clinic.Subject{Practice: at.Practice})
	}
	at.Pool = identity.OfficePool
	seesAll := slices.Contains(identity.Rights(c.Person, at, now), identity.ReadWork)
	all = slices.DeleteFunc(all, func(i work.Item) bool {
		at.Pool = i.Pool
		another := i.Owner != "" && i.Owner != c.Person.ID && !seesAll
		return another || !slices.Contains(identity.Rights(c.Person, at, now), identity.ReadWork)
	})
	return all[:min(len(all), maxWork)], err
}

// EndWork ends a work item. An item that has ended is returned unchanged. An event
// whose item is ended so is not tried again. A health plan that is to be billed is refused
// (fault.Conflict, claim_unrecorded): RecordClaim ends it.
func (o *Office) EndWork(ctx context.Context, c clinic.Caller, id string) (work.Item, error) {
	c, i, err := o.workItem(ctx, c, identity.EndWork, id)
	if err != nil {
		return work.Item{}, err
	}
	if i.Kind == work.PlanBill && i.Open() {
		return work.Item{}, errUnrecorded
	}
	next := i.End(c.Person.ID, o.Kernel.Time())
	if next.Version == i.Version {
		return i, nil
	}
	err = o.Kernel.Store.Commit(ctx, clinic.Commit{Work: []work.Item{next}, Audit: []audit.Record{o.workRecord(c, identity.EndWork, i, i.ID)}})
	if errors.Is(err, clinic.ErrChanged) {
		return o.Store.WorkItem(ctx, i.Practice, id)
	}
	return next, err
}

var errUnrecorded = fault.New(fault.Conflict, "claim_unrecorded", "record the claim's number, or why none was sent: that ends this piece of work")

// workItem returns an item on which c may take action do, and c with its person
// read.
func (o *Office) workItem(ctx context.Context, c clinic.Caller, do identity.Action, id string) (clinic.Caller, work.Item, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return c, work.Item{}, err
	}
	i, err := o.Store.WorkItem(ctx, c.Person.Practice, id)
	if err != nil {
		return c, i, err
	}
	at := identity.Resource{Practice: i.Practice, Pool: i.Pool}
	return c, i, o.Kernel.Allow(ctx, c, do, at, clinic.Subject{Practice: i.Practice, Visit: i.Visit, Resource: i.ID})
}

func (o *Office) workRecord(c clinic.Caller, do identity.Action, i work.Item, about string) audit.Record {
	return audit.Record{
		ID: o.Kernel.NewID(), Practice: i.Practice, At: o.Kernel.Time(), Actor: c.Actor(""),
		Action: string(do), Visit: i.Visit, Resource: about,
	}
}
