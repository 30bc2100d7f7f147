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

// A patient invites somebody to act for them, takes back the letter that went to a wrong
// address, sees who acts, until when and why, and ends it.
func TestCaregivers_ByThePatient(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my/data")
	ada.link("Show who acts for you")
	ada.wants(http.StatusOK, "Who acts for you", "Somebody whom the practice named", "It has no end", "Invite somebody")
	ada.press("Send the invitation", url.Values{"email": {"kim"}, "until": {"2026-01-31"}})
	ada.wants(http.StatusUnprocessableEntity)
	for id, want := range map[string]string{"email": "one e-mail address", "until": "end in the future", "why": "Give one of", "scope": "Choose what they may do"} {
		if got := ada.mistakes(id); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("beside %s: %q", id, got)
		}
	}
	ada.press("Send the invitation", url.Values{"until": {"soon"}})
	if ada.wants(http.StatusUnprocessableEntity); len(ada.mistakes("until")) != 1 || len(ada.mistakes("why")) != 1 || len(ada.mistakes("scope")) != 1 || len(ada.mistakes("email")) != 1 || ada.value("email")[0] != "kim" {
		t.Errorf("a day that is none: %s", ada.text())
	}
	ada.press("Send the invitation", url.Values{"email": {"kimm@mail.example"}, "why": {"help"}, "scope": {"all"}, "until": {""}})
	ada.wants(http.StatusOK, "The letter is on its way.", "kimm@mail.example")
	ada.press("Take it back (kimm@mail.example)", nil)
	ada.wants(http.StatusOK, "The invitation was taken back")
	if strings.Contains(ada.text(), "kimm@mail.example") {
		t.Error("an invitation that was taken back is listed")
	}
	ada.press("Send the invitation", url.Values{"email": {"kim@mail.example"}, "why": {"help"}, "scope": {"all"}, "until": {"2026-12-31"}})
	ada.wants(http.StatusOK, "kim@mail.example", "They may act until the end of 31 December 2026")
	page, at := ada.page, ada.at

	kim := h.browse(t)
	kim.get(h.letterTo(t))
	kim.press("Kim", nil)
	kim.press("Accept", nil)
	kim.get("/my/data")
	kim.wants(http.StatusOK, "Ada Adams", "Download the record")
	kim.link("Show who acts")
	kim.wants(http.StatusOK, "Who acts for Ada Adams", "You", "Until the end of 31 December 2026", "Somebody whom the practice named")
	for _, never := range []string{"Invite somebody", "End it at once"} {
		if strings.Contains(kim.text(), never) {
			t.Errorf("who acts is offered %q", never)
		}
	}
	kim.post(h.url+"/caregivers/p-ada", url.Values{"email": {"x@mail.example"}, "why": {"help"}})
	kim.wants(http.StatusForbidden)
	kim.post(h.url+"/caregivers/p-ada/cal/end", nil)
	kim.wants(http.StatusForbidden)

	ada.page, ada.at = page, at
	ada.press("Take it back (kim@mail.example)", nil)
	ada.wants(http.StatusConflict, "accepted already; end what it gave instead", "Who acts for you")
	ada.press("End it at once (kim@mail.example)", nil)
	ada.wants(http.StatusOK, "That has ended, at once.", "Ended 2 March 2026")
	kim.get("/my/data/access?of=p-ada")
	kim.wants(http.StatusNotFound)

	cal := h.as(t, "Cal", "/caregivers/p-ada")
	cal.press("Give it up, at once", nil)
	cal.get("/caregivers/p-ada")
	cal.wants(http.StatusNotFound)
	h.as(t, "Bea", "/caregivers/p-ada").wants(http.StatusNotFound)
	ada.get("/my/data/access")
	ada.wants(http.StatusOK, "took back that somebody was asked to act for the patient", "ended that somebody acts for the patient")
}

// At the practice, staff have a parent act for a minor, and nobody as a parent of an adult.
func TestCaregivers_OfAMinorByThePractice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	by := clinic.Caller{Person: identity.Person{ID: "adm", Practice: "oak", Role: identity.Admin}}
	child, _, err := h.cast.RegisterPatient(t.Context(), by, identity.Contact{Name: "Lou Lee", Birth: time.Date(2016, 6, 1, 0, 0, 0, 0, time.UTC), Email: "lee@mail.example"})
	must(t, err)
	adm := h.as(t, "Adm", "/manage/patients/"+child.ID)
	adm.link("Who acts for the patient")
	adm.wants(http.StatusOK, "Who acts for Lou Lee", "Nobody acts for the patient", "as the patient turns 18", "when you have verified")
	adm.press("Send the invitation", url.Values{"email": {"kim@mail.example"}, "why": {"parent"}, "scope": {"all"}, "until": {""}})
	adm.wants(http.StatusOK, "The letter is on its way.", "Parent or guardian", "until the end of 31 May 2034")
	kim := h.browse(t)
	kim.get(h.letterTo(t))
	kim.press("Kim", nil)
	kim.press("Accept", nil)
	adm.get("/manage/patients/" + child.ID + "/caregivers")
	adm.wants(http.StatusOK, "kim@mail.example", "Granted by you", "Until the end of 31 May 2034")
	adm.press("End it at once (kim@mail.example)", nil)
	adm.wants(http.StatusOK, "That has ended, at once.", "Nobody acts for the patient")

	adm.get("/manage/patients/p-bea/caregivers")
	if got := adm.text(); strings.Contains(got, "Parent or guardian") {
		t.Errorf("an adult has parents: %s", got)
	}
	adm.press("Send the invitation", url.Values{"email": {"kim@mail.example"}, "why": {"parent"}, "scope": {"all"}})
	adm.wants(http.StatusUnprocessableEntity, "The patient is of age")
	h.as(t, "Dr. X", "/manage/patients/p-bea/caregivers").wants(http.StatusNotFound)
}

// Who may read and do nothing is told so where a request is started, and is offered nothing
// on a request.
func TestCaregivers_WhoReads(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	id := ada.visitID()
	ada.get("/caregivers/p-ada")
	ada.press("Send the invitation", url.Values{"email": {"kim@mail.example"}, "why": {"help"}, "scope": {"read"}})
	ada.wants(http.StatusOK, "They will read, and do nothing.")
	kim := h.browse(t)
	kim.get(h.letterTo(t))
	kim.press("Kim", nil)
	kim.press("Accept", nil)
	kim.get("/my")
	kim.wants(http.StatusOK, "Ada Adams", "You may read what is theirs, and send nothing for them.", "Urinary symptoms")
	kim.get("/my/visits/" + id)
	kim.wants(http.StatusOK, "Urinary symptoms")
	kim.post(h.url+"/my/visits/"+id+"/delete", nil)
	kim.wants(http.StatusForbidden, "You may read what is this patient's, and no more")
	ada.get("/caregivers/p-ada")
	ada.wants(http.StatusOK, "Reads, and does nothing.")
}
