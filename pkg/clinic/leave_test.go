package clinic_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

const endedLetter = "Your membership has ended"

// leaves has Jane end her membership at once, with what she was shown is refunded.
func (w *world) leaves(id string, shown money.Cents) {
	w.Helper()
	w.does("leave", func() error {
		_, err := w.request.LeaveMembership(w.ctx, w.as(jane), "", id, shown)
		return err
	})
}

// shownBack is what Jane is shown that leaving gives back.
func (w *world) shownBack() money.Cents {
	w.Helper()
	view, err := w.request.Membership(w.ctx, w.as(jane), "")
	if err != nil {
		w.Fatalf("reading the membership: %v", err)
	}
	return view.Leaving.Amount
}

// gone checks that a membership has ended here and at Stripe, with so much refunded once, and that the
// books have it.
func (w *world) gone(id string, back money.Cents) {
	w.Helper()
	m := w.holds(id, membership.Ended)
	if m.Owed() != 0 || m.Standing.Refunded != back || m.Standing.Status != "canceled" {
		w.Errorf("%s is owed, %s refunded, and at Stripe it is %q; want %s refunded", m.Owed(), m.Standing.Refunded, m.Standing.Status, back)
	}
	_, entries, err := w.moneyOf(id)
	if err != nil {
		w.Fatalf("the books: %v", err)
	}
	var at money.Cents
	for _, i := range w.truth().Intents {
		if i.Invoice != "" {
			at += money.Cents(i.AmountReceived - i.AmountRefunded)
		}
	}
	got := ledger.Balances(entries)
	if kept := got[ledger.Stripe] + got[ledger.StripeFees] + got[ledger.PlatformFees]; kept != at || kept != yearlyPrice-back {
		w.Errorf("the books have %s of it, Stripe has %s; want %s", kept, at, yearlyPrice-back)
	}
	if got[ledger.DeferredFees] != 0 || -got[ledger.MembershipFees]-got[ledger.Refunds] != yearlyPrice-back {
		w.Errorf("%s is deferred, %s earned and %s refunded of it", -got[ledger.DeferredFees], -got[ledger.MembershipFees], got[ledger.Refunds])
	}
}

// Who leaves soon, and used nothing, has all of it back: it was shown before, and the letter says so.
func TestLeave_AllIsRefunded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.pass(5 * 24 * time.Hour)
	if back := w.shownBack(); back != yearlyPrice {
		t.Fatalf("%s is shown", back)
	}
	w.leaves(m.ID, yearlyPrice)
	w.leaves(m.ID, yearlyPrice)
	w.settle()
	w.gone(m.ID, yearlyPrice)
	if n := w.toldTimes(endedLetter); n != 1 {
		t.Errorf("%d letters say that it ended", n)
	}
	id := w.claims()
	if q := w.prices(jane, id).Quote; q.Free() {
		t.Errorf("what ended includes a visit: %+v", q)
	}
	w.handled()
}

// What is not by the terms is refused, and nothing moves: another amount than is refunded now, nothing
// at all because a visit was used or the days are over, a stranger's membership.
func TestLeave_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	leave := func(who, id string, shown money.Cents, code string) {
		t.Helper()
		_, err := w.request.LeaveMembership(w.ctx, w.as(who), "", id, shown)
		w.refused(err, code)
	}
	leave(jane, m.ID, yearlyPrice-1, "refund_replaced")
	leave(jane, m.ID, 0, "refund_replaced")
	leave(jane, m.ID, -yearlyPrice, "refund_replaced")
	leave("tom-okafor", m.ID, yearlyPrice, "not_a_member")
	w.includes()
	leave(jane, m.ID, yearlyPrice, "nothing_refunded")
	if back := w.shownBack(); back != 0 {
		t.Errorf("after a visit was used, %s is shown", back)
	}
	w.settle()
	w.holds(m.ID, membership.Active)
	w.booked(m.ID, yearlyPrice, 0)
}

// After the days in which all is refunded, nothing is.
func TestLeave_TooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.pass(16 * 24 * time.Hour)
	_, err := w.request.LeaveMembership(w.ctx, w.as(jane), "", m.ID, yearlyPrice)
	w.refused(err, "nothing_refunded")
	w.settle()
	w.holds(m.ID, membership.Active)
}

