package p837

import (
	"fmt"
	"slices"
	"strings"

	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// checks gathers what is wrong. line is the line it looks at, from 1, or 0.
type checks struct {
	problems []fault.Problem
	line     int
}

func (c *checks) must(holds bool, where, code, text string) {
	if holds {
		return
	}
	if c.line > 0 {
		where = fmt.Sprintf("lines/%d/%s", c.line, where)
	}
	c.problems = append(c.problems, fault.Problem{Where: where, Code: code, Text: text})
}

// text is a value that must be there, of at most most characters.
func (c *checks) text(where, s string, most int) {
	c.must(s != "", where, "missing", "This is needed on a claim.")
	c.optional(where, s, most)
}

func (c *checks) optional(where, s string, most int) {
	if len(s) > most {
		c.must(false, where, "too_long", fmt.Sprintf("This may have at most %d characters.", most))
	}
	c.must(x12.Carries(s), where, "character", "Use the letters A to Z, digits and plain punctuation, without ~ * : ^ and without a space at the begin or end.")
}

// oneOf is a code of a list, in which codes of one length follow each other with
// a space between.
func (c *checks) oneOf(where, s, list string) {
	if s == "" || strings.Contains(s, " ") || !strings.Contains(" "+list+" ", " "+s+" ") {
		c.must(false, where, "unknown_code", "This must be one of "+list+".")
	}
}

func (c *checks) digits(where, s string, lengths ...int) {
	ok := slices.Contains(lengths, len(s))
	for i := range len(s) {
		ok = ok && '0' <= s[i] && s[i] <= '9'
	}
	if !ok {
		c.must(false, where, "digits", fmt.Sprintf("This must be digits, %s of them.", strings.Trim(strings.ReplaceAll(fmt.Sprint(lengths), " ", " or "), "[]")))
	}
}

// code is capitals and digits, from least to most of them.
func (c *checks) code(where, s string, least, most int) {
	ok := least <= len(s) && len(s) <= most
	for i := range len(s) {
		ok = ok && ('0' <= s[i] && s[i] <= '9' || 'A' <= s[i] && s[i] <= 'Z')
	}
	c.must(ok, where, "code", "This must be a code of capital letters and digits, of the length that its list has, without a point.")
}

func (c *checks) amount(where string, a money.Cents) {
	c.must(0 <= a && a <= x12.MaxAmount, where, "amount", "An amount must be from 0 to 99999999.99.")
}

// CheckBatch says what is wrong with a batch's head.
func CheckBatch(b Batch) []fault.Problem {
	c := &checks{}
	c.text("reference", b.Reference, 50)
	c.must(b.At.Year() >= 1900 && b.At.Year() <= 2199, "at", "date", "The batch must have a date and time.")
	c.organization("submitter", b.Submitter)
	c.text("contact/name", b.Contact.Name, 60)
	c.digits("contact/phone", b.Contact.Phone, 10)
	c.organization("receiver", b.Receiver)
	return c.problems
}

func (c *checks) organization(where string, o Organization) {
	c.text(where+"/name", o.Name, 60)
	c.must(len(o.ID) >= 2, where+"/id", "missing", "The identifier must have at least two characters.")
	c.optional(where+"/id", o.ID, 80)
}

// Check says what is wrong with a claim: what the guide does not allow, and what
// does not agree within the claim. A claim that has no problem can be written.
// Whether codes exist and hold on the day is not looked at.
func Check(claim *Claim) []fault.Problem {
	c := &checks{}
	c.billing(claim.Billing)
	c.subscriber(claim)
	c.organization("payer", claim.Payer)
	c.head(claim)
	c.diagnoses(claim.Diagnoses)
	if claim.Rendering != (Provider{}) {
		c.provider("rendering", claim.Rendering)
		c.must(claim.Rendering.NPI != claim.Billing.NPI, "rendering", "same_provider", "Leave out the rendering provider who is the billing provider.")
	}
	c.lines(claim)
	return c.problems
}

// billing checks loop 2010AA; that a street is needed is TR3, its N3.
func (c *checks) billing(b Billing) {
	c.provider("billing", b.Provider)
	c.address("billing/address", b.Address)
	c.digits("billing/address/zip", b.Address.ZIP, 9)
	street := strings.ToUpper(strings.NewReplacer(".", "", " ", "").Replace(b.Address.Street))
	c.must(!strings.HasPrefix(street, "POBOX"), "billing/address/street", "post_box", "The billing address must be a street address, not a post box.")
	c.digits("billing/tax_id", b.TaxID, 9)
}

func (c *checks) provider(where string, p Provider) {
	c.text(where+"/name", p.Name, 60)
	c.optional(where+"/first", p.First, 35)
	c.must(validNPI(p.NPI), where+"/npi", "npi", "The NPI must have ten digits, of which the last is the check digit.")
	if p.Taxonomy != "" {
		c.code(where+"/taxonomy", p.Taxonomy, 10, 10)
	}
}

// validNPI checks the digits as those of a card number that begins with 80840
// (45 CFR 162.406; ISO/IEC 7812-1, annex B). Those five add 24 to the sum.
func validNPI(s string) bool {
	if len(s) != 10 {
		return false
	}
	sum := 24
	for i := range len(s) {
		d := int(s[i] - '0')
		if d > 9 {
			return false
		}
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

func (c *checks) address(where string, a Address) {
	c.text(where+"/street", a.Street, 55)
	c.optional(where+"/unit", a.Unit, 55)
	c.text(where+"/city", a.City, 30)
	c.code(where+"/state", a.State, 2, 2)
	c.digits(where+"/zip", a.ZIP, 5, 9)
}

func (c *checks) subscriber(claim *Claim) {
	s := claim.Subscriber
	c.name("subscriber", s.Person)
	c.must(len(s.MemberID) >= 2, "subscriber/member_id", "missing", "The member number must have at least two characters.")
	c.optional("subscriber/member_id", s.MemberID.Reveal(), 80)
	c.oneOf("subscriber/order", s.Order, "P S T")
	c.optional("subscriber/group", s.Group, 50)
	c.optional("subscriber/plan", s.Plan, 60)
	c.must(s.Group == "" || s.Plan == "", "subscriber/plan", "not_both", "Give the group's number or the plan's name, not both.")
	c.oneOf("subscriber/filing", s.Filing, "11 12 13 14 15 16 17 AM BL CH CI DS FI HM LM MA MB MC OF TV VA WC ZZ")
	if claim.Patient == nil {
		c.patient("subscriber", s.Person)
		return
	}
	c.must(s.Address == Home{} && s.Birth == "" && s.Gender == "", "subscriber", "not_patient",
		"Leave out address, birth and gender of a subscriber who is not the patient.")
	c.oneOf("patient/relationship", claim.Patient.Relationship, "01 19 20 21 39 40 53 G8")
	c.name("patient", claim.Patient.Person)
	c.patient("patient", claim.Patient.Person)
}

func (c *checks) name(where string, p Person) {
	c.text(where+"/last", p.Last.Reveal(), 60)
	c.optional(where+"/first", p.First.Reveal(), 35)
	c.optional(where+"/middle", p.Middle.Reveal(), 25)
	c.optional(where+"/suffix", p.Suffix.Reveal(), 10)
}

func (c *checks) patient(where string, p Person) {
	c.address(where+"/address", p.Address.reveal())
	_, day := x12.ParseDate(p.Birth.Reveal())
	c.must(day, where+"/birth", "date", "The date of birth must be a day, CCYYMMDD.")
	c.oneOf(where+"/gender", p.Gender.Reveal(), "F M U")
}

func (c *checks) head(claim *Claim) {
	c.text("id", claim.ID, 20)
	c.amount("charge", claim.Charge)
	c.digits("place", claim.Place, 2)
	c.oneOf("frequency", string(claim.Frequency), "1 7 8")
	c.optional("payer_control", claim.PayerControl, 50)
	if claim.Frequency == Original {
		c.must(claim.PayerControl == "", "payer_control", "not_original", "An original claim has no payer's control number; leave it out, or replace or void the claim.")
	} else {
		c.must(claim.PayerControl != "", "payer_control", "missing", "A replacement or void needs the payer's control number of the claim.")
	}
	c.optional("reference", claim.Reference, 20)
	c.oneOf("assignment", claim.Assignment, "A B C")
	c.oneOf("benefits", claim.Benefits, "Y N W")
	c.oneOf("release", claim.Release, "Y I")
}

func (c *checks) diagnoses(all []phi.Text) {
	c.must(len(all) > 0, "diagnoses", "missing", "A claim needs a diagnosis.")
	c.must(len(all) <= MaxDiagnoses, "diagnoses", "too_many", "A claim may have at most 12 diagnoses.")
	for i, d := range all {
		c.code("diagnoses", d.Reveal(), 3, 7)
		c.must(!slices.Contains(all[:i], d), "diagnoses", "twice", "Name each diagnosis once.")
	}
}

func (c *checks) lines(claim *Claim) {
	c.must(len(claim.Lines) > 0, "lines", "missing", "A claim needs a service line.")
	if len(claim.Lines) > MaxLines {
		c.must(false, "lines", "too_many", "A claim may have at most 50 service lines; make several claims.")
		return
	}
	sum := money.Cents(0)
	for i := range claim.Lines {
		c.line = i + 1
		c.service(&claim.Lines[i], len(claim.Diagnoses))
		c.must(!repeats(claim.Lines[:i], claim.Lines[i].Control), "control", "twice", "Each line needs a number of its own.")
		sum += claim.Lines[i].Charge
	}
	c.line = 0
	if sum != claim.Charge {
		c.must(false, "charge", "unbalanced", fmt.Sprintf("The lines are %s together and the claim is %s; they must be the same.", sum, claim.Charge))
	}
}

func repeats(lines []Line, control string) bool {
	return slices.ContainsFunc(lines, func(l Line) bool { return l.Control == control })
}

func (c *checks) service(l *Line, diagnoses int) {
	c.code("code", l.Code, 5, 5)
	c.must(len(l.Modifiers) <= maxModifiers, "modifiers", "too_many", "A line may have at most four modifiers.")
	for _, m := range l.Modifiers {
		c.code("modifiers", m, 2, 2)
	}
	c.amount("charge", l.Charge)
	c.must(1 <= l.Units && l.Units <= 9999, "units", "range", "Units must be 1 to 9999.")
	c.must(1 <= len(l.Pointers) && len(l.Pointers) <= maxPointers, "pointers", "count", "A line must point to one to four diagnoses.")
	for i, p := range l.Pointers {
		c.must(1 <= p && p <= diagnoses && !slices.Contains(l.Pointers[:i], p), "pointers", "range", "Point to diagnoses of the claim, to each once.")
	}
	c.must(l.From.Valid() && l.To.Valid() && l.From <= l.To, "from", "date", "The service must have a first and a last day, in this order.")
	c.text("control", l.Control, 30)
}
