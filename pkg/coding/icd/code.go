package icd

import (
	"fmt"
	"strings"
)

// A Code is an ICD-10-CM code as X12 and the CMS file write it: upper case and
// without its point, such as N3000.
type Code string

// maxCode is the length of a code with its seventh character (ICD-10-CM).
const maxCode = 7

// Parse reads a code as people write it: in either case, with its point after the
// third character or without one. It checks the shape alone; a Set says whether
// there is such a code.
func Parse(s string) (Code, error) {
	bare := strings.ToUpper(strings.TrimSpace(s))
	if head, tail, pointed := strings.Cut(bare, "."); pointed {
		if len(head) != 3 || tail == "" {
			return "", fmt.Errorf("%.12q has no ICD-10-CM code's shape: the point follows the third character, as in N30.00", s)
		}
		bare = head + tail
	}
	if !shaped(bare) {
		return "", fmt.Errorf("%.12q has no ICD-10-CM code's shape: a letter, a digit and one to five more letters or digits, as in N30.00", s)
	}
	return Code(bare), nil
}

// ParseBare reads a code as a claim carries it, and refuses one with a point:
// validators of X12's structure let it pass, and payers do not.
func ParseBare(s string) (Code, error) {
	if !shaped(s) {
		return "", fmt.Errorf("%.12q is no ICD-10-CM code as a claim carries it: upper case and no point, as in N3000", s)
	}
	return Code(s), nil
}

func shaped(s string) bool {
	if len(s) < 3 || len(s) > maxCode || s[0] < 'A' || s[0] > 'Z' || s[1] < '0' || s[1] > '9' {
		return false
	}
	for i := 2; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'A' || s[i] > 'Z') {
			return false
		}
	}
	return true
}

// String writes the code with its point, as people read it: N30.00.
func (c Code) String() string {
	if len(c) <= 3 {
		return string(c)
	}
	return string(c[:3]) + "." + string(c[3:])
}
