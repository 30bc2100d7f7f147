package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/library"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// opensElm registers a second practice.
func (h *house) opensElm(t *testing.T) {
	t.Helper()
	all, err := library.All()
	must(t, err)
	p := practice.Practice{
		ID:   "elm",
		Core: practice.Core{Name: "Elm Street Clinic", Phone: "555-0199", Inbox: "desk@elm.example", Account: "acct_elm", Zone: "America/Denver", Readers: "Clinicians"},
		Config: practice.Config{
			States: []string{"CO"}, Forms: map[string]string{all[0].Name(): all[0].Version()}, Prices: billing.PriceList{all[0].Name(): money.Cents(5000)},
			Terms: visit.Terms{Answer: 24 * time.Hour, GiveUp: 24 * time.Hour},
		},
		Consent: practice.Consent{Version: "1", Text: "You agree."},
	}
	must(t, h.cast.AddPractice(t.Context(), p, all))
}

// joinsElm registers drx at the second practice, too.
func (h *house) joinsElm(t *testing.T) {
	t.Helper()
	h.opensElm(t)
	h.person(t, "drx", identity.Person{ID: "drx-elm", Practice: "elm", Role: identity.Nurse, Display: "Xenia Xu, RN"})
}

func (h *house) person(t *testing.T, subject string, p identity.Person) {
	t.Helper()
	must(t, h.cast.AddPerson(t.Context(), clinic.Proof{Issuer: h.issuer.URL, Subject: subject}, p))
}

func drxAtOak(inactive bool) identity.Person {
	return identity.Person{ID: "drx", Practice: "oak", Role: identity.Clinician, Display: "Xenia Xu, MD", Inactive: inactive}
}

// Whom two practices know says at which they are before they see a page of either, and
// gets to where they wanted to go; what is the other's is not there until they change.
func TestChoose_OneOfTwoPractices(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, _ := h.sent(t, h.as(t, "Ada", "/my"))
	h.joinsElm(t)
	drx := h.as(t, "Dr. X", "/desk/visits/"+id)
	drx.wants(http.StatusOK, "At which practice are you now?", "Oak Street Clinic", "Clinician", "Elm Street Clinic", "Nurse")
	if strings.Contains(drx.text(), "Urinary") || drx.at.Path != "/choose" {
		t.Errorf("before the choice, at %s: %s", drx.at, drx.text())
	}
	drx.get("/")
	drx.link("Continue")
	drx.wants(http.StatusOK, "At which practice are you now?")
	drx.get("/desk/visits/" + id)
	drx.press("Oak Street Clinic", nil)
	drx.wants(http.StatusOK, "Urinary symptoms", "Xenia Xu, MD", "Change practice")
	if drx.at.Path != "/desk/visits/"+id {
		t.Errorf("the choice leads to %s", drx.at)
	}
	drx.link("Change practice")
	drx.wants(http.StatusOK, "You are here now")
	drx.press("Elm Street Clinic", nil)
	drx.wants(http.StatusOK, "Elm Street Clinic", "Xenia Xu, RN")
	drx.get("/desk/visits/" + id)
	drx.wants(http.StatusNotFound)
	h.pass(6 * time.Minute)
	drx.get("/desk")
	drx.wants(http.StatusOK, "Elm Street Clinic", "Xenia Xu, RN")
	rows := h.stored(t)
	for what, want := range map[string]int{"session.start oak drx": 1, "session.end oak drx": 1, "session.start elm drx-elm": 1, "session.end elm drx-elm": 0} {
		if n := recordsOf(rows, strings.Fields(what)); n != want {
			t.Errorf("%s: %d records, want %d", what, n, want)
		}
	}
}

// recordsOf counts the rows that have each of the words in quotes.
func recordsOf(rows string, words []string) int {
	n := 0
	for line := range strings.Lines(rows) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, `"`+w+`"`)
		}
		if all {
			n++
		}
	}
	return n
}

