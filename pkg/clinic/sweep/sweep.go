// Package sweep re-arms events that were not handled, by a write that the stream
// delivers again, and signs the audit logs. It does nothing else: acting on an
// event is for its consumer, and on a visit's deadline for package deadline.
package sweep

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/heads"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
)

// Reads are what a Room reads besides the kernel.
type Reads interface {
	// Delivery returns an event and how it stands. An event that cannot be decoded is
	// Unreadable.
	Delivery(ctx context.Context, event string) (outbox.Delivery, error)
	// DueEvents lists events of one shard of the due index whose time has come, the
	// longest due first, after cursor, at most limit. It may lag about a second.
	// The returned cursor is empty at the end.
	DueEvents(ctx context.Context, shard int, now time.Time, cursor string, limit int) (ids []string, next string, err error)
	// Undelivered lists the events of a bucket that are neither done nor due nor
	// parked: the stream lost their delivery.
	Undelivered(ctx context.Context, b outbox.Bucket) ([]string, error)
	// SweepState returns the progress of the sweeps; version 0 if there is none.
	// Its error, and that of LogHead, is clinic.ErrUnreadable for a row that is
	// damaged, with Damaged set.
	SweepState(ctx context.Context) (clinic.SweepState, error)
	// Active lists the practices written to, by hour, from the hour from on, the
	// earliest first, at most limit.
	Active(ctx context.Context, from string, limit int) ([]Activity, error)
	LogHead(ctx context.Context, practice string) (clinic.LogHead, error)
	// Log returns the leaves of a practice's log in order, after position after
	// up to and including position through, at most limit.
	Log(ctx context.Context, practice, after, through string, limit int) ([]clinic.Leaf, error)
}

// An Activity is an hour, written as HourOf does, in which a practice was
// written to.
type Activity struct{ Practice, Hour string }

// HourOf names the hour of t.
func HourOf(t time.Time) string { return t.UTC().Format(hourLayout) }

const hourLayout = "2006-01-02T15"

func isHour(s string) bool {
	_, err := time.Parse(hourLayout, s)
	return err == nil
}

// A Room is what the function sweep has. Its fields must be set before use; it
// is safe for concurrent use.
type Room struct {
	Kernel *clinic.Kernel
	Store  Reads
	LogKey audit.Key // without its private half
	// Signer returns the private half of LogKey.
	Signer func(context.Context) (ed25519.PrivateKey, error)
	Heads  Heads
	Shards int // of the due index

	kept sync.Map // practice → kept
}

// batch is how many events of a shard are listed in one read.
const batch = 100

// Run re-arms the events that are due and those whose delivery was lost, and
// signs the logs. It returns how many events it re-armed. Two runs at once do no
// harm.
func (m *Room) Run(ctx context.Context) (int, error) {
	armed := 0
	var failures []error
	for shard := range m.Shards {
		n, err := m.armDue(ctx, shard)
		armed += n
		failures = append(failures, err)
	}
	state, err := m.state(ctx)
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

// lookBack is from how long ago sweeps do again what they did, if it is lost how
// far they were. Sweeps that were further behind had failed for as long.
const lookBack = 24 * time.Hour

// state returns the progress of the sweeps. If that is lost, or cannot be, an
// ERROR says so and the sweeps go on from lookBack ago: whatever they do may be
// done again.
func (m *Room) state(ctx context.Context) (clinic.SweepState, error) {
	now := m.Kernel.Time()
	state, err := m.Store.SweepState(ctx)
	switch {
	case err != nil && !errors.Is(err, clinic.ErrUnreadable):
		return state, err
	case err == nil && state.Version == 0:
		_, err = m.Heads.First(ctx, heads.All)
		if errors.Is(err, fault.NotFound) { // nothing was ever signed: it is the first sweep
			return state, nil
		}
		if err != nil {
			return state, err
		}
		err = errors.New("the row is gone")
	case err == nil && possible(state, now):
		return state, nil
	}
	m.Kernel.Log.ErrorContext(ctx, "altered", "finding", "the state of the sweeps, which go on from a day ago", "err", err)
	from := now.Add(-lookBack)
	state.Bucket, state.Hour = outbox.SweepableThrough(from), HourOf(from)
	return state, nil
}

// possible reports whether the sweeps can have come as far as s by now.
func possible(s clinic.SweepState, now time.Time) bool {
	const skew = time.Hour // of the clocks of two functions, and more
	return s.Bucket.Next() > s.Bucket && s.Bucket <= outbox.SweepableThrough(now.Add(skew)) &&
		(s.Hour == "" || isHour(s.Hour) && s.Hour <= HourOf(now.Add(skew)))
}

// armDue re-arms the due events of one shard. An event that cannot be re-armed
// does not keep those behind it from being re-armed.
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

// arm re-arms an event if it is neither done nor parked and wanted reports true
// for it as read now. An event that cannot be decoded is re-armed too: its consumer,
// which is charge if the row does not say, parks it.
func (m *Room) arm(ctx context.Context, id string, wanted func(outbox.Delivery) bool) (bool, error) {
	d, err := m.Store.Delivery(ctx, id)
	if d.Unreadable && d.To == "" {
		d.To = outbox.Charge
	}
	if err != nil && !errors.Is(err, fault.Busy) && ctx.Err() == nil { // a row that is none of ours must not block those behind it
		m.Kernel.Log.ErrorContext(ctx, "a row of the outbox holds no event", "event", id, "err", err)
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

// maxBuckets is how many buckets one run reads: those of a day. The next run, a
// minute later, goes on from there.
const maxBuckets = 144

// armLost re-arms the events whose delivery the stream lost: neither a success
// nor a failure was stored for them. Each bucket is read once, after its time,
// and again only if the table did not answer. An event that cannot be re-armed
// does not keep the others from being found.
func (m *Room) armLost(ctx context.Context, state *clinic.SweepState) (armed int, _ error) {
	now := m.Kernel.Time()
	last := outbox.SweepableThrough(now)
	if state.Bucket == "" { // the first sweep: the stream still delivers what was put before
		state.Bucket = last
		return 0, nil
	}
	var failures []error
	for n := 0; state.Bucket < last && n < maxBuckets; n++ {
		found, read, err := m.armBucket(ctx, state.Bucket.Next())
		armed += found
		failures = append(failures, err)
		if !read {
			return armed, errors.Join(failures...)
		}
		state.Bucket = state.Bucket.Next()
	}
	// After a long pause, what is lost now does not wait for all that came before.
	for b := max(state.Bucket, outbox.SweepableThrough(now.Add(-time.Hour))); b < last; {
		b = b.Next()
		found, read, err := m.armBucket(ctx, b)
		armed += found
		failures = append(failures, err)
		if !read {
			break
		}
	}
	return armed, errors.Join(failures...)
}

// armBucket re-arms the events of a bucket whose delivery was lost. It reports
// whether the table answered; if not, the bucket must be read again.
func (m *Room) armBucket(ctx context.Context, b outbox.Bucket) (armed int, read bool, _ error) {
	ids, err := m.Store.Undelivered(ctx, b)
	if err != nil {
		return 0, false, err
	}
	var failures []error
	for _, id := range ids {
		did, err := m.arm(ctx, id, func(d outbox.Delivery) bool { return d.Due.IsZero() })
		failures = append(failures, err)
		if errors.Is(err, fault.Busy) || ctx.Err() != nil {
			return armed, false, errors.Join(failures...)
		}
		if did {
			armed++
			m.Kernel.Log.WarnContext(ctx, "an event's delivery was lost", "event", id)
		}
	}
	return armed, true, errors.Join(failures...)
}
