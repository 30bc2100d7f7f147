// Package registry makes the handler of the function registry.
package registry

import (
	"net/http"
	"sync"

	"evisit/pkg/clinic/author"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/httpapi"
	"evisit/pkg/library"
	"evisit/pkg/outbox"
	"evisit/pkg/setup"
	"evisit/pkg/setup/content"
	"evisit/pkg/setup/secrets"
	"evisit/pkg/setup/site"
	"evisit/pkg/vault"
)

// rooms returns the rooms of registry: with contact data, without documents and the
// content of visits, and without a key of Stripe's. p must have a source of secrets.
func rooms(p setup.Parts) (httpapi.Rooms, error) {
	s := p.Store()
	k := p.Kernel(outbox.ByRegistry, s)
	sealer, err := content.Sealer(p)
	if err != nil {
		return httpapi.Rooms{}, err
	}
	charts := &chart.Keeper{Kernel: k, Store: s, Vault: vault.Vault{Sealer: sealer}}
	k.Patient = charts.Patient
	return httpapi.Rooms{
		Kernel: k, Charts: charts, Registrar: &registrar.Room{Kernel: k, Store: s, Charts: charts}, Limits: site.Limiter(p, s),
		Author: &author.Room{Kernel: k, Store: s, Library: shelf},
	}, nil
}

// shelf is the library, which a process reads once.
var shelf = sync.OnceValues(library.Load)

// Handler returns the handler of the JSON API and the pages.
func Handler(p setup.Parts) (http.Handler, error) {
	p, err := secrets.With(p)
	if err != nil {
		return nil, err
	}
	known, err := rooms(p)
	if err != nil {
		return nil, err
	}
	return site.Handler(p, httpapi.ByRegistry, known)
}
