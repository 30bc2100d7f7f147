package p837

import (
	"fmt"
	"slices"
	"strings"

	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/npi"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// checks gathers what is wrong with a batch or claim.
type checks struct{ x12.Checks }

// CheckBatch says what is wrong with a batch's head.
func CheckBatch(b Batch) []fault.Problem {
	c := &checks{}
	c.Text("reference", b.Reference, 50)
	c.Must(b.At.Year() >= 1900 && b.At.Year() <= 2199, "at", "date", "The batch must have a date and time.")
	c.organization("submitter", b.Submitter)
	c.Part = "contact"
	c.Text("name", b.Contact.Name, 60)
	c.Digits("phone", b.Contact.Phone, 10)
	c.organization("receiver", b.Receiver)
	return c.Problems
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
		c.Must(claim.Rendering.NPI != claim.Billing.NPI, "", "same_provider", "Leave out the rendering provider who is the billing provider.")
	}
	c.Part = ""
	c.head(claim)
	c.diagnoses(claim.Diagnoses)
	c.lines(claim)
	return c.Problems
}

func (c *checks) organization(part string, o Organization) {
	c.Part = part
	c.Text("name", o.Name, 60)
	c.Must(len(o.ID) >= 2, "id", "missing", "The identifier must have at least two characters.")
	c.Optional("id", o.ID, 80)
}

// billing checks loop 2010AA; that a street is needed is TR3, its N3.
func (c *checks) billing(b *Billing) {
	c.provider("billing", &b.Provider)
	c.Digits("tax_id", b.TaxID, 9)
	c.address(&b.Address, 9)
	c.Must(!postBox(b.Address.Street), "address/street", "post_box", "The billing address must be a street address, not a post box.")
}

func postBox(street string) bool {
	s := strings.ToUpper(street)
	return strings.HasPrefix(s, "P") && strings.HasPrefix(strings.NewReplacer(".", "", " ", "").Replace(s), "POBOX")
}

func (c *checks) provider(part string, p *Provider) {
	c.Part = part
	c.Text("name", p.Name, 60)
	c.Optional("first", p.First, 35)
	c.Must(npi.Valid(p.NPI), "npi", "npi", "The NPI must have ten digits, of which the last is the check digit.")
	if p.Taxonomy != "" {
		c.Code("taxonomy", p.Taxonomy, 10, 10)
	}
}

// address checks an address whose ZIP has a number of digits of zips.
func (c *checks) address(a *Address, zips ...int) {
	c.Within = "address"
	c.Text("street", a.Street, 55)
	c.Optional("unit", a.Unit, 55)
	c.Text("city", a.City, 30)
	c.Code("state", a.State, 2, 2)
	c.Digits("zip", a.ZIP, zips...)
	c.Within = ""
}

func (c *checks) subscriber(claim *Claim) {
	s := &claim.Subscriber
	c.name("subscriber", &s.Person)
	c.Must(len(s.MemberID) >= 2, "member_id", "missing", "The member number must have at least two characters.")
	c.Optional("member_id", s.MemberID.Reveal(), 80)
	c.OneOf("order", s.Order, "P S T")
	c.Optional("group", s.Group, 50)
	c.Optional("plan", s.Plan, 60)
	c.Must(s.Group == "" || s.Plan == "", "plan", "not_both", "Give the group's number or the plan's name, not both.")
	c.OneOf("filing", s.Filing, "11 12 13 14 15 16 17 AM BL CH CI DS FI HM LM MA MB MC OF TV VA WC ZZ")
	if claim.Patient == nil {
		c.patient(&s.Person)
		return
	}
	c.Must(s.Address == Home{} && s.Birth == "" && s.Gender == "", "", "not_patient",
		"Leave out address, birth and gender of a subscriber who is not the patient.")
	c.name("patient", &claim.Patient.Person)
	c.OneOf("relationship", claim.Patient.Relationship, "01 19 20 21 39 40 53 G8")
	c.patient(&claim.Patient.Person)
}

