// Package apitest checks in tests that what passes over HTTP is what the
// OpenAPI document says: at a handler with Checked, or at a client with
// Transport. Addresses that the document does not have, such as pages, pass
// unchecked.
package apitest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"evisit/pkg/httpapi"
)

// Load returns the API's document, read and resolved.
func Load() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromData(httpapi.Document())
}

// Checked returns h with every request and reply that passes held against the
// document, and t failed where one does not fit. A request that is refused
// with a 4xx may be as wrong as it likes; a reply never.
func Checked(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	return checked(t, h, false)
}

// RepliesChecked is Checked for the replies alone, where requests are meant to
// be at the edge of what is read, or past it.
func RepliesChecked(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	return checked(t, h, true)
}

func checked(t testing.TB, h http.Handler, lenient bool) http.Handler {
	t.Helper()
	d := load(t)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := &exchange{request: r.Clone(r.Context()), lenient: lenient}
		if r.Body != nil {
			r.Body = tee{io.TeeReader(r.Body, &in.sent), r.Body}
		}
		rec := &recorder{ResponseWriter: w, in: in}
		h.ServeHTTP(rec, r)
		if in.status == 0 {
			in.status = http.StatusOK
		}
		in.header = w.Header().Clone()
		d.hold(r.Context(), t, in)
	})
}

// Transport is an http.RoundTripper that holds every exchange of a client
// against the document. A nil Base is http.DefaultTransport.
type Transport struct {
	Base http.RoundTripper
	T    testing.TB
}

// RoundTrip implements http.RoundTripper.
func (tr Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := tr.Base
	if base == nil {
		base = http.DefaultTransport
	}
	in := &exchange{request: r.Clone(r.Context())}
	if r.Body != nil && r.Body != http.NoBody {
		b, err := io.ReadAll(r.Body)
		if err := errors.Join(err, r.Body.Close()); err != nil {
			return nil, fmt.Errorf("reading the body of %s %s: %w", r.Method, r.URL.Path, err)
		}
		in.sent.Write(b)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(b))
	}
	res, err := base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the reply to %s %s: %w", r.Method, r.URL.Path, err)
	}
	res.Body = io.NopCloser(bytes.NewReader(b))
	in.status, in.header = res.StatusCode, res.Header
	in.got.Write(b)
	load(tr.T).hold(r.Context(), tr.T, in)
	return res, nil
}

// An Exchange is one request and its reply, as they passed.
type Exchange struct {
	Request *http.Request
	Sent    []byte // the request's body
	Status  int
	Header  http.Header
	Got     []byte // the reply's body
}

// Check says of which operation of the document an exchange is, empty if of none,
// and in what it differs from it: a reply always may, a request only if it was not
// refused.
func Check(ctx context.Context, e Exchange) (operation string, err error) {
	d, err := loaded()
	if err != nil {
		return "", err
	}
	in := &exchange{request: e.Request, status: e.Status, header: e.Header}
	in.sent.Write(e.Sent)
	in.got.Write(e.Got)
	return d.check(ctx, in)
}

// An exchange is one request and its reply.
type exchange struct {
	request *http.Request
	lenient bool         // the request may be wrong
	sent    bytes.Buffer // as much of the body as was read
	status  int
	header  http.Header
	got     bytes.Buffer
}

type tee struct {
	io.Reader
	io.Closer
}

type recorder struct {
	http.ResponseWriter
	in *exchange
}

func (w *recorder) WriteHeader(code int) {
	if w.in.status == 0 {
		w.in.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.in.status == 0 {
		w.in.status = http.StatusOK
	}
	w.in.got.Write(b)
	return w.ResponseWriter.Write(b)
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A document finds the operation of a request as the server does: by
// http.ServeMux.
type document struct{ mux *http.ServeMux }

var loaded = sync.OnceValues(func() (document, error) {
	doc, err := Load()
	if err != nil {
		return document{}, err
	}
	openapi3filter.RegisterBodyDecoder("application/fhir+json", openapi3filter.JSONBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/zip", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/csv", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	d := document{mux: http.NewServeMux()}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			d.mux.Handle(method+" "+path, route{routers.Route{
				Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation,
			}})
		}
	}
	return d, nil
})

func load(t testing.TB) document {
	t.Helper()
	d, err := loaded()
	if err != nil {
		t.Fatalf("apitest: loading the document: %v", err)
	}
	return d
}

func (d document) hold(ctx context.Context, t testing.TB, in *exchange) {
	t.Helper()
	if _, err := d.check(context.WithoutCancel(ctx), in); err != nil {
		t.Errorf("%s %s answered %d against the document: %v\nsent: %s\ngot: %s",
			in.request.Method, in.request.URL.Path, in.status, err, clip(in.sent.Bytes()), clip(in.got.Bytes()))
	}
}

func (d document) check(ctx context.Context, in *exchange) (operation string, err error) {
	found := &finder{header: http.Header{}}
	d.mux.ServeHTTP(found, in.request)
	if found.route == nil {
		return "", nil
	}
	return found.route.Operation.OperationID, found.check(ctx, in)
}

func clip(b []byte) []byte {
	const most = 2000
	return b[:min(len(b), most)]
}

// A route is an operation of the document as a handler, which tells the finder
// that it is the one.
type route struct{ routers.Route }

func (o route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, ok := w.(*finder)
	if !ok {
		return
	}
	found.route, found.params = &o.Route, map[string]string{}
	for _, p := range o.Operation.Parameters {
		if p.Value.In == openapi3.ParameterInPath {
			found.params[p.Value.Name] = r.PathValue(p.Value.Name)
		}
	}
}

// A finder is the ResponseWriter of a lookup; what is written to it, such as
// the mux's own 404, is of no interest.
type finder struct {
	header http.Header
	route  *routers.Route
	params map[string]string
}

func (f *finder) Header() http.Header         { return f.header }
func (f *finder) Write(b []byte) (int, error) { return len(b), nil }
func (f *finder) WriteHeader(int)             {}

func (f *finder) check(ctx context.Context, in *exchange) error {
	r := in.request.Clone(ctx)
	r.Body = io.NopCloser(bytes.NewReader(in.sent.Bytes()))
	asked := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: f.params, Route: f.route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: bearer, MultiError: true, IncludeResponseStatus: true, SkipSettingDefaults: true,
		},
	}
	if in.status < http.StatusBadRequest && !in.lenient {
		if err := openapi3filter.ValidateRequest(ctx, asked); err != nil {
			return fmt.Errorf("the request, which was not refused: %w", err)
		}
	}
	told := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: in.status, Header: in.header, Options: asked.Options,
	}
	told.SetBodyBytes(in.got.Bytes())
	if err := openapi3filter.ValidateResponse(ctx, told); err != nil {
		return fmt.Errorf("the reply: %w", err)
	}
	return nil
}

// bearer holds a request that was let in to the one security scheme there is.
func bearer(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	scheme, _, _ := strings.Cut(in.RequestValidationInput.Request.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return in.NewError(errors.New("there is no bearer token"))
	}
	return nil
}
