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
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
)

var commitTests = []test{
	{"a condition that fails has its own error and leaves nothing behind", conditions},
	{"one of twenty writers of a visit version wins", raceOfWriters},
	{"one of twenty carriers-out of a request wins", raceOfRequests},
	{"one of twenty consumers of an event wins", raceOfConsumers},
	{"a hundred records are one commit and more are refused", tooMany},
	{"a commit of nothing is refused", nothing},
	{"a cancelled context is what a call says", cancelled},
}

// conditions breaks each condition in turn, once with the record alone and
// once with others beside it: a caller must see no difference.
func conditions(t *testing.T, s clinic.Store) {
	v := func(id string, version int) clinic.Commit {
		v := draft(id)
		v.Version = version
		return clinic.Commit{Visit: &v}
	}
	pay := func(id string, version int) clinic.Commit {
		return clinic.Commit{Payments: []billing.Payment{{ID: id, Version: version}}}
	}
	head := func(practice string, version int) clinic.Commit {
		return clinic.Commit{Log: &clinic.LogHead{Practice: practice, Version: version}}
	}
	tried := func(id string, version int) clinic.Commit {
		return clinic.Commit{Tried: []outbox.Delivery{{Event: event(id), Version: version, Due: noon}}}
	}
	fresh := func(id string) clinic.Commit { return clinic.Commit{Events: []outbox.Event{event(id)}} }
	done := func(id string) clinic.Commit { return clinic.Commit{Done: id, At: noon} }
	message := clinic.Commit{Messages: []clinic.Message{{Visit: "m", Seq: 1, Body: []byte("m")}}}
	entries := clinic.Commit{Entries: []ledger.Entry{entry("hold", ledger.Hold, noon)}}
	form := clinic.Commit{Form: &clinic.StoredForm{Name: "f", Version: "1", JSON: []byte("{}")}}
	request := clinic.Commit{Request: &clinic.Request{Key: "k", Ends: noon}}
	for _, test := range []struct {
		name   string
		before []clinic.Commit
		c      clinic.Commit
		want   error
	}{
		{"a visit that is new and is there", []clinic.Commit{v("v1", 1)}, v("v1", 1), clinic.ErrExists},
		{"a visit that is not there", nil, v("v2", 2), clinic.ErrChanged},
		{"a visit written since", []clinic.Commit{v("v3", 1), v("v3", 2)}, v("v3", 2), clinic.ErrChanged},
		{"a visit a version too far", []clinic.Commit{v("v4", 1)}, v("v4", 3), clinic.ErrChanged},
		{"a payment that is new and is there", []clinic.Commit{pay("p1", 1)}, pay("p1", 1), clinic.ErrExists},
		{"a payment written since", []clinic.Commit{pay("p2", 1), pay("p2", 2)}, pay("p2", 2), clinic.ErrChanged},
		{"a log that is new and is there", []clinic.Commit{head("l1", 1)}, head("l1", 1), clinic.ErrExists},
		{"a log written since", []clinic.Commit{head("l2", 1), head("l2", 2)}, head("l2", 2), clinic.ErrChanged},
		{"a delivery of no event", nil, tried("t1", 1), clinic.ErrChanged},
		{"a delivery tried since", []clinic.Commit{fresh("t2"), tried("t2", 1)}, tried("t2", 1), clinic.ErrChanged},
		{"a delivery tried since, later", []clinic.Commit{fresh("t3"), tried("t3", 1), tried("t3", 2)}, tried("t3", 2), clinic.ErrChanged},
		{"a delivery done since", []clinic.Commit{fresh("t4"), done("t4")}, tried("t4", 1), clinic.ErrChanged},
		{"an event that is there", []clinic.Commit{fresh("e1")}, fresh("e1"), clinic.ErrExists},
		{"an event that was tried", []clinic.Commit{fresh("e2"), tried("e2", 1)}, fresh("e2"), clinic.ErrExists},
		{"an event that is done", []clinic.Commit{fresh("e3"), done("e3")}, fresh("e3"), clinic.ErrExists},
		{"an event done twice", []clinic.Commit{fresh("d1"), done("d1")}, done("d1"), clinic.ErrDone},
		{"no event to be done", nil, done("d2"), clinic.ErrDone},
		{"a request seen before", []clinic.Commit{request}, request, clinic.ErrSeen},
		{"a message that is there", []clinic.Commit{message}, message, clinic.ErrChanged},
		{"an entry that is there", []clinic.Commit{entries}, entries, clinic.ErrChanged},
		{"a form version that is there", []clinic.Commit{form}, form, clinic.ErrExists},
	} {
		t.Run(test.name, func(t *testing.T) {
			commit(t, s, test.before...)
			if err := s.Commit(t.Context(), test.c); !errors.Is(err, test.want) || !errors.Is(err, fault.Conflict) {
				t.Errorf("alone: Commit = %v, want %v", err, test.want)
			}
			beside := test.c
			beside.Patient = &clinic.Patient{ID: "beside " + test.name, Contact: []byte("sealed")}
			beside.Audit = []audit.Record{record("beside", test.name, noon)}
			if err := s.Commit(t.Context(), beside); !errors.Is(err, test.want) || !errors.Is(err, fault.Conflict) {
				t.Errorf("beside others: Commit = %v, want %v", err, test.want)
			}
			if _, err := s.Patient(t.Context(), beside.Patient.ID); !errors.Is(err, fault.NotFound) {
				t.Errorf("the refused commit left its patient behind: %v", err)
			}
			if rs, err := s.Trail(t.Context(), practice, noon, test.name); err != nil || len(rs) > 0 {
				t.Errorf("the refused commit left %d audit records behind: %v", len(rs), err)
			}
		})
	}
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

func raceOfWriters(t *testing.T, s clinic.Store) {
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprintf("visit alone %t", alone), func(t *testing.T) {
			v := draft(fmt.Sprintf("visit-%t", alone))
			commit(t, s, clinic.Commit{Visit: &v})
			won := race(t, clinic.ErrChanged, func(n int) error {
				next := v
				next.Version, next.Reason = 2, fmt.Sprint("writer ", n)
				c := clinic.Commit{Visit: &next}
				if !alone {
					c.Answers = []byte(next.Reason)
					c.Audit = []audit.Record{record(next.Reason, v.ID, noon)}
				}
				return s.Commit(t.Context(), c)
			})
			want := fmt.Sprint("writer ", won)
			got, answers, err := s.Case(t.Context(), v.ID)
			if err != nil || got.Reason != want || !alone && string(answers) != want {
				t.Errorf("stored is what %q and %q wrote, %v; want %s", got.Reason, answers, err, want)
			}
			rs, err := s.Trail(t.Context(), practice, noon, v.ID)
			if err != nil || !alone && (len(rs) != 1 || rs[0].ID != want) {
				t.Errorf("audited are %v, %v; want %s alone", rs, err, want)
			}
		})
	}
}

