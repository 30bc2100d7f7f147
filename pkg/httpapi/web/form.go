package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/visit"
)

type formView struct {
	Visit      string
	Form       string
	Page, Of   int // counted among the pages that have something to ask
	Action     string
	Title      string
	More       bool // the answers opened further questions
	Complaints []complaint
	Fields     []field
	Shown      []string
	Language   string
	Tongues    []tongue
	Zone       string // of times asked for; empty if there are none
	Then       string // where a changed page leads: thenCheck, or empty
}

// thenCheck is the value of the field then in a page that was opened from the check
// of the answers, to which it leads back.
const (
	thenField = "then"
	thenCheck = "check"
)

// fillForm shows one page of a draft's form with the answers kept so far.
func (s *site) fillForm(w http.ResponseWriter, r *http.Request, v visitor) error {
	fp, err := s.loadFormPage(w, r, v)
	switch {
	case fp.isFee() && err != nil: // sent already: back from the payment page, say
		return redirect(w, myPath(fp.draft.ID))
	case err != nil:
		return err
	case fp.isFee():
		return s.showFee(w, r, v, feeView{Beside: r.URL.Query().Get(besideField)}, http.StatusOK)
	}
	p := fp.form.Pages()[fp.n-1]
	q := r.URL.Query()
	if !asks(p, fp.res) {
		if before := pageBefore(fp.form, fp.res, fp.n); before > 0 && q.Get("back") != "" {
			return redirect(w, formPath(fp.draft.ID, before))
		}
		return redirect(w, fp.next())
	}
	if why, ok := fault.Public(fp.why); ok && q.Get("check") != "" {
		fp.problems = why.Problems
	}
	fp.propose = !anyAnswer(p.Items, fp.answers.Items)
	return s.showForm(w, v, fp, formView{More: q.Get("more") != "", Then: q.Get(thenField)}, http.StatusOK)
}

// loadFormPage loads the draft that a path names, at the page that it names. Of a
// request that was sent already it returns the page without answers, and the
// error.
func (s *site) loadFormPage(w http.ResponseWriter, r *http.Request, v visitor) (formPage, error) {
	zone, err := v.practice.Location()
	if err != nil {
		return formPage{}, err
	}
	d, why := s.Request.Draft(r.Context(), v.Caller, r.PathValue("id"))
	if why != nil {
		if d.Visit.ID == "" {
			return formPage{}, why
		}
		if d.Form, err = s.form(r, d.Visit); err != nil {
			return formPage{}, err
		}
	}
	n, err := pageNumber(r, d.Form)
	chosen := s.chosenLanguage(w, r, d.Form)
	return formPage{
		drawing: drawing{form: d.Form.In(chosen), zone: zone, drawn: &s.drawn}, draft: d.Visit, language: chosen, n: n,
		answers: d.Response, res: d.Result, why: d.Why,
	}, cmp.Or(why, err)
}

// pageNumber reads which page of a form a path names.
func pageNumber(r *http.Request, f *intake.Form) (int, error) {
	n, err := strconv.Atoi(r.PathValue("page"))
	if err != nil || n < 1 || n > len(f.Pages()) {
		return 0, fault.New(fault.NotFound, "no_page", "this form has no such page")
	}
	return n, nil
}

// A formPage is page n of a draft's form, with answers that may or may not be
// kept.
type formPage struct {
	drawing
	draft    visit.Visit
	language string // that the form is drawn in; empty: its author named none
	n        int
	answers  intake.Response
	res      intake.Result // of answers
	why      error         // why the draft cannot be sent yet; nil if it can
}

func (fp *formPage) answer(r intake.Response) { fp.answers, fp.res = r, fp.form.Check(r) }

// isFee reports whether fp is the page where fee and consent are accepted.
func (fp formPage) isFee() bool { return fp.n > 0 && fp.form.Pages()[fp.n-1].IsLast() }

func (fp formPage) items() []*intake.Item { return fp.form.Pages()[fp.n-1].Items }

