package clinic_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/request"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// forgets is longer than a process remembers how an account stands.
const forgets = 21 * time.Second

// hour lets an hour pass, with all that runs meanwhile.
func (w *world) hour() {
	w.Helper()
	w.pass(time.Hour + time.Minute)
	w.minute()
	w.settle()
}

// account is how a practice's account is said to stand.
func (w *world) account(practice, id string) billing.Account {
	w.Helper()
	a, err := w.tape.Account(w.ctx, practice, id)
	if err != nil {
		w.Fatalf("account %s: %v", id, err)
	}
	return a
}

// wantAccount checks that Lakeside's account is said to stand as Stripe has it.
func (w *world) wantAccount() {
	w.Helper()
	want, err := w.charge.Cards.Account(w.ctx, seed.Accounts[0])
	if err != nil {
		w.Fatalf("the account at Stripe: %v", err)
	}
	if a := w.account("lakeside", seed.Accounts[0]); a.Disconnected != want.Disconnected || !want.Disconnected && (a.Charges != want.Charges || a.Reason != want.Reason) {
		w.Errorf("stored %+v, at Stripe %+v", a, want)
	}
}

// needs checks how much work of a kind the practice has, and nothing given up.
func (w *world) needs(k work.Kind, want int) {
	w.Helper()
	if items := w.open(k); len(items) != want {
		w.Errorf("open items of %s: %+v, want %d", k, items, want)
	}
	if items := w.open(work.EventParked); len(items) > 0 {
		w.Errorf("given up: %+v", items)
	}
}

// A practice whose account is disconnected is told once, by the webhook or by the
// next day's look; its work ends when the account can be reached again.
func TestAccount_Disconnected(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]string{"WebhookArrives": "no_payments", "WebhookLost": "payment_page_refused"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.draft()
			quote := w.prices(jane, id).Quote.ID
			w.hand(stripesim.HandDisconnect, seed.Accounts[0])
			if name == "WebhookLost" {
				w.loses()
			}
			w.settle()
			w.pass(forgets)
			_, err := w.request.Submit(w.ctx, w.as(jane), id, request.Submission{Quote: quote})
			w.refused(err, refusal)
			w.stands(id, visit.Draft)
			w.day()
			w.day()
			if items := w.open(work.AccountLost); len(items) != 1 {
				t.Errorf("open: %+v", items)
			}
			w.wrote(inbox, "disconnected", 1)
			w.hand(stripesim.HandConnect, seed.Accounts[0])
			w.day()
			if items := w.open(work.AccountLost); len(items) != 0 {
				t.Errorf("still open: %+v", items)
			}
			w.submits(jane, id, w.prices(jane, id).Quote.ID)
			w.pays(id, stripesim.CardSuccess)
			w.settle()
			w.stands(id, visit.Queued)
			w.handled()
		})
	}
}

// An account that Stripe disables while a hold is open: one item of work, one letter, and
// no new request that costs something. The fee of an answer is collected all the same,
// because Stripe lets a hold be captured.
func TestAccount_DisabledWhileAHoldIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.queued(), w.starts(jane, "uti-women", "")
	w.hand(stripesim.HandDisable, seed.Accounts[0])
	w.settle()
	w.pass(forgets)
	w.needs(work.AccountDisabled, 1)
	w.wrote(inbox, "Stripe has disabled your account", 1)
	w.saves(jane, other, urinary)
	_, err := w.request.Quote(w.ctx, w.as(jane), other)
	w.refused(err, "no_payments")
	_, err = w.request.Start(w.ctx, w.as(jane), "uti-women", "", "")
	w.refused(err, "no_payments")
	offers, err := w.request.Forms(w.ctx, w.as(jane))
	for _, o := range offers {
		if paid := o.Form.Name() == "uti-women"; err != nil || paid && o.Refusal() == nil {
			t.Errorf("form %s: %v", o.Form.Name(), err)
		}
	}
	free := w.administrative()
	w.submits(jane, free, w.prices(jane, free).Quote.ID)
	w.stands(free, visit.Queued)
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	w.states(id, billing.Captured)
	for range 3 {
		w.hour()
	}
	w.wrote(inbox, "Stripe has disabled your account", 1)
	w.hand(stripesim.HandEnable, seed.Accounts[0])
	w.loses()
	w.hour()
	w.needs(work.AccountDisabled, 0)
	w.submits(jane, other, w.prices(jane, other).Quote.ID)
	w.wantAccount()
	w.proven(id)
	w.handled()
}

