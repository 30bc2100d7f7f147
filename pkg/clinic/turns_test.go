package clinic_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/work"
)

// turnsOf is the turn of each coverage of a patient, by its member number.
func (w *world) turnsOf(patient string) []string {
	w.Helper()
	all, err := w.registrar.Coverages(w.ctx, w.as(sam), patient)
	if err != nil {
		w.Fatalf("coverages of %s: %v", patient, err)
	}
	var out []string
	for _, h := range all {
		checked := ""
		if h.Checked.At.IsZero() {
			checked = " unchecked"
		}
		out = append(out, fmt.Sprint(h.Card.Member.Reveal(), " ", h.Card.Priority, checked))
	}
	slices.Sort(out)
	return out
}

// Two coverages of a patient change places in one commit, and staff are asked to check both.
func TestCoverage_Ordered(t *testing.T) {
	t.Parallel()
	w := insured(t)
	second := ownCard()
	second.Member, second.Priority = "W2", 2
	a, b := w.covers(w.as(sam), jane, ownCard()), w.covers(w.as(sam), jane, second)
	swap := []coverage.Turn{{Coverage: a.ID, Priority: 2, Version: a.Version}, {Coverage: b.ID, Priority: 1, Version: b.Version}}
	for want, turns := range map[string][]coverage.Turn{
		"coverage_priority": swap[:1],
		"stale":             {{Coverage: a.ID, Priority: 2, Version: 7}, swap[1]},
		"invalid_request":   {{Coverage: "none", Priority: 2}},
	} {
		w.refused(errOf(w.registrar.OrderCoverages(w.ctx, w.as(jane), jane, turns)), want)
	}
	w.refused(errOf(w.registrar.OrderCoverages(w.ctx, w.as(tom), jane, swap)), "not_found")
	w.asksToCheck()
	all, err := w.registrar.OrderCoverages(w.ctx, w.as(jane), jane, swap)
	if err != nil || len(all) != 2 || all[0].Payer.Name != cascade.Name {
		t.Fatalf("ordered as %+v: %v", all, err)
	}
	if got, want := w.turnsOf(jane), []string{"W1234 2 unchecked", "W2 1 unchecked"}; !slices.Equal(got, want) {
		t.Errorf("stored are %v, want %v", got, want)
	}
	if n := len(w.unchecked()); n != 2 {
		t.Errorf("staff are asked to check %d", n)
	}
	again, err := w.registrar.OrderCoverages(w.ctx, w.as(jane), jane, swap) // the versions are old, and nothing is to be done
	if err != nil || again[0].Version != all[0].Version {
		t.Errorf("ordered again as %+v: %v", again, err)
	}
	if _, err := w.registrar.OrderCoverages(w.ctx, w.as(sam), jane, []coverage.Turn{{Coverage: a.ID, Priority: 1}, {Coverage: b.ID, Priority: 2}}); err != nil {
		t.Fatal(err)
	}
	if got, want := w.turnsOf(jane), []string{"W1234 1", "W2 2"}; !slices.Equal(got, want) {
		t.Errorf("ordered by staff are %v, want %v", got, want)
	}
	w.asksToCheck()
}

// twice is somebody with two records, of which the first is theirs and has these cards, and the
// second has those.
func (w *world) twice(cards, others []coverage.Card) (who clinic.Caller, double, known string) {
	w.Helper()
	kim := newcomer("Kim Doe")
	who = signedIn("kim", kim.Email.Reveal())
	p, err := w.registrar.Join(w.ctx, who, "lakeside", kim)
	if err != nil {
		w.Fatalf("joins: %v", err)
	}
	into, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), kim)
	if err != nil {
		w.Fatalf("registers: %v", err)
	}
	for _, c := range cards {
		w.covers(who, p.ID, c)
	}
	for _, c := range others {
		w.covers(w.as(sam), into.ID, c)
	}
	return who, p.ID, into.ID
}

func cardOf(member string, turn int) coverage.Card {
	c := ownCard()
	c.Member, c.Priority = phi.Text(member), turn
	return c
}

