package clinic_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/notify"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// truthful mail holds each letter against the rows and Stripe, as they are at the
// moment in which it is sent. It is for tests in which nothing happens meanwhile.
type truthful struct {
	notify.Mail
	w *world
}

func (m truthful) Send(ctx context.Context, l notify.Letter) error {
	if m.w.letterCheck != nil {
		m.w.letterCheck.hold(m.w, l)
	}
	return m.Mail.Send(ctx, l)
}

// A letterCheck counts the claims of letters that were checked, by subject and words.
type letterCheck map[string]int

// A said letter is one that is being sent, and what it is about.
type saidLetter struct {
	body     string
	event    outbox.Delivery
	visit    visit.Visit
	payment  paid   // that the event names; zero if none
	all      []paid // of the visit
	practice practice.Practice
	open     []work.Item // of the practice
	now      time.Time

	membership membership.Membership // that the event names; zero if none
	// paid and back are what Stripe has of the payments for it, and has refunded.
	paid, back money.Cents
}

func (c letterCheck) hold(w *world, l notify.Letter) {
	w.Helper()
	said := saidLetter{body: l.Body, now: w.now(), event: w.delivery(strings.TrimSuffix(l.Key, ".practice"))}
	var err error
	if said.practice, err = w.tape.Practice(w.ctx, "lakeside"); err != nil {
		w.Errorf("the practice: %v", err)
	}
	if said.event.Visit != "" {
		if said.visit, err = w.tape.Visit(w.ctx, said.event.Visit); err != nil {
			w.Errorf("visit %s: %v", said.event.Visit, err)
		}
		said.all = w.payments(said.visit)
	}
	for _, p := range said.all {
		if p.payment.ID == said.event.Payment {
			said.payment = p
		}
	}
	said.open = w.work("lakeside")
	if id := said.event.Membership; id != "" {
		if said.membership, err = w.tape.Membership(w.ctx, id); err != nil {
			w.Errorf("membership %s: %v", id, err)
		}
		said.paid, said.back = w.paidFor(id)
	}
	subject := strings.TrimPrefix(l.Subject, said.practice.Name+": ")
	claims, known := claimsOf[subject]
	if !known {
		w.Errorf("what %q claims is not checked", subject)
	}
	found := false
	for words, holds := range claims {
		if !strings.Contains(l.Body, words) {
			continue
		}
		found = true
		c[subject+": "+words]++
		if !holds(said) {
			w.Errorf("%q says %q: the visit is %s, its payments are %+v, it is %s", subject, words, said.visit.Status, said.all, said.now)
		}
	}
	if !found {
		w.Errorf("%q says nothing that is checked: %s", subject, l.Body)
	}
}

// paidFor is what Stripe has of the payments for a membership, and has refunded.
func (w *world) paidFor(id string) (paid, back money.Cents) {
	w.Helper()
	o := w.truth()
	for _, s := range o.Subscriptions {
		if s.Metadata["membership"] != id {
			continue
		}
		for _, i := range s.Invoices {
			paid += money.Cents(i.AmountPaid)
			for _, pi := range o.Intents {
				if pi.ID == i.PaymentIntent {
					back += money.Cents(pi.AmountRefunded)
				}
			}
		}
	}
	return paid, back
}

func (l saidLetter) isPaidMember() bool {
	year := l.membership.Standing
	return l.membership.State == membership.Active && strings.Contains(l.body, year.Paid.String()+" was paid") && l.paid >= year.Paid
}

func (l saidLetter) hasEnded() bool { return l.membership.State == membership.Ended }

