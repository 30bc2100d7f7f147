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
)

// CancelMembership has a membership of a patient, the caller if patient is empty, end with its year. One
// whose renewal was not paid ends at once. One that was cancelled is returned as it is.
//
// Errors: fault.Conflict if the patient has no membership of that id (not_a_member), if it awaits its
// first payment (membership_pending), or ended for another reason (membership_ended).
func (m *Room) CancelMembership(ctx context.Context, c clinic.Caller, patient, id string) (membership.Membership, error) {
	return m.changeMembership(ctx, c, patient, id, "cancelled", func(mem clinic.Held, now time.Time) (membership.Membership, error) {
		if err := mem.CheckCancel(); err != nil {
			return membership.Membership{}, err
		}
		return mem.Cancel(now), nil
	})
}

// LeaveMembership has a membership of a patient, the caller if patient is empty, end at once, of which
// so much is given back as was shown. Errors are those of Membership.Leave, and not_a_member.
func (m *Room) LeaveMembership(ctx context.Context, c clinic.Caller, patient, id string, shown money.Cents) (membership.Membership, error) {
	return m.changeMembership(ctx, c, patient, id, "left", func(mem clinic.Held, now time.Time) (membership.Membership, error) {
		return mem.Leave(shown, mem.Used(), mem.Zone, now)
	})
}

// ResumeMembership has a membership that was cancelled go on after its year. One that does anyway is
// returned as it is.
//
// Errors: fault.Conflict if the patient has no membership of that id (not_a_member), if it ended
// (membership_ended), awaits its first payment (membership_pending), a payment failed
// (membership_unpaid), or the practice does not offer it any more (offer_closed).
func (m *Room) ResumeMembership(ctx context.Context, c clinic.Caller, patient, id string) (membership.Membership, error) {
	return m.changeMembership(ctx, c, patient, id, "resumed", func(mem clinic.Held, now time.Time) (membership.Membership, error) { return mem.Resume(now) })
}

// membershipTries bounds how often a change is decided again because somebody else changed the
// membership at the same moment.
const membershipTries = 6

// changeMembership stores what decide makes of a membership, with what it means to Stripe and to who
// pays; nothing if it changes nothing.
func (m *Room) changeMembership(
	ctx context.Context, c clinic.Caller, patient, id, what string, decide func(clinic.Held, time.Time) (membership.Membership, error),
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
		now := m.Kernel.Time()
		next, err := decide(was, now)
		if err != nil || next.Version == was.Version {
			return next, err
		}
		err = m.Kernel.ChangeMembership(ctx, c, was, next, audit.Record{
			ID: m.Kernel.NewID(), Practice: was.Practice, At: now, Actor: c.Actor(was.Payer), Action: string(identity.HoldMembership) + ":" + what, Patient: was.Payer, Resource: was.ID,
		})
		if !errors.Is(err, clinic.ErrChanged) && !errors.Is(err, clinic.ErrExists) || n == membershipTries {
			return next, err
		}
	}
}

// memberOf is a membership that a patient pays for.
func (m *Room) memberOf(ctx context.Context, patient, id string) (clinic.Held, error) {
	all, counts, err := m.Store.Included(ctx, patient)
	if err != nil {
		return clinic.Held{}, err
	}
	n := slices.IndexFunc(all, func(mem membership.Membership) bool { return mem.ID == id })
	if n < 0 {
		return clinic.Held{}, fault.New(fault.Conflict, "not_a_member", "This patient has no such membership.")
	}
	return m.Kernel.Hold(ctx, all[n], counts)
}
