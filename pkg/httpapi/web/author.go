package web

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/clinic/author"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
	"evisit/pkg/protocol"
)

// authoring are the pages on which a practice makes its forms.
func (s *site) authoring() []route {
	return []route{
		{"GET /manage/forms", s.as(s.formsPage)},
		{"POST /manage/forms", s.as(s.handIn)},
		{"POST /manage/forms/{name}/adopt", s.as(s.adopt)},
		{"GET /manage/forms/{name}", s.as(s.draftPage)},
		{"POST /manage/forms/{name}/approve", s.as(s.approve)},
		{"POST /manage/forms/{name}/publish", s.as(s.publish)},
		{"POST /manage/forms/{name}/offer", s.as(s.offer)},
		{"GET /manage/forms/{name}/compare", s.as(s.comparePage)},
		{"GET /manage/forms/{name}/preview/{version}", s.as(s.previewPage)},
		{"POST /manage/forms/{name}/preview/{version}/{page}", s.as(s.previewNext)},
	}
}

const formsAt = "/manage/forms"

func formAt(name string) string { return formsAt + "/" + url.PathEscape(name) }

type formsView struct {
	Complaints []complaint
	Source     []field // of a questionnaire that is handed in
	About      []field // what it does not say itself
	AboutOpen  bool
	Forms      []formRow
	Library    []formRow
}

// A formRow is a form of the practice, or a protocol of the library.
type formRow struct{ Name, Title, At, State string }

// formsPage lists what the practice offers, what it is writing, and what it may begin
// with.
func (s *site) formsPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showForms(w, r, v, sentForm{}, "", http.StatusOK)
}

