package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"evisit/pkg/fault"
)

// statuses is the only place an error meets a status code.
var statuses = []struct {
	is   error
	code int
}{
	{fault.Malformed, http.StatusBadRequest},
	{fault.Anonymous, http.StatusUnauthorized},
	{fault.Denied, http.StatusForbidden},
	{fault.NotFound, http.StatusNotFound},
	{fault.WrongMethod, http.StatusMethodNotAllowed},
	{fault.Conflict, http.StatusConflict},
	{fault.Stale, http.StatusPreconditionFailed},
	{fault.TooLarge, http.StatusRequestEntityTooLarge},
	{fault.Invalid, http.StatusUnprocessableEntity},
	{fault.Busy, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
}

// Status is the code for err: 500 for whatever has no kind.
func Status(err error) int {
	for _, s := range statuses {
		if errors.Is(err, s.is) {
			return s.code
		}
	}
	return http.StatusInternalServerError
}

// Public is what of err may be shown; an error that is no fault shows nothing.
func Public(err error) *fault.Fault {
	if f, ok := fault.Public(err); ok {
		return f
	}
	return &fault.Fault{Code: "internal", Text: "something went wrong on our side; nothing you sent is lost, try again"}
}

// A problem is an RFC 9457 problem detail. Code is stable; Problems lists all
// that is wrong, each with where it is and what would be right.
type problem struct {
	Type     string          `json:"type"`
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Code     string          `json:"code"`
	Detail   string          `json:"detail"`
	Problems []fault.Problem `json:"problems,omitempty"`
}

func newProblem(err error) problem {
	code, f := Status(err), Public(err)
	return problem{
		Type: "about:blank", Title: http.StatusText(code), Status: code,
		Code: f.Code, Detail: f.Text, Problems: f.Problems,
	}
}

func reject(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	p := newProblem(err)
	switch {
	case errors.Is(err, context.Canceled):
		return // nobody is there to be told
	case p.Status >= http.StatusInternalServerError:
		log.ErrorContext(r.Context(), "request failed", "route", r.Pattern, "code", p.Code, "err", err)
	default:
		log.InfoContext(r.Context(), "request refused", "route", r.Pattern, "code", p.Code)
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "2")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	if err := write(w, p.Status, p); err != nil {
		log.WarnContext(r.Context(), "reply not sent", "route", r.Pattern, "err", err)
	}
}

// reply sends v as JSON. It is encoded before the status is sent, so a failed
// encoding is not a half-sent success.
func reply(w http.ResponseWriter, code int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return write(w, code, v)
}

func write(w http.ResponseWriter, code int, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(code)
	_, err := w.Write(b.Bytes())
	return err
}
