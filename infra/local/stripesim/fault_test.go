package stripesim_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"

	"evisit/infra/local/stripesim"
)

func (b *bench) fault(f stripesim.Fault) {
	b.Helper()
	if _, err := b.sim.AddFault(f); err != nil {
		b.Fatal(err)
	}
}

const captures = "/v1/payment_intents/*/capture"

// A call whose request or answer was lost acts once when it is repeated.
func TestFault_LostCallRepeated(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		do    string
		acted int
	}{
		{stripesim.LoseCall, 0},
		{stripesim.LoseAnswer, 1},
	} {
		t.Run(test.do, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			id := s.newHold(stripesim.CardSuccess)
			b.fault(stripesim.Fault{Do: test.do, Method: "POST", Path: captures, Account: lake, Times: 1})
			_, err := s.capture(id, 0, "evt_1-1")
			var stripeErr *stripe.Error
			if err == nil || errors.As(err, &stripeErr) {
				t.Fatalf("a lost capture was answered: %v", err)
			}
			if got := s.oracle().Captured.Count; got != test.acted {
				t.Errorf("captured %d after the loss, want %d", got, test.acted)
			}
			if _, err := s.capture(id, 0, "evt_1-1"); err != nil {
				t.Errorf("repeating: %v", err)
			}
			if o := s.oracle(); o.Captured.Count != 1 || o.BalanceCents != 4900 {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}

// A call answered with 409, 429 or 500 does not act.
func TestFault_AnswerDoesNotAct(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusConflict, http.StatusTooManyRequests, http.StatusInternalServerError} {
		b := newBench(t)
		s := b.shop(lake)
		id := s.newHold(stripesim.CardSuccess)
		b.fault(stripesim.Fault{Do: stripesim.Answer, Status: status, Path: captures, Times: 2})
		for range 2 {
			if _, err := s.capture(id, 0, ""); refusal(t, err).HTTPStatusCode != status {
				t.Errorf("answered %v, want %d", err, status)
			}
		}
		if o := s.oracle(); o.Captured.Count != 0 {
			t.Errorf("after %d: %+v", status, o)
		}
		if _, err := s.capture(id, 0, ""); err != nil {
			t.Errorf("after the fault: %v", err)
		}
	}
}

// A delayed call acts even if its caller has hung up.
func TestFault_DelayedCallActs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newHold(stripesim.CardSuccess)
	b.fault(stripesim.Fault{Do: stripesim.Delay, DelayMS: 150, Path: captures, Times: 1})
	req, err := http.NewRequest(http.MethodPost, b.url+"/v1/payment_intents/"+id+"/capture", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Stripe-Account", lake)
	if _, err := (&http.Client{Timeout: 50 * time.Millisecond}).Do(req); err == nil { //nolint:bodyclose // there is no answer
		t.Fatal("the call was answered in time")
	}
	b.eventually("the capture", func() bool { return s.oracle().Captured.Count == 1 })
}

// eventually waits until done.
func (b *bench) eventually(what string, done func() bool) {
	b.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%s has not happened", what)
		}
	}
}

func TestAddFault_Refuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, f := range []stripesim.Fault{
		{Do: "explode"},
		{Do: stripesim.Answer, Status: 200},
		{Do: stripesim.Delay},
		{Do: stripesim.LoseCall, Times: -1},
		{Do: stripesim.LoseCall, Path: "["},
	} {
		if _, err := b.sim.AddFault(f); err == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}

// A delivery is retried until the endpoint accepts the event, and not afterwards.
func TestWebhook_RetriedUntilAccepted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	b.answer(http.StatusInternalServerError)
	s.newHold(stripesim.CardSuccess)
	if got := b.events(); len(got) != 0 {
		t.Fatalf("a failing endpoint accepted %v", got)
	}
	for range 10 {
		b.advance(time.Hour)
	}
	b.answer(http.StatusOK)
	b.advance(6 * time.Hour)
	if got := b.events(); len(got) != 4 {
		t.Errorf("after the endpoint recovered: %v", got)
	}
	b.advance(72 * time.Hour)
	if got := b.events(); len(got) != 0 {
		t.Errorf("accepted events came again: %v", got)
	}
}

