package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/visit"
)

type formView struct {
	Visit      string
	Form       string
	Page, Of   int // counted among the pages that have something to ask
	Action     string
	Back       string
	Title      string
	Notice     string
	More       bool // the answers opened further questions
	Complaints []complaint
	Fields     []field
	Shown      []string
	Zone       string // of times asked for; empty if there are none
}

// formPage shows one page of a draft's form with the answers kept so far.
func (s *site) formPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	n, f, err := s.pageNumber(r, v)
	if err != nil {
		return err
	}
	if f.Pages()[n-1].IsLast() {
		return s.fee(w, r, v, n, f)
	}
	ch, err := s.draft(r, v)
	if err != nil {
		return err
	}
	zone, err := v.practice.Location()
	if err != nil {
		return err
	}
	sh := sheet{drawing{form: f, zone: zone}, ch.Visit, n, ch.Response}
	res, q := f.Check(ch.Response), r.URL.Query()
	if !asks(f.Pages()[n-1], res) {
		to := nextPage(f, res, n)
		if before := pageBefore(f, res, n); before > 0 && q.Get("back") != "" {
			to = before
		}
		return see(w, formPath(ch.Visit.ID, to))
	}
	if q.Get("check") != "" {
		sh.problems = res.Missing()
	}
	return s.showForm(w, v, sh, formView{More: q.Get("more") != ""}, http.StatusOK)
}

