package clinic_test

import (
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/store"
	"evisit/pkg/visit"
	"evisit/pkg/work"
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

func TestDeadline_LatenessIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	w.pass(23 * time.Hour)
	w.minute()
	if n := w.told(janes, "longer"); n != 0 {
		t.Fatalf("told %d times before the promise passed", n)
	}
	w.pass(61 * time.Minute)
	for range 4 {
		w.minute()
		w.pass(time.Hour)
	}
	if n := w.told(janes, "longer"); n != 1 {
		t.Errorf("told %d times", n)
	}
	w.stands(id, visit.Queued)
}

func TestPromise_StandsStillWhileAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	was := w.visit(id).Promise
	w.pass(time.Hour)
	w.asks(id, "Since when?")
	w.pass(40 * time.Hour)
	w.minute()
	if n := w.told(janes, "longer"); n != 0 {
		t.Errorf("late while waiting for the patient: told %d times", n)
	}
	w.replies(id, "Since Monday.")
	now := w.stands(id, visit.InReview).Promise
	if got := now.By.Sub(was.By); got != 40*time.Hour || !now.Paused.IsZero() || now.Ends.Sub(was.Ends) != 40*time.Hour {
		t.Errorf("the promise moved by %s: %+v", got, now)
	}
}

func TestDeadline_UnansweredExpires(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		reason visit.Reason
		wait   func(w *world) string
		state  billing.State
	}{
		{"ByTime", "unanswered", func(w *world) string {
			id := w.queued()
			w.pass(48*time.Hour + time.Minute)
			return id
		}, billing.Released},
		{"NoReply", "no_reply", func(w *world) string {
			id := w.taken()
			w.asks(id, "Since when?")
			w.pass(5*24*time.Hour + time.Minute)
			return id
		}, billing.Released},
		{"HoldRunsOut", "unanswered", func(w *world) string {
			w.practice(func(p *practice.Practice) { p.Terms.GiveUp = 20 * 24 * time.Hour })
			id := w.queued()
			until := w.visit(id).CaptureBefore.Sub(w.now()) - 12*time.Hour
			w.pass(until - time.Minute)
			w.minute()
			w.stands(id, visit.Queued)
			w.pass(2 * time.Minute)
			return id
		}, billing.Released},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := test.wait(w)
			w.minute()
			w.settle()
			if v := w.stands(id, visit.Expired); v.Reason != test.reason {
				t.Errorf("it ended for %s", v.Reason)
			}
			w.states(id, test.state)
			if n := w.told(janes, "ended"); n != 1 {
				t.Errorf("Jane was told %d times", n)
			}
			if last := w.letters(janes)[0].Text; !strings.Contains(last, test.reason.ForPatient()) {
				t.Errorf("Jane is not told %q: %q", test.reason.ForPatient(), last)
			}
			if last := w.letters(inbox)[0].Text; !strings.Contains(last, test.reason.ForDesk()) {
				t.Errorf("the practice is not told %q: %q", test.reason.ForDesk(), last)
			}
			w.proven(id)
			w.balanced()
			w.handled()
			_, err := w.desk.Take(w.ctx, w.as(ben), id)
			w.refused(err, "wrong_status")
		})
	}
}

func TestDeadline_UnacknowledgedCloses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	w.pass(7*24*time.Hour + time.Minute)
	w.minute()
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

// A run whose clock is slow leaves a visit due for one whose clock is right.
func TestDeadline_SlowClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	w.pass(48*time.Hour + time.Second)
	slow := *w.deadline
	slow.Kernel = w.kernel(outbox.ByDeadline)
	slow.Kernel.Now = func() time.Time { return w.now().Add(-24*time.Hour - 2*time.Second) }
	if n, err := slow.Run(w.ctx); n != 0 || err != nil {
		t.Errorf("moved %d visits, %v", n, err)
	}
	w.stands(id, visit.Queued)
	w.minute()
	w.stands(id, visit.Expired)
	w.settle()
	w.handled()
}

