package web

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/session"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
)

// errKept marks the refusal of a form that was kept.
var errKept = errors.New("the form is kept")

// keepForm keeps a form that was refused with why: its sender is no longer signed
// in. It returns why, joined with errKept if the form is kept.
func (s *site) keepForm(r *http.Request, why error) error {
	_, known := postings[r.Pattern]
	cookie := s.session(r)
	if !known || cookie == "" {
		return why
	}
	values, err := posted(r)
	if err != nil {
		return errors.Join(why, err)
	}
	kept, err := s.sessions.Keep(r.Context(), cookie, session.Form{Path: r.URL.Path, Values: values})
	switch {
	case err != nil && !isSignedOut(err):
		return err
	case kept:
		return errors.Join(why, errKept)
	}
	return why
}

// A posting is a form of our pages that can be kept: what it is to its sender,
// whether it leads to the payment page, the page it is on: its own address,
// or the one above, and where what is typed on that page is kept without sending it;
// empty if nothing can be typed there.
type posting struct {
	what string
	pays bool
	at   string
	keep string
}

const (
	itself = "."
	above  = ".."
	beside = "../keep"
	below  = "keep"
)

// postings are the forms that are kept, by the pattern of the route they are
// posted to.
var postings = map[string]posting{
	"POST /my/visits":                       {what: "Start a request", at: above},
	"POST /my/visits/{id}/form/{page}":      {what: "Your answers on one page of a request", at: itself, keep: itself},
	"POST /my/visits/{id}/ending":           {what: "Confirm an answer that ends the request", at: itself},
	"POST /my/visits/{id}/submit":           {what: "Send the request", pays: true, at: above},
	"POST /my/visits/{id}/pay":              {what: "Pay for the request", pays: true, at: above, keep: beside},
	"POST /my/visits/{id}/cancel":           {what: "Cancel the request", at: above, keep: beside},
	"POST /my/visits/{id}/delete":           {what: "Delete the request", at: itself},
	"POST /my/visits/{id}/again":            {what: "Send the request again", at: above, keep: beside},
	"POST /my/visits/{id}/messages":         {what: "Your message", at: above, keep: beside},
	"POST /my/visits/{id}/number":           {what: "The number to call you at", at: above, keep: beside},
	"POST /my/visits/{id}/acknowledge":      {what: "Confirm that you have read it", at: above, keep: beside},
	"POST /my/visits/{id}/keep":             {what: "What you wrote on the page of a request", at: above, keep: itself},
	"POST /desk/work/{id}/end":              {what: "Something that you have done", at: above + "/" + above},
	"POST /desk/visits/{id}/take":           {what: "Take the visit", at: above},
	"POST /desk/visits/{id}/release":        {what: "Give the visit back", at: above, keep: beside},
	"POST /desk/visits/{id}/hand-over":      {what: "Hand the visit over", at: itself, keep: below},
	"POST /desk/visits/{id}/hand-over/keep": {what: "Your note to a colleague", at: above, keep: itself},
	"POST /desk/visits/{id}/take-over":      {what: "Take the visit over", at: itself, keep: below},
	"POST /desk/visits/{id}/take-over/keep": {what: "Why you take a visit over", at: above, keep: itself},
	"POST /desk/visits/{id}/ask":            {what: "Your question to the patient", at: above, keep: beside},
	"POST /desk/visits/{id}/answer":         {what: "Your answer to the patient", at: above, keep: beside},
	"POST /desk/visits/{id}/turn-away":      {what: "End the visit without an answer", at: above, keep: beside},
	"POST /desk/visits/{id}/keep":           {what: "What you wrote on the page of a visit", at: above, keep: itself},
}

type keptView struct {
	Forms []keptForm
	Home  string
}

type keptForm struct {
	ID, What, When, Machine, Until, Page string
	Rows                                 []answerRow
}

// keptForms shows what the visitor posted after a session of theirs had ended.
func (s *site) keptForms(w http.ResponseWriter, r *http.Request, v visitor) error {
	forms, err := s.sessions.Forms(r.Context(), v.Proof)
	if err != nil {
		return err
	}
	p := page{view: "kept", title: "What you wrote is kept"}
	view := keptView{Home: home(v.Person)}
	for _, f := range forms {
		sent := postRequest(r, f)
		_, pattern := s.mux.Handler(sent)
		known := postings[pattern]
		p.pays = p.pays || known.pays
		view.Forms = append(view.Forms, keptForm{
			ID: f.ID, What: known.what, Page: path.Join(f.Path, known.at), When: v.practice.Local(f.At), Machine: f.At.Format(time.RFC3339),
			Until: v.practice.Local(f.At.Add(clinic.KeptLife)), Rows: s.keptRows(r, v, f),
		})
	}
	p.data = view
	return s.show(w, &v, p)
}

