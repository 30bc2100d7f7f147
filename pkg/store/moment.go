package store

import "time"

// A moment is a time in a row, in milliseconds since the row's own start,
// counted from 1; 0 is the zero time. Most moments take half the space of a
// time.
type moment int64

// A clock converts times to moments since its own time, and back.
type clock time.Time

func (c clock) moment(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	ms := t.UnixMilli() - time.Time(c).UnixMilli()
	if ms >= 0 {
		ms++
	}
	return moment(ms)
}

func (c clock) time(m moment) time.Time {
	if m == 0 {
		return time.Time{}
	}
	if m > 0 {
		m--
	}
	return time.UnixMilli(time.Time(c).UnixMilli() + int64(m)).UTC()
}

// stamped returns the time that an index's sort key begins with (see
// uniqueStamp).
func stamped(i item, name string) time.Time {
	s := text(i, name)
	t, _ := time.Parse(stampLayout, s[:min(len(s), len(stampLayout))])
	return t
}
