package clinic_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

// disputeFee is what Stripe takes for a dispute in these tests.
const disputeFee = 15_00

// chargedFor is an answered visit whose fee was charged, on an account whose disputes cost
// disputeFee.
func (w *world) chargedFor() string {
	w.Helper()
	terms := listPrice
	terms.DisputeCents = disputeFee
	if err := w.sim.SetTerms(w.ctx, seed.Accounts[0], terms); err != nil {
		w.Fatalf("terms: %v", err)
	}
	id := w.answered()
	w.settle()
	w.states(id, billing.Captured)
	return id
}

// Stripe's fee of a charge is in the entry of the charge, which a refund does not give back; that of
// a membership in the entry of what was paid.
func TestStripeFee_BookedWithTheCharge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	w.settle()
	w.states(id, billing.Captured)
	m := w.member(stripesim.CardSuccess)
	_, paid, err := w.moneyOf(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]struct {
		entries []ledger.Entry
		kind    ledger.Kind
		fee     money.Cents
	}{"a visit": {w.latest(id).entries, ledger.Capture, feeOf40}, "a membership": {paid, ledger.Fee, 10_45}} {
		for _, e := range of.entries {
			if got := ledger.Balances([]ledger.Entry{e})[ledger.StripeFees]; e.Kind == of.kind && got != of.fee || e.Kind != of.kind && got != 0 {
				t.Errorf("entry %s of %s has a fee of %s, want %s with %s", e.ID, name, got, of.fee, of.kind)
			}
		}
		if got := ledger.Balances(of.entries)[ledger.StripeFees]; got != of.fee {
			t.Errorf("Stripe took %s of %s, want %s", got, name, of.fee)
		}
	}
	w.refund(w.latest(id).payment.Intent, 40_00)
	w.settle()
	w.states(id, billing.FullyRefunded)
	w.proven(id)
}

// bank does what a cardholder's bank, or the account at Stripe's own pages, does to the
// latest payment of a visit, or to its dispute.
func (w *world) bank(do, id string) {
	w.Helper()
	p := w.latest(id)
	about := p.payment.Intent
	if do != stripesim.HandDispute && do != stripesim.HandInquire {
		about = p.disputes[len(p.disputes)-1].ID
	}
	if _, err := w.sim.Hand(w.ctx, stripesim.Act{Do: do, ID: about, Reason: "product_not_received"}); err != nil {
		w.Fatalf("%s of %s: %v", do, about, err)
	}
}

const aDay = 24 * time.Hour

// waits lets times pass, and what is due happen after each.
func (w *world) waits(ds ...time.Duration) {
	w.Helper()
	for _, d := range ds {
		w.pass(d)
		w.minute()
		w.settle()
	}
}

// hearings are the ways in which Stripe's webhooks come. Where they are lost, a day passes.
var hearings = map[string]func(w *world){
	"Arrive": func(w *world) { w.settle() },
	"Lost": func(w *world) {
		w.loses()
		w.day()
	},
	"ShuffledAndTwice": func(w *world) {
		post := w.mailed()
		post = append(post, post...)
		rand.New(rand.NewPCG(1, uint64(len(post)))).Shuffle(len(post), func(i, j int) { post[i], post[j] = post[j], post[i] })
		for _, body := range post {
			w.hears(body)
		}
		w.settle()
	},
}

