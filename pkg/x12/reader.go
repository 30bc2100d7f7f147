package x12

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"evisit/pkg/civil"
	"evisit/pkg/money"
)

// MaxSegment bounds a segment, its end included, in bytes. The longest that the
// guides allow is about 4 KB.
const MaxSegment = 64 << 10

// maxHeld bounds what callers keep of one claim, person or transaction. The
// guides allow more, such as 999 lines of 99 adjustments, which nobody sends.
const maxHeld = 20_000

// blockSize is how much of a file becomes one string. The values that a caller
// keeps are parts of it: more would keep more alive, less would copy more often.
const blockSize = 4 << 10

// A class is what a byte is to the reader, under the separators in force.
type class uint8

const (
	data class = iota
	elementEnd
	segmentEnd
	forbidden // control characters
)

// A place is where in the envelopes the reader stands.
type place uint8

const (
	outside place = iota
	inInterchange
	inGroup
	inSet
)

// A Reader goes through the segments of any number of interchanges. It stands on
// one segment; Next goes on. Separators are those that each ISA declares, and
// new lines may follow the end of a segment. Counts and control numbers of SE,
// GE and IEA are checked, so that io.EOF means that each interchange was whole.
//
// Text, Part, Money, Day and Count read the segment's elements, counted from 1.
// An element that is not there is "" or 0. A value that cannot be read is 0 now,
// and ends the reading: a caller that uses a value must call Next or Err before acting
// on it. The first error is final.
type Reader struct {
	src   io.Reader
	size  int    // of what is read at once
	chunk []byte // that block was made of
	block string // what was read and not passed
	base  int64  // where in the file block begins
	pos   int    // in block, of what was not passed
	ended bool   // src has no more
	err   error

	classes    [256]class
	separators Separators

	at    Position
	text  string // the segment without its end
	ends  []int  // where in text each element ends, the name's first
	wide  bool   // text has bytes beyond ASCII
	place place

	interchange Interchange
	group       Group
	set         Set
	// What the closing segments must repeat: control numbers as written, and counts.
	isa13, gs06            string
	groups, sets, segments int

	holds bool // the caller keeps what is read
	held  int  // segments since Hold
}

// NewReader returns a Reader that stands before the first segment.
func NewReader(src io.Reader) *Reader { return newReader(src, blockSize) }

func newReader(src io.Reader, block int) *Reader {
	return &Reader{src: src, size: block}
}

// Interchange is the one the reader stands in or has just left.
func (r *Reader) Interchange() Interchange { return r.interchange }

// Group is the one the reader stands in or has just left.
func (r *Reader) Group() Group { return r.group }

// Set is the transaction the reader stands in or has just left.
func (r *Reader) Set() Set { return r.set }

// Separators are those of the interchange.
func (r *Reader) Separators() Separators { return r.separators }

// Position is that of the segment the reader stands on.
func (r *Reader) Position() Position { return r.at }

// Next goes to the next segment, envelopes included, and reports whether there is
// one. If not, Err says why.
func (r *Reader) Next() bool {
	if r.held++; r.holds && r.held > maxHeld {
		r.Refuse(0, fmt.Sprintf("what is said of one claim, person or transaction may have at most %d segments", maxHeld))
	}
	if r.err == nil {
		r.err = r.next()
	}
	return r.err == nil
}

// Err is nil while there may be more. It is io.EOF after the last interchange, if
// each was whole, an *Error if the file is not well formed, and otherwise what
// the source returned.
func (r *Reader) Err() error { return r.err }

// Hold begins a part of the file that the caller keeps in memory, and bounds it
// to 20,000 segments.
func (r *Reader) Hold() { r.holds, r.held = true, 0 }

func (r *Reader) next() error {
	more, err := r.skipLines()
	if err != nil {
		return err
	}
	r.begin()
	switch {
	case !more && r.place != outside:
		return r.truncated()
	case !more && r.at.Interchange == 1:
		return r.Fault(0, "the file is empty; it must begin with an ISA segment")
	case !more:
		return io.EOF
	case r.place == outside:
		if err := r.declare(); err != nil {
			return err
		}
	}
	if err := r.scan(); err != nil {
		return err
	}
	return r.follow()
}

