package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/visit"
)

var listingTests = []test{
	{"Queue_OpenVisitsAsQueuedByPages", queueOrder},
	{"Queue_WithoutLimitIsWhole", unlimited},
	{"Queue_HoldsOnlyOpenVisits", queueIsSparse},
	{"Queue_PagesWhileVisitsComeAndGo", queueMoves},
	{"Mine_NewestFirstByPages", mineOrder},
	{"Money_PaymentsAsOpened", moneyOrder},
}

// lists waits until a listing has just these visits.
func lists(t *testing.T, want []string, list func(ctx context.Context) ([]visit.Visit, string, error)) {
	t.Helper()
	eventually(t, func() string {
		vs, _, err := list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return cmp.Diff(want, ids(vs))
	})
}

func ids(vs []visit.Visit) []string {
	var out []string
	for _, v := range vs {
		out = append(out, v.ID)
	}
	return out
}

func clinical(s bench) func(context.Context) ([]visit.Visit, string, error) {
	return func(ctx context.Context) ([]visit.Visit, string, error) {
		return s.Queue(ctx, practiceID, identity.ClinicalPool, "", 100)
	}
}

// pages reads a listing to its end, size at a time.
func pages(t *testing.T, size int, list func(cursor string) ([]visit.Visit, string, error)) []string {
	t.Helper()
	var all []string
	cursor := ""
	for range 50 {
		vs, next, err := list(cursor)
		if err != nil {
			t.Fatal(err)
		}
		if len(vs) > size {
			t.Fatalf("a page of %d has %d visits", size, len(vs))
		}
		all = append(all, ids(vs)...)
		if next == "" {
			return all
		}
		cursor = next
	}
	t.Fatal("the pages do not end")
	return nil
}

