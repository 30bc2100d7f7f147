// Package fuzz asks the whole system anything, as anyone, and holds each reply to
// what the OpenAPI document says. The requests are made of the document's own
// examples and of the pages' own forms, mutated under a seed; some of them walk
// visits forward, so that every status is asked about. The system is the one that
// make run starts, each function under its policy in template.yaml.
package fuzz

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

const (
	fewRequests = 2_500
	perRun      = 25_000 // with more requests there are more runs, each of a system of its own

	mostFindings = 25 // after which a run gives up
)

// No request has a reply that the document does not describe: a 5xx, a status or
// body of another operation, a missing header, over 6 MB, or a word of a patient
// whom the caller may not read. A failure names the seed and prints the request as
// a curl; FUZZ_SEED repeats it, as far as the system's own ids and timing allow.
// FUZZ_REQUESTS says how many requests there are, under seeds of their own.
func TestRoutes_AnyRequestIsAnsweredAsDescribed(t *testing.T) {
	t.Parallel()
	requests, seed := int(number(t, "FUZZ_REQUESTS", fewRequests)), uint64(1)
	if requests != fewRequests {
		seed = uint64(time.Now().UnixNano())
	}
	seed = number(t, "FUZZ_SEED", seed)
	runs := max(1, requests/perRun)
	for n := range runs {
		seed := seed + uint64(n)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rand.New(rand.NewPCG(seed, 0)))
			w.join()
			most, late := requests/runs, false
			for (w.sent < most || w.sent < 4*most && len(w.seen.never()) > 0) && len(w.found) < mostFindings {
				w.step()
				if never := w.seen.never(); w.sent >= most && len(never) > 0 {
					w.meets(oneOf(w, never...))
				}
				if !late && w.sent >= most/2 {
					late = true
					w.pass(3 * 24 * time.Hour) // requests expire, which jumps of the clock may not have come to
				}
			}
			w.settle()
			for _, f := range w.found {
				t.Errorf("FUZZ_SEED=%d, request %d: %s", seed, f.request, f.text)
			}
			t.Log(w.seen)
			if requests >= fewRequests {
				w.seen.reached(t)
			}
		})
	}
}

// number reads a setting; it is what it is otherwise where it is not given.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	given := os.Getenv(name)
	if given == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
