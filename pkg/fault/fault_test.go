package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"evisit/pkg/fault"
)

var kinds = []fault.Kind{
	fault.Malformed, fault.Invalid, fault.Anonymous, fault.Denied, fault.NotFound,
	fault.WrongMethod, fault.Encoding, fault.Conflict, fault.Stale, fault.TooLarge, fault.Busy,
}

// A fault is of its own kind and of no other, however it is wrapped.
func TestFault_HasOneKind(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		for name, err := range map[string]error{
			"new":     fault.New(k, "code", "text"),
			"hiding":  fault.Hide(k, "code", "text", io.ErrUnexpectedEOF),
			"wrapped": fmt.Errorf("loading visit 1: %w", fault.New(k, "code", "text")),
			"joined":  errors.Join(io.EOF, fault.New(k, "code", "text")),
		} {
			for _, other := range kinds {
				if got := errors.Is(err, other); got != (k == other) {
					t.Errorf("%s fault of kind %s is %s: %t", name, k, other, got)
				}
			}
		}
	}
}

// A fault shows its text and hides its cause, which the logs can still find.
func TestFault_ShowsTextHidesCause(t *testing.T) {
	t.Parallel()
	problem := fault.Problem{Where: "/age", Code: "range", Text: "give an age"}
	err := fmt.Errorf("saving: %w", fault.New(fault.Invalid, "wrong", "put this right", problem))
	f, ok := fault.Public(err)
	if !ok || f.Kind != fault.Invalid || f.Code != "wrong" || f.Error() != "put this right" || len(f.Problems) != 1 || f.Problems[0] != problem {
		t.Errorf("Public = %+v, %t", f, ok)
	}
	hidden := fault.Hide(fault.Busy, "try_again", "try again", fmt.Errorf("dialling: %w", io.ErrUnexpectedEOF))
	if hidden.Error() != "try again" {
		t.Errorf("a hidden cause is shown: %s", hidden)
	}
	if !errors.Is(hidden, io.ErrUnexpectedEOF) {
		t.Error("the cause cannot be found for the logs")
	}
}

func TestPublic_OtherErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, io.EOF, fault.NotFound, fmt.Errorf("reading: %w", fault.Busy)} {
		if f, ok := fault.Public(err); ok || f != nil {
			t.Errorf("Public(%v) = %+v, true", err, f)
		}
	}
}

// Faults of the same kind, code and text are different errors, so a fault can be
// a sentinel.
func TestNew_AlikeNotEqual(t *testing.T) {
	t.Parallel()
	a, b := fault.New(fault.Conflict, "changed", "changed"), fault.New(fault.Conflict, "changed", "changed")
	if errors.Is(a, b) || !errors.Is(fmt.Errorf("committing: %w", a), a) {
		t.Error("a sentinel is told from another by itself, not by its text")
	}
}

// The log is told what every fault hides, and nothing of what it shows.
func TestCause_OfAllFaults(t *testing.T) {
	t.Parallel()
	inner := fault.Hide(fault.Busy, "code", "shown", io.ErrUnexpectedEOF)
	for want, err := range map[string]error{
		"":                             errors.Join(fault.New(fault.Busy, "code", "shown"), nil),
		"unexpected EOF":               fmt.Errorf("reading: %w", inner),
		"outer: shown: unexpected EOF": fault.Hide(fault.Busy, "code", "shown", fmt.Errorf("outer: %w", inner)),
		"no row: unexpected EOF":       errors.Join(fault.Hide(fault.NotFound, "code", "shown", errors.New("no row")), inner),
	} {
		if got := fault.Cause(err); got != want {
			t.Errorf("Cause(%v) = %q, want %q", err, got, want)
		}
	}
	if got := fault.Cause(nil); got != "" {
		t.Errorf("no error has the cause %q", got)
	}
}

// Two refusals of one input are one with the problems of both, but for what follows from another.
func TestBoth_ProblemsOfTwo(t *testing.T) {
	t.Parallel()
	wrong := func(k fault.Kind, code string, places ...string) error {
		var ps []fault.Problem
		for _, at := range places {
			ps = append(ps, fault.Problem{Where: at, Code: code})
		}
		return fault.New(k, code, code, ps...)
	}
	shape, conflict, plain := wrong(fault.Invalid, "shape", "/a", "/list"), wrong(fault.Conflict, "conflict", "/z"), io.ErrUnexpectedEOF
	for name, tt := range map[string]struct {
		first, second error
		code          string
		want          string
	}{
		"both":              {shape, wrong(fault.Invalid, "rule", "/b", "/ab"), "rule", "/a shape, /list shape, /b rule, /ab rule"},
		"the same place":    {shape, wrong(fault.Invalid, "rule", "/a", "/b"), "rule", "/a shape, /list shape, /b rule"},
		"inside the place":  {shape, wrong(fault.Invalid, "rule", "/list/0", "/list/0/x"), "rule", "/a shape, /list shape"},
		"itself":            {shape, shape, "shape", "/a shape, /list shape"},
		"without a place":   {shape, wrong(fault.Invalid, "rule"), "rule", "/a shape, /list shape"},
		"another kind":      {shape, conflict, "shape", "/a shape, /list shape"},
		"of another kind":   {conflict, shape, "conflict", "/z conflict"},
		"no fault":          {shape, plain, "shape", "/a shape, /list shape"},
		"one alone":         {nil, shape, "shape", "/a shape, /list shape"},
		"the other alone":   {shape, nil, "shape", "/a shape, /list shape"},
		"neither":           {nil, nil, "", ""},
		"no fault, and one": {plain, shape, "", ""},
	} {
		f, ok := fault.Public(fault.Both(tt.first, tt.second))
		if !ok {
			f = &fault.Fault{}
		}
		var got []string
		for _, p := range f.Problems {
			got = append(got, p.Where+" "+p.Code)
		}
		if f.Code != tt.code || strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %s, %v", name, f.Code, got)
		}
	}
	if err := fault.Both(plain, shape); !errors.Is(err, plain) {
		t.Errorf("an error that is no fault is lost: %v", err)
	}
}
