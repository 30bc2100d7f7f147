package clinic_test

import (
	"strings"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// pat runs the system, and works at no practice.
const pat = "operator." + seed.Operator

// loseAll loses every call of an effect until the trouble is healed.
func (t *trouble) loseAll(e effect, l loss) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls, t.lose = nil, map[effect]map[int]loss{e: {}}
	for nth := range 200 {
		t.lose[e][nth+1] = l
	}
}

// placeOf is where an event's row lies.
func (w *world) placeOf(event string) (at place) {
	w.Helper()
	w.rows(func(i item) {
		if attr(i, "sk") == event {
			at = place{attr(i, "pk"), event}
		}
	})
	return at
}

// damages makes an event impossible to decode.
func (w *world) damages(event string) {
	w.Helper()
	i := w.row(w.placeOf(event))
	i["d"] = str(`{"id":"` + event + `","kind":`)
	w.putRow(i)
}

// givenUp is the one open item of who's practice about a parked event.
func (w *world) givenUp(who string) work.Item {
	w.Helper()
	all, err := w.office.Work(w.ctx, w.as(who))
	if err != nil {
		w.Fatalf("work of %s: %v", who, err)
	}
	var parked []work.Item
	for _, i := range all {
		if i.Kind == work.EventParked {
			parked = append(parked, i)
		}
	}
	if len(parked) != 1 {
		w.Fatalf("%s is shown %+v, want one event that was given up", who, all)
	}
	return parked[0]
}

// resumes presses for an item.
func (w *world) resumes(who string, i work.Item) work.Item {
	w.Helper()
	var ended work.Item
	w.does("resume", func() (err error) {
		ended, err = w.office.ResumeWork(w.ctx, w.as(who), i.ID)
		return err
	})
	return ended
}

// presses counts the records of people who had an event tried again.
func (w *world) presses(practice, event string) (by []string) {
	w.Helper()
	leaves, err := w.tape.Log(w.ctx, practice, "", "99991231T000000.000Z", 10_000)
	if err != nil {
		w.Fatalf("log: %v", err)
	}
	for _, l := range leaves {
		r, err := audit.ParseLeaf(l.Bytes)
		if err != nil {
			w.Fatalf("log: %v", err)
		}
		if r.Action == "work.resume" && r.Resource == event && !r.At.IsZero() {
			by = append(by, r.Actor.ID)
		}
	}
	return by
}

// givesUp lets time pass until an event is parked.
func (w *world) givesUp() {
	w.Helper()
	parked := false
	for n := 0; n < 60 && !parked; n++ {
		w.pass(min(5*time.Second<<min(n, 20), 5*time.Hour))
		w.minute()
		w.rows(func(i item) { parked = parked || attr(i, "parked") != "" })
	}
	if !parked {
		w.Fatalf("nothing was given up")
	}
}

// captureParked is an answered visit whose capture was given up because Stripe did
// not answer for a day.
func captureParked(w *world) string {
	id := w.taken()
	w.answers(id)
	w.trouble.loseAll(captures, callLost)
	w.settle()
	w.trouble.heal()
	return id
}

// putEvent commits an event as a function does.
func (w *world) putEvent(e outbox.Event) {
	w.Helper()
	if err := w.tape.Commit(w.ctx, clinic.Commit{Events: []outbox.Event{e}}); err != nil {
		w.Fatalf("event: %v", err)
	}
}

// damagesRelease cancels a visit whose release cannot be decoded and waits to be
// delivered.
func (w *world) damagesRelease() {
	w.Helper()
	w.cancels(w.queued())
	w.damages(w.waiting(outbox.Release))
}

