package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/practice"
	"evisit/pkg/work"
)

var practiceTests = []test{
	{"Practice_DecisionsAreNeverOverwritten", decisions},
	{"Practice_OfItsCoreAlone", coreAlone},
	{"PracticeOf_OneOwnerOfAnAccount", accounts},
	{"Form_OfItsPractice", forms},
	{"Work_OpenItemsByDueTime", workList},
}

// register is the commit that registers a practice.
func register(p practice.Practice) clinic.Commit {
	return clinic.Commit{Practice: &p, Config: true, Consent: true, Account: true}
}

// decisions changes what a practice decided: a version is new or refused, and
// the core names the one that holds.
func decisions(t *testing.T, s bench) {
	first := practiceOne()
	commit(t, s, register(first))
	next := practiceOne()
	next.Version, next.Prices = 2, billing.PriceList{"uti": 4500}
	next.Consent.Text = "You agree to more."
	for name, c := range map[string]clinic.Commit{
		"a configuration that is there": {Practice: &next, Config: true},
		"a consent that is there":       {Practice: &next, Consent: true},
		"its own account again":         {Practice: &next, Account: true},
	} {
		if err := s.Commit(t.Context(), logged(c)); !errors.Is(err, clinic.ErrExists) {
			t.Errorf("%s: Commit = %v, want %v", name, err, clinic.ErrExists)
		}
	}
	got, err := s.Practice(t.Context(), practiceID)
	same(t, "Practice after refusals", got, err, first)

	next.Configured, next.Consent.Version, next.Consenting = 2, "2026-02", "2026-02"
	commit(t, s, clinic.Commit{Practice: &next, Config: true, Consent: true})
	got, err = s.Practice(t.Context(), practiceID)
	same(t, "Practice after a change", got, err, next)

	back := next
	back.Version, back.Configured, back.Config = 3, 1, first.Config
	back.Consenting, back.Consent = "2026-01", first.Consent
	commit(t, s, clinic.Commit{Practice: &back})
	got, err = s.Practice(t.Context(), practiceID)
	same(t, "Practice with its first decisions again", got, err, back)
}

// coreAlone commits a core whose parts are not there: that is an error, never a
// practice without prices.
func coreAlone(t *testing.T, s bench) {
	p := practiceOne()
	commit(t, s, clinic.Commit{Practice: &p, Consent: true})
	if got, err := s.Practice(t.Context(), practiceID); err == nil || errors.Is(err, fault.NotFound) {
		t.Errorf("Practice = %+v, %v; want an error of ours", got, err)
	}
}

func accounts(t *testing.T, s bench) {
	commit(t, s, register(practiceOne()))
	other := practiceOne()
	other.ID = "practice-2"
	if err := s.Commit(t.Context(), logged(register(other))); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("a practice with another's account: Commit = %v, want %v", err, clinic.ErrExists)
	}
	if _, err := s.Practice(t.Context(), other.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("the refused practice: %v, want not found", err)
	}
	other.Account = "acct_2"
	commit(t, s, register(other))
	for account, want := range map[string]string{"acct_1": practiceID, "acct_2": other.ID} {
		got, err := s.PracticeOf(t.Context(), account)
		same(t, account, got, err, want)
	}
}

func forms(t *testing.T, s bench) {
	form := func(practice, version, json string) clinic.Form {
		return clinic.Form{Practice: practice, Name: "uti", Version: version, JSON: []byte(json)}
	}
	all := []clinic.Form{form("practice-1", "1", `{"a":1}`), form("practice-1", "2", `{"a":2}`), form("practice-2", "1", `{"b":1}`)}
	for _, f := range all {
		commit(t, s, clinic.Commit{Forms: []clinic.Form{f}})
		if err := s.Commit(t.Context(), logged(clinic.Commit{Forms: []clinic.Form{form(f.Practice, f.Version, "{}")}})); !errors.Is(err, clinic.ErrExists) {
			t.Errorf("form %s of %s again: Commit = %v, want %v", f.Version, f.Practice, err, clinic.ErrExists)
		}
	}
	for _, f := range all {
		got, err := s.Form(t.Context(), f.Practice, f.Name, f.Version)
		same(t, f.Practice+" "+f.Version, string(got), err, string(f.JSON))
	}
}

// workList proves that what is listed is open, of one practice, and due first
// first; an ended item is still read by its id.
func workList(t *testing.T, s bench) {
	late, soon, other := workItem("late"), workItem("soon"), workItem("other")
	late.Due, other.Practice = soon.Due.AddDate(0, 0, 1), "practice-2"
	commit(t, s, clinic.Commit{Work: []work.Item{late, soon, other}})
	listed := func(want ...work.Item) {
		t.Helper()
		eventually(t, func() string {
			got, err := s.Work(t.Context(), practiceID)
			if err != nil {
				t.Fatal(err)
			}
			return cmp.Diff(want, got)
		})
	}
	listed(soon, late)
	ended := soon.End("person-2", noon.AddDate(0, 0, 2))
	commit(t, s, clinic.Commit{Work: []work.Item{ended}})
	listed(late)
	got, err := s.WorkItem(t.Context(), practiceID, soon.ID)
	same(t, "WorkItem", got, err, ended)
	if _, err := s.WorkItem(t.Context(), practiceID, other.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("another practice's item = %v, want not found", err)
	}
}
