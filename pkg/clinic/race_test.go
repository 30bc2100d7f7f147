package clinic_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// at runs all at once and returns their errors.
func atOnce(fs ...func() error) []error {
	errs := make([]error, len(fs))
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() {
			<-begin
			errs[i] = f()
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

// oneWins checks that one of the errors is nil, and the others a conflict.
func (w *world) oneWins(errs []error) {
	w.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, fault.Conflict):
			w.Errorf("the loser was told %v", err)
		}
	}
	if won != 1 {
		w.Errorf("%d of %d won: %v", won, len(errs), errs)
	}
}

func TestOfTwoWhoTakeAVisitAtOnceOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		id := w.queued()
		take := func(who string) func() error {
			c := w.as(who)
			return func() error { _, err := w.cl.Take(w.ctx, c, id); return err }
		}
		errs := atOnce(take(ana), take(ben))
		w.oneWins(errs)
		for _, err := range errs {
			if f, ok := fault.Public(err); ok && (f.Code != "already_taken" || f.Text != w.visit(id).Holder.Display+" has taken this visit") {
				t.Errorf("the loser was told %s: %s", f.Code, f.Text)
			}
		}
	}
}

func TestAVisitSubmittedTwiceAtOnceHasOnePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	quote := w.prices(jane, id).Quote.ID
	var pages [3]string
	var fs []func() error
	for i := range pages {
		c := w.as(jane)
		fs = append(fs, func() error {
			s, err := w.cl.Submit(w.ctx, c, id, clinic.Submission{Quote: quote})
			pages[i] = s.Page
			return err
		})
	}
	for _, err := range atOnce(fs...) {
		if err != nil {
			t.Errorf("submit: %v", err)
		}
	}
	if pages[0] == "" || pages[0] != pages[1] || pages[1] != pages[2] {
		t.Errorf("pages: %q", pages)
	}
	if v := w.stands(id, visit.AwaitingPayment); len(v.Payments) != 1 {
		t.Errorf("payments: %v", v.Payments)
	}
	if o := w.truth(); o.OpenSessions != 1 {
		t.Errorf("%d pages are open", o.OpenSessions)
	}
}

func TestACancellationAgainstAHoldArriving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		id := w.submitted()
		w.pays(id, stripesim.CardSuccess)
		for _, body := range w.mailed() {
			w.hears(body)
		}
		c := w.as(jane)
		errs := atOnce(
			func() error { _, err := w.cl.Cancel(w.ctx, c, id); return err },
			func() error { w.deliverAll(w.tape.take()); return nil },
		)
		if errs[0] != nil {
			t.Errorf("cancel: %v", errs[0])
		}
		w.settle()
		w.stands(id, visit.Cancelled)
		w.states(id, billing.Released)
		w.proven(id)
	}
	w.balanced()
	w.handled()
}

func (w *world) deliverAll(ids []string) {
	for _, id := range ids {
		w.deliver(id)
	}
}

func TestAnAnswerAgainstWhatEndsTheVisit(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, id string) func() error{
		"a cancellation": func(w *world, id string) func() error {
			c := w.as(jane)
			return func() error { _, err := w.cl.Cancel(w.ctx, c, id); return err }
		},
		"its expiry": func(w *world, id string) func() error {
			w.pass(48*time.Hour + time.Minute)
			w.drain()
			if _, err := w.cl.Sweep(w.ctx); err != nil {
				w.Fatalf("sweep: %v", err)
			}
			ids := w.tape.take()
			return func() error { w.deliverAll(ids); return nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range 3 {
				id := w.taken()
				ending, c := end(w, id), w.as(ana)
				errs := atOnce(ending, func() error { _, err := w.cl.Answer(w.ctx, c, id, cystitis); return err })
				w.settle()
				switch v := w.visit(id); {
				case errs[1] == nil:
					w.stands(id, visit.Answered)
					w.states(id, billing.Captured)
				case v.Status == visit.Cancelled || v.Status == visit.Expired:
					w.refused(errs[1], "wrong_status")
					w.states(id, billing.Released)
				default:
					t.Errorf("the visit is %s, the answer got %v", v.Status, errs[1])
				}
				w.proven(id)
			}
			w.balanced()
			w.handled()
		})
	}
}

func TestTwoConsumersOfOneEventActOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardSuccess)
	w.rush()
	w.stands(id, visit.Queued)
	w.takes(ana, id)
	w.answers(id)
	w.rush()
	w.charged(id)
	second := w.submitted()
	w.cancels(second)
	w.pays(second, stripesim.CardSuccess)
	w.rush()
	w.settle()
	w.states(second, billing.Released)
	w.proven(second)
}

// rush drains with three consumers for every event.
func (w *world) rush() {
	w.Helper()
	for range 20 {
		for _, body := range w.mailed() {
			w.hears(body)
		}
		ids := w.tape.take()
		if len(ids) == 0 {
			return
		}
		for _, id := range ids {
			d, err := w.cl.Store.Delivery(w.ctx, id)
			if err != nil {
				w.Fatalf("event %s: %v", id, err)
			}
			if !d.Done.IsZero() {
				continue
			}
			consume := func() error { return w.cl.Deliver(context.WithoutCancel(w.ctx), d, w.act(d)) }
			for _, err := range atOnce(consume, consume, consume) {
				if err != nil {
					w.Errorf("%s: %v", d.Kind, err)
				}
			}
		}
	}
	w.Fatalf("events never end")
}

func TestTwoSweepsAtOnceDoNoHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	w.pass(24*time.Hour + time.Minute)
	w.drain()
	sweep := func() error { _, err := w.cl.Sweep(w.ctx); return err }
	for _, err := range atOnce(sweep, sweep, sweep) {
		if err != nil {
			t.Errorf("sweep: %v", err)
		}
	}
	due := 0
	for _, e := range w.tape.take() {
		d, err := w.cl.Store.Delivery(w.ctx, e)
		if err != nil {
			t.Fatal(err)
		}
		if d.Kind == outbox.VisitDue {
			due++
		}
		w.deliver(e)
	}
	if due != 1 {
		t.Errorf("the deadline was armed %d times", due)
	}
	w.settle()
	if !w.stands(id, visit.Queued).Promise.Told {
		t.Error("nobody was told that it is late")
	}
	if h, err := w.cl.Store.LogHead(w.ctx, "lakeside"); err != nil || h.Version == 0 {
		t.Errorf("log: version %d, %v", h.Version, err)
	}
}

func TestASweepWithNothingDueDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.queued()
	w.pass(2 * time.Minute)
	w.drain()
	for range 2 { // the first one signs the log
		if _, err := w.cl.Sweep(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
	before := w.trouble.called(commits)
	n, err := w.cl.Sweep(w.ctx)
	if err != nil || n != 0 || w.trouble.called(commits) != before || len(w.tape.take()) != 0 {
		t.Errorf("armed %d with %d commits, %v", n, w.trouble.called(commits)-before, err)
	}
}
