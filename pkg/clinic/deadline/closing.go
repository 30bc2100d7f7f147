package deadline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/statement"
	"evisit/pkg/vault"
)

// handleClosings closes the months of practices' books that are due.
func (m *Room) handleClosings(ctx context.Context) (int, error) {
	return m.handleDue(ctx, due{"closing", m.Store.DueClosings, m.closeMonth, m.postponeClosing})
}

// closingTime is the longest that closing a month may take: the entries of a month are read.
const closingTime = 40 * time.Second

// closeMonth keeps what the accounts of a practice stand at when the next month of its books ended.
// The balance is made of the one before and of the entries since. One commit writes it and which
// month is next. A request never writes a balance.
func (m *Room) closeMonth(ctx context.Context, practice string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, closingTime)
	defer cancel()
	p, err := m.Kernel.Practice(ctx, practice)
	if err != nil {
		return false, err
	}
	zone, err := p.Location()
	if err != nil {
		return false, err
	}
	was, err := m.Store.Closing(ctx, practice)
	if err != nil {
		return false, err
	}
	c, next := clinic.Commit{At: m.Kernel.Time()}, was
	if !c.At.Before(was.Due(zone)) {
		balance, err := m.balanceUntil(ctx, was, was.Ends(zone))
		if err != nil {
			return false, err
		}
		c.Balance, next = &balance, was.Closed(balance)
	}
	return m.commitClosing(ctx, c, next, next.Due(zone), "books.closed")
}

// balanceUntil is the balance of the last month that was closed, and what was booked since.
func (m *Room) balanceUntil(ctx context.Context, c statement.Closing, end time.Time) (statement.Balance, error) {
	last := statement.Balance{Practice: c.Practice, Before: c.Until}
	if !c.First() {
		kept, err := m.Store.BalanceAt(ctx, c.Practice, c.Until)
		if err != nil {
			return kept, err
		}
		if !kept.Before.Equal(c.Until) {
			return kept, fmt.Errorf("balance of practice %s at %s: %w: it is gone", c.Practice, c.Until, vault.ErrBroken)
		}
		last = kept
	}
	return last.Until(end, books.Between(ctx, m.Store, c.Practice, c.Until, end))
}

// postponeClosing has books that could not be closed be due later.
func (m *Room) postponeClosing(ctx context.Context, practice string) error {
	c, err := m.Store.Closing(ctx, practice)
	if err != nil {
		return err
	}
	now := m.Kernel.Time()
	_, err = m.commitClosing(ctx, clinic.Commit{At: now}, c, now.Add(postponed), "books.postpone")
	return err
}

func (m *Room) commitClosing(ctx context.Context, c clinic.Commit, next statement.Closing, due time.Time, action string) (bool, error) {
	next.Version++
	c.Closing = &clinic.Closing{Closing: next, Due: due}
	c.Audit = []audit.Record{{
		ID: m.Kernel.NewID(), Practice: next.Practice, At: c.At, Actor: clinic.System("deadline"), Action: action, Resource: next.Until.Format(time.RFC3339),
	}}
	err := m.Kernel.Store.Commit(ctx, c)
	if errors.Is(err, clinic.ErrChanged) {
		return false, nil
	}
	return err == nil, err
}
