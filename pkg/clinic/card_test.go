package clinic_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// patientTerms are those of a practice that takes longer to answer than a hold lasts.
func patientTerms(p *practice.Practice) {
	p.Terms = visit.Terms{Answer: 20 * 24 * time.Hour, GiveUp: 20 * 24 * time.Hour}
}

// agreed is a queued visit paid with a card that may be charged later, as its patient
// agreed; answers to it take longer than a hold lasts.
func (w *world) agreed(card string) string {
	w.Helper()
	w.practice(patientTerms)
	id := w.draft()
	quote := w.prices(jane, id).Quote.ID
	w.does("submit", func() error {
		_, err := w.request.Submit(w.ctx, w.as(jane), id, request.Submission{Quote: quote, Consent: "2026-01", Language: "en", Later: billing.LaterWords})
		return err
	})
	w.pays(id, card)
	if card == stripesim.CardLaterAuthenticate {
		yes := true
		if _, err := w.sim.Pay(w.ctx, w.session(id), "", &yes); err != nil {
			w.Fatalf("authentication: %v", err)
		}
	}
	w.settle()
	w.stands(id, visit.Queued)
	return id
}

// nearItsEnd is when a hold of seven days is to be renewed.
const nearItsEnd = 7*24*time.Hour - visit.HoldMargin + time.Minute

// runsOut has the present hold be due to be renewed.
func (w *world) runsOut(after time.Duration) {
	w.Helper()
	w.pass(after)
	w.minute()
	w.settle()
	w.pass(time.Minute) // deadline may have been killed
	w.minute()
	w.settle()
}

// answersNow has a visit answered, and all that follows done.
func (w *world) answersNow(id string) {
	w.Helper()
	w.takes(ana, id)
	w.answers(id)
	w.settle()
}

func (w *world) quiet(id string) {
	w.Helper()
	w.proven(id)
	w.balanced()
	w.handled()
}

// What the patient agreed to is kept with the payment, and Stripe keeps the card; without
// the agreement it keeps none, and the visit ends with its hold.
func TestLaterCharge_KeepsCardOnlyIfAgreed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agreed := w.agreed(stripesim.CardSuccess)
	p := w.latest(agreed).payment
	if p.Later.Words != billing.LaterWords || p.Later.At.IsZero() || w.visit(agreed).Card != visit.CardAgreed {
		t.Errorf("kept of the agreement: %+v, card %q", p.Later, w.visit(agreed).Card)
	}
	other := w.draft()
	w.submits(jane, other, w.prices(jane, other).Quote.ID)
	w.pays(other, stripesim.CardSuccess)
	w.settle()
	w.runsOut(nearItsEnd)
	w.stands(agreed, visit.Queued)
	if v := w.stands(other, visit.Expired); v.Card != visit.CardHeld {
		t.Errorf("the other's card is %q", v.Card)
	}
	w.states(other, billing.Released)
	kept := 0
	for _, pi := range w.truth().Intents {
		if pi.Customer != "" {
			kept++
		}
		if pi.Metadata["ref"] == w.latest(other).payment.ID && pi.Customer != "" {
			t.Error("Stripe keeps a card without agreement")
		}
	}
	if kept != 2 { // the hold and its renewal
		t.Errorf("%d payments have a customer, want 2", kept)
	}
	w.proven(other)
}

// A hold is renewed before it runs out, as often as it takes; the former is released once
// the new one stands, and the answer is paid by the last.
func TestHold_Renewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.agreed(stripesim.CardSuccess)
	w.runsOut(nearItsEnd)
	w.states(id, billing.Released, billing.Held)
	v, p := w.stands(id, visit.Queued), w.latest(id).payment
	if lasts := p.CaptureBefore.Sub(p.HeldAt); !v.CaptureBefore.Equal(p.CaptureBefore) || lasts < 4*24*time.Hour || lasts > 5*24*time.Hour {
		t.Errorf("the new hold lasts %s; the visit says %s, the payment %s", lasts, v.CaptureBefore, p.CaptureBefore)
	}
	w.runsOut(4*24*time.Hour + 7*time.Hour)
	w.states(id, billing.Released, billing.Released, billing.Held)
	w.answersNow(id)
	w.states(id, billing.Released, billing.Released, billing.Captured)
	w.wrote(janesMail, "Your payment was collected", 1)
	w.quiet(id)
}

