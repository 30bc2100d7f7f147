// Package clock holds the one clock that a local system, its issuer, its
// mailbox and its payment simulator share, so that a promise of two days can be
// watched expiring in a second. It moves forward only. Signing requests to AWS
// services stays on real time and does not use it.
package clock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"evisit/pkg/fault"
)

// MaxStep is the furthest one Advance may move the clock: a yearly membership
// and its renewal fit, a mistyped unit does not.
const MaxStep = 400 * 24 * time.Hour

// maxOffset keeps the clock's sum of steps far from overflowing a duration.
const maxOffset = 100 * 365 * 24 * time.Hour

// A Clock tells real time plus an offset. It is safe for concurrent use.
type Clock struct {
	path string

	work   sync.RWMutex // held for reading by whoever must not see a jump
	mu     sync.Mutex
	offset time.Duration
	hooks  []func()
}

// Open returns the clock whose offset is kept in the file at path, which need
// not exist yet; with an empty path the offset is kept in memory only. An
// offset other than zero sets the start, unless the file is already past it:
// a restart must never take time back from the rows written before it.
func Open(path string, offset time.Duration) (*Clock, error) {
	if offset > maxOffset || offset < -maxOffset {
		return nil, fmt.Errorf("opening clock: offset %s is out of range", offset)
	}
	c := &Clock{path: path, offset: offset}
	if path == "" {
		return c, nil
	}
	kept, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("opening clock: %w", err)
	case offset == 0 || kept > offset:
		c.offset = kept
	}
	if err := write(path, c.offset); err != nil {
		return nil, fmt.Errorf("opening clock: %w", err)
	}
	return c, nil
}

// Now returns the shared time, in UTC.
func (c *Clock) Now() time.Time {
	now, _ := c.read()
	return now
}

// Advance moves the clock forward by d, runs the hooks, and returns the new
// time. It refuses, with a fault, to move backwards or by more than MaxStep. A
// move that cannot be kept across a restart does not happen.
func (c *Clock) Advance(d time.Duration) (time.Time, error) {
	if err := c.move(d); err != nil {
		return time.Time{}, err
	}
	c.mu.Lock()
	hooks := c.hooks
	c.mu.Unlock()
	for _, f := range hooks {
		f()
	}
	return c.Now(), nil
}

// Steadily runs f while the clock does not jump. A record must be stored within
// moments of the time it carries: the audit log is signed up to a minute ago,
// and a jump in between would leave the record behind what was signed. Calls
// may run side by side, but not inside one another.
func (c *Clock) Steadily(f func()) {
	c.work.RLock()
	defer c.work.RUnlock()
	f()
}

// OnAdvance adds f to the functions run after every move, in the order added.
// Advance waits for them, so whoever moved the clock sees what fell due.
func (c *Clock) OnAdvance(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = append(c.hooks, f)
}

func (c *Clock) read() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().UTC().Round(0).Add(c.offset), c.offset
}

func (c *Clock) move(d time.Duration) error {
	if d < 0 {
		return fault.New(fault.Invalid, "clock_backwards", "The clock moves forward only.")
	}
	if d > MaxStep {
		return fault.New(fault.Invalid, "clock_step", "The clock moves by at most 400 days (9600h) at a time.")
	}
	c.work.Lock()
	defer c.work.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.offset + d
	if next > maxOffset {
		return fault.New(fault.Invalid, "clock_range", "The clock is already as far ahead as it goes.")
	}
	if c.path != "" {
		if err := write(c.path, next); err != nil {
			return fmt.Errorf("advancing clock by %s: %w", d, err)
		}
	}
	c.offset = next
	return nil
}

func read(path string) (time.Duration, error) {
	b, err := os.ReadFile(path) //nolint:gosec // the path is the local system's own setting
	if err != nil {
		return 0, fmt.Errorf("reading offset: %w", err)
	}
	d, err := time.ParseDuration(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("reading offset in %s: %w", path, err)
	}
	return d, nil
}

// write replaces the file in one step: a process killed at any moment leaves
// either the old offset or the new one.
func write(path string, offset time.Duration) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("keeping offset: %w", err)
	}
	_, err = f.WriteString(offset.String() + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keeping offset: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
