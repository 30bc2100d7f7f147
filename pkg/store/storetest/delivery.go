package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

var deliveryTests = []test{
	{"a delivery lives from armed through failures to parked", deliveryLife},
	{"a delivery done is waited for no more, whatever came before", deliveryDone},
	{"parked deliveries are listed by practice", parkedByPractice},
	{"what is due is listed from its time on, visits and deliveries alike", due},
	{"a limit bounds what each look at the due takes", dueLimit},
	{"a visit that ended is not due", dueIsSparse},
}

func deliveryLife(t *testing.T, s clinic.Store) {
	commit(t, s, clinic.Commit{Events: []outbox.Event{event("event-1")}})
	want := outbox.Delivery{Event: event("event-1"), Armed: true}
	stored := func() {
		t.Helper()
		got, err := s.Delivery(t.Context(), "event-1")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("Delivery: %v (-want +got):\n%s", err, diff)
		}
	}
	stored()
	now := noon
	for n := 0; !want.Parked; n++ {
		if n > outbox.MaxTries {
			t.Fatalf("after %d failures the delivery is not parked", n)
		}
		want = want.Failed(now, n%2 == 0, "card_declined")
		commit(t, s, clinic.Commit{Tried: []outbox.Delivery{want}})
		stored()
		if want.Parked {
			break
		}
		if want.Armed || !want.Due.After(now) {
			t.Fatalf("after a failure: armed %t, due %v at %v", want.Armed, want.Due, now)
		}
		isDue(t, s, want.Due.Add(-time.Millisecond), nil)
		isDue(t, s, want.Due, []string{"event-1"})
		now = want.Due
		want = want.Rearmed(now)
		commit(t, s, clinic.Commit{Tried: []outbox.Delivery{want}})
		stored()
		isDue(t, s, now, nil)
		isDue(t, s, want.Due, []string{"event-1"})
	}
	isDue(t, s, now.Add(1000*time.Hour), nil)
	isParked(t, s, practice, []string{"event-1"})
}

// isDue waits until just these deliveries, and no visits, are due.
func isDue(t *testing.T, s clinic.Store, now time.Time, want []string) {
	t.Helper()
	eventually(t, func() string {
		vs, ds, err := s.Due(t.Context(), now, 1000)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(ds)
		return cmp.Diff(want, ds) + cmp.Diff([]string(nil), vs)
	})
}

func isParked(t *testing.T, s clinic.Store, practice string, want []string) {
	t.Helper()
	eventually(t, func() string {
		ds, err := s.Parked(t.Context(), practice)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range ds {
			if !d.Parked || d.Armed || d.Note != "card_declined" {
				t.Fatalf("listed as parked: %+v", d)
			}
			got = append(got, d.ID)
		}
		slices.Sort(got)
		return cmp.Diff(want, got)
	})
}

func deliveryDone(t *testing.T, s clinic.Store) {
	failed := func(d outbox.Delivery) outbox.Delivery { return d.Failed(noon, true, "card_declined") }
	for _, test := range []struct {
		name  string
		steps []func(outbox.Delivery) outbox.Delivery
	}{
		{"fresh", nil},
		{"failed", []func(outbox.Delivery) outbox.Delivery{failed}},
		{"rearmed", []func(outbox.Delivery) outbox.Delivery{failed, func(d outbox.Delivery) outbox.Delivery { return d.Rearmed(noon) }}},
		{"parked", []func(outbox.Delivery) outbox.Delivery{func(d outbox.Delivery) outbox.Delivery { return d.Park("card_declined") }}},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := "event-" + test.name
			commit(t, s, clinic.Commit{Events: []outbox.Event{event(id)}})
			d := outbox.Delivery{Event: event(id), Armed: true}
			for _, step := range test.steps {
				d = step(d)
				commit(t, s, clinic.Commit{Tried: []outbox.Delivery{d}})
			}
			at := noon.Add(time.Hour)
			commit(t, s, clinic.Commit{Done: id, At: at})
			got, err := s.Delivery(t.Context(), id)
			want := outbox.Delivery{Event: event(id), Attempt: d.Attempt, Tries: d.Tries, Note: d.Note, Version: d.Version, Done: at}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("Delivery: %v (-want +got):\n%s", err, diff)
			}
			if err := s.Commit(t.Context(), clinic.Commit{Tried: []outbox.Delivery{d.Rearmed(at)}}); !errors.Is(err, clinic.ErrChanged) {
				t.Errorf("arming what is done = %v, want %v", err, clinic.ErrChanged)
			}
			isDue(t, s, noon.Add(1000*time.Hour), nil)
			isParked(t, s, practice, nil)
		})
	}
}

