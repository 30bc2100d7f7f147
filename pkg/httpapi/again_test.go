package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
)

type savedPage struct {
	Visit   shownVisit
	Missing []fault.Problem
}

func again(v shownVisit) call {
	return call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/again"}
}

// missing lists what a draft still asks for.
func (w *world) missing(t testing.TB, id string) []string {
	t.Helper()
	var s savedPage
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + id + "/answers", body: `{"resourceType":"QuestionnaireResponse"}`}, &s)
	return wheres(s.Missing)
}

// anew is what must be said anew of the answers in urinary.
var anew = []string{
	"emergency-ack", "location-state", "callback-phone", "pregnant", "uti-onset", "uti-fever", "uti-flank", "uti-vomit",
	"uti-confused", "uti-retention", "fee-ack", "consent-ack",
}

// An expired request is sent again as a draft of its own: what must be said anew is
// asked, the rest is kept, and nothing is sent before it is checked, priced and
// accepted as any other.
func TestAgain_AnswersAreCarriedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was := w.expired(t)
	var v shownVisit
	head := w.do(t, again(was), &v)
	if v.ID == was.ID || v.Status != "draft" || v.Quote.ID != "" || len(v.Payments) > 0 || head.Get("Location") != "/visits/"+v.ID {
		t.Fatalf("sent again, it is %+v at %s", v, head.Get("Location"))
	}
	got := w.missing(t, v.ID)
	want := slices.Clone(anew)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked anew (-want +got):\n%s", diff)
	}
	refused(t, send(t, w.api, call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/quote"}), http.StatusUnprocessableEntity, "answers_incomplete")
	rest := urinary()
	for id := range rest {
		if !slices.Contains(anew, id) {
			delete(rest, id)
		}
	}
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(rest)}, nil)
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/submit", body: map[string]any{
		"quote": w.quote(t, v.ID), "accept_fee": true, "accept_consent": true,
	}}, &v)
	if v.Status != "awaiting_payment" || len(v.Payments) != 1 || v.Payments[0] == was.Payments[0] {
		t.Errorf("submitted, it is %+v", v)
	}
	var old shownVisit
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + was.ID}, &old)
	if old.Status != "expired" || old.Version != was.Version {
		t.Errorf("the expired request is %+v, and was %+v", old, was)
	}
	for id, action := range map[string]string{was.ID: "visit.again", v.ID: "visit.start"} {
		var trail struct{ Records []struct{ Action string } }
		w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + id + "/audit"}, &trail)
		if !slices.ContainsFunc(trail.Records, func(r struct{ Action string }) bool { return r.Action == action }) {
			t.Errorf("the trail of %s lacks %s: %+v", id, action, trail.Records)
		}
	}
}

// However often and at once it is pressed, there is one draft. One that was withdrawn
// is followed by another; one that was sent is found as it stands.
func TestAgain_OneDraft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was := w.expired(t)
	var wg sync.WaitGroup
	ids := make([]string, 4)
	for i := range ids {
		wg.Go(func() { ids[i] = strings.TrimPrefix(send(t, w.api, again(was)).Header().Get("Location"), "/visits/") })
	}
	wg.Wait()
	first := ids[0]
	if slices.Sort(ids); first == "" || len(slices.Compact(ids)) != 1 {
		t.Fatalf("pressed at once, it is sent again as %q", ids)
	}
	w.do(t, call{as: "jane-smith", method: "DELETE", path: "/visits/" + first}, nil)
	var second, third, found shownVisit
	w.do(t, again(was), &second)
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + second.ID + "/cancel"}, nil)
	w.do(t, again(was), &third)
	if third.Status != "draft" || second.ID == first || third.ID == second.ID {
		t.Errorf("after %s was deleted and %s cancelled, it is sent again as %+v", first, second.ID, third)
	}
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + third.ID + "/answers", body: page(urinary())}, nil)
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + third.ID + "/submit", body: map[string]any{
		"quote": w.quote(t, third.ID), "accept_fee": true, "accept_consent": true,
	}}, nil)
	if w.do(t, again(was), &found); found.ID != third.ID || found.Status != "awaiting_payment" {
		t.Errorf("after it was sent, it is found as %+v", found)
	}
	for _, s := range w.strangers(t) {
		c := again(was)
		c.as = s.who
		if res := send(t, w.api, c); res.Code != s.status {
			t.Errorf("%s: %d %s", s.who, res.Code, res.Body)
		}
	}
}

// The draft is on the version that is offered now, with the answers that fit it.
func TestAgain_OnTheVersionOfferedNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was := w.expired(t)
	p, err := w.store.Practice(t.Context(), "lakeside")
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.rooms.Kernel.Form(t.Context(), "lakeside", "uti-women", p.Forms["uti-women"])
	if err != nil {
		t.Fatal(err)
	}
	newer, err := intake.Load([]byte(strings.NewReplacer(f.Version(), "9.0.0", `"uti-count"`, `"uti-times"`).Replace(string(f.JSON()))))
	if err != nil {
		t.Fatal(err)
	}
	w.practice(t, func(p *practice.Practice) { p.Forms["uti-women"] = "9.0.0" }, newer)
	var v struct {
		shownVisit
		Form struct{ Version string }
	}
	w.do(t, again(was), &v)
	missing := w.missing(t, v.ID)
	if v.Form.Version != "9.0.0" || !slices.Contains(missing, "uti-times") || slices.Contains(missing, "uti-sx") {
		t.Errorf("on version %s, it asks for %v", v.Form.Version, missing)
	}
}

// What cannot be started cannot be sent again: nothing is written, and the patient is
// told why and whom to call.
func TestAgain_NoLongerPossible(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(t *testing.T, w *world)
		code   string
	}{
		"the form is withdrawn": {func(t *testing.T, w *world) {
			w.practice(t, func(p *practice.Practice) { delete(p.Forms, "uti-women") })
		}, "not_offered"},
		"its price is withdrawn": {func(t *testing.T, w *world) {
			w.practice(t, func(p *practice.Practice) { delete(p.Prices, "uti-women") })
		}, "no_price"},
		"nobody is licensed": {func(t *testing.T, w *world) {
			w.practice(t, func(p *practice.Practice) { p.States = nil })
		}, "state_not_served"},
		"the patient is too old by now": {func(t *testing.T, w *world) {
			if err := w.cast.AddPatient(t.Context(), identity.Patient{ID: "jane-smith", Practice: "lakeside", Contact: identity.Contact{
				Name: "Jane Smith", Email: "jane@patients.example", Sex: "female", Birth: time.Date(1930, 1, 1, 0, 0, 0, 0, time.UTC),
			}}); err != nil {
				t.Fatal(err)
			}
		}, "not_eligible"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			was := w.expired(t)
			test.change(t, w)
			w.nothingWritten(t, func(t *testing.T) {
				if p := refused(t, send(t, w.api, again(was)), http.StatusConflict, test.code); !strings.Contains(p.Detail, "call the practice: +1") {
					t.Errorf("it says %q", p.Detail)
				}
			})
		})
	}
}
