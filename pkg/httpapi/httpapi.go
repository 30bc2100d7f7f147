// Package httpapi serves the clinic over HTTP: a JSON API for programs and,
// in web, pages for people. An Endpoint declares who may ask, what it takes and
// what it gives, beside a handler that calls and replies; the rules are
// elsewhere. What every reply needs is in exchange, and Stripe's webhooks are in
// webhook, so that their function links nothing of this package.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/author"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/desk"
	"evisit/pkg/clinic/limits"
	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/request"
	"evisit/pkg/httpapi/exchange"
)

// An API serves the JSON routes. It is safe for concurrent use.
type API struct {
	Rooms
	serves []*Endpoint
	people People
	log    *slog.Logger
	mux    *http.ServeMux
}

// Rooms are the capabilities that are served. All but Limits must be set, as far as
// what a function serves has them.
type Rooms struct {
	Kernel    *clinic.Kernel
	Charts    *chart.Keeper
	Request   *request.Room
	Desk      *desk.Desk
	Office    *office.Office
	Registrar *registrar.Room
	Author    *author.Room
	Limits    *limits.Limiter // nil: nothing is limited
}

// People says what a token proves, or an error of kind fault.Anonymous.
type People interface {
	Prove(ctx context.Context, token string) (clinic.Proven, error)
}

// New returns an API of those endpoints.
func New(serves []*Endpoint, rooms Rooms, people People, log *slog.Logger) *API {
	a := &API{Rooms: rooms, serves: serves, people: people, log: log, mux: http.NewServeMux()}
	for _, e := range serves {
		a.mux.Handle(e.Pattern(), a.handler(e))
	}
	return a
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Handler serves the API and, for every path it does not have, pages. It is
// guarded as every function's handler is.
func (a *API) Handler(pages http.Handler) http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{} // by path
	for _, e := range a.serves {
		mux.Handle(e.Pattern(), a.mux)
		methods[e.Path] = append(methods[e.Path], e.Method)
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			exchange.WrongMethod(w, r, a.log, allowed...)
		})
	}
	mux.Handle("/", a.elsewhere(pages))
	return exchange.Guard(mux, a.log)
}

// elsewhere serves pages. A program that asks for an address that the API does not
// have is told so by a problem detail.
func (a *API) elsewhere(pages http.Handler) http.Handler {
	nowhere := exchange.NotFound(a.log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || strings.Contains(r.Header.Get("Accept"), "json") {
			nowhere.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}
