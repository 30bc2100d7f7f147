package httpapi

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

var getMe = Endpoint{
	Method: "GET", Path: "/me", ID: "getMe", Group: "People",
	For: "Ask who you are",
	Text: "Call it first: it tells whose token you hold, in which role and at which practice, and for which patients you " +
		"may act. If several practices know you, name one of its `memberships` by the header `Evisit-Practice`, here as in every " +
		"other request; until you do, the list is all that you are told.",
	Who: Member,
	Out: meReply{}, OutText: "You.",
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.memberships(r.Context(), r.Caller)
		if err != nil || r.Caller.Person.ID == "" {
			return Reply{Body: meReply{ActsFor: []string{}, ReadsFor: []string{}, Memberships: all}}, err
		}
		held, err := a.Request.GrantsHeld(r.Context(), r.Caller)
		return Reply{Body: showMe(r.Caller.Person, all, held)}, err
	},
}

// memberships lists who c is at each practice.
func (a *API) memberships(ctx context.Context, c clinic.Caller) ([]membershipReply, error) {
	ps, err := a.Kernel.Memberships(ctx, c)
	var out []membershipReply
	for _, p := range ps {
		at, err := a.Kernel.Practice(ctx, p.Practice)
		if err != nil {
			return nil, err
		}
		out = append(out, membershipReply{practiceRef{at.ID, at.Name, at.Phone}, p.ID, p.Role})
	}
	return out, err
}

// Who the token belongs to.
type meReply struct {
	// The person's id. It is absent, as are role and practice, while several
	// practices know you and you have named none.
	ID string `json:"id,omitempty"`
	// What a person does at a practice.
	Role     identity.Role `json:"role,omitempty"`
	Practice *practiceRef  `json:"practice,omitempty"`
	// The patient record that is their own; absent for everyone else.
	Patient string `json:"patient,omitempty"`
	// Patients they may act for now, under a grant.
	ActsFor []string `json:"acts_for"`
	// Patients of whom they may read all and do nothing, under a grant.
	ReadsFor []string `json:"reads_for"`
	// How the practice shows its own people; absent for patients and caregivers.
	Name string `json:"name,omitempty"`
	// Every practice that knows the holder of the token, and who they are there. One
	// that has deactivated them is not among them.
	Memberships []membershipReply `json:"memberships" schema:"min=1"`
}

// Who somebody is at a practice.
type membershipReply struct {
	Practice practiceRef `json:"practice"`
	// The person's id.
	Person string `json:"person"`
	// What a person does at a practice.
	Role identity.Role `json:"role"`
}

// The practice a person belongs to.
type practiceRef struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

func showMe(who identity.Person, all []membershipReply, held []identity.Grant) meReply {
	out := meReply{ID: who.ID, Role: who.Role, Patient: who.Patient, Name: who.Display, ActsFor: []string{}, ReadsFor: []string{}, Memberships: all}
	for _, m := range all {
		if m.Person == who.ID {
			out.Practice = &m.Practice
		}
	}
	for _, g := range held {
		switch {
		case g.Patient == who.Patient:
		case g.Scope == identity.Reading:
			out.ReadsFor = append(out.ReadsFor, g.Patient)
		default:
			out.ActsFor = append(out.ActsFor, g.Patient)
		}
	}
	return out
}

