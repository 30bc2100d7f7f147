package web

import (
	"net/http"
	"net/url"

	"evisit/pkg/clinic/request"
	"evisit/pkg/httpapi/archive"
	"evisit/pkg/phi"
)

// Where patients, and who acts for them, have all that is stored of them. The patient is
// named by the field of; without it, it is the visitor.
const (
	dataPath   = "/my/data"
	accessPath = "/my/data/access"
	recordPath = "/my/data/record"
)

type dataView struct{ People []ownData }

// ownData is of one patient whom the visitor may act for.
type ownData struct {
	someone
	Access, Record string
	Caregivers     string // where who acts for them stands
	Coverages      string
	Membership     string
	Payments       string
}

// data offers the visitor who has seen the data of each of their patients, and a copy.
func (s *site) data(w http.ResponseWriter, r *http.Request, v visitor) error {
	people, err := s.actsFor(r, v)
	if err != nil {
		return err
	}
	if len(people) == 0 {
		return errNobodyToActFor
	}
	var view dataView
	for _, p := range people {
		view.People = append(view.People, ownData{p, dataOf(accessPath, p.ID, ""), dataOf(recordPath, p.ID, ""), caregiversAt(v, p.ID), coveragesOf(p.ID), memberOf(p.ID), paymentsOf(p.ID)})
	}
	v.otherPatient = nil
	if only := people[0]; len(people) == 1 && !only.Self {
		v.For = phi.Text(only.Called)
	}
	return s.show(w, &v, page{view: "data", title: "My data", data: view})
}

// dataOf is the address of a page of a patient, after a place in it.
func dataOf(page, patient, after string) string {
	q := url.Values{}
	if patient != "" {
		q.Set("of", patient)
	}
	if after != "" {
		q.Set(afterField, after)
	}
	return page + "?" + q.Encode()
}

type accessView struct {
	Acts            []accessed
	Latest, Earlier string // where the beginning is, and where it goes on; empty at either end
}

// An accessed is an act, and the request that it is about.
type accessed struct {
	act
	Href, Number string // empty of what is about none
}

// access lists who did and saw what of a patient's data, the latest first. What somebody
// did several times to the same request, without anything in between, is one act.
func (s *site) access(w http.ResponseWriter, r *http.Request, v visitor) error {
	of, after := r.URL.Query().Get("of"), clipCursor(r.URL.Query().Get(afterField))
	all, next, err := s.Request.AccessList(r.Context(), v.Caller, of, after, trailLength)
	if err != nil {
		return err
	}
	if err := v.setFor(); err != nil {
		return err
	}
	var view accessView
	for _, one := range all {
		view.add(newAccessed(one, v))
	}
	if after != "" {
		view.Latest = dataOf(accessPath, of, "")
	}
	if next != "" {
		view.Earlier = dataOf(accessPath, of, next)
	}
	return s.show(w, &v, page{view: "access", title: "Who has seen the data", data: view})
}

func newAccessed(one request.Access, v visitor) accessed {
	a := accessed{act: newAct(one.Record, v)}
	if one.Record.Visit != "" {
		a.Href, a.Number = myPath(one.Record.Visit), one.Visit.Number()
	}
	return a
}

func (view *accessView) add(a accessed) {
	if last := len(view.Acts) - 1; last >= 0 && view.Acts[last].Href == a.Href && a.repeats(view.Acts[last].act) {
		view.Acts[last].Times++
		return
	}
	view.Acts = append(view.Acts, a)
}

// download sends a part of a patient's record as a file.
func (s *site) download(w http.ResponseWriter, r *http.Request, v visitor) error {
	of := r.URL.Query().Get("of")
	part, err := archive.Make(r.Context(), s.Request, v.Caller, request.Place{Patient: of, Cursor: clipCursor(r.URL.Query().Get(afterField))}, func(cursor string) string {
		return s.BaseURL + dataOf(recordPath, of, cursor)
	})
	if err != nil {
		return err
	}
	return sendFile(w, "application/zip", part.Name, part.Zip)
}
