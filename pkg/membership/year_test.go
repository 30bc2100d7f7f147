package membership_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/membership"
	"evisit/pkg/money"
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

// What is charged for the rest of a year is exactly that part of the price, rounded down to a cent;
// what is refunded for it, rounded up. The days before and after add up to the price, wherever the
// year is cut.
func TestPart_Exact(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	rapid.Check(t, func(t *rapid.T) {
		terms := annual()
		terms.Price = money.Cents(rapid.IntRange(100, 5_000_00).Draw(t, "price"))
		terms.PerMember = money.Cents(rapid.IntRange(0, 5_000_00).Draw(t, "per member"))
		terms.Refund = membership.RefundRule{Later: membership.ByDays}
		start := noon.AddDate(0, 0, rapid.IntRange(0, 1500).Draw(t, "start"))
		m := enrolled(t, terms, "parent")
		year := membership.Year{Start: start, End: start.AddDate(1, 0, 0)}
		m = observe(t, m, membership.Standing{At: start, Status: "active", Year: year, Paid: terms.Price})

		var last membership.Part
		var between money.Cents
		now := start
		for n := 0; now.Before(year.End) && n < 20; n++ {
			_, part, err := m.Add(membership.Applicant{Patient: "child", Medicare: noMedicare}, zone, now)
			if err != nil {
				t.Fatal(err)
			}
			first, end := year.Days(zone)
			today := civil.Of(now, zone)
			if part.Left != end.Since(today) || part.Of != end.Since(first) || part.Price != terms.PerMember {
				t.Errorf("on %s of %s: %+v", today, year.Text(zone), part)
			}
			exact := part.Price * money.Cents(part.Left)
			if whole := part.Amount * money.Cents(part.Of); whole > exact || whole+money.Cents(part.Of) <= exact {
				t.Errorf("%+v is not rounded down", part)
			}
			back := m.RefundFor(membership.Cancelled, 1, zone, now).Amount * money.Cents(part.Of)
			if exact := terms.Price * money.Cents(part.Left); back < exact || back-money.Cents(part.Of) >= exact {
				t.Errorf("of %s for %d of %d days, the refund is not rounded up: %s", terms.Price, part.Left, part.Of, back)
			}
			if n == 0 && part.Amount != part.Price {
				t.Errorf("the first day costs %+v", part)
			}
			if n > 0 {
				between += last.Amount - part.Amount
			}
			last = part
			now = now.AddDate(0, 0, rapid.IntRange(1, 60).Draw(t, "days"))
		}
		if between+last.Amount != terms.PerMember {
			t.Errorf("the pieces add up to %s, want %s", between+last.Amount, terms.PerMember)
		}
	})
}
