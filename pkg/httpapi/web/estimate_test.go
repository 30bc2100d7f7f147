package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Who pays themselves has an estimate to print: who asks whom for what, the most that it
// costs, and what to do about a bill above it.
func TestEstimate_OfTheFee(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	id := ada.visitID()
	ada.fillIn(well)
	ada.link("Good-faith estimate")
	ada.wants(http.StatusOK, "Ada Adams, born", "Oak Street Clinic", "555-0100", "Urinary symptoms", "Expected charge$40.00", "at least $400 more", "no contract")
	ada.link("Back to the price")
	ada.wants(http.StatusOK, "What it costs")
	h.as(t, "Dr. X", "/my/visits/"+id+"/estimate").wants(http.StatusNotFound)
	h.sends(t, ada)
	ada.get(h.url + "/my/visits/" + id + "/estimate")
	if ada.at.Path != "/my/visits/"+id {
		t.Errorf("of what was sent it leads to %s", ada.at)
	}
}

// Who says that a health plan or a membership pays is offered none.
func TestEstimate_OnlyForSelfPay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.payers(t)
	h.agrees(t, "99421", "80", "20")
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(with(url.Values{"payment-route": {"insurance"}}))
	ada.wants(http.StatusOK, "What it costs", "Please note")
	if strings.Contains(ada.text(), "Good-faith estimate") {
		t.Errorf("an estimate for self-pay is offered: %s", ada.text())
	}
}
