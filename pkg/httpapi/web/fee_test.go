package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"
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
