package p837

import (
	"io"
	"strconv"

	"evisit/pkg/fault"
	"evisit/pkg/x12"
)

// A Writer writes one interchange of claims. Begin opens each batch, Claim adds
// to it, Close ends the file. A claim that is refused leaves the file as it was.
// A file is whole only if Close returned nil.
type Writer struct {
	w       *x12.Writer
	batch   Batch
	begun   bool            // Begin was called
	ids     map[string]bool // of the batch's claims
	written bool            // the file has a claim
	hl      int             // HL segments of the batch
	billing Billing         // of the last claim
	payee   int             // its HL01
	numbers [maxPointers]string
	parts   []string
}

// NewWriter begins an interchange with one group, whose kind and version it sets.
func NewWriter(dst io.Writer, i x12.Interchange, g x12.Group) *Writer {
	g.Kind, g.Version = "HC", Version
	w := &Writer{w: x12.NewWriter(dst, i), ids: map[string]bool{}}
	w.w.Group(g)
	return w
}

// Begin opens a batch. A batch without claims is not written. It returns a fault
// with what CheckBatch finds.
func (w *Writer) Begin(b Batch) error {
	if problems := CheckBatch(b); len(problems) > 0 {
		return fault.New(fault.Invalid, "batch_not_writable", "This batch cannot be written.", problems...)
	}
	clear(w.ids)
	w.batch, w.begun = b, true
	return w.w.Err()
}

// Claim adds a claim to the batch. It returns a fault with what Check finds, or
// one that says that the batch is full or has the claim already.
func (w *Writer) Claim(c *Claim) error {
	switch problems := Check(c); {
	case len(problems) > 0:
		return fault.New(fault.Invalid, "claim_not_writable", "This claim cannot be written.", problems...)
	case !w.begun:
		return fault.New(fault.Invalid, "no_batch", "Begin a batch before its claims.")
	case len(w.ids) == MaxClaims:
		return fault.New(fault.Invalid, "batch_full", "A batch holds 5000 claims; begin another.")
	case w.ids[c.ID]:
		return fault.New(fault.Invalid, "claim_twice", "The batch has a claim of this number.")
	}
	if len(w.ids) == 0 {
		w.header()
	}
	w.ids[c.ID] = true
	w.written = true
	if w.payee == 0 || w.billing != c.Billing {
		w.billingLoops(&c.Billing)
	}
	w.subscriberLoops(c)
	if c.Patient != nil {
		w.patientLoops(c.Patient)
	}
	w.claim(c)
	for i := range c.Lines {
		w.line(i+1, &c.Lines[i])
	}
	return w.w.Err()
}

// Close ends the file, and refuses one without a claim. It does not close the
// destination.
func (w *Writer) Close() error {
	if !w.written {
		return fault.New(fault.Invalid, "no_claims", "A file needs a claim.")
	}
	return w.w.Close()
}

// header writes ST, BHT and loops 1000A and 1000B.
func (w *Writer) header() {
	b := &w.batch
	w.w.Set("837")
	purpose := "CH"
	if b.Report {
		purpose = "RP"
	}
	w.w.Segment("BHT", "0019", "00", b.Reference, b.At.Format("20060102"), b.At.Format("1504"), purpose)
	w.w.Segment("NM1", "41", "2", b.Submitter.Name, "", "", "", "", "46", b.Submitter.ID)
	w.w.Segment("PER", "IC", b.Contact.Name, "TE", b.Contact.Phone)
	w.w.Segment("NM1", "40", "2", b.Receiver.Name, "", "", "", "", "46", b.Receiver.ID)
	w.hl, w.payee = 0, 0
}

// level writes HL and returns its number.
func (w *Writer) level(parent int, kind string, children bool) int {
	w.hl++
	above, below := "", "0"
	if parent > 0 {
		above = strconv.Itoa(parent)
	}
	if children {
		below = "1"
	}
	w.w.Segment("HL", strconv.Itoa(w.hl), above, kind, below)
	return w.hl
}

