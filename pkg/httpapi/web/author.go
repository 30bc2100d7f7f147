package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/clinic/author"
	"evisit/pkg/fault"
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
	Forms   []formRow
	Library []formRow
}

// A formRow is a form of the practice, or a protocol of the library.
type formRow struct{ Name, Title, At, State string }

// formsPage lists what the practice offers, what it is writing, and what it may begin
// with.
func (s *site) formsPage(w http.ResponseWriter, r *http.Request, v visitor) error {
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
	var view formsView
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
	return s.show(w, &v, page{view: "forms", title: "Forms", data: view})
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

// handIn takes a questionnaire that was pasted.
func (s *site) handIn(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	sets, err := protocol.ParseValueSets([]byte(values.Get("value_sets")))
	if err != nil {
		return err
	}
	src := protocol.Source{
		Questionnaire: json.RawMessage(values.Get("questionnaire")), ValueSets: sets, Examples: json.RawMessage(values.Get("examples")),
		About: intake.About{
			Name: values.Get("name"), URL: values.Get("url"), Version: values.Get("version"), Title: values.Get("title"), Billing: values.Get("billing"),
		},
	}
	d, err := s.Author.HandIn(r.Context(), v.Caller, src, number(values.Get("replaces")))
	if err != nil {
		return err
	}
	return redirect(w, formAt(d.Name))
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
	if err != nil {
		return err
	}
	return redirect(w, formAt(d.Name))
}

// A draftView is a form of the practice: its draft, if there is one, and its versions.
type draftView struct {
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
	Source, Examples    string
	ValueSets           string // a JSON array; empty if there are none
	About               intake.About
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
	name := r.PathValue("name")
	versions, p, err := s.Author.Versions(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	view := draftView{Name: name, Title: name, At: formAt(name), Offered: p.Forms[name], Practice: p.Version}
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
		return s.show(w, &v, page{view: "draft", title: name, data: view})
	}
	if err != nil {
		return err
	}
	view.Title, view.Draft = d.Form().Title(), draftPartOf(d, v, view.Offered)
	return s.show(w, &v, page{view: "draft", title: view.Title, data: view})
}

func draftPartOf(d author.Draft, v visitor, offered string) *draftPart {
	part := &draftPart{
		Version: d.Version, Becomes: d.Form().Version(), Hash: d.Form().Hash(), By: d.By.Name, When: v.practice.Local(d.By.At),
		Source: string(d.Questionnaire), Examples: string(d.Examples), About: d.About,
	}
	var sets []string
	for _, set := range d.ValueSets {
		sets = append(sets, string(set))
	}
	if len(sets) > 0 {
		part.ValueSets = "[" + strings.Join(sets, ",\n") + "]"
	}
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
func (s *site) formStep(w http.ResponseWriter, r *http.Request, do func(name string, values url.Values) error) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if err := do(name, values); err != nil {
		return err
	}
	return redirect(w, formAt(name))
}

func (s *site) approve(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.formStep(w, r, func(name string, values url.Values) error {
		_, err := s.Author.Approve(r.Context(), v.Caller, name, values.Get("hash"))
		return err
	})
}

func (s *site) publish(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.formStep(w, r, func(name string, _ url.Values) error {
		_, err := s.Author.Publish(r.Context(), v.Caller, name)
		return err
	})
}

func (s *site) offer(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.formStep(w, r, func(name string, values url.Values) error {
		v, err := v.asSeen(values)
		if err != nil {
			return err
		}
		_, err = s.Author.Offer(r.Context(), v.Caller, name, values.Get("version"))
		return err
	})
}

type compareView struct {
	Name, At, From, To string
	Changes            []intake.Change
}

func (s *site) comparePage(w http.ResponseWriter, r *http.Request, v visitor) error {
	q, name := r.URL.Query(), r.PathValue("name")
	view := compareView{Name: name, At: formAt(name), From: q.Get("from"), To: q.Get("to")}
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
	Consent               string
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
	if version := r.PathValue("version"); version != author.TheDraft {
		return s.Author.Version(r.Context(), v.Caller, r.PathValue("name"), version)
	}
	d, err := s.Author.Draft(r.Context(), v.Caller, r.PathValue("name"))
	return d.Form(), err
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
	var drawn []string
	for _, name := range fieldNames((drawing{form: p.form, zone: zone}).page(items, p.answers, res)) {
		if !slices.Contains(values[shownField], name) {
			drawn = append(drawn, name)
		}
	}
	for _, problem := range res.Problems {
		if contains(items, problem.Where) && !slices.ContainsFunc(drawn, func(name string) bool { return strings.HasPrefix(name, problem.Where) }) {
			p.problems = append(p.problems, problem)
		}
	}
	if len(p.problems) == 0 && len(drawn) == 0 {
		p.n = nextPage(p.form, res, p.n)
	}
	return s.showPreview(w, r, v, p)
}

func (s *site) showPreview(w http.ResponseWriter, r *http.Request, v visitor, p preview) error {
	zone, err := v.practice.Location()
	if err != nil {
		return err
	}
	res, name := p.form.Check(p.answers), r.PathValue("name")
	at := p.form.Pages()[p.n-1]
	text, err := json.Marshal(p.answers)
	if err != nil {
		return err
	}
	view := previewView{
		At: previewAt(name, r.PathValue("version")) + "/" + strconv.Itoa(p.n), Back: formAt(name), Form: p.form.Title(), Title: at.Title,
		Answers: string(text), Last: at.IsLast(),
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
