package clinic_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/coding"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/work"
)

const yearlyPrice money.Cents = 350_00

// sells has Jane's practice sell a membership of a year for one person.
func (w *world) sells() {
	w.Helper()
	w.sellsAt(yearlyPrice, time.Time{})
}

// sellsAt has Jane's practice sell it at a price, from a time on; at once if it is zero.
func (w *world) sellsAt(price money.Cents, from time.Time) {
	w.Helper()
	w.sellsWith(price, from, membership.RefundRule{Full: 14})
}

// sellsWith has it sold with a rule of what is refunded.
func (w *world) sellsWith(price money.Cents, from time.Time, rule membership.RefundRule) {
	w.Helper()
	w.practice(func(p *practice.Practice) {
		var err error
		p.Config, _, err = p.DecideMembership(p.ID, membership.Terms{
			Price: price, From: from, Members: 1, Visits: 2, Classes: []string{"em"}, Grace: 14, Notice: 30, Refund: rule,
		}, ada, w.now())
		if err != nil {
			w.Fatalf("deciding a membership: %v", err)
		}
	})
}

var joining = request.Joining{Offer: "yearly-1", Terms: 1, Medicare: coding.No}

// enrols has Jane ask for a membership, whose page is open.
func (w *world) enrols() membership.Membership {
	w.Helper()
	var m membership.Membership
	w.does("join", func() (err error) {
		m, err = w.request.Join(w.ctx, w.as(jane), "", joining)
		return err
	})
	return m
}

// subscribes pays the page of a membership.
func (w *world) subscribes(m membership.Membership, card string) {
	w.Helper()
	if _, err := w.try(m.Page.Session, card); err != nil {
		w.Fatalf("paying with %s: %v", card, err)
	}
}

// member is Jane's membership, paid.
func (w *world) member(card string) membership.Membership {
	w.Helper()
	w.sells()
	m := w.enrols()
	w.subscribes(m, card)
	w.settle()
	return w.holds(m.ID, membership.Active)
}

// holds checks how a membership stands.
func (w *world) holds(id string, want membership.State) membership.Membership {
	w.Helper()
	m, err := w.tape.Membership(w.ctx, id)
	if err != nil {
		w.Fatalf("membership %s: %v", id, err)
	}
	if m.State != want {
		w.Fatalf("membership is %s (%s), want %s; its subscription is %q", m.State, m.Ended.Why, want, m.Standing.Status)
	}
	return m
}

// booked checks that the books have of a membership what Stripe has, and what they have in its accounts.
func (w *world) booked(id string, deferred, earned money.Cents) {
	w.Helper()
	_, entries, err := w.moneyOf(id)
	if err != nil {
		w.Fatalf("the books: %v", err)
	}
	for _, e := range entries {
		if err := e.Check(); err != nil {
			w.Errorf("entry: %v", err)
		}
	}
	got := ledger.Balances(entries)
	if -got[ledger.DeferredFees] != deferred || -got[ledger.MembershipFees] != earned || got[ledger.Refunds] != 0 {
		w.Errorf("%s is deferred, %s earned, %s refunded after it was; want %s, %s and nothing", -got[ledger.DeferredFees], -got[ledger.MembershipFees], got[ledger.Refunds], deferred, earned)
	}
	m, err := w.tape.Membership(w.ctx, id)
	if err != nil {
		w.Fatalf("membership: %v", err)
	}
	var at int64
	for _, i := range w.truth().Intents {
		if i.Account == m.Account && i.Invoice != "" {
			at += i.AmountReceived - i.AmountRefunded - i.FeeCents
		}
	}
	if got[ledger.Stripe] != money.Cents(at) {
		w.Errorf("the books have %s at Stripe, which has %s", got[ledger.Stripe], money.Cents(at))
	}
}

// moneyOf reads the bills and the entries of a membership.
func (w *world) moneyOf(id string) ([]membership.Bill, []ledger.Entry, error) {
	payer, _, _ := strings.Cut(id, ".")
	bills, entries, err := w.tape.Paid(w.ctx, payer)
	bills = slices.DeleteFunc(bills, func(b membership.Bill) bool { return b.Membership != id })
	entries = slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.Payment != id })
	return bills, entries, err
}

// toldMember reports whether a letter with a subject went to Jane.
func (w *world) toldMember(subject string) bool {
	w.Helper()
	return slices.ContainsFunc(w.letters("jane-smith@patients.example"), func(l letter) bool { return strings.HasSuffix(l.Subject, ": "+subject) })
}

