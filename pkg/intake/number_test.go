package intake

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Numbers compare as the fractions that their literals write.
func TestNumber_CompareAsFractions(t *testing.T) {
	t.Parallel()
	literal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?([eE][+-]?[0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := literal.Draw(t, "a"), literal.Draw(t, "b")
		x, okX := parseNumber(a)
		y, okY := parseNumber(b)
		p, _ := new(big.Rat).SetString(a)
		q, _ := new(big.Rat).SetString(b)
		if zero, _ := parseNumber("0"); x.compare(zero) != p.Sign() {
			t.Fatalf("%s against 0: %d", a, x.compare(zero))
		}
		if !okX || !okY || x.compare(y) != p.Cmp(q) {
			t.Fatalf("%s against %s: %d, want %d", a, b, x.compare(y), p.Cmp(q))
		}
	})
}

func TestParseNumber_RefusesAndAccepts(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "-", "+1", "01", ".5", "1.", "1e", "0x10", "NaN", "Infinity", "1_000", " 1",
		"1e31", "1e-32", "1e999999999999999999999", strings.Repeat("9", 61),
	} {
		if _, ok := parseNumber(s); ok {
			t.Errorf("%q is a number", s)
		}
	}
	for _, s := range []string{"0", "-0.0", "0e5", "1e29", "0.001", "-12.50E-3"} {
		if _, ok := parseNumber(s); !ok {
			t.Errorf("%q is not a number", s)
		}
	}
}
