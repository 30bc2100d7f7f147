package registrar

import (
	"context"
	"errors"
	"slices"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/registry"
)

// A Power is what somebody is invited to act for a patient with.
type Power struct {
	Email phi.Text
	Why   identity.Why
	Scope identity.Scope
	// Until is its end; zero: it has none, but for a minor's eighteenth birthday.
	Until time.Time
}

// InviteCaregiver invites someone by e-mail to act for a patient: the patient
// themselves, or people of the practice who have verified why. A power over a minor
// ends at the eighteenth birthday; who is then of age grants it anew.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict (merged) for a
// double of another.
func (r *Room) InviteCaregiver(ctx context.Context, c clinic.Caller, patient string, w Power) (registry.Invitation, error) {
	c, p, err := r.patientFor(ctx, c, identity.DelegatePower, patient)
	switch {
	case err != nil:
		return registry.Invitation{}, err
	case !ownOrWorks(c, patient):
		return registry.Invitation{}, errOwnAlone
	case p.Into != "":
		return registry.Invitation{}, errMerged
	}
	here, err := r.Kernel.Practice(ctx, p.Practice)
	if err != nil {
		return registry.Invitation{}, err
	}
	zone, err := here.Location()
	if err != nil {
		return registry.Invitation{}, err
	}
	g := identity.Grant{Practice: p.Practice, Patient: patient, By: c.Person.ID, Why: w.Why, Scope: w.Scope, Until: w.Until}
	g, err = registry.Empower(g, p.Contact.Birth, zone, r.Kernel.Time())
	in := registry.Invitation{Practice: p.Practice, Email: w.Email, Acts: &g}
	if err != nil {
		_, also := registry.Invite(in)
		return registry.Invitation{}, fault.Both(err, also)
	}
	return r.sendInvitation(ctx, c, in, identity.DelegatePower)
}

// ownOrWorks reports whether c's person is the patient, or works at a practice.
func ownOrWorks(c clinic.Caller, patient string) bool {
	return c.Person.Works() || c.Person.Patient == patient
}

var errOwnAlone = fault.New(fault.Denied, "denied", "only the patient, or the practice, has somebody act for the patient")

// takePower adds to m the grant of an invitation that was accepted. The patient may have
// been merged since the invitation.
func (r *Room) takePower(ctx context.Context, i registry.Invitation, m *clinic.Commit) error {
	g := *i.Acts
	p, err := r.readPatient(ctx, g.Patient)
	if err == nil && p.Into != "" {
		err = errMerged
	}
	if err != nil {
		return err
	}
	g.Person, g.Invitation = i.Person, i.ID
	g, err = r.grantOn(ctx, g)
	m.Grants = append(m.Grants, g)
	return err
}

// A Caregiver is someone who acts for a patient, or did.
type Caregiver struct {
	identity.Grant

	// Email is where the invitation to act went, and Since when; empty and zero of who
	// came without one, and of others than the caller if the caller may invite nobody.
	Email phi.Text
	Since time.Time
	// ByPractice is whether somebody who works there granted it.
	ByPractice bool
}

// Caregivers are who acts for a patient.
type Caregivers struct {
	Patient identity.Patient
	// All have who acted and does no longer, too.
	All []Caregiver
	// Invited are the open invitations to act for the patient, the oldest first; some may
	// have expired. There are none for a caller who may invite nobody.
	Invited []registry.Invitation
	// MayInvite is whether the caller may have somebody act for the patient.
	MayInvite bool
}