func (w *Writer) billingLoops(b *Billing) {
	w.billing = *b
	w.payee = w.level(0, "20", true)
	if b.Taxonomy != "" {
		w.w.Segment("PRV", "BI", "PXC", b.Taxonomy)
	}
	w.provider("85", &b.Provider)
	w.address(b.Address)
	w.w.Segment("REF", "EI", b.TaxID)
}

func (w *Writer) provider(entity string, p *Provider) {
	kind := "2"
	if p.First != "" {
		kind = "1"
	}
	w.w.Segment("NM1", entity, kind, p.Name, p.First, "", "", "", "XX", p.NPI)
}

func (w *Writer) address(a Address) {
	w.w.Segment("N3", a.Street, a.Unit)
	w.w.Segment("N4", a.City, a.State, a.ZIP)
}

func (w *Writer) subscriberLoops(c *Claim) {
	s := &c.Subscriber
	w.level(w.payee, "22", c.Patient != nil)
	self := ""
	if c.Patient == nil {
		self = "18"
	}
	w.w.Segment("SBR", s.Order, self, s.Group, s.Plan, "", "", "", "", s.Filing)
	w.w.Segment("NM1", "IL", "1", s.Last.Reveal(), s.First.Reveal(), s.Middle.Reveal(), "", s.Suffix.Reveal(), "MI", s.MemberID.Reveal())
	if c.Patient == nil {
		w.person(&s.Person)
	}
	w.w.Segment("NM1", "PR", "2", c.Payer.Name, "", "", "", "", "PI", c.Payer.ID)
}

func (w *Writer) patientLoops(p *Dependent) {
	w.level(w.hl, "23", false)
	w.w.Segment("PAT", p.Relationship)
	w.w.Segment("NM1", "QC", "1", p.Last.Reveal(), p.First.Reveal(), p.Middle.Reveal(), "", p.Suffix.Reveal())
	w.person(&p.Person)
}

func (w *Writer) person(p *Person) {
	w.address(p.Address.reveal())
	w.w.Segment("DMG", "D8", p.Birth.Reveal(), p.Gender.Reveal())
}

// claim writes loops 2300 and 2310B.
func (w *Writer) claim(c *Claim) {
	signed := "N"
	if c.Signed {
		signed = "Y"
	}
	w.w.Start("CLM").Put(c.ID).Money(c.Charge).Put("", "").Parts(c.Place, "B", string(c.Frequency)).
		Put(signed, c.Assignment, c.Benefits, c.Release).End()
	if c.PayerControl != "" {
		w.w.Segment("REF", "F8", c.PayerControl)
	}
	if c.Reference != "" {
		w.w.Segment("REF", "D9", c.Reference)
	}
	hi := w.w.Start("HI")
	for i, d := range c.Diagnoses {
		list := "ABF"
		if i == 0 {
			list = "ABK"
		}
		hi.Parts(list, d.Reveal())
	}
	hi.End()
	if c.Rendering != (Provider{}) {
		w.provider("82", &c.Rendering)
		if c.Rendering.Taxonomy != "" {
			w.w.Segment("PRV", "PE", "PXC", c.Rendering.Taxonomy)
		}
	}
}

// line writes loop 2400.
func (w *Writer) line(n int, l *Line) {
	w.w.Segment("LX", strconv.Itoa(n))
	w.parts = append(append(w.parts[:0], "HC", l.Code), l.Modifiers...)
	pointers := w.numbers[:0]
	for _, p := range l.Pointers {
		pointers = append(pointers, strconv.Itoa(p))
	}
	w.w.Start("SV1").Parts(w.parts...).Money(l.Charge).Put("UN", strconv.Itoa(l.Units), "", "").Parts(pointers...).End()
	if l.From == l.To {
		w.w.Segment("DTP", "472", "D8", x12.DayText(l.From))
	} else {
		w.w.Segment("DTP", "472", "RD8", x12.DayText(l.From)+"-"+x12.DayText(l.To))
	}
	w.w.Segment("REF", "6R", l.Control)
}