// A membership that is paid at Stripe begins: its year is noted, the money is owed to the member, and
// they are told; and it is looked at again when its renewal is to be announced.
func TestMembership_JoinPaidBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sells()
	m := w.enrols()
	if m.State != membership.Pending || !m.Payable(w.now()) || m.Customer == "" {
		t.Fatalf("what awaits its payment: %+v", m)
	}
	w.settle()
	w.holds(m.ID, membership.Pending)
	w.subscribes(m, stripesim.CardSuccess)
	w.settle()
	m = w.holds(m.ID, membership.Active)
	if m.Standing.Paid != yearlyPrice || m.Subscription == "" || !m.Renews() {
		t.Errorf("paid: %+v", m)
	}
	w.booked(m.ID, yearlyPrice, 0)
	bills, _, _ := w.moneyOf(m.ID)
	if len(bills) != 1 || bills[0].Paid != yearlyPrice || bills[0].Number == "" || bills[0].Year != m.Standing.Year {
		t.Errorf("bills: %+v", bills)
	}
	if !w.toldMember("Your membership has begun") {
		t.Errorf("letters: %+v", w.letters("jane-smith@patients.example"))
	}
	if again := w.enrols(); again.ID != m.ID || again.State != membership.Active {
		t.Errorf("who joins again has another: %+v", again)
	}
	w.handled()

	view, err := w.request.Membership(w.ctx, w.as(jane), "")
	if err != nil || view.Mine.ID != m.ID || len(view.Bills) != 1 || view.Joins() {
		t.Errorf("what Jane sees: %+v %v", view, err)
	}
	if _, err := w.request.Membership(w.ctx, w.as(tom), jane); !errors.Is(err, fault.NotFound) {
		t.Errorf("what Tom sees of hers: %v", err)
	}
}

// Two presses at once make one membership, one page and one customer that is paid.
func TestMembership_JoinTwiceAtOnceIsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sells()
	const presses = 8
	made := make([]membership.Membership, presses)
	failures := make([]error, presses)
	var all sync.WaitGroup
	for n := range presses {
		all.Go(func() { made[n], failures[n] = w.request.Join(w.ctx, w.as(jane), "", joining) })
	}
	all.Wait()
	m := w.enrols()
	for n := range presses {
		if failures[n] != nil && !again(failures[n]) || failures[n] == nil && (made[n].ID != "jane-smith.m1" || made[n].Page.Session != m.Page.Session) {
			t.Errorf("press %d made %+v, %v", n, made[n], failures[n])
		}
	}
	w.subscribes(m, stripesim.CardSuccess)
	w.settle()
	w.holds(m.ID, membership.Active)
	w.booked(m.ID, yearlyPrice, 0)
	w.handled()
}

// Whatever call or answer is lost on the way, one membership begins, once paid and once booked.
func TestMembership_JoinAnyLossIsMadeGood(t *testing.T) {
	t.Parallel()
	part := partOf(t, 1)
	for _, e := range []effect{opens, commits, observes, webhooks, deliveries, sends} {
		for _, l := range losses {
			for nth := 1; nth <= 2; nth++ {
				if !part.takes() {
					continue
				}
				t.Run(string(e)+" "+string(l), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					w.sells()
					w.trouble.order(e, nth, l)
					m := w.enrols()
					w.subscribes(m, stripesim.CardSuccess)
					w.settle()
					w.trouble.heal()
					w.pass(26 * time.Hour) // the look at it, if a webhook was lost
					w.minute()
					w.settle()
					w.holds(m.ID, membership.Active)
					w.booked(m.ID, yearlyPrice, 0)
					if o := w.truth(); len(o.Subscriptions) != 1 {
						t.Errorf("%d subscriptions were made", len(o.Subscriptions))
					}
				})
			}
		}
	}
}

// A payment of which every webhook was lost is found by the look that is always due.
func TestMembership_JoinLostWebhooksAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sells()
	m := w.enrols()
	w.subscribes(m, stripesim.CardSuccess)
	w.loses()
	w.settle()
	w.holds(m.ID, membership.Pending)
	w.pass(26 * time.Hour)
	w.loses()
	w.minute()
	w.settle()
	w.holds(m.ID, membership.Active)
	w.booked(m.ID, yearlyPrice, 0)
	w.handled()
}

