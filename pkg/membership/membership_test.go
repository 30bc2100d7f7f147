package membership_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

// noon is when the first year begins: noon in New York, five hours before in UTC.
var (
	noon    = time.Date(2026, time.March, 2, 17, 0, 0, 0, time.UTC)
	yearEnd = noon.AddDate(1, 0, 0)
)

func newYork(t rapid.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// annual is the membership of the seed: $350 a year, for one person and up to two more.
func annual() membership.Terms {
	return membership.Terms{
		Offer: "annual-350", Version: 1, From: noon.AddDate(-1, 0, 0), Price: 350_00, PerMember: 100_00, Members: 3, Visits: 4,
		Classes: []string{"em", "em-image"}, Grace: 14, Notice: 30, Refund: membership.RefundRule{Full: 14, Later: membership.ByMonths},
	}
}

var noMedicare = membership.Medicare{PartB: coding.No}

// enrolled is the membership of a parent and a child, before its first payment.
func enrolled(t rapid.TB, terms membership.Terms, patients ...string) membership.Membership {
	t.Helper()
	if len(patients) == 0 {
		patients = []string{"parent", "child"}
	}
	a := membership.Application{
		ID: "membership-1", Practice: "practice-1", Payer: "parent", Account: "acct_1", Customer: "cus_1", Terms: terms, Accepted: terms.Version,
	}
	for _, p := range patients {
		a.People = append(a.People, membership.Applicant{Patient: p, Medicare: noMedicare})
	}
	m, err := a.Enrol(noon)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// standing is how a subscription stands whose first year was paid.
func standing(at time.Time, status string, paid money.Cents) membership.Standing {
	return membership.Standing{At: at, Status: status, Year: membership.Year{Start: noon, End: yearEnd}, Paid: paid}
}

func observed(s membership.Standing) membership.Observation {
	return membership.Observation{Account: "acct_1", Customer: "cus_1", Subscription: "sub_1", Standing: s}
}

func observe(t rapid.TB, m membership.Membership, s membership.Standing) membership.Membership {
	t.Helper()
	next, err := m.Observe(observed(s))
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// active is a membership whose first year was paid.
func active(t rapid.TB, terms membership.Terms, patients ...string) membership.Membership {
	t.Helper()
	m := enrolled(t, terms, patients...)
	return observe(t, m, standing(noon.Add(time.Minute), "active", terms.Yearly(len(m.People))))
}

// code is that of the fault in err; empty if there is none.
func code(err error) string {
	f, ok := fault.Public(err)
	if !ok {
		return ""
	}
	return f.Code
}

// places are where an error says that something is wrong, with the codes.
func places(err error) []string {
	f, ok := fault.Public(err)
	if !ok {
		return nil
	}
	var all []string
	for _, p := range f.Problems {
		all = append(all, p.Where+" "+p.Code)
	}
	return all
}

func TestEnrol(t *testing.T) {
	t.Parallel()
	yes := membership.Medicare{PartB: coding.Yes, From: civil.Date(2026, time.June, 1)}
	for name, test := range map[string]struct {
		terms    func(*membership.Terms)
		accepted int
		people   []membership.Applicant
		kind     error
		places   []string
	}{
		"a family":              {nil, 1, []membership.Applicant{{"parent", noMedicare}, {"child", noMedicare}, {"other", noMedicare}}, nil, nil},
		"nobody":                {nil, 1, nil, fault.Invalid, []string{"/members occurrence"}},
		"too many":              {nil, 1, []membership.Applicant{{"a", noMedicare}, {"b", noMedicare}, {"c", noMedicare}, {"d", noMedicare}}, fault.Invalid, []string{"/members occurrence"}},
		"one twice, one unsaid": {nil, 1, []membership.Applicant{{"a", noMedicare}, {"a", membership.Medicare{}}}, fault.Invalid, []string{"/members/1 repeated", "/members/1/medicare required"}},
		"other terms":           {nil, 2, []membership.Applicant{{"a", noMedicare}}, fault.Conflict, nil},
		"Medicare":              {nil, 1, []membership.Applicant{{"a", noMedicare}, {"b", yes}}, fault.Conflict, []string{"/members/1/medicare medicare"}},
		"Medicare, opted out":   {func(t *membership.Terms) { t.OptedOut = true }, 1, []membership.Applicant{{"a", yes}}, nil, nil},
		"Medicare, for what it does not cover": {
			func(t *membership.Terms) { t.NonCovered = true }, 1,
			[]membership.Applicant{{"a", yes}},
			nil, nil,
		},
		"Medicare, without visits": {
			func(t *membership.Terms) { t.Visits, t.Classes = 0, nil }, 1,
			[]membership.Applicant{{"a", yes}, {"b", membership.Medicare{}}},
			nil, nil,
		},
	} {
		terms := annual()
		if test.terms != nil {
			test.terms(&terms)
		}
		m, err := membership.Application{ID: "m", Terms: terms, Accepted: test.accepted, People: test.people}.Enrol(noon)
		if !errors.Is(err, test.kind) || !slices.Equal(places(err), test.places) {
			t.Errorf("%s: %v %v, want %v %v", name, err, places(err), test.kind, test.places)
		}
		if err == nil && (m.State != membership.Pending || m.Version != 1 || len(m.People) != len(test.people) || !m.Made.Equal(noon)) {
			t.Errorf("%s: enrolled as %+v", name, m)
		}
		if err != nil && m.ID != "" {
			t.Errorf("%s: refused, and yet %+v", name, m)
		}
	}
}
