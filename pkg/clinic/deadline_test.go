package clinic_test

import (
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

const janes = "jane-smith@patients.example"

// told counts Jane's letters whose subject says so.
func (w *world) told(to, subject string) int {
	w.Helper()
	n := 0
	for _, l := range w.letters(to) {
		if strings.Contains(l.Subject, subject) {
			n++
		}
	}
	return n
}

func TestLatenessIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	w.pass(23 * time.Hour)
	w.sweep()
	if n := w.told(janes, "longer"); n != 0 {
		t.Fatalf("told %d times before the promise passed", n)
	}
	w.pass(61 * time.Minute)
	for range 4 {
		w.sweep()
		w.pass(time.Hour)
	}
	if n := w.told(janes, "longer"); n != 1 {
		t.Errorf("told %d times", n)
	}
	w.stands(id, visit.Queued)
}

func TestAPromiseStandsStillWhileThePatientIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	was := w.visit(id).Promise
	w.pass(time.Hour)
	w.asks(id, "Since when?")
	w.pass(40 * time.Hour)
	w.sweep()
	if n := w.told(janes, "longer"); n != 0 {
		t.Errorf("late while waiting for the patient: told %d times", n)
	}
	w.replies(id, "Since Monday.")
	now := w.stands(id, visit.InReview).Promise
	if got := now.By.Sub(was.By); got != 40*time.Hour || !now.Paused.IsZero() || now.Ends.Sub(was.Ends) != 40*time.Hour {
		t.Errorf("the promise moved by %s: %+v", got, now)
	}
}

func TestAVisitNobodyAnswersExpires(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, reason string
		wait         func(w *world) string
		state        billing.State
	}{
		{"by time", "unanswered", func(w *world) string {
			id := w.queued()
			w.pass(48*time.Hour + time.Minute)
			return id
		}, billing.Released},
		{"because the patient does not reply", "no_reply", func(w *world) string {
			id := w.taken()
			w.asks(id, "Since when?")
			w.pass(5*24*time.Hour + time.Minute)
			return id
		}, billing.Released},
		{"because its hold runs out in twelve hours", "unanswered", func(w *world) string {
			w.practice(func(p *clinic.Practice) { p.Terms.GiveUp = 20 * 24 * time.Hour })
			id := w.queued()
			until := w.visit(id).CaptureBefore.Sub(w.now()) - 12*time.Hour
			w.pass(until - time.Minute)
			w.sweep()
			w.stands(id, visit.Queued)
			w.pass(2 * time.Minute)
			return id
		}, billing.Released},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := test.wait(w)
			w.sweep()
			w.settle()
			if v := w.stands(id, visit.Expired); v.Reason != test.reason {
				t.Errorf("it ended for %s", v.Reason)
			}
			w.states(id, test.state)
			if n := w.told(janes, "ended"); n != 1 {
				t.Errorf("Jane was told %d times", n)
			}
			w.proven(id)
			w.balanced()
			w.handled()
			_, err := w.cl.Take(w.ctx, w.as(ben), id)
			w.refused(err, "wrong_status")
		})
	}
}

func TestAnAnswerNobodyAcknowledgesClosesByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	w.pass(7*24*time.Hour + time.Minute)
	w.sweep()
	v := w.stands(id, visit.Closed)
	if v.Addendum == "" {
		t.Error("nothing was added to the document")
	}
	w.acknowledges(jane, id)
	if again := w.stands(id, visit.Closed); again.Addendum != v.Addendum || len(again.Reads) != 1 {
		t.Errorf("acknowledged late: %+v", again)
	}
	w.proven(id)
}

func TestADeadlineIsNotLostOnAConsumerWhoseClockIsSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	w.pass(48*time.Hour + time.Second)
	w.drain()
	if _, err := w.cl.Sweep(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.moved.Add(-int64(24*time.Hour + 2*time.Second))
	w.drain()
	w.stands(id, visit.Queued)
	w.pass(24*time.Hour + time.Minute)
	w.sweep()
	w.pass(time.Minute)
	w.sweep()
	w.stands(id, visit.Expired)
	w.handled()
}

func TestADeclinedCardKeepsThePageOpenForAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	for _, card := range []string{stripesim.CardDeclined, stripesim.CardInsufficientFunds} {
		if p := w.pays(id, card); p.DeclineCode == "" {
			t.Errorf("%s was not declined: %+v", card, p)
		}
		w.settle()
		w.stands(id, visit.AwaitingPayment)
	}
	s, err := w.cl.Pay(w.ctx, w.as(jane), id)
	if err != nil || s.Page == "" {
		t.Errorf("the page is gone: %+v, %v", s, err)
	}
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.stands(id, visit.Queued)
	w.proven(id)
}

