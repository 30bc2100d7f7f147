// Package exchange holds what every HTTP request and reply of ours needs: the
// guard around a function's handler, a body within bounds, a reply as JSON or as
// a problem detail, and the one table from error to status. It knows no route.
package exchange

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evisit/pkg/fault"
)

// MaxBody bounds a request's body. The longest real one is a form's answers.
const MaxBody = 512 << 10

// NoSources is the content security policy of a reply that shows nothing.
const NoSources = "default-src 'none'; frame-ancestors 'none'"

// Guard wraps a function's whole handler. It adds what every reply needs: a
// limit of the body, headers, a log line, and a reply where the handler panics. An
// address that is written in another way than it is served is refused, where
// http.ServeMux would lead elsewhere by a page.
func Guard(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now() //nolint:forbidigo // how long we took, not what time it is
		rec := &recorder{ResponseWriter: w, code: http.StatusOK}
		defer func() { //nolint:contextcheck // it is in the request
			if p := recover(); p != nil {
				log.ErrorContext(r.Context(), "panic", "route", r.Pattern, "stack", string(debug.Stack()))
				if !rec.wrote {
					Reject(rec, r, log, errors.New("panic"))
				}
			}
			log.InfoContext(r.Context(), "request", "method", r.Method, "route", r.Pattern,
				"status", rec.code, "ms", time.Since(began).Milliseconds())
		}()
		head := w.Header()
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cache-Control", "no-store")
		head.Set("Strict-Transport-Security", "max-age=63072000") // heeded where the connection is secure
		head.Set("Content-Security-Policy", NoSources)
		r.Body = http.MaxBytesReader(rec, r.Body, MaxBody)
		if p := r.URL.EscapedPath(); p != "*" && path.Clean("/"+p) != cmp.Or(strings.TrimSuffix(p, "/"), "/") {
			Reject(rec, r, log, noRoute)
			return
		}
		h.ServeHTTP(rec, r)
	})
}

// A recorder notes the status of a reply for the log.
type recorder struct {
	http.ResponseWriter
	code  int
	wrote bool
}

func (w *recorder) WriteHeader(code int) {
	w.code, w.wrote = code, true
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorder) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// ClientIP is the address a request came from, without the port.
func ClientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

var noRoute = fault.New(fault.NotFound, "no_route", "there is no such address; /docs lists those there are")

// NotFound replies to a path that has no handler, where there are no pages.
func NotFound(log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Reject(w, r, log, noRoute)
	})
}

// WrongMethod refuses a request of a path that has other methods.
func WrongMethod(w http.ResponseWriter, r *http.Request, log *slog.Logger, allowed ...string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	Reject(w, r, log, fault.New(fault.WrongMethod, "wrong_method", "this address is asked for with "+strings.Join(allowed, " or ")))
}

// ReadJSON reads the body of a request that says it is JSON, or another of types.
func ReadJSON(r *http.Request, types ...string) ([]byte, error) {
	t, _, err := mime.ParseMediaType(strings.Join(r.Header.Values("Content-Type"), ", "))
	if err != nil || t != TypeJSON && !slices.Contains(types, t) {
		return nil, fault.New(fault.Malformed, "not_json", "send JSON, with Content-Type: application/json")
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, fault.New(fault.Encoding, "encoded", "send the body as it is, without a Content-Encoding")
	}
	b, err := io.ReadAll(r.Body)
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.New(fault.TooLarge, "too_large", fmt.Sprintf("a request may be at most %d KiB", over.Limit>>10))
	}
	if err != nil {
		return nil, fault.Hide(fault.Malformed, "unreadable", "the request's body ended early; send it again", err)
	}
	return b, nil
}

// A Buffer holds a reply while it is made. It is used again for another once it is
// freed: most of what a long reply costs is the growing of its buffer.
type Buffer struct{ bytes.Buffer }

var buffers = sync.Pool{New: func() any { return &Buffer{} }}

// NewBuffer returns an empty buffer.
func NewBuffer() *Buffer { return buffers.Get().(*Buffer) }

// Free gives b back; its bytes are no longer the caller's.
func (b *Buffer) Free() {
	b.Reset()
	buffers.Put(b)
}

// WriteJSON sends v as JSON; a Content-Type that is set stays. It is encoded
// before the status is sent, so a failed encoding is not a half-sent success.
func WriteJSON(w http.ResponseWriter, code int, v any) error {
	b := NewBuffer()
	defer b.Free()
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", TypeJSON)
	}
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(code)
	_, err := w.Write(b.Bytes())
	return err
}
