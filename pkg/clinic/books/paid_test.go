package books_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic/books"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
)

// A yearly fee was paid when Stripe says, though it was booked in the next year.
func TestPaidYearly_WhenStripeSays(t *testing.T) {
	t.Parallel()
	paid := time.Date(2026, time.December, 31, 20, 0, 0, 0, time.UTC)
	booked := paid.Add(48 * time.Hour)
	fee, err := ledger.FeePaid("m.1", "x", "in_1", 0, 350_00, 0, booked)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ledger.FeeRefunded("m.1", "x", "in_1", 0, 100_00, false, 0, booked)
	if err != nil {
		t.Fatal(err)
	}
	got := books.PaidYearly([]membership.Bill{{Invoice: "in_1", Number: "A-1", PaidAt: paid}}, []ledger.Entry{fee, back})
	want := []books.Paid{
		{At: paid, Kind: ledger.Fee, Number: "A-1", Amount: 350_00},
		{At: booked, Kind: ledger.Refund, Number: "A-1", Amount: -100_00},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
