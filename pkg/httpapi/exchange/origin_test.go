package exchange_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/secret"
	"evisit/pkg/secret/secrettest"
)

// The address of a caller is the one that reached CloudFront, which is believed
// only with our distribution's secret; without it nothing is served at all.
func TestOrigin_OnlyThroughOurDistribution(t *testing.T) {
	t.Parallel()
	var seen string
	h := exchange.OnlyThrough(secrettest.Fixed([]string{"old", "new"}), slog.New(slog.DiscardHandler), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = exchange.ClientIP(r)
		if r.Header.Get("X-Origin-Verify") != "" {
			t.Error("the secret is passed on")
		}
	}))
	for _, c := range []struct {
		secret, viewer string
		code           int
		ip             string
	}{
		{"new", "203.0.113.7:46532", http.StatusOK, "203.0.113.7"},
		{"old", "2001:db8::1:46532", http.StatusOK, "2001:db8::1"},
		{"old", "[2001:db8::1]:46532", http.StatusOK, "2001:db8::1"},
		{"new", "", http.StatusOK, "192.0.2.9"},
		{"new", "garbage", http.StatusOK, "192.0.2.9"},
		{"", "203.0.113.7:46532", http.StatusForbidden, ""},
		{"other", "203.0.113.7:46532", http.StatusForbidden, ""},
	} {
		seen = ""
		r, w := newRequest(c.secret, c.viewer)
		if h.ServeHTTP(w, r); w.Code != c.code || seen != c.ip {
			t.Errorf("secret %q, viewer %q: %d from %q, want %d from %q", c.secret, c.viewer, w.Code, seen, c.code, c.ip)
		}
	}
	open := exchange.OnlyThrough(secrettest.Fixed[[]string](nil), slog.New(slog.DiscardHandler), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = exchange.ClientIP(r) }))
	r, w := newRequest("", "203.0.113.7:46532")
	if open.ServeHTTP(w, r); w.Code != http.StatusOK || seen != "192.0.2.9" {
		t.Errorf("without a distribution a header names the caller %q: %d", seen, w.Code)
	}
}

func newRequest(secret, viewer string) (*http.Request, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.RemoteAddr = "192.0.2.9:0"
	if secret != "" {
		r.Header.Set("X-Origin-Verify", secret)
	}
	if viewer != "" {
		r.Header.Set("CloudFront-Viewer-Address", viewer)
	}
	return r, httptest.NewRecorder()
}

// While the distribution changes its secret, both are accepted as soon as both are
// stored; without a store nothing is served.
func TestOrigin_ChangedSecretIsAcceptedAtOnce(t *testing.T) {
	t.Parallel()
	stored, down := `{"accepted":"old"}`, error(nil)
	source := func(context.Context, string) ([]byte, error) { return []byte(stored), down }
	log := slog.New(slog.DiscardHandler)
	only := func() http.Handler {
		return exchange.OnlyThrough(secret.Keep(source, secret.Origin, secret.AcceptedOf, stands, log), log,
			http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	}
	h := only()
	for _, c := range []struct {
		stored, sent string
		code         int
	}{
		{`{"accepted":"old"}`, "old", http.StatusOK},
		{`{"accepted":"old,new"}`, "new", http.StatusOK},
		{`{"accepted":"old,new"}`, "old", http.StatusOK},
		{`{"accepted":"old,new"}`, "other", http.StatusForbidden},
	} {
		stored = c.stored
		r, w := newRequest(c.sent, "")
		if h.ServeHTTP(w, r); w.Code != c.code {
			t.Errorf("%s, and %s is sent: %d", c.stored, c.sent, w.Code)
		}
	}
	down = errors.New("InternalServiceError")
	r, w := newRequest("old", "")
	if only().ServeHTTP(w, r); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without a store: %d", w.Code)
	}
}

// stands is a clock that stands.
func stands() time.Time { return time.Unix(0, 0) }