func parkedByPractice(t *testing.T, s clinic.Store) {
	for _, where := range []string{practice, "practice-2", ""} {
		for n := range 3 {
			e := event(fmt.Sprintf("event-%s-%d", where, n))
			e.Practice = where
			d := outbox.Delivery{Event: e, Armed: true}
			commit(t, s, clinic.Commit{Events: []outbox.Event{e}}, clinic.Commit{Tried: []outbox.Delivery{d.Park("card_declined")}})
		}
	}
	isParked(t, s, practice, []string{"event-practice-1-0", "event-practice-1-1", "event-practice-1-2"})
	isParked(t, s, "", []string{"event--0", "event--1", "event--2"})
	isParked(t, s, "practice-3", nil)
}

func due(t *testing.T, s clinic.Store) {
	const each = 40 // enough to be spread over every shard
	var c clinic.Commit
	var visits, deliveries []string
	for n := range each {
		v := queued(fmt.Sprintf("visit-%02d", n), noon.Add(time.Duration(n%2)*time.Hour))
		commit(t, s, clinic.Commit{Visit: &v})
		e := event(fmt.Sprintf("event-%02d", n))
		commit(t, s, clinic.Commit{Events: []outbox.Event{e}})
		c.Tried = append(c.Tried, outbox.Delivery{Event: e, Due: v.Promise.By, Version: 1})
		visits, deliveries = append(visits, v.ID), append(deliveries, e.ID)
	}
	commit(t, s, c)
	even := func(all []string) []string {
		var out []string
		for n := 0; n < len(all); n += 2 {
			out = append(out, all[n])
		}
		return out
	}
	for _, test := range []struct {
		now                time.Time
		visits, deliveries []string
	}{
		{noon.Add(-time.Millisecond), nil, nil},
		{noon, even(visits), even(deliveries)},
		{noon.Add(time.Hour - time.Millisecond), even(visits), even(deliveries)},
		{noon.Add(time.Hour), visits, deliveries},
		{noon.Add(1000 * time.Hour), visits, deliveries},
	} {
		eventually(t, func() string {
			vs, ds, err := s.Due(t.Context(), test.now, 1000)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(vs)
			slices.Sort(ds)
			return cmp.Diff(test.visits, vs) + cmp.Diff(test.deliveries, ds)
		})
	}
}

// dueLimit takes up what is due a little at a time: a bound that always
// returned the same rows, or starved some, would never come to an end.
func dueLimit(t *testing.T, s clinic.Store) {
	const all = 60
	left := map[string]bool{}
	for n := range all {
		v := queued(fmt.Sprintf("visit-%02d", n), noon)
		commit(t, s, clinic.Commit{Visit: &v})
		left[v.ID] = true
	}
	for look := 0; len(left) > 0; look++ {
		if look > 20*all {
			t.Fatalf("%d visits are never taken up", len(left))
		}
		vs, _, err := s.Due(t.Context(), noon, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(vs) >= all/2 {
			t.Fatalf("a look limited to 1 took up %d", len(vs))
		}
		for _, id := range vs {
			if !left[id] {
				continue // the index lags behind its end
			}
			delete(left, id)
			v := over(queued(id, noon), visit.Expired)
			commit(t, s, clinic.Commit{Visit: &v})
		}
	}
}

func dueIsSparse(t *testing.T, s clinic.Store) {
	v := queued("visit-1", noon)
	commit(t, s, clinic.Commit{Visit: &v})
	is := func(want []string) {
		t.Helper()
		eventually(t, func() string {
			vs, _, err := s.Due(t.Context(), noon.Add(1000*time.Hour), 10)
			if err != nil {
				t.Fatal(err)
			}
			return cmp.Diff(want, vs)
		})
	}
	is([]string{"visit-1"})
	v = over(v, visit.Cancelled)
	commit(t, s, clinic.Commit{Visit: &v})
	is(nil)
}
