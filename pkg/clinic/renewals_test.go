package clinic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/membership"
	"evisit/pkg/work"
)

const (
	cancelledLetter = "Your membership is cancelled"
	resumedLetter   = "Your membership goes on"
)

// cancelsMembership has Jane cancel her membership.
func (w *world) cancelsMembership(id string) membership.Membership {
	w.Helper()
	var m membership.Membership
	w.does("cancel", func() (err error) {
		m, err = w.request.CancelMembership(w.ctx, w.as(jane), "", id)
		return err
	})
	return m
}

// resumesMembership has her resume it.
func (w *world) resumesMembership(id string) {
	w.Helper()
	w.does("resume", func() error {
		_, err := w.request.ResumeMembership(w.ctx, w.as(jane), "", id)
		return err
	})
}

// renews checks whether a membership runs and is renewed, here and at Stripe.
func (w *world) renews(id string, want bool) {
	w.Helper()
	m := w.holds(id, membership.Active)
	if m.Renews() != want || m.Standing.CancelAtEnd == want || m.Asked != membership.Nothing {
		w.Errorf("it is renewed: %t, at Stripe %t, asked %q; want %t", m.Renews(), !m.Standing.CancelAtEnd, m.Asked, want)
	}
	for _, s := range w.truth().Subscriptions {
		if s.CancelAtPeriodEnd == want {
			w.Errorf("Stripe ends it with its year: %t; it is to be renewed: %t", s.CancelAtPeriodEnd, want)
		}
	}
}

// toldTimes counts the letters with a subject that went to Jane.
func (w *world) toldTimes(subject string) (n int) {
	w.Helper()
	for _, l := range w.letters("jane-smith@patients.example") {
		if strings.HasSuffix(l.Subject, ": "+subject) {
			n++
		}
	}
	return n
}

// A membership that its payer cancels is kept until its year ends, and then ends here and at Stripe, with
// nothing charged. Cancelling it again changes nothing.
func TestMembership_CancelledEndsWithItsYear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.cancelsMembership(m.ID)
	again := w.cancelsMembership(m.ID)
	w.settle()
	w.renews(m.ID, false)
	if n := w.toldTimes(cancelledLetter); again.Renews() || n != 1 {
		t.Errorf("cancelled twice: renewed %t, %d letters", again.Renews(), n)
	}
	w.includes()
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
	if w.toldMember("Your membership will be renewed") {
		t.Error("the renewal of a membership is announced that was cancelled")
	}
	w.pass(37 * 24 * time.Hour)
	w.minute()
	w.settle()
	if m = w.holds(m.ID, membership.Ended); m.Ended.Why != membership.Cancelled {
		t.Errorf("ended: %+v", m.Ended)
	}
	if !w.toldMember("Your membership has ended") {
		t.Error("Jane was not told that it ended")
	}
	w.booked(m.ID, 0, yearlyPrice)
	_, err := w.request.ResumeMembership(w.ctx, w.as(jane), "", m.ID)
	w.refused(err, "membership_ended")
	w.handled()
}

// A membership that was cancelled is resumed before its year ends, and renewed.
func TestMembership_ResumedIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.cancelsMembership(m.ID)
	w.settle()
	w.pass(100 * 24 * time.Hour)
	w.settle()
	w.resumesMembership(m.ID)
	w.resumesMembership(m.ID)
	w.settle()
	w.renews(m.ID, true)
	if n := w.toldTimes(resumedLetter); n != 1 {
		t.Errorf("%d letters say that it goes on", n)
	}
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
	if !w.toldMember("Your membership will be renewed") {
		t.Error("the renewal was not announced")
	}
	w.pass(37 * 24 * time.Hour)
	w.settle()
	w.holds(m.ID, membership.Active)
	w.booked(m.ID, yearlyPrice, yearlyPrice)
	w.handled()
}

// Presses at the same moment are one, and one of each leaves what Stripe has as it is here.
func TestMembership_CancelledAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	const presses = 4
	failures := make([]error, presses)
	var all sync.WaitGroup
	for n := range presses {
		all.Go(func() { _, failures[n] = w.request.CancelMembership(w.ctx, w.as(jane), "", m.ID) })
	}
	all.Wait()
	for n, err := range failures {
		if err != nil && !again(err) {
			t.Errorf("press %d: %v", n, err)
		}
	}
	w.cancelsMembership(m.ID)
	w.settle()
	w.renews(m.ID, false)
	if n := w.toldTimes(cancelledLetter); n != 1 {
		t.Errorf("%d letters", n)
	}
	w.handled()
}

// Whatever call or answer is lost on the way, it is cancelled here and at Stripe, and then resumed.
func TestMembership_CancelAnyLossIsMadeGood(t *testing.T) {
	t.Parallel()
	part := partOf(t, 1)
	for _, e := range []effect{commits, releases, observes, webhooks, deliveries, sends} {
		for _, l := range losses {
			if !part.takes() {
				continue
			}
			t.Run(string(e)+" "+string(l), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				m := w.member(stripesim.CardSuccess)
				w.trouble.order(e, 1, l)
				w.cancelsMembership(m.ID)
				w.settle()
				w.trouble.heal()
				w.settle()
				w.renews(m.ID, false)
				w.trouble.order(e, 1, l)
				w.resumesMembership(m.ID)
				w.settle()
				w.trouble.heal()
				w.settle()
				w.renews(m.ID, true)
				w.booked(m.ID, yearlyPrice, 0)
			})
		}
	}
}

