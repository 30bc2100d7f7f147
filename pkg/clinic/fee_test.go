package clinic_test

import (
	"testing"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// benIs makes Ben a clinician of a kind.
func (w *world) benIs(kind coding.Kind) {
	w.Helper()
	for _, m := range seed.Cast(w.now()) {
		if m.Person.ID == ben {
			m.Person.Kind = kind
			w.becomes(m.Person)
		}
	}
}

// isNP makes Ben a nurse practitioner, whose answers cost $25.00 of the $40.00 of the form.
func (w *world) isNP() {
	w.Helper()
	w.benIs(coding.NursePractitioner)
	w.kindPrice(25_00)
}

func (w *world) kindPrice(price money.Cents) {
	w.Helper()
	w.practice(func(p *practice.Practice) {
		p.KindPrices = billing.KindPriceList{"uti-women": {coding.NursePractitioner: price}}
	})
}

// lowered is an answer whose fee its giver lowers.
func lowered(fee money.Cents) visit.Conclusion {
	c := cystitis
	c.Fee, c.FeeReason = &fee, "It was a short question."
	return c
}

func (w *world) answersFor(who, id string, said visit.Conclusion) {
	w.Helper()
	w.does("answer", func() error { _, err := w.desk.Answer(w.ctx, w.as(who), id, said); return err })
}

// The patient is told the most and the lower price before paying, and the card is charged
// what the kind of who answers cost then, whatever the practice decides later.
func TestFee_ByKindOfWhoAnswers(t *testing.T) {
	t.Parallel()
	for who, want := range map[string]money.Cents{ana: 40_00, ben: 25_00} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.isNP()
			id := w.queued()
			if got := w.visit(id).Quote.Most(); got != "At most $40.00; $25.00 if a nurse practitioner answers." {
				t.Errorf("the quote says %q", got)
			}
			w.kindPrice(10_00)
			w.takes(who, id)
			w.answersFor(who, id, cystitis)
			w.settle()
			p := w.latest(id)
			if v := w.visit(id); v.Fee() != want || p.payment.Held != 40_00 || p.payment.Collected != want || p.payment.Refunded != 0 {
				t.Errorf("a fee of %s: %+v", v.Fee(), p.payment)
			}
			w.proven(id)
			w.balanced()
		})
	}
}

// Who answers lowers the fee or waives it, with a reason, and a hold that was captured by
// hand at Stripe meanwhile is refunded above it: told, and somebody's work.
func TestFee_LoweredWithTheAnswer(t *testing.T) {
	t.Parallel()
	const before, after = 1, 2 // the answer, by hand
	for name, test := range map[string]struct {
		fee                 money.Cents
		captured            int
		state               billing.State
		collected, refunded money.Cents
		letter              string
	}{
		"lowered":                       {15_00, 0, billing.Captured, 15_00, 0, ""},
		"waived":                        {0, 0, billing.Released, 0, 0, ""},
		"lowered, captured before":      {15_00, before, billing.Captured, 40_00, 25_00, "A part of your payment is refunded"},
		"lowered, captured just before": {15_00, after, billing.Captured, 40_00, 25_00, "A part of your payment is refunded"},
		"waived, captured before":       {0, before, billing.FullyRefunded, 40_00, 40_00, "A payment is refunded"},
		"waived, captured just before":  {0, after, billing.FullyRefunded, 40_00, 40_00, "A payment is refunded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.taken()
			if test.captured != 0 {
				w.byHand = true
				w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
			}
			if test.captured == before {
				w.settle()
			}
			w.answersFor(ana, id, lowered(test.fee))
			w.answersFor(ana, id, lowered(test.fee)) // the same again
			_, err := w.desk.Answer(w.ctx, w.as(ana), id, cystitis)
			w.refused(err, "done_otherwise")
			w.settle()
			p := w.latest(id).payment
			if p.State != test.state || p.Collected != test.collected || p.Refunded != test.refunded {
				t.Errorf("the payment is %+v", p)
			}
			if v := w.visit(id); v.Fee() != test.fee || v.Owed {
				t.Errorf("a fee of %s, owed: %t", v.Fee(), v.Owed)
			}
			w.proven(id)
			if test.letter != "" {
				w.wrote(janesMail, test.letter, 1)
				w.opened(work.PaymentReversed, id)
			}
		})
	}
}

// A fee above the price of who answers, of a few cents, or without a reason is refused, and
// nothing is answered.
func TestFee_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.isNP()
	id := w.queued()
	w.takes(ben, id)
	bare := lowered(10_00)
	bare.FeeReason = " "
	for name, test := range map[string]struct {
		said visit.Conclusion
		code string
	}{
		"above the kind's price": {lowered(25_01), "invalid_request"},
		"a few cents":            {lowered(49), "invalid_request"},
		"below nothing":          {lowered(-1), "answer_incomplete"},
		"without a reason":       {bare, "answer_incomplete"},
	} {
		_, err := w.desk.Answer(w.ctx, w.as(ben), id, test.said)
		if w.refused(err, test.code); w.visit(id).Status != visit.InReview {
			t.Errorf("%s: it is answered", name)
		}
	}
}

// A lowered fee that could not be captured is paid by a link for it, and no more.
func TestFee_PayLinkIsForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardCaptureFails)
	w.settle()
	w.takes(ana, id)
	w.answersFor(ana, id, lowered(15_00))
	w.settle()
	if !w.visit(id).Owed {
		t.Fatal("the fee is not owed")
	}
	w.link(id)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	if p := w.latest(id).payment; p.Amount != 15_00 || p.Collected != 15_00 || w.visit(id).Owed {
		t.Errorf("the link's payment is %+v", p)
	}
	w.proven(id)
}
