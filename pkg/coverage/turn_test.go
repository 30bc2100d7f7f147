package coverage_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// shown is what has been decided of coverages: the id and the turn of each.
func shown(all []coverage.Coverage) []string {
	var out []string
	for _, c := range all {
		out = append(out, fmt.Sprint(c.ID, " ", c.Card.Priority))
	}
	return out
}

// Two coverages change places in one step, which neither could take alone.
func TestOrder_AllAtOnce(t *testing.T) {
	t.Parallel()
	all := []coverage.Coverage{held(t, "a", 1, "", ""), held(t, "b", 2, "", ""), held(t, "c", 3, "", ""), held(t, "old", 1, "", "2026-03-01")}
	for name, tt := range map[string]struct {
		turns []coverage.Turn
		want  []string
		wrong []string
		code  string
	}{
		"two change places":  {turns: []coverage.Turn{{Coverage: "a", Priority: 2}, {Coverage: "b", Priority: 1}}, want: []string{"a 2", "b 1"}},
		"all three move":     {turns: []coverage.Turn{{Coverage: "a", Priority: 2}, {Coverage: "b", Priority: 3}, {Coverage: "c", Priority: 1}}, want: []string{"a 2", "b 3", "c 1"}},
		"as it stands":       {turns: []coverage.Turn{{Coverage: "a", Priority: 1}, {Coverage: "b", Priority: 2}}},
		"nothing named":      {},
		"of one that ended":  {turns: []coverage.Turn{{Coverage: "old", Priority: 2}}, want: []string{"old 2"}},
		"one turn for two":   {turns: []coverage.Turn{{Coverage: "a", Priority: 2}}, code: "coverage_priority"},
		"both to the third":  {turns: []coverage.Turn{{Coverage: "a", Priority: 3}, {Coverage: "b", Priority: 3}, {Coverage: "c", Priority: 1}}, code: "coverage_priority"},
		"unknown, and wrong": {turns: []coverage.Turn{{Coverage: "x", Priority: 4}, {Coverage: "a", Priority: 0}, {Coverage: "a", Priority: 1}}, code: "invalid_request", wrong: []string{"/turns/0/id unknown", "/turns/0/priority priority", "/turns/1/priority priority", "/turns/2/id repeated"}},
	} {
		got, err := coverage.Order(all, tt.turns, today)
		if f, ok := fault.Public(err); ok != (tt.code != "") || ok && f.Code != tt.code || !slices.Equal(places(err), tt.wrong) {
			t.Errorf("%s: %v, %v", name, err, places(err))
		}
		if !slices.Equal(shown(got), tt.want) {
			t.Errorf("%s: changed are %v, want %v", name, shown(got), tt.want)
		}
	}
	if got := shown(all); !slices.Equal(got, []string{"a 1", "b 2", "c 3", "old 1"}) {
		t.Errorf("what was given is changed: %v", got)
	}
}

func TestTakeOver_WhatTheOtherHasNot(t *testing.T) {
	t.Parallel()
	of := func(c coverage.Coverage, payer, member string) coverage.Coverage {
		c.Card.Payer, c.Card.Member = payer, phi.Text(member)
		c.Checked = identity.Deed{By: "sam", At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		return c
	}
	own := []coverage.Coverage{of(held(t, "own", 1, "2026-01-01", "2026-12-31"), "60054", "W1")}
	for name, tt := range map[string]struct {
		own, theirs []coverage.Coverage
		want        []string
		unchecked   int
		code        string
	}{
		"to who has none":        {nil, []coverage.Coverage{of(held(t, "b", 2, "", ""), "60054", "W1"), of(held(t, "a", 1, "", ""), "MEDOR", "1EG4TE5MK73")}, []string{"a 1", "b 2"}, 0, ""},
		"the same":               {own, []coverage.Coverage{of(held(t, "a", 1, "2026-01-01", "2026-12-31"), "60054", "w1")}, nil, 0, ""},
		"the same, within":       {own, []coverage.Coverage{of(held(t, "a", 3, "2025-01-01", "2026-11-30"), "60054", "W1")}, nil, 0, ""},
		"the same, ended":        {own, []coverage.Coverage{of(held(t, "a", 1, "", "2025-12-31"), "60054", "W1")}, nil, 0, ""},
		"the same, for longer":   {own, []coverage.Coverage{of(held(t, "a", 1, "2026-01-01", ""), "60054", "W1")}, []string{"a 2"}, 1, ""},
		"the same, next year":    {own, []coverage.Coverage{of(held(t, "a", 1, "2027-01-01", "2027-12-31"), "60054", "W1")}, []string{"a 1"}, 0, ""},
		"another member":         {own, []coverage.Coverage{of(held(t, "a", 1, "", ""), "60054", "W2")}, []string{"a 2"}, 1, ""},
		"another payer":          {own, []coverage.Coverage{of(held(t, "a", 2, "", ""), "MEDOR", "W1")}, []string{"a 2"}, 0, ""},
		"one that has ended":     {own, []coverage.Coverage{of(held(t, "a", 1, "", "2026-03-01"), "MEDOR", "W1")}, []string{"a 1"}, 0, ""},
		"the same entered twice": {nil, []coverage.Coverage{of(held(t, "a", 1, "", ""), "60054", "W1"), of(held(t, "b", 2, "", ""), "60054", "W1")}, []string{"a 1"}, 0, ""},
		"more than three": {
			own, []coverage.Coverage{of(held(t, "a", 1, "", ""), "A1", "W1"), of(held(t, "b", 2, "", ""), "A2", "W1"), of(held(t, "c", 3, "", ""), "A3", "W1")}, nil, 0, "coverage_priority",
		},
	} {
		got, err := coverage.TakeOver(tt.own, tt.theirs, today)
		if f, ok := fault.Public(err); ok != (tt.code != "") || ok && f.Code != tt.code {
			t.Errorf("%s: %v", name, err)
		}
		unchecked := 0
		for _, c := range got {
			if c.Checked.At.IsZero() {
				unchecked++
			}
		}
		if !slices.Equal(shown(got), tt.want) || unchecked != tt.unchecked {
			t.Errorf("%s: taken over are %v, of which %d are unchecked; want %v and %d", name, shown(got), unchecked, tt.want, tt.unchecked)
		}
	}
	var many []coverage.Coverage
	for n := range coverage.MaxTaken + 1 {
		many = append(many, of(held(t, fmt.Sprint(n), 1, "", "2025-12-31"), "60054", fmt.Sprint("W", 100+n)))
	}
	if got, err := coverage.TakeOver(nil, many[1:], today); err != nil || len(got) != coverage.MaxTaken {
		t.Errorf("of as many as can be, %d are taken over: %v", len(got), err)
	}
	_, err := coverage.TakeOver(nil, many, today)
	if f, ok := fault.Public(err); !ok || f.Code != "coverages_full" {
		t.Errorf("one more: %v", err)
	}
}
