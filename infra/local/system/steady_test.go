package system_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A client that sends slowly keeps waiting neither the clock nor, while that waits to be
// moved, another client.
func TestClock_MovedWhileABodyIsSent(t *testing.T) {
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
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("POST /stripe/connect HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // until it is being served
	began := time.Now()
	send(t, http.MethodPost, s.URL+"/dev/clock", "", `{"advance":"3m"}`, new(any))
	send(t, http.MethodGet, s.URL+"/health", "", "", new(any))
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("moving the clock took %v while a body was sent", d)
	}
}
