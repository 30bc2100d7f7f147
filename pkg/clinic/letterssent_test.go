package clinic_test

import (
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/outbox"
)

// awaits drives on until an event of a kind waits to be delivered. Other letters of
// before are sent.
func (w *world) awaits(k outbox.Kind) string {
	w.Helper()
	for range 40 {
		for _, body := range w.mailed() {
			w.hears(body)
		}
		found := ""
		ids := w.tape.take()
		for _, id := range ids {
			if w.delivery(id).Kind == k {
				found = id
				continue
			}
			w.deliver(id)
		}
		if found != "" {
			return found
		}
		if len(ids) == 0 {
			w.pass(5 * time.Second)
			w.run(w.sweep.Run)
			w.run(w.deadline.Run)
		}
	}
	w.Fatalf("no event of kind %s came", k)
	return ""
}

func (w *world) refundFailsLater() string {
	id := w.submitted()
	w.pays(id, stripesim.CardRefundFails)
	w.settle()
	w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
	w.settle()
	w.cancels(id)
	return id
}

// A letterCase is one kind of event that has letters: how it comes about, who is
// written what, and what makes the letters untrue before they are sent.
type letterCase struct {
	kind              outbox.Kind
	drive             func(w *world) string // returns the visit
	patient, practice string                // the letters' subjects; empty: none
	moot              map[string]func(w *world, id string)
	kept              string // the subject of the letter that stays true in spite of the moot named Answered
}

