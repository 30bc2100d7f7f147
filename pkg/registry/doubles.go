package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"evisit/pkg/identity"
)

// Marks are what two records of one person share, as keyed hashes: the table has no
// readable name in it, and who has it alone cannot try names. A patient without a
// phone or an e-mail address has no mark of it.
type Marks struct{ Name, Birth, Phone, Email Mark }

// A Mark is a keyed hash of one normalized value. The zero Mark is of no value.
type Mark [16]byte

// A Marker makes the marks of one practice's patients. Key is a secret; the same
// person has other marks at another practice, so that two practices' patients cannot
// be told to be one.
type Marker struct {
	Key      []byte
	Practice string
}

// Marks returns the marks of c. Case, accents, hyphens and the order of names make
// no difference.
func (m Marker) Marks(c identity.Contact) Marks {
	birth := ""
	if !c.Birth.IsZero() {
		birth = c.Birth.Format(time.DateOnly)
	}
	return Marks{
		Name: m.mark("name", nameKey(c.Name.Reveal())), Birth: m.mark("birth", birth),
		Phone: m.mark("phone", phoneKey(c.Phone.Reveal())), Email: m.mark("email", strings.ToLower(strings.TrimSpace(c.Email.Reveal()))),
	}
}

func (m Marker) mark(kind, value string) (out Mark) {
	if value == "" {
		return out
	}
	h := hmac.New(sha256.New, m.Key)
	for _, part := range []string{m.Practice, kind, value} {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	copy(out[:], h.Sum(nil))
	return out
}

// nameKey is a name with nothing that is written in several ways: its words without
// accents and punctuation, in small letters and in order. A hyphen parts words.
func nameKey(name string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’', r == '.':
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(name))
	words := strings.Fields(plain)
	slices.Sort(words)
	return strings.Join(words, " ")
}

func phoneKey(s string) string {
	n, ok := Phone(s)
	if !ok {
		return ""
	}
	return n
}

// PossibleDouble reports whether two records may be of one person, for a person to
// look at: name or day of birth agree, and something else does. A family that shares
// phone and address alone is none; twins, who share more, are.
func PossibleDouble(a, b Marks) bool {
	same := func(x, y Mark) bool { return x == y && x != Mark{} }
	name, birth := same(a.Name, b.Name), same(a.Birth, b.Birth)
	return name && birth || (name || birth) && (same(a.Phone, b.Phone) || same(a.Email, b.Email))
}
