package registrar

import (
	"context"
	"errors"
	"slices"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/registry"
)

var errAdminsAlone = fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
	fault.Problem{Where: "/roles", Code: "role", Text: "Who runs the system invites administrators alone; they invite everybody else."})

// Invite invites someone by e-mail to work at a practice: for administrators their own,
// for operators any, whose administrators they invite. The letter goes out by the event
// of the same commit. A request repeated under its key returns the first invitation.
//
// Errors: fault.Invalid, which names everything wrong; fault.NotFound for a practice
// that does not exist.
func (r *Room) Invite(ctx context.Context, c clinic.Caller, in registry.Invitation) (registry.Invitation, error) {
	c, in, err := r.invited(ctx, c, in)
	if err != nil {
		return registry.Invitation{}, err
	}
	if id, err := r.Kernel.Earlier(ctx, c); err != nil || id != "" {
		return r.repeated(ctx, id, err)
	}
	now := r.Kernel.Time()
	in.ID, in.By, in.At = r.Kernel.NewID(), c.Person.ID, now
	in.Secret = phi.Text(r.Kernel.NewID() + r.Kernel.NewID()) // 160 random bits
	if in, err = registry.Invite(in); err != nil {
		return registry.Invitation{}, err
	}
	row, err := r.Charts.SealInvitation(ctx, in)
	if err != nil {
		return registry.Invitation{}, err
	}
	err = r.Kernel.Store.Commit(ctx, clinic.Commit{
		Invitation: &row, Request: c.Request(in.ID, now), Audit: r.record(c, in.Practice, identity.ManagePeople, "invited", in.ID, now),
		Events: []outbox.Event{{
			ID: outbox.NewID(r.Kernel.Writer, now, r.Kernel.NewID()), Kind: outbox.Invited, To: outbox.Notify,
			Practice: in.Practice, Invitation: in.ID, At: now,
		}},
	})
	if errors.Is(err, clinic.ErrRepeated) {
		id, err := r.Kernel.Earlier(ctx, c)
		return r.repeated(ctx, id, err)
	}
	return in, err
}

// invited returns c with its person read, who may make the invitation, and the
// invitation with its practice.
func (r *Room) invited(ctx context.Context, c clinic.Caller, in registry.Invitation) (clinic.Caller, registry.Invitation, error) {
	c, err := r.Kernel.Identify(ctx, c)
	switch {
	case err != nil:
		return c, in, err
	case !c.Person.Has(identity.Operator):
		if in.Practice == "" {
			in.Practice = c.Person.Practice
		}
		c, err = r.allow(ctx, c, identity.ManagePeople, in.Practice)
		return c, in, err
	}
	if c, err = r.allow(ctx, c, identity.RunPractices, audit.Platform); err != nil {
		return c, in, err
	}
	if _, err = r.Kernel.Store.Practice(ctx, in.Practice); err != nil {
		return c, in, err
	}
	if !slices.Equal(in.Roles, []identity.Role{identity.Admin}) {
		err = errAdminsAlone
	}
	return c, in, err
}

func (r *Room) repeated(ctx context.Context, id string, err error) (registry.Invitation, error) {
	if err != nil {
		return registry.Invitation{}, err
	}
	row, err := r.Store.Invitation(ctx, id)
	if err != nil {
		return registry.Invitation{}, err
	}
	return r.Charts.OpenInvitation(ctx, row)
}

var errMember = fault.New(fault.Conflict, "already_member", "this practice knows your sign-in already, as somebody else; sign in with another account to accept")

// Accept makes the caller, who is the holder of a token and needs to be known to no
// practice yet, one of those who work where they were invited. Issuer and subject of
// the token are bound to the new person. The same holder accepts again without a
// change.
//
// Errors: those of registry.Invitation.Accept; fault.Conflict (already_member) for who
// is known at the practice already.
func (r *Room) Accept(ctx context.Context, c clinic.Caller, id, code string) (identity.Person, error) {
	return again(func() (identity.Person, error) {
		i, err := r.invitation(ctx, id)
		if err != nil {
			return identity.Person{}, err
		}
		now := r.Kernel.Time()
		next, err := i.Accept(code, registry.Holder(c.Proof), c.Email.Reveal(), r.Kernel.NewID(), now)
		switch {
		case err != nil:
			return identity.Person{}, err
		case !c.Strong:
			return identity.Person{}, clinic.ErrSecondFactor
		case next.Version == i.Version:
			return r.Kernel.Store.Person(ctx, i.Person)
		}
		return r.join(ctx, c, next)
	})
}

