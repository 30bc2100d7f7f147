package clinic_test

import (
	"math"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/office"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/work"
)

// refundOf asks for a refund of the latest payment of a visit, as it is shown now.
func (w *world) refundOf(id string, amount money.Cents) office.RefundRequest {
	w.Helper()
	p := w.latest(id).payment
	return office.RefundRequest{Payment: p.ID, Amount: amount, Left: p.Left(), Reason: billing.TookLong}
}

func (w *world) refunds(who, id string, r office.RefundRequest) error {
	_, err := w.office.Refund(w.ctx, w.as(who), id, r)
	return err
}

// staffMay lets staff refund up to limit of one payment.
func (w *world) staffMay(limit money.Cents) {
	w.Helper()
	w.practice(func(p *practice.Practice) { p.RefundLimit = limit })
}

// byDashboard refunds amount of a visit's charge at Stripe's dashboard.
func (w *world) byDashboard(id string, amount int64) {
	w.Helper()
	if _, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandRefund, ID: w.latest(id).payment.Intent, Amount: amount}); err != nil {
		w.Fatalf("refund: %v", err)
	}
}

// A part and then the rest is refunded: each once, with who and why in the books, and a
// letter that says how much, why, and what stays paid.
func TestRefund_InParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	first := w.refundOf(id, 12_50)
	for range 2 { // pressed twice
		w.does("refund", func() error { return w.refunds(ada, id, first) })
	}
	w.settle()
	w.does("refund", func() error { return w.refunds(ada, id, first) }) // and once more, made
	w.settle()
	w.states(id, billing.Captured)
	w.wrote(janesMail, "The practice refunds $12.50 of your payment; the reason it gave: the answer took too long. In all $12.50 of the $40.00 that you were charged is refunded, and $27.50 stays paid.", 1)
	w.refused(w.refunds(ada, id, w.refundOf(id, 27_51)), "refund_above_left")
	w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 27_50)) })
	w.settle()
	w.states(id, billing.FullyRefunded)
	w.wrote(janesMail, "In all $40.00 of the $40.00 that you were charged is refunded, and $0.00 stays paid.", 1)
	w.refused(w.refunds(ada, id, w.refundOf(id, 1)), "nothing_left")
	shown, err := w.office.Refunds(w.ctx, w.as(ada), id)
	if err != nil || len(shown.Entries) != 2 || len(shown.Payments) != 1 || shown.Payments[0].Most != 0 {
		t.Fatalf("%+v, %v", shown, err)
	}
	for i, amount := range []money.Cents{12_50, 27_50} {
		if e := shown.Entries[i]; e.Amount() != amount || e.By != ada || e.Reason != string(billing.TookLong) {
			t.Errorf("entry %+v", e)
		}
	}
	if items := w.open(work.RefundFailed); len(items) != 0 {
		t.Errorf("open: %+v", items)
	}
	w.proven(id)
	w.balanced()
	w.handled()
}

// Whatever call or answer is lost, and whenever the process is killed, a refund is made once.
func TestRefund_OnceInSpiteOfLosses(t *testing.T) {
	t.Parallel()
	for _, e := range []effect{commits, observes, refunds, sends, deliveries, webhooks} {
		for _, l := range losses {
			t.Run(string(e)+"/"+string(l), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.chargedFor()
				r := w.refundOf(id, 12_50)
				w.trouble.next(e, l)
				w.does("refund", func() error { return w.refunds(ada, id, r) })
				w.settle()
				w.day()
				if p := w.latest(id); p.stripe.AmountRefunded != 12_50 || p.payment.Refunded != 12_50 || p.payment.Asked.Stage != billing.RefundMade {
					t.Errorf("at Stripe %d, here %+v", p.stripe.AmountRefunded, p.payment)
				}
				w.proven(id)
				w.handled()
			})
		}
	}
}

// Of two people who refund at once one is refused, at the same moment and just after.
func TestRefund_TwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.staffMay(40_00)
	id := w.chargedFor()
	r := w.refundOf(id, 25_00)
	refused := 0
	for _, err := range atOnce(func() error { return w.refunds(ada, id, r) }, func() error { return w.refunds(sam, id, r) }) {
		if err != nil {
			w.refused(err, "refund_under_way")
			refused++
		}
	}
	w.settle()
	if p := w.latest(id); refused != 1 || p.payment.Refunded != 25_00 || p.stripe.AmountRefunded != 25_00 {
		t.Errorf("%d refused, %+v", refused, p.payment)
	}
	by := w.latest(id).payment.Asked.By
	other := map[string]string{ada: sam, sam: ada}[by]
	w.refused(w.refunds(other, id, r), "refund_changed")
	w.settle()
	w.proven(id)
	w.handled()
}

