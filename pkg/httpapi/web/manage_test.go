package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

// letterTo is the path that the letter of oak's only open invitation leads to.
func (h *house) letterTo(t *testing.T) string {
	t.Helper()
	rows, err := h.store.Invitations(t.Context(), "oak")
	must(t, err)
	if len(rows) != 1 {
		t.Fatalf("%d invitations are open, want one", len(rows))
	}
	i, err := h.rooms.Charts.OpenInvitation(t.Context(), rows[0])
	must(t, err)
	return "/accept/" + i.ID + "?" + url.Values{"code": {i.Secret.Reveal()}}.Encode()
}

// An administrator invites someone, who accepts by signing in. What the administrator then
// changes, and the deactivation, hold from that person's next page on.
func TestManage_PeopleFromInvitationToLeaving(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/people")
	adm.wants(http.StatusOK, "Xenia Xu, MD", "Clinician", "Licensed: TX 1 until 1 January 2030")
	adm.link("Invite someone")
	adm.press("Send the invitation", url.Values{"email": {"kim"}, "licenses": {"TX 2"}, "roles": {"clinician"}})
	adm.wants(http.StatusUnprocessableEntity, "“TX 2” is not a state, a number without spaces and a day", "Give one e-mail address.", "Give the name that patients see")
	adm.press("Send the invitation", url.Values{"email": {"kim"}, "licenses": {"TX 2 2020-01-01"}, "name": {""}})
	adm.wants(http.StatusUnprocessableEntity, "Give one e-mail address.", "Give the name that patients see", "in the future")
	adm.press("Send the invitation", url.Values{"email": {"kim@mail.example"}, "name": {"Kim Kay, MD"}, "licenses": {"TX 2"}})
	adm.wants(http.StatusUnprocessableEntity, "“TX 2” is not a state") // and nothing else is wrong
	adm.press("Send the invitation", url.Values{"email": {"kim@mail.example"}, "name": {"Kim Kay, MD"}, "licenses": {"tx K-2 2029-06-30"}})
	adm.wants(http.StatusOK, "The letter is on its way.", "Kim Kay, MD", "kim@mail.example", "9 March 2026")
	letter, invited, page := h.letterTo(t), adm.page, adm.at

	bea := h.as(t, "Bea", letter)
	bea.press("Accept", nil)
	bea.wants(http.StatusConflict, "no confirmed e-mail address")
	kim := h.as(t, "Kim", letter)
	kim.wants(http.StatusOK, "You are invited", "kim@mail.example")
	kim.press("Accept", nil)
	kim.wants(http.StatusOK, "Queue", "Kim Kay, MD", "Oak Street Clinic")
	bea.get(letter)
	bea.press("Accept", nil)
	bea.wants(http.StatusConflict, "was accepted already")

	adm.page, adm.at = invited, page
	adm.press("Take it back (Kim Kay, MD)", nil) // on a page of before
	adm.wants(http.StatusConflict, "was accepted already", "Who works at the practice")
	adm.get("/manage/people")
	adm.link("Kim Kay, MD")
	if got := adm.value("licenses"); len(got) != 1 || got[0] != "TX K-2 2029-06-30" {
		t.Errorf("her licenses are shown as %q", got)
	}
	adm.press("Save", url.Values{"roles": {"nurse", "admin"}})
	adm.wants(http.StatusOK, "The change is made.", "Nurse, administrator")
	kim.get("/manage/people")
	kim.wants(http.StatusOK, "Invite someone")
	adm.link("Kim Kay, MD")
	adm.press("Deactivate at once", nil)
	adm.wants(http.StatusOK, "Kim Kay, MD Deactivated")
	kim.get("/manage/people")
	kim.wants(http.StatusUnauthorized, "no practice here knows you")
}

func TestManage_LastAdministratorStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/people/adm")
	adm.press("Deactivate at once", nil)
	adm.wants(http.StatusConflict, "only administrator")
	adm.press("Save", url.Values{"roles": {"staff"}})
	adm.wants(http.StatusConflict, "only administrator")
}

// What an invitation says is true once it was taken back or has expired.
func TestManage_InvitationThatIsNoMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/people/invite")
	invite := url.Values{"email": {"kim@mail.example"}, "name": {"Kim Kay, RN"}, "roles": {"nurse"}}
	adm.press("Send the invitation", invite)
	first := h.letterTo(t)
	adm.press("Take it back", nil)
	adm.wants(http.StatusOK, "The invitation was taken back.")
	kim := h.as(t, "Kim", first)
	kim.press("Accept", nil)
	kim.wants(http.StatusConflict, "was taken back")

	adm.get("/manage/people/invite")
	adm.press("Send the invitation", invite)
	second := h.letterTo(t)
	h.pass(registry.InvitationLife + time.Hour)
	h.as(t, "Adm", "/manage/people").wants(http.StatusOK, "Kim Kay, RN Expired")
	kim = h.as(t, "Kim", second)
	kim.press("Accept", nil)
	kim.wants(http.StatusConflict, "good for seven days")
}

