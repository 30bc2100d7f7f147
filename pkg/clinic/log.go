package clinic

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// A practice's log is its audit records in order of time and id. Requests
// write no position: the order is in the records, and a sweep signs how far the
// log has come. A record must therefore be stored within logDelay of the time
// it carries, which is more than any invocation may last.
const logDelay = time.Minute

// AdvanceLogs signs every practice's log as far as it may be.
func (cl *Clinic) AdvanceLogs(ctx context.Context) error {
	ids, err := cl.Store.Practices(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, id := range ids {
		failures = append(failures, cl.advanceLog(ctx, id))
	}
	return errors.Join(failures...)
}

func (cl *Clinic) advanceLog(ctx context.Context, practice string) error {
	h, err := cl.Store.LogHead(ctx, practice)
	if err != nil {
		return err
	}
	p, err := cl.practice(ctx, practice)
	if err != nil {
		return err
	}
	through := cl.now().Add(-logDelay)
	from := h.Through
	if h.Version == 0 {
		from = p.Since.Add(-time.Millisecond)
	}
	records, err := cl.logged(ctx, practice, from, through)
	if err != nil || len(records) == 0 {
		return err
	}
	next := h
	for _, r := range records {
		leaf, err := r.Leaf()
		if err != nil {
			return err
		}
		next.Tree = next.Tree.Add(leaf)
	}
	if next.Checkpoint, err = cl.LogKey.Checkpoint(practice, next.Tree); err != nil {
		return err
	}
	next.Through = records[len(records)-1].At
	next.Version++
	err = cl.Store.Commit(ctx, Commit{Log: &next})
	if errors.Is(err, ErrChanged) || errors.Is(err, ErrExists) {
		return nil // another sweep was quicker
	}
	return err
}

// logged returns a practice's records after from, up to and including through,
// in the log's order.
func (cl *Clinic) logged(ctx context.Context, practice string, from, through time.Time) ([]audit.Record, error) {
	var all []audit.Record
	for day := from.UTC().Truncate(24 * time.Hour); !day.After(through); day = day.Add(24 * time.Hour) {
		rs, err := cl.Store.Trail(ctx, practice, day, "")
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			if r.At.After(from) && !r.At.After(through) {
				all = append(all, r)
			}
		}
	}
	slices.SortFunc(all, func(a, b audit.Record) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	return all, nil
}

// ExportLog returns the leaves of the caller's practice's log up to its latest
// checkpoint. They are what the table holds now: whoever recomputes the root
// learns whether that is what was signed.
func (cl *Clinic) ExportLog(ctx context.Context, c Caller) ([][]byte, LogHead, error) {
	h, err := cl.Checkpoint(ctx, c)
	if err != nil {
		return nil, h, err
	}
	p, err := cl.practice(ctx, h.Practice)
	if err != nil {
		return nil, h, err
	}
	records, err := cl.logged(ctx, h.Practice, p.Since.Add(-time.Millisecond), h.Through)
	if err != nil {
		return nil, h, err
	}
	leaves := make([][]byte, len(records))
	for i, r := range records {
		if leaves[i], err = r.Leaf(); err != nil {
			return nil, h, err
		}
	}
	return leaves, h, nil
}

// Checkpoint returns the latest signed state of the caller's practice's log.
func (cl *Clinic) Checkpoint(ctx context.Context, c Caller) (LogHead, error) {
	at := identity.Resource{Practice: c.Person.Practice}
	if err := identity.Allow(c.Person, identity.ReadLog, at, cl.now()); err != nil {
		return LogHead{}, err
	}
	h, err := cl.Store.LogHead(ctx, at.Practice)
	if err == nil && h.Version == 0 {
		return h, fault.New(fault.NotFound, "no_checkpoint", "the log has no checkpoint yet; one is signed within minutes of the first record")
	}
	return h, err
}

// LogVerifier is the key that checks the caller's practice's checkpoints.
func (cl *Clinic) LogVerifier(_ context.Context, c Caller) (string, error) {
	at := identity.Resource{Practice: c.Person.Practice}
	if err := identity.Allow(c.Person, identity.ReadLog, at, cl.now()); err != nil {
		return "", err
	}
	return cl.LogKey.VerifierKey(at.Practice)
}
