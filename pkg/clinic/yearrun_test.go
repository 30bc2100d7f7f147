package clinic_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/work"
)

// After any months of visits and memberships everything comes to rest, as after any order of acts:
// books and Stripe agree to the cent by the comparison of each day, each membership is what its
// subscription is, what it owes is refunded or somebody's work, and no visit that a membership
// includes is charged. Twenty seeds are tried, four with SHORT=1, a thousand with LONG=1;
// -run 'TestMoney_AnyMonths$/seed=7$' repeats one.
func TestMoney_AnyMonths(t *testing.T) {
	t.Parallel()
	seeds := uint64(20)
	switch {
	case os.Getenv("LONG") != "":
		seeds = 1000
	case os.Getenv("SHORT") != "":
		seeds = 4
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			r := &run{world: newWorld(t), Rand: rand.New(rand.NewPCG(seed, 10))}
			r.byHand, r.letterCheck = true, letterCheck{}
			r.fees, r.hands, r.years = rand.New(rand.NewPCG(seed, 11)), rand.New(rand.NewPCG(seed, 12)), rand.New(rand.NewPCG(seed, 13))
			r.isNP()
			r.staffMay(20_00)
			r.sharesSome(seed)
			r.sellsWith(yearlyPrice, time.Time{}, membership.RefundRule{Full: 14, Later: membership.ByMonths})
			for range 60 {
				r.act()
				r.refundsSome()
				r.isMember()
			}
			r.rest()
			r.prove()
			r.memberships()
		})
	}
}

// isMember has Jane join, pay, cancel, resume or leave, or somebody at Stripe do so, or lets weeks
// pass.
func (r *run) isMember() {
	r.Helper()
	pick := r.years.IntN
	switch of := r.latestMembership(); pick(9) {
	case 0:
		r.may(func() error {
			m, err := r.request.Join(r.ctx, r.as(jane), "", joining)
			if err == nil && !slices.Contains(r.members, m.ID) {
				r.members = append(r.members, m.ID)
			}
			return err
		})
	case 1, 2:
		cards := []string{stripesim.CardSuccess, stripesim.CardSuccess, stripesim.CardLaterDeclined, stripesim.CardDeclined, stripesim.CardAuthenticate}
		_, _ = r.try(of.Page.Session, cards[pick(len(cards))])
	case 3:
		r.may(func() error { _, err := r.request.CancelMembership(r.ctx, r.as(jane), "", of.ID); return err })
	case 4:
		r.may(func() error { _, err := r.request.ResumeMembership(r.ctx, r.as(jane), "", of.ID); return err })
	case 5:
		r.may(func() error {
			view, err := r.request.Membership(r.ctx, r.as(jane), "")
			if err == nil && pick(2) == 0 {
				_, err = r.request.LeaveMembership(r.ctx, r.as(jane), "", of.ID, view.Leaving.Amount)
			}
			return err
		})
	case 6:
		if subs := r.truth().Subscriptions; len(subs) > 0 {
			does := []string{stripesim.HandUnsubscribe, stripesim.HandStopRenewal, stripesim.HandRenew}
			_, _ = r.sim.Hand(r.ctx, stripesim.Act{Do: does[pick(len(does))], ID: subs[pick(len(subs))].ID})
		}
	case 7:
		const day = 24 * time.Hour
		r.trouble.heal()
		for _, d := range []time.Duration{11 * time.Minute, 11 * time.Minute, []time.Duration{20 * day, 40 * day, 200 * day}[pick(3)]} { // what was lost is found before
			r.pass(d)
			r.may(func() error { _, err := r.sweep.Run(r.ctx); return err })
			r.may(func() error { _, err := r.deadline.Run(r.ctx); return err })
		}
	}
}

// latestMembership is the last that Jane asked for; zero if she did not.
func (r *run) latestMembership() membership.Membership {
	r.Helper()
	if len(r.members) == 0 {
		return membership.Membership{}
	}
	m, err := r.tape.Membership(r.ctx, r.members[len(r.members)-1])
	if err != nil {
		r.Fatalf("membership: %v", err)
	}
	return m
}

// memberships checks each membership against its subscription, and its books against its intents.
func (r *run) memberships() {
	r.Helper()
	o := r.truth()
	for _, id := range r.members {
		m, err := r.tape.Membership(r.ctx, id)
		if err != nil {
			r.Fatalf("membership: %v", err)
		}
		at := slices.IndexFunc(o.Subscriptions, func(s stripesim.OracleSubscription) bool { return s.Metadata["membership"] == id })
		if at < 0 {
			if m.Subscription != "" || m.State != membership.Ended {
				r.Errorf("membership %s is %s, and there is no subscription", id, m.State)
			}
			continue
		}
		s := o.Subscriptions[at]
		if m.Standing.Status != s.Status || (m.State == membership.Ended) != (s.Status == "canceled" || strings.HasPrefix(s.Status, "incomplete")) {
			r.Errorf("membership %s is %s and %q; its subscription is %q", id, m.State, m.Standing.Status, s.Status)
		}
		if owed := m.Owed(); owed > 0 && len(r.open(work.MembershipUnrefunded)) == 0 {
			r.Errorf("membership %s owes %s, and nobody has to see to it", id, owed)
		}
		var kept money.Cents
		for _, i := range s.Invoices {
			for _, pi := range o.Intents {
				if pi.ID == i.PaymentIntent {
					kept += money.Cents(pi.AmountReceived - pi.AmountRefunded)
				}
			}
			for _, d := range o.Disputes {
				if d.PaymentIntent == i.PaymentIntent {
					kept -= money.Cents(d.Withdrawn)
				}
			}
		}
		_, entries, err := r.moneyOf(id)
		if err != nil {
			r.Fatalf("the books: %v", err)
		}
		b := ledger.Balances(entries)
		if got := -b[ledger.DeferredFees] - b[ledger.MembershipFees] - b[ledger.Refunds] - b[ledger.Disputes]; got != kept {
			r.Errorf("membership %s: the books have kept %s of it, Stripe %s", id, got, kept)
		}
	}
}
