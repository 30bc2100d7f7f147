package exchange_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"evisit/pkg/httpapi/exchange"
)

// The address of a caller is the one that reached CloudFront, which is believed
// only with our distribution's secret; without it nothing is served at all.
func TestOrigin_OnlyThroughOurDistribution(t *testing.T) {
	t.Parallel()
	var seen string
	h := exchange.OnlyThrough([]string{"old", "new"}, slog.New(slog.DiscardHandler), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
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
	open := exchange.OnlyThrough(nil, slog.New(slog.DiscardHandler), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = exchange.ClientIP(r) }))
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