// A card that refuses to be held again leaves the hold as it is: an answer before its end
// is paid by it, one after that by link. The card is not tried again.
func TestHold_RenewalRefused(t *testing.T) {
	t.Parallel()
	for name, card := range map[string]string{"Declined": stripesim.CardLaterDeclined, "Authentication": stripesim.CardLaterAuthenticate} {
		t.Run(name+"/AnsweredBefore", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.agreed(card)
			w.runsOut(nearItsEnd)
			w.states(id, billing.Failed, billing.Held)
			w.answersNow(id)
			w.states(id, billing.Failed, billing.Captured)
			w.wrote(janesMail, "did not go through", 0)
			w.quiet(id)
		})
		t.Run(name+"/AnsweredAfter", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.agreed(card)
			w.runsOut(nearItsEnd)
			w.runsOut(24 * time.Hour)
			w.states(id, billing.Failed, billing.Lapsed)
			w.stands(id, visit.Queued)
			w.answersNow(id)
			w.owes(id, billing.Failed, billing.Lapsed)
		})
	}
}

// owes checks that the fee of an answer is asked for by link, once, and that it can be paid.
func (w *world) owes(id string, states ...billing.State) {
	w.Helper()
	w.states(id, states...)
	w.wrote(janesMail, "did not go through", 1)
	w.opened(work.PaymentFailed, id)
	w.does("pay link", func() error { _, err := w.request.Pay(w.ctx, w.as(jane), id); return err })
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.states(id, append(states, billing.Captured)...)
	w.needs(work.PaymentFailed, 0)
	w.quiet(id)
}

// A hold that ended before it was captured: the card is charged for the answer, once, or
// its fee is asked for by link if the card refuses.
func TestAnswer_HoldEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		card  string
		lapse func(w *world, id string)
	}{
		"BeforeAnswer": {stripesim.CardSuccess, func(w *world, id string) {
			w.pass(8 * 24 * time.Hour) // deadline was away
			w.settle()
			w.states(id, billing.Lapsed)
			w.stands(id, visit.Queued)
			w.answersNow(id)
		}},
		"WebhookLost": {stripesim.CardSuccess, func(w *world, id string) {
			w.pass(8 * 24 * time.Hour)
			w.loses()
			w.answersNow(id)
		}},
		"AfterAnswer": {stripesim.CardSuccess, func(w *world, id string) {
			w.takes(ana, id)
			w.answers(id)
			w.pass(8 * 24 * time.Hour) // charge was away
			w.settle()
		}},
		"Declined":       {stripesim.CardLaterDeclined, func(w *world, id string) { w.pass(8 * 24 * time.Hour); w.answersNow(id) }},
		"Authentication": {stripesim.CardLaterAuthenticate, func(w *world, id string) { w.pass(8 * 24 * time.Hour); w.answersNow(id) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.agreed(c.card)
			c.lapse(w, id)
			if c.card != stripesim.CardSuccess {
				w.owes(id, billing.Lapsed, billing.Failed)
				return
			}
			w.states(id, billing.Lapsed, billing.Captured)
			w.wrote(janesMail, "did not go through", 0)
			w.wrote(janesMail, "Your payment was collected", 1)
			w.quiet(id)
		})
	}
}

// Whatever one call, answer, commit or process is lost, a hold is renewed once, and a card
// charged once.
func TestCardPayment_Losses(t *testing.T) {
	t.Parallel()
	for e, calls := range byCard {
		for _, l := range losses {
			for nth := 1; nth <= calls; nth++ {
				t.Run(fmt.Sprintf("%s/%s/%d", e, l, nth), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					w.shares(2_50)
					renewed := w.agreed(stripesim.CardSuccess)
					w.trouble.order(e, nth, l)
					w.runsOut(nearItsEnd)
					w.states(renewed, billing.Released, billing.Held)
					calls := w.trouble.called(e)
					w.answersNow(renewed)
					w.states(renewed, billing.Released, billing.Captured)
					w.trouble.heal()
					lapsed := w.agreed(stripesim.CardSuccess)
					w.pass(8 * 24 * time.Hour)
					w.trouble.order(e, nth, l)
					w.answersNow(lapsed)
					w.states(lapsed, billing.Lapsed, billing.Captured)
					w.proven(renewed)
					w.quiet(lapsed)
					w.earned(2_00)
					if max(calls, w.trouble.called(e)) < nth {
						t.Errorf("%s was not called that often", e)
					}
				})
			}
		}
	}
}

// A renewal whose answer is lost, and whose visit ends meanwhile, is found and released.
func TestHold_RenewalOfEndedVisit(t *testing.T) {
	t.Parallel()
	for _, heard := range []bool{true, false} {
		t.Run(fmt.Sprintf("WebhookArrives=%t", heard), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.agreed(stripesim.CardSuccess)
			w.pass(nearItsEnd)
			w.trouble.order(recharges, 1, answerLost)
			w.minute()
			if !heard {
				w.loses()
			}
			w.cancels(id)
			w.settle()
			states := w.paymentStates(id)
			slices.Sort(states)
			if !slices.Equal(states, []billing.State{billing.Released, billing.Released}) {
				t.Errorf("payments are %v", states)
			}
			w.quiet(id)
		})
	}
}
