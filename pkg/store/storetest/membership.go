package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
)

var membershipTests = []test{
	{"Memberships_OfWhoPays", membershipsOfPayer},
	{"DueMemberships_WhoseTimeHasCome", dueMemberships},
	{"Paid_ByOnePatient", bills},
	{"Included_VisitsOfAYear", includedVisits},
}

func membershipOne() membership.Membership {
	return membership.Membership{ID: membership.IDOf(patientID, 1), Practice: practiceID, Payer: patientID, State: membership.Pending, Made: noon, Version: 1}
}

// membershipsOfPayer proves that a patient's are listed, the first one first, that one of the same id
// is refused, and that the second of two changes is.
func membershipsOfPayer(t *testing.T, s bench) {
	first, second, another := membershipOne(), membershipOne(), membershipOne()
	second.ID, second.Made = membership.IDOf(patientID, 10), noon.Add(time.Hour)
	another.ID, another.Payer = membership.IDOf("patient-2", 1), "patient-2"
	for _, m := range []membership.Membership{second, first, another} {
		commit(t, s, clinic.Commit{Memberships: []clinic.Membership{{Membership: m}}})
	}
	got, err := s.Memberships(t.Context(), patientID)
	same(t, "Memberships", got, err, []membership.Membership{first, second})
	if err := s.Commit(t.Context(), logged(clinic.Commit{Memberships: []clinic.Membership{{Membership: first}}})); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("made twice: %v", err)
	}
	first.State, first.Version = membership.Active, 2
	commit(t, s, clinic.Commit{Memberships: []clinic.Membership{{Membership: first}}})
	if err := s.Commit(t.Context(), logged(clinic.Commit{Memberships: []clinic.Membership{{Membership: first}}})); !errors.Is(err, clinic.ErrChanged) {
		t.Errorf("changed twice: %v", err)
	}
	one, err := s.Membership(t.Context(), first.ID)
	same(t, "Membership", one, err, first)
	if _, err := s.Membership(t.Context(), membership.IDOf(patientID, 2)); !errors.Is(err, fault.NotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

// dueMemberships proves that those are listed whose time has come, the longest due first, by pages, and
// none that are due no more.
func dueMemberships(t *testing.T, s bench) {
	var ids []string
	for n, due := range []time.Time{noon.Add(time.Minute), noon, noon.Add(time.Hour), {}} {
		m := membershipOne()
		m.ID = membership.IDOf(patientID, n+1)
		ids = append(ids, m.ID)
		commit(t, s, clinic.Commit{Memberships: []clinic.Membership{{Membership: m, Due: due}}})
	}
	eventually(t, func() string {
		var got []string
		for cursor := ""; ; {
			page, next, err := s.DueMemberships(t.Context(), noon.Add(2*time.Minute), cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, page...); next == "" {
				break
			}
			cursor = next
		}
		return cmp.Diff([]string{ids[1], ids[0]}, got)
	})
}

// includedVisits proves that the visits that were used are read with the memberships, by year, and that
// of two who use a visit on what they read, the second is refused, also where the first made the row.
func includedVisits(t *testing.T, s bench) {
	m := membershipOne()
	commit(t, s, clinic.Commit{Memberships: []clinic.Membership{{Membership: m}}})
	terms := membership.Terms{Visits: 2}
	none := membership.Count{Membership: m.ID, Year: noon}
	use := func(c membership.Count, visit string) (membership.Count, clinic.Commit) {
		next, err := c.Use(visit, patientID, terms, noon)
		if err != nil {
			t.Fatal(err)
		}
		return next, logged(clinic.Commit{Counts: []clinic.Count{{Count: next, Practice: practiceID}}})
	}
	one, first := use(none, "visit-1")
	commit(t, s, first)
	two, second := use(one, "visit-2")
	commit(t, s, second)
	_, late := use(none, "visit-3")
	_, later := use(one, "visit-3")
	for name, c := range map[string]clinic.Commit{"as the first": late, "as the second": later} {
		if err := s.Commit(t.Context(), c); !errors.Is(err, clinic.ErrChanged) {
			t.Errorf("used %s: %v", name, err)
		}
	}
	next, _ := use(membership.Count{Membership: m.ID, Year: noon.AddDate(1, 0, 0)}, "visit-4")
	commit(t, s, clinic.Commit{Counts: []clinic.Count{{Count: next, Practice: practiceID}}})
	ms, counts, err := s.Included(t.Context(), patientID)
	same(t, "Included", ms, err, []membership.Membership{m})
	same(t, "Included", counts, err, []membership.Count{two, next})
	if all, err := s.Memberships(t.Context(), patientID); err != nil || len(all) != 1 {
		t.Errorf("the years are among the memberships: %+v %v", all, err)
	}
}

// bills proves that a patient's are listed, the newest first, with what was entered of them, and
// read by their invoices.
func bills(t *testing.T, s bench) {
	id := membership.IDOf(patientID, 1)
	first := membership.Bill{Membership: id, Practice: practiceID, Invoice: "in_2", Year: membership.Year{Start: noon, End: noon.AddDate(1, 0, 0)}, Amount: 350_00, Version: 1}
	second := first
	second.Invoice, second.Year = "in_1", membership.Year{Start: first.End, End: first.End.AddDate(1, 0, 0)}
	another := first
	another.Membership, another.Year = membership.IDOf(patientID, 10), membership.Year{Start: second.End, End: second.End.AddDate(1, 0, 0)}
	foreign := first
	foreign.Membership = membership.IDOf(patientID+"-2", 1)
	paid, err := ledger.FeePaid(id, practiceID, "in_2", 0, 350_00, 10_45, noon)
	earned, err2 := ledger.FeeEarned(id, practiceID, "in_2", 350_00, first.End)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	commit(t, s, clinic.Commit{Bills: []membership.Bill{first, second, another, foreign}, Entries: []ledger.Entry{earned, paid}})
	all, entries, err := s.Paid(t.Context(), patientID)
	same(t, "Paid", all, err, []membership.Bill{another, second, first})
	same(t, "Paid", entries, err, []ledger.Entry{paid, earned})
	some, err := s.Bills(t.Context(), id, []string{"in_2", "in_9"})
	same(t, "Bills", some, err, []membership.Bill{first})
	none, err := s.Bills(t.Context(), id, nil)
	same(t, "Bills", none, err, []membership.Bill(nil))
}
