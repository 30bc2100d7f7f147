package web_test

import (
	"net/http"
	"strings"
	"testing"

	"evisit/pkg/billing"
)

// Who was charged prints a receipt: of what was paid and came back, with nothing of why. Before
// a charge there is none, and others have none of theirs.
func TestReceipt_OfWhatWasPaid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	at := "/my/visits/" + id
	ada.get(at + "/receipt")
	if ada.at.Path != at {
		t.Errorf("of what is not charged it leads to %s", ada.at)
	}
	drx.answers(id)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Received = "succeeded", 0, 4000 })
	ada.get(at)
	ada.link("Receipt to print")
	ada.wants(http.StatusOK, "Ada Adams, born", "Oak Street Clinic", "555-0100", "by Xenia Xu, MD", "Charged 2 March 2026", "Paid by the patient$40.00")
	for _, word := range []string{"Urinary", "Held on your card"} {
		if strings.Contains(ada.text(), word) {
			t.Errorf("the receipt says %q", word)
		}
	}
	h.becomes(t, page, func(o *billing.Observation) { o.Refunded = 1500 })
	ada.get(at + "/receipt")
	ada.wants(http.StatusOK, "Charged 2 March 2026", "$40.00", "Refunded 2 March 2026", "-$15.00", "Paid by the patient$25.00")
	ada.link("Back to the request")
	ada.wants(http.StatusOK, "$15.00 of it refunded")
	h.as(t, "Bea", at+"/receipt").wants(http.StatusNotFound)
}
