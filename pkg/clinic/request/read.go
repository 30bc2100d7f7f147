package request

import (
	"context"
	"errors"
	"slices"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

// A View has what the patient's page of a visit shows.
type View struct {
	Caller clinic.Caller
	Chart  chart.Chart
	Money  books.Money
	Answer *record.Answer // nil before the answer
}

// Show loads what the patient's page of a visit shows, and records that the
// caller read it. Its read times are those of the visit's row, which has them
// once the visit is closed: to show earlier ones would cost each view of the page
// a query. For people who work at the practice Show loads the visit alone.
func (m *Room) Show(ctx context.Context, c clinic.Caller, id string) (View, error) {
	c, v, err := m.Kernel.LoadVisit(ctx, c, identity.ReadChart, id)
	if err != nil {
		return View{}, err
	}
	if c.Person.Works() {
		return View{Caller: c, Chart: chart.Chart{Visit: v}}, nil
	}
	out := View{Caller: c}
	if out.Chart, err = m.Charts.Chart(ctx, v); err != nil {
		return View{}, err
	}
	v = out.Chart.Visit                // as its content was read
	if c.Person.Patient != v.Patient { // their name tells a caregiver whose request it is
		if out.Chart.Contact, err = m.Charts.Contact(ctx, v.Patient); err != nil {
			return View{}, err
		}
	}
	if out.Money, err = books.Load(ctx, m.Store, v); err != nil {
		return View{}, err
	}
	if out.Answer, err = m.Charts.Answer(ctx, v); err != nil {
		return View{}, err
	}
	if _, err = m.Kernel.RecordRead(ctx, c, v, "page"); err != nil {
		return View{}, err
	}
	return out, nil
}

// A Draft is a visit that is still being filled in, with its answers so far.
type Draft struct {
	Visit    visit.Visit
	Form     *intake.Form
	Response intake.Response
	Result   intake.Result // of Response
	Ending   *Ending       // the answers end the request once they are confirmed; nil if they do not
	// Why says why the draft cannot be priced or sent; nil if it can.
	Why error
}

// Draft loads a draft for the person who fills it in. Reading one's own draft
// leaves no audit record.
func (m *Room) Draft(ctx context.Context, c clinic.Caller, id string) (Draft, error) {
	for n := 1; ; n++ {
		by, rows, err := m.Kernel.LoadRows(ctx, c, identity.FillVisit, draftWithAnswers(id))
		if err != nil {
			return Draft{}, err
		}
		if rows.Visit.Status == visit.Deleted {
			return Draft{Visit: rows.Visit}, fault.New(fault.Conflict, "not_a_draft", "this request was deleted; start a new one if you need it")
		}
		if rows.Visit.Status != visit.Draft {
			return Draft{Visit: rows.Visit}, fault.New(fault.Conflict, "not_a_draft",
				"this request was sent already, so its form can no longer be changed; open the request to see where it stands")
		}
		f, r, err := m.Charts.FormAndAnswers(ctx, rows.Visit, rows.Answers)
		if errors.Is(err, vault.ErrBroken) && n < draftReads {
			continue // a page was saved between the reads of the two rows
		}
		if err != nil {
			return Draft{}, err
		}
		return m.judge(ctx, clinic.Input{Caller: by, Visit: rows.Visit, Now: m.Kernel.Time()}, f, r)
	}
}

// judge returns a draft with what its answers so far lead to.
func (m *Room) judge(ctx context.Context, in clinic.Input, f *intake.Form, r intake.Response) (Draft, error) {
	d := Draft{Visit: in.Visit, Form: f, Response: r}
	p, err := m.Kernel.Practice(ctx, in.Visit.Practice)
	if err != nil {
		return Draft{}, err
	}
	d.Result, d.Why = check(f, r)
	if d.Result.Diverts() {
		d.Ending = endingOf(f, d.Result, p)
	}
	if d.Why == nil {
		d.Why = m.unpriced(ctx, in, f, d.Result, p)
	}
	if _, public := fault.Public(d.Why); d.Why != nil && !public {
		return Draft{}, d.Why
	}
	return d, nil
}

// unpriced is why a draft of complete answers cannot be priced, or what it costs not be paid; nil if
// it can.
func (m *Room) unpriced(ctx context.Context, in clinic.Input, f *intake.Form, res intake.Result, p practice.Practice) error {
	percent, err := m.discount(ctx, in, p)
	if err != nil {
		return err
	}
	q, err := m.priceFor(ctx, in, f, res, p, percent)
	if err != nil {
		return err
	}
	return m.checkPayable(ctx, p, q.Amount)
}

// draftReads bounds how often a draft is read because its answers and its visit
// are of different versions.
const draftReads = 3

// ListVisits lists a patient's visits, newest first, without those that are private or
// were deleted, or the caller may not know of; an empty patient is the caller. A page may be shorter than limit.
func (m *Room) ListVisits(ctx context.Context, c clinic.Caller, patient, cursor string, limit int) ([]visit.Visit, string, error) {
	c, patient, err := m.forPatient(ctx, c, identity.ListVisits, patient)
	if err != nil {
		return nil, "", err
	}
	vs, next, err := m.Store.VisitsOfPatient(ctx, patient, cursor, limit)
	if err == nil {
		err = m.Kernel.RecordList(ctx, c, identity.ListVisits, clinic.Subject{Practice: c.Person.Practice, Patient: patient})
	}
	if err == nil {
		vs, err = m.Kernel.Shown(ctx, c, patient, vs)
	}
	return slices.DeleteFunc(vs, visit.Visit.Unlisted), next, err
}

// A Ward is a patient whom somebody may act for, or read about.
type Ward struct {
	identity.Patient
	ReadOnly bool // they may start and send nothing
}

// Wards lists the patients whom the caller may act for now, or read about, themselves
// first, with their contact data.
func (m *Room) Wards(ctx context.Context, c clinic.Caller) ([]Ward, error) {
	grants, err := m.GrantsHeld(ctx, c)
	if err != nil {
		return nil, err
	}
	wards := make([]Ward, len(grants))
	for i, g := range grants {
		wards[i].ReadOnly = g.Scope != identity.Everything
		if wards[i].Patient, err = m.Charts.Patient(ctx, g.Patient); err != nil {
			return nil, err
		}
	}
	return wards, nil
}

// GrantsHeld lists the grants that the caller holds now. The first stands for their own
// record, if they have one.
func (m *Room) GrantsHeld(ctx context.Context, c clinic.Caller) ([]identity.Grant, error) {
	c, err := m.Kernel.Identify(ctx, c)
	if err != nil || c.Person.Works() {
		return nil, err
	}
	var held []identity.Grant
	if c.Person.Patient != "" {
		held = append(held, identity.Grant{Patient: c.Person.Patient})
	}
	grants, err := m.Store.Grants(ctx, c.Person.ID)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if g.Practice == c.Person.Practice && g.Patient != c.Person.Patient && g.Active(m.Kernel.Time()) {
			held = append(held, g)
		}
	}
	return held, nil
}

// FormFor returns a version of a form that the caller's practice uses; an empty
// version is the one that it offers now.
func (m *Room) FormFor(ctx context.Context, c clinic.Caller, name, version string) (*intake.Form, error) {
	p, err := m.Practice(ctx, c)
	if err != nil {
		return nil, err
	}
	current, ok := p.Forms[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "unknown_form", "this practice has no such form; see /forms for those it has")
	}
	if version == "" {
		version = current
	}
	return m.Kernel.Form(ctx, p.ID, name, version)
}
