package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/billing"
	"evisit/pkg/outbox"
)

// An administrator types how much is refunded and why; the page says who refunded what, and
// the patient's what stays paid. What cannot be read is named beside its field, and of a page
// that shows what is no longer so nothing is refunded.
func TestRefund_OnItsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Received = "succeeded", 0, 4000 })

	at := "/desk/visits/" + id + "/refund"
	adm := h.as(t, "Adm", at)
	adm.wants(http.StatusOK, "Refund a payment", "$40.00 charged, $0.00 refunded", "At most $40.00", "As a courtesy")
	payment := strings.TrimPrefix(page, stripePage)
	for _, amount := range []string{"", "-5.00", "12.5", "1e3", "12,50", "40.001", "0x10", "99999999999999999999"} {
		adm.post(h.url+at, url.Values{"payment": {payment}, "left": {"4000"}, "amount": {amount}})
		adm.wants(http.StatusUnprocessableEntity, "Give dollars and cents, such as 12.50.", "Choose one of the reasons.")
	}
	form := url.Values{"payment": {payment}, "left": {"4000"}, "amount": {"12.50"}, "reason": {"late"}}
	adm.post(h.url+at, form)
	adm.get(at)
	adm.wants(http.StatusOK, "$12.50 is being refunded for", "You can refund nothing of it now.")
	p, err := h.store.Payment(t.Context(), payment)
	must(t, err)
	must(t, h.collect.Act(t.Context(), outbox.Delivery{Event: outbox.Event{ID: p.Asked.ID, Kind: outbox.Refund, To: outbox.Charge, Payment: payment}}))
	adm.get(at)
	adm.wants(http.StatusOK, "$40.00 charged, $12.50 refunded", ": the answer took too long", "At most $27.50")
	form.Set("amount", "5.00")
	adm.post(h.url+at, form) // as it was shown before
	adm.wants(http.StatusConflict, "Something was refunded since")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "$40.00 charged, $12.50 of it refunded", "Refunded: the answer took too long")

	drx.get(at)
	drx.wants(http.StatusForbidden)
}
