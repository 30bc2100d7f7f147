package charge

import (
	"context"
	"errors"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/work"
)

// lookPayout follows the payout that an object at Stripe is. It reports false for an object that
// is none.
func (m *Room) lookPayout(ctx context.Context, account, object string) (bool, error) {
	s, known, err := m.Balance.Payout(ctx, account, object)
	if refused, ok := errors.AsType[*clinic.Refusal](err); ok && refused.Code == missing {
		return true, &clinic.Refusal{Code: missing, Final: true}
	}
	if !known || err != nil {
		return known, err
	}
	practice, err := m.Store.PracticeOf(ctx, account)
	if errors.Is(err, fault.NotFound) {
		return true, nil // of an account that no practice has
	}
	if err != nil {
		return true, err
	}
	return true, m.followPayout(ctx, practice, account, s)
}

// followPayout brings a payout and the books to the state fetched from Stripe. After a conflict
// the payout is fetched again: what was stored meanwhile may be newer.
func (m *Room) followPayout(ctx context.Context, practice, account string, s billing.PayoutState) error {
	for n := 1; ; n++ {
		err := m.followPayoutOnce(ctx, practice, account, s)
		if !errors.Is(err, clinic.ErrChanged) || n == attempts {
			return err
		}
		if s, _, err = m.Balance.Payout(ctx, account, s.ID); err != nil {
			return err
		}
	}
}

func (m *Room) followPayoutOnce(ctx context.Context, practice, account string, s billing.PayoutState) error {
	was, err := m.Store.Payout(ctx, practice, account, s.ID, s.Made)
	if errors.Is(err, fault.NotFound) {
		was, err = billing.Payout{Practice: practice, Account: account}, nil
	}
	if err != nil {
		return err
	}
	if was.Newer(s) {
		if s, _, err = m.Balance.Payout(ctx, account, s.ID); err != nil {
			return err
		}
	}
	now := m.Kernel.Time()
	next, entries, err := was.Follow(s, now)
	if err != nil || next.Version == was.Version {
		return err
	}
	c := clinic.Commit{At: now, Payout: &next, Entries: entries, Audit: []audit.Record{{
		ID: m.Kernel.NewID(), Practice: practice, At: now, Actor: clinic.System("charge"), Action: "account.payout:" + next.Status, Resource: next.ID,
	}}}
	if err := m.payoutWork(ctx, &c, was, next); err != nil {
		return err
	}
	return m.Kernel.Store.Commit(ctx, c)
}

// payoutWork adds to c that somebody must see why the bank refused a payout, once for all payouts
// of an account, until one that was made later has arrived.
func (m *Room) payoutWork(ctx context.Context, c *clinic.Commit, was, p billing.Payout) error {
	switch {
	case p.Failed() && !was.Failed():
		return m.placeWork(ctx, c, work.New(work.Item{Kind: work.PayoutFailed, Practice: p.Practice, Note: p.Failure}, p.Account, c.At))
	case !p.Paid():
		return nil
	}
	open, err := m.Store.WorkItem(ctx, p.Practice, work.ID(work.PayoutFailed, p.Account))
	if errors.Is(err, fault.NotFound) || err == nil && open.Made.After(p.Made) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.endWork(ctx, c, work.PayoutFailed, p.Practice, p.Account)
}
