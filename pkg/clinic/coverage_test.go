package clinic_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/vault"
	"evisit/pkg/work"
)

var (
	cascade  = coverage.Payer{ID: "60054", Name: "Cascade Mutual", Filing: "CI", Address: "CASCADE"}
	medicare = coverage.Payer{ID: "MEDOR", Name: "Medicare of Oregon", Filing: "MB"}
)

// insured is a world with two payers.
func insured(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, p := range []coverage.Payer{cascade, medicare} {
		if _, err := w.registrar.RegisterPayer(w.ctx, operator(), p); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func ownCard() coverage.Card {
	return coverage.Card{Payer: cascade.ID, Member: "W1234", Group: "G1", Relation: coverage.Self, Priority: 1}
}

// covers enters a coverage of a patient.
func (w *world) covers(by clinic.Caller, patient string, card coverage.Card) coverage.Held {
	w.Helper()
	h, err := w.registrar.AddCoverage(w.ctx, by, patient, card)
	if err != nil {
		w.Fatalf("coverage of %s: %v", patient, err)
	}
	return h
}

// unchecked lists the coverages that staff are asked to check, by the patient they are of.
func (w *world) unchecked() []string {
	w.Helper()
	all, err := w.tape.Work(w.ctx, "lakeside")
	if err != nil {
		w.Fatalf("work: %v", err)
	}
	var out []string
	for _, i := range all {
		if i.Kind == work.CoverageUnchecked && i.Pool == identity.StaffPool {
			out = append(out, i.ID+" "+i.Patient)
		}
	}
	return out
}

func (w *world) asksToCheck(want ...coverage.Held) {
	w.Helper()
	var ids []string
	for _, h := range want {
		ids = append(ids, work.ID(work.CoverageUnchecked, h.ID)+" "+h.Patient)
	}
	if got := w.unchecked(); !slices.Equal(got, ids) {
		w.Errorf("staff are asked to check %v, want %v", got, ids)
	}
}

func TestPayer_RegisteredCorrectedEnded(t *testing.T) {
	t.Parallel()
	w := insured(t)
	again, err := w.registrar.RegisterPayer(w.ctx, operator(), cascade)
	if err != nil || again.Version != 1 {
		t.Errorf("registered again as %+v: %v", again, err)
	}
	other := cascade
	other.Name = "Another Mutual"
	w.refused(errOf(w.registrar.RegisterPayer(w.ctx, operator(), other)), "payer_exists")
	w.refused(errOf(w.registrar.RegisterPayer(w.ctx, operator(), coverage.Payer{})), "invalid_request")
	w.refused(errOf(w.registrar.RegisterPayer(w.ctx, w.as(ada), cascade)), "not_found")
	w.refused(errOf(w.registrar.Payer(w.ctx, w.as(sam), cascade.ID)), "not_found")
	w.refused(errOf(w.registrar.EndPayer(w.ctx, operator(), "NONE", true)), "not_found")

	changed, err := w.registrar.ChangePayer(w.ctx, operator(), other.ID, other)
	if err != nil || changed.Version != 2 || changed.Name != other.Name {
		t.Fatalf("corrected to %+v: %v", changed, err)
	}
	stale := operator()
	stale.Version = 1
	if _, err := w.registrar.ChangePayer(w.ctx, stale, cascade.ID, cascade); !errors.Is(err, clinic.ErrStale) {
		t.Errorf("corrected on an older version: %v", err)
	}
	ended, err := w.registrar.EndPayer(w.ctx, operator(), cascade.ID, true)
	if err != nil || !ended.Ended.Equal(w.kernels[0].Time()) {
		t.Errorf("ended as %+v: %v", ended, err)
	}
	if again, err := w.registrar.EndPayer(w.ctx, operator(), cascade.ID, true); err != nil || again.Version != ended.Version {
		t.Errorf("ended again as %+v: %v", again, err)
	}
	names := func(all []coverage.Payer, err error) string {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		out := ""
		for _, p := range all {
			out += p.ID + " "
		}
		return out
	}
	if got := names(w.registrar.Payers(w.ctx, w.as(jane))); got != "MEDOR " {
		t.Errorf("a patient may choose of %s", got)
	}
	if got := names(w.registrar.Payers(w.ctx, operator())); got != "60054 MEDOR " {
		t.Errorf("an operator has %s", got)
	}
	if _, err := w.registrar.EndPayer(w.ctx, operator(), cascade.ID, false); err != nil {
		t.Error(err)
	}
	if got := names(w.registrar.Payers(w.ctx, w.as(sam))); got != "60054 MEDOR " {
		t.Errorf("after that, staff may choose of %s", got)
	}
	w.refused(errOf(w.registrar.Payers(w.ctx, signedIn("nobody", ""))), "unknown_person")
}

// What a patient enters is unchecked and one piece of work, which ends when staff have checked
// it, and begins again when the patient changes it.
func TestCoverage_EnteredByThePatientIsChecked(t *testing.T) {
	t.Parallel()
	w := insured(t)
	h := w.covers(w.as(jane), jane, ownCard())
	if h.Payer.Name != cascade.Name || !h.Checked.At.IsZero() || h.By != jane || h.Version != 1 || h.Medicare() != coverage.NotMedicare {
		t.Errorf("entered as %+v", h)
	}
	w.asksToCheck(h)
	changed := ownCard()
	changed.Member = "W9999"
	second, err := w.registrar.ChangeCoverage(w.ctx, w.as(jane), jane, h.ID, changed)
	if err != nil || second.Edition != 1 || second.Version != 2 {
		t.Fatalf("changed to %+v: %v", second, err)
	}
	w.asksToCheck(h)
	w.refused(errOf(w.registrar.CheckCoverage(w.ctx, w.as(jane), jane, h.ID)), "denied")
	seen := w.as(sam)
	seen.Version = h.Version
	if _, err := w.registrar.CheckCoverage(w.ctx, seen, jane, h.ID); !errors.Is(err, clinic.ErrStale) {
		t.Errorf("what was changed since was checked: %v", err)
	}
	seen.Version = second.Version
	checked, err := w.registrar.CheckCoverage(w.ctx, seen, jane, h.ID)
	if err != nil || checked.Checked.By != sam {
		t.Fatalf("checked as %+v: %v", checked.Checked, err)
	}
	w.asksToCheck()
	if again, err := w.registrar.CheckCoverage(w.ctx, w.as(ada), jane, h.ID); err != nil || again.Checked != checked.Checked {
		t.Errorf("checked again by %+v: %v", again.Checked, err)
	}
	if same, err := w.registrar.ChangeCoverage(w.ctx, w.as(jane), jane, h.ID, changed); err != nil || same.Version != checked.Version {
		t.Errorf("the same card again is version %d, want %d: %v", same.Version, checked.Version, err)
	}
	ended, err := w.registrar.EndCoverage(w.ctx, w.as(jane), jane, h.ID, civil.Day{})
	if err != nil || ended.Card.Until.IsZero() || !ended.Checked.At.IsZero() {
		t.Fatalf("ended as %+v: %v", ended.Coverage, err)
	}
	w.asksToCheck(h)
	all, err := w.registrar.Coverages(w.ctx, w.as(sam), jane)
	if err != nil || len(all) != 1 {
		t.Fatalf("staff have %d coverages: %v", len(all), err)
	}
	if diff := cmp.Diff(ended, all[0]); diff != "" {
		t.Errorf("it is stored as (-want +got):\n%s", diff)
	}
}

// What the practice enters or changes is checked by that, and Medicare is told apart.
func TestCoverage_EnteredByStaffIsChecked(t *testing.T) {
	t.Parallel()
	w := insured(t)
	card := coverage.Card{Payer: medicare.ID, Member: "1EG4-TE5-MK73", Relation: coverage.Self, Priority: 1}
	h := w.covers(w.as(sam), rosa, card)
	if h.Checked.By != sam || h.Card.Member != "1EG4TE5MK73" || h.Medicare() != coverage.PartB {
		t.Errorf("entered as %+v", h)
	}
	w.asksToCheck()
	second := w.covers(w.as(elena), rosa, coverage.Card{Plan: "Northwest Health", Member: "77", Relation: coverage.Self, Priority: 2})
	w.asksToCheck(second)
	ended, err := w.registrar.EndCoverage(w.ctx, w.as(ada), rosa, second.ID, civil.Day{})
	if err != nil || ended.Checked.By != ada {
		t.Errorf("ended by the practice, checked by %+v: %v", ended.Checked, err)
	}
	w.asksToCheck()
	trail, err := w.tape.LatestTrail(w.ctx, rosa, "", 10)
	if err != nil || !slices.ContainsFunc(trail, func(r audit.Record) bool {
		return r.Actor.ID == elena && r.Actor.OnBehalf == rosa && r.Action == "patient.change:coverage_added"
	}) {
		t.Errorf("the trail does not have who acted for the patient: %+v, %v", trail, err)
	}
}

func TestCoverage_Refused(t *testing.T) {
	t.Parallel()
	w := insured(t)
	h := w.covers(w.as(jane), jane, ownCard())
	bad, unknown, numbered := ownCard(), ownCard(), ownCard()
	bad.Member, bad.Priority = "", 4
	unknown.Payer = "NONE"
	numbered.Payer = medicare.ID
	if _, err := w.registrar.EndPayer(w.ctx, operator(), medicare.ID, true); err != nil {
		t.Fatal(err)
	}
	if got := wrong(errOf(w.registrar.AddCoverage(w.ctx, w.as(jane), jane, bad))); !slices.Equal(got, []string{"/member_id member_id", "/priority priority"}) {
		t.Errorf("wrong are %v", got)
	}
	if got := wrong(errOf(w.registrar.AddCoverage(w.ctx, w.as(jane), jane, unknown))); !slices.Equal(got, []string{"/payer unknown"}) {
		t.Errorf("wrong are %v", got)
	}
	if got := wrong(errOf(w.registrar.ChangeCoverage(w.ctx, w.as(jane), jane, h.ID, numbered))); !slices.Equal(got, []string{"/payer ended", "/member_id mbi"}) {
		t.Errorf("wrong are %v", got)
	}
	early := civil.Of(w.now(), time.UTC).AddDays(-400)
	dated := ownCard()
	dated.From = early.AddDays(1)
	if _, err := w.registrar.ChangeCoverage(w.ctx, w.as(jane), jane, h.ID, dated); err != nil {
		t.Fatal(err)
	}
	if got := wrong(errOf(w.registrar.EndCoverage(w.ctx, w.as(jane), jane, h.ID, early))); !slices.Equal(got, []string{"/last range"}) {
		t.Errorf("wrong are %v", got)
	}
	stale := w.as(jane)
	stale.Version = 1
	for want, err := range map[string]error{
		"coverage_priority": errOf(w.registrar.AddCoverage(w.ctx, w.as(jane), jane, ownCard())),
		"stale":             errOf(w.registrar.ChangeCoverage(w.ctx, stale, jane, h.ID, ownCard())),
	} {
		w.refused(err, want)
	}
	for _, err := range []error{
		errOf(w.registrar.AddCoverage(w.ctx, w.as(tom), jane, ownCard())),
		errOf(w.registrar.AddCoverage(w.ctx, w.as(ana), jane, ownCard())),
		errOf(w.registrar.Coverages(w.ctx, w.as(tom), jane)),
		errOf(w.registrar.Coverage(w.ctx, w.as(jane), jane, "none")),
		errOf(w.registrar.ChangeCoverage(w.ctx, w.as(jane), jane, "none", ownCard())),
		errOf(w.registrar.ChangeCoverage(w.ctx, w.as(tom), tom, h.ID, ownCard())),
		errOf(w.registrar.EndCoverage(w.ctx, w.as(hana), jane, h.ID, civil.Day{})),
		errOf(w.registrar.CheckCoverage(w.ctx, w.as(tom), jane, h.ID)),
	} {
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("want nothing there, got %v", err)
		}
	}
	all, err := w.registrar.Coverages(w.ctx, w.as(jane), jane)
	if err != nil || len(all) != 1 || all[0].Version != 2 {
		t.Errorf("what was refused left %+v: %v", all, err)
	}
}

func TestCoverage_MergedRecordIsLeft(t *testing.T) {
	t.Parallel()
	w := insured(t)
	kim := newcomer("Kim Doe")
	who := signedIn("kim", kim.Email.Reveal())
	double, err := w.registrar.Join(w.ctx, who, "lakeside", kim)
	if err != nil {
		t.Fatal(err)
	}
	h := w.covers(who, double.ID, ownCard())
	known, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), kim)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.registrar.Merge(w.ctx, w.as(sam), double.ID, known.ID); err != nil {
		t.Fatal(err)
	}
	w.refused(errOf(w.registrar.AddCoverage(w.ctx, w.as(sam), double.ID, ownCard())), "merged")
	w.refused(errOf(w.registrar.EndCoverage(w.ctx, who, double.ID, h.ID, civil.Day{})), "merged")
	w.refused(errOf(w.registrar.CheckCoverage(w.ctx, w.as(sam), double.ID, h.ID)), "merged")
	if all, err := w.registrar.Coverages(w.ctx, w.as(sam), double.ID); err != nil || len(all) != 1 {
		t.Errorf("the double's coverages are read as %d: %v", len(all), err)
	}
}

