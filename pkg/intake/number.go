package intake

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A number is an exact decimal, 0.digits × 10^point. The digits have no zero at
// either end, so that two numbers are compared without arithmetic and a huge
// exponent costs no time.
type number struct {
	negative bool
	digits   string // empty for zero
	point    int
}

// maxPoint bounds the exponent of a decimal that we accept, above and below zero.
const maxPoint = 30

var (
	decimalLiteral = lazily(`^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$`)
	integerLiteral = lazily(`^-?(?:0|[1-9][0-9]*)$`)
)

// lazily compiles an expression when it is first used. Compiled with the package, the
// expressions would take 0.2 ms of the start of every function, most of which read no
// form.
func lazily(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// parseNumber reads a JSON number. It reports false for anything else, and for
// a number of more digits or a larger exponent than any measurement has.
func parseNumber(literal string) (number, bool) {
	if len(literal) > 2*maxPoint {
		return number{}, false
	}
	m := decimalLiteral().FindStringSubmatch(literal)
	if m == nil {
		return number{}, false
	}
	exponent := 0
	if m[4] != "" {
		var err error
		if exponent, err = strconv.Atoi(m[4]); err != nil {
			return number{}, false
		}
	}
	n := number{negative: m[1] == "-", digits: m[2] + m[3], point: len(m[2])}
	trimmed := strings.TrimLeft(n.digits, "0")
	n.point -= len(n.digits) - len(trimmed)
	n.digits = strings.TrimRight(trimmed, "0")
	if n.digits == "" {
		return number{}, true
	}
	if exponent > 2*maxPoint || exponent < -2*maxPoint {
		return number{}, false
	}
	n.point += exponent
	return n, n.point <= maxPoint && n.point >= -maxPoint
}

func integerNumber(i int64) number {
	n, _ := parseNumber(strconv.FormatInt(i, 10))
	return n
}

// compare returns -1, 0 or 1 as n is below, equal to or above o.
func (n number) compare(o number) int {
	if n.digits == "" || o.digits == "" || n.negative != o.negative {
		return cmp.Compare(n.sign(), o.sign())
	}
	c := cmp.Compare(n.point, o.point)
	if c == 0 {
		c = strings.Compare(n.digits, o.digits)
	}
	if n.negative {
		return -c
	}
	return c
}

func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	default:
		return 1
	}
}

// decimals is how many digits the number has after its point, without zeros at the end.
func (n number) decimals() int { return max(0, len(n.digits)-n.point) }

// plain is a JSON number as people write one: 15.05e1, which other engines may send,
// is 150.5. Without an exponent it stays as it is, for its digits say how exact it is.
func plain(literal string) string {
	n, ok := parseNumber(literal)
	if !ok || !strings.ContainsAny(literal, "eE") {
		return literal
	}
	before := max(n.point, 0)
	digits := strings.Repeat("0", max(-n.point, 0)) + n.digits
	digits += strings.Repeat("0", max(before-len(digits), 0))
	whole, part := cmp.Or(digits[:before], "0"), digits[before:]
	if part != "" {
		whole += "." + part
	}
	if n.negative {
		whole = "-" + whole
	}
	return whole
}
