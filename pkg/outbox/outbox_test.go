package outbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/outbox"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func TestBackoff_DoublesUpToItsCeiling(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{
		0: 5 * time.Second, 1: 10 * time.Second, 5: 160 * time.Second, 11: 10240 * time.Second,
		12: 4 * time.Hour, 13: 4 * time.Hour, 63: 4 * time.Hour, 1000: 4 * time.Hour,
	} {
		if got := outbox.Backoff(n); got != want {
			t.Errorf("Backoff(%d) = %v, want %v", n, got, want)
		}
	}
	for n := range 100 {
		if outbox.Backoff(n+1) < outbox.Backoff(n) {
			t.Errorf("Backoff(%d) = %v is less than the one before", n+1, outbox.Backoff(n+1))
		}
	}
}

// A day's outage must not lose an event; and a card hold, which lasts no less
// than five days, must not run out before somebody looks.
func TestDelivery_FailingIsParkedAfterADay(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]bool{"each try fails at once": false, "each try dies without a word": true} {
		d, now, deliveries := outbox.Delivery{Armed: true}, noon, 1
		for !d.Parked {
			switch {
			case d.Exhausted():
				d = d.Park("no_tries_left")
			case !silent || deliveries == 1:
				d = d.Failed(now, false, "busy")
			}
			if d.Parked {
				break
			}
			now = d.Due
			d = d.Rearmed(now)
			if deliveries++; deliveries > 1000 {
				t.Fatalf("%s: it is never parked", name)
			}
		}
		parkedOnly := silent && deliveries == outbox.MaxTries+1 // the last delivery only parks it
		if deliveries != outbox.MaxTries && !parkedOnly {
			t.Errorf("%s: it had %d deliveries, want %d", name, deliveries, outbox.MaxTries)
		}
		if span := now.Sub(noon); span < 24*time.Hour || span > 36*time.Hour {
			t.Errorf("%s: it was parked after %v, want a little over a day", name, span)
		}
	}
}

func TestDelivery_AlwaysInOneState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := noon
		d := outbox.Delivery{Event: outbox.Event{ID: "event-1", To: outbox.Charge, At: noon}, Armed: true}
		event := d.Event
		rewritten := func(t *rapid.T, next outbox.Delivery) {
			if next.Version != d.Version+1 {
				t.Errorf("version %d was rewritten as %d", d.Version, next.Version)
			}
			if (next.Key() != d.Key()) != (next.Attempt != d.Attempt) {
				t.Errorf("attempt %d with key %s became attempt %d with key %s", d.Attempt, d.Key(), next.Attempt, next.Key())
			}
			if next.Tries < d.Tries {
				t.Errorf("tries went from %d to %d", d.Tries, next.Tries)
			}
			d = next
		}
		t.Repeat(map[string]func(*rapid.T){
			"fail": func(t *rapid.T) {
				if !d.Armed {
					t.Skip("it is with nobody")
				}
				definite, before := rapid.Bool().Draw(t, "definite"), d
				rewritten(t, d.Failed(now, definite, "declined"))
				if raised := d.Attempt - before.Attempt; definite != (raised == 1) || raised > 1 {
					t.Errorf("after a failure, definite %t, the attempt rose by %d", definite, raised)
				}
				if d.Note != "declined" {
					t.Errorf("note = %q", d.Note)
				}
			},
			"await": func(t *rapid.T) {
				if !d.Armed {
					t.Skip("it is with nobody")
				}
				before := d
				d.Tries = 0 // counted anew
				rewritten(t, d.Waits(now.Add(time.Hour), "account_invalid"))
				if d.Attempt != before.Attempt+1 {
					t.Errorf("a refusal raised the attempt from %d to %d", before.Attempt, d.Attempt)
				}
			},
			"arm": func(t *rapid.T) {
				if d.Due.IsZero() || now.Before(d.Due) {
					t.Skip("it is not due")
				}
				before := d
				rewritten(t, d.Rearmed(now))
				if d.Attempt != before.Attempt {
					t.Errorf("arming raised the attempt from %d to %d", before.Attempt, d.Attempt)
				}
			},
			"resume": func(t *rapid.T) {
				if !d.Parked {
					t.Skip("it is not parked")
				}
				d.Tries = 0 // counted anew
				rewritten(t, d.Resumed(now))
			},
			"park": func(t *rapid.T) {
				if d.Parked || rapid.IntRange(0, 20).Draw(t, "rarely") > 0 {
					t.Skip("not now")
				}
				rewritten(t, d.Park("card_declined"))
			},
			"wait": func(*rapid.T) { now = now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Hour)).Draw(t, "for"))) },
			"": func(t *rapid.T) {
				if !cmp.Equal(d.Event, event) || !d.Done.IsZero() {
					t.Errorf("the event itself changed: %+v", d)
				}
				switch {
				case d.Parked && (d.Armed || !d.Due.IsZero()):
					t.Errorf("parked, and still waited for: %+v", d)
				case !d.Parked && !d.Armed && d.Due.IsZero():
					t.Errorf("lost: nobody has it and it is never due: %+v", d)
				case d.Armed && d.Version > 0 && d.Due.IsZero():
					t.Errorf("armed again without an end: %+v", d)
				}
			},
		})
	})
}