// claimsOf are what letters claim, by subject: words of the letter, and when they are
// true.
var claimsOf = map[string]map[string]func(saidLetter) bool{
	"Your request was received":     {"Expect an answer by ": func(l saidLetter) bool { return l.isSent() && l.namesPromise() }},
	"A new request":                 {"awaits an answer by ": func(l saidLetter) bool { return l.visit.Status.AwaitsAnswer() && l.namesPromise() }},
	"A question about your request": {"your request waits for you": func(l saidLetter) bool { return l.visit.Status == visit.AwaitingPatient }},
	"Your request was answered": {
		"ready to read":        func(l saidLetter) bool { return l.isAnswered() && l.visit.Document != "" },
		"It costs you nothing": func(l saidLetter) bool { return l.isAnswered() && l.visit.Fee() == 0 },
	},
	"A patient has written":         {"has written about a request": func(l saidLetter) bool { return l.visit.Messages > 0 }},
	"A request was diverted":        {"was stopped": func(l saidLetter) bool { return l.visit.Status == visit.Diverted }},
	"A request has expired":         {"ended": func(l saidLetter) bool { return l.visit.Status == visit.Expired }},
	"Your request is taking longer": {"later than promised": saidLetter.isLate},
	"A request is late":             {"was promised an answer by ": func(l saidLetter) bool { return l.isLate() && l.namesPromise() }},
	"Your request was not sent": {"so your request was not sent": func(l saidLetter) bool {
		return l.visit.Status == visit.Draft && l.pageIsUnpaid()
	}},
	"Your receipt": {
		"was collected": saidLetter.isCollected,
		"that you were quoted": func(l saidLetter) bool {
			return strings.Contains(l.body, "costs "+l.visit.Fee().String()+", of the "+l.visit.Quote.Amount.String()) && l.visit.Reduced > 0
		},
	},
	"A part of your payment is refunded":      {"More was charged than your answer costs": saidLetter.isMoreThanTheFee},
	"More was charged than an answer costs":   {"What is above the fee is refunded": saidLetter.isMoreThanTheFee},
	"Your payment did not go through":         {"did not go through": saidLetter.isOwed, "answer is ready": saidLetter.isAnswered},
	"A fee was not collected":                 {"could not be collected": saidLetter.isOwed, "was answered": saidLetter.isAnswered},
	"A payment is refunded":                   {"refunded in full": saidLetter.isGivenBack},
	"A payment without an answer is refunded": {"It is refunded": saidLetter.isGivenBack},
	"A refund of your payment": {"that you were charged is refunded": func(l saidLetter) bool {
		p := l.payment.payment
		sums := "In all " + p.Refunded.String() + " of the " + p.Collected.String() + " that you were charged is refunded, and " + (p.Collected - p.Refunded).String() + " stays paid"
		return p.Refunded > 0 && strings.Contains(l.body, sums)
	}},
	"Your refund did not go through": {"did not go through": saidLetter.isStranded},
	"A refund failed":                {"in the practice's account at Stripe again": saidLetter.isStranded},
	"A warning of fraud": {"Refund it at Stripe": func(l saidLetter) bool {
		return l.isOpen(work.FraudWarned) && l.payment.payment.State != billing.FullyRefunded
	}},
	"A charge is disputed": {". Please answer the bank by ": func(l saidLetter) bool {
		return l.mayAnswer() && strings.Contains(l.body, "their bank has taken "+l.payment.payment.Withdrawn.String()+".")
	}},
	"A bank asks about a charge": {". No money was taken": func(l saidLetter) bool {
		return l.mayAnswer() && strings.Contains(l.body, "asks about a charge of "+l.dispute().Amount.String()+".") && l.payment.payment.Withdrawn == 0
	}},
	"Your membership has begun": {"was paid for the year ": saidLetter.isPaidMember},
	"Your membership is paid":   {"was paid for the year ": saidLetter.isPaidMember},
	"The payment for your membership failed": {"The payment for your membership failed. ": func(l saidLetter) bool {
		return l.membership.State == membership.PastDue
	}, "You can pay the ": func(l saidLetter) bool {
		page, amount := l.membership.Arrears()
		return page != "" && amount > 0 && strings.Contains(l.body, "You can pay the "+amount.String()+" with this or another card")
	}},
	"Your membership has ended": {
		"no membership began": func(l saidLetter) bool { return l.hasEnded() && l.paid == 0 },
		"ended as you asked": func(l saidLetter) bool {
			return l.hasEnded() && l.membership.Ended.Why == membership.Cancelled
		},
		"The practice has ended your membership. Nothing more is charged for it. ": func(l saidLetter) bool {
			return l.hasEnded() && l.membership.Ended.Why == membership.ByPractice && strings.Contains(l.body, "charged for it. "+l.membership.Reason().Text())
		},
		"because its payment failed": saidLetter.hasEnded,
		"is being refunded":          func(l saidLetter) bool { return l.hasEnded() && l.membership.Owed() > 0 },
		"was refunded":               func(l saidLetter) bool { return l.hasEnded() && l.back >= l.membership.Standing.Refunded },
	},
	"Your membership will be renewed": {"is renewed on ": func(l saidLetter) bool { return l.membership.Renews() }},
	"Your membership will not be renewed": {"ends your membership with its year. ": func(l saidLetter) bool {
		return !l.membership.Renews() && strings.Contains(l.body, "with its year. "+l.membership.Reason().Text())
	}, "does not offer this membership any more": func(l saidLetter) bool {
		_, sold := l.practice.Membership(l.now)
		return !sold
	}},
	"Your membership is cancelled": {"and is not renewed": func(l saidLetter) bool { return !l.membership.Renews() }},
	"Your membership goes on":      {"it is renewed for another year": func(l saidLetter) bool { return l.membership.Renews() }},
	"A dispute is soon due":        {"was not answered yet. It takes an answer until ": saidLetter.mayAnswer},
	"A bank's inquiry is soon due": {"was not answered yet. Please answer by ": saidLetter.mayAnswer},
	"A dispute was not answered in time": {"and none was sent": func(l saidLetter) bool {
		return l.isOpen(work.DisputeMissed) && l.dispute().Status == "needs_response" && l.isPastDue()
	}},
	"A bank's inquiry was not answered in time": {"None was sent": func(l saidLetter) bool {
		return l.isOpen(work.DisputeMissed) && l.dispute().Status == "warning_needs_response" && l.isPastDue()
	}},
	"A dispute is won":  {"the money is in your account at Stripe again": func(l saidLetter) bool { return l.dispute().Status == "won" && l.payment.payment.Withdrawn == 0 }},
	"A dispute is lost": {"decided for the cardholder": func(l saidLetter) bool { return l.dispute().Status == "lost" && l.payment.payment.Withdrawn > 0 }},
	"A dispute is lost without an answer": {"and none was sent": func(l saidLetter) bool {
		return l.dispute().Status == "lost" && l.dispute().Submissions == 0 && l.isPastDue() && l.isOpen(work.DisputeMissed)
	}},
	"A bank's inquiry is closed": {"It has taken no money": func(l saidLetter) bool {
		return l.dispute().Status == "warning_closed" && l.payment.payment.Withdrawn == 0
	}},
	"A payment that was not asked for":    {"The money is refunded": func(l saidLetter) bool { return l.isOpen(work.StrayPayment) && l.payment.stripe.ID != "" }},
	"Your Stripe account is disconnected": {"cannot be reached": func(l saidLetter) bool { return l.isOpen(work.AccountLost) }},
	"Stripe has disabled your account":    {"Stripe asks for something": func(l saidLetter) bool { return l.isOpen(work.AccountDisabled) }},
	"Your request has ended": {
		"ended without an answer": func(l saidLetter) bool { return l.visit.Status.Over() && !l.isAnswered() },
		"your bank decides":       func(l saidLetter) bool { return slices.ContainsFunc(l.all, contested) },
		"your bank took the charge back": func(l saidLetter) bool {
			return slices.ContainsFunc(l.all, func(p paid) bool { taken, _ := p.taken(); return taken > 0 && !contested(p) })
		},
		"you will not be charged":   func(l saidLetter) bool { return !slices.ContainsFunc(l.all, collected) },
		"is being refunded in full": func(l saidLetter) bool { return slices.ContainsFunc(l.all, collected) && !l.isStranded() },
		"was refunded in full": func(l saidLetter) bool {
			return slices.ContainsFunc(l.all, collected) && !slices.ContainsFunc(l.all, kept)
		},
		"refund did not go": func(l saidLetter) bool { return slices.ContainsFunc(l.all, stranded) },
	},
}

