// Package deadline acts on the passed deadlines of visits: it tells a patient
// that the answer is late, asks that a hold is renewed, expires a request without an answer, closes an
// answer that was not acknowledged, gives the visits of who lost their access back
// to their pools, does what falls due in the life of a membership, and closes the months of the
// books. It seals the addendum of a closed visit, whose read times it has from the visit's trail, and reads no chart. It has no Stripe
// key: what Stripe must be asked is an event for charge. Which deadline a visit
// has is package visit.
package deadline

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/identity"
	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/statement"
	"evisit/pkg/visit"
)

// Reads are what a Room reads besides the kernel.
type Reads interface {
	Visit(ctx context.Context, id string) (visit.Visit, error)
	// DueVisits lists visits of one shard of the due index whose time has come,
	// the longest due first, after cursor, at most limit. It may lag about a
	// second. The returned cursor is empty at the end.
	DueVisits(ctx context.Context, shard int, now time.Time, cursor string, limit int) (ids []string, next string, err error)
	// Leavers lists the people whose Left has come, as DueVisits lists visits, and reads
	// them.
	Leavers(ctx context.Context, now time.Time, cursor string, limit int) (people []identity.Person, next string, err error)
	// Queue lists the visits of a pool that await an answer, in the order they were
	// queued, after cursor. The returned cursor is empty at the end.
	Queue(ctx context.Context, practice string, pool identity.Pool, cursor string, limit int) (vs []visit.Visit, next string, err error)
	Membership(ctx context.Context, id string) (membership.Membership, error)
	// DueMemberships lists memberships whose time has come, as DueVisits lists visits.
	DueMemberships(ctx context.Context, now time.Time, cursor string, limit int) (ids []string, next string, err error)
	// Closing returns how far a practice's books are closed, and BalanceAt what its accounts stood at
	// when the last month was closed that ended by an instant.
	Closing(ctx context.Context, practice string) (statement.Closing, error)
	BalanceAt(ctx context.Context, practice string, at time.Time) (statement.Balance, error)
	// DueClosings lists the practices of which a month is to be closed, as DueVisits lists visits.
	DueClosings(ctx context.Context, now time.Time, cursor string, limit int) (practices []string, next string, err error)
	books.Booked
}

// A Room is what the function deadline has. Its fields must be set before use;
// it is safe for concurrent use.
type Room struct {
	Kernel *clinic.Kernel
	Charts *chart.Keeper
	Store  Reads
	Shards int // of the due index
}

const (
	// batch is how many visits of a shard are listed in one read.
	batch = 100
	// visitTime is the longest that one visit may take.
	visitTime = 10 * time.Second
)

// Run acts on the visits, memberships and books that are due now, gives back the visits of people who
// were deactivated, and returns how many rows it changed. A
// visit that fails, or takes too long because a service hangs, is postponed, so that
// it is not tried each minute, and never keeps the others from being handled. Two runs
// at once do no harm.
func (m *Room) Run(ctx context.Context) (int, error) {
	moved := 0
	var failures []error
	for shard := range m.Shards {
		n, err := m.handleShard(ctx, shard)
		moved += n
		failures = append(failures, err)
	}
	for _, handle := range []func(context.Context) (int, error){m.handleMemberships, m.handleClosings, m.handleLeavers} {
		n, err := handle(ctx)
		moved += n
		failures = append(failures, err)
	}
	return moved, errors.Join(failures...)
}

func (m *Room) handleShard(ctx context.Context, shard int) (int, error) {
	return m.handleDue(ctx, due{
		"visit", func(ctx context.Context, now time.Time, cursor string, limit int) ([]string, string, error) {
			return m.Store.DueVisits(ctx, shard, now, cursor, limit)
		}, m.handleVisit, m.postpone,
	})
}

// A due is a kind of row of which some are due. list lists their ids, handle does what is due about
// one and reports whether it changed the row, and postpone has one that failed be due later.
type due struct {
	what     string
	list     func(ctx context.Context, now time.Time, cursor string, limit int) (ids []string, next string, err error)
	handle   func(ctx context.Context, id string) (bool, error)
	postpone func(ctx context.Context, id string) error
}