func queueOrder(t *testing.T, s bench) {
	var want []string
	for n, hours := range []int{5, 1, 7, 2, 6, 3, 4} {
		v := queued(fmt.Sprint(hours, "-visit"), noon.Add(time.Duration(hours)*time.Hour))
		v.Status = []visit.Status{visit.Queued, visit.InReview, visit.AwaitingPatient}[n%3]
		if v.Status == visit.AwaitingPatient {
			v.Promise.Paused = noon
		}
		commit(t, s, clinic.Commit{Visit: &v})
		want = append(want, v.ID)
	}
	slices.Sort(want)
	staff := queued("visit-staff", noon)
	staff.Pool = identity.StaffPool
	other := queued("visit-other", noon)
	other.Practice = "practice-2"
	commit(t, s, clinic.Commit{Visit: &staff}, clinic.Commit{Visit: &other})

	lists(t, want, clinical(s))
	lists(t, []string{"visit-staff"}, func(ctx context.Context) ([]visit.Visit, string, error) {
		return s.Queue(ctx, practiceID, identity.StaffPool, "", 100)
	})
	for _, size := range []int{1, 2, 3, 7, 8} {
		got := pages(t, size, func(cursor string) ([]visit.Visit, string, error) {
			return s.Queue(t.Context(), practiceID, identity.ClinicalPool, cursor, size)
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
}

func unlimited(t *testing.T, s bench) {
	all := func(ctx context.Context) ([]visit.Visit, string, error) {
		vs, next, err := s.Queue(ctx, practiceID, identity.ClinicalPool, "", 0)
		if next != "" {
			t.Errorf("a whole listing goes on from %q", next)
		}
		return vs, next, err
	}
	lists(t, nil, all)
	var want []string
	for n := range 3 {
		v := queued(fmt.Sprint("visit-", n), noon.Add(time.Duration(n)*time.Hour))
		commit(t, s, clinic.Commit{Visit: &v})
		want = append(want, v.ID)
	}
	lists(t, want, all)
}

func queueIsSparse(t *testing.T, s bench) {
	v := draft("visit-1")
	commit(t, s, clinic.Commit{Visit: &v})
	lists(t, nil, clinical(s))
	open := queued("visit-1", noon.Add(time.Hour))
	open.Version = 2
	waits := queued("visit-2", noon.Add(2*time.Hour))
	commit(t, s, clinic.Commit{Visit: &open}, clinic.Commit{Visit: &waits})
	lists(t, []string{"visit-1", "visit-2"}, clinical(s))
	later := open
	later.Version, later.Promise.By = 3, noon.Add(3*time.Hour)
	commit(t, s, clinic.Commit{Visit: &later})
	lists(t, []string{"visit-1", "visit-2"}, clinical(s))
	closed := over(later, visit.Closed)
	commit(t, s, clinic.Commit{Visit: &closed})
	lists(t, []string{"visit-2"}, clinical(s))
}

func queueMoves(t *testing.T, s bench) {
	vs := make([]visit.Visit, 6)
	var all []string
	for n := range vs {
		vs[n] = queued(fmt.Sprintf("visit-%d0", n), noon.Add(time.Duration(n)*time.Hour))
		commit(t, s, clinic.Commit{Visit: &vs[n]})
		all = append(all, vs[n].ID)
	}
	lists(t, all, clinical(s))
	first, cursor, err := s.Queue(t.Context(), practiceID, identity.ClinicalPool, "", 2)
	if err != nil || !cmp.Equal(ids(first), all[:2]) || cursor == "" {
		t.Fatalf("first page = %v, %q, %v", ids(first), cursor, err)
	}
	// The cursor's own visit ends, so does one ahead; one comes before the
	// cursor and one after it.
	for _, n := range []int{1, 3} {
		vs[n] = over(vs[n], visit.Expired)
		commit(t, s, clinic.Commit{Visit: &vs[n]})
	}
	before, after := queued("visit-05", noon.Add(30*time.Minute)), queued("visit-25", noon.Add(150*time.Minute))
	commit(t, s, clinic.Commit{Visit: &before}, clinic.Commit{Visit: &after})
	lists(t, []string{"visit-00", "visit-05", "visit-20", "visit-25", "visit-40", "visit-50"}, clinical(s))

	rest := pages(t, 2, func(c string) ([]visit.Visit, string, error) {
		if c == "" {
			c = cursor
		}
		return s.Queue(t.Context(), practiceID, identity.ClinicalPool, c, 2)
	})
	if diff := cmp.Diff([]string{"visit-20", "visit-25", "visit-40", "visit-50"}, rest); diff != "" {
		t.Errorf("pages after the first (-want +got):\n%s", diff)
	}
}

func mineOrder(t *testing.T, s bench) {
	var want []string
	for n, status := range []visit.Status{visit.Closed, visit.Diverted, visit.Draft, visit.Queued, visit.Answered} {
		v := queued(fmt.Sprint("visit-", n), noon)
		v.Status, v.Times.Started, v.Times.Answered = status, noon.Add(time.Duration(n)*time.Minute), noon
		commit(t, s, clinic.Commit{Visit: &v})
		want = append([]string{v.ID}, want...)
	}
	other := draft("visit-other")
	other.Patient = "patient-2"
	commit(t, s, clinic.Commit{Visit: &other})
	lists(t, want, func(ctx context.Context) ([]visit.Visit, string, error) {
		return s.VisitsOfPatient(ctx, patientID, "", 100)
	})
	for _, size := range []int{1, 2, 5, 6} {
		got := pages(t, size, func(cursor string) ([]visit.Visit, string, error) {
			return s.VisitsOfPatient(t.Context(), patientID, cursor, size)
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
}

// moneyOrder proves that a visit's payments come in the order they were opened,
// whatever their ids, and without those of a visit whose id begins alike.
func moneyOrder(t *testing.T, s bench) {
	want := []billing.Payment{payment("z", noon), payment("a", noon.Add(time.Hour)), payment("m", noon.Add(2*time.Hour))}
	other := payment("a", noon)
	other.ID, other.Visit = "visit-10.a", "visit-10"
	entries := []ledger.Entry{entry("release", ledger.Release, noon.Add(time.Hour)), entry("hold", ledger.Hold, noon)}
	entries[0].Payment, entries[1].Payment = "visit-1.z", "visit-1.z"
	commit(t, s, clinic.Commit{Payments: []billing.Payment{want[2], want[0], want[1], other}, Entries: entries})
	ps, es, err := s.Money(t.Context(), "visit-1")
	same(t, "payments", ps, err, want)
	same(t, "entries", es, err, []ledger.Entry{entries[1], entries[0]})
}
