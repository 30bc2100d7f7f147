package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/billing"
)

// agrees has an administrator enter a contract with Cascade Mutual of a share in percent.
func (h *house) agrees(t *testing.T, code, rate, percent string) {
	t.Helper()
	adm := h.as(t, "Adm", "/manage/contracts")
	adm.press("Enter", url.Values{"payer": {"60054"}, "procedure": {code}, "rate": {rate}, "part": {percent}, "from": {"2026-01-01"}})
	adm.wants(http.StatusOK, "The contract is entered.")
}

// ways are how a request may be paid, as the pages of a form ask; empty: they do not.
func (b *browser) ways(answers url.Values) string {
	b.t.Helper()
	for range 20 {
		if !strings.Contains(b.at.Path, "/form/") {
			break
		}
		if _, ways, asked := strings.Cut(b.text(), "How will this visit be paid?"); asked {
			return ways
		}
		b.press("Save and continue", b.asked(answers))
	}
	return ""
}

// How a request will be paid is asked where there are several ways, and with these alone.
func TestRoute_AskedOnlyWhereThereAreSeveral(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	if ways := ada.ways(well); ways != "" {
		t.Errorf("who can only pay themselves is asked: %s", ways)
	}
	ada.link("Continue to the price")
	ada.wants(http.StatusOK, "What it costs$40.00", "Good-faith estimate")
	if strings.Contains(ada.text(), "we tell no health plan") {
		t.Error("who was not asked is said to keep it from a health plan")
	}

	h.payers(t)
	h.agrees(t, "99421", "80", "20")
	bea := h.as(t, "Bea", "/my")
	bea.startUTI()
	ways := bea.ways(well)
	for words, offered := range map[string]bool{"Use my health insurance": true, "I will pay the posted fee myself": true, "My annual membership": false} {
		if strings.Contains(ways, words) != offered {
			t.Errorf("%q is offered: %v", words, !offered)
		}
	}
}

// insures has a patient enter a health plan with Cascade Mutual.
func (b *browser) insures() {
	b.t.Helper()
	b.get("/my/data")
	b.link("Show and change the health plans")
	b.link("Enter a health plan")
	b.press("Save", url.Values{"payer": {"60054"}, "member": {"W1234"}, "relation": {"self"}, "priority": {"1"}})
	b.wants(http.StatusOK, "The health plan is entered.")
}

