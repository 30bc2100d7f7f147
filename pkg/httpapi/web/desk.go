package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/session"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/record"
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
			Href: deskPath(vis.ID), Title: title, Status: deskWords(vis.Status), By: v.practice.Local(vis.Promise.By),
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
	Number            string // by which the patient calls it
	ID, Title, Status string
	Complaints        []complaint
	Patient           patientView
	State, By, Holder string
	CallToday         phi.Text // the number that the patient gave with the request
	Why               string   // why it ended
	Late, Paused      bool
	Flags             []flag
	Derived           []phi.Text
	Restricted        bool        // no health plan may be told of the visit
	Answers           []answerRow // those that tell something first
	Folded            []answerRow // the rest
	Messages          []message
	Diversion         *diversion
	Answer            *answered
	CanTake           bool
	CanTakeOver       bool
	CanRelease        bool
	CanHandOver       bool
	Notes             []message // of colleagues
	// The forms to ask, to answer, and to end the visit without an answer; none of
	// those that the visitor cannot send.
	Ask, Give, Away []field
	AwayOpen        bool    // something is written in Away, or it has a mistake
	Strays          []stray // what was written in a form that is no longer there
	Kept            bool    // something typed is kept, and not sent
	Back            bool    // it is back in the forms
	Steps           []step
	Refund          string // address of the page on which the visitor can refund a payment; empty: nothing can be
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

func (s *site) deskVisit(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showDesk(w, r, v, sentForm{}, "", http.StatusOK)
}

// showDesk shows a visit to those who answer it. was is a form that was refused, and
// alert why, if that is not beside its fields.
func (s *site) showDesk(w http.ResponseWriter, r *http.Request, v visitor, was sentForm, alert string, code int) error {
	id := r.PathValue("id")
	if !v.Person.Works() {
		return redirect(w, myPath(id))
	}
	if was.values == nil {
		v.Kept = session.UnsentOf(v.Proof, deskPath(id))
	}
	shown, err := s.Desk.Show(r.Context(), v.Caller, id)
	if errors.Is(err, fault.Denied) && v.Person.Has(identity.Admin) {
		return s.toRefund(w, r, v, err)
	}
	if err != nil {
		return err
	}
	zone, err := v.practice.Location()
	if err != nil {
		return err
	}
	back := false
	if v.Kept != nil {
		f, err := s.sessions.Unsent(r.Context(), *v.Kept)
		if err != nil {
			return err
		}
		if was.values, back = f.Values, len(f.Values) > 0; back {
			was.values.Set(keptField, "1")
		}
	}
	view := deskView{Answer: answerOf(shown.Answer), Complaints: aboutPage(alert), Back: back}
	view.fill(v, shown.Chart, s.Now(), zone)
	view.setForms(shown.Chart, was, shown.Chart.Visit.Can(v.Person, s.Now()), v.Person.Kind)
	if may, err := s.Office.MayRefund(r.Context(), shown.Caller, shown.Chart.Visit); err != nil {
		return err
	} else if may {
		view.Refund = refundPath(id)
	}
	return s.show(w, &v, page{
		view: "desk", title: errorTitle(view.Title, view.Complaints), data: view, code: code,
		keeps: view.Keeps(), enter: enter{Text: "Keep what you wrote"}, // sending is not undone, so Enter does not
	})
}

// deskPath is where a visit is answered.
func deskPath(visit string) string { return "/desk/visits/" + url.PathEscape(visit) }

func (view *deskView) fill(v visitor, ch chart.Chart, now time.Time, zone *time.Location) {
	vis, p := ch.Visit, v.practice
	view.ID, view.Title, view.Number, view.Status, view.State = vis.ID, ch.Form.Title(), vis.Number(), deskWords(vis.Status), vis.State
	view.Patient = patientView{Name: ch.Contact.Name, Phone: ch.Contact.Phone, Sex: ch.Contact.Sex}
	if !ch.Contact.Birth.IsZero() {
		view.Patient.Born = ch.Contact.Birth.Format("2 January 2006")
		view.Patient.Age = intake.Age(ch.Contact.Birth, now, zone)
	}
	if !vis.Promise.By.IsZero() {
		view.By, view.Late, view.Paused = p.Local(vis.Promise.By), vis.Late(now), !vis.Promise.Paused.IsZero()
	}
	if ch.Diversion.Contact() == nil { // else the number is beside the diversion
		view.CallToday = record.CallNumber(ch.Answers, ch.Diversion)
	}
	view.Restricted = vis.Quote.Restricted
	view.Holder, view.Why = vis.Holder.Display, capital(vis.Reason.ForDesk())
	for _, f := range ch.Flags {
		view.Flags = append(view.Flags, flag{f.Message, f.Source})
	}
	for _, d := range ch.Derived {
		view.Derived = append(view.Derived, phi.Text(d.Text))
	}
	view.setAnswers(ch)
	view.Messages, view.Notes, view.Steps = messages(ch.Messages, v), notes(ch.Notes, v), steps(vis, p)
	if d := ch.Diversion; d != nil {
		view.Diversion = &diversion{Message: d.Message, Phone: d.Phone}
		if to := d.Contact(); to != nil {
			view.Diversion.Call = &call{Number: ch.Number}
		}
	}
}

