package charge

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
)

// keyLife is how long Stripe surely knows an idempotency key, which it forgets after 24
// hours.
const keyLife = 23 * time.Hour

// openAccount makes the account at Stripe that a practice asked for, once. The practice
// has it when an administrator goes on: what a practice is, function registry writes.
func (m *Room) openAccount(ctx context.Context, d outbox.Delivery) error {
	p, err := m.Kernel.Store.Practice(ctx, d.Practice)
	if err != nil {
		return err
	}
	_, err = m.Kernel.Store.OpenedAccount(ctx, d.Practice)
	switch {
	case err == nil, p.Account != "": // made before, or the operator named one meanwhile
		return nil
	case !errors.Is(err, fault.NotFound):
		return err
	}
	account, err := m.newAccount(ctx, d)
	if err != nil {
		return err
	}
	now := m.Kernel.Time()
	err = m.putOnce(ctx, clinic.Commit{
		Opened: &clinic.OpenedAccount{Practice: d.Practice, Account: account}, At: now,
		Audit: []audit.Record{{
			ID: m.Kernel.NewID(), Practice: d.Practice, At: now, Actor: clinic.System("charge"), Action: "account.opened", Resource: account,
		}},
	})
	if err != nil {
		return err
	}
	_, err = m.followAccount(ctx, d.Practice, account)
	return err
}

// newAccount makes the account, unless an earlier try did whose key Stripe may have
// forgotten.
func (m *Room) newAccount(ctx context.Context, d outbox.Delivery) (string, error) {
	if m.Kernel.Time().Sub(d.At) >= keyLife {
		account, err := m.Cards.FindAccount(ctx, d.Practice, d.At.Add(-accountOverlap))
		if err != nil || account != "" {
			return account, err
		}
	}
	return m.Cards.OpenAccount(ctx, d.Practice, d.Key())
}
