package stripesim_test

import (
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhookendpoint"
)

func (b *bench) endpoints(secret string) webhookendpoint.Client {
	cfg := &stripe.BackendConfig{URL: stripe.String(b.url), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}, MaxNetworkRetries: stripe.Int64(0)}
	return webhookendpoint.Client{B: stripe.NewBackendsWithConfig(cfg).API, Key: secret}
}

func TestEndpoint_MadeListedChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	api := b.endpoints(key)
	made, err := api.New(&stripe.WebhookEndpointParams{
		URL: stripe.String("https://visit.example.org/stripe/connect"), Connect: stripe.Bool(true), APIVersion: stripe.String("2023-10-16"),
		EnabledEvents: stripe.StringSlice([]string{"charge.refunded"}), Description: stripe.String("made"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.Secret == "" || made.Application == "" || made.APIVersion != "2023-10-16" || made.Status != "enabled" {
		t.Errorf("made %+v", made)
	}
	changed, err := api.Update(made.ID, &stripe.WebhookEndpointParams{
		EnabledEvents: stripe.StringSlice([]string{"charge.refunded", "charge.dispute.created"}), Disabled: stripe.Bool(true),
	})
	if err != nil || changed.Status != "disabled" || len(changed.EnabledEvents) != 2 || changed.Secret != "" {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	var listed []string
	for list := api.List(&stripe.WebhookEndpointListParams{}); list.Next(); {
		e := list.WebhookEndpoint()
		if e.Secret != "" {
			t.Error("the signing secret is told again")
		}
		listed = append(listed, e.ID)
	}
	if !slices.Equal(listed, []string{made.ID}) {
		t.Errorf("listed %q", listed)
	}
	if got, err := api.Get(made.ID, nil); err != nil || got.Secret != "" || got.Description != "made" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEndpoint_Refusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := func(change func(*stripe.WebhookEndpointParams)) *stripe.WebhookEndpointParams {
		p := &stripe.WebhookEndpointParams{URL: stripe.String("https://visit.example.org/"), EnabledEvents: stripe.StringSlice([]string{"charge.refunded"})}
		change(p)
		return p
	}
	for name, p := range map[string]*stripe.WebhookEndpointParams{
		"no URL":       good(func(p *stripe.WebhookEndpointParams) { p.URL = nil }),
		"relative URL": good(func(p *stripe.WebhookEndpointParams) { p.URL = stripe.String("/stripe/webhook") }),
		"no event":     good(func(p *stripe.WebhookEndpointParams) { p.EnabledEvents = nil }),
		"an event of nobody": good(func(p *stripe.WebhookEndpointParams) {
			p.EnabledEvents = stripe.StringSlice([]string{"charge.refundet"})
		}),
		"a version of nobody": good(func(p *stripe.WebhookEndpointParams) { p.APIVersion = stripe.String("2023-10-17") }),
		"a connected account": good(func(p *stripe.WebhookEndpointParams) { p.SetStripeAccount(lake) }),
	} {
		if _, err := b.endpoints(key).New(p); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	if _, err := b.endpoints("rk_test_api_only").New(good(func(*stripe.WebhookEndpointParams) {})); err == nil {
		t.Error("made with a key that may not")
	}
	for n := range 17 {
		_, err := b.endpoints(key).New(good(func(*stripe.WebhookEndpointParams) {}))
		if (err != nil) != (n == 16) {
			t.Errorf("endpoint %d: %v", n+1, err)
		}
	}
}
