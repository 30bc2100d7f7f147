package stripesim_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"

	"evisit/infra/local/stripesim"
)

// A membership is a random history of one subscription.
type membership struct {
	shop
	sub      *stripe.Subscription
	prices   []string
	steps    int
	refunded int64
}

func (m *membership) checkRefusal(t *rapid.T, err error) {
	if err != nil && refusalOf(err) == nil {
		t.Fatalf("not a refusal: %v", err)
	}
}

func (m *membership) change(t *rapid.T) {
	_, err := m.update(m.sub.ID, func(p *stripe.SubscriptionParams) {
		p.ProrationBehavior = stripe.String(rapid.SampledFrom([]string{"none", "create_prorations"}).Draw(t, "proration"))
		p.Items = []*stripe.SubscriptionItemsParams{{
			ID: stripe.String(m.sub.Items.Data[0].ID), Price: stripe.String(rapid.SampledFrom(m.prices).Draw(t, "price")),
			Quantity: stripe.Int64(rapid.Int64Range(1, 3).Draw(t, "quantity")),
		}}
	})
	m.checkRefusal(t, err)
}

func (m *membership) cancelLater(t *rapid.T) {
	_, err := m.update(m.sub.ID, func(p *stripe.SubscriptionParams) {
		p.CancelAtPeriodEnd = stripe.Bool(rapid.Bool().Draw(t, "cancel"))
	})
	m.checkRefusal(t, err)
}

func (m *membership) cancelNow(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "really") > 0 {
		return
	}
	_, err := m.unsubscribe(m.sub.ID, rapid.Bool().Draw(t, "prorate"), rapid.Bool().Draw(t, "invoice now"))
	m.checkRefusal(t, err)
}

func (m *membership) changeCard(t *rapid.T) {
	p, err := m.portals().New(&stripe.BillingPortalSessionParams{Params: m.params(""), Customer: stripe.String(m.sub.Customer.ID)})
	if err != nil {
		t.Fatal(err)
	}
	card := rapid.SampledFrom([]string{
		stripesim.CardSuccess, stripesim.CardAuthenticate, stripesim.CardLaterDeclined, stripesim.CardLaterAuthenticate,
	}).Draw(t, "card")
	if err := m.sim.Portal(t.Context(), p.ID, stripesim.PortalAct{Do: stripesim.PortalCard, Card: card}); err != nil {
		t.Fatal(err)
	}
}

func (m *membership) payLatest(t *rapid.T) {
	_, err := m.invoices().Pay(m.subscription(m.sub.ID).LatestInvoice.ID, &stripe.InvoicePayParams{Params: m.params("")})
	m.checkRefusal(t, err)
}

func (m *membership) refundSome(t *rapid.T) {
	intents := m.oracle().Intents
	r, err := m.refund(rapid.SampledFrom(intents).Draw(t, "intent").ID, rapid.Int64Range(0, 50_000).Draw(t, "cents"))
	m.checkRefusal(t, err)
	if err == nil {
		m.refunded += r.Amount
	}
}

func (m *membership) pass(t *rapid.T) {
	hours := rapid.SampledFrom([]int{1, 24, 24 * 7, 24 * 100, 24 * 365, 24 * 800}).Draw(t, "hours")
	m.advance(time.Duration(hours) * time.Hour)
}

// check compares the invoices with the charges, and the customer's balance with what
// the invoices left in it. What is once wrong stays so: every fifth step is enough.
func (m *membership) check(t *rapid.T) {
	if m.steps++; m.steps%5 > 0 {
		return
	}
	o := m.oracle()
	sub := o.Subscriptions[0]
	invoiced := int64(0)
	for _, inv := range m.invoicesOf(m.sub.ID) {
		settled := inv.StatusTransitions.FinalizedAt != 0
		if settled && inv.Total != inv.AmountDue+inv.EndingBalance-inv.StartingBalance {
			t.Fatalf("invoice %s of %d asks for %d, and moves the balance from %d to %d", inv.ID, inv.Total, inv.AmountDue, inv.StartingBalance, inv.EndingBalance)
		}
		if settled {
			invoiced += inv.Total - inv.AmountDue
		}
		if sub.Status == "canceled" && (inv.NextPaymentAttempt != 0 || inv.AutoAdvance && inv.Status != "paid") {
			t.Fatalf("an invoice of a canceled subscription is still collected: %+v", inv)
		}
		if paid := inv.Status == "paid"; inv.Paid != paid || paid && inv.AmountPaid != inv.AmountDue || !paid && inv.AmountPaid != 0 {
			t.Fatalf("invoice: %+v", inv)
		}
	}
	if cus := m.customer(m.sub.Customer.ID); cus.Balance != invoiced {
		t.Fatalf("the customer's balance is %d, and the invoices left %d", cus.Balance, invoiced)
	}
	taken := map[string]int64{}
	for _, pi := range o.Intents {
		taken[pi.Invoice] += pi.AmountReceived
	}
	for _, inv := range sub.Invoices {
		if taken[inv.ID] != inv.AmountPaid {
			t.Fatalf("%d was taken for invoice %+v", taken[inv.ID], inv)
		}
	}
	if sub.PaidCents != o.Captured.Cents || o.Refunded.Cents != m.refunded || o.BalanceCents != o.Captured.Cents-m.refunded {
		t.Fatalf("paid %d and refunded %d: %+v", sub.PaidCents, m.refunded, o)
	}
	m.checkStatus(t, sub, sub.Invoices[len(sub.Invoices)-1])
}

// checkStatus compares a subscription's status with its period and its last invoice.
func (m *membership) checkStatus(t *rapid.T, sub stripesim.OracleSubscription, latest stripesim.OracleInvoice) {
	now := m.clock().Unix()
	switch sub.Status {
	case "active":
		if latest.Status == "open" {
			t.Fatalf("active, and not paid: %+v", sub)
		}
	case "past_due":
		if latest.Status == "paid" {
			t.Fatalf("past due, and paid: %+v", sub)
		}
	case "canceled":
		return
	default:
		t.Fatalf("status %s", sub.Status)
	}
	if now < sub.PeriodStart || now >= sub.PeriodEnd {
		t.Fatalf("%d is outside the period: %+v", now, sub)
	}
}

// Whatever is done to a subscription, its invoices, charges, refunds and credits add up,
// and no invoice is paid twice.
func TestSubscription_AddsUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fault(stripesim.Fault{Do: stripesim.WebhookHold})
	rapid.Check(t, func(t *rapid.T) {
		account := "acct_" + strings.ToLower(rand.Text())
		if err := b.sim.AddAccount(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		m := &membership{shop: b.shop(account)}
		m.sub = m.subscribe(rapid.SampledFrom([]string{stripesim.CardSuccess, stripesim.CardLaterDeclined}).Draw(t, "card"))
		for _, cents := range []int64{50, 35_000, 90_001} {
			m.prices = append(m.prices, m.newYearly(cents).ID)
		}
		if _, err := m.portalSettings().New(m.portalSettingsParams()); err != nil {
			t.Fatal(err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"change": m.change, "cancel later": m.cancelLater, "cancel now": m.cancelNow, "card": m.changeCard, "pay": m.payLatest,
			"refund": m.refundSome, "pass": m.pass, "pass too": m.pass, "": m.check,
		})
		_, err := m.unsubscribe(m.sub.ID, false, false) // else it is renewed through all runs that follow
		m.checkRefusal(t, err)
	})
}