func (l saidLetter) isAnswered() bool { return !l.visit.Times.Answered.IsZero() }
func (l saidLetter) isSent() bool     { return l.visit.Status.AwaitsAnswer() || l.isAnswered() }
func (l saidLetter) isLate() bool {
	return l.visit.Status.AwaitsAnswer() && l.visit.Promise.By.Before(l.now)
}
func (l saidLetter) isOwed() bool { return l.visit.Owed && !slices.ContainsFunc(l.all, kept) }

// namesPromise reports whether the letter has the promised time, as the practice's
// clocks show it.
func (l saidLetter) namesPromise() bool {
	return strings.Contains(l.body, l.practice.Local(l.visit.Promise.By))
}

// pageIsUnpaid reports whether our page closed unpaid. One that was made by hand, with
// the same reference, may have been paid after it: its hold is released.
func (l saidLetter) pageIsUnpaid() bool {
	p := l.payment
	byHand := p.payment.State == billing.Released || p.payment.State == billing.Held
	return p.payment.State == billing.Abandoned || byHand && p.stripe.Session != p.payment.Session
}

// isCollected reports whether the fee was charged, here and at Stripe.
func (l saidLetter) isCollected() bool {
	p := l.payment
	return p.payment.Collected > 0 && p.stripe.AmountReceived == int64(p.payment.Collected) && slices.ContainsFunc(p.entries, collects)
}

