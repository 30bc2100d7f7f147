// Package registrar is how a practice, its people and its patients come to be known: the
// operator registers practices and the payers that claims go to, administrators invite
// people and say what they may do, staff register, import, match, merge and suspend
// patients, and patients register by the practice's page, change their contact data, enter
// their coverages and name who acts for them. Invited people sign in to become what they
// are invited to. It reads no visit and no chart.
package registrar

import (
	"context"
	"errors"
	"reflect"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/membership"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
	"evisit/pkg/work"
)

// A Room has the steps by which practices and people come to be known. Its fields
// must be set before use; it is safe for concurrent use. Those that begin with Add
// ask nobody's leave: they are for seeds, no route leads to them, and adding the same
// value again changes nothing.
type Room struct {
	Kernel *clinic.Kernel
	Store  Reads
	Charts *chart.Keeper // for contact data alone
}

// Reads are what a Room reads besides the kernel.
type Reads interface {
	// Invitation returns an invitation, its content sealed.
	Invitation(ctx context.Context, id string) (clinic.Invitation, error)
	// Invitations lists a practice's invitations that were neither accepted nor taken
	// back, the oldest first.
	Invitations(ctx context.Context, practice string) ([]clinic.Invitation, error)
	// Roster lists who works, or worked, at a practice, by role.
	Roster(ctx context.Context, practice string) ([]identity.Person, error)
	// Patients lists a practice's patients, the newest first, after cursor. The returned
	// cursor is empty at the end.
	Patients(ctx context.Context, practice, cursor string, limit int) ([]clinic.Patient, string, error)
	// GrantsOf lists the grants to act for a patient.
	GrantsOf(ctx context.Context, patient string) ([]identity.Grant, error)
	// LatestPatient is the kernel's Patient, as of the latest commit.
	LatestPatient(ctx context.Context, id string) (clinic.Patient, error)
	// Marked lists the patients who have a mark. It may lag about a second.
	Marked(ctx context.Context, mark string) ([]string, error)
	// MarkKey returns the key of a practice's marks, sealed.
	MarkKey(ctx context.Context, practice string) (clinic.MarkKey, error)
	// Import returns how far an import of a practice has come.
	Import(ctx context.Context, practice, id string) (registry.Import, error)
	// Payers lists the payers, by id, as of the latest commit.
	Payers(ctx context.Context) ([]coverage.Payer, error)
	// Payer returns one of them.
	Payer(ctx context.Context, id string) (coverage.Payer, error)
	// Practices lists the ids of all practices.
	Practices(ctx context.Context) ([]string, error)
	// Memberships lists those that a patient pays for, the first one first.
	Memberships(ctx context.Context, payer string) ([]membership.Membership, error)
	// Work lists a practice's open work items, the earliest due first. It may lag
	// about a second.
	Work(ctx context.Context, practice string) ([]work.Item, error)
}

