package web

import (
	"net/http"
	"slices"
	"time"

	"evisit/pkg/clinic/session"
	"evisit/pkg/identity"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// The forms with which a visit changes hands, as nobody has filled them in yet.
var (
	handOverForm = []field{
		{Kind: "select", ID: "colleague", Name: "colleague", Label: "Colleague", Required: true},
		{
			Kind: "area", ID: "note", Name: "note", Label: "What your colleague should know", Required: true,
			Help: []string{"Colleagues read it in the chart. The patient is never shown it."},
		},
	}
	takeOverForm = []field{{
		Kind: "area", ID: "note", Name: "note", Label: "Why you take it over", Required: true,
		Help: []string{"Colleagues read it in the chart, and the one who has the visit is told. The patient is never shown it."},
	}}
)

// passPlaces are where the clinic says that a problem with a field of those forms is.
var passPlaces = map[string]string{"/to": "colleague", "/text": "note"}

type passView struct {
	Visit, Heading, Form, Button string
	At                           string // where the form is sent
	Holder                       visit.Holder
	Complaints                   []complaint
	Fields                       []field
	Nobody                       bool // there is nobody to hand the visit to; then Fields are only there for what was typed
	Kept, Back                   bool // what was typed is kept and not sent; it is back in the form
}

// release gives a visit back to its pool. What was typed to answer it is kept.
func (s *site) release(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	_, err = s.Desk.Release(r.Context(), v.Caller, r.PathValue("id"))
	return s.afterStep(w, r, v, err, newSentForm(values, nil), nil)
}

func (s *site) handOverPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showHandOver(w, r, v, sentForm{}, "", http.StatusOK)
}

func (s *site) takeOverPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showTakeOver(w, r, v, sentForm{}, "", http.StatusOK)
}

func (s *site) handOver(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	f := newSentForm(values, passPlaces)
	if values.Get("colleague") == "" {
		f.wrong["colleague"] = "Choose a colleague."
		return s.showHandOver(w, r, v, f, "", http.StatusUnprocessableEntity)
	}
	_, err = s.Desk.HandOver(r.Context(), v.Caller, r.PathValue("id"), values.Get("colleague"), f.text("note"))
	return s.afterPass(w, r, v, err, f, s.showHandOver)
}

func (s *site) takeOver(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	f := newSentForm(values, passPlaces)
	_, err = s.Desk.TakeOver(r.Context(), v.Caller, r.PathValue("id"), values.Get("from"), f.text("note"))
	return s.afterPass(w, r, v, err, f, s.showTakeOver)
}

type showPass func(http.ResponseWriter, *http.Request, visitor, sentForm, string, int) error

// afterPass leads to the visit, which has changed hands, or shows the form f again and
// why it has not.
func (s *site) afterPass(w http.ResponseWriter, r *http.Request, v visitor, err error, f sentForm, show showPass) error {
	if err == nil {
		if err := s.keepRest(r, v, r.URL.Path, f.values, namesOf(handOverForm)...); err != nil {
			return err
		}
		return redirect(w, deskPath(r.PathValue("id")))
	}
	code, text, ok := f.refuse(err)
	if !ok {
		return err
	}
	return show(w, r, v, f, text, code)
}

func (s *site) showHandOver(w http.ResponseWriter, r *http.Request, v visitor, was sentForm, alert string, code int) error {
	v.keptFor(was, r.URL.Path)
	vis, colleagues, err := s.Desk.Colleagues(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	form := slices.Clone(handOverForm)
	for _, p := range colleagues {
		form[0].Options = append(form[0].Options, option{Value: p.ID, Label: p.Display})
	}
	view := passView{Heading: "Hand this visit over", Button: "Hand it over", Nobody: len(colleagues) == 0}
	return s.showPass(w, r, v, vis, visit.HandOver, form, view, was, alert, code)
}

func (s *site) showTakeOver(w http.ResponseWriter, r *http.Request, v visitor, was sentForm, alert string, code int) error {
	v.keptFor(was, r.URL.Path)
	_, vis, err := s.Kernel.LoadVisit(r.Context(), v.Caller, identity.TakeOverVisit, r.PathValue("id"))
	if err != nil {
		return err
	}
	view := passView{Heading: "Take this visit over", Button: "Take it over"}
	return s.showPass(w, r, v, vis, visit.TakeOver, takeOverForm, view, was, alert, code)
}

// keptFor has what loads the visit read what is kept of the page at path, unless the
// form was sent just now.
func (v *visitor) keptFor(was sentForm, path string) {
	if was.values == nil {
		v.Kept = session.UnsentOf(v.Proof, path)
	}
}

// showPass shows the form with which a visit changes hands; none where there is nobody to
// hand it to and nothing was typed. A visitor who cannot do that any more is led to the
// visit, which shows why.
func (s *site) showPass(w http.ResponseWriter, r *http.Request, v visitor, vis visit.Visit, do visit.Action, form []field, view passView, was sentForm, alert string, code int) error {
	if !slices.Contains(vis.Can(v.Person, s.Now()), do) && was.values == nil {
		return redirect(w, deskPath(vis.ID))
	}
	if v.Kept != nil {
		f, err := s.sessions.Unsent(r.Context(), *v.Kept)
		if err != nil {
			return err
		}
		if was.values, view.Back = f.Values, len(f.Values) > 0; view.Back {
			was.values.Set(keptField, "1")
		}
	}
	title, err := s.title(r, vis)
	if err != nil {
		return err
	}
	view.Visit, view.Form, view.At, view.Holder = vis.ID, title, r.URL.Path, vis.Holder
	if view.Kept = was.values.Get(keptField) != ""; !view.Nobody || was.values != nil {
		view.Fields = was.fill(form)
	}
	view.Complaints = append(aboutPage(alert), complaints(view.Fields)...)
	return s.show(w, &v, page{
		view: "pass", title: errorTitle(view.Heading, view.Complaints), data: view, code: code,
		keeps: len(view.Fields) > 0, enter: enter{Text: "Keep what you wrote"},
	})
}

// notes are what colleagues told each other when the visit changed hands.
func notes(written []record.Note, v visitor) []message {
	var all []message
	for _, n := range written {
		all = append(all, message{
			Who: n.By.Display, When: v.practice.Local(n.At), Machine: n.At.Format(time.RFC3339), Kind: noteWords(n), Text: n.Text,
		})
	}
	return all
}

func noteWords(n record.Note) string {
	if n.Kind == record.TakeOver {
		return "Taken over from " + n.From.Display
	}
	return "Handed over to " + n.To.Display
}
