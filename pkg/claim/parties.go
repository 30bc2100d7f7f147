package claim

import (
	"slices"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coverage"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p837"
)

// Parties are whom a claim names, as they are on record when it is reviewed or put into a file.
// What is not known is empty or zero; Scrub says where it is missing.
type Parties struct {
	Practice  p837.Billing   // who is paid
	Zone      *time.Location // the practice's, whose days are the claim's; it must be set
	Clinician p837.Provider  // who answered
	Patient   Patient
	// Coverages are all that the patient has, ended ones too: another than the claim's may pay
	// first.
	Coverages []coverage.Held
}

// A Patient is one as claims name them. Middle and Suffix may be empty.
type Patient struct {
	Last, First, Middle, Suffix phi.Text
	Birth                       civil.Day
	Sex                         string // FHIR administrative gender: female or male; any other is unknown
	Home                        p837.Home
}

// billed is the coverage of an id; the zero Held if the patient has none.
func (p Parties) billed(id string) coverage.Held {
	if i := slices.IndexFunc(p.Coverages, func(h coverage.Held) bool { return h.ID == id }); i >= 0 {
		return p.Coverages[i]
	}
	return coverage.Held{}
}

// relationships are the codes of PAT01 (005010X222A1, loop 2000C).
var relationships = map[coverage.Relation]string{coverage.Spouse: "01", coverage.Child: "19", coverage.Other: "G8"}

// form is attempt n of c, counted from 1, as p837 writes it: with the parties as they are, in
// characters that X12 can carry as far as they have such a form. It says that the practice has
// signed, takes the plan's payment as agreed, and has the patient's consent to that and to release
// what the plan asks for (CLM06 to CLM09): who bills plans must have that.
func (c Claim) form(n int, p Parties) *p837.Claim {
	h, a := p.billed(c.Coverage), c.Attempts[n-1]
	f := &p837.Claim{
		Billing: p.Practice, Rendering: p.Clinician,
		Subscriber: p837.Subscriber{MemberID: h.Card.Member, Order: "P", Group: h.Card.Group.Reveal(), Filing: string(h.Payer.Filing)},
		Payer:      p837.Organization{Name: h.Payer.Name, ID: h.Payer.ID},
		ID:         c.Control(n), Charge: c.Charge(), Place: c.Place, Frequency: a.Frequency, PayerControl: a.PayerControl,
		Signed: true, Assignment: "A", Benefits: "Y", Release: "Y",
		Diagnoses: slices.Clone(c.Diagnoses),
	}
	if p.Clinician.NPI == p.Practice.NPI { // who answers bills for themselves
		f.Rendering = p837.Provider{}
	}
	if h.Card.Relation == coverage.Self {
		f.Subscriber.Person = p.Patient.person()
	} else {
		f.Subscriber.Person = p837.Person{Last: h.Card.Subscriber.Last, First: h.Card.Subscriber.First}
		f.Patient = &p837.Dependent{Relationship: relationships[h.Card.Relation], Person: p.Patient.person()}
	}
	for i, l := range c.Lines {
		f.Lines = append(f.Lines, p837.Line{
			Code: l.Code, Modifiers: l.Modifiers, Charge: l.Charge, Units: 1, Pointers: l.Pointers, From: l.From, To: l.Until,
			Control: c.LineControl(n, i+1),
		})
	}
	fitted, _ := p837.Fit(f)
	return fitted
}

func (p Patient) person() p837.Person {
	return p837.Person{
		Last: p.Last, First: p.First, Middle: p.Middle, Suffix: p.Suffix, Address: p.Home,
		Birth: phi.Text(x12.DayText(p.Birth)), Gender: p.gender(),
	}
}

// unknownGender is DMG03 of whom it is not known of, or neither.
const unknownGender phi.Text = "U"

// gender is DMG03.
func (p Patient) gender() phi.Text {
	switch p.Sex {
	case "female":
		return "F"
	case "male":
		return "M"
	}
	return unknownGender
}
