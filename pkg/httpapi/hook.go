package httpapi

import (
	"context"
	"log/slog"
	"net/http"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

// A Verifier checks a webhook and reduces it to what it is about; false means
// genuine but of no use.
type Verifier func(body []byte, signature, secret string) (clinic.StripeEvent, bool, error)

// HookSecrets are the signing secrets of the two endpoints Stripe calls.
type HookSecrets struct {
	Platform string // our own account's events
	Connect  string // events of connected accounts
}

// HookPatterns are the routes of NewHook.
var HookPatterns = []string{"POST /stripe/webhook", "POST /stripe/connect"}

// NewHook serves Stripe's webhooks: verify the exact bytes, keep the event,
// answer 2xx. Whatever it means is done later, by charge.
func NewHook(hear func(context.Context, clinic.StripeEvent) error, verify Verifier, s HookSecrets, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(HookPatterns[0], hook(hear, verify, s.Platform, false, log))
	mux.Handle(HookPatterns[1], hook(hear, verify, s.Connect, true, log))
	mux.Handle("/", NotFound(log))
	return mux
}

func hook(hear func(context.Context, clinic.StripeEvent) error, verify Verifier, secret string, connected bool, log *slog.Logger) http.Handler {
	serve := func(w http.ResponseWriter, r *http.Request) error {
		b, err := body(r)
		if err != nil {
			return err
		}
		e, useful, err := verify(b, r.Header.Get("Stripe-Signature"), secret)
		if err != nil {
			return err
		}
		if connected != (e.Account != "") {
			return fault.New(fault.Malformed, "wrong_endpoint", "events of connected accounts go to /stripe/connect, the platform's own to /stripe/webhook")
		}
		if useful && connected { // no payment of ours is the platform's own
			if err := hear(r.Context(), e); err != nil {
				return err
			}
		}
		return reply(w, http.StatusOK, struct {
			Received bool `json:"received"`
		}{true})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			reject(w, r, log, err)
		}
	})
}