// A page that is left unpaid ends what it was for, with nothing charged; joining again is another.
func TestMembership_JoinAbandonedPage(t *testing.T) {
	t.Parallel()
	for name, hears := range map[string]bool{"its end is reported": true, "no webhook comes": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sells()
			m := w.enrols()
			w.pass(24*time.Hour + time.Minute)
			if !hears {
				w.loses()
				_, err := w.request.Join(w.ctx, w.as(jane), "", joining)
				w.refused(err, "payment_pending")
				w.pass(2 * time.Hour)
				w.minute()
			}
			w.settle()
			if m = w.holds(m.ID, membership.Ended); m.Ended.Why != membership.NeverPaid {
				t.Errorf("ended: %+v", m.Ended)
			}
			if !w.toldMember("Your membership has ended") {
				t.Error("Jane was not told")
			}
			w.booked(m.ID, 0, 0)
			if next := w.enrols(); next.ID == m.ID || next.State != membership.Pending || next.Page.Session == m.Page.Session {
				t.Errorf("joining again: %+v", next)
			}
			w.handled()
		})
	}
}

// Who has Medicare, by a plan on record or by what they say, cannot join where Medicare covers what is
// included, and who says nothing is asked; nothing is made at Stripe. Who may not act for the patient,
// accepts other terms, or asks where none is sold, is told.
func TestMembership_JoinRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.request.Join(w.ctx, w.as(jane), "", joining)
	w.refused(err, "membership_not_sold")
	w.sells()
	try := func(who, patient string, change func(*request.Joining), code string) {
		t.Helper()
		in := joining
		change(&in)
		_, err := w.request.Join(w.ctx, w.as(who), patient, in)
		w.refused(err, code)
	}
	try(jane, "", func(in *request.Joining) { in.Medicare = coding.Yes }, "medicare_member")
	try(jane, "", func(in *request.Joining) { in.Medicare = coding.Unknown }, "invalid_request")
	try(jane, "", func(in *request.Joining) { in.Terms = 2 }, "terms_changed")
	try(jane, "", func(in *request.Joining) { in.Offer = "yearly-2" }, "terms_changed")
	try(tom, jane, func(*request.Joining) {}, "not_found")
	try(ana, jane, func(*request.Joining) {}, "not_found")

	operator := clinic.Caller{Person: person("operator.pat-quinn"), Strong: true}
	if _, err := w.registrar.RegisterPayer(w.ctx, operator, coverage.Payer{ID: "MEDOR", Name: "Medicare of Oregon", Filing: "MB"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.registrar.AddCoverage(w.ctx, w.as(jane), jane, coverage.Card{Payer: "MEDOR", Member: "1EG4TE5MK73", Relation: coverage.Self, Priority: 1}); err != nil {
		t.Fatal(err)
	}
	try(jane, "", func(*request.Joining) {}, "medicare_member")
	if n := w.trouble.called(opens); n != 0 {
		t.Errorf("%d pages were made", n)
	}
	if all, err := w.tape.Memberships(w.ctx, jane); err != nil || len(all) != 0 {
		t.Errorf("memberships: %+v %v", all, err)
	}
}

// A renewal is announced in time with its price, and when it is paid the year before is earned and the
// member is told.
func TestMembership_Renewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
	if !w.toldMember("Your membership will be renewed") {
		t.Errorf("36 days before it Jane was not told: %+v", w.letters("jane-smith@patients.example")[0])
	}
	w.pass(37 * 24 * time.Hour)
	w.settle()
	next := w.holds(m.ID, membership.Active)
	if !next.Standing.Start.Equal(m.Standing.End) || next.Standing.Paid != yearlyPrice {
		t.Errorf("renewed: %+v", next.Standing)
	}
	w.booked(m.ID, yearlyPrice, yearlyPrice)
	if !w.toldMember("Your membership is paid") {
		t.Error("Jane was not told")
	}
	w.handled()
}

