package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every exchange of these journeys is held against the document on the way.

func TestDocument_FitsAnAnsweredVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/openapi.json", "/docs", "/health"} {
		w.do(t, call{method: "GET", path: path}, nil)
	}
	for _, who := range []string{"jane-smith", "elena-diaz", "ana-rivera", "nora-patel", "sam-lee", "ada-brooks"} {
		w.do(t, call{as: who, method: "GET", path: "/me"}, nil)
		w.do(t, call{as: who, method: "GET", path: "/practice"}, nil)
	}
	var forms struct{ Forms []struct{ Name, Link string } }
	w.do(t, call{as: "jane-smith", method: "GET", path: "/forms"}, &forms)
	for _, f := range forms.Forms {
		tag := w.do(t, call{as: "jane-smith", method: "GET", path: f.Link}, nil).Get("ETag")
		res := send(t, w.api, call{as: "jane-smith", method: "GET", path: "/forms/" + f.Name, header: map[string]string{"If-None-Match": tag}})
		if res.Code != http.StatusNotModified {
			t.Errorf("%s is sent again: %d", f.Name, res.Code)
		}
	}

	v := w.queued(t)
	at := "/visits/" + v.ID
	patient := func(method, path string, body any) {
		t.Helper()
		w.do(t, call{as: "jane-smith", method: method, path: path, body: body}, nil)
	}
	clinician := func(path string, body any) {
		t.Helper()
		w.do(t, call{as: "ana-rivera", method: "POST", path: path, body: body}, nil)
	}
	text := func(s string) any { return map[string]any{"text": s} }
	w.do(t, call{as: "ana-rivera", method: "GET", path: "/queue"}, nil)
	clinician(at+"/take", nil)
	clinician(at+"/ask", text("Since when?"))
	patient("POST", at+"/messages", map[string]any{"text": "Two days.", "answers": page(map[string]any{"uti-onset": 3})})
	patient("GET", at+"/chart", nil)
	w.do(t, call{as: "ana-rivera", method: "GET", path: at + "/chart"}, nil)
	clinician(at+"/answer", conclusion())
	w.charge(t)
	patient("GET", at+"/document", nil)
	patient("POST", at+"/acknowledge", nil)
	patient("GET", at+"/document", nil)
	var books struct {
		Balances map[string]int64
	}
	w.do(t, call{as: "jane-smith", method: "GET", path: at + "/ledger"}, &books)
	if d := cmp.Diff(map[string]int64{"holds": 0, "holds_owed": 0, "stripe": 4000, "visit_fees": -4000}, books.Balances); d != "" {
		t.Errorf("balances (-want +got):\n%s", d)
	}
	patient("GET", at+"/audit", nil)
	patient("GET", at, nil)
	w.do(t, call{as: "ada-brooks", method: "GET", path: "/practice/work"}, nil)
	w.moved.Add(int64(5 * time.Minute))
	if _, err := w.sign.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/practice/log", "/practice/log/rows", "/practice/log/checkpoint", "/practice/log/key"} {
		w.do(t, call{as: "ada-brooks", method: "GET", path: path}, nil)
	}
}

func conclusion() map[string]any {
	return map[string]any{
		"reply": "This looks like a simple bladder infection.", "diagnoses": []any{map[string]any{"code": "N30.00"}},
		"plan":    map[string]any{"do": "Drink enough.", "warning_signs": "Fever or back pain.", "follow_up": "as needed"},
		"minutes": 9,
	}
}

func TestPage_CursorsReadAListToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := map[string]bool{}
	for range 5 {
		var v shownVisit
		w.do(t, call{as: "jane-smith", method: "POST", path: "/visits", body: map[string]any{"form": "uti-women"}}, &v)
		want[v.ID] = true
	}
	got, next := map[string]bool{}, ""
	for pages := 0; pages == 0 || next != ""; pages++ {
		var list struct {
			Visits []shownVisit
			Next   string
		}
		path := "/visits?limit=2"
		if next != "" {
			path += "&cursor=" + next
		}
		w.do(t, call{as: "jane-smith", method: "GET", path: path}, &list)
		for _, v := range list.Visits {
			if got[v.ID] {
				t.Errorf("%s is listed twice", v.ID)
			}
			got[v.ID] = true
		}
		if next = list.Next; pages > 5 {
			t.Fatal("the list has no end")
		}
	}
	for id := range want {
		if !got[id] {
			t.Errorf("%s is not listed", id)
		}
	}
}

func TestDocument_FitsADivertedVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.draft(t)
	var saved struct {
		Visit     shownVisit
		Diversion struct{ Disposition, Message string }
	}
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(map[string]any{"uti-confused": true, "uti-fever": true})}, &saved)
	if saved.Visit.Status != "diverted" || saved.Diversion.Disposition != "emergency" || saved.Diversion.Message == "" {
		t.Errorf("a red flag left %+v", saved)
	}
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + v.ID + "/chart"}, nil)
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/acknowledge"}, nil)
}

func TestDocument_FitsEveryWayOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, way := range []string{"decline", "redirect"} {
		at := "/visits/" + w.queued(t).ID
		w.do(t, call{as: "ben-chen", method: "POST", path: at + "/take"}, nil)
		w.do(t, call{as: "ben-chen", method: "POST", path: at + "/" + way, body: map[string]any{"reason": "needs_exam", "text": "Please come in."}}, nil)
		w.do(t, call{as: "jane-smith", method: "GET", path: at + "/chart"}, nil)
	}
	at := "/visits/" + w.submitted(t).ID
	w.do(t, call{as: "jane-smith", method: "POST", path: at + "/checkout"}, nil)
	w.do(t, call{as: "jane-smith", method: "POST", path: at + "/cancel"}, nil)
	w.do(t, call{as: "jane-smith", method: "GET", path: at + "/ledger"}, nil)
}

// The page of the API's own may have styles, and nothing else.
func TestGetDocs_RunsAndLoadsNothing(t *testing.T) {
	t.Parallel()
	res := send(t, newWorld(t).api, call{method: "GET", path: "/docs"})
	const want = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
	if got := res.Header().Get("Content-Security-Policy"); res.Code != http.StatusOK || got != want {
		t.Errorf("answered %d with the policy %q, want %q", res.Code, got, want)
	}
}
