// Package request is the patient's side of a visit: filling in a form,
// submitting it, paying, replying, reading the answer. It has a Stripe key that
// makes payment pages and cannot move money. The clinician's side is package
// desk.
package request

import (
	"context"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// Reads are what a Room reads besides the kernel.
type Reads interface {
	books.Reads
	// VisitsOfPatient lists a patient's visits, newest first, after cursor. It may lag about a
	// second. The returned cursor is empty at the end.
	VisitsOfPatient(ctx context.Context, patient, cursor string, limit int) ([]visit.Visit, string, error)
	// LatestTrail returns the audit records of a visit, or those of a patient that are
	// about no visit, before a position, newest first, at most limit. An empty position is
	// the end. It may lag about a second.
	LatestTrail(ctx context.Context, of, before string, limit int) ([]audit.Record, error)
	// Underway returns which visits of a patient on a form were sent; the zero Underway if
	// none was. Unless it is to be consistent, it may lag about a second.
	Underway(ctx context.Context, patient, form string, consistent bool) (visit.Underway, error)
	// UnderwayOf lists them for each form on which the patient sent something. It may lag
	// about a second.
	UnderwayOf(ctx context.Context, patient string) ([]visit.Underway, error)
	// Grants lists the grants that person holds.
	Grants(ctx context.Context, person string) ([]identity.Grant, error)
	// Memberships lists those that a patient pays for, the first one first.
	Memberships(ctx context.Context, payer string) ([]membership.Membership, error)
	// Membership returns one of them as of the latest commit.
	Membership(ctx context.Context, id string) (membership.Membership, error)
	// Included returns the memberships that a patient pays for, the first one first, and the visits
	// that were used of them, in one read.
	Included(ctx context.Context, payer string) ([]membership.Membership, []membership.Count, error)
	// Contracts lists what a practice entered of its agreements with payers, removed ones too. It
	// may lag about a second.
	Contracts(ctx context.Context, practice string) ([]billing.Contract, error)
	// Paid lists the bills of a patient's memberships, the newest first, and what was entered of
	// them, the oldest first, in one read.
	Paid(ctx context.Context, payer string) ([]membership.Bill, []ledger.Entry, error)
}

// A Room has the steps and reads of patients and caregivers. Its fields must be
// set before use; it is safe for concurrent use.
type Room struct {
	Kernel   *clinic.Kernel
	Charts   *chart.Keeper
	Store    Reads
	Checkout Checkout
	// Pages is the base URL of the pages, without a trailing slash.
	Pages string
}

// Start starts a draft on form for patient: the caller if it is empty, or
// someone the caller acts for. An empty version is the one that the practice
// offers.
func (m *Room) Start(ctx context.Context, c clinic.Caller, form, version, patient string) (visit.Visit, error) {
	c, patient, err := m.forPatient(ctx, c, identity.StartVisit, patient)
	if err != nil {
		return visit.Visit{}, err
	}
	f, err := m.offered(ctx, c.Person.Practice, form, version, patient)
	if err != nil {
		return visit.Visit{}, err
	}
	return m.Kernel.Start(ctx, c, visit.Start(m.Kernel.NewID(), c.Person.Practice, patient, c.Person.ID, started(f), m.Kernel.Time()))
}

// started names f as the form of a new visit.
func started(f *intake.Form) visit.Form {
	return visit.Form{Name: f.Name(), Version: f.Version(), Class: f.BillingClass()}
}

var errNoPatient = fault.New(fault.Invalid, "no_patient", "name the patient whom you act for; /me lists them under acts_for")

// forPatient returns c with its person read, and whom a request is for: patient, or
// the caller if that is empty. It refuses a caller who may not take action do for
// them.
func (m *Room) forPatient(ctx context.Context, c clinic.Caller, do identity.Action, patient string) (clinic.Caller, string, error) {
	c, err := m.Kernel.Identify(ctx, c)
	if err != nil {
		return c, "", err
	}
	if patient == "" {
		patient = c.Person.Patient
	}
	if patient == "" && c.Person.Role == identity.Caregiver {
		return c, "", errNoPatient
	}
	if c, err = m.Kernel.ForPatient(ctx, c, patient); err != nil {
		return c, "", err
	}
	return c, patient, m.Kernel.AllowForPatient(ctx, c, do, patient)
}

// offered returns the form that a new request of patient is on. An empty version is the
// one that the practice offers.
func (m *Room) offered(ctx context.Context, practice, form, version, patient string) (*intake.Form, error) {
	p, err := m.Kernel.Practice(ctx, practice)
	if err != nil {
		return nil, err
	}
	o, ok, err := m.find(ctx, p, form)
	if err != nil {
		return nil, err
	}
	if !ok || version != "" && version != o.Form.Version() {
		return nil, fault.New(fault.Invalid, "unknown_form", "This practice does not offer this form, or not this version of it."+call(p),
			fault.Problem{Where: "/form", Code: "unknown", Text: "name a form of /forms and leave the version out, or give the offered one"})
	}
	return m.startable(ctx, o, patient)
}

// Cancel withdraws a request before its answer; its hold is released.
func (m *Room) Cancel(ctx context.Context, c clinic.Caller, id string) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, m.Kernel, c, identity.FillVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			next, err := in.Visit.Cancel(in.Now)
			if err != nil {
				return clinic.Decision{}, clinic.Nothing{}, err
			}
			return clinic.Change(in.Visit, next, clinic.Commit{
				Events: m.Kernel.EndingEvents(in.Visit, next, in.Now), Audit: m.record(in, "visit.cancel", next),
			}), clinic.Nothing{}, nil
		})
	return v, err
}

