//go:build !race

package clinic_test

const (
	every = 1 // of the calls that journeys make is lost in turn
	lives = "20"
)