// showForms shows the practice's forms. was is a questionnaire that was refused, and alert
// what is wrong with the whole.
func (s *site) showForms(w http.ResponseWriter, r *http.Request, v visitor, was sentForm, alert string, code int) error {
	versions, p, err := s.Author.Versions(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	drafts, err := s.Author.Drafts(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	protocols, err := s.Author.Protocols(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	view := formsView{Source: was.fillSource(sourceForm), About: was.fillSource(aboutForm)}
	view.AboutOpen = len(typed(was.values, namesOf(aboutForm))) > 0 || len(complaints(view.About)) > 0
	view.Complaints = append(aboutPage(alert), complaints(slices.Concat(view.Source, view.About))...)
	var names []string
	for _, version := range versions {
		names = append(names, version.Name)
	}
	for _, d := range drafts {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		view.Forms = append(view.Forms, formRow{Name: name, At: formAt(name), State: stateOfForm(name, p, drafts)})
	}
	for _, f := range protocols {
		view.Library = append(view.Library, formRow{Name: f.Name(), Title: f.Title(), At: formAt(f.Name()), State: f.Version()})
	}
	return s.show(w, &v, page{view: "forms", title: errorTitle("Forms", view.Complaints), data: view, code: code})
}

func stateOfForm(name string, p practice.Practice, drafts []protocol.Draft) string {
	state := "Not offered"
	if version := p.Forms[name]; version != "" {
		state = "Patients begin on version " + version
	}
	for _, d := range drafts {
		switch {
		case d.Name != name || d.Published != nil:
		case d.Approved != nil:
			state += "; a draft is approved"
		default:
			state += "; a draft waits for approval"
		}
	}
	return state
}

// What an author hands in, as nobody has filled it in yet.
var (
	sourceForm = []field{
		{Kind: "area", ID: "questionnaire", Name: "questionnaire", Label: "FHIR R4 Questionnaire", Lines: 12, Required: true},
		{
			Kind: "area", ID: "examples", Name: "examples", Label: "Examples", Lines: 8,
			Help: []string{"For every rule answers that fire it, a near miss, and one in which each condition decides."},
		},
	}
	aboutForm = []field{
		{Kind: "area", ID: "value_sets", Name: "value_sets", Label: "ValueSets and CodeSystems to which it refers, a JSON array", Lines: 8},
		{Kind: "text", ID: "name", Name: "name", Label: "Name in addresses", Max: 64},
		{Kind: "text", ID: "url", Name: "url", Label: "Canonical url", Max: 500},
		{Kind: "text", ID: "version", Name: "version", Label: "Version", Max: 40},
		{Kind: "text", ID: "title", Name: "title", Label: "Title for patients", Max: 200},
		{Kind: "text", ID: "billing", Name: "billing", Label: "Billing class", Max: 40},
	}
)

// fillSource is fill, and leaves out no problem of a field: what is wrong in s has a line
// for each.
func (s sentForm) fillSource(form []field) []field {
	form = s.fill(form)
	for i := range form {
		if text := s.wrong[form[i].ID]; text != "" {
			form[i].Errors = strings.Split(text, "\n")
		}
	}
	return form
}

// misread notes in s what is wrong with a source because of err, beside the field that it is
// about: where names it by a problem's place, and all else is in the field whose ID is other.
func (s sentForm) misread(err error, where map[string]string, other string) {
	f, _ := fault.Public(err)
	problems := f.Problems
	if len(problems) == 0 {
		problems = []fault.Problem{{Text: f.Text}}
	}
	for _, p := range problems {
		id, text := cmp.Or(where[p.Where], other), sentence(p.Text)
		if id == other && p.Where != "" {
			text = p.Where + ": " + text
		}
		s.wrong[id] = strings.TrimPrefix(s.wrong[id]+"\n"+text, "\n")
	}
}

// aboutPlaces are what a questionnaire may lack and its author may say beside it.
var aboutPlaces = map[string]string{"id": "name", "url": "url", "version": "version", "title": "title", "evisit-billing-class": "billing"}

// handIn takes a questionnaire that was pasted. One that is refused comes back on the page
// that it was sent from, as it was written.
func (s *site) handIn(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	src, sent := protocol.Source{
		Questionnaire: json.RawMessage(values.Get("questionnaire")), Examples: json.RawMessage(values.Get("examples")),
		About: intake.About{
			Name: values.Get("name"), URL: values.Get("url"), Version: values.Get("version"), Title: values.Get("title"), Billing: values.Get("billing"),
		},
	}, newSentForm(values, nil)
	var unreadable error
	if src.ValueSets, err = protocol.ParseValueSets([]byte(values.Get("value_sets"))); err != nil {
		sent.misread(err, nil, "value_sets")
		unreadable = err
	}
	if _, err = intake.ParseExamples(src.Examples); err != nil {
		sent.misread(err, nil, "examples")
		unreadable = err
	}
	if unreadable != nil {
		err = unreadable
	} else if d, refused := s.Author.HandIn(r.Context(), v.Caller, src, number(values.Get("replaces"))); refused == nil {
		return redirect(w, formAt(d.Name))
	} else if err = refused; isOfSource(err) {
		sent.misread(err, aboutPlaces, "questionnaire")
	}
	return s.refusedSource(w, r, v, sent, err)
}

// isOfSource reports whether err is about what a questionnaire says.
func isOfSource(err error) bool {
	f, ok := fault.Public(err)
	return ok && (f.Kind == fault.Invalid || f.Kind == fault.Malformed)
}

// refusedSource shows a questionnaire that was refused: on the page of the draft that it
// changes, or on that of all forms.
func (s *site) refusedSource(w http.ResponseWriter, r *http.Request, v visitor, sent sentForm, err error) error {
	f, ok := fault.Public(err)
	switch {
	case !ok:
		return err
	case isOfSource(err), f.Kind == fault.Conflict, f.Kind == fault.Stale, f.Kind == fault.TooLarge:
	default:
		return err
	}
	alert := sentence(f.Text)
	if len(f.Problems) == 0 && len(sent.wrong) > 0 {
		alert = "" // it is beside its field
	}
	if draft := sent.values.Get("draft"); draft != "" {
		return s.showDraft(w, r, v, draft, sent, alert, exchange.Status(err))
	}
	return s.showForms(w, r, v, sent, alert, exchange.Status(err))
}

// number reads a number that a page of ours sent; 0 if it is none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func (s *site) adopt(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	d, err := s.Author.Adopt(r.Context(), v.Caller, r.PathValue("name"), number(values.Get("replaces")))
	if code, text, ok := explain(err); ok {
		return s.showForms(w, r, v, sentForm{}, text, code)
	}
	if err != nil {
		return err
	}
	return redirect(w, formAt(d.Name))
}

// A draftView is a form of the practice: its draft, if there is one, and its versions.
type draftView struct {
	Complaints      []complaint
	Name, Title, At string
	Draft           *draftPart
	Versions        []versionRow
	Offered         string // the version that patients begin on; empty for none
	Practice        int    // the version of what the practice has decided
}

type draftPart struct {
	Version             int
	Becomes, Hash       string
	By, When            string
	Approved, Published string
	Edit                []field
	EditOpen            bool
	Problems            []string
	Remarks             []string // where it is asked otherwise than it may be meant
	Trials              []trialRow
	CanApprove          bool
	CanPublish          bool
	Compare             string // with the version that is offered
}

type trialRow struct{ Rule, Why, Fired string }

type versionRow struct {
	Version, When, Approved, Preview string
	Offered                          bool
}

func (s *site) draftPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showDraft(w, r, v, r.PathValue("name"), sentForm{}, "", http.StatusOK)
}

// showDraft shows a form of the practice. was is a changed draft that was refused, and alert
// why something was, if that is not beside its fields.
func (s *site) showDraft(w http.ResponseWriter, r *http.Request, v visitor, name string, was sentForm, alert string, code int) error {
	versions, p, err := s.Author.Versions(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	view := draftView{Name: name, Title: name, At: formAt(name), Offered: p.Forms[name], Practice: p.Version, Complaints: aboutPage(alert)}
	for _, version := range slices.Backward(versions) {
		if version.Name == name {
			row := versionRow{Version: version.Version, When: v.practice.Local(version.At), Preview: previewAt(name, version.Version), Offered: version.Version == view.Offered}
			if a := version.Approved; a != nil {
				row.Approved = a.Name + ", " + v.practice.Local(a.At)
			}
			view.Versions = append(view.Versions, row)
		}
	}
	d, err := s.Author.Draft(r.Context(), v.Caller, name)
	if f, ok := fault.Public(err); ok && f.Code == "no_draft" {
		if len(view.Versions) == 0 {
			return err
		}
		return s.show(w, &v, page{view: "draft", title: errorTitle(name, view.Complaints), data: view, code: code})
	}
	if err != nil {
		return err
	}
	view.Title, view.Draft = d.Form().Title(), draftPartOf(d, v, view.Offered, was)
	view.Complaints = append(view.Complaints, complaints(view.Draft.Edit)...)
	return s.show(w, &v, page{view: "draft", title: errorTitle(view.Title, view.Complaints), data: view, code: code})
}

// sourceValues are a draft's as a form has them.
func sourceValues(d protocol.Draft) url.Values {
	var sets []string
	for _, set := range d.ValueSets {
		sets = append(sets, string(set))
	}
	values := url.Values{
		"questionnaire": {string(d.Questionnaire)}, "examples": {string(d.Examples)},
		"name": {d.About.Name}, "url": {d.About.URL}, "version": {d.About.Version}, "title": {d.About.Title}, "billing": {d.About.Billing},
	}
	if len(sets) > 0 {
		values.Set("value_sets", "["+strings.Join(sets, ",\n")+"]")
	}
	return values
}

func draftPartOf(d author.Draft, v visitor, offered string, was sentForm) *draftPart {
	part := &draftPart{
		Version: d.Version, Becomes: d.Form().Version(), Hash: d.Form().Hash(), By: d.By.Name, When: v.practice.Local(d.By.At),
		EditOpen: was.values != nil,
	}
	if was.values == nil {
		was = newSentForm(sourceValues(d.Draft), nil)
	}
	part.Edit = was.fillSource(slices.Concat(sourceForm, aboutForm))
	approved := d.Approved != nil && d.Approved.Hash == part.Hash
	if approved {
		part.Approved = d.Approved.Name + ", " + v.practice.Local(d.Approved.At)
	}
	if d.Published != nil {
		part.Published = d.Published.Name + ", " + v.practice.Local(d.Published.At)
	}
	for _, p := range d.Read.Examination.Problems {
		part.Problems = append(part.Problems, p.Where+": "+p.Text)
	}
	for _, p := range d.Form().Remarks() {
		part.Remarks = append(part.Remarks, p.Where+": "+p.Text)
	}
	for _, t := range d.Read.Examination.Trials {
		part.Trials = append(part.Trials, trialRow{t.Rule, t.Why, strings.Join(t.Heard, ", ")})
	}
	part.CanApprove = v.Person.Has(identity.Director) && !approved && len(part.Problems) == 0
	part.CanPublish = approved && (d.Published == nil || offered != part.Becomes)
	if offered != "" && offered != part.Becomes {
		part.Compare = formAt(d.Name) + "/compare?" + url.Values{"from": {offered}, "to": {author.TheDraft}}.Encode()
	}
	return part
}

// formStep does one thing to a form, and shows the form again.
func (s *site) formStep(w http.ResponseWriter, r *http.Request, v visitor, do func(name string, values url.Values) error) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	err = do(name, values)
	if code, text, ok := explain(err); ok {
		return s.showDraft(w, r, v, name, sentForm{}, text, code)
	}
	if err != nil {
		return err
	}
	return redirect(w, formAt(name))
}

func (s *site) approve(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.formStep(w, r, v, func(name string, values url.Values) error {
		_, err := s.Author.Approve(r.Context(), v.Caller, name, values.Get("hash"))
		return err
	})
}

func (s *site) publish(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.formStep(w, r, v, func(name string, _ url.Values) error {
		_, err := s.Author.Publish(r.Context(), v.Caller, name)
		return err
	})
}

func (s *site) offer(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.formStep(w, r, v, func(name string, values url.Values) error {
		v, err := v.asSeen(values)
		if err != nil {
			return err
		}
		_, err = s.Author.Offer(r.Context(), v.Caller, name, values.Get("version"))
		return err
	})
}

type compareView struct {
	At, From, To string
	Changes      []intake.Change
}

func (s *site) comparePage(w http.ResponseWriter, r *http.Request, v visitor) error {
	q, name := r.URL.Query(), r.PathValue("name")
	view := compareView{At: formAt(name), From: q.Get("from"), To: q.Get("to")}
	var err error
	if view.Changes, err = s.Author.Compare(r.Context(), v.Caller, name, view.From, view.To); err != nil {
		return err
	}
	return s.show(w, &v, page{view: "compare", title: "What changed", data: view})
}

// A previewView is a page of a form as a patient sees it. The answers so far are in the
// page alone: nothing is stored.
type previewView struct {
	At, Back, Form, Title string
	Page, Of              int
	Complaints            []complaint
	Fields                []field
	Shown                 []string
	Answers               string // a QuestionnaireResponse
	Ends                  string // what a patient with these answers would be told; empty if they would go on
	Last                  bool
	Language              string // that the form is drawn in; empty: its author named none
	Tongues               []tongue
}

func previewAt(name, version string) string {
	return formAt(name) + "/preview/" + url.PathEscape(version)
}

// previewPage shows the first page of a version, or of the draft, as a patient sees it.
func (s *site) previewPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := s.previewed(r, v)
	if err != nil {
		return err
	}
	return s.showPreview(w, r, v, preview{form: f, n: nextPage(f, f.Check(intake.Response{}), 0)})
}

