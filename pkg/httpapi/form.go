package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
)

type meReply struct {
	ID       string        `json:"id"`
	Role     identity.Role `json:"role"`
	Practice formPractice  `json:"practice"`
	Patient  string        `json:"patient,omitempty"`
	ActsFor  []string      `json:"acts_for"`
	Name     string        `json:"name,omitempty"`
}

type formPractice struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

func (a *API) me(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	p, err := a.clinic.Practice(r.Context(), c)
	if err != nil {
		return err
	}
	out := meReply{
		ID: c.Person.ID, Role: c.Person.Role, Patient: c.Person.Patient, Name: c.Person.Display,
		Practice: formPractice{p.ID, p.Name, p.Phone}, ActsFor: []string{},
	}
	for _, g := range c.Person.Grants {
		if c.Person.ActsFor(g.Patient, a.clinic.Now()) {
			out.ActsFor = append(out.ActsFor, g.Patient)
		}
	}
	return reply(w, http.StatusOK, out)
}

type formReply struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Title   string `json:"title"`
	URL     string `json:"url"`
	Link    string `json:"link"`
	Class   string `json:"billing_class"`
	Price   *int64 `json:"price_cents,omitempty"` // absent: free of charge
	Offered bool   `json:"offered"`
	Why     string `json:"why_not,omitempty"`
}

func (a *API) listForms(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	offers, err := a.clinic.Forms(r.Context(), c)
	if err != nil {
		return err
	}
	out := struct {
		Forms []formReply `json:"forms"`
	}{[]formReply{}}
	for _, o := range offers {
		f := formReply{
			Name: o.Form.Name(), Version: o.Form.Version(), Title: o.Form.Title(), URL: o.Form.URL(),
			Link: "/forms/" + o.Form.Name() + "/versions/" + o.Form.Version(), Class: o.Form.BillingClass(), Offered: o.WhyNot == "", Why: o.WhyNot,
		}
		if o.Price > 0 {
			cents := int64(o.Price)
			f.Price = &cents
		}
		out.Forms = append(out.Forms, f)
	}
	return reply(w, http.StatusOK, out)
}

func (a *API) currentForm(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	f, err := a.form(r, c, "")
	if err != nil {
		return err
	}
	return serveForm(w, r, f)
}

func (a *API) formVersion(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	f, err := a.form(r, c, r.PathValue("version"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	return serveForm(w, r, f)
}

// form finds the form a path names, for anyone signed in. Without a version it
// is the one the caller's practice uses.
func (a *API) form(r *http.Request, c clinic.Caller, version string) (*intake.Form, error) {
	if err := tooLongToBe(version); err != nil {
		return nil, err
	}
	return a.clinic.FormFor(r.Context(), c, r.PathValue("name"), version)
}

func serveForm(w http.ResponseWriter, r *http.Request, f *intake.Form) error {
	tag := `"` + f.Hash() + `"`
	w.Header().Set("ETag", tag)
	if slices.Contains(strings.Split(strings.ReplaceAll(r.Header.Get("If-None-Match"), " ", ""), ","), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/fhir+json")
	_, err := w.Write(f.JSON()) //nolint:gosec // FHIR JSON of our own making, never HTML
	return err
}

// checkForm evaluates answers and writes nothing. Errors without a diversion
// are a 422 that carries the same fields (forms README, semantics 4).
func (a *API) checkForm(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	b, err := body(r)
	if err != nil {
		return err
	}
	answers, err := intake.ParseResponse(b)
	if err != nil {
		return err
	}
	version := ""
	if _, v, ok := strings.Cut(answers.Questionnaire, "|"); ok {
		version = v
	}
	f, err := a.form(r, c, version)
	if err != nil {
		return err
	}
	if err := f.Accepts(answers.Questionnaire); err != nil {
		return err
	}
	res := f.Check(answers)
	if ps, err := a.eligible(r, c, f); err != nil {
		return err
	} else if len(ps) > 0 && !res.Diverts() {
		res.Disposition = intake.Ineligible
	}
	out := showCheck(res)
	if len(res.Problems) == 0 || res.Diverts() {
		return reply(w, http.StatusOK, out)
	}
	p := newProblem(fault.New(fault.Invalid, "answers_wrong", "some answers need to be put right", res.Problems...))
	w.Header().Set("Content-Type", "application/problem+json")
	return write(w, p.Status, struct {
		problem
		checkReply
	}{p, out})
}

// eligible applies a form's age range and sex when the query names the
// patient's: ?birth_date=1990-05-01&sex=female.
func (a *API) eligible(r *http.Request, c clinic.Caller, f *intake.Form) ([]fault.Problem, error) {
	born, sex := r.URL.Query().Get("birth_date"), r.URL.Query().Get("sex")
	if born == "" {
		return nil, nil
	}
	birth, err := time.Parse(time.DateOnly, born)
	if err != nil {
		return nil, fault.New(fault.Invalid, "invalid_request", "some parameters need to be put right",
			fault.Problem{Where: "birth_date", Code: "date", Text: "a date such as 1990-05-01"})
	}
	p, err := a.clinic.Practice(r.Context(), c)
	if err != nil {
		return nil, err
	}
	zone, err := p.Location()
	if err != nil {
		return nil, err
	}
	return f.Eligible(birth, a.clinic.Now(), zone, sex), nil
}

func showCheck(res intake.Result) checkReply {
	out := checkReply{
		Disposition: res.Disposition, Rules: []firedReply{}, Errors: append([]fault.Problem{}, res.Problems...),
		Derived: []derivedReply{}, Response: res.Response,
	}
	for _, f := range res.Fired {
		out.Rules = append(out.Rules, firedReply{f.ID, f.Severity, f.Message, f.Source})
	}
	for _, d := range res.Derived {
		out.Derived = append(out.Derived, derivedReply{d.ID, d.Text})
	}
	return out
}
