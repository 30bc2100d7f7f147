package membership_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/coverage"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

var (
	firstDay = civil.Date(2026, time.March, 2)
	lastDay  = civil.Date(2027, time.March, 1)
)

func plan(filing coverage.Filing, from, until civil.Day) coverage.Held {
	return coverage.Held{
		Coverage: coverage.Coverage{Card: coverage.Card{From: from, Until: until}},
		Payer:    coverage.Payer{Filing: filing},
	}
}

func TestMedicareOf(t *testing.T) {
	t.Parallel()
	none := civil.Day{}
	june := civil.Date(2026, time.June, 1)
	for name, test := range map[string]struct {
		all      []coverage.Held
		declared coding.Answer
		want     membership.Medicare
	}{
		"nothing on record":             {nil, coding.Unknown, membership.Medicare{}},
		"says no":                       {nil, coding.No, membership.Medicare{PartB: coding.No}},
		"says yes":                      {nil, coding.Yes, membership.Medicare{PartB: coding.Yes, From: firstDay}},
		"part B":                        {[]coverage.Held{plan("MB", none, none)}, coding.No, membership.Medicare{PartB: coding.Yes, From: firstDay}},
		"Medicare Advantage":            {[]coverage.Held{plan("16", none, none)}, coding.Unknown, membership.Medicare{PartB: coding.Yes, From: firstDay}},
		"part A":                        {[]coverage.Held{plan("MA", none, none)}, coding.Unknown, membership.Medicare{}},
		"part A, says no":               {[]coverage.Held{plan("MA", none, none)}, coding.No, membership.Medicare{PartB: coding.No}},
		"a plan that is not known":      {[]coverage.Held{plan("", none, none)}, coding.Unknown, membership.Medicare{}},
		"commercial":                    {[]coverage.Held{plan("CI", none, none)}, coding.No, membership.Medicare{PartB: coding.No}},
		"from June":                     {[]coverage.Held{plan("MB", june, none)}, coding.No, membership.Medicare{PartB: coding.Yes, From: june}},
		"from June, and from May":       {[]coverage.Held{plan("MB", june, none), plan("16", june.AddDays(-30), june)}, coding.No, membership.Medicare{PartB: coding.Yes, From: june.AddDays(-30)}},
		"until the day before the year": {[]coverage.Held{plan("MB", none, firstDay.AddDays(-1))}, coding.No, membership.Medicare{PartB: coding.No}},
		"until its first day":           {[]coverage.Held{plan("MB", none, firstDay)}, coding.No, membership.Medicare{PartB: coding.Yes, From: firstDay}},
		"from its last day":             {[]coverage.Held{plan("MB", lastDay, none)}, coding.No, membership.Medicare{PartB: coding.Yes, From: lastDay}},
		"from the day after":            {[]coverage.Held{plan("MB", lastDay.AddDays(1), none)}, coding.No, membership.Medicare{PartB: coding.No}},
		"ended before it began":         {[]coverage.Held{plan("MB", june, june.AddDays(-1))}, coding.No, membership.Medicare{PartB: coding.No}},
	} {
		if got := membership.MedicareOf(test.all, test.declared, firstDay, lastDay); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func partB(from civil.Day) membership.Medicare {
	return membership.Medicare{PartB: coding.Yes, From: from}
}

func TestCoverageChanged(t *testing.T) {
	t.Parallel()
	june := civil.Date(2026, time.June, 1)
	m := active(t, annual())
	next := m.CoverageChanged("child", partB(june))
	if next.People[1].Medicare != june || next.Version != m.Version+1 || !m.People[1].Medicare.IsZero() {
		t.Fatalf("%+v", next.People)
	}
	for name, same := range map[string]membership.Membership{
		"again":      next.CoverageChanged("child", partB(june)),
		"unknown":    next.CoverageChanged("child", membership.Medicare{}),
		"a stranger": next.CoverageChanged("stranger", partB(june)),
	} {
		if !cmp.Equal(same, next) {
			t.Errorf("%s: %s", name, cmp.Diff(next, same))
		}
	}
	if cleared := next.CoverageChanged("child", noMedicare); !cleared.People[1].Medicare.IsZero() {
		t.Error("put right, it is still Medicare")
	}
}

func TestResolution(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	sept := civil.Date(2026, time.September, 1) // 182 of 365 days are left
	noonOf := func(d civil.Day) time.Time { return d.Start(zone).Add(12 * time.Hour) }
	use := func(patient string, d civil.Day) membership.Count {
		return membership.Count{Uses: []membership.Use{{Visit: "visit-1", Patient: patient, At: noonOf(d)}}}
	}
	family, alone := active(t, annual()), active(t, annual(), "parent")
	optedOut := annual()
	optedOut.OptedOut = true
	for _, test := range []struct {
		name    string
		m       membership.Membership
		patient string
		c       membership.Count
		on      civil.Day
		step    membership.Step
		refund  money.Cents
		visits  []string
	}{
		{"no Medicare", family, "child", membership.Count{}, sept, membership.NoStep, 0, nil},
		{"no member", family.CoverageChanged("child", partB(sept)), "stranger", membership.Count{}, sept, membership.NoStep, 0, nil},
		{"to come", family.CoverageChanged("child", partB(sept)), "child", membership.Count{}, sept.AddDays(-1), membership.Wait, 0, nil},
		{"of a child", family.CoverageChanged("child", partB(sept)), "child", membership.Count{}, sept, membership.Leave, 49_87, nil}, // 100 × 182 ÷ 365 = 49.863
		{"of the payer", family.CoverageChanged("parent", partB(sept)), "parent", membership.Count{}, sept, membership.Leave, 49_87, nil},
		{"known late", family.CoverageChanged("child", partB(sept)), "child", membership.Count{}, sept.AddDays(90), membership.Leave, 49_87, nil},
		{"since ever", family.CoverageChanged("child", membership.Medicare{PartB: coding.Yes}), "child", membership.Count{}, sept, membership.Leave, 100_00, nil},
		{"of the only one", alone.CoverageChanged("parent", partB(sept)), "parent", membership.Count{}, sept, membership.Stop, 174_53, nil}, // 174.520
		{"after a visit", family.CoverageChanged("child", partB(sept)), "child", use("child", sept), sept.AddDays(1), membership.Review, 49_87, []string{"visit-1"}},
		{"a visit before", family.CoverageChanged("child", partB(sept)), "child", use("child", sept.AddDays(-1)), sept, membership.Leave, 49_87, nil},
		{"a visit of another", family.CoverageChanged("child", partB(sept)), "child", use("parent", sept), sept, membership.Leave, 49_87, nil},
		{"opted out", active(t, optedOut).CoverageChanged("child", partB(sept)), "child", membership.Count{}, sept, membership.NoStep, 0, nil},
		{"not paid", enrolled(t, annual()).CoverageChanged("child", partB(sept)), "child", membership.Count{}, sept, membership.Leave, 0, nil},
	} {
		now := noonOf(test.on)
		r := test.m.Resolution(test.patient, test.c, zone, now)
		if r.Step != test.step || r.Refund.Amount != test.refund || !slices.Equal(r.Visits, test.visits) || (r.Text == "") != (r.Step == membership.NoStep) {
			t.Errorf("%s: %+v, want %s %s %v", test.name, r, test.step, test.refund, test.visits)
		}
		next, err := test.m.Resolve(test.patient, zone, now)
		switch test.step {
		case membership.NoStep, membership.Wait:
			if test.patient == "stranger" {
				break
			}
			if code(err) != "no_medicare" || next.ID != "" {
				t.Errorf("%s: resolved: %v", test.name, err)
			}
		case membership.Stop:
			if err != nil || next.Ended.Why != membership.OfMedicare || next.Owed() != test.refund {
				t.Errorf("%s: resolved as %+v, owed %s, %v", test.name, next.Ended, next.Owed(), err)
			}
		case membership.Leave, membership.Review:
			if err != nil || next.Owed() != test.refund || next.State == membership.Active && !left(next, test.patient, now) {
				t.Errorf("%s: resolved as %+v, owed %s, %v", test.name, next, next.Owed(), err)
			}
			if (next.State == membership.Ended) != (test.m.State == membership.Pending) {
				t.Errorf("%s: resolved as %s", test.name, next.State)
			}
		}
		if err == nil {
			if again, err := next.Resolve(test.patient, zone, now.Add(time.Hour)); err != nil || !cmp.Equal(again, next) {
				t.Errorf("%s, again: %v", test.name, err)
			}
		}
	}
}

// left reports whether a patient left at an instant.
func left(m membership.Membership, patient string, at time.Time) bool {
	return slices.ContainsFunc(m.People, func(p membership.Member) bool { return p.Patient == patient && p.Left.Equal(at) })
}

// Two of a family get Medicare, and then the payer ends the rest: each part is refunded once, and
// all together are what was paid for the days that are left.
func TestResolve_PartsAddUp(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	terms := annual()
	terms.Refund = membership.RefundRule{Later: membership.ByDays}
	sept := civil.Date(2026, time.September, 1)
	now := sept.Start(zone)
	m := active(t, terms, "parent", "child", "other")
	for _, p := range []string{"parent", "child"} {
		next, err := m.CoverageChanged(p, partB(sept)).Resolve(p, zone, now)
		if err != nil {
			t.Fatal(err)
		}
		m = next
	}
	if m.State != membership.Active || m.Owed() != 2*49_87 {
		t.Fatalf("%s, owed %s", m.State, m.Owed())
	}
	year := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	renewed := observe(t, m, membership.Standing{At: yearEnd, Status: "active", Year: year, Paid: 350_00})
	if renewed.Owed() != 0 {
		t.Errorf("what was decided of one year is owed of the next: %s", renewed.Owed())
	}
	m, err := m.EndNow(membership.Cancelled, 3, zone, now)
	if err != nil || m.Owed() != 2*49_87+174_53 {
		t.Errorf("owed %s, %v", m.Owed(), err)
	}
}
