//go:build race

package clinic_test

// The race detector makes everything several times slower, and looks for what
// a part of it shows as well.
const (
	every = 30 // of the calls that journeys make is lost in turn
	lives = "4"
)
