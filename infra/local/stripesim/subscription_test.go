package stripesim_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/invoice"
	"github.com/stripe/stripe-go/v76/invoiceitem"
	"github.com/stripe/stripe-go/v76/subscription"

	"evisit/infra/local/stripesim"
)

func (s shop) subscriptions() subscription.Client {
	return subscription.Client{B: s.backend(), Key: s.key}
}

func (s shop) invoices() invoice.Client { return invoice.Client{B: s.backend(), Key: s.key} }

// subscribeParams are the parameters of a session that sells a yearly price.
func (s shop) subscribeParams(priceID, customerID string) *stripe.CheckoutSessionParams {
	p := &stripe.CheckoutSessionParams{
		Params: s.params(""), Mode: stripe.String("subscription"), ClientReferenceID: stripe.String("mem_1"),
		SuccessURL:       stripe.String("http://127.0.0.1:1/done?s={CHECKOUT_SESSION_ID}"),
		LineItems:        []*stripe.CheckoutSessionLineItemParams{{Price: stripe.String(priceID), Quantity: stripe.Int64(1)}},
		Metadata:         map[string]string{"ref": "mem_1"},
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{Metadata: map[string]string{"ref": "mem_1"}},
	}
	if customerID != "" {
		p.Customer = stripe.String(customerID)
	}
	return p
}

// subscribe buys a year for $350 with a card, and returns the subscription.
func (s shop) subscribe(card string) *stripe.Subscription {
	s.Helper()
	cs, err := s.createSession(s.subscribeParams(s.newYearly(35_000).ID, s.newCustomer().ID))
	if err != nil {
		s.Fatal(err)
	}
	s.payThrough(cs.ID, card)
	if cs, err = s.session(cs.ID); err != nil {
		s.Fatal(err)
	}
	return s.subscription(cs.Subscription.ID)
}

func (s shop) subscription(id string) *stripe.Subscription {
	s.Helper()
	p := &stripe.SubscriptionParams{Params: s.params("")}
	p.AddExpand("latest_invoice.payment_intent")
	sub, err := s.subscriptions().Get(id, p)
	if err != nil {
		s.Fatal(err)
	}
	return sub
}

func (s shop) update(id string, change func(*stripe.SubscriptionParams)) (*stripe.Subscription, error) {
	p := &stripe.SubscriptionParams{Params: s.params("")}
	change(p)
	return s.subscriptions().Update(id, p)
}

func (s shop) unsubscribe(id string, prorate, invoiceNow bool) (*stripe.Subscription, error) {
	p := &stripe.SubscriptionCancelParams{Params: s.params("")}
	if prorate {
		p.Prorate = stripe.Bool(true)
	}
	if invoiceNow {
		p.InvoiceNow = stripe.Bool(true)
	}
	return s.subscriptions().Cancel(id, p)
}

// invoicesOf lists the invoices of a subscription, the oldest first.
func (s shop) invoicesOf(subscriptionID string) []*stripe.Invoice {
	s.Helper()
	it := s.invoices().List(&stripe.InvoiceListParams{
		ListParams: stripe.ListParams{Context: s.Context(), StripeAccount: stripe.String(s.account)}, Subscription: stripe.String(subscriptionID),
	})
	var out []*stripe.Invoice
	for it.Next() {
		out = append(out, it.Invoice())
	}
	if it.Err() != nil {
		s.Fatal(it.Err())
	}
	slices.Reverse(out)
	return out
}

// amounts are the amounts of an invoice's lines.
func amounts(inv *stripe.Invoice) []int64 {
	var out []int64
	for _, line := range inv.Lines.Data {
		out = append(out, line.Amount)
	}
	return out
}

var firstAttempt = []string{"customer.subscription.created", "invoice.created", "invoice.finalized", "payment_intent.created"}

func TestSubscription_Checkout(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cus, yearly := s.newCustomer(), s.newYearly(35_000)
	b.events()
	cs, err := s.createSession(s.subscribeParams(yearly.ID, cus.ID))
	if err != nil {
		t.Fatal(err)
	}
	if cs.AmountTotal != 35_000 || cs.PaymentIntent != nil || cs.Subscription != nil || cs.Invoice != nil {
		t.Errorf("session: %+v", cs)
	}
	if page := b.portalPage(http.MethodGet, cs.URL, nil, http.StatusOK); !strings.Contains(page, "charged now and every year") || !strings.Contains(page, "$350.00") {
		t.Errorf("page:\n%s", page)
	}
	s.pay(cs.ID, stripesim.CardSuccess)
	b.wantEvents(append(firstAttempt, "payment_method.attached", "charge.succeeded", "payment_intent.succeeded", "invoice.paid",
		"invoice.payment_succeeded", "customer.subscription.updated", "checkout.session.completed")...)
	if cs, err = s.session(cs.ID); err != nil {
		t.Fatal(err)
	}
	if cs.Status != "complete" || cs.PaymentStatus != "paid" || cs.PaymentIntent != nil || cs.Customer.ID != cus.ID || cs.Invoice == nil {
		t.Errorf("paid session: %+v", cs)
	}
	sub := s.subscription(cs.Subscription.ID)
	start := b.clock().Unix()
	if sub.Status != "active" || sub.CurrentPeriodStart != start || sub.CurrentPeriodEnd != time.Date(2027, 3, 2, 9, 0, 0, 0, time.UTC).Unix() ||
		sub.Metadata["ref"] != "mem_1" || sub.Customer.ID != cus.ID || sub.Items.Data[0].Price.ID != yearly.ID {
		t.Errorf("subscription: %+v", sub)
	}
	inv := sub.LatestInvoice
	if inv.ID != cs.Invoice.ID || inv.Status != "paid" || inv.AmountPaid != 35_000 || inv.BillingReason != "subscription_create" ||
		inv.Charge == nil || inv.SubscriptionDetails.Metadata["ref"] != "mem_1" || !strings.HasSuffix(inv.Number, "-0001") {
		t.Errorf("invoice: %+v", inv)
	}
	if line := inv.Lines.Data[0]; len(inv.Lines.Data) != 1 || line.Amount != 35_000 || line.Period.Start != start || line.Period.End != sub.CurrentPeriodEnd {
		t.Errorf("its line: %+v", inv.Lines.Data[0])
	}
	if sub.DefaultPaymentMethod == nil || inv.PaymentIntent.PaymentMethod.ID != sub.DefaultPaymentMethod.ID {
		t.Errorf("method of the renewals: %+v", sub.DefaultPaymentMethod)
	}
	ch, err := s.charge(inv.Charge.ID)
	if err != nil || ch.Invoice == nil || ch.Invoice.ID != inv.ID || ch.BalanceTransaction == nil || ch.Customer.ID != cus.ID {
		t.Errorf("charge: %+v, %v", ch, err)
	}
	if _, err := s.refund(inv.PaymentIntent.ID, 10_000); err != nil {
		t.Error(err)
	}
	if o := s.oracle(); o.BalanceCents != 25_000 || o.Refunded.Cents != 10_000 {
		t.Errorf("oracle: %+v", o)
	}
}