// A merge takes over the coverages that the other record has not. They are sealed for it, what was
// to be checked is to be checked there, and the trail says so.
func TestMerge_TakesOverCoverages(t *testing.T) {
	t.Parallel()
	w := insured(t)
	who, double, known := w.twice([]coverage.Card{cardOf("SAME", 1), cardOf("ONLY", 2)}, []coverage.Card{cardOf("SAME", 2), cardOf("OTHER", 1)})
	if _, err := w.registrar.Merge(w.ctx, w.as(sam), double, known); err != nil {
		t.Fatal(err)
	}
	all, err := w.registrar.Coverages(w.ctx, who, known)
	if err != nil || len(all) != 3 {
		t.Fatalf("who was merged has %d coverages: %v", len(all), err)
	}
	got := w.turnsOf(known)
	if want := []string{"ONLY 3 unchecked", "OTHER 1", "SAME 2"}; !slices.Equal(got, want) {
		t.Errorf("taken over are %v, want %v", got, want)
	}
	at := slices.IndexFunc(all, func(h coverage.Held) bool { return h.Card.Member == "ONLY" })
	w.asksToCheck(all[at])
	if left := w.turnsOf(double); len(left) != 2 {
		t.Errorf("the double is left %v", left)
	}
	trail, err := w.tape.LatestTrail(w.ctx, known, "", 10)
	said := 0
	for _, r := range trail {
		if r.Action == "patient.manage:coverages_taken_over" && r.Actor.ID == sam {
			said++
		}
	}
	if said != 1 || err != nil {
		t.Errorf("the trail says %d times that coverages were taken over: %v", said, err)
	}
	if _, err := w.registrar.Merge(w.ctx, w.as(sam), double, known); err != nil {
		t.Errorf("merged again: %v", err)
	}
	if again := w.turnsOf(known); len(again) != 3 {
		t.Errorf("merged again they are %v", again)
	}
	if _, err := w.registrar.EndCoverage(w.ctx, who, known, all[at].ID, all[at].Card.Until); err != nil {
		t.Errorf("what was taken over cannot be ended: %v", err)
	}
}

// Records whose coverages do not fit together stay two.
func TestMerge_CoveragesThatDoNotFit(t *testing.T) {
	t.Parallel()
	w := insured(t)
	_, double, known := w.twice([]coverage.Card{cardOf("A1", 1), cardOf("A2", 2)}, []coverage.Card{cardOf("B1", 1), cardOf("B2", 2)})
	before := w.stored("")
	w.refused(errOf(w.registrar.Merge(w.ctx, w.as(sam), double, known)), "coverage_priority")
	if after := w.stored(""); after != before {
		t.Errorf("%d rows were written", after-before)
	}
	if p, err := w.registrar.Patient(w.ctx, w.as(sam), double); err != nil || p.Into != "" || p.Standing.State != identity.Active {
		t.Errorf("the double is %+v: %v", p, err)
	}
}

// A cutStore is killed at the commit of a merge: before it is made, or before its answer.
type cutStore struct {
	clinic.Store

	left int  // merges that are cut
	made bool // the commit is made, and its answer lost
}

func (s *cutStore) Commit(ctx context.Context, c clinic.Commit) error {
	if len(c.Patients) < 2 {
		return s.Store.Commit(ctx, c)
	}
	if s.left--; s.left < 0 {
		return s.Store.Commit(ctx, c)
	}
	if s.made {
		if err := s.Store.Commit(ctx, c); err != nil {
			return err
		}
	}
	return errDied
}

// A merge that is killed has moved everything or nothing, and asked for again is done once.
func TestMerge_KilledHalfWay(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]bool{"before its commit": false, "before its answer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := insured(t)
			_, double, known := w.twice([]coverage.Card{cardOf("ONLY", 1)}, nil)
			k := w.registrar.Kernel
			k.Store = &cutStore{k.Store, 1, made}
			if _, err := w.registrar.Merge(w.ctx, w.as(sam), double, known); !errors.Is(err, errDied) {
				t.Fatalf("killed: %v", err)
			}
			p, err := w.registrar.Patient(w.ctx, w.as(sam), double)
			if err != nil || (p.Into == known) != made || (len(w.turnsOf(known)) == 1) != made {
				t.Errorf("killed, the double is %+v and the other has %v: %v", p, w.turnsOf(known), err)
			}
			if _, err := w.registrar.Merge(w.ctx, w.as(sam), double, known); err != nil {
				t.Fatal(err)
			}
			if got, want := w.turnsOf(known), []string{"ONLY 1 unchecked"}; !slices.Equal(got, want) {
				t.Errorf("in the end there are %v, want %v", got, want)
			}
			open := 0
			items, err := w.tape.Work(w.ctx, "lakeside")
			for _, i := range items {
				if i.Kind == work.CoverageUnchecked {
					open++
				}
			}
			if open != 1 || err != nil {
				t.Errorf("%d coverages are to be checked: %v", open, err)
			}
		})
	}
}
