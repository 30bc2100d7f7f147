package clinic_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

// shares has the platform take a part of what patients pay Jane's practice by what begins from now on,
// in hundredths of a percent.
func (w *world) shares(part int) {
	w.Helper()
	w.practice(func(p *practice.Practice) { p.PlatformFee = part })
}

// earned checks what the platform has of all that was paid, by Stripe's own account of it.
func (w *world) earned(want money.Cents) {
	w.Helper()
	o, err := w.sim.Oracle(w.ctx, stripesim.Platform)
	if err != nil {
		w.Fatalf("oracle: %v", err)
	}
	if got := money.Cents(o.EarnedCents); got != want {
		w.Errorf("the platform earned %s, want %s", got, want)
	}
}

// took checks what the platform has of a visit's latest payment, and what the books have entered of it,
// and that books and Stripe agree about it.
func (w *world) took(id string, want money.Cents, kinds ...ledger.Kind) {
	w.Helper()
	p := w.latest(id)
	var got []ledger.Kind
	for _, e := range p.entries {
		if e.Kind == ledger.PlatformFeeTaken || e.Kind == ledger.PlatformFeeReturned {
			got = append(got, e.Kind)
		}
	}
	if p.payment.PlatformFee != want || !slices.Equal(got, kinds) {
		w.Errorf("the platform took %s by %v, want %s by %v", p.payment.PlatformFee, got, want, kinds)
	}
	w.proven(id)
	w.agreesWithStripe()
}

// The platform takes its part of what is captured, rounded down to a cent, whatever was held; of
// nothing it takes nothing.
func TestPlatformFee_OfWhatIsCaptured(t *testing.T) {
	t.Parallel()
	taken := []ledger.Kind{ledger.PlatformFeeTaken}
	for name, test := range map[string]struct {
		part       int
		fee        money.Cents // of the answer; what is held is $40.00
		want       money.Cents
		wantBooked []ledger.Kind
	}{
		"a part":                        {2_50, 40_00, 1_00, taken},
		"a part of part of the hold":    {2_50, 15_00, 37, taken}, // 37.5 cents
		"a hundredth of a percent":      {1, 40_00, 0, nil},       // 0.4 of a cent
		"less than a cent":              {6, 15_00, 0, nil},       // 0.9 of a cent
		"a cent":                        {7, 15_00, 1, taken},     // 1.05 cents
		"the most":                      {30_00, 40_00, 12_00, taken},
		"the most of part of the hold":  {30_00, 15_01, 4_50, taken}, // 450.3 cents
		"nothing":                       {0, 40_00, 0, nil},
		"a part of an answer for free":  {2_50, 0, 0, nil},
		"a part of the least of a card": {30_00, 50, 15, taken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.shares(test.part)
			id := w.taken()
			if p := w.latest(id); p.payment.Platform != test.part || p.stripe.PlatformCents != 0 {
				t.Errorf("held under a part of %d, of which Stripe has %d", p.payment.Platform, p.stripe.PlatformCents)
			}
			w.answersFor(ana, id, lowered(test.fee))
			w.settle()
			w.took(id, test.want, test.wantBooked...)
			w.earned(test.want)
			w.balanced()
			w.handled()
		})
	}
}

// A payment keeps the part under which it was begun, and so do those that follow it by its card; what
// begins later has the new one.
func TestPlatformFee_KeptFromTheBeginning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shares(2_50)
	first := w.agreed(stripesim.CardSuccess)
	w.shares(30_00)
	second := w.queued()
	w.runsOut(nearItsEnd)
	w.states(first, billing.Released, billing.Held)
	w.answersNow(first)
	w.took(first, 1_00, ledger.PlatformFeeTaken)
	w.stands(second, visit.Expired)
	third := w.taken()
	w.answers(third)
	w.settle()
	w.took(third, 12_00, ledger.PlatformFeeTaken)
	w.earned(13_00)
}

