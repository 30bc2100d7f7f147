package registrar

import (
	"cmp"
	"context"
	"errors"
	"reflect"
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
	return r.sendInvitation(ctx, c, in, identity.ManagePeople)
}

// InvitePatient invites a patient of the caller's practice, at the address that it has,
// to sign in as the patient.
//
// Errors: fault.Conflict if somebody signs in as the patient (already_joined), and for a
// minor whom the practice does not let act for themselves (minor) or takes no requests
// for (minors_not_taken).
func (r *Room) InvitePatient(ctx context.Context, c clinic.Caller, patient string) (registry.Invitation, error) {
	c, p, err := r.patientFor(ctx, c, identity.ManagePatients, patient)
	switch {
	case err != nil:
		return registry.Invitation{}, err
	case p.Into != "":
		return registry.Invitation{}, errMerged
	case p.Person != "":
		return registry.Invitation{}, errTwoOf
	}
	if err := r.letsAct(ctx, p); err != nil {
		return registry.Invitation{}, err
	}
	return r.sendInvitation(ctx, c, registry.Invitation{Practice: p.Practice, Patient: p.ID, Email: p.Contact.Email}, identity.ManagePatients)
}

// sendInvitation commits an invitation that c may make, and the event of its letter.
func (r *Room) sendInvitation(ctx context.Context, c clinic.Caller, in registry.Invitation, do identity.Action) (registry.Invitation, error) {
	if id, err := r.Kernel.Earlier(ctx, c); err != nil || id != "" {
		return r.repeated(ctx, id, err)
	}
	now := r.Kernel.Time()
	in.ID, in.By, in.At = r.Kernel.NewID(), c.Person.ID, now
	in.Secret = phi.Text(r.Kernel.NewID() + r.Kernel.NewID()) // 160 random bits
	in, err := registry.Invite(in)
	if err != nil {
		return registry.Invitation{}, err
	}
	row, err := r.Charts.SealInvitation(ctx, in)
	if err != nil {
		return registry.Invitation{}, err
	}
	err = r.Kernel.Store.Commit(ctx, clinic.Commit{
		Invitation: &row, Request: c.Request(in.ID, now), Audit: r.record(c, in.Practice, do, "invited", in.ID, now),
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
		in.At = r.Kernel.Time()
		_, also := registry.Invite(in)
		err = fault.Both(errAdminsAlone, also)
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
	return clinic.Retry(func() (identity.Person, error) {
		i, err := r.invitation(ctx, id)
		if err != nil {
			return identity.Person{}, err
		}
		t, who, err := r.memberAt(ctx, c.Proof, i.Practice)
		if err != nil {
			return identity.Person{}, err
		}
		now := r.Kernel.Time()
		next, err := i.Accept(code, registry.Holder(c.Proof), c.Email.Reveal(), cmp.Or(who.ID, r.Kernel.NewID()), now)
		switch {
		case err != nil:
			return identity.Person{}, err
		case i.ToWork() && !c.Strong:
			return identity.Person{}, clinic.ErrSecondFactor
		case next.Version == i.Version:
			return r.Kernel.Store.Person(ctx, i.Person)
		case i.ToWork() && who.ID != "", who.Works(), who.Inactive:
			return identity.Person{}, errMember
		}
		return r.join(ctx, c, next, t, who)
	})
}

// join commits the acceptance of i, what it makes of was, who the holder of the token
// is at the practice so far, and the membership, if it is new.
func (r *Room) join(ctx context.Context, c clinic.Caller, i registry.Invitation, t clinic.Token, was identity.Person) (identity.Person, error) {
	p := was
	p.ID, p.Practice = i.Person, i.Practice
	var m clinic.Commit
	var err error
	switch {
	case i.ToWork():
		p = i.On(p)
	case i.Acts != nil:
		if p.Role == "" {
			p.Role = identity.Caregiver
		}
		err = r.takePower(ctx, i, &m)
	default:
		err = r.becomePatient(ctx, i.Patient, &p, &m)
	}
	if err != nil {
		return identity.Person{}, err
	}
	i.Secret = ""
	row, err := r.Charts.SealInvitation(ctx, i)
	if err != nil {
		return p, err
	}
	c.Person = p
	m.Invitation, m.Audit = &row, r.record(c, i.Practice, identity.ManagePeople, "joined", i.ID, r.Kernel.Time())
	if was.ID == "" {
		r.bind(c, &m, t, p)
	}
	if !reflect.DeepEqual(p, was) {
		p.Version++
		m.Person = &p
	}
	if i.ToWork() {
		if err := r.tellReaders(ctx, p, &m); err != nil {
			return p, err
		}
	}
	return p, r.commitNew(ctx, m)
}

// tellReaders adds to m the practice's text of who reads requests, where that changes
// with p, who comes to work there. The rows of the roster are the latest, but which they
// are is read from an index, which lags: of two people who accept within about a second
// the text may lack the first, until who works there changes again.
func (r *Room) tellReaders(ctx context.Context, p identity.Person, m *clinic.Commit) error {
	here, err := r.Kernel.Store.Practice(ctx, p.Practice)
	if err != nil {
		return err
	}
	roster, err := r.Store.Roster(ctx, p.Practice)
	if err != nil {
		return err
	}
	if here, told := here.ReadByWith(roster, p); told {
		here.Version++
		m.Practice = &here
	}
	return nil
}

// becomePatient makes p sign in as a patient, as whom nobody does yet.
func (r *Room) becomePatient(ctx context.Context, patient string, p *identity.Person, m *clinic.Commit) error {
	to, err := r.readPatient(ctx, patient)
	switch {
	case err != nil:
		return err
	case p.Patient != "" && p.Patient != patient:
		return errMember
	case to.Into != "":
		return errMerged
	case to.Person != "":
		return errTwoOf
	}
	if err := r.letsAct(ctx, to); err != nil {
		return err
	}
	p.Role, p.Patient = identity.PatientRole, patient
	if p.Minor, err = r.isMinor(ctx, to); err != nil {
		return err
	}
	p.Public = to.Public
	to.Person, to.Version = p.ID, to.Version+1
	row, err := r.Charts.SealPatient(ctx, to)
	m.Patients = append(m.Patients, row)
	return err
}

// letsAct refuses p if their practice does not let them act for themselves at their age.
func (r *Room) letsAct(ctx context.Context, p identity.Patient) error {
	here, err := r.Kernel.Practice(ctx, p.Practice)
	if err != nil {
		return err
	}
	return here.LetsAct(p.Contact.Birth, r.Kernel.Time())
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
	if err != nil {
		return nil, err
	}
	return r.openInvitations(ctx, rows)
}

func (r *Room) openInvitations(ctx context.Context, rows []clinic.Invitation) ([]registry.Invitation, error) {
	var all []registry.Invitation
	for _, row := range rows {
		i, err := r.Charts.OpenInvitation(ctx, row)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
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
	return clinic.Retry(func() (registry.Invitation, error) {
		i, err := r.invitation(ctx, id)
		if err == nil && i.Practice != c.Person.Practice {
			err = registry.ErrNoInvitation
		}
		if err != nil {
			return registry.Invitation{}, err
		}
		return r.takeBack(ctx, i, r.record(c, i.Practice, identity.ManagePeople, "uninvited", i.ID, r.Kernel.Time()))
	})
}

// takeBack commits that i is taken back, unless it was.
func (r *Room) takeBack(ctx context.Context, i registry.Invitation, log []audit.Record) (registry.Invitation, error) {
	next, err := i.Revoke()
	if err != nil || next.Version == i.Version {
		return i, err
	}
	next.Secret = ""
	row, err := r.Charts.SealInvitation(ctx, next)
	if err != nil {
		return i, err
	}
	return next, r.Kernel.Store.Commit(ctx, clinic.Commit{Invitation: &row, Audit: log})
}
