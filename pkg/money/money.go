// Package money represents amounts as integers of a currency's minor unit.
package money

import "fmt"

// Cents is an amount in hundredths of a US dollar, the one currency of every
// practice so far. It is never a fraction and never a float.
type Cents int64

// Max bounds any single amount we quote or post: a hundred thousand dollars.
// Amounts within Max can be summed by the billion without overflow.
const Max Cents = 100_000_00

// String formats the amount for people: $40.00, -$3.05.
func (c Cents) String() string {
	sign, u := "", uint64(c) //nolint:gosec // two's complement is meant: u is negated with the sign
	if c < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s$%d.%02d", sign, u/100, u%100)
}
