package clinic_test

import (
	"testing"

	"evisit/infra/local/stripesim"
	"evisit/pkg/visit"
)

// A journey drives one visit to its end as its people would, repeating what
// was not answered, and returns its id.
type journey struct {
	name  string
	drive func(w *world) string
	ends  visit.Status
}

var journeys = []journey{
	{"answered and charged", func(w *world) string {
		id := w.queued()
		w.takes(ana, id)
		w.asks(id, "Any fever since?")
		w.drain()
		w.replies(id, "None.")
		w.answers(id)
		w.settle()
		w.acknowledges(jane, id)
		return id
	}, visit.Closed},
	{"cancelled with its page open, and paid all the same", func(w *world) string {
		id := w.submitted()
		w.cancels(id)
		w.drain()
		w.pays(id, stripesim.CardSuccess)
		return id
	}, visit.Cancelled},
	{"answered, its capture refused, paid by link", func(w *world) string {
		id := w.submitted()
		w.pays(id, stripesim.CardCaptureFails)
		w.settle()
		w.takes(ana, id)
		w.answers(id)
		w.settle()
		w.does("pay link", func() error {
			s, err := w.cl.Pay(w.ctx, w.as(jane), id)
			if err == nil && s.Page == "" {
				w.Fatalf("no pay link: %+v", w.payments(s.Visit))
			}
			return err
		})
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		w.acknowledges(jane, id)
		return id
	}, visit.Closed},
}

func TestAJourneyEndsWellWhatsoeverCallIsLost(t *testing.T) {
	t.Parallel()
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.trouble.order(commits, 0, nothing)
			w.ends(j)
			calls := map[effect]int{}
			for _, e := range effects {
				calls[e] = w.trouble.called(e)
			}
			t.Logf("calls: %v", calls)
			n := 0
			for _, e := range effects {
				for nth := 1; nth <= calls[e]; nth++ {
					for _, l := range []loss{callLost, answerLost} {
						if n++; n%every != 0 {
							continue
						}
						w.trouble.order(e, nth, l)
						if w.ends(j); t.Failed() {
							t.Fatalf("when at call %d of %s %s", nth, e, l)
						}
					}
				}
			}
			w.balanced()
			w.handled()
		})
	}
}

// ends drives a journey to its end and proves it.
func (w *world) ends(j journey) {
	w.Helper()
	id := j.drive(w)
	w.settle()
	w.trouble.heal()
	w.stands(id, j.ends)
	charged := 0
	for _, p := range w.proven(id) {
		if p.stripe.Status == "succeeded" {
			charged++
		}
	}
	if want := j.ends == visit.Closed; (charged == 1) != want {
		w.Errorf("charged %d times, want %t", charged, want)
	}
}
