// Package webhook serves Stripe's webhooks: it verifies the exact bytes, keeps
// the event and answers 2xx. What an event means is found out later, by charge.
package webhook

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"

	"evisit/pkg/clinic/hook"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/metric"
	"evisit/pkg/secret"
)

// Where Stripe posts events of the platform's own account, and those of
// connected accounts.
const (
	PlatformPath = "/stripe/webhook"
	ConnectPath  = "/stripe/connect"
)

// A Verifier checks a webhook and reduces it to what it is about; false means
// genuine but of no use.
type Verifier func(body []byte, signature, secret string) (hook.StripeEvent, bool, error)

// A Receiver keeps a verified event.
type Receiver func(context.Context, hook.StripeEvent) error

// Received is the reply to an event.
type Received struct {
	Received bool `json:"received" schema:"const=true"`
}

// New returns the handler of both addresses.
func New(receive Receiver, verify Verifier, secrets *secret.Kept[secret.Webhooks], log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+PlatformPath, &endpoint{verify: verify, secrets: secrets, log: log})
	mux.Handle("POST "+ConnectPath, &endpoint{verify: verify, secrets: secrets, log: log, connected: true, receive: receive})
	for _, path := range []string{PlatformPath, ConnectPath} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { exchange.WrongMethod(w, r, log, http.MethodPost) })
	}
	mux.Handle("/", exchange.NotFound(log))
	return mux
}

// An endpoint serves one of the addresses.
type endpoint struct {
	verify    Verifier
	secrets   *secret.Kept[secret.Webhooks]
	log       *slog.Logger
	connected bool     // its events are those of connected accounts
	receive   Receiver // nil for the platform's: no payment of ours is its own
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := e.keep(w, r)
	if err == nil {
		err = exchange.WriteJSON(w, http.StatusOK, Received{true})
	}
	if err != nil {
		if badlySigned(err) {
			e.log.LogAttrs(r.Context(), slog.LevelWarn, "webhook not signed for this endpoint, or too old", metric.BadSignature.Of(1))
		}
		exchange.Reject(w, r, e.log, err)
	}
}

func badlySigned(err error) bool {
	f, ok := fault.Public(err)
	return ok && f.Code == "bad_signature"
}

// verified verifies a webhook with the address's secret, and with the one that has
// taken its place if it has been changed.
func (e *endpoint) verified(ctx context.Context, body []byte, signature string) (event hook.StripeEvent, useful bool, refused error) {
	err := e.secrets.Use(ctx, func(s secret.Webhooks) bool {
		with := s.Platform
		if e.connected {
			with = s.Connect
		}
		event, useful, refused = e.verify(body, signature, with)
		return badlySigned(refused)
	})
	return event, useful, cmp.Or(err, refused)
}

// maxEvent bounds an event, of which Stripe's are some kilobytes: anyone may send
// one, and its signature is over all of it.
const maxEvent = 128 << 10

func (e *endpoint) keep(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxEvent)
	body, err := exchange.ReadJSON(r)
	if err != nil {
		return err
	}
	event, useful, err := e.verified(r.Context(), body, r.Header.Get("Stripe-Signature"))
	if err != nil || !useful {
		return err
	}
	if e.connected != (event.Account != "") {
		return fault.New(fault.Malformed, "wrong_endpoint", "events of connected accounts go to "+ConnectPath+", the platform's own to "+PlatformPath)
	}
	if e.receive == nil {
		return nil
	}
	return e.receive(r.Context(), event)
}
