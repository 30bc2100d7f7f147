package elig

import (
	"io"
	"strconv"

	"evisit/pkg/fault"
	"evisit/pkg/npi"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// Check says what is wrong with an inquiry. One that has no problem can be written.
func Check(q *Inquiry) []fault.Problem {
	c := &x12.Checks{}
	c.Text("reference", q.Reference, 50)
	c.Text("trace", q.Trace, 50)
	c.Code("origin", q.Origin, 10, 10)
	c.Must(!q.On.IsZero(), "on", "date", "The inquiry must have a day.")
	c.Must(len(q.Services) > 0, "services", "missing", "The inquiry must name a type of service.")
	for _, s := range q.Services {
		c.Code("services", s, 1, 2)
	}
	c.Part = "payer"
	c.Text("name", q.Payer.Name, 60)
	c.Text("id", q.Payer.ID, 80)
	c.Part = "provider"
	c.Text("name", q.Provider.Name, 60)
	c.Optional("first", q.Provider.First, 35)
	c.Must(npi.Valid(q.Provider.NPI), "npi", "npi", "The NPI must have ten digits, of which the last is the check digit.")
	c.Part = "subscriber"
	c.Text("member_id", q.Subscriber.MemberID.Reveal(), 80)
	person(c, &q.Subscriber)
	if q.Dependent != nil {
		c.Part = "dependent"
		c.Must(q.Dependent.MemberID == "", "member_id", "not_subscriber", "A dependent has no member number; give the subscriber's.")
		person(c, q.Dependent)
	}
	return c.Problems
}

func person(c *x12.Checks, p *Person) {
	c.Text("last", p.Last.Reveal(), 60)
	c.Text("first", p.First.Reveal(), 35)
	c.Optional("middle", p.Middle.Reveal(), 25)
	c.Optional("suffix", p.Suffix.Reveal(), 10)
	_, day := x12.ParseDay(p.Birth.Reveal())
	c.Must(day, "birth", "date", "The date of birth must be a day, CCYYMMDD.")
	if p.Gender != "" {
		c.OneOf("gender", p.Gender.Reveal(), "F M")
	}
}

// Fit returns the inquiry with names as X12 can carry them (x12.Fold), and the
// fields that lost characters by it. A gender that a 270 cannot carry is left out.
func Fit(q *Inquiry) (fitted *Inquiry, changed []string) {
	fold := func(where, s string) string {
		folded, lost := x12.Fold(s)
		if lost {
			changed = append(changed, where)
		}
		return folded
	}
	name := func(part string, p *Person) {
		p.Last = phi.Text(fold(part+"/last", p.Last.Reveal()))
		p.First = phi.Text(fold(part+"/first", p.First.Reveal()))
		p.Middle = phi.Text(fold(part+"/middle", p.Middle.Reveal()))
		p.Suffix = phi.Text(fold(part+"/suffix", p.Suffix.Reveal()))
		if p.Gender == "U" {
			p.Gender = ""
		}
	}
	f := *q
	f.Payer.Name = fold("payer/name", f.Payer.Name)
	f.Provider.Name = fold("provider/name", f.Provider.Name)
	f.Provider.First = fold("provider/first", f.Provider.First)
	name("subscriber", &f.Subscriber)
	if q.Dependent != nil {
		d := *q.Dependent
		name("dependent", &d)
		f.Dependent = &d
	}
	return &f, changed
}

// A Writer writes one interchange of inquiries, a transaction each. An inquiry
// that is refused leaves the file as it was. A file is whole only if Close
// returned nil.
type Writer struct {
	w  *x12.Writer
	at x12.Group
}

// NewWriter begins an interchange with one group, whose kind and version it sets.
// BHT04 and BHT05 of each inquiry are the group's time.
func NewWriter(dst io.Writer, i x12.Interchange, g x12.Group) *Writer {
	g.Kind, g.Version = "HS", Version
	w := &Writer{w: x12.NewWriter(dst, i), at: g}
	w.w.Group(g)
	return w
}

// Inquiry adds a question. It returns a fault with what Check finds.
func (w *Writer) Inquiry(q *Inquiry) error {
	if problems := Check(q); len(problems) > 0 {
		return fault.New(fault.Invalid, "inquiry_not_writable", "This inquiry cannot be written.", problems...)
	}
	w.w.Set("270")
	w.w.Segment("BHT", "0022", "13", q.Reference, w.at.At.Format("20060102"), w.at.At.Format("1504"))
	w.w.Segment("HL", "1", "", "20", "1")
	w.w.Segment("NM1", "PR", "2", q.Payer.Name, "", "", "", "", "PI", q.Payer.ID)
	w.w.Segment("HL", "2", "1", "21", "1")
	kind := "2"
	if q.Provider.First != "" {
		kind = "1"
	}
	w.w.Segment("NM1", "1P", kind, q.Provider.Name, q.Provider.First, "", "", "", "XX", q.Provider.NPI)
	w.person(3, "22", "IL", &q.Subscriber, q)
	if q.Dependent != nil {
		w.person(4, "23", "03", q.Dependent, q)
	}
	return w.w.Err()
}

// person writes the level of a subscriber or dependent, and what is asked if it is
// about that person.
func (w *Writer) person(hl int, level, entity string, p *Person, q *Inquiry) {
	asked := (level == "22") == (q.Dependent == nil)
	child := "1"
	if asked {
		child = "0"
	}
	w.w.Segment("HL", strconv.Itoa(hl), strconv.Itoa(hl-1), level, child)
	if asked {
		w.w.Segment("TRN", "1", q.Trace, q.Origin)
	}
	number := ""
	if p.MemberID != "" {
		number = "MI"
	}
	w.w.Segment("NM1", entity, "1", p.Last.Reveal(), p.First.Reveal(), p.Middle.Reveal(), "", p.Suffix.Reveal(), number, p.MemberID.Reveal())
	w.w.Segment("DMG", "D8", p.Birth.Reveal(), p.Gender.Reveal())
	if !asked {
		return
	}
	w.w.Segment("DTP", "291", "D8", x12.DayText(q.On))
	for _, s := range q.Services {
		w.w.Segment("EQ", s)
	}
}

// Close ends the file, and refuses one without an inquiry. It does not close the
// destination.
func (w *Writer) Close() error { return w.w.Close() }