// isGivenBack reports whether what was charged is refunded or will be.
func (l saidLetter) isGivenBack() bool {
	return l.payment.payment.Collected > 0 && !stranded(l.payment)
}

// isMoreThanTheFee reports whether more was charged for an answer than its fee, and is
// refunded or will be.
func (l saidLetter) isMoreThanTheFee() bool {
	return l.isAnswered() && l.payment.payment.Collected > l.visit.Fee() && l.isGivenBack()
}

// dispute is that of the payment, as it is known here: a bank may have decided since.
func (l saidLetter) dispute() billing.Dispute { return l.payment.payment.Dispute }

// mayAnswer reports whether the bank takes an answer until when the letter says, and an
// item of work is open that says so.
func (l saidLetter) mayAnswer() bool {
	d := l.dispute()
	return d.AwaitsAnswer() && l.now.Before(d.Due) && strings.Contains(l.body, l.practice.Local(d.Due)) && l.isOpen(work.Dispute)
}

// isPastDue reports whether the time to answer, which the letter says, is over.
func (l saidLetter) isPastDue() bool {
	due := l.dispute().Due
	return !l.now.Before(due) && strings.Contains(l.body, l.practice.Local(due))
}

// isStranded reports whether a refund failed, so that Stripe has the money again.
func (l saidLetter) isStranded() bool { return stranded(l.payment) }

func (l saidLetter) isOpen(k work.Kind) bool {
	return slices.ContainsFunc(l.open, func(i work.Item) bool { return i.Kind == k && i.Visit == l.event.Visit })
}

func collects(e ledger.Entry) bool { return e.Kind == ledger.Capture || e.Kind == ledger.Charge }

func collected(p paid) bool { return p.payment.Collected > 0 }
func kept(p paid) bool      { return p.stripe.AmountReceived > p.stripe.AmountRefunded }
func contested(p paid) bool { return p.payment.State == billing.Disputed }
func stranded(p paid) bool  { return p.payment.Why == billing.RefundFailed && kept(p) }