// A declined card and an unanswered bank leave the subscription incomplete, and the page
// open for another card.
func TestSubscription_CheckoutAfterFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cs, err := s.createSession(s.subscribeParams(s.newYearly(35_000).ID, ""))
	if err != nil {
		t.Fatal(err)
	}
	b.events()
	if p := s.pay(cs.ID, stripesim.CardInsufficientFunds); p.SessionStatus != "open" || p.DeclineCode != "insufficient_funds" {
		t.Errorf("declined: %+v", p)
	}
	b.wantEvents(append(append([]string{"customer.created"}, firstAttempt...), "charge.failed", "payment_intent.payment_failed", "invoice.payment_failed")...)
	if p := s.pay(cs.ID, stripesim.CardAuthenticate); p.IntentStatus != "requires_action" {
		t.Errorf("asking for authentication: %+v", p)
	}
	b.wantEvents("payment_intent.requires_action")
	yes := true
	if _, err := s.sim.Pay(t.Context(), cs.ID, "", &yes); err != nil {
		t.Fatal(err)
	}
	b.wantEvents("payment_method.attached", "charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded",
		"customer.subscription.updated", "checkout.session.completed")
	if cs, err = s.session(cs.ID); err != nil || cs.Customer == nil {
		t.Fatalf("session: %+v, %v", cs, err)
	}
	sub := s.subscription(cs.Subscription.ID)
	if sub.Status != "active" || sub.LatestInvoice.AttemptCount != 2 || len(s.invoicesOf(sub.ID)) != 1 {
		t.Errorf("subscription: %+v", sub)
	}
}

func TestSubscription_CheckoutNeverPaid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cs, err := s.createSession(s.subscribeParams(s.newYearly(35_000).ID, ""))
	if err != nil {
		t.Fatal(err)
	}
	s.pay(cs.ID, stripesim.CardDeclined)
	b.events()
	b.advance(23 * time.Hour)
	b.wantEvents("payment_intent.canceled", "invoice.voided", "customer.subscription.updated", "checkout.session.expired")
	it := s.subscriptions().List(&stripe.SubscriptionListParams{
		ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake)}, Status: stripe.String("incomplete_expired"),
	})
	if !it.Next() || s.subscription(it.Subscription().ID).LatestInvoice.Status != "void" {
		t.Errorf("subscription: %+v, %v", it.Current(), it.Err())
	}
	if cs, err = s.session(cs.ID); err != nil || cs.Status != "expired" || cs.Subscription != nil {
		t.Errorf("session: %+v, %v", cs, err)
	}
}

