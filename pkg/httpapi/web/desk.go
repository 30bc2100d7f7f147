package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"evisit/pkg/clinic/chart"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

type queueView struct {
	Visits []listed
	Older  string
	Now    string
}

// queue lists the open visits of the visitor's pool, oldest promise first.
func (s *site) queue(w http.ResponseWriter, r *http.Request, v visitor) error {
	vs, next, err := s.Desk.Queue(r.Context(), v.Caller, clipCursor(r.URL.Query().Get("after")), listLength)
	if err != nil {
		return err
	}
	now := s.Now()
	view := queueView{Now: v.practice.Local(now)}
	for _, vis := range vs {
		title, err := s.title(r, vis)
		if err != nil {
			return err
		}
		l := listed{
			Href: "/desk/visits/" + vis.ID, Title: title, Status: deskWords(vis.Status), By: v.practice.Local(vis.Promise.By),
			Late: vis.Late(now), Holder: vis.Holder.Display, State: vis.State,
		}
		if vis.Holder.ID == v.Person.ID {
			l.Holder, l.Yours = "You", true
		}
		view.Visits = append(view.Visits, l)
	}
	if next != "" {
		view.Older = "/desk?" + url.Values{"after": {next}}.Encode()
	}
	return s.show(w, &v, page{view: "queue", title: "Queue", data: view})
}

type deskView struct {
	ID, Title, Status string
	Alert             string
	Complaints        []complaint
	Patient           patientView
	State, By, Holder string
	Why               string // why it ended
	Late, Paused      bool
	Flags             []flag
	Derived           []phi.Text
	Answers           []answerRow
	Messages          []message
	Diversion         *diversion
	Answer            *answered
	CanTake, CanAsk   bool
	CanAnswer         bool
	CanTurnAway       bool // declined, or redirected
	Suggested         []option
	Reasons           []option
	Typed             typedAnswer
	Steps             []step
}

type patientView struct {
	Name, Phone phi.Text
	Born, Sex   string
	Age         int
}

type flag struct {
	Message phi.Text
	Source  string
}

// typedAnswer is what a clinician wrote, kept when it is refused.
type typedAnswer struct {
	Question, Reply, Do, Warnings, FollowUp, NoDiagnosis, Other, Away phi.Text
	Minutes                                                           string
	Codes                                                             []string
	Reason, To                                                        string
	Errors                                                            map[string]string
}

// Written lists the texts that would be lost with their forms.
func (t typedAnswer) Written() []phi.Text {
	all := []phi.Text{t.Question, t.Reply, t.Do, t.Warnings, t.FollowUp, t.NoDiagnosis, t.Away}
	return slices.DeleteFunc(all, func(s phi.Text) bool { return s == "" })
}

func (s *site) deskVisit(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showDesk(w, r, v, deskView{}, http.StatusOK)
}

func (s *site) showDesk(w http.ResponseWriter, r *http.Request, v visitor, view deskView, code int) error {
	id := r.PathValue("id")
	if !v.Person.Works() {
		return redirect(w, "/my/visits/"+id)
	}
	shown, err := s.Desk.Show(r.Context(), v.Caller, id)
	if err != nil {
		return err
	}
	view.Answer = answerOf(shown.Answer)
	zone, err := v.practice.Location()
	if err != nil {
		return err
	}
	view.fill(v, shown.Chart, s.Now(), zone)
	title := view.Title
	if len(view.Complaints) > 0 || view.Alert != "" {
		title = "To put right: " + title
	}
	return s.show(w, &v, page{view: "desk", title: title, data: view, code: code})
}

