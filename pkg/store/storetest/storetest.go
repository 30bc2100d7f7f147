// Package storetest is what the kernel and the rooms rely on in a store, written
// as tests: the contract of clinic.Store and of every room's Reads. It is run
// against every engine that the store is said to work on, and knows nothing of
// the engine, of keys or of rows.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/author"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/deadline"
	"evisit/pkg/clinic/desk"
	"evisit/pkg/clinic/notify"
	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/request"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/clinic/verify"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// A Store is all that the kernel and the rooms read and write.
type Store interface {
	clinic.Store
	author.Reads
	charge.Reads
	chart.Reads
	deadline.Reads
	desk.Reads
	notify.Reads
	office.Reads
	registrar.Reads
	request.Reads
	sweep.Reads
	verify.Reads
}

// Run tests the stores that open returns, whose due index has that many shards.
// Each test gets a new and empty one, and all of them run in parallel.
func Run(t *testing.T, shards int, open func(t *testing.T) Store) {
	t.Helper()
	for _, tests := range [][]test{recordTests, peopleTests, practiceTests, lifeTests, commitTests, auditTests, verifyTests, listingTests, deliveryTests, membershipTests, bookTests, balanceTests} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(t, bench{open(t), shards})
			})
		}
	}
}

type test struct {
	name string
	run  func(*testing.T, bench)
}

// A bench is the store under test.
type bench struct {
	Store
	shards int // of the due index
}

// noon is when everything in these tests begins. Stored times keep
// milliseconds, requests seconds.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 123_000_000, time.UTC)

const (
	practiceID = "practice-1"
	patientID  = "patient-1"
)

func draft(id string) visit.Visit {
	return visit.Start(id, practiceID, patientID, "person-1", visit.Form{Name: "uti", Version: "1.0.0", Class: "evisit"}, noon)
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

// eventID is the id of an event that the API puts at noon.
func eventID(rest string) string { return outbox.NewID(outbox.ByAPI, noon, rest) }

func event(rest string) outbox.Event {
	return outbox.Event{
		ID: eventID(rest), Kind: outbox.Capture, To: outbox.Charge, Practice: practiceID, Visit: "visit-1",
		Patient: patientID, Payment: "visit-1.quote-1", Account: "acct_1", Object: "pi_1", At: noon,
	}
}

// record is an audit record with something in every member but Rows, which the
// store fills in.
func record(id, visit string, at time.Time) audit.Record {
	return audit.Record{
		ID: id, Practice: practiceID, At: at, Action: "visit.read", Visit: visit, Resource: "document", Version: 3,
		Actor:    audit.Actor{ID: "person-1", Role: "patient", Name: "Robin Vale, NP", OnBehalf: patientID, IP: "192.0.2.1"},
		Accepted: &audit.Acceptance{Quote: "quote-1", Amount: 4000, Consent: "2026-01", ConsentHash: "hash", Language: "en", UserAgent: "test"},
	}
}

// records numbers the audit records that logged makes.
var records atomic.Int64

// logged returns c with an audit record of each practice whose log covers
// something in c, unless c has records already.
func logged(c clinic.Commit) clinic.Commit {
	if len(c.Audit) > 0 {
		return c
	}
	for _, practice := range covering(c) {
		r := audit.Record{ID: fmt.Sprintf("logged-%06d", records.Add(1)), Practice: practice, At: noon, Action: "test"}
		c.Audit = append(c.Audit, r)
	}
	return c
}

// covering lists the practices whose log covers something in c.
func covering(c clinic.Commit) []string {
	var all []string
	if c.Visit != nil {
		all = append(all, c.Visit.Practice)
	}
	for _, p := range c.Payments {
		all = append(all, p.Practice)
	}
	for _, e := range c.Entries {
		all = append(all, e.Practice)
	}
	for _, w := range c.Work {
		all = append(all, w.Practice)
	}
	for _, m := range c.Memberships {
		all = append(all, m.Practice)
	}
	for _, n := range c.Counts {
		all = append(all, n.Practice)
	}
	for _, b := range c.Bills {
		all = append(all, b.Practice)
	}
	for _, g := range c.Grants {
		all = append(all, g.Practice)
	}
	for _, f := range c.Forms {
		all = append(all, f.Practice)
	}
	if c.Closing != nil {
		all = append(all, c.Closing.Practice)
	}
	if c.Balance != nil {
		all = append(all, c.Balance.Practice)
	}
	if c.Practice != nil {
		all = append(all, c.Practice.ID)
	}
	if c.Person != nil {
		all = append(all, c.Person.Practice)
	}
	for _, p := range c.Patients {
		all = append(all, p.Practice)
	}
	if c.Import != nil {
		all = append(all, c.Import.Practice)
	}
	if c.MarkKey != nil {
		all = append(all, c.MarkKey.Practice)
	}
	if c.Invitation != nil {
		all = append(all, c.Invitation.Practice)
	}
	for _, v := range c.Coverages {
		all = append(all, v.Practice)
	}
	if c.Opened != nil {
		all = append(all, c.Opened.Practice)
	}
	if c.Contract != nil {
		all = append(all, c.Contract.Practice)
	}
	if c.Outcome != nil {
		all = append(all, c.Outcome.Practice)
	}
	if c.Progress != nil {
		all = append(all, c.Progress.Practice)
	}
	if c.Payout != nil {
		all = append(all, c.Payout.Practice)
	}
	if c.Standing != nil {
		all = append(all, c.Standing.Practice)
	}
	if c.Token != nil || c.Payer != nil {
		all = append(all, audit.Platform)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// commit commits each of cs, with the audit records that it needs.
func commit(t *testing.T, s Store, cs ...clinic.Commit) {
	t.Helper()
	for _, c := range cs {
		if err := s.Commit(t.Context(), logged(c)); err != nil {
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
