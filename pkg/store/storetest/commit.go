package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

var commitTests = []test{
	{"Commit_FailedConditionsLeaveNothing", conditions},
	{"Commit_SweepStateGuarded", sweepState},
	{"Commit_OneOfManyWritersWins", raceOfWriters},
	{"Commit_OneOfManyRequestsWins", raceOfRequests},
	{"Commit_OneOfManyConsumersWins", raceOfConsumers},
	{"Commit_RequestKeyEnds", requestEnds},
	{"Commit_HundredRecordsAndNoMore", tooMany},
	{"Commit_OfNothing", nothing},
	{"Commit_OfRefusedRequest", refusedRequest},
	{"Commit_SameAgain", sameAgain},
	{"Commit_VisitThatCannotBeKept", misfits},
	{"Contexts_Cancelled", cancelled},
}

// What is decided on a request that is refused writes nothing, and fails with why.
func refusedRequest(t *testing.T, s bench) {
	wrong := fault.New(fault.Invalid, "invalid_request", "wrong", fault.Problem{Where: "/a"})
	err := clinic.Judge(t.Context(), wrong, func(ctx context.Context) error {
		err := s.Commit(ctx, personAt("p1", 1))
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("the commit: %v", err)
		}
		return err
	})
	if f, ok := fault.Public(err); !ok || len(f.Problems) != 1 {
		t.Errorf("refused with %v", err)
	}
	if _, err := s.Person(t.Context(), "p1"); !errors.Is(err, fault.NotFound) {
		t.Errorf("reading what was not to be written: %v", err)
	}
}

// A condition is a commit that must fail with want after those before.
type condition struct {
	name   string
	Before []clinic.Commit
	Commit clinic.Commit
	want   error
}

func visitAt(id string, version int) clinic.Commit {
	v := draft(id)
	v.Version = version
	return clinic.Commit{Visit: &v}
}

func paymentAt(rest string, version int) clinic.Commit {
	p := payment(rest, noon)
	p.Version = version
	return clinic.Commit{Payments: []billing.Payment{p}}
}

func headAt(practice string, version int) clinic.Commit {
	return clinic.Commit{Log: &clinic.LogHead{Practice: practice, Version: version}}
}

func workAt(about string, version int) clinic.Commit {
	w := workItem(about)
	w.Version = version
	return clinic.Commit{Work: []work.Item{w}}
}

func personAt(id string, version int) clinic.Commit {
	p := *personOne()
	p.ID, p.Version = id, version
	return clinic.Commit{Person: &p}
}

func grantAt(person string, version int) clinic.Commit {
	return clinic.Commit{Grants: []identity.Grant{{Practice: practiceID, Patient: patientID, Person: person, Version: version}}}
}

func tokenAt(subject string, version int) clinic.Commit {
	return clinic.Commit{Token: &clinic.Token{Proof: clinic.Proof{Issuer: "i", Subject: subject}, Version: version}}
}

func patientAt(id string, version int) clinic.Commit {
	return clinic.Commit{Patients: []clinic.Patient{{Patient: identity.Patient{ID: id, Practice: practiceID, Version: version}, Sealed: []byte("sealed")}}}
}

func coverageAt(id string, version int) clinic.Commit {
	c := coverageOne(version)
	c.ID = id
	return clinic.Commit{Coverages: []clinic.Coverage{*c}}
}

func payerAt(id string, version int) clinic.Commit {
	return clinic.Commit{Payer: &coverage.Payer{ID: id, Version: version}}
}

func contractAt(id string, version int) clinic.Commit {
	return clinic.Commit{Contract: &billing.Contract{Practice: practiceID, Payer: id, Code: "99421", From: civil.Date(2026, 1, 1), Version: version}}
}

func standingAt(account string, version int) clinic.Commit {
	return clinic.Commit{Standing: &billing.Account{ID: account, Practice: practiceID, Version: version}}
}

func practiceAt(id string, version int) clinic.Commit {
	return clinic.Commit{Practice: &practice.Practice{ID: id, Version: version}}
}

func triedAt(rest string, version int) clinic.Commit {
	return clinic.Commit{Deliveries: []outbox.Delivery{{Event: event(rest), Version: version, Due: noon}}}
}

func fresh(rest string) clinic.Commit { return clinic.Commit{Events: []outbox.Event{event(rest)}} }
func done(rest string) clinic.Commit  { return clinic.Commit{Done: eventID(rest), At: noon} }

