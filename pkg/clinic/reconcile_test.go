package clinic_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/checkout/session"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/reconcile"
	"evisit/pkg/work"
)

// compared lets two days pass and returns the comparison of the second, of which all that happened
// before is old enough.
func (w *world) compared() reconcile.Outcome {
	w.Helper()
	w.pass(2 * time.Hour)
	w.day()
	all, err := w.office.Outcomes(w.ctx, w.as(ada))
	if err != nil || len(all) == 0 {
		w.Fatalf("%d comparisons, %v", len(all), err)
	}
	return all[0]
}

// agrees checks that nothing differs, now and as somebody's work.
func (w *world) agreesWithStripe() reconcile.Outcome {
	w.Helper()
	o := w.compared()
	if o.Differences != 0 || o.Books != o.Stripe {
		w.Errorf("the comparison: %+v", o)
	}
	w.needs(work.BooksDiffer, 0)
	return o
}

// differs checks that one thing differs, which is somebody's work.
func (w *world) differs(about, object string, books, atStripe reconcile.Total) work.Item {
	w.Helper()
	o := w.compared()
	want := reconcile.Difference{About: about, Object: object, Books: books, Stripe: atStripe}
	if o.Differences != 1 || len(o.Found) != 1 || o.Found[0] != want {
		w.Fatalf("the comparison: %+v, want one difference: %+v", o, want)
	}
	items := w.open(work.BooksDiffer)
	if len(items) != 1 || items[0].Difference != want {
		w.Fatalf("work: %+v, want %+v", items, want)
	}
	return items[0]
}

// beside is what is paid at Stripe for something that has nothing to do with this system.
const beside = 20_00

// paidBeside pays a page at Stripe that has nothing to do with this system, and returns the intent.
func (w *world) paidBeside(account string) string {
	w.Helper()
	w.byHand = true
	api := stripe.NewBackendsWithConfig(&stripe.BackendConfig{URL: stripe.String(w.simURL), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}}).API
	params := &stripe.CheckoutSessionParams{
		Mode: stripe.String("payment"), SuccessURL: stripe.String("https://elsewhere.example/done"),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{Quantity: stripe.Int64(1), PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
			Currency: stripe.String("usd"), UnitAmount: stripe.Int64(beside), ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("A mug")},
		}}},
	}
	params.SetStripeAccount(account)
	s, err := session.Client{B: api, Key: stripeKey}.New(params)
	if err != nil {
		w.Fatalf("a page of another system: %v", err)
	}
	got, err := w.try(s.ID, stripesim.CardSuccess)
	if err != nil {
		w.Fatalf("paying it: %v", err)
	}
	return got.Intent
}

// inject posts an entry that no payment calls for.
func (w *world) inject(e ledger.Entry, err error) {
	w.Helper()
	if err == nil {
		err = w.tape.Store.Commit(w.ctx, clinic.Commit{Entries: []ledger.Entry{e}, Audit: []audit.Record{{
			ID: "injected" + e.ID, Practice: e.Practice, At: e.At, Actor: clinic.System("test"), Action: "test.inject",
		}}})
	}
	if err != nil {
		w.Fatalf("injecting an entry: %v", err)
	}
}

// A practice's day agrees with Stripe to the cent: visits charged, released and refunded, a lower fee
// than was held, a membership, a dispute, a payout and one that failed.
func TestReconcile_AgreeingDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.bank(stripesim.HandDispute, id)
	w.settle()
	w.bank(stripesim.HandWin, id)
	w.settle()
	w.member(stripesim.CardSuccess)
	w.paysOut(seed.Accounts[0])
	w.settle()
	w.hand(stripesim.HandFailPayout, w.payoutsOf()[0].ID)
	w.settle()
	w.refund(w.latest(id).payment.Intent, 10_00)
	w.settle()
	o := w.agreesWithStripe()
	// A charge, three movements of a dispute at most, a membership, a payout out and back, a refund.
	if o.Transactions != 7 || o.Compared != 3 || o.Stripe.Gross != 30_00+350_00 || o.Stripe.Fee != feeOf40+disputeFee+10_45 {
		t.Errorf("the comparison: %+v", o)
	}
	if again := w.agreesWithStripe(); !again.From.Equal(o.Through) || again.Transactions != 0 {
		t.Errorf("the next comparison: %+v, after %+v", again, o)
	}
	w.handled()
}

