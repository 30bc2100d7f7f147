package membership_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/membership"
	"evisit/pkg/money"
)

func TestRefundFor(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 20, 0, 0, 0, zone) }
	rule := func(full int, later membership.Later) func(*membership.Terms) {
		return func(t *membership.Terms) { t.Refund = membership.RefundRule{Full: full, Later: later} }
	}
	const days14 = "It is at most 14 days after the first day of the year, and no included visit was used in it, so all that you paid for it is refunded: $450.00."
	for _, test := range []struct {
		name   string
		change func(*membership.Terms)
		why    membership.Why
		used   int
		now    time.Time
		amount money.Cents
		basis  membership.Basis
		text   string
	}{
		{"on the first day", rule(14, membership.ByMonths), membership.Cancelled, 0, at(3, 2), 450_00, membership.InFull, days14},
		{"on the fourteenth after it", rule(14, membership.ByMonths), membership.Cancelled, 0, at(3, 16), 450_00, membership.InFull, days14},
		{
			"on the fifteenth", rule(14, membership.ByMonths), membership.Cancelled, 0, at(3, 17),
			412_50, membership.UnusedMonths,
			"Of the 12 months of the year 11 months have not begun; a month that has begun counts as used. Of $450.00 a year, $412.50 is refunded.",
		},
		{"on the first, after a visit", rule(14, membership.ByMonths), membership.Cancelled, 1, at(3, 2), 412_50, membership.UnusedMonths, ""},
		{"on the last day of a month", rule(0, membership.ByMonths), membership.Cancelled, 0, at(4, 1), 412_50, membership.UnusedMonths, ""},
		{"on the first of the next", rule(0, membership.ByMonths), membership.Cancelled, 0, at(4, 2), 375_00, membership.UnusedMonths, ""},
		{"in the last but one", rule(0, membership.ByMonths), membership.Cancelled, 0, at(14, 1), 37_50, membership.UnusedMonths, "Of the 12 months of the year 1 month has not begun; a month that has begun counts as used. Of $450.00 a year, $37.50 is refunded."},
		{"in the last", rule(0, membership.ByMonths), membership.Cancelled, 0, at(14, 2), 0, membership.UnusedMonths, ""},
		{
			"by days", rule(0, membership.ByDays), membership.Cancelled, 0, at(9, 1), 224_39, membership.UnusedDays, // 450 × 182 ÷ 365 = 224.384
			"The days that are left are refunded. $450.00 a year, of which 182 of 365 days are left: $224.39.",
		},
		{"by days, the first", rule(0, membership.ByDays), membership.Cancelled, 5, at(3, 2), 450_00, membership.UnusedDays, ""},
		{"by days, the last", rule(0, membership.ByDays), membership.Cancelled, 0, at(15, 1), 1_24, membership.UnusedDays, ""}, // 450 ÷ 365 = 1.232
		{"never", rule(0, membership.None), membership.Cancelled, 0, at(3, 2), 0, membership.NotRefunded, ""},
		{"never, but the practice ends it", rule(0, membership.None), membership.ByPractice, 9, at(9, 1), 224_39, membership.UnusedDays, ""},
		// 29 days of 365 are left, and one month of 12, the 28 days of February, has not begun.
		{"the practice, by what is more", rule(0, membership.ByMonths), membership.ByPractice, 0, time.Date(2027, 2, 1, 12, 0, 0, 0, zone), 37_50, membership.UnusedMonths, ""},
		{"the year is over", rule(14, membership.ByMonths), membership.Cancelled, 0, yearEnd, 0, membership.NothingPaid, ""},
	} {
		terms := annual()
		test.change(&terms)
		r := active(t, terms).RefundFor(test.why, test.used, zone, test.now)
		if r.Amount != test.amount || r.Basis != test.basis || test.text != "" && r.Text != test.text || r.Text == "" {
			t.Errorf("%s: %+v, want %s %s %s", test.name, r, test.amount, test.basis, test.text)
		}
	}
	if r := enrolled(t, annual()).RefundFor(membership.Cancelled, 0, zone, noon); r.Amount != 0 || r.Basis != membership.NothingPaid {
		t.Errorf("not paid: %+v", r)
	}
	discounted := observe(t, active(t, annual()), standing(noon.Add(time.Hour), "active", 100_00))
	if r := discounted.RefundFor(membership.Cancelled, 1, zone, noon.Add(time.Hour)); r.Amount != 100_00 || r.Basis != membership.LessWasPaid {
		t.Errorf("less was paid: %+v", r)
	}
}

