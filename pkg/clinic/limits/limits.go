// Package limits counts what may be asked for often but not without end: proofs
// that fail, sign-ins, and writes. Counts are per person and per address, in
// windows of time.
//
// Each process counts in memory, and adds to a row of the table only in batches.
// So a visit, which is some dozens of writes, adds nothing, and many processes
// count as one: each may let pass what it has not yet added, which is less than a
// batch.
package limits

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"evisit/pkg/fault"
)

// A Rule allows Most of something in each window of Window. Batch is how many a
// process counts before it adds them to the row.
type Rule struct {
	Name   string
	Most   int
	Window time.Duration
	Batch  int
}

// The rules. An address may be that of a whole hospital, so that what good callers
// do is bounded by what many people do at once; a failed proof has no good reason.
var (
	FailedProofs  = Rule{"proofs", 100, 5 * time.Minute, 10}
	SignIns       = Rule{"sign-ins", 300, 5 * time.Minute, 10}
	PersonWrites  = Rule{"writes-person", 3_000, 5 * time.Minute, 50}
	AddressWrites = Rule{"writes-address", 30_000, 5 * time.Minute, 300}
)

// Store keeps counts.
type Store interface {
	// AddCount adds n to the count under key and returns the sum. The row may be
	// forgotten after ends. If the outcome is unknown, so that n may have been
	// added, the error is of kind fault.Busy.
	AddCount(ctx context.Context, key string, n int, ends time.Time) (int, error)
}

// A Limiter counts by rules. A nil Limiter allows all. It is safe for concurrent
// use.
type Limiter struct {
	Store Store
	Now   func() time.Time
	Log   *slog.Logger

	mu     sync.Mutex
	counts map[string]count
}

// A count is how many of something there were in a window, as far as this process
// knows.
type count struct {
	total int // of all processes, when it was last added to
	fresh int // counted by this process, and not being added to the row
	ends  time.Time
}

func (c count) sum() int { return c.total + c.fresh }

// Count counts one of what a rule allows to who. If there were too many, it
// returns an error of kind fault.TooMany, which says when the window ends. A
// table that does not answer stops nobody.
func (l *Limiter) Count(ctx context.Context, r Rule, who string) error {
	if l == nil || who == "" {
		return nil
	}
	now := l.Now()
	window := now.UTC().Truncate(r.Window)
	ends := window.Add(r.Window)
	key := keyOf(r, who, window)
	sum, batch := l.note(key, r, ends, now)
	if batch > 0 {
		total, err := l.Store.AddCount(ctx, key, batch, ends)
		if err != nil {
			l.Log.WarnContext(ctx, "limit not counted", "rule", r.Name, "err", err)
		}
		sum = l.added(key, batch, total)
	}
	if sum > r.Most {
		return tooMany(ends.Sub(now))
	}
	return nil
}

// maxCounts bounds the counts in memory. At the bound those whose window has ended
// are dropped, and then all.
const maxCounts = 50_000

// note counts one and returns how many there were, and how many the caller must
// add to the row. What is over its rule is counted no further.
func (l *Limiter) note(key string, r Rule, ends, now time.Time) (sum, batch int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.counts) >= maxCounts {
		for k, c := range l.counts {
			if !now.Before(c.ends) {
				delete(l.counts, k)
			}
		}
	}
	if l.counts == nil || len(l.counts) >= maxCounts {
		l.counts = map[string]count{}
	}
	c := l.counts[key]
	c.ends = ends
	if c.sum() <= r.Most {
		c.fresh++
	}
	if c.fresh >= r.Batch {
		batch = c.fresh
		c.fresh = 0
	}
	l.counts[key] = c
	return c.sum() + batch, batch
}

// added notes that a batch was added to the row, which counts total then, and
// returns how many there were. A total of 0 is not known. Of two answers that cross, the
// greater total counts both batches.
func (l *Limiter) added(key string, batch, total int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[key]
	if total == 0 {
		total = c.total + batch
	}
	c.total = max(c.total, total)
	l.counts[key] = c
	return c.sum()
}

func tooMany(wait time.Duration) error {
	return fault.After(wait, fault.New(fault.TooMany, "too_many_requests", "there were too many requests of this kind in a short time; wait, and repeat the same request"))
}

// keyOf names a count. A row tells neither person nor address.
func keyOf(r Rule, who string, window time.Time) string {
	sum := sha256.Sum256([]byte(who))
	return fmt.Sprintf("%s#%s#%s", r.Name, hex.EncodeToString(sum[:16]), window.Format("20060102T1504"))
}

// Address is who an address is counted as: an IPv6 network of 64 bits, because
// one subscriber has all of its addresses, or an IPv4 address.
func Address(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
