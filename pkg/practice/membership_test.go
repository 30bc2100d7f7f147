package practice_test

import (
	"errors"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/practice"
)

// yearly are terms of a membership for one person.
func yearly(price money.Cents, from time.Time) membership.Terms {
	return membership.Terms{From: from, Price: price, Members: 1, Visits: 12, Classes: []string{"em"}, Forms: []string{"uti"}, Grace: 14, Notice: 30}
}

// What is sold at an instant is what was decided for it last; terms that were taken back are
// sold at no time, and their number is no other's.
func TestConfig_Membership(t *testing.T) {
	t.Parallel()
	c := practice.Config{Forms: map[string]string{"uti": "1"}}
	later := noon.AddDate(0, 1, 0)
	decide := func(terms membership.Terms, at time.Time, changes bool) {
		t.Helper()
		next, changed, err := c.DecideMembership("lakeside", terms, "ada", at)
		if err != nil || changed != changes {
			t.Fatalf("changed %v %v, want %v", changed, err, changes)
		}
		c = next
	}
	sells := func(at time.Time, price money.Cents, version int) {
		t.Helper()
		if got, ok := c.Membership(at); ok != (price > 0) || got.Price != price || got.Version != version {
			t.Errorf("at %s: %+v %v, want %s as version %d", at, got, ok, price, version)
		}
	}
	sells(noon, 0, 0)
	decide(yearly(350_00, time.Time{}), noon, true)
	decide(yearly(350_00, time.Time{}), noon.Add(time.Hour), false)
	decide(yearly(400_00, later), noon.Add(time.Hour), true)
	sells(noon.Add(-1), 0, 0)
	sells(noon, 350_00, 1)
	sells(later.Add(-1), 350_00, 1)
	sells(later, 400_00, 2)

	next, changed, err := c.WithdrawMembership(later, "ada", noon.Add(2*time.Hour))
	if err != nil || !changed {
		t.Fatalf("%v %v", changed, err)
	}
	c = next
	sells(later, 350_00, 1)
	decide(yearly(375_00, later), noon.Add(2*time.Hour), true)
	sells(later, 375_00, 3)

	if c, changed, err = c.CloseMembership("ada", noon.Add(3*time.Hour)); err != nil || !changed {
		t.Fatalf("%v %v", changed, err)
	}
	sells(noon.Add(3*time.Hour), 0, 0)
	sells(later, 0, 0)
	if _, changed, err = c.CloseMembership("ada", noon.Add(4*time.Hour)); err != nil || changed {
		t.Errorf("closed twice: %v %v", changed, err)
	}
	decide(yearly(300_00, time.Time{}), noon.Add(5*time.Hour), true)
	sells(later, 300_00, 1)
	if o, ok := c.Offer("yearly-1"); !ok || len(o.Versions) != 2 || o.Closed.IsZero() {
		t.Errorf("what members of the first have: %+v %v", o, ok)
	}
	if _, ok := c.Offer("yearly-3"); ok {
		t.Error("an offer that was never made is there")
	}
}

// Terms are for people with Medicare only where it is so: the practice has decided that it opted out by
// the time at which they begin, or they include nothing that health plans are billed for. What was
// decided before that was asked is sold on.
func TestConfig_MembershipForMedicare(t *testing.T) {
	t.Parallel()
	yes, no, later := true, false, noon.AddDate(0, 1, 0)
	coming := func(out *bool) practice.Config {
		return practice.Config{OptedOut: !*out, Coming: []practice.Change{{From: later, OptedOut: out}}}
	}
	out, nonCovered := membership.Terms{OptedOut: true}, membership.Terms{NonCovered: true}
	for name, test := range map[string]struct {
		c       practice.Config
		t       membership.Terms
		classes []string
		from    time.Time
		want    string
	}{
		"opted out":            {practice.Config{OptedOut: true}, out, []string{"em"}, time.Time{}, ""},
		"not opted out":        {practice.Config{}, out, []string{"em"}, time.Time{}, "/opted_out"},
		"opted out by then":    {coming(&yes), out, []string{"em"}, later, ""},
		"not yet opted out":    {coming(&yes), out, []string{"em"}, later.Add(-time.Second), "/opted_out"},
		"not yet, at once":     {coming(&yes), out, []string{"em"}, time.Time{}, "/opted_out"},
		"opted out no more":    {coming(&no), out, []string{"em"}, later, "/opted_out"},
		"paperwork":            {practice.Config{}, nonCovered, []string{"admin-fee"}, time.Time{}, ""},
		"no visits":            {practice.Config{}, nonCovered, nil, time.Time{}, ""},
		"visits":               {practice.Config{}, nonCovered, []string{"admin-fee", "em"}, time.Time{}, "/non_covered"},
		"images":               {practice.Config{OptedOut: true}, nonCovered, []string{"em-image"}, time.Time{}, "/non_covered"},
		"screenings":           {practice.Config{}, nonCovered, []string{"em-screen"}, time.Time{}, "/non_covered"},
		"neither, with visits": {practice.Config{}, membership.Terms{}, []string{"em"}, time.Time{}, ""},
	} {
		terms := yearly(350_00, test.from)
		terms.Forms, terms.Classes, terms.OptedOut, terms.NonCovered = nil, test.classes, test.t.OptedOut, test.t.NonCovered
		if len(test.classes) == 0 {
			terms.Visits = 0
		}
		next, _, err := test.c.DecideMembership("lakeside", terms, "ada", noon)
		refused, _ := fault.Public(err)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (refused == nil || refused.Kind != fault.Invalid || len(refused.Problems) != 1 || refused.Problems[0].Where != test.want):
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		if got, sold := next.Membership(later); sold != (test.want == "") || sold && (got.OptedOut != test.t.OptedOut || got.NonCovered != test.t.NonCovered) {
			t.Errorf("%s: sold %t: %+v", name, sold, got)
		}
	}
	old := yearly(350_00, noon)
	old.OptedOut, old.NonCovered = true, true
	c := practice.Config{Memberships: []membership.Offer{{ID: "yearly-1", Versions: []membership.Terms{old}}}}
	if got, sold := c.Membership(later); !sold || !got.OptedOut || !got.NonCovered {
		t.Errorf("decided before: %+v, sold %t", got, sold)
	}
}

// Everything that is wrong with a decision is named at once, and nothing that has begun is taken back.
func TestConfig_MembershipRefused(t *testing.T) {
	t.Parallel()
	c := practice.Config{Forms: map[string]string{"uti": "1"}}
	bad := yearly(-1, noon.Add(-time.Hour))
	bad.Forms = []string{"uti", "rash"}
	_, _, err := c.DecideMembership("lakeside", bad, "ada", noon)
	refused, _ := fault.Public(err)
	want := map[string]bool{"/forms/1": true, "/price": true, "/from": true}
	for _, p := range refused.Problems {
		delete(want, p.Where)
	}
	if len(want) > 0 || refused.Kind != fault.Invalid {
		t.Errorf("%v does not name %v", err, want)
	}
	if _, _, err := c.CloseMembership("ada", noon); !errors.Is(err, fault.NotFound) {
		t.Errorf("closing none: %v", err)
	}
	if _, _, err := c.WithdrawMembership(noon, "ada", noon); !errors.Is(err, fault.NotFound) {
		t.Errorf("taking back none: %v", err)
	}
	c, _, err = c.DecideMembership("lakeside", yearly(350_00, noon), "ada", noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.WithdrawMembership(noon, "ada", noon.Add(time.Second)); !errors.Is(err, fault.NotFound) {
		t.Errorf("taking back what holds: %v", err)
	}
}
