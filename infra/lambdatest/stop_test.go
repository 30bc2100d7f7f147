package lambdatest_test

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/visit"
)

func wait(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the process does not end")
	}
}

func TestAnIdleFunctionEndsAtOnceWhenToldTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.start("sweep", w.settings("sweep", newGuard(t, "sweep")))
	if _, err := f.Invoke(t.Context(), w.read("sweep/minute.json")); err != nil {
		t.Fatal(err)
	}
	w.must(f.Signal(syscall.SIGTERM))
	wait(t, f.Ended())
	if strings.Contains(f.Log(), `"ERROR"`) {
		t.Errorf("it complains of ending: %s", f.Log())
	}
}

// Lambda may end a process at any moment, also between Stripe's yes and our
// commit. The stream brings the batch again.
func TestAFunctionKilledBetweenStripeAndItsCommitChargesOnce(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		w := newWorld(t)
		plantChargeBatch(w)
		event := w.read("charge/batch.json")
		w.plantRows(event)
		g := newGuard(t, "charge")

		// The capture is done at Stripe, and looking at it again hangs.
		reached := make(chan struct{})
		_, err := w.sim.AddFault(stripesim.Fault{Do: stripesim.Delay, Method: "GET", Path: "/v1/payment_intents/*", DelayMS: 20_000})
		w.must(err)
		f := w.start("charge", w.settings("charge", g))
		go func() {
			defer close(reached)
			_, _ = f.Invoke(context.Background(), event) // the process ends without a reply
		}()
		w.untilReleasedAtStripe("charge-cancelled")
		w.must(f.Signal(sig))
		wait(t, f.Ended())
		<-reached
		if p := w.payment("pay-charge-cancelled"); p.State != billing.Held {
			t.Fatalf("%v came too late: %+v", sig, p)
		}

		w.sim.ClearFaults()
		f = w.start("charge", w.settings("charge", g))
		_, err = f.Invoke(t.Context(), event)
		w.must(err)
		checkChargeBatch(w)
		w.status("charge-cancelled", visit.Cancelled)
		o, err := w.sim.Oracle(t.Context(), "")
		w.must(err)
		if o.Captured.Count != 1 || o.Released.Count != 1 || o.Held.Count != 0 {
			t.Errorf("at Stripe: %+v", o)
		}
	}
}

// untilReleasedAtStripe waits for the simulator to have let a hold go.
func (w *world) untilReleasedAtStripe(visit string) {
	w.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		o, err := w.sim.Oracle(w.Context(), "")
		w.must(err)
		if o.Released.Count == 1 {
			return
		}
	}
	w.Fatalf("the hold of %s is not let go", visit)
}