// An event that was given up, by any function and about anything, is in the list of those
// who can have it tried again, with a reason in words and the code; one press has it
// delivered, ends the item and is in the log.
func TestParked_ListedAndResumed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		park     func(w *world)
		listed   string // who is shown it
		note     string
		kind     outbox.Kind // empty: it cannot be decoded
		reparked bool        // it fails again for the same reason
	}{
		{"StripeSilentForADay", func(w *world) { captureParked(w) }, ada, outbox.Unknown, outbox.Capture, false},
		{"StripeTimesOut", func(w *world) {
			w.answers(w.taken())
			for range outbox.MaxTries {
				w.trouble.refuse(timeoutError{})
			}
			w.settle()
		}, ada, outbox.TimedOut, outbox.Capture, false},
		{"DiesEachTime", func(w *world) {
			w.cancels(w.queued())
			w.trouble.loseAll(releases, killedBefore)
			w.drain()
			w.givesUp()
			w.trouble.heal()
		}, ada, outbox.NoTriesLeft, outbox.Release, false},
		{"MailRefused", func(w *world) {
			id := w.taken()
			w.trouble.loseAll(sends, callLost)
			w.asks(id, "Since when?")
			w.settle()
			w.trouble.heal()
		}, ada, outbox.Unknown, outbox.Asked, false},
		{"UndecodableInTheStream", func(w *world) { w.damagesRelease(); w.settle() }, pat, outbox.Undecodable, "", true},
		{"UndecodableAndLost", func(w *world) {
			w.damagesRelease()
			w.tape.forget(w.tape.take()...)
			w.pass(31 * time.Minute)
			w.minute()
		}, pat, outbox.Undecodable, "", true},
		{"UndecodableAndDue", func(w *world) {
			w.cancels(w.queued())
			release := w.waiting(outbox.Release)
			w.trouble.next(releases, callLost)
			w.drain()
			w.damages(release)
			w.pass(time.Minute)
			w.minute()
			w.settle()
		}, pat, outbox.Undecodable, "", true},
		{"OfAnAccountOfNoPractice", func(w *world) {
			w.putEvent(outbox.Event{
				ID: outbox.NewID(outbox.ByStripe, w.now(), "acct_nobody.evt_1"), Kind: outbox.StripeReported, To: outbox.Charge,
				Account: "acct_nobody", Object: "pi_none", At: w.now(),
			})
			w.settle()
		}, pat, "", outbox.StripeReported, true},
		{"OfAnotherPracticesObject", func(w *world) {
			p := w.latest(w.queued()).payment
			w.hears(webhookOf("payment_intent.canceled", seed.Accounts[1], "payment_intent", p.Intent))
			w.settle()
		}, "ruth-vance", "resource_missing", outbox.StripeReported, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.park(w)
			i := w.givenUp(test.listed)
			if test.note != "" && i.Note != test.note || i.Note == "" || i.EventKind != string(test.kind) || !w.delivery(i.Event).Parked {
				t.Errorf("the item: %+v", i)
			}
			if outbox.Reason(i.Note) == "" || outbox.Kind(i.EventKind).Task() == "" {
				t.Errorf("%q and %q have no words", i.Note, i.EventKind)
			}
			w.pass(time.Hour)
			pressed := w.now()
			ended := w.resumes(test.listed, i)
			if ended.ID != i.ID || ended.EndedBy != test.listed || !ended.Ended.Equal(pressed) {
				t.Errorf("after the press the item is %+v", ended)
			}
			if by := w.presses(i.Practice, i.Event); len(by) != 1 || by[0] != test.listed {
				t.Errorf("the log has presses by %v", by)
			}
			w.settle()
			d := w.delivery(i.Event)
			if !test.reparked {
				if d.Done.IsZero() {
					t.Errorf("the event: %+v", d)
				}
				w.handled()
				return
			}
			if again := w.givenUp(test.listed); again.ID == i.ID || again.Event != i.Event || !d.Parked {
				t.Errorf("given up again: %+v; the event: %+v", again, d)
			}
		})
	}
}

// timeoutError is what a call that took too long returns.
type timeoutError struct{}

func (timeoutError) Error() string { return "took too long" }
func (timeoutError) Timeout() bool { return true }

// Who may press: administrators of the practice that the event is of.
func TestParked_WhoMayResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	captureParked(w)
	i := w.givenUp(ada)
	for who, code := range map[string]string{
		ana: "not_found", nora: "not_found", sam: "denied", jane: "not_found", elena: "not_found",
		omar: "not_found", "ruth-vance": "not_found", pat: "not_found", "nobody": "unknown_person",
	} {
		_, err := w.office.ResumeWork(w.ctx, w.as(who), i.ID)
		w.refused(err, code)
	}
	if d := w.delivery(i.Event); !d.Parked || w.givenUp(ada) != i || len(w.presses(i.Practice, i.Event)) != 0 {
		t.Errorf("after presses of others: %+v", d)
	}
	gone := person(ada)
	gone.Inactive = true
	w.becomes(gone)
	_, err := w.office.ResumeWork(w.ctx, w.as(ada), i.ID)
	w.refused(err, "unknown_person")
}

// An item about no event has nothing to try again.
func TestParked_OtherItemsCannotBeResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.owed()
	items := w.open(work.PaymentFailed)
	if len(items) != 1 {
		t.Fatalf("work: %+v", items)
	}
	_, err := w.office.ResumeWork(w.ctx, w.as(ada), items[0].ID)
	w.refused(err, "nothing_to_resume")
	if open := w.open(work.PaymentFailed); len(open) != 1 {
		t.Errorf("work: %+v", open)
	}
	_, err = w.office.ResumeWork(w.ctx, w.as(ada), "event.parked.api.2603021500.none-1")
	w.refused(err, "not_found")
}

