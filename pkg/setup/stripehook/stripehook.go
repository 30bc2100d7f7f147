// Package stripehook makes the handler of the function stripehook.
package stripehook

import (
	"errors"
	"net/http"

	"evisit/pkg/clinic/hook"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/httpapi/webhook"
	"evisit/pkg/outbox"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/secrets"
	"evisit/pkg/stripepay"
)

// Handler returns the handler of Stripe's webhooks. It has no Stripe key, only
// the secrets that verify the webhooks' signatures.
func Handler(p setup.Parts) (http.Handler, error) {
	p, err := secrets.With(p)
	if err := errors.Join(err, setup.Need(map[string]string{"EVISIT_STRIPE_MODE": p.Config.StripeMode})); err != nil {
		return nil, err
	}
	verify := func(body []byte, signature, secret string) (hook.StripeEvent, bool, error) {
		return stripepay.Verify(body, signature, secret, p.Now())
	}
	room := &hook.Room{Kernel: p.Kernel(outbox.ByStripe, p.Store()), Mode: hook.Mode(p.Config.StripeMode)}
	h := exchange.Guard(webhook.New(room.ReceiveStripeEvent, verify, secrets.Kept(p, secret.Stripehook, secret.WebhooksOf), p.Log), p.Log)
	return exchange.OnlyThrough(secrets.Kept(p, secret.Origin, secret.AcceptedOf), p.Log, h), nil
}
