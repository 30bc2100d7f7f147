// Package sweep hands events that were not handled to their consumers once
// more, by a write that the stream delivers, and signs the audit logs. It does
// nothing else, and never acts on an event itself.
package sweep

import (
	"context"
	"errors"
	"sync"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
)

// Reads are what a Room reads besides the kernel.
type Reads interface {
	Delivery(ctx context.Context, event string) (outbox.Delivery, error)
	// DueEvents lists events of one shard of the due index whose time has come, the
	// longest due first, after cursor, at most limit. It may lag about a second.
	// The returned cursor is empty at the end.
	DueEvents(ctx context.Context, shard int, now time.Time, cursor string, limit int) (ids []string, next string, err error)
	// Undelivered lists the events of a bucket that are neither done nor due nor
	// parked: their delivery was lost.
	Undelivered(ctx context.Context, b outbox.Bucket) ([]string, error)
	// SweepState is how far the sweeps have come; version 0 before the first.
	SweepState(ctx context.Context) (clinic.SweepState, error)
	// Active lists the hours since and including from in which practices were
	// written to, by practice; at most limit in all, the earliest first.
	Active(ctx context.Context, from string, limit int) ([]Activity, error)
	LogHead(ctx context.Context, practice string) (clinic.LogHead, error)
	// LogOfDay returns what a practice's log holds of one day (UTC) in order, after
	// the position after and up to and including the one through, at most limit.
	LogOfDay(ctx context.Context, practice, day, after, through string, limit int) ([]clinic.Leaf, error)
	// Log is LogOfDay for every day.
	Log(ctx context.Context, practice, after, through string, limit int) ([]clinic.Leaf, error)
}

// An Activity is an hour, written as HourOf does, in which a practice was
// written to.
type Activity struct{ Practice, Hour string }

// HourOf names the hour of t.
func HourOf(t time.Time) string { return t.UTC().Format("2006-01-02T15") }

// A Room is what the function sweep has. Its fields must be set before use; it
// is safe for concurrent use.
type Room struct {
	Kernel *clinic.Kernel
	Store  Reads
	LogKey audit.Key
	Heads  Heads
	Shards int // of the due index

	kept sync.Map // practice → kept
}

// batch is how many events of a shard are read at once.
const batch = 100

// Run arms what is due and signs the logs. It returns how many events it armed.
// Two runs at once do no harm.
func (m *Room) Run(ctx context.Context) (int, error) {
	armed := 0
	var failures []error
	for shard := range m.Shards {
		n, err := m.armDue(ctx, shard)
		armed += n
		failures = append(failures, err)
	}
	state, err := m.Store.SweepState(ctx)
	if err != nil {
		return armed, errors.Join(append(failures, err)...)
	}
	next := state
	n, err := m.armLost(ctx, &next)
	failures = append(failures, err, m.signLogs(ctx, &next))
	if next != state {
		next.Version = state.Version + 1
		if err := m.Kernel.Store.Commit(ctx, clinic.Commit{Sweep: &next}); !errors.Is(err, clinic.ErrChanged) && !errors.Is(err, clinic.ErrExists) {
			failures = append(failures, err)
		}
	}
	return armed + n, errors.Join(failures...)
}

// shard arms what is due in one shard. An event that cannot be armed does not
// keep those behind it from being armed.
func (m *Room) armDue(ctx context.Context, shard int) (armed int, _ error) {
	var failures []error
	now := m.Kernel.Time()
	for cursor := ""; ; {
		ids, next, err := m.Store.DueEvents(ctx, shard, now, cursor, batch)
		if err != nil {
			return armed, errors.Join(append(failures, err)...)
		}
		for _, id := range ids {
			did, err := m.arm(ctx, id, func(d outbox.Delivery) bool { return !d.Due.IsZero() && !d.Due.After(now) })
			if did {
				armed++
			}
			failures = append(failures, err)
		}
		if cursor = next; cursor == "" || ctx.Err() != nil {
			return armed, errors.Join(failures...)
		}
	}
}

// arm hands an event to its consumer once more if it is not done and wanted says
// so of it as it stands.
func (m *Room) arm(ctx context.Context, id string, wanted func(outbox.Delivery) bool) (bool, error) {
	d, err := m.Store.Delivery(ctx, id)
	if err != nil && !errors.Is(err, fault.Busy) && ctx.Err() == nil { // nobody could act on it, and it must not block those behind it
		m.Kernel.Log.ErrorContext(ctx, "a row of the outbox holds no event that can be read", "event", id, "err", err)
		return false, nil
	}
	if err != nil || !d.Done.IsZero() || d.Parked || !wanted(d) {
		return false, err
	}
	err = m.Kernel.Store.Commit(ctx, clinic.Commit{Deliveries: []outbox.Delivery{d.Rearmed(m.Kernel.Time())}})
	if errors.Is(err, clinic.ErrChanged) {
		return false, nil
	}
	return err == nil, err
}

// maxBuckets is how many buckets one run looks through: a day's, after which a
// run that comes a minute later goes on.
const maxBuckets = 144

// lost arms the events whose delivery was lost: nobody wrote down that they were
// handled, nor that they failed. Each bucket is read once, after its time; again
// only if the table did not answer. An event that cannot be armed does not keep
// the others from being found.
func (m *Room) armLost(ctx context.Context, state *clinic.SweepState) (armed int, _ error) {
	last := outbox.SweepableThrough(m.Kernel.Time())
	if state.Bucket == "" { // the first sweep: all before it is in the hands of the stream
		state.Bucket = last
		return 0, nil
	}
	var failures []error
	for n := 0; state.Bucket < last && n < maxBuckets; n++ {
		b := state.Bucket.Next()
		ids, err := m.Store.Undelivered(ctx, b)
		if err != nil {
			return armed, errors.Join(append(failures, err)...)
		}
		for _, id := range ids {
			did, err := m.arm(ctx, id, func(d outbox.Delivery) bool { return d.Due.IsZero() })
			if errors.Is(err, fault.Busy) || ctx.Err() != nil {
				return armed, errors.Join(append(failures, err)...)
			}
			if did {
				armed++
				m.Kernel.Log.WarnContext(ctx, "an event's delivery was lost", "event", id)
			}
			failures = append(failures, err)
		}
		state.Bucket = b
	}
	return armed, errors.Join(failures...)
}
