// Package httpapi serves the clinic over HTTP: a JSON API for programs and,
// in web, pages for people. A handler says who asks, decodes, calls and
// replies; the rules are elsewhere. It holds the one table from error to
// status.
package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// An API serves the JSON routes. It is safe for concurrent use.
type API struct {
	clinic *clinic.Clinic
	people People
	log    *slog.Logger
	mux    *http.ServeMux
}

// People says what a token proves and who that is, or an error of kind
// fault.Anonymous.
type People interface {
	Prove(ctx context.Context, token string) (clinic.Proof, error)
	Person(ctx context.Context, token string) (identity.Person, error)
}

// MaxBody bounds a request's body. The longest real one is a form's answers.
const MaxBody = 512 << 10

// New returns the API.
func New(cl *clinic.Clinic, people People, log *slog.Logger) *API {
	a := &API{clinic: cl, people: people, log: log, mux: http.NewServeMux()}
	for _, r := range a.routes() {
		a.mux.Handle(r.Pattern, a.adapt(r))
	}
	return a
}

// A Route is one operation of the API.
type Route struct {
	Pattern string // method and path, as http.ServeMux has them
	handle  func(http.ResponseWriter, *http.Request) error
}

// Patterns lists the routes served, for whoever mounts or documents them.
func (a *API) Patterns() []string {
	var ps []string
	for _, r := range a.routes() {
		ps = append(ps, r.Pattern)
	}
	return ps
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Handler serves the API and, for every path it does not have, pages. It adds
// what every reply needs: limits, headers, a log line, and a last resort.
func (a *API) Handler(pages http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, p := range a.Patterns() {
		mux.Handle(p, a.mux)
	}
	mux.Handle("/", a.elsewhere(pages))
	return Guard(mux, a.log)
}

// elsewhere serves pages, but tells a program that asks for an address the API
// does not have, or in a way it does not have, so in its own words.
func (a *API) elsewhere(pages http.Handler) http.Handler {
	nowhere := NotFound(a.log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if allowed := a.methods(r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			reject(w, r, a.log, fault.New(fault.WrongMethod, "wrong_method", "this address is asked for with "+strings.Join(allowed, " or ")))
			return
		}
		if r.Header.Get("Authorization") != "" || strings.Contains(r.Header.Get("Accept"), "json") {
			nowhere.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// methods lists those the API has for r's path.
func (a *API) methods(r *http.Request) []string {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPatch} {
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := a.mux.Handler(other); pattern != "" {
			allowed = append(allowed, m)
		}
	}
	return allowed
}

// NotFound is the reply to a path nobody serves, where there are no pages.
func NotFound(log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reject(w, r, log, fault.New(fault.NotFound, "no_route", "there is no such address; /docs lists those there are"))
	})
}

func (a *API) adapt(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := tooLongToBe(r.PathValue("id"))
		if err == nil {
			err = route.handle(w, r)
		}
		if err != nil {
			reject(w, r, a.log, err)
		}
	})
}

// Guard wraps a function's whole handler.
func Guard(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now() //nolint:forbidigo // how long we took, not what time it is
		rec := &recorder{ResponseWriter: w, code: http.StatusOK}
		defer func() { //nolint:contextcheck // it is in the request
			if p := recover(); p != nil {
				log.ErrorContext(r.Context(), "panic", "route", r.Pattern, "stack", string(debug.Stack()))
				if !rec.wrote {
					reject(rec, r, log, errors.New("panic"))
				}
			}
			log.InfoContext(r.Context(), "request", "method", r.Method, "route", r.Pattern,
				"status", rec.code, "ms", time.Since(began).Milliseconds())
		}()
		head := w.Header()
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(rec, r.Body, MaxBody)
		h.ServeHTTP(rec, r)
	})
}

// A recorder notes the status of a reply for the log.
type recorder struct {
	http.ResponseWriter
	code  int
	wrote bool
}

func (w *recorder) WriteHeader(code int) {
	w.code, w.wrote = code, true
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorder) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// ClientIP is where a request came from, without the port.
func ClientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
