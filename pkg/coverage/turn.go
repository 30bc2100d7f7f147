package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// A Turn is the turn that a coverage is to have.
type Turn struct {
	Coverage string
	Priority int
	// Version is the coverage's when this was decided; 0 if that does not matter.
	Version int
}

// Order returns those of all, the coverages of one patient, that turns gives another turn, as they
// are with it. All turns are taken at once, so that two coverages can change places.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict (coverage_priority) if two
// would have one turn on a day that has not passed.
func Order(all []Coverage, turns []Turn, today civil.Day) ([]Coverage, error) {
	var wrong problems
	next, changed := slices.Clone(all), map[string]bool{}
	for n, t := range turns {
		at := slices.IndexFunc(next, func(c Coverage) bool { return c.ID == t.Coverage })
		where := fmt.Sprintf("/turns/%d", n)
		wrong.must(at >= 0, where+"/id", "unknown", "The patient has no health plan of this id.")
		wrong.must(!slices.ContainsFunc(turns[:n], func(o Turn) bool { return o.Coverage == t.Coverage }), where+"/id", "repeated", "Name each health plan once.")
		wrong.must(1 <= t.Priority && t.Priority <= MaxPriority, where+"/priority", "priority", wordsOfTurns)
		if at >= 0 && next[at].Card.Priority != t.Priority {
			next[at].Card.Priority, changed[t.Coverage] = t.Priority, true
		}
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	var out []Coverage
	for _, c := range next {
		if !changed[c.ID] {
			continue
		}
		if err := c.Fits(next, today); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// MaxTaken bounds the coverages that one record takes over from another, because they are stored
// in one transaction.
const MaxTaken = 25

var (
	errTooManyTaken = fault.New(fault.Conflict, "coverages_full", "Together the two records have more health plans than can be moved. They stay as they are.")
	errNoTurnLeft   = fault.New(fault.Conflict, "coverage_priority", "Together the two records have more than three health plans that hold on the same day. End those that are no longer used, and merge them then.")
)

// TakeOver returns those of theirs, the coverages of a record that is a double, which the record
// of the same person whose coverages are own takes over. A coverage by the same payer and member
// that own has, and that holds as long, is kept there and not taken over again. One keeps its turn
// if that is free, and else gets the next that is; then nobody has compared it with the card.
//
// Errors: fault.Conflict if there are too many (coverages_full), or no turn is free
// (coverage_priority).
func TakeOver(own, theirs []Coverage, today civil.Day) ([]Coverage, error) {
	all := slices.Clone(own)
	var out []Coverage
	byTurn := slices.Clone(theirs)
	slices.SortStableFunc(byTurn, func(a, b Coverage) int { return cmp.Compare(a.Card.Priority, b.Card.Priority) })
	for _, c := range byTurn {
		if slices.ContainsFunc(all, func(o Coverage) bool { return o.Card.includes(c.Card, today) }) {
			continue
		}
		if len(all) >= MaxCoverages || len(out) >= MaxTaken {
			return nil, errTooManyTaken
		}
		free, ok := c.freeTurn(all, today)
		if !ok {
			return nil, errNoTurnLeft
		}
		if free != c.Card.Priority {
			c.Card.Priority, c.Checked = free, identity.Deed{}
		}
		all, out = append(all, c), append(out, c)
	}
	return out, nil
}

// freeTurn returns the turn that c can have among all: its own if that is free.
func (c Coverage) freeTurn(all []Coverage, today civil.Day) (int, bool) {
	for _, turn := range append([]int{c.Card.Priority}, 1, 2, MaxPriority) {
		c.Card.Priority = turn
		if c.Fits(all, today) == nil {
			return turn, true
		}
	}
	return 0, false
}

// includes reports whether c is of the payer and member of d, and holds on each day, from today on,
// on which d does.
func (c Card) includes(d Card, today civil.Day) bool {
	if c.Payer != d.Payer || !strings.EqualFold(c.Plan.Reveal(), d.Plan.Reveal()) || !strings.EqualFold(c.Member.Reveal(), d.Member.Reveal()) {
		return false
	}
	first := latest(d.From, today)
	if !first.Within(d.From, d.Until) {
		return true // it has ended
	}
	return first.Within(c.From, c.Until) && (c.Until.IsZero() || !d.Until.IsZero() && !d.Until.After(c.Until))
}
