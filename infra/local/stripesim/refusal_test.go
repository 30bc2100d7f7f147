package stripesim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/balance"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/event"
	"github.com/stripe/stripe-go/v76/paymentintent"

	"evisit/infra/local/stripesim"
)

func TestSession_Refuses(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	item := func(p *stripe.CheckoutSessionParams) *stripe.CheckoutSessionLineItemPriceDataParams {
		return p.LineItems[0].PriceData
	}
	for _, test := range []struct {
		name, code, param string
		change            func(*stripe.CheckoutSessionParams)
	}{
		{"without a mode", "parameter_missing", "mode", func(p *stripe.CheckoutSessionParams) { p.Mode = nil }},
		{"with an unknown mode", "", "mode", func(p *stripe.CheckoutSessionParams) { p.Mode = stripe.String("gift") }},
		{"with a mode that is not simulated", "not_simulated", "mode", func(p *stripe.CheckoutSessionParams) { p.Mode = stripe.String("setup") }},
		{"without line items", "parameter_missing", "line_items", func(p *stripe.CheckoutSessionParams) { p.LineItems = nil }},
		{"without a success URL", "parameter_missing", "success_url", func(p *stripe.CheckoutSessionParams) { p.SuccessURL = nil }},
		{"with a relative URL", "url_invalid", "cancel_url", func(p *stripe.CheckoutSessionParams) { p.CancelURL = stripe.String("/back") }},
		{"with a negative amount", "parameter_invalid_integer", "line_items[0][price_data][unit_amount]", func(p *stripe.CheckoutSessionParams) {
			item(p).UnitAmount = stripe.Int64(-1)
		}},
		{"with nothing to pay", "amount_too_small", "", func(p *stripe.CheckoutSessionParams) { item(p).UnitAmount = stripe.Int64(0) }},
		{"with less than 50 cents", "amount_too_small", "", func(p *stripe.CheckoutSessionParams) { item(p).UnitAmount = stripe.Int64(49) }},
		{"with too much", "amount_too_large", "line_items[0]", func(p *stripe.CheckoutSessionParams) { item(p).UnitAmount = stripe.Int64(1e8) }},
		{"with too many", "amount_too_large", "line_items[0]", func(p *stripe.CheckoutSessionParams) { p.LineItems[0].Quantity = stripe.Int64(1e12) }},
		{"with another currency", "not_simulated", "line_items[0][price_data][currency]", func(p *stripe.CheckoutSessionParams) {
			item(p).Currency = stripe.String("eur")
		}},
		{"without a product's name", "parameter_missing", "line_items[0][price_data][product_data][name]", func(p *stripe.CheckoutSessionParams) {
			item(p).ProductData.Name = nil
			item(p).ProductData.Description = stripe.String("nameless")
		}},
		{"ending too early", "", "expires_at", func(p *stripe.CheckoutSessionParams) {
			p.ExpiresAt = stripe.Int64(s.clock().Add(30*time.Minute - time.Second).Unix())
		}},
		{"ending too late", "", "expires_at", func(p *stripe.CheckoutSessionParams) {
			p.ExpiresAt = stripe.Int64(s.clock().Add(24*time.Hour + time.Second).Unix())
		}},
		{"with long metadata", "", "metadata[ref]", func(p *stripe.CheckoutSessionParams) { p.Metadata["ref"] = strings.Repeat("x", 501) }},
		{"with a customer of another account", "resource_missing", "customer", func(p *stripe.CheckoutSessionParams) {
			p.Customer = stripe.String("cus_elsewhere")
		}},
		{"with a parameter Stripe does not know", "parameter_unknown", "colour", func(p *stripe.CheckoutSessionParams) { p.AddExtra("colour", "red") }},
		{"with a parameter that is not simulated", "not_simulated", "allow_promotion_codes", func(p *stripe.CheckoutSessionParams) {
			p.AllowPromotionCodes = stripe.Bool(true)
		}},
		{"with text for a number", "parameter_invalid_integer", "expires_at", func(p *stripe.CheckoutSessionParams) { p.AddExtra("expires_at", "soon") }},
		{"expanding a field that cannot be expanded", "", "expand", func(p *stripe.CheckoutSessionParams) { p.AddExpand("amount_total") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := s.sessionParams(4900, "")
			test.change(p)
			_, err := s.createSession(p)
			want := http.StatusBadRequest
			if test.code == "resource_missing" {
				want = http.StatusNotFound
			}
			e := refusal(t, err)
			if e.HTTPStatusCode != want || e.Type != "invalid_request_error" || string(e.Code) != test.code || e.Param != test.param {
				t.Errorf("refused with %d %s code %q param %q: %s", e.HTTPStatusCode, e.Type, e.Code, e.Param, e.Msg)
			}
		})
	}
}

