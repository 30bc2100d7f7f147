package stripesim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"github.com/stripe/stripe-go/v76/paymentmethod"

	"evisit/infra/local/stripesim"
)

func (s shop) newCustomer() *stripe.Customer {
	s.Helper()
	c, err := customer.Client{B: s.backend(), Key: s.key}.New(&stripe.CustomerParams{Params: s.params(""), Email: stripe.String("p@example.org")})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// saveCard pays a session that keeps the card, and returns the intent.
func (s shop) saveCard(customerID, card string) *stripe.PaymentIntent {
	s.Helper()
	p := s.sessionParams(4900, "")
	if customerID == "" {
		p.CustomerCreation, p.CustomerEmail = stripe.String("always"), stripe.String("new@example.org")
	} else {
		p.Customer = stripe.String(customerID)
	}
	p.PaymentIntentData.SetupFutureUsage = stripe.String("off_session")
	cs, err := s.createSession(p)
	if err != nil {
		s.Fatal(err)
	}
	id := s.payThrough(cs.ID, card).Intent
	pi, err := s.intent(id, "customer")
	if err != nil {
		s.Fatal(err)
	}
	return pi
}

// payThrough pays a session, and authenticates if the card asks for that.
func (s shop) payThrough(session, card string) stripesim.Payment {
	s.Helper()
	yes := true
	p := s.pay(session, card)
	if p.IntentStatus == "requires_action" {
		var err error
		if p, err = s.sim.Pay(s.Context(), session, "", &yes); err != nil {
			s.Fatal(err)
		}
	}
	if p.SessionStatus != "complete" {
		s.Fatalf("after paying: %+v", p)
	}
	return p
}

// offSessionParams are the parameters of $30 by the card that an intent saved.
func (s shop) offSessionParams(pi *stripe.PaymentIntent, capture, idempotencyKey string) *stripe.PaymentIntentParams {
	return &stripe.PaymentIntentParams{
		Params: s.params(idempotencyKey), Amount: stripe.Int64(3000), Currency: stripe.String("usd"), Customer: stripe.String(pi.Customer.ID),
		PaymentMethod: stripe.String(pi.PaymentMethod.ID), OffSession: stripe.Bool(true), Confirm: stripe.Bool(true),
		CaptureMethod: stripe.String(capture), Metadata: map[string]string{"ref": "pay_2"},
	}
}

func (s shop) payOffSession(p *stripe.PaymentIntentParams) (*stripe.PaymentIntent, error) {
	return paymentintent.Client{B: s.backend(), Key: s.key}.New(p)
}

func (s shop) methods(customerID string) []string {
	s.Helper()
	it := customer.Client{B: s.backend(), Key: s.key}.ListPaymentMethods(&stripe.CustomerListPaymentMethodsParams{
		ListParams: stripe.ListParams{Context: s.Context(), StripeAccount: stripe.String(s.account)}, Customer: stripe.String(customerID),
	})
	out := []string{}
	for it.Next() {
		out = append(out, it.PaymentMethod().ID)
	}
	if it.Err() != nil {
		s.Fatal(it.Err())
	}
	return out
}

// A hold by a saved card is a hold like another, and shorter.
func TestOffSession_Hold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	saved := s.saveCard(s.newCustomer().ID, stripesim.CardSuccess)
	b.events()
	pi, err := s.payOffSession(s.offSessionParams(saved, "manual", ""))
	if err != nil {
		t.Fatal(err)
	}
	if pi.Status != "requires_capture" || pi.AmountCapturable != 3000 || pi.Metadata["ref"] != "pay_2" {
		t.Errorf("intent: %+v", pi)
	}
	ch, err := s.charge(pi.LatestCharge.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ch.PaymentMethodDetails.Card.CaptureBefore, b.clock().Add(4*24*time.Hour+18*time.Hour).Unix(); got != want {
		t.Errorf("capture_before is %d, want %d", got, want)
	}
	want := []string{"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"}
	if diff := cmp.Diff(want, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if pi, err = s.capture(pi.ID, 2500, ""); err != nil || pi.Status != "succeeded" || pi.AmountReceived != 2500 {
		t.Errorf("capturing: %+v, %v", pi, err)
	}
	lapsing, err := s.payOffSession(s.offSessionParams(saved, "manual", ""))
	if err != nil {
		t.Fatal(err)
	}
	b.advance(4*24*time.Hour + 18*time.Hour)
	if lapsing, err = s.intent(lapsing.ID); err != nil || lapsing.Status != "canceled" {
		t.Errorf("after its time: %+v, %v", lapsing, err)
	}
}

func TestOffSession_Charge(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	saved := s.saveCard("", stripesim.CardAuthenticate)
	if saved.Customer.Email != "new@example.org" {
		t.Errorf("customer of the session: %+v", saved.Customer)
	}
	p := s.offSessionParams(saved, "automatic", "evt_7-1")
	pi, err := s.payOffSession(p)
	if err != nil || pi.Status != "succeeded" {
		t.Fatalf("charging: %+v, %v", pi, err)
	}
	again, err := s.payOffSession(s.offSessionParams(saved, "automatic", "evt_7-1"))
	if err != nil || again.ID != pi.ID {
		t.Errorf("the same key again: %+v, %v", again, err)
	}
	if o := s.oracle(); o.Captured.Cents != 3000 || o.BalanceCents != 3000 {
		t.Errorf("oracle: %+v", o)
	}
	if _, err := s.refund(pi.ID, 1000); err != nil {
		t.Error(err)
	}
}

// The platform takes its fee of a payment without the customer too, at the capture.
func TestOffSession_PlatformFee(t *testing.T) {
	t.Parallel()
	for _, capture := range []string{"automatic", "manual"} {
		t.Run(capture, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.onTerms(lake, stripesim.Terms{BasisPoints: 290, FixedCents: 30})
			saved := s.saveCard("", stripesim.CardSuccess)
			p := s.offSessionParams(saved, capture, "")
			p.ApplicationFeeAmount = stripe.Int64(500)
			pi, err := s.payOffSession(p)
			if err != nil || pi.ApplicationFeeAmount != 500 || pi.Application == nil {
				t.Fatalf("paying: %+v, %v", pi, err)
			}
			if capture == "manual" {
				s.hand(stripesim.HandCapture, pi.ID)
			}
			s.wantMovements(movement{"charge", "charge", 3000, 617, 2383, "available"})
			if o := b.shop(stripesim.Platform).oracle(); o.EarnedCents != 500 || o.BalanceCents != 500 {
				t.Errorf("the platform: %+v", o)
			}
		})
	}
}

// A payment that fails is an error with the intent in it, kept under the key.
func TestOffSession_Fails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, card, code, decline string
	}{
		{"declined", stripesim.CardLaterDeclined, "card_declined", "insufficient_funds"},
		{"asking for authentication", stripesim.CardLaterAuthenticate, "authentication_required", "authentication_required"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			saved := s.saveCard(s.newCustomer().ID, test.card)
			b.events()
			_, err := s.payOffSession(s.offSessionParams(saved, "manual", "evt_8-1"))
			e := refusal(t, err)
			if e.HTTPStatusCode != http.StatusPaymentRequired || e.Type != "card_error" || string(e.Code) != test.code || string(e.DeclineCode) != test.decline {
				t.Errorf("refused with %+v", e)
			}
			if e.PaymentIntent == nil || e.PaymentIntent.Status != "requires_payment_method" || e.PaymentMethod == nil || e.PaymentMethod.ID != saved.PaymentMethod.ID {
				t.Fatalf("the error's intent and method: %+v", e)
			}
			want := []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"}
			if diff := cmp.Diff(want, b.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if _, err := s.payOffSession(s.offSessionParams(saved, "manual", "evt_8-1")); refusal(t, err).PaymentIntent.ID != e.PaymentIntent.ID {
				t.Errorf("the same key again: %v", err)
			}
			if pi, err := s.cancel(e.PaymentIntent.ID); err != nil || pi.Status != "canceled" {
				t.Errorf("canceling it: %+v, %v", pi, err)
			}
			if o := s.oracle(); o.Holds.Cents != 4900 {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}

func TestOffSession_Refuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	saved, stranger := s.saveCard(s.newCustomer().ID, stripesim.CardSuccess), s.newCustomer()
	for _, test := range []struct {
		name, code, param string
		change            func(*stripe.PaymentIntentParams)
	}{
		{"less than 50 cents", "amount_too_small", "amount", func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(49) }},
		{"nothing", "amount_too_small", "amount", func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(0) }},
		{"a negative amount", "amount_too_small", "amount", func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(-4900) }},
		{"too much", "amount_too_large", "amount", func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(1e8) }},
		{"another currency", "not_simulated", "currency", func(p *stripe.PaymentIntentParams) { p.Currency = stripe.String("eur") }},
		{"without a method", "parameter_missing", "payment_method", func(p *stripe.PaymentIntentParams) { p.PaymentMethod = nil }},
		{"another's card", "", "payment_method", func(p *stripe.PaymentIntentParams) { p.Customer = stripe.String(stranger.ID) }},
		{"a method that does not exist", "resource_missing", "payment_method", func(p *stripe.PaymentIntentParams) { p.PaymentMethod = stripe.String("pm_none") }},
		{"with the customer there", "not_simulated", "off_session", func(p *stripe.PaymentIntentParams) { p.OffSession = nil }},
		{"not confirmed", "not_simulated", "off_session", func(p *stripe.PaymentIntentParams) { p.Confirm = nil }},
		{"a negative fee", "parameter_invalid_integer", "application_fee_amount", func(p *stripe.PaymentIntentParams) {
			p.ApplicationFeeAmount = stripe.Int64(-1)
		}},
		{"a transfer", "not_simulated", "transfer_group", func(p *stripe.PaymentIntentParams) { p.TransferGroup = stripe.String("g") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := s.offSessionParams(saved, "manual", "")
			test.change(p)
			_, err := s.payOffSession(p)
			if e := refusal(t, err); string(e.Code) != test.code || e.Param != test.param {
				t.Errorf("refused with code %q param %q: %s", e.Code, e.Param, e.Msg)
			}
		})
	}
	if _, err := b.shop(hill).payOffSession(b.shop(hill).offSessionParams(saved, "manual", "")); refusal(t, err).HTTPStatusCode != 404 {
		t.Errorf("through another account: %v", err)
	}
}

