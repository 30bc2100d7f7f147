package clinic_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"evisit/pkg/clinic"
)

// Every leaf between two positions is yielded once, in order, whatever the size of a page
// and if the log has fewer; an error is yielded after the leaves before it.
func TestLeaves_InPages(t *testing.T) {
	t.Parallel()
	log := []string{"b", "c", "d", "e", "f"}
	broken := errors.New("broken")
	read := func(_ context.Context, practice, after, through string, limit int) ([]clinic.Leaf, error) {
		if practice != "p" {
			return nil, broken
		}
		if after >= "d" && through > "x" {
			return nil, broken
		}
		var page []clinic.Leaf
		for _, at := range log {
			if at > after && at <= through && len(page) < limit {
				page = append(page, clinic.Leaf{Position: at})
			}
		}
		return page, nil
	}
	for _, c := range []struct {
		name, after, through string
		page                 int
		want                 []string
		err                  error
	}{
		{"one page", "", "f", 10, log, nil},
		{"pages that end with the log", "", "e", 2, []string{"b", "c", "d", "e"}, nil},
		{"pages of one", "b", "e", 1, []string{"c", "d", "e"}, nil},
		{"the log ends before", "d", "x", 2, []string{"e", "f"}, nil},
		{"nothing after", "f", "f", 2, nil, nil},
		{"a page fails", "", "z", 3, []string{"b", "c", "d"}, broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			var failed error
			for l, err := range clinic.LogReader(read).Leaves(t.Context(), "p", c.after, c.through, c.page) {
				if failed = err; err == nil {
					got = append(got, l.Position)
				}
			}
			if !slices.Equal(got, c.want) || !errors.Is(failed, c.err) {
				t.Errorf("yields %v, %v; want %v, %v", got, failed, c.want, c.err)
			}
		})
	}
}