func TestSubscription_SessionRefuses(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	yearly, retired := s.newYearly(35_000), s.newYearly(35_000)
	if _, err := s.prices().Update(retired.ID, &stripe.PriceParams{Params: s.params(""), Active: stripe.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	once := s.yearlyParams(35_000)
	once.Recurring = nil
	single, err := s.prices().New(once)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, code, param string
		change            func(*stripe.CheckoutSessionParams)
	}{
		{"a price that is not active", "", "line_items[0][price]", func(p *stripe.CheckoutSessionParams) { p.LineItems[0].Price = stripe.String(retired.ID) }},
		{"a price paid once", "", "line_items[0][price]", func(p *stripe.CheckoutSessionParams) { p.LineItems[0].Price = stripe.String(single.ID) }},
		{"a price of another account", "resource_missing", "line_items[0][price]", func(p *stripe.CheckoutSessionParams) {
			p.LineItems[0].Price = stripe.String("price_elsewhere")
		}},
		{"no quantity", "parameter_invalid_integer", "line_items[0][quantity]", func(p *stripe.CheckoutSessionParams) { p.LineItems[0].Quantity = nil }},
		{"too many", "amount_too_large", "line_items[0]", func(p *stripe.CheckoutSessionParams) { p.LineItems[0].Quantity = stripe.Int64(900_000) }},
		{"with payment_intent_data", "", "payment_intent_data", func(p *stripe.CheckoutSessionParams) {
			p.PaymentIntentData = &stripe.CheckoutSessionPaymentIntentDataParams{CaptureMethod: stripe.String("manual")}
		}},
		{"with a fee in cents", "", "payment_intent_data", func(p *stripe.CheckoutSessionParams) {
			p.PaymentIntentData = &stripe.CheckoutSessionPaymentIntentDataParams{ApplicationFeeAmount: stripe.Int64(500)}
		}},
		{"with customer_creation", "", "customer_creation", func(p *stripe.CheckoutSessionParams) { p.CustomerCreation = stripe.String("always") }},
		{"with a platform's fee below zero", "", "subscription_data[application_fee_percent]", func(p *stripe.CheckoutSessionParams) {
			p.SubscriptionData.ApplicationFeePercent = stripe.Float64(-1)
		}},
		{"with a platform's fee above all", "", "subscription_data[application_fee_percent]", func(p *stripe.CheckoutSessionParams) {
			p.SubscriptionData.ApplicationFeePercent = stripe.Float64(100.01)
		}},
		{"with a platform's fee too fine", "", "subscription_data[application_fee_percent]", func(p *stripe.CheckoutSessionParams) {
			p.SubscriptionData.ApplicationFeePercent = stripe.Float64(2.555)
		}},
		{"with a trial", "not_simulated", "trial_period_days", func(p *stripe.CheckoutSessionParams) { p.SubscriptionData.TrialPeriodDays = stripe.Int64(7) }},
		{"paid by a bank account", "not_simulated", "payment_method_types[0]", func(p *stripe.CheckoutSessionParams) {
			p.PaymentMethodTypes = stripe.StringSlice([]string{"us_bank_account"})
		}},
		{"a recurring price paid once", "", "line_items[0][price]", func(p *stripe.CheckoutSessionParams) {
			p.Mode, p.SubscriptionData = stripe.String("payment"), nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := s.subscribeParams(yearly.ID, "")
			test.change(p)
			_, err := s.createSession(p)
			if e := refusal(t, err); string(e.Code) != test.code || e.Param != test.param {
				t.Errorf("refused with code %q param %q: %s", e.Code, e.Param, e.Msg)
			}
		})
	}
}

func TestSubscription_Renews(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	end := time.Unix(sub.CurrentPeriodEnd, 0)
	b.events()
	b.advance(end.Sub(b.clock()) - 7*day)
	b.wantEvents("invoice.upcoming")
	b.advance(7 * day)
	b.wantEvents("customer.subscription.updated", "invoice.created")
	draft := s.subscription(sub.ID)
	if draft.Status != "active" || draft.CurrentPeriodStart != end.Unix() || draft.LatestInvoice.Status != "draft" ||
		time.Unix(draft.CurrentPeriodEnd, 0).UTC() != time.Date(2028, 3, 2, 9, 0, 0, 0, time.UTC) {
		t.Errorf("at the renewal: %+v", draft)
	}
	b.advance(time.Hour)
	b.wantEvents("invoice.finalized", "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded")
	invoices := s.invoicesOf(sub.ID)
	if len(invoices) != 2 || invoices[1].Status != "paid" || invoices[1].BillingReason != "subscription_cycle" || invoices[1].AttemptCount != 1 ||
		!strings.HasSuffix(invoices[1].Number, "-0002") || invoices[1].Lines.Data[0].Period.End != draft.CurrentPeriodEnd {
		t.Errorf("invoices: %+v", invoices[1])
	}
	if o := s.oracle(); o.BalanceCents != 70_000 {
		t.Errorf("oracle: %+v", o)
	}
}

// A clock that jumps over years leaves the same history as one that goes by days, with
// each object dated when it was due.
func TestSubscription_ClockJumps(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	b.now = time.Date(2024, 2, 29, 9, 0, 0, 0, time.UTC)
	sub := s.subscribe(stripesim.CardSuccess)
	b.advance(4*366*day + day)
	var got []string
	for _, inv := range s.invoicesOf(sub.ID) {
		got = append(got, time.Unix(inv.Created, 0).UTC().Format(time.DateTime)+" "+string(inv.Status))
	}
	want := []string{"2024-02-29 09:00:00 paid", "2025-02-28 09:00:00 paid", "2026-02-28 09:00:00 paid", "2027-02-28 09:00:00 paid", "2028-02-29 09:00:00 paid"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("invoices (-want +got):\n%s", diff)
	}
	at := int64(0)
	b.sim.Tick(t.Context())
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.got {
		if e.Created < at {
			t.Errorf("%s of %d after %d", e.Type, e.Created, at)
		}
		at = e.Created
	}
}

// A renewal that fails is tried again on the 3rd, 7th and 14th day. Then the
// subscription is canceled, or unpaid if the account is set so.
func TestSubscription_RenewalFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, set, want, last string
	}{
		{"canceled", stripesim.HandRenewalsCancel, "canceled", "customer.subscription.deleted"},
		{"unpaid", stripesim.HandRenewalsUnpaid, "unpaid", "customer.subscription.updated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			if _, err := s.sim.Hand(t.Context(), stripesim.Act{Do: test.set, ID: lake}); err != nil {
				t.Fatal(err)
			}
			sub := s.subscribe(stripesim.CardLaterDeclined)
			b.advance(time.Unix(sub.CurrentPeriodEnd, 0).Sub(b.clock()))
			b.events()
			failed := []string{"charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"}
			b.advance(time.Hour)
			b.wantEvents(append(append([]string{"invoice.finalized", "payment_intent.created"}, failed...), "customer.subscription.updated")...)
			now := s.subscription(sub.ID)
			if now.Status != "past_due" || now.LatestInvoice.Status != "open" || now.LatestInvoice.NextPaymentAttempt != b.clock().Add(3*day).Unix() {
				t.Errorf("after the first attempt: %+v", now)
			}
			for i, wait := range []time.Duration{3 * day, 4 * day} {
				b.advance(wait)
				b.wantEvents(failed...)
				if now = s.subscription(sub.ID); now.Status != "past_due" || now.LatestInvoice.AttemptCount != int64(i+2) {
					t.Errorf("after retry %d: %+v", i+1, now)
				}
			}
			b.advance(7 * day)
			b.wantEvents(append(failed, test.last)...)
			now = s.subscription(sub.ID)
			if string(now.Status) != test.want || now.LatestInvoice.Status != "open" || now.LatestInvoice.NextPaymentAttempt != 0 {
				t.Errorf("at last: %+v", now)
			}
			b.advance(60 * day)
			b.wantEvents()
			if o := s.oracle(); o.BalanceCents != 35_000 {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}

// The hosted page of a renewal that failed shows what is due, and takes another card, once. The first
// invoice, which its session paid, and what is not an invoice cannot be paid there.
func TestSubscription_RenewalPaidOnItsPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardLaterDeclined)
	first := s.invoicesOf(sub.ID)[0]
	if page := b.portalPage(http.MethodGet, first.HostedInvoiceURL, nil, http.StatusOK); !strings.Contains(page, "This invoice is paid.") {
		t.Errorf("page of the first invoice:\n%s", page)
	}
	b.portalPage(http.MethodPost, first.HostedInvoiceURL, url.Values{"card": {stripesim.CardSuccess}}, http.StatusBadRequest)
	b.advance(time.Unix(sub.CurrentPeriodEnd, 0).Sub(b.clock()))
	if draft := s.invoicesOf(sub.ID)[1]; draft.HostedInvoiceURL != "" {
		t.Errorf("a draft has the page %s", draft.HostedInvoiceURL)
	}
	b.advance(time.Hour)
	page := s.invoicesOf(sub.ID)[1].HostedInvoiceURL
	if shown := b.portalPage(http.MethodGet, page, nil, http.StatusOK); !strings.Contains(shown, "Pay $350.00") {
		t.Errorf("page:\n%s", shown)
	}
	b.portalPage(http.MethodPost, page, url.Values{"card": {stripesim.CardDeclined}}, http.StatusPaymentRequired)
	b.portalPage(http.MethodPost, page, url.Values{"card": {stripesim.BankPays}}, http.StatusBadRequest)
	b.portalPage(http.MethodGet, page+"0", nil, http.StatusNotFound)
	b.portalPage(http.MethodPost, page, url.Values{"card": {stripesim.CardSuccess}}, http.StatusSeeOther)
	b.portalPage(http.MethodPost, page, url.Values{"card": {stripesim.CardSuccess}}, http.StatusBadRequest)
	if now := s.subscription(sub.ID); now.Status != "active" || now.LatestInvoice.Status != "paid" {
		t.Errorf("paid: %+v", now)
	}
	b.advance(60 * day)
	if o := s.oracle(); o.BalanceCents != 70_000 {
		t.Errorf("oracle: %+v", o)
	}
}