// Who says that their health plan pays reads their share, how it comes about, and what the plan
// decides; no estimate for self-pay is offered, and the receipt says whose share was paid.
func TestPlanShare_Pages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.payers(t)
	h.agrees(t, "99421", "80", "20")
	h.agrees(t, "99423", "100", "25")
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(with(url.Values{"payment-route": {"insurance"}}))
	ada.wants(http.StatusOK, "What it costs$40.00", "No health plan that we have on file")
	id := ada.visitID()
	ada.insures()
	ada.get("/my/visits/" + id + "/estimate")
	ada.wants(http.StatusOK, "What it costs", "At most $16.00", "Cascade Mutual allows this practice $80.00 for an answer billed by the code 99421. Your share is 20 % of it: $16.00.",
		"up to $25.00 in all", "get money back", "How long this holdsUntil")
	for _, words := range []string{"Good-faith estimate", "Please note", "$40.00"} {
		if strings.Contains(ada.text(), words) {
			t.Errorf("the page says %q", words)
		}
	}
	_, page := h.sends(t, ada)
	h.as(t, "Dr. X", "/desk").answers(id)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Received = "succeeded", 0, 1600 })
	ada.get("/my/visits/" + id + "/receipt")
	ada.wants(http.StatusOK, "Paid by the patient$16.00", "the estimated share of a member of Cascade Mutual")

	adm := h.as(t, "Adm", "/desk/work")
	adm.wants(http.StatusOK, "send the plan the claim")
	adm.link("Bill the health plan")
	adm.wants(http.StatusOK, "Cascade Mutual (60054)", "by Xenia Xu, MD", "Allowed for 99421$80.00, of which $16.00 by the patient")
	adm.press("The claim is sent", url.Values{"reference": {"*"}})
	adm.wants(http.StatusUnprocessableEntity, "Give the claim's number")
	adm.press("The claim is sent", url.Values{"reference": {"PCN-17"}})
	adm.wants(http.StatusOK, "It is recorded", "RecordedPCN-17, ")
	adm.get("/desk/work")
	if strings.Contains(adm.text(), "send the plan the claim") {
		t.Error("a recorded claim is still work")
	}
	h.as(t, "Dr. X", "/desk/visits/"+id+"/claim").wants(http.StatusForbidden)
	adm.get("/manage/contracts")
	adm.press("Enter", url.Values{"payer": {"60054"}, "procedure": {"99421"}, "rate": {"80"}, "part": {"20"}, "from": {"2026-01-01"}, "later": {"true"}})
	adm.wants(http.StatusOK, "The contract is entered.", "asked for once the plan has said what it is")
	bo := h.as(t, "Ada", "/my")
	bo.startUTI()
	bo.fillIn(with(url.Values{"payment-route": {"insurance"}}))
	bo.wants(http.StatusOK, "What it costsNothing now", "You pay nothing now: the practice asks you for your share", "up to $25.00 in all", "You are asked for it then.", "Send the request")
	adm.get("/desk/money")
	adm.wants(http.StatusOK, "Patients' shares by health plan", "Cascade Mutual", "Visits for a health plan, the patient's share")
	adm.link("Cascade Mutual")
	adm.wants(http.StatusOK, "Shares of members of Cascade Mutual", "$16.00")
}

// Who has a health plan and pays themselves is told that no plan is told, before and after they send it; so is the
// desk. No claim is asked for.
func TestPlanShare_PaysThemselves(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.payers(t)
	h.agrees(t, "99421", "80", "20")
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	ada.insures()
	ada.get("/my")
	ada.startUTI()
	ada.fillIn(well)
	ada.wants(http.StatusOK, "What it costs$40.00", "we tell no health plan about this request", "Good-faith estimate")
	id, page := h.sends(t, ada)
	drx.get("/desk/visits/" + id)
	drx.wants(http.StatusOK, "Tell none", "send no claim")
	drx.answers(id)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Received = "succeeded", 0, 4000 })
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "we tell no health plan about this request")
	adm := h.as(t, "Adm", "/desk/work")
	if strings.Contains(adm.text(), "send the plan the claim") {
		t.Error("a claim is asked for")
	}
}

// Who has Medicare is shown no fee of a practice that has not opted out of it, and is told whom to call.
func TestMedicare_Pages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.payers(t)
	ada := h.as(t, "Ada", "/my")
	ada.get("/my/data")
	ada.link("Show and change the health plans")
	ada.link("Enter a health plan")
	ada.press("Save", url.Values{"payer": {"MEDOR"}, "member": {"1EG4-TE5-MK73"}, "relation": {"self"}, "priority": {"1"}})
	ada.wants(http.StatusOK, "The health plan is entered.")
	ada.get("/my")
	ada.startUTI()
	ada.fillInToCheck(well)
	ada.wants(http.StatusOK, "Medicare covers requests like this one", "may not have you pay its fee yourself", "call the practice: 555-0100")
	if strings.Contains(ada.text(), "Continue to the price") {
		t.Error("the page leads to a price that there is not")
	}
	if strings.Contains(ada.text(), "$40.00") {
		t.Error("the page names the fee")
	}
	id := ada.visitID()
	adm := h.as(t, "Adm", "/manage/settings")
	adm.press("Decide", url.Values{"medicare": {"opted-out"}})
	adm.wants(http.StatusOK)
	ada.get("/my/visits/" + id + "/check")
	ada.link("Continue to the price")
	ada.wants(http.StatusOK, "What it costs$40.00", "have opted out of Medicare")
}
