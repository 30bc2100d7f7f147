// Package civil counts in days of the calendar, which have no time and no zone:
// dates of service, days on which a code is valid, days that a payer allows.
// Which day an instant falls on is asked with the zone of whose day it is.
package civil

import (
	"fmt"
	"time"
)

// A Day is a day of the calendar. The zero Day is no day: it is before every
// other, and its text is empty.
type Day struct {
	n int32 // 1 on January 1 of the year 1
}

const (
	unix1970 = 719163 // the n of 1970-01-01
	maxYear  = 9999
)

// Of returns the day that t falls on in zone. The zero time falls on no day.
func Of(t time.Time, zone *time.Location) Day {
	if t.IsZero() {
		return Day{}
	}
	return Date(t.In(zone).Date())
}

// Date returns the day of a year, month and day of the month, which time.Date
// normalizes: February 29 of a common year is March 1. It returns no day outside
// the years 1 to 9999.
func Date(year int, month time.Month, day int) Day {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if t.Year() < 1 || t.Year() > maxYear {
		return Day{}
	}
	return Day{int32(t.Unix()/(24*60*60)) + unix1970} //nolint:gosec // four digits of a year fit
}

// Parse reads a day as ISO 8601 writes it: 2026-01-14.
func Parse(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return Day{}, fmt.Errorf("%q is no day such as 2026-01-14", s)
	}
	return Date(t.Date()), nil
}

// IsZero reports whether d is no day.
func (d Day) IsZero() bool { return d.n == 0 }

// Start returns the first instant of d in zone. Where the clocks skip midnight
// it is the instant to which they skip.
func (d Day) Start(zone *time.Location) time.Time {
	y, m, day := d.utc().Date()
	t := time.Date(y, m, day, 0, 0, 0, 0, zone)
	if Of(t, zone).Before(d) { // time.Date took the hour before the gap
		t = t.Add(time.Hour)
	}
	return t
}

// Before reports whether d is an earlier day than e.
func (d Day) Before(e Day) bool { return d.n < e.n }

// After reports whether d is a later day than e.
func (d Day) After(e Day) bool { return d.n > e.n }

// Equal reports whether d and e are the same day, as == does. Comparisons of whole records
// find it by this name.
func (d Day) Equal(e Day) bool { return d == e }

// Compare returns a negative number, 0 or a positive one: d is before, is, or is after e.
func (d Day) Compare(e Day) int { return int(d.n) - int(e.n) }

// Within reports whether d is from first to last, both included. A zero last has
// no end.
func (d Day) Within(first, last Day) bool {
	return !d.Before(first) && (last.IsZero() || !d.After(last))
}

// AddDays returns the day that is n days after d. No day stays no day.
func (d Day) AddDays(n int) Day {
	if d.IsZero() {
		return d
	}
	return Date(d.utc().AddDate(0, 0, n).Date())
}

// AddMonths returns the same day of the month n months after d; where that month
// is too short it is as many days into the next one: a month after January 31 is
// March 3, or March 2 in a leap year. No day stays no day.
func (d Day) AddMonths(n int) Day {
	if d.IsZero() {
		return d
	}
	return Date(d.utc().AddDate(0, n, 0).Date())
}

// Since returns the number of days from e to d; it is negative if d is earlier.
func (d Day) Since(e Day) int { return int(d.n) - int(e.n) }

// YearsSince returns the completed years from e to d, as an age is counted: a child
// born on February 29 is a year older on March 1 of a common year.
func (d Day) YearsSince(e Day) int {
	y, m, day := d.utc().Date()
	ey, em, eday := e.utc().Date()
	if m < em || m == em && day < eday {
		y--
	}
	return y - ey
}

// Weekday returns the day of the week.
func (d Day) Weekday() time.Weekday { return d.utc().Weekday() }

// String writes d as ISO 8601 does, and nothing for no day.
func (d Day) String() string {
	if d.IsZero() {
		return ""
	}
	return d.utc().Format(time.DateOnly)
}

// MarshalText writes d as String does.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes; empty text is no day.
func (d *Day) UnmarshalText(text []byte) error {
	*d = Day{}
	if len(text) == 0 {
		return nil
	}
	read, err := Parse(string(text))
	if err == nil {
		*d = read
	}
	return err
}

func (d Day) utc() time.Time {
	return time.Unix(int64(d.n-unix1970)*24*60*60, 0).UTC()
}
