package charge

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
)

const (
	// accountEvery is how often Stripe is asked what changed on an account.
	accountEvery = 24 * time.Hour
	// accountOverlap is how far into the time before it a look reaches, because an
	// event is listed some time after it was made.
	accountOverlap = time.Hour
	// pageLease is when the next page, or the comparison, is due again unless it is done by
	// then: the bucket in its id may have been swept.
	pageLease = 10 * time.Minute
)

// checkAccount asks Stripe how a practice's account stands, and what changed on it since
// the event was put, page by page, so that a refund, a failed refund, a warning or a
// payment made by hand is found although its webhook was lost. It puts the event of the
// next day, or of the next page. The cursor of a page is the event's Object, and the time
// since which it looks the event's At.
func (m *Room) checkAccount(ctx context.Context, d outbox.Delivery) error {
	p, err := m.Kernel.Practice(ctx, d.Practice)
	if err != nil {
		return err
	}
	if p.Account != d.Account { // the practice has another account, which has events of its own
		return nil
	}
	now := m.Kernel.Time()
	stands, err := m.followAccount(ctx, d.Practice, d.Account)
	if err != nil {
		return err
	}
	if stands.Disconnected {
		e := m.nextLook(d, now)
		e.At = d.At // what this look did not see
		return m.putOnce(ctx, clinic.Commit{At: now, Events: []outbox.Event{e}})
	}
	changes, next, err := m.Cards.Changes(ctx, d.Account, d.At.Add(-accountOverlap), d.Object)
	if err != nil {
		return err
	}
	if err := m.applyChanges(ctx, d.Account, changes); err != nil {
		return err
	}
	c := clinic.Commit{At: now}
	e := m.nextLook(d, now)
	if next != "" {
		e.Object, e.At, e.Later, e.Lease = next, d.At, time.Time{}, now.Add(pageLease)
	} else { // what changed is followed: what is not in the books now is a difference
		compare := comparing(d.Practice, d.Account, now, now)
		compare.ID = e.ID + "-compare"
		c.Events = append(c.Events, compare)
	}
	c.Events = append(c.Events, e)
	return m.putOnce(ctx, c)
}

// nextLook is the event of the next day's look, which begins where d's ends.
func (m *Room) nextLook(d outbox.Delivery, now time.Time) outbox.Event {
	return outbox.Event{
		ID: m.following(d), Kind: outbox.CheckAccount, To: outbox.Charge,
		Practice: d.Practice, Account: d.Account, At: now, Later: now.Add(accountEvery),
	}
}

// applyChanges settles each object once. An object that is not this system's to
// read is logged and left out, because no later look could read it either.
func (m *Room) applyChanges(ctx context.Context, account string, changes []Change) error {
	seen := map[string]bool{}
	for _, change := range changes {
		known, err := m.known(ctx, change)
		if err != nil {
			return err
		}
		if known || seen[change.Object] {
			continue
		}
		seen[change.Object] = true
		err = m.look(ctx, account, change.Object)
		if refused, ok := errors.AsType[*clinic.Refusal](err); ok && refused.Final {
			m.Kernel.Log.WarnContext(ctx, "an object that Stripe reported cannot be read", "account", account, "object", change.Object)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// known reports whether a hold or a collection is recorded, so that Stripe need
// not be asked.
func (m *Room) known(ctx context.Context, change Change) (bool, error) {
	if change.Ref == "" {
		return false, nil
	}
	p, err := m.Store.Payment(ctx, change.Ref)
	if errors.Is(err, fault.NotFound) {
		return true, nil // another system's
	}
	settled := p.State != billing.Opened && p.State != billing.Abandoned && p.State != billing.Processing
	return p.Intent == change.Object && settled, err
}