// handleDue acts on the rows that are due now, and returns how many it changed.
func (m *Room) handleDue(ctx context.Context, d due) (moved int, _ error) {
	var failures []error
	for cursor := ""; ; {
		ids, next, err := d.list(ctx, m.Kernel.Time(), cursor, batch)
		if err != nil {
			return moved, errors.Join(append(failures, err)...)
		}
		for _, id := range ids {
			did, err := d.handle(ctx, id)
			if err != nil {
				m.Kernel.Log.ErrorContext(ctx, "due row not moved", d.what, id, "err", err)
				failures = append(failures, d.postpone(ctx, id))
			}
			if did {
				moved++
			}
		}
		if cursor = next; cursor == "" || ctx.Err() != nil {
			return moved, errors.Join(append(failures, ctx.Err())...)
		}
	}
}

// handleVisit acts on the passed deadline of one visit. It reports false if
// there was none, or if someone else changed the visit first.
func (m *Room) handleVisit(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, visitTime)
	defer cancel()
	v, err := m.Store.Visit(ctx, id)
	now := m.Kernel.Time()
	if err != nil || v.Wake.IsZero() || v.Wake.After(now) {
		return false, err
	}
	next, c, action, err := m.decide(ctx, v, now)
	if err != nil {
		return false, err
	}
	return m.commit(ctx, v, next, c, action)
}

func (m *Room) commit(ctx context.Context, v, next visit.Visit, c clinic.Commit, action string) (bool, error) {
	next.Version = v.Version + 1
	c.Visit = &next
	c.Audit = append(c.Audit, m.Kernel.Record(clinic.System("deadline"), action, next, m.Kernel.Time()))
	err := m.Kernel.Store.Commit(ctx, c)
	if errors.Is(err, clinic.ErrChanged) {
		return false, nil
	}
	return err == nil, err
}

func (m *Room) decide(ctx context.Context, v visit.Visit, now time.Time) (next visit.Visit, c clinic.Commit, action string, err error) {
	switch v.Overdue(now) {
	case visit.NothingDue:
		return v.WakeWhenDue(), c, "visit.wake", nil
	case visit.TellLate:
		next = v.ToldLate()
		c.Events = append(c.Events, m.Kernel.Event(outbox.Late, outbox.Notify, next, now))
		c.Work = append(c.Work, clinic.LateWork(next, now))
	case visit.ExpireVisit:
		if next, err = v.Expire(now); err == nil {
			c.Events = m.Kernel.EndingEvents(v, next, now)
			c.Work = append(c.Work, clinic.ExpiredWork(next, now))
			err = m.Kernel.EndVisitWork(ctx, &c, v, next, "system:deadline")
		}
	case visit.RenewHold:
		next = v.AskRenewal()
		e := m.Kernel.Event(outbox.RenewHold, outbox.Charge, next, now)
		e.Payment = v.Payment
		c.Events = append(c.Events, e)
	case visit.CloseVisit:
		if v, err = m.Kernel.WithReads(ctx, v); err == nil {
			next, err = m.Charts.CloseVisit(ctx, v, "system:deadline", now)
		}
	case visit.AskStripe:
		next = v.AskStripeAgain(now)
		c.Events = append(c.Events, m.Kernel.Event(outbox.CheckPayment, outbox.Charge, next, now))
	}
	return next, c, "visit.due:" + string(next.Status), err
}

// postpone postpones a visit that failed: it is due again after as long as it
// has been due already, within a minute and an hour.
func (m *Room) postpone(ctx context.Context, id string) error {
	v, err := m.Store.Visit(ctx, id)
	now := m.Kernel.Time()
	if err != nil || v.Wake.IsZero() || v.Wake.After(now) { // the failed commit was made after all, and its answer lost
		return err
	}
	_, err = m.commit(ctx, v, v.Postpone(now), clinic.Commit{}, "visit.postpone")
	return err
}
