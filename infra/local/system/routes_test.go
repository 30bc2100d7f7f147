package system_test

import (
	"net/http"
	"testing"
)

// A path goes to its function as it was sent, as through the gateway: whatever the
// function replies to one that it does not serve as it is, is its own reply with its
// own headers.
func TestRoutes_PathReachesItsFunctionAsSent(t *testing.T) {
	t.Parallel()
	s, err := start(t, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"//evil.example/visits", "/visits/../queue", "/stripe//connect"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusNotFound || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s answered %d, and has %v", path, res.StatusCode, res.Header)
		}
	}
}
