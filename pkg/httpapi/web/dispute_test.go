package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// contests has the bank dispute the charge of an answered request, or ask about it.
func (h *house) contests(t *testing.T, page, status string) {
	t.Helper()
	h.becomes(t, page, func(o *billing.Observation) {
		o.Status, o.Capturable, o.Received = "succeeded", 0, 4000
		if !strings.HasPrefix(status, "warning") {
			o.Withdrawn, o.DisputeFee = 4000, 1500
		}
		o.Dispute = billing.Dispute{ID: "dp_1", Status: status, Reason: "product_not_received", Amount: 4000, Opened: h.clock(), Due: h.clock().Add(14 * 24 * time.Hour)}
	})
}

// carries has function charge act on what was decided about the payment at page.
func (h *house) carries(t *testing.T, k outbox.Kind, page string) {
	t.Helper()
	must(t, h.collect.Act(t.Context(), outbox.Delivery{Event: outbox.Event{
		ID: outbox.NewID(outbox.ByAPI, h.clock(), string(k)), Kind: k, To: outbox.Charge, Payment: strings.TrimPrefix(page, stripePage),
	}}))
}

// A dispute is work with a link to its page, on which an administrator reads what can be
// sent, and sends it, once.
func TestDispute_AnsweredOnItsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	h.contests(t, page, "needs_response")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "$40.00 charged, and contested with your bank", "Taken back by your bank")
	if strings.Contains(ada.text(), "$15.00") || strings.Contains(ada.text(), "dispute_fee") {
		t.Error("the patient reads of Stripe's fee")
	}

	adm := h.as(t, "Adm", "/desk/work")
	adm.wants(http.StatusOK, "A charge is disputed", visit.Visit{ID: id}.Number())
	adm.link("See the dispute")
	adm.wants(http.StatusOK, "A disputed charge", "The bank takes an answer until", "$40.00", "$15.00", "Product not received",
		"Fee of $40.00 and consent text", "Answered: ", "no word of health", "Give the dispute up")
	for _, word := range []string{"rinary", "N30", "Drink water"} {
		if strings.Contains(adm.text(), word) {
			t.Errorf("the page says %q", word)
		}
	}
	shown, at := adm.page, adm.at
	adm.press("Send this to the bank", nil)
	adm.wants(http.StatusOK, "was handed to Stripe", "What is sent to the bank")
	adm.page, adm.at = shown, at
	adm.press("Send this to the bank", nil) // again, on a page that is out of date
	adm.wants(http.StatusOK, "was handed to Stripe")
	if strings.Contains(adm.text(), "Give the dispute up") {
		t.Error("a dispute that is being answered can be given up")
	}
	h.carries(t, outbox.AnswerDispute, page)
	adm.get("/desk/visits/" + id + "/dispute")
	adm.wants(http.StatusOK, "The bank was answered, and decides", "What was sent to the bank", "Adam Admin chose at", "to send what is below.")
	if strings.Contains(adm.text(), "no effect") {
		t.Error("what was sent is told as without effect")
	}
	adm.get("/desk/work")
	adm.wants(http.StatusOK, "Nothing is waiting for you")
	h.becomes(t, page, func(o *billing.Observation) { o.Dispute.Status, o.Withdrawn = "won", 0 })
	adm.get("/desk/visits/" + id + "/dispute")
	adm.wants(http.StatusOK, "The bank has decided for you")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "$40.00 charged; it was disputed, and your bank decided that it stands", "Returned by your bank")
}

// A dispute can be given up on its page, an inquiry cannot; nobody but administrators
// comes to either.
func TestDispute_GivenUpOnItsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	at := "/desk/visits/" + id + "/dispute"
	adm := h.as(t, "Adm", at)
	adm.wants(http.StatusNotFound, "No payment of this visit is, or was, disputed")
	h.contests(t, page, "warning_needs_response")
	adm.get(at)
	adm.wants(http.StatusOK, "A bank's inquiry about a charge", "It has taken no money yet", "Send this to the bank")
	if strings.Contains(adm.text(), "Give the dispute up") {
		t.Error("an inquiry can be given up")
	}
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "your bank has asked us about it")
	for _, b := range []*browser{ada, drx} {
		b.get(at)
		b.wants(http.StatusForbidden)
		b.post(h.url+at+"/accept", url.Values{"payment": {strings.TrimPrefix(page, stripePage)}})
		b.wants(http.StatusForbidden)
	}
	h.contests(t, page, "needs_response")
	adm.get(at)
	adm.press("Yes, accept the dispute", nil)
	adm.wants(http.StatusOK, "You gave the dispute up")
	h.carries(t, outbox.AcceptDispute, page)
	adm.get(at)
	adm.wants(http.StatusOK, "The dispute is lost. The cardholder keeps the money.")
	adm.post(h.url+at+"/answer", url.Values{"payment": {strings.TrimPrefix(page, stripePage)}, "shown": {"of before"}})
	adm.wants(http.StatusConflict, "was decided on in another way")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "$40.00 charged, and taken back by your bank")
}

// What the bank got is what Stripe has: who sent evidence from here, or gave the dispute up, after it was
// answered or given up at Stripe's dashboard is told that it had no effect, and not that it was sent.
func TestDispute_DecidedAtStripeBefore(t *testing.T) {
	t.Parallel()
	byHand := billing.Evidence{Text: "Answered by hand."}.Hash()
	for name, test := range map[string]struct {
		press  string
		kind   outbox.Kind
		change func(*billing.Dispute)
		want   []string
	}{
		"answered before the answer": {"Send this to the bank", outbox.AnswerDispute, func(d *billing.Dispute) { d.Status, d.Submissions, d.Told = "under_review", 1, byHand }, []string{
			"The bank was answered at Stripe, not from here", "to send what is below. That had no effect: the bank had been answered at Stripe.", "What was chosen here, and was not sent",
		}},
		"given up before the answer": {"Send this to the bank", outbox.AnswerDispute, func(d *billing.Dispute) { d.Status = "lost" }, []string{
			"The dispute is lost.", "to send what is below. That had no effect: the dispute had ended, or was given up at Stripe", "What was chosen here, and was not sent",
		}},
		"answered before it was given up": {"Yes, accept the dispute", outbox.AcceptDispute, func(d *billing.Dispute) { d.Status, d.Submissions, d.Told = "under_review", 1, byHand }, []string{
			"The bank was answered at Stripe, not from here", "to give the dispute up. That had no effect: the bank had been answered at Stripe.", "which was not sent from here",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
			id, page := h.sent(t, ada)
			drx.answers(id)
			h.contests(t, page, "needs_response")
			adm := h.as(t, "Adm", "/desk/visits/"+id+"/dispute")
			must(t, h.stripe.ofDispute("dp_1", test.change)) // nothing is heard of it yet
			adm.press(test.press, nil)
			h.carries(t, test.kind, page)
			adm.get("/desk/visits/" + id + "/dispute")
			adm.wants(http.StatusOK, append(test.want, "Adam Admin chose at")...)
			for _, untrue := range []string{"is sent to the bank", "was sent to the bank", "You gave the dispute up"} {
				if strings.Contains(adm.text(), untrue) {
					t.Errorf("the page says %q", untrue)
				}
			}
		})
	}
}
