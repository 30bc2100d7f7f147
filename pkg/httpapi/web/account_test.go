package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
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

// A practice that has no account connects one on its page, and is led to Stripe's.
func TestAccount_ConnectedOnThePage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.practice(t, func(p *practice.Practice) { p.Account = "" })
	adm := h.as(t, "Adm", "/manage/settings")
	adm.wants(http.StatusOK, "has no account at Stripe")
	adm.get("/manage/account")
	adm.wants(http.StatusOK, "Connect with Stripe") // nothing was asked for, and a link asks for nothing
	adm.press("Connect with Stripe", nil)
	adm.wants(http.StatusOK, "An account is being made at Stripe")
	next, waits := strings.CutPrefix(adm.head.Get("Refresh"), "3; url=")
	if !waits {
		t.Error("while it is made, the page leads nowhere")
	}
	p, err := h.store.Practice(t.Context(), "oak")
	must(t, err)
	d, err := h.store.Delivery(t.Context(), outbox.NewID(outbox.ByAPI, p.Since, "account-of-oak"))
	must(t, err)
	must(t, h.collect.Act(t.Context(), d))
	atStripe := func() {
		t.Helper()
		if to := adm.head.Get("Location"); adm.code != http.StatusSeeOther || !strings.HasPrefix(to, "https://connect.stripe.com/setup/s/acct_opened1") {
			t.Errorf("answered %d, to %s", adm.code, to)
		}
	}
	adm.get(next)
	atStripe()
	adm.get("/manage/settings")
	adm.wants(http.StatusOK, "acct_opened1", "Stripe needs details", "Give Stripe what it asks for")
	adm.link("Give Stripe what it asks for")
	atStripe()
	for _, at := range []string{"/desk/account", "/manage/account?asked=1"} {
		h.as(t, "Dr. X", at).wants(http.StatusForbidden)
	}
	h.stands(t, billing.AccountState{Charges: true, Payouts: true, Submitted: true})
	must(t, h.collect.Act(t.Context(), outbox.Delivery{Event: outbox.Event{
		ID: outbox.NewID(outbox.ByCharge, h.clock(), "asks"), Kind: outbox.AskAccount, To: outbox.Charge, Practice: "oak", Account: "acct_opened1",
	}}))
	adm = h.as(t, "Adm", "/manage/account")
	adm.wants(http.StatusOK, "Patients can pay", "acct_opened1")
}
