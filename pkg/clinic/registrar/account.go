package registrar

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
)

// openLease is when the event that has an account made is due again unless it is done by
// then: the bucket in its id is that of the practice's registration.
const openLease = 10 * time.Minute

// ConnectAccount has an account made at Stripe for the caller's practice, which has none,
// and makes an account that was made the practice's own. It returns the practice's account
// as it stands: without an ID, it is still being made, and ConnectAccount is to be called
// again. However often it is called, one account is made.
//
// Function charge makes the account: the key that can is nowhere near requests, and no
// other function but this one writes what a practice is.
func (r *Room) ConnectAccount(ctx context.Context, c clinic.Caller) (billing.Account, error) {
	return r.connect(ctx, c, true)
}

// TakeUpAccount is ConnectAccount, but has no account made.
func (r *Room) TakeUpAccount(ctx context.Context, c clinic.Caller) (billing.Account, error) {
	return r.connect(ctx, c, false)
}

func (r *Room) connect(ctx context.Context, c clinic.Caller, asks bool) (billing.Account, error) {
	c, err := r.allow(ctx, c, identity.ConnectAccount, "")
	if err != nil {
		return billing.Account{}, err
	}
	return clinic.Retry(func() (billing.Account, error) { return r.connectOnce(ctx, c, asks) })
}

func (r *Room) connectOnce(ctx context.Context, c clinic.Caller, asks bool) (billing.Account, error) {
	p, err := r.Kernel.Store.Practice(ctx, c.Person.Practice)
	if err != nil || p.Account != "" {
		return r.accountOr(ctx, p.ID, p.Account, err)
	}
	made, err := r.Kernel.Store.OpenedAccount(ctx, p.ID)
	switch {
	case errors.Is(err, fault.NotFound) && !asks:
		return billing.Account{}, nil
	case errors.Is(err, fault.NotFound):
		return billing.Account{}, r.askForAccount(ctx, c, p.ID, p.Since)
	case err != nil:
		return billing.Account{}, err
	}
	p.Account = made.Account
	p.Version++
	err = r.commitPractice(ctx, clinic.Commit{
		Practice: &p, Account: true,
		Audit: r.record(c, p.ID, identity.ConnectAccount, "connected", made.Account, r.Kernel.Time()),
	})
	if errors.Is(err, clinic.ErrExists) {
		err = errAccountTaken
	}
	return r.accountOr(ctx, p.ID, p.Account, err)
}

// accountOr returns a practice's account as it stands, unless err is set.
func (r *Room) accountOr(ctx context.Context, practice, account string, err error) (billing.Account, error) {
	if err != nil {
		return billing.Account{}, err
	}
	a, err := r.Kernel.Store.Account(ctx, practice, account)
	if errors.Is(err, fault.NotFound) {
		return billing.Account{ID: account, Practice: practice}, nil
	}
	return a, err
}

// askForAccount puts the event that has an account made. Its id is the practice's alone,
// so that who presses twice puts one.
func (r *Room) askForAccount(ctx context.Context, c clinic.Caller, practice string, since time.Time) error {
	now := r.Kernel.Time()
	err := r.Kernel.Store.Commit(ctx, clinic.Commit{
		Events: []outbox.Event{{
			ID: outbox.NewID(r.Kernel.Writer, since, "account-of-"+practice), Kind: outbox.OpenAccount, To: outbox.Charge,
			Practice: practice, At: now, Lease: now.Add(openLease),
		}},
		Audit: r.record(c, practice, identity.ConnectAccount, "asked", practice, now),
	})
	if errors.Is(err, clinic.ErrExists) {
		return nil
	}
	return err
}