// disputeLives are ways from a charge to the end of its dispute: each step is followed by
// Stripe's webhooks.
var disputeLives = map[string]struct {
	steps   []func(w *world, id string)
	state   billing.State
	kinds   []ledger.Kind  // of the entries about it
	letters map[string]int // to the practice, by subject
	work    []work.Kind    // that is open in the end
}{
	"Won": {
		[]func(*world, string){atBank(stripesim.HandDispute), atBank(stripesim.HandRespond), atBank(stripesim.HandWin)},
		billing.Captured,
		[]ledger.Kind{ledger.DisputeTaken, ledger.DisputeCharged, ledger.DisputeReturned},
		map[string]int{"A charge is disputed": 1, "A dispute is won": 1},
		nil,
	},
	"Lost": {
		[]func(*world, string){atBank(stripesim.HandDispute), atBank(stripesim.HandRespond), atBank(stripesim.HandLose)},
		billing.ChargedBack,
		[]ledger.Kind{ledger.DisputeTaken, ledger.DisputeCharged},
		map[string]int{"A charge is disputed": 1, "A dispute is lost": 1},
		nil,
	},
	"AcceptedAtStripe": {
		[]func(*world, string){atBank(stripesim.HandDispute), atBank(stripesim.HandAccept)},
		billing.ChargedBack,
		[]ledger.Kind{ledger.DisputeTaken, ledger.DisputeCharged},
		map[string]int{"A charge is disputed": 1, "A dispute is lost": 1},
		nil,
	},
	"WithdrawnByTheCardholder": {
		[]func(*world, string){atBank(stripesim.HandDispute), atBank(stripesim.HandWin)},
		billing.Captured,
		[]ledger.Kind{ledger.DisputeTaken, ledger.DisputeCharged, ledger.DisputeReturned},
		map[string]int{"A charge is disputed": 1, "A dispute is won": 1},
		nil,
	},
	"NeverAnswered": {
		[]func(*world, string){atBank(stripesim.HandDispute), func(w *world, _ string) { w.waits(12*aDay, 4*aDay) }},
		billing.ChargedBack,
		[]ledger.Kind{ledger.DisputeTaken, ledger.DisputeCharged},
		map[string]int{"A charge is disputed": 1, "A dispute is soon due": 1, "A dispute is lost without an answer": 1},
		[]work.Kind{work.DisputeMissed},
	},
	"InquiryClosed": {
		[]func(*world, string){atBank(stripesim.HandInquire), atBank(stripesim.HandRespond), atBank(stripesim.HandCloseInquiry)},
		billing.Captured, nil,
		map[string]int{"A bank asks about a charge": 1, "A bank's inquiry is closed": 1},
		nil,
	},
	"InquiryNeverAnswered": {
		[]func(*world, string){atBank(stripesim.HandInquire), func(w *world, _ string) { w.waits(12*aDay, 4*aDay) }, atBank(stripesim.HandCloseInquiry)},
		billing.Captured, nil,
		map[string]int{"A bank asks about a charge": 1, "A bank's inquiry is soon due": 1, "A bank's inquiry was not answered in time": 1, "A bank's inquiry is closed": 1},
		[]work.Kind{work.DisputeMissed},
	},
	"InquiryThatBecomesADispute": {
		[]func(*world, string){
			atBank(stripesim.HandInquire), atBank(stripesim.HandRespond), atBank(stripesim.HandEscalate), atBank(stripesim.HandRespond), atBank(stripesim.HandWin),
		},
		billing.Captured,
		[]ledger.Kind{ledger.DisputeTaken, ledger.DisputeCharged, ledger.DisputeReturned},
		map[string]int{"A bank asks about a charge": 1, "A charge is disputed": 1, "A dispute is won": 1},
		nil,
	},
	"UnansweredInquiryThatBecomesADispute": {
		[]func(*world, string){atBank(stripesim.HandInquire), atBank(stripesim.HandEscalate), func(w *world, _ string) { w.waits(12*aDay, 4*aDay) }},
		billing.ChargedBack,
		[]ledger.Kind{ledger.DisputeTaken, ledger.DisputeCharged},
		map[string]int{"A bank asks about a charge": 1, "A charge is disputed": 1, "A dispute is soon due": 1, "A dispute is lost without an answer": 1},
		[]work.Kind{work.DisputeMissed},
	},
}

