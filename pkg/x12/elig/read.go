package elig

import (
	"errors"
	"io"

	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// Read reads a 271 and calls each for every person it speaks of, whatever its
// separators and however many interchanges. A payer that cannot answer at all is
// an Answer with Rejections and no person. Segments that are not needed are
// passed over. Read returns nil if everything was whole, and otherwise an
// *x12.Error, what the source returned, or the error of each, which ends it.
func Read(src io.Reader, each func(*Answer) error) error {
	r := &reader{x: x12.NewReader(src), each: each}
	r.x.Next()
	for r.err == nil && r.x.Err() == nil {
		r.step()
	}
	if r.err != nil {
		return r.err
	}
	if err := r.x.Err(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

type reader struct {
	x    *x12.Reader // stands on the first segment that was not used
	each func(*Answer) error
	err  error // of each
	told bool  // the transaction had an answer
	// What stands above the next person.
	reference  string
	payer      Organization
	rejections []Rejection
}

// step reads what begins with the segment, or passes it.
func (r *reader) step() {
	r.x.Hold()
	switch r.x.Tag() {
	case "ST":
		if r.x.Group().Kind != "HB" || r.x.Set().Kind != "271" || r.x.Set().Version != Version {
			r.x.Refuse(0, "the transaction must be a 271 of version "+Version+" in a group HB")
		}
		r.reference, r.payer, r.rejections, r.told = "", Organization{}, nil, false
	case "BHT":
		r.reference = r.x.Text(3)
	case "HL":
		r.level()
		return
	case "SE":
		if len(r.rejections) > 0 && !r.told {
			a := r.answer()
			if r.x.Next() {
				r.tell(&a)
			}
			return
		}
	}
	r.x.Next()
}

// answer is one with what stands above the person.
func (r *reader) answer() Answer {
	return Answer{Reference: r.reference, Payer: r.payer, Rejections: append([]Rejection(nil), r.rejections...)}
}

func (r *reader) tell(a *Answer) {
	if r.err == nil && r.x.Err() == nil {
		r.told = true
		r.err = r.each(a)
	}
}

// level reads HL and what is under it; of a subscriber, the dependents too.
func (r *reader) level() {
	switch level := r.x.Text(3); level {
	case "20", "21":
		a := r.answer()
		r.body(&a, level)
		r.rejections = a.Rejections
	case "22":
		a := r.answer()
		r.body(&a, level)
		if !r.x.Is("HL") || r.x.Text(3) != "23" {
			r.tell(&a)
			return
		}
		for r.x.Err() == nil && r.x.Is("HL") && r.x.Text(3) == "23" {
			d := r.answer()
			d.Subscriber, d.Trace, d.Rejections, d.Dependent = a.Subscriber, a.Trace, append(d.Rejections, a.Rejections...), &Person{}
			r.body(&d, "23")
			r.tell(&d)
		}
	default:
		r.x.Refuse(3, "the level must be 20, 21, 22 or 23")
	}
}

// body reads to the segment before the next HL or SE.
func (r *reader) body(a *Answer, level string) {
	who := &a.Subscriber
	if level == "23" {
		who = a.Dependent
	}
	for r.x.Next() {
		switch r.x.Tag() {
		case "HL", "SE":
			return
		case "TRN":
			if r.x.Text(1) == "2" {
				a.Trace = r.x.Need(2)
			}
		case "NM1":
			r.name(a, who, level)
		case "DMG":
			who.Birth, who.Gender = phi.Text(r.x.Text(2)), phi.Text(r.x.Text(3))
		case "AAA":
			a.Rejections = append(a.Rejections, Rejection{Level: level, Reason: r.x.Text(3), FollowUp: r.x.Text(4)})
		case "EB":
			a.Benefits = append(a.Benefits, r.benefit())
		}
	}
}

// name reads NM1: of the payer, of the person, or of a party to the last benefit.
func (r *reader) name(a *Answer, who *Person, level string) {
	switch n := len(a.Benefits); {
	case n > 0:
		b := &a.Benefits[n-1]
		b.Parties = append(b.Parties, Party{Kind: r.x.Text(1), Name: r.x.Text(3), ID: r.x.Text(9)})
	case level == "20":
		r.payer = Organization{Name: r.x.Text(3), ID: r.x.Text(9)}
	case level == "22", level == "23":
		*who = Person{Last: phi.Text(r.x.Text(3)), First: phi.Text(r.x.Text(4)), Middle: phi.Text(r.x.Text(5)), Suffix: phi.Text(r.x.Text(7))}
		if r.x.Text(8) == "MI" {
			who.MemberID = phi.Text(r.x.Text(9))
		}
	}
}

func (r *reader) benefit() Benefit {
	b := Benefit{
		Info: r.x.Need(1), Level: r.x.Text(2), Services: r.x.Repeats(3), Insurance: r.x.Text(4), Plan: r.x.Text(5), Period: r.x.Text(6),
		Percent: r.x.Text(8), Network: r.x.Text(12),
	}
	if r.x.Text(7) != "" {
		b.Amount = Amount{Cents: r.x.Money(7), Known: true}
	}
	return b
}
