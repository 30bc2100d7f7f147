package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
)

// logDelay is how old a record must be to be signed. A practice's log is its
// audit records in the order of their positions, which are their times and ids,
// so a record must be stored within logDelay of the time it carries; no
// invocation lasts as long.
const logDelay = time.Minute

const (
	// maxActive bounds how many pairs of practice and hour one run reads.
	maxActive = 10_000
	// maxRecords bounds how many records one run adds to one log.
	maxRecords = 20_000
)

// signLogs signs the log of every practice that was written to since the hour of
// state, and advances that hour. A practice that was not written to costs
// nothing.
func (m *Room) signLogs(ctx context.Context, state *clinic.SweepState) error {
	through := m.Kernel.Time().Add(-logDelay)
	active, err := m.Store.Active(ctx, state.Hour, maxActive)
	if err != nil {
		return err
	}
	days := map[string][]string{} // practice → days it was written to, in order
	for _, a := range active {
		day := a.Hour[:len(time.DateOnly)]
		if !slices.Contains(days[a.Practice], day) {
			days[a.Practice] = append(days[a.Practice], day)
		}
	}
	var failures []error
	behind := len(active) == maxActive
	for practice, of := range days {
		whole, err := m.signLog(ctx, practice, of, through)
		failures = append(failures, err)
		behind = behind || !whole
	}
	if !behind {
		state.Hour = HourOf(through)
	}
	return errors.Join(failures...)
}

// signLog adds the new leaves of the given days to a practice's log and signs
// it. It reports whether no leaf is left to add. It never signs a log smaller
// than, or different from, what was signed before: if the head in the table was
// lost or replaced by an older one, signLog continues from the kept head.
func (m *Room) signLog(ctx context.Context, practice string, days []string, through time.Time) (whole bool, _ error) {
	kept, err := m.keptHead(ctx, practice) // read before the table's head, which may be newer by then
	if err != nil {
		return false, err
	}
	stored, err := m.Store.LogHead(ctx, practice)
	if err != nil {
		return false, err
	}
	from := stored.Head
	if from.Tree.Size < kept.head.Tree.Size {
		m.Kernel.Log.ErrorContext(ctx, "a log's head is behind the one that was kept", "practice", practice,
			"has", from.Tree.Size, "kept", kept.head.Tree.Size)
		from = kept.head
	}
	leaves, whole, err := m.newLeaves(ctx, practice, days, from.Through, through)
	if err != nil {
		return false, err
	}
	next, err := m.LogKey.Extend(practice, kept.head, from, leaves)
	if err != nil {
		return false, fmt.Errorf("signing the log of practice %s: %w", practice, err)
	}
	if next.Tree.Size == stored.Tree.Size {
		return whole, nil
	}
	err = m.Kernel.Store.Commit(ctx, clinic.Commit{Log: &clinic.LogHead{Practice: practice, Head: next, Version: stored.Version + 1}})
	if errors.Is(err, clinic.ErrChanged) || errors.Is(err, clinic.ErrExists) {
		return false, nil // another sweep signed first
	}
	if err != nil {
		return false, err
	}
	return whole, m.keep(ctx, practice, kept, next)
}

// newLeaves reads the leaves of some days after position after.
func (m *Room) newLeaves(ctx context.Context, practice string, days []string, after string, through time.Time) (leaves [][]byte, whole bool, _ error) {
	last := audit.Record{At: through, ID: "~"}.Position() // "~" sorts after every id
	for _, day := range days {
		ls, err := m.Store.LogOfDay(ctx, practice, day, after, last, maxRecords-len(leaves))
		if err != nil {
			return nil, false, err
		}
		for _, l := range ls {
			leaves = append(leaves, l.Bytes)
		}
		if len(leaves) == maxRecords {
			return leaves, false, nil
		}
	}
	return leaves, true, nil
}