var listForms = Endpoint{
	Method: "GET", Path: "/forms", ID: "listForms", Group: "Forms",
	For: "List your practice's forms",
	Text: "Each form is one reason to write to the practice, with its price. `can` says what may be done with it for you, or for a " +
		"`patient` whom you act for. A form that cannot be started says why in `why_not`, in the words with which starting it is refused.",
	Who:   Known,
	Query: []Param{{"patient", "", "A patient's id; else your own."}},
	Out:   formsReply{}, OutText: "All of them; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		patient := cmp.Or(r.URL.Query().Get("patient"), r.Caller.Person.Patient)
		if patient == "" {
			offers, err := a.Request.Forms(r.Context(), r.Caller)
			if err != nil {
				return Reply{}, err
			}
			out, err := showForms(offers, nil)
			return Reply{Body: out}, err
		}
		offers, who, err := a.Request.FormsFor(r.Context(), r.Caller, patient)
		if err != nil {
			return Reply{}, err
		}
		out, err := showForms(offers, &who)
		if err != nil {
			return Reply{Body: out}, err
		}
		underway, err := a.Request.UnderwayOf(r.Context(), r.Caller, patient)
		for i := range out.Forms {
			out.Forms[i].Underway = showUnderway(underway[out.Forms[i].Name])
		}
		return Reply{Body: out}, err
	},
}

type formsReply struct {
	// By name.
	Forms []offeringReply `json:"forms"`
}

// A form as the practice offers it.
type offeringReply struct {
	Name string `json:"name"`
	// The version a new visit would use.
	Version string `json:"version"`
	Title   string `json:"title"`
	// The canonical URL of the Questionnaire.
	URL string `json:"url"`
	// Where this version is read.
	Link string `json:"link"`
	// Which posted price applies. `no-charge`, `monitoring` and `none` are never
	// charged.
	Class string `json:"billing_class"`
	// The practice's posted price in US cents; absent when it is free.
	Price *int64 `json:"price_cents,omitempty" schema:"min=1"`
	// Kinds of request that are free although the form has a price, by the answer to its
	// first question.
	FreeFor []kindReply `json:"free_for,omitempty"`
	// Whether a visit can be started with it for some patient.
	Offered bool `json:"offered"`
	// What may be done with it for the patient: `check` answers, and `start` a visit.
	// People who work at a practice start none.
	Can []string `json:"can" schema:"enum=check|start"`
	// Why it cannot be started, for the patient, with the practice's phone number;
	// absent when it can.
	Why      string         `json:"why_not,omitempty"`
	Underway *underwayReply `json:"underway,omitempty"`
}

// The patient's last request on the form that was sent, and was neither answered nor has
// ended. Another can be started; it is sent only if the patient confirms that it is about
// something else.
type underwayReply struct {
	// The visit's id: what submitVisit takes as `beside`.
	Visit string `json:"visit"`
	// What people call it by.
	Number string       `json:"number"`
	Status visit.Status `json:"status" schema:"enum=awaiting_payment|queued|in_review|awaiting_patient"`
	// When it was sent.
	SentAt time.Time `json:"sent_at"`
}

func showUnderway(v visit.Visit) *underwayReply {
	if v.ID == "" {
		return nil
	}
	return &underwayReply{v.ID, v.Number(), v.Status, v.Times.Submitted}
}

// A kind of request on an administrative form.
type kindReply struct {
	Code    string `json:"code"`
	Display string `json:"display"`
}

// showForms lists forms as they are offered to a patient; nil: to none in particular.
func showForms(offers []request.Offering, who *identity.Patient) (formsReply, error) {
	out := formsReply{[]offeringReply{}}
	for _, o := range offers {
		f := offeringReply{
			Name: o.Form.Name(), Version: o.Form.Version(), Title: o.Form.Title(), URL: o.Form.URL(),
			Link: "/forms/" + o.Form.Name() + "/versions/" + o.Form.Version(), Class: o.Form.BillingClass(),
			Offered: o.Refusal() == nil, Can: []string{"check"},
		}
		var err error
		if f.Why, err = o.WhyNot(who); err != nil {
			return out, err
		}
		if who != nil && f.Why == "" {
			f.Can = append(f.Can, "start")
		}
		if o.Price > 0 {
			cents := int64(o.Price)
			f.Price = &cents
		}
		for _, k := range o.FreeFor {
			f.FreeFor = append(f.FreeFor, kindReply{k.Code, k.Display})
		}
		out.Forms = append(out.Forms, f)
	}
	return out, nil
}