// Many due visits of one shard that fail do not keep a visit due after them from
// being handled. They are postponed, so that the next minute does not try them
// again, and are handled once they can be.
func TestDeadline_ManyStuckVisits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		obstruct func(w *world, stuck map[string]bool)
	}{
		{"CommitFails", func(w *world, stuck map[string]bool) {
			w.trouble.refuseCommit = func(c clinic.Commit) error {
				if c.Visit != nil && stuck[c.Visit.ID] && c.Visit.Status == visit.Closed {
					return errLost
				}
				return nil
			}
		}},
		{"AddendumNotStored", func(w *world, stuck map[string]bool) {
			w.trouble.refusePut = func(key string) error {
				if stuck[strings.Split(key, "/")[2]] {
					return errLost
				}
				return nil
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.answeredInOneShard(151)
			last, stuck := ids[150], map[string]bool{}
			for _, id := range ids[:150] {
				stuck[id] = true
			}
			w.pass(visit.CloseAfter + time.Hour)
			test.obstruct(w, stuck)
			if n, err := w.deadline.Run(w.ctx); n != 1 || err != nil {
				t.Errorf("moved %d visits, %v; want the one that can be moved", n, err)
			}
			w.stands(last, visit.Closed)
			tried := w.trouble.called(commits) + w.trouble.called(puts)
			if n, err := w.deadline.Run(w.ctx); n != 0 || err != nil || w.trouble.called(commits)+w.trouble.called(puts) != tried {
				t.Errorf("a minute later %d visits moved, %v", n, err)
			}
			for id := range stuck {
				v := w.stands(id, visit.Answered)
				if wait := v.Wake.Sub(w.now()); wait < time.Minute || wait > time.Hour {
					t.Fatalf("visit %s is looked at again in %s", id, wait)
				}
			}
			w.trouble.heal()
			w.pass(time.Hour)
			if n, err := w.deadline.Run(w.ctx); n != 150 || err != nil {
				t.Errorf("moved %d visits, %v", n, err)
			}
			if due := w.dueVisits(w.now().Add(ever)); len(due) != 0 {
				t.Errorf("%d visits are still due", len(due))
			}
		})
	}
}

// A visit that was changed by a commit whose reply was lost is not postponed.
func TestDeadline_LostAnswerPostponesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	before := w.visit(id).Version
	w.pass(48*time.Hour + time.Minute)
	w.trouble.next(commits, answerLost)
	if _, err := w.deadline.Run(w.ctx); err != nil {
		t.Fatal(err)
	}
	if v := w.stands(id, visit.Expired); v.Version != before+1 || !v.Wake.IsZero() {
		t.Errorf("version %d after %d, looked at again %s", v.Version, before, v.Wake)
	}
	w.settle()
	w.proven(id)
	w.handled()
}

// answeredInOneShard stores answered visits whose deadlines are in one shard of
// the due index, the earliest first.
func (w *world) answeredInOneShard(n int) []string {
	w.Helper()
	var ids []string
	for len(ids) < n {
		id := w.request.Kernel.NewID()
		h := fnv.New32a()
		_, _ = h.Write([]byte(id))
		if h.Sum32()%store.Shards != 0 {
			continue
		}
		now := w.now().Add(time.Duration(len(ids)) * time.Second).UTC()
		v := visit.Start(id, "lakeside", jane, jane, visit.Form{Name: "uti-women", Version: "1", Class: "em"}, now)
		v.Status, v.Document, v.Times.Answered = visit.Answered, strings.Repeat("0", 64), now
		v.Wake = v.Due()
		seen := audit.Record{ID: id, Practice: "lakeside", At: w.now(), Visit: id}
		if err := w.tape.Commit(w.ctx, clinic.Commit{Visit: &v, Audit: []audit.Record{seen}}); err != nil {
			w.Fatalf("visit: %v", err)
		}
		ids = append(ids, id)
	}
	return ids
}