func (s *site) previewed(r *http.Request, v visitor) (*intake.Form, error) {
	return s.Author.Form(r.Context(), v.Caller, r.PathValue("name"), r.PathValue("version"))
}

// A preview is a page with the answers so far.
type preview struct {
	form     *intake.Form
	n        int
	answers  intake.Response
	problems []fault.Problem
	add      string
}

// previewNext takes the answers of a page, as a patient would give them, and shows what a
// patient would see next.
func (s *site) previewNext(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	p := preview{add: values.Get(addField)}
	if p.form, err = s.previewed(r, v); err != nil {
		return err
	}
	if p.n, err = pageNumber(r, p.form); err != nil {
		return err
	}
	if p.answers, err = intake.ParseResponse([]byte(values.Get("answers"))); err != nil {
		return err
	}
	zone, err := v.practice.Location()
	if err != nil {
		return err
	}
	items := p.form.Pages()[p.n-1].Items
	p.answers = p.answers.Merge(post{values, zone}.answers(items))
	res := p.form.Check(p.answers)
	if p.add != "" || values.Get(removeField) != "" {
		return s.showPreview(w, r, v, p)
	}
	opened := openedBy(values, (drawing{form: p.form, zone: zone}).page(items, p.answers, res))
	p.problems = problemsOf(items, opened, res.Missing(), res.Wrong())
	if len(p.problems) == 0 && len(opened) == 0 {
		p.n = nextPage(p.form, res, p.n)
	}
	return s.showPreview(w, r, v, p)
}

