package books_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/books"
	"evisit/pkg/ledger"
	"evisit/pkg/visit"
)

// A receipt has what the patient paid and what came back, of each payment that collected
// something; neither holds nor what the practice pays.
func TestReceipts_OfThePatientsMoney(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	v := visit.Visit{ID: "abcdefghijkl", Payments: []string{"abc.1", "abc.2"}}
	held, err1 := ledger.Held("abc.1", "p", 40_00, at)
	gone, err2 := ledger.Released("abc.1", "p", 40_00, at)
	charged, err3 := ledger.Charged("abc.2", "p", 40_00, 1_46, at)
	back, err4 := ledger.Refunded("abc.2", "p", 0, 15_00, 0, at)
	failed, err5 := ledger.Refunded("abc.2", "p", 15_00, 0, 1, at)
	taken, err6 := ledger.Disputed("abc.2", "p", 0, 40_00, 1, at)
	fee, err7 := ledger.DisputeFee("abc.2", "p", 0, 15_00, 1, at)
	won, err8 := ledger.Disputed("abc.2", "p", 40_00, 0, 2, at)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
		t.Fatal(err)
	}
	m := books.Money{
		Payments: []billing.Payment{{ID: "abc.1", Held: 40_00}, {ID: "abc.2", Collected: 40_00}},
		Entries:  []ledger.Entry{held, gone, charged, back, failed, taken, fee, won},
	}
	want := []books.Receipt{{Number: v.Receipt("abc.2"), Paid: 40_00, Lines: []books.Line{
		{ledger.Charge, 40_00, at}, {ledger.Refund, -15_00, at}, {ledger.RefundFailed, 15_00, at}, {ledger.DisputeTaken, -40_00, at}, {ledger.DisputeReturned, 40_00, at},
	}}}
	if d := cmp.Diff(want, m.Receipts(v)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
