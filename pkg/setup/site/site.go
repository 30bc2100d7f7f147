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

// Handler returns the handler of what a function serves, with its rooms. p must have a
// source of secrets.
func Handler(p setup.Parts, serves httpapi.Function, rooms httpapi.Rooms) (http.Handler, error) {
	c := p.Config
	need := map[string]string{"EVISIT_PAGES": c.Pages, "OIDC_ISSUER": "", "OIDC_JWKS_URL": "", "OIDC_AUDIENCE": ""}
	var issuers []httpapi.Issuer
	for _, i := range c.Issuers {
		need["OIDC_ISSUER"], need["OIDC_JWKS_URL"], need["OIDC_AUDIENCE"] = i.URL, i.Keys, i.Audience
		issuers = append(issuers, httpapi.Issuer(i))
	}
	if err := setup.Need(need); err != nil {
		return nil, err
	}
	people := httpapi.NewTokens(issuers, p.Now)
	pages := web.New(web.Options{
		Rooms: rooms, Serves: []httpapi.Function{serves}, People: people,
		Issuers: issuers, BaseURL: c.Pages, StaffIdle: c.StaffIdle, Now: p.Now, Log: p.Log,
	})
	return exchange.OnlyThrough(secrets.Kept(p, secret.Origin, secret.AcceptedOf), p.Log, httpapi.New(httpapi.Of(serves), rooms, people, p.Log).Handler(pages)), nil
}

// Limiter returns what counts in s how often something is asked for; nil if nothing is
// limited.
func Limiter(p setup.Parts, s limits.Store) *limits.Limiter {
	if p.Config.Unlimited {
		return nil
	}
	return &limits.Limiter{Store: s, Now: p.Now, Log: p.Log}
}
