package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/heads"
	"evisit/pkg/fault"
)

// Heads keeps signed heads of logs in a bucket where nothing can be overwritten
// or deleted.
type Heads interface {
	Put(ctx context.Context, key string, data []byte) error
	// First returns the object under prefix whose key sorts first, or an error of
	// kind fault.NotFound.
	First(ctx context.Context, prefix string) ([]byte, error)
	// Names lists the parts of keys between prefix and the next slash, each
	// once.
	Names(ctx context.Context, prefix string) ([]string, error)
}

// A kept is the latest head of a log in Heads.
type kept struct {
	head audit.Head
	hour string // in which this process put it; empty if another process did
}

// keptHead returns the latest head of a practice's log in Heads; the zero Head
// before the first.
func (m *Room) keptHead(ctx context.Context, practice string) (kept, error) {
	if k, ok := m.kept.Load(practice); ok {
		return k.(kept), nil
	}
	b, err := m.Heads.First(ctx, heads.Prefix(practice))
	if errors.Is(err, fault.NotFound) {
		return kept{}, nil
	}
	if err != nil {
		return kept{}, err
	}
	vkey, err := m.LogKey.VerifierKey(practice)
	if err != nil {
		return kept{}, err
	}
	head, err := audit.ParseHead(vkey, b)
	if err != nil {
		return kept{}, fmt.Errorf("the head that was kept of practice %s: %w", practice, err)
	}
	k := kept{head: head}
	m.kept.Store(practice, k)
	return k, nil
}

// keep puts a head into Heads once an hour, after the leaves since the last kept
// head proved that the log continues it.
func (m *Room) keep(ctx context.Context, practice string, last kept, head audit.Head) error {
	now := m.Kernel.Time()
	if last.hour == HourOf(now) {
		return nil
	}
	if err := m.proveContinuation(ctx, practice, last.head, head); err != nil {
		return fmt.Errorf("the log of practice %s does not continue the head that was kept: %w", practice, err)
	}
	b, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if err := m.Heads.Put(ctx, heads.Key(practice, now.Truncate(time.Hour)), b); err != nil {
		return err
	}
	m.kept.Store(practice, kept{head, HourOf(now)})
	return nil
}

// proveContinuation adds the leaves between two heads to the tree of the first
// and compares the result with the second.
func (m *Room) proveContinuation(ctx context.Context, practice string, from, to audit.Head) error {
	vkey, err := m.LogKey.VerifierKey(practice)
	if err != nil {
		return err
	}
	s, err := audit.NewStretch(vkey, from)
	if err != nil {
		return err
	}
	for l, err := range clinic.LogReader(m.Store.Log).Leaves(ctx, practice, from.Through, to.Through, maxRecords) {
		if err != nil {
			return err
		}
		if _, err := s.Add(l.Bytes); err != nil {
			return err
		}
	}
	if err := s.Signed([]byte(to.Checkpoint)); err != nil {
		return err
	}
	return s.End()
}
