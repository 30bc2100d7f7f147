package membership_test

import (
	"testing"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coverage"
	"evisit/pkg/membership"
)

// What the plans on record tell decides, from the first day of the year on; plans that told of Medicare
// and do not any more leave the patient without it, and plans that never did leave what was known.
func TestPlansChanged_TellsOfMedicare(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	none, june := civil.Day{}, civil.Date(2026, time.June, 1)
	far := civil.Date(2031, time.June, 1)
	type plans = []coverage.Held
	known := active(t, annual(), "parent").CoverageChanged("parent", partB(june))
	for name, test := range map[string]struct {
		m       membership.Membership
		was, is plans
		want    civil.Day
	}{
		"since ever":              {active(t, annual(), "parent"), nil, plans{plan("MB", none, none)}, firstDay},
		"from June":               {active(t, annual(), "parent"), nil, plans{plan("16", june, none)}, june},
		"years ahead":             {active(t, annual(), "parent"), nil, plans{plan("MB", far, none)}, far},
		"ended before":            {active(t, annual(), "parent"), nil, plans{plan("MB", none, firstDay.AddDays(-1))}, none},
		"ended in the year":       {active(t, annual(), "parent"), nil, plans{plan("MB", june, june.AddDays(10))}, june},
		"put right":               {known, plans{plan("MB", june, none)}, plans{plan("CI", june, none)}, none},
		"moved":                   {known, plans{plan("MB", june, none)}, plans{plan("MB", june.AddDays(30), none)}, june.AddDays(30)},
		"another, not of it":      {known, nil, plans{plan("CI", none, none)}, june},
		"one of two is put right": {known, plans{plan("MB", june, none), plan("16", none, none)}, plans{plan("MB", june, none), plan("CI", none, none)}, june},
	} {
		next := test.m.PlansChanged("parent", test.was, test.is, zone)
		if got := next.People[0].Medicare; got != test.want {
			t.Errorf("%s: from %s, want %s", name, got, test.want)
		}
		if other := test.m.PlansChanged("stranger", test.was, test.is, zone); other.Version != test.m.Version {
			t.Errorf("%s: it changed with a stranger's plans", name)
		}
	}
}

// Who has Medicare by the end of the year has a membership that is not renewed, whatever was said of the
// renewal and whatever Stripe reports; with somebody who stays, with later Medicare and with terms that
// are for who has it, it is.
func TestCoverageChanged_Renewal(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	end := civil.Of(yearEnd, time.UTC)
	optedOut := annual()
	optedOut.OptedOut = true
	for name, test := range map[string]struct {
		m      membership.Membership
		from   civil.Day
		renews bool
	}{
		"alone":              {active(t, annual(), "parent"), firstDay.AddDays(100), false},
		"from the end on":    {active(t, annual(), "parent"), end, false},
		"from the day after": {active(t, annual(), "parent"), end.AddDays(1), true},
		"one of two":         {active(t, annual()), firstDay.AddDays(100), true},
		"opted out":          {active(t, optedOut, "parent"), firstDay.AddDays(100), true},
	} {
		next := test.m.CoverageChanged("parent", partB(test.from))
		asked := membership.CancelAtEnd
		if test.renews {
			asked = membership.Nothing
		}
		if next.Renews() != test.renews || next.Wanted() != asked || next.MedicareFrom(zone, noon).IsZero() != test.renews {
			t.Errorf("%s: renewed %t, asked %q, from %s", name, next.Renews(), next.Wanted(), next.MedicareFrom(zone, noon))
		}
		if test.renews {
			continue
		}
		if from := next.MedicareFrom(zone, noon); from != test.from {
			t.Errorf("%s: from %s, want %s", name, from, test.from)
		}
		if _, err := next.Resume(noon.Add(time.Hour)); code(err) != "medicare_member" || next.Resumes(noon.Add(time.Hour)) {
			t.Errorf("%s: resumed: %v", name, err)
		}
		s := next.Standing
		s.At, s.Turn, s.CancelAtEnd = s.At.Add(time.Hour), next.Turn, true
		done := observe(t, next, s)
		s.At, s.CancelAtEnd = s.At.Add(time.Hour), false
		if again := observe(t, done, s); done.Wanted() != membership.Nothing || again.Renews() || again.Wanted() != membership.CancelAtEnd {
			t.Errorf("%s: resumed at Stripe it is asked %q, then %q", name, done.Wanted(), again.Wanted())
		}
		right := next.CoverageChanged("parent", noMedicare)
		if kept, err := right.Resume(noon.Add(time.Hour)); err != nil || !kept.Renews() {
			t.Errorf("%s: put right: %v", name, err)
		}
	}
}