// sendKept sends a kept form as if it was posted now, or throws it away. It stays
// kept if it was not judged at all, because of a failure of ours.
func (s *site) sendKept(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	f, err := s.sessions.Form(r.Context(), v.Proof, r.PathValue("id"))
	if err != nil {
		return err
	}
	if values.Get("do") == "drop" {
		if err := s.sessions.Drop(r.Context(), v.Proof, f.ID); err != nil {
			return err
		}
		return redirect(w, "/kept")
	}
	f.Values.Del(pressField) // where the button led then, such as signing out
	answer := &statusOf{ResponseWriter: w, code: http.StatusOK}
	s.mux.ServeHTTP(answer, postRequest(r, f))
	if !settles(answer.code) {
		return nil
	}
	if err := s.sessions.Drop(r.Context(), v.Proof, f.ID); err != nil { // it is shown again, and sending it again does no harm
		s.Log.ErrorContext(r.Context(), "sent form still kept", "err", err)
	}
	return nil
}

// settles reports whether a form that was answered with code need not be kept: it
// was carried out, or what was written is on the page that says why not.
func settles(code int) bool {
	return code < http.StatusBadRequest || code == http.StatusConflict || code == http.StatusUnprocessableEntity
}

// postRequest returns the request that posts f, by the sender of r.
func postRequest(r *http.Request, f session.Form) *http.Request {
	body := f.Values.Encode()
	sent := r.Clone(r.Context())
	sent.Method, sent.URL, sent.RequestURI = http.MethodPost, &url.URL{Path: f.Path}, f.Path
	sent.Form, sent.PostForm = nil, nil
	sent.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sent.Body, sent.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return sent
}

// A statusOf notes the status of an answer.
type statusOf struct {
	http.ResponseWriter
	code int
}

func (w *statusOf) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// keptRows lists what was written in a form: the fields of the desk and the
// message by their labels, answers by their questions.
func (s *site) keptRows(r *http.Request, v visitor, f session.Form) []answerRow {
	var questions *intake.Form
	if rest, ok := strings.CutPrefix(f.Path, "/my/visits/"); ok && strings.Contains(rest, "/form/") {
		id, _, _ := strings.Cut(rest, "/")
		if d, err := s.Request.Draft(r.Context(), v.Caller, id); err == nil {
			questions = d.Form
		}
	}
	var rows []answerRow
	for _, name := range fieldOrder(f.Values) {
		label, options := labelOf(name, questions)
		row := answerRow{Question: label}
		for _, text := range f.Values[name] {
			if i := slices.IndexFunc(options, func(o intake.Option) bool { return o.Code == text }); i >= 0 {
				text = options[i].Display
			}
			if text != "" {
				row.Answers = append(row.Answers, phi.Text(text))
			}
		}
		if label != "" && len(row.Answers) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// keptLabels are the labels of fields that are no question of a form, in the
// order of their pages.
var keptLabels = []struct{ name, label string }{
	{"question", "Your question"},
	{"reply", "Reply to the patient"},
	{"code", "Diagnoses"},
	{"other-codes", "Other ICD-10-CM codes"},
	{"no-diagnosis", "Why there is no diagnosis"},
	{"do", "What the patient should do"},
	{"warnings", "Warning signs"},
	{"follow-up", "Follow-up"},
	{"minutes", "Your own minutes"},
	{"fee", "A lower fee"},
	{"fee-reason", "Why the fee is lower"},
	{"to", "What the patient is told"},
	{"reason", "Reason"},
	{"text", "Message"},
	{"number", "Number to call"},
}

// fieldOrder lists the fields of a form: those with labels of ours first.
func fieldOrder(values url.Values) []string {
	rank := func(name string) int {
		for n, l := range keptLabels {
			if l.name == name {
				return n
			}
		}
		return len(keptLabels)
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if n := rank(a) - rank(b); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	return names
}

// labelOf returns what a field is called, and what may be chosen in it; empty for
// a field that nobody fills in.
func labelOf(name string, questions *intake.Form) (string, []intake.Option) {
	for _, l := range keptLabels {
		if l.name == name {
			return l.label, nil
		}
	}
	if questions == nil {
		return "", nil
	}
	name, _, _ = strings.Cut(name, "@")
	item, ok := questions.Item(strings.TrimSuffix(name, "~"))
	if !ok {
		return "", nil
	}
	return item.Text, item.Options
}
