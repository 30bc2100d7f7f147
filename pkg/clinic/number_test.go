package clinic_test

import (
	"strings"
	"testing"
	"time"

	"evisit/pkg/phi"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

func (w *world) gives(who, id string, number phi.Text) {
	w.Helper()
	w.does("number", func() error {
		_, _, err := w.request.GiveNumber(w.ctx, w.as(who), id, number)
		return err
	})
}

// A number given after a diversion reaches who has the work, which is open again
// if it was ended without one; the last number holds.
func TestGiveNumber_ReachesTheWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.starts(jane, "medication-refill", "")
	w.saves(jane, id, said{"rx-mood": true})
	todo, err := w.office.Work(w.ctx, w.as(nora))
	if err != nil || len(todo) != 1 {
		t.Fatalf("the nurse's work: %+v, %v", todo, err)
	}
	for _, wrong := range []phi.Text{"", " ", "x", "later"} {
		_, _, err := w.request.GiveNumber(w.ctx, w.as(jane), id, wrong)
		w.refused(err, "number_wrong")
	}
	w.gives(jane, id, "503 555 0177")
	if ch, err := w.chart(nora, id); err != nil || ch.Number != "503 555 0177" {
		t.Errorf("the nurse reads %q, %v", ch.Number.Reveal(), err)
	}
	version := w.visit(id).Version
	w.gives(jane, id, "503 555 0177")
	if again := w.visit(id).Version; again != version {
		t.Errorf("the same number again makes version %d of %d", again, version)
	}
	if _, err := w.office.EndWork(w.ctx, w.as(nora), todo[0].ID); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.gives(jane, id, "503 555 0199")
	if ch, err := w.chart(nora, id); err != nil || ch.Number != "503 555 0199" {
		t.Errorf("the nurse reads %q, %v", ch.Number.Reveal(), err)
	}
	todo, err = w.office.Work(w.ctx, w.as(nora))
	if err != nil || len(todo) != 1 || todo[0].Kind != work.VisitDiverted || todo[0].Due.Sub(w.now()) != time.Hour {
		t.Errorf("the nurse's work: %+v, %v", todo, err)
	}
	for range 2 * visit.MessageCap {
		if _, _, err = w.request.GiveNumber(w.ctx, w.as(jane), id, phi.Text("503 555 01"+strings.Repeat("0", w.visit(id).FromPatient%2+2))); err != nil {
			break
		}
	}
	w.refused(err, "message_limit")
	w.proven(id)
}

func TestGiveNumber_NobodyCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	_, _, err := w.request.GiveNumber(w.ctx, w.as(jane), id, "503 555 0177")
	w.refused(err, "wrong_status")
	w.saves(jane, id, said{"uti-confused": true})
	_, _, err = w.request.GiveNumber(w.ctx, w.as(jane), id, "503 555 0177")
	w.refused(err, "nobody_calls")
	_, _, err = w.request.GiveNumber(w.ctx, w.as(omar), id, "503 555 0177")
	w.refused(err, "not_found")
}
