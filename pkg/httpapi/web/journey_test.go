package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"evisit/pkg/billing"
	"evisit/pkg/record"
)

// well are answers to uti-women, by linkId, of somebody an e-visit suits.
var well = url.Values{
	"emergency-ack": {"true"}, "completed-by": {"self"}, "location-state": {"TX"}, "language": {"en"}, "callback-phone": {"555-0123"},
	"seen-7d": {"false"}, "surgery-90d": {"false"}, "accident": {"false"}, "allergy-none": {"true"}, "medications": {"None\r\nat all"},
	"payment-route": {"self-pay"}, "pregnant": {"no"}, "conditions": {"none"},
	"uti-onset": {"3"}, "uti-sx": {"burning", "frequency"}, "uti-fever": {"false"}, "uti-flank": {"false"}, "uti-vomit": {"false"},
	"uti-confused": {"false"}, "uti-retention": {"false"}, "uti-discharge": {"false"}, "uti-sti": {"false"},
	"uti-catheter": {"false"}, "uti-kidney": {"false"}, "uti-count": {"1"}, "uti-abx": {"false"},
}

// fillIn answers page after page, and checks the answers, until the fee is shown or
// the form is left. A request on the form that is underway is known to the patient.
func (b *browser) fillIn(answers url.Values) {
	b.t.Helper()
	b.fillInToCheck(answers)
	if !strings.HasSuffix(b.at.Path, "/check") {
		return
	}
	if strings.Contains(b.text(), "You have sent a request like this") {
		b.confirms()
	} else {
		b.link("Continue to the price")
	}
	b.wants(http.StatusOK, "What it costs")
}

// confirms ticks the box that another request is sent beside the one that is underway.
func (b *browser) confirms() {
	b.t.Helper()
	for _, in := range find(b.page, "input") {
		if attr(in, "name") == "beside" {
			b.press("Continue to the price", url.Values{"beside": {attr(in, "value")}})
			return
		}
	}
	b.t.Fatalf("at %s there is no box:\n%s", b.at, b.text())
}

// fillInToCheck answers page after page until the answers are to be checked or the
// form is left.
func (b *browser) fillInToCheck(answers url.Values) {
	b.t.Helper()
	for range 20 {
		b.wants(http.StatusOK)
		if !strings.Contains(b.at.Path, "/form/") {
			return
		}
		b.press("Save and continue", b.asked(answers))
	}
	b.t.Fatalf("the form never ends; at %s:\n%s", b.at, b.text())
}

// asked are those of the answers that the page has fields for.
func (b *browser) asked(answers url.Values) url.Values {
	set := url.Values{}
	for _, f := range find(b.page, "form") {
		_, has := b.fields(f)
		for name, vs := range answers {
			if has[name] {
				set[name] = vs
			}
		}
	}
	return set
}

func (b *browser) startUTI() {
	b.t.Helper()
	b.get("/my")
	b.press("Urinary symptoms", nil)
}

func (b *browser) visitID() string {
	return strings.Split(strings.TrimPrefix(b.at.Path, "/my/visits/"), "/")[0]
}

// sent brings a request as far as the queue and returns its id and the page
// where it was paid.
func (h *house) sent(t *testing.T, b *browser) (id, page string) {
	t.Helper()
	b.startUTI()
	b.fillIn(well)
	return h.sends(t, b)
}