// pageNumber reads which page of which form a path names.
func (s *site) pageNumber(r *http.Request, v visitor) (int, *intake.Form, error) {
	vis, err := s.Clinic.Visit(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	if !v.Person.ActsFor(vis.Patient, s.Now()) {
		return 0, nil, fault.New(fault.Denied, "denied", "only the patient's side fills in the form")
	}
	f, err := s.Clinic.Form(r.Context(), vis.Form.Name, vis.Form.Version)
	if err != nil {
		return 0, nil, err
	}
	n, err := strconv.Atoi(r.PathValue("page"))
	if err != nil || n < 1 || n > len(f.Pages()) {
		return 0, nil, fault.New(fault.NotFound, "no_page", "this form has no such page")
	}
	return n, f, nil
}

// draft opens a visit that is still being filled in.
func (s *site) draft(r *http.Request, v visitor) (clinic.Chart, error) {
	ch, err := s.Clinic.Chart(r.Context(), v.Caller, r.PathValue("id"))
	if err == nil && ch.Visit.Status != visit.Draft {
		err = fault.New(fault.Conflict, "not_a_draft", "this request was sent already, so its form can no longer be changed; open the request to see where it stands")
	}
	return ch, err
}

// A sheet is page n of a draft's form, with answers that may or may not be
// kept.
type sheet struct {
	drawing
	draft   visit.Visit
	n       int
	answers intake.Response
}

func (sh sheet) items() []*intake.Item { return sh.form.Pages()[sh.n-1].Items }

func (s *site) showForm(w http.ResponseWriter, v visitor, sh sheet, f formView, code int) error {
	res, n, id := sh.form.Check(sh.answers), sh.n, sh.draft.ID
	p := sh.form.Pages()[n-1]
	f.Visit, f.Form, f.Title = id, sh.form.Title(), p.Title
	f.Action = formPath(id, n)
	f.Page, f.Of = progress(sh.form, res, n)
	f.Back = "/my/visits/" + id
	if before := pageBefore(sh.form, res, n); before > 0 {
		f.Back = formPath(id, before)
	}
	f.Fields = sh.page(p.Items, sh.answers)
	f.Shown, f.Complaints = shown(f.Fields), complaints(f.Fields)
	if hasTime(p.Items) {
		f.Zone = sh.zone.String()
	}
	title := f.Title
	if len(f.Complaints) > 0 {
		title = "To put right: " + title
	}
	return s.show(w, &v, page{view: "form", title: title, data: f, code: code})
}

// saveForm keeps a page's answers and leads on: to the next page, to further
// questions of this one, back to what is missing or wrong, or out of the form.
func (s *site) saveForm(w http.ResponseWriter, r *http.Request, v visitor) error {
	n, f, err := s.pageNumber(r, v)
	if err != nil {
		return err
	}
	values, err := posted(r)
	if err != nil {
		return err
	}
	ch, err := s.draft(r, v)
	if err != nil {
		return err
	}
	if f.Pages()[n-1].IsLast() {
		return see(w, formPath(ch.Visit.ID, n))
	}
	zone, err := v.practice.Location()
	if err != nil {
		return err
	}
	sh := sheet{drawing: drawing{form: f, zone: zone, add: values.Get(addField)}, draft: ch.Visit, n: n}
	page := post{values, sh.zone}.answers(sh.items())
	sh.answers = ch.Response.Merge(page)
	if sh.add != "" {
		return s.showForm(w, v, sh, formView{}, http.StatusOK)
	}
	// The last save of a page wins. A version would refuse whoever went back in
	// their browser, and two people seldom fill in the same page at once.
	saved, err := s.Clinic.SavePage(r.Context(), v.Caller, ch.Visit.ID, 0, page)
	if wrong, ok := fault.Public(err); ok && errors.Is(err, fault.Invalid) {
		sh.problems = wrong.Problems
		return s.showForm(w, v, sh, formView{Notice: elsewhere(f, n, wrong.Problems)}, http.StatusUnprocessableEntity)
	}
	switch {
	case err != nil:
		return err
	case saved.Diversion != nil:
		return see(w, "/my/visits/"+ch.Visit.ID)
	}
	return s.leadOn(w, v, sh, saved.Missing, values[shownField])
}

// leadOn decides where a kept page leads; before are the fields it had.
func (s *site) leadOn(w http.ResponseWriter, v visitor, sh sheet, missing []fault.Problem, before []string) error {
	opened := map[string]bool{} // items asked now that the browser did not show
	for _, name := range shown(sh.page(sh.items(), sh.answers)) {
		if !slices.Contains(before, name) {
			linkID, _, _ := strings.Cut(name, "@")
			opened[linkID] = true
		}
	}
	for _, p := range missing {
		if !opened[p.Where] && contains(sh.items(), p.Where) {
			sh.problems = append(sh.problems, p)
		}
	}
	switch {
	case len(sh.problems) > 0:
		return s.showForm(w, v, sh, formView{More: len(opened) > 0}, http.StatusUnprocessableEntity)
	case len(opened) > 0:
		return see(w, formPath(sh.draft.ID, sh.n)+"?more=1")
	}
	return see(w, formPath(sh.draft.ID, nextPage(sh.form, sh.form.Check(sh.answers), sh.n)))
}

// elsewhere words the problems that no field of page n shows.
func elsewhere(f *intake.Form, n int, ps []fault.Problem) string {
	for _, p := range ps {
		if !contains(f.Pages()[n-1].Items, p.Where) {
			return sentence(p.Text)
		}
	}
	return ""
}

// contains reports whether linkID is among the items, at any depth.
func contains(items []*intake.Item, linkID string) bool {
	return slices.ContainsFunc(items, func(it *intake.Item) bool {
		return it.LinkID == linkID || contains(it.Items, linkID)
	})
}

func hasTime(items []*intake.Item) bool {
	return slices.ContainsFunc(items, func(it *intake.Item) bool { return it.Type == intake.DateTimeQ || hasTime(it.Items) })
}

// asks reports whether a page has anything to show, given the answers.
func asks(p intake.Page, res intake.Result) bool {
	return slices.ContainsFunc(p.Items, func(it *intake.Item) bool { return res.Enabled(it.LinkID) && !it.ReadOnly })
}

// progress is which page n is, among those that have something to ask.
func progress(f *intake.Form, res intake.Result, n int) (at, of int) {
	for i, p := range f.Pages() {
		if asks(p, res) {
			of++
			if i < n {
				at++
			}
		}
	}
	return max(at, 1), of
}

func nextPage(f *intake.Form, res intake.Result, n int) int {
	for i := n; i < len(f.Pages()); i++ {
		if asks(f.Pages()[i], res) {
			return i + 1
		}
	}
	return len(f.Pages())
}

// pageBefore is the page before n that has something to ask; 0 if none.
func pageBefore(f *intake.Form, res intake.Result, n int) int {
	for i := n - 1; i > 0; i-- {
		if asks(f.Pages()[i-1], res) {
			return i
		}
	}
	return 0
}

// pageOf is the page an item is on; 0 if it is on none.
func pageOf(f *intake.Form, linkID string) int {
	return 1 + slices.IndexFunc(f.Pages(), func(p intake.Page) bool { return contains(p.Items, linkID) })
}

// resume is where to go on filling in: the first page with something missing.
func resume(f *intake.Form, r intake.Response) int {
	if len(r.Items) == 0 {
		return 1
	}
	first := len(f.Pages())
	for _, p := range f.Check(r).Problems {
		if n := pageOf(f, p.Where); n > 0 {
			first = min(first, n)
		}
	}
	return first
}

func formPath(visit string, page int) string {
	return fmt.Sprintf("/my/visits/%s/form/%d", visit, page)
}
