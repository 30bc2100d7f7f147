package registrar

import (
	"context"
	"errors"
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
	case !c.Person.Works() && c.Person.Patient != patient:
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
	g := identity.Grant{Practice: p.Practice, Patient: patient, By: c.Person.ID, Why: w.Why, Until: w.Until}
	if g, err = registry.Empower(g, p.Contact.Birth, zone, r.Kernel.Time()); err != nil {
		return registry.Invitation{}, err
	}
	return r.sendInvitation(ctx, c, registry.Invitation{Practice: p.Practice, Email: w.Email, Acts: &g}, identity.DelegatePower)
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
	g.Person = i.Person
	if g, err = r.grantOn(ctx, g); err != nil {
		return err
	}
	g.Address, err = r.Charts.SealAddress(ctx, g.Practice, g.Patient, g.Person, i.Email)
	m.Grants = append(m.Grants, g)
	return err
}

// Caregivers lists the grants of a patient, ended ones too, and records the read.
func (r *Room) Caregivers(ctx context.Context, c clinic.Caller, patient string) ([]identity.Grant, error) {
	c, p, err := r.patientFor(ctx, c, identity.ReadPatient, patient)
	if err != nil {
		return nil, err
	}
	all, err := r.Store.GrantsOf(ctx, patient)
	if err != nil {
		return nil, err
	}
	return all, r.Kernel.RecordLook(ctx, c, identity.ReadPatient, clinic.Subject{Practice: p.Practice, Patient: p.ID})
}

// RevokeCaregiver ends a grant at once: by the patient, by who gives it up, or by people
// of the practice. One that has ended is returned unchanged.
func (r *Room) RevokeCaregiver(ctx context.Context, c clinic.Caller, patient, person string) (identity.Grant, error) {
	return again(func() (identity.Grant, error) {
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
		if !c.Person.Works() && c.Person.Patient != patient && c.Person.ID != person {
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
		g.Until, g.Address, g.Version = now, nil, g.Version+1
		return g, r.Kernel.Store.Commit(ctx, clinic.Commit{
			Grants: []identity.Grant{g}, Audit: r.recordOf(c, p, identity.DelegatePower, "revoked", now),
		})
	})
}
