package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"evisit/pkg/billing"
)

// stands has Stripe say how the practice's account stands, and lets pass for how long a
// process remembers it.
func (h *house) stands(t *testing.T, s billing.AccountState) {
	t.Helper()
	h.stripe.mu.Lock()
	h.stripe.account = s
	h.stripe.mu.Unlock()
	h.hear(t, "acct_oak")
	h.pass(time.Minute)
}

// While patients cannot pay, the settings say what is missing, the work says it to the
// office, and a patient finds the reason where a request is started, priced and sent.
func TestAccount_PagesSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.stands(t, billing.AccountState{Charges: true, Payouts: true, Submitted: true})
	adm := h.as(t, "Adm", "/manage/settings")
	adm.wants(http.StatusOK, "Patients can pay", "acct_oak")
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(well)
	h.stands(t, billing.AccountState{Submitted: true, Due: []string{"external_account"}, Reason: "requirements.past_due"})
	ada.press("Send, and go to the payment page", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusOK, "Check your answers", "cannot take payments now", "555-0100")
	ada.get("/my")
	ada.wants(http.StatusOK, "cannot take payments now")
	adm.get("/manage/settings")
	adm.wants(http.StatusOK, "Stripe has disabled the account", "external_account")
	adm.get("/desk/work")
	adm.wants(http.StatusOK, "Stripe has disabled the account: give it what it asks for", "The account at Stripe")
	h.stands(t, billing.AccountState{Disconnected: true})
	adm.get("/manage/settings")
	adm.wants(http.StatusOK, "Stripe refuses access to the account")
	h.stands(t, billing.AccountState{Charges: true, Payouts: true, Submitted: true})
	adm.get("/desk/work")
	adm.wants(http.StatusOK, "Nothing is waiting for you")
	ada.startUTI()
}
