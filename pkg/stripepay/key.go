package stripepay

import (
	"cmp"
	"net/http"

	"evisit/pkg/secret"
)

// A keyed sends each request with the key as it is then. If Stripe answers 401 and the
// key has been changed since it was read, the same request is sent again with the new
// one: after a 401 Stripe has done nothing.
type keyed struct {
	key  *secret.Kept[string]
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (k *keyed) RoundTrip(r *http.Request) (reply *http.Response, failed error) {
	err := k.key.Use(r.Context(), func(key string) (refused bool) {
		if reply != nil {
			_ = reply.Body.Close() // of the refusal, which nobody reads
		}
		reply, failed = k.send(r, key) //nolint:bodyclose // the caller of RoundTrip closes it
		return failed == nil && reply.StatusCode == http.StatusUnauthorized
	})
	return reply, cmp.Or(err, failed)
}

func (k *keyed) send(r *http.Request, key string) (*http.Response, error) {
	again := r.Clone(r.Context())
	again.Header.Set("Authorization", "Bearer "+key)
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	return k.next.RoundTrip(again)
}