// administrative is a draft that costs nothing although its form has a price.
func (w *world) administrative() string {
	w.Helper()
	w.practice(func(p *practice.Practice) { p.Prices["admin-request"] = 15_00 })
	id := w.starts(jane, "admin-request", "")
	w.saves(jane, id, with(records, said{"adm-type": []string{"billing"}}))
	return id
}

// Payments of an account that is disconnected wait, and Stripe is asked about none of them
// again: one item of work stands for all. When the account is connected again the fees
// that waited are collected, though no webhook says so.
func TestAccount_DisconnectedWhileHoldsAreOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answered, cancelled := w.taken(), w.queued()
	w.hand(stripesim.HandDisconnect, seed.Accounts[0])
	w.settle()
	w.answers(answered)
	w.cancels(cancelled)
	w.settle()
	w.needs(work.AccountLost, 1)
	captures0, releases0 := w.trouble.called(captures), w.trouble.called(releases)
	for range 30 {
		w.hour()
	}
	if c, r := w.trouble.called(captures), w.trouble.called(releases); c != captures0 || r != releases0 {
		t.Errorf("while it was disconnected Stripe was asked for %d captures and %d releases", c-captures0, r-releases0)
	}
	w.needs(work.AccountLost, 1)
	w.wrote(inbox, "disconnected", 1)
	w.states(answered, billing.Held)
	w.states(cancelled, billing.Held)
	w.hand(stripesim.HandConnect, seed.Accounts[0])
	for range 3 {
		w.hour()
	}
	w.needs(work.AccountLost, 0)
	w.states(answered, billing.Captured)
	w.states(cancelled, billing.Released)
	w.proven(answered)
	w.proven(cancelled)
	w.balanced()
	w.handled()
}

// Work that a person says is done comes back when the account changes, not each hour.
func TestAccount_WorkEndedByAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hand(stripesim.HandDisable, seed.Accounts[0])
	w.settle()
	item := w.open(work.AccountDisabled)[0]
	w.does("end", func() error { _, err := w.office.EndWork(w.ctx, w.as(ada), item.ID); return err })
	w.day()
	w.needs(work.AccountDisabled, 0)
	w.hand(stripesim.HandDisconnect, seed.Accounts[0])
	w.settle()
	w.needs(work.AccountLost, 1)
}

// Webhooks about an account come in any order, twice or never: what Stripe says when it is
// asked decides.
func TestAccount_WebhooksInAnyOrder(t *testing.T) {
	t.Parallel()
	for seedOf := range uint64(6) {
		t.Run(fmt.Sprint(seedOf), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := rand.New(rand.NewPCG(seedOf, 8))
			for _, do := range []string{stripesim.HandDisable, stripesim.HandEnable, stripesim.HandDisable, stripesim.HandDisconnect, stripesim.HandConnect, stripesim.HandEnable}[:1+r.IntN(6)] {
				w.hand(do, seed.Accounts[0])
			}
			post := w.mailed()
			post = append(post, post...)
			r.Shuffle(len(post), func(i, j int) { post[i], post[j] = post[j], post[i] })
			for _, body := range post[:r.IntN(len(post)+1)] {
				w.hears(body)
				if r.IntN(2) == 0 {
					w.drain()
				}
			}
			w.settle()
			w.day()
			w.wantAccount()
			w.handled()
		})
	}
}

// overtaken is Stripe whose answer about an account is stored after something else was.
type overtaken struct {
	charge.Cards
	during func()
}

func (o *overtaken) Account(ctx context.Context, id string) (billing.AccountState, error) {
	s, err := o.Cards.Account(ctx, id)
	if f := o.during; f != nil {
		o.during = nil
		f()
	}
	return s, err
}

// Of two answers that cross, the older may be stored last: a change is asked about again
// soon after.
func TestAccount_AnswerOvertaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle()
	w.hand(stripesim.HandDisable, seed.Accounts[0])
	slow := &overtaken{Cards: w.charge.Cards}
	room := *w.charge
	room.Cards = slow
	slow.during = func() {
		w.hand(stripesim.HandEnable, seed.Accounts[0])
		w.drain()
	}
	post := w.mailed()
	for _, body := range post {
		w.hears(body)
	}
	for _, id := range w.tape.take() {
		if err := room.Handle(w.ctx, w.delivery(id)); err != nil {
			t.Fatal(err)
		}
	}
	w.needs(work.AccountDisabled, 1)
	w.hour()
	w.wantAccount()
	w.needs(work.AccountDisabled, 0)
	w.handled()
}

