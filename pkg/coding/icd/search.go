package icd

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// maxTerms is how many words of a query are looked for; more narrow nothing down.
const maxTerms = 10

// How well an entry answers a query: the lower, the better.
const (
	exactCode  = iota
	codePrefix // the code begins so
	wholeWords // each word is one of the description's
	wordStarts // each word begins one of the description's
)

// Search returns the billable codes that answer a query, best first, at most
// limit. A query is the beginning of a code, with its point or without, or words,
// each of which must begin a word of the official description or of the patient's
// words for it. Among codes found by words as well, the shortest description, which is
// the most general, comes first; then the order of the codes decides.
func (s *Set) Search(query string, limit int) []Entry {
	words := terms(query)
	if len(words) == 0 || limit <= 0 {
		return nil
	}
	beginning := strings.ToUpper(strings.Replace(strings.TrimSpace(query), ".", "", 1))
	type hit struct{ at, rank, length int }
	var hits []hit
	for i := range s.rows {
		r := &s.rows[i]
		if !r.billable {
			continue
		}
		if rank, ok := s.rank(r, beginning, words); ok {
			h := hit{at: i, rank: rank}
			if rank > codePrefix {
				h.length = int(r.long)
			}
			hits = append(hits, h)
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.length, b.length), cmp.Compare(a.at, b.at))
	})
	var found []Entry
	for _, h := range hits[:min(limit, len(hits))] {
		found = append(found, s.entry(h.at))
	}
	return found
}

func (s *Set) rank(r *row, beginning string, words []string) (int, bool) {
	code := r.name()
	switch {
	case string(code) == beginning:
		return exactCode, true
	case strings.HasPrefix(string(code), beginning):
		return codePrefix, true
	}
	worst := wholeWords
	for _, w := range words {
		best := wordRank(s.long(r), w)
		if best > wholeWords {
			best = min(best, wordRank(s.short(r), w), wordRank([]byte(Words(code)), w))
		}
		if best > wordStarts {
			return 0, false
		}
		worst = max(worst, best)
	}
	return worst, true
}

// terms returns the words of a query in lower case, as they are looked for.
func terms(query string) []string {
	words := strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return words[:min(len(words), maxTerms)]
}

// wordRank says how a word, in lower case, is in a text: as a whole word, as the
// beginning of one, or, above wordStarts, not at all.
func wordRank(text []byte, word string) int {
	best := wordStarts + 1
	for i := 0; i+len(word) <= len(text); i++ {
		if fold(text[i]) != word[0] || i > 0 && wordByte(text[i-1]) || !foldedPrefix(text[i:], word) {
			continue
		}
		if end := i + len(word); end == len(text) || !wordByte(text[end]) {
			return wholeWords
		}
		best = wordStarts
	}
	return best
}

// foldedPrefix compares without regard to the case of ASCII, and of no other
// letters, which descriptions have a few of, in lower case.
func foldedPrefix(text []byte, word string) bool {
	for i := range len(word) {
		if fold(text[i]) != word[i] {
			return false
		}
	}
	return true
}

func fold(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}

// wordByte reports whether b is of a word: a letter or digit of ASCII, or a part of
// another letter.
func wordByte(b byte) bool {
	return b >= 0x80 || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

// maxSlips is how many slips of the hand nearest forgives.
const maxSlips = 2

// Nearest returns billable codes that may have been meant by c, best first, at
// most limit: those that complete a heading; else those within two slips, a
// slip being a character wrong, missing, too many, or swapped with the next.
func (s *Set) Nearest(c Code, limit int) []Entry {
	type near struct{ at, slips, differs int }
	var all []near
	if from, to := s.under(c); to > from {
		for i := from; i < to; i++ {
			all = append(all, near{at: i, slips: len(s.rows[i].name())})
		}
	} else {
		for i := range s.rows {
			name := s.rows[i].name()
			if n := slips(string(c), string(name)); n <= maxSlips {
				all = append(all, near{at: i, slips: n, differs: -common(string(c), string(name))})
			}
		}
	}
	all = slices.DeleteFunc(all, func(n near) bool { return !s.rows[n.at].billable })
	slices.SortFunc(all, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.slips, b.slips), cmp.Compare(a.differs, b.differs), cmp.Compare(a.at, b.at))
	})
	var found []Entry
	for _, n := range all[:max(0, min(limit, len(all)))] {
		found = append(found, s.entry(n.at))
	}
	return found
}

// common returns how many characters a and b begin with alike.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// slips counts the fewest slips that lead from a to b (optimal string alignment).
// Both are codes: at most maxCode characters of ASCII.
func slips(a, b string) int {
	var d [maxCode + 1][maxCode + 1]int
	for i := range d {
		d[i][0], d[0][i] = i, i
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1) //nolint:gosec // i and j are above 1 here
			}
		}
	}
	return d[len(a)][len(b)]
}