// letterScenes lead, together, to every letter there is.
var letterScenes = map[string]func(w *world){
	"Answered": func(w *world) {
		id := w.taken()
		w.asks(id, "Since when?")
		w.settle()
		w.replies(id, "Since Sunday.")
		w.answers(id)
	},
	"Waived":  func(w *world) { w.answersFor(ana, w.taken(), lowered(0)) },
	"Lowered": func(w *world) { w.answersFor(ana, w.taken(), lowered(15_00)) },
	"LoweredAfterAChargeByHand": func(w *world) {
		id := w.taken()
		w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		w.settle()
		w.answersFor(ana, id, lowered(15_00))
	},
	"Late": func(w *world) {
		w.queued()
		for range 2 {
			w.pass(24*time.Hour + time.Minute)
			w.minute()
		}
	},
	"Abandoned": func(w *world) {
		w.submitted()
		w.pass(3 * time.Hour)
		w.minute()
	},
	"Diverted":   func(w *world) { endings["Diverted"](w, w.taken()) },
	"NotCharged": func(w *world) { w.owing() },
	"ChargedByHand": func(w *world) {
		id := w.taken()
		w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		w.settle()
		w.cancels(id)
	},
	"ChargedByHandAtTheEnd": func(w *world) {
		id := w.taken()
		w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		w.cancels(id)
	},
	"ChargedByHandAndRefunded": func(w *world) {
		id := w.taken()
		intent := w.latest(id).payment.Intent
		w.hand(stripesim.HandCapture, intent)
		w.settle()
		w.hand(stripesim.HandRefund, intent)
		w.settle()
		w.cancels(id)
	},
	"RefundFails": func(w *world) {
		id := w.submitted()
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		w.settle()
		refund := w.hand(stripesim.HandRefund, w.latest(id).payment.Intent)
		w.settle()
		w.hand(stripesim.HandFailRefund, refund)
		w.settle() // before the request expires: what Stripe has not told yet, no letter knows
		w.pass(3*24*time.Hour + time.Minute)
		w.minute()
	},
	"RefundedByHand": func(w *world) {
		id := w.chargedFor()
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 12_50)) })
	},
	"Warned": func(w *world) { w.hand(stripesim.HandWarn, w.latest(w.answered()).payment.Intent) },
	"Stray": func(w *world) {
		id := w.submitted()
		second := w.hand(stripesim.HandSession, w.session(id))
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		if _, err := w.try(second, stripesim.CardSuccess); err != nil {
			w.Fatalf("%v", err)
		}
	},
	"StrayChargedByHand": func(w *world) {
		id := w.submitted()
		second := w.hand(stripesim.HandSession, w.session(id))
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		p, err := w.try(second, stripesim.CardSuccess)
		if err != nil {
			w.Fatalf("%v", err)
		}
		w.hand(stripesim.HandCapture, p.Intent)
		w.settle()
		w.cancels(id)
	},
	"DisputedAndLost": func(w *world) {
		id := w.answered()
		for _, do := range []string{stripesim.HandDispute, stripesim.HandRespond, stripesim.HandLose} {
			w.bank(do, id)
			w.settle()
		}
	},
	"DisputedAndNotAnswered": func(w *world) {
		w.bank(stripesim.HandDispute, w.answered())
		w.settle()
		w.waits(12*aDay, 4*aDay)
	},
	"DisputePastDueAndOpen": func(w *world) {
		w.bank(stripesim.HandDispute, w.answered())
		var open billing.Observation
		w.trouble.lied(func(o billing.Observation) billing.Observation { open = o; return o })
		w.settle()
		w.waits(12 * aDay)
		w.pass(3 * 24 * time.Hour)
		w.loses()
		for range 3 { // Stripe takes its time to end it
			w.trouble.lied(func(billing.Observation) billing.Observation { return open })
		}
		w.minute()
	},
	"InquiryPastDueAndClosed": func(w *world) {
		id := w.answered()
		w.bank(stripesim.HandInquire, id)
		w.settle()
		w.waits(12*aDay, 4*aDay)
		w.bank(stripesim.HandCloseInquiry, id)
	},
	"InquiryEscalatedAndWon": func(w *world) {
		id := w.answered()
		for _, do := range []string{stripesim.HandInquire, stripesim.HandEscalate, stripesim.HandWin} {
			w.bank(do, id)
			w.settle()
		}
	},
	"DisputedBeforeTheEnd": func(w *world) {
		id := w.taken()
		w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		w.settle()
		w.bank(stripesim.HandDispute, id)
		w.settle()
		w.cancels(id)
	},
	"ChargedBackBeforeTheEnd": func(w *world) {
		id := w.taken()
		w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		w.settle()
		for _, do := range []string{stripesim.HandDispute, stripesim.HandLose} {
			w.bank(do, id)
			w.settle()
		}
		w.cancels(id)
	},
	"MemberRenewed": func(w *world) {
		m := w.member(stripesim.CardSuccess)
		w.toItsNotice(m)
		w.pass(37 * 24 * time.Hour)
		w.settle()
		w.cancelsMembership(m.ID)
		w.settle()
		w.resumesMembership(m.ID)
		w.settle()
		w.leaves(m.ID, w.shownBack())
	},
	"MemberEndedByPractice": func(w *world) {
		w.endsMember(w.member(stripesim.CardSuccess).ID, membership.OutOfReach, true)
	},
	"MemberNotRenewedByPractice": func(w *world) {
		m := w.member(stripesim.CardSuccess)
		w.endsMember(m.ID, membership.CareEnded, false)
		w.settle()
		w.pass(m.Standing.End.Sub(w.now()) + time.Hour)
	},
	"MemberUnpaid": func(w *world) {
		w.toItsNotice(w.member(stripesim.CardLaterDeclined))
		w.pass(36*24*time.Hour + 4*time.Hour)
		w.settle()
		for range 16 {
			w.pass(24 * time.Hour)
			w.minute()
			w.settle()
		}
	},
	"MemberNeverPaid": func(w *world) {
		w.sells()
		w.enrols()
		w.pass(25 * time.Hour)
		w.minute()
	},
	"MemberRefundWaits": func(w *world) {
		m := w.member(stripesim.CardSuccess)
		w.trouble.order(refunds, 1, callLost)
		w.leaves(m.ID, w.shownBack())
	},
	"MemberNotRenewed": func(w *world) {
		m := w.member(stripesim.CardSuccess)
		w.practice(func(p *practice.Practice) {
			var err error
			if p.Config, _, err = p.CloseMembership(ada, w.now()); err != nil {
				w.Fatalf("closing: %v", err)
			}
		})
		w.toItsNotice(m)
	},
	"MemberEndedAtStripe": func(w *world) {
		m := w.member(stripesim.CardSuccess)
		bills, _, _ := w.moneyOf(m.ID)
		w.hand(stripesim.HandRefund, bills[0].Intent)
		w.settle()
		w.hand(stripesim.HandUnsubscribe, m.Subscription)
	},
	"AccountLost":     func(w *world) { w.hand(stripesim.HandDisconnect, seed.Accounts[0]) },
	"AccountDisabled": func(w *world) { w.hand(stripesim.HandDisable, seed.Accounts[0]) },
}

