// Package x12 reads and writes interchanges of ASC X12 version 005010: segments
// with their separators, and the envelopes ISA, GS and ST with the counts and
// control numbers that close them. What the segments of a transaction mean is
// in the packages below this one.
//
// A reader and a writer hold one block of the file and no more, whatever its
// size. The package does no I/O but of the io.Reader or io.Writer it is given.
// Neither Reader nor Writer may be used by several goroutines at once.
//
// Rules are cited by guide and section: X12.5 is the standard of the interchange,
// X12.6 that of segments and elements, TR3 an implementation guide of HIPAA.
package x12

import (
	"fmt"
	"strings"
	"time"

	"evisit/pkg/fault"
)

// Separators are the four characters that structure an interchange (X12.5 §3,
// X12.6 §3.3). They are printable ASCII or control characters, differ from each
// other, and are none that stands in a code, number or name.
type Separators struct {
	Element, Repetition, Component, Segment byte
}

// Standard are the separators of every file that is written here.
var Standard = Separators{Element: '*', Repetition: '^', Component: ':', Segment: '~'}

// legal reports whether b may be a separator. Only a segment's end may be a new
// line, since new lines may follow it.
func (s Separators) legal() bool {
	all := []byte{s.Element, s.Repetition, s.Component, s.Segment}
	for i, b := range all {
		newLine := b == '\n' || b == '\r'
		if b == 0 || b >= 0x7f || newLine && i < 3 || alphanumeric(b) || strings.IndexByte(" .-+", b) >= 0 {
			return false
		}
		if strings.IndexByte(string(all[:i]), b) >= 0 {
			return false
		}
	}
	return true
}

func alphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}

// An Address names an interchange's sender or receiver: ISA05 and ISA06, or ISA07
// and ISA08. Qualifier says what kind of identifier ID is; ZZ is one agreed upon.
type Address struct {
	Qualifier string // two characters
	ID        string // 2 to 15 characters
}

// An Interchange is what ISA says. At is wall-clock time to the minute at the
// sender's: X12 names no zone, and a reader gives it as UTC.
type Interchange struct {
	Sender, Receiver Address
	At               time.Time
	Control          int  // ISA13, 1 to 999999999, never used twice by a sender
	Acknowledge      bool // ISA14: the sender asks for a TA1
	Test             bool // ISA15 is T: nothing in it is acted upon
}

// A Group is what GS says: transactions of one kind. At is to the minute, as an
// interchange's is.
type Group struct {
	Kind             string // GS01, such as HC for claims
	Sender, Receiver string // GS02 and GS03, 2 to 15 characters
	At               time.Time
	Control          int    // GS06, 1 to 999999999, unique among a sender's groups
	Version          string // GS08, such as 005010X222A1
}

// A Set is what ST says of one transaction.
type Set struct {
	Kind    string // ST01, such as 837
	Control string // ST02, 4 to 9 characters, unique in its group
	Version string // ST03, and GS08 where ST03 is left out
}

// A Position is a place in a file. Interchange and Segment count from 1, and
// Segment from the interchange's ISA. Offset is the segment's first byte in the
// file, from 0.
type Position struct {
	Interchange, Segment int
	Offset               int64
	Tag                  string // the segment's name, or "" if it has none that may be shown
}

// An Error is a fault in what was read. Fix says what would be right. An Error
// holds nothing of what was read but names of segments, so it may be shown and
// logged. It is of kind fault.Malformed.
type Error struct {
	Position
	Element int // from 1, or 0 for the whole segment
	Fix     string
}

func (e *Error) Error() string {
	at := fmt.Sprintf("interchange %d, segment %d", e.Interchange, e.Segment)
	if e.Tag != "" {
		at += " (" + e.Tag + ")"
	}
	if e.Element > 0 {
		at += fmt.Sprintf(", element %d", e.Element)
	}
	return fmt.Sprintf("%s, byte %d: %s", at, e.Offset, e.Fix)
}

func (*Error) Unwrap() error { return fault.Malformed }
