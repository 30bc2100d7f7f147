package deadline

import (
	"context"
	"errors"
	"slices"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

// handleMemberships acts on the memberships that are due, as handleShard does on visits.
func (m *Room) handleMemberships(ctx context.Context) (int, error) {
	return m.handleDue(ctx, due{"membership", m.Store.DueMemberships, m.handleMembership, m.postponeMembership})
}

// handleMembership does what is due about one membership, and reports false if nothing is, or if
// somebody else changed it first.
func (m *Room) handleMembership(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, visitTime)
	defer cancel()
	mem, err := m.Store.Membership(ctx, id)
	if err != nil {
		return false, err
	}
	p, err := m.Kernel.Practice(ctx, mem.Practice)
	if err != nil {
		return false, err
	}
	zone, err := p.Location()
	if err != nil {
		return false, err
	}
	offer, _ := p.Offer(mem.Terms.Offer)
	c := clinic.Commit{At: m.Kernel.Time()}
	next := mem
	for _, task := range mem.Overdue(zone, c.At) {
		if next, err = m.doTask(ctx, &c, next, task, offer, zone); err != nil {
			return false, err
		}
	}
	next.Version = mem.Version + 1 // also if nothing is overdue: the row is due at another time
	c.Memberships = append(c.Memberships, clinic.Membership{Membership: next, Due: next.NextDue(zone, c.At)})
	c.Audit = append(c.Audit, m.membershipRecord("membership.due:"+string(next.State), mem, c.At))
	err = m.Kernel.Store.Commit(ctx, c)
	if errors.Is(err, clinic.ErrChanged) {
		return false, nil
	}
	return err == nil, err
}

// postponed is when a membership, or a month of books, that failed is due again.
const postponed = time.Hour

// postponeMembership has a membership that failed be due later, so that it is not tried each minute.
func (m *Room) postponeMembership(ctx context.Context, id string) error {
	mem, err := m.Store.Membership(ctx, id)
	if err != nil {
		return err
	}
	now := m.Kernel.Time()
	mem.Version++
	err = m.Kernel.Store.Commit(ctx, clinic.Commit{
		Memberships: []clinic.Membership{{Membership: mem, Due: now.Add(postponed)}}, Audit: []audit.Record{m.membershipRecord("membership.postpone", mem, now)},
	})
	if errors.Is(err, clinic.ErrChanged) {
		return nil
	}
	return err
}

func (m *Room) membershipRecord(action string, mem membership.Membership, now time.Time) audit.Record {
	return audit.Record{
		ID: m.Kernel.NewID(), Practice: mem.Practice, At: now, Actor: clinic.System("deadline"), Action: action, Patient: mem.Payer, Resource: mem.ID,
	}
}

// doTask adds to c what one task about a membership puts, and returns the membership after it.
func (m *Room) doTask(ctx context.Context, c *clinic.Commit, mem membership.Membership, task membership.Task, offer membership.Offer, zone *time.Location) (membership.Membership, error) {
	put := func(k outbox.Kind, to outbox.Consumer) {
		if !slices.ContainsFunc(c.Events, func(e outbox.Event) bool { return e.Kind == k }) {
			c.Events = append(c.Events, m.Kernel.MembershipEvent(k, to, mem, c.At))
		}
	}
	switch task {
	case membership.AskOfPayment, membership.AskOfRenewal:
		put(outbox.CheckMembership, outbox.Charge)
	case membership.AskOfCancel:
		put(outbox.CarryMembership, outbox.Charge)
	case membership.TellRenewal:
		next, err := mem.Announce(offer, zone, c.At)
		if err != nil {
			return mem, err
		}
		put(outbox.MemberRenewal, outbox.Notify)
		if next.Wanted() != membership.Nothing || next.Mispriced(c.At) {
			put(outbox.CarryMembership, outbox.Charge)
		}
		return next, nil
	case membership.StopUnpaid:
		next, err := mem.EndUnpaid(zone, c.At)
		if err != nil {
			return mem, err
		}
		put(outbox.MemberEnded, outbox.Notify)
		put(outbox.CarryMembership, outbox.Charge)
		return next, m.endUnpaidWork(ctx, c, mem)
	case membership.SeeMedicare:
		return mem, m.openMedicareWork(ctx, c, mem)
	}
	return mem, nil
}

// endUnpaidWork adds to c that nobody needs to see about the payment of a membership any more.
func (m *Room) endUnpaidWork(ctx context.Context, c *clinic.Commit, mem membership.Membership) error {
	item, err := m.Kernel.Store.WorkItem(ctx, mem.Practice, work.ID(work.MembershipUnpaid, mem.ID))
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if next := item.End("system:deadline", c.At); err == nil && next.Version != item.Version {
		c.Work = append(c.Work, next)
	}
	return err
}

// openMedicareWork adds to c that somebody must see about a member's Medicare.
func (m *Room) openMedicareWork(ctx context.Context, c *clinic.Commit, mem membership.Membership) error {
	return m.Kernel.OpenWork(ctx, c, work.New(work.Item{
		Kind: work.MembershipMedicare, Practice: mem.Practice, Pool: identity.OfficePool, Patient: mem.Payer, Membership: mem.ID,
	}, mem.ID, c.At))
}
