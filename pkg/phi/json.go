package phi

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Whole reports whether the text in a JSON value is decoded as it was written. It is
// not where bytes are no UTF-8, or where an escape names half of a character, such as
// \ud800 alone: the standard decoder puts U+FFFD there and says nothing, so that what
// a person wrote would be kept altered. It says nothing of what is not JSON.
func Whole(json []byte) bool {
	if !utf8.Valid(json) {
		return false
	}
	for i := 0; i < len(json); i++ {
		if json[i] != '\\' {
			continue
		}
		first := escaped(json[i:])
		switch i++; { // past what is escaped, which may be a backslash
		case !utf16.IsSurrogate(first):
		case utf16.DecodeRune(first, escaped(json[min(i+len("uXXXX"), len(json)):])) == utf8.RuneError:
			return false
		default:
			i += len(`\uXXXX`)
		}
	}
	return true
}

// escaped is the UTF-16 unit that JSON's escape at the beginning of b names; 0 where
// there is none.
func escaped(b []byte) rune {
	const length = len(`\uXXXX`)
	if len(b) < length || b[0] != '\\' || b[1] != 'u' {
		return 0
	}
	unit, _ := strconv.ParseUint(string(b[len(`\u`):length]), 16, 16)
	return rune(unit)
}
