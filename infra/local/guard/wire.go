package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"
)

// Proxy stands before a DynamoDB at u and holds to the policy what another
// process sends there.
func (g *Guard) Proxy(u *url.URL) http.Handler {
	engine := httputil.NewSingleHostReverseProxy(u)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var c call
		if err := json.Unmarshal(body, &c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if err := g.permitCall(r.Context(), operation, &c); err != nil {
			writeDenied(w, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		engine.ServeHTTP(w, r)
	})
}

func writeDenied(w http.ResponseWriter, err error) {
	var kind, message string
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		kind, message = refused.ErrorCode(), refused.ErrorMessage()
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazon.coral.service#" + kind, "Message": message})
}
