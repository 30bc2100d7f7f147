package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
)

// With an issuer for patients and one for people who work, who signs in says which they
// are; the session is renewed and ended where it began.
func TestSignIn_AtOneOfTwoIssuers(t *testing.T) {
	t.Parallel()
	patients, staff := lateServer(t), lateServer(t)
	h := newHouseOf(t, patients, staff)
	must(t, h.cast.AddPerson(t.Context(), clinic.Proof{Issuer: staff.URL, Subject: "dry"}, identity.Person{
		ID: "dry-staff", Practice: "oak", Role: identity.Clinician, Display: "Yves Yoder, MD",
	}))
	ada := h.browse(t)
	ada.get("/my")
	ada.wants(http.StatusOK, "Who are you here?", "I am a patient", "I work at a practice")
	ada.link("I am a patient")
	if !strings.HasPrefix(ada.at.String(), patients.URL) {
		t.Fatalf("patients sign in at %s", ada.at)
	}
	ada.press("Ada", nil)
	ada.wants(http.StatusOK, "My requests")

	dry := h.browse(t)
	dry.get("/desk/work")
	dry.link("I work at a practice")
	if !strings.HasPrefix(dry.at.String(), staff.URL) {
		t.Fatalf("people who work sign in at %s", dry.at)
	}
	dry.press("Dr. Y", url.Values{"one_factor": {"1"}})
	dry.wants(http.StatusForbidden, "A second factor is needed")
	dry.link("Sign in with a second factor")
	dry.link("I work at a practice")
	dry.press("Dr. Y", nil)
	dry.wants(http.StatusOK, "Yves Yoder, MD")
	if dry.at.Path != "/desk/work" {
		t.Errorf("signing in leads to %s", dry.at)
	}
	for range 8 {
		h.pass(10 * time.Minute)
		dry.get("/desk")
		dry.wants(http.StatusOK, "Yves Yoder, MD")
	}
	if here, there := h.providers[0].exchanges(), h.providers[1].exchanges(); here != 0 || there != 1 {
		t.Errorf("the refresh token was exchanged %d times at the other issuer, %d times at its own", here, there)
	}
	dry.press("Sign out", nil)
	dry.wants(http.StatusOK, "Sign in to begin")
	if here, there := h.providers[0].asked("/logout"), h.providers[1].asked("/logout"); here != 0 || there != 1 {
		t.Errorf("the browser was led to the logout of the other issuer %d times, of its own %d times", here, there)
	}

	// The other issuer's Dr. Y is nobody here.
	other := h.browse(t)
	other.get("/sign-in?at=0&next=/desk")
	other.press("Dr. Y", nil)
	other.wants(http.StatusOK, "Yves Yoder, MD") // of the first issuer, whom the house knows too
	for _, at := range []string{"2", "-1", "x", "99999999999999999999"} {
		other.get(h.url + "/sign-in?at=" + at)
		other.wants(http.StatusNotFound)
	}
}

// A code or an answer of one issuer is not taken for one of the other, at which the
// sign-in was begun.
func TestSignIn_AnswerOfTheOtherIssuer(t *testing.T) {
	t.Parallel()
	patients, staff := lateServer(t), lateServer(t)
	h := newHouseOf(t, patients, staff)
	for name, change := range map[string]func(url.Values){
		"its name":           func(q url.Values) { q.Set("iss", staff.URL) },
		"a name with a /":    func(q url.Values) { q.Set("iss", patients.URL+"/") },
		"its code, no name":  func(q url.Values) { q.Set("code", h.codeOf(t, 1)); q.Del("iss") },
		"its code as theirs": func(q url.Values) { q.Set("code", h.codeOf(t, 1)) },
	} {
		ada := h.browse(t)
		ada.get("/sign-in?at=0")
		state := ada.at.Query().Get("state")
		q := url.Values{"state": {state}, "code": {"none"}, "iss": {patients.URL}}
		change(q)
		ada.get(h.url + "/signed-in?" + q.Encode())
		ada.wants(http.StatusBadRequest)
		ada.get(h.url + "/my")
		if ada.at.Path != "/sign-in" {
			t.Errorf("%s: signed in, at %s", name, ada.at)
		}
	}
}

// codeOf is a code that the issuer of a number gives for a sign-in here.
func (h *house) codeOf(t *testing.T, issuer int) string {
	t.Helper()
	b := h.browse(t)
	stop := b.client.CheckRedirect
	b.get("/sign-in?at=" + []string{"0", "1"}[issuer])
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { b.client.CheckRedirect = stop }()
	b.press("Ada", nil)
	to, err := url.Parse(b.head.Get("Location"))
	must(t, err)
	return to.Query().Get("code")
}
