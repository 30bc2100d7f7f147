package exchange_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
)

// guarded is a handler that fails with err or, without one, reads JSON, and the log
// of its guard.
func guarded(err error) (http.Handler, *bytes.Buffer) {
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	mux := http.NewServeMux()
	mux.HandleFunc("/visits/{id}/audit", func(w http.ResponseWriter, r *http.Request) {
		err := err
		if err == nil {
			_, err = exchange.ReadJSON(r)
		}
		if err != nil {
			exchange.Reject(w, r, l, err)
		}
	})
	return exchange.Guard(mux, l), &log
}

func codeOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var p exchange.Problem
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatalf("%d %q is no problem detail: %v", w.Code, w.Body, err)
		}
	}
	return p.Code
}

// An address that http.ServeMux would lead elsewhere by a page of HTML is refused as
// any that is not served.
func TestGuard_AddressesAsTheyAre(t *testing.T) {
	t.Parallel()
	h, _ := guarded(fault.New(fault.Conflict, "served", "it was served"))
	for path, want := range map[string]string{
		"/visits/1/audit": "served", "/visits//audit": "no_route", "//visits/1/audit": "no_route", "/visits/../visits/1/audit": "no_route",
		"/visits/./audit": "no_route", "/visits/1//audit": "no_route", "/visits/..": "no_route",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if got := codeOf(t, w); got != want {
			t.Errorf("%s: %d %s, want %s", path, w.Code, got, want)
		}
		for name, value := range map[string]string{
			"Strict-Transport-Security": "max-age=63072000", "Content-Security-Policy": exchange.NoSources, "X-Content-Type-Options": "nosniff",
		} {
			if w.Header().Get(name) != value {
				t.Errorf("%s: %s is %q", path, name, w.Header().Get(name))
			}
		}
	}
}

// A body in another encoding is 415, and one that is too large says its own bound.
func TestReadJSON_Encodings(t *testing.T) {
	t.Parallel()
	h, _ := guarded(nil)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, "{}"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, encoding, body string
		status               int
		code                 string
	}{
		{"plain", "", "{}", http.StatusOK, ""},
		{"identity", "identity", "{}", http.StatusOK, ""},
		{"gzip", "gzip", zipped.String(), http.StatusUnsupportedMediaType, "encoded"},
		{"said to be gzip", "gzip", "{}", http.StatusUnsupportedMediaType, "encoded"},
		{"two", "deflate, gzip", "{}", http.StatusUnsupportedMediaType, "encoded"},
		{"too large", "", strings.Repeat(" ", exchange.MaxBody+1), http.StatusRequestEntityTooLarge, "too_large"},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/visits/1/audit", strings.NewReader(c.body))
		r.Header.Set("Content-Type", exchange.TypeJSON)
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		h.ServeHTTP(w, r)
		if got := codeOf(t, w); w.Code != c.status || got != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.name, w.Code, got, c.status, c.code)
		}
	}
}

// What a fault hides is in the log and in no reply, whatever its status.
func TestReject_LogsTheCause(t *testing.T) {
	t.Parallel()
	for kind, level := range map[fault.Kind]string{
		fault.NotFound: "INFO", fault.Conflict: "INFO", fault.Anonymous: "INFO", fault.Malformed: "INFO", fault.Busy: "ERROR",
	} {
		h, log := guarded(fault.Hide(kind, "code", "what is shown", errors.New("the private cause")))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/visits/1/audit", http.NoBody))
		if strings.Contains(w.Body.String(), "private") {
			t.Errorf("%s replies %s", kind, w.Body)
		}
		if s := log.String(); !strings.Contains(s, `"cause":"the private cause"`) || !strings.Contains(s, `"level":"`+level+`"`) {
			t.Errorf("%s is logged as %s", kind, s)
		}
	}
}