// setAnswers lists what the patient answered. What was answered with no, and statements
// that every request confirms, are folded away: they are most of a form.
func (view *deskView) setAnswers(ch chart.Chart) {
	for n, row := range answerRows(ch.Answers) {
		it, known := ch.Form.Item(ch.Answers[n].LinkID)
		no := len(row.Answers) == 1 && row.Answers[0] == "No" && known && it.Type == intake.BooleanQ
		if no || known && (it.Statement || it.LinkID == intake.FeeItem || it.LinkID == intake.ConsentItem) {
			view.Folded = append(view.Folded, row)
			continue
		}
		view.Answers = append(view.Answers, row)
	}
}

func (s *site) take(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := s.Desk.Take(r.Context(), v.Caller, r.PathValue("id"))
	return s.afterStep(w, r, v, err, sentForm{}, nil)
}

func (s *site) ask(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	f := newSentForm(values, askPlaces)
	_, err = s.Desk.Ask(r.Context(), v.Caller, r.PathValue("id"), f.text("question"))
	return s.afterStep(w, r, v, err, f, askForm)
}

func (s *site) turnAway(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	f := newSentForm(values, awayPlaces)
	if f.checkAway(); len(f.wrong) > 0 {
		return s.showDesk(w, r, v, f, "", http.StatusUnprocessableEntity)
	}
	to, why := visit.Status(values.Get("to")), visit.Reason(values.Get("reason"))
	_, err = s.Desk.TurnAway(r.Context(), v.Caller, r.PathValue("id"), to, why, f.text("text"))
	return s.afterStep(w, r, v, err, f, awayForm)
}

// answer gives the answer. All that is missing or wrong is said at once.
func (s *site) answer(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	words, err := s.suggested(r, v)
	if err != nil {
		return err
	}
	f := newSentForm(values, answerPlaces)
	said, wrong := f.conclusion(words)
	if wrong == nil {
		_, err = s.Desk.Answer(r.Context(), v.Caller, r.PathValue("id"), said)
	} else {
		err = fault.New(fault.Invalid, "answer_incomplete", "the answer is not complete", append(said.Problems(), wrong...)...)
	}
	return s.afterStep(w, r, v, err, f, answerForm)
}

// afterStep leads back to the visit, of which form was sent in f, or shows it again with f
// as it was sent and why nothing was done.
func (s *site) afterStep(w http.ResponseWriter, r *http.Request, v visitor, err error, f sentForm, form []field) error {
	if err == nil {
		at := deskPath(r.PathValue("id"))
		if err := s.keepRest(r, v, at, f.values, namesOf(form)...); err != nil {
			return err
		}
		return redirect(w, at)
	}
	code, text, ok := f.refuse(err)
	if !ok {
		return err
	}
	return s.showDesk(w, r, v, f, text, code)
}

// refuse notes in s what is wrong with its fields because of err, and returns what its page
// says of err at its top: what is beside no field. It reports false for an err that is not
// about what was asked.
func (s *sentForm) refuse(err error) (code int, text string, ok bool) {
	code, text, ok = explain(err)
	if public, is := fault.Public(err); is && public.Code == "not_licensed" {
		code, text, ok = http.StatusForbidden, sentence(public.Text), true
	}
	var rest []string
	if s.wrong, rest = mistakes(err, s.places); len(s.wrong) > 0 {
		text = ""
	}
	return code, strings.TrimSpace(text + " " + strings.Join(rest, " ")), ok
}

// suggested are the words of the diagnoses that the visit's form offers.
func (s *site) suggested(r *http.Request, v visitor) (map[string]string, error) {
	_, vis, err := s.Kernel.LoadVisit(r.Context(), v.Caller, identity.TreatVisit, r.PathValue("id"))
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

// text is a field's one value, tidied.
func (p post) text(name string) phi.Text {
	if ts := p.texts(name); len(ts) > 0 {
		return phi.Text(ts[0])
	}
	return ""
}
