package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/statement"
)

var balanceTests = []test{
	{"BalanceAt_LastBefore", balanceAt},
	{"Closing_Guarded", closingGuarded},
	{"DueClosings_WhoseTimeHasCome", dueClosings},
}

func balanceOf(practice string, before time.Time, cents money.Cents) *statement.Balance {
	return &statement.Balance{Practice: practice, Before: before, Entries: 1, Accounts: map[ledger.Account]money.Cents{ledger.Stripe: cents, ledger.VisitFees: -cents}}
}

// balanceAt proves that the last balance that was kept by an instant is read, of that practice alone,
// and that one is kept once.
func balanceAt(t *testing.T, s bench) {
	first, second := balanceOf(practiceID, noon, 1), balanceOf(practiceID, noon.AddDate(0, 1, 0), 2)
	for _, b := range []*statement.Balance{first, second, balanceOf("practice-2", noon.Add(time.Hour), 3)} {
		commit(t, s, clinic.Commit{Balance: b})
	}
	for at, want := range map[time.Time]*statement.Balance{noon: first, second.Before.Add(-time.Millisecond): first, second.Before: second, noon.AddDate(9, 0, 0): second} {
		got, err := s.BalanceAt(t.Context(), practiceID, at)
		same(t, "BalanceAt "+at.String(), got, err, *want)
	}
	if got, err := s.BalanceAt(t.Context(), practiceID, noon.Add(-time.Millisecond)); !errors.Is(err, fault.NotFound) {
		t.Errorf("before the first there is %+v, %v", got, err)
	}
	if err := s.Commit(t.Context(), logged(clinic.Commit{Balance: balanceOf(practiceID, noon, 9)})); !errors.Is(err, clinic.ErrChanged) {
		t.Errorf("a balance was kept twice: %v", err)
	}
}

// closingGuarded proves that of two who close one month the second is refused.
func closingGuarded(t *testing.T, s bench) {
	c := statement.FirstClosing(practiceID, noon, time.UTC)
	commit(t, s, clinic.Commit{Closing: &clinic.Closing{Closing: c, Due: noon}})
	b := balanceOf(practiceID, c.Ends(time.UTC), 1)
	next := c.Closed(*b)
	next.Version = 2
	closes := clinic.Commit{Closing: &clinic.Closing{Closing: next, Due: noon}, Balance: b}
	commit(t, s, closes)
	got, err := s.Closing(t.Context(), practiceID)
	same(t, "Closing", got, err, next)
	for name, again := range map[string]clinic.Commit{"begun": {Closing: &clinic.Closing{Closing: c, Due: noon}}, "closed": closes} {
		if err := s.Commit(t.Context(), logged(again)); !errors.Is(err, clinic.ErrChanged) {
			t.Errorf("%s twice: %v", name, err)
		}
	}
	if _, err := s.Closing(t.Context(), "practice-2"); !errors.Is(err, fault.NotFound) {
		t.Errorf("another practice has %v", err)
	}
}

func dueClosings(t *testing.T, s bench) {
	for practice, due := range map[string]time.Time{practiceID: noon.Add(time.Minute), "practice-2": noon, "practice-3": noon.Add(time.Hour)} {
		c := clinic.Commit{Closing: &clinic.Closing{Closing: statement.FirstClosing(practice, noon, time.UTC), Due: due}}
		commit(t, s, c)
	}
	eventually(t, func() string {
		var got []string
		for cursor := ""; ; {
			page, next, err := s.DueClosings(t.Context(), noon.Add(2*time.Minute), cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, page...); next == "" {
				return cmp.Diff([]string{"practice-2", practiceID}, got)
			}
			cursor = next
		}
	})
}
