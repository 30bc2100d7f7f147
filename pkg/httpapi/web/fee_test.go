package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/billing"
)

// A practice's lower price of a kind of clinician is decided on the page, told before it is
// accepted and charged when one of them answers; the clinician may go below it with a reason,
// and neither above it nor without one.
func TestFee_OfTheKindThatAnswers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/people")
	adm.link("Xenia Xu, MD")
	adm.press("Save", url.Values{"kind": {"np"}})
	adm.wants(http.StatusOK, "The change is made.")
	adm.get("/manage/settings")
	adm.press("Decide", url.Values{"kinds:uti-women": {"np 60.00"}})
	adm.wants(http.StatusUnprocessableEntity, "at most the form's own, $40.00")
	adm.get("/manage/settings")
	adm.press("Decide", url.Values{"kinds:uti-women": {"np 20.00\nwitch 5"}})
	adm.wants(http.StatusUnprocessableEntity, "“witch 5” is not a kind of clinician")
	adm.press("Decide", url.Values{"kinds:uti-women": {"np 20.00"}})
	adm.wants(http.StatusOK)
	if got := adm.value("kinds:uti-women"); len(got) != 1 || got[0] != "np 20.00" {
		t.Errorf("the lower prices are shown as %q", got)
	}
	h.pass(time.Minute) // what a practice decides is remembered for a moment

	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	ada.startUTI()
	ada.fillIn(well)
	ada.wants(http.StatusOK, "At most $40.00; $20.00 if a nurse practitioner answers.")
	id, _ := h.sends(t, ada)
	drx.get("/desk/visits/" + id)
	drx.press("Take this visit", nil)
	drx.wants(http.StatusOK, "Your answer costs $20.00")
	answer := url.Values{"reply": {"Drink water."}, "code": {"N30.00"}, "do": {"Rest"}, "warnings": {"Fever"}, "follow-up": {"as needed"}}
	for fee, words := range map[string]string{"a lot": "dollars and cents", "20.01": "at most $20.00", "0.20": "at least $0.50"} {
		answer.Set("fee", fee)
		answer.Set("fee-reason", "Hardship.")
		drx.press("Send the answer", answer)
		drx.wants(http.StatusUnprocessableEntity, words)
	}
	answer.Set("fee", "10")
	answer.Set("fee-reason", "")
	drx.press("Send the answer", answer)
	drx.wants(http.StatusUnprocessableEntity, "Say why the fee is lower")
	answer.Set("fee-reason", "Hardship.")
	drx.press("Send the answer", answer)
	drx.wants(http.StatusOK, "Answered", "Lower fee", "$10.00: Hardship.")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "$10.00: Hardship.", "$40.00 held on your card; $10.00 of it is being charged now")
}

// That the card may be charged later is a choice that is off unless it is ticked, and is
// kept while something else is missing; ticked, the page of the request says what was
// agreed to.
func TestFee_LaterChargeIsAChoice(t *testing.T) {
	t.Parallel()
	const send, agreed = "Send, and go to the payment page", "as you agreed; it is charged only once you are answered"
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(well)
	ada.wants(http.StatusOK, "If the hold on my card runs out before I am answered", "no more than $40.00")
	if got := ada.value("later"); len(got) != 0 {
		t.Errorf("it is ticked already: %q", got)
	}
	id := ada.visitID()
	ada.press(send, url.Values{"later": {billing.LaterWords}, "fee-ack": {"true"}})
	ada.wants(http.StatusUnprocessableEntity, "Tick this box to agree to the terms.")
	if got := ada.value("later"); len(got) != 1 || got[0] != billing.LaterWords {
		t.Errorf("it is kept as %q", got)
	}
	ada.press(send, url.Values{"consent-ack": {"true"}})
	ada.wants(http.StatusSeeOther)
	h.payCard(t, ada.head.Get("Location"))
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, agreed)

	cy := h.as(t, "Ada", "/my")
	ada.press("Cancel", nil)
	cy.startUTI()
	cy.fillIn(well)
	other, _ := h.sends(t, cy)
	cy.get("/my/visits/" + other)
	cy.wants(http.StatusOK, "held on your card")
	if strings.Contains(cy.text(), "as you agreed") {
		t.Errorf("an agreement nobody made: %s", cy.text())
	}
}
