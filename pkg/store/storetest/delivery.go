package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

var deliveryTests = []test{
	{"Delivery_FromArmedThroughFailuresToParked", deliveryLife},
	{"Delivery_DoneWhateverCameBefore", deliveryDone},
	{"Delivery_ParkedIsArmedAgain", deliveryResumed},
	{"Delivery_SentIsKept", deliverySent},
	{"Reread_EventAndVisit", reread},
	{"Undelivered_ByBucketUntilAnyWordOfIt", undelivered},
	{"DueEvents_LeaseWithoutAnyWord", lease},
	{"Due_FromItsTimeOn", due},
	{"Due_PagesGoPastWhatStays", duePages},
	{"Due_PagesWhileRowsLeave", dueLeaving},
	{"DueVisits_NoneThatEnded", dueIsSparse},
}

// A dueList is DueVisits or DueEvents.
type dueList func(ctx context.Context, shard int, now time.Time, cursor string, limit int) ([]string, string, error)

// dueAt lists what of every shard is due, limit at a time, in the order of ids.
func (s bench) dueAt(t *testing.T, list dueList, now time.Time, limit int) []string {
	t.Helper()
	var all []string
	for shard := range s.shards {
		for cursor := ""; ; {
			ids, next, err := list(t.Context(), shard, now, cursor, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(ids) > limit {
				t.Fatalf("a page of %d has %d", limit, len(ids))
			}
			if next != "" && next == cursor {
				t.Fatalf("shard %d does not go on from %q", shard, cursor)
			}
			all = append(all, ids...)
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	slices.Sort(all)
	return all
}

// isDue waits until just these events, and no visits, are due.
func (s bench) isDue(t *testing.T, now time.Time, want ...string) {
	t.Helper()
	eventually(t, func() string {
		return cmp.Diff(want, s.dueAt(t, s.DueEvents, now, 1000)) + cmp.Diff([]string(nil), s.dueAt(t, s.DueVisits, now, 1000))
	})
}

func (s bench) isLost(t *testing.T, b outbox.Bucket, want ...string) {
	t.Helper()
	got, err := s.Undelivered(t.Context(), b)
	slices.Sort(got)
	same(t, "Undelivered of "+string(b), got, err, want)
}

func deliveryLife(t *testing.T, s bench) {
	commit(t, s, fresh("event-1"))
	id, bucket := eventID("event-1"), outbox.BucketOf(noon)
	want := outbox.Delivery{Event: event("event-1"), Armed: true}
	stored := func() {
		t.Helper()
		got, err := s.Delivery(t.Context(), id)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("Delivery: %v (-want +got):\n%s", err, diff)
		}
	}
	stored()
	s.isLost(t, bucket, id)
	now := noon
	for n := 0; !want.Parked; n++ {
		if n > outbox.MaxTries {
			t.Fatalf("after %d failures the delivery is not parked", n)
		}
		want = want.Failed(now, n%2 == 0, "card_declined")
		commit(t, s, clinic.Commit{Deliveries: []outbox.Delivery{want}})
		stored()
		if want.Parked {
			break
		}
		s.isDue(t, want.Due.Add(-time.Millisecond))
		s.isDue(t, want.Due, id)
		now = want.Due
		want = want.Rearmed(now)
		commit(t, s, clinic.Commit{Deliveries: []outbox.Delivery{want}})
		stored()
		s.isDue(t, now)
		s.isDue(t, want.Due, id)
		s.isLost(t, bucket)
	}
	s.isDue(t, now.Add(1000*time.Hour))
	s.isLost(t, bucket)
}

func deliveryDone(t *testing.T, s bench) {
	failed := func(d outbox.Delivery) outbox.Delivery { return d.Failed(noon, true, "card_declined") }
	rearmed := func(d outbox.Delivery) outbox.Delivery { return d.Rearmed(noon) }
	parked := func(d outbox.Delivery) outbox.Delivery { return d.Park("card_declined") }
	for name, steps := range map[string][]func(outbox.Delivery) outbox.Delivery{
		"fresh": nil, "failed": {failed}, "rearmed": {failed, rearmed}, "parked": {parked},
	} {
		t.Run(name, func(t *testing.T) {
			commit(t, s, fresh(name))
			d := outbox.Delivery{Event: event(name), Armed: true}
			for _, step := range steps {
				d = step(d)
				commit(t, s, clinic.Commit{Deliveries: []outbox.Delivery{d}})
			}
			at := noon.Add(time.Hour)
			commit(t, s, clinic.Commit{Done: d.ID, At: at})
			got, err := s.Delivery(t.Context(), d.ID)
			same(t, "Delivery", got, err, outbox.Delivery{
				Event: event(name), Attempt: d.Attempt, Tries: d.Tries, Note: d.Note, Version: d.Version, Done: at,
			})
			if err := s.Commit(t.Context(), clinic.Commit{Deliveries: []outbox.Delivery{d.Rearmed(at)}}); !errors.Is(err, clinic.ErrChanged) {
				t.Errorf("arming what is done = %v, want %v", err, clinic.ErrChanged)
			}
			s.isDue(t, noon.Add(1000*time.Hour))
			s.isLost(t, outbox.BucketOf(noon))
		})
	}
}

// deliveryResumed arms a parked event again, as a person may have it done.
func deliveryResumed(t *testing.T, s bench) {
	commit(t, s, fresh("event-1"))
	d := outbox.Delivery{Event: event("event-1"), Armed: true}.Park("card_declined")
	commit(t, s, clinic.Commit{Deliveries: []outbox.Delivery{d}})
	d = d.Resumed(noon)
	commit(t, s, clinic.Commit{Deliveries: []outbox.Delivery{d}})
	got, err := s.Delivery(t.Context(), d.ID)
	same(t, "Delivery", got, err, d)
	s.isDue(t, d.Due, d.ID)
	stale := outbox.Delivery{Event: event("event-1"), Armed: true}.Failed(noon, false, "timeout")
	if err := s.Commit(t.Context(), clinic.Commit{Deliveries: []outbox.Delivery{stale}}); !errors.Is(err, clinic.ErrChanged) {
		t.Errorf("the outcome of a delivery before = %v, want %v", err, clinic.ErrChanged)
	}
}

// deliverySent stores whose letter was sent, which what follows leaves.
func deliverySent(t *testing.T, s bench) {
	commit(t, s, fresh("event-1"))
	d := outbox.Delivery{Event: event("event-1"), Armed: true}
	d.Sent = outbox.ToPatient
	for _, step := range []func(outbox.Delivery) outbox.Delivery{
		func(d outbox.Delivery) outbox.Delivery { return d.Failed(noon, false, "timeout") },
		func(d outbox.Delivery) outbox.Delivery { return d.Rearmed(noon) },
		func(d outbox.Delivery) outbox.Delivery { return d.Park("timeout") },
		func(d outbox.Delivery) outbox.Delivery { return d.Resumed(noon) },
	} {
		d = step(d)
		commit(t, s, clinic.Commit{Deliveries: []outbox.Delivery{d}})
		got, err := s.Delivery(t.Context(), d.ID)
		same(t, "Delivery", got, err, d)
	}
}

// reread reads an event and a visit, each of which may be there or not.
func reread(t *testing.T, s bench) {
	d := outbox.Delivery{Event: event("event-1"), Armed: true}
	v := visit.Start("visit-1", practiceID, patientID, patientID, visit.Form{Name: "uti"}, noon)
	commit(t, s, fresh("event-1"), logged(clinic.Commit{Visit: &v}))
	for _, test := range []struct {
		event, of string
		d         outbox.Delivery
		v         visit.Visit
	}{
		{d.ID, v.ID, d, v}, {d.ID, "", d, visit.Visit{}}, {eventID("none"), v.ID, outbox.Delivery{}, v}, {d.ID, "none", d, visit.Visit{}},
	} {
		eventually(t, func() string {
			var diff string
			for _, consistent := range []bool{true, false} {
				got, of, err := s.Reread(t.Context(), test.event, test.of, consistent)
				if err != nil {
					t.Fatal(err)
				}
				diff += cmp.Diff(test.d, got) + cmp.Diff(test.v, of)
			}
			return diff
		})
	}
	if _, _, err := s.Reread(t.Context(), "no event", "", true); !errors.Is(err, fault.NotFound) {
		t.Errorf("Reread of what is no event's id = %v", err)
	}
}

// undelivered puts events of every writer into three buckets. An event is
// undelivered while it is neither done nor failed nor parked.
func undelivered(t *testing.T, s bench) {
	times := []time.Time{noon, noon.Add(10 * time.Minute), noon.Add(20 * time.Minute)}
	want := make([][]string, len(times))
	for n, at := range times {
		for _, by := range outbox.Writers {
			var ds []outbox.Delivery
			for i := range 6 {
				e := event("")
				e.ID = outbox.NewID(by, at, fmt.Sprint("event-", i))
				ds = append(ds, outbox.Delivery{Event: e, Armed: true})
				commit(t, s, clinic.Commit{Events: []outbox.Event{e}})
			}
			commit(t, s,
				clinic.Commit{Done: ds[0].ID, At: at},
				clinic.Commit{Deliveries: []outbox.Delivery{ds[1].Failed(at, false, "timeout"), ds[2].Park("card_declined")}},
			)
			for _, d := range ds[3:] {
				want[n] = append(want[n], d.ID)
			}
		}
		slices.Sort(want[n])
	}
	for n, at := range times {
		s.isLost(t, outbox.BucketOf(at), want[n]...)
	}
	s.isLost(t, outbox.BucketOf(noon.Add(-time.Minute)))
}

// lease puts an event that is due by itself: it needs no sweep of its bucket,
// and is due no more once it is done.
func lease(t *testing.T, s bench) {
	e := event("leased")
	e.Lease = noon.Add(10 * time.Minute)
	commit(t, s, clinic.Commit{Events: []outbox.Event{e}})
	got, err := s.Delivery(t.Context(), e.ID)
	want := outbox.Delivery{Event: e, Armed: true, Due: e.Lease}
	want.Lease = time.Time{}
	same(t, "Delivery", got, err, want)
	s.isLost(t, outbox.BucketOf(noon))
	s.isDue(t, e.Lease.Add(-time.Millisecond))
	s.isDue(t, e.Lease, e.ID)
	rearmed := want.Rearmed(e.Lease)
	commit(t, s, clinic.Commit{Deliveries: []outbox.Delivery{rearmed}})
	s.isDue(t, e.Lease)
	s.isDue(t, rearmed.Due, e.ID)
	commit(t, s, clinic.Commit{Done: e.ID, At: rearmed.Due})
	s.isDue(t, noon.Add(1000*time.Hour))
}

// manyDue commits visits and events, enough to be in every shard: the even ones
// due at noon, the odd an hour later.
func manyDue(t *testing.T, s bench, each int) (visits, events []string) {
	t.Helper()
	var c clinic.Commit
	for n := range each {
		v := queued(fmt.Sprintf("visit-%02d", n), noon.Add(time.Duration(n%2)*time.Hour))
		e := event(fmt.Sprintf("event-%02d", n))
		commit(t, s, clinic.Commit{Visit: &v, Events: []outbox.Event{e}})
		c.Deliveries = append(c.Deliveries, outbox.Delivery{Event: e, Due: v.Promise.By, Version: 1})
		visits, events = append(visits, v.ID), append(events, e.ID)
	}
	commit(t, s, c)
	return visits, events
}

func due(t *testing.T, s bench) {
	visits, events := manyDue(t, s, 40)
	even := func(all []string) []string {
		var out []string
		for n := 0; n < len(all); n += 2 {
			out = append(out, all[n])
		}
		return out
	}
	for _, test := range []struct {
		now            time.Time
		visits, events []string
	}{
		{noon.Add(-time.Millisecond), nil, nil},
		{noon, even(visits), even(events)},
		{noon.Add(time.Hour - time.Millisecond), even(visits), even(events)},
		{noon.Add(time.Hour), visits, events},
		{noon.Add(1000 * time.Hour), visits, events},
	} {
		eventually(t, func() string {
			return cmp.Diff(test.visits, s.dueAt(t, s.DueVisits, test.now, 1000)) +
				cmp.Diff(test.events, s.dueAt(t, s.DueEvents, test.now, 1000))
		})
	}
}

// duePages reads what nothing moves, by pages of every size: none of it keeps
// what is behind it from being read, though many have the same time.
func duePages(t *testing.T, s bench) {
	visits, events := manyDue(t, s, 40)
	for _, limit := range []int{1, 2, 3, 100} {
		eventually(t, func() string {
			return cmp.Diff(visits, s.dueAt(t, s.DueVisits, noon.Add(time.Hour), limit)) +
				cmp.Diff(events, s.dueAt(t, s.DueEvents, noon.Add(time.Hour), limit))
		})
	}
}

// dueLeaving moves every other visit while it reads the due by pages of one, the
// rest stay: each was there to be read, and none of those twice.
func dueLeaving(t *testing.T, s bench) {
	visits, _ := manyDue(t, s, 30)
	eventually(t, func() string { return cmp.Diff(visits, s.dueAt(t, s.DueVisits, noon.Add(time.Hour), 1000)) })
	var seen []string
	for shard := range s.shards {
		for cursor := ""; ; {
			ids, next, err := s.DueVisits(t.Context(), shard, noon.Add(time.Hour), cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				seen = append(seen, id)
				if len(seen)%2 == 0 {
					v := over(draft(id), visit.Expired)
					commit(t, s, clinic.Commit{Visit: &v})
				}
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	slices.Sort(seen)
	if diff := cmp.Diff(visits, seen); diff != "" {
		t.Errorf("read as due (-want +got):\n%s", diff)
	}
}

func dueIsSparse(t *testing.T, s bench) {
	v := queued("visit-1", noon)
	commit(t, s, clinic.Commit{Visit: &v})
	is := func(want ...string) {
		t.Helper()
		eventually(t, func() string { return cmp.Diff(want, s.dueAt(t, s.DueVisits, noon.Add(1000*time.Hour), 10)) })
	}
	is("visit-1")
	v = over(v, visit.Cancelled)
	commit(t, s, clinic.Commit{Visit: &v})
	is()
}