var letterCases = []letterCase{
	{
		outbox.Received, func(w *world) string {
			id := w.submitted()
			w.pays(id, stripesim.CardSuccess)
			return id
		}, "Your request was received", "A new request",
		map[string]func(*world, string){
			"Cancelled": func(w *world, id string) { w.cancels(id) },
			"Answered":  func(w *world, id string) { w.takes(ana, id); w.answers(id) },
		},
		"Your request was received",
	},
	{
		outbox.Asked, func(w *world) string {
			id := w.taken()
			w.asks(id, "Since when?")
			return id
		}, "A question about your request", "",
		map[string]func(*world, string){
			"Replied":   func(w *world, id string) { w.replies(id, "Since Monday.") },
			"Cancelled": func(w *world, id string) { w.cancels(id) },
		},
		"",
	},
	{
		outbox.Replied, func(w *world) string {
			id := w.taken()
			w.replies(id, "Since Monday.")
			return id
		}, "", "A patient has written",
		map[string]func(*world, string){"Cancelled": func(w *world, id string) { w.cancels(id) }},
		"",
	},
	{outbox.Answered, func(w *world) string {
		id := w.taken()
		w.answers(id)
		return id
	}, "Your request was answered", "", nil, ""},
	{outbox.Ended, func(w *world) string {
		id := w.queued()
		w.cancels(id)
		return id
	}, "Your request has ended", "", nil, ""},
	{outbox.Ended, func(w *world) string {
		id := w.queued()
		w.pass(49 * time.Hour)
		return id
	}, "Your request has ended", "A request has expired", nil, ""},
	{
		outbox.Late, func(w *world) string {
			id := w.taken()
			w.pass(24*time.Hour + time.Minute)
			return id
		}, "Your request is taking longer", "A request is late",
		map[string]func(*world, string){
			"Cancelled": func(w *world, id string) { w.cancels(id) },
			"Over":      func(w *world, id string) { w.answers(id) },
		},
		"",
	},
	{outbox.Charged, func(w *world) string {
		id := w.taken()
		w.answers(id)
		return id
	}, "Your receipt", "", nil, ""},
	{
		outbox.ChargeFailed, func(w *world) string {
			id := w.submitted()
			w.pays(id, stripesim.CardCaptureFails)
			w.settle()
			w.takes(ana, id)
			w.answers(id)
			return id
		}, "Your payment did not go through", "A fee was not collected",
		map[string]func(*world, string){"PaidByLink": func(w *world, id string) {
			w.link(id)
			w.pays(id, stripesim.CardSuccess)
			w.drain()
		}},
		"",
	},
	{
		outbox.CheckoutAbandoned, func(w *world) string {
			id := w.submitted()
			w.pass(2 * time.Hour)
			return id
		}, "Your request was not sent", "",
		map[string]func(*world, string){
			"SentAgain": func(w *world, id string) { w.submits(jane, id, w.prices(jane, id).Quote.ID) },
			"Cancelled": func(w *world, id string) { w.cancels(id) },
			"Deleted":   func(w *world, id string) { w.deletes(id) },
		},
		"",
	},
	{outbox.Diverted, func(w *world) string {
		id := w.draft()
		w.saves(jane, id, said{"uti-confused": true})
		return id
	}, "", "A request was diverted", nil, ""},
	{
		outbox.Reversed, func(w *world) string {
			id := w.submitted()
			w.pays(id, stripesim.CardRefundFails)
			w.settle()
			w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
			w.cancels(id)
			return id
		}, "A payment is refunded", "A payment without an answer is refunded",
		map[string]func(*world, string){"RefundFailed": func(w *world, _ string) {
			w.drain()
			w.pass(3*24*time.Hour + time.Minute)
			w.drain()
		}},
		"",
	},
	{
		outbox.Refunded, func(w *world) string {
			id := w.chargedFor()
			w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 12_50)) })
			return id
		}, "A refund of your payment", "", nil, "",
	},
	{
		outbox.RefundFailed, func(w *world) string {
			id := w.refundFailsLater()
			w.settle()
			w.pass(3*24*time.Hour + time.Minute)
			return id
		}, "Your refund did not go through", "A refund failed",
		map[string]func(*world, string){"RefundedAfterAll": func(w *world, id string) {
			w.refund(w.latest(id).payment.Intent, 40_00)
			w.drain()
		}},
		"",
	},
	{
		outbox.FraudWarned, func(w *world) string {
			id := w.answered()
			w.hand(stripesim.HandWarn, w.latest(id).payment.Intent)
			return id
		}, "", "A warning of fraud",
		map[string]func(*world, string){"Refunded": func(w *world, id string) {
			w.refund(w.latest(id).payment.Intent, 40_00)
			w.drain()
		}},
		"",
	},
	{outbox.StrayFound, func(w *world) string {
		id := w.submitted()
		second := w.hand(stripesim.HandSession, w.session(id))
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		if _, err := w.try(second, stripesim.CardSuccess); err != nil {
			w.Fatalf("paying: %v", err)
		}
		return id
	}, "", "A payment that was not asked for", nil, ""},
	{
		outbox.DisputeOpened, func(w *world) string {
			id := w.answered()
			w.settle()
			w.bank(stripesim.HandDispute, id)
			return id
		}, "", "A charge is disputed",
		map[string]func(*world, string){
			"AnsweredAtStripe": func(w *world, id string) { w.bank(stripesim.HandRespond, id); w.drain() },
			"Lost":             func(w *world, id string) { w.bank(stripesim.HandLose, id); w.drain() },
		},
		"",
	},
	{
		outbox.DisputeDue, func(w *world) string {
			id := w.answered()
			w.settle()
			w.bank(stripesim.HandInquire, id)
			w.settle()
			w.waits(10 * aDay)
			w.pass(2 * aDay)
			return id
		}, "", "A bank's inquiry is soon due",
		map[string]func(*world, string){"AnsweredAtStripe": func(w *world, id string) { w.bank(stripesim.HandRespond, id); w.drain() }},
		"",
	},
	{
		outbox.DisputeMissed, func(w *world) string {
			id := w.answered()
			w.settle()
			w.bank(stripesim.HandInquire, id)
			w.settle()
			w.waits(12*aDay, 2*aDay)
			w.pass(25 * time.Hour)
			return id
		}, "", "A bank's inquiry was not answered in time",
		map[string]func(*world, string){"Closed": func(w *world, id string) { w.bank(stripesim.HandCloseInquiry, id); w.drain() }},
		"",
	},
	{
		outbox.DisputeEnded, func(w *world) string {
			id := w.answered()
			w.settle()
			w.bank(stripesim.HandDispute, id)
			w.settle()
			w.bank(stripesim.HandWin, id)
			return id
		}, "", "A dispute is won", nil, "",
	},
	{
		outbox.AccountLost, func(w *world) string {
			w.hand(stripesim.HandDisconnect, seed.Accounts[0])
			return ""
		}, "", "Your Stripe account is disconnected",
		map[string]func(*world, string){"Connected": func(w *world, _ string) {
			w.hand(stripesim.HandConnect, seed.Accounts[0])
			w.day()
		}},
		"",
	},
	{
		outbox.AccountDisabled, func(w *world) string {
			w.hand(stripesim.HandDisable, seed.Accounts[0])
			return ""
		}, "", "Stripe has disabled your account",
		map[string]func(*world, string){"Enabled": func(w *world, _ string) {
			w.hand(stripesim.HandEnable, seed.Accounts[0])
			w.day()
		}},
		"",
	},
	{outbox.MemberJoined, func(w *world) string {
		w.sells()
		m := w.enrols()
		w.subscribes(m, stripesim.CardSuccess)
		return m.ID
	}, "Your membership has begun", "", map[string]func(*world, string){"Unsubscribed": (*world).unsubscribed}, ""},
	{outbox.MemberRenewal, func(w *world) string { return w.beforeRenewal(stripesim.CardSuccess) }, "Your membership will be renewed", "", map[string]func(*world, string){
		"Unsubscribed": (*world).unsubscribed, "Cancelled": func(w *world, id string) { w.cancelsMembership(id) },
	}, ""},
	{outbox.MemberRenewed, func(w *world) string {
		id := w.beforeRenewal(stripesim.CardSuccess)
		w.minute()
		w.pass(37 * 24 * time.Hour)
		return id
	}, "Your membership is paid", "", map[string]func(*world, string){"Unsubscribed": (*world).unsubscribed}, ""},
	{outbox.MemberUnpaid, func(w *world) string {
		id := w.beforeRenewal(stripesim.CardLaterDeclined)
		w.minute()
		w.pass(36*24*time.Hour + 4*time.Hour)
		return id
	}, "The payment for your membership failed", "", map[string]func(*world, string){"Unsubscribed": (*world).unsubscribed}, ""},
	{outbox.MemberEnded, func(w *world) string {
		w.sells()
		m := w.enrols()
		w.pass(24*time.Hour + time.Minute)
		return m.ID
	}, "Your membership has ended", "", nil, ""},
	{outbox.MemberCancelled, func(w *world) string {
		id := w.member(stripesim.CardSuccess).ID
		w.cancelsMembership(id)
		return id
	}, cancelledLetter, "", map[string]func(*world, string){"Resumed": func(w *world, id string) { w.resumesMembership(id) }, "Unsubscribed": (*world).unsubscribed}, ""},
	{outbox.MemberResumed, func(w *world) string {
		id := w.member(stripesim.CardSuccess).ID
		w.cancelsMembership(id)
		w.settle()
		w.resumesMembership(id)
		return id
	}, resumedLetter, "", map[string]func(*world, string){"Cancelled": func(w *world, id string) { w.cancelsMembership(id) }, "Unsubscribed": (*world).unsubscribed}, ""},
}

