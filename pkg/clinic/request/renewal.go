package request

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
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

// CancelMembership has a membership of a patient, the caller if patient is empty, end with its year. One
// whose renewal was not paid ends at once. One that was cancelled is returned as it is.
//
// Errors: fault.Conflict if the patient has no membership of that id (not_a_member), if it awaits its
// first payment (membership_pending), or ended for another reason (membership_ended).
func (m *Room) CancelMembership(ctx context.Context, c clinic.Caller, patient, id string) (membership.Membership, error) {
	return m.changeMembership(ctx, c, patient, id, "cancelled", func(mem mine, now time.Time) (membership.Membership, error) {
		if err := mem.CheckCancel(); err != nil {
			return membership.Membership{}, err
		}
		return mem.Cancel(now), nil
	})
}

// LeaveMembership has a membership of a patient, the caller if patient is empty, end at once, of which
// so much is given back as was shown. Errors are those of Membership.Leave, and not_a_member.
func (m *Room) LeaveMembership(ctx context.Context, c clinic.Caller, patient, id string, shown money.Cents) (membership.Membership, error) {
	return m.changeMembership(ctx, c, patient, id, "left", func(mem mine, now time.Time) (membership.Membership, error) {
		return mem.Leave(shown, len(mem.count.Uses), mem.zone, now)
	})
}

// ResumeMembership has a membership that was cancelled go on after its year. One that does anyway is
// returned as it is.
//
// Errors: fault.Conflict if the patient has no membership of that id (not_a_member), if it ended
// (membership_ended), awaits its first payment (membership_pending), a payment failed
// (membership_unpaid), or the practice does not offer it any more (offer_closed).
func (m *Room) ResumeMembership(ctx context.Context, c clinic.Caller, patient, id string) (membership.Membership, error) {
	return m.changeMembership(ctx, c, patient, id, "resumed", func(mem mine, now time.Time) (membership.Membership, error) { return mem.Resume(now) })
}

// membershipTries bounds how often a change is decided again because somebody else changed the
// membership at the same moment.
const membershipTries = 6

// changeMembership stores what decide makes of a membership, with what it means to Stripe and to who
// pays; nothing if it changes nothing.
func (m *Room) changeMembership(
	ctx context.Context, c clinic.Caller, patient, id, what string, decide func(mine, time.Time) (membership.Membership, error),
) (membership.Membership, error) {
	c, patient, err := m.forPatient(ctx, c, identity.HoldMembership, patient)
	if err != nil {
		return membership.Membership{}, err
	}
	for n := 1; ; n++ {
		was, err := m.memberOf(ctx, patient, id)
		if err != nil {
			return membership.Membership{}, err
		}
		next, err := decide(was, m.Kernel.Time())
		if err != nil || next.Version == was.Version {
			return next, err
		}
		err = m.storeMembership(ctx, c, was, next, what)
		if !errors.Is(err, clinic.ErrChanged) && !errors.Is(err, clinic.ErrExists) || n == membershipTries {
			return next, err
		}
	}
}

// A mine is a membership of a patient with what was used of the year that runs, in the practice's zone.
type mine struct {
	membership.Membership
	count membership.Count
	zone  *time.Location
}

// memberOf is a membership that a patient pays for.
func (m *Room) memberOf(ctx context.Context, patient, id string) (mine, error) {
	all, counts, err := m.Store.Included(ctx, patient)
	if err != nil {
		return mine{}, err
	}
	n := slices.IndexFunc(all, func(mem membership.Membership) bool { return mem.ID == id })
	if n < 0 {
		return mine{}, fault.New(fault.Conflict, "not_a_member", "This patient has no such membership.")
	}
	p, err := m.Kernel.Practice(ctx, all[n].Practice)
	if err != nil {
		return mine{}, err
	}
	zone, err := p.Location()
	return mine{all[n], countOf(counts, all[n], m.Kernel.Time()), zone}, err
}

// storeMembership commits a membership as its payer changed it: Stripe is to do what is wanted then, and
// the payer is told.
func (m *Room) storeMembership(ctx context.Context, c clinic.Caller, was mine, next membership.Membership, what string) error {
	now := m.Kernel.Time()
	commit := clinic.Commit{
		Memberships: []clinic.Membership{{Membership: next, Due: next.NextDue(was.zone, now)}}, At: now,
		Audit: []audit.Record{{
			ID: m.Kernel.NewID(), Practice: was.Practice, At: now, Actor: c.Actor(was.Payer), Action: string(identity.HoldMembership) + ":" + what, Patient: was.Payer, Resource: was.ID,
		}},
	}
	put := func(k outbox.Kind, to outbox.Consumer) {
		commit.Events = append(commit.Events, m.Kernel.MembershipEvent(k, to, next, now))
	}
	if next.Carries(was.Membership, now) {
		put(outbox.CarryMembership, outbox.Charge)
	}
	if next.Owed() > 0 { // what is given back was decided on what was used: a visit that is sent at the same time is told so
		used := was.count
		used.Version++
		commit.Counts = []clinic.Count{{Count: used, Practice: was.Practice}}
	}
	cancelled, resumed := next.Turned(was.Membership)
	switch {
	case next.State == membership.Ended:
		put(outbox.MemberEnded, outbox.Notify)
	case cancelled:
		put(outbox.MemberCancelled, outbox.Notify)
	case resumed:
		put(outbox.MemberResumed, outbox.Notify)
	}
	if was.State == membership.PastDue && next.State != was.State {
		if err := m.Kernel.EndWork(ctx, &commit, was.Practice, work.ID(work.MembershipUnpaid, was.ID), c.Person.ID); err != nil {
			return err
		}
	}
	return m.Kernel.Store.Commit(ctx, commit)
}