// A refund made by hand whose webhook was lost is followed, and no difference. So is a payout.
func TestReconcile_LostWebhooksAreFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	w.settle()
	w.refund(w.latest(id).payment.Intent, 15_00)
	w.loses()
	w.paysOut(seed.Accounts[0])
	w.loses()
	w.agreesWithStripe()
	w.proven(id)
	if p := w.latest(id).payment; p.Refunded != 15_00 {
		t.Errorf("refunded %s", p.Refunded)
	}
	w.atBank(25_00-feeOf40, id)
}

// A charge that somebody made by hand at Stripe, for something else, is a difference with both sides,
// once; it ends by a person's word, and is not told again until it changes.
func TestReconcile_MoneyThatNothingHereKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answered()
	w.settle()
	intent := w.paidBeside(seed.Accounts[0])
	w.settle()
	side := reconcile.Total{Gross: beside, Fee: 88}
	first := w.differs("", intent, reconcile.Total{}, side)
	if again := w.differs("", intent, reconcile.Total{}, side); again.ID != first.ID || again.Version != first.Version {
		t.Errorf("told again: %+v, after %+v", again, first)
	}
	if _, err := w.office.EndWork(w.ctx, w.as(ada), first.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was accepted differs still
		o := w.compared()
		if o.Differences != 0 || len(o.Found) != 0 || o.Accepted != 1 || len(o.Known) != 1 || o.Known[0].Difference != first.Difference || o.Known[0].By != ada || o.Known[0].On.IsZero() {
			t.Errorf("the comparison: %+v", o)
		}
		w.needs(work.BooksDiffer, 0)
	}
	w.refund(intent, 5_00)
	w.settle()
	w.differs("", intent, reconcile.Total{}, reconcile.Total{Gross: 15_00, Fee: 88})
	if o := w.compared(); o.Accepted != 0 || len(o.Known) != 0 {
		t.Errorf("what has changed is accepted: %+v", o)
	}
}

// An entry that Stripe knows nothing of is a difference of its payment, and ends when it is put right;
// so is one about nothing that there is.
func TestReconcile_EntryThatStripeDoesNotHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	w.settle()
	p := w.latest(id).payment
	w.inject(ledger.Disputed(p.ID, "lakeside", 0, 7_00, 99, w.now()))
	item := w.differs(p.ID, p.Intent, reconcile.Total{Gross: 33_00, Fee: feeOf40}, reconcile.Total{Gross: 40_00, Fee: feeOf40})
	if item.Visit != id || item.Payment != p.ID || item.Practice != "lakeside" {
		t.Errorf("work: %+v", item)
	}
	w.inject(ledger.Disputed(p.ID, "lakeside", 7_00, 0, 100, w.now()))
	w.agreesWithStripe()
	w.inject(ledger.Disputed(p.ID, "lakeside", 0, 7_00, 101, w.now()))
	w.differs(p.ID, p.Intent, reconcile.Total{Gross: 33_00, Fee: feeOf40}, reconcile.Total{Gross: 40_00, Fee: feeOf40}) // the same again
	w.inject(ledger.Disputed(p.ID, "lakeside", 7_00, 0, 102, w.now()))
	w.agreesWithStripe()
	w.inject(ledger.Charged("nothing.here", "lakeside", 9_00, 0, w.now()))
	w.differs("nothing.here", "", reconcile.Total{Gross: 9_00}, reconcile.Total{})
}

// Money that Stripe moves for nothing that it names is a difference.
func TestReconcile_TransactionOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answered()
	w.settle()
	out, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandAdjust, ID: seed.Accounts[0], Amount: -3_00})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := out.(map[string]any)["id"].(string)
	w.differs("", id, reconcile.Total{}, reconcile.Total{Gross: -3_00})
}

