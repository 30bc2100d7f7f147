package p835

import (
	"io"

	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// A Reader reads remittances one claim at a time, whatever their separators and
// however many interchanges. Segments that are not needed are passed over. Only
// when Next has returned io.EOF is it known that nothing is missing, so a
// caller that posts reads a file to its end first, and then again.
type Reader struct {
	x       *x12.Reader // stands on the first segment that was not used, or before all
	current *Remittance
}

// NewReader returns a Reader of the remittances in src.
func NewReader(src io.Reader) *Reader { return &Reader{x: x12.NewReader(src)} }

// Next passes what is left of the remittance before, and returns the next one, up
// to its claims. It returns io.EOF after the last, if everything was whole, and
// otherwise an *x12.Error or what the source returned. The first error is final.
func (r *Reader) Next() (*Remittance, error) {
	for r.current != nil && r.x.Err() == nil {
		if _, err := r.Claim(); err != nil {
			break
		}
	}
	for !r.x.Is("ST") && r.x.Next() {
	}
	if err := r.x.Err(); err != nil {
		return nil, err
	}
	if r.x.Group().Kind != "HP" || r.x.Set().Kind != "835" || r.x.Set().Version != Version {
		r.x.Refuse(0, "the transaction must be an 835 of version "+Version+" in a group HP")
		return nil, r.x.Err()
	}
	m := &Remittance{Interchange: r.x.Interchange(), Group: r.x.Group(), Control: r.x.Set().Control, Currency: "USD"}
	r.readHeader(m)
	if err := r.x.Err(); err != nil {
		return nil, err
	}
	r.current = m
	return m, nil
}

// Claim returns the remittance's next claim. It returns io.EOF after the last, and
// the remittance then has its provider adjustments and sums.
func (r *Reader) Claim() (*Claim, error) {
	m := r.current
	if m == nil {
		return nil, io.EOF
	}
	r.x.Hold()
	for ; r.x.Err() == nil && !r.x.Is("CLP"); r.x.Next() {
		switch {
		case r.x.Is("PLB"):
			r.readProviderAdjustments(m)
		case r.x.Is("SE"):
			r.current = nil
			return nil, r.endOfClaims()
		}
	}
	c := &Claim{}
	r.readClaim(c)
	if err := r.x.Err(); err != nil {
		return nil, err
	}
	m.Claims++
	m.ClaimsPaid += c.Paid
	return c, nil
}

// endOfClaims goes behind SE, and is io.EOF if what was read before it is right.
func (r *Reader) endOfClaims() error {
	r.x.Next()
	if err := r.x.Err(); err != nil {
		return err
	}
	return io.EOF
}

// amount is an element that must be an amount and not empty.
func (r *Reader) amount(n int) money.Cents {
	r.x.Need(n)
	return r.x.Money(n)
}

// readHeader reads ST to the segment before the first LX, CLP or PLB.
func (r *Reader) readHeader(m *Remittance) {
	r.x.Hold()
	party := &Party{}
	seen := map[string]bool{}
	for r.x.Next() {
		switch tag := r.x.Tag(); tag {
		case "LX", "CLP", "PLB", "SE":
			if !seen["BPR"] || !seen["TRN"] {
				r.x.Refuse(0, "a remittance must have BPR and TRN before its claims")
			}
			return
		case "BPR":
			r.readPayment(m)
			seen[tag] = true
		case "TRN":
			m.Trace, m.Origin = r.x.Need(2), r.x.Text(3)
			seen[tag] = true
		case "CUR":
			m.Currency = r.x.Need(2)
		case "DTM":
			if r.x.Text(1) == "405" {
				m.Produced = r.x.Day(2)
			}
		case "N1":
			party = r.readParty(m)
		case "REF":
			r.readPartyReference(party)
		}
	}
}

func (r *Reader) readPayment(m *Remittance) {
	m.Handling, m.Amount, m.Method, m.Paid = r.x.Text(1), r.amount(2), r.x.Text(4), r.x.Day(16)
	switch r.x.Text(3) {
	case "C":
	case "D":
		m.Amount = -m.Amount
	default:
		r.x.Refuse(3, "write C if the payee is paid, D if the payer takes money")
	}
}

func (r *Reader) readParty(m *Remittance) *Party {
	party := &Party{}
	switch r.x.Text(1) {
	case "PR":
		party = &m.Payer
	case "PE":
		party = &m.Payee
	}
	*party = Party{Name: r.x.Text(2), ID: r.x.Text(4)}
	if r.x.Text(3) == "FI" {
		party.TaxID = party.ID
	}
	return party
}

func (r *Reader) readPartyReference(p *Party) {
	switch r.x.Text(1) {
	case "2U":
		if p.ID == "" {
			p.ID = r.x.Text(2)
		}
	case "TJ":
		p.TaxID = r.x.Text(2)
	}
}

// readProviderAdjustments reads PLB: up to six pairs of a reason and an amount.
func (r *Reader) readProviderAdjustments(m *Remittance) {
	for n := 3; n == 3 || n <= r.x.Len(); n += 2 {
		if n > 3 && r.x.Text(n) == "" && r.x.Text(n+1) == "" {
			continue
		}
		m.Adjustments = append(m.Adjustments, ProviderAdjustment{
			Provider: r.x.Need(1), FiscalYear: r.x.Day(2), Reason: r.x.Part(n, 1), Reference: r.x.Part(n, 2), Amount: r.amount(n + 1),
		})
	}
}

// readClaim reads CLP to the segment before the next claim.
func (r *Reader) readClaim(c *Claim) {
	if r.x.Err() != nil {
		return
	}
	r.x.Hold()
	c.ID, c.Status, c.Charge, c.Paid, c.PatientShare = r.x.Need(1), Status(r.x.Need(2)), r.amount(3), r.amount(4), r.x.Money(5)
	c.Filing, c.PayerControl, c.Place, c.Frequency = r.x.Text(6), r.x.Text(7), r.x.Text(8), r.x.Text(9)
	var line *Line
	for r.x.Next() {
		switch r.x.Tag() {
		case "CLP", "LX", "PLB", "SE":
			return
		case "SVC":
			c.Lines = append(c.Lines, r.service())
			line = &c.Lines[len(c.Lines)-1]
		default:
			if line == nil {
				r.readClaimSegment(c)
			} else {
				r.readLineSegment(line)
			}
		}
	}
}

func (r *Reader) readClaimSegment(c *Claim) {
	switch r.x.Tag() {
	case "CAS":
		c.Adjustments = r.adjustments(c.Adjustments)
	case "NM1":
		r.readName(c)
	case "MOA":
		c.Remarks = r.remarks(c.Remarks, 3, 4, 5, 6, 7)
	case "MIA":
		c.Remarks = r.remarks(c.Remarks, 5, 20, 21, 22, 23)
	case "DTM":
		switch r.x.Text(1) {
		case "050":
			c.Received = r.x.Day(2)
		case "232":
			c.From = r.x.Day(2)
		case "233":
			c.To = r.x.Day(2)
		}
	case "AMT":
		if r.x.Text(1) == "AU" {
			c.Covered = r.amount(2)
		}
	}
}

func (r *Reader) readName(c *Claim) {
	p := Person{Last: phi.Text(r.x.Text(3)), First: phi.Text(r.x.Text(4)), ID: phi.Text(r.x.Text(9))}
	switch r.x.Text(1) {
	case "QC":
		c.Patient = p
	case "IL":
		c.Subscriber = p
	case "74":
		c.Corrected = p
	case "82":
		if r.x.Text(8) == "XX" {
			c.RenderingNPI = r.x.Text(9)
		}
	}
}

// remarks adds the remark codes that stand at these elements.
func (r *Reader) remarks(all []string, elements ...int) []string {
	for _, n := range elements {
		if code := r.x.Text(n); code != "" {
			all = append(all, code)
		}
	}
	return all
}

func (r *Reader) readLineSegment(l *Line) {
	switch r.x.Tag() {
	case "CAS":
		l.Adjustments = r.adjustments(l.Adjustments)
	case "DTM":
		r.readServiceDay(l)
	case "REF":
		if r.x.Text(1) == "6R" {
			l.Control = r.x.Text(2)
		}
	case "AMT":
		if r.x.Text(1) == "B6" {
			l.Allowed = r.amount(2)
		}
	case "LQ":
		if r.x.Text(1) == "HE" {
			l.Remarks = r.remarks(l.Remarks, 2)
		}
	}
}

func (r *Reader) readServiceDay(l *Line) {
	switch r.x.Text(1) {
	case "472":
		l.From = r.x.Day(2)
		l.To = l.From
	case "150":
		l.From = r.x.Day(2)
	case "151":
		l.To = r.x.Day(2)
	}
}

// service reads SVC.
func (r *Reader) service() Line {
	l := Line{Code: r.x.Part(1, 2), Charge: r.amount(2), Paid: r.amount(3), Units: r.x.Text(5), SentCode: r.x.Part(6, 2)}
	for n := 3; n <= 6; n++ {
		if m := r.x.Part(1, n); m != "" {
			l.Modifiers = append(l.Modifiers, m)
		}
	}
	return l
}

// adjustments adds those of CAS: up to six of a reason, an amount and a quantity.
func (r *Reader) adjustments(all []Adjustment) []Adjustment {
	cause := Cause(r.x.Text(1))
	switch cause {
	case Contractual, PatientBears, Other, PayerInitiated:
	default:
		r.x.Refuse(1, "the group must be CO, PR, OA or PI")
	}
	for n := 2; n == 2 || n <= r.x.Len(); n += 3 {
		if n > 2 && r.x.Text(n) == "" && r.x.Text(n+1) == "" {
			continue
		}
		all = append(all, Adjustment{Cause: cause, Reason: r.x.Need(n), Amount: r.amount(n + 1), Quantity: r.x.Text(n + 2)})
	}
	return all
}
