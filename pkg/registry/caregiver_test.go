package registry_test

import (
	"testing"
	"time"

	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

// A grant that ends at a birthday ends at the right one after the day of birth is corrected,
// and what is over a minor, or a parent's, no later.
func TestRegrant_EndsAtTheRightBirthday(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	was, later, past := now.AddDate(4, 0, 0), now.AddDate(5, 0, 0), now.AddDate(-8, 0, 0)
	sooner := now.AddDate(1, 0, 0)
	for name, test := range map[string]struct {
		why                    identity.Why
		until, was, adult, end time.Time
	}{
		"older: of age long since":            {identity.ParentOf, was, was, past, past},
		"older: still a minor":                {identity.ParentOf, was, was, sooner, sooner},
		"younger":                             {identity.ParentOf, was, was, later, later},
		"an earlier end stays":                {identity.ParentOf, sooner, was, later, sooner},
		"an earlier end of one of age":        {identity.ParentOf, sooner, was, past, past},
		"help that ended at the birthday":     {identity.Help, was, was, past, past},
		"help to one of age, now a minor":     {identity.Help, time.Time{}, past, was, was},
		"help to one of age, without an end":  {identity.Help, time.Time{}, past, past.AddDate(1, 0, 0), time.Time{}},
		"help to one of age, with an own end": {identity.Help, later, past, past.AddDate(1, 0, 0), later},
	} {
		if got := registry.Regrant(identity.Grant{Why: test.why, Until: test.until}, test.was, test.adult, now); !got.Until.Equal(test.end) {
			t.Errorf("%s: ends %v, want %v", name, got.Until, test.end)
		}
	}
}
