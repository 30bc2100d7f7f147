package clinic_test

import (
	"slices"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/work"
)

// paysOut pays out all that an account has.
func (w *world) paysOut(account string) {
	w.Helper()
	if _, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandPayOut, ID: account}); err != nil {
		w.Fatalf("paying %s out: %v", account, err)
	}
}

// payoutsOf lists Lakeside's payouts as its administrator sees them.
func (w *world) payoutsOf() []billing.Payout {
	w.Helper()
	all, err := w.office.Payouts(w.ctx, w.as(ada))
	if err != nil {
		w.Fatalf("payouts: %v", err)
	}
	return all
}

// atBank checks what the books have of Lakeside's payouts, and that all its money at Stripe is in them.
func (w *world) atBank(want money.Cents, visits ...string) {
	w.Helper()
	var entries []ledger.Entry
	for _, p := range w.payoutsOf() {
		of, err := w.tape.Entries(w.ctx, p.Ref())
		if err != nil {
			w.Fatalf("the books of payout %s: %v", p.ID, err)
		}
		entries = append(entries, of...)
	}
	if b := ledger.Balances(entries); b[ledger.Bank] != want || b[ledger.Stripe] != -want {
		w.Errorf("books %v, want %s at the bank", b, want)
	}
	for _, id := range visits {
		entries = append(entries, w.latest(id).entries...)
	}
	o, err := w.sim.Oracle(w.ctx, seed.Accounts[0])
	if err != nil {
		w.Fatalf("oracle: %v", err)
	}
	if got := ledger.Balances(entries)[ledger.Stripe]; got != money.Cents(o.BalanceCents) {
		w.Errorf("the books have %s at Stripe, which has %s", got, money.Cents(o.BalanceCents))
	}
}

// A payout is listed and booked as Stripe has it, and comes back when the bank refuses it, which is
// somebody's work until a later one arrives; also where every webhook about it is lost.
func TestPayout_FollowsStripe(t *testing.T) {
	t.Parallel()
	for name, hear := range map[string]func(*world){
		"ByWebhook": (*world).settle,
		"ByTheDaysLook": func(w *world) {
			w.loses()
			w.day()
			w.settle()
		},
		"TwiceInAnyOrder": func(w *world) {
			said := w.mailed()
			slices.Reverse(said)
			for _, body := range append(said, said...) {
				w.hears(body)
			}
			w.settle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.answered()
			w.settle()
			const net = 40_00 - feeOf40
			w.paysOut(seed.Accounts[0])
			hear(w)
			w.atBank(net, id)
			first := w.payoutsOf()
			if len(first) != 1 || first[0].Amount != net || first[0].Account != seed.Accounts[0] || first[0].Returned() {
				t.Fatalf("payouts: %+v", first)
			}
			w.pass(24 * time.Hour)
			if _, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandFailPayout, ID: first[0].ID}); err != nil {
				t.Fatal(err)
			}
			hear(w)
			w.atBank(0, id)
			if all := w.payoutsOf(); len(all) != 1 || !all[0].Failed() || all[0].Failure != "account_closed" {
				t.Errorf("payouts: %+v", all)
			}
			w.needs(work.PayoutFailed, 1)
			if is := w.open(work.PayoutFailed); len(is) == 1 && is[0].Note != "account_closed" {
				t.Errorf("work: %+v", is)
			}
			w.pass(time.Hour)
			w.paysOut(seed.Accounts[0])
			hear(w)
			w.pass(24 * time.Hour)
			hear(w)
			w.atBank(net, id)
			if all := w.payoutsOf(); len(all) != 2 || !all[0].Paid() || !all[1].Failed() {
				t.Errorf("payouts: %+v", all)
			}
			w.needs(work.PayoutFailed, 0)
			w.handled()
		})
	}
}

// Payouts are for administrators, of their own practice.
func TestPayouts_OfOwnPractice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answered()
	w.settle()
	w.paysOut(seed.Accounts[0])
	w.settle()
	if n := len(w.payoutsOf()); n != 1 {
		t.Errorf("%d payouts, want 1", n)
	}
	for _, who := range []string{jane, ana, sam} {
		_, err := w.office.Payouts(w.ctx, w.as(who))
		w.refused(err, "denied")
	}
	if all, err := w.office.Payouts(w.ctx, w.as("ruth-vance")); err != nil || len(all) != 0 {
		t.Errorf("another practice's administrator sees %+v, %v", all, err)
	}
}