// An unpaid subscription goes on with drafts, and is active once its latest invoice is
// paid by a card that pays.
func TestSubscription_UnpaidIsPaid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	if _, err := s.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandRenewalsUnpaid, ID: lake}); err != nil {
		t.Fatal(err)
	}
	sub := s.subscribe(stripesim.CardLaterDeclined)
	b.advance(366*day + 15*day)
	inv := s.subscription(sub.ID).LatestInvoice
	_, err := s.invoices().Pay(inv.ID, &stripe.InvoicePayParams{Params: s.params("")})
	if e := refusal(t, err); e.HTTPStatusCode != http.StatusPaymentRequired || e.Code != "card_declined" {
		t.Errorf("paying with the same card: %v", err)
	}
	good := s.saveCard(sub.Customer.ID, stripesim.CardSuccess).PaymentMethod.ID
	b.events()
	paid, err := s.invoices().Pay(inv.ID, &stripe.InvoicePayParams{Params: s.params(""), PaymentMethod: stripe.String(good)})
	if err != nil || paid.Status != "paid" || paid.AmountPaid != 35_000 || paid.AttemptCount != 5 {
		t.Fatalf("paying: %+v, %v", paid, err)
	}
	b.wantEvents("charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded", "customer.subscription.updated")
	if now := s.subscription(sub.ID); now.Status != "active" {
		t.Errorf("subscription: %+v", now)
	}
	if _, err := s.invoices().Pay(inv.ID, &stripe.InvoicePayParams{Params: s.params("")}); refusal(t, err).HTTPStatusCode != 400 {
		t.Errorf("paying twice: %v", err)
	}
}

// A renewal's invoice that is asked for while it is a draft, and fails, is tried again
// like one that was not asked for.
func TestSubscription_DraftIsPaidEarly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardLaterDeclined)
	b.advance(365 * day)
	inv := s.subscription(sub.ID).LatestInvoice
	if _, err := s.invoices().Pay(inv.ID, &stripe.InvoicePayParams{Params: s.params("")}); inv.Status != "draft" || refusal(t, err).Code != "card_declined" {
		t.Errorf("paying a %s invoice: %v", inv.Status, err)
	}
	now := s.subscription(sub.ID)
	if now.Status != "past_due" || now.LatestInvoice.AttemptCount != 1 || now.LatestInvoice.NextPaymentAttempt != b.clock().Add(3*day).Unix() {
		t.Errorf("subscription: %+v", now)
	}
}

func TestSubscription_UnpaidStaysDraft(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	if _, err := s.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandRenewalsUnpaid, ID: lake}); err != nil {
		t.Fatal(err)
	}
	sub := s.subscribe(stripesim.CardLaterDeclined)
	b.advance(366*day + 15*day)
	b.events()
	b.advance(366 * day)
	b.wantEvents("customer.subscription.updated", "invoice.created")
	if now := s.subscription(sub.ID); now.Status != "unpaid" || now.LatestInvoice.Status != "draft" {
		t.Errorf("subscription: %+v", now)
	}
}

