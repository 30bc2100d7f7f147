package membership_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/membership"
)

func applicant(patient string) membership.Applicant {
	return membership.Applicant{Patient: patient, Medicare: noMedicare}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	m := active(t, annual(), "parent")
	half := time.Date(2026, time.September, 1, 12, 0, 0, 0, time.UTC) // 182 of 365 days are left
	next, part, err := m.Add(applicant("child"), zone, half)
	if err != nil || len(next.People) != 2 || next.Version != m.Version+1 || len(m.People) != 1 {
		t.Fatalf("%+v, %v", next, err)
	}
	if want := (membership.Part{Price: 100_00, Left: 182, Of: 365, Amount: 49_86}); part != want {
		t.Errorf("costs %+v, want %+v", part, want)
	}
	if want := "$100.00 a year, of which 182 of 365 days are left: $49.86."; part.Text() != want {
		t.Errorf("says %q, want %q", part.Text(), want)
	}
	if again, part, err := next.Add(applicant("child"), zone, half.Add(time.Hour)); err != nil || !cmp.Equal(again, next) || part.Amount != 0 {
		t.Errorf("again: %+v, %v", part, err)
	}
	full, _, err := next.Add(applicant("other"), zone, half)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := full.Add(applicant("fourth"), zone, half); code(err) != "members_full" {
		t.Errorf("one too many: %v", err)
	}
	left, err := full.Remove("other", half.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := left.Add(applicant("fourth"), zone, half.Add(2*time.Hour)); code(err) != "members_full" {
		t.Errorf("in a place that is taken for the year: %v", err)
	}
	if back, part, err := left.Add(applicant("other"), zone, half.Add(2*time.Hour)); err != nil || part.Amount != 0 || len(back.People) != 4 {
		t.Errorf("who comes back pays %s: %v", part.Amount, err)
	}
	two, err := next.Remove("child", half.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if two, _, err = two.Add(applicant("child"), zone, half.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if three, part, err := two.Add(applicant("other"), zone, half.Add(3*time.Hour)); err != nil || len(three.People) != 4 || part.Amount != 49_86 {
		t.Errorf("who came back took two places: %+v, %v", part, err)
	}
	year := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	renewed := observe(t, left, membership.Standing{At: yearEnd, Status: "active", Year: year, Paid: 450_00})
	if _, part, err := renewed.Add(applicant("fourth"), zone, yearEnd); err != nil || part.Amount != 100_00 {
		t.Errorf("in a new year: %+v, %v", part, err)
	}
	hour := standing(noon, "trialing", 0)
	hour.End = noon.Add(time.Hour)
	if _, part, err := observe(t, enrolled(t, annual(), "parent"), hour).Add(applicant("child"), zone, noon); err != nil || part.Amount != 0 {
		t.Errorf("in a trial of an hour: %+v, %v", part, err)
	}
	for name, test := range map[string]struct {
		m    membership.Membership
		who  membership.Applicant
		want string
	}{
		"not paid":         {enrolled(t, annual(), "parent"), applicant("child"), "membership_pending"},
		"past due":         {observe(t, m, standing(half, "past_due", 0)), applicant("child"), "membership_unpaid"},
		"ended":            {observe(t, m, standing(half, "canceled", 0)), applicant("child"), "membership_ended"},
		"Medicare":         {m, membership.Applicant{Patient: "child", Medicare: membership.Medicare{PartB: coding.Yes}}, "medicare_member"},
		"Medicare unknown": {m, membership.Applicant{Patient: "child"}, "invalid_request"},
	} {
		if next, _, err := test.m.Add(test.who, zone, half); code(err) != test.want || next.ID != "" {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	m := active(t, annual())
	now := noon.Add(24 * time.Hour)
	next, err := m.Remove("child", now)
	if err != nil || !next.People[1].Left.Equal(now) || !m.People[1].Left.IsZero() || next.Owed() != 0 {
		t.Fatalf("%+v, %v", next, err)
	}
	if again, err := next.Remove("child", now.Add(time.Hour)); err != nil || !cmp.Equal(again, next) {
		t.Errorf("again: %v", err)
	}
	if _, err := next.Remove("parent", now); code(err) != "last_member" {
		t.Errorf("the last: %v", err)
	}
	if _, err := m.Remove("stranger", now); code(err) != "not_a_member" {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := enrolled(t, annual()).Remove("child", now); code(err) != "membership_pending" {
		t.Errorf("not paid: %v", err)
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	half := time.Date(2026, time.September, 1, 12, 0, 0, 0, time.UTC) // 182 of 365 days are left
	family := annual()
	family.Offer, family.Price, family.PerMember, family.Members, family.Visits = "family", 600_00, 0, 6, 12
	facts := map[string]membership.Medicare{"parent": noMedicare, "child": noMedicare}
	m := active(t, annual())
	next, part, err := m.Upgrade(family, 1, facts, zone, half)
	if want := (membership.Part{Price: 150_00, Left: 182, Of: 365, Amount: 74_79}); err != nil || part != want || !cmp.Equal(next.Terms, family) {
		t.Fatalf("%+v, %v, want %+v", part, err, want)
	}
	if again, part, err := next.Upgrade(family, 1, facts, zone, half); err != nil || !cmp.Equal(again, next) || part.Amount != 0 {
		t.Errorf("again: %+v, %v", part, err)
	}
	small, cheap := family, annual()
	small.Members = 1
	cheap.Offer, cheap.Price = "cheap", 100_00
	partB := map[string]membership.Medicare{"parent": noMedicare, "child": {PartB: coding.Yes, From: civil.Date(2027, time.January, 1)}}
	for name, test := range map[string]struct {
		m        membership.Membership
		terms    membership.Terms
		accepted int
		facts    map[string]membership.Medicare
		want     string
	}{
		"other terms":      {m, family, 2, facts, "terms_changed"},
		"for fewer":        {m, small, 1, facts, "members_full"},
		"for less":         {m, cheap, 1, facts, "smaller_membership"},
		"Medicare":         {m, family, 1, partB, "medicare_member"},
		"Medicare unknown": {m, family, 1, nil, "invalid_request"},
		"not paid":         {enrolled(t, annual()), family, 1, facts, "membership_pending"},
	} {
		if next, _, err := test.m.Upgrade(test.terms, test.accepted, test.facts, zone, half); code(err) != test.want || next.ID != "" {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	family.NonCovered = true
	open, _, err := m.Upgrade(family, 1, partB, zone, half)
	if err != nil || open.People[1].Medicare != civil.Date(2027, time.January, 1) {
		t.Errorf("for what Medicare does not cover: %+v, %v", open.People, err)
	}
}