// What is refunded at Stripe's dashboard before a refund that was asked for is made there is
// believed: the same is not refunded twice, and what is too much is somebody's work.
func TestRefund_ByHandMeanwhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		amount   int64 // by hand; 20.00 were asked for
		refunded money.Cents
		stage    billing.RefundStage
	}{
		"a part":         {5_00, 25_00, billing.RefundMade},
		"the same":       {20_00, 20_00, billing.RefundMade},
		"more":           {30_00, 30_00, billing.RefundMade},
		"all":            {40_00, 40_00, billing.RefundMade},
		"nearly as much": {19_00, 39_00, billing.RefundMade},
	} {
		for way, hear := range hearings {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.chargedFor()
				w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 20_00)) })
				w.byDashboard(id, test.amount)
				hear(w)
				w.settle()
				if p := w.latest(id); p.payment.Refunded != test.refunded || p.payment.Asked.Stage != test.stage {
					t.Errorf("%+v", p.payment)
				}
				w.proven(id)
				w.handled()
			})
		}
	}
	t.Run("more than leaves enough", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.chargedFor()
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 30_00)) })
		w.byDashboard(id, 15_00)
		w.settle()
		if p := w.latest(id).payment; p.Refunded != 15_00 || p.Asked.Stage != billing.RefundUndone || p.Asked.Why != "less_left" {
			t.Errorf("%+v", p)
		}
		w.opened(work.RefundUnmade, id)
		w.wrote(janesMail, "A refund of your payment", 0)
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 25_00)) })
		w.settle()
		w.states(id, billing.FullyRefunded)
		if items := w.open(work.RefundUnmade); len(items) != 0 {
			t.Errorf("open: %+v", items)
		}
		w.proven(id)
		w.handled()
	})
}

// What a dispute takes before the refund is made is not refunded, and is somebody's work.
func TestRefund_DisputedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 20_00)) })
	w.bank(stripesim.HandDispute, id)
	w.settle()
	w.states(id, billing.Disputed)
	w.opened(work.RefundUnmade, id)
	if items := w.open(work.RefundUnmade); len(items) != 1 || items[0].Note != billing.BankHasIt {
		t.Errorf("work: %+v", items)
	}
	w.refused(w.refunds(ada, id, w.refundOf(id, 20_00)), "refund_disputed")
	w.bank(stripesim.HandWin, id)
	w.settle()
	w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 20_00)) })
	w.settle()
	if p := w.latest(id).payment; p.Refunded != 20_00 {
		t.Errorf("%+v", p)
	}
	w.needs(work.RefundUnmade, 0)
	w.proven(id)
	w.handled()
}

// A refund that comes back is undone: told, somebody's work, and it can be asked for again.
func TestRefund_ComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardRefundFails)
	w.settle()
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	r := w.refundOf(id, 12_50)
	w.does("refund", func() error { return w.refunds(ada, id, r) })
	w.settle()
	w.waits(4 * aDay)
	if p := w.latest(id).payment; p.Refunded != 0 || p.Asked.Stage != billing.RefundUndone {
		t.Errorf("%+v", p)
	}
	w.opened(work.RefundFailed, id)
	w.wrote(janesMail, "Your refund did not go through", 1)
	w.does("refund", func() error { return w.refunds(ada, id, r) })
	w.settle()
	if p := w.latest(id).payment; p.Refunded != 12_50 {
		t.Errorf("%+v", p)
	}
	w.handled()
}

// A refund that Stripe refuses, at once or as often as it is tried, moves nothing, is
// somebody's work with Stripe's code and is told to nobody; once it can be made it is asked
// for again, and ends that work when all is refunded.
func TestRefund_StripeRefuses(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]*clinic.Refusal{
		"for good":        {Code: "charge_not_refundable", Final: true},
		"each time":       {Code: "balance_insufficient"},
		"and comes about": {Code: "lock_timeout", Temporary: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.chargedFor()
			w.trouble.noRefund = why
			r := w.refundOf(id, 40_00)
			w.does("refund", func() error { return w.refunds(ada, id, r) })
			w.drain()
			if why.Temporary {
				w.refused(w.refunds(sam, id, w.refundOf(id, 1)), "refund_under_way")
			} else {
				w.settle()
				if p := w.latest(id).payment; p.Refunded != 0 || p.Asked.Stage != billing.RefundUndone || p.Asked.Why != why.Code {
					t.Errorf("%+v", p.Asked)
				}
				w.opened(work.RefundUnmade, id)
			}
			w.wrote(janesMail, "A refund of your payment", 0)
			w.trouble.noRefund = nil
			w.does("refund", func() error { return w.refunds(ada, id, r) })
			w.settle()
			w.states(id, billing.FullyRefunded)
			w.wrote(janesMail, "In all $40.00 of the $40.00", 1)
			if items := w.open(work.RefundUnmade); len(items) != 0 {
				t.Errorf("open: %+v", items)
			}
			w.proven(id)
			w.handled()
		})
	}
}