// What is collected at once has the platform's part told as it is begun: a pay link, and a card that is
// charged without the patient.
func TestPlatformFee_AtOnce(t *testing.T) {
	t.Parallel()
	t.Run("PayLink", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.owing()
		w.shares(2_50)
		w.does("pay link", func() error { _, err := w.request.Pay(w.ctx, w.as(jane), id); return err })
		w.shares(0)
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		w.took(id, 1_00, ledger.PlatformFeeTaken)
		w.earned(1_00)
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 40_00)) })
		w.settle()
		w.took(id, 0, ledger.PlatformFeeTaken, ledger.PlatformFeeReturned)
		w.handled()
	})
	t.Run("OffSession", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.shares(2_50)
		id := w.agreed(stripesim.CardSuccess)
		w.shares(30_00)
		w.pass(8 * aDay) // deadline was away
		w.settle()
		w.answersNow(id)
		w.states(id, billing.Lapsed, billing.Captured)
		w.took(id, 1_00, ledger.PlatformFeeTaken)
		w.earned(1_00)
	})
}

// A refund gives the platform's part back in proportion, and with the last of the charge all that is
// left of it; who refunds what the platform has nothing of gives none back.
func TestPlatformFee_Refunded(t *testing.T) {
	t.Parallel()
	const taken, returned = ledger.PlatformFeeTaken, ledger.PlatformFeeReturned
	t.Run("InParts", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.shares(2_50)
		id := w.chargedFor()
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 12_50)) })
		w.settle()
		w.took(id, 69, taken, returned) // of 31.25 cents 31
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 27_50)) })
		w.settle()
		w.took(id, 0, taken, returned, returned)
		w.states(id, billing.FullyRefunded)
		w.earned(0)
		w.handled()
	})
	t.Run("ByHand", func(t *testing.T) { // the account's owner cannot give the platform's part back
		t.Parallel()
		w := newWorld(t)
		w.shares(2_50)
		id := w.chargedFor()
		w.byDashboard(id, 30_00)
		w.settle()
		w.took(id, 1_00, taken)
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 10_00)) })
		w.settle()
		w.took(id, 0, taken, returned)
		w.handled()
	})
	t.Run("ComesBack", func(t *testing.T) { // and the platform's part is asked for again only while it has some
		t.Parallel()
		w := newWorld(t)
		w.shares(2_50)
		id := w.submitted()
		w.pays(id, stripesim.CardRefundFails)
		w.settle()
		w.answersNow(id)
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 40_00)) })
		w.settle()
		w.took(id, 0, taken, returned)
		w.waits(4 * aDay)
		w.states(id, billing.Captured)
		w.does("refund", func() error { return w.refunds(ada, id, w.refundOf(id, 12_50)) })
		w.settle()
		w.took(id, 0, taken, returned)
		w.handled()
	})
	t.Run("CapturedByHand", func(t *testing.T) { // of which the platform takes nothing
		t.Parallel()
		w := newWorld(t)
		w.shares(2_50)
		id := w.taken()
		w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
		w.settle()
		w.answersFor(ana, id, lowered(15_00)) // what is above it is refunded
		w.settle()
		w.took(id, 0)
		if p := w.latest(id).payment; p.Platform != 2_50 || p.Refunded != 25_00 {
			t.Errorf("the payment is %+v", p)
		}
		w.earned(0)
		w.handled()
	})
	t.Run("Unwanted", func(t *testing.T) { // captured twice, and all of one is refunded
		t.Parallel()
		w := newWorld(t)
		id := w.owing()
		w.shares(2_50)
		w.does("pay link", func() error { _, err := w.request.Pay(w.ctx, w.as(jane), id); return err })
		paid := w.session(id)
		again := w.hand(stripesim.HandSession, paid)
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		if _, err := w.try(again, stripesim.CardSuccess); err != nil {
			t.Fatalf("paying again: %v", err)
		}
		w.settle()
		w.proven(id)
		w.agreesWithStripe()
		w.earned(1_00)
	})
}

// Of a membership the platform takes the part under which the payer joined, each year; leaving gives it
// back in proportion.
func TestPlatformFee_OfMemberships(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sells()
	w.shares(2_50)
	m := w.enrols()
	w.shares(30_00)
	w.subscribes(m, stripesim.CardSuccess)
	w.settle()
	m = w.holds(m.ID, membership.Active)
	const part = yearlyPrice * 2_50 / 100_00
	w.has(m.ID, part)
	w.earned(part)
	w.booked(m.ID, yearlyPrice, 0)
	w.agreesWithStripe()
	for w.now().Before(m.Standing.End.Add(48 * time.Hour)) {
		w.pass(20 * aDay)
		w.day()
	}
	m = w.holds(m.ID, membership.Active)
	w.has(m.ID, 2*part)
	w.earned(2 * part)
	w.booked(m.ID, yearlyPrice, yearlyPrice)
	w.agreesWithStripe()
}

