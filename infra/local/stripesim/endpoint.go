package stripesim

import (
	"context"
	"slices"
)

const (
	kindEndpoint     = "webhook_endpoint"
	endpointEnabled  = "enabled"
	endpointDisabled = "disabled"

	// maxEndpoints is how many endpoints an account may have.
	maxEndpoints = 16
)

// An endpoint is a webhook endpoint made by the API. Events are sent to those of
// Options alone; endpoints made by the API are kept as Stripe keeps them, and have
// nothing delivered.
type endpoint struct {
	ID            string            `json:"id"`
	Object        string            `json:"object"`
	APIVersion    *string           `json:"api_version"`
	Application   *string           `json:"application"` // of one with the events of connected accounts
	Created       int64             `json:"created"`
	Description   *string           `json:"description"`
	EnabledEvents []string          `json:"enabled_events"`
	Livemode      bool              `json:"livemode"`
	Metadata      map[string]string `json:"metadata"`
	Secret        string            `json:"secret,omitempty"` // in the reply to its making alone
	Status        string            `json:"status"`
	URL           string            `json:"url"`
}

func (e *endpoint) kindAndID() (kind, id string) { return kindEndpoint, e.ID }

// createEndpoint serves POST /v1/webhook_endpoints.
func createEndpoint(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		APIVersion    *string           `json:"api_version"`
		Connect       bool              `json:"connect"`
		Description   *string           `json:"description"`
		EnabledEvents []string          `json:"enabled_events"`
		Metadata      map[string]string `json:"metadata"`
		URL           string            `json:"url"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return nil, err
	}
	if err := checkEnabled(p.EnabledEvents); err != nil {
		return nil, err
	}
	if t.account != Platform {
		return nil, notModelled("", "webhook endpoints of a connected account")
	}
	if !isURL(p.URL) {
		return nil, invalid("url_invalid", "url", "not a URL: "+p.URL)
	}
	there, err := all[endpoint](ctx, t, kindEndpoint)
	if err != nil {
		return nil, err
	}
	if len(there) >= maxEndpoints {
		return nil, invalid("", "", "you have reached the maximum of 16 webhook endpoints")
	}
	e := &endpoint{
		ID: newID("we"), Object: kindEndpoint, APIVersion: p.APIVersion, Created: t.now.Unix(), Description: p.Description,
		EnabledEvents: p.EnabledEvents, Metadata: orEmpty(p.Metadata), Status: endpointEnabled, URL: p.URL,
	}
	if p.Connect {
		platform := "ca_simulated"
		e.Application = &platform
	}
	if err := t.put(ctx, e, 0); err != nil {
		return nil, err
	}
	shown := *e
	shown.Secret = newID("whsec")
	return &shown, nil
}

// updateEndpoint serves POST /v1/webhook_endpoints/{webhook_endpoint}, which can change
// neither the version of the events nor whose they are.
func updateEndpoint(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Description   *string           `json:"description"`
		Disabled      *bool             `json:"disabled"`
		EnabledEvents []string          `json:"enabled_events"`
		Metadata      map[string]string `json:"metadata"`
		URL           *string           `json:"url"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	e := new(endpoint)
	if err := t.get(ctx, kindEndpoint, c.id, "webhook_endpoint", e); err != nil {
		return nil, err
	}
	if p.URL != nil {
		if !isURL(*p.URL) {
			return nil, invalid("url_invalid", "url", "not a URL: "+*p.URL)
		}
		e.URL = *p.URL
	}
	if p.EnabledEvents != nil {
		if err := checkEnabled(p.EnabledEvents); err != nil {
			return nil, err
		}
		e.EnabledEvents = p.EnabledEvents
	}
	if p.Description != nil {
		e.Description = p.Description
	}
	if p.Disabled != nil {
		e.Status = map[bool]string{true: endpointDisabled, false: endpointEnabled}[*p.Disabled]
	}
	if p.Metadata != nil {
		return nil, notModelled("metadata", "metadata that changes")
	}
	return e, t.put(ctx, e, 0)
}

func checkEnabled(events []string) error {
	if len(events) == 0 {
		return invalid("parameter_missing", "enabled_events", "an endpoint needs at least one event")
	}
	if slices.Contains(events, "*") && len(events) > 1 {
		return invalid("", "enabled_events", "every event (*) and another")
	}
	return nil
}

// getEndpoint serves GET /v1/webhook_endpoints/{webhook_endpoint}.
func getEndpoint(ctx context.Context, t *tx, c *call) (any, error) {
	e := new(endpoint)
	return e, t.get(ctx, kindEndpoint, c.id, "webhook_endpoint", e)
}

// listEndpoints serves GET /v1/webhook_endpoints.
func listEndpoints(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindEndpoint)
}