// next is the address of what follows the page: the next one that asks something, or
// the check of all answers.
func (fp formPage) next() string {
	if n := nextPage(fp.form, fp.res, fp.n); !fp.form.Pages()[n-1].IsLast() {
		return formPath(fp.draft.ID, n)
	}
	return checkPath(fp.draft.ID)
}

// back is the address of what comes before the page: the last one that asks
// something, or the request.
func (fp formPage) back() string {
	if before := pageBefore(fp.form, fp.res, fp.n); before > 0 {
		return formPath(fp.draft.ID, before)
	}
	return myPath(fp.draft.ID)
}

func (s *site) showForm(w http.ResponseWriter, v visitor, fp formPage, f formView, code int) error {
	res, n, id := fp.res, fp.n, fp.draft.ID
	p := fp.form.Pages()[n-1]
	f.Visit, f.Form, f.Title = id, fp.form.Title(), p.Title
	f.Action = formPath(id, n)
	f.Language, f.Tongues = fp.language, tongues(fp.form, fp.language, f.Action)
	f.Page, f.Of = progress(fp.form, res, n)
	if f.Then != thenCheck {
		f.Then = ""
	}
	f.Fields = fp.page(p.Items, fp.answers, res)
	f.Shown, f.Complaints = fieldNames(f.Fields), append(f.Complaints, complaints(f.Fields)...)
	if hasTime(p.Items) {
		f.Zone = fp.zone.String()
	}
	return s.show(w, &v, page{view: "form", title: errorTitle(f.Title, f.Complaints), data: f, code: code, keeps: true, enter: enter{Text: "Save and continue"}, leave: fp.form.Private()})
}

// errLastPage says that the page posted is the one where fee and consent are
// accepted, which is sent elsewhere.
var errLastPage = errors.New("the last page is answered by submitting")

// saveForm keeps a page as it was filled in, right or wrong, and leads on: to the next
// page, to further questions of this one, back to what is missing or wrong, or where
// the button that was pressed leads.
func (s *site) saveForm(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	if values.Get(addField)+values.Get(removeField) != "" {
		return s.changeRows(w, r, v, values)
	}
	fp, saved, err := s.savePosted(w, r, v, values)
	at, pressed := myPath(r.PathValue("id")), values.Get(pressField)
	switch {
	case errors.Is(err, errLastPage):
		return redirect(w, formPath(r.PathValue("id"), fp.n))
	case err != nil:
		return err
	case saved.Diversion != nil:
		return redirect(w, at)
	case pressed == pressSignOut:
		return s.signOut(w, r)
	case saved.Ending != nil:
		return redirect(w, at+"/ending")
	case pressed == pressLater:
		return redirect(w, at)
	case pressed == pressBack:
		return redirect(w, fp.back())
	case local(pressed) != "":
		return redirect(w, local(pressed))
	}
	return s.afterSave(w, v, fp, saved, values)
}

// savePosted keeps the page that was posted, and returns it with the answers that the
// draft has now. The last save of a page wins. A version would refuse a patient who
// went back in their browser, and two people seldom fill in the same page at once.
func (s *site) savePosted(w http.ResponseWriter, r *http.Request, v visitor, values url.Values) (fp formPage, saved request.Saved, err error) {
	zone, err := v.practice.Location()
	if err != nil {
		return fp, saved, err
	}
	n := 0
	read := func(f *intake.Form) (_ intake.Response, err error) {
		if n, err = pageNumber(r, f); err != nil {
			return intake.Response{}, err
		}
		p := f.Pages()[n-1]
		if p.IsLast() {
			return intake.Response{}, errLastPage
		}
		return post{values, zone}.answers(p.Items), nil
	}
	saved, err = s.Request.SavePage(r.Context(), v.Caller, r.PathValue("id"), request.Save{Page: read, AsTyped: true})
	if err != nil {
		return formPage{n: n}, saved, err
	}
	chosen := s.chosenLanguage(w, r, saved.Form)
	fp = formPage{drawing: drawing{form: saved.Form.In(chosen), zone: zone, drawn: &s.drawn}, draft: saved.Visit, language: chosen, n: n}
	fp.answer(saved.Response)
	return fp, saved, nil
}

