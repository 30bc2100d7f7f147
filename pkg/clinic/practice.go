package clinic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
)

type formKey struct{ practice, name, version string }

// Form returns a form version that a practice has published. A version never
// changes, so a process reads and compiles it once.
func (k *Kernel) Form(ctx context.Context, practice, name, version string) (*intake.Form, error) {
	key := formKey{practice, name, version}
	if f, ok := k.forms.Load(key); ok {
		return f.(*intake.Form), nil
	}
	b, err := k.Store.Form(ctx, practice, name, version)
	if err != nil {
		return nil, err
	}
	f, err := intake.Load(b)
	if err != nil {
		return nil, fmt.Errorf("loading form %s %s of practice %s: %w", name, version, practice, err)
	}
	k.forms.Store(key, f)
	return f, nil
}

// practiceMemory is how long a process remembers a practice's settings.
// Permissions are never remembered.
const practiceMemory = 20 * time.Second

// platform is what the people who run the system see as their practice. Work that
// belongs to no practice is theirs.
var platform = practice.Practice{ID: audit.Platform, Core: practice.Core{Name: "Platform", Zone: "UTC", Readers: "nobody"}}

// Practice returns a practice as it was at most practiceMemory ago, with what it had
// decided by then to be in force now.
func (k *Kernel) Practice(ctx context.Context, id string) (practice.Practice, error) {
	if id == audit.Platform {
		return platform, nil
	}
	now := k.Now()
	if r, ok := k.practices.Load(id); ok && now.Before(r.(remembered[practice.Practice]).until) {
		return r.(remembered[practice.Practice]).value.At(now), nil
	}
	p, err := k.Store.Practice(ctx, id)
	if err != nil {
		return practice.Practice{}, err
	}
	if _, err := p.Location(); err != nil {
		return practice.Practice{}, fmt.Errorf("reading practice %s: %w", id, err)
	}
	k.practices.Store(id, remembered[practice.Practice]{p, now.Add(practiceMemory)})
	return p.At(now), nil
}

// AccountOf returns a practice's account as Stripe said last that it stands: without an ID
// if the practice has none, of version 0 if Stripe has not said it.
func (k *Kernel) AccountOf(ctx context.Context, p practice.Practice) (billing.Account, error) {
	a := billing.Account{ID: p.Account, Practice: p.ID}
	if p.Account == "" {
		return a, nil
	}
	stands, err := k.Store.Account(ctx, p.ID, p.Account)
	if errors.Is(err, fault.NotFound) {
		return a, nil
	}
	return stands, err
}

// MayCharge reports whether patients can pay a practice, as far as it was known at most
// practiceMemory ago.
func (k *Kernel) MayCharge(ctx context.Context, p practice.Practice) (bool, error) {
	now, of := k.Now(), p.ID+" "+p.Account
	if a, ok := k.accounts.get(of, now); ok {
		return a.MayCharge(), nil
	}
	a, err := k.AccountOf(ctx, p)
	if err != nil {
		return false, err
	}
	k.accounts.put(of, a, now.Add(practiceMemory))
	return a.MayCharge(), nil
}

// ForgetPractice makes the next call of Practice read the practice again, after
// this process changed it.
func (k *Kernel) ForgetPractice(id string) { k.practices.Delete(id) }
