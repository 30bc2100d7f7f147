package web

import (
	"net/http"

	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// A checkView is all answers of a draft, before its price is asked.
type checkView struct {
	Visit, Form string
	Language    string      // that the form is drawn in; empty: its author named none
	Back, Next  string      // Next is empty while something keeps the draft from being sent
	Complaints  []complaint // what keeps it from being sent, each leading to its question
	Parts       []checkPart
	// Underway is another request on the form that awaits its answer; nil if there is none.
	// The price is shown once the patient confirms that this one is about something else.
	Underway  *underway
	Confirmed acceptance // of that
}

// A checkPart is one page of the form.
type checkPart struct {
	Title string
	Rows  []checkRow
}

type checkRow struct {
	answerRow
	Change string // where the answer is changed
}

func checkPath(visit string) string { return myPath(visit) + "/check" }

// changePath is where the answer to an item is changed, from the check of all answers.
func changePath(visit string, f *intake.Form, linkID string) string {
	return formPath(visit, max(pageOf(f, linkID), 1)) + "?" + thenField + "=" + thenCheck
}

// check shows all answers of a draft, each with a link to change it.
func (s *site) check(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, done, err := s.draft(w, r, v)
	switch {
	case done || err != nil:
		return err
	case d.Ending != nil:
		return redirect(w, endingPath(d.Visit.ID))
	}
	chosen := s.chosenLanguage(w, r, d.Form)
	d.Form = d.Form.In(chosen)
	view := checkView{Language: chosen, Visit: d.Visit.ID, Form: d.Form.Title(), Parts: checkParts(d)}
	last := len(d.Form.Pages())
	view.Back = formPath(view.Visit, max(pageBefore(d.Form, d.Result, last), 1))
	if d.Why == nil {
		view.Next = formPath(view.Visit, last)
		if err := s.warnUnderway(r, v, d.Visit, &view); err != nil {
			return err
		}
	} else if !view.complain(d) {
		return d.Why
	}
	return s.show(w, &v, page{
		view: "check", title: errorTitle("Check your answers", view.Complaints), data: view, leave: d.Form.Private(),
	})
}

// besideField has the request that is underway, in what leads from the check of the answers
// to the price and sends the request: the patient has confirmed that they know of it.
const besideField = "beside"

// unconfirmedField says that the price was not shown, because the box was not ticked.
const unconfirmedField = "underway"

// warnUnderway warns of another request on the form.
func (s *site) warnUnderway(r *http.Request, v visitor, draft visit.Visit, view *checkView) error {
	other, err := s.Request.UnderwayBeside(r.Context(), v.Caller, draft)
	if err != nil || other.ID == "" {
		return err
	}
	view.Underway = underwayOf(other, v.practice)
	view.Confirmed = acceptance{ID: besideField, Name: besideField, Value: other.ID, Label: "This request is about something else. Send it, too."}
	if r.URL.Query().Has(unconfirmedField) {
		view.Confirmed.Error = "Tick this box if this request is about something else. Otherwise add to the one that is underway."
		view.Complaints = append(view.Complaints, complaint{Href: "#" + besideField, Text: view.Confirmed.Error})
	}
	return nil
}

// draft loads the draft that a path names. If it was sent already, draft leads to the
// request and reports that it is done.
func (s *site) draft(w http.ResponseWriter, r *http.Request, v visitor) (d request.Draft, done bool, err error) {
	d, err = s.Request.Draft(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil && d.Visit.ID != "" {
		return d, true, redirect(w, myPath(d.Visit.ID))
	}
	return d, false, err
}

// complain says what keeps d from being sent. It reports false if that is not about
// the answers.
func (view *checkView) complain(d request.Draft) bool {
	_, text, ok := explain(d.Why)
	if !ok {
		return false
	}
	view.Complaints = aboutPage(text)
	why, _ := fault.Public(d.Why)
	for _, p := range why.Problems {
		c := complaint{Text: sentence(p.Text)}
		if it, ok := d.Form.Item(p.Where); ok {
			c.Label = it.Text
			c.Href = changePath(d.Visit.ID, d.Form, p.Where) + "&check=1#" + htmlID(p.Where)
		}
		view.Complaints = append(view.Complaints, c)
	}
	return true
}

func checkParts(d request.Draft) []checkPart {
	said := record.InWords(d.Form, d.Result.Response)
	var all []checkPart
	for _, p := range d.Form.Pages() {
		if p.IsLast() || !asks(p, d.Result) {
			continue
		}
		part := checkPart{Title: p.Title}
		for _, row := range checkRows(p.Items, d.Result, said) {
			row.Change = changePath(d.Visit.ID, d.Form, row.linkID) + "#" + htmlID(row.linkID)
			part.Rows = append(part.Rows, row.checkRow)
		}
		all = append(all, part)
	}
	return all
}

type askedRow struct {
	checkRow
	linkID string
}

// checkRows are the questions asked by items, in their order: each with its answers,
// or with none. Of a group's rows only what was answered is listed.
func checkRows(items []*intake.Item, res intake.Result, said []record.QA) []askedRow {
	var all []askedRow
	for _, it := range items {
		if !res.Enabled(it.LinkID) || !it.Asked() || it.Type == intake.Upload {
			continue
		}
		if it.Type == intake.Group && !it.Repeats {
			all = append(all, checkRows(it.Items, res, said)...)
			continue
		}
		before := len(all)
		for _, qa := range said {
			if qa.LinkID == it.LinkID || contains(it.Items, qa.LinkID) {
				all = append(all, askedRow{checkRow{answerRow: answerRow{qa.Rows(), qa.Of, qa.Question, qa.Answers}}, it.LinkID})
			}
		}
		if len(all) == before {
			all = append(all, askedRow{checkRow{answerRow: answerRow{Question: it.Text}}, it.LinkID})
		}
	}
	return all
}

// An endingView shows answers that end the request back, to be confirmed.
type endingView struct {
	Visit       string
	Heading     string
	Disposition intake.Disposition
	Causes      []checkRow
	Message     phi.Text
	Phone       string
}

func endingPath(visit string) string { return myPath(visit) + "/ending" }

// ending asks once whether an answer that ends the request is meant.
func (s *site) ending(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, done, err := s.draft(w, r, v)
	switch {
	case done || err != nil:
		return err
	case d.Ending == nil:
		return redirect(w, resume(d.Visit.ID, d.Form, d.Response))
	}
	e := d.Ending
	view := endingView{Visit: d.Visit.ID, Heading: turnTo[e.Disposition], Disposition: e.Disposition, Message: e.Message, Phone: e.Phone}
	for _, qa := range e.Causes {
		n := max(pageOf(d.Form, qa.LinkID), 1)
		view.Causes = append(view.Causes, checkRow{answerRow{qa.Rows(), qa.Of, qa.Question, qa.Answers}, formPath(d.Visit.ID, n) + "#" + htmlID(qa.LinkID)})
	}
	return s.show(w, &v, page{view: "ending", title: "Is this right?", data: view, leave: d.Form.Private()})
}

// confirmEnding ends the request for the answers that the visitor confirmed, or asks
// again if other answers decide by now.
func (s *site) confirmEnding(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	saved, err := s.Request.SavePage(r.Context(), v.Caller, id, request.Save{
		Page: request.Answers(intake.Response{}), Confirmed: intake.Disposition(values.Get("disposition")), AsTyped: true,
	})
	switch {
	case err != nil:
		return err
	case saved.Ending != nil:
		return redirect(w, endingPath(id))
	}
	return redirect(w, myPath(id))
}