// A saved card that its bank wants to see authenticated does not pay a renewal.
func TestSubscription_RenewalAsksForAuthentication(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardLaterAuthenticate)
	b.advance(time.Unix(sub.CurrentPeriodEnd, 0).Sub(b.clock()))
	b.events()
	b.advance(time.Hour)
	b.wantEvents("invoice.finalized", "payment_intent.created", "charge.failed", "payment_intent.payment_failed",
		"invoice.payment_action_required", "invoice.payment_failed", "customer.subscription.updated")
	if now := s.subscription(sub.ID); now.Status != "past_due" || now.LatestInvoice.PaymentIntent.LastPaymentError.Code != "authentication_required" {
		t.Errorf("subscription: %+v", now)
	}
}

// A renewal whose card was detached fails without a charge.
func TestSubscription_RenewalWithoutCard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	b.detach(s, sub.DefaultPaymentMethod.ID)
	if now := s.subscription(sub.ID); now.DefaultPaymentMethod != nil {
		t.Errorf("the subscription keeps a detached card: %+v", now.DefaultPaymentMethod)
	}
	b.advance(time.Unix(sub.CurrentPeriodEnd, 0).Sub(b.clock()))
	b.events()
	b.advance(time.Hour)
	b.wantEvents("invoice.finalized", "payment_intent.created", "invoice.payment_failed", "customer.subscription.updated")
}

// An attempt that was asked for and failed does not stop the planned ones, although the
// card is gone by then.
func TestSubscription_RetryWithoutCard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardLaterDeclined)
	b.advance(365*day + time.Hour)
	inv := s.subscription(sub.ID).LatestInvoice
	if e := refusal(t, second(s.invoices().Pay(inv.ID, &stripe.InvoicePayParams{Params: s.params("")}))); e.Code != "card_declined" {
		t.Errorf("paying: %v", e)
	}
	b.detach(s, sub.DefaultPaymentMethod.ID)
	b.events()
	b.advance(3 * day)
	b.wantEvents("invoice.payment_failed")
	if now := s.subscription(sub.ID).LatestInvoice; now.AttemptCount != 2 || now.NextPaymentAttempt != b.clock().Add(4*day).Unix() {
		t.Errorf("invoice: %+v", now)
	}
}

// A disabled account is paid nothing for a renewal or by a saved card, and what is
// tried again once the account is enabled is paid.
func TestSubscription_DisabledAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.StandardTerms)
	sub := s.subscribe(stripesim.CardSuccess)
	saved := s.saveCard(sub.Customer.ID, stripesim.CardSuccess)
	b.advance(365 * day)
	b.hand(stripesim.HandDisable, lake)
	if e := refusal(t, second(s.payOffSession(s.offSessionParams(saved, "automatic", "")))); e.HTTPStatusCode != http.StatusBadRequest || e.PaymentIntent != nil {
		t.Errorf("a payment by the saved card: %v", e)
	}
	b.events()
	b.advance(time.Hour)
	b.wantEvents("invoice.finalized", "payment_intent.created", "invoice.payment_failed", "customer.subscription.updated")
	inv := s.subscription(sub.ID).LatestInvoice
	if e := refusal(t, second(s.invoices().Pay(inv.ID, &stripe.InvoicePayParams{Params: s.params("")}))); e.HTTPStatusCode != http.StatusBadRequest {
		t.Errorf("paying the renewal: %v", e)
	}
	if o := s.oracle(); o.Captured.Cents != 35_000 {
		t.Errorf("oracle: %+v", o)
	}
	b.hand(stripesim.HandEnable, lake)
	b.advance(3 * day)
	if now := s.subscription(sub.ID); now.Status != "active" || now.LatestInvoice.AttemptCount != 2 {
		t.Errorf("after the retry: %+v", now)
	}
}

// A clock that jumps over a renewal pays out what was paid for it as one that goes by
// days does, also after it was set what becomes of renewals.
func TestSubscription_PaidOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.StandardTerms)
	b.hand(stripesim.HandRenewalsUnpaid, lake)
	s.subscribe(stripesim.CardSuccess) // 2 March
	b.advance(400 * day)
	b.sim.Tick(t.Context())
	s.wantPayouts("2026-03-04 00:00:00 33955 paid", "2027-03-04 00:00:00 33955 paid")
	s.wantBalance(0, 0)
}

func TestSubscription_CancelAtPeriodEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	b.events()
	set := func(yes bool) *stripe.Subscription {
		t.Helper()
		got, err := s.update(sub.ID, func(p *stripe.SubscriptionParams) { p.CancelAtPeriodEnd = stripe.Bool(yes) })
		if err != nil {
			t.Fatal(err)
		}
		b.wantEvents("customer.subscription.updated")
		return got
	}
	if got := set(true); !got.CancelAtPeriodEnd || got.CancelAt != sub.CurrentPeriodEnd || got.CanceledAt == 0 || got.Status != "active" {
		t.Errorf("canceled: %+v", got)
	}
	if got := set(false); got.CancelAtPeriodEnd || got.CancelAt != 0 || got.CanceledAt != 0 {
		t.Errorf("resumed: %+v", got)
	}
	set(true)
	b.advance(366 * day)
	b.wantEvents("customer.subscription.deleted")
	if now := s.subscription(sub.ID); now.Status != "canceled" || now.EndedAt != sub.CurrentPeriodEnd || len(s.invoicesOf(sub.ID)) != 1 {
		t.Errorf("subscription: %+v", now)
	}
	_, err := s.update(sub.ID, func(p *stripe.SubscriptionParams) { p.CancelAtPeriodEnd = stripe.Bool(false) })
	if refusal(t, err).HTTPStatusCode != 400 {
		t.Errorf("resuming what has ended: %v", err)
	}
}

