package web

import (
	"context"
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
	_, area, known := keptOf(r.Pattern)
	cookie := s.session(r)
	if !known || cookie == "" {
		return why
	}
	values, err := posted(r)
	if err != nil {
		return errors.Join(why, err)
	}
	kept, err := s.sessions.Keep(r.Context(), cookie, session.Form{Area: area, Path: r.URL.Path, Values: values})
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
	"POST /my/membership/{patient}":         {what: "Become a member", pays: true, at: itself},
	"POST /my/membership/{patient}/cancel":  {what: "Cancel the membership", at: above},
	"POST /my/membership/{patient}/resume":  {what: "Go on with the membership", at: above},
	"POST /my/visits/{id}/keep":             {what: "What you wrote on the page of a request", at: above, keep: itself},
	"POST /desk/work/{id}/end":              {what: "Something that you have done", at: above + "/" + above},
	"POST /desk/visits/{id}/claim":          {what: "Record that a health plan was billed", at: itself},
	"POST /desk/visits/{id}/refund":         {what: "Refund a payment", at: itself},
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

// managed are the forms that are kept of the pages of function registry. A file is not.
var managed = map[string]posting{
	"POST /manage/forms":                                  {what: "A form of the practice", at: itself},
	"POST /manage/forms/{name}/adopt":                     {what: "Adopt a form of the library", at: above + "/" + above},
	"POST /manage/forms/{name}/approve":                   {what: "Approve a form", at: above},
	"POST /manage/forms/{name}/publish":                   {what: "Publish a form", at: above},
	"POST /manage/forms/{name}/offer":                     {what: "Offer a form, or retire it", at: above + "/" + above},
	"POST /manage/settings":                               {what: "What patients are offered", at: itself},
	"POST /manage/settings/withdraw":                      {what: "Take back what was to begin", at: above},
	"POST /manage/settings/consent":                       {what: "What a patient agrees to", at: above},
	"POST /manage/settings/readers":                       {what: "Who reads requests", at: above},
	"POST /manage/account":                                {what: "Connect an account at Stripe", at: above + "/settings"},
	"POST /manage/membership":                             {what: "The yearly membership", at: itself},
	"POST /manage/membership/versions/{version}/withdraw": {what: "Take back terms of the membership", at: above + "/" + above + "/" + above},
	"POST /manage/membership/close":                       {what: "Sell no memberships any more", at: above},
	"POST /manage/contracts":                              {what: "Contracts with payers", at: itself},
	"POST /manage/contracts/{contract}/remove":            {what: "Remove a contract with a payer", at: above + "/" + above},
	"POST /manage/people/invite":                          {what: "Invite somebody to work here", at: itself},
	"POST /manage/people/{person}":                        {what: "Change what somebody does here", at: itself},
	"POST /manage/people/{person}/deactivate":             {what: "Take somebody's access away", at: above},
	"POST /manage/people/{person}/reactivate":             {what: "Give somebody their access back", at: above},
	"POST /manage/invitations/{invitation}/revoke":        {what: "Take back an invitation", at: above + "/" + above + "/" + above + "/people"},
	"POST /manage/practices":                              {what: "Register a practice", at: itself},
	"POST /manage/practices/{practice}":                   {what: "Change a practice", at: itself},
	"POST /manage/practices/{practice}/suspend":           {what: "Suspend a practice", at: above},
	"POST /manage/practices/{practice}/resume":            {what: "Let a practice begin again", at: above},
	"POST /manage/practices/{practice}/invite":            {what: "Invite an administrator", at: itself},
	"POST /manage/patients/{patient}":                     {what: "How a patient stands", at: itself},
	"POST /manage/patients/{patient}/verify":              {what: "Match a patient with the records", at: above},
	"POST /manage/patients/{patient}/invite":              {what: "Invite a patient to sign in", at: above},
	"POST /manage/patients/{patient}/discount":            {what: "Give a patient a discount", at: itself},
	"POST /manage/patients/{patient}/discount/end":        {what: "Take a patient's discount back", at: above},
	"POST /manage/patients/{patient}/doubles":             {what: "Two records of one person", at: itself},
	"POST /manage/payers":                                 {what: "Register a payer", at: itself},
	"POST /manage/payers/{payer}":                         {what: "Change a payer", at: itself},
	"POST /manage/payers/{payer}/end":                     {what: "End a payer", at: above},
	"POST /manage/payers/{payer}/resume":                  {what: "Resume a payer", at: above},
	"POST /coverages/{patient}":                           {what: "A health plan", at: itself},
	"POST /coverages/{patient}/order":                     {what: "Which health plan pays first", at: itself},
	"POST /coverages/{patient}/{coverage}":                {what: "Change a health plan", at: itself},
	"POST /coverages/{patient}/{coverage}/end":            {what: "End a health plan", at: itself},
	"POST /coverages/{patient}/{coverage}/check":          {what: "Check a health plan", at: above},

	"POST /caregivers/{patient}":                                                 {what: "Have somebody act for you", at: itself},
	"POST /caregivers/{patient}/{person}/end":                                    {what: "End that somebody acts for you", at: above + "/" + above},
	"POST /caregivers/{patient}/invitations/{invitation}/revoke":                 {what: "Take back an invitation", at: above + "/" + above + "/" + above},
	"POST /manage/patients/{patient}/caregivers":                                 {what: "Have somebody act for a patient", at: itself},
	"POST /manage/patients/{patient}/caregivers/{person}/end":                    {what: "End that somebody acts for a patient", at: above + "/" + above},
	"POST /manage/patients/{patient}/caregivers/invitations/{invitation}/revoke": {what: "Take back an invitation", at: above + "/" + above + "/" + above},
}

// keptOf returns the form that is kept of what is posted to the route of a pattern, and the
// area it is kept in; false if none is.
func keptOf(pattern string) (posting, session.Area, bool) {
	if p, ok := managed[pattern]; ok {
		return p, session.Management, true
	}
	p, ok := postings[pattern]
	return p, session.Visits, ok
}

// The pages on which what is kept is offered again, of each area.
const (
	keptPath        = "/kept"
	managedKeptPath = "/manage/kept"
)

// keptFor is the page that one who has signed in is led to: of requests and the desk before
// the practice's; empty if nothing of theirs is kept.
func (s *site) keptFor(ctx context.Context, p clinic.Proof) (string, error) {
	forms, err := s.sessions.Forms(ctx, session.Visits, p)
	if err != nil || len(forms) > 0 {
		return keptPath, err
	}
	if forms, err = s.sessions.Forms(ctx, session.Management, p); err != nil || len(forms) > 0 {
		return managedKeptPath, err
	}
	return "", nil
}

type keptView struct {
	Forms []keptForm
	Home  string
	More  string // the page of what else is kept; empty if nothing is
	At    string // where they are sent
}

type keptForm struct {
	ID, What, When, Machine, Until, Page string
	Rows                                 []answerRow
}

// keptForms shows what the visitor posted to requests and the desk after a session of
// theirs had ended, and whether something is kept of the practice's pages.
func (s *site) keptForms(w http.ResponseWriter, r *http.Request, v visitor) error {
	more, err := s.sessions.Forms(r.Context(), session.Management, v.Proof)
	if err != nil {
		return err
	}
	view := keptView{At: keptPath}
	if len(more) > 0 {
		view.More = managedKeptPath
	}
	return s.showKept(w, r, v, session.Visits, view)
}

// keptManaged shows what the visitor posted to the practice's pages, likewise.
func (s *site) keptManaged(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showKept(w, r, v, session.Management, keptView{At: managedKeptPath})
}

func (s *site) showKept(w http.ResponseWriter, r *http.Request, v visitor, area session.Area, view keptView) error {
	forms, err := s.sessions.Forms(r.Context(), area, v.Proof)
	if err != nil {
		return err
	}
	p := page{view: "kept", title: "What you wrote is kept"}
	view.Home = home(v.Person)
	for _, f := range forms {
		sent := postRequest(r, f)
		_, pattern := s.mux.Handler(sent)
		known, _, _ := keptOf(pattern)
		p.pays = p.pays || known.pays
		view.Forms = append(view.Forms, keptForm{
			ID: f.ID, What: known.what, Page: path.Join(f.Path, known.at), When: v.practice.Local(f.At), Machine: f.At.Format(time.RFC3339),
			Until: v.practice.Local(f.At.Add(clinic.KeptLife)), Rows: s.keptRows(r, v, f),
		})
	}
	p.data = view
	return s.show(w, &v, p)
}

// sendKept sends a kept form of requests or the desk.
func (s *site) sendKept(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.sendOrDrop(w, r, v, session.Visits, keptPath)
}

// sendManaged sends a kept form of the practice's pages.
func (s *site) sendManaged(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.sendOrDrop(w, r, v, session.Management, managedKeptPath)
}

// sendOrDrop sends a kept form as if it was posted now, or throws it away, which leads back
// to the page at. It stays kept if it was not judged at all, because of a failure of ours.
func (s *site) sendOrDrop(w http.ResponseWriter, r *http.Request, v visitor, area session.Area, at string) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	f, err := s.sessions.Form(r.Context(), area, v.Proof, r.PathValue("id"))
	if err != nil {
		return err
	}
	if values.Get("do") == "drop" {
		if err := s.sessions.Drop(r.Context(), area, v.Proof, f.ID); err != nil {
			return err
		}
		return redirect(w, at)
	}
	f.Values.Del(pressField) // where the button led then, such as signing out
	answer := &statusOf{ResponseWriter: w, code: http.StatusOK}
	s.mux.ServeHTTP(answer, postRequest(r, f))
	if !settles(answer.code) {
		return nil
	}
	if err := s.sessions.Drop(r.Context(), area, v.Proof, f.ID); err != nil { // it is shown again, and sending it again does no harm
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
		if f.Area == session.Management {
			label, options = managedLabel(name), nil
		}
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

// managedLabels are what the fields of the practice's pages are called; a page may say more.
var managedLabels = map[string]string{
	"account": "Connected account at Stripe", "act-from": "Age from which they act for themselves", "address": "Electronic address",
	"answer": "An answer is promised within, in hours", "billing": "Billing class", "birth": "Date of birth", "city": "City", "copay": "The patient's share, in dollars", "ein": "EIN",
	"email": "E-mail address", spanish: "The same in Spanish", "examples": "Examples", "filing": "Kind of insurance", "first": "First name",
	"from": "From which day on", "give-up": "A late request expires after, in hours", "group": "Group number", "id": "Id", "inbox": "Address of letters",
	"last": "Last name", "licenses": "Licenses", "line": "Street and number", "line2": "Suite, floor", "member": "Member number",
	"minors": "Patients under 18", "name": "Name", "npi": "NPI", "own-from": "Age from which a parent does not read what they sent",
	"payer": "Health plan", "phone": "Phone", "plan": "Its name, as the card has it", "priority": "Which plan pays first?",
	"questionnaire": "FHIR R4 Questionnaire", "readers": "Who reads requests", "reason": "Why", "relation": "Whose insurance is it?", "roles": "What they do",
	"scope": "What they may do", "sex": "Sex", "standing": "Online requests of this patient", "state": "State", "states": "States served",
	"taxonomy": "Taxonomy code", "text": "What a patient agrees to", "title": "Title for patients", "topics": "Taken by phone only",
	"until": "Last day", "url": "Canonical url", "value_sets": "ValueSets and CodeSystems", "version": "Version", "why": "Why", "zip": "ZIP code", "zone": "Time zone",
}

// managedLabel is what a field of the practice's pages is called; empty for one that nobody
// fills in.
func managedLabel(name string) string {
	if form, ok := strings.CutPrefix(name, priceField); ok {
		return "Price of " + form + ", in dollars"
	}
	return managedLabels[name]
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