func TestCheckout_DeclinedCardMayBeReplaced(t *testing.T) {
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
	s, err := w.request.Pay(w.ctx, w.as(jane), id)
	if err != nil || s.Page == "" {
		t.Errorf("the page is gone: %+v, %v", s, err)
	}
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.stands(id, visit.Queued)
	w.proven(id)
}

// diverted checks what must hold of a visit that a red flag ended.
func (w *world) diverted(id string, disposition intake.Disposition, shown *record.Diversion) {
	w.Helper()
	v := w.stands(id, visit.Diverted)
	if shown == nil || shown.Disposition != disposition || shown.Message == "" || shown.Phone == "" || string(v.Reason) != string(disposition) {
		w.Fatalf("shown %+v, want %s", shown, disposition)
	}
	chart, err := w.chart(v.By, id)
	if err != nil || chart.Diversion == nil || chart.Diversion.Message != shown.Message || len(chart.Diversion.Rules) == 0 {
		w.Errorf("the record reads %+v, %v", chart.Diversion, err)
	}
	w.settle()
	for _, p := range w.payments(v) {
		if p.stripe.AmountReceived != 0 || p.payment.State != billing.Released && p.payment.State != billing.Abandoned {
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
	todo, err := w.office.Work(w.ctx, w.as(nora))
	if err != nil || len(todo) != 1 || todo[0].Kind != work.VisitDiverted || todo[0].Visit != id || todo[0].Note != string(disposition) {
		w.Errorf("the nurse's work: %+v, %v", todo, err)
	}
}

func TestRedFlag_EndsTheVisit(t *testing.T) {
	t.Parallel()
	t.Run("SavePage", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.draft()
		alarming := said{"uti-confused": true, "uti-count": -3, "uti-onset": "yesterday"}
		s := w.saves(jane, id, alarming)
		w.diverted(id, intake.Disposition("emergency"), s.Diversion)
		_, err := w.request.Quote(w.ctx, w.as(jane), id)
		w.refused(err, "wrong_status")
		_, err = w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Page: request.Answers(page(said{"uti-confused": false}))})
		w.refused(err, "wrong_status")
		if s := w.saves(jane, id, alarming); s.Diversion == nil || s.Visit.Status != visit.Diverted {
			t.Errorf("sent again: %+v", s)
		}
		if got := w.visit(id).Payments; len(got) != 0 {
			t.Errorf("payments: %v", got)
		}
	})
	t.Run("Reply", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.taken()
		var first, second *record.Diversion
		for _, d := range []**record.Diversion{&first, &second} {
			var err error
			if _, *d, err = w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: "I am confused.", Answers: page(said{"uti-confused": true})}); err != nil {
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
	t.Run("GravestOfSeveral", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.draft()
		w.saves(jane, id, said{"uti-fever": true, "uti-kidney": true, "uti-retention": true})
		w.diverted(id, intake.Urgent, w.confirms(id, intake.Urgent).Diversion)
	})
	t.Run("ContactPromised", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			said said
			want bool
		}{
			"with a number":      {said{"callback-phone": "503 555 0177", "rx-mood": true}, true},
			"with no number":     {said{"rx-mood": true}, false},
			"with no number yet": {said{"callback-phone": "x", "rx-mood": true}, false},
		} {
			w := newWorld(t)
			v, err := w.request.Start(w.ctx, w.as(jane), "medication-refill", "", "")
			if err != nil {
				t.Fatal(err)
			}
			s := w.saves(jane, v.ID, tt.said)
			if got := strings.Contains(s.Diversion.Message.Reveal(), "A clinician will call you"); got != tt.want {
				t.Errorf("%s: promised is %v: %s", name, got, s.Diversion.Message.Reveal())
			}
			todo, err := w.office.Work(w.ctx, w.as(nora))
			if err != nil || len(todo) != 1 || todo[0].Due.Sub(todo[0].Made) != time.Hour || todo[0].Pool != identity.ClinicalPool {
				t.Errorf("%s: the nurse's work: %+v, %v", name, todo, err)
			}
		}
	})
	t.Run("FlagForClinicianDoesNot", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.draft()
		if s := w.saves(jane, id, said{"uti-sti": true}); s.Diversion != nil || s.Visit.Status != visit.Draft {
			t.Errorf("saved: %+v", s)
		}
		chart, err := w.chart(jane, id)
		if err != nil || len(chart.Flags) == 0 {
			t.Errorf("flags: %+v, %v", chart.Flags, err)
		}
	})
}

