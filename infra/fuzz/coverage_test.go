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
	first map[string]int            // operation → how many had been asked when one first succeeded
	sent  int
	codes map[string]map[string]int // operation → codes of refusal
}

func newCoverage() *coverage {
	return &coverage{asked: map[string]map[string]int{}, done: map[string]int{}, first: map[string]int{}, codes: map[string]map[string]int{}}
}

func (c *coverage) count(op, status string, answered int, code string) {
	if c.asked[op] == nil {
		c.asked[op], c.codes[op] = map[string]int{}, map[string]int{}
	}
	c.asked[op][status]++
	c.sent++
	if answered < 400 {
		if c.done[op]++; c.done[op] == 1 {
			c.first[op] = c.sent
		}
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
	refusals, possible := 0, 0
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
	fmt.Fprintf(&b, "%d requests, %d pairs of an operation or page and a visit's status, %d of %d documented refusals\n", c.sent, c.pairs(), refusals, possible)
	fmt.Fprintf(&b, "  last to succeed: %s\n", strings.Join(c.latest(), ", "))
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

// seldom are operations that need what a run may not come to: an event that was given up, a
// patient who must be called.
var seldom = []string{"resumeWork", "giveNumber"}

// latest are the operations that took longest to succeed, with how many requests there had been.
func (c *coverage) latest() (ops []string) {
	for _, e := range httpapi.Endpoints() {
		if c.first[e.ID] > 0 {
			ops = append(ops, fmt.Sprintf("%s %d", e.ID, c.first[e.ID]))
		}
	}
	slices.SortFunc(ops, func(a, b string) int {
		a, b = a[:strings.Index(a, " ")], b[:strings.Index(b, " ")]
		return c.first[b] - c.first[a]
	})
	return ops[:min(len(ops), 8)]
}

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
	for _, op := range c.never() {
		t.Errorf("%s never succeeded; it was refused with %v", op, c.codes[op])
	}
	const least = 120
	if c.pairs() < least {
		t.Errorf("%d pairs of an operation and a visit's status were asked, want %d", c.pairs(), least)
	}
}