// Delete deletes a draft and its answers, of which nothing is left in the table. The
// visit stays with its trail, in no list.
func (m *Room) Delete(ctx context.Context, c clinic.Caller, id string) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, m.Kernel, c, identity.FillVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			next, err := in.Visit.Delete(in.Now)
			if err != nil {
				return clinic.Decision{}, clinic.Nothing{}, err
			}
			with := clinic.Commit{Audit: m.record(in, "visit.delete", next)}
			if in.Visit.HasAnswers() {
				with.Answers = []byte{}
			}
			return clinic.Change(in.Visit, next, with), clinic.Nothing{}, nil
		})
	return v, err
}

// Acknowledge records that the patient read the answer, which closes the visit;
// or, for a diverted visit, that they read where to seek care.
func (m *Room) Acknowledge(ctx context.Context, c clinic.Caller, id string) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, m.Kernel, c, identity.FillVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			next, err := m.acknowledge(ctx, in)
			return clinic.Change(in.Visit, next, clinic.Commit{Audit: m.record(in, "visit.acknowledge", next)}), clinic.Nothing{}, err
		})
	return v, err
}

func (m *Room) acknowledge(ctx context.Context, in clinic.Input) (visit.Visit, error) {
	if in.Visit.Status == visit.Diverted {
		return in.Visit.ConfirmDiversion(in.Now), nil
	}
	v, err := m.Kernel.WithReads(ctx, in.Visit)
	if err == nil && v.Status != visit.Closed {
		err = in.Stale()
	}
	if err != nil {
		return visit.Visit{}, err
	}
	by := in.Caller.Person.ID
	return m.Charts.CloseVisit(ctx, v.MarkRead(by, in.Now), by, in.Now)
}

// record returns the audit record of a step that FillVisit allows under a name of
// its own, for one that is no filling in.
func (m *Room) record(in clinic.Input, action string, next visit.Visit) []audit.Record {
	return []audit.Record{m.Kernel.Record(in.Caller.Actor(next.Patient), action, next, in.Now)}
}

// Practice returns the practice a person belongs to.
func (m *Room) Practice(ctx context.Context, c clinic.Caller) (practice.Practice, error) {
	c, err := m.Kernel.Identify(ctx, c)
	if err != nil {
		return practice.Practice{}, err
	}
	return m.Kernel.Practice(ctx, c.Person.Practice)
}
