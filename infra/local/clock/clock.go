// Package clock holds the clock that the local system, its issuer, its mailbox and
// its payment simulator share, so that a promise of two days can expire in a second.
// The clock moves forward only. Requests to AWS services are signed with real time,
// not with this clock.
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

// MaxStep is the most that one Advance may move the clock: enough for a yearly
// membership and its renewal, and too little for a mistyped unit.
const MaxStep = 400 * 24 * time.Hour

// maxOffset keeps the sum of a clock's steps within a time.Duration.
const maxOffset = 100 * 365 * 24 * time.Hour

// A Clock shows real time plus an offset. It is safe for concurrent use.
type Clock struct {
	path string

	jump   sync.RWMutex // locked while the clock jumps, and for reading by WithoutJump
	mu     sync.Mutex
	offset time.Duration
	hooks  []func()
}

// Load returns the clock whose offset is kept in the file at path, which need not
// exist yet. With an empty path the offset is kept in memory only. An offset other
// than zero replaces the offset in the file, unless the file's is greater: a restart
// must not set the clock before the time of rows already written.
func Load(path string, offset time.Duration) (*Clock, error) {
	if offset > maxOffset || offset < -maxOffset {
		return nil, fmt.Errorf("opening clock: offset %s is out of range", offset)
	}
	c := &Clock{path: path, offset: offset}
	if path == "" {
		return c, nil
	}
	kept, err := readOffset(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("opening clock: %w", err)
	case offset == 0 || kept > offset:
		c.offset = kept
	}
	if err := writeOffset(path, c.offset); err != nil {
		return nil, fmt.Errorf("opening clock: %w", err)
	}
	return c, nil
}

// Now returns the shared time, in UTC.
func (c *Clock) Now() time.Time {
	now, _ := c.timeAndOffset()
	return now
}

// Advance moves the clock forward by d, runs the hooks, and returns the new time. A
// move backwards or by more than MaxStep is a fault. If the new offset cannot be
// written to the file, the clock does not move.
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

// WithoutJump runs f and keeps the clock from jumping until f returns. A record must
// be stored within moments of its own time: the audit log is signed up to a minute
// ago, and after a jump the record would be older than the signed part of the log.
// Calls may be concurrent but not nested.
func (c *Clock) WithoutJump(f func()) {
	c.jump.RLock()
	defer c.jump.RUnlock()
	f()
}

// OnAdvance adds f to the hooks, which run after every move in the order added.
// Advance waits for the hooks, so its caller sees the effects of what fell due.
func (c *Clock) OnAdvance(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = append(c.hooks, f)
}

func (c *Clock) timeAndOffset() (time.Time, time.Duration) {
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
	c.jump.Lock()
	defer c.jump.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.offset + d
	if next > maxOffset {
		return fault.New(fault.Invalid, "clock_range", "The clock is already as far ahead as it goes.")
	}
	if c.path != "" {
		if err := writeOffset(c.path, next); err != nil {
			return fmt.Errorf("advancing clock by %s: %w", d, err)
		}
	}
	c.offset = next
	return nil
}

func readOffset(path string) (time.Duration, error) {
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

// writeOffset replaces the file in one step: a process killed at any moment leaves
// either the old offset or the new offset.
func writeOffset(path string, offset time.Duration) error {
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
