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

// LastDay writes the last day of y, in the practice's zone: 1 March 2027.
func (y Year) LastDay(zone *time.Location) string {
	_, end := y.Days(zone)
	return date(end.AddDays(-1))
}

// left returns how many of y's days are left on a day, itself included, and how many it has.
func (y Year) left(on civil.Day, zone *time.Location) (left, of int) {
	first, end := y.Days(zone)
	of = end.Since(first)
	return min(max(end.Since(on), 0), of), of
}

// months returns how many of y's twelve months have not begun on a day. The months begin on the
// day of the month on which y does, or on the last day of one that is too short.
func (y Year) months(on civil.Day, zone *time.Location) int {
	first, _ := y.Days(zone)
	begun := 0
	for begun < 12 && !monthsLater(first, begun).After(on) {
		begun++
	}
	return 12 - begun
}

// monthsLater returns the same day of the month n months after d, or the last day of that month.
func monthsLater(d civil.Day, n int) civil.Day {
	later := d.AddMonths(n)
	y, m, day := d.Start(time.UTC).Date()
	if later.Start(time.UTC).Day() == day {
		return later
	}
	return civil.Date(y, m+time.Month(n)+1, 0) // day 0 is the last of the month before
}

// date writes a day for people: 2 March 2026.
func date(d civil.Day) string { return d.Start(time.UTC).Format("2 January 2006") }

// dated writes the day of an instant for people, in the practice's zone.
func dated(t time.Time, zone *time.Location) string { return date(civil.Of(t, zone)) }
