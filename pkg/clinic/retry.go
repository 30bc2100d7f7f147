package clinic

import "errors"

// Retry takes a step until it is not refused because someone else changed what it read, at
// most six times; ErrChanged after that.
func Retry[T any](step func() (T, error)) (T, error) {
	for n := 1; ; n++ {
		t, err := step()
		if !errors.Is(err, ErrChanged) || n == attempts {
			return t, err
		}
	}
}
