package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/identity"
)

// A visit goes from colleague to colleague and back to the queue by the pages alone.
// Colleagues read why; the patient sees who has it now, and never the note.
func TestPass_FromColleagueToColleague(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx, path := h.taken(t)
	drx.press("Hand it over to a colleague", written())
	if drx.at.Path != path+"/hand-over" {
		t.Fatalf("the button leads to %s", drx.at)
	}
	drx.wants(http.StatusOK, "Yves Yoder, MD", "The patient is never shown it", "It is with Xenia Xu, MD now")
	if strings.Contains(drx.text(), "Nan North") {
		t.Error("a nurse is among those who may answer it")
	}
	drx.press("Hand it over", url.Values{"note": {secret + ", my neighbour"}})
	drx.wants(http.StatusUnprocessableEntity, "Choose a colleague", secret+", my neighbour")
	drx.press("Queue", nil)
	drx.get(path + "/hand-over")
	drx.wants(http.StatusOK, "kept for you alone, and not sent yet", secret+", my neighbour")
	drx.press("Hand it over", url.Values{"colleague": {"dry"}})
	drx.wants(http.StatusOK, "Yves Yoder, MD", "Handed over to Yves Yoder, MD", secret+", my neighbour", "Take it over from your colleague")
	if drx.at.Path != path {
		t.Errorf("handed over, the colleague is at %s", drx.at)
	}

	dry := h.as(t, "Dr. Y", "/desk/work")
	dry.wants(http.StatusOK, "A colleague handed a request over: answer it")
	dry.get(path)
	dry.wants(http.StatusOK, secret+", my neighbour", "Send the answer")
	ada := h.as(t, "Ada", strings.Replace(path, "/desk/", "/my/", 1))
	ada.wants(http.StatusOK, "Yves Yoder, MD is reading your request", "Taken by Yves Yoder, MD")
	ada.link("Who has seen this")
	ada.wants(http.StatusOK, "Xenia Xu, MD", "handed the request over to a colleague")
	if strings.Contains(ada.text(), secret) {
		t.Error("the patient is shown the note")
	}

	dry.press("Give it back to the queue", nil)
	dry.wants(http.StatusOK, "Waiting", "Take this visit")
	ada.get(strings.Replace(path, "/desk/", "/my/", 1))
	ada.wants(http.StatusOK, "Your request was received")
	if strings.Contains(ada.text(), "Taken by") {
		t.Error("the patient is told that somebody has it")
	}
	dry.press("Take this visit", nil)
	drx.get(path)
	drx.link("Take it over from your colleague")
	drx.wants(http.StatusOK, "It is with Yves Yoder, MD now")
	drx.press("Take it over", nil)
	drx.wants(http.StatusUnprocessableEntity, "Write a note")
	drx.press("Take it over", url.Values{"note": {"Yves went home."}})
	drx.wants(http.StatusOK, "Taken over from Yves Yoder, MD", "Yves went home.", "Send the answer")
	dry.press("Send the answer", written())
	dry.wants(http.StatusForbidden, "Xenia Xu, MD has taken this visit", secret+" 1")
	dry.get("/desk/work")
	dry.wants(http.StatusOK, "A colleague took a request over: see why")
	dry.post(h.url+"/desk/work/visit.taken_over."+strings.TrimPrefix(path, "/desk/visits/")+".2/end", nil)
	dry.wants(http.StatusOK, "Nothing is waiting for you")
	drx.get(path + "/take-over")
	if drx.at.Path != path {
		t.Errorf("who has it already is at %s", drx.at)
	}
}

// Where no colleague may answer a visit the page says so, and has no form.
func TestPass_NobodyToHandItTo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx, path := h.taken(t)
	h.person(t, "dry", identity.Person{ID: "dry", Practice: "oak", Role: identity.Clinician, Display: "Yves Yoder, MD", Inactive: true})
	drx.get(path + "/hand-over")
	drx.wants(http.StatusOK, "No colleague may answer this visit", "give it back to the queue")
	if strings.Contains(drx.text(), "What your colleague should know") {
		t.Error("there is nobody, and a form")
	}
	drx.link("Back to the visit")
	if drx.at.Path != path {
		t.Errorf("back leads to %s", drx.at)
	}
}
