package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/heads"
)

// logDelay is how old a record must be to be signed. A practice's log is its
// audit records in the order of their positions, which are their times and ids,
// so a record must be stored within logDelay of the time it carries; no
// invocation lasts as long.
const logDelay = time.Minute

const (
	// maxActive bounds how many pairs of practice and hour are read at once.
	maxActive = 10_000
	// maxRecords bounds how many records one run adds to one log.
	maxRecords = 20_000
)

// signLogs signs the log of every practice that was written to since the hour of
// state, and advances that hour. A practice that was not written to costs nothing,
// but for one look a day: the rows that say who was written to may be gone. A
// log that cannot be signed does not keep the others from being signed.
func (m *Room) signLogs(ctx context.Context, state *clinic.SweepState) error {
	through := m.Kernel.Time().Add(-logDelay)
	r := round{Room: m, through: through, signed: map[string]bool{}}
	if err := r.signActive(ctx, state.Hour); err != nil {
		return errors.Join(append(r.failures, err)...)
	}
	if HourOf(through) != state.Hour {
		if err := r.signOthers(ctx); err != nil {
			return errors.Join(append(r.failures, err)...)
		}
	}
	if !r.behind {
		state.Hour = HourOf(through)
	}
	return errors.Join(r.failures...)
}

// A round is one run's signing of the logs.
type round struct {
	*Room
	through  time.Time
	signed   map[string]bool // practices whose logs the round has looked at
	behind   bool            // leaves are left that should be signed
	failures []error
}

func (r *round) sign(ctx context.Context, practice string) {
	if r.signed[practice] {
		return
	}
	r.signed[practice] = true
	whole, err := r.signLog(ctx, practice, r.through)
	r.failures = append(r.failures, err)
	r.behind = r.behind || !whole
}

// signActive signs the logs of the practices that are announced as written to
// since the hour from.
func (r *round) signActive(ctx context.Context, from string) error {
	for {
		active, err := r.Store.Active(ctx, from, maxActive)
		if err != nil {
			return err
		}
		for _, a := range active {
			if !isHour(a.Hour) || a.Practice == "" {
				r.Kernel.Log.ErrorContext(ctx, "altered", "finding", "a row that announces no practice and hour", "hour", a.Hour, "practice", a.Practice)
				continue
			}
			r.sign(ctx, a.Practice)
		}
		if len(active) < maxActive {
			return nil
		}
		last := active[len(active)-1].Hour
		if last == from {
			return fmt.Errorf("more than %d practices were written to in the hour %s", maxActive, from)
		}
		from = last
	}
}

// signOthers signs, of all practices that ever had a log, those whose hour of the
// day it is.
func (r *round) signOthers(ctx context.Context) error {
	all, err := r.Heads.Names(ctx, heads.All)
	if err != nil {
		return err
	}
	for _, practice := range all {
		if heads.HourOf(practice) == r.through.UTC().Hour() {
			r.sign(ctx, practice)
		}
	}
	return nil
}

// signLog adds the new leaves to a practice's log and signs it. It reports
// whether no leaf is left to add. It never signs a log smaller than, or different
// from, what was signed before.
func (m *Room) signLog(ctx context.Context, practice string, through time.Time) (whole bool, _ error) {
	kept, err := m.keptHead(ctx, practice) // read before the table's head, which may be newer by then
	if err != nil {
		return false, err
	}
	stored, unreadable := m.Store.LogHead(ctx, practice)
	if unreadable != nil && !errors.Is(unreadable, clinic.ErrUnreadable) {
		return false, unreadable
	}
	from, rebuilt, err := m.headToExtend(ctx, stored, kept.head, unreadable)
	if err != nil {
		return false, fmt.Errorf("the head of the log of practice %s: %w", practice, err)
	}
	last := audit.Record{At: through, ID: "~"}.Position() // "~" sorts after every id
	leaves, err := m.Store.Log(ctx, practice, from.Through, last, maxRecords)
	if err != nil {
		return false, err
	}
	key, err := m.signingKey(ctx)
	if err != nil {
		return false, fmt.Errorf("signing the log of practice %s: %w", practice, err)
	}
	next, err := key.Extend(practice, kept.head, from, bytesOf(leaves))
	if err != nil {
		return false, fmt.Errorf("signing the log of practice %s: %w", practice, err)
	}
	whole = len(leaves) < maxRecords
	if len(leaves) == 0 && !rebuilt {
		return whole, nil
	}
	err = m.Kernel.Store.Commit(ctx, clinic.Commit{Log: &clinic.LogHead{
		Practice: practice, Head: next, Version: stored.Version + 1, Damaged: stored.Damaged,
	}})
	if errors.Is(err, clinic.ErrChanged) || errors.Is(err, clinic.ErrExists) {
		return false, nil // another sweep signed first
	}
	if err != nil {
		return false, err
	}
	return whole, m.keep(ctx, practice, kept, next)
}

// signingKey returns LogKey with its private half.
func (m *Room) signingKey(ctx context.Context) (audit.Key, error) {
	key := m.LogKey
	var err error
	key.Private, err = m.Signer(ctx)
	return key, err
}

// headToExtend returns the head in the table or, if that was damaged, lost or
// replaced by an older one, the kept head, from which the log is rebuilt. Without
// a kept head nothing tells what a damaged one was, and the log is not signed.
func (m *Room) headToExtend(ctx context.Context, stored clinic.LogHead, kept audit.Head, unreadable error) (from audit.Head, rebuilt bool, _ error) {
	vkey, err := m.LogKey.VerifierKey(stored.Practice)
	if err != nil {
		return audit.Head{}, false, err
	}
	why := unreadable
	if why == nil {
		why = stored.Follows(vkey, kept, m.Kernel.Time())
	}
	switch {
	case why == nil:
		return stored.Head, false, nil
	case errors.Is(why, audit.ErrForked), kept.Tree.Size == 0:
		return audit.Head{}, false, why
	}
	m.Kernel.Log.ErrorContext(ctx, "altered", "finding", "the head of a log, which is rebuilt from the one that was kept",
		"practice", stored.Practice, "leaves", kept.Tree.Size, "err", why)
	return kept, true, nil
}

func bytesOf(leaves []clinic.Leaf) [][]byte {
	out := make([][]byte, len(leaves))
	for n, l := range leaves {
		out[n] = l.Bytes
	}
	return out
}
