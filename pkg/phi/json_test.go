package phi_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"evisit/pkg/phi"
)

func TestWhole_TextIsKeptOrRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`"naïve 😀"`:             true,
		`"\ud83d\ude00"`:        true,
		`"\uD83D\uDE00 \u00e9"`: true,
		`"\ufffd"`:              true, // written so, and kept so
		`"\\ud800"`:             true, // a backslash and five letters
		`"\\\ud800"`:            false,
		`"\ud800"`:              false,
		`"\ud800\ud800"`:        false,
		`"\ude00\ud83d"`:        false,
		`"\ud83dx\ude00"`:       false,
		`"\ud83d\\ude00"`:       false,
		`"\ud83d\n"`:            false,
		`{"\udfff":1}`:          false,
		"\"na\xefve\"":          false,
		"\"\xed\xa0\xbd\"":      false, // half a character as bytes
		"\"\xc0\xaf\"":          false, // one byte more than it needs
	} {
		if got := phi.Whole([]byte(text)); got != want {
			t.Errorf("%s is whole: %t, want %t", text, got, want)
		}
	}
	for _, cut := range []string{``, `\`, `"\u`, `"\ud8`, `"\ud83d`, `"\ud83d\`, `"\ud83d\ud`} {
		phi.Whole([]byte(cut)) // no JSON, and no end of the program
	}
}

// What is whole decodes without a replacement that was not written.
func FuzzWhole_AgreesWithDecoding(f *testing.F) {
	f.Add(`"\ud83d\ude00"`)
	f.Add(`"\ud83d\\ude00"`)
	f.Fuzz(func(t *testing.T, text string) {
		var s string
		if json.Unmarshal([]byte(text), &s) != nil {
			return
		}
		written := strings.ContainsRune(text, utf8.RuneError) || strings.Contains(strings.ToLower(text), `\ufffd`)
		if whole := phi.Whole([]byte(text)); !written && whole == strings.ContainsRune(s, utf8.RuneError) {
			t.Errorf("%q is decoded as %q, and whole: %t", text, s, whole)
		}
	})
}
