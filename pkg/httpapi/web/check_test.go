package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// changes follows the link that changes the answer to a question.
func (b *browser) changes(question string) {
	b.t.Helper()
	b.link("Change " + question)
}

// Every answer is shown before the price, and a link beside it leads to its question
// and back.
func TestCheck_AnswerChangedLeadsBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillInToCheck(well)
	ada.wants(http.StatusOK, "Check your answers", "Texas", "555-0123", "3 days", "Burning or pain when passing urine; Going more often than usual")
	if strings.Contains(ada.text(), "$") {
		t.Error("a price is shown before the answers are checked")
	}
	for _, a := range find(ada.page, "a") {
		if !strings.HasPrefix(text(a), "Change") {
			continue
		}
		to, id, _ := strings.Cut(attr(a, "href"), "#")
		page := h.twin(t, ada)
		page.at = ada.at
		page.get(to)
		has := false
		each(page.page, func(n *html.Node) { has = has || attr(n, "id") == id })
		if page.code != http.StatusOK || !has {
			t.Errorf("%s leads to %s, which answers %d and has the question: %t", text(a), page.at, page.code, has)
		}
	}

	ada.changes("How many days")
	ada.press("Save and continue", url.Values{"uti-onset": {"5"}})
	ada.wants(http.StatusOK, "Check your answers", "5 days")
	ada.changes("How many days")
	ada.press("Save and continue", url.Values{"uti-onset": {"many"}})
	ada.wants(http.StatusUnprocessableEntity, "whole number")
	ada.press("Save and continue", url.Values{"uti-onset": {"6"}})
	ada.wants(http.StatusOK, "Check your answers", "6 days")

	ada.changes("Has the patient been seen")
	ada.press("Save and continue", url.Values{"seen-7d": {"true"}})
	ada.wants(http.StatusOK, "a few more questions", "Date of that visit")
	ada.press("Save and continue", url.Values{"seen-7d-date": {"2026-03-01"}})
	ada.wants(http.StatusOK, "Check your answers", "1 March 2026")
	ada.link("Continue to the price")
	ada.wants(http.StatusOK, "What it costs")
	ada.link("Back")
	ada.wants(http.StatusOK, "Check your answers")
}

// After sending, the number and what happens next are told; the same number is on the
// request.
func TestSent_NumberAndWhatHappensNext(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, page := h.sent(t, ada)
	ada.get(h.stripe.sessions[page[len(stripePage):]].req.Done)
	ada.wants(http.StatusOK, "Your request was sent", "You will be answered by", "$40.00 is held on your card",
		"Clinicians and nurses of this practice", "e-mail", "If it gets worse", "555-0100", "911")
	number := regexp.MustCompile(`[A-Z2-7]{4}-[A-Z2-7]{4}\b`).FindString(ada.text())
	if number == "" || !strings.HasPrefix(id, strings.ToLower(strings.ReplaceAll(number, "-", ""))) {
		t.Fatalf("the number of %s is %q", id, number)
	}
	ada.link("See your request")
	ada.wants(http.StatusOK, number, "Waiting to be read")
	h.as(t, "Dr. X", "/desk/visits/"+id).wants(http.StatusOK, number)
}

func TestSent_BeforeStripeReports(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	at := "/my/visits/" + ada.visitID()
	ada.get(at + "/sent")
	if ada.at.Path != at {
		t.Errorf("of a draft it leads to %s", ada.at)
	}
	ada.get(at + "/form/1")
	ada.fillIn(well)
	ada.press("Send, and go to the payment page", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	page := ada.head.Get("Location")
	ada.get(h.url + at + "/sent")
	ada.wants(http.StatusOK, "We have not yet heard", "You need not pay again")
	h.payCard(t, page)
	ada.link("Look again")
	ada.wants(http.StatusOK, "Your request was sent")
}

// A slip is shown back and can be changed; confirmed, it ends the request.
func TestEnding_ShownBackOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(with(url.Values{"uti-fever": {"true"}}))
	ada.wants(http.StatusOK, "Is this right?", "Fever of 100.4", "This ends the online request", "You need to be seen in person today", "555-0100")
	id := ada.visitID()
	for _, other := range []string{"/check", "/form/7"} {
		ada.get("/my/visits/" + id + other)
		ada.wants(http.StatusOK, "Is this right?")
	}
	ada.changes("Fever of 100.4")
	if got := ada.value("uti-onset"); got[0] != "3" {
		t.Errorf("the other answers of the page are lost: %q", got)
	}
	ada.press("Save and continue", url.Values{"uti-fever": {"false"}})
	ada.wants(http.StatusOK, "page 5 of")
	ada.press("Back", nil)
	ada.press("Save and continue", url.Values{"uti-fever": {"true"}})
	ada.press("Yes, that is right", nil)
	ada.wants(http.StatusOK, "Stopped for your safety", "You need to be seen in person today")
}

// A state that is not served and the wrong person are told on the page that asks.
func TestFormPage_ToldWhereItIsCaused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.press("Save and continue", ada.asked(with(url.Values{"location-state": {"OR"}, "completed-by": {"self"}})))
	ada.wants(http.StatusUnprocessableEntity, "page 1 of", "This practice serves TX", "555-0100")
	ada.press("Save and continue", url.Values{"location-state": {"TX"}, "completed-by": {"caregiver"}})
	ada.wants(http.StatusUnprocessableEntity, "page 1 of", "You signed in as the patient")
	ada.press("Save and continue", url.Values{"completed-by": {"self"}})
	ada.wants(http.StatusOK, "page 2 of")
}