func (view *deskView) fill(v visitor, ch chart.Chart, now time.Time, zone *time.Location) {
	vis, p := ch.Visit, v.practice
	view.ID, view.Title, view.Status, view.State = vis.ID, ch.Form.Title(), deskWords(vis.Status), vis.State
	view.Patient = patientView{Name: ch.Contact.Name, Phone: ch.Contact.Phone, Sex: ch.Contact.Sex}
	if !ch.Contact.Birth.IsZero() {
		view.Patient.Born = ch.Contact.Birth.Format("January 2, 2006")
		view.Patient.Age = intake.Age(ch.Contact.Birth, now, zone)
	}
	if !vis.Promise.By.IsZero() {
		view.By, view.Late, view.Paused = p.Local(vis.Promise.By), vis.Late(now), !vis.Promise.Paused.IsZero()
	}
	view.Holder, view.Why = vis.Holder.Display, capital(vis.Reason.ForDesk())
	for _, f := range ch.Flags {
		view.Flags = append(view.Flags, flag{f.Message, f.Source})
	}
	for _, d := range ch.Derived {
		view.Derived = append(view.Derived, phi.Text(d.Text))
	}
	view.Answers, view.Messages, view.Steps = answerRows(ch.Answers), messages(ch.Messages, v), steps(vis, p)
	if d := ch.Diversion; d != nil {
		view.Diversion = &diversion{Message: d.Message, Phone: d.Phone}
	}
	can := vis.Can(v.Person, now)
	view.CanTake, view.CanAsk = slices.Contains(can, visit.Take), slices.Contains(can, visit.Ask)
	view.CanAnswer, view.CanTurnAway = slices.Contains(can, visit.Answer), slices.Contains(can, visit.Decline)
	view.suggest(ch)
}

// suggest offers the form's diagnoses and the reasons to turn a visit away.
func (view *deskView) suggest(ch chart.Chart) {
	chosen := map[string]bool{}
	for _, c := range view.Typed.Codes {
		chosen[c] = true
	}
	for _, d := range ch.Form.SuggestedDiagnoses() {
		view.Suggested = append(view.Suggested, option{htmlID("dx-" + d.Code), d.Code, d.Display, chosen[d.Code]})
	}
	for _, r := range visit.TurnAwayReasons {
		view.Reasons = append(view.Reasons, option{Value: string(r), Label: capital(r.ForDesk()), Chosen: string(r) == view.Typed.Reason})
	}
}


func (s *site) take(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := s.Desk.Take(r.Context(), v.Caller, r.PathValue("id"))
	return s.afterStep(w, r, v, err, typedAnswer{})
}

func (s *site) ask(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	typed := typedAnswer{Question: post{values: values}.text("question")}
	_, err = s.Desk.Ask(r.Context(), v.Caller, r.PathValue("id"), typed.Question)
	return s.afterStep(w, r, v, err, typed)
}

func (s *site) turnAway(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	typed := typedAnswer{Away: post{values: values}.text("text"), Reason: values.Get("reason"), To: values.Get("to")}
	typed.Errors = map[string]string{}
	if typed.To != string(visit.Declined) && typed.To != string(visit.Redirected) {
		typed.Errors["to"] = "Choose what the patient is told."
	}
	if !slices.Contains(visit.TurnAwayReasons, visit.Reason(typed.Reason)) {
		typed.Errors["reason"] = "Choose a reason."
	}
	if typed.Away.Blank() {
		typed.Errors["away"] = "Tell the patient why, and where to turn."
	}
	if len(typed.Errors) > 0 {
		return s.deskAgain(w, r, v, typed, "", http.StatusUnprocessableEntity)
	}
	_, err = s.Desk.TurnAway(r.Context(), v.Caller, r.PathValue("id"), visit.Status(typed.To), visit.Reason(typed.Reason), typed.Away)
	return s.afterStep(w, r, v, err, typed)
}

// afterStep leads back to the visit, or shows it again with why nothing was done.
func (s *site) afterStep(w http.ResponseWriter, r *http.Request, v visitor, err error, typed typedAnswer) error {
	if err == nil {
		return redirect(w, "/desk/visits/"+r.PathValue("id"))
	}
	code, text, ok := explain(err)
	if f, public := fault.Public(err); public && f.Code == "not_licensed" {
		code, text, ok = http.StatusForbidden, sentence(f.Text), true
	}
	if !ok {
		return err
	}
	return s.deskAgain(w, r, v, typed, text, code)
}