func TestDeliveryKey_DiffersByEventAndAttempt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) outbox.Delivery {
			return outbox.Delivery{
				Event:   outbox.Event{ID: rapid.StringMatching(`[a1-]{1,4}`).Draw(t, name)},
				Attempt: rapid.IntRange(0, 12).Draw(t, name+"'s attempt"),
			}
		}
		a, b := draw("a"), draw("b")
		if same := a.ID == b.ID && a.Attempt == b.Attempt; (a.Key() == b.Key()) != same {
			t.Error(fmt.Sprint(a.Key(), " and ", b.Key()))
		}
	})
}

// An event's id tells who put it and when, to ten minutes; only ids that NewID
// makes do.
func TestOrigin_OfNewID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		by := rapid.SampledFrom(outbox.Writers).Draw(t, "writer")
		at := noon.Add(time.Duration(rapid.Int64Range(0, int64(9000*time.Hour)).Draw(t, "after")))
		rest := rapid.StringMatching(`[a-z0-9_.]{1,40}`).Draw(t, "rest")
		w, b, ok := outbox.Origin(outbox.NewID(by, at, rest))
		if !ok || w != by || b != outbox.BucketOf(at) {
			t.Errorf("origin = %s, %s, %t", w, b, ok)
		}
	})
	for _, id := range []string{"", "api", "api.2603021200", "api.2603021200.", "somebody.2603021200.x", "api.260302.x", "stripe.acct_1.evt_1"} {
		if w, b, ok := outbox.Origin(id); ok {
			t.Errorf("%q has an origin: %s, %s", id, w, b)
		}
	}
}

// Buckets follow one another without a gap, sort as their times, and are swept
// once all that was put into them is at least ten minutes old.
func TestBucket_FollowsTheClock(t *testing.T) {
	t.Parallel()
	b := outbox.BucketOf(noon)
	for n := range 300 {
		at := noon.Add(time.Duration(n) * 10 * time.Minute)
		if b != outbox.BucketOf(at) || b != outbox.BucketOf(at.Add(10*time.Minute-1)) {
			t.Fatalf("bucket %d is %s, and %v is put into %s", n, b, at, outbox.BucketOf(at))
		}
		if next := b.Next(); next <= b {
			t.Fatalf("after %s comes %s", b, next)
		}
		b = b.Next()
	}
	for after, want := range map[time.Duration]time.Time{
		0: noon.Add(-20 * time.Minute), 9 * time.Minute: noon.Add(-20 * time.Minute), 10 * time.Minute: noon.Add(-10 * time.Minute),
	} {
		if got := outbox.SweepableThrough(noon.Add(after)); got != outbox.BucketOf(want) {
			t.Errorf("at %v after noon the last swept is %s, want %s", after, got, outbox.BucketOf(want))
		}
	}
	if none := outbox.Bucket("yesterday"); none.Next() != none {
		t.Errorf("after what is no bucket comes %s", none.Next())
	}
}

