package clinic_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// run is one run of a function that runs each minute, which must succeed.
func (w *world) run(of func(context.Context) (int, error)) int {
	w.Helper()
	n, err := of(w.ctx)
	if err != nil {
		w.Fatalf("run: %v", err)
	}
	return n
}

func TestSweep_AtOnceDoNoHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pays(w.submitted(), stripesim.CardSuccess)
	w.trouble.next(observes, callLost)
	for _, body := range w.mailed() {
		w.hears(body)
	}
	w.deliverAll(w.tape.take())
	w.pass(2 * time.Minute)
	sweep := func() error { _, err := w.sweep.Run(w.ctx); return err }
	for _, err := range atOnce(sweep, sweep, sweep) {
		if err != nil {
			t.Errorf("sweep: %v", err)
		}
	}
	if armed := w.tape.take(); len(armed) != 1 {
		t.Errorf("armed %d events, want the one that failed", len(armed))
	}
	if h, err := w.tape.LogHead(w.ctx, "lakeside"); err != nil || h.Version == 0 {
		t.Errorf("log: version %d, %v", h.Version, err)
	}
}

func TestSweep_NothingDueDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.queued()
	w.pass(2 * time.Minute)
	w.minute() // signs the log
	before := w.trouble.called(commits)
	if n := w.run(w.sweep.Run) + w.run(w.deadline.Run); n != 0 || w.trouble.called(commits) != before || len(w.tape.take()) != 0 {
		t.Errorf("did %d things with %d commits", n, w.trouble.called(commits)-before)
	}
}

// A row of the outbox that holds no event does nothing, and keeps no event
// behind it from being done.
func TestSweep_RowWithoutEventDoesNothing(t *testing.T) {
	t.Parallel()
	for name, due := range map[string]bool{"Due": true, "Lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.pays(w.submitted(), stripesim.CardSuccess)
			for _, body := range w.mailed() {
				w.hears(body)
			}
			lost := w.tape.take()
			if len(lost) != 1 {
				t.Fatalf("events: %v", lost)
			}
			i := item{"f": num("1"), "to": str("charge")}
			if due {
				i["due_shard"], i["due_at"] = str("OUTBOX#00"), str("20260302T150000.000Z")
			}
			at := w.putBefore(lost[0], i)
			w.pass(31 * time.Minute)
			n, err := w.sweep.Run(w.ctx)
			armed := w.tape.take()
			asked, others := w.askAccounts(armed)
			if n != len(armed) || asked != 2 || !slices.Equal(others, lost) {
				t.Errorf("armed %d events, %v, want %v and what asks again how both practices' accounts stand", n, armed, lost)
			}
			if err != nil {
				t.Errorf("sweep: %v", err)
			}
			if !strings.Contains(w.log.String(), `"msg":"a row of the outbox holds no event"`) {
				t.Error("nothing was logged")
			}
			if diff := cmp.Diff(attrs(i), attrs(w.row(at))); diff != "" {
				t.Errorf("the row was changed:\n%s", diff)
			}
		})
	}
}

// askAccounts counts the events that ask how an account stands: each practice's, ten minutes after
// it was registered. It returns the others.
func (w *world) askAccounts(ids []string) (n int, others []string) {
	w.Helper()
	for _, id := range ids {
		if w.delivery(id).Kind == outbox.AskAccount {
			n++
			continue
		}
		others = append(others, id)
	}
	return n, others
}

// putBefore puts a row where sweeps find it before an event of the same bucket,
// and returns its place.
func (w *world) putBefore(event string, i item) place {
	w.Helper()
	by, bucket, _ := outbox.Origin(event)
	var pk string
	w.rows(func(i item) {
		if attr(i, "sk") == event {
			pk = attr(i, "pk")
		}
	})
	for _, c := range "abcdefghijklmnopqrstuvwxyz" { // one of the ids belongs into that partition
		at := place{pk, string(by) + "." + string(bucket) + ".!" + string(c)}
		maps.Copy(i, at.key())
		w.putRow(i)
		if _, err := w.tape.Delivery(w.ctx, at.sk); !errors.Is(err, fault.NotFound) {
			return at
		}
		w.deleteRow(at)
	}
	w.Fatalf("no id belongs into %s", pk)
	return place{}
}

// attrs are a row's attributes as text.
func attrs(i item) map[string]string {
	out := map[string]string{}
	for name := range i {
		out[name] = attr(i, name)
	}
	return out
}

// A lost delivery is repeated when the event is 10 to 20 minutes old, and not
// before.
func TestSweep_LostDeliveryIsFoundInTime(t *testing.T) {
	t.Parallel()
	for _, into := range []time.Duration{0, 5 * time.Minute, 10*time.Minute - time.Second} {
		t.Run(into.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.queued()
			w.pass(start.Add(time.Hour + into).Sub(w.now()))
			w.minute()
			w.cancels(id)
			lost := w.tape.take() // the stream gives them up
			for age := time.Duration(0); ; age += time.Minute {
				w.run(w.sweep.Run)
				armed := w.tape.take()
				if len(armed) == 0 && age <= 20*time.Minute {
					w.pass(time.Minute)
					continue
				}
				slices.Sort(armed)
				slices.Sort(lost)
				if diff := cmp.Diff(lost, armed); diff != "" || age < 10*time.Minute || age > 20*time.Minute {
					t.Errorf("armed after %s (-want +got):\n%s", age, diff)
				}
				w.tape.put(armed...)
				break
			}
			w.settle()
			w.states(id, billing.Released)
			w.handled()
		})
	}
}

// A webhook that comes when the sweep of the bucket it belongs to is over has a
// lease of its own.
// After a pause of months a sweep does a day of what it missed, and finds what is lost
// now all the same.
func TestSweep_LostDeliveryAfterALongPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.sweep.Run(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.pass(400 * 24 * time.Hour)
	w.licenses()
	w.answers(w.taken())
	lost := w.tape.take() // the stream gives them up
	w.pass(31 * time.Minute)
	if n, err := w.sweep.Run(w.ctx); err != nil || n < len(lost) {
		t.Errorf("armed %d events, want the %d that were lost: %v", n, len(lost), err)
	}
	armed := w.tape.take()
	for _, id := range lost {
		if !slices.Contains(armed, id) {
			t.Errorf("%s is not delivered again", id)
		}
	}
}

func TestStripeEvent_LateAndLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardSuccess)
	post := w.mailed()
	asked := 0
	for range 25 {
		w.pass(5 * time.Minute)
		w.run(w.sweep.Run)
		armed := w.tape.take()
		n, others := w.askAccounts(armed)
		if asked += n; len(others) > 0 {
			t.Fatalf("events: %v", others)
		}
		w.deliverAll(armed)
	}
	if asked != 2 {
		t.Errorf("Stripe was asked %d times how an account stands, want once for each practice", asked)
	}
	for _, body := range post {
		w.hears(body)
	}
	if lost := w.tape.take(); len(lost) != 1 {
		t.Fatalf("events: %v", lost)
	}
	w.pass(9 * time.Minute)
	if n := w.run(w.sweep.Run); n != 0 {
		t.Errorf("armed %d events while they may still be delivered", n)
	}
	w.pass(time.Minute)
	w.minute()
	w.stands(id, visit.Queued)
	w.states(id, billing.Held)
}
