// Package fault names the ways a request can fail that a caller may act on.
//
// A fault's text is written for the person using the product. It never carries
// health information or the text of an underlying error; that text is kept for
// logs and reached only through errors.Unwrap.
package fault

import "errors"

// A Kind is a class of failure. Kinds are errors, so a caller tests for one
// with errors.Is(err, fault.Conflict).
type Kind string

func (k Kind) Error() string { return string(k) }

// The kinds. Any error that is none of these is internal: it is logged and
// shown to nobody.
const (
	Malformed Kind = "malformed" // it could not be read at all
	Invalid   Kind = "invalid"   // it was read, and it breaks a rule
	Anonymous Kind = "anonymous" // we do not know who asks
	Denied    Kind = "denied"    // we know, and they may not
	NotFound  Kind = "not found" // it does not exist, or not for them
	NotThis   Kind = "not this"  // it exists, and cannot be asked for this way
	Conflict  Kind = "conflict"  // it contradicts what is already so
	Stale     Kind = "stale"     // it was decided on an older version
	TooLarge  Kind = "too large"
	Busy      Kind = "busy" // a part we need does not answer; try again
)

// A Problem is one thing wrong with an input, and where it is.
type Problem struct {
	Where string `json:"where"` // a linkId, or a JSON pointer into the body
	Code  string `json:"code"`  // stable, for programs
	Text  string `json:"text"`  // what would be right, for people
}

// A Fault is an error that may be shown. Code is stable and documented.
type Fault struct {
	Kind     Kind
	Code     string
	Text     string
	Problems []Problem
	cause    error
}

func (f *Fault) Error() string { return f.Text }

// Unwrap exposes the kind, and the hidden cause for the logs.
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

// Hide returns a fault that shows text to users and keeps cause for the logs.
func Hide(k Kind, code, text string, cause error) error {
	return &Fault{Kind: k, Code: code, Text: text, cause: cause}
}

// Public returns the fault inside err. It reports false for any error that is
// not one; such an error must not be shown.
func Public(err error) (*Fault, bool) {
	f, ok := errors.AsType[*Fault](err)
	return f, ok
}
