package clinic_test

import (
	"errors"
	"fmt"
	"testing"

	"evisit/pkg/clinic"
)

// A step is taken again only while someone else changed what it read, and not for ever.
func TestRetry_WhileChanged(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	changed := fmt.Errorf("committing: %w", clinic.ErrChanged)
	for _, c := range []struct {
		name    string
		answers []error // the last one is given from then on
		steps   int
		want    error
	}{
		{"done at once", []error{nil}, 1, nil},
		{"done after changes", []error{changed, changed, nil}, 3, nil},
		{"refused otherwise", []error{changed, other}, 2, other},
		{"changed every time", []error{changed}, 6, clinic.ErrChanged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			steps := 0
			got, err := clinic.Retry(func() (int, error) {
				answer := c.answers[min(steps, len(c.answers)-1)]
				steps++
				return steps, answer
			})
			if got != c.steps || steps != c.steps || !errors.Is(err, c.want) {
				t.Errorf("%d steps, returned %d, %v; want %d, %v", steps, got, err, c.steps, c.want)
			}
		})
	}
}
