// Package npi knows National Provider Identifiers.
package npi

// Valid reports whether s is a National Provider Identifier: ten digits, the
// first 1 or 2, that are right as those of a card number that begins with 80840
// (45 CFR 162.406; ISO/IEC 7812-1, annex B). Those five digits add 24 to the sum.
func Valid(s string) bool {
	if len(s) != 10 || s[0] != '1' && s[0] != '2' {
		return false
	}
	sum := 24
	for i := range len(s) {
		d := int(s[i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}