// offers checks who is offered a refund of a visit's payments.
func (w *world) offers(id string, want map[string]bool) {
	w.Helper()
	v := w.visit(id)
	for who, offered := range want {
		c, err := w.kernel(outbox.ByAPI).Identify(w.ctx, w.as(who))
		if err != nil {
			w.Fatalf("%s: %v", who, err)
		}
		if may, err := w.office.MayRefund(w.ctx, c, v); err != nil || may != offered {
			w.Errorf("%s is offered a refund of %s: %t, %v", who, id, may, err)
		}
	}
}

// Amounts that are no amount move nothing, whoever asks.
func TestRefund_NoAmount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	for _, amount := range []money.Cents{0, -1, -40_00, money.Max + 1, math.MaxInt64, math.MinInt64} {
		w.refused(w.refunds(ada, id, w.refundOf(id, amount)), "invalid_request")
	}
	for _, left := range []money.Cents{0, -1, 40_01, math.MaxInt64} {
		r := w.refundOf(id, 1)
		r.Left = left
		w.refused(w.refunds(ada, id, r), "refund_changed")
	}
	w.settle()
	if p := w.latest(id); p.stripe.AmountRefunded != 0 || p.payment.Asked.ID != "" {
		t.Errorf("%+v", p.payment)
	}
	w.proven(id)
	w.handled()
}

// Who may not refund, or not so much, is refused in words, and nothing moves.
func TestRefund_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, free := w.chargedFor(), w.queued()
	r := w.refundOf(id, 10_00)
	w.refused(w.refunds(sam, id, r), "refund_above_limit") // nothing was decided
	w.staffMay(10_00)
	for name, test := range map[string]struct {
		err  error
		code string
	}{
		"above the limit":       {w.refunds(sam, id, w.refundOf(id, 10_01)), "refund_above_limit"},
		"a clinician":           {w.refunds(ana, id, r), "denied"},
		"the patient":           {w.refunds(jane, id, r), "denied"},
		"another's":             {w.refunds("ruth-vance", id, r), "not_found"},
		"another visit's":       {w.refunds(ada, free, r), "not_charged"},
		"not charged":           {w.refunds(ada, free, w.refundOf(free, 10_00)), "not_charged"},
		"no amount, no reason":  {w.refunds(ada, id, office.RefundRequest{Payment: r.Payment, Left: r.Left}), "invalid_request"},
		"shown something else":  {w.refunds(ada, id, office.RefundRequest{Payment: r.Payment, Amount: 1, Left: 1, Reason: r.Reason}), "refund_changed"},
		"more than was charged": {w.refunds(ada, id, w.refundOf(id, 40_01)), "refund_above_left"},
	} {
		if f, ok := fault.Public(test.err); !ok || f.Code != test.code {
			t.Errorf("%s: %v, want %s", name, test.err, test.code)
		}
	}
	if p := w.latest(id); p.stripe.AmountRefunded != 0 || p.payment.Asked.ID != "" {
		t.Errorf("%+v", p.payment)
	}
	w.offers(id, map[string]bool{ada: true, sam: true, ana: false, jane: false})
	w.offers(free, map[string]bool{ada: false, sam: false})
	w.does("refund", func() error { return w.refunds(sam, id, r) })
	w.offers(id, map[string]bool{ada: false, sam: false}) // it is under way
	w.settle()
	w.offers(id, map[string]bool{ada: true, sam: false})
	w.refused(w.refunds(sam, id, w.refundOf(id, 1)), "refund_above_limit") // in all
	w.proven(id)
}

// An event alone refunds nothing.
func TestRefund_EventIsAHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.hint(outbox.ByAPI, outbox.Refund, id)
	if p := w.latest(id); p.stripe.AmountRefunded != 0 || p.payment.Refunded != 0 {
		t.Errorf("%+v", p.payment)
	}
	w.handled()
}

// Who refunded is in the trail, and the patient is told no name.
func TestRefund_IsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 12_50)) })
	w.settle()
	rs, err := w.tape.Trail(w.ctx, id, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, r := range rs {
		seen[r.Action] = r.Actor.ID
	}
	if seen["payment.refund"] != ada || seen["payment.refunded"] != "system:charge" {
		t.Errorf("%v", seen)
	}
	es := w.latest(id).entries
	if last := es[len(es)-1]; last.Kind != ledger.Refund || last.By != ada {
		t.Errorf("%+v", last)
	}
	w.wrote(janesMail, "Ada", 0)
	w.wrote(janesMail, ada, 0)
}
