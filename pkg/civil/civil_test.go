package civil_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/civil"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func day(t *testing.T, s string) civil.Day {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The same instant falls on the day of whose zone is asked.
func TestOf_DayOfTheZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 15, 4, 59, 59, 0, time.UTC)
	for name, want := range map[string]string{"UTC": "2026-01-15", "America/New_York": "2026-01-14", "America/Los_Angeles": "2026-01-14", "Asia/Tokyo": "2026-01-15"} {
		if got := civil.Of(at, zone(t, name)).String(); got != want {
			t.Errorf("in %s: %s, want %s", name, got, want)
		}
	}
	if got := civil.Of(at.Add(time.Second), zone(t, "America/New_York")).String(); got != "2026-01-15" {
		t.Errorf("at midnight in New York: %s", got)
	}
	if !civil.Of(time.Time{}, time.UTC).IsZero() {
		t.Error("the zero time falls on a day")
	}
}

func TestDay_Start(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, day, want string }{
		{"America/New_York", "2026-01-14", "2026-01-14T00:00:00-05:00"},
		{"America/New_York", "2026-07-14", "2026-07-14T00:00:00-04:00"},
		{"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00"}, // midnight is skipped
	} {
		if got := day(t, c.day).Start(zone(t, c.zone)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s starts at %s, want %s", c.day, c.zone, got, c.want)
		}
	}
}

func TestDay_Arithmetic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		got  civil.Day
		want string
	}{
		{"a day over a leap February", day(t, "2024-02-28").AddDays(1), "2024-02-29"},
		{"a week over a year's end", day(t, "2025-12-28").AddDays(7), "2026-01-04"},
		{"back", day(t, "2026-01-01").AddDays(-1), "2025-12-31"},
		{"twelve months", day(t, "2025-01-14").AddMonths(12), "2026-01-14"},
		{"three years from a leap day", day(t, "2024-02-29").AddMonths(36), "2027-03-01"},
		{"no day", civil.Day{}.AddDays(3), ""},
		{"beyond the calendar", day(t, "9999-12-31").AddDays(1), ""},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
	if n := day(t, "2026-03-09").Since(day(t, "2026-03-07")); n != 2 {
		t.Errorf("over the change of the clocks: %d days", n)
	}
}

func TestDay_Within(t *testing.T) {
	t.Parallel()
	first, last := day(t, "2026-01-01"), day(t, "2026-12-31")
	for s, want := range map[string]bool{"2025-12-31": false, "2026-01-01": true, "2026-12-31": true, "2027-01-01": false} {
		if got := day(t, s).Within(first, last); got != want {
			t.Errorf("%s within 2026: %t", s, got)
		}
	}
	if !day(t, "2099-01-01").Within(first, civil.Day{}) {
		t.Error("a zero last ends")
	}
}

func TestDay_YearsSince(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		born, on string
		want     int
	}{
		{"1985-04-12", "2026-04-11", 40},
		{"1985-04-12", "2026-04-12", 41},
		{"2024-02-29", "2025-02-28", 0},
		{"2024-02-29", "2025-03-01", 1},
		{"2026-01-14", "2026-01-14", 0},
		{"2026-01-14", "2026-01-13", -1},
	} {
		if got := day(t, c.on).YearsSince(day(t, c.born)); got != c.want {
			t.Errorf("born %s, on %s: %d, want %d", c.born, c.on, got, c.want)
		}
	}
}

func TestParse_Refusals(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "2026-02-29", "2026-1-4", "14.01.2026", "0000-01-01", "2026-01-14T00:00", "+2026-01-14", "10000-01-01"} {
		if d, err := civil.Parse(s); err == nil {
			t.Errorf("%q is read as %s", s, d)
		}
	}
}

// A day is read as it is written, and days compare as their texts do.
func TestDay_TextRoundTripsAndSorts(t *testing.T) {
	t.Parallel()
	draw := rapid.Custom(func(t *rapid.T) civil.Day {
		return civil.Date(rapid.IntRange(1, 9998).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 31).Draw(t, "day"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		text, err := json.Marshal([]civil.Day{a, {}})
		if err != nil {
			t.Fatal(err)
		}
		var back []civil.Day
		if err := json.Unmarshal(text, &back); err != nil || back[0] != a || !back[1].IsZero() {
			t.Fatalf("%s is read as %v (%v)", text, back, err)
		}
		if a.Before(b) != (a.String() < b.String()) {
			t.Fatalf("%s and %s compare otherwise than their texts", a, b)
		}
		if got := a.AddDays(b.Since(a)); got != b {
			t.Fatalf("%s and %d days is %s, want %s", a, b.Since(a), got, b)
		}
	})
}
