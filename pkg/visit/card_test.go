package visit_test

import (
	"slices"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/visit"
)

// sent are the statuses of a visit whose card was held.
var sent = []visit.Status{
	visit.Queued, visit.InReview, visit.AwaitingPatient, visit.Answered, visit.Closed, visit.Cancelled, visit.Declined, visit.Redirected, visit.Expired,
}

// agreedAt is a visit in a status whose patient agreed that their card may be charged later.
func agreedAt(t *testing.T, s visit.Status) visit.Visit {
	t.Helper()
	v := at(t, s)
	v.Card = visit.CardAgreed
	return v
}

// A visit that may outlive its hold is never ended by it: its hold is renewed when it is
// due, once, and it still expires when its own time is over.
func TestOverdue_AgreedHoldIsRenewed(t *testing.T) {
	t.Parallel()
	for _, s := range []visit.Status{visit.Queued, visit.InReview, visit.AwaitingPatient} {
		v := agreedAt(t, s)
		v.CaptureBefore = noon.Add(15 * time.Hour)
		if got := v.Overdue(noon.Add(3 * time.Hour)); got != visit.RenewHold {
			t.Errorf("%s: calls for %q when its hold is to be renewed", s, got)
		}
		if got := v.Overdue(noon.Add(30 * 24 * time.Hour)); got != visit.ExpireVisit {
			t.Errorf("%s: calls for %q when its own time is over", s, got)
		}
		asked := v.AskRenewal()
		if got := asked.Overdue(noon.Add(3 * time.Hour)); got != visit.NothingDue || !asked.Due().After(noon.Add(3*time.Hour)) {
			t.Errorf("%s: asked for, it calls for %q, due %s", s, got, asked.Due())
		}
		p := billing.Payment{ID: v.Payment, State: billing.Held}
		if v.RenewsHold(p) || !asked.RenewsHold(p) { // the event of the renewal itself comes again once its hold stands
			t.Errorf("%s: renewed unasked %t, asked %t", s, v.RenewsHold(p), asked.RenewsHold(p))
		}
		if got := v.HoldLapsed(v.Payment, noon); got.Status != s {
			t.Errorf("%s: it is %s after its hold lapsed", s, got.Status)
		}
		if got := v.HoldLost(v.Payment, noon); got.Status != visit.Expired {
			t.Errorf("%s: it is %s after the practice released its hold", s, got.Status)
		}
	}
}

// A renewed hold takes the place of the former before the answer, and of nothing else.
func TestHoldRenewed_ByStatus(t *testing.T) {
	t.Parallel()
	until := noon.Add(5 * 24 * time.Hour)
	for _, s := range sent {
		v := agreedAt(t, s)
		v = v.WithRenewal("renewal-1")
		if v.Payment != "payment-1" || !slices.Equal(v.Payments, []string{"renewal-1", "payment-1"}) {
			t.Fatalf("%s: it wants %s of %v while it is renewed", s, v.Payment, v.Payments)
		}
		next, wanted := v.HoldRenewed("renewal-1", until)
		if must := s.AwaitsAnswer(); wanted != must || (next.Payment == "renewal-1") != must || next.CaptureBefore.Equal(until) != must {
			t.Errorf("%s: wanted %t, it wants %s until %s", s, wanted, next.Payment, next.CaptureBefore)
		}
		if again, wanted := next.HoldRenewed("renewal-1", until); again.Version != next.Version || wanted != s.AwaitsAnswer() {
			t.Errorf("%s: told again, wanted %t", s, wanted)
		}
		if refused, wanted := v.RefuseCard().HoldRenewed("renewal-1", until); wanted || refused.Payment != "payment-1" {
			t.Errorf("%s: a card that refused renews %s", s, refused.Payment)
		}
	}
}

// The card is charged for an answer only where the patient agreed, it has not refused, and
// the hold ran out; else a hold that ended leaves the fee owed.
func TestChargesCard_OrOwed(t *testing.T) {
	t.Parallel()
	for _, card := range []visit.CardUse{visit.CardHeld, visit.CardAgreed, visit.CardRefused} {
		for _, s := range sent {
			for _, state := range []billing.State{billing.Held, billing.Captured, billing.Released, billing.Lapsed, billing.Failed} {
				v := at(t, s)
				v.Card = card
				p := billing.Payment{ID: "payment-1", State: state}
				answered := s == visit.Answered || s == visit.Closed
				charges := answered && card == visit.CardAgreed && state == billing.Lapsed
				if got := v.ChargesCard(p); got != charges {
					t.Errorf("card %q, %s, %s: charged %t", card, s, state, got)
				}
				ended := state == billing.Released || state == billing.Lapsed || state == billing.Failed
				if got := v.FollowPayment(p, noon).Owed; got != (answered && ended && !charges) {
					t.Errorf("card %q, %s, %s: owed %t", card, s, state, got)
				}
			}
		}
	}
}
