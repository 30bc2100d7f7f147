package clinic_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/visit"
)

// A journey drives one visit to its end as its people would, repeating what
// was not answered, and returns its id.
type journey struct {
	name    string
	drive   func(w *world) string
	ends    visit.Status
	charged bool
}

var journeys = []journey{
	{"Answered", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.takes(ana, id)
		w.asks(id, "Any fever since?")
		w.rests(id)
		w.replies(id, "None.")
		w.answers(id)
		w.rests(id)
		w.acknowledges(jane, id)
		return id
	}, visit.Closed, true},
	{"CancelledThenPaid", func(w *world) string {
		id := w.submitted()
		w.cancels(id)
		w.pays(id, stripesim.CardSuccess) // before the page is closed
		return id
	}, visit.Cancelled, false},
	{"CancelledAfterCaptureByHand", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		w.cancels(id)
		return id
	}, visit.Cancelled, false},
	{"CaptureRefusedThenPaidByLink", func(w *world) string {
		id := w.comesToQueue(stripesim.CardCaptureFails)
		w.takes(ana, id)
		w.answers(id)
		w.rests(id)
		w.does("pay link", func() error {
			s, err := w.request.Pay(w.ctx, w.as(jane), id)
			if err == nil && s.Page == "" {
				w.Fatalf("no pay link: %+v", w.payments(s.Visit))
			}
			return err
		})
		w.pays(id, stripesim.CardSuccess)
		w.rests(id)
		w.acknowledges(jane, id)
		return id
	}, visit.Closed, true},
	{"NeverAnswered", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.pass(24*time.Hour + time.Minute)
		w.rests(id)
		if !w.stands(id, visit.Queued).Promise.Told {
			w.Errorf("nobody was told that it is late")
		}
		w.pass(24 * time.Hour)
		return id
	}, visit.Expired, false},
	{"NeverAcknowledged", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.takes(ana, id)
		w.answers(id)
		w.rests(id)
		for range 8 { // a week, and a run of what runs each minute now and then
			w.pass(visit.CloseAfter / 8)
			w.minute()
		}
		return id
	}, visit.Closed, true},
	{"AbandonedAndItsWebhookLost", func(w *world) string {
		id := w.submitted()
		w.pass(time.Hour + 46*time.Minute)
		w.loses()
		w.pass(time.Minute)
		w.loses()
		w.rests(id)
		w.stands(id, visit.Draft)
		w.submits(jane, id, w.prices(jane, id).Quote.ID)
		w.pays(id, stripesim.CardSuccess)
		w.rests(id)
		w.stands(id, visit.Queued)
		w.cancels(id)
		return id
	}, visit.Cancelled, false},
	{"Diverted", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.does("reply", func() error {
			_, _, err := w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: "I am confused.", Answers: page(said{"uti-confused": true})})
			return err
		})
		return id
	}, visit.Diverted, false},
	{"DivertedThenPaid", func(w *world) string {
		id := w.submitted()
		w.saves(jane, id, said{"uti-confused": true})
		w.pays(id, stripesim.CardSuccess) // before the page is closed
		return id
	}, visit.Diverted, false},
	{"DisputedAndWon", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.takes(ana, id)
		w.answers(id)
		w.rests(id)
		for _, do := range []string{stripesim.HandInquire, stripesim.HandEscalate, stripesim.HandRespond, stripesim.HandWin} {
			w.bank(do, id)
			w.rests(id)
		}
		return id
	}, visit.Answered, true},
	{"AnsweredHereAndWon", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.takes(ana, id)
		w.answers(id)
		w.rests(id)
		w.bank(stripesim.HandDispute, id)
		w.rests(id)
		w.pass(25 * time.Hour) // of a webhook that was lost, a look brings the dispute
		w.minute()
		w.rests(id)
		w.defends(id)
		w.rests(id)
		if d := w.latest(id).disputes[0]; d.Submissions != 1 || d.Status != "under_review" {
			w.Errorf("the bank was answered %d times: %+v", d.Submissions, d)
		}
		w.bank(stripesim.HandWin, id)
		return id
	}, visit.Answered, true},
	{"AcceptedHere", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.takes(ana, id)
		w.answers(id)
		w.rests(id)
		w.bank(stripesim.HandDispute, id)
		w.rests(id)
		w.pass(25 * time.Hour)
		w.minute()
		w.rests(id)
		w.does("accept", func() error { return w.decidesOn(ada, id, billing.Accepting) })
		return id
	}, visit.Answered, true},
	{"DisputedAndNotAnswered", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.takes(ana, id)
		w.answers(id)
		w.rests(id)
		w.bank(stripesim.HandDispute, id)
		for range 5 { // past its due date, and daily looks
			w.pass(3*24*time.Hour + time.Hour)
			for range 4 { // a sweep goes on by a day at most: it comes to now
				w.minute()
			}
		}
		return id
	}, visit.Closed, true},
	{"TurnedAway", func(w *world) string {
		id := w.comesToQueue(stripesim.CardSuccess)
		w.takes(ana, id)
		w.does("turn away", func() error {
			_, err := w.desk.TurnAway(w.ctx, w.as(ana), id, visit.Redirected, "in_person", "Please come in.")
			return err
		})
		return id
	}, visit.Redirected, false},
}

