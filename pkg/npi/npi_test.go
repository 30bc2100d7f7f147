package npi_test

import (
	"testing"

	"evisit/pkg/npi"
)

func TestNPI_CheckDigit(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"1234567893": true, "1245319599": true, "2000000002": true,
		"": false, "123456789": false, "12345678930": false, "1234567890": false, "12345678A3": false,
		"3000000000": false, "123456789٣": false, "-234567893": false,
	} {
		if npi.Valid(s) != want {
			t.Errorf("Valid(%q) is %t", s, !want)
		}
	}
}

// One wrong digit, and two neighbours changed about except 0 and 9, are found: that is
// what a check digit is for.
func TestNPI_SlipsAreFound(t *testing.T) {
	t.Parallel()
	const right = "1245319599"
	for i := range right {
		for d := '0'; d <= '9'; d++ {
			if s := right[:i] + string(d) + right[i+1:]; s != right && npi.Valid(s) {
				t.Errorf("%s passes for %s", s, right)
			}
		}
		if i == 0 || right[i] == right[i-1] || right[i-1:i+1] == "90" || right[i-1:i+1] == "09" {
			continue
		}
		if s := right[:i-1] + right[i:i+1] + right[i-1:i] + right[i+1:]; npi.Valid(s) {
			t.Errorf("%s passes for %s", s, right)
		}
	}
}
