package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"evisit/pkg/httpapi"
	"evisit/pkg/identity"
)

// Who works at a practice and signed in with one factor is refused everything, and the
// practice's log says so; patients and who acts for them are not asked for a second.
func TestSecondFactor_OfWhoWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	for _, id := range []string{"ana-rivera", "nora-patel", "sam-lee", "ada-brooks"} {
		asked := 0
		for _, e := range httpapi.Endpoints() {
			if !e.Who.ByToken() || e.Who == httpapi.Holder {
				continue
			}
			asked++
			path := strings.NewReplacer("{id}", v.ID, "{work}", "w1", "{name}", "uti-women", "{version}", "1").Replace(e.Path)
			refused(t, send(t, w.api, call{as: oneFactor + id, method: e.Method, path: path}), http.StatusForbidden, "second_factor")
		}
		made := 0
		for _, r := range w.refusals(t) {
			if r.Actor.ID != id {
				continue
			}
			if made++; r.Practice != "lakeside" || r.Reason != "second_factor" || r.Actor.IP != "192.0.2.1" {
				t.Errorf("recorded as %+v", r)
			}
		}
		if made != asked {
			t.Errorf("%s: %d requests left %d records", id, asked, made)
		}
		w.do(t, call{as: id, method: "GET", path: "/me"}, nil)
	}
	for _, id := range []string{"jane-smith", "elena-diaz"} {
		w.do(t, call{as: oneFactor + id, method: "GET", path: "/me"}, nil)
		w.do(t, call{as: oneFactor + id, method: "GET", path: "/forms"}, nil)
	}
	w.do(t, call{as: oneFactor + "jane-smith", method: "GET", path: "/visits/" + v.ID + "/chart"}, nil)
}

// The second factor is asked for where one works: not of a patient of another practice,
// and not of who has yet to say where they are.
func TestSecondFactor_PatientHereWhoWorksThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.works(t, "jane-smith", identity.Person{ID: "jane-harbor", Practice: "harbor", Role: identity.Nurse, Display: "Jane Smith, RN"})
	me := func(practice string) call {
		return named(call{as: oneFactor + "jane-smith", method: "GET", path: "/me"}, practice)
	}
	w.do(t, me(""), nil)
	w.do(t, me("lakeside"), nil)
	refused(t, send(t, w.api, me("harbor")), http.StatusForbidden, "second_factor")
	all := w.refusals(t)
	if len(all) != 1 || all[0].Practice != "harbor" || all[0].Actor.ID != "jane-harbor" {
		t.Errorf("recorded as %+v", all)
	}
}
