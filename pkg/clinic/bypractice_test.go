package clinic_test

import (
	"slices"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/clinic/office"
	"evisit/pkg/membership"
	"evisit/pkg/work"
)

const notRenewedLetter = "Your membership will not be renewed"

// endsMember has Ada end Jane's membership for the practice, as it is shown to her.
func (w *world) endsMember(id string, why membership.Reason, atOnce bool) {
	w.Helper()
	w.does("end a membership", func() error {
		m, err := w.office.Membership(w.ctx, w.as(ada), jane)
		if err != nil {
			return err
		}
		_, err = w.office.EndMembership(w.ctx, w.as(ada), jane, office.MembershipEnd{Membership: id, Reason: why, AtOnce: atOnce, Shown: m.Back.Amount})
		return err
	})
}

// A membership that the practice ends with its year is kept until then, cannot be resumed, here or at
// Stripe, and ends with nothing charged; the member is told both with the reason, and the trail names it.
func TestMembership_PracticeEndsItWithItsYear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.endsMember(m.ID, membership.CareEnded, false)
	w.endsMember(m.ID, membership.CareEnded, false)
	w.settle()
	w.renews(m.ID, false)
	if n := w.toldTimes(notRenewedLetter); n != 1 || w.toldMember(cancelledLetter) {
		t.Errorf("%d letters say that it is not renewed; or one says that it was cancelled", n)
	}
	_, err := w.request.ResumeMembership(w.ctx, w.as(jane), "", m.ID)
	w.refused(err, "offer_closed")
	w.hand(stripesim.HandRenew, m.Subscription)
	w.settle()
	w.renews(m.ID, false)
	w.includes()
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
	w.pass(37 * 24 * time.Hour)
	w.minute()
	w.settle()
	if m = w.holds(m.ID, membership.Ended); m.Ended.Why != membership.ByPractice || m.Reason() != membership.CareEnded {
		t.Errorf("ended: %+v, because %q", m.Ended, m.Reason())
	}
	if n := w.toldTimes(endedLetter); n != 1 || w.toldMember("Your membership will be renewed") {
		t.Errorf("%d letters say that it ended; or one announces its renewal", n)
	}
	w.booked(m.ID, 0, yearlyPrice)
	trail, err := w.tape.LatestTrail(w.ctx, jane, "", 100)
	acts := slices.DeleteFunc(trail, func(r audit.Record) bool { return r.Action != "membership.end:with_year" })
	if err != nil || len(acts) != 1 || acts[0].Actor.ID != ada || acts[0].Resource != m.ID+", care_ended" {
		t.Errorf("the trail: %+v %v", acts, err)
	}
	w.handled()
}

// Whatever call or answer is lost, a membership that the practice ends at once ends here and at Stripe,
// with what was shown refunded once.
func TestMembership_PracticeEndsItAtOnce(t *testing.T) {
	t.Parallel()
	part := partOf(t, 1)
	for _, e := range []effect{commits, releases, refunds, observes, webhooks, deliveries} {
		for _, l := range losses {
			if !part.takes() {
				continue
			}
			t.Run(string(e)+" "+string(l), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				m := w.member(stripesim.CardSuccess)
				w.includes()
				w.settle()
				w.pass(100 * 24 * time.Hour)
				shown, err := w.office.Membership(w.ctx, w.as(ada), jane)
				if err != nil || !shown.MayEnd || shown.Used() != 1 || shown.Back.Amount == 0 || shown.Back.Amount >= yearlyPrice {
					t.Fatalf("Ada is shown %+v, %v", shown, err)
				}
				w.trouble.order(e, 1, l)
				w.endsMember(m.ID, membership.OutOfReach, true)
				w.settle()
				w.trouble.heal()
				w.hour()
				w.gone(m.ID, shown.Back.Amount)
				if n := w.toldTimes(endedLetter); n != 1 {
					t.Errorf("%d letters say that it ended", n)
				}
			})
		}
	}
}

// Only an administrator of the practice ends a membership, as it was shown; one whose renewal was not
// paid ends at once alone, and the work about it with it.
func TestMembership_PracticeEndRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	end := func(who, patient string, in office.MembershipEnd, code string) {
		t.Helper()
		_, err := w.office.EndMembership(w.ctx, w.as(who), patient, in)
		w.refused(err, code)
	}
	in := office.MembershipEnd{Membership: "jane-smith.m1", Reason: membership.InError}
	end(ada, jane, in, "not_found")
	m := w.member(stripesim.CardLaterDeclined)
	for who, code := range map[string]string{sam: "denied", ana: "not_found", jane: "not_found", tom: "not_found", "ruth-vance": "not_found"} {
		end(who, jane, in, code)
	}
	end(ada, jane, office.MembershipEnd{Membership: "jane-smith.m2", Reason: membership.InError}, "not_a_member")
	end(ada, jane, office.MembershipEnd{Membership: m.ID, Reason: "smokes"}, "invalid_request")
	end(ada, jane, office.MembershipEnd{Membership: m.ID, Reason: membership.InError, AtOnce: true, Shown: 1}, "refund_replaced")
	if seen, err := w.office.Membership(w.ctx, w.as(sam), jane); err != nil || seen.MayEnd || seen.Back.Amount != 0 {
		t.Errorf("staff are shown %+v, %v", seen, err)
	}
	w.pass(m.Standing.End.Sub(w.now()) + 4*time.Hour)
	w.settle()
	w.holds(m.ID, membership.PastDue)
	end(ada, jane, in, "membership_unpaid")
	w.endsMember(m.ID, membership.InError, true)
	w.settle()
	if m = w.holds(m.ID, membership.Ended); m.Ended.Why != membership.ByPractice || m.Standing.Status != "canceled" {
		t.Errorf("ended %+v, at Stripe %s", m.Ended, m.Standing.Status)
	}
	w.needs(work.MembershipUnpaid, 0)
	w.booked(m.ID, 0, yearlyPrice)
	w.handled()
}
