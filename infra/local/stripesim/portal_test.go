package stripesim_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/billingportal/configuration"
	"github.com/stripe/stripe-go/v76/billingportal/session"

	"evisit/infra/local/stripesim"
)

func (s shop) portals() session.Client { return session.Client{B: s.backend(), Key: s.key} }

func (s shop) portalSettings() configuration.Client {
	return configuration.Client{B: s.backend(), Key: s.key}
}

func (s shop) portalSettingsParams() *stripe.BillingPortalConfigurationParams {
	return &stripe.BillingPortalConfigurationParams{
		Params: s.params(""), BusinessProfile: &stripe.BillingPortalConfigurationBusinessProfileParams{Headline: stripe.String("Lakeside")},
		Features: &stripe.BillingPortalConfigurationFeaturesParams{
			InvoiceHistory:      &stripe.BillingPortalConfigurationFeaturesInvoiceHistoryParams{Enabled: stripe.Bool(true)},
			PaymentMethodUpdate: &stripe.BillingPortalConfigurationFeaturesPaymentMethodUpdateParams{Enabled: stripe.Bool(true)},
			SubscriptionCancel:  &stripe.BillingPortalConfigurationFeaturesSubscriptionCancelParams{Enabled: stripe.Bool(true)},
		},
	}
}

// newPortal opens the portal for a customer, with settings that change made.
func (s shop) newPortal(customerID string, change func(*stripe.BillingPortalConfigurationParams)) *stripe.BillingPortalSession {
	s.Helper()
	p := s.portalSettingsParams()
	change(p)
	settings, err := s.portalSettings().New(p)
	if err != nil {
		s.Fatal(err)
	}
	out, err := s.portals().New(&stripe.BillingPortalSessionParams{
		Params: s.params(""), Customer: stripe.String(customerID), Configuration: stripe.String(settings.ID),
		ReturnURL: stripe.String("http://127.0.0.1:1/back"),
	})
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func asTheyAre(*stripe.BillingPortalConfigurationParams) {}

func TestPortal_Settings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cus := s.newCustomer()
	open := &stripe.BillingPortalSessionParams{Params: s.params(""), Customer: stripe.String(cus.ID)}
	if _, err := s.portals().New(open); refusal(t, err).Param != "configuration" {
		t.Errorf("before there are settings: %v", err)
	}
	made, err := s.portalSettings().New(s.portalSettingsParams())
	if err != nil {
		t.Fatal(err)
	}
	if !made.Active || !made.IsDefault || made.Features.SubscriptionCancel.Mode != "at_period_end" || made.Features.SubscriptionCancel.ProrationBehavior != "none" {
		t.Errorf("settings: %+v", made)
	}
	if p, err := s.portals().New(open); err != nil || p.Configuration.ID != made.ID || !strings.HasPrefix(p.URL, b.url+"/portal/") {
		t.Errorf("with the default: %+v, %v", p, err)
	}
	off := s.portalSettingsParams()
	off.Active = stripe.Bool(false)
	if made, err = s.portalSettings().Update(made.ID, off); err != nil || made.Active {
		t.Errorf("switched off: %+v, %v", made, err)
	}
	if _, err := s.portals().New(open); refusal(t, err).Param != "configuration" {
		t.Errorf("with settings that are off: %v", err)
	}
	n := 0
	for it := s.portalSettings().List(&stripe.BillingPortalConfigurationListParams{
		ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake)}, Active: stripe.Bool(true),
	}); it.Next(); n++ {
		continue
	}
	if n != 0 {
		t.Errorf("%d settings are active", n)
	}
	other := b.shop(hill)
	if _, err := other.portalSettings().Get(made.ID, &stripe.BillingPortalConfigurationParams{Params: other.params("")}); refusal(t, err).HTTPStatusCode != 404 {
		t.Errorf("another account's settings: %v", err)
	}
	for _, test := range []struct {
		name, code, param string
		change            func(*stripe.BillingPortalConfigurationParams)
	}{
		{"changing the address", "not_simulated", "features[customer_update]", func(p *stripe.BillingPortalConfigurationParams) {
			p.Features.CustomerUpdate = &stripe.BillingPortalConfigurationFeaturesCustomerUpdateParams{Enabled: stripe.Bool(true)}
		}},
		{"no address to go back to", "url_invalid", "default_return_url", func(p *stripe.BillingPortalConfigurationParams) {
			p.DefaultReturnURL = stripe.String("/back")
		}},
		{"without features", "parameter_missing", "features", func(p *stripe.BillingPortalConfigurationParams) { p.Features = nil }},
	} {
		p := s.portalSettingsParams()
		test.change(p)
		_, err := s.portalSettings().New(p)
		if e := refusal(t, err); string(e.Code) != test.code || e.Param != test.param {
			t.Errorf("%s: refused with code %q param %q: %s", test.name, e.Code, e.Param, e.Msg)
		}
	}
}