// beforeRenewal is Jane's membership, 36 days before its year ends, when its renewal is to be announced.
func (w *world) beforeRenewal(card string) string {
	w.Helper()
	m := w.member(card)
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	return m.ID
}

// unsubscribed is a membership that somebody ends at Stripe.
func (w *world) unsubscribed(id string) {
	w.Helper()
	m, err := w.tape.Membership(w.ctx, id)
	if err != nil {
		w.Fatalf("membership: %v", err)
	}
	w.hand(stripesim.HandUnsubscribe, m.Subscription)
	w.drain()
}

// sentOf counts the letters of one event by their recipient.
func (w *world) sentOf(c letterCase) (patient, practice int) {
	w.Helper()
	for _, l := range w.letters("") {
		if c.patient != "" && l.To[0] == janes && l.Subject == "Practice lakeside: "+c.patient {
			patient++
		}
		if c.practice != "" && l.To[0] == inbox && l.Subject == "Practice lakeside: "+c.practice {
			practice++
		}
	}
	return patient, practice
}

// oneIf is 1 for a letter that there is.
func oneIf(subject string) int {
	if subject == "" {
		return 0
	}
	return 1
}

func (w *world) wantSent(c letterCase, patient, practice int) {
	w.Helper()
	if p, o := w.sentOf(c); p != patient || o != practice {
		w.Errorf("%d letters to the patient and %d to the practice, want %d and %d", p, o, patient, practice)
	}
}

