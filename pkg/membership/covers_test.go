package membership_test

import (
	"testing"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/membership"
)

func TestCovers(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	const hour, day = time.Hour, 24 * time.Hour
	paid := active(t, annual())
	renewed := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	failed := observe(t, paid, membership.Standing{At: yearEnd, Status: "past_due", Year: renewed})
	graceEnds := failed.GraceEnds(zone)
	over, err := failed.EndUnpaid(zone, graceEnds)
	if err != nil {
		t.Fatal(err)
	}
	left, err := paid.Remove("child", noon.Add(10*day))
	if err != nil {
		t.Fatal(err)
	}
	bare := annual()
	bare.Visits, bare.Classes = 0, nil
	used := count(t, "parent", 3)
	full := count(t, "parent", 4)
	for _, test := range []struct {
		name string
		m    membership.Membership
		v    membership.Visit
		c    membership.Count
		want membership.Entitlement
	}{
		{
			"the first", paid,
			membership.Visit{Patient: "parent", Class: "em", At: noon.Add(hour)},
			membership.Count{},
			membership.Entitlement{Cause: membership.Included, Of: 4, Text: "This visit is included in your membership: it is number 1 of 4 in your year. Nothing is charged for it."},
		},
		{
			"the last", paid,
			membership.Visit{Patient: "parent", Class: "em", At: yearEnd.Add(-1)},
			used,
			membership.Entitlement{Cause: membership.Included, Used: 3, Of: 4, Text: "This visit is included in your membership: it is number 4 of 4 in your year. Nothing is charged for it."},
		},
		{
			"one too many", paid,
			membership.Visit{Patient: "parent", Class: "em", At: noon.Add(hour)},
			full,
			membership.Entitlement{Cause: membership.CapUsed, Used: 4, Of: 4, Text: "The 4 included visits of your year are used, so the posted fee applies."},
		},
		{"the same again", paid, membership.Visit{ID: "parent-3", Patient: "parent", Class: "em", At: noon.Add(hour)}, full, membership.Entitlement{Cause: membership.Included, Used: 3, Of: 4}},
		{"of another member", paid, membership.Visit{Patient: "child", Class: "em", At: noon.Add(hour)}, full, membership.Entitlement{Cause: membership.Included, Of: 4}},
		{"of a stranger", paid, membership.Visit{Patient: "stranger", Class: "em", At: noon.Add(hour)}, used, membership.Entitlement{Cause: membership.NotNamed}},
		{"of who leaves later", left, membership.Visit{Patient: "child", Class: "em", At: noon.Add(10*day - 1)}, used, membership.Entitlement{Cause: membership.Included, Of: 4}},
		{"of who has left", left, membership.Visit{Patient: "child", Class: "em", At: noon.Add(10 * day)}, used, membership.Entitlement{Cause: membership.NotNamed}},
		{"of another class", paid, membership.Visit{Patient: "child", Class: "admin-fee", At: noon.Add(hour)}, used, membership.Entitlement{Cause: membership.NotIncluded}},
		{"that is free anyway", paid, membership.Visit{Patient: "child", Class: "no-charge", At: noon.Add(hour)}, used, membership.Entitlement{Cause: membership.NotIncluded}},
		{"of a membership without visits", active(t, bare), membership.Visit{Patient: "child", Class: "em", At: noon.Add(hour)}, membership.Count{}, membership.Entitlement{Cause: membership.NoVisits}},
		{"before the payment", enrolled(t, annual()), membership.Visit{Patient: "child", Class: "em", At: noon.Add(hour)}, membership.Count{}, membership.Entitlement{Cause: membership.NotBegun}},
		{"before it was wanted", paid, membership.Visit{Patient: "child", Class: "em", At: noon.Add(-1)}, membership.Count{}, membership.Entitlement{Cause: membership.NotNamed}},
		{"the renewal is not reported", paid, membership.Visit{Patient: "child", Class: "em", At: yearEnd.Add(2*day - 1)}, membership.Count{}, membership.Entitlement{Cause: membership.Included, Of: 4}},
		{"nor for two days", paid, membership.Visit{Patient: "child", Class: "em", At: yearEnd.Add(2 * day)}, membership.Count{}, membership.Entitlement{Cause: membership.Over}},
		{"the last moment of a cancelled one", paid.Cancel(noon), membership.Visit{Patient: "child", Class: "em", At: yearEnd.Add(-1)}, membership.Count{}, membership.Entitlement{Cause: membership.Included, Of: 4}},
		{
			"after it", paid.Cancel(noon),
			membership.Visit{Patient: "child", Class: "em", At: yearEnd},
			membership.Count{},
			membership.Entitlement{Cause: membership.Over, Text: "The last day of your membership was 1 March 2027, so the posted fee applies."},
		},
		{
			"in grace", failed,
			membership.Visit{Patient: "child", Class: "em", At: graceEnds.Add(-1)},
			membership.Count{},
			membership.Entitlement{Cause: membership.InGrace, Of: 4, Text: "This visit is included in your membership: it is number 1 of 4 in your year. Nothing is charged for it. The last payment for the membership failed; visits are included until 16 March 2027."},
		},
		{"after the grace", failed, membership.Visit{Patient: "child", Class: "em", At: graceEnds}, membership.Count{}, membership.Entitlement{Cause: membership.GraceOver}},
		{"before it ended", over, membership.Visit{Patient: "child", Class: "em", At: graceEnds.Add(-1)}, membership.Count{}, membership.Entitlement{Cause: membership.Included, Of: 4}},
		{
			"ended", over,
			membership.Visit{Patient: "child", Class: "em", At: graceEnds},
			membership.Count{},
			membership.Entitlement{Cause: membership.Over, Text: "Your membership ended on 17 March 2027, so the posted fee applies."},
		},
		{
			"before Medicare", paid.CoverageChanged("child", membership.Medicare{PartB: "yes", From: civil.Date(2026, time.March, 4)}),
			membership.Visit{Patient: "child", Class: "em", At: time.Date(2026, time.March, 4, 4, 59, 59, 0, time.UTC)},
			membership.Count{},
			membership.Entitlement{Cause: membership.Included, Of: 4},
		},
		{
			"with Medicare", paid.CoverageChanged("child", membership.Medicare{PartB: "yes", From: civil.Date(2026, time.March, 4)}),
			membership.Visit{Patient: "child", Class: "em", At: time.Date(2026, time.March, 4, 5, 0, 0, 0, time.UTC)},
			membership.Count{},
			membership.Entitlement{Cause: membership.HasMedicare},
		},
	} {
		got := test.m.Covers(test.v, test.c, zone)
		if got.Text == "" {
			t.Errorf("%s: not explained", test.name)
		}
		if test.want.Text == "" {
			got.Text = ""
		}
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
		if got.Covered() != (test.want.Cause == membership.Included || test.want.Cause == membership.InGrace) {
			t.Errorf("%s: covered: %t", test.name, got.Covered())
		}
	}
}

func TestYearAt(t *testing.T) {
	t.Parallel()
	m := active(t, annual())
	for at, want := range map[time.Time]time.Time{noon: noon, yearEnd.Add(-1): noon, yearEnd: yearEnd, yearEnd.Add(time.Hour): yearEnd} {
		if got := m.YearAt(at); !got.Equal(want) {
			t.Errorf("%s is counted in the year from %s, want %s", at, got, want)
		}
	}
}
