package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// practice changes the settings of the practice.
func (h *house) practice(t *testing.T, change func(*practice.Practice)) {
	t.Helper()
	p, err := h.store.Practice(t.Context(), "oak")
	must(t, err)
	change(&p)
	must(t, h.cast.AddPractice(t.Context(), p, nil))
	h.rooms.Kernel.ForgetPractice("oak")
}

// changes commits the next state of a visit.
func (h *house) changes(t *testing.T, v visit.Visit) {
	t.Helper()
	r := h.rooms.Kernel.Record(clinic.System("test"), "visit.due:"+string(v.Status), v, h.clock())
	must(t, h.store.Commit(t.Context(), clinic.Commit{Visit: &v, Audit: []audit.Record{r}}))
}

// expire ends a visit that nobody answered.
func (h *house) expire(t *testing.T, id string) {
	t.Helper()
	v, err := h.store.Visit(t.Context(), id)
	must(t, err)
	v, err = v.Expire(h.clock())
	must(t, err)
	h.changes(t, v)
}

// A request that nobody answered is sent again with one press: its answers are kept,
// what must be said anew is asked, and it passes the check, the price and the consent.
func TestAgain_OnePressThenReviewed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	h.expire(t, id)
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "Ended without an answer", "Nobody could answer your request in time", "send it again", "What you answered is carried over")
	twin := h.twin(t, ada)
	twin.get(h.url + "/my/visits/" + id)
	ada.press("Send it again", nil)
	ada.wants(http.StatusOK, "page 1 of")
	next := ada.visitID()
	twin.press("Send it again", nil)
	if twin.visitID() != next || next == id {
		t.Errorf("pressed twice, %s is sent again as %s and %s", id, next, twin.visitID())
	}
	if v := ada.value("completed-by"); len(v) != 1 || v[0] != "self" {
		t.Errorf("who fills it in is %q, want what was answered", v)
	}
	if v := ada.value("location-state"); strings.Join(v, "") != "" {
		t.Errorf("where the patient is is %q, want it asked anew", v)
	}
	ada.press("Save and continue", nil)
	ada.wants(http.StatusUnprocessableEntity, "page 1 of", "There is a problem")
	ada.get(h.url + "/my/visits/" + next + "/form/1")
	ada.fillInToCheck(well)
	ada.wants(http.StatusOK, "Check your answers", "Texas")
	ada.link("Continue to the price")
	ada.wants(http.StatusOK, "What it costs")
	ada.press("Send, and go to the payment page", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusSeeOther)
	ada.get(h.url + "/my/visits/" + id)
	ada.press("Send it again", nil)
	if ada.at.Path != "/my/visits/"+next {
		t.Errorf("after it was sent again, the button leads to %s", ada.at)
	}
	ada.wants(http.StatusOK, "Waiting for your payment")
	ada.get(h.url + "/my/visits/" + id + "/trail")
	ada.wants(http.StatusOK, "began to send the request again")
}

// If it cannot be sent again, the page says why, and whom to call.
func TestAgain_SaysWhyNot(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	h.expire(t, id)
	h.practice(t, func(p *practice.Practice) { delete(p.Forms, "uti-women") })
	ada.get("/my/visits/" + id)
	ada.press("Send it again", nil)
	ada.wants(http.StatusConflict, "does not offer this form any more", "555-0100")
}

// A request whose payment page ran out says so, and leads back to its form.
func TestAgain_AfterThePaymentPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(well)
	id := ada.visitID()
	ada.press("Send, and go to the payment page", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	v, err := h.store.Visit(t.Context(), id)
	must(t, err)
	h.changes(t, v.CheckoutAbandoned(v.Payment))
	ada.get(h.url + "/my/visits/" + id)
	ada.wants(http.StatusOK, "The payment page closed before it was paid", "Not sent yet")
	ada.link("Continue the form")
	if !strings.HasPrefix(ada.at.Path, "/my/visits/"+id) {
		t.Errorf("it leads to %s", ada.at)
	}
}

// A form that cannot be used has no button, but the reason and the number to call; each
// kind of request that is free is listed as free.
func TestMine_SaysWhatCannotBeStarted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	must(t, h.cast.AddPatient(t.Context(), identity.Patient{ID: "p-dan", Practice: "oak", Contact: identity.Contact{
		Name: "Dan Dale", Email: "x@mail.example", Birth: time.Date(2018, 5, 17, 0, 0, 0, 0, time.UTC), Sex: "male",
	}}))
	must(t, h.cast.AddPerson(t.Context(), clinic.Proof{Issuer: h.issuer.URL, Subject: "cal"}, identity.Person{
		ID: "cal", Practice: "oak", Role: identity.Caregiver, Grants: []identity.Grant{{Patient: "p-ada"}, {Patient: "p-dan"}},
	}))
	cal := h.as(t, "Cal", "/my")
	cal.wants(http.StatusOK, "For Dan Dale: This form is for people from", "This form is for female patients only.", "Please call the practice: 555-0100",
		"Free of charge: Referral to a specialist; New or changed appointment; Billing question; Explain a test result", "$40.00")
	buttons := map[string]int{}
	for _, button := range find(cal.page, "button") {
		if strings.Contains(text(button), "Urinary symptoms") {
			buttons[text(button)]++
		}
	}
	if len(buttons) != 1 {
		t.Errorf("urinary symptoms have the buttons %v, want one for Ada alone", buttons)
	}
	cal.post(h.url+"/my/visits", url.Values{"form": {"uti-women"}, "patient": {"p-dan"}})
	cal.wants(http.StatusConflict, "This form is for female patients only. Please call the practice: 555-0100")

	h.practice(t, func(p *practice.Practice) { delete(p.Prices, "uti-women") })
	cal.get(h.url + "/my")
	cal.wants(http.StatusOK, "The practice has not set a price for this request yet. Please call the practice: 555-0100")
	h.practice(t, func(p *practice.Practice) { p.Forms = nil })
	cal.get("/my")
	cal.wants(http.StatusOK, "Your practice takes no requests online now", "555-0100")
	cal.post(h.url+"/my/visits", url.Values{"form": {"uti-women"}, "patient": {"p-ada"}})
	cal.wants(http.StatusUnprocessableEntity, "does not offer this form", "555-0100")
}
