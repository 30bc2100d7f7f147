package outbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/outbox"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func TestBackoffDoublesUpToItsCeiling(t *testing.T) {
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
func TestAnEventThatKeepsFailingIsParkedAfterADay(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]bool{"each try fails at once": false, "each try dies without a word": true} {
		d, now, deliveries := outbox.Delivery{Armed: true}, noon, 1
		for !d.Parked {
			if !silent || deliveries == 1 {
				d = d.Failed(now, false, "busy")
			}
			if d.Parked {
				break
			}
			now = d.Due
			if d = d.Rearmed(now); d.Armed {
				deliveries++
			}
			if deliveries > 1000 {
				t.Fatalf("%s: it is never parked", name)
			}
		}
		if deliveries != outbox.MaxTries {
			t.Errorf("%s: it had %d deliveries, want %d", name, deliveries, outbox.MaxTries)
		}
		if span := now.Sub(noon); span < 24*time.Hour || span > 36*time.Hour {
			t.Errorf("%s: it was parked after %v, want a little over a day", name, span)
		}
	}
}

func TestADeliveryIsAlwaysInOneOfItsStates(t *testing.T) {
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
			if next.Tries < d.Tries || next.Tries >= outbox.MaxTries {
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

func TestKeysOfDifferentEffectsDiffer(t *testing.T) {
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
