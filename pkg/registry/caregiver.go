package registry

import (
	"slices"
	"time"

	"evisit/pkg/identity"
)

// Empower returns a grant as it is given at now to act for a patient who was born on a
// day: over a minor it ends at the eighteenth birthday at the latest. A parent's is for
// minors alone.
func Empower(g identity.Grant, birth time.Time, zone *time.Location, now time.Time) (identity.Grant, error) {
	var p problems
	adult := identity.Adult(birth, zone)
	minor := now.Before(adult)
	p.must(slices.Contains(identity.Whys, g.Why), "/why", "why", "Give one of: parent, help, legal.")
	p.must(minor || g.Why != identity.ParentOf, "/why", "adult", "The patient is of age: they grant it themselves, or a legal paper does.")
	p.must(g.Scope.Known(), "/scope", "scope", "Choose what they may do: everything, or read alone.")
	p.must(g.Until.IsZero() || g.Until.After(now), "/until", "past", "Give an end in the future, or leave it out.")
	if minor && (g.Until.IsZero() || g.Until.After(adult)) {
		g.Until = adult.UTC()
	}
	return g, p.err()
}

// Regrant returns g after the day of birth of its patient was corrected, so that they turn
// eighteen at adult and not at was: what ended at that birthday ends at the right one, and
// what is over a minor, or a parent's, no later. It may have ended by that.
func Regrant(g identity.Grant, was, adult, now time.Time) identity.Grant {
	bound := now.Before(adult) || g.Why == identity.ParentOf
	if g.Until.Equal(was) || bound && (g.Until.IsZero() || g.Until.After(adult)) {
		g.Until = adult.UTC()
	}
	return g
}