// comesToQueue is a visit that was paid with a card and waits for a clinician.
func (w *world) comesToQueue(card string) string {
	w.Helper()
	id := w.submitted()
	w.pays(id, card)
	w.rests(id)
	w.stands(id, visit.Queued)
	return id
}

// rests lets time pass until nothing is left to be done by now: no event waits,
// and no deadline of the visit has passed. It fails if that takes more than an
// hour.
func (w *world) rests(id string) {
	w.Helper()
	const step = 5 * time.Minute
	for passed := time.Duration(0); ; passed += step {
		w.drain()
		overdue := w.visit(id).Overdue(w.now())
		if len(w.tape.pending()) == 0 && overdue == visit.NothingDue {
			return
		}
		if passed >= time.Hour {
			w.Fatalf("stuck for %s: events %v, deadline %s", passed, w.tape.pending(), overdue)
		}
		w.pass(step)
		w.minute()
	}
}

// A part is which of many cases of one kind are tried: one in step, from one on that
// differs from run to run.
type part struct{ step, n int }

// partOf tries one case in step, one in four of these with SHORT=1, and all with LONG=1.
func partOf(t *testing.T, step int) *part {
	t.Helper()
	switch {
	case os.Getenv("LONG") != "":
		step = 1
	case os.Getenv("SHORT") != "":
		step *= 4
	}
	p := &part{step: step, n: rand.IntN(step)}
	t.Logf("one case in %d is tried, from the %dth on", step, step-p.n)
	return p
}

func (p *part) takes() bool {
	p.n++
	return p.n%p.step == 0
}

// Each call of each effect of a journey is lost, its answer is lost, and the
// process is killed before and after it; each event is given up by the stream,
// and delivered twice. Nothing is stuck for more than an hour, and the journey
// ends as if nothing had happened. A part of them is tried.
func TestEffects_NothingStuckForAnHour(t *testing.T) {
	t.Parallel()
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.trouble.order(commits, 0, nothing)
			w.ends(j)
			calls := map[effect]int{}
			all := slices.Concat(effects, decided)
			for _, e := range all {
				calls[e] = w.trouble.called(e)
			}
			t.Logf("calls: %v", calls)
			part := partOf(t, every)
			for _, e := range all {
				for nth := 1; nth <= calls[e]; nth++ {
					for _, l := range losses {
						if !part.takes() {
							continue
						}
						t.Run(fmt.Sprintf("%s/%d/%s", e, nth, l), func(t *testing.T) {
							w.tester = t
							w.licenses()
							w.trouble.order(e, nth, l)
							w.ends(j)
						})
						if t.Failed() {
							return
						}
					}
				}
			}
			w.tester = t
			w.balanced()
			w.handled()
		})
	}
}

// ends drives a journey to its end and proves it.
func (w *world) ends(j journey) {
	w.Helper()
	id := j.drive(w)
	w.rests(id)
	w.trouble.heal()
	w.stands(id, j.ends)
	charged := 0
	for _, p := range w.proven(id) {
		if p.stripe.AmountReceived > p.stripe.AmountRefunded {
			charged++
		}
	}
	if (charged == 1) != j.charged || charged > 1 {
		w.Errorf("charged %d times, want %t", charged, j.charged)
	}
}