// diverted checks what must hold of a visit that a red flag ended.
func (w *world) diverted(id string, disposition intake.Disposition, shown *clinic.Diversion) {
	w.Helper()
	v := w.stands(id, visit.Diverted)
	if shown == nil || shown.Disposition != disposition || shown.Message == "" || shown.Phone == "" || v.Reason != string(disposition) {
		w.Fatalf("shown %+v, want %s", shown, disposition)
	}
	chart, err := w.cl.Chart(w.ctx, w.as(v.By), id)
	if err != nil || chart.Diversion == nil || chart.Diversion.Message != shown.Message || len(chart.Diversion.Rules) == 0 {
		w.Errorf("the record reads %+v, %v", chart.Diversion, err)
	}
	w.settle()
	for _, p := range w.payments(v) {
		if p.stripe.AmountReceived != 0 || p.payment.State != billing.Released {
			w.Errorf("payment %s is %s and was charged %d", p.payment.ID, p.payment.State, p.stripe.AmountReceived)
		}
	}
	w.proven(id)
	w.acknowledges(v.By, id)
	if w.visit(id).Times.Understood.IsZero() {
		w.Errorf("that it was understood is not kept")
	}
	if n := w.told("desk@lakeside.example", "diverted"); n != 1 {
		w.Errorf("the practice was told %d times", n)
	}
}

func TestARedFlagEndsTheVisit(t *testing.T) {
	t.Parallel()
	t.Run("at a page's save, though other answers are wrong", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.draft()
		alarming := said{"uti-confused": true, "uti-count": -3, "uti-onset": "yesterday"}
		s := w.saves(jane, id, alarming)
		w.diverted(id, intake.Disposition("emergency"), s.Diversion)
		_, err := w.cl.Quote(w.ctx, w.as(jane), id)
		w.refused(err, "wrong_status")
		_, err = w.cl.SavePage(w.ctx, w.as(jane), id, 0, page(said{"uti-confused": false}))
		w.refused(err, "wrong_status")
		if s := w.saves(jane, id, alarming); s.Diversion == nil || s.Visit.Status != visit.Diverted {
			t.Errorf("sent again: %+v", s)
		}
		if got := w.visit(id).Payments; len(got) != 0 {
			t.Errorf("payments: %v", got)
		}
	})
	t.Run("at a reply, and shows the same when sent again", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.taken()
		var first, second *clinic.Diversion
		for _, d := range []**clinic.Diversion{&first, &second} {
			var err error
			if _, *d, err = w.cl.Reply(w.ctx, w.as(jane), id, "I am confused.", page(said{"uti-confused": true})); err != nil {
				t.Fatal(err)
			}
		}
		if second == nil || second.Message != first.Message {
			t.Errorf("sent again: %+v", second)
		}
		w.diverted(id, intake.Disposition("emergency"), first)
		w.states(id, billing.Released)
		w.handled()
	})
	t.Run("the gravest of several", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.draft()
		s := w.saves(jane, id, said{"uti-fever": true, "uti-immune": true, "uti-retention": true})
		w.diverted(id, intake.Disposition("urgent"), s.Diversion)
	})
	t.Run("but a flag for the clinician does not", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.draft()
		if s := w.saves(jane, id, said{"uti-sti": true}); s.Diversion != nil || s.Visit.Status != visit.Draft {
			t.Errorf("saved: %+v", s)
		}
		chart, err := w.cl.Chart(w.ctx, w.as(jane), id)
		if err != nil || len(chart.Flags) == 0 {
			t.Errorf("flags: %+v, %v", chart.Flags, err)
		}
	})
}

func TestAnEventOfNoKnownKindIsTriedAgainAndThenParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	err := w.cl.Store.Commit(w.ctx, clinic.Commit{Events: []outbox.Event{{
		ID: "odd", Kind: "odd", To: outbox.Notify, Practice: "lakeside", At: w.now(),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	w.settle()
	ds, err := w.cl.Jobs(w.ctx, w.as(ada))
	if err != nil || len(ds) != 1 || ds[0].ID != "odd" || ds[0].Tries != outbox.MaxTries-1 || ds[0].Armed {
		t.Errorf("the desk is shown %+v, %v", ds, err)
	}
	if !strings.Contains(w.log.String(), `"level":"ERROR"`) {
		t.Error("nothing was logged as an error")
	}
}
