package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/ledger"
)

var bookTests = []test{
	{"Booked_FromATimeToAnother", bookedRange},
	{"Booked_EveryEntryOnceByPages", bookedPages},
	{"Booked_EntriesOfOneInstantStayTogether", bookedTies},
}

// booked is an entry of another visit for each n.
func booked(n int, at time.Time) ledger.Entry {
	e := entry("charge", ledger.Charge, at)
	e.Payment = fmt.Sprintf("visit-%d.quote-1", n)
	return e
}

// bookAll reads the entries of a range to its end, size at a time, as "payment entry".
func bookAll(t *testing.T, s bench, from, to time.Time, size int) []string {
	t.Helper()
	var all []string
	after := ""
	for range 500 {
		es, next, err := s.Booked(t.Context(), practiceID, from, to, after, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			all = append(all, e.Payment+" "+e.ID)
		}
		if next == "" {
			return all
		}
		after = next
	}
	t.Fatal("the pages do not end")
	return nil
}

func bookNames(es ...ledger.Entry) []string {
	var all []string
	for _, e := range es {
		all = append(all, e.Payment+" "+e.ID)
	}
	return all
}

// bookedRange proves that a range begins with its first instant and ends before its last, across
// the end of a month and of a year, and has neither payments nor what another practice booked.
func bookedRange(t *testing.T, s bench) {
	newYear := time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC)
	const tick = time.Millisecond
	var es []ledger.Entry
	for n, at := range []time.Time{
		newYear.AddDate(0, -2, 0), newYear.AddDate(0, 0, -1), newYear.Add(-tick), newYear, newYear.Add(tick), newYear.AddDate(0, 1, 0).Add(-tick), newYear.AddDate(0, 1, 0),
	} {
		es = append(es, booked(n, at))
	}
	foreign := booked(0, newYear)
	foreign.Practice, foreign.Payment = "practice-10", "visit-foreign.quote-1"
	commit(t, s, clinic.Commit{Entries: es, Payments: []billing.Payment{payment("a", newYear)}}, clinic.Commit{Entries: []ledger.Entry{foreign}})
	for _, test := range []struct {
		name     string
		from, to time.Time
		want     []ledger.Entry
	}{
		{"the last of two months", newYear.AddDate(0, -2, 0), newYear, es[:3]},
		{"a month", newYear, newYear.AddDate(0, 1, 0), es[3:6]},
		{"within a month, across its beginning", newYear.Add(-tick), newYear.Add(tick), es[2:4]},
		{"a tick", newYear, newYear.Add(tick), es[3:4]},
		{"in another zone", newYear.In(time.FixedZone("", -8*60*60)), newYear.Add(tick), es[3:4]},
		{"all", newYear.AddDate(0, -3, 0), newYear.AddDate(0, 2, 0), es},
		{"before", newYear.AddDate(-1, 0, 0), newYear.AddDate(0, -2, 0), nil},
		{"nothing", newYear, newYear, nil},
		{"an end before its beginning", newYear, newYear.Add(-time.Hour), nil},
	} {
		eventually(t, func() string { return cmp.Diff(bookNames(test.want...), bookAll(t, s, test.from, test.to, 100)) })
	}
	for _, after := range []string{"3", "~", "0", " ", "20270101T000000.000Z~", "2027"} { // of no page
		if _, next, err := s.Booked(t.Context(), practiceID, newYear, newYear.Add(tick), after, 1); err != nil || next != "" {
			t.Errorf("after %q = %q, %v", after, next, err)
		}
	}
	es1, _, err := s.Booked(t.Context(), practiceID, newYear, newYear.Add(tick), "", 1)
	same(t, "an entry as it was booked", es1, err, es[3:4])
}

// bookedPages proves that pages of every size have every entry once, in the order of time.
func bookedPages(t *testing.T, s bench) {
	var es []ledger.Entry
	for n := range 130 { // more than are read at once
		es = append(es, booked(n, noon.Add(time.Duration(n)*17*time.Hour))) // three months
	}
	mixed := slices.Clone(es)
	slices.SortFunc(mixed, func(a, b ledger.Entry) int { return strings.Compare(a.Payment, b.Payment) })
	for part := range slices.Chunk(mixed, 50) {
		commit(t, s, clinic.Commit{Entries: part})
	}
	to := es[len(es)-1].At.Add(time.Second)
	want := bookNames(es...)
	eventually(t, func() string { return cmp.Diff(want, bookAll(t, s, noon, to, 1000)) })
	for _, size := range []int{1, 7, 64, 129, 130, 131} {
		if d := cmp.Diff(want, bookAll(t, s, noon, to, size)); d != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, d)
		}
	}
	for size, wantPages := range map[int]int{65: 2, 130: 1} {
		pages, after := 0, ""
		for pages == 0 || after != "" {
			_, next, err := s.Booked(t.Context(), practiceID, noon, to, after, size)
			if pages++; err != nil || pages > wantPages {
				t.Fatalf("pages of %d: more than %d, %v", size, wantPages, err)
			}
			after = next
		}
	}
}

// bookedTies proves that a page which ends among entries of one instant loses none of them:
// those of one payment, and those of several.
func bookedTies(t *testing.T, s bench) {
	var es []ledger.Entry
	for n := range 12 {
		e := booked(n/3, noon)
		e.ID = fmt.Sprint("charge-", n)
		es = append(es, e)
	}
	before, after := booked(20, noon.Add(-time.Hour)), booked(21, noon.Add(time.Hour))
	commit(t, s, clinic.Commit{Entries: append(slices.Clone(es), before, after)})
	want := slices.Sorted(slices.Values(bookNames(append(es, before, after)...)))
	for _, size := range []int{1, 2, 5, 13, 14} {
		eventually(t, func() string {
			got := bookAll(t, s, before.At, after.At.Add(time.Second), size)
			if len(got) > 0 && (got[0] != bookNames(before)[0] || got[len(got)-1] != bookNames(after)[0]) {
				return fmt.Sprintf("pages of %d are out of order: %q", size, got)
			}
			return cmp.Diff(want, slices.Sorted(slices.Values(got)))
		})
	}
}
