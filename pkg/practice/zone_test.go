package practice_test

import (
	"testing"
	"time"

	"evisit/pkg/practice"
)

func TestZone_KnownNameIsLoadedOnce(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"America/Chicago": "06:00", "America/Los_Angeles": "04:00", "Pacific/Honolulu": "02:00", "UTC": "12:00",
	} {
		first, err := practice.Zone(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := time.Date(2026, time.January, 2, 12, 0, 0, 0, time.UTC).In(first).Format("15:04"); got != want {
			t.Errorf("noon UTC in %s is %s, want %s", name, got, want)
		}
		if again, err := practice.Zone(name); err != nil || again != first {
			t.Errorf("%s is loaded twice: %v", name, err)
		}
	}
}

func TestZone_AnythingElseIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "Local", " ", "America/Chicago ", " America/Chicago", "America/ Chicago", "America/Chicago\n", "America/Nowhere", "../etc/passwd", "/etc/localtime",
	} {
		if z, err := practice.Zone(name); err == nil {
			t.Errorf("%q is the zone %s", name, z)
		}
	}
}

// A time is told with its year and in the practice's zone, by name, on both sides of
// the change of clocks.
func TestLocal_YearAndZone(t *testing.T) {
	t.Parallel()
	p := practice.Practice{Core: practice.Core{Zone: "America/Los_Angeles"}}
	for at, want := range map[time.Time]string{
		time.Date(2026, time.November, 26, 22, 5, 0, 0, time.UTC): "26 November 2026, 14:05 PST",
		time.Date(2026, time.July, 1, 6, 59, 0, 0, time.UTC):      "30 June 2026, 23:59 PDT",
		time.Date(2027, time.January, 1, 7, 0, 0, 0, time.UTC):    "31 December 2026, 23:00 PST",
	} {
		if got := p.Local(at); got != want {
			t.Errorf("%s is told as %q, want %q", at, got, want)
		}
	}
}