// Half a year of $350 is a credit of $175, which is refunded by nobody.
func TestSubscription_CancelNow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                string
		prorate, invoiceNow bool
		pending, balance    int64
		events              []string
	}{
		{"plainly", false, false, 0, 0, []string{"customer.subscription.deleted"}},
		{"prorated", true, false, -17_500, 0, []string{"invoiceitem.created", "customer.subscription.deleted"}},
		{"prorated and invoiced", true, true, 0, -17_500, []string{
			"invoiceitem.created", "invoice.created", "customer.updated", "invoice.finalized", "invoice.paid",
			"invoice.payment_succeeded", "customer.subscription.deleted",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			sub := s.subscribe(stripesim.CardSuccess)
			b.advance(365 * day / 2)
			b.events()
			got, err := s.unsubscribe(sub.ID, test.prorate, test.invoiceNow)
			if err != nil || got.Status != "canceled" || got.EndedAt != b.clock().Unix() {
				t.Fatalf("canceling: %+v, %v", got, err)
			}
			b.wantEvents(test.events...)
			var pending int64
			for it := s.pendingItems(sub.Customer.ID); it.Next(); {
				pending += it.InvoiceItem().Amount
			}
			cus := s.customer(sub.Customer.ID)
			if pending != test.pending || cus.Balance != test.balance {
				t.Errorf("pending %d and balance %d, want %d and %d", pending, cus.Balance, test.pending, test.balance)
			}
			if _, err := s.unsubscribe(sub.ID, false, false); refusal(t, err).HTTPStatusCode != 404 {
				t.Errorf("canceling twice: %v", err)
			}
			b.advance(400 * day)
			b.wantEvents()
			if o := s.oracle(); o.BalanceCents != 35_000 {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}

func (s shop) pendingItems(customerID string) *invoiceitem.Iter {
	return invoiceitem.Client{B: s.backend(), Key: s.key}.List(&stripe.InvoiceItemListParams{
		ListParams: stripe.ListParams{Context: s.Context(), StripeAccount: stripe.String(s.account)},
		Customer:   stripe.String(customerID), Pending: stripe.Bool(true),
	})
}

func (s shop) customer(id string) *stripe.Customer {
	s.Helper()
	c, err := customer.Client{B: s.backend(), Key: s.key}.Get(id, &stripe.CustomerParams{Params: s.params("")})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// A change of price counts at once, and the next invoice has what the rest of the year
// costs more, or less.
func TestSubscription_ChangePrice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, behaviour string
		price, quantity int64
		want            []int64 // lines of the next invoice
		due, balance    int64
	}{
		{"dearer", "", 45_000, 1, []int64{-17_500, 22_500, 45_000}, 50_000, 0},
		{"cheaper", "create_prorations", 5000, 1, []int64{-17_500, 2500, 5000}, 0, -10_000},
		{"without proration", "none", 45_000, 1, []int64{45_000}, 45_000, 0},
		{"two of them", "", 35_000, 2, []int64{-17_500, 35_000, 70_000}, 87_500, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			sub := s.subscribe(stripesim.CardSuccess)
			other := s.newYearly(test.price)
			b.advance(365 * day / 2)
			got, err := s.update(sub.ID, func(p *stripe.SubscriptionParams) {
				p.Items = []*stripe.SubscriptionItemsParams{{
					ID: stripe.String(sub.Items.Data[0].ID), Price: stripe.String(other.ID), Quantity: stripe.Int64(test.quantity),
				}}
				if test.behaviour != "" {
					p.ProrationBehavior = stripe.String(test.behaviour)
				}
			})
			if err != nil || got.Items.Data[0].Price.ID != other.ID || got.Items.Data[0].Quantity != test.quantity || got.CurrentPeriodEnd != sub.CurrentPeriodEnd {
				t.Fatalf("changing: %+v, %v", got, err)
			}
			if o := s.oracle(); o.BalanceCents != 35_000 {
				t.Errorf("charged at once: %+v", o)
			}
			b.advance(200 * day)
			inv := s.subscription(sub.ID).LatestInvoice
			if diff := cmp.Diff(test.want, amounts(inv)); diff != "" || inv.Status != "paid" || inv.AmountPaid != test.due {
				t.Errorf("invoice %s of %d, lines (-want +got):\n%s", inv.Status, inv.AmountPaid, diff)
			}
			if cus := s.customer(sub.Customer.ID); cus.Balance != test.balance {
				t.Errorf("balance %d, want %d", cus.Balance, test.balance)
			}
			if o := s.oracle(); o.BalanceCents != 35_000+test.due {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}

func TestSubscription_UpdateRefuses(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	item := func(p *stripe.SubscriptionParams, change func(*stripe.SubscriptionItemsParams)) {
		p.Items = []*stripe.SubscriptionItemsParams{{ID: stripe.String(sub.Items.Data[0].ID)}}
		change(p.Items[0])
	}
	for _, test := range []struct {
		name, code, param string
		change            func(*stripe.SubscriptionParams)
	}{
		{"an item of another subscription", "resource_missing", "items[0][id]", func(p *stripe.SubscriptionParams) {
			item(p, func(i *stripe.SubscriptionItemsParams) { i.ID = stripe.String("si_other") })
		}},
		{"a price that does not exist", "resource_missing", "items[0][price]", func(p *stripe.SubscriptionParams) {
			item(p, func(i *stripe.SubscriptionItemsParams) { i.Price = stripe.String("price_none") })
		}},
		{"none of an item", "parameter_invalid_integer", "items[0][quantity]", func(p *stripe.SubscriptionParams) {
			item(p, func(i *stripe.SubscriptionItemsParams) { i.Quantity = stripe.Int64(0) })
		}},
		{"too many of an item", "amount_too_large", "items[0]", func(p *stripe.SubscriptionParams) {
			item(p, func(i *stripe.SubscriptionItemsParams) { i.Quantity = stripe.Int64(999_999) })
		}},
		{"an invoice at once", "not_simulated", "proration_behavior", func(p *stripe.SubscriptionParams) {
			p.ProrationBehavior = stripe.String("always_invoice")
		}},
		{"another's card", "resource_missing", "default_payment_method", func(p *stripe.SubscriptionParams) {
			p.DefaultPaymentMethod = stripe.String("pm_none")
		}},
		{"a coupon", "not_simulated", "coupon", func(p *stripe.SubscriptionParams) { p.Coupon = stripe.String("c") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := s.update(sub.ID, test.change)
			if e := refusal(t, err); string(e.Code) != test.code || e.Param != test.param {
				t.Errorf("refused with code %q param %q: %s", e.Code, e.Param, e.Msg)
			}
		})
	}
}

func TestSubscription_List(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	kept, ended := s.subscribe(stripesim.CardSuccess), s.subscribe(stripesim.CardSuccess)
	if _, err := s.unsubscribe(ended.ID, false, false); err != nil {
		t.Fatal(err)
	}
	list := func(account, customerID, priceID, status string) []string {
		t.Helper()
		p := &stripe.SubscriptionListParams{ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(account)}}
		for to, v := range map[**string]string{&p.Customer: customerID, &p.Price: priceID, &p.Status: status} {
			if v != "" {
				*to = stripe.String(v)
			}
		}
		out := []string{}
		it := s.subscriptions().List(p)
		for it.Next() {
			out = append(out, it.Subscription().ID)
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		return out
	}
	for _, test := range []struct {
		name                             string
		account, customer, price, status string
		want                             []string
	}{
		{"those not canceled", lake, "", "", "", []string{kept.ID}},
		{"all", lake, "", "", "all", []string{ended.ID, kept.ID}},
		{"canceled", lake, "", "", "canceled", []string{ended.ID}},
		{"of a customer", lake, kept.Customer.ID, "", "all", []string{kept.ID}},
		{"of a price", lake, "", ended.Items.Data[0].Price.ID, "all", []string{ended.ID}},
		{"of another account", hill, "", "", "all", []string{}},
	} {
		if diff := cmp.Diff(test.want, list(test.account, test.customer, test.price, test.status)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// A lost call did nothing and a lost answer did it once, whichever of them it was: the
// same call again ends in the same state.
func TestSubscription_LostCalls(t *testing.T) {
	t.Parallel()
	for _, do := range []string{stripesim.LoseCall, stripesim.LoseAnswer} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			sub := s.subscribe(stripesim.CardSuccess)
			once := s.yearlyParams(45_000)
			once.SetIdempotencyKey("price-1")
			for i, path := range []string{"/v1/prices", "/v1/subscriptions/*"} {
				if _, err := b.sim.AddFault(stripesim.Fault{Do: do, Method: http.MethodPost, Path: path, Times: 1}); err != nil {
					t.Fatal(err)
				}
				call := func() error {
					if i == 0 {
						_, err := s.prices().New(once)
						return err
					}
					_, err := s.update(sub.ID, func(p *stripe.SubscriptionParams) {
						p.SetIdempotencyKey("cancel-1")
						p.CancelAtPeriodEnd = stripe.Bool(true)
					})
					return err
				}
				if err := call(); err == nil || refusalOf(err) != nil {
					t.Errorf("%s: %v, want no answer", path, err)
				}
				if err := call(); err != nil {
					t.Errorf("%s again: %v", path, err)
				}
			}
			n := 0
			for it := s.prices().List(&stripe.PriceListParams{ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake)}}); it.Next(); n++ {
				continue
			}
			if n != 2 || !s.subscription(sub.ID).CancelAtPeriodEnd {
				t.Errorf("%d prices, want 2: %s", n, strconv.FormatBool(s.subscription(sub.ID).CancelAtPeriodEnd))
			}
		})
	}
}

// The oracle shows what a subscription's invoices took and what waits.
func TestOracle_Subscriptions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	b.advance(365*day + 2*time.Hour)
	_, err := s.update(sub.ID, func(p *stripe.SubscriptionParams) {
		p.CancelAtPeriodEnd = stripe.Bool(true)
		p.Items = []*stripe.SubscriptionItemsParams{{ID: stripe.String(sub.Items.Data[0].ID), Price: stripe.String(s.newYearly(70_000).ID)}}
	})
	if err != nil {
		t.Fatal(err)
	}
	o := s.oracle()
	if len(o.Subscriptions) != 1 || len(o.Subscriptions[0].Invoices) != 2 || len(o.Intents) != 2 {
		t.Fatalf("oracle: %+v", o)
	}
	got := o.Subscriptions[0]
	if got.ID != sub.ID || got.Account != lake || got.Customer != sub.Customer.ID || got.Status != "active" || !got.CancelAtPeriodEnd ||
		got.Metadata["ref"] != "mem_1" || got.YearCents != 70_000 || got.PaidCents != 70_000 || got.PaidCents != o.BalanceCents {
		t.Errorf("subscription: %+v", got)
	}
	if got.PendingCents < 34_900 || got.PendingCents > 35_000 {
		t.Errorf("pending %d, want almost a year of the difference", got.PendingCents)
	}
	if inv := got.Invoices[1]; inv.Status != "paid" || inv.PaymentIntent != o.Intents[1].ID || o.Intents[1].Invoice != inv.ID || inv.Number == "" {
		t.Errorf("invoice %+v of intent %+v", inv, o.Intents[1])
	}
	if other := b.shop(hill).oracle(); len(other.Subscriptions) != 0 {
		t.Errorf("another account's: %+v", other.Subscriptions)
	}
}

// A subscription is renewed by a simulator that was started after it was sold.
func TestSubscription_SurvivesRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	b.db = filepath.Join(t.TempDir(), "stripe.db")
	b.start()
	sub := b.shop(lake).subscribe(stripesim.CardSuccess)
	b.events()
	b.stop()
	b.mu.Lock()
	b.now = b.now.Add(365*day + 2*time.Hour)
	b.mu.Unlock()
	b.start()
	b.wantEvents("invoice.upcoming", "customer.subscription.updated", "invoice.created", "invoice.finalized", "payment_intent.created",
		"charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded")
	if now := b.shop(lake).subscription(sub.ID); now.Status != "active" || now.CurrentPeriodStart != sub.CurrentPeriodEnd {
		t.Errorf("subscription: %+v", now)
	}
}

// Each new operation needs its own permission, and reading is part of writing.
func TestKey_PermissionsOfSubscriptions(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	for _, test := range []struct{ method, path, permission string }{
		{http.MethodPost, "/v1/payment_intents", "payment_intents:write"},
		{http.MethodGet, "/v1/payment_methods?customer=" + sub.Customer.ID, "payment_methods:read"},
		{http.MethodGet, "/v1/payment_methods/" + sub.DefaultPaymentMethod.ID, "payment_methods:read"},
		{http.MethodPost, "/v1/payment_methods/" + sub.DefaultPaymentMethod.ID + "/detach", "payment_methods:write"},
		{http.MethodGet, "/v1/customers/" + sub.Customer.ID + "/payment_methods", "payment_methods:read"},
		{http.MethodPost, "/v1/customers/" + sub.Customer.ID, "customers:write"},
		{http.MethodPost, "/v1/products", "products:write"},
		{http.MethodGet, "/v1/products", "products:read"},
		{http.MethodPost, "/v1/prices", "prices:write"},
		{http.MethodGet, "/v1/prices", "prices:read"},
		{http.MethodGet, "/v1/subscriptions", "subscriptions:read"},
		{http.MethodGet, "/v1/subscriptions/" + sub.ID, "subscriptions:read"},
		{http.MethodPost, "/v1/subscriptions/" + sub.ID, "subscriptions:write"},
		{http.MethodDelete, "/v1/subscriptions/" + sub.ID, "subscriptions:write"},
		{http.MethodGet, "/v1/invoices", "invoices:read"},
		{http.MethodGet, "/v1/invoices/" + sub.LatestInvoice.ID, "invoices:read"},
		{http.MethodGet, "/v1/invoices/" + sub.LatestInvoice.ID + "/lines", "invoices:read"},
		{http.MethodPost, "/v1/invoices/" + sub.LatestInvoice.ID + "/pay", "invoices:write"},
		{http.MethodGet, "/v1/invoiceitems", "invoices:read"},
		{http.MethodPost, "/v1/billing_portal/configurations", "billing_portal:write"},
		{http.MethodGet, "/v1/billing_portal/configurations", "billing_portal:read"},
		{http.MethodPost, "/v1/billing_portal/sessions", "billing_portal:write"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			t.Parallel()
			if got := s.status(test.method, test.path, "rk_test_reads_intents"); got != http.StatusForbidden {
				t.Errorf("a key that may not %s: %d", test.permission, got)
			}
			if got := s.status(test.method, test.path, "rk_test_members"); (got != http.StatusForbidden) != strings.HasSuffix(test.permission, ":read") {
				t.Errorf("a key that may read: %d for %s", got, test.permission)
			}
		})
	}
}

