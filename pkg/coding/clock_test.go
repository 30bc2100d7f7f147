package coding_test

import (
	"sync"
	"testing"
	"time"

	"evisit/pkg/civil"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func day(s string) civil.Day {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

var portland = sync.OnceValue(func() *time.Location {
	z, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic(err)
	}
	return z
})

// at is a time of the practice, which is in Portland, Oregon.
func at(s string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, s, portland())
	if err != nil {
		panic(err)
	}
	return t
}