// join commits the acceptance of i, the person that it makes and the membership.
func (r *Room) join(ctx context.Context, c clinic.Caller, i registry.Invitation) (identity.Person, error) {
	t, err := r.Kernel.Store.Token(ctx, c.Proof)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return identity.Person{}, err
	}
	if slices.ContainsFunc(t.Memberships, func(m identity.Membership) bool { return m.Practice == i.Practice }) {
		return identity.Person{}, errMember
	}
	t.Proof, t.Version = c.Proof, t.Version+1
	t.Memberships = append(slices.Clone(t.Memberships), identity.Membership{Practice: i.Practice, Person: i.Person})
	p := i.On(identity.Person{ID: i.Person, Practice: i.Practice, Version: 1})
	i.Secret = ""
	row, err := r.Charts.SealInvitation(ctx, i)
	if err != nil {
		return p, err
	}
	here, err := r.Kernel.Store.Practice(ctx, i.Practice)
	if err != nil {
		return p, err
	}
	roster, err := r.Store.Roster(ctx, i.Practice)
	if err != nil {
		return p, err
	}
	now := r.Kernel.Time()
	c.Person = p
	m := clinic.Commit{Invitation: &row, Person: &p, Token: &t}
	if here, told := here.ReadByWith(roster, p); told {
		here.Version++
		m.Practice = &here
	}
	joined := r.record(c, i.Practice, identity.ManagePeople, "joined", i.ID, now)
	known := r.record(c, audit.Platform, identity.ManagePeople, "known", p.ID, now)
	m.Audit = append(joined, known...)
	return p, r.commitPractice(ctx, m)
}

// invitation returns an invitation with its content.
func (r *Room) invitation(ctx context.Context, id string) (registry.Invitation, error) {
	row, err := r.Store.Invitation(ctx, id)
	if errors.Is(err, fault.NotFound) {
		err = registry.ErrNoInvitation
	}
	if err != nil {
		return registry.Invitation{}, err
	}
	return r.Charts.OpenInvitation(ctx, row)
}

// Invitations lists the invitations of the caller's practice that were neither accepted
// nor taken back, the oldest first. Some may have expired.
func (r *Room) Invitations(ctx context.Context, c clinic.Caller) ([]registry.Invitation, error) {
	c, err := r.allow(ctx, c, identity.ManagePeople, "")
	if err != nil {
		return nil, err
	}
	rows, err := r.Store.Invitations(ctx, c.Person.Practice)
	var all []registry.Invitation
	for _, row := range rows {
		i, err := r.Charts.OpenInvitation(ctx, row)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, err
}

// Revoke takes back an invitation of the caller's practice. One that was taken back is
// returned unchanged.
//
// Errors: fault.Conflict (invitation_used) for one that was accepted.
func (r *Room) Revoke(ctx context.Context, c clinic.Caller, id string) (registry.Invitation, error) {
	c, err := r.allow(ctx, c, identity.ManagePeople, "")
	if err != nil {
		return registry.Invitation{}, err
	}
	return again(func() (registry.Invitation, error) {
		i, err := r.invitation(ctx, id)
		if err == nil && i.Practice != c.Person.Practice {
			err = registry.ErrNoInvitation
		}
		if err != nil {
			return registry.Invitation{}, err
		}
		next, err := i.Revoke()
		if err != nil || next.Version == i.Version {
			return i, err
		}
		next.Secret = ""
		row, err := r.Charts.SealInvitation(ctx, next)
		if err != nil {
			return i, err
		}
		return next, r.Kernel.Store.Commit(ctx, clinic.Commit{
			Invitation: &row, Audit: r.record(c, i.Practice, identity.ManagePeople, "uninvited", i.ID, r.Kernel.Time()),
		})
	})
}