// The months of a year that begins on the last day of a month begin on the last days of months.
func TestRefundFor_MonthsOfALeapYear(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	start := time.Date(2027, time.August, 31, 12, 0, 0, 0, zone)
	m := enrolled(t, annual(), "parent")
	m = observe(t, m, membership.Standing{At: start, Status: "active", Year: membership.Year{Start: start, End: start.AddDate(1, 0, 0)}, Paid: 350_00})
	for _, test := range []struct {
		day  string
		want money.Cents
	}{
		{"2027-09-29", 320_84}, // 11 months: 320.833
		{"2027-09-30", 291_67}, // 10: 291.666
		{"2028-02-28", 175_00}, // 6
		{"2028-02-29", 145_84}, // 5: 145.833
		{"2028-03-30", 145_84},
		{"2028-03-31", 116_67}, // 4: 116.666
		{"2028-08-30", 0},
	} {
		now, err := time.ParseInLocation(time.DateOnly, test.day, zone)
		if err != nil {
			t.Fatal(err)
		}
		if r := m.RefundFor(membership.Cancelled, 1, zone, now); r.Amount != test.want {
			t.Errorf("on %s: %s, want %s", test.day, r.Amount, test.want)
		}
	}
}

// Whatever is paid, refunded by hand and decided, no refund is above what was paid less what was
// refunded, and nothing is decided twice.
func TestRefund_NeverAboveWhatWasPaid(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	rapid.Check(t, func(t *rapid.T) {
		terms := annual()
		terms.Refund = membership.RefundRule{Full: rapid.IntRange(0, 60).Draw(t, "full"), Later: rapid.SampledFrom(membership.Laters).Draw(t, "later")}
		paid := money.Cents(rapid.IntRange(0, 600_00).Draw(t, "paid"))
		status := rapid.SampledFrom([]string{"active", "past_due"}).Draw(t, "status")
		s := standing(noon, status, paid)
		s.Refunded = money.Cents(rapid.IntRange(0, int(paid)).Draw(t, "refunded"))
		m := observe(t, enrolled(t, terms), s)
		now := noon.Add(time.Duration(rapid.IntRange(0, 370*24).Draw(t, "hours")) * time.Hour)
		m = m.CoverageChanged("child", membership.Medicare{PartB: "yes"})
		if rapid.Bool().Draw(t, "the child leaves") {
			next, err := m.Resolve("child", zone, now)
			if err != nil {
				t.Fatal(err)
			}
			m = next
		}
		within(t, m)
		before := m.Owed()
		used, why := rapid.IntRange(0, 2).Draw(t, "used"), rapid.SampledFrom([]membership.Why{membership.Cancelled, membership.ByPractice}).Draw(t, "why")
		quoted := m.RefundFor(why, used, zone, now)
		ended, err := m.EndNow(why, used, zone, now)
		if err != nil || ended.Owed() != before+quoted.Amount || quoted.Amount < 0 || quoted.Text == "" {
			t.Errorf("quoted %+v, owed %s after %s, %v", quoted, ended.Owed(), before, err)
		}
		within(t, ended)
		owed := ended.Owed()
		// Somebody refunds by hand, a part or all or more, before Stripe is asked.
		s = ended.Standing
		s.At = s.At.Add(time.Hour)
		hand := money.Cents(rapid.IntRange(0, int(s.Paid-s.Refunded)).Draw(t, "by hand"))
		s.Refunded += hand
		after := observe(t, ended, s)
		within(t, after)
		if want := max(owed-hand, 0); after.Owed() != want {
			t.Errorf("owed %s, and %s was refunded by hand: %s, want %s", owed, hand, after.Owed(), want)
		}
	})
}

func within(t *rapid.T, m membership.Membership) {
	t.Helper()
	if owed := m.Owed(); owed < 0 || owed > m.Standing.Paid-m.Standing.Refunded {
		t.Errorf("paid %s, refunded %s, owed %s", m.Standing.Paid, m.Standing.Refunded, owed)
	}
}