// A request sent again under its key is one coverage, and of two sent at once with the same
// turn, one wins.
func TestCoverage_OnceAndAtOnce(t *testing.T) {
	t.Parallel()
	w := insured(t)
	first := w.covers(w.once(jane, "k", "card"), jane, ownCard())
	if again := w.covers(w.once(jane, "k", "card"), jane, ownCard()); again.ID != first.ID {
		t.Errorf("the same request again is %s, want %s", again.ID, first.ID)
	}
	add := func(by string) func() error {
		c := w.as(by)
		return func() error { return errOf(w.registrar.AddCoverage(w.ctx, c, tom, ownCard())) }
	}
	w.oneWins(atOnce(add(tom), add(sam), add(ada)))
	if all, err := w.registrar.Coverages(w.ctx, w.as(tom), tom); err != nil || len(all) != 1 {
		t.Errorf("there are %d: %v", len(all), err)
	}
}

// A coverage that was removed, or moved to another patient, is not what was committed.
func TestCoverage_RemovedOrMoved(t *testing.T) {
	t.Parallel()
	w := insured(t)
	h := w.covers(w.as(jane), jane, ownCard())
	other := w.covers(w.as(tom), tom, ownCard())
	at := place{"PATIENT#" + jane, "COVERAGE#" + h.ID}
	row := maps.Clone(w.row(place{"PATIENT#" + tom, "COVERAGE#" + other.ID}))
	maps.Copy(row, at.key())
	w.putRow(row)
	if _, err := w.registrar.Coverages(w.ctx, w.as(jane), jane); !errors.Is(err, vault.ErrBroken) {
		t.Errorf("another patient's card was read: %v", err)
	}
	w.deleteRow(at)
	if _, err := w.registrar.Coverages(w.ctx, w.as(jane), jane); !errors.Is(err, vault.ErrBroken) {
		t.Errorf("a removed coverage is missed by nobody: %v", err)
	}
}

// wrong lists where an error says that something is wrong, with the codes.
func wrong(err error) []string {
	f, _ := fault.Public(err)
	if f == nil {
		return nil
	}
	var all []string
	for _, p := range f.Problems {
		all = append(all, p.Where+" "+p.Code)
	}
	return all
}
