package p837

import (
	"io"
	"strconv"
	"strings"

	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// A Reader reads the claims of files that Writer writes, one at a time, whatever
// their separators and however many interchanges. Segments that Writer does not
// write, and segments in another order, are errors: no segment is passed over.
// What Check says of a claim, Reader leaves to its caller.
type Reader struct {
	x       *x12.Reader // stands on the first segment that was not used
	open    bool        // in a transaction
	any     bool        // the transaction has a claim
	batch   Batch
	hl      int // HL segments of the transaction
	payee   int // HL01 of the billing provider
	billing Billing
}

// NewReader returns a Reader of the claims in src.
func NewReader(src io.Reader) *Reader { return &Reader{x: x12.NewReader(src)} }

// Batch is the one that the last claim was in.
func (r *Reader) Batch() Batch { return r.batch }

// Envelope is the interchange and the group that the last claim was in.
func (r *Reader) Envelope() (x12.Interchange, x12.Group) { return r.x.Interchange(), r.x.Group() }

// Claim returns the next claim. It returns io.EOF after the last, if everything
// was whole, and otherwise an *x12.Error or what the source returned. The first
// error is final.
func (r *Reader) Claim() (*Claim, error) {
	if r.x.Tag() == "" { // before the first segment
		r.x.Next()
	}
	for r.x.Err() == nil && (!r.open || !r.x.Is("HL")) {
		r.envelope()
	}
	c := &Claim{}
	r.readBilling()
	c.Billing = r.billing
	r.readSubscriber(c)
	r.readClaim(c)
	if err := r.x.Err(); err != nil {
		return nil, err
	}
	r.any = true
	return c, nil
}

// at reports whether the segment has this name and these first elements.
func (r *Reader) at(tag string, first ...string) bool {
	if r.x.Err() != nil || !r.x.Is(tag) {
		return false
	}
	for i, s := range first {
		if r.x.Text(i+1) != s {
			return false
		}
	}
	return true
}

// expect is at, and an error if not.
func (r *Reader) expect(tag string, first ...string) bool {
	if r.at(tag, first...) {
		return true
	}
	r.x.Refuse(0, "here must be "+strings.Join(append([]string{tag}, first...), "*")+"; this program writes and reads nothing else here")
	return false
}

// envelope passes one segment between claims.
func (r *Reader) envelope() {
	switch {
	case r.x.Is("ST"):
		if r.x.Group().Kind != "HC" || r.x.Set().Kind != "837" || r.x.Set().Version != Version {
			r.x.Refuse(0, "the transaction must be an 837 of version "+Version+" in a group HC")
		}
		r.open, r.any, r.hl, r.payee = true, false, 0, 0
		r.x.Next()
		r.readBatch()
		return
	case r.x.Is("SE"):
		if !r.any {
			r.x.Refuse(0, "a transaction must have a claim")
		}
		r.open = false
	case r.open:
		r.x.Refuse(0, "here must be HL or SE; this program writes and reads nothing else here")
	}
	r.x.Next()
}

func (r *Reader) readBatch() {
	b := &r.batch
	*b = Batch{}
	if r.expect("BHT", "0019", "00") {
		at, timed := x12.ParseTime(r.x.Text(4), r.x.Text(5))
		b.Reference, b.At, b.Report = r.x.Need(3), at, r.x.Text(6) == "RP"
		if !timed {
			r.x.Refuse(4, "write the date as CCYYMMDD and the time as HHMM")
		}
		if !b.Report && r.x.Text(6) != "CH" {
			r.x.Refuse(6, "write CH, or RP for a report")
		}
		r.x.Next()
	}
	b.Submitter = r.organization("41", "46")
	if r.expect("PER", "IC") {
		b.Contact = Contact{Name: r.x.Text(2), Phone: r.x.Text(4)}
		r.x.Next()
	}
	b.Receiver = r.organization("40", "46")
}

func (r *Reader) organization(entity, qualifier string) (o Organization) {
	if r.expect("NM1", entity, "2") {
		o = Organization{Name: r.x.Text(3), ID: r.identifier(qualifier)}
		r.x.Next()
	}
	return o
}

// identifier is NM109, which must be of the kind of qualifier.
func (r *Reader) identifier(qualifier string) string {
	if r.x.Text(8) != qualifier {
		r.x.Refuse(8, "the identifier must be of kind "+qualifier)
	}
	return r.x.Need(9)
}

// level reads HL if it is of this kind and parent, and reports whether it has
// children.
func (r *Reader) level(parent int, kind string) (children bool) {
	above := ""
	if parent > 0 {
		above = strconv.Itoa(parent)
	}
	r.hl++
	if r.expect("HL", strconv.Itoa(r.hl), above, kind) {
		children = r.x.Text(4) == "1"
		r.x.Next()
	}
	return children
}

// readBilling reads loops 2000A and 2010AA, if they are there.
func (r *Reader) readBilling() {
	if !r.at("HL") || r.x.Text(3) != "20" {
		return
	}
	b := &r.billing
	*b = Billing{}
	if !r.level(0, "20") {
		r.x.Refuse(0, "a billing provider must have a claim")
	}
	r.payee = r.hl
	b.Taxonomy = r.taxonomy("BI")
	taxonomy := b.Taxonomy
	b.Provider = r.provider("85")
	b.Taxonomy = taxonomy
	b.Address = r.address()
	if r.expect("REF", "EI") {
		b.TaxID = r.x.Need(2)
		r.x.Next()
	}
}

func (r *Reader) taxonomy(role string) (code string) {
	if r.at("PRV", role, "PXC") {
		code = r.x.Need(3)
		r.x.Next()
	}
	return code
}

func (r *Reader) provider(entity string) (p Provider) {
	if r.expect("NM1", entity) {
		p = Provider{Name: r.x.Need(3), First: r.x.Text(4), NPI: r.identifier("XX")}
		if (r.x.Text(2) == "1") != (p.First != "") {
			r.x.Refuse(2, "write 1 for a person, who has a first name, and 2 for an organization, which has none")
		}
		r.x.Next()
	}
	return p
}

func (r *Reader) address() (a Address) {
	if r.expect("N3") {
		a.Street, a.Unit = r.x.Need(1), r.x.Text(2)
		r.x.Next()
	}
	if r.expect("N4") {
		a.City, a.State, a.ZIP = r.x.Need(1), r.x.Text(2), r.x.Text(3)
		r.x.Next()
	}
	return a
}

// readSubscriber reads loops 2000B to 2010CA.
func (r *Reader) readSubscriber(c *Claim) {
	if r.x.Err() == nil && r.payee == 0 {
		r.x.Refuse(0, "a billing provider, HL of level 20, must stand before its claims")
	}
	s := &c.Subscriber
	dependent := r.level(r.payee, "22")
	subscriber := r.hl
	if r.expect("SBR") {
		s.Order, s.Group, s.Plan, s.Filing = r.x.Need(1), r.x.Text(3), r.x.Text(4), r.x.Need(9)
		if (r.x.Text(2) == "18") == dependent {
			r.x.Refuse(2, "write 18 if the subscriber is the patient, and nothing if a dependent is")
		}
		r.x.Next()
	}
	if r.expect("NM1", "IL", "1") {
		s.MemberID = phi.Text(r.identifier("MI"))
		s.Person = r.name()
	}
	if !dependent {
		r.person(&s.Person)
	}
	c.Payer = r.organization("PR", "PI")
	if !dependent {
		return
	}
	r.level(subscriber, "23")
	c.Patient = &Dependent{}
	if r.expect("PAT") {
		c.Patient.Relationship = r.x.Need(1)
		r.x.Next()
	}
	if r.expect("NM1", "QC", "1") {
		c.Patient.Person = r.name()
	}
	r.person(&c.Patient.Person)
}

// name is the name of NM1.
func (r *Reader) name() Person {
	p := Person{Last: phi.Text(r.x.Need(3)), First: phi.Text(r.x.Text(4)), Middle: phi.Text(r.x.Text(5)), Suffix: phi.Text(r.x.Text(7))}
	r.x.Next()
	return p
}

func (r *Reader) person(p *Person) {
	p.Address = home(r.address())
	if r.expect("DMG", "D8") {
		p.Birth, p.Gender = phi.Text(r.x.Need(2)), phi.Text(r.x.Text(3))
		r.x.Next()
	}
}

// readClaim reads loops 2300, 2310B and 2400.
func (r *Reader) readClaim(c *Claim) {
	if r.expect("CLM") {
		c.ID, c.Charge = r.x.Need(1), r.x.Money(2)
		c.Place, c.Frequency = r.x.Part(5, 1), Frequency(r.x.Part(5, 3))
		c.Signed, c.Assignment, c.Benefits, c.Release = r.x.Text(6) == "Y", r.x.Text(7), r.x.Text(8), r.x.Text(9)
		r.x.Next()
	}
	c.PayerControl = r.reference("F8")
	c.Reference = r.reference("D9")
	if r.expect("HI") {
		r.diagnoses(c)
		r.x.Next()
	}
	if r.at("NM1", "82") {
		c.Rendering = r.provider("82")
		c.Rendering.Taxonomy = r.taxonomy("PE")
	}
	for r.at("LX") || len(c.Lines) == 0 && r.x.Err() == nil {
		if len(c.Lines) == MaxLines {
			r.x.Refuse(0, "a claim may have at most 50 service lines")
			return
		}
		c.Lines = append(c.Lines, r.line(len(c.Lines)+1))
	}
}

func (r *Reader) reference(kind string) (s string) {
	if r.at("REF", kind) {
		s = r.x.Need(2)
		r.x.Next()
	}
	return s
}

func (r *Reader) diagnoses(c *Claim) {
	n := r.x.Len()
	if n > MaxDiagnoses {
		r.x.Refuse(0, "a claim may have at most 12 diagnoses")
		return
	}
	c.Diagnoses = make([]phi.Text, n)
	for i := range c.Diagnoses {
		list := "ABF"
		if i == 0 {
			list = "ABK"
		}
		if r.x.Part(i+1, 1) != list {
			r.x.Refuse(i+1, "the first diagnosis must be of list ABK, the others of ABF")
		}
		c.Diagnoses[i] = phi.Text(r.x.Part(i+1, 2))
	}
}

func (r *Reader) line(n int) (l Line) {
	if r.expect("LX", strconv.Itoa(n)) {
		r.x.Next()
	}
	if r.expect("SV1") {
		r.service(&l)
		r.x.Next()
	}
	if r.expect("DTP", "472") {
		l.From, l.To = r.x.Span(3)
		r.x.Next()
	}
	if r.expect("REF", "6R") {
		l.Control = r.x.Need(2)
		r.x.Next()
	}
	return l
}

func (r *Reader) service(l *Line) {
	if r.x.Part(1, 1) != "HC" || r.x.Text(3) != "UN" {
		r.x.Refuse(1, "the service must be a code of list HC, in units UN")
	}
	l.Code, l.Charge, l.Units = r.x.Part(1, 2), r.x.Money(2), r.x.Count(4)
	for i := range maxModifiers {
		if m := r.x.Part(1, 3+i); m != "" {
			l.Modifiers = append(l.Modifiers, m)
		}
	}
	for i := range maxPointers {
		s := r.x.Part(7, 1+i)
		if s == "" {
			break
		}
		p, err := strconv.Atoi(s)
		if err != nil {
			r.x.Refuse(7, "a pointer must be the ordinal of a diagnosis")
		}
		l.Pointers = append(l.Pointers, p)
	}
}
