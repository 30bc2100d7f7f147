// Package site makes the handler of a function that people reach: the JSON API and
// the pages that the function serves.
package site

import (
	"net/http"
	_ "time/tzdata" // pages tell times of a practice's zone; a function's machine may know none

	"evisit/pkg/clinic/limits"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/httpapi/web"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/secrets"
)

// Handler returns the handler of what a function serves, with its rooms.
func Handler(p setup.Parts, serves httpapi.Function, rooms httpapi.Rooms) (http.Handler, error) {
	c := p.Config
	err := setup.Need(map[string]string{
		"EVISIT_PAGES": c.Pages,
		"OIDC_ISSUER":  c.Issuer, "OIDC_JWKS_URL": c.JWKS, "OIDC_AUDIENCE": c.Audience,
	})
	if err != nil {
		return nil, err
	}
	people := httpapi.NewTokens(c.Issuer, c.JWKS, c.Audience, p.Now)
	pages := web.New(web.Options{
		Rooms: rooms, Serves: []httpapi.Function{serves}, People: people,
		Issuer: c.Issuer, ClientID: c.Audience, BaseURL: c.Pages, StaffIdle: c.StaffIdle, Now: p.Now, Log: p.Log,
	})
	return exchange.OnlyThrough(secrets.Kept(p, secret.Origin, secret.AcceptedOf), p.Log, httpapi.New(httpapi.Of(serves), rooms, people, p.Log).Handler(pages)), nil
}

// Limiter returns what counts how often something is asked for; nil if nothing is
// limited.
func Limiter(p setup.Parts) *limits.Limiter {
	if p.Config.Unlimited {
		return nil
	}
	return &limits.Limiter{Store: p.Store(), Now: p.Now, Log: p.Log}
}
