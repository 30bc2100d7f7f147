package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/web"
)

const secret = "My very own words, which only I may see again"

// A clinician types for twenty minutes and posts after the session has ended. After
// signing in again they are shown what they had written, and send it with one
// press.
func TestKept_AnswerTypedForTwentyMinutes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	drx := h.as(t, "Dr. X", "/desk/visits/"+id)
	drx.press("Take this visit", nil)
	h.pass(20 * time.Minute)
	drx.press("Send the answer", url.Values{
		"reply": {secret}, "do": {"Drink"}, "warnings": {"Fever"}, "follow-up": {"As needed"}, "no-diagnosis": {"None made"}, "minutes": {"9"},
	})
	drx.wants(http.StatusUnauthorized, "no longer signed in", "kept for a day")
	if rows := h.stored(t); strings.Contains(rows, secret) || !strings.Contains(rows, "KEPT#") {
		t.Error("what was written is not kept, or not sealed")
	}
	h.signIn(drx, "Dr. X")
	drx.wants(http.StatusOK, "What you wrote is kept", "Your answer to the patient", "Reply to the patient", secret, "Drink", "None made")

	drx.press("Send it now", nil)
	drx.wants(http.StatusOK, "Answered", secret)
	if at := "/desk/visits/" + id; drx.at.Path != at {
		t.Errorf("sending leads to %s, want %s", drx.at.Path, at)
	}
	drx.get("/kept")
	drx.wants(http.StatusOK, "Nothing is kept")
	h.signIn(drx, "Dr. X")
	if drx.at.Path != "/desk" {
		t.Errorf("after it was sent, signing in leads to %s", drx.at)
	}
}

// signIn signs b in by the link to it, as someone who may be another than before.
func (h *house) signIn(b *browser, who string) {
	b.t.Helper()
	b.get(h.url + "/sign-in")
	b.press(who, nil)
}

// What is kept is for its sender alone: others who sign in on the same machine, or
// who have its address, get nothing of it.
func TestKept_NothingForAnyoneElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	ada.get("/my/visits/" + id)
	h.pass(time.Hour)
	ada.press("Add information", url.Values{"text": {secret}})
	ada.wants(http.StatusUnauthorized, "kept for a day")
	h.signIn(ada, "Ada")
	ada.wants(http.StatusOK, secret)
	address := attr(find(ada.page, "form")[1], "action")
	if !strings.HasPrefix(address, "/kept/") {
		t.Fatalf("the form is sent to %q", address)
	}
	for _, who := range []string{"Bea", "Cal", "Dr. X", "Adm"} {
		h.signIn(ada, who) // the same browser
		if ada.at.Path == "/kept" || strings.Contains(ada.text(), secret) {
			t.Errorf("%s, signing in, is led to %s", who, ada.at)
		}
		ada.get("/kept")
		ada.wants(http.StatusOK, "Nothing is kept")
		ada.post(h.url+address, url.Values{"do": {"send"}})
		ada.wants(http.StatusNotFound, "nothing of yours kept")
		ada.post(h.url+address, url.Values{"do": {"drop"}})
		ada.wants(http.StatusNotFound, "nothing of yours kept")
	}
	h.signIn(ada, "Ada")
	ada.press("Throw it away", nil)
	ada.wants(http.StatusOK, "Nothing is kept")
	ada.get("/my/visits/" + id)
	if strings.Contains(ada.text(), secret) {
		t.Error("what was thrown away was sent")
	}
}

// Answers of a page are shown with their questions and saved with one press.
func TestKept_PageOfARequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	page := ada.at.Path
	h.pass(2 * time.Hour)
	ada.press("Save and continue", ada.asked(well))
	ada.wants(http.StatusUnauthorized, "kept for a day")
	ada.get("/my")
	if ada.at.Path != "/authorize" {
		t.Errorf("a page after the session ended leads to %s", ada.at)
	}
	ada.press("Ada", nil)
	ada.wants(http.StatusOK, "Your answers on one page", "Who is filling")
	ada.press("Send it now", nil)
	ada.wants(http.StatusOK, "page 2 of")
	ada.get(page)
	ada.wants(http.StatusOK, "page 1 of")
}

