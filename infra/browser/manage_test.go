//go:build browser

package browser

import (
	"net/http"
	"testing"
)

// An administrator invites somebody, changes what they may do, and takes it away, and is
// told what is wrong on the way.
func TestManage_PeopleByTheAdministrator(t *testing.T) {
	t.Parallel()
	ada := newPersonSignedIn(t, startSystem(t).URL, "manage", "Ada Brooks")
	ada.follow("People")
	ada.wantText("Ana Rivera, MD", "Licensed: OR MD-20411")
	ada.checkPage("people", http.StatusOK)
	ada.follow("Invite someone")
	ada.checkPage("invite", http.StatusOK)
	ada.write("E-mail address", "kim")
	ada.write("Name and credential, as patients see them", "Kim Kay, MD")
	ada.write("Licenses (optional)", "OR K-2")
	ada.press("Send the invitation")
	ada.wantText("There is a problem", "Give one e-mail address", "is not a state, a number without spaces and a day", "Give at least one role")
	ada.checkPage("invite-wrong", http.StatusUnprocessableEntity)
	ada.write("E-mail address", "kim@lakeside.example")
	ada.write("Licenses (optional)", "OR K-2 2031-06-30")
	ada.choose("What they do", "Clinician: takes requests and answers them")
	ada.press("Send the invitation")
	ada.wantText("The letter is on its way", "kim@lakeside.example")
	ada.checkPage("invited", http.StatusOK)
	ada.press("Take it back (Kim Kay, MD)")
	ada.wantText("The invitation was taken back")
	ada.follow("Ben Chen, MD")
	ada.checkPage("person", http.StatusOK)
	ada.press("Deactivate at once")
	ada.wantText("The change is made", "Deactivated")
	ada.follow("Ada Brooks")
	ada.press("Deactivate at once")
	ada.wantText("only administrator")
	ada.checkPage("last-administrator", http.StatusConflict)
}

// Somebody comes to a practice by its page; the administrator finds them in the list.
func TestJoin_ByThePracticesPage(t *testing.T) {
	t.Parallel()
	site := startSystem(t).URL
	kim := newPerson(t, site, "join")
	kim.goTo("/join/lakeside")
	kim.wantText("Lakeside Family Medicine", "Sign in to register")
	kim.checkPage("door", http.StatusOK)
	ada := newPersonSignedIn(t, site, "patients", "Ada Brooks")
	ada.follow("Patients")
	ada.checkPage("patients", http.StatusOK)
	ada.follow("Jane Smith")
	ada.checkPage("patient", http.StatusOK)
	ada.follow("Forms")
	ada.checkPage("forms", http.StatusOK)
	ada.follow("Settings")
	ada.checkPage("settings", http.StatusOK)
}
