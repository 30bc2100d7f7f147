package web_test

import (
	"strings"
	"testing"
)

// Every page says who is signed in, by name and role, and for whom, if the page is
// another's.
func TestHeader_WhoIsSignedIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	at := "/my/visits/" + id
	cal := h.as(t, "Cal", "/my")
	cal.press("Back pain", nil)
	draft := "/my/visits/" + cal.visitID()
	for _, test := range []struct {
		who, page, want string
	}{
		{"Ada", "/my", "Ada Adams, patient"},
		{"Ada", at, "Ada Adams, patient"},
		{"Ada", at + "/trail", "Ada Adams, patient"},
		{"Ada", "/my/visits/nothing", "Ada Adams, patient"},
		{"Cal", "/my", "Cal, caregiver for Ada Adams"},
		{"Cal", at, "Cal, caregiver for Ada Adams"},
		{"Cal", at + "/trail", "Cal, caregiver for Ada Adams"},
		{"Cal", at + "/sent", "Cal, caregiver for Ada Adams"},
		{"Cal", draft + "/form/1", "Cal, caregiver for Ada Adams"},
		{"Cal", draft + "/check", "Cal, caregiver for Ada Adams"},
		{"Dr. X", "/desk", "Xenia Xu, MD, clinician"},
		{"Dr. X", "/desk/visits/" + id, "Xenia Xu, MD, clinician"},
		{"Adm", "/desk/work", "Adam Admin, administrator"},
	} {
		b := h.as(t, test.who, test.page)
		header := find(b.page, "header")[0]
		if got := strings.Join(strings.Fields(text(find(header, "span")[0])), " "); got != test.want || !strings.Contains(text(header), "Sign out") {
			t.Errorf("%s at %s: %q, want %q and how to sign out", test.who, test.page, text(header), test.want)
		}
	}
	start := h.browse(t)
	start.get("/")
	if words := text(find(start.page, "header")[0]); strings.Contains(words, "Sign out") || !strings.Contains(words, "Sign in") {
		t.Errorf("signed out, the header says %q", words)
	}
}
