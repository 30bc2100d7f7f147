package clinic_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// atOnce runs all at once and returns their errors.
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

func TestTake_AtOnceOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		id := w.queued()
		take := func(who string) func() error {
			c := w.as(who)
			return func() error { _, err := w.desk.Take(w.ctx, c, id); return err }
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

func TestSubmit_AtOnceHasOnePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	quote := w.prices(jane, id).Quote.ID
	var pages [3]string
	var fs []func() error
	for i := range pages {
		c := w.as(jane)
		fs = append(fs, func() error {
			s, err := w.request.Submit(w.ctx, c, id, request.Submission{Quote: quote})
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

func TestCancel_WhileTheHoldArrives(t *testing.T) {
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
			func() error { _, err := w.request.Cancel(w.ctx, c, id); return err },
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

func TestAnswer_WhileTheVisitEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, id string) func() error{
		"Cancelled": func(w *world, id string) func() error {
			c := w.as(jane)
			return func() error { _, err := w.request.Cancel(w.ctx, c, id); return err }
		},
		"Expired": func(w *world, id string) func() error {
			w.pass(48*time.Hour + time.Minute)
			w.drain()
			return func() error { _, err := w.deadline.Run(w.ctx); return err }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range 3 {
				id := w.taken()
				ending, c := end(w, id), w.as(ana)
				errs := atOnce(ending, func() error { _, err := w.desk.Answer(w.ctx, c, id, cystitis); return err })
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

func TestEvent_ManyConsumersActOnce(t *testing.T) {
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
			d := w.delivery(id)
			if !d.Done.IsZero() {
				continue
			}
			consume := func() error { return w.handle(d)(w.ctx, d) }
			for _, err := range atOnce(consume, consume, consume) {
				if err != nil {
					w.Errorf("%s: %v", d.Kind, err)
				}
			}
		}
	}
	w.Fatalf("events never end")
}

func TestDeadline_AtOnceDoNoHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	w.pass(24*time.Hour + time.Minute)
	w.drain()
	before := w.visit(id).Version
	deadline := func() error { _, err := w.deadline.Run(w.ctx); return err }
	for _, err := range atOnce(deadline, deadline, deadline) {
		if err != nil {
			t.Errorf("deadline: %v", err)
		}
	}
	late := 0
	for _, e := range w.tape.take() {
		if w.delivery(e).Kind == outbox.Late {
			late++
		}
		w.deliver(e)
	}
	v := w.stands(id, visit.Queued)
	if late != 1 || !v.Promise.Told || v.Version != before+1 || w.told(janes, "longer") != 1 {
		t.Errorf("%d events say that it is late; the visit went from version %d to %+v", late, before, v)
	}
}
