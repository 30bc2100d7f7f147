package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/record"
)

type trailView struct {
	Visit, Title string
	Others       []act  // the newest first
	Own          []act  // the visitor's, each thing once, the newest first
	Latest       string // where the beginning of a cut list is; empty at the beginning
	Earlier      string // where it goes on; empty at its end
}

// trailLength bounds the acts of others on a page. The visitor's own are as many as there
// are kinds at most.
const trailLength = 50

// afterField is how many acts of others the pages before have.
const afterField = "after"

// An act is one thing that somebody did, or did several times. When is the last time.
type act struct {
	record.Act
	When, Machine string
	Times         int
}

// trail lists who saw the request and did what.
func (s *site) trail(w http.ResponseWriter, r *http.Request, v visitor) error {
	vis, records, err := s.Office.Trail(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := v.setFor(); err != nil {
		return err
	}
	view := trailView{Visit: vis.ID}
	if view.Title, err = s.title(r, vis); err != nil {
		return err
	}
	view.fill(records, v)
	skip, err := strconv.Atoi(r.URL.Query().Get(afterField))
	if err != nil || skip < 0 {
		skip = 0
	}
	view.cut(skip)
	return s.show(w, &v, page{view: "trail", title: "Who has seen this", data: view})
}

// fill lists the records, which are in the order of time. What others did several times
// without anything in between is one act; what the visitor did is one, whenever it was.
func (view *trailView) fill(records []audit.Record, v visitor) {
	for _, rec := range slices.Backward(records) {
		a := newAct(rec, v)
		list, same := &view.Others, len(view.Others)-1
		if rec.Actor.ID == v.Person.ID {
			list, same = &view.Own, slices.IndexFunc(view.Own, a.repeats)
		}
		if same >= 0 && a.repeats((*list)[same]) {
			(*list)[same].Times++
			continue
		}
		*list = append(*list, a)
	}
}

// cut leaves a page of what others did: those after the first skip. What comes to a trail
// comes before them, so that a reader who goes on misses nothing.
func (view *trailView) cut(skip int) {
	here := myPath(view.Visit) + "/trail"
	if skip = min(skip, len(view.Others)); skip > 0 {
		view.Others, view.Own, view.Latest = view.Others[skip:], nil, here
	}
	if len(view.Others) > trailLength {
		view.Others, view.Earlier = view.Others[:trailLength], here+"?"+afterField+"="+strconv.Itoa(skip+trailLength)
	}
}

func newAct(rec audit.Record, v visitor) act {
	return act{Act: record.ActOf(rec, v.reader()), When: v.practice.Local(rec.At), Machine: rec.At.Format(time.RFC3339), Times: 1}
}

// reader is v as the reader of what others did.
func (v visitor) reader() record.Reader {
	return record.Reader{ID: v.Person.ID, Patient: v.Person.Patient, For: v.For}
}

// repeats reports whether a is what b is, at another time.
func (a act) repeats(b act) bool {
	a.When, a.Machine, a.Times = b.When, b.Machine, b.Times
	return a == b
}
