package charge

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

// followReported fetches an account of which Stripe reported a change.
func (m *Room) followReported(ctx context.Context, d outbox.Delivery) error {
	practice, err := m.Store.PracticeOf(ctx, d.Account)
	if errors.Is(err, fault.NotFound) {
		return nil // no practice has that account
	}
	if err == nil {
		_, err = m.followAccount(ctx, practice, d.Account)
	}
	return err
}

// askAccount fetches an account whose state was to be asked for. If it is not in order,
// askAccount puts the next event, unless a later change has events of its own.
func (m *Room) askAccount(ctx context.Context, d outbox.Delivery) error {
	a, err := m.followAccount(ctx, d.Practice, d.Account)
	if err != nil || !a.Changed.Equal(d.At) {
		return err
	}
	now := m.Kernel.Time()
	at := a.NextAsk(now)
	if at.IsZero() {
		return nil
	}
	e := m.asking(a, at)
	e.ID = m.following(d)
	return m.putOnce(ctx, clinic.Commit{At: now, Events: []outbox.Event{e}})
}

// asking is the event that asks at a time how a stands.
func (m *Room) asking(a billing.Account, at time.Time) outbox.Event {
	return outbox.Event{
		ID: outbox.NewID(m.Kernel.Writer, m.Kernel.Time(), m.Kernel.NewID()), Kind: outbox.AskAccount, To: outbox.Charge,
		Practice: a.Practice, Account: a.ID, At: a.Changed, Later: at,
	}
}

// followAccount fetches how a practice's account stands, and stores it if it is not known. The row
// is read before Stripe is asked, so that an answer which was overtaken by another is asked
// for again. It returns the account as it stands.
func (m *Room) followAccount(ctx context.Context, practice, account string) (billing.Account, error) {
	for n := 1; ; n++ {
		a, err := m.followAccountOnce(ctx, practice, account)
		known := errors.Is(err, clinic.ErrChanged) || errors.Is(err, clinic.ErrExists)
		if !known || n == attempts {
			return a, err
		}
	}
}

func (m *Room) followAccountOnce(ctx context.Context, practice, account string) (billing.Account, error) {
	was, err := m.standing(ctx, practice, account)
	if err != nil {
		return was, err
	}
	seen, err := m.Cards.Account(ctx, account)
	if err != nil {
		return was, err
	}
	now := m.Kernel.Time()
	a, changed := was.Follow(seen, now)
	c := clinic.Commit{At: now}
	if err := m.accountWork(ctx, &c, a, changed); err != nil {
		return was, err
	}
	if changed {
		c.Standing = &a
		c.Events = append(c.Events, m.asking(a, a.NextAsk(now)))
	}
	if !changed && len(c.Work) == 0 {
		return a, nil
	}
	c.Audit = []audit.Record{{
		ID: m.Kernel.NewID(), Practice: practice, At: now, Actor: clinic.System("charge"), Action: accountAction(was, a), Resource: account,
	}}
	return a, m.Kernel.Store.Commit(ctx, c)
}

// standing is a practice's account as stored; of version 0 if Stripe was never asked.
func (m *Room) standing(ctx context.Context, practice, account string) (billing.Account, error) {
	a, err := m.Kernel.Store.Account(ctx, practice, account)
	if errors.Is(err, fault.NotFound) {
		return billing.Account{ID: account, Practice: practice}, nil
	}
	return a, err
}

// accountWork adds to c what a means for the practice: one item of work and one letter
// while somebody must do something, whatever waits for it. They end when a is in order, or
// when the practice has another account. Work that a person ended is opened again only if a
// has changed.
func (m *Room) accountWork(ctx context.Context, c *clinic.Commit, a billing.Account, changed bool) error {
	p, err := m.Kernel.Store.Practice(ctx, a.Practice)
	if err != nil {
		return err
	}
	own, open := p.Account == a.ID, m.openFirst
	if changed {
		open = m.openWork
	}
	for _, is := range []struct {
		so   bool
		item work.Item
		tell outbox.Kind
	}{
		{own && a.Disconnected, work.Item{Kind: work.AccountLost, Note: clinic.AccountLost}, outbox.AccountLost},
		{own && a.Disabled(), work.Item{Kind: work.AccountDisabled, Note: a.Reason}, outbox.AccountDisabled},
	} {
		if !is.so {
			if err := m.endWork(ctx, c, is.item.Kind, a.Practice, a.ID); err != nil {
				return err
			}
			continue
		}
		known := len(c.Work)
		is.item.Practice = a.Practice
		if err := open(ctx, c, is.item, a.ID); err != nil {
			return err
		}
		if len(c.Work) > known {
			c.Events = append(c.Events, outbox.Event{
				ID: outbox.NewID(m.Kernel.Writer, c.At, m.Kernel.NewID()), Kind: is.tell, To: outbox.Notify,
				Practice: a.Practice, Account: a.ID, At: c.At,
			})
		}
	}
	return nil
}

// accountAction names what the log says of an account's change.
func accountAction(was, a billing.Account) string {
	switch {
	case a.Disconnected:
		return "account.lost"
	case was.Disconnected:
		return "account.found"
	case a.Disabled():
		return "account.disabled"
	case a.Charges && !was.Charges:
		return "account.enabled"
	}
	return "account.changed"
}

// lost reports whether Stripe refused a call because the account is not connected.
func lost(err error) bool {
	refused, ok := errors.AsType[*clinic.Refusal](err)
	return ok && refused.Code == clinic.AccountLost
}

// loseAccount decides what becomes of an event whose call Stripe refused with why, because
// the platform has no access to the account: it waits, and the practice is told once for
// all of them. An event of an account that no practice has is tried as any other.
func (m *Room) loseAccount(ctx context.Context, d outbox.Delivery, why error) error {
	practice, account, err := m.accountOf(ctx, d)
	if err != nil || practice == "" {
		return errors.Join(why, err)
	}
	a, err := m.followAccount(ctx, practice, account)
	if err != nil {
		return err
	}
	return waiting(a, m.Kernel.Time(), why)
}

// awaitAccount returns a *clinic.Wait while the account of d is known not to be connected.
func (m *Room) awaitAccount(ctx context.Context, d outbox.Delivery) error {
	practice, account, err := m.accountOf(ctx, d)
	if err != nil || practice == "" {
		return err
	}
	a, err := m.standing(ctx, practice, account)
	if err != nil {
		return err
	}
	return waiting(a, m.Kernel.Time(), nil)
}

// waiting is the error of an event that waits for a; otherwise if a can be reached.
func waiting(a billing.Account, now time.Time, otherwise error) error {
	if !a.Disconnected {
		return otherwise
	}
	return &clinic.Wait{Until: a.NextAsk(now), Why: &clinic.Refusal{Code: clinic.AccountLost}}
}

// accountOf returns the practice and the account that d is about. The practice is empty if
// none has the account.
func (m *Room) accountOf(ctx context.Context, d outbox.Delivery) (practice, account string, err error) {
	if d.Account != "" {
		practice, err = m.Store.PracticeOf(ctx, d.Account)
		if errors.Is(err, fault.NotFound) {
			err = nil
		}
		return practice, d.Account, err
	}
	p, err := m.Store.Payment(ctx, d.Payment)
	return p.Practice, p.Account, err
}