func TestWebhook_NotRetriedAfterThreeDays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.answer(http.StatusInternalServerError)
	b.shop(lake).newHold(stripesim.CardSuccess)
	for range 80 {
		b.advance(time.Hour)
	}
	b.answer(http.StatusOK)
	b.advance(7 * time.Hour)
	if got := b.events(); len(got) != 0 {
		t.Errorf("events older than three days came: %v", got)
	}
}

// Each fault of webhooks changes when the events arrive, and which arrive twice.
func TestFault_Webhooks(t *testing.T) {
	t.Parallel()
	paid := []string{
		"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated", "checkout.session.completed",
	}
	const completed = "checkout.session.completed"
	for _, test := range []struct {
		name  string
		fault stripesim.Fault
		now   []string
		then  func(*bench)
		later []string
	}{
		{
			"delayed",
			stripesim.Fault{Do: stripesim.WebhookDelay, Type: completed, DelayMS: 60_000, Times: 1},
			paid[:3], func(b *bench) { b.advance(time.Minute) },
			[]string{completed},
		},
		{
			"doubled",
			stripesim.Fault{Do: stripesim.WebhookDouble, Type: completed, Times: 1},
			append(slices.Clone(paid), completed), func(*bench) {},
			[]string{},
		},
		{
			"dropped and resumed",
			stripesim.Fault{Do: stripesim.WebhookDrop, Times: 4},
			[]string{},
			func(b *bench) { b.advance(5 * time.Second) }, paid,
		},
		{
			"answer lost",
			stripesim.Fault{Do: stripesim.WebhookLoseAnswer, Type: completed, Times: 1},
			paid, func(b *bench) { b.advance(5 * time.Second) },
			[]string{completed},
		},
		{
			"held back until cleared",
			stripesim.Fault{Do: stripesim.WebhookHold},
			[]string{},
			func(b *bench) { b.sim.ClearFaults() }, paid,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fault(test.fault)
			b.shop(lake).newHold(stripesim.CardSuccess)
			if diff := cmp.Diff(test.now, b.events()); diff != "" {
				t.Errorf("at once (-want +got):\n%s", diff)
			}
			test.then(b)
			if diff := cmp.Diff(test.later, b.events()); diff != "" {
				t.Errorf("later (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFault_WebhooksShuffled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fault(stripesim.Fault{Do: stripesim.WebhookHold})
	b.fault(stripesim.Fault{Do: stripesim.WebhookShuffle})
	s := b.shop(lake)
	var inOrder []string
	for range 10 {
		s.newHold(stripesim.CardSuccess)
		inOrder = append(inOrder, "payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated", "checkout.session.completed")
	}
	b.clear(stripesim.WebhookHold)
	got := b.events()
	if slices.Equal(got, inOrder) {
		t.Error("forty events came in order")
	}
	slices.Sort(got)
	slices.Sort(inOrder)
	if diff := cmp.Diff(inOrder, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// The platform's endpoint receives the platform's events, the Connect endpoint those of
// connected accounts, signed at the shared clock's time.
func TestWebhook_EventsByEndpoint(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.shop("").newHold(stripesim.CardSuccess)
	b.shop(hill).newHold(stripesim.CardSuccess)
	b.sim.Tick(t.Context())
	b.mu.Lock()
	defer b.mu.Unlock()
	accounts := map[string]int{}
	for i, e := range b.got {
		accounts[e.Account]++
		if want := "t=" + strconv.FormatInt(b.now.Unix(), 10); b.signed[i] != want {
			t.Errorf("signed at %s, want %s: the shared clock", b.signed[i], want)
		}
	}
	if diff := cmp.Diff(map[string]int{"": 4, hill: 4}, accounts); diff != "" {
		t.Errorf("events by account (-want +got):\n%s", diff)
	}
}
