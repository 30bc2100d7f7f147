package stripepay

import (
	"strconv"
	"strings"
	"time"
)

// signedAt returns the time in a Stripe-Signature header. A header with several
// times is refused, because only one of them is signed and cannot be told from
// the others.
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