func raceOfRequests(t *testing.T, s clinic.Store) {
	won := race(t, clinic.ErrSeen, func(n int) error {
		v := draft(fmt.Sprint("visit-", n))
		return s.Commit(t.Context(), clinic.Commit{Visit: &v, Request: &clinic.Request{Key: "k", Result: v.ID, Ends: noon}})
	})
	for n := range racers {
		_, err := s.Visit(t.Context(), fmt.Sprint("visit-", n))
		if stored := err == nil; stored != (n == won) {
			t.Errorf("visit of writer %d stored: %t, and writer %d won", n, stored, won)
		}
	}
}

func raceOfConsumers(t *testing.T, s clinic.Store) {
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprintf("event alone %t", alone), func(t *testing.T) {
			id := fmt.Sprintf("event-%t", alone)
			commit(t, s, clinic.Commit{Events: []outbox.Event{event(id)}})
			won := race(t, clinic.ErrDone, func(n int) error {
				c := clinic.Commit{Done: id, At: noon.Add(time.Duration(n) * time.Second)}
				if !alone {
					c.Audit = []audit.Record{record(fmt.Sprint("consumer ", n), id, noon)}
				}
				return s.Commit(t.Context(), c)
			})
			d, err := s.Delivery(t.Context(), id)
			if want := noon.Add(time.Duration(won) * time.Second); err != nil || !d.Done.Equal(want) {
				t.Errorf("done at %v, %v; want %v", d.Done, err, want)
			}
		})
	}
}

func tooMany(t *testing.T, s clinic.Store) {
	many := func(n int, visit string) clinic.Commit {
		var c clinic.Commit
		for i := range n {
			c.Audit = append(c.Audit, record(fmt.Sprintf("record-%03d", i), visit, noon))
		}
		return c
	}
	commit(t, s, many(100, "full"))
	if rs, err := s.Trail(t.Context(), practice, noon, "full"); err != nil || len(rs) != 100 {
		t.Errorf("of 100 records %d are there, %v", len(rs), err)
	}
	err := s.Commit(t.Context(), many(101, "over"))
	if !errors.Is(err, fault.TooLarge) {
		t.Errorf("Commit of 101 records = %v, want too large", err)
	}
	if rs, err := s.Trail(t.Context(), practice, noon, "over"); err != nil || len(rs) != 0 {
		t.Errorf("%d records of the refused commit are there, %v", len(rs), err)
	}
}

func nothing(t *testing.T, s clinic.Store) {
	if err := s.Commit(t.Context(), clinic.Commit{}); err == nil {
		t.Error("a commit of nothing succeeded")
	}
}

func cancelled(t *testing.T, s clinic.Store) {
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
			"Case":           func() error { _, _, err := s.Case(ctx, v.ID); return err },
			"Messages":       func() error { _, err := s.Messages(ctx, v.ID, 0); return err },
			"Mine":           func() error { _, _, err := s.Mine(ctx, patient, "", 10); return err },
			"Due":            func() error { _, _, err := s.Due(ctx, noon, 10); return err },
			"Commit of one":  func() error { return s.Commit(ctx, clinic.Commit{Visit: &other}) },
			"Commit of more": func() error { return s.Commit(ctx, clinic.Commit{Visit: &other, Answers: []byte("a")}) },
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