// AddPractice registers a practice, whose time zone must exist, and the forms it
// offers. A configuration or a consent text that differs from the current one
// becomes a new version. Refused are another text under an existing consent
// version or form version, an account that another practice owns, and prices that
// Stripe cannot charge.
func (r *Room) AddPractice(ctx context.Context, p practice.Practice, forms []*intake.Form) error {
	if _, err := p.Location(); err != nil {
		return fault.Hide(fault.Invalid, "invalid_request", "give the time zone by its IANA name, such as America/Chicago", err)
	}
	if err := p.Prices.Check(); err != nil {
		return err
	}
	for _, f := range forms {
		if err := r.addForm(ctx, p.ID, f); err != nil {
			return err
		}
	}
	was, err := r.Kernel.Store.Practice(ctx, p.ID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	p.Version, p.Consenting = was.Version+1, p.Consent.Version
	p.Configured = was.Configured
	if p.Since.IsZero() {
		p.Since = was.Since
	}
	if p.Since.IsZero() {
		p.Since = r.Kernel.Time()
	}
	c := clinic.Commit{Practice: &p, Account: p.Account != "" && p.Account != was.Account, Consent: !reflect.DeepEqual(p.Consent, was.Consent)}
	if c.Consent && p.Consent.Version == was.Consent.Version {
		return fault.New(fault.Conflict, "consent_exists", "this consent version exists with another text; give the new text a new version")
	}
	if !reflect.DeepEqual(p.Config, was.Config) {
		c.Config, p.Configured = true, was.Configured+1
	}
	if reflect.DeepEqual(p.Core, was.Core) && !c.Config && !c.Consent {
		return nil
	}
	c.Audit = r.registered(p.ID, "practice.register", p.ID)
	return r.commitPractice(ctx, c)
}

func (r *Room) addForm(ctx context.Context, practice string, f *intake.Form) error {
	err := r.Kernel.Store.Commit(ctx, clinic.Commit{
		Forms: []clinic.Form{{Practice: practice, Name: f.Name(), Version: f.Version(), JSON: f.JSON()}},
		Audit: r.registered(practice, "form.register", f.Name()+" "+f.Version()),
	})
	if !errors.Is(err, clinic.ErrExists) {
		return err
	}
	stands, err := r.Kernel.Form(ctx, practice, f.Name(), f.Version())
	if err == nil && stands.Hash() != f.Hash() {
		return fault.New(fault.Conflict, "form_exists", "form "+f.Name()+" "+f.Version()+" exists with another text; give the new one a new version")
	}
	return err
}

// AddPerson registers the holder of a token as a person of a practice, with the
// grants that this person holds there.
func (r *Room) AddPerson(ctx context.Context, proof clinic.Proof, p identity.Person) error {
	was, err := r.Kernel.Store.Person(ctx, p.ID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	p.Version = was.Version
	if stored := p; !reflect.DeepEqual(withoutGrants(stored), withoutGrants(was)) {
		p.Version = was.Version + 1
		c := clinic.Commit{Person: &p, Audit: r.registered(p.Practice, "person.register", p.ID)}
		if err := r.Kernel.Store.Commit(ctx, c); err != nil {
			return err
		}
	}
	if err := r.addToken(ctx, proof, identity.Membership{Practice: p.Practice, Person: p.ID}); err != nil {
		return err
	}
	for _, g := range p.Grants {
		g.Practice, g.Person = p.Practice, p.ID
		if err := r.AddGrant(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func withoutGrants(p identity.Person) identity.Person {
	p.Grants = nil
	return p
}

// addToken adds a membership to the holder of a token.
func (r *Room) addToken(ctx context.Context, proof clinic.Proof, m identity.Membership) error {
	was, err := r.Kernel.Store.Token(ctx, proof)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	ms := was.Memberships
	for i := range ms {
		if ms[i].Practice == m.Practice {
			if ms[i] == m {
				return nil
			}
			ms = append(ms[:i:i], ms[i+1:]...)
			break
		}
	}
	return r.Kernel.Store.Commit(ctx, clinic.Commit{
		Token: &clinic.Token{Proof: proof, Memberships: append(ms, m), Version: was.Version + 1},
		Audit: r.registered(audit.Platform, "token.register", m.Person),
	})
}

// AddGrant lets a person act for a patient of the same practice.
func (r *Room) AddGrant(ctx context.Context, g identity.Grant) error {
	p, err := r.Kernel.Store.Patient(ctx, g.Patient)
	if err != nil {
		return err
	}
	if p.Practice != g.Practice {
		return fault.New(fault.Conflict, "other_practice", "this patient is another practice's; a grant holds within one practice")
	}
	was, err := r.Kernel.Store.Grant(ctx, g.Patient, g.Person)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if g.Version = was.Version; g == was {
		return nil
	}
	g.Version++
	return r.Kernel.Store.Commit(ctx, clinic.Commit{
		Grants: []identity.Grant{g}, Audit: r.registered(g.Practice, "grant.register", g.Patient),
	})
}

// AddPatient registers a patient, or replaces the contact data of one who is registered
// and nothing else of them. Who comes later may be found to be the same person.
func (r *Room) AddPatient(ctx context.Context, p identity.Patient) error {
	row, err := r.Kernel.Store.Patient(ctx, p.ID)
	switch {
	case errors.Is(err, fault.NotFound):
		if p.At.IsZero() {
			p.At = r.Kernel.Time()
		}
		p.Version = 1
	case err != nil:
		return err
	default:
		was, err := r.Charts.OpenPatient(ctx, row)
		if err != nil || was.Contact == p.Contact {
			return err
		}
		was.Contact = p.Contact
		p = was
		p.Edition++
		p.Version++
	}
	row, err = r.Charts.SealPatient(ctx, p)
	if err != nil {
		return err
	}
	m, err := r.marker(ctx, clinic.System("registration"), p.Practice)
	if err != nil {
		return err
	}
	return r.Kernel.Store.Commit(ctx, clinic.Commit{
		Patients: []clinic.Patient{row}, Marks: marksOf(m, p), Audit: r.registered(p.Practice, "patient.register", p.ID),
	})
}

func (r *Room) registered(practice, action, resource string) []audit.Record {
	return []audit.Record{{
		ID: r.Kernel.NewID(), Practice: practice, At: r.Kernel.Time(), Actor: clinic.System("registration"),
		Action: action, Resource: resource,
	}}
}
