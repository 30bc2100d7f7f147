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

// A number is shown without an exponent, and is the same number.
func TestValue_DecimalIsShownPlain(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string]string{
		"15.05e1": "150.5", "1E2": "100", "1005E-1": "100.5", "1e-3": "0.001", "-12.50E-3": "-0.0125", "0e5": "0", "-0e1": "0",
		"150.50": "150.50", "-0.0": "-0.0", "2": "2", "no number": "no number",
	} {
		if got := Decimal(literal).Text(); got != want {
			t.Errorf("%s is shown as %s, want %s", literal, got, want)
		}
	}
	literal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?[eE][+-]?[0-9]`)
	rapid.Check(t, func(t *rapid.T) {
		a := literal.Draw(t, "a")
		shown := Decimal(a).Text()
		p, _ := new(big.Rat).SetString(a)
		q, ok := new(big.Rat).SetString(shown)
		if !ok || p.Cmp(q) != 0 || strings.ContainsAny(shown, "eE") {
			t.Fatalf("%s is shown as %s", a, shown)
		}
	})
}