// disputeLetters counts the letters to the practice about disputes and inquiries, by subject.
func (w *world) disputeLetters() map[string]int {
	w.Helper()
	all := map[string]int{}
	for _, l := range w.letters(inbox) {
		subject := strings.TrimPrefix(l.Subject, "Practice lakeside: ")
		if strings.Contains(subject, "disput") || strings.Contains(subject, "bank") {
			all[subject]++
		}
	}
	return all
}

func atBank(do string) func(*world, string) { return func(w *world, id string) { w.bank(do, id) } }

// A dispute is followed from its beginning to its end, whatever becomes of the webhooks:
// after each step payment, ledger and work are as at Stripe, and the practice has the
// letters that say so, once.
func TestDispute_Life(t *testing.T) {
	t.Parallel()
	for name, life := range disputeLives {
		for hearing, hears := range hearings {
			t.Run(name+"/"+hearing, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.chargedFor()
				for _, step := range life.steps {
					step(w, id)
					hears(w)
					w.proven(id)
				}
				w.day() // nothing more comes of it
				w.proven(id)
				w.states(id, life.state)
				var kinds []ledger.Kind
				for _, e := range w.latest(id).entries {
					if strings.HasPrefix(string(e.Kind), "dispute") {
						kinds = append(kinds, e.Kind)
					}
				}
				slices.Sort(kinds)
				want := slices.Sorted(slices.Values(life.kinds))
				if !slices.Equal(kinds, want) {
					t.Errorf("entries %v, want %v", kinds, want)
				}
				if diff := cmp.Diff(life.letters, w.disputeLetters()); diff != "" {
					t.Errorf("letters (-want +got):\n%s", diff)
				}
				var open []work.Kind
				for _, i := range w.work("lakeside") {
					open = append(open, i.Kind)
				}
				if !slices.Equal(open, life.work) {
					t.Errorf("open work %v, want %v", open, life.work)
				}
				w.handled()
			})
		}
	}
}

// An open dispute has one look at Stripe to come, whatever is reported of it, and none when
// it has ended.
func TestDispute_OneNextLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	looks := func() int {
		n := 0
		w.rows(func(i item) {
			d, err := outbox.Read(func(name string) string { return attr(i, name) })
			if err == nil && d.Kind == outbox.CheckPayment && d.Done.IsZero() {
				n++
			}
		})
		return n
	}
	for _, step := range []struct {
		do   string
		want int
	}{
		{stripesim.HandInquire, 1}, {stripesim.HandRespond, 1}, {stripesim.HandEscalate, 1}, {stripesim.HandRespond, 1}, {stripesim.HandWin, 0},
	} {
		w.bank(step.do, id)
		w.settle()
		if step.want == 0 {
			w.day()
		}
		if got := looks(); got != step.want {
			t.Errorf("after %s: %d looks to come, want %d", step.do, got, step.want)
		}
		w.day()
		if got := looks(); got != step.want {
			t.Errorf("a day after %s: %d looks to come, want %d", step.do, got, step.want)
		}
	}
	w.proven(id)
	w.handled()
}

// Two that follow the same dispute at once book it once.
func TestDispute_FollowedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.bank(stripesim.HandDispute, id)
	for _, body := range w.mailed() {
		w.hears(body)
	}
	ids := w.tape.take()
	errs := make(chan error)
	for _, event := range ids {
		d := w.delivery(event)
		for range 2 {
			go func() { errs <- w.charge.Handle(w.ctx, d) }()
		}
	}
	for range 2 * len(ids) {
		if err := <-errs; err != nil {
			w.Logf("one of two at once: %v", err) // the outcome is stored with the event
		}
	}
	w.tape.put(ids...)
	w.settle()
	w.proven(id)
	w.wrote(inbox, "A charge is disputed", 1)
	w.handled()
}

