// Package api makes the handler of the function api.
package api

import (
	"net/http"

	"evisit/pkg/clinic/desk"
	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/request"
	"evisit/pkg/httpapi"
	"evisit/pkg/outbox"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/records"
	"evisit/pkg/setup/secrets"
	"evisit/pkg/setup/site"
	"evisit/pkg/stripepay"
)

// Rooms returns the rooms of api: with content and payment pages, without the
// keys that move money or send mail. p must have a source of secrets.
func Rooms(p setup.Parts) (httpapi.Rooms, error) {
	c := p.Config
	s := p.Store()
	k := p.Kernel(outbox.ByAPI, s)
	charts, err := records.Keeper(p, k, s)
	if err != nil {
		return httpapi.Rooms{}, err
	}
	k.Patient = charts.Patient
	stripe := stripepay.New(secrets.Kept(p, secret.API, secret.KeyOf), c.StripeBase)
	return httpapi.Rooms{
		Kernel: k, Charts: charts,
		Request: &request.Room{Kernel: k, Charts: charts, Store: s, Checkout: stripe, Pages: c.Pages},
		Desk:    &desk.Desk{Kernel: k, Charts: charts, Store: s},
		Office:  &office.Office{Kernel: k, Store: s, Accounts: stripe, Pages: c.Pages, LogKey: c.Log},
		Limits:  site.Limiter(p, s),
	}, nil
}

// Handler returns the handler of the JSON API and the pages.
func Handler(p setup.Parts) (http.Handler, error) {
	c := p.Config
	err := setup.Need(map[string]string{
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
	return site.Handler(p, httpapi.ByAPI, rooms)
}
