package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A request on a form of which another is underway is warned of where it is started and
// where its answers are checked, with a link to that one. The price is shown once a box is
// ticked, and what is sent then is sent.
func TestUnderway_WarnedOf(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	if strings.Contains(ada.text(), "underway") {
		t.Error("something is underway that was not sent")
	}
	first, _ := h.sent(t, ada)
	ada.get("/my")
	ada.wants(http.StatusOK, "on this is underway: Waiting to be read")
	ada.link("Request ")
	if ada.at.Path != "/my/visits/"+first {
		t.Fatalf("the link leads to %s", ada.at)
	}

	ada.startUTI()
	ada.fillInToCheck(well)
	second, check := ada.visitID(), ada.at.Path
	ada.wants(http.StatusOK, "You have sent a request like this", "A second request has its own fee")
	ada.press("Continue to the price", nil)
	ada.wants(http.StatusOK, "There is a problem", "Tick this box if this request is about something else")
	if ada.at.Path != check {
		t.Errorf("without the box it leads to %s", ada.at)
	}
	ada.get("/my/visits/" + second + "/form/7") // by hand
	ada.wants(http.StatusOK, "You have sent a request like this")
	ada.confirms()
	ada.wants(http.StatusOK, "What it costs")
	ada.press("Send, and go", url.Values{"fee-ack": {"true"}})
	ada.wants(http.StatusUnprocessableEntity, "Tick this box to agree")
	ada.press("Send, and go", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusSeeOther)
}

// A request of which another is sent while its price is looked at is not sent: its answers
// are checked again, with the warning.
func TestUnderway_SentMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(well)
	other := h.as(t, "Ada", "/my")
	other.startUTI()
	other.fillIn(well)
	other.press("Send, and go", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	other.wants(http.StatusSeeOther)
	ada.press("Send, and go", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusOK, "Check your answers", "You have sent a request like this", "Waiting for your payment")
	ada.confirms()
	ada.press("Send, and go", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusSeeOther)
}
