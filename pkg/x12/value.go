package x12

import (
	"strconv"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/money"
)

// MaxAmount bounds an amount to ten digits, cents included (TR3 005010X222A1
// and X221A1, section B.1.1.3.1.2 and the notes on element 782).
const MaxAmount money.Cents = 99_999_999_99

// AppendAmount appends a decimal number as X12.6 §3.3.1.3 writes it: no zero
// before or after what counts, so that 5.70 is 5.7, 0.50 is .5 and none is 0.
func AppendAmount(b []byte, c money.Cents) []byte {
	if c < 0 {
		b = append(b, '-')
		c = -c
	}
	const digits = "0123456789"
	whole, cents := c/100, c%100
	if whole > 0 || cents == 0 {
		b = strconv.AppendInt(b, int64(whole), 10)
	}
	if cents == 0 {
		return b
	}
	b = append(b, '.', digits[cents/10])
	if cents%10 > 0 {
		b = append(b, digits[cents%10])
	}
	return b
}

// ParseAmount reads a decimal number of at most MaxAmount. Zeros that do not
// count are accepted, fractions of a cent are not. It reports whether s is one.
func ParseAmount(s string) (money.Cents, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	for len(fraction) > 2 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if len(whole)+len(fraction) == 0 || len(whole) > 18 || len(fraction) > 2 {
		return 0, false
	}
	w, ok1 := number(whole)
	f, ok2 := number(fraction)
	if len(fraction) == 1 {
		f *= 10
	}
	c := money.Cents(w)*100 + money.Cents(f)
	if !ok1 || !ok2 || w > int(MaxAmount) || c > MaxAmount {
		return 0, false
	}
	if negative {
		c = -c
	}
	return c, true
}

// number is the value of a run of digits of at most 18, and none is 0.
func number(s string) (n int, ok bool) {
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int(d)
	}
	return n, len(s) <= 18
}

// ParseDay reads CCYYMMDD (qualifier D8), and reports whether s is a day of the
// calendar.
func ParseDay(s string) (civil.Day, bool) {
	n, ok := number(s)
	y, m, d := n/10000, time.Month(n/100%100), n%100
	if !ok || len(s) != 8 || y < 1 || m < 1 || m > 12 || d < 1 || d > 28 && time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Day() != d {
		return civil.Day{}, false
	}
	return civil.Date(y, m, d), true
}

// DayText is CCYYMMDD, and "" of no day.
func DayText(d civil.Day) string { return strings.ReplaceAll(d.String(), "-", "") }

// ParseTime reads a day, CCYYMMDD or YYMMDD of this century, and a time of it,
// HHMM with or without seconds and their decimals, which are dropped.
func ParseTime(day, clock string) (time.Time, bool) {
	if len(day) == 6 {
		day = "20" + day
	}
	d, ok := ParseDay(day)
	if len(clock) < 4 || len(clock) > 8 || !ok {
		return time.Time{}, false
	}
	_, ok = number(clock)
	hour, minute := int(clock[0]-'0')*10+int(clock[1]-'0'), int(clock[2]-'0')*10+int(clock[3]-'0')
	if !ok || hour > 23 || minute > 59 {
		return time.Time{}, false
	}
	return d.Start(time.UTC).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute), true
}

// Carries reports whether X12 can carry s: printable ASCII, which is the basic
// and the extended character set (TR3 section B.1.1.2.2 and 3), without the
// Standard separators, and without a space at its begin or end.
func Carries(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || separates(s[i]) {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

func separates(b byte) bool { return b == '*' || b == '^' || b == ':' || b == '~' }