func (s *site) deskAgain(w http.ResponseWriter, r *http.Request, v visitor, typed typedAnswer, alert string, code int) error {
	view := deskView{Typed: typed, Alert: alert}
	for _, at := range answerFields {
		if text, wrong := typed.Errors[at.id]; wrong {
			view.Complaints = append(view.Complaints, complaint{"#" + at.id, at.label, text})
		}
	}
	return s.showDesk(w, r, v, view, code)
}

// answerFields are the fields of the desk's forms in their order, with where
// the clinic says a problem with them is.
var answerFields = []struct{ id, label, where string }{
	{"reply", "Reply to the patient", "/reply"},
	{"diagnoses", "Diagnoses", "/diagnoses"},
	{"no-diagnosis", "Why there is no diagnosis", "/no_diagnosis"},
	{"do", "What to do", "/plan/do"},
	{"warnings", "Warning signs", "/plan/warning_signs"},
	{"follow-up", "Follow-up", "/plan/follow_up"},
	{"minutes", "Your minutes", "/minutes"},
	{"to", "What the patient is told", ""},
	{"reason", "Reason", ""},
	{"away", "Message to the patient", ""},
}

// answer gives the answer. All that is missing or wrong is said at once.
func (s *site) answer(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	p := post{values: values}
	typed := typedAnswer{
		Reply: p.text("reply"), Do: p.text("do"), Warnings: p.text("warnings"), FollowUp: p.text("follow-up"),
		NoDiagnosis: p.text("no-diagnosis"), Other: p.text("other-codes"), Minutes: p.text("minutes").Reveal(), Codes: p.texts("code"),
	}
	words, err := s.suggested(r, v)
	if err != nil {
		return err
	}
	said, bad := typed.conclusion(words)
	if !bad {
		_, err = s.Desk.Answer(r.Context(), v.Caller, r.PathValue("id"), said)
	} else {
		err = fault.New(fault.Invalid, "answer_incomplete", "the answer is not complete", append(said.Problems(),
			fault.Problem{Where: "/minutes", Code: "type", Text: "give your own minutes as a whole number"})...)
	}
	f, public := fault.Public(err)
	if err == nil || !public || len(f.Problems) == 0 {
		return s.afterStep(w, r, v, err, typed)
	}
	typed.Errors = map[string]string{}
	for _, problem := range f.Problems {
		for _, at := range answerFields {
			if at.where != "" && strings.HasPrefix(problem.Where, at.where) && typed.Errors[at.id] == "" {
				typed.Errors[at.id] = sentence(strings.ReplaceAll(problem.Text, "no_diagnosis", "the field below"))
			}
		}
	}
	return s.deskAgain(w, r, v, typed, "", http.StatusUnprocessableEntity)
}

// suggested are the words of the diagnoses that the visit's form offers.
func (s *site) suggested(r *http.Request, v visitor) (map[string]string, error) {
	_, vis, err := s.Office.Visit(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	f, err := s.form(r, vis)
	if err != nil {
		return nil, err
	}
	words := map[string]string{}
	for _, d := range f.SuggestedDiagnoses() {
		words[d.Code] = d.Display
	}
	return words, nil
}

// conclusion reads what was typed. Minutes that are no number are bad.
func (t typedAnswer) conclusion(words map[string]string) (c visit.Conclusion, bad bool) {
	c = visit.Conclusion{
		Reply: t.Reply, NoDiagnosis: t.NoDiagnosis,
		Plan: visit.Plan{Do: t.Do, Warnings: t.Warnings, FollowUp: t.FollowUp},
	}
	between := func(c rune) bool { return c == ',' || c == ';' || unicode.IsSpace(c) }
	for _, code := range append(slices.Clone(t.Codes), strings.FieldsFunc(strings.ToUpper(t.Other.Reveal()), between)...) {
		c.Diagnoses = append(c.Diagnoses, visit.Diagnosis{Code: code, Display: phi.Text(words[code])})
	}
	if t.Minutes == "" {
		return c, false
	}
	n, err := strconv.Atoi(t.Minutes)
	c.Minutes = &n
	return c, err != nil
}

// text is a field's one value, tidied.
func (p post) text(name string) phi.Text {
	if ts := p.texts(name); len(ts) > 0 {
		return phi.Text(ts[0])
	}
	return ""
}