// Whatever calls to Stripe come late, whichever answers and processes are lost, and in whatever order and
// number events come, Stripe has in the end what the member said last, here or on its own pages.
func TestMembership_LastWordHolds(t *testing.T) {
	t.Parallel()
	part := partOf(t, 1)
	for seed := range uint64(32) {
		if !part.takes() {
			continue
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			m, draw, keeps := w.member(stripesim.CardSuccess), rand.New(rand.NewPCG(seed, 8)), true
			for range 4 {
				for range 2 + draw.IntN(3) {
					w.trouble.next(releases, append(losses, comesLate, comesLate, comesLate, comesLate, nothing)[draw.IntN(len(losses)+5)])
					w.trouble.next(deliveries, []loss{nothing, answerLost}[draw.IntN(2)])
					if draw.IntN(4) > 0 {
						keeps = !keeps
					}
					if keeps {
						w.resumesMembership(m.ID)
					} else {
						w.cancelsMembership(m.ID)
					}
					w.shuffles(draw)
					if draw.IntN(3) == 0 {
						w.trouble.arrive(draw)
					}
				}
				w.trouble.heal()
				w.settle()
				w.trouble.arrive(draw)
				if draw.IntN(2) == 0 {
					w.loses() // what arrived late is found by the daily look at what happened in the account
				}
				w.day()
				w.renews(m.ID, keeps)
				if draw.IntN(3) == 0 {
					keeps = !keeps
					w.hand(map[bool]string{true: stripesim.HandRenew, false: stripesim.HandStopRenewal}[keeps], m.Subscription)
					w.settle()
					w.renews(m.ID, keeps)
				}
			}
			w.booked(m.ID, yearlyPrice, 0)
			w.handled()
		})
	}
}

// shuffles delivers some of what waits, in an order of draw's; the rest comes later.
func (w *world) shuffles(draw *rand.Rand) {
	w.Helper()
	if draw.IntN(3) == 0 {
		w.pass(time.Duration(draw.IntN(60)) * time.Second)
		w.minute()
		return
	}
	ids := w.tape.take()
	draw.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for _, id := range ids {
		if draw.IntN(4) == 0 {
			w.tape.put(id)
			continue
		}
		w.deliver(id)
	}
}

// Who has Stripe's own pages end or renew it is followed, and the payer is told once.
func TestMembership_CancelledAtStripe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.hand(stripesim.HandStopRenewal, m.Subscription)
	w.settle()
	w.renews(m.ID, false)
	if n := w.toldTimes(cancelledLetter); n != 1 {
		t.Errorf("%d letters say that it is cancelled", n)
	}
	w.hand(stripesim.HandRenew, m.Subscription)
	w.settle()
	w.renews(m.ID, true)
	if n := w.toldTimes(resumedLetter); n != 1 {
		t.Errorf("%d letters say that it goes on", n)
	}
	w.cancelsMembership(m.ID)
	w.settle()
	w.hand(stripesim.HandRenew, m.Subscription)
	w.settle()
	w.renews(m.ID, true)
	w.handled()
}

// A membership whose renewal failed ends at once when it is cancelled: nothing was paid for it. The work
// item about its payment ends with it.
func TestMembership_CancelledUnpaidEndsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardLaterDeclined)
	w.pass(m.Standing.End.Sub(w.now()) + 4*time.Hour)
	w.settle()
	w.holds(m.ID, membership.PastDue)
	w.cancelsMembership(m.ID)
	w.cancelsMembership(m.ID)
	w.settle()
	if m = w.holds(m.ID, membership.Ended); m.Ended.Why != membership.Cancelled || m.Standing.Status != "canceled" {
		t.Errorf("ended %+v, at Stripe %s", m.Ended, m.Standing.Status)
	}
	if slices.ContainsFunc(w.work("lakeside"), func(i work.Item) bool { return i.Kind == work.MembershipUnpaid && i.Open() }) {
		t.Error("it is still somebody's work")
	}
	if n := w.toldTimes("Your membership has ended"); n != 1 {
		t.Errorf("%d letters say that it ended", n)
	}
	w.booked(m.ID, 0, yearlyPrice)
	w.handled()
}

// A refused cancel says why: another's membership, or one that awaits its payment or has ended.
func TestMembership_CancelRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.request.CancelMembership(w.ctx, w.as(jane), "", "jane-smith.m1")
	w.refused(err, "not_a_member")
	w.sells()
	m := w.enrols()
	_, err = w.request.CancelMembership(w.ctx, w.as(jane), "", m.ID)
	w.refused(err, "membership_pending")
	_, err = w.request.ResumeMembership(w.ctx, w.as(jane), "", m.ID)
	w.refused(err, "membership_pending")
	w.subscribes(m, stripesim.CardSuccess)
	w.settle()
	_, err = w.request.CancelMembership(w.ctx, w.as(jane), "", "jane-smith.m2")
	w.refused(err, "not_a_member")
	for _, who := range []string{tom, ana} {
		_, err = w.request.CancelMembership(w.ctx, w.as(who), jane, m.ID)
		w.refused(err, "not_found")
	}
	w.renews(m.ID, true)
	w.handled()
}
