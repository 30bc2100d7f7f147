package stripesim_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/charge"
	checkout "github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"github.com/stripe/stripe-go/v76/refund"
	"github.com/stripe/stripe-go/v76/webhook"

	"evisit/infra/local/stripesim"
)

const (
	key    = "sk_test_everything"
	lake   = "acct_lakeside"
	hill   = "acct_hilltop"
	secret = "whsec_connect"

	day = 24 * time.Hour
)

// A bench is a simulator on a port, a clock that only the test moves, an endpoint that
// keeps the events it receives, and stripe-go as the simulator's client.
type bench struct {
	*testing.T
	sim     *stripesim.Sim
	db      string
	terms   map[string]stripesim.Terms
	url     string
	hookURL string
	stop    func()

	mu     sync.Mutex
	now    time.Time
	status int // status with which the endpoint answers
	got    []stripe.Event
	signed []string // times in the signatures
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), status: http.StatusOK}
	hook := httptest.NewServer(http.HandlerFunc(b.receive))
	t.Cleanup(hook.Close)
	b.hookURL = hook.URL
	b.start()
	return b
}

// start starts a simulator on the bench's state.
func (b *bench) start() {
	b.Helper()
	sim, err := stripesim.New(b.Context(), stripesim.Options{
		Now: b.clock, DB: b.db, Accounts: []string{lake, hill}, Terms: b.terms,
		Keys: []stripesim.Key{
			{Secret: key, Allow: []string{"*"}},
			{Secret: "rk_test_api_only", Allow: []string{"checkout_sessions:write", "customers:write"}},
			{Secret: "rk_test_reads_intents", Allow: []string{"payment_intents:read"}},
			{Secret: "rk_test_members", Allow: []string{
				"payment_methods:read", "products:read", "prices:read", "subscriptions:read", "invoices:read", "billing_portal:read",
			}},
		},
		Webhooks: []stripesim.Webhook{
			{URL: b.hookURL, Secret: secret, Connect: true},
			{URL: b.hookURL, Secret: "whsec_platform"},
		},
		Log: slog.New(slog.NewTextHandler(b.Output(), nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	sim.SetBaseURL(srv.URL)
	b.sim, b.url = sim, srv.URL
	b.stop = sync.OnceFunc(func() {
		srv.Close()
		if err := sim.Close(); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(b.stop)
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	b.now = b.now.Add(d)
	b.mu.Unlock()
	b.sim.Tick(b.Context())
}

func (b *bench) answer(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

func (b *bench) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.Error(err)
	}
	signed := r.Header.Get("Stripe-Signature")
	anyVersion := webhook.ConstructEventOptions{IgnoreTolerance: true, IgnoreAPIVersionMismatch: true}
	e, err := webhook.ConstructEventWithOptions(body, signed, secret, anyVersion)
	if err != nil {
		e, err = webhook.ConstructEventWithOptions(body, signed, "whsec_platform", anyVersion)
	}
	if err != nil {
		b.Errorf("webhook: %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.status == http.StatusOK {
		at, _, _ := strings.Cut(signed, ",")
		b.got, b.signed = append(b.got, e), append(b.signed, at)
	}
	w.WriteHeader(b.status)
}

// events sends the webhooks that are due and returns the types received since the last
// call.
func (b *bench) events() []string {
	b.sim.Tick(b.Context())
	b.mu.Lock()
	defer b.mu.Unlock()
	types := []string{}
	for _, e := range b.got {
		types = append(types, string(e.Type))
	}
	b.got = nil
	return types
}

// wantEvents compares the events since the last call with the wanted ones.
func (b *bench) wantEvents(want ...string) {
	b.Helper()
	if diff := cmp.Diff(append([]string{}, want...), b.events()); diff != "" {
		b.Errorf("events (-want +got):\n%s", diff)
	}
}

// A shop calls Stripe for one account with one key.
type shop struct {
	*bench
	account string
	key     string
}

func (b *bench) shop(account string) shop { return shop{b, account, key} }

func (b *bench) backend() stripe.Backend {
	return stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL: stripe.String(b.url), MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
		HTTPClient:    &http.Client{Timeout: 20 * time.Second},
	}).API
}

func (s shop) params(idempotencyKey string) stripe.Params {
	p := stripe.Params{Context: s.Context()}
	if s.account != "" {
		p.SetStripeAccount(s.account)
	}
	if idempotencyKey != "" {
		p.SetIdempotencyKey(idempotencyKey)
	}
	return p
}

// sessionParams are the parameters of a session that holds a consultation's fee.
func (s shop) sessionParams(cents int64, idempotencyKey string) *stripe.CheckoutSessionParams {
	return &stripe.CheckoutSessionParams{
		Params:            s.params(idempotencyKey),
		Mode:              stripe.String("payment"),
		ClientReferenceID: stripe.String("pay_1"),
		SuccessURL:        stripe.String("http://127.0.0.1:1/done?s={CHECKOUT_SESSION_ID}"),
		CancelURL:         stripe.String("http://127.0.0.1:1/back"),
		Metadata:          map[string]string{"ref": "pay_1"},
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			Quantity: stripe.Int64(1),
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency: stripe.String("usd"), UnitAmount: stripe.Int64(cents),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Consultation")},
			},
		}},
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{
			CaptureMethod: stripe.String("manual"),
			Metadata:      map[string]string{"ref": "pay_1"},
		},
	}
}

func (s shop) newSession() *stripe.CheckoutSession {
	s.Helper()
	cs, err := s.createSession(s.sessionParams(4900, ""))
	if err != nil {
		s.Fatal(err)
	}
	return cs
}

func (s shop) createSession(p *stripe.CheckoutSessionParams) (*stripe.CheckoutSession, error) {
	return checkout.Client{B: s.backend(), Key: s.key}.New(p)
}

func (s shop) session(id string) (*stripe.CheckoutSession, error) {
	return checkout.Client{B: s.backend(), Key: s.key}.Get(id, &stripe.CheckoutSessionParams{Params: s.params("")})
}

func (s shop) expire(id string) (*stripe.CheckoutSession, error) {
	return checkout.Client{B: s.backend(), Key: s.key}.Expire(id, &stripe.CheckoutSessionExpireParams{Params: s.params("")})
}

func (s shop) intent(id string, expand ...string) (*stripe.PaymentIntent, error) {
	p := &stripe.PaymentIntentParams{Params: s.params("")}
	for _, e := range expand {
		p.AddExpand(e)
	}
	return paymentintent.Client{B: s.backend(), Key: s.key}.Get(id, p)
}

func (s shop) capture(id string, cents int64, idempotencyKey string) (*stripe.PaymentIntent, error) {
	p := &stripe.PaymentIntentCaptureParams{Params: s.params(idempotencyKey)}
	if cents != 0 {
		p.AmountToCapture = stripe.Int64(cents)
	}
	return paymentintent.Client{B: s.backend(), Key: s.key}.Capture(id, p)
}

func (s shop) cancel(id string) (*stripe.PaymentIntent, error) {
	return paymentintent.Client{B: s.backend(), Key: s.key}.Cancel(id, &stripe.PaymentIntentCancelParams{Params: s.params("")})
}

func (s shop) charge(id string) (*stripe.Charge, error) {
	return charge.Client{B: s.backend(), Key: s.key}.Get(id, &stripe.ChargeParams{Params: s.params("")})
}

func (s shop) refund(intent string, cents int64) (*stripe.Refund, error) {
	p := &stripe.RefundParams{Params: s.params(""), PaymentIntent: stripe.String(intent)}
	if cents != 0 {
		p.Amount = stripe.Int64(cents)
	}
	return refund.Client{B: s.backend(), Key: s.key}.New(p)
}

// pay tries a card on the session's page.
func (s shop) pay(session, card string) stripesim.Payment {
	s.Helper()
	p, err := s.sim.Pay(s.Context(), session, card, nil)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// newHold makes a session for $49, pays it, and returns the id of its intent.
func (s shop) newHold(card string) string {
	s.Helper()
	p := s.pay(s.newSession().ID, card)
	if p.IntentStatus != "requires_capture" {
		s.Fatalf("after paying: %+v", p)
	}
	return p.Intent
}

func (s shop) oracle() stripesim.Oracle {
	s.Helper()
	o, err := s.sim.Oracle(s.Context(), s.account)
	if err != nil {
		s.Fatal(err)
	}
	return o
}

// refusalOf returns err as a refusal by Stripe, or nil if err is no refusal.
func refusalOf(err error) *stripe.Error {
	var refused *stripe.Error
	if errors.As(err, &refused) && refused.HTTPStatusCode < http.StatusInternalServerError {
		return refused
	}
	return nil
}

// refusal returns err as Stripe's error. Any other error ends the test.
func refusal(t testing.TB, err error) *stripe.Error {
	t.Helper()
	var refused *stripe.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got error %v, want one of Stripe's", err)
	}
	return refused
}