// A row that holds no event is told from one that cannot be decoded: nothing is
// done for the first, and the second is parked.
func TestRead_NoEventOrUnreadable(t *testing.T) {
	t.Parallel()
	read := func(d string) (outbox.Delivery, error) {
		return outbox.Read(func(name string) string {
			return map[string]string{"sk": "api.2603021200.x", "d": d, "to": "charge", "v": "2", "sent": "patient"}[name]
		})
	}
	if _, err := read(""); !errors.Is(err, outbox.ErrNoEvent) {
		t.Errorf("a row without an event: %v", err)
	}
	want := outbox.Delivery{
		Event: outbox.Event{ID: "api.2603021200.x", To: outbox.Charge}, Unreadable: true, Armed: true, Version: 2, Sent: outbox.ToPatient,
	}
	for _, d := range []string{"{", "null", `{}`, `[]`, `{"id":"api.2603021200.x","kind":7}`, `{"id":"api.2603021200.y"}`} {
		if got, err := read(d); err != nil || !cmp.Equal(want, got) {
			t.Errorf("a row that cannot be decoded, %s: %v\n%s", d, err, cmp.Diff(want, got))
		}
	}
}

// A person has a parked event tried again as often as a new one, under the key of
// its attempt: another after a refusal, the same while the outcome is unknown.
func TestDelivery_Resumed(t *testing.T) {
	t.Parallel()
	fresh := outbox.Delivery{Event: outbox.Event{ID: "event-1", To: outbox.Charge, At: noon}, Armed: true, Attempt: 2, Tries: outbox.MaxTries - 1}
	for name, test := range map[string]struct {
		parked  outbox.Delivery
		attempt int
	}{
		"Refused": {fresh.Refused("card_declined"), 3},
		"Unknown": {fresh.Failed(noon, false, outbox.TimedOut), 2},
	} {
		if !test.parked.Parked || test.parked.ParkedAs() != "event-1-1" {
			t.Fatalf("%s: %+v", name, test.parked)
		}
		d := test.parked.Resumed(noon)
		if d.Parked || !d.Armed || d.Tries != 0 || d.Attempt != test.attempt || d.Version != 2 || !d.Due.After(noon) || d.Exhausted() {
			t.Errorf("%s: resumed as %+v", name, d)
		}
		if again := d.Park("no"); again.ParkedAs() == test.parked.ParkedAs() {
			t.Errorf("%s: parked again under the same name %s", name, again.ParkedAs())
		}
	}
}

// Every kind of event and every note has words, and none of them is a code.
func TestWords_OfParkedEvents(t *testing.T) {
	t.Parallel()
	said := map[string]outbox.Kind{}
	for _, k := range outbox.Kinds {
		words := k.Task()
		if before, twice := said[words]; twice || words == outbox.Kind("odd").Task() {
			t.Errorf("%s is said as %s: %q", k, before, words)
		}
		said[words] = k
	}
	for note, want := range map[string]string{
		outbox.NoTriesLeft: "never came to an end", outbox.Undecodable: "cannot be read", outbox.Altered: "not what was stored",
		outbox.TimedOut: "too long", outbox.NoAnswer: "could not be reached", outbox.Unknown: "only the system's log",
		"try_again": "records did not answer", "card_declined": "Stripe refused", "MessageRejected": "mail service refused", "": "only the system's log",
	} {
		if got := outbox.Reason(note); !strings.Contains(got, want) {
			t.Errorf("%q is said as %q", note, got)
		}
	}
}
