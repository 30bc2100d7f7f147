package membership_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/membership"
)

// count is of a year in which a patient used so many visits.
func count(t *testing.T, patient string, n int) membership.Count {
	t.Helper()
	c := membership.Count{Membership: "membership-1", Year: noon}
	for i := range n {
		next, err := c.Use(fmt.Sprintf("%s-%d", patient, i), patient, annual(), noon)
		if err != nil {
			t.Fatal(err)
		}
		c = next
	}
	return c
}

func TestCount_UseAndGiveBack(t *testing.T) {
	t.Parallel()
	c := count(t, "parent", 4)
	if again, err := c.Use("parent-0", "parent", annual(), noon); err != nil || !cmp.Equal(again, c) {
		t.Errorf("the same visit again: %v", err)
	}
	if _, err := c.Use("fifth", "parent", annual(), noon); code(err) != "cap_used" {
		t.Errorf("above the cap: %v", err)
	}
	if _, err := c.Use("other", "child", annual(), noon); err != nil {
		t.Errorf("of another member: %v", err)
	}
	shared := annual()
	shared.Shared = true
	if _, err := c.Use("other", "child", shared, noon); code(err) != "cap_used" {
		t.Errorf("of another member, shared: %v", err)
	}
	back := c.GiveBack("parent-1")
	if len(back.Uses) != 3 || len(c.Uses) != 4 || back.Version != c.Version+1 {
		t.Errorf("given back: %+v", back)
	}
	if again := back.GiveBack("parent-1"); !cmp.Equal(again, back) {
		t.Errorf("given back again: %s", cmp.Diff(back, again))
	}
	if _, err := back.Use("fifth", "parent", annual(), noon); err != nil {
		t.Errorf("after one was given back: %v", err)
	}
	none := annual()
	none.Visits = 0
	if _, err := (membership.Count{}).Use("first", "parent", none, noon); code(err) != "cap_used" {
		t.Errorf("of none: %v", err)
	}
}

// Whoever uses and gives back visits in whatever order, each on what they read before, which may
// have changed since: as a Count is only written at the version that was read, no member is above
// the cap, and all together are not if they share it.
func TestCount_NeverAboveTheCap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := annual()
		terms.Visits, terms.Shared = rapid.IntRange(0, 4).Draw(t, "visits"), rapid.Bool().Draw(t, "shared")
		var stored membership.Count
		read := map[string]membership.Count{} // by writer
		writers := rapid.SampledFrom([]string{"a", "b", "c"})
		// write stores what a writer made of what they read, if it is the next version.
		write := func(who string, next membership.Count) {
			if was := read[who]; was.Version == stored.Version && next.Version == was.Version+1 {
				stored = next
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) { read[writers.Draw(t, "who")] = stored },
			"use": func(t *rapid.T) {
				who := writers.Draw(t, "who")
				patient := rapid.SampledFrom([]string{"parent", "child"}).Draw(t, "patient")
				visit := fmt.Sprint(patient, rapid.IntRange(0, 9).Draw(t, "visit"))
				if next, err := read[who].Use(visit, patient, terms, noon); err == nil {
					write(who, next)
				} else if code(err) != "cap_used" || next.Version != 0 {
					t.Errorf("%v", err)
				}
			},
			"give back": func(t *rapid.T) {
				who := writers.Draw(t, "who")
				visit := fmt.Sprint(rapid.SampledFrom([]string{"parent", "child"}).Draw(t, "patient"), rapid.IntRange(0, 9).Draw(t, "visit"))
				write(who, read[who].GiveBack(visit))
			},
			"": func(t *rapid.T) {
				for _, patient := range []string{"parent", "child"} {
					if n := stored.Used(patient, terms); n > terms.Visits {
						t.Errorf("%s used %d of %d", patient, n, terms.Visits)
					}
				}
				seen := map[string]bool{}
				for _, u := range stored.Uses {
					if seen[u.Visit] {
						t.Errorf("%s is counted twice", u.Visit)
					}
					seen[u.Visit] = true
				}
			},
		})
	})
}