// A charge without an answer that is disputed before it can be refunded is not refunded:
// the bank decides. If it decides for the practice, the money is refunded; in no letter
// and on no page before.
func TestDispute_RefundAfterIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end     []string
		state   billing.State
		fate    billing.Fate
		refunds money.Cents
	}{
		"Open": {nil, billing.Disputed, billing.Contested, 0},
		"Won":  {[]string{stripesim.HandRespond, stripesim.HandWin}, billing.FullyRefunded, billing.Returned, 40_00},
		"Lost": {[]string{stripesim.HandRespond, stripesim.HandLose}, billing.ChargedBack, billing.TakenBack, 0},
	} {
		for when, known := range map[string]bool{"KnownBefore": true, "ReportedAfter": false} {
			t.Run(name+"/"+when, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.taken()
				w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
				w.settle()
				w.bank(stripesim.HandDispute, id)
				if known {
					w.settle()
				} else {
					w.loses()
				}
				w.cancels(id)
				w.settle()
				w.states(id, billing.Disputed)
				if w.say(janesMail, "refunded in full") != 0 || w.say(janesMail, "you will not be charged") != 0 {
					t.Errorf("untrue: %+v", w.letters(janesMail))
				}
				for _, do := range test.end {
					w.bank(do, id)
					w.settle()
				}
				w.states(id, test.state)
				w.proven(id)
				p := w.latest(id).payment
				if fate := billing.FateOf([]billing.Payment{p}); fate != test.fate || p.Refunded != test.refunds {
					t.Errorf("%s, refunded %s: %q, want %q", p.State, p.Refunded, fate, test.fate)
				}
				if told := w.say(janesMail, "A payment is refunded"); (told > 0) != (test.refunds > 0) {
					t.Errorf("%d letters of a refund", told)
				}
				w.handled()
			})
		}
	}
}

// During an inquiry the charge can be refunded, which ends the inquiry.
func TestInquiry_EndsWithTheRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.bank(stripesim.HandInquire, id)
	w.settle()
	w.opened(work.Dispute, id)
	w.refund(w.latest(id).payment.Intent, 40_00)
	w.settle()
	w.states(id, billing.FullyRefunded)
	w.proven(id)
	w.wrote(inbox, "A bank's inquiry is closed", 1)
	w.handled()
}

// A warning of fraud is no work any more when the dispute that it warned of is there.
func TestDispute_EndsTheWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.byHand = true
	w.hand(stripesim.HandWarn, w.latest(id).payment.Intent)
	w.settle()
	w.opened(work.FraudWarned, id)
	w.bank(stripesim.HandDispute, id)
	w.settle()
	if items := w.open(work.FraudWarned); len(items) != 0 {
		t.Errorf("still open: %+v", items)
	}
	w.opened(work.Dispute, id)
	w.handled()
}

// An older report that is handled after a later one takes nothing back.
func TestDispute_OlderReportIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.bank(stripesim.HandDispute, id)
	var old billing.Observation
	w.trouble.lied(func(o billing.Observation) billing.Observation { old = o; return o })
	w.settle()
	w.bank(stripesim.HandRespond, id)
	w.bank(stripesim.HandWin, id)
	w.settle()
	w.states(id, billing.Captured)
	entries := len(w.latest(id).entries)
	w.trouble.lied(func(billing.Observation) billing.Observation { return old })
	w.hears(webhookOf("charge.dispute.created", seed.Accounts[0], "payment_intent", w.latest(id).payment.Intent))
	w.settle()
	w.states(id, billing.Captured)
	w.proven(id)
	if got := len(w.latest(id).entries); got != entries {
		t.Errorf("%d entries, want %d", got, entries)
	}
	w.handled()
}

// A dispute of a payment that Stripe reports for another practice's account moves nothing.
func TestDispute_OfForeignAccountIsParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.bank(stripesim.HandDispute, id)
	w.loses()
	before := w.latest(id).payment
	w.hears(webhookOf("charge.dispute.created", seed.Accounts[1], "payment_intent", before.Intent))
	w.settle()
	if w.latest(id).payment != before {
		t.Errorf("the payment changed: %+v", w.latest(id).payment)
	}
	w.handled(outbox.StripeReported)
}
