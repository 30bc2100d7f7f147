package x12

import (
	"fmt"
	"strings"
)

// follow checks that the segment may stand where it does, and what it opens or
// closes.
func (r *Reader) follow() error {
	switch r.at.Tag {
	case "ISA":
		return r.openInterchange()
	case "GS":
		return r.openGroup()
	case "ST":
		return r.openSet()
	case "SE":
		return r.closeSet()
	case "GE":
		return r.closeGroup()
	case "IEA":
		return r.closeInterchange()
	case "TA1":
		if r.place == inInterchange && r.groups == 0 {
			return nil
		}
	default:
		if r.place == inSet {
			r.segments++
			return nil
		}
	}
	return r.misplaced()
}

var expected = [...]string{
	outside:       "ISA",
	inInterchange: "GS or IEA",
	inGroup:       "ST or GE",
	inSet:         "a segment of the transaction, or SE,",
}

func (r *Reader) misplaced() error {
	return r.Fault(0, expected[r.place]+" must stand here; the file is cut or put together wrongly")
}

func (r *Reader) openInterchange() error {
	if r.place != outside {
		return r.misplaced()
	}
	at, timed := ParseTime(r.raw(9), r.raw(10))
	control, numbered := number(r.raw(13))
	switch {
	case r.Len() != 16:
		return r.Fault(0, "ISA must have 16 elements")
	case r.raw(12) != "00501":
		return r.Fault(12, "the version must be 00501")
	case !timed:
		return r.Fault(9, "write the date as YYMMDD and the time as HHMM")
	case !numbered || control == 0:
		return r.Fault(13, "write the control number as nine digits, not all 0")
	case r.raw(15) != "P" && r.raw(15) != "T":
		return r.Fault(15, "write P for production or T for a test")
	}
	r.interchange = Interchange{
		Sender:      Address{strings.TrimRight(r.Text(5), " "), strings.TrimRight(r.Text(6), " ")},
		Receiver:    Address{strings.TrimRight(r.Text(7), " "), strings.TrimRight(r.Text(8), " ")},
		At:          at,
		Control:     control,
		Acknowledge: r.raw(14) == "1",
		Test:        r.raw(15) == "T",
	}
	r.isa13, r.groups = r.raw(13), 0
	r.place = inInterchange
	return nil
}

func (r *Reader) openGroup() error {
	if r.place != inInterchange {
		return r.misplaced()
	}
	at, timed := ParseTime(r.raw(4), r.raw(5))
	control, numbered := number(r.raw(6))
	switch {
	case !timed:
		return r.Fault(4, "write the date as CCYYMMDD and the time as HHMM")
	case !numbered || control == 0 || len(r.raw(6)) > 9:
		return r.Fault(6, "write the control number as one to nine digits, not all 0")
	}
	r.group = Group{Kind: r.Text(1), Sender: r.Text(2), Receiver: r.Text(3), At: at, Control: control, Version: r.Text(8)}
	r.gs06, r.sets = r.raw(6), 0
	r.groups++
	r.place = inGroup
	return nil
}

func (r *Reader) openSet() error {
	if r.place != inGroup {
		return r.misplaced()
	}
	r.set = Set{Kind: r.Text(1), Control: r.Text(2), Version: r.Text(3)}
	if len(r.set.Control) < 4 || len(r.set.Control) > 9 {
		return r.Fault(2, "write the control number as four to nine characters")
	}
	if r.set.Version == "" {
		r.set.Version = r.group.Version
	}
	r.sets++
	r.segments = 1
	r.place = inSet
	return nil
}

func (r *Reader) closeSet() error {
	if r.place != inSet {
		return r.misplaced()
	}
	r.segments++
	r.place = inGroup
	return r.closing("the transaction's segments, ST and SE included,", r.segments, "ST02", r.set.Control)
}

func (r *Reader) closeGroup() error {
	if r.place != inGroup {
		return r.misplaced()
	}
	r.place = inInterchange
	return r.closing("the group's transactions", r.sets, "GS06", r.gs06)
}

func (r *Reader) closeInterchange() error {
	if r.place != inInterchange {
		return r.misplaced()
	}
	r.place = outside
	return r.closing("the interchange's groups", r.groups, "ISA13", r.isa13)
}

// closing checks a closing segment: it counts what it closes, and repeats the
// control number of what opened it (X12.5 §3, X12.6 §3.8).
func (r *Reader) closing(what string, count int, opener, control string) error {
	if n, ok := number(r.raw(1)); !ok || n != count {
		return r.Fault(1, fmt.Sprintf("%s are %d, which is not the number given; the file was cut or changed, ask for it again", what, count))
	}
	if r.Text(2) != control {
		return r.Fault(2, "the control number must be that of "+opener)
	}
	return nil
}