// toItsNotice lets time pass until a membership's renewal is announced.
func (w *world) toItsNotice(m membership.Membership) {
	w.Helper()
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
}

// subjects finds those of the letters where they are written.
var subjects = regexp.MustCompile(`text\{"([^"]+)"`)

// Every kind of letter says what is so when it is sent: against the visit's row, its
// ledger and Stripe's own account of the money.
func TestLetters_EveryKindSaysWhatIsSo(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	checked := letterCheck{}
	t.Run("scenes", func(t *testing.T) {
		for name, play := range letterScenes {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.letterCheck = letterCheck{}
				play(w)
				w.settle()
				mu.Lock()
				defer mu.Unlock()
				for claim, n := range w.letterCheck {
					checked[claim] += n
				}
			})
		}
	})
	var written [][][]byte
	for _, file := range []string{"notify/notify.go", "notify/dispute.go", "notify/membership.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, subjects.FindAllSubmatch(source, -1)...)
	}
	const least = 20
	if len(written) < least {
		t.Errorf("only %d letters are found where they are written", len(written))
	}
	for _, m := range written {
		if claimsOf[string(m[1])] == nil {
			t.Errorf("nobody checks what the letter %q claims", m[1])
		}
	}
	for subject, claims := range claimsOf {
		for words := range claims {
			if checked[subject+": "+words] == 0 {
				t.Errorf("no letter %q said %q", subject, words)
			}
		}
	}
}

// A letter that is not so is found.
func TestLetters_UntrueIsFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event   outbox.Kind
		body    string
		subject string
	}{
		"a receipt for a hold":       {outbox.Charged, "Your payment was collected.", "Your receipt"},
		"an answer that is none":     {outbox.Answered, "Your answer is ready to read.", "Your request was answered"},
		"another time":               {outbox.Received, "Expect an answer by tomorrow.", "Your request was received"},
		"an end that is none":        {outbox.Ended, "Your request ended without an answer, and you will not be charged.", "Your request has ended"},
		"a letter that is not known": {outbox.Ended, "Hello.", "Hello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.queued()
			heard := &earwitness{tester: w.tester}
			w.tester = heard
			d := w.hint(outbox.ByAPI, test.event, id)
			letterCheck{}.hold(w, notify.Letter{Key: d.ID, Subject: "Lakeside Family Medicine: " + test.subject, Body: test.body})
			if len(heard.said) == 0 {
				t.Error("it is taken for true")
			}
		})
	}
}

// An earwitness hears of failures without failing.
type earwitness struct {
	tester
	said []string
}

func (e *earwitness) Errorf(format string, args ...any) {
	e.said = append(e.said, fmt.Sprintf(format, args...))
}