// A practice that has deactivated somebody is not offered, and a session that was there
// goes on at the other.
func TestChoose_DeactivatedAtOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.joinsElm(t)
	drx := h.as(t, "Dr. X", "/desk")
	drx.press("Oak Street Clinic", nil)
	drx.wants(http.StatusOK, "Oak Street Clinic")
	h.person(t, "drx", drxAtOak(true))
	drx.get("/desk")
	drx.wants(http.StatusUnauthorized, "this practice does not know you")
	drx.link("Go on from here")
	drx.wants(http.StatusOK, "At which practice are you now?", "Elm Street Clinic")
	if strings.Contains(drx.text(), "Oak Street Clinic") {
		t.Errorf("the one that has deactivated them is offered: %s", drx.text())
	}
	drx.press("Elm Street Clinic", nil)
	drx.wants(http.StatusOK, "Elm Street Clinic", "Xenia Xu, RN")

	again := h.as(t, "Dr. X", "/desk")
	again.wants(http.StatusOK, "Elm Street Clinic", "Xenia Xu, RN")
	again.post(h.url+"/choose", url.Values{"practice": {"oak"}})
	again.wants(http.StatusUnauthorized, "this practice does not know you")
	again.get("/desk")
	again.wants(http.StatusOK, "Elm Street Clinic")
}

// What is posted to choose is one of one's own practices, or nothing changes.
func TestChoose_NoPracticeOfTheirs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.opensElm(t)
	drx := h.as(t, "Dr. X", "/desk")
	if strings.Contains(drx.text(), "Change practice") {
		t.Error("who has one practice can change it")
	}
	for name, values := range map[string]url.Values{"another's": {"practice": {"elm"}}, "none there is": {"practice": {"ash"}}, "too long": {"practice": {strings.Repeat("a", 3000)}}} {
		drx.post(h.url+"/choose", values)
		if drx.code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, drx.code, drx.text())
		}
	}
	drx.get("/choose?next=https://evil.example/")
	drx.wants(http.StatusOK, "Oak Street Clinic")
	drx.press("Oak Street Clinic", nil)
	if drx.at.String() != h.url+"/desk" {
		t.Errorf("choosing leads to %s", drx.at)
	}
	out := h.browse(t)
	out.get("/choose")
	if !strings.HasPrefix(out.at.String(), h.issuer.URL) {
		t.Errorf("who is signed out is led to %s", out.at)
	}
}

// A form that is sent before the choice is refused without a loss of the way to it.
func TestChoose_FormBeforeTheChoice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, _ := h.sent(t, h.as(t, "Ada", "/my"))
	h.joinsElm(t)
	drx := h.as(t, "Dr. X", "/desk")
	drx.post(h.url+"/desk/visits/"+id+"/take", nil)
	drx.wants(http.StatusUnprocessableEntity, "Several practices know you")
	drx.link("Go on from here")
	drx.wants(http.StatusOK, "At which practice are you now?")
}

// A session is idle as one of who works, until it is chosen what its holder is, and an
// idle one cannot choose.
func TestChoose_IdleBeforeTheChoice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.joinsElm(t)
	drx := h.as(t, "Dr. X", "/desk")
	h.pass(16 * time.Minute)
	drx.press("Elm Street Clinic", nil)
	drx.wants(http.StatusUnauthorized, "You are no longer signed in")
}

// Only who is on their way to a page for strangers gets a session without a practice.
func TestSignIn_StrangersOnTheWayToJoin(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for path, want := range map[string]string{"/join/oak": "signed in", "/join": "not", "/joint/oak": "not", "/my": "not"} {
		nobody := h.browse(t)
		nobody.get("/sign-in?next=" + url.QueryEscape(path))
		nobody.press("Nobody", nil)
		nobody.get(h.url + "/choose")
		got := "not"
		if nobody.code == http.StatusUnauthorized && strings.Contains(nobody.text(), "no practice here knows you") {
			got = "signed in"
		}
		if got != want {
			t.Errorf("on the way to %s: %s, want %s (%d at %s)", path, got, want, nobody.code, nobody.at)
		}
	}
}
