package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
)

// The visit's page leads who may refund to the page on which they do, while something can be
// refunded, and nobody else.
func TestRefund_ReachedFromTheVisit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	at, says := "/desk/visits/"+id, "Refund a payment"
	lead := drxAtOak(false)
	lead.Also = []identity.Role{identity.Admin}
	sees := func(when string, want bool) {
		t.Helper()
		drx.get(at)
		drx.wants(http.StatusOK, "What happened")
		if strings.Contains(drx.text(), says) != want {
			t.Errorf("%s: the link is there: %t", when, !want)
		}
	}
	charged := func(refunded, withdrawn int64) {
		h.becomes(t, page, func(o *billing.Observation) {
			o.Status, o.Capturable, o.Received, o.Refunded, o.Withdrawn = "succeeded", 0, 4000, money.Cents(refunded), money.Cents(withdrawn)
		})
	}
	charged(0, 0)
	sees("to a clinician", false)
	h.person(t, "drx", lead)
	h.pass(2 * time.Minute)
	sees("charged", true)
	drx.link(says)
	drx.wants(http.StatusOK, "At most $40.00")
	adm := h.as(t, "Adm", at) // reads no charts
	adm.wants(http.StatusOK, says, "At most $40.00")
	charged(1000, 0)
	sees("refunded in part", true)
	charged(4000, 0)
	sees("all is refunded", false)
	adm.get(at)
	adm.wants(http.StatusForbidden)
}

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

	for _, wrong := range []url.Values{
		{"payment": {payment}, "left": {"2750"}, "amount": {"27.51"}, "reason": {"late"}},
		{"payment": {payment}, "left": {"2750"}, "amount": {"100000.01"}, "reason": {"late"}},
		{"payment": {payment}, "left": {"2750"}, "amount": {"0.00"}, "reason": {"late"}},
		{"payment": {payment}, "left": {"27.50"}, "amount": {"1.00"}, "reason": {"late"}},
		{"payment": {payment}, "left": {"2750"}, "amount": {"1.00"}, "reason": {"because"}},
	} {
		adm.post(h.url+at, wrong)
		if adm.code < 400 || adm.code >= 500 {
			t.Errorf("%v: %d", wrong, adm.code)
		}
	}
	if p, err = h.store.Payment(t.Context(), payment); err != nil || p.Refunded != 12_50 || p.Asked.Stage != billing.RefundMade {
		t.Errorf("%+v, %v", p, err)
	}
	drx.get(at)
	drx.wants(http.StatusForbidden)
}

// A refund that was not made because something was refunded elsewhere meanwhile is not told as one that
// failed: who would return it another way would pay the patient twice.
func TestRefund_LessLeftIsToldAsThat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Received = "succeeded", 0, 4000 })
	at, payment := "/desk/visits/"+id+"/refund", strings.TrimPrefix(page, stripePage)
	adm := h.as(t, "Adm", at)
	adm.post(h.url+at, url.Values{"payment": {payment}, "left": {"4000"}, "amount": {"30.00"}, "reason": {"late"}})
	h.becomes(t, page, func(o *billing.Observation) { o.Refunded = 15_00 })
	p, err := h.store.Payment(t.Context(), payment)
	must(t, err)
	must(t, h.collect.Act(t.Context(), outbox.Delivery{Event: outbox.Event{ID: p.Asked.ID, Kind: outbox.Refund, To: outbox.Charge, Payment: payment}}))
	adm.get("/desk/work")
	adm.wants(http.StatusOK, "A refund that one of you asked for was not made", "Less is left of the charge than was asked for", "less_left")
	if strings.Contains(adm.text(), "another way") {
		t.Errorf("the work is told as %q", adm.text())
	}
	adm.link("See what was charged and refunded")
	adm.wants(http.StatusOK, "$40.00 charged, $15.00 refunded", "At most $25.00")
}