// sends accepts the fee of the request at hand and pays it.
func (h *house) sends(t *testing.T, b *browser) (id, page string) {
	t.Helper()
	id = b.visitID()
	b.press("Send, and go to the payment page", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	b.wants(http.StatusSeeOther)
	page = b.head.Get("Location")
	h.payCard(t, page)
	return id, page
}

// answers takes and answers a visit.
func (b *browser) answers(id string) {
	b.t.Helper()
	b.get("/desk/visits/" + id)
	b.press("Take this visit", nil)
	b.press("Send the answer", url.Values{
		"reply": {"Drink water."}, "code": {"N30.00"}, "do": {"Rest"}, "warnings": {"Fever"}, "follow-up": {"as needed"},
	})
	b.wants(http.StatusOK, "Answered")
}

func TestPages_PatientSendsAndReadsTheAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.wants(http.StatusOK, "My requests", "$40.00", "24 hours")
	ada.startUTI()
	ada.wants(http.StatusOK, "page 1 of")
	if csp := ada.head.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self';") {
		t.Errorf("a page of questions may lead elsewhere: %s", csp)
	}
	ada.fillIn(well)
	ada.wants(http.StatusOK, "$40.00", "Within 24 hours", "charged only when your answer is given", "Clinicians and nurses of this practice", "answered in writing")
	id := ada.visitID()
	if csp := ada.head.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://checkout.stripe.com") {
		t.Errorf("the fee may not lead to the payment page: %s", csp)
	}

	ada.press("Send, and go", nil)
	ada.wants(http.StatusUnprocessableEntity, "Tick this box to accept the fee", "Tick this box to agree")
	ada.press("Send, and go", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusSeeOther)
	page := ada.head.Get("Location")
	if !strings.HasPrefix(page, stripePage) {
		t.Fatalf("sent to %s, want the payment page", page)
	}

	ada.get("/my/visits/" + id + "?left=1")
	ada.wants(http.StatusOK, "You left the payment page", "Nothing was charged")
	ada.press("Go to the payment page", nil)
	if got := ada.head.Get("Location"); got != page {
		t.Errorf("paying again leads to %s, want the same page %s", got, page)
	}
	ada.get("/my/visits/" + id + "?paid=1")
	ada.wants(http.StatusOK, "We have not yet heard")
	h.payCard(t, page)
	ada.get("/my/visits/" + id + "?paid=1")
	ada.wants(http.StatusOK, "Waiting to be read", "You will be answered by", "CST", "$40.00 held on your card; not charged")

	drx := h.as(t, "Dr. X", "/desk")
	drx.wants(http.StatusOK, "Urinary symptoms", "Waiting", "Promised by")
	drx.link("Urinary symptoms")
	drx.wants(http.StatusOK, "Burning or pain when passing urine", "35 years", "Number to call about this", "17 May 1990")
	if !slices.ContainsFunc(find(drx.page, "a"), func(a *html.Node) bool { return attr(a, "href") == "tel:5550123" && text(a) == "555-0123" }) {
		t.Error("the number to call is no link")
	}
	drx.press("Take this visit", nil)
	drx.wants(http.StatusOK, "In review", "Xenia Xu, MD")

	dry := h.as(t, "Dr. Y", "/desk/visits/"+id)
	if strings.Contains(dry.text(), "Take this visit") {
		t.Error("a visit somebody has is offered to be taken")
	}
	dry.post(h.url+"/desk/visits/"+id+"/take", nil)
	dry.wants(http.StatusConflict, "Xenia Xu, MD has taken this visit")

	drx.press("Ask", url.Values{"question": {"Any <blood>?"}})
	drx.wants(http.StatusOK, "Asked the patient")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "Any <blood>?", "Waiting for your reply")
	ada.press("Send your reply", url.Values{"text": {"None at all"}})
	ada.wants(http.StatusOK, "None at all", "Being read")

	drx.get("/desk/visits/" + id)
	drx.press("Send the answer", url.Values{"reply": {"Drink water."}, "minutes": {"six"}, "other-codes": {"n30.00 nonsense"}})
	drx.wants(http.StatusUnprocessableEntity, "Say the warning signs", "whole number", "ICD-10-CM code with its point")
	if got := drx.value("reply"); got[0] != "Drink water." {
		t.Errorf("the reply typed before is now %q", got)
	}
	drx.press("Send the answer", url.Values{
		"code": {"N30.00"}, "other-codes": {""}, "do": {"Take it for five days"}, "warnings": {"Fever"}, "follow-up": {"as needed"}, "minutes": {"6"},
	})
	drx.wants(http.StatusOK, "Answered", "Acute cystitis without hematuria", "6 minutes")

	waited := func() bool {
		ada.get("/my")
		return slices.ContainsFunc(find(ada.page, "li"), func(n *html.Node) bool { return attr(n, "class") == "yours" })
	}
	if !waited() {
		t.Error("an answer that nobody read is not marked in the list")
	}
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "Drink water.", "Take it for five days", "Fever", "Acute cystitis without hematuria")
	if waited() {
		t.Error("an answer that was read is marked in the list")
	}
	drx.get("/desk/visits/" + id)
	drx.wants(http.StatusOK, "Answer read")
	ada.get("/my/visits/" + id)
	ada.press("I have read this answer", nil)
	ada.wants(http.StatusOK, "Answered and closed")
	ada.link("Who has seen this")
	ada.wants(http.StatusOK, "Xenia Xu, MD", "read the answers and messages", "took the request", "clinician")
	records, err := h.store.Trail(t.Context(), id, time.Time{})
	must(t, err)
	for _, r := range records {
		if _, known := record.ActionWords(r.Action); !known {
			t.Errorf("the trail has no words for %s", r.Action)
		}
	}
}

// What people wrote is drawn in its own direction wherever it is drawn, which inspect
// checks of every page.
func TestPages_WrittenTextHasItsOwnDirection(t *testing.T) {
	t.Parallel()
	const words = "כאב 3 ימים (קל)"
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	ada.startUTI()
	ada.fillIn(with(url.Values{"medications": {words}}))
	id, _ := h.sends(t, ada)
	drx.get("/desk/visits/" + id)
	drx.wants(http.StatusOK, words)
	drx.press("Take this visit", nil)
	drx.press("Ask", url.Values{"question": {words}})
	ada.get("/my/visits/" + id)
	ada.press("Send your reply", url.Values{"text": {words + "!"}})
	ada.wants(http.StatusOK, words, words+"!")
	drx.get("/desk/visits/" + id)
	drx.press("Send the answer", url.Values{"reply": {words}, "no-diagnosis": {words}, "do": {words}, "warnings": {words}, "minutes": {words}})
	drx.wants(http.StatusUnprocessableEntity, words)
	drx.press("Send the answer", url.Values{"follow-up": {words}, "minutes": {""}})
	drx.wants(http.StatusOK, "Answered", words)
	ada.get("/my/visits/" + id)
	if n := strings.Count(ada.text(), words); n < 7 {
		t.Errorf("what was written is drawn %d times:\n%s", n, ada.text())
	}
	away, _ := h.sent(t, ada)
	drx.get("/desk/visits/" + away)
	drx.press("Take this visit", nil)
	drx.press("End without an answer", url.Values{"text": {words}})
	drx.wants(http.StatusUnprocessableEntity, words)
	drx.press("End without an answer", url.Values{"to": {"declined"}, "reason": {"other"}})
	ada.get("/my/visits/" + away)
	ada.wants(http.StatusOK, "Declined", words)
}

