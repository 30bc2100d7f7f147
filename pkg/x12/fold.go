package x12

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold writes s as far as X12 can carry it: in capitals, letters without their
// accents, Æ as AE, typographic quotes and dashes as the plain ones, and without
// separators, symbols such as emoji, control characters and needless spaces. A
// letter that has no such form, as of another script, stays, and Carries then
// refuses it. Fold reports whether it changed more than case and spaces.
func Fold(s string) (folded string, changed bool) {
	upper := strings.ToUpper(strings.TrimSpace(s))
	if Carries(upper) && !strings.Contains(upper, "  ") {
		return upper, false
	}
	plain := strings.Map(foldRune, replacer.Replace(strings.ToUpper(norm.NFKD.String(upper))))
	folded = strings.Join(strings.Fields(plain), " ")
	return folded, folded != strings.Join(strings.Fields(upper), " ")
}

// replacer has the letters and marks that Unicode does not take apart.
var replacer = strings.NewReplacer("Æ", "AE", "Œ", "OE", "ß", "SS", "ẞ", "SS", "Ø", "O", "Ł", "L", "Đ", "D", "Ð", "D", "Þ", "TH",
	"ı", "I", "‘", "'", "’", "'", "ʼ", "'", "“", `"`, "”", `"`, "–", "-", "—", "-")

// foldRune drops what has no place in a value, as a space if it parts words.
func foldRune(r rune) rune {
	switch {
	case strings.ContainsRune("*^:~", r), unicode.IsSpace(r), unicode.IsControl(r):
		return ' '
	case r > unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r):
		return -1
	}
	return r
}
