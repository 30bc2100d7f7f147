package web_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
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
	adm.wants(http.StatusOK, stopped, unpaid, visit.Visit{ID: diverted}.Number(), visit.Visit{ID: owed}.Number(), "emergency")
	drx.get("/desk/work")
	drx.wants(http.StatusOK, stopped)
	if find(drx.page, "table") != nil {
		t.Error("work is a table, which is too wide for a small window")
	}
	if strings.Contains(drx.text(), unpaid) {
		t.Error("a clinician is shown the office's work")
	}
	page, at := drx.page, drx.at
	drx.press("This is done ("+stopped+", visit "+visit.Visit{ID: diverted}.Number(), nil)
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

// givenUp puts an event of the practice and has it refused for good.
func (h *house) givenUp(t *testing.T, practice string) outbox.Event {
	t.Helper()
	e := outbox.Event{
		ID: outbox.NewID(outbox.ByAPI, h.clock(), strings.ToLower(rand.Text())), Kind: outbox.Capture, To: outbox.Charge,
		Practice: practice, Visit: "some-visit", At: h.clock(),
	}
	must(t, h.store.Commit(t.Context(), clinic.Commit{Events: []outbox.Event{e}}))
	refuse := func(context.Context, outbox.Delivery) error {
		return &clinic.Refusal{Code: "foreign_account", Final: true}
	}
	nobody := func(context.Context, outbox.Delivery) string { return "" }
	must(t, h.collect.Kernel.Deliver(t.Context(), outbox.Delivery{Event: e, Armed: true}, nobody, refuse))
	return e
}

// What was given up is explained to an administrator in words, with the code, and one
// press has it tried again.
func TestWork_GivenUpIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := h.givenUp(t, "oak")
	adm, drx := h.as(t, "Adm", "/desk/work"), h.as(t, "Dr. X", "/desk/work")
	adm.wants(http.StatusOK, "Given up: Collect the fee of an answered request", "Stripe reported it for an account", "foreign_account payment.capture "+e.ID, visit.Visit{ID: e.Visit}.Number())
	drx.wants(http.StatusOK, "Nothing is waiting for you")
	press := h.url + "/desk/work/event.parked." + e.ID + "-1/resume"
	drx.post(press, nil)
	drx.wants(http.StatusNotFound)
	page, at := adm.page, adm.at
	adm.press("Try again", nil)
	adm.wants(http.StatusOK, "Nothing is waiting for you")
	if adm.at.Path != "/desk/work" {
		t.Errorf("the press leads to %s", adm.at)
	}
	d, err := h.store.Delivery(t.Context(), e.ID)
	if must(t, err); !d.Armed || d.Parked || d.Tries != 0 || d.Version != 2 {
		t.Errorf("the event: %+v", d)
	}
	adm.page, adm.at = page, at
	adm.press("Try again", nil) // on a page that is out of date
	adm.wants(http.StatusOK, "Nothing is waiting for you")
	if again, err := h.store.Delivery(t.Context(), e.ID); err != nil || again.Version != 2 {
		t.Errorf("pressed again: %+v, %v", again, err)
	}
	adm.get("/desk/work")
	adm.post(h.url+"/desk/work/nothing/resume", nil)
	adm.wants(http.StatusNotFound)
}

// What belongs to no practice is the work of those who run the system.
func TestWork_OfNoPractice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := h.givenUp(t, "")
	h.rooms.Kernel.Operators = []clinic.Proof{{Issuer: h.issuer.URL, Subject: "ops"}}
	adm, op := h.as(t, "Adm", "/desk/work"), h.as(t, "Olu", "/desk/work")
	adm.wants(http.StatusOK, "Nothing is waiting for you")
	op.wants(http.StatusOK, "Platform", "Olu, operator", "Given up", e.ID)
	adm.post(h.url+"/desk/work/event.parked."+e.ID+"-1/resume", nil)
	adm.wants(http.StatusNotFound)
	op.press("Try again", nil)
	op.wants(http.StatusOK, "Nothing is waiting for you")
}
