package clinic

import (
	"context"
	"errors"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
)

// Registration writes the reference records that visits stand on. It is for
// operators and seeds, behind no route: whoever holds the table may use it.

// AddPractice writes a practice, whose time zone must exist, and the forms it
// offers, which must have a price if their class is charged for.
func (cl *Clinic) AddPractice(ctx context.Context, p Practice, forms []*intake.Form) error {
	if _, err := p.Location(); err != nil {
		return fault.Hide(fault.Invalid, "invalid_request", "give the time zone by its IANA name, such as America/Chicago", err)
	}
	for _, f := range forms {
		err := cl.Store.Commit(ctx, Commit{Form: &StoredForm{f.Name(), f.Version(), f.JSON()}})
		if err != nil && !errors.Is(err, ErrExists) {
			return err
		}
	}
	cl.practices.Delete(p.ID)
	if p.Since.IsZero() {
		p.Since = cl.now()
	}
	return cl.Store.Commit(ctx, Commit{Practice: &p, Audit: cl.registered(p.ID, "practice.register", p.ID)})
}

// AddPerson writes who issuer's subject is, replacing what was known.
func (cl *Clinic) AddPerson(ctx context.Context, r Registered) error {
	return cl.Store.Commit(ctx, Commit{Person: &r, Audit: cl.registered(r.Person.Practice, "person.register", r.Person.ID)})
}

// AddPatient writes a patient with their contact data sealed.
func (cl *Clinic) AddPatient(ctx context.Context, p identity.Patient) error {
	rec := Patient{ID: p.ID, Practice: p.Practice}
	var err error
	if rec.Contact, err = cl.sealJSON(ctx, contactPlace(rec), p.Contact); err != nil {
		return err
	}
	return cl.Store.Commit(ctx, Commit{Patient: &rec, Audit: cl.registered(p.Practice, "patient.register", p.ID)})
}

func (cl *Clinic) registered(practice, action, resource string) []audit.Record {
	return []audit.Record{{
		ID: cl.NewID(), Practice: practice, At: cl.now(), Actor: system("registration"),
		Action: action, Resource: resource,
	}}
}
