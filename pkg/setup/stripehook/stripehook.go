// Package stripehook makes the handler of the function stripehook.
package stripehook

import (
	"net/http"

	"evisit/pkg/clinic/hook"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/httpapi/webhook"
	"evisit/pkg/outbox"
	"evisit/pkg/setup"
	"evisit/pkg/stripepay"
)

// Handler returns the handler of Stripe's webhooks. It has no Stripe key, only
// the secrets that verify the webhooks' signatures.
func Handler(p setup.Parts) (http.Handler, error) {
	s := p.Config.Hook
	if err := setup.Need(map[string]string{
		"STRIPE_WEBHOOK_SECRET": s.Platform, "STRIPE_CONNECT_WEBHOOK_SECRET": s.Connect, "EVISIT_STRIPE_MODE": p.Config.StripeMode,
		"EVISIT_ORIGIN_SECRETS": p.Config.Origin,
	}); err != nil {
		return nil, err
	}
	verify := func(body []byte, signature, secret string) (hook.StripeEvent, bool, error) {
		return stripepay.Verify(body, signature, secret, p.Now())
	}
	room := &hook.Room{Kernel: p.Kernel(outbox.ByStripe, p.Store()), Mode: hook.Mode(p.Config.StripeMode)}
	h := exchange.Guard(webhook.New(room.ReceiveStripeEvent, verify, s.Platform, s.Connect, p.Log), p.Log)
	return exchange.OnlyThrough(p.Config.OriginSecrets(), p.Log, h), nil
}
