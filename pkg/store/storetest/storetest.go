// Package storetest is the contract of clinic.Store written as tests, to be
// run against every engine the store is said to work on. It knows nothing of
// the engine: what it asserts, a clinic may rely on.
package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/visit"
)

// Run tests the stores that open returns. Each test gets a new and empty one,
// and all of them run in parallel.
func Run(t *testing.T, open func(t *testing.T) clinic.Store) {
	t.Helper()
	for _, tests := range [][]test{recordTests, lifeTests, commitTests, listingTests, deliveryTests} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(t, open(t))
			})
		}
	}
}

type test struct {
	name string
	run  func(*testing.T, clinic.Store)
}

// noon is when everything in these tests begins. Stored times keep
// milliseconds, requests seconds.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 123_000_000, time.UTC)

const (
	practice = "practice-1"
	patient  = "patient-1"
)

func draft(id string) visit.Visit {
	return visit.Start(id, practice, patient, "person-1", visit.Form{Name: "uti", Version: "1.0.0", Class: "evisit"}, noon)
}

// queued is a new visit promised an answer by then, four hours after it was
// queued.
func queued(id string, by time.Time) visit.Visit {
	v := draft(id)
	v.Status, v.State = visit.Queued, "CA"
	v.Times.Queued = by.Add(-4 * time.Hour)
	v.Promise, v.Wake = visit.Promise{By: by, Ends: by.Add(24 * time.Hour)}, by
	return v
}

// over is the next version of v, ended.
func over(v visit.Visit, s visit.Status) visit.Visit {
	v.Version, v.Status, v.Wake = v.Version+1, s, time.Time{}
	return v
}

func commit(t *testing.T, s clinic.Store, cs ...clinic.Commit) {
	t.Helper()
	for _, c := range cs {
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatalf("Commit: %v%s", err, hidden(err))
		}
	}
}

// hidden is the cause that a fault keeps from users.
func hidden(err error) string {
	if f, ok := fault.Public(err); ok {
		return fmt.Sprintf(" (%v)", f.Unwrap())
	}
	return ""
}

// eventually waits until check finds nothing wrong: listings may lag behind
// the commits they show.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		wrong := check()
		if wrong == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(wrong)
		case <-tick.C:
		}
	}
}