// By a rule that gives back the days that are left, a part is refunded, whatever was used.
func TestLeave_DaysAreRefunded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sellsWith(yearlyPrice, time.Time{}, membership.RefundRule{Later: membership.ByDays})
	m := w.enrols()
	w.subscribes(m, stripesim.CardSuccess)
	w.settle()
	id := w.includes()
	w.takes(ana, id)
	w.answers(id)
	w.pass(73 * 24 * time.Hour) // a fifth of the year
	shown := w.shownBack()
	if shown < yearlyPrice*78/100 || shown > yearlyPrice*81/100 {
		t.Fatalf("%s is shown", shown)
	}
	w.leaves(m.ID, shown)
	w.settle()
	w.gone(m.ID, shown)
	w.handled()
}

// Of leaving and a visit that it includes, at the same moment, one comes first: all is given back and
// the visit is not included, or the visit is and nothing is given back.
func TestLeave_WhileAVisitIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	id := w.claims()
	quote := w.prices(jane, id).Quote.ID
	var sent, gone error
	var both sync.WaitGroup
	both.Go(func() { sent = w.sendsBeside(id, quote, 0) })
	both.Go(func() { _, gone = w.request.LeaveMembership(w.ctx, w.as(jane), "", m.ID, yearlyPrice) })
	both.Wait()
	w.settle()
	if (sent == nil) == (gone == nil) {
		t.Fatalf("sent: %v; left: %v", sent, gone)
	}
	if gone == nil {
		w.gone(m.ID, yearlyPrice)
		return
	}
	w.used(1)
	w.booked(m.ID, yearlyPrice, 0)
}

// torn reads of memberships and counts what was read of the memberships before; the counts are of now.
type torn struct {
	request.Reads
	before []membership.Membership
}

func (t torn) Included(ctx context.Context, payer string) ([]membership.Membership, []membership.Count, error) {
	_, counts, err := t.Reads.Included(ctx, payer)
	return t.before, counts, err
}

// A visit is not sent as included by a read that has the membership of before its end, and the count of
// after it.
func TestLeave_BetweenTheRowsOfARead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	id := w.claims()
	quote := w.prices(jane, id).Quote.ID
	before, _, err := w.tape.Included(w.ctx, jane)
	if err != nil {
		t.Fatal(err)
	}
	w.leaves(m.ID, yearlyPrice)
	w.request.Store = torn{w.request.Store, before}
	w.refused(w.sendsBeside(id, quote, 0), "quote_replaced")
	w.settle()
	w.stands(id, visit.Draft)
	w.used(0)
	w.gone(m.ID, yearlyPrice)
}

// Whatever call or answer is lost on the way, it ends, and is refunded once.
func TestLeave_AnyLossIsMadeGood(t *testing.T) {
	t.Parallel()
	part := partOf(t, 1)
	for _, e := range []effect{commits, releases, refunds, observes, webhooks, deliveries, sends} {
		for n := 1; n <= 2; n++ {
			for _, l := range losses {
				if !part.takes() {
					continue
				}
				t.Run(string(e)+" "+string(l), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					m := w.member(stripesim.CardSuccess)
					w.trouble.order(e, n, l)
					w.leaves(m.ID, yearlyPrice)
					w.settle()
					w.trouble.heal()
					w.settle()
					w.gone(m.ID, yearlyPrice)
				})
			}
		}
	}
}

// A refund that Stripe refuses is somebody's work, which ends when it is refunded there.
func TestLeave_RefundRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.trouble.noRefund = &clinic.Refusal{Code: "charge_not_refundable", Final: true}
	w.leaves(m.ID, yearlyPrice)
	w.settle()
	m = w.holds(m.ID, membership.Ended)
	if m.Owed() != yearlyPrice || m.Standing.Refunded != 0 {
		t.Errorf("%s is owed, and %s refunded", m.Owed(), m.Standing.Refunded)
	}
	open := func() (n int) {
		for _, i := range w.work("lakeside") {
			if i.Kind == work.MembershipUnrefunded && i.Open() {
				n++
			}
		}
		return n
	}
	if open() != 1 {
		t.Errorf("%d pieces of work: %+v", open(), w.work("lakeside"))
	}
	for _, i := range w.truth().Intents {
		if i.Invoice != "" {
			w.hand(stripesim.HandRefund, i.ID)
		}
	}
	w.settle()
	w.gone(m.ID, yearlyPrice)
	if open() != 0 {
		t.Errorf("%d pieces of work, and it is refunded", open())
	}
}