// Each account is compared with its own practice's books.
func TestReconcile_TwoAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answered()
	w.settle()
	intent := w.paidBeside(seed.Accounts[1])
	w.settle()
	w.agreesWithStripe()
	all, err := w.office.Outcomes(w.ctx, w.as("ruth-vance"))
	if err != nil || len(all) == 0 || all[0].Account != seed.Accounts[1] || len(all[0].Found) != 1 || all[0].Found[0].Object != intent {
		t.Errorf("the other practice's: %+v, %v", all, err)
	}
}

// Many movements are paged, and compared in as many windows as they need.
func TestReconcile_ManyTransactions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answered()
	w.settle()
	const many = 350
	for n := range many {
		if _, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandAdjust, ID: seed.Accounts[0], Amount: 1 + int64(n)}); err != nil {
			t.Fatal(err)
		}
		if n%10 == 0 {
			w.pass(time.Minute)
		}
	}
	w.compared()
	all, err := w.office.Outcomes(w.ctx, w.as(ada))
	if err != nil {
		t.Fatal(err)
	}
	transactions, differences := 0, 0
	for n, o := range all {
		transactions, differences = transactions+o.Transactions, differences+o.Differences
		if n > 0 && !all[n-1].From.Equal(o.Through) {
			t.Errorf("after the comparison until %s, one from %s", o.Through, all[n-1].From)
		}
	}
	if transactions != many+1 || differences < many || len(all) < 2 {
		t.Errorf("%d comparisons of %d movements, %d differences", len(all), transactions, differences)
	}
	if n := len(w.open(work.BooksDiffer)); n != many {
		t.Errorf("%d items, want %d", n, many)
	}
}

// A comparison whose call or answer is lost, or whose process is killed, is made again, and once; so
// is one while Stripe is down.
func TestReconcile_LostCalls(t *testing.T) {
	t.Parallel()
	for _, e := range []effect{compares, observes, commits} {
		for _, l := range losses {
			t.Run(string(e)+" "+string(l), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.answered()
				w.settle()
				intent := w.paidBeside(seed.Accounts[0])
				w.refund(w.latest(id).payment.Intent, 15_00)
				w.loses()
				w.pass(26 * time.Hour)
				w.trouble.order(e, 1, l)
				w.minute()
				w.settle()
				w.trouble.heal()
				w.minute()
				w.pass(time.Hour)
				w.minute()
				w.settle()
				w.differs("", intent, reconcile.Total{}, reconcile.Total{Gross: beside, Fee: 88})
				w.proven(id)
				all, err := w.office.Outcomes(w.ctx, w.as(ada))
				if err != nil {
					t.Fatal(err)
				}
				for n := 1; n < len(all); n++ {
					if !all[n-1].From.Equal(all[n].Through) {
						t.Errorf("comparisons overlap or leave a gap: %+v", all)
					}
				}
			})
		}
	}
}

// Two comparisons at once make one.
func TestReconcile_TwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answered()
	w.settle()
	intent := w.paidBeside(seed.Accounts[0])
	w.settle()
	w.pass(26 * time.Hour)
	d := outbox.Delivery{Event: outbox.Event{
		ID: outbox.NewID(outbox.ByCharge, w.now(), "compare"), Kind: outbox.CompareAccount, To: outbox.Charge, Practice: "lakeside", Account: seed.Accounts[0], At: w.now(),
	}}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := w.charge.Act(w.ctx, d); err != nil {
				t.Error(fault.Cause(err))
			}
		})
	}
	all.Wait()
	outcomes, err := w.office.Outcomes(w.ctx, w.as(ada))
	if err != nil || len(slices.DeleteFunc(outcomes, func(o reconcile.Outcome) bool {
		return !o.Through.Equal(w.now().Add(-reconcile.Settled).Truncate(time.Second))
	})) != 1 {
		t.Errorf("comparisons: %+v, %v", outcomes, err)
	}
	if is := w.open(work.BooksDiffer); len(is) != 1 || is[0].Difference.Object != intent || is[0].Version != 1 {
		t.Errorf("work: %+v", is)
	}
}
