package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
)

var membershipTests = []test{
	{"Memberships_OfWhoPays", membershipsOfPayer},
	{"DueMemberships_WhoseTimeHasCome", dueMemberships},
	{"Bills_OfOneMembership", bills},
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

// bills proves that a membership's are listed, the newest first, and read by their invoices.
func bills(t *testing.T, s bench) {
	id := membership.IDOf(patientID, 1)
	first := membership.Bill{Membership: id, Practice: practiceID, Invoice: "in_2", Year: membership.Year{Start: noon, End: noon.AddDate(1, 0, 0)}, Amount: 350_00, Version: 1}
	second := first
	second.Invoice, second.Year = "in_1", membership.Year{Start: first.End, End: first.End.AddDate(1, 0, 0)}
	another := first
	another.Membership = membership.IDOf(patientID, 10)
	commit(t, s, clinic.Commit{Bills: []membership.Bill{first, second, another}})
	all, err := s.BillsOf(t.Context(), id)
	same(t, "BillsOf", all, err, []membership.Bill{second, first})
	some, err := s.Bills(t.Context(), id, []string{"in_2", "in_9"})
	same(t, "Bills", some, err, []membership.Bill{first})
	none, err := s.Bills(t.Context(), id, nil)
	same(t, "Bills", none, err, []membership.Bill(nil))
}