// Every kind of event that has letters is among the cases.
func TestLetters_EveryKind(t *testing.T) {
	t.Parallel()
	cases := map[outbox.Kind]bool{}
	for _, c := range letterCases {
		cases[c.kind] = true
	}
	for _, k := range outbox.Kinds {
		switch k {
		case outbox.StripeReported, outbox.CheckPayment, outbox.CheckAccount, outbox.AskAccount, outbox.OpenAccount, outbox.CompareAccount, outbox.Capture, outbox.Release, outbox.RenewHold, outbox.CheckMembership, outbox.GiveBackVisit, outbox.CarryMembership, outbox.AnswerDispute, outbox.AcceptDispute, outbox.Refund: // for charge
		case outbox.Invited, outbox.ContactChanged: // to neither patient nor practice
		default:
			if !cases[k] {
				t.Errorf("%s has no case", k)
			}
		}
	}
}

// A letter is sent once however often its event is delivered: at once, with the
// record of the first delivery again, and by a sweep. It is sent twice only if the
// process ends between sending it and marking the event.
func TestLetters_SentOnce(t *testing.T) {
	t.Parallel()
	for _, c := range letterCases {
		t.Run(string(c.kind)+"/"+c.patient+c.practice, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.drive(w)
			event := w.awaits(c.kind)
			d := w.delivery(event)
			for range 3 {
				if err := w.notify.Handle(w.ctx, d); err != nil {
					t.Fatal(err)
				}
			}
			w.tape.put(event)
			w.settle()
			w.wantSent(c, oneIf(c.patient), oneIf(c.practice))
			w.handled(c.kind)
		})
		t.Run(string(c.kind)+"/"+c.patient+c.practice+"/KilledBeforeTheMark", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.drive(w)
			event := w.awaits(c.kind)
			w.trouble.order(commits, 1, killedBefore)
			for range 2 {
				w.deliver(event)
			}
			w.wantSent(c, 2*oneIf(c.patient), 2*oneIf(c.practice))
			if w.delivery(event).Done.IsZero() {
				t.Error("it is not marked")
			}
		})
	}
}

// A letter that is no longer true when it would be sent is not sent, and nobody is
// bothered about it.
func TestLetters_NoLongerTrue(t *testing.T) {
	t.Parallel()
	for _, c := range letterCases {
		for name, change := range c.moot {
			t.Run(string(c.kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := c.drive(w)
				event := w.awaits(c.kind)
				change(w, id)
				w.deliver(event)
				kept := 0
				if name == "Answered" {
					kept = oneIf(c.kept)
				}
				w.wantSent(c, kept, 0)
				if d := w.delivery(event); d.Done.IsZero() || d.Parked {
					t.Errorf("the event: %+v", d)
				}
			})
		}
	}
}

// A read at half the price that lags behind the event withholds no letter.
func TestLetters_VisitReadLate(t *testing.T) {
	t.Parallel()
	for _, c := range letterCases {
		t.Run(string(c.kind)+"/"+c.patient+c.practice, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tape.lag()
			c.drive(w)
			w.deliver(w.awaits(c.kind))
			w.wantSent(c, oneIf(c.patient), oneIf(c.practice))
		})
	}
}

// If one recipient's letter cannot be sent, the other's is, once; a later try sends
// only what was not sent.
func TestLetters_OneRecipientFails(t *testing.T) {
	t.Parallel()
	for _, c := range letterCases {
		if c.patient == "" || c.practice == "" {
			continue
		}
		for nth, name := range []string{"Patient", "Practice"} {
			for tries := 1; tries <= 3; tries += 2 {
				t.Run(string(c.kind)+"/"+c.practice+"/"+name+map[int]string{1: "Once", 3: "OftenAgain"}[tries], func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					c.drive(w)
					event := w.awaits(c.kind)
					w.trouble.order(sends, nth+1, callLost)
					if w.deliver(event); w.delivery(event).Sent == "" {
						t.Errorf("the event: %+v", w.delivery(event))
					}
					for range tries - 1 {
						w.trouble.order(sends, 1, callLost)
						w.pass(3 * time.Minute)
						w.run(w.sweep.Run)
						w.deliver(event)
					}
					w.trouble.heal()
					w.settle()
					w.wantSent(c, 1, 1)
					w.handled()
				})
			}
		}
	}
}

// A visit that is gone is told to a person and not to a patient.
func TestLetters_NoVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putEvent(outbox.Event{
		ID: outbox.NewID(outbox.ByAPI, w.now(), "gone"), Kind: outbox.Answered, To: outbox.Notify, Practice: "lakeside", Visit: "gone", At: w.now(),
	})
	w.settle()
	if i := w.givenUp(ada); i.Note != "not_found" || len(w.letters("")) != 0 {
		t.Errorf("%+v, %+v", i, w.letters(""))
	}
}
