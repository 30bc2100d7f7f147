package clinic_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// inReview is a visit of Jane's, by her health plan, that Ana has taken.
func (w *world) inReview() string {
	w.Helper()
	w.contracts("99421", 15_00)
	w.covers(w.as(jane), jane, ownCard())
	id := w.planned()
	w.submits(jane, id, w.prices(jane, id).Quote.ID)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.takes(ana, id)
	return id
}

// toBill lists the visits for which a health plan is to be billed.
func (w *world) toBill() (all []string) {
	w.Helper()
	for _, i := range w.work("lakeside") {
		if i.Kind == work.PlanBill {
			if i.Pool != identity.StaffPool || i.ID != work.ID(work.PlanBill, i.Visit) || !i.Due.After(i.Made.Add(14*24*time.Hour)) {
				w.Errorf("%+v", i)
			}
			all = append(all, i.Visit)
		}
	}
	return all
}

// The answer of a visit by a health plan is somebody's work: to send the plan the claim. It ends with the
// claim's number, which staff and administrators record once; the money stays as it is.
func TestPlanBill_RecordedByStaff(t *testing.T) {
	t.Parallel()
	w := insured(t)
	id := w.inReview()
	_, err := w.office.RecordClaim(w.ctx, w.as(sam), id, "17")
	w.refused(err, "nothing_to_bill")
	if got := w.toBill(); len(got) != 0 {
		t.Errorf("before the answer: %v", got)
	}
	w.answers(id)
	w.answers(id) // whose reply was lost
	w.settle()
	if got := w.toBill(); len(got) != 1 || got[0] != id {
		t.Fatalf("after the answer: %v", got)
	}
	listed, err := w.office.Work(w.ctx, w.as(sam))
	if err != nil || len(listed) == 0 {
		t.Errorf("staff see %+v, %v", listed, err)
	}
	for _, who := range []string{ana, jane} {
		if _, err := w.office.RecordClaim(w.ctx, w.as(who), id, "17"); !errors.Is(err, fault.Denied) {
			t.Errorf("%s: %v", who, err)
		}
	}
	if _, err := w.office.RecordClaim(w.ctx, w.as("ruth-vance"), id, "17"); !errors.Is(err, fault.NotFound) {
		t.Errorf("another practice: %v", err)
	}
	_, err = w.office.EndWork(w.ctx, w.as(ada), work.ID(work.PlanBill, id))
	w.refused(err, "claim_unrecorded")
	_, err = w.office.RecordClaim(w.ctx, w.as(sam), id, "")
	w.refused(err, "invalid_request")

	w.does("record", func() error { _, err := w.office.RecordClaim(w.ctx, w.as(sam), id, "PCN-17"); return err })
	again, err := w.office.RecordClaim(w.ctx, w.as(ada), id, "PCN-17")
	if err != nil || again.Work.EndedBy != sam || again.Work.Reference != "PCN-17" {
		t.Errorf("again: %+v, %v", again.Work, err)
	}
	_, err = w.office.RecordClaim(w.ctx, w.as(ada), id, "PCN-18")
	w.refused(err, "done_otherwise")
	if _, err := w.office.EndWork(w.ctx, w.as(ada), work.ID(work.PlanBill, id)); err != nil {
		t.Errorf("ended twice: %v", err)
	}
	if got := w.toBill(); len(got) != 0 {
		t.Errorf("recorded: %v", got)
	}
	w.proven(id)
	w.balanced()
}

// What is not answered is not billed, nor what the patient pays themselves, nor what is quoted at the posted fee.
func TestPlanBill_OnlyAnsweredShares(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(w *world, id string){
		"Declined": func(w *world, id string) {
			w.does("decline", func() error {
				_, err := w.desk.TurnAway(w.ctx, w.as(ana), id, visit.Declined, visit.NotSuitable, "Please call us.")
				return err
			})
		},
		"Cancelled": func(w *world, id string) {
			w.does("cancel", func() error { _, err := w.request.Cancel(w.ctx, w.as(jane), id); return err })
		},
		"Expired": func(w *world, _ string) {
			w.pass(72 * time.Hour)
			w.minute()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := insured(t)
			id := w.inReview()
			act(w, id)
			w.settle()
			if got := w.toBill(); len(got) != 0 || !w.visit(id).Status.Over() {
				t.Errorf("to bill: %v", got)
			}
			w.proven(id)
		})
	}
	t.Run("PaidBySelf", func(t *testing.T) {
		t.Parallel()
		w := insured(t)
		w.contracts("99421", 15_00)
		w.covers(w.as(jane), jane, ownCard())
		id := w.taken()
		w.answers(id)
		w.settle()
		if got := w.toBill(); len(got) != 0 || w.visit(id).Fee() != 40_00 {
			t.Errorf("to bill: %v", got)
		}
		d, _, err := w.charts.ReadDocuments(w.ctx, w.as(jane), id)
		if err != nil || !w.visit(id).Quote.Restricted || !strings.Contains(string(d), `"restricted":true`) {
			t.Errorf("the visit and its document do not keep that no plan is told: %v", err)
		}
	})
	t.Run("PostedFee", func(t *testing.T) {
		t.Parallel()
		w := insured(t)
		id := w.planned()
		w.submits(jane, id, w.prices(jane, id).Quote.ID)
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		w.takes(ana, id)
		w.answers(id)
		w.settle()
		if got := w.toBill(); len(got) != 0 {
			t.Errorf("to bill: %v", got)
		}
	})
}
