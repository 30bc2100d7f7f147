package office

import (
	"context"
	"errors"
	"slices"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/record"
)

// A Member is a patient's latest membership as the practice sees it.
type Member struct {
	clinic.Held
	Bills []membership.Bill // of all that the patient had, the newest first
	// Back says what the payer has back if the membership ends at once.
	Back membership.Refund
	// MayEnd is whether the caller may end it, and it runs.
	MayEnd bool
	// Disputes are of the bills that a bank asked about, or disputed, the newest first; none for who may
	// not read disputes.
	Disputes []MemberDispute
	all      []membership.Membership
	counts   []membership.Count
}

// A MemberDispute is a bill whose payment a bank asked about or disputed, and what the practice can tell
// it.
type MemberDispute struct {
	membership.Bill
	Evidence billing.Evidence
}

// ErrNoMember is refused with where a patient has had no membership at the practice.
var ErrNoMember = fault.New(fault.NotFound, "not_found", "This patient has had no membership here.")

// Membership returns the latest membership of a patient of the caller's practice, and records that the
// caller read it. Errors: fault.Denied, fault.NotFound, also where there was none.
func (o *Office) Membership(ctx context.Context, c clinic.Caller, patient string) (Member, error) {
	c, out, err := o.member(ctx, c, identity.ReadMoney, patient)
	if err != nil {
		return Member{}, err
	}
	held, now := out.Held, o.Kernel.Time()
	if out.Bills, _, err = o.Store.Paid(ctx, patient); err != nil {
		return Member{}, err
	}
	rights := identity.Rights(c.Person, identity.Resource{Practice: held.Practice, Patient: patient}, now)
	if runs := held.State == membership.Active || held.State == membership.PastDue; runs && slices.Contains(rights, identity.EndMembership) {
		out.MayEnd, out.Back = true, held.Ending(held.Used(), held.Zone, now)
	}
	if slices.Contains(rights, identity.ReadDispute) {
		if out.Disputes, err = o.memberDisputes(ctx, out); err != nil {
			return Member{}, err
		}
	}
	return out, o.Kernel.RecordLook(ctx, c, identity.ReadMoney+":membership", clinic.Subject{Practice: held.Practice, Patient: patient})
}

// memberDisputes are the disputes of m's bills, each with what was promised and used.
func (o *Office) memberDisputes(ctx context.Context, m Member) ([]MemberDispute, error) {
	p, err := o.Kernel.Practice(ctx, m.Practice)
	if err != nil {
		return nil, err
	}
	var out []MemberDispute
	for _, b := range m.Bills {
		at := slices.IndexFunc(m.all, func(of membership.Membership) bool { return of.ID == b.Membership })
		if b.Contest.ID == "" || at < 0 {
			continue
		}
		uses := m.all[at].CountAt(m.counts, b.Start).Uses
		out = append(out, MemberDispute{b, record.MemberEvidenceOf(m.all[at], b, uses, p.Name, m.Zone, p.Local)})
	}
	return out, nil
}

// member is the latest membership of a patient, on which c may take action do.
func (o *Office) member(ctx context.Context, c clinic.Caller, do identity.Action, patient string) (clinic.Caller, Member, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return c, Member{}, err
	}
	at, about := identity.Resource{Practice: c.Person.Practice, Patient: patient}, clinic.Subject{Practice: c.Person.Practice, Patient: patient}
	if !c.Person.Works() {
		at.Practice = "" // a patient's own is read at their side of the practice
	}
	if err := o.Kernel.Allow(ctx, c, do, at, about); err != nil {
		return c, Member{}, err
	}
	all, counts, err := o.Store.Included(ctx, patient)
	if err != nil {
		return c, Member{}, err
	}
	all = slices.DeleteFunc(all, func(m membership.Membership) bool { return m.Practice != at.Practice })
	if len(all) == 0 {
		return c, Member{}, ErrNoMember
	}
	held, err := o.Kernel.Hold(ctx, all[len(all)-1], counts)
	return c, Member{Held: held, all: all, counts: counts}, err
}

// A MembershipEnd is how a practice ends a membership.
type MembershipEnd struct {
	Membership string // as it was read
	Reason     membership.Reason
	// AtOnce says that the membership ends now, and the payer has back what was shown; else it ends with its year.
	AtOnce bool
	Shown  money.Cents
}

// EndMembership ends a patient's membership for the caller's practice: with the year that is paid, or at
// once with a refund. Who pays is told by letter, with the reason. The same again changes nothing.
//
// Errors: fault.Denied, fault.NotFound; fault.Conflict (not_a_member) if it is not the patient's latest;
// those of Membership.EndWithYear and Membership.EndByPractice.
func (o *Office) EndMembership(ctx context.Context, c clinic.Caller, patient string, in MembershipEnd) (membership.Membership, error) {
	return clinic.Retry(func() (membership.Membership, error) { return o.endMembership(ctx, c, patient, in) })
}

func (o *Office) endMembership(ctx context.Context, c clinic.Caller, patient string, in MembershipEnd) (membership.Membership, error) {
	c, was, err := o.member(ctx, c, identity.EndMembership, patient)
	if err != nil {
		return membership.Membership{}, err
	}
	if was.ID != in.Membership {
		return membership.Membership{}, fault.New(fault.Conflict, "not_a_member", "The patient has another membership now. Read it again.")
	}
	now, how := o.Kernel.Time(), "with_year"
	var next membership.Membership
	if in.AtOnce {
		how = "at_once"
		next, err = was.EndByPractice(in.Reason, in.Shown, was.Used(), was.Zone, now)
	} else {
		next, err = was.EndWithYear(in.Reason, now)
	}
	if err != nil || next.Version == was.Version {
		return next, err
	}
	err = o.Kernel.ChangeMembership(ctx, c, was.Held, next, audit.Record{
		ID: o.Kernel.NewID(), Practice: was.Practice, At: now, Actor: c.Actor(patient), Action: string(identity.EndMembership) + ":" + how,
		Patient: patient, Resource: was.ID + ", " + string(in.Reason),
	})
	if errors.Is(err, clinic.ErrExists) { // the first visit of the year was used meanwhile
		err = clinic.ErrChanged
	}
	return next, err
}
