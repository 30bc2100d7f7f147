// Package fault names the ways a request can fail that a caller may act on.
//
// A fault's text is written for the person using the product. It never carries
// health information or the text of an underlying error. The underlying error is
// kept for the logs, and reached only through errors.Is and errors.As.
package fault

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// A Kind is a class of failure. Kinds are errors, so a caller tests for one
// with errors.Is(err, fault.Conflict).
type Kind string

func (k Kind) Error() string { return string(k) }

// The kinds. An error of none of these kinds is internal: its text goes to the
// log and never into a reply.
const (
	Malformed   Kind = "malformed"    // the input cannot be decoded
	Invalid     Kind = "invalid"      // the input was decoded and breaks a rule
	Anonymous   Kind = "anonymous"    // the caller is not known
	Denied      Kind = "denied"       // the caller is known and has no right to this
	NotFound    Kind = "not found"    // the subject does not exist, or the caller may not know that it does
	WrongMethod Kind = "wrong method" // the address exists, and not for this method
	Encoding    Kind = "encoding"     // the input is encoded in a way that is not read
	Conflict    Kind = "conflict"     // the subject's state does not permit the request
	Stale       Kind = "stale"        // the request was decided on an older version of the subject
	TooLarge    Kind = "too large"    // the input exceeds a limit
	TooMany     Kind = "too many"     // the caller, or their address, asks too often; After says when it may repeat
	Busy        Kind = "busy"         // a service we depend on did not answer; the caller may repeat the request
)

// A Problem is one thing wrong with an input. Where is a linkId or a JSON pointer
// into the body, Code is stable and for programs, and Text tells people what
// would be right.
type Problem struct {
	Where string `json:"where"`
	Code  string `json:"code"`
	Text  string `json:"text"`
}

// A Fault is an error whose text may be shown. Code is stable and documented.
type Fault struct {
	Kind     Kind
	Code     string
	Text     string
	Problems []Problem
	cause    error
}

func (f *Fault) Error() string { return f.Text }

// Unwrap returns the kind and, if there is one, the hidden cause.
func (f *Fault) Unwrap() []error {
	if f.cause == nil {
		return []error{f.Kind}
	}
	return []error{f.Kind, f.cause}
}

// New returns a fault whose text may be shown to users.
func New(k Kind, code, text string, problems ...Problem) error {
	return &Fault{Kind: k, Code: code, Text: text, Problems: problems}
}

// Both returns the refusal of an input that first and second each refuse: what second is, with
// the problems of both. A problem of second at a place that first names, or inside such a place,
// is left out: it follows from the other. If one of them is no fault of kind Invalid, Both
// returns the first that is not nil.
func Both(first, second error) error {
	one, ok := Public(first)
	other, also := Public(second)
	switch {
	case first == nil:
		return second
	case !ok || !also || one.Kind != Invalid || other.Kind != Invalid:
		return first
	}
	all := slices.Clone(one.Problems)
	for _, p := range other.Problems {
		follows := func(q Problem) bool { return p.Where == q.Where || strings.HasPrefix(p.Where, q.Where+"/") }
		if !slices.ContainsFunc(one.Problems, follows) {
			all = append(all, p)
		}
	}
	return &Fault{Kind: Invalid, Code: other.Code, Text: other.Text, Problems: all, cause: other.cause}
}

// Hide returns a fault that shows text to users and keeps cause for the logs.
func Hide(k Kind, code, text string, cause error) error {
	return &Fault{Kind: k, Code: code, Text: text, cause: cause}
}

// Cause returns the texts of what the faults in err hide, for the log; empty if they
// hide nothing. It must not be shown.
func Cause(err error) string {
	var texts []string
	var walk func(error)
	walk = func(err error) {
		if f, ok := err.(*Fault); ok && f.cause != nil { //nolint:errorlint // the walk unwraps
			texts = append(texts, f.cause.Error())
			walk(f.cause)
			return
		}
		switch err := err.(type) { //nolint:errorlint // likewise
		case interface{ Unwrap() error }:
			walk(err.Unwrap())
		case interface{ Unwrap() []error }:
			for _, e := range err.Unwrap() {
				walk(e)
			}
		}
	}
	walk(err)
	return strings.Join(texts, ": ")
}

// Public returns the fault inside err. It reports false if err holds no fault,
// and the text of such an error must not be shown.
func Public(err error) (*Fault, bool) {
	f, ok := errors.AsType[*Fault](err)
	return f, ok
}

// A delayed is an error after which the caller should wait.
type delayed struct {
	error
	wait time.Duration
}

func (d *delayed) Unwrap() error { return d.error }

// After returns err as one after which the caller may repeat the request once
// wait has passed.
func After(wait time.Duration, err error) error { return &delayed{err, wait} }

// RetryAfter returns how long the caller should wait, if err says so.
func RetryAfter(err error) (time.Duration, bool) {
	d, ok := errors.AsType[*delayed](err)
	if !ok {
		return 0, false
	}
	return d.wait, true
}