func (s *site) showPreview(w http.ResponseWriter, r *http.Request, v visitor, p preview) error {
	zone, err := v.practice.Location()
	if err != nil {
		return err
	}
	chosen, name := s.chosenLanguage(w, r, p.form), r.PathValue("name")
	p.form = p.form.In(chosen)
	res := p.form.Check(p.answers)
	at := p.form.Pages()[p.n-1]
	text, err := json.Marshal(p.answers)
	if err != nil {
		return err
	}
	view := previewView{
		At: previewAt(name, r.PathValue("version")) + "/" + strconv.Itoa(p.n), Back: formAt(name), Form: p.form.Title(), Title: at.Title,
		Answers: string(text), Last: at.IsLast(), Language: chosen, Tongues: tongues(p.form, chosen, previewAt(name, r.PathValue("version"))),
	}
	view.Page, view.Of = progress(p.form, res, p.n)
	for _, fired := range res.Fired {
		if res.Diverts() && intake.Disposition(fired.Severity) == res.Disposition {
			view.Ends = strings.TrimSpace(view.Ends + " " + fired.Message)
		}
	}
	d := drawing{form: p.form, zone: zone, problems: p.problems, add: p.add, propose: true}
	view.Fields = d.page(at.Items, p.answers, res)
	view.Shown, view.Complaints = fieldNames(view.Fields), complaints(view.Fields)
	return s.show(w, &v, page{view: "preview", title: errorTitle(view.Title, view.Complaints), data: view})
}