func TestPortal_CancelResume(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	p := s.newPortal(sub.Customer.ID, asTheyAre)
	b.events()
	do := func(what string) {
		t.Helper()
		if err := s.sim.Portal(t.Context(), p.ID, stripesim.PortalAct{Do: what, Subscription: sub.ID}); err != nil {
			t.Error(err)
		}
		b.wantEvents("customer.subscription.updated")
	}
	do(stripesim.PortalCancel)
	if now := s.subscription(sub.ID); !now.CancelAtPeriodEnd || now.Status != "active" {
		t.Errorf("canceled: %+v", now)
	}
	if err := s.sim.Portal(t.Context(), p.ID, stripesim.PortalAct{Do: stripesim.PortalCancel, Subscription: sub.ID}); err == nil {
		t.Error("canceled twice")
	}
	do(stripesim.PortalResume)
	if now := s.subscription(sub.ID); now.CancelAtPeriodEnd {
		t.Errorf("resumed: %+v", now)
	}
	other := s.subscribe(stripesim.CardSuccess)
	if err := s.sim.Portal(t.Context(), p.ID, stripesim.PortalAct{Do: stripesim.PortalCancel, Subscription: other.ID}); err == nil || s.subscription(other.ID).CancelAtPeriodEnd {
		t.Errorf("another customer's subscription: %v", err)
	}
	b.events()
	now := s.newPortal(sub.Customer.ID, func(p *stripe.BillingPortalConfigurationParams) {
		p.Features.SubscriptionCancel.Mode = stripe.String("immediately")
		p.Features.SubscriptionCancel.ProrationBehavior = stripe.String("create_prorations")
	})
	b.events()
	if err := s.sim.Portal(t.Context(), now.ID, stripesim.PortalAct{Do: stripesim.PortalCancel, Subscription: sub.ID}); err != nil {
		t.Fatal(err)
	}
	b.wantEvents("invoiceitem.created", "customer.subscription.deleted")
}

// A new card pays what the old one could not.
func TestPortal_CardThenPay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardLaterDeclined)
	b.advance(365*day + 2*time.Hour)
	inv := s.subscription(sub.ID).LatestInvoice
	p := s.newPortal(sub.Customer.ID, asTheyAre)
	b.events()
	pay := stripesim.PortalAct{Do: stripesim.PortalPay, Invoice: inv.ID}
	if err := s.sim.Portal(t.Context(), p.ID, pay); err == nil || !strings.Contains(err.Error(), "declined") {
		t.Errorf("paying with the old card: %v", err)
	}
	if err := s.sim.Portal(t.Context(), p.ID, stripesim.PortalAct{Do: stripesim.PortalCard, Card: stripesim.CardDeclined}); err == nil {
		t.Error("a declined card was kept")
	}
	b.wantEvents("charge.failed", "payment_intent.payment_failed", "invoice.payment_failed")
	if err := s.sim.Portal(t.Context(), p.ID, stripesim.PortalAct{Do: stripesim.PortalCard, Card: stripesim.CardSuccess}); err != nil {
		t.Fatal(err)
	}
	b.wantEvents("payment_method.attached", "customer.updated", "customer.subscription.updated")
	if got := s.subscription(sub.ID).LatestInvoice; got.AttemptCount != 1 || got.NextPaymentAttempt != inv.NextPaymentAttempt {
		t.Errorf("an attempt of the customer changed the plan: %+v", got)
	}
	if err := s.sim.Portal(t.Context(), p.ID, pay); err != nil {
		t.Fatal(err)
	}
	b.wantEvents("charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded", "customer.subscription.updated")
	if now := s.subscription(sub.ID); now.Status != "active" || now.LatestInvoice.Status != "paid" || now.DefaultPaymentMethod.ID != s.customer(sub.Customer.ID).InvoiceSettings.DefaultPaymentMethod.ID {
		t.Errorf("subscription: %+v", now)
	}
}