var getForm = Endpoint{
	Method: "GET", Path: "/forms/{name}", ID: "getForm", Group: "Forms",
	For: "Read the form in use",
	Text: "The version a visit started now would use, as a FHIR Questionnaire. Show its pages in order; what it asks " +
		"depends on what was answered (`enableWhen`).",
	Who: Known, Cached: true,
	Out: Foreign("Questionnaire"), Type: typeFHIR, OutText: "The form.",
	Refuses: []Refusal{
		{Code: "unknown_form", When: "your practice has no such form"},
		{Code: "not_found", When: "it has no such version"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		f, err := a.form(r, "")
		if err != nil {
			return Reply{}, err
		}
		return Reply{ETag: formTag(f), Body: f.JSON()}, nil
	},
}

var getFormVersion = Endpoint{
	Method: "GET", Path: "/forms/{name}/versions/{version}", ID: "getFormVersion", Group: "Forms",
	For:  "Read one version of a form",
	Text: "A version never changes and may be kept for ever. Use the one a visit names to show its answers.",
	Who:  Known, Cached: true,
	Out: Foreign("Questionnaire"), Type: typeFHIR, OutText: "The form.",
	Refuses: []Refusal{
		{Code: "unknown_form", When: "your practice has no such form"},
		{Code: "not_found", When: "it has no such version"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		f, err := a.form(r, r.PathValue("version"))
		if err != nil {
			return Reply{}, err
		}
		return Reply{ETag: formTag(f), Cache: "private, max-age=31536000, immutable", Body: f.JSON()}, nil
	},
}

func formTag(f *intake.Form) string { return `"` + f.Hash() + `"` }

// form finds the form a path names, for anyone signed in. Without a version it
// is the one the caller's practice uses.
func (a *API) form(r *Request, version string) (*intake.Form, error) {
	if err := checkID(version); err != nil {
		return nil, err
	}
	return a.Request.FormFor(r.Context(), r.Caller, r.PathValue("name"), version)
}

var checkAnswers = Endpoint{
	Method: "POST", Path: "/forms/{name}/check", ID: "checkAnswers", Group: "Forms",
	For: "Check answers without keeping them",
	Text: "Evaluates answers exactly as a visit would: which are wrong or missing, which rules fire, where the patient " +
		"belongs. It writes nothing and may be repeated at will. Name a version in `questionnaire` (`url|version`) to " +
		"check against that one. A diversion found from valid answers is a 200 even beside errors, because it outweighs " +
		"them; errors alone are a 422 that carries the same members.",
	Who: Known,
	Query: []Param{
		{"birth_date", "date", "The patient's, to apply the form's age range as well."},
		{"sex", "", "The patient's administrative gender; used with `birth_date`."},
	},
	In:  intake.Response{},
	Out: checkReply{}, OutText: "No errors, or a diversion.",
	Refuses: []Refusal{
		{Code: "unknown_form", When: "your practice has no such form"},
		{Code: "not_found", When: "it has no such version"},
		{Code: "answers_wrong", When: "the check is beside the problem", Out: checkProblem{}},
		{Code: "other_form"},
		{Code: "invalid_request"},
	},
	Serve: checkForm,
}

// What a form makes of some answers. `response` is what would be kept: answers
// to questions not asked are dropped, totals are computed here.
type checkReply struct {
	// Where the patient belongs. All but `continue` divert: the patient is shown
	// why and the visit stops, uncharged.
	Disposition intake.Disposition `json:"disposition"`
	// Every rule that fired, highest severity first.
	Rules []firedRuleReply `json:"rules"`
	// Every wrong or missing answer, in the order of the form; of very many, the first
	// hundred.
	Errors   []fault.Problem `json:"errors" schema:"max=100"`
	Derived  []derivedReply  `json:"derived"`
	Response intake.Response `json:"response"`
}

// A rule of the form that the answers fired.
type firedRuleReply struct {
	ID string `json:"id"`
	// A `flag` is for the clinician and never stops the patient.
	Severity intake.Severity `json:"severity"`
	// For the patient, or of a flag for the clinician.
	Message string `json:"message"`
	// Where the rule comes from.
	Source string `json:"source"`
}

// A problem detail that carries the whole check beside it.
type checkProblem struct {
	exchange.Problem
	checkReply
}

func checkForm(a *API, r *Request) (Reply, error) {
	answers := r.In.(intake.Response)
	_, version, _ := strings.Cut(answers.Questionnaire, "|")
	f, err := a.form(r, version)
	if err != nil {
		return Reply{}, err
	}
	p, err := a.Request.Practice(r.Context(), r.Caller)
	if err != nil {
		return Reply{}, err
	}
	facts, err := a.facts(r, p)
	if err != nil {
		return Reply{}, err
	}
	res := p.Asks(f).With(facts).Check(answers)
	if err := f.Accepts(answers.Questionnaire); err != nil && !res.Diverts() {
		return Reply{}, err
	}
	known := !facts.Birth.IsZero()
	if known && len(f.Eligible(facts.Birth, facts.Now, facts.Now.Location(), facts.Sex)) > 0 && !res.Diverts() {
		res.Disposition = intake.Ineligible
	}
	out := showCheck(res)
	if len(res.Problems) == 0 || res.Diverts() {
		return Reply{Body: out}, nil
	}
	problem := exchange.NewProblem(fault.New(fault.Invalid, "answers_wrong", "some answers need to be put right", res.Problems...))
	return Reply{Status: problem.Status, Type: exchange.TypeProblem, Body: checkProblem{problem, out}}, nil
}

// facts are what the query says of the patient, ?birth_date=1990-05-01&sex=female, and
// today in the practice p.
func (a *API) facts(r *Request, p practice.Practice) (intake.Facts, error) {
	born, sex := r.URL.Query().Get("birth_date"), r.URL.Query().Get("sex")
	facts := intake.Facts{Sex: sex}
	switch {
	case born == "" && sex != "":
		return facts, badParameter("birth_date", "required", "give it with sex, or neither")
	case sex != "" && !slices.Contains(sexes, sex):
		return facts, badParameter("sex", "oneof", "one of: "+strings.Join(sexes, ", "))
	case born != "":
		var err error
		if facts.Birth, err = time.Parse(time.DateOnly, born); err != nil {
			return facts, badParameter("birth_date", "date", "a date such as 1990-05-01")
		}
	}
	zone, err := p.Location()
	if err != nil {
		return facts, err
	}
	facts.Now = a.Kernel.Now().In(zone)
	today := civil.Of(facts.Now, zone)
	if day := civil.Of(facts.Birth, time.UTC); born != "" && !day.Within(earliestBirth, today) {
		return facts, badParameter("birth_date", "range", "a date from "+earliestBirth.String()+" to "+today.String())
	}
	return facts, nil
}

// earliestBirth is before anyone alive was born.
var earliestBirth = civil.Date(1900, time.January, 1)

// sexes are FHIR's administrative genders.
var sexes = []string{"female", "male", "other", "unknown"}

func showCheck(res intake.Result) checkReply {
	wrong, _ := exchange.Listed(res.Problems)
	out := checkReply{
		Disposition: res.Disposition, Rules: []firedRuleReply{}, Errors: append([]fault.Problem{}, wrong...),
		Derived: []derivedReply{}, Response: res.Response,
	}
	for _, f := range res.Fired {
		out.Rules = append(out.Rules, firedRuleReply{f.ID, f.Severity, f.Message, f.Source})
	}
	for _, d := range res.Derived {
		out.Derived = append(out.Derived, derivedReply{d.ID, d.Text})
	}
	return out
}
