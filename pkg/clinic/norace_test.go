//go:build !race

package clinic_test

const (
	every = 9 // of the calls that journeys make is lost in turn
	lives = "20"
)