// status is the status of a call without parameters.
func (s shop) status(method, path, secret string) int {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Stripe-Account", s.account)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode
}

// By hand, a second page like the first sells a second subscription, and one is
// canceled.
func TestHand_Subscription(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cs, err := s.createSession(s.subscribeParams(s.newYearly(35_000).ID, s.newCustomer().ID))
	if err != nil {
		t.Fatal(err)
	}
	s.pay(cs.ID, stripesim.CardSuccess)
	made, err := s.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandSession, ID: cs.ID})
	if err != nil {
		t.Fatal(err)
	}
	again := made.(map[string]any)["id"].(string)
	if open, err := s.session(again); err != nil || open.Status != "open" || open.Subscription != nil || open.Invoice != nil {
		t.Fatalf("the second page: %+v, %v", open, err)
	}
	s.pay(again, stripesim.CardSuccess)
	o := s.oracle()
	if len(o.Subscriptions) != 2 || o.Subscriptions[1].Metadata["ref"] != "mem_1" || o.BalanceCents != 70_000 {
		t.Fatalf("oracle: %+v", o)
	}
	b.events()
	second := o.Subscriptions[1].ID
	if page := b.portalPage(http.MethodGet, b.url+"/sim/hand", nil, http.StatusOK); !strings.Contains(page, second) || !strings.Contains(page, "renewals_unpaid") {
		t.Errorf("page of acts:\n%s", page)
	}
	for _, act := range []string{stripesim.HandStopRenewal, stripesim.HandRenew} {
		b.portalPage(http.MethodPost, b.url+"/sim/hand", url.Values{"do": {act}, "id": {second}}, http.StatusSeeOther)
		b.wantEvents("customer.subscription.updated")
		if now := s.subscription(second); now.CancelAtPeriodEnd != (act == stripesim.HandStopRenewal) {
			t.Errorf("after %s it ends with its period: %t", act, now.CancelAtPeriodEnd)
		}
	}
	b.portalPage(http.MethodPost, b.url+"/sim/hand", url.Values{"do": {stripesim.HandUnsubscribe}, "id": {second}}, http.StatusSeeOther)
	b.wantEvents("customer.subscription.deleted")
	if now := s.subscription(second); now.Status != "canceled" {
		t.Errorf("subscription: %+v", now)
	}
}