// A practice's new price is told before the year for which it holds, and that is what Stripe takes
// then: not for the year that runs, and whichever call or answer is lost.
func TestMembership_RenewedAtTheNewPrice(t *testing.T) {
	t.Parallel()
	const dearer money.Cents = 395_00
	for _, l := range append([]loss{nothing}, losses...) {
		t.Run(string(l), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			m := w.member(stripesim.CardSuccess)
			w.sellsAt(dearer, m.Standing.End)
			w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
			w.minute()
			w.trouble.order(reprices, 1, l)
			w.settle()
			w.trouble.heal()
			w.hour()
			told := w.holds(m.ID, membership.Active)
			if !w.toldMember("Your membership will be renewed") || told.Notice.Price != dearer || told.Standing.Price != dearer {
				t.Errorf("told %+v, at Stripe %s", told.Notice, told.Standing.Price)
			}
			w.booked(m.ID, yearlyPrice, 0)
			w.pass(37 * 24 * time.Hour)
			w.settle()
			if next := w.holds(m.ID, membership.Active); !next.Standing.Start.Equal(m.Standing.End) || next.Standing.Paid != dearer {
				t.Errorf("renewed: %+v", next.Standing)
			}
			w.booked(m.ID, dearer, yearlyPrice)
			w.handled()
		})
	}
}

// Who cancels before Stripe was asked for the new price, and resumes, pays the price that was told.
func TestMembership_NewPriceAfterResuming(t *testing.T) {
	t.Parallel()
	const dearer money.Cents = 395_00
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.sellsAt(dearer, m.Standing.End)
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.trouble.loseAll(reprices, killedBefore)
	w.minute()
	w.drain()
	w.cancelsMembership(m.ID)
	w.settle()
	w.trouble.heal()
	w.resumesMembership(m.ID)
	w.settle()
	if got := w.holds(m.ID, membership.Active); got.Standing.Price != dearer || got.Standing.CancelAtEnd {
		t.Errorf("at Stripe it costs %s, and ends with its year: %t", got.Standing.Price, got.Standing.CancelAtEnd)
	}
	w.handled()
}

// A renewal whose webhooks are all lost is found by the look at the end of the year.
func TestMembership_RenewalFoundByItsLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
	w.pass(37 * 24 * time.Hour)
	w.loses()
	w.minute()
	w.settle()
	if next := w.holds(m.ID, membership.Active); !next.Standing.Start.Equal(m.Standing.End) {
		t.Errorf("the year is %+v", next.Standing.Year)
	}
	w.booked(m.ID, yearlyPrice, yearlyPrice)
	w.handled()
}

// A renewal that fails is told and somebody's work; when its grace is over the membership ends, here
// and at Stripe, and nothing is charged any more.
func TestMembership_RenewalFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardLaterDeclined)
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
	w.pass(36*24*time.Hour + 4*time.Hour)
	w.settle()
	w.holds(m.ID, membership.PastDue)
	if !w.toldMember("The payment for your membership failed") {
		t.Error("Jane was not told")
	}
	if !slices.ContainsFunc(w.work("lakeside"), func(i work.Item) bool { return i.Kind == work.MembershipUnpaid }) {
		t.Error("it is nobody's work")
	}
	for range 16 {
		w.pass(24 * time.Hour)
		w.minute()
		w.settle()
	}
	if m = w.holds(m.ID, membership.Ended); m.Ended.Why != membership.Unpaid || m.Standing.Status != "canceled" {
		t.Errorf("ended %+v, at Stripe %s", m.Ended, m.Standing.Status)
	}
	if slices.ContainsFunc(w.work("lakeside"), func(i work.Item) bool { return i.Kind == work.MembershipUnpaid && i.Open() }) {
		t.Error("it is still somebody's work")
	}
	if !w.toldMember("Your membership has ended") {
		t.Error("Jane was not told")
	}
	w.booked(m.ID, 0, yearlyPrice)
	w.handled()
}

