package store_test

import (
	"slices"
	"testing"
	"time"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/clinic"
	"evisit/pkg/ledger"
	"evisit/pkg/reconcile"
	"evisit/pkg/store"
)

// BookedSubjects lists what the entries of a window are about, of the practice alone, across months and each
// once; an entry of the window's end is not in it.
func TestBookedSubjects_EntriesOfAWindow(t *testing.T) {
	t.Parallel()
	db, table := newTable(t, enginetest.Config(t))
	s := store.New(db, table)
	eve := time.Date(2026, time.March, 31, 23, 59, 59, 0, time.UTC)
	book := func(practice, payment, kind string, at time.Time) {
		e, err := ledger.Charged(payment, practice, 40_00, 0, at)
		e.ID = kind
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range recorded(practice, clinic.Commit{Entries: []ledger.Entry{e}}) {
			c.Audit[0].ID, c.Audit[0].At = id(payment+kind), at
			if err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	book(practiceID, "v1.p1", "charge", eve.Add(-time.Hour))
	book(practiceID, "v1.p1", "refund", eve.Add(time.Minute))
	book(practiceID, "v2.p1", "charge", eve.Add(time.Minute))
	book(practiceID, "v3.p1", "charge", eve.Add(-2*time.Hour))
	book(practiceID, "v4.p1", "charge", eve.Add(2*time.Minute))
	book("another", "v5.p1", "charge", eve)
	got, err := s.BookedSubjects(t.Context(), practiceID, reconcile.Window{From: eve.Add(-time.Hour), Through: eve.Add(2 * time.Minute)})
	if want := []string{"v1.p1", "v2.p1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("booked: %v, %v; want %v", got, err, want)
	}
	entries, err := s.Entries(t.Context(), "v1.p1")
	if err != nil || len(entries) != 2 || entries[0].ID != "charge" || entries[1].ID != "refund" {
		t.Errorf("entries: %+v, %v", entries, err)
	}
}
