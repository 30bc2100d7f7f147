package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
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
	ada.wants(http.StatusOK, "Charged 2 March 2026", "$40.00", "Refunded 2 March 2026", "-$15.00", "Paid by the patient$25.00", "Save as a PDF file")
	ada.saves(at+"/receipt.pdf", "receipt-"+visit.Visit{ID: id}.Number()+".pdf")
	ada.get(at + "/receipt")
	ada.link("Back to the request")
	ada.wants(http.StatusOK, "$15.00 of it refunded")
	h.as(t, "Bea", at+"/receipt.pdf").wants(http.StatusNotFound)
	h.as(t, "Bea", at+"/receipt").wants(http.StatusNotFound)
}

// What is owed for an answer is an invoice, with its number, until it is paid.
func TestReceipt_InvoiceOfWhatIsOwed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	h.becomes(t, page, func(o *billing.Observation) { o.Status, o.Capturable, o.Expired = "canceled", 0, true })
	ada.get("/my/visits/" + id)
	ada.link("Invoice to print")
	number := visit.Visit{ID: id}.Number()
	ada.wants(http.StatusOK, "Ada Adams, born", "Invoice "+number+"-1", "not paid yet", "To be paid by the patient$40.00")
	if strings.Contains(ada.text(), "Paid by the patient") {
		t.Errorf("what is owed is said to be paid:\n%s", ada.text())
	}
	ada.saves("/my/visits/"+id+"/receipt.pdf", "receipt-"+number+".pdf")
}

// A name that a PDF file cannot write is printed by the page alone, which says so.
func TestReceipt_NameThatNoFileWrites(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	must(t, h.cast.AddPatient(t.Context(), identity.Patient{ID: "p-adib", Practice: "oak", Contact: identity.Contact{
		Name: "اديب", Email: "x@mail.example", Birth: time.Date(1990, 5, 17, 0, 0, 0, 0, time.UTC), Sex: "male",
	}}))
	must(t, h.cast.AddPerson(t.Context(), clinic.Proof{Issuer: h.issuer.URL, Subject: "cal"}, identity.Person{
		ID: "cal", Practice: "oak", Role: identity.Caregiver, Grants: []identity.Grant{{Patient: "p-ada"}, {Patient: "p-adib"}},
	}))
	cal := h.as(t, "Cal", "/my/payments/p-adib")
	cal.wants(http.StatusOK, "اديب, born", "Print this page instead")
	cal.get("/my/payments/p-adib/file?year=2026")
	cal.wants(http.StatusConflict, "print the page instead")
	cal.get("/my/payments/p-ada")
	cal.wants(http.StatusOK, "Save as a PDF file")
	cal.saves("/my/payments/p-ada/file?year=2025", "paid-in-2025.pdf")
	h.as(t, "Bea", "/my/payments/p-ada/file").wants(http.StatusNotFound)
}