// begin starts the position of the segment at pos.
func (r *Reader) begin() {
	r.at.Segment++
	if r.place == outside {
		r.at.Interchange++
		r.at.Segment = 1
	}
	r.at.Tag = ""
	r.at.Offset = r.base + int64(r.pos)
	r.ends = r.ends[:0]
}

// skipLines passes the new lines before a segment, and reports whether there is
// more behind them.
func (r *Reader) skipLines() (bool, error) {
	for {
		for ; r.pos < len(r.block); r.pos++ {
			if c := r.block[r.pos]; c != '\n' && c != '\r' {
				return true, nil
			}
		}
		if r.ended {
			return false, nil
		}
		if err := r.fill(); err != nil {
			return false, err
		}
	}
}

// fill drops what was passed and reads a block more.
func (r *Reader) fill() error {
	r.chunk = append(r.chunk[:0], r.block[r.pos:]...)
	rest := len(r.chunk)
	r.chunk = slices.Grow(r.chunk, r.size)[:rest+r.size]
	n, err := io.ReadFull(r.src, r.chunk[rest:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.ended = true
	} else if err != nil {
		return fmt.Errorf("reading an interchange: %w", err)
	}
	r.block = string(r.chunk[:rest+n])
	r.base += int64(r.pos)
	r.pos = 0
	return nil
}

func (r *Reader) truncated() error {
	return r.Fault(0, "the file ends before the interchange does; ask the sender for all of it")
}

// ISA is fixed: an element separator stands at each of these places, a component
// separator and the segment's end behind them (X12.5 §3.1).
var isaSeparators = [...]int{3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103}

const isaLength = 106

// declare takes the separators from the ISA at pos.
func (r *Reader) declare() error {
	for len(r.block)-r.pos < isaLength && !r.ended {
		if err := r.fill(); err != nil {
			return err
		}
	}
	isa := r.block[r.pos:]
	if !strings.HasPrefix(isa, "ISA") {
		return r.Fault(0, "an interchange must begin with an ISA segment; remove what stands before or between interchanges")
	}
	r.at.Tag = "ISA"
	if len(isa) < isaLength {
		return r.truncated()
	}
	s := Separators{Element: isa[3], Repetition: isa[82], Component: isa[104], Segment: isa[105]}
	for i, at := range isaSeparators {
		if isa[at] != s.Element {
			return r.Fault(i, "ISA has elements of fixed length, 106 characters in all; pad each to its length")
		}
	}
	if !s.legal() {
		return r.Fault(0, "the separators must be four different characters of ASCII, and no letters, digits, space, point or sign")
	}
	r.use(s)
	return nil
}

func (r *Reader) use(s Separators) {
	r.separators = s
	r.classes = [256]class{}
	for c := range 0x20 {
		r.classes[c] = forbidden
	}
	r.classes[0x7f] = forbidden
	r.classes[s.Repetition], r.classes[s.Component] = data, data
	r.classes[s.Element], r.classes[s.Segment] = elementEnd, segmentEnd
}

// scan finds the ends of the segment at pos and of its elements, and passes it.
func (r *Reader) scan() error {
	i, or := r.pos, byte(0)
	for {
		for ; i < len(r.block); i++ {
			c := r.block[i]
			or |= c
			switch r.classes[c] {
			case data:
			case elementEnd:
				r.ends = append(r.ends, i-r.pos)
			case segmentEnd:
				r.ends = append(r.ends, i-r.pos)
				r.text = r.block[r.pos:i]
				r.wide = or >= utf8.RuneSelf
				r.pos = i + 1
				return r.name()
			case forbidden:
				return r.Fault(len(r.ends), "a control character stands in a segment; remove it, or end the segment before it")
			}
		}
		if r.ended {
			return r.truncated()
		}
		if i-r.pos >= MaxSegment {
			return r.Fault(0, fmt.Sprintf("a segment may have at most %d bytes; the file is cut or lacks its separators", MaxSegment))
		}
		i -= r.pos
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// name takes the segment's name.
func (r *Reader) name() error {
	tag := r.text[:r.ends[0]]
	legal := len(tag) == 2 || len(tag) == 3
	for i := range len(tag) {
		legal = legal && alphanumeric(tag[i]) && tag[i] < 'a'
	}
	if !legal {
		return r.Fault(0, "a segment must begin with its name, of two or three capitals and digits")
	}
	r.at.Tag = tag
	return nil
}

// Is reports whether the segment's name is tag.
func (r *Reader) Is(tag string) bool { return r.at.Tag == tag }

// Tag is the segment's name.
func (r *Reader) Tag() string { return r.at.Tag }

// Len is the number of the segment's elements.
func (r *Reader) Len() int { return len(r.ends) - 1 }

// Text is element n. Bytes beyond ASCII are read as UTF-8 if they are that, and
// as Latin-1 if not: senders use both, and the standard neither.
func (r *Reader) Text(n int) string {
	s := r.raw(n)
	if r.wide && !utf8.ValidString(s) {
		return latin1(s)
	}
	return s
}

func (r *Reader) raw(n int) string {
	if n >= len(r.ends) {
		return ""
	}
	return r.text[r.ends[n-1]+1 : r.ends[n]]
}

func latin1(s string) string {
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return string(out)
}

// Part is component c of element n, counted from 1.
func (r *Reader) Part(n, c int) string {
	s := r.Text(n)
	for ; c > 1; c-- {
		i := strings.IndexByte(s, r.separators.Component)
		if i < 0 {
			return ""
		}
		s = s[i+1:]
	}
	if i := strings.IndexByte(s, r.separators.Component); i >= 0 {
		return s[:i]
	}
	return s
}

// Repeats are the repetitions of element n; an empty element has none.
func (r *Reader) Repeats(n int) []string {
	s := r.Text(n)
	if s == "" {
		return nil
	}
	return strings.Split(s, string(r.separators.Repetition))
}

// Need is element n, which must not be empty.
func (r *Reader) Need(n int) string {
	s := r.Text(n)
	if s == "" {
		r.Refuse(n, "the element must not be empty")
	}
	return s
}

// Money is element n as an amount; an empty one is 0.
func (r *Reader) Money(n int) money.Cents {
	s := r.raw(n)
	if s == "" {
		return 0
	}
	c, ok := ParseAmount(s)
	if !ok {
		r.Refuse(n, "write an amount as digits with at most two decimals, ten digits in all")
	}
	return c
}

// Day is element n as CCYYMMDD; an empty one is no day.
func (r *Reader) Day(n int) civil.Day { return r.day(n, r.raw(n)) }

// Span is element n as CCYYMMDD-CCYYMMDD, or as one day, which is both ends.
func (r *Reader) Span(n int) (from, to civil.Day) {
	first, last, two := strings.Cut(r.raw(n), "-")
	if !two {
		last = first
	}
	return r.day(n, first), r.day(n, last)
}

func (r *Reader) day(n int, s string) civil.Day {
	if s == "" {
		return civil.Day{}
	}
	d, ok := ParseDay(s)
	if !ok {
		r.Refuse(n, "write a date as CCYYMMDD")
		return civil.Day{}
	}
	return d
}

// Count is element n as a whole number; an empty one is 0.
func (r *Reader) Count(n int) int {
	v, ok := number(r.raw(n))
	if !ok {
		r.Refuse(n, "write a whole number")
	}
	return v
}

// Fault is an Error about element n of the segment the reader stands on, or about
// the whole segment if n is 0.
func (r *Reader) Fault(n int, fix string) error {
	return &Error{Position: r.at, Element: n, Fix: fix}
}

// Refuse ends the reading with a Fault.
func (r *Reader) Refuse(n int, fix string) {
	if r.err == nil {
		r.err = r.Fault(n, fix)
	}
}
