package clinic_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// hint puts an event about a visit's payment, as a function's role allows, and
// delivers the event and those it causes.
func (w *world) hint(by outbox.Writer, k outbox.Kind, id string) outbox.Delivery {
	w.Helper()
	v := w.visit(id)
	e := outbox.Event{
		ID: outbox.NewID(by, w.now(), w.request.Kernel.NewID()), Kind: k, To: outbox.Charge,
		Practice: v.Practice, Patient: v.Patient, Visit: v.ID, Payment: v.Payments[len(v.Payments)-1], At: w.now(),
	}
	if err := w.tape.Commit(w.ctx, clinic.Commit{Events: []outbox.Event{e}}); err != nil {
		w.Fatalf("event: %v", err)
	}
	w.settle()
	return w.delivery(e.ID)
}

// An event is a hint: money is captured only for an answered visit that wants
// its payment, and released only for one that does not, whatever event any
// function puts.
func TestCharge_EventIsNoAuthority(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		at     func(w *world) string
		kinds  []outbox.Kind
		status visit.Status
		state  billing.State
	}{
		{"AwaitingPayment", (*world).submitted, []outbox.Kind{outbox.Capture, outbox.Release, outbox.CheckPayment}, visit.AwaitingPayment, billing.Opened},
		{"Queued", (*world).queued, []outbox.Kind{outbox.Capture, outbox.Release, outbox.RenewHold, outbox.CheckPayment}, visit.Queued, billing.Held},
		{"InReview", (*world).taken, []outbox.Kind{outbox.Capture, outbox.Release, outbox.RenewHold, outbox.CheckPayment}, visit.InReview, billing.Held},
		{"AwaitingPatient", func(w *world) string {
			id := w.taken()
			w.asks(id, "Since when?")
			return id
		}, []outbox.Kind{outbox.Capture, outbox.Release, outbox.CheckPayment}, visit.AwaitingPatient, billing.Held},
		{"AnsweredNotYetCaptured", func(w *world) string {
			id := w.taken()
			w.answers(id)
			w.tape.take()
			return id
		}, []outbox.Kind{outbox.Release}, visit.Answered, billing.Held},
		{"CancelledNotYetReleased", func(w *world) string {
			id := w.queued()
			w.cancels(id)
			w.tape.take()
			return id
		}, []outbox.Kind{outbox.Capture}, visit.Cancelled, billing.Held},
		{"Charged", (*world).answered, []outbox.Kind{outbox.Capture, outbox.Release, outbox.RenewHold, outbox.CheckPayment}, visit.Answered, billing.Captured},
		{"Released", func(w *world) string {
			id := w.queued()
			w.cancels(id)
			w.settle()
			return id
		}, []outbox.Kind{outbox.Capture, outbox.Release, outbox.CheckPayment}, visit.Cancelled, billing.Released},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := test.at(w)
			undelivered := w.tape.pending() // what the test keeps from being delivered
			w.tape.forget(undelivered...)
			was, paid := w.visit(id), w.latest(id)
			w.trouble.order(commits, 0, nothing)
			for _, by := range outbox.Writers {
				for _, k := range test.kinds {
					if d := w.hint(by, k, id); d.Done.IsZero() || d.Tries > 0 {
						t.Errorf("%s by %s: %+v", k, by, d)
					}
				}
			}
			if n := w.trouble.called(captures) + w.trouble.called(releases); n != 0 {
				t.Errorf("%d calls to move money", n)
			}
			if v := w.stands(id, test.status); v.Version != was.Version {
				t.Errorf("the visit went from version %d to %d", was.Version, v.Version)
			}
			if p := w.latest(id); p.payment != paid.payment || p.payment.State != test.state || p.stripe.Status != paid.stripe.Status {
				t.Errorf("the payment went from %+v to %+v", paid, p)
			}
		})
	}
}

// An event about a payment that an answered visit does not want captures nothing.
func TestCapture_OfAnEarlierPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	first := w.latest(id).payment
	w.trouble.lied(func(o billing.Observation) billing.Observation { o.SessionOver = true; return o })
	w.hears(webhookOf("checkout.session.expired", first.Account, "checkout.session", first.Session))
	w.settle()
	w.submits(jane, id, w.prices(jane, id).Quote.ID)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	if _, err := w.try(first.Session, stripesim.CardSuccess); err != nil {
		t.Fatal(err)
	}
	w.trouble.order(commits, 0, nothing)
	for _, body := range w.mailed() {
		w.hears(body)
	}
	for _, e := range w.tape.take() { // the hold arrives; its release is not delivered yet
		w.deliver(e)
	}
	e := outbox.Event{ID: outbox.NewID(outbox.ByAPI, w.now(), "early"), Kind: outbox.Capture, To: outbox.Charge, Visit: id, Payment: first.ID, At: w.now()}
	if err := w.tape.Commit(w.ctx, clinic.Commit{Events: []outbox.Event{e}}); err != nil {
		t.Fatal(err)
	}
	w.deliver(e.ID)
	if n := w.trouble.called(captures); n != 0 || w.delivery(e.ID).Done.IsZero() {
		t.Errorf("captured %d times; the event: %+v", n, w.delivery(e.ID))
	}
	w.settle()
	w.states(id, billing.Released, billing.Captured)
	w.proven(id)
}