// A form that is refused is shown again with what was written, where it belongs.
func TestKept_RefusedIsShownAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	drx := h.as(t, "Dr. X", "/desk/visits/"+id)
	drx.press("Take this visit", nil)
	h.pass(20 * time.Minute)
	drx.press("Send the answer", url.Values{"reply": {secret}})
	h.signIn(drx, "Dr. X")
	drx.press("Send it now", nil)
	drx.wants(http.StatusUnprocessableEntity, secret)
	drx.press("Send the answer", url.Values{
		"do": {"Drink"}, "warnings": {"Fever"}, "follow-up": {"As needed"}, "no-diagnosis": {"None made"}, "minutes": {"9"},
	})
	drx.wants(http.StatusOK, "Answered", secret)
}

// Nothing is kept for who signed out themselves, for a cookie that nobody was
// given, for more than there is room for, nor for longer than a day.
func TestKept_NotForEver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	address := h.url + "/my/visits/" + id + "/messages"
	said := url.Values{"text": {secret}}
	out := h.twin(t, ada)
	ada.get(h.url + "/my")
	ada.press("Sign out", nil)
	stranger := h.browse(t)
	stranger.get("/")
	for name, b := range map[string]*browser{"signed out": out, "a stranger": stranger} {
		b.at = mustURL(t, h.url+"/")
		b.post(address, said)
		b.wants(http.StatusUnauthorized, "go back to the page")
		if strings.Contains(h.stored(t), "KEPT#") {
			t.Errorf("%s: something is kept", name)
		}
	}

	ada = h.as(t, "Ada", "/my/visits/"+id)
	h.pass(time.Hour)
	ada.post(address, url.Values{"text": {strings.Repeat("long ", 60_000)}})
	ada.wants(http.StatusUnauthorized, "go back to the page")
	for n := range 25 {
		ada.post(h.url+"/my/visits/"+strings.Repeat("x", n+1)+"/messages", said)
	}
	ada.wants(http.StatusUnauthorized, "go back to the page")
	h.signIn(ada, "Ada")
	ada.wants(http.StatusOK, "What you wrote is kept")
	if n := len(find(ada.page, "section")); n != 20 {
		t.Errorf("%d forms are kept, want 20", n)
	}
	h.pass(24 * time.Hour)
	h.signIn(ada, "Ada")
	if ada.at.Path != "/my" {
		t.Errorf("a day later signing in leads to %s", ada.at)
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	must(t, err)
	return u
}

// lost are the forms of registration's pages that are not kept: files, a preview in which
// nothing is, and those of people whom no practice needs to know.
var lost = map[string]bool{
	"POST /manage/patients/file": true, "POST /manage/patients/file/import": true, "POST /manage/forms/{name}/preview/{version}/{page}": true,
	"POST /join/{practice}": true, "POST /accept/{invitation}": true, "POST /manage/kept/{id}": true,
}

// Every form of registration's pages is kept, or is told not to be.
func TestKept_EveryPracticePage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := []*browser{h.as(t, "Adm", "/my"), h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/my")} // of each at most 20
	h.pass(time.Hour)
	hole := regexp.MustCompile(`\{[^}]*\}`)
	n := 0
	for _, pattern := range web.Patterns(httpapi.ByRegistry) {
		address, ok := strings.CutPrefix(pattern, "POST ")
		if !ok {
			continue
		}
		b := people[n%len(people)]
		n++
		b.post(h.url+hole.ReplaceAllString(address, "x"), url.Values{"name": {secret}})
		if kept := strings.Contains(b.text(), "kept for a day"); b.code != http.StatusUnauthorized || kept == lost[pattern] {
			t.Errorf("%s: %d, kept: %v", pattern, b.code, kept)
		}
	}
}
