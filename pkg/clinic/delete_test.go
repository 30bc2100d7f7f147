package clinic_test

import (
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/visit"
)

// A draft whose payment page ran out can be deleted. What is still to come for its
// payment wakes nothing of it.
func TestDelete_AfterThePageRanOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	_, err := w.request.Delete(w.ctx, w.as(jane), id)
	w.refused(err, "wrong_status") // its page may still be paid
	w.pass(2 * time.Hour)
	w.minute()
	w.settle()
	w.stands(id, visit.Draft)
	w.deletes(id)
	deleted := w.visit(id)
	w.finish()
	if v := w.stands(id, visit.Deleted); v.Version != deleted.Version || !v.Wake.IsZero() {
		t.Errorf("after it was deleted it became %+v", v)
	}
	w.states(id, billing.Abandoned)
	w.proven(id)
	w.balanced()
	w.handled()
}

// Sent and deleted at once, a request is either.
func TestDelete_AtOnceWithSending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		id := w.draft()
		quote, c := w.prices(jane, id).Quote.ID, w.as(jane)
		w.oneWins(atOnce(
			func() error { _, err := w.request.Delete(w.ctx, c, id); return err },
			func() error {
				_, err := w.request.Submit(w.ctx, c, id, request.Submission{Quote: quote})
				return err
			},
		))
		if s := w.visit(id).Status; s != visit.Deleted && s != visit.AwaitingPayment {
			t.Errorf("it is %s", s)
		}
	}
}