// An event that cannot be handled is tried as often as it may be, and is then
// the work of an administrator until they end it.
func TestEvent_OfUnknownKindIsParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	odd := outbox.Event{ID: outbox.NewID(outbox.ByAPI, w.now(), "odd"), Kind: "odd", To: outbox.Notify, Practice: "lakeside", At: w.now()}
	if err := w.tape.Commit(w.ctx, clinic.Commit{Events: []outbox.Event{odd}}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if d := w.delivery(odd.ID); !d.Parked || d.Armed || d.Tries != outbox.MaxTries-1 {
		t.Errorf("the event: %+v", d)
	}
	if !strings.Contains(w.log.String(), `"level":"ERROR"`) {
		t.Error("nothing was logged as an error")
	}
	w.handled("odd")
	todo, err := w.office.Work(w.ctx, w.as(ada))
	if err != nil || len(todo) != 1 || todo[0].Event != odd.ID || todo[0].Note != "unknown" {
		t.Fatalf("Ada's work: %+v, %v", todo, err)
	}
	for who, code := range map[string]string{sam: "denied", nora: "not_found", ana: "not_found", omar: "not_found"} {
		if theirs, err := w.office.Work(w.ctx, w.as(who)); err != nil || len(theirs) != 0 {
			t.Errorf("%s's work: %+v, %v", who, theirs, err)
		}
		_, err := w.office.EndWork(w.ctx, w.as(who), todo[0].ID)
		w.refused(err, code)
	}
	for range 2 { // ended again it stays as it is
		w.pass(time.Minute)
		ended, err := w.office.EndWork(w.ctx, w.as(ada), todo[0].ID)
		if err != nil || ended.EndedBy != ada || ended.Version != 2 {
			t.Errorf("ended: %+v, %v", ended, err)
		}
	}
	if todo, err = w.office.Work(w.ctx, w.as(ada)); err != nil || len(todo) != 0 {
		t.Errorf("Ada's work in the end: %+v, %v", todo, err)
	}
}

// deliverBut delivers what waits, but one event, which may be armed once.
func (w *world) deliverBut(event string) {
	w.Helper()
	armed := w.tape.take()
	if slices.Contains(armed, event) {
		armed = slices.Delete(armed, slices.Index(armed, event), slices.Index(armed, event)+1)
	}
	if slices.Contains(armed, event) {
		w.Fatalf("%s was armed twice at once", event)
	}
	w.deliverAll(armed)
}

// An exhausted event is parked by its consumer, which does not try it again.
func TestEvent_ExhaustedIsParkedUntried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardSuccess)
	for _, body := range w.mailed() {
		w.hears(body)
	}
	event := w.tape.take()[0]
	for range outbox.MaxTries {
		w.deliverBut(event) // each time the consumer of this one dies without a word
		w.pass(5 * time.Hour)
		w.run(w.sweep.Run)
	}
	w.trouble.order(observes, 0, nothing)
	w.deliver(event)
	if d := w.delivery(event); !d.Parked || d.Tries != outbox.MaxTries || w.trouble.called(observes) != 0 {
		t.Errorf("after %d calls the event is %+v", w.trouble.called(observes), d)
	}
	w.drain()
	w.handled(outbox.StripeReported)
	if todo := w.work("lakeside"); len(todo) != 1 || todo[0].Note != "no_tries_left" {
		t.Errorf("the work: %+v", todo)
	}
}
