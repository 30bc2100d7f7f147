// Package api makes the handler of the function api.
package api

import (
	"context"
	"net/http"
	_ "time/tzdata" // pages tell times of a practice's zone; a function's machine may know none

	"evisit/pkg/clinic/desk"
	"evisit/pkg/clinic/limits"
	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/request"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/httpapi/web"
	"evisit/pkg/outbox"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/records"
	"evisit/pkg/setup/secrets"
	"evisit/pkg/stripepay"
)

// Rooms returns the rooms of api: with content and payment pages, without the
// keys that move money or send mail.
func Rooms(p setup.Parts) (httpapi.Rooms, error) {
	p, err := secrets.With(p)
	if err != nil {
		return httpapi.Rooms{}, err
	}
	c := p.Config
	s := p.Store()
	k := p.Kernel(outbox.ByAPI, s)
	charts, err := records.Keeper(p, k, s)
	if err != nil {
		return httpapi.Rooms{}, err
	}
	return httpapi.Rooms{
		Kernel: k, Charts: charts,
		Request: &request.Room{Kernel: k, Charts: charts, Store: s, Checkout: stripepay.New(secrets.Kept(p, secret.API, secret.KeyOf), c.StripeBase), Pages: c.Pages},
		Desk:    &desk.Desk{Kernel: k, Charts: charts, Store: s},
		Office:  &office.Office{Kernel: k, Store: s, LogKey: c.Log},
		Limits:  limiter(p, s),
	}, nil
}

func limiter(p setup.Parts, s limits.Store) *limits.Limiter {
	if p.Config.Unlimited {
		return nil
	}
	return &limits.Limiter{Store: s, Now: p.Now, Log: p.Log}
}

// Handler returns the handler of the JSON API and the pages.
func Handler(ctx context.Context, p setup.Parts) (http.Handler, error) {
	c := p.Config
	err := setup.Need(map[string]string{
		"EVISIT_PAGES": c.Pages,
		"OIDC_ISSUER":  c.Issuer, "OIDC_JWKS_URL": c.JWKS, "OIDC_AUDIENCE": c.Audience,
		"EVISIT_LOG_ORIGIN": c.Log.Base, "EVISIT_LOG_PUBLIC": string(c.Log.Public),
	})
	if err != nil {
		return nil, err
	}
	if p, err = secrets.With(p); err != nil {
		return nil, err
	}
	rooms, err := Rooms(p)
	if err != nil {
		return nil, err
	}
	people := httpapi.NewTokens(c.Issuer, c.JWKS, c.Audience, p.Now)
	pages := web.New(web.Options{
		Rooms: rooms, People: people, Issuer: c.Issuer, ClientID: c.Audience, BaseURL: c.Pages, StaffIdle: c.StaffIdle, Now: p.Now, Log: p.Log,
	})
	return exchange.OnlyThrough(secrets.Kept(p, secret.Origin, secret.AcceptedOf), p.Log, httpapi.New(rooms, people, p.Log).Handler(pages)), nil
}