// changeRows shows a page again, as it was filled in, with one more row of a group, or
// without the row that is to go.
func (s *site) changeRows(w http.ResponseWriter, r *http.Request, v visitor, values url.Values) error {
	fp, err := s.loadFormPage(w, r, v)
	if err != nil {
		return err
	}
	fp.add = values.Get(addField)
	if gone := values.Get(removeField); strings.ContainsAny(gone, "@.") {
		fp.shrunk = gone[:strings.LastIndexAny(gone, "@.")]
	}
	fp.answer(fp.answers.Merge(post{values, fp.zone}.answers(fp.items())))
	return s.showForm(w, v, fp, formView{Then: values.Get(thenField)}, http.StatusOK)
}

// afterSave decides where a saved page leads; values are the post, which names the
// fields that the page had.
func (s *site) afterSave(w http.ResponseWriter, v visitor, fp formPage, saved request.Saved, values url.Values) error {
	opened := openedBy(values, fp.page(fp.items(), fp.answers, fp.res))
	fp.problems = append(fp.problems, problemsOf(fp.items(), opened, saved.Missing, slices.Concat(saved.Wrong, saved.Unsendable))...)
	then := values.Get(thenField)
	switch {
	case len(fp.problems) > 0:
		return s.showForm(w, v, fp, formView{More: len(opened) > 0, Then: then}, http.StatusUnprocessableEntity)
	case len(opened) > 0:
		return redirect(w, formPath(fp.draft.ID, fp.n)+"?"+url.Values{"more": {"1"}, thenField: {then}}.Encode())
	case then == thenCheck:
		return redirect(w, checkPath(fp.draft.ID))
	}
	return redirect(w, fp.next())
}

// openedBy are the items of fields, as a page has them with the answers that were posted,
// that the browser did not show: the answers have them asked.
func openedBy(values url.Values, fields []field) map[string]bool {
	opened := map[string]bool{}
	for _, name := range fieldNames(fields) {
		if !slices.Contains(values[shownField], name) {
			linkID, _, _ := strings.Cut(name, "@")
			opened[linkID] = true
		}
	}
	return opened
}

// problemsOf are the problems of a page's items: what is missing, unless it was only now
// opened, and what is wrong.
func problemsOf(items []*intake.Item, opened map[string]bool, missing, wrong []fault.Problem) []fault.Problem {
	var all []fault.Problem
	for _, p := range missing {
		if !opened[p.Where] && contains(items, p.Where) {
			all = append(all, p)
		}
	}
	for _, p := range wrong {
		if contains(items, p.Where) {
			all = append(all, p)
		}
	}
	return all
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
	return slices.ContainsFunc(p.Items, func(it *intake.Item) bool { return res.Enabled(it.LinkID) && shown(it) })
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

// resume is the address where to go on filling in: the first page with something
// missing or wrong, or the check of all answers.
func resume(visit string, f *intake.Form, r intake.Response) string {
	if len(r.Items) == 0 {
		return formPath(visit, 1)
	}
	first := len(f.Pages())
	for _, p := range f.Check(r).Problems {
		if n := pageOf(f, p.Where); n > 0 {
			first = min(first, n)
		}
	}
	if f.Pages()[first-1].IsLast() {
		return checkPath(visit)
	}
	return formPath(visit, first)
}

func formPath(visit string, page int) string {
	return fmt.Sprintf("%s/form/%d", myPath(visit), page)
}

// anyAnswer reports whether somebody has answered something of a page: then it was filled in
// before, and what is open on it was left open. What is calculated is no such answer.
func anyAnswer(items []*intake.Item, entries []intake.Entry) bool {
	return slices.ContainsFunc(entries, func(e intake.Entry) bool {
		i := slices.IndexFunc(items, func(it *intake.Item) bool { return it.LinkID == e.LinkID && it.Asked() })
		return i >= 0 && (items[i].Type != intake.Group || anyAnswer(items[i].Items, e.Items))
	})
}