func TestIntent_RefusesByState(t *testing.T) {
	t.Parallel()
	capture := func(s shop, id string) error { _, err := s.capture(id, 0, ""); return err }
	cancel := func(s shop, id string) error { _, err := s.cancel(id); return err }
	for _, test := range []struct {
		name string
		make func(*bench, shop) string
		do   func(shop, string) error
		want string
	}{
		{"capturing a canceled intent", func(_ *bench, s shop) string {
			id := s.newHold(stripesim.CardSuccess)
			_ = cancel(s, id)
			return id
		}, capture, "canceled"},
		{"canceling a captured intent", func(_ *bench, s shop) string {
			id := s.newHold(stripesim.CardSuccess)
			_ = capture(s, id)
			return id
		}, cancel, "succeeded"},
		{"capturing an expired hold before a tick", func(b *bench, s shop) string {
			id := s.newHold(stripesim.CardSuccess)
			b.mu.Lock()
			defer b.mu.Unlock()
			b.now = b.now.Add(7 * 24 * time.Hour)
			return id
		}, capture, "canceled"},
		{"canceling while the page is open", func(_ *bench, s shop) string {
			return s.pay(s.newSession().ID, stripesim.CardDeclined).Intent
		}, cancel, "requires_payment_method"},
		{"capturing before authentication", func(_ *bench, s shop) string {
			return s.pay(s.newSession().ID, stripesim.CardAuthenticate).Intent
		}, capture, "requires_action"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			e := refusal(t, test.do(s, test.make(b, s)))
			if e.HTTPStatusCode != 400 || e.Code != "payment_intent_unexpected_state" || e.PaymentIntent == nil || string(e.PaymentIntent.Status) != test.want {
				t.Errorf("refused with %+v", e)
			}
		})
	}
}

func TestCapture_RefusesAmount(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	id := s.newHold(stripesim.CardSuccess)
	for cents, code := range map[int64]stripe.ErrorCode{-1: "parameter_invalid_integer", 4901: "amount_too_large"} {
		if _, err := s.capture(id, cents, ""); refusal(t, err).Code != code {
			t.Errorf("capturing %d: %v", cents, err)
		}
	}
	p := &stripe.PaymentIntentCaptureParams{Params: s.params(""), AmountToCapture: stripe.Int64(0)}
	if _, err := (paymentintent.Client{B: s.backend(), Key: key}).Capture(id, p); refusal(t, err).Code != "parameter_invalid_integer" {
		t.Errorf("capturing nothing: %v", err)
	}
	if o := s.oracle(); o.Held.Cents != 4900 {
		t.Errorf("oracle: %+v", o)
	}
}

func TestAccount_CannotReachAnothersObjects(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mine := b.shop(lake)
	cs := mine.newSession()
	pi, err := mine.intent(mine.pay(cs.ID, stripesim.CardSuccess).Intent)
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{hill, ""} {
		other := b.shop(account)
		for name, do := range map[string]func() error{
			"session": func() error { _, err := other.session(cs.ID); return err },
			"expire":  func() error { _, err := other.expire(cs.ID); return err },
			"intent":  func() error { _, err := other.intent(pi.ID); return err },
			"capture": func() error { _, err := other.capture(pi.ID, 0, ""); return err },
			"cancel":  func() error { _, err := other.cancel(pi.ID); return err },
			"charge":  func() error { _, err := other.charge(pi.LatestCharge.ID); return err },
			"refund":  func() error { _, err := other.refund(pi.ID, 0); return err },
		} {
			if e := refusal(t, do()); e.HTTPStatusCode != 404 || e.Code != "resource_missing" {
				t.Errorf("%s through account %q: %v", name, account, e)
			}
		}
	}
	if o := b.shop(hill).oracle(); o.Holds.Count != 0 || len(o.Intents) != 0 {
		t.Errorf("the other account's oracle: %+v", o)
	}
	if _, err := b.shop("acct_nowhere").session(cs.ID); refusal(t, err).HTTPStatusCode != 403 {
		t.Errorf("an account that does not exist: %v", err)
	}
	if err := b.sim.AddAccount(t.Context(), "acct_nowhere"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.shop("acct_nowhere").session(cs.ID); refusal(t, err).HTTPStatusCode != 404 {
		t.Errorf("an account that was added: %v", err)
	}
}

func TestKey_Permissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.shop(lake).newHold(stripesim.CardSuccess)
	api, reader, stranger := shop{b, lake, "rk_test_api_only"}, shop{b, lake, "rk_test_reads_intents"}, shop{b, lake, "sk_test_stranger"}
	for _, test := range []struct {
		name   string
		do     func() error
		status int
	}{
		{"api opens a session", func() error { api.newSession(); return nil }, 0},
		{"api reads what it may write", func() error { _, err := api.session(api.newSession().ID); return err }, 0},
		{"api captures", func() error { _, err := api.capture(id, 0, ""); return err }, 403},
		{"api reads an intent", func() error { _, err := api.intent(id); return err }, 403},
		{"reader reads an intent", func() error { _, err := reader.intent(id); return err }, 0},
		{"reader cancels", func() error { _, err := reader.cancel(id); return err }, 403},
		{"reader opens a session", func() error { _, err := reader.createSession(reader.sessionParams(4900, "")); return err }, 403},
		{"stranger reads", func() error { _, err := stranger.intent(id); return err }, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.do()
			if test.status == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := refusal(t, err); e.HTTPStatusCode != test.status || e.Type != "invalid_request_error" {
				t.Errorf("refused with %v", e)
			}
		})
	}
}