func TestVisitPage_SaysWhatIsCharged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")

	charged, page := h.sent(t, ada)
	drx.answers(charged)
	if strings.Contains(drx.text(), "minute") { // its minutes field was left empty
		t.Errorf("an answer states minutes that nobody gave:\n%s", drx.text())
	}
	receipt := func(says bool) {
		t.Helper()
		if strings.Contains(ada.text(), "Receipt number") != says {
			t.Errorf("the page names a receipt: %t, want %t:\n%s", !says, says, ada.text())
		}
	}
	ada.get("/my/visits/" + charged)
	ada.wants(http.StatusOK, "it is being charged now")
	receipt(false)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Received = "succeeded", 0, 4000 })
	ada.get("/my/visits/" + charged)
	ada.wants(http.StatusOK, "$40.00 charged", "Held on your card", "Charged")
	receipt(true)

	early, page := h.sent(t, ada)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Received = "succeeded", 0, 4000 })
	ada.get("/my/visits/" + early)
	ada.wants(http.StatusOK, "$40.00 charged", "has charged your card before you were answered", "all of it is refunded")

	part, page := h.sent(t, ada)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Received = "succeeded", 0, 1500 })
	ada.get("/my/visits/" + part)
	ada.wants(http.StatusOK, "$15.00 charged", "Held on your card", "Charged")
	if got := strings.Count(ada.text(), "$40.00"); got != 1 { // the hold alone
		t.Errorf("$40.00 is said %d times of a charge of $15.00:\n%s", got, ada.text())
	}

	failed, page := h.sent(t, ada)
	drx.answers(failed)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Expired = "canceled", 0, true })
	ada.get("/my/visits/" + failed)
	ada.wants(http.StatusOK, "Drink water.", "The hold on your card expired", "Please pay the fee below")
	receipt(false)
	ada.press("Go to the payment page", nil)
	ada.wants(http.StatusSeeOther)
	if to := ada.head.Get("Location"); !strings.HasPrefix(to, stripePage) || to == page {
		t.Errorf("the pay link leads to %s, and the first page was %s", to, page)
	}
}

func TestPay_HoldReleasedAfterTheAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable = "canceled", 0 }) // by hand at Stripe
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "The hold on your card was released", "Please pay the fee below")
	ada.press("Go to the payment page", nil)
	ada.wants(http.StatusSeeOther)
	if to := ada.head.Get("Location"); !strings.HasPrefix(to, stripePage) || to == page {
		t.Errorf("the pay link leads to %s, and the first page was %s", to, page)
	}
}

func TestSubmit_FreeIsSentAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.press("Home blood-pressure", nil)
	ada.fillIn(with(url.Values{
		"rd-kind": {"weight"}, "wt": {"150.5"}, "rd-sx": {"none"}, "rd-missed": {"false"},
	}))
	ada.wants(http.StatusOK, "Free of charge")
	ada.press("Send the request", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusOK, "Your request was sent")
	if len(h.stripe.sessions) > 0 {
		t.Error("a free request has a payment page")
	}
}

func TestSubmit_PriceOfOtherAnswersIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(well)
	page, at := ada.page, ada.at
	ada.get(strings.TrimSuffix(at.Path, "/7") + "/6")
	ada.press("Save and continue", nil)
	ada.page, ada.at = page, at
	ada.press("Send, and go", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusConflict, "accept it again", "$40.00")
	ada.press("Send, and go", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	ada.wants(http.StatusSeeOther)
}

func TestFeePage_LinksWhatIsMissing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.get(strings.TrimSuffix(ada.at.Path, "/1") + "/7")
	ada.wants(http.StatusOK, "Some questions still need an answer", "How many days have you had symptoms?")
	ada.link("How many days have you had symptoms?")
	ada.wants(http.StatusOK, "Answer this question")
	ada.fillInTo("uti-onset")
}

func TestQueue_SaysWhatIsLate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.sent(t, h.as(t, "Ada", "/my"))
	h.pass(25 * time.Hour)
	h.as(t, "Dr. X", "/desk").wants(http.StatusOK, "Late", "Patient in TX")
}
