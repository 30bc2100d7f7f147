package membership

import (
	"time"

	"evisit/pkg/civil"
)

// A Year is what one yearly fee pays for: from Start until before End, both in UTC. Which days
// these are is asked with the zone of the practice.
type Year struct {
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`
}

// YearFrom returns the year that begins at an instant: it ends at the same time of the same day of
// the next year in the practice's zone, and one that begins on February 29 on February 28 of a
// common year, because Stripe bills on the last day of a month that is too short (docs.stripe.com,
// billing cycle). It is what an applicant is told before Stripe reports the year itself.
func YearFrom(start time.Time, zone *time.Location) Year {
	local := start.In(zone)
	y, m, d := local.Date()
	if m == time.February && d == 29 {
		d = 28 // the year after a leap year is a common one
	}
	h, minute, s := local.Clock()
	return Year{Start: start.UTC(), End: time.Date(y+1, m, d, h, minute, s, local.Nanosecond(), zone).UTC()}
}

// Days returns the first day of y and the one after its last, in the practice's zone.
func (y Year) Days(zone *time.Location) (first, end civil.Day) {
	return civil.Of(y.Start, zone), civil.Of(y.End, zone)
}

// Text writes the days of y, in the practice's zone: 2 March 2026 to 1 March 2027.
func (y Year) Text(zone *time.Location) string {
	first, end := y.Days(zone)
	return date(first) + " to " + date(end.AddDays(-1))
}

// date writes a day for people: 2 March 2026.
func date(d civil.Day) string { return d.Start(time.UTC).Format("2 January 2006") }