func TestPortal_Refuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	bare := s.newPortal(sub.Customer.ID, func(p *stripe.BillingPortalConfigurationParams) {
		p.Features = &stripe.BillingPortalConfigurationFeaturesParams{
			InvoiceHistory: &stripe.BillingPortalConfigurationFeaturesInvoiceHistoryParams{Enabled: stripe.Bool(false)},
		}
	})
	for _, a := range []stripesim.PortalAct{
		{Do: stripesim.PortalCancel, Subscription: sub.ID},
		{Do: stripesim.PortalCard, Card: stripesim.CardSuccess},
		{Do: stripesim.PortalPay, Invoice: sub.LatestInvoice.ID},
		{Do: "gift"},
	} {
		if err := s.sim.Portal(t.Context(), bare.ID, a); err == nil {
			t.Errorf("%+v was done", a)
		}
	}
	late := s.newPortal(sub.Customer.ID, asTheyAre)
	b.advance(time.Hour)
	if err := s.sim.Portal(t.Context(), late.ID, stripesim.PortalAct{Do: stripesim.PortalCancel, Subscription: sub.ID}); err == nil {
		t.Error("the portal is open for ever")
	}
}

// The page does what Portal does, by forms.
func TestPortal_Page(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	sub := s.subscribe(stripesim.CardSuccess)
	p := s.newPortal(sub.Customer.ID, asTheyAre)
	if got := b.portalPage(http.MethodGet, p.URL, nil, http.StatusOK); !strings.Contains(got, "renews on 2027-03-02") || !strings.Contains(got, "$350.00") || !strings.Contains(got, "http://127.0.0.1:1/back") {
		t.Errorf("page:\n%s", got)
	}
	b.portalPage(http.MethodPost, p.URL, url.Values{"do": {"cancel"}, "subscription": {sub.ID}}, http.StatusSeeOther)
	if got := b.portalPage(http.MethodGet, p.URL, nil, http.StatusOK); !strings.Contains(got, "ends on 2027-03-02") || !strings.Contains(got, "Keep the subscription") {
		t.Errorf("page after canceling:\n%s", got)
	}
	if got := b.portalPage(http.MethodPost, p.URL, url.Values{"do": {"card"}, "card": {stripesim.CardExpired}}, http.StatusPaymentRequired); !strings.Contains(got, "expired_card") {
		t.Errorf("page after a declined card:\n%s", got)
	}
	b.portalPage(http.MethodPost, p.URL, url.Values{"do": {"card"}, "card": {stripesim.CardSuccess}}, http.StatusSeeOther)
	if got := b.portalPage(http.MethodGet, p.URL, nil, http.StatusOK); !strings.Contains(got, "(pays from now on)") {
		t.Errorf("page after changing the card:\n%s", got)
	}
	b.postJSON("/sim/portal", `{"session":"`+p.ID+`","do":"resume","subscription":"`+sub.ID+`"}`)
	if now := s.subscription(sub.ID); now.CancelAtPeriodEnd {
		t.Errorf("resumed by a script: %+v", now)
	}
	b.portalPage(http.MethodGet, b.url+"/portal/bps_none", nil, http.StatusNotFound)
	b.advance(time.Hour)
	b.portalPage(http.MethodGet, p.URL, nil, http.StatusGone)
}

// portalPage gets or posts a page, without following where it leads.
func (b *bench) portalPage(method, address string, form url.Values, want int) string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		b.Fatal(err)
	}
	if resp.StatusCode != want {
		b.Errorf("%s %s answered %d, want %d:\n%s", method, address, resp.StatusCode, want, body)
	}
	return string(body)
}
