package x12

import (
	"fmt"
	"io"
	"strconv"

	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// flushSize is how much a Writer gathers before it writes.
const flushSize = 32 << 10

// A Writer writes one interchange with Standard separators, and counts and closes
// what is opened in it. It writes nothing that a Reader would refuse: no character
// that X12 cannot carry, no control number or identifier of the wrong length. The
// first error is final and is what Close returns; the file then lacks its end,
// and no reader takes it for a whole one.
type Writer struct {
	dst   io.Writer
	buf   []byte
	err   error
	place place
	tag   string
	begun int // where in buf the segment begins

	interchange            Interchange
	group                  Group
	set                    Set
	groups, sets, segments int
}

// NewWriter begins an interchange. ISA01 to ISA04 say that no password is used.
func NewWriter(dst io.Writer, i Interchange) *Writer {
	w := &Writer{dst: dst, interchange: i, tag: "ISA", place: inInterchange}
	for of, a := range map[string]Address{"sender": i.Sender, "receiver": i.Receiver} {
		w.require(len(a.Qualifier) == 2 && Carries(a.Qualifier), "the "+of+"'s qualifier must have two characters")
		w.require(addresses(a.ID), "the "+of+"'s identifier must have 2 to 15 characters that X12 can carry")
	}
	w.require(1 <= i.Control && i.Control <= 999999999, "the interchange's control number must be 1 to 999999999")
	w.require(2000 <= i.At.Year() && i.At.Year() <= 2099, "the interchange's year must be of this century")
	w.buf = fmt.Appendf(w.buf, "ISA*00*          *00*          *%s*%-15s*%s*%-15s*%s*^*00501*%09d*%s*%s*:~",
		i.Sender.Qualifier, i.Sender.ID, i.Receiver.Qualifier, i.Receiver.ID, i.At.Format("060102*1504"), i.Control,
		either(i.Acknowledge, "1", "0"), either(i.Test, "T", "P"))
	return w
}

// addresses reports whether s may be a sender's or receiver's identifier
// (X12.5 §3.1, ISA06 and ISA08; X12.22, elements 142 and 124).
func addresses(s string) bool { return 2 <= len(s) && len(s) <= 15 && Carries(s) }

func either(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// require refuses what is to be written unless holds.
func (w *Writer) require(holds bool, fix string) {
	if w.err == nil && !holds {
		w.err = fault.New(fault.Invalid, "x12_not_writable", "X12 segment "+w.tag+": "+fix)
	}
}

// Group closes the group before, if there is one, and begins another.
func (w *Writer) Group(g Group) {
	w.closeGroup()
	w.tag = "GS"
	w.require(len(g.Kind) == 2, "the kind must have two characters")
	w.require(addresses(g.Sender) && addresses(g.Receiver), "sender and receiver must have 2 to 15 characters that X12 can carry")
	w.require(1 <= g.Control && g.Control <= 999999999, "the group's control number must be 1 to 999999999")
	w.require(2000 <= g.At.Year() && g.At.Year() <= 2099, "the group's year must be of this century")
	w.Segment("GS", g.Kind, g.Sender, g.Receiver, g.At.Format("20060102"), g.At.Format("1504"), strconv.Itoa(g.Control), "X", g.Version)
	w.group, w.sets = g, 0
	w.groups++
	w.place = inGroup
}

// Set closes the transaction before, if there is one, and begins another in the
// group. Its control number is its ordinal in the group: 0001, 0002.
func (w *Writer) Set(kind string) {
	w.closeSet()
	w.tag = "ST"
	w.require(w.place == inGroup, "a transaction must be in a group")
	w.sets++
	w.set = Set{Kind: kind, Control: fmt.Sprintf("%04d", w.sets), Version: w.group.Version}
	w.place, w.segments = inSet, 0
	w.Segment("ST", kind, w.set.Control, w.set.Version)
}

func (w *Writer) closeSet() {
	if w.place == inSet {
		w.Segment("SE", strconv.Itoa(w.segments+1), w.set.Control)
		w.place = inGroup
	}
}

func (w *Writer) closeGroup() {
	w.closeSet()
	if w.place == inGroup {
		w.Segment("GE", strconv.Itoa(w.sets), strconv.Itoa(w.group.Control))
		w.place = inInterchange
	}
}

// Close closes what is open and writes the rest. It does not close the
// destination. It returns the first error of all that was asked of the Writer.
func (w *Writer) Close() error {
	w.closeGroup()
	if w.place == inInterchange {
		w.Segment("IEA", strconv.Itoa(w.groups), fmt.Sprintf("%09d", w.interchange.Control))
		w.place = outside
	}
	w.flush()
	return w.err
}

// Err is the first error.
func (w *Writer) Err() error { return w.err }

func (w *Writer) flush() {
	if w.err == nil && len(w.buf) > 0 {
		if _, err := w.dst.Write(w.buf); err != nil {
			w.err = fmt.Errorf("writing an interchange: %w", err)
		}
	}
	w.buf = w.buf[:0]
}

// Segment writes a segment of simple elements. Empty ones at its end are left out.
func (w *Writer) Segment(tag string, elements ...string) { w.Start(tag).Put(elements...).End() }

// Start begins a segment, which Put, Money and Parts continue and End ends.
func (w *Writer) Start(tag string) *Writer {
	w.tag, w.begun = tag, len(w.buf)
	w.require(w.place != outside, "the interchange is closed")
	w.buf = append(w.buf, tag...)
	return w
}

// Put adds simple elements.
func (w *Writer) Put(elements ...string) *Writer {
	for _, s := range elements {
		w.buf = append(w.buf, Standard.Element)
		w.value(s)
	}
	return w
}

// Money adds an amount.
func (w *Writer) Money(c money.Cents) *Writer {
	w.require(-MaxAmount <= c && c <= MaxAmount, "an amount must have at most ten digits, cents included")
	w.buf = AppendAmount(append(w.buf, Standard.Element), c)
	return w
}

// Parts adds one element of components. Empty ones at its end are left out.
func (w *Writer) Parts(components ...string) *Writer {
	w.buf = append(w.buf, Standard.Element)
	for i, s := range components {
		if i > 0 {
			w.buf = append(w.buf, Standard.Component)
		}
		w.value(s)
	}
	w.trim(Standard.Component)
	return w
}

func (w *Writer) value(s string) {
	w.require(Carries(s), "a value has characters that X12 cannot carry, a separator, or a space at its begin or end")
	w.buf = append(w.buf, s...)
}

func (w *Writer) trim(separator byte) {
	for w.buf[len(w.buf)-1] == separator {
		w.buf = w.buf[:len(w.buf)-1]
	}
}

// End ends the segment.
func (w *Writer) End() {
	w.trim(Standard.Element)
	w.buf = append(w.buf, Standard.Segment)
	w.require(len(w.buf)-w.begun <= MaxSegment, "a segment is too long")
	w.segments++
	if len(w.buf) >= flushSize {
		w.flush()
	}
}
