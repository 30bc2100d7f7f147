package membership_test

import (
	"testing"
	"time"

	"evisit/pkg/membership"
)

func TestYearFrom(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	for _, test := range []struct{ name, start, end, text string }{
		{"a common year", "2026-03-02T17:00:00Z", "2027-03-02T17:00:00Z", "2 March 2026 to 1 March 2027"},
		{"over a leap day", "2027-03-02T17:00:00Z", "2028-03-02T17:00:00Z", "2 March 2027 to 1 March 2028"},
		{"from a leap day", "2028-02-29T17:00:00Z", "2029-02-28T17:00:00Z", "29 February 2028 to 27 February 2029"},
		{"from a leap day there alone", "2028-03-01T04:59:59Z", "2029-03-01T04:59:59Z", "29 February 2028 to 27 February 2029"},
		{"to before a leap day", "2027-02-28T17:00:00Z", "2028-02-28T17:00:00Z", "28 February 2027 to 27 February 2028"},
		{"late in the evening", "2026-01-01T04:30:00Z", "2027-01-01T04:30:00Z", "31 December 2025 to 30 December 2026"},
		// The clocks change on 8 March 2026 and on 14 March 2027.
		{"over other clocks", "2026-03-10T16:00:00Z", "2027-03-10T17:00:00Z", "10 March 2026 to 9 March 2027"},
	} {
		start, err := time.Parse(time.RFC3339, test.start)
		if err != nil {
			t.Fatal(err)
		}
		y := membership.YearFrom(start.In(zone), zone)
		if got := y.End.Format(time.RFC3339); got != test.end || y.Start.Format(time.RFC3339) != test.start || y.Text(zone) != test.text {
			t.Errorf("%s: %s to %s, %q; want the end %s, %q", test.name, y.Start, got, y.Text(zone), test.end, test.text)
		}
	}
}
