package exchange

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"evisit/pkg/fault"
)

// Media types of replies.
const (
	TypeJSON    = "application/json"
	TypeProblem = "application/problem+json"
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
	{fault.Encoding, http.StatusUnsupportedMediaType},
	{fault.Conflict, http.StatusConflict},
	{fault.Stale, http.StatusPreconditionFailed},
	{fault.TooLarge, http.StatusRequestEntityTooLarge},
	{fault.Invalid, http.StatusUnprocessableEntity},
	{fault.TooMany, http.StatusTooManyRequests},
	{fault.Busy, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
}

// Status is the code for err: 500 for an error without a kind.
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

// A Problem is an RFC 9457 problem detail. Act on `code`, show `detail`.
type Problem struct {
	// Always `about:blank`: `code` says what happened.
	Type string `json:"type" schema:"const=about:blank"`
	// The status in words.
	Title string `json:"title"`
	// The HTTP status.
	Status int    `json:"status" schema:"min=400 max=599"`
	Code   string `json:"code" schema:"ref=ProblemCode"`
	// A sentence for the person using your program.
	Detail string `json:"detail"`
	// Everything that is wrong with the input, at once; of very much, the first hundred.
	Problems []fault.Problem `json:"problems,omitempty" schema:"min=1 max=100"`
	// How many problems there are beside those listed.
	More int `json:"more_problems,omitempty" schema:"min=1"`
}

// maxProblems bounds the problems that a reply lists: a long body may have one for
// each of its members.
const maxProblems = 100

// Listed returns the problems that a reply lists, and how many there are beside.
func Listed(ps []fault.Problem) (listed []fault.Problem, more int) {
	n := min(len(ps), maxProblems)
	return ps[:n:n], len(ps) - n
}

// NewProblem is the problem detail for err.
func NewProblem(err error) Problem {
	code, f := Status(err), Public(err)
	p := Problem{Type: "about:blank", Title: http.StatusText(code), Status: code, Code: f.Code, Detail: f.Text}
	if p.Problems, p.More = Listed(f.Problems); p.More > 0 {
		p.Detail += fmt.Sprintf(" (and %d problems more than are listed)", p.More)
	}
	return p
}

// Reject logs err and replies with its problem detail. A client that is gone is
// told nothing.
func Reject(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	p := NewProblem(err)
	switch {
	case errors.Is(err, context.Canceled):
		return
	case p.Status >= http.StatusInternalServerError:
		log.ErrorContext(r.Context(), "request failed", "route", r.Pattern, "code", p.Code, "err", err, "cause", fault.Cause(err))
	default:
		log.InfoContext(r.Context(), "request refused", "route", r.Pattern, "code", p.Code, "cause", fault.Cause(err))
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "2")
	case http.StatusTooManyRequests:
		SetRetryAfter(w, err)
	}
	w.Header().Set("Content-Type", TypeProblem)
	if err := WriteJSON(w, p.Status, p); err != nil {
		log.WarnContext(r.Context(), "reply not sent", "route", r.Pattern, "err", err)
	}
}

// SetRetryAfter tells how long to wait, in whole seconds, if err says so.
func SetRetryAfter(w http.ResponseWriter, err error) {
	if wait, ok := fault.RetryAfter(err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}
