package paper

import (
	"sync"
	"unicode"

	"github.com/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// scripts are those whose letters stand beside one another from left to right, each as it is.
var scripts = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic}

var letters = sync.OnceValues(func() (*sfnt.Font, error) { return sfnt.Parse(liberationsansregular.TTF) })

// Unwritable returns the first text of s with a letter that the font does not have, or that is not
// written as its letters stand; empty if there is none.
func (s Sheet) Unwritable() string {
	for _, t := range s.texts() {
		for _, r := range norm.NFC.String(t) {
			if !writable(r) {
				return t
			}
		}
	}
	return ""
}

func (s Sheet) texts() []string {
	all := []string{s.Title, s.Foot}
	for _, f := range s.Facts {
		all = append(append(all, f.Name), f.Lines...)
	}
	for _, p := range s.Parts {
		all = append(all, p.Heading, p.Sum.What, p.Sum.Note, p.Sum.Amount)
		for _, r := range p.Rows {
			all = append(all, r.What, r.Note, r.Amount)
		}
	}
	return all
}

func writable(r rune) bool {
	if r < ' ' || unicode.IsLetter(r) && !unicode.In(r, scripts...) && r > unicode.MaxLatin1 || unicode.IsMark(r) || unicode.Is(unicode.Cf, r) {
		return false
	}
	f, err := letters()
	if err != nil {
		return false
	}
	at, err := f.GlyphIndex(nil, r)
	return err == nil && at != 0
}