// Many presses at once deliver the event once, and all succeed.
func TestParked_PressedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := captureParked(w)
	i := w.givenUp(ada)
	press := func() error { _, err := w.office.ResumeWork(w.ctx, w.as(ada), i.ID); return err }
	for _, err := range atOnce(press, press, press, press, press, press, press, press) {
		if err != nil {
			t.Errorf("a press: %v", err)
		}
	}
	if armed := w.tape.take(); len(armed) != 1 || armed[0] != i.Event {
		t.Errorf("armed %v", armed)
	}
	w.tape.put(i.Event)
	if by := w.presses("lakeside", i.Event); len(by) != 1 {
		t.Errorf("the log has %d presses", len(by))
	}
	w.settle()
	w.charged(id)
	before := w.trouble.called(captures)
	w.resumes(ada, i) // on a page that is out of date
	w.settle()
	if w.trouble.called(captures) != before || len(w.presses("lakeside", i.Event)) != 1 {
		t.Error("a press after the event was done had it delivered again")
	}
}

// A delivery that takes very long ends after the event was given up and resumed: the
// money moves once, and nothing is left.
func TestParked_PressedWhileDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.answers(id)
	capture := w.waiting(outbox.Capture)
	slow := w.delivery(capture)
	w.trouble.loseAll(captures, callLost)
	w.settle()
	w.trouble.heal()
	i := w.givenUp(ada)
	w.resumes(ada, i)
	if err := w.charge.Handle(w.ctx, slow); err != nil { // before the resumed one
		t.Fatal(err)
	}
	w.settle()
	w.charged(id)
	w.proven(id)
	w.handled()

	other := w.taken()
	w.answers(other)
	slow = w.delivery(w.waiting(outbox.Capture))
	w.trouble.loseAll(captures, callLost)
	w.settle()
	i = w.givenUp(ada)
	w.resumes(ada, i)
	if err := w.charge.Handle(w.ctx, slow); err != nil { // it fails, and is of a version that is gone
		t.Fatal(err)
	}
	w.trouble.heal()
	w.settle()
	w.charged(other)
	w.handled()
}

// A delivery that succeeds after its event was given up leaves the item, which a
// press ends without another delivery.
func TestParked_DoneMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.answers(id)
	slow := w.delivery(w.waiting(outbox.Capture))
	w.trouble.loseAll(captures, callLost)
	w.settle()
	w.trouble.heal()
	i := w.givenUp(ada)
	if err := w.charge.Handle(w.ctx, slow); err != nil {
		t.Fatal(err)
	}
	w.tape.take()
	if ended := w.resumes(ada, i); ended.Open() {
		t.Errorf("the item: %+v", ended)
	}
	if armed := w.tape.take(); len(armed) != 0 {
		t.Errorf("armed %v", armed)
	}
	w.charged(id)
}

// What nobody wants any more is not done when it is resumed.
func TestParked_NoLongerWanted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		park  func(w *world) string
		then  func(w *world, id string)
		state billing.State
	}{
		{"CaptureOfWhatWasCapturedByHand", captureParked, func(w *world, id string) {
			w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		}, billing.Captured},
		{"CaptureOfWhatWasReleasedByHand", captureParked, func(w *world, id string) {
			w.hand(stripesim.HandCancel, w.latest(id).payment.Intent)
		}, billing.Released},
		{"ReleaseOfWhatLapsed", func(w *world) string {
			id := w.queued()
			w.cancels(id)
			w.trouble.loseAll(releases, callLost)
			w.settle()
			w.trouble.heal()
			return id
		}, func(w *world, _ string) { w.pass(8 * 24 * time.Hour) }, billing.Lapsed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := test.park(w)
			i := w.givenUp(ada)
			test.then(w, id)
			w.settle()
			w.trouble.order(commits, 0, nothing)
			w.resumes(ada, i)
			w.settle()
			if n := w.trouble.called(captures) + w.trouble.called(releases) + w.trouble.called(refunds); n != 0 {
				t.Errorf("%d calls to move money", n)
			}
			w.states(id, test.state)
			w.proven(id)
			w.handled()
		})
	}
	t.Run("LetterOfWhatWasCancelled", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.submitted()
		w.pays(id, stripesim.CardSuccess)
		w.trouble.loseAll(sends, callLost)
		w.drain()
		w.givesUp()
		w.trouble.heal()
		i := w.givenUp(ada)
		w.cancels(id)
		w.settle()
		before := len(w.letters(""))
		w.resumes(ada, i)
		w.settle()
		if w.stands(id, visit.Cancelled); len(w.letters("")) != before {
			t.Errorf("letters: %+v", w.letters(""))
		}
		w.handled()
	})
}

// An event whose item was ended by a person's word stays as it is, and can still be
// resumed.
func TestParked_EndedThenResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := captureParked(w)
	i := w.givenUp(ada)
	if _, err := w.office.EndWork(w.ctx, w.as(ada), i.ID); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if w.states(id, billing.Held); !w.delivery(i.Event).Parked {
		t.Error("the event was tried again")
	}
	if ended := w.resumes(ada, i); ended.EndedBy != ada || ended.Version != 2 {
		t.Errorf("the item: %+v", ended)
	}
	w.settle()
	w.charged(id)
	if by := w.presses("lakeside", i.Event); len(by) != 1 || strings.Join(by, "") != ada {
		t.Errorf("the log has presses by %v", by)
	}
}