// waiting returns the first event of a kind that is not delivered yet, and keeps
// the others waiting.
func (w *world) waiting(k outbox.Kind) string {
	w.Helper()
	for _, body := range w.mailed() {
		w.hears(body)
	}
	ids := w.tape.take()
	w.tape.put(ids...)
	for _, id := range ids {
		if w.delivery(id).Kind == k {
			return id
		}
	}
	w.Fatalf("no event of kind %s is waiting", k)
	return ""
}

// rowsBut returns every row of the table but the event's own.
func (w *world) rowsBut(event string) map[string]string {
	w.Helper()
	all := map[string]string{}
	w.rows(func(i item) {
		b, err := json.Marshal(i)
		if err != nil {
			w.Fatalf("row: %v", err)
		}
		if attr(i, "sk") != event {
			all[attr(i, "pk")+" "+attr(i, "sk")] = string(b)
		}
	})
	return all
}

// A process that is killed after its commit and before the event is marked done
// leaves the event to be delivered again. The second delivery writes the mark and
// nothing else: no entry, no letter, no work item.
func TestCharge_KilledBeforeTheMark(t *testing.T) {
	t.Parallel()
	answeredWith := func(card string) func(w *world) string {
		return func(w *world) string {
			id := w.submitted()
			w.pays(id, card)
			w.settle()
			w.takes(ana, id)
			w.answers(id)
			return id
		}
	}
	for _, test := range []struct {
		name  string
		drive func(w *world) string // until the event waits
		kind  outbox.Kind
		state billing.State
	}{
		{"HoldReported", func(w *world) string {
			id := w.submitted()
			w.pays(id, stripesim.CardSuccess)
			return id
		}, outbox.StripeReported, billing.Held},
		{"UnwantedHoldReported", func(w *world) string {
			id := w.submitted()
			w.cancels(id)
			w.pays(id, stripesim.CardSuccess) // before its page is closed
			return id
		}, outbox.StripeReported, billing.Released},
		{"PageExpiryReported", func(w *world) string {
			id := w.submitted()
			w.pass(2 * time.Hour)
			return id
		}, outbox.StripeReported, billing.Abandoned},
		{"RefundReported", func(w *world) string {
			id := w.answered()
			w.settle()
			w.refund(w.latest(id).payment.Intent, 40_00)
			return id
		}, outbox.StripeReported, billing.FullyRefunded},
		{"LinkPaidReported", func(w *world) string {
			id := w.owing()
			w.does("pay link", func() error { _, err := w.request.Pay(w.ctx, w.as(jane), id); return err })
			w.pays(id, stripesim.CardSuccess)
			return id
		}, outbox.StripeReported, billing.Captured},
		{"CheckPayment", func(w *world) string {
			id := w.submitted()
			w.pays(id, stripesim.CardSuccess)
			w.loses()
			w.pass(time.Hour + 48*time.Minute)
			w.loses()
			if _, err := w.deadline.Run(w.ctx); err != nil {
				w.Fatalf("deadline: %v", err)
			}
			return id
		}, outbox.CheckPayment, billing.Held},
		{"Capture", answeredWith(stripesim.CardSuccess), outbox.Capture, billing.Captured},
		{"CaptureRefused", answeredWith(stripesim.CardCaptureFails), outbox.Capture, billing.Failed},
		{"Release", func(w *world) string {
			id := w.queued()
			w.cancels(id)
			return id
		}, outbox.Release, billing.Released},
		{"PageClosed", func(w *world) string {
			id := w.submitted()
			w.cancels(id)
			return id
		}, outbox.Release, billing.Abandoned},
		{"ChargeRefunded", func(w *world) string {
			id := w.queued()
			w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
			w.settle()
			w.cancels(id)
			return id
		}, outbox.Release, billing.FullyRefunded},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := test.drive(w)
			event := w.waiting(test.kind)
			last := 1
			if test.name == "CaptureRefused" { // why it was refused is stored before its hold is released
				last = 2
			}
			w.trouble.order(commits, last, killedAfter)
			before := w.rowsBut(event)
			w.deliver(event)
			committed := w.rowsBut(event)
			if d := w.delivery(event); !d.Done.IsZero() || cmp.Equal(before, committed) {
				t.Fatalf("the process was not killed between its commit and the mark: %+v", d)
			}
			w.deliver(event)
			if d := w.delivery(event); d.Done.IsZero() || d.Tries > 0 {
				t.Errorf("delivered again: %+v", d)
			}
			if diff := cmp.Diff(committed, w.rowsBut(event)); diff != "" {
				t.Errorf("the second delivery wrote more than the mark (-before +after):\n%s", diff)
			}
			w.settle()
			if p := w.latest(id); p.payment.State != test.state {
				t.Errorf("the payment is %s, want %s", p.payment.State, test.state)
			}
			w.proven(id)
			w.handled()
			told := map[string]bool{}
			for _, l := range w.letters(janes) {
				if told[l.Subject] {
					t.Errorf("Jane was told twice: %s", l.Subject)
				}
				told[l.Subject] = true
			}
		})
	}
}