// What is lost while an account's state is followed is asked for again.
func TestAccount_LostCalls(t *testing.T) {
	t.Parallel()
	part := partOf(t, 1)
	for _, e := range []effect{asks, commits} {
		for _, l := range losses {
			for nth := 1; nth <= 2; nth++ {
				if !part.takes() {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d/%s", e, nth, l), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					w.hand(stripesim.HandDisable, seed.Accounts[0])
					w.trouble.order(e, nth, l)
					w.drain()
					w.hour()
					w.trouble.heal()
					w.hour()
					w.needs(work.AccountDisabled, 1)
					w.wantAccount()
					w.hand(stripesim.HandEnable, seed.Accounts[0])
					w.settle()
					w.needs(work.AccountDisabled, 0)
					w.wantAccount()
					w.handled()
				})
			}
		}
	}
}

// What happens to another practice's account, or to one that nobody has, is none of this
// practice's.
func TestAccount_AnotherPractices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.hand(stripesim.HandDisable, seed.Accounts[1])
	w.hears(webhookOf("account.updated", "acct_nobody", "account", "acct_nobody"))
	w.hears(webhookOf("account.updated", seed.Accounts[1], "account", seed.Accounts[0]))
	w.settle()
	w.pass(forgets)
	w.needs(work.AccountDisabled, 0)
	items := slices.DeleteFunc(w.work("harbor"), func(i work.Item) bool { return i.Kind != work.AccountDisabled })
	if len(items) != 1 {
		t.Errorf("the other practice's work: %+v", items)
	}
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.stands(id, visit.Queued)
	w.wantAccount()
	w.handled()
}

// A practice with no account, and one whose account Stripe has not enabled, is sent nothing
// that costs something; a page that Stripe would refuse is not asked for.
func TestAccount_NeverEnabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	quote := w.prices(jane, id).Quote.ID
	w.practice(func(p *practice.Practice) { p.Account = "" })
	opened := w.trouble.called(opens)
	_, err := w.request.Submit(w.ctx, w.as(jane), id, request.Submission{Quote: quote, Consent: "2026-01", Language: "en"})
	w.refused(err, "no_payments")
	_, err = w.request.Quote(w.ctx, w.as(jane), id)
	w.refused(err, "no_payments")
	if n := w.trouble.called(opens); n != opened {
		t.Errorf("Stripe was asked for %d pages", n-opened)
	}
}

// Should asking about a disconnected account be given up, which an administrator is told, the
// fees that wait for the account are collected all the same: after the next day's look, or
// after a press, from which on the account is asked about each hour again.
func TestAccount_AskingGivenUp(t *testing.T) {
	t.Parallel()
	for name, pressed := range map[string]bool{"NextDaysLook": false, "Pressed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.taken()
			w.hour() // what was asked because the account is new is done
			w.hand(stripesim.HandDisconnect, seed.Accounts[0])
			w.settle()
			w.answers(id)
			w.settle()
			w.pass(11 * time.Minute)
			w.run(w.sweep.Run)
			ask := w.waiting(outbox.AskAccount)
			for range outbox.MaxTries {
				w.deliverBut(ask) // its consumer dies each time without a word
				w.pass(5 * time.Hour)
				w.run(w.sweep.Run)
			}
			w.drain()
			i := w.givenUp(ada)
			if i.Event != ask || i.EventKind != string(outbox.AskAccount) || i.Note != outbox.NoTriesLeft {
				t.Errorf("the item: %+v", i)
			}
			if pressed {
				w.resumes(ada, i)
				w.settle()
				w.hour() // still disconnected
				w.hand(stripesim.HandConnect, seed.Accounts[0])
				w.loses()
				w.hour()
				w.hour()
			} else {
				w.hand(stripesim.HandConnect, seed.Accounts[0])
				w.loses()
				w.day()
				w.day()
			}
			w.states(id, billing.Captured)
			if items := w.open(work.AccountLost); len(items) != 0 {
				t.Errorf("still open: %+v", items)
			}
			if !pressed {
				w.resumes(ada, i)
				w.settle()
			}
			w.handled()
		})
	}
}
