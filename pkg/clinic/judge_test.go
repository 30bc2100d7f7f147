package clinic_test

import (
	"context"
	"errors"
	"testing"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

// A request with a wrong input is refused for all that is wrong with it; for what it is about,
// only where its sender may not make it at all.
func TestJudge_WhatIsTold(t *testing.T) {
	t.Parallel()
	wrong := fault.New(fault.Invalid, "shape", "shape", fault.Problem{Where: "/a", Code: "shape"})
	for name, tt := range map[string]struct {
		err      error
		code     string
		problems int
	}{
		"it would be done":   {nil, "shape", 1},
		"a rule is broken":   {fault.New(fault.Invalid, "rule", "rule", fault.Problem{Where: "/b"}), "rule", 2},
		"it may not be made": {fault.New(fault.Denied, "denied", "no"), "denied", 0},
		"not there":          {fault.New(fault.NotFound, "not_found", "no"), "not_found", 0},
		"not signed in":      {fault.New(fault.Anonymous, "not_signed_in", "no"), "not_signed_in", 0},
		"no practice chosen": {fault.New(fault.Invalid, "choose_practice", "which", fault.Problem{Where: "Evisit-Practice"}), "choose_practice", 1},
		"in conflict":        {clinic.ErrChanged, "shape", 1},
		"stale":              {clinic.ErrStale, "shape", 1},
		"nobody answers":     {fault.New(fault.Busy, "try_again", "later"), "shape", 1},
		"broken":             {errors.New("no fault"), "shape", 1},
	} {
		err := clinic.Judge(t.Context(), wrong, func(ctx context.Context) error {
			if !errors.Is(clinic.Refused(ctx), wrong) {
				t.Errorf("%s: the request is not refused", name)
			}
			return tt.err
		})
		if f, ok := fault.Public(err); !ok || f.Code != tt.code || len(f.Problems) != tt.problems {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := clinic.Refused(t.Context()); err != nil {
		t.Errorf("a request of which nothing is wrong: %v", err)
	}
}
