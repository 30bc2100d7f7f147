package fuzz

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"evisit/pkg/httpapi"
)

// A coverage counts what was asked: by operation and the status that the visit had,
// and what came of it.
type coverage struct {
	asked map[string]map[string]int // operation → status of the visit → requests
	done  map[string]int            // operation → requests that succeeded
	codes map[string]map[string]int // operation → codes of refusal
}

func newCoverage() *coverage {
	return &coverage{map[string]map[string]int{}, map[string]int{}, map[string]map[string]int{}}
}

func (c *coverage) count(op, status string, answered int, code string) {
	if c.asked[op] == nil {
		c.asked[op], c.codes[op] = map[string]int{}, map[string]int{}
	}
	c.asked[op][status]++
	if answered < 400 {
		c.done[op]++
	}
	if code != "" {
		c.codes[op][code]++
	}
}

// pairs is how many pairs of an operation and a visit's status were asked.
func (c *coverage) pairs() (n int) {
	for _, by := range c.asked {
		for status := range by {
			if status != "none" {
				n++
			}
		}
	}
	return n
}

func (c *coverage) String() string {
	var b strings.Builder
	total, refusals, possible := 0, 0, 0
	for _, by := range c.asked {
		for _, n := range by {
			total += n
		}
	}
	var missed []string
	for _, e := range httpapi.Endpoints() {
		for _, r := range e.AllRefusals() {
			if r.Status >= 500 {
				continue
			}
			possible++
			if c.codes[e.ID][r.Code] > 0 {
				refusals++
			} else {
				missed = append(missed, e.ID+" "+r.Code)
			}
		}
	}
	fmt.Fprintf(&b, "%d requests, %d pairs of an operation or page and a visit's status, %d of %d documented refusals\n", total, c.pairs(), refusals, possible)
	for _, op := range slices.Sorted(maps.Keys(c.asked)) {
		fmt.Fprintf(&b, "  %-40s %6d succeeded of:", op, c.done[op])
		for _, status := range slices.Sorted(maps.Keys(c.asked[op])) {
			fmt.Fprintf(&b, " %s %d", status, c.asked[op][status])
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  never refused with: %s\n", strings.Join(missed, ", "))
	return b.String()
}

// seldom are operations that need what a run may not come to: a membership that is paid,
// because the proof at its end reads the money of visits alone, an event that was given
// up, a patient who must be called.
var seldom = []string{"resumeWork", "giveNumber", "cancelMembership", "resumeMembership"}

// never lists the operations that have not succeeded yet.
func (c *coverage) never() (ops []string) {
	for _, e := range httpapi.Endpoints() {
		if c.done[e.ID] == 0 && !slices.Contains(seldom, e.ID) {
			ops = append(ops, e.ID)
		}
	}
	return ops
}

// reached fails the test where an operation never succeeded, or few were asked of a
// visit in each status: the run would then prove little.
func (c *coverage) reached(t *testing.T) {
	t.Helper()
	if ops := c.never(); len(ops) > 0 {
		t.Errorf("never succeeded: %q", ops)
	}
	const least = 120
	if c.pairs() < least {
		t.Errorf("%d pairs of an operation and a visit's status were asked, want %d", c.pairs(), least)
	}
}