// versions are the conditions of records that are guarded by their version.
func versions() []condition {
	var all []condition
	for name, at := range map[string]func(id string, version int) clinic.Commit{
		"visit": visitAt, "payment": paymentAt, "log": headAt, "work": workAt, "person": personAt, "grant": grantAt, "practice": practiceAt,
		"token": tokenAt, "patient": patientAt, "coverage": coverageAt, "payer": payerAt, "contract": contractAt, "standing": standingAt,
	} {
		all = append(all,
			condition{name + " that is new and is there", []clinic.Commit{at(name+"1", 1)}, at(name+"1", 1), clinic.ErrExists},
			condition{name + " that is not there", nil, at(name+"2", 2), clinic.ErrChanged},
			condition{name + " written since", []clinic.Commit{at(name+"3", 1), at(name+"3", 2)}, at(name+"3", 2), clinic.ErrChanged},
			condition{name + " a version too far", []clinic.Commit{at(name+"4", 1)}, at(name+"4", 3), clinic.ErrChanged},
		)
	}
	return all
}

func otherConditions() []condition {
	said := visitAt("said", 1)
	said.Messages = []clinic.Message{{Visit: "said", Seq: 1, Body: []byte("m")}}
	saidAgain := visitAt("said", 2)
	saidAgain.Messages = said.Messages
	diverted := visitAt("diverted", 1)
	diverted.Diverted = []byte("sealed")
	divertedAgain := visitAt("diverted", 2)
	divertedAgain.Diverted = diverted.Diverted
	entries := clinic.Commit{Entries: []ledger.Entry{entry("hold", ledger.Hold, noon)}}
	form := clinic.Commit{Forms: []clinic.Form{{Practice: practiceID, Name: "f", Version: "1", JSON: []byte("{}")}}}
	request := clinic.Commit{Request: &clinic.Request{Key: "k", Ends: noon}}
	return []condition{
		{"delivery of no event", nil, triedAt("t1", 1), clinic.ErrChanged},
		{"later delivery of no event", nil, triedAt("t0", 2), clinic.ErrChanged},
		{"delivery tried since", []clinic.Commit{fresh("t2"), triedAt("t2", 1)}, triedAt("t2", 1), clinic.ErrChanged},
		{"delivery tried since, later", []clinic.Commit{fresh("t3"), triedAt("t3", 1), triedAt("t3", 2)}, triedAt("t3", 2), clinic.ErrChanged},
		{"delivery done since", []clinic.Commit{fresh("t4"), done("t4")}, triedAt("t4", 1), clinic.ErrChanged},
		{"event that is there", []clinic.Commit{fresh("e1")}, fresh("e1"), clinic.ErrExists},
		{"event that was tried", []clinic.Commit{fresh("e2"), triedAt("e2", 1)}, fresh("e2"), clinic.ErrExists},
		{"event that is done", []clinic.Commit{fresh("e3"), done("e3")}, fresh("e3"), clinic.ErrExists},
		{"event done twice", []clinic.Commit{fresh("d1"), done("d1")}, done("d1"), clinic.ErrDone},
		{"no event to be done", nil, done("d2"), clinic.ErrDone},
		{"request seen before", []clinic.Commit{request}, request, clinic.ErrRepeated},
		{"message that is there", []clinic.Commit{said}, saidAgain, clinic.ErrChanged},
		{"diversion that is there", []clinic.Commit{diverted}, divertedAgain, clinic.ErrChanged},
		{"entry that is there", []clinic.Commit{entries}, entries, clinic.ErrChanged},
		{"form version that is there", []clinic.Commit{form}, form, clinic.ErrExists},
	}
}

// conditions breaks each condition in turn, once with the record alone, but for
// the audit record that it needs, and once with others beside it: a caller must
// see no difference.
func conditions(t *testing.T, s bench) {
	for _, test := range append(versions(), otherConditions()...) {
		t.Run(test.name, func(t *testing.T) {
			commit(t, s, test.Before...)
			if err := s.Commit(t.Context(), logged(test.Commit)); !errors.Is(err, test.want) || !errors.Is(err, fault.Conflict) {
				t.Errorf("alone: Commit = %v, want %v", err, test.want)
			}
			beside := test.Commit
			beside.Session = &clinic.Session{Hash: "beside " + test.name, Ends: noon, Version: 1}
			beside = logged(beside)
			beside.Audit = append(beside.Audit, record("beside", test.name, noon))
			if err := s.Commit(t.Context(), beside); !errors.Is(err, test.want) || !errors.Is(err, fault.Conflict) {
				t.Errorf("beside others: Commit = %v, want %v", err, test.want)
			}
			if _, err := s.Session(t.Context(), beside.Session.Hash); !errors.Is(err, fault.NotFound) {
				t.Errorf("the refused commit left its session behind: %v", err)
			}
			if rs, err := s.Trail(t.Context(), test.name, time.Time{}); err != nil || len(rs) > 0 {
				t.Errorf("the refused commit left %d audit records behind: %v", len(rs), err)
			}
		})
	}
}

