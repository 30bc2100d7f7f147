package httpapi_test

import (
	"net/http"
	"testing"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
)

// Who runs the system is known by a setting, needs a second factor, sees the platform's
// work, and nothing of a practice's.
func TestOperator_IsNamedBySetting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	w.rooms.Kernel.Operators = []clinic.Proof{{Issuer: testIssuer, Subject: "olu"}, {Issuer: "https://other.example", Subject: "eve"}}
	var me shownMe
	w.do(t, call{as: "olu", method: "GET", path: "/me"}, &me)
	if me.ID != "operator.olu" || me.Role != "operator" || me.at() != "platform:operator.olu:operator" {
		t.Errorf("the operator is %+v", me)
	}
	w.do(t, call{as: "olu", method: "GET", path: "/practice/work"}, nil)
	refused(t, send(t, w.api, call{as: oneFactor + "olu", method: "GET", path: "/practice/work"}), http.StatusForbidden, "second_factor")
	for _, path := range []string{"", "/chart", "/document", "/ledger", "/audit"} {
		refused(t, send(t, w.api, call{as: "olu", method: "GET", path: "/visits/" + v.ID + path}), http.StatusNotFound, "not_found")
	}
	for path, code := range map[string]int{"/queue": http.StatusForbidden, "/practice/log": http.StatusForbidden, "/visits?patient=jane-smith": http.StatusForbidden} {
		if res := send(t, w.api, call{as: "olu", method: "GET", path: path}); res.Code != code {
			t.Errorf("%s: %d %s, want %d", path, res.Code, res.Body, code)
		}
	}
	refused(t, send(t, w.api, call{as: "eve", method: "GET", path: "/me"}), http.StatusUnauthorized, "unknown_person")
}

// An operator whom a practice knows too chooses between the two, and a row that names
// them at the platform does not count.
func TestOperator_WhoWorksAtAPractice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rooms.Kernel.Operators = []clinic.Proof{{Issuer: testIssuer, Subject: omar}}
	w.works(t, omar, identity.Person{ID: "omar-platform", Practice: "platform", Role: identity.Admin, Display: "Omar"})
	if m := w.omar(t, ""); m.ID != "" || m.at() != "harbor:omar-haddad:clinician platform:operator.omar-haddad:operator" {
		t.Errorf("none named: %+v", m)
	}
	if m := w.omar(t, "platform"); m.ID != "operator.omar-haddad" || m.Role != "operator" {
		t.Errorf("at the platform: %+v", m)
	}
	w.do(t, named(call{as: omar, method: "GET", path: "/queue"}, "harbor"), nil)
	refused(t, send(t, w.api, named(call{as: omar, method: "GET", path: "/queue"}, "platform")), http.StatusForbidden, "denied")
}

// Every reply about a practice tells how much there is to do, and the version for If-Match.
func TestOperator_RepliesTellWhatIsToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.draft(t)
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(map[string]any{"uti-confused": true})}, nil)
	w.rooms.Kernel.Operators = []clinic.Proof{{Issuer: testIssuer, Subject: "olu"}}
	var stands, suspended struct {
		Open    int `json:"open_work"`
		Version int `json:"version"`
	}
	w.do(t, call{as: "olu", method: "GET", path: "/practices/lakeside"}, &stands)
	w.do(t, call{as: "olu", method: "POST", path: "/practices/lakeside/suspend"}, &suspended)
	if stands.Open == 0 || suspended.Open != stands.Open || suspended.Version != stands.Version+1 {
		t.Errorf("it stands at %+v, and suspended at %+v", stands, suspended)
	}
}
