package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/billing"
)

func TestWork_ListedAndEnded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	drx.link("Work")
	drx.wants(http.StatusOK, "Nothing is waiting for you")
	ada.startUTI()
	ada.fillIn(with(url.Values{"uti-confused": {"true"}}))
	diverted := ada.visitID()
	owed, paid := h.sent(t, ada)
	drx.answers(owed)
	h.becomes(t, paid, func(o *billing.Observation) { o.Status, o.Capturable, o.Expired = "canceled", 0, true })

	const stopped, unpaid = "A request was stopped by a red flag", "An answer's fee was not collected"
	adm := h.as(t, "Adm", "/desk/work")
	adm.wants(http.StatusOK, stopped, unpaid, diverted, owed, "emergency")
	drx.get("/desk/work")
	drx.wants(http.StatusOK, stopped, diverted)
	if strings.Contains(drx.text(), unpaid) {
		t.Error("a clinician is shown the office's work")
	}
	page, at := drx.page, drx.at
	drx.press("This is done", nil)
	drx.wants(http.StatusOK, "Nothing is waiting for you")
	if drx.at.Path != "/desk/work" {
		t.Errorf("ending an item leads to %s", drx.at)
	}
	drx.page, drx.at = page, at
	drx.press("This is done", nil) // pressed again on a page that is out of date
	drx.wants(http.StatusOK, "Nothing is waiting for you")

	ada.get("/desk/work")
	ada.wants(http.StatusForbidden)
	item := h.url + "/desk/work/payment.failed." + strings.TrimPrefix(paid, stripePage) + "/end"
	drx.post(item, nil)
	drx.wants(http.StatusNotFound)
	adm.get("/desk/work")
	adm.wants(http.StatusOK, unpaid)
	adm.post(item, nil)
	adm.wants(http.StatusOK, "Nothing is waiting for you")
}

// Paying by the link ends the item that said so.
func TestWork_EndsWhenThePatientPays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Expired = "canceled", 0, true })
	adm := h.as(t, "Adm", "/desk/work")
	adm.wants(http.StatusOK, "An answer's fee was not collected")
	ada.get("/my/visits/" + id)
	ada.press("Go to the payment page", nil)
	h.becomes(t, ada.head.Get("Location"), func(o *billing.Observation) {
		*o = billing.Observation{Intent: "pi_again", Status: "succeeded", Received: 4000}
	})
	adm.get("/desk/work")
	adm.wants(http.StatusOK, "Nothing is waiting for you")
}