// sweepState is one row, so its conditions are tried one after another.
func sweepState(t *testing.T, s bench) {
	at := func(version int) error {
		return s.Commit(t.Context(), clinic.Commit{Sweep: &clinic.SweepState{Hour: fmt.Sprint(version), Version: version}})
	}
	for n, step := range []struct {
		version int
		want    error
	}{{2, clinic.ErrChanged}, {1, nil}, {1, clinic.ErrExists}, {3, clinic.ErrChanged}, {2, nil}, {2, clinic.ErrChanged}} {
		if err := at(step.version); !errors.Is(err, step.want) || step.want == nil && err != nil {
			t.Errorf("step %d, to version %d: Commit = %v, want %v", n, step.version, err, step.want)
		}
	}
	got, err := s.SweepState(t.Context())
	same(t, "SweepState", got, err, clinic.SweepState{Hour: "2", Version: 2})
}

const racers = 20

// race runs try at once in many goroutines and returns the one that won; every
// other must have lost with the given error.
func race(t *testing.T, lost error, try func(n int) error) int {
	t.Helper()
	errs := make([]error, racers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for n := range racers {
		wg.Go(func() {
			<-start
			errs[n] = try(n)
		})
	}
	close(start)
	wg.Wait()
	winner := -1
	for n, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = n
		case err == nil:
			t.Fatalf("writers %d and %d both won", winner, n)
		case !errors.Is(err, lost):
			t.Errorf("writer %d lost with %v, want %v", n, err, lost)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	return winner
}

// raceOfWriters runs it with the visit alone, but for the audit record that it
// needs, and with answers beside it.
func raceOfWriters(t *testing.T, s bench) {
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprintf("alone %t", alone), func(t *testing.T) {
			v := draft(fmt.Sprintf("visit-%t", alone))
			commit(t, s, clinic.Commit{Visit: &v})
			won := race(t, clinic.ErrChanged, func(n int) error {
				next := v
				next.Version, next.Reason = 2, visit.Reason(fmt.Sprintf("writer %d of %s", n, v.ID))
				c := clinic.Commit{Visit: &next, Audit: []audit.Record{record(string(next.Reason), v.ID, noon)}}
				if !alone {
					c.Answers = []byte(next.Reason)
				}
				return s.Commit(t.Context(), c)
			})
			want := fmt.Sprintf("writer %d of %s", won, v.ID)
			got, err := s.Load(t.Context(), clinic.Query{Visit: v.ID, Answers: true, Latest: true})
			if err != nil || string(got.Visit.Reason) != want || !alone && string(got.Answers) != want {
				t.Errorf("stored is what %q and %q wrote, %v; want %s", got.Visit.Reason, got.Answers, err, want)
			}
			eventually(t, func() string {
				rs, err := s.Trail(t.Context(), v.ID, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				if len(rs) != 1 || rs[0].ID != want {
					return fmt.Sprintf("audited are %v, want %s alone", rs, want)
				}
				return ""
			})
		})
	}
}

func raceOfRequests(t *testing.T, s bench) {
	won := race(t, clinic.ErrRepeated, func(n int) error {
		v := draft(fmt.Sprint("visit-", n))
		return s.Commit(t.Context(), logged(clinic.Commit{Visit: &v, Request: &clinic.Request{Key: "k", Result: v.ID, Ends: noon}}))
	})
	for n := range racers {
		_, err := s.Visit(t.Context(), fmt.Sprint("visit-", n))
		if stored := err == nil; stored != (n == won) {
			t.Errorf("visit of writer %d stored: %t, and writer %d won", n, stored, won)
		}
	}
}

// requestEnds uses a key again: it is seen until it ends, and free from then on,
// whether or not the engine has removed its row.
func requestEnds(t *testing.T, s bench) {
	at := func(now time.Time) clinic.Request {
		return clinic.Request{Key: "k", Input: "hash", Result: now.String(), Ends: now.Truncate(time.Second).Add(clinic.RequestLife)}
	}
	first, last := at(noon), at(noon.Add(clinic.RequestLife))
	early := at(noon.Add(clinic.RequestLife - time.Second))
	commit(t, s, clinic.Commit{Request: &first})
	if err := s.Commit(t.Context(), clinic.Commit{Request: &early}); !errors.Is(err, clinic.ErrRepeated) {
		t.Errorf("a second before its end: Commit = %v, want %v", err, clinic.ErrRepeated)
	}
	commit(t, s, clinic.Commit{Request: &last})
	got, err := s.Request(t.Context(), "k")
	same(t, "Request", got, err, last)
}

