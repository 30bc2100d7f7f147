package office

import (
	"context"
	"errors"
	"reflect"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
)

// A Registrar registers practices, forms, people and patients, without which
// there is no visit. It is for operators and seeds; no route leads to it.
// Registering the same value again changes nothing.
type Registrar struct {
	Kernel *clinic.Kernel
	Store  RegistrarReads
	// Seal seals contact data for its place.
	Seal func(ctx context.Context, p clinic.Patient, c identity.Contact) ([]byte, error)
}

// RegistrarReads are what a Registrar reads besides the kernel.
type RegistrarReads interface {
	Patient(ctx context.Context, id string) (clinic.Patient, error)
}

// AddPractice registers a practice, whose time zone must exist, and the forms it
// offers. A configuration or a consent text that differs from the current one
// becomes a new version. Refused are another text under an existing consent
// version or form version, an account that another practice owns, and prices that
// Stripe cannot charge.
func (r *Registrar) AddPractice(ctx context.Context, p practice.Practice, forms []*intake.Form) error {
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
	c := clinic.Commit{Practice: &p, Account: p.Account != was.Account, Consent: p.Consent != was.Consent}
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
	if c.Account {
		c.Events = append(c.Events, r.firstLook(p))
	}
	if err := r.Kernel.Store.Commit(ctx, c); err != nil {
		return err
	}
	r.Kernel.ForgetPractice(p.ID)
	return nil
}

// firstLook is the first event that asks Stripe what changed on a practice's
// account. Each puts the next, a day later.
func (r *Registrar) firstLook(p practice.Practice) outbox.Event {
	now := r.Kernel.Time()
	return outbox.Event{
		ID: outbox.NewID(r.Kernel.Writer, now, r.Kernel.NewID()), Kind: outbox.CheckAccount, To: outbox.Charge,
		Practice: p.ID, Account: p.Account, At: now, Later: now.Add(24 * time.Hour),
	}
}

func (r *Registrar) addForm(ctx context.Context, practice string, f *intake.Form) error {
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
func (r *Registrar) AddPerson(ctx context.Context, proof clinic.Proof, p identity.Person) error {
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
func (r *Registrar) addToken(ctx context.Context, proof clinic.Proof, m identity.Membership) error {
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
func (r *Registrar) AddGrant(ctx context.Context, g identity.Grant) error {
	p, err := r.Store.Patient(ctx, g.Patient)
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

// AddPatient registers a patient, their contact data sealed.
func (r *Registrar) AddPatient(ctx context.Context, p identity.Patient) error {
	was, err := r.Store.Patient(ctx, p.ID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	row := clinic.Patient{ID: p.ID, Practice: p.Practice, Version: was.Version + 1}
	if row.Contact, err = r.Seal(ctx, row, p.Contact); err != nil {
		return err
	}
	return r.Kernel.Store.Commit(ctx, clinic.Commit{Patient: &row, Audit: r.registered(p.Practice, "patient.register", p.ID)})
}

func (r *Registrar) registered(practice, action, resource string) []audit.Record {
	return []audit.Record{{
		ID: r.Kernel.NewID(), Practice: practice, At: r.Kernel.Time(), Actor: clinic.System("registration"),
		Action: action, Resource: resource,
	}}
}
