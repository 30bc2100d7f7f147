package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/identity"
)

// weakly signs in as one of the cast with a password alone.
func (h *house) weakly(t *testing.T, who, path string) *browser {
	t.Helper()
	b := h.browse(t)
	b.get(path)
	b.press(who, url.Values{"one_factor": {"1"}})
	return b
}

// Who works and signed in with a password alone is told why that is not enough, and one
// button signs in again with a second factor and leads to the page that was wanted.
func TestSecondFactor_AskedForAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, _ := h.sent(t, h.as(t, "Ada", "/my"))
	drx := h.weakly(t, "Dr. X", "/desk/visits/"+id)
	drx.wants(http.StatusForbidden, "A second factor is needed", "A password alone is not enough")
	drx.get("/desk")
	if !strings.HasPrefix(drx.at.String(), h.issuer.URL) {
		t.Errorf("who was refused is signed in at %s", drx.at)
	}
	drx = h.weakly(t, "Dr. X", "/desk/visits/"+id)
	drx.link("Sign in with a second factor")
	if !strings.Contains(drx.at.Query().Get("acr_values"), "multi-factor") {
		t.Errorf("asked for at %s", drx.at)
	}
	drx.press("Dr. X", nil)
	drx.wants(http.StatusOK, "Urinary symptoms", "Xenia Xu, MD")
	if drx.at.Path != "/desk/visits/"+id {
		t.Errorf("signing in again leads to %s", drx.at)
	}
	if n := recordsOf(h.stored(t), []string{"second_factor", "drx", "oak", "GET /signed-in"}); n != 1 {
		t.Errorf("%d records of the refusals in one hour, want 1", n)
	}
	h.weakly(t, "Ada", "/my").wants(http.StatusOK, "My requests")
	h.weakly(t, "Cal", "/my").wants(http.StatusOK, "Ada Adams")
}

// A session keeps how its holder signed in when it is renewed: the refreshed token says
// nothing of it. It does not become strong by its holder's new role.
func TestSecondFactor_KeptAndNotInvented(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx, ada := h.as(t, "Dr. X", "/desk"), h.as(t, "Ada", "/my")
	for range 8 { // past the hour that the ID token holds
		h.pass(10 * time.Minute)
		drx.get("/desk")
		drx.wants(http.StatusOK, "Xenia Xu, MD")
		ada.get("/my")
		ada.wants(http.StatusOK, "My requests")
	}
	h.person(t, "ada", identity.Person{ID: "ada", Practice: "oak", Role: identity.Staff, Display: "Ada Adams"})
	ada.get("/desk")
	ada.wants(http.StatusForbidden, "A second factor is needed")
	ada.link("Sign in with a second factor")
	ada.press("Ada", nil)
	ada.wants(http.StatusOK, "Ada Adams", "Queue")
	ada.get("/desk/work")
	ada.wants(http.StatusOK)
}

// Who accepts an invitation with a password alone is led to a second factor and back to
// the invitation, which is still there.
func TestSecondFactor_OfWhoAcceptsAnInvitation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/people/invite")
	adm.press("Send the invitation", url.Values{"email": {"kim@mail.example"}, "name": {"Kim Kay, RN"}, "roles": {"nurse"}})
	kim := h.weakly(t, "Kim", h.letterTo(t))
	kim.press("Accept", nil)
	kim.wants(http.StatusForbidden, "A second factor is needed")
	kim.link("Sign in with a second factor")
	kim.press("Kim", nil)
	kim.wants(http.StatusOK, "You are invited", "kim@mail.example")
	kim.press("Accept", nil)
	kim.wants(http.StatusOK, "Kim Kay, RN", "Oak Street Clinic")
}
