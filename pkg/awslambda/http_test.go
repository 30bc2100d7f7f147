package awslambda_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"evisit/pkg/awslambda"
	"evisit/pkg/httpapi/exchange"
)

// The address that a request came from is the gateway's, unchanged.
func TestHTTP_SourceAddress(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"192.0.2.1", "2001:db8::1", "::1", "2001:db8:1:2:3:4:5:6", "fe80::1%eth0"} {
		got := ""
		serve := awslambda.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = exchange.ClientIP(r) }))
		var e events.APIGatewayV2HTTPRequest
		e.RawPath, e.RequestContext.HTTP.Method, e.RequestContext.HTTP.SourceIP = "/", http.MethodGet, ip
		if _, err := serve(t.Context(), e); err != nil || got != ip {
			t.Errorf("%s is taken for %s: %v", ip, got, err)
		}
	}
}

// A reply that Lambda would end the process for is an error instead, counted as it
// will be written: a quote is two bytes of JSON.
func TestHTTP_ReplyTooLarge(t *testing.T) {
	t.Parallel()
	for body, fits := range map[string]bool{
		strings.Repeat("a", 6<<20-8<<10): true, strings.Repeat("a", 6<<20): false,
		strings.Repeat(`"`, 3<<20-8<<10): true, strings.Repeat(`"`, 3<<20): false, "": true,
	} {
		serve := awslambda.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		var e events.APIGatewayV2HTTPRequest
		e.RawPath, e.RequestContext.HTTP.Method = "/", http.MethodGet
		if _, err := serve(t.Context(), e); (err == nil) != fits {
			t.Errorf("%d bytes of %.1q: %v", len(body), body, err)
		}
	}
}
