package ack

import (
	"io"
	"strconv"

	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// A Reader reads answers one at a time, whatever their separators, kinds and
// number of interchanges. Segments that are not needed are passed over.
type Reader struct {
	x     *x12.Reader // stands on the first segment that was not used
	batch string      // TRN02 of the last batch of a 277CA
}

// NewReader returns a Reader of the answers in src.
func NewReader(src io.Reader) *Reader { return &Reader{x: x12.NewReader(src)} }

// Next returns the next answer. It returns io.EOF after the last, if everything
// was whole, and otherwise an *x12.Error or what the source returned. The first
// error is final.
func (r *Reader) Next() (Answer, error) {
	if r.x.Tag() == "" { // before the first segment
		r.x.Next()
	}
	for r.x.Err() == nil {
		r.x.Hold()
		if a := r.read(); a != nil && r.x.Err() == nil {
			return a, nil
		}
	}
	return nil, r.x.Err()
}

// read reads an answer, or passes a segment that begins none.
func (r *Reader) read() Answer {
	switch r.x.Tag() {
	case "TA1":
		a := r.interchange()
		r.x.Next()
		return a
	case "AK1":
		return r.group()
	case "HL":
		if a := r.report(); len(a.Statuses) > 0 || len(a.Lines) > 0 {
			return a
		}
		return nil
	case "ST":
		r.open()
	}
	r.x.Next()
	return nil
}

// open refuses transactions of other kinds.
func (r *Reader) open() {
	is := func(kind, set, version string) bool {
		return r.x.Group().Kind == kind && r.x.Set().Kind == set && r.x.Set().Version == version
	}
	if !is("FA", "999", Version999) && !is("HN", "277", Version277) {
		r.x.Refuse(0, "the transaction must be a 999 of version "+Version999+" in a group FA, or a 277 of version "+Version277+" in a group HN")
	}
	r.batch = ""
}

func (r *Reader) interchange() *Interchange {
	at, timed := x12.ParseTime(r.x.Text(2), r.x.Text(3))
	if !timed {
		r.x.Refuse(2, "write the date as YYMMDD and the time as HHMM")
	}
	r.x.Need(1)
	return &Interchange{Control: r.x.Count(1), At: at, Verdict: r.verdict(4, Accepted, AcceptedWithErrors, Rejected), Note: r.x.Text(5)}
}

// verdict is element n, one of those that may be there.
func (r *Reader) verdict(n int, may ...Verdict) Verdict {
	v := Verdict(r.x.Text(n))
	for _, m := range may {
		if v == m {
			return v
		}
	}
	r.x.Refuse(n, "the code must be one of those that say accepted or rejected")
	return v
}

// codes are elements from first to last that are not empty.
func (r *Reader) codes(first, last int) (all []string) {
	for n := first; n <= last; n++ {
		if s := r.x.Text(n); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// group reads AK1 to AK9.
func (r *Reader) group() *Group {
	r.x.Need(2)
	g := &Group{Kind: r.x.Need(1), Control: r.x.Count(2)}
	r.x.Next()
	for r.x.Err() == nil && !r.x.Is("AK9") {
		if !r.x.Is("AK2") {
			r.x.Refuse(0, "here must be AK2 or AK9")
			break
		}
		g.Sets = append(g.Sets, r.set())
	}
	if r.x.Err() != nil {
		return g
	}
	g.Verdict = r.verdict(1, Accepted, AcceptedWithErrors, PartlyAccepted, Rejected, RejectedMAC, RejectedAssurance, RejectedUnreadable)
	for n := 2; n <= 4; n++ {
		r.x.Need(n)
	}
	g.Sent, g.Received, g.Accepted, g.Codes = r.x.Count(2), r.x.Count(3), r.x.Count(4), r.codes(5, 9)
	r.x.Next()
	return g
}

// set reads AK2 to IK5.
func (r *Reader) set() Set {
	s := Set{Kind: r.x.Need(1), Control: r.x.Need(2)}
	for r.x.Next() {
		switch r.x.Tag() {
		case "IK3":
			s.Faults = append(s.Faults, Fault{Segment: r.x.Need(1), Position: r.x.Count(2), Loop: r.x.Text(3), Code: r.x.Text(4)})
		case "IK4", "CTX":
			if len(s.Faults) == 0 {
				r.x.Refuse(0, "IK3 must stand before it")
				continue
			}
			r.explain(&s.Faults[len(s.Faults)-1])
		case "IK5":
			s.Verdict = r.verdict(1, Accepted, AcceptedWithErrors, Rejected, RejectedMAC, RejectedAssurance, RejectedUnreadable)
			s.Codes = r.codes(2, 6)
			r.x.Next()
			return s
		default:
			r.x.Refuse(0, "here must be IK3, CTX, IK4 or IK5")
		}
	}
	return s
}

// explain reads IK4, or CTX that names the claim, which is CLM01 and its value.
func (r *Reader) explain(f *Fault) {
	if r.x.Is("CTX") {
		if r.x.Part(1, 1) == "CLM01" {
			f.Claim = r.x.Part(1, 2)
		}
		return
	}
	e := ElementFault{Code: r.x.Need(3), Value: phi.Text(r.x.Text(4))}
	var err error
	if e.Element, err = strconv.Atoi(r.x.Part(1, 1)); err != nil {
		r.x.Refuse(1, "write the element's ordinal")
	}
	if c := r.x.Part(1, 2); c != "" {
		if e.Component, err = strconv.Atoi(c); err != nil {
			r.x.Refuse(1, "write the component's ordinal")
		}
	}
	f.Elements = append(f.Elements, e)
}

// report reads HL to the segment before the next HL or SE.
func (r *Reader) report() *Report {
	a := &Report{Level: Level(r.x.Need(3))}
	for r.x.Next() {
		switch r.x.Tag() {
		case "HL", "SE":
			if a.Level != BatchLevel {
				a.Batch = r.batch
			}
			return a
		case "TRN":
			if a.Level == BatchLevel {
				r.batch = r.x.Need(2)
			}
			a.Reference = r.x.Need(2)
		case "NM1":
			if r.x.Text(1) == "85" && r.x.Text(8) == "XX" {
				a.NPI = r.x.Text(9)
			}
		case "SVC":
			a.Lines = append(a.Lines, Line{Code: r.x.Part(1, 2)})
		case "STC":
			r.status(a)
		case "REF":
			r.reference(a)
		case "QTY":
			switch r.x.Text(1) {
			case "90", "QA":
				a.Accepted = r.x.Count(2)
			case "AA", "QC":
				a.Rejected = r.x.Count(2)
			}
		}
	}
	return a
}

func (r *Reader) reference(a *Report) {
	switch r.x.Text(1) {
	case "1K":
		a.PayerControl = r.x.Text(2)
	case "FJ":
		if n := len(a.Lines); n > 0 {
			a.Lines[n-1].Control = r.x.Text(2)
		}
	}
}

// status reads STC, whose elements 1, 10 and 11 each name a status.
func (r *Reader) status(a *Report) {
	to := &a.Statuses
	if n := len(a.Lines); n > 0 {
		to = &a.Lines[n-1].Statuses
	}
	r.x.Need(1)
	for _, n := range []int{1, 10, 11} {
		if r.x.Text(n) == "" {
			continue
		}
		*to = append(*to, Status{
			Category: r.x.Part(n, 1), Code: r.x.Part(n, 2), Entity: r.x.Part(n, 3),
			At: r.x.Day(2), Action: r.x.Text(3), Amount: r.x.Money(4),
		})
	}
}