func TestIntent_ListSearchExpand(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cus, err := customer.Client{B: s.backend(), Key: key}.New(&stripe.CustomerParams{Params: s.params(""), Email: stripe.String("p@example.org")})
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for i, ref := range []string{"pay_a", "pay_b", "pay_'c"} {
		p := s.sessionParams(int64(1000*(i+1)), "")
		p.Customer, p.PaymentIntentData.Metadata = stripe.String(cus.ID), map[string]string{"ref": ref}
		cs, err := s.createSession(p)
		if err != nil {
			t.Fatal(err)
		}
		last = s.pay(cs.ID, stripesim.CardSuccess).Intent
	}
	intents := paymentintent.Client{B: s.backend(), Key: key}
	for ref, cents := range map[string]int64{`'pay_a'`: 1000, `"pay_b"`: 2000, `"pay_'c"`: 3000, `'pay_d'`: 0} {
		var got int64
		it := intents.Search(&stripe.PaymentIntentSearchParams{SearchParams: stripe.SearchParams{
			Context: t.Context(), StripeAccount: stripe.String(lake), Query: "metadata['ref']:" + ref + " AND status:'requires_capture'",
		}})
		for it.Next() {
			got += it.PaymentIntent().Amount
		}
		if it.Err() != nil || got != cents {
			t.Errorf("search for %s found %d, %v; want %d", ref, got, it.Err(), cents)
		}
	}
	list := &stripe.PaymentIntentListParams{
		ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake), Limit: stripe.Int64(2)},
		Expand:     stripe.StringSlice([]string{"data.customer"}),
	}
	n := 0
	for it := intents.List(list); it.Next(); n++ {
		if it.PaymentIntent().Customer.Email != "p@example.org" {
			t.Errorf("customer not expanded: %+v", it.PaymentIntent().Customer)
		}
	}
	if n != 3 {
		t.Errorf("listed %d intents over pages of two, want 3", n)
	}
	pi, err := s.capture(last, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	pi, err = s.intent(pi.ID, "latest_charge.balance_transaction", "payment_method")
	if err != nil {
		t.Fatal(err)
	}
	if pi.LatestCharge.BalanceTransaction.Net != 3000 || pi.PaymentMethod.Card.Last4 != "4242" {
		t.Errorf("expanded: %+v", pi.LatestCharge.BalanceTransaction)
	}
	sum, err := balance.Client{B: s.backend(), Key: key}.Get(&stripe.BalanceParams{Params: s.params("")})
	if err != nil || sum.Available[0].Amount != 3000 {
		t.Errorf("balance: %+v, %v", sum, err)
	}
	events := event.Client{B: s.backend(), Key: key}.List(&stripe.EventListParams{
		ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake)}, Type: stripe.String("payment_intent.succeeded"),
	})
	if !events.Next() || events.Event().Account != lake || events.Event().Data.Object["id"] != last || events.Event().APIVersion != "2023-10-16" {
		t.Errorf("event: %+v, %v", events.Event(), events.Err())
	}
	e, err := event.Client{B: s.backend(), Key: key}.Get(events.Event().ID, &stripe.EventParams{Params: s.params("")})
	if err != nil || e.Type != "payment_intent.succeeded" {
		t.Errorf("event by id: %+v, %v", e, err)
	}
}
