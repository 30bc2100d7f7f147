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

const (
	// accountEvery is how often Stripe is asked what changed on an account.
	accountEvery = 24 * time.Hour
	// accountOverlap is how far into the time before it a look reaches, because an
	// event is listed some time after it was made.
	accountOverlap = time.Hour
	// pageLease is when the next page is due again unless it is done by then: the
	// bucket in its id may have been swept.
	pageLease = 10 * time.Minute
)

// checkAccount asks Stripe what changed on a practice's account since the event
// was put, page by page, so that a refund, a failed refund, a warning or a payment
// made by hand is found although its webhook was lost. It puts the event of the
// next day, or of the next page. The cursor of a
// page is the event's Object, and the time since which it looks the event's At.
func (m *Room) checkAccount(ctx context.Context, d outbox.Delivery) error {
	p, err := m.Kernel.Practice(ctx, d.Practice)
	if err != nil {
		return err
	}
	if p.Account != d.Account { // the practice has another account, which has events of its own
		return nil
	}
	now := m.Kernel.Time()
	changes, next, err := m.Cards.Changes(ctx, d.Account, d.At.Add(-accountOverlap), d.Object)
	if lost(err) {
		return m.loseAccount(ctx, d)
	}
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
	}
	c.Events = append(c.Events, e)
	if err := m.endWork(ctx, &c, work.AccountLost, d.Practice, d.Account); err != nil {
		return err
	}
	if len(c.Work) > 0 {
		c.Audit = m.accountRecord(d.Practice, d.Account, "account.found", now)
	}
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

// lost reports whether Stripe refused a call because the account is not connected.
func lost(err error) bool {
	refused, ok := errors.AsType[*clinic.Refusal](err)
	return ok && refused.Code == clinic.AccountLost
}

// loseAccount tells a practice that its account at Stripe cannot be reached. A look
// at the account goes on the next day.
func (m *Room) loseAccount(ctx context.Context, d outbox.Delivery) error {
	practice := d.Practice
	if practice == "" {
		practice = m.owner(ctx, d)
	}
	if practice == "" {
		return nil // no practice has that account
	}
	now := m.Kernel.Time()
	c := clinic.Commit{At: now}
	if err := m.openWork(ctx, &c, work.Item{Kind: work.AccountLost, Practice: practice, Note: clinic.AccountLost}, d.Account); err != nil {
		return err
	}
	if len(c.Work) > 0 {
		c.Events = append(c.Events, outbox.Event{
			ID: outbox.NewID(m.Kernel.Writer, now, m.Kernel.NewID()), Kind: outbox.AccountLost, To: outbox.Notify,
			Practice: practice, Account: d.Account, At: now,
		})
		c.Audit = m.accountRecord(practice, d.Account, "account.lost", now)
	}
	if d.Kind == outbox.CheckAccount {
		e := m.nextLook(d, now)
		e.At = d.At // what this look did not see
		c.Events = append(c.Events, e)
	}
	if len(c.Events) == 0 {
		return nil
	}
	return m.putOnce(ctx, c)
}

func (m *Room) accountRecord(practice, account, action string, now time.Time) []audit.Record {
	return []audit.Record{{
		ID: m.Kernel.NewID(), Practice: practice, At: now, Actor: clinic.System("charge"), Action: action, Resource: account,
	}}
}
