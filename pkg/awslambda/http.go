package awslambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// HTTP serves API Gateway HTTP API requests (payload format 2.0) with h. h reads
// the exact bytes that the client sent, which the signatures of webhooks are
// made over.
func HTTP(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		r, err := request(ctx, e)
		if err != nil {
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}, nil //nolint:nilerr // the caller's fault, not ours
		}
		w := &response{code: http.StatusOK, header: http.Header{}}
		h.ServeHTTP(w, r)
		out := w.event()
		return out, checkSize(out)
	}
}

// maxReply is what Lambda takes from a function, in bytes of JSON. It ends a process
// that replies with more, and tells nobody why.
const maxReply = 6<<20 - 1<<10

// checkSize returns an error if a reply is larger than Lambda takes. Lists and
// exports come in pages that stay far below; this is where it is held.
func checkSize(out events.APIGatewayV2HTTPResponse) error {
	const worst = 6 // bytes of JSON that a byte may become
	if len(out.Body) < maxReply/worst-1<<10 {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return err
	}
	if b.Len() > maxReply {
		return fmt.Errorf("a reply of status %d has %d bytes, and %d are taken", out.StatusCode, b.Len(), maxReply)
	}
	return nil
}

func request(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		b, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			return nil, err
		}
		body = b
	}
	// The gateway has decoded the path, so a % or ? in it is only a character.
	u := url.URL{Scheme: "https", Host: e.RequestContext.DomainName, Path: e.RawPath, RawQuery: e.RawQueryString}
	r, err := http.NewRequestWithContext(ctx, e.RequestContext.HTTP.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, v := range e.Headers {
		r.Header.Set(name, v)
	}
	// The gateway takes cookies out of the headers and lists them apart.
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.RemoteAddr = net.JoinHostPort(e.RequestContext.HTTP.SourceIP, "0")
	return r, nil
}

// A response collects what a handler writes.
type response struct {
	code   int
	wrote  bool
	header http.Header
	body   bytes.Buffer
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(code int) {
	if !w.wrote {
		w.code, w.wrote = code, true
	}
}

func (w *response) Write(p []byte) (int, error) {
	w.wrote = true
	return w.body.Write(p)
}

func (w *response) event() events.APIGatewayV2HTTPResponse {
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.code, Headers: map[string]string{}, Body: w.body.String()}
	for name, vs := range w.header {
		if name == "Set-Cookie" {
			out.Cookies = vs
			continue
		}
		out.Headers[name] = strings.Join(vs, ",")
	}
	if !utf8.ValidString(out.Body) {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return out
}