// A renewal that failed is paid with another card on the page to which the letter leads, once, and the
// membership goes on; a card that is declined there changes nothing. What was open is open no more.
func TestMembership_RenewalPaidOnItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardLaterDeclined)
	w.pass(m.Standing.End.Sub(w.now()) + 4*time.Hour)
	w.settle()
	m = w.holds(m.ID, membership.PastDue)
	page, amount := m.Arrears()
	if amount != yearlyPrice || !strings.Contains(page, "/invoice/in_") {
		t.Fatalf("%s is open, to be paid at %q", amount, page)
	}
	written := slices.IndexFunc(w.letters("jane-smith@patients.example"), func(l letter) bool { return strings.HasSuffix(l.Subject, ": The payment for your membership failed") })
	if written < 0 || !strings.Contains(w.letters("jane-smith@patients.example")[written].Text, "You can pay the $350.00 with this or another card, from the page of your membership:\nhttp") {
		t.Errorf("letters: %+v", w.letters("jane-smith@patients.example"))
	}
	w.paysInvoice(page, stripesim.CardDeclined, "generic_decline")
	w.settle()
	w.holds(m.ID, membership.PastDue)
	w.paysInvoice(page, stripesim.CardSuccess, "")
	w.settle()
	m = w.holds(m.ID, membership.Active)
	if page, amount := m.Arrears(); page != "" || amount != 0 || m.Standing.PayURL != "" || m.Standing.Paid != yearlyPrice {
		t.Errorf("paid, and %s is open at %q: %+v", amount, page, m.Standing)
	}
	if !w.toldMember("Your membership is paid") {
		t.Error("Jane was not told that it is paid")
	}
	w.needs(work.MembershipUnpaid, 0)
	w.day() // Stripe does not try the old card again
	w.booked(m.ID, yearlyPrice, yearlyPrice)
	w.handled()
}

// paysInvoice pays an invoice on Stripe's page, where a card may be declined.
func (w *world) paysInvoice(page, card, declined string) {
	w.Helper()
	got, err := w.sim.PayInvoice(w.ctx, page[strings.LastIndex(page, "/")+1:], card)
	if err != nil || got != declined {
		w.Fatalf("paying %s with %s: declined %q, want %q: %v", page, card, got, declined, err)
	}
}

// A refund that somebody makes at Stripe's own page is booked against what was deferred.
func TestMembership_RefundedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	bills, _, _ := w.moneyOf(m.ID)
	w.byHand = true
	if _, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandRefund, ID: bills[0].Intent, Amount: 50_00}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.booked(m.ID, yearlyPrice-50_00, 0)
	w.handled()
}

// A bank that takes a yearly fee back is booked, and is work until it is answered; what it has is not
// refunded beside. What it gives back is the practice's again.
func TestMembership_Disputed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	bills, _, _ := w.moneyOf(m.ID)
	w.byHand = true
	out, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandDispute, ID: bills[0].Intent})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := out.(map[string]any)["id"].(string)
	w.settle()
	items := w.open(work.MembershipDisputed)
	if len(items) != 1 || items[0].Patient != jane || items[0].Membership != m.ID || items[0].Note != "fraudulent" || !items[0].Due.After(w.now().Add(24*time.Hour)) {
		t.Fatalf("work: %+v", items)
	}
	if back := w.shownBack(); back != 0 {
		t.Errorf("leaving gives back %s, which the bank has", back)
	}
	seen, err := w.office.Membership(w.ctx, w.as(ada), jane)
	if err != nil || len(seen.Disputes) != 1 || seen.Disputes[0].Number != bills[0].Number || seen.Back.Amount != 0 ||
		!strings.Contains(seen.Disputes[0].Evidence.Activity, "Terms of the membership yearly-1, version 1, and their price accepted: ") {
		t.Errorf("Ada is shown %+v, %v", seen.Disputes, err)
	}
	if seen, err = w.office.Membership(w.ctx, w.as(sam), jane); err != nil || len(seen.Disputes) != 0 {
		t.Errorf("staff are shown %+v, %v", seen.Disputes, err)
	}
	w.agreesWithStripe()
	if _, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandRespond, ID: id}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.needs(work.MembershipDisputed, 0)
	if _, err := w.sim.Hand(w.ctx, stripesim.Act{Do: stripesim.HandWin, ID: id}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.agreesWithStripe()
	bills, entries, err := w.moneyOf(m.ID)
	if b := ledger.Balances(entries); err != nil || bills[0].Withdrawn != 0 || b[ledger.Disputes] != 0 || b[ledger.Stripe]+b[ledger.StripeFees]+b[ledger.PlatformFees]+b[ledger.DisputeFees] != yearlyPrice {
		t.Errorf("won: %+v, balances %v, %v", bills[0], b, err)
	}
	w.holds(m.ID, membership.Active)
	w.handled()
}

// A subscription of another account, or one that nobody here made, changes nothing.
func TestMembership_ForeignSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(stripesim.CardSuccess)
	w.hears(webhookOf("customer.subscription.deleted", "acct_1Harbor000000000", m.Subscription, "f1"))
	w.settle()
	w.holds(m.ID, membership.Active)
	w.handled(outbox.StripeReported)
}
