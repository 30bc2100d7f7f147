// Package icd holds ICD-10-CM, the codes of diagnoses, as data: sets of codes by
// the days on which they are in force, a reader of the file that CMS publishes each
// year, search, and the checks of a claim's diagnoses. It chooses no diagnosis; the
// clinician does. Loading a year's file from somewhere is left to others.
//
// Codes and their official descriptions are work of the US government (CMS, NCHS).
// The patient's words for them are our own.
package icd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Entry is one line of a set.
type Entry struct {
	Code     Code
	Billable bool   // complete to its last character; a heading is not
	Short    string // at most 60 characters
	Long     string
}

// A Set is the codes of one edition, in the order of their text. It is packed,
// some 10 MB for a whole year, does not change, and is safe for concurrent use.
// The zero Set has no codes.
type Set struct {
	rows []row
	text []byte // the descriptions, one after the other
}

// A row is an Entry whose descriptions are in text: the long one from at, and the
// short one behind it, unless they are the same.
type row struct {
	code        [maxCode]byte
	billable    bool
	at          uint32
	long, short uint16
}

// The columns of the CMS order file, counted from 0: number, code, heading or
// billable, short description, and the long one to the end of the line (CMS,
// "ICD-10-CM order file, record layout").
const (
	colCode  = 6
	colFlag  = 14
	colShort = 16
	colLong  = 77
)

const (
	maxLine = 1000    // a description's longest is below 300
	maxRows = 200_000 // a year has about 98,000
)

// Read reads a set from a file of the shape of CMS's order file
// (icd10cm_order_2026.txt). It refuses what is not of that shape, naming the line,
// and a set that contradicts itself: a code twice, numbers that do not rise, or a
// billable code that others continue. Memory is bounded by the set it returns.
func Read(r io.Reader) (*Set, error) {
	s := &Set{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	for n, last := 1, ""; lines.Scan(); n++ {
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		e, number, err := parseLine(characters(line))
		switch {
		case err != nil:
			return nil, fmt.Errorf("icd: line %d: %w", n, err)
		case number <= last:
			return nil, fmt.Errorf("icd: line %d: number %s does not follow %s", n, number, last)
		case len(s.rows) == maxRows:
			return nil, fmt.Errorf("icd: more than %d lines", maxRows)
		}
		s.add(e)
		last = number
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("icd: line %d is longer than %d bytes", len(s.rows)+1, maxLine)
	} else if err != nil {
		return nil, fmt.Errorf("icd: reading after line %d: %w", len(s.rows), err)
	}
	return s, s.finish()
}

// characters returns a line as text. Of some years the file is UTF-8, of others
// Latin-1, whose bytes are the characters of the same number.
func characters(line []byte) string {
	line = bytes.TrimRight(line, "\r")
	if utf8.Valid(line) {
		return string(line)
	}
	runes := make([]rune, len(line))
	for i, b := range line {
		runes[i] = rune(b)
	}
	return string(runes)
}

func parseLine(line string) (e Entry, number string, err error) {
	col := columns(line)
	number = col(0, colCode-1)
	if len(number) != colCode-1 || strings.Trim(number, "0123456789") != "" {
		return e, "", errors.New("columns 1 to 5 are a number with its leading zeros")
	}
	if e.Code, err = ParseBare(strings.TrimRight(col(colCode, colCode+maxCode), " ")); err != nil {
		return e, "", fmt.Errorf("columns 7 to 13: %w", err)
	}
	switch col(colFlag, colFlag+1) {
	case "0":
	case "1":
		e.Billable = true
	default:
		return e, "", errors.New("column 15 is 0 for a heading and 1 for a code that may be billed")
	}
	for _, i := range []int{colCode - 1, colFlag - 1, colShort - 1, colLong - 1} {
		if col(i, i+1) != " " {
			return e, "", fmt.Errorf("column %d is blank", i+1)
		}
	}
	e.Short = strings.TrimRight(col(colShort, colLong-1), " ")
	e.Long = strings.TrimRight(col(colLong, maxLine), " ")
	if e.Short == "" || e.Long == "" {
		return e, "", errors.New("columns 17 to 76 and from 78 on are the descriptions")
	}
	return e, number, nil
}

// columns returns the characters of a line from one column up to another, fewer
// where the line ends.
func columns(line string) func(from, to int) string {
	if utf8.RuneCountInString(line) == len(line) {
		return func(from, to int) string { return line[min(from, len(line)):min(to, len(line))] }
	}
	runes := []rune(line)
	return func(from, to int) string { return string(runes[min(from, len(runes)):min(to, len(runes))]) }
}

func (s *Set) add(e Entry) {
	r := row{billable: e.Billable, at: uint32(len(s.text)), long: uint16(len(e.Long))} //nolint:gosec // a line is short, and lines are bounded
	copy(r.code[:], e.Code)
	s.text = append(s.text, e.Long...)
	if e.Short != e.Long {
		r.short = uint16(len(e.Short)) //nolint:gosec // a line is short
		s.text = append(s.text, e.Short...)
	}
	s.rows = append(s.rows, r)
}

// finish sorts the codes and refuses a set that contradicts itself.
func (s *Set) finish() error {
	if len(s.rows) == 0 {
		return errors.New("icd: there is no line")
	}
	slices.SortFunc(s.rows, func(a, b row) int { return bytes.Compare(a.code[:], b.code[:]) })
	for i := 1; i < len(s.rows); i++ {
		before, e := s.rows[i-1].name(), s.rows[i].name()
		switch {
		case before == e:
			return fmt.Errorf("icd: %s is there twice", e)
		case s.rows[i-1].billable && strings.HasPrefix(string(e), string(before)):
			return fmt.Errorf("icd: %s is said to be complete, and %s continues it", before, e)
		}
	}
	s.text, s.rows = slices.Clip(s.text), slices.Clip(s.rows)
	return nil
}

func (r *row) name() Code { return Code(bytes.TrimRight(r.code[:], "\x00")) }

// Len returns how many lines the set has, headings included.
func (s *Set) Len() int { return len(s.rows) }

// Find returns the entry of a code, which may be a heading.
func (s *Set) Find(c Code) (Entry, bool) {
	i := s.index(c)
	if i == len(s.rows) || s.rows[i].name() != c {
		return Entry{}, false
	}
	return s.entry(i), true
}

// index returns the place of the first code that is not before c.
func (s *Set) index(c Code) int {
	i, _ := slices.BinarySearchFunc(s.rows, c, func(r row, c Code) int { return strings.Compare(string(r.name()), string(c)) })
	return i
}

// under returns the codes that begin with c as places from one up to another.
func (s *Set) under(c Code) (from, to int) {
	from = s.index(c)
	for to = from; to < len(s.rows) && strings.HasPrefix(string(s.rows[to].name()), string(c)); to++ {
	}
	return from, to
}

func (s *Set) entry(i int) Entry {
	r := &s.rows[i]
	e := Entry{Code: r.name(), Billable: r.billable, Long: string(s.long(r))}
	if e.Short = e.Long; r.short > 0 {
		e.Short = string(s.short(r))
	}
	return e
}

func (s *Set) long(r *row) []byte { return s.text[r.at : r.at+uint32(r.long)] }

func (s *Set) short(r *row) []byte {
	from := r.at + uint32(r.long)
	return s.text[from : from+uint32(r.short)]
}