func raceOfConsumers(t *testing.T, s bench) {
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprintf("alone %t", alone), func(t *testing.T) {
			rest := fmt.Sprintf("event-%t", alone)
			commit(t, s, fresh(rest))
			won := race(t, clinic.ErrDone, func(n int) error {
				c := clinic.Commit{Done: eventID(rest), At: noon.Add(time.Duration(n) * time.Second)}
				if !alone {
					c.Audit = []audit.Record{record(fmt.Sprint("consumer ", n), rest, noon)}
				}
				return s.Commit(t.Context(), c)
			})
			d, err := s.Delivery(t.Context(), eventID(rest))
			if want := noon.Add(time.Duration(won) * time.Second); err != nil || !d.Done.Equal(want) {
				t.Errorf("done at %v, %v; want %v", d.Done, err, want)
			}
		})
	}
}

func tooMany(t *testing.T, s bench) {
	many := func(n int, practice string) clinic.Commit {
		var c clinic.Commit
		for i := range n {
			r := record(fmt.Sprintf("record-%03d", i), "", noon)
			r.Practice = practice
			c.Audit = append(c.Audit, r)
		}
		return c
	}
	stored := func(practice string, want int) {
		t.Helper()
		if ls, err := s.Log(t.Context(), practice, "", end, 200); err != nil || len(ls) != want {
			t.Errorf("of %s's records %d are there, %v; want %d", practice, len(ls), err, want)
		}
	}
	commit(t, s, many(100, "full"))
	stored("full", 100)
	if err := s.Commit(t.Context(), many(101, "over")); !errors.Is(err, fault.TooLarge) {
		t.Errorf("Commit of 101 records = %v, want too large", err)
	}
	stored("over", 0)
}

func nothing(t *testing.T, s bench) {
	if err := s.Commit(t.Context(), clinic.Commit{}); err == nil {
		t.Error("a commit of nothing succeeded")
	}
}

// sameAgain commits everything twice: the second finds the first, and reports
// the condition of the first of its records that is there.
func sameAgain(t *testing.T, s bench) {
	c := everything()
	commit(t, s, c)
	if err := s.Commit(t.Context(), c); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("the same commit again = %v, want %v", err, clinic.ErrExists)
	}
	c.Visit.Version = 2
	if err := s.Commit(t.Context(), clinic.Commit{Visit: c.Visit, Audit: c.Audit[:1]}); err == nil || errors.Is(err, fault.Conflict) {
		t.Errorf("a commit whose one conflict is its audit record = %v, want an error of ours", err)
	}
}

// misfits are visits whose row would read back as another's: none is written.
func misfits(t *testing.T, s bench) {
	for name, change := range map[string]func(*visit.Visit){
		"a payment of another visit": func(v *visit.Visit) { v.Payments = []string{"visit-2.quote-1"} },
		"a payment that is not last": func(v *visit.Visit) { v.Payment, v.Payments = "visit-1.a", []string{"visit-1.a", "visit-1.b"} },
		"a payment that is not kept": func(v *visit.Visit) { v.Payment = "visit-1.a" },
		"a document that is no hash": func(v *visit.Visit) { v.Document = "document" },
		"an addendum that is none":   func(v *visit.Visit) { v.Addendum = "addendum" },
	} {
		v := draft("visit-1")
		change(&v)
		if err := s.Commit(t.Context(), logged(clinic.Commit{Visit: &v})); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func cancelled(t *testing.T, s bench) {
	v := draft("visit-1")
	commit(t, s, clinic.Commit{Visit: &v})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithTimeout(t.Context(), 0)
	defer stop()
	for ctx, want := range map[context.Context]error{gone: context.Canceled, late: context.DeadlineExceeded} {
		other := draft("visit-2")
		for name, call := range map[string]func() error{
			"Visit":          func() error { _, err := s.Visit(ctx, v.ID); return err },
			"Load":           func() error { _, err := s.Load(ctx, clinic.Query{Visit: v.ID}); return err },
			"Content":        func() error { _, err := s.Content(ctx, v.ID, true); return err },
			"Mine":           func() error { _, _, err := s.VisitsOfPatient(ctx, patientID, "", 10); return err },
			"DueVisits":      func() error { _, _, err := s.DueVisits(ctx, 0, noon, "", 10); return err },
			"Log":            func() error { _, err := s.Log(ctx, practiceID, "", end, 10); return err },
			"Commit of one":  func() error { return s.Commit(ctx, fresh("event")) },
			"Commit of more": func() error { return s.Commit(ctx, logged(clinic.Commit{Visit: &other, Answers: []byte("a")})) },
		} {
			if err := call(); !errors.Is(err, want) || errors.Is(err, fault.Busy) {
				t.Errorf("%s = %v, want %v and no fault of ours", name, err, want)
			}
		}
	}
	if _, err := s.Visit(t.Context(), "visit-2"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a cancelled commit was carried out: %v", err)
	}
}
