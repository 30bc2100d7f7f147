package p837

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// checks gathers what is wrong. part and within say what it looks at, as
// "subscriber" and "address", or are empty; line is a line's ordinal, or 0.
type checks struct {
	problems     []fault.Problem
	part, within string
	line         int
}

func (c *checks) must(holds bool, field, code, text string) {
	if holds {
		return
	}
	where := field
	switch {
	case c.line > 0:
		where = fmt.Sprintf("lines/%d/%s", c.line, field)
	case c.part != "":
		where = strings.TrimSuffix(path.Join(c.part, c.within, field), "/")
	}
	c.problems = append(c.problems, fault.Problem{Where: where, Code: code, Text: text})
}

// text is a value that must be there, of at most most characters.
func (c *checks) text(field, s string, most int) {
	c.must(s != "", field, "missing", "This is needed on a claim.")
	c.optional(field, s, most)
}

func (c *checks) optional(field, s string, most int) {
	if len(s) > most {
		c.must(false, field, "too_long", fmt.Sprintf("This may have at most %d characters.", most))
	}
	c.must(x12.Carries(s), field, "character", "Use the letters A to Z, digits and plain punctuation, without ~ * : ^ and without a space at the begin or end.")
}

// oneOf is a code of a list, whose words are parted by a space.
func (c *checks) oneOf(field, s, list string) {
	if !listed(list, s) {
		c.must(false, field, "unknown_code", "This must be one of "+list+".")
	}
}

// listed reports whether s is a word of list.
func listed(list, s string) bool {
	for list != "" {
		var word string
		if word, list, _ = strings.Cut(list, " "); word == s {
			return true
		}
	}
	return false
}

func (c *checks) digits(field, s string, lengths ...int) {
	ok := slices.Contains(lengths, len(s))
	for i := range len(s) {
		ok = ok && '0' <= s[i] && s[i] <= '9'
	}
	if !ok {
		c.must(false, field, "digits", fmt.Sprintf("This must be digits, %s of them.", strings.Trim(strings.ReplaceAll(fmt.Sprint(lengths), " ", " or "), "[]")))
	}
}

// code is capitals and digits, from least to most of them.
func (c *checks) code(field, s string, least, most int) {
	ok := least <= len(s) && len(s) <= most
	for i := range len(s) {
		ok = ok && ('0' <= s[i] && s[i] <= '9' || 'A' <= s[i] && s[i] <= 'Z')
	}
	c.must(ok, field, "code", "This must be a code of capital letters and digits, of the length that its list has, without a point.")
}

func (c *checks) amount(field string, a money.Cents) {
	c.must(0 <= a && a <= x12.MaxAmount, field, "amount", "An amount must be from 0 to 99999999.99.")
}

// CheckBatch says what is wrong with a batch's head.
func CheckBatch(b Batch) []fault.Problem {
	c := &checks{}
	c.text("reference", b.Reference, 50)
	c.must(b.At.Year() >= 1900 && b.At.Year() <= 2199, "at", "date", "The batch must have a date and time.")
	c.organization("submitter", b.Submitter)
	c.part = "contact"
	c.text("name", b.Contact.Name, 60)
	c.digits("phone", b.Contact.Phone, 10)
	c.organization("receiver", b.Receiver)
	return c.problems
}

// Check says what is wrong with a claim: what the guide does not allow, and what
// does not agree within the claim. A claim that has no problem can be written.
// Whether codes exist and hold on the day is not looked at.
func Check(claim *Claim) []fault.Problem {
	c := &checks{}
	c.billing(&claim.Billing)
	c.subscriber(claim)
	c.organization("payer", claim.Payer)
	if claim.Rendering != (Provider{}) {
		c.provider("rendering", &claim.Rendering)
		c.must(claim.Rendering.NPI != claim.Billing.NPI, "", "same_provider", "Leave out the rendering provider who is the billing provider.")
	}
	c.part = ""
	c.head(claim)
	c.diagnoses(claim.Diagnoses)
	c.lines(claim)
	return c.problems
}

func (c *checks) organization(part string, o Organization) {
	c.part = part
	c.text("name", o.Name, 60)
	c.must(len(o.ID) >= 2, "id", "missing", "The identifier must have at least two characters.")
	c.optional("id", o.ID, 80)
}

// billing checks loop 2010AA; that a street is needed is TR3, its N3.
func (c *checks) billing(b *Billing) {
	c.provider("billing", &b.Provider)
	c.digits("tax_id", b.TaxID, 9)
	c.address(&b.Address, 9)
	c.must(!postBox(b.Address.Street), "address/street", "post_box", "The billing address must be a street address, not a post box.")
}

func postBox(street string) bool {
	s := strings.ToUpper(street)
	return strings.HasPrefix(s, "P") && strings.HasPrefix(strings.NewReplacer(".", "", " ", "").Replace(s), "POBOX")
}

func (c *checks) provider(part string, p *Provider) {
	c.part = part
	c.text("name", p.Name, 60)
	c.optional("first", p.First, 35)
	c.must(validNPI(p.NPI), "npi", "npi", "The NPI must have ten digits, of which the last is the check digit.")
	if p.Taxonomy != "" {
		c.code("taxonomy", p.Taxonomy, 10, 10)
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

// address checks an address whose ZIP has a number of digits of zips.
func (c *checks) address(a *Address, zips ...int) {
	c.within = "address"
	c.text("street", a.Street, 55)
	c.optional("unit", a.Unit, 55)
	c.text("city", a.City, 30)
	c.code("state", a.State, 2, 2)
	c.digits("zip", a.ZIP, zips...)
	c.within = ""
}

func (c *checks) subscriber(claim *Claim) {
	s := &claim.Subscriber
	c.name("subscriber", &s.Person)
	c.must(len(s.MemberID) >= 2, "member_id", "missing", "The member number must have at least two characters.")
	c.optional("member_id", s.MemberID.Reveal(), 80)
	c.oneOf("order", s.Order, "P S T")
	c.optional("group", s.Group, 50)
	c.optional("plan", s.Plan, 60)
	c.must(s.Group == "" || s.Plan == "", "plan", "not_both", "Give the group's number or the plan's name, not both.")
	c.oneOf("filing", s.Filing, "11 12 13 14 15 16 17 AM BL CH CI DS FI HM LM MA MB MC OF TV VA WC ZZ")
	if claim.Patient == nil {
		c.patient(&s.Person)
		return
	}
	c.must(s.Address == Home{} && s.Birth == "" && s.Gender == "", "", "not_patient",
		"Leave out address, birth and gender of a subscriber who is not the patient.")
	c.name("patient", &claim.Patient.Person)
	c.oneOf("relationship", claim.Patient.Relationship, "01 19 20 21 39 40 53 G8")
	c.patient(&claim.Patient.Person)
}

func (c *checks) name(part string, p *Person) {
	c.part = part
	c.text("last", p.Last.Reveal(), 60)
	c.optional("first", p.First.Reveal(), 35)
	c.optional("middle", p.Middle.Reveal(), 25)
	c.optional("suffix", p.Suffix.Reveal(), 10)
}

func (c *checks) patient(p *Person) {
	a := p.Address.reveal()
	c.address(&a, 5, 9)
	_, day := x12.ParseDate(p.Birth.Reveal())
	c.must(day, "birth", "date", "The date of birth must be a day, CCYYMMDD.")
	c.oneOf("gender", p.Gender.Reveal(), "F M U")
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