// Only a card that paid is kept, and only if that was asked for; a detached card pays no
// more.
func TestMethods_ListDetach(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cus := s.newCustomer()
	p := s.sessionParams(4900, "")
	p.Customer = stripe.String(cus.ID)
	cs, err := s.createSession(p)
	if err != nil {
		t.Fatal(err)
	}
	s.pay(cs.ID, stripesim.CardSuccess)
	if got := s.methods(cus.ID); len(got) != 0 {
		t.Errorf("kept without being asked: %v", got)
	}
	p = s.sessionParams(4900, "")
	p.Customer, p.PaymentIntentData.SetupFutureUsage = stripe.String(cus.ID), stripe.String("off_session")
	if cs, err = s.createSession(p); err != nil {
		t.Fatal(err)
	}
	s.pay(cs.ID, stripesim.CardDeclined)
	if got := s.methods(cus.ID); len(got) != 0 {
		t.Errorf("a declined card was kept: %v", got)
	}
	saved, err := s.intent(s.pay(cs.ID, stripesim.CardSuccess).Intent)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{saved.PaymentMethod.ID}, s.methods(cus.ID)); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
	b.events()
	client := paymentmethod.Client{B: s.backend(), Key: key}
	m, err := client.Detach(saved.PaymentMethod.ID, &stripe.PaymentMethodDetachParams{Params: s.params("")})
	if err != nil || m.Customer != nil {
		t.Fatalf("detaching: %+v, %v", m, err)
	}
	if diff := cmp.Diff([]string{"payment_method.detached"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := s.methods(cus.ID); len(got) != 0 {
		t.Errorf("after detaching: %v", got)
	}
	if _, err := s.payOffSession(s.offSessionParams(saved, "manual", "")); refusal(t, err).Param != "payment_method" {
		t.Errorf("paying with a detached card: %v", err)
	}
	if _, err := client.Detach(saved.PaymentMethod.ID, &stripe.PaymentMethodDetachParams{Params: s.params("")}); refusal(t, err).Param != "payment_method" {
		t.Errorf("detaching twice: %v", err)
	}
}

func TestCustomer_Update(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	saved := s.saveCard(s.newCustomer().ID, stripesim.CardSuccess)
	client := customer.Client{B: s.backend(), Key: key}
	b.events()
	p := &stripe.CustomerParams{
		Params: s.params(""), Email: stripe.String("q@example.org"), Metadata: map[string]string{"ref": "cus_1"},
		InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: stripe.String(saved.PaymentMethod.ID)},
	}
	cus, err := client.Update(saved.Customer.ID, p)
	if err != nil {
		t.Fatal(err)
	}
	if cus.Email != "q@example.org" || cus.Metadata["ref"] != "cus_1" || cus.InvoiceSettings.DefaultPaymentMethod.ID != saved.PaymentMethod.ID {
		t.Errorf("customer: %+v", cus)
	}
	if diff := cmp.Diff([]string{"customer.updated"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	other := s.newCustomer()
	if _, err := client.Update(other.ID, p); refusal(t, err).Param != "invoice_settings[default_payment_method]" {
		t.Errorf("another's card as default: %v", err)
	}
}

func (b *bench) detach(s shop, methodID string) {
	b.Helper()
	_, err := paymentmethod.Client{B: s.backend(), Key: s.key}.Detach(methodID, &stripe.PaymentMethodDetachParams{Params: s.params("")})
	if err != nil {
		b.Fatal(err)
	}
}

// A charge whose call or answer was lost is made once by the same call again.
func TestOffSession_LostCalls(t *testing.T) {
	t.Parallel()
	for _, do := range []string{stripesim.LoseCall, stripesim.LoseAnswer} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			saved := s.saveCard(s.newCustomer().ID, stripesim.CardSuccess)
			b.fault(stripesim.Fault{Do: do, Method: http.MethodPost, Path: "/v1/payment_intents", Times: 1})
			if _, err := s.payOffSession(s.offSessionParams(saved, "automatic", "evt_9-1")); err == nil || refusalOf(err) != nil {
				t.Errorf("the first call: %v, want no answer", err)
			}
			pi, err := s.payOffSession(s.offSessionParams(saved, "automatic", "evt_9-1"))
			if err != nil || pi.Status != "succeeded" {
				t.Errorf("the same call again: %+v, %v", pi, err)
			}
			if o := s.oracle(); o.Captured.Count != 1 || o.BalanceCents != 3000 {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}
