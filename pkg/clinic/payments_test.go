package clinic_test

import (
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic/books"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// paidIn is what Jane is told that she paid in a year.
func (w *world) paidIn(year int) ([]books.Paid, money.Cents) {
	w.Helper()
	s, err := w.request.Payments(w.ctx, w.as(jane), "", year)
	if err != nil {
		w.Fatalf("the payments of %d: %v", year, err)
	}
	return s.Paid, s.Total
}

// What was paid in a year for visits and memberships, and what came back, adds up to what Stripe has
// of it, each at the day on which it moved; nothing of it is another year's.
func TestPayments_OfAYear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	w.settle()
	w.pass(time.Minute)
	w.member(stripesim.CardSuccess)
	paid, total := w.paidIn(0)
	if len(paid) != 2 || total != 40_00+yearlyPrice || paid[0].Visit != id || paid[0].Kind != ledger.Capture || paid[0].Number == "" ||
		paid[1].Visit != "" || paid[1].Kind != ledger.Fee || paid[1].Number == "" {
		t.Errorf("paid %+v, %s in all", paid, total)
	}
	year := w.now().Year()
	w.pass(time.Date(year+1, time.January, 2, 12, 0, 0, 0, time.UTC).Sub(w.now()))
	w.byHand = true
	w.refund(w.latest(id).payment.Intent, 15_00)
	w.settle()
	if paid, total := w.paidIn(0); len(paid) != 1 || total != -15_00 || paid[0].Kind != ledger.Refund || paid[0].Visit != id {
		t.Errorf("the next year: %+v, %s in all", paid, total)
	}
	if paid, total := w.paidIn(year); len(paid) != 2 || total != 40_00+yearlyPrice {
		t.Errorf("the year before: %+v, %s in all", paid, total)
	}
	if paid, total := w.paidIn(year - 1); len(paid) != 0 || total != 0 {
		t.Errorf("a year without payments: %+v, %s", paid, total)
	}
	for _, bad := range []int{1999, year + 2} {
		_, err := w.request.Payments(w.ctx, w.as(jane), "", bad)
		w.refused(err, "invalid_request")
	}
}

// What a patient has and paid is their own, who acts for them may read it, and people of their practice:
// nobody else's, whatever practice they work at.
func TestPayments_OfNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(stripesim.CardSuccess)
	for _, who := range []string{tom, "ruth-vance", "leo-park", "hana-kim"} {
		_, err := w.request.Payments(w.ctx, w.as(who), jane, 0)
		w.refused(err, "not_found")
		_, err = w.request.Membership(w.ctx, w.as(who), jane)
		w.refused(err, "not_found")
	}
	for _, who := range []string{jane, ada, sam} {
		if s, err := w.request.Payments(w.ctx, w.as(who), jane, 0); err != nil || s.Total != yearlyPrice {
			t.Errorf("%s is told of %s, %v", who, s.Total, err)
		}
	}
	for _, who := range []string{ada, "ruth-vance"} {
		_, err := w.request.Payments(w.ctx, w.as(who), "nobody", 0)
		w.refused(err, "not_found")
	}
}