// Caregivers returns who acts for a patient to the practice, to the patient and to who acts
// for them, and records the read.
func (r *Room) Caregivers(ctx context.Context, c clinic.Caller, patient string) (Caregivers, error) {
	c, p, err := r.patientFor(ctx, c, identity.ReadPatient, patient)
	if err != nil {
		return Caregivers{}, err
	}
	grants, err := r.Store.GrantsOf(ctx, patient)
	if err != nil {
		return Caregivers{}, err
	}
	out := Caregivers{Patient: p, MayInvite: ownOrWorks(c, patient)}
	for _, g := range grants {
		one := Caregiver{Grant: g}
		if g.By != "" {
			by, err := r.Kernel.Store.Person(ctx, g.By)
			if err != nil {
				return Caregivers{}, err
			}
			one.ByPractice = by.Works()
		}
		if g.Invitation != "" && (out.MayInvite || g.Person == c.Person.ID) {
			row, err := r.Store.Invitation(ctx, g.Invitation)
			if err != nil {
				return Caregivers{}, err
			}
			i, err := r.Charts.OpenInvitation(ctx, row)
			if err != nil {
				return Caregivers{}, err
			}
			one.Email, one.Since = i.Email, i.At
		}
		out.All = append(out.All, one)
	}
	if out.MayInvite {
		if out.Invited, err = r.invitedFor(ctx, p); err != nil {
			return Caregivers{}, err
		}
	}
	return out, r.Kernel.RecordLook(ctx, c, identity.ReadPatient, clinic.Subject{Practice: p.Practice, Patient: p.ID})
}

// invitedFor lists the open invitations to act for p.
func (r *Room) invitedFor(ctx context.Context, p identity.Patient) ([]registry.Invitation, error) {
	rows, err := r.Store.Invitations(ctx, p.Practice)
	if err != nil {
		return nil, err
	}
	return r.openInvitations(ctx, slices.DeleteFunc(rows, func(row clinic.Invitation) bool {
		return row.Acts == nil || row.Acts.Patient != p.ID
	}))
}

// UninviteCaregiver takes back an invitation to act for a patient: by the patient, or by
// people of the practice. One that was taken back is returned unchanged.
//
// Errors: fault.Conflict (invitation_used) for one that was accepted.
func (r *Room) UninviteCaregiver(ctx context.Context, c clinic.Caller, patient, id string) (registry.Invitation, error) {
	c, p, err := r.patientFor(ctx, c, identity.DelegatePower, patient)
	if err == nil && !ownOrWorks(c, patient) {
		err = errOwnAlone
	}
	if err != nil {
		return registry.Invitation{}, err
	}
	return clinic.Retry(func() (registry.Invitation, error) {
		i, err := r.invitation(ctx, id)
		if err == nil && (i.Practice != p.Practice || i.Acts == nil || i.Acts.Patient != patient) {
			err = registry.ErrNoInvitation
		}
		if err != nil {
			return registry.Invitation{}, err
		}
		return r.takeBack(ctx, i, r.recordOf(c, p, identity.DelegatePower, "uninvited", r.Kernel.Time()))
	})
}

var errParents = fault.New(fault.Denied, "denied", "until you are 18, the practice says who acts for you as a parent or guardian; call it")

// RevokeCaregiver ends a grant at once: by the patient, by who gives it up, or by people
// of the practice, who alone end that of a minor's parent. One that has ended is returned
// unchanged.
func (r *Room) RevokeCaregiver(ctx context.Context, c clinic.Caller, patient, person string) (identity.Grant, error) {
	return clinic.Retry(func() (identity.Grant, error) {
		c, err := r.Kernel.Identify(ctx, c)
		if err != nil {
			return identity.Grant{}, err
		}
		do := identity.DelegatePower
		if c.Person.ID == person { // who acts gives it up
			do = identity.ReadPatient
		}
		c, p, err := r.patientFor(ctx, c, do, patient)
		if err != nil {
			return identity.Grant{}, err
		}
		if !ownOrWorks(c, patient) && c.Person.ID != person {
			return identity.Grant{}, errOwnAlone
		}
		g, err := r.Kernel.Store.Grant(ctx, patient, person)
		if errors.Is(err, fault.NotFound) {
			err = errNoPatient
		}
		now := r.Kernel.Time()
		if err != nil || !g.Active(now) {
			return g, err
		}
		if c.Person.Patient == patient && !g.PatientEnds() {
			return g, errParents
		}
		g.Until, g.Version = now, g.Version+1
		return g, r.Kernel.Store.Commit(ctx, clinic.Commit{
			Grants: []identity.Grant{g}, Audit: r.recordOf(c, p, identity.DelegatePower, "revoked", now),
		})
	})
}
