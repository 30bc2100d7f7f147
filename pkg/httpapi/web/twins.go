package web

import (
	"cmp"
	"net/http"
	"slices"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

func twinsAt(patient string) string { return patientPath(patient) + "/doubles" }

type twinsView struct {
	Complaints []complaint
	ID, Back   string
	Name       phi.Text
	Twins      []twinView
}

// A twinView compares the page's patient with another record.
type twinView struct {
	ID           string
	Rows         []twinRow
	Double, Into string // what one press merges; empty if neither can be merged
	IsThis       bool   // the double is the page's patient
	WhyNot       string
}

// A twinRow is what both records say of one thing.
type twinRow struct {
	What        string
	This, Other phi.Text
	Differs     bool // of what identifies a person
}

// twinsPage compares a patient with those who may be the same person.
func (s *site) twinsPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showTwins(w, r, v, "", http.StatusOK)
}

func (s *site) showTwins(w http.ResponseWriter, r *http.Request, v visitor, alert string, code int) error {
	p, all, err := s.Registrar.Twins(r.Context(), v.Caller, r.PathValue("patient"))
	if err != nil {
		return err
	}
	view := twinsView{Complaints: aboutPage(alert), ID: p.ID, Back: patientPath(p.ID), Name: p.Contact.Name}
	for _, t := range all {
		view.Twins = append(view.Twins, newTwin(v, p, t))
	}
	return s.show(w, &v, page{view: "twins", title: errorTitle("Possible doubles", view.Complaints), data: view, code: code})
}

func newTwin(v visitor, p identity.Patient, t registrar.Twin) twinView {
	view := twinView{ID: t.ID, Rows: twinRows(v, p, t.Patient), Double: t.Double}
	switch t.Double {
	case p.ID:
		view.Into, view.IsThis = t.ID, true
	case t.ID:
		view.Into = p.ID
	default:
		if f, ok := fault.Public(t.WhyNot); ok {
			view.WhyNot = sentence(f.Text)
		}
	}
	return view
}

// identifying is how many of the first facts of twinRows identify a person.
const identifying = 5

// twinRows are what two records say, side by side.
func twinRows(v visitor, a, b identity.Patient) []twinRow {
	facts := func(p identity.Patient) []fact {
		matched, signsIn := "Not yet", "Nobody"
		if !p.Verified.At.IsZero() {
			matched = v.practice.Local(p.Verified.At)
		}
		if p.Person != "" {
			signsIn = "The patient"
		}
		seen := "Not known"
		if !p.Seen.IsZero() {
			seen = p.Seen.Format("2 January 2006")
		}
		return []fact{
			{"Name", p.Contact.Name.Reveal()},
			{"Born", p.Contact.Birth.Format("2 January 2006")},
			{"Sex", cmp.Or(p.Contact.Sex, "Not said")},
			{"E-mail address", p.Contact.Email.Reveal()},
			{"Phone", cmp.Or(p.Contact.Phone.Reveal(), "None")},
			{"How they came", cmp.Or(cameWords[p.Came], "Registered by the system")},
			{"Since", v.practice.Local(p.At)},
			{"Matched with the records", matched},
			{"Signs in", signsIn},
			{"Last seen in person", seen},
			{"Online requests", cmp.Or(standsWords[p.Standing.State], "As those of any patient")},
		}
	}
	var rows []twinRow
	others := facts(b)
	for i, f := range facts(a) {
		rows = append(rows, twinRow{f.What, phi.Text(f.Text), phi.Text(others[i].Text), i < identifying && f.Text != others[i].Text})
	}
	return rows
}

// mergeTwins merges one of two records that the page compares into the other.
func (s *site) mergeTwins(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	double, into := values.Get("double"), values.Get("into")
	if !slices.Contains([]string{double, into}, r.PathValue("patient")) {
		return errNotAForm
	}
	if _, err = s.Registrar.Merge(r.Context(), v.Caller, double, into); err == nil {
		return redirect(w, patientPath(into)+"?done=merged")
	}
	sent := newSentForm(values, nil)
	code, text, ok := sent.refuse(err)
	if !ok {
		return err
	}
	return s.showTwins(w, r, v, text, code)
}
