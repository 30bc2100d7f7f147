package stripepay_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"evisit/pkg/secret"
	"evisit/pkg/stripepay"
)

// A locked Stripe answers one key, and keeps what was asked with which.
type locked struct {
	mu   sync.Mutex
	key  string
	keys []string
	sent []string // idempotency key and body
}

func (l *locked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := r.Header.Get("Authorization")
	l.keys, l.sent = append(l.keys, key), append(l.sent, r.Header.Get("Idempotency-Key")+" "+string(b))
	w.Header().Set("Content-Type", "application/json")
	if key != "Bearer "+l.key {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}`)
		return
	}
	_, _ = io.WriteString(w, `{"id":"pi_1","object":"payment_intent","status":"succeeded","amount":3500,"amount_received":3500}`)
}

// A key that was changed at Stripe and in the store is used by a client that has the
// old one, for the call that finds it refused: the same call, once more.
func TestClient_ChangedKeyIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	stripe := &locked{key: "rk_old"}
	srv := httptest.NewServer(stripe)
	t.Cleanup(srv.Close)
	var mu sync.Mutex
	stored, reads := "rk_old", 0
	source := func(context.Context, string) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		reads++
		return json.Marshal(secret.Stripe{Key: stored})
	}
	c := stripepay.New(secret.Keep(source, secret.Charge, secret.KeyOf, func() time.Time { return now }, slog.New(slog.DiscardHandler)), srv.URL)
	capture := func() error {
		return c.Capture(t.Context(), "acct_1", "pi_1", 3500, 0, "capture-p1")
	}
	if err := capture(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	stored = "rk_new"
	mu.Unlock()
	stripe.mu.Lock()
	stripe.key = "rk_new"
	stripe.mu.Unlock()
	if err := capture(); err != nil {
		t.Errorf("after the change: %v", err)
	}
	if !slices.Equal(stripe.keys, []string{"Bearer rk_old", "Bearer rk_old", "Bearer rk_new"}) || stripe.sent[1] != stripe.sent[2] || reads != 2 {
		t.Errorf("asked with %q: %q; %d readings", stripe.keys, stripe.sent, reads)
	}
	stripe.mu.Lock()
	stripe.key = "rk_of_nobody"
	stripe.mu.Unlock()
	for range 5 {
		if err := capture(); err == nil {
			t.Error("a key that Stripe refuses works")
		}
	}
	if reads > 3 {
		t.Errorf("a key that Stripe refuses is read %d times", reads)
	}
}

// Without a key nothing is sent.
func TestClient_NoKeyNoCall(t *testing.T) {
	t.Parallel()
	stripe := &locked{}
	srv := httptest.NewServer(stripe)
	t.Cleanup(srv.Close)
	down := errors.New("AccessDeniedException")
	source := func(context.Context, string) ([]byte, error) { return nil, down }
	c := stripepay.New(secret.Keep(source, secret.Charge, secret.KeyOf, func() time.Time { return now }, slog.New(slog.DiscardHandler)), srv.URL)
	if _, _, err := c.Observe(t.Context(), "acct_1", "pi_1"); !errors.Is(err, down) || len(stripe.keys) != 0 {
		t.Errorf("without a key: %v, after %d calls", err, len(stripe.keys))
	}
}
