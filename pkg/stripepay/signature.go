package stripepay

import (
	"strconv"
	"strings"
	"time"
)

// signedAt reads the time a Stripe-Signature header was made at. There must be
// one: of several, only one is signed, and which is for the caller to wonder.
func signedAt(header string) (at time.Time, ok bool) {
	for part := range strings.SplitSeq(header, ",") {
		t, isTime := strings.CutPrefix(strings.TrimSpace(part), "t=")
		if !isTime {
			continue
		}
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil || ok {
			return time.Time{}, false
		}
		at, ok = time.Unix(n, 0), true
	}
	return at, ok
}
