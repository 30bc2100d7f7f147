package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhookendpoint"

	"evisit/pkg/httpapi/webhook"
	"evisit/pkg/secret"
	"evisit/pkg/stripepay"
)

// webhooks makes and checks the two endpoints that Stripe calls.
type webhooks struct {
	vault          vault
	key, base      string // of Stripe's API; an empty base is Stripe itself
	domain         string
	check, replace bool
	out            io.Writer

	endpoints webhookendpoint.Client
}

// A hook is one of the two endpoints as it should be.
type hook struct {
	url       string
	connected bool   // it has the events of connected accounts
	signs     string // its part of the secret
}

func (w *webhooks) hooks() []hook {
	return []hook{
		{"https://" + w.domain + webhook.PlatformPath, false, "platform"},
		{"https://" + w.domain + webhook.ConnectPath, true, "connect"},
	}
}

// run looks at both endpoints, and fails if one is missing or wrong and stays so.
func (w *webhooks) run(ctx context.Context) error {
	cfg := &stripe.BackendConfig{EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelError}}
	if w.base != "" {
		cfg.URL = stripe.String(w.base)
	}
	w.endpoints = webhookendpoint.Client{B: stripe.NewBackendsWithConfig(cfg).API, Key: w.key}
	there, err := w.list(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, h := range w.hooks() {
		if err := w.look(ctx, h, there[h.url]); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", h.url, err))
		}
	}
	return errors.Join(failures...)
}

// list returns the endpoints that are switched on, by address.
func (w *webhooks) list(ctx context.Context) (map[string][]*stripe.WebhookEndpoint, error) {
	params := &stripe.WebhookEndpointListParams{ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(100)}}
	there := map[string][]*stripe.WebhookEndpoint{}
	list := w.endpoints.List(params)
	for list.Next() {
		if e := list.WebhookEndpoint(); e.Status == "enabled" {
			there[e.URL] = append(there[e.URL], e)
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("listing the endpoints at Stripe: %w", err)
	}
	return there, nil
}

// look makes an endpoint that is missing, and puts right what can be put right.
func (w *webhooks) look(ctx context.Context, h hook, there []*stripe.WebhookEndpoint) error {
	stored, err := w.signing(ctx)
	if err != nil {
		return err
	}
	if len(there) == 0 {
		if w.check {
			return errors.New("there is no endpoint that is switched on; run firstday webhooks without -check")
		}
		return w.make(ctx, h, stored)
	}
	if len(there) > 1 {
		return fmt.Errorf("%d endpoints are switched on, and each event would come as often; switch off all but one at Stripe", len(there))
	}
	e := there[0]
	if fixed := h.fixed(e, stored); len(fixed) > 0 {
		if !w.replace || w.check {
			return fmt.Errorf("endpoint %s cannot be put right: %s; run firstday webhooks with -replace", e.ID, strings.Join(fixed, "; "))
		}
		if err := w.make(ctx, h, stored); err != nil {
			return err
		}
		return w.switchOff(ctx, h, e.ID)
	}
	missing, more := h.difference(e)
	if len(missing)+len(more) == 0 {
		_, _ = fmt.Fprintf(w.out, "%s: endpoint %s has the %d events that are used, and its signing secret is stored\n", h.url, e.ID, len(e.EnabledEvents))
		return nil
	}
	said := fmt.Sprintf("lacks %q, has %q more", missing, more)
	if w.check {
		return fmt.Errorf("endpoint %s %s; run firstday webhooks without -check", e.ID, said)
	}
	_, err = w.endpoints.Update(e.ID, &stripe.WebhookEndpointParams{Params: stripe.Params{Context: ctx}, EnabledEvents: stripe.StringSlice(h.events())})
	if err != nil {
		return fmt.Errorf("changing endpoint %s, which %s: %w", e.ID, said, err)
	}
	_, _ = fmt.Fprintf(w.out, "%s: endpoint %s put right: it %s\n", h.url, e.ID, strings.NewReplacer("lacks", "lacked", "has", "had").Replace(said))
	return nil
}

func (h hook) events() []string { return stripepay.EventTypes(h.connected) }

// fixed lists what is wrong with an endpoint that Stripe does not let anyone change, or
// tell: its version, whose events it has, and its signing secret.
func (h hook) fixed(e *stripe.WebhookEndpoint, stored secret.Webhooks) []string {
	var wrong []string
	if e.APIVersion != stripe.APIVersion {
		wrong = append(wrong, fmt.Sprintf("its events are of version %q, want %s", e.APIVersion, stripe.APIVersion))
	}
	if connected := e.Application != ""; connected != h.connected {
		wrong = append(wrong, fmt.Sprintf("it has the events of connected accounts: %t, want %t", connected, h.connected))
	}
	if *h.part(&stored) == "" {
		wrong = append(wrong, "its signing secret is not stored, and Stripe tells it once")
	}
	return wrong
}

// difference lists the events that an endpoint lacks, and those that it has for nothing.
func (h hook) difference(e *stripe.WebhookEndpoint) (missing, more []string) {
	for _, name := range h.events() {
		if !slices.Contains(e.EnabledEvents, name) {
			missing = append(missing, name)
		}
	}
	for _, name := range e.EnabledEvents {
		if !slices.Contains(h.events(), name) {
			more = append(more, name)
		}
	}
	return missing, more
}

// make makes the endpoint and stores its signing secret. If the secret cannot be
// stored the endpoint is switched off again: nobody could verify its events.
func (w *webhooks) make(ctx context.Context, h hook, stored secret.Webhooks) error {
	e, err := w.endpoints.New(&stripe.WebhookEndpointParams{
		Params: stripe.Params{Context: ctx}, URL: stripe.String(h.url), Connect: stripe.Bool(h.connected),
		APIVersion: stripe.String(stripe.APIVersion), EnabledEvents: stripe.StringSlice(h.events()),
		Description: stripe.String("evisit, made by infra/firstday"),
	})
	if err != nil {
		return fmt.Errorf("making the endpoint: %w", err)
	}
	*h.part(&stored) = e.Secret
	if err := w.vault.store(ctx, secret.Stripehook, stored); err != nil {
		return errors.Join(err, w.switchOff(ctx, h, e.ID))
	}
	_, _ = fmt.Fprintf(w.out, "%s: endpoint %s made with %d events; its signing secret is %q of %s\n", h.url, e.ID, len(e.EnabledEvents), h.signs, *w.vault.id(secret.Stripehook))
	return nil
}

func (w *webhooks) switchOff(ctx context.Context, h hook, id string) error {
	if _, err := w.endpoints.Update(id, &stripe.WebhookEndpointParams{Params: stripe.Params{Context: ctx}, Disabled: stripe.Bool(true)}); err != nil {
		return fmt.Errorf("switching off endpoint %s: %w", id, err)
	}
	_, _ = fmt.Fprintf(w.out, "%s: endpoint %s switched off\n", h.url, id)
	return nil
}

// part is the endpoint's part of the secret.
func (h hook) part(s *secret.Webhooks) *string {
	if h.connected {
		return &s.Connect
	}
	return &s.Platform
}

// signing returns the signing secrets that are stored; empty ones if there are none.
func (w *webhooks) signing(ctx context.Context) (secret.Webhooks, error) {
	var s secret.Webhooks
	b, err := w.vault.read(ctx, secret.Stripehook)
	if err != nil || b == nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("secret %s is not JSON", *w.vault.id(secret.Stripehook))
	}
	return s, nil
}
