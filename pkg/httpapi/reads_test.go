package httpapi_test

import (
	"testing"
	"time"
)

// All who are told of a visit are told whether its answer was read, and when.
func TestVisit_TellsWhatWasRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := "/visits/" + w.queued(t).ID
	for _, c := range []call{
		{as: "ana-rivera", method: "POST", path: at + "/take"},
		{as: "ana-rivera", method: "POST", path: at + "/answer", body: conclusion()},
	} {
		w.do(t, c, nil)
	}
	w.charge(t)
	type told struct {
		Unread   bool
		Version  int
		Timeline []struct{ Step string }
	}
	check := func(who string, read bool) {
		t.Helper()
		var one told
		w.do(t, call{as: who, method: "GET", path: at}, &one)
		if one.Unread == read || (one.Timeline[len(one.Timeline)-1].Step == "read") != read {
			t.Errorf("%s is told %+v", who, one)
		}
	}
	var list struct{ Visits []told }
	for _, read := range []bool{false, true} {
		check("jane-smith", read)
		check("ana-rivera", read)
		w.do(t, call{as: "jane-smith", method: "GET", path: "/visits"}, &list)
		if len(list.Visits) != 1 || list.Visits[0].Unread == read {
			t.Errorf("the list has %+v", list.Visits)
		}
		var chart struct {
			Visit    told
			Messages []struct {
				ReadAt *time.Time `json:"read_at"`
			}
		}
		w.do(t, call{as: "ana-rivera", method: "GET", path: at + "/chart"}, &chart)
		if chart.Visit.Unread == read || (chart.Messages[0].ReadAt != nil) != read {
			t.Errorf("the clinician is shown %+v", chart)
		}
		w.do(t, call{as: "jane-smith", method: "GET", path: at + "/chart"}, &chart)
		if chart.Visit.Unread || chart.Messages[0].ReadAt == nil || chart.Visit.Version != list.Visits[0].Version {
			t.Errorf("the patient who reads is shown %+v", chart)
		}
	}
}
