package lambdatest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
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

func TestStop_IdleFunctionEndsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, function := range []string{"sweep", "deadline"} {
		f := w.start(function, w.settings(function, newGuard(t, function)))
		if _, err := f.Invoke(t.Context(), w.read(function+"/minute.json")); err != nil {
			t.Fatal(err)
		}
		w.must(f.Signal(syscall.SIGTERM))
		wait(t, f.Ended())
		if strings.Contains(f.Log(), `"ERROR"`) {
			t.Errorf("%s complains of ending: %s", function, f.Log())
		}
	}
}

// A visit is closed by a document, put first, and a commit. Between the two a
// process ends without a word; the next minute closes the visit.
func TestStop_DeadlineBetweenDocumentAndCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.quiet("quiet", recordedAt)
	g := newGuard(t, "deadline")
	env := w.settings("deadline", g)
	guarded := env["DYNAMODB_ENDPOINT"]

	reached := make(chan struct{})
	env["DYNAMODB_ENDPOINT"] = w.hangingCommits(guarded, reached)
	f := w.start("deadline", env)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = f.Invoke(context.Background(), w.read("deadline/minute.json")) // the process ends without a reply
	}()
	wait(t, reached)
	w.must(f.Signal(syscall.SIGKILL))
	wait(t, f.Ended())
	<-ended
	w.status("quiet", visit.Answered)

	env["DYNAMODB_ENDPOINT"] = guarded
	f = w.start("deadline", env)
	_, err := f.Invoke(t.Context(), w.read("deadline/minute.json"))
	w.must(err)
	w.closed("quiet")
}

// hangingCommits serves what is behind url, but lets no transaction through; it
// closes reached when the first comes.
func (w *world) hangingCommits(behind string, reached chan struct{}) string {
	u, err := url.Parse(behind)
	w.must(err)
	proxy := httputil.NewSingleHostReverseProxy(u)
	var once sync.Once
	return w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
			proxy.ServeHTTP(rw, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // so that the end of the process is noticed
		once.Do(func() { close(reached) })
		<-r.Context().Done()
	}))
}

// Lambda may end a process at any moment, also between Stripe's yes and our
// commit. The stream brings the batch again.
func TestStop_ChargeBetweenStripeAndCommit(t *testing.T) {
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
		if p := w.payment(paymentOf("charge-cancelled")); p.State != billing.Held {
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

// untilReleasedAtStripe waits for the simulator to have released a hold.
func (w *world) untilReleasedAtStripe(visit string) {
	w.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		o, err := w.sim.Oracle(w.Context(), "")
		w.must(err)
		if o.Released.Count == 1 {
			return
		}
	}
	w.Fatalf("the hold of %s is not released", visit)
}