func (c *checks) name(part string, p *Person) {
	c.Part = part
	c.Text("last", p.Last.Reveal(), 60)
	c.Optional("first", p.First.Reveal(), 35)
	c.Optional("middle", p.Middle.Reveal(), 25)
	c.Optional("suffix", p.Suffix.Reveal(), 10)
}

func (c *checks) patient(p *Person) {
	a := p.Address.reveal()
	c.address(&a, 5, 9)
	_, day := x12.ParseDay(p.Birth.Reveal())
	c.Must(day, "birth", "date", "The date of birth must be a day, CCYYMMDD.")
	c.OneOf("gender", p.Gender.Reveal(), "F M U")
}

func (c *checks) head(claim *Claim) {
	c.Text("id", claim.ID, 20)
	c.Amount("charge", claim.Charge)
	c.Digits("place", claim.Place, 2)
	c.OneOf("frequency", string(claim.Frequency), "1 7 8")
	c.Optional("payer_control", claim.PayerControl, 50)
	if claim.Frequency == Original {
		c.Must(claim.PayerControl == "", "payer_control", "not_original", "An original claim has no payer's control number; leave it out, or replace or void the claim.")
	} else {
		c.Must(claim.PayerControl != "", "payer_control", "missing", "A replacement or void needs the payer's control number of the claim.")
	}
	c.Optional("reference", claim.Reference, 20)
	c.OneOf("assignment", claim.Assignment, "A B C")
	c.OneOf("benefits", claim.Benefits, "Y N W")
	c.OneOf("release", claim.Release, "Y I")
}

func (c *checks) diagnoses(all []phi.Text) {
	c.Must(len(all) > 0, "diagnoses", "missing", "A claim needs a diagnosis.")
	c.Must(len(all) <= MaxDiagnoses, "diagnoses", "too_many", "A claim may have at most 12 diagnoses.")
	for i, d := range all {
		c.Code("diagnoses", d.Reveal(), 3, 7)
		c.Must(!slices.Contains(all[:i], d), "diagnoses", "twice", "Name each diagnosis once.")
	}
}

func (c *checks) lines(claim *Claim) {
	c.Must(len(claim.Lines) > 0, "lines", "missing", "A claim needs a service line.")
	if len(claim.Lines) > MaxLines {
		c.Must(false, "lines", "too_many", "A claim may have at most 50 service lines; make several claims.")
		return
	}
	sum := money.Cents(0)
	c.Part = "lines"
	for i := range claim.Lines {
		c.Index = i + 1
		c.service(&claim.Lines[i], len(claim.Diagnoses))
		c.Must(!repeats(claim.Lines[:i], claim.Lines[i].Control), "control", "twice", "Each line needs a number of its own.")
		sum += claim.Lines[i].Charge
	}
	c.Part, c.Index = "", 0
	if sum != claim.Charge {
		c.Must(false, "charge", "unbalanced", fmt.Sprintf("The lines are %s together and the claim is %s; they must be the same.", sum, claim.Charge))
	}
}

func repeats(lines []Line, control string) bool {
	return slices.ContainsFunc(lines, func(l Line) bool { return l.Control == control })
}

func (c *checks) service(l *Line, diagnoses int) {
	c.Code("code", l.Code, 5, 5)
	c.Must(len(l.Modifiers) <= maxModifiers, "modifiers", "too_many", "A line may have at most four modifiers.")
	for _, m := range l.Modifiers {
		c.Code("modifiers", m, 2, 2)
	}
	c.Amount("charge", l.Charge)
	c.Must(1 <= l.Units && l.Units <= 9999, "units", "range", "Units must be 1 to 9999.")
	c.Must(1 <= len(l.Pointers) && len(l.Pointers) <= maxPointers, "pointers", "count", "A line must point to one to four diagnoses.")
	for i, p := range l.Pointers {
		c.Must(1 <= p && p <= diagnoses && !slices.Contains(l.Pointers[:i], p), "pointers", "range", "Point to diagnoses of the claim, to each once.")
	}
	c.Must(!l.From.IsZero() && !l.To.Before(l.From), "from", "date", "The service must have a first and a last day, in this order.")
	c.Text("control", l.Control, 30)
}