// A page for a membership whose answer was lost is another once the part has changed: it is not refused as
// a key that was used for another call.
func TestPlatformFee_ChangedBeforeJoiningAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sells()
	w.shares(2_50)
	w.trouble.order(opens, 1, answerLost)
	_, err := w.request.Join(w.ctx, w.as(jane), "", joining)
	w.refused(err, "payment_page_unavailable")
	w.shares(5_00)
	m := w.enrols()
	w.subscribes(m, stripesim.CardSuccess)
	w.settle()
	w.has(m.ID, 17_50)
	w.earned(17_50)
}

// has checks what the platform has of a membership, by its bills and by the books.
func (w *world) has(id string, want money.Cents) {
	w.Helper()
	bills, entries, err := w.moneyOf(id)
	if err != nil {
		w.Fatalf("the books: %v", err)
	}
	var told money.Cents
	for _, b := range bills {
		told += b.PlatformFee
	}
	if booked := ledger.Balances(entries)[ledger.PlatformFees]; told != want || booked != want {
		w.Errorf("the platform has %s of a membership by its bills, %s by the books; want %s", told, booked, want)
	}
}

// Who leaves in time has all refunded, and the platform its part of that.
func TestPlatformFee_LeftMembership(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shares(2_50)
	m := w.member(stripesim.CardSuccess)
	w.pass(aDay)
	back := w.shownBack()
	w.leaves(m.ID, back)
	w.settle()
	w.gone(m.ID, back)
	w.has(m.ID, 0)
	w.earned(0)
	w.agreesWithStripe()
	w.handled()
}

// Who runs the system decides the platform's part, as a change of the practice that is in its log; who
// administers the practice, or another, cannot.
func TestPlatformFee_DecidedByOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north := registration()
	p, err := w.registrar.Register(w.ctx, operator(), north)
	if err != nil || p.PlatformFee != 0 {
		t.Fatalf("registered as %+v: %v", p, err)
	}
	before := len(w.logOf("north"))
	north.PlatformFee = 2_50
	for range 2 { // the second changes nothing
		p, err = w.registrar.Change(w.ctx, operator(), "north", north)
		if err != nil || p.PlatformFee != 2_50 || p.Version != 2 {
			t.Errorf("changed to %+v: %v", p, err)
		}
	}
	if n := len(w.logOf("north")) - before; n != 1 {
		t.Errorf("the change left %d records", n)
	}
	lakeside := registration()
	lakeside.ID, lakeside.PlatformFee = "lakeside", 0
	for _, who := range []string{ada, "ruth-vance", ana, jane} { // Ruth Vance administers another practice
		for name, err := range map[string]error{
			"changes":   errOf(w.registrar.Change(w.ctx, w.as(who), "lakeside", lakeside)),
			"registers": errOf(w.registrar.Register(w.ctx, w.as(who), north)),
		} {
			if !errors.Is(err, fault.Denied) && !errors.Is(err, fault.NotFound) {
				t.Errorf("%s %s: %v", who, name, err)
			}
		}
	}
	for _, part := range []int{-1, practice.MaxPlatformFee + 1} {
		north.PlatformFee = part
		_, err = w.registrar.Change(w.ctx, operator(), "north", north)
		w.refused(err, "invalid_request")
	}
}

// A part of the platform that somebody forged so that the books still balance is noticed.
func TestPlatformFee_ForgedEntryIsNeverShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	p := w.latest(id).payment
	forged, err := ledger.PlatformFee(p.ID, p.Practice, 0, 1_00, 9, w.now())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.tape.Commit(w.ctx, clinic.Commit{
		Entries: []ledger.Entry{forged}, Audit: []audit.Record{{ID: "forgery", Practice: p.Practice, At: w.now()}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.office.Money(w.ctx, w.as(ada), id); !errors.Is(err, vault.ErrBroken) {
		t.Errorf("the money is shown: %v", err)
	}
}
