package exchange

import (
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"evisit/pkg/fault"
	"evisit/pkg/secret"
)

// The headers that our CloudFront distribution adds to a request.
const (
	originHeader = "X-Origin-Verify"           // a secret that only it and the functions know
	viewerHeader = "CloudFront-Viewer-Address" // where the request came from: address and port
)

// OnlyThrough serves h to requests that came through our CloudFront distribution,
// which proves itself by one of the secrets, and takes the caller's address from
// it. Others are refused: the gateway can be reached by anyone who knows its name,
// and there is no firewall in front of it. If the list of secrets is empty there is no
// distribution, and h is served to all.
func OnlyThrough(secrets *secret.Kept[[]string], log *slog.Logger, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var front, through bool
		err := secrets.Use(r.Context(), func(accepted []string) (refused bool) {
			front = len(accepted) > 0
			through = isOneOf(accepted, r.Header.Get(originHeader))
			return front && !through
		})
		if err != nil {
			Reject(w, r, log, err)
			return
		}
		if !front {
			h.ServeHTTP(w, r)
			return
		}
		if !through {
			Reject(w, r, log, fault.New(fault.Denied, "denied", "this address is not for you; use the one that you were given"))
			return
		}
		if ip, ok := viewer(r.Header.Get(viewerHeader)); ok {
			r.RemoteAddr = net.JoinHostPort(ip, "0")
		}
		r.Header.Del(originHeader)
		h.ServeHTTP(w, r)
	})
}

func isOneOf(secrets []string, given string) bool {
	found := 0
	for _, s := range secrets {
		found |= subtle.ConstantTimeCompare([]byte(s), []byte(given))
	}
	return found == 1 && given != ""
}

// viewer reads an address and port, of which an IPv6 address has brackets or not.
func viewer(s string) (string, bool) {
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return "", false
	}
	ip, err := netip.ParseAddr(strings.Trim(s[:at], "[]"))
	return ip.String(), err == nil
}