// Who is invited as a patient, or to act for one, is listed as that.
func TestManage_InvitationsOfPatients(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	by := clinic.Caller{Person: identity.Person{ID: "adm", Practice: "oak", Role: identity.Admin}}
	birth := time.Date(1985, 5, 5, 0, 0, 0, 0, time.UTC)
	kim, _, err := h.rooms.Registrar.RegisterPatient(t.Context(), by, identity.Contact{Name: "Kim Kay", Email: "kim@mail.example", Birth: birth, Sex: "female"})
	must(t, err)
	_, err = h.rooms.Registrar.InviteCaregiver(t.Context(), by, kim.ID, registrar.Power{Email: "lee@mail.example", Why: identity.LegalProxy})
	must(t, err)
	adm := h.as(t, "Adm", "/manage/patients/"+kim.ID)
	adm.press("Send an invitation to sign in", nil)
	adm.get("/manage/people")
	adm.wants(http.StatusOK, "Patient. The letter went to kim@mail.example", "Acts for a patient. The letter went to lee@mail.example")
}

// Nobody but administrators changes people; the medical director reads who works there.
func TestManage_WhoMay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person(t, "dry", identity.Person{ID: "dry", Practice: "oak", Role: identity.Director, Display: "Yves Yoder, MD"})
	h.as(t, "Dr. X", "/manage/people").wants(http.StatusForbidden, "for administrators")
	h.as(t, "Dr. X", "/manage/people/adm").wants(http.StatusForbidden)
	h.as(t, "Ada", "/manage/people/invite").wants(http.StatusForbidden)
	h.as(t, "Adm", "/manage/practices").wants(http.StatusNotFound)
	dry := h.as(t, "Dr. Y", "/manage/people")
	dry.wants(http.StatusOK, "Adam Admin")
	dry.get("/manage/people/invite")
	dry.wants(http.StatusForbidden)
}

// Somebody whom nobody knows reads the practice's page, signs in, registers and begins a
// request; staff match and suspend them.
func TestJoin_FromThePageToTheRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	kim := h.browse(t)
	kim.get("/join/oak")
	kim.wants(http.StatusOK, "Oak Street Clinic", "555-0100", "Sign in to register")
	kim.get("/join/nowhere")
	kim.wants(http.StatusNotFound)
	kim.get("/join/oak")
	kim.link("Sign in to register")
	kim.press("Kim", nil)
	kim.wants(http.StatusOK, "Register at Oak Street Clinic", "kim@mail.example")
	kim.press("Register", url.Values{"name": {""}, "birth": {""}})
	kim.wants(http.StatusUnprocessableEntity, "There is a problem")
	kim.press("Register", url.Values{"name": {"Kim Kay"}, "birth": {"2015-05-05"}, "sex": {"female"}})
	kim.wants(http.StatusConflict, "under 18")
	kim.press("Register", url.Values{"name": {"Kim Kay"}, "birth": {"1985-05-05"}, "sex": {"female"}})
	kim.wants(http.StatusOK, "My requests", "Urinary symptoms")

	adm := h.as(t, "Adm", "/manage/patients")
	adm.wants(http.StatusOK, "Kim Kay", "Came by the public page", "Not matched with the records yet")
	adm.link("Kim Kay")
	adm.wants(http.StatusOK, "Born", "5 May 1985", "kim@mail.example")
	adm.press("This is the person of our records", nil)
	adm.wants(http.StatusOK, "The change is made.", "Matched with the records")
	adm.press("Save", url.Values{"standing": {"frozen"}, "reason": {"misuse"}})
	adm.wants(http.StatusUnprocessableEntity, "Give one of: active, warned, suspended.")
	adm.press("Save", url.Values{"standing": {""}})
	adm.wants(http.StatusUnprocessableEntity, "Give one of: active, warned, suspended.")
	adm.press("Save", url.Values{"standing": {"suspended"}, "reason": {""}})
	adm.wants(http.StatusUnprocessableEntity, "Give one of")
	adm.press("Save", url.Values{"standing": {"suspended"}, "reason": {"misuse"}})
	adm.wants(http.StatusOK, "The change is made.")
	kim.get("/my")
	kim.wants(http.StatusOK, "used for what they are not for")
	h.as(t, "Dr. X", "/manage/patients").wants(http.StatusForbidden)

	operator := clinic.Caller{Person: identity.Person{ID: "operator.olu", Practice: audit.Platform, Role: identity.Operator}}
	_, err := h.rooms.Registrar.Suspend(t.Context(), operator, "oak", true)
	must(t, err)
	h.rooms.Kernel.ForgetPractice("oak")
	for _, who := range []*browser{h.browse(t), kim} {
		who.get("/join/oak")
		who.wants(http.StatusOK, "takes nobody online now")
		for _, offered := range []string{"Sign in to register", "Your date of birth"} {
			if strings.Contains(who.text(), offered) {
				t.Errorf("a suspended practice's page has %q", offered)
			}
		}
	}
}

// What a clinician is by license is set on the page, kept, and refused of who is none.
func TestManage_KindOfClinician(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/people/invite")
	adm.press("Send the invitation", url.Values{"email": {"kim@mail.example"}, "name": {"Kim Kay, RN"}, "roles": {"nurse"}, "kind": {"np"}})
	adm.wants(http.StatusUnprocessableEntity, "Only a clinician has a kind")
	adm.get("/manage/people")
	adm.link("Xenia Xu, MD")
	adm.press("Save", url.Values{"kind": {"np"}})
	adm.wants(http.StatusOK, "The change is made.", "Clinician: a nurse practitioner. Licensed: TX 1")
	adm.link("Xenia Xu, MD")
	if got := adm.value("kind"); len(got) != 1 || got[0] != "np" {
		t.Errorf("the kind is shown as %q", got)
	}
	adm.press("Save", nil) // as it stands
	adm.wants(http.StatusOK, "Clinician: a nurse practitioner")
}
