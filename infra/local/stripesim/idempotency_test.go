package stripesim_test

import (
	"sync"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
)

// A request repeated with its key acts once, for 24 hours, in one account.
func TestIdempotency_RepeatActsOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	first, err := s.createSession(s.sessionParams(4900, "evt_1-1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.createSession(s.sessionParams(4900, "evt_1-1"))
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != again.ID || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeat made %s, first %s; headers %v", again.ID, first.ID, again.LastResponse.Header)
	}
	if _, err := s.createSession(s.sessionParams(5000, "evt_1-1")); refusal(t, err).Type != "idempotency_error" || refusal(t, err).HTTPStatusCode != 400 {
		t.Errorf("same key for another request: %v", err)
	}
	elsewhere, err := b.shop(hill).createSession(b.shop(hill).sessionParams(5000, "evt_1-1"))
	if err != nil || elsewhere.ID == first.ID {
		t.Errorf("same key in another account: %v", err)
	}
	b.advance(24*time.Hour - time.Second)
	if again, err = s.createSession(s.sessionParams(4900, "evt_1-1")); err != nil || again.ID != first.ID {
		t.Errorf("just within 24 h: %v", err)
	}
	b.advance(time.Second)
	if again, err = s.createSession(s.sessionParams(4900, "evt_1-1")); err != nil || again.ID == first.ID {
		t.Errorf("after 24 h the key is still known: %v", err)
	}
}

// A stored failure is replayed to the same key, and not to the next.
func TestIdempotency_FailureReplayed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	declined := s.newHold(stripesim.CardCaptureFails)
	for _, replayed := range []string{"", "true"} {
		_, err := s.capture(declined, 0, "evt_2-1")
		e := refusal(t, err)
		if e.HTTPStatusCode != 402 || e.DeclineCode != "do_not_honor" || e.LastResponse.Header.Get("Idempotent-Replayed") != replayed {
			t.Errorf("declined with %v, replayed %q", e, e.LastResponse.Header.Get("Idempotent-Replayed"))
		}
	}
	held := s.newHold(stripesim.CardSuccess)
	b.fault(stripesim.Fault{Do: stripesim.Answer, Status: 500, Path: "/v1/payment_intents/*/capture", Times: 1})
	for range 2 {
		if _, err := s.capture(held, 0, "evt_3-1"); refusal(t, err).HTTPStatusCode != 500 {
			t.Errorf("a fault under a key: %v", err)
		}
	}
	if _, err := s.capture(held, 0, "evt_3-2"); err != nil {
		t.Errorf("with the next key: %v", err)
	}
}

// A request with a wrong parameter does not use up its key.
func TestIdempotency_WrongParameterKeepsKey(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	p := s.sessionParams(4900, "evt_4-1")
	p.AddExtra("colour", "red")
	if _, err := s.createSession(p); refusal(t, err).Code != "parameter_unknown" {
		t.Fatal(err)
	}
	if _, err := s.createSession(s.sessionParams(4900, "evt_4-1")); err != nil {
		t.Errorf("corrected, with the same key: %v", err)
	}
}

// Of concurrent requests with one key one acts, and others find the key in use.
func TestIdempotency_KeyInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newHold(stripesim.CardSuccess)
	b.fault(stripesim.Fault{Do: stripesim.Delay, DelayMS: 300, Path: "/v1/payment_intents/*/capture"})
	const racers = 4
	acted, conflicts := make(chan bool, racers), make(chan bool, racers)
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() {
			pi, err := s.capture(id, 0, "evt_5-1")
			if err != nil {
				conflicts <- refusal(t, err).Code == "idempotency_key_in_use"
			} else {
				acted <- pi.LastResponse.Header.Get("Idempotent-Replayed") == ""
			}
		})
	}
	wg.Wait()
	close(acted)
	close(conflicts)
	won, refused := 0, 0
	for first := range acted {
		if first {
			won++
		}
	}
	for inUse := range conflicts {
		if !inUse {
			t.Error("a racer was refused for another reason")
		}
		refused++
	}
	if won != 1 || refused == 0 {
		t.Errorf("%d racers acted and %d found the key in use, want 1 and some", won, refused)
	}
	if o := s.oracle(); o.Captured.Count != 1 || o.BalanceCents != 4900 {
		t.Errorf("oracle: %+v", o)
	}
}
