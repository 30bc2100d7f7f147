package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The practice gives a patient a discount on a page, which says what is wrong with it and
// what holds, and takes it back there; the patient's page of the price says what it is.
func TestDiscount_GivenAndTakenBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/patients/p-ada")
	adm.link("Discount")
	adm.wants(http.StatusOK, "NowNone", "whoever answers")
	adm.press("Give this discount", url.Values{"percent": {"half"}, "last": {"soon"}})
	adm.wants(http.StatusUnprocessableEntity, "a whole number from 1 to 100", "Give one of", "Choose a day")
	adm.press("Give this discount", url.Values{"percent": {"60"}, "reason": {"hardship"}, "last": {"2026-03-31"}})
	adm.wants(http.StatusOK, "The change is made", "60 % off until the end of 31 March 2026: the patient cannot pay the price")

	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(well)
	ada.wants(http.StatusOK, "What it costs$16.00", "The practice's price is $40.00. 60 % of it is taken off for you.", "How long this holdsUntil")
	fee := ada.at.String()

	adm.get("/manage/patients/p-ada/discount")
	adm.press("Give this discount", url.Values{"percent": {"100"}, "reason": {"amends"}, "last": {"2026-03-31"}})
	adm.wants(http.StatusOK, "Prices are waived until the end of 31 March 2026")
	ada.get(fee)
	ada.wants(http.StatusOK, "What it costsFree of charge", "The practice's price is $40.00. It is waived for you.")

	adm.link("Discount")
	adm.press("Take the discount back", nil)
	adm.wants(http.StatusOK, "The change is made")
	if strings.Contains(adm.text(), "waived") {
		t.Error("the discount is still shown")
	}
	ada.get(fee)
	ada.wants(http.StatusOK, "What it costs$40.00")
	if strings.Contains(ada.text(), "Your discount") {
		t.Error("a discount is shown that was taken back")
	}
	h.as(t, "Dr. X", "/manage/patients/p-ada/discount").wants(http.StatusNotFound)
}

// What is waived is sent without a card.
func TestDiscount_WaivedIsSentAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/patients/p-ada/discount")
	adm.press("Give this discount", url.Values{"percent": {"100"}, "reason": {"courtesy"}, "last": {"2026-03-31"}})
	adm.wants(http.StatusOK, "The change is made")
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(well)
	ada.press("Send the request", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusOK, "Your request was sent")
}
