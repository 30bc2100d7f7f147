// Package p837 writes and reads professional claims: X12 837P, TR3 005010X222A1.
// A claim here has what an online visit needs and no more. Check says what is
// wrong with a claim before it is written; Writer writes no claim that Check
// refuses, and Reader reads what Writer writes.
package p837

import (
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/money"
	"evisit/pkg/phi"
)

// Version is the guide, as GS08 and ST03 name it.
const Version = "005010X222A1"

// Limits of the guide. MaxClaims is for one batch (TR3 section 1.3.2), the others
// for one claim (segment HI of loop 2300, loop 2400) and one line (SV101, SV107).
const (
	MaxClaims    = 5000
	MaxDiagnoses = 12
	MaxLines     = 50
	maxPointers  = 4
	maxModifiers = 4
)

// A Batch is the head of one transaction: BHT and loops 1000A and 1000B.
type Batch struct {
	Reference string    // BHT03, unique among the submitter's batches
	At        time.Time // BHT04 and BHT05, to the minute, in the submitter's zone
	Report    bool      // BHT06 is RP: the claims are for information, and nobody pays them; CH if not
	Submitter Organization
	Contact   Contact // the submitter's
	Receiver  Organization
}

// An Organization is known by an identifier agreed upon with the file's receiver.
type Organization struct {
	Name, ID string
}

// A Contact is whom to call about a batch. Phone has ten digits.
type Contact struct {
	Name, Phone string
}

// An Address is in the United States. State has two letters, ZIP five or nine
// digits without a hyphen, Street is a street and number, Unit may be empty.
type Address struct {
	Street, Unit, City, State, ZIP string
}

// A Home is a person's Address.
type Home struct {
	Street, Unit, City, State, ZIP phi.Text
}

func home(a Address) Home {
	return Home{phi.Text(a.Street), phi.Text(a.Unit), phi.Text(a.City), phi.Text(a.State), phi.Text(a.ZIP)}
}

func (h Home) reveal() Address {
	return Address{h.Street.Reveal(), h.Unit.Reveal(), h.City.Reveal(), h.State.Reveal(), h.ZIP.Reveal()}
}

// A Provider is an organization if First is empty, and a person if not. NPI is
// the ten digits of the National Provider Identifier, Taxonomy a code of ten
// characters or empty.
type Provider struct {
	Name          string // of the organization, or the person's last name
	First         string
	NPI, Taxonomy string
}

// A Billing is the provider that is paid: loops 2000A and 2010AA.
type Billing struct {
	Provider
	Address Address // of the street, ZIP of nine digits
	TaxID   string  // nine digits, an employer's (REF*EI)
}

// A Person is a patient or subscriber. Middle and Suffix may be empty. Birth is
// CCYYMMDD, Gender F, M or U.
type Person struct {
	Last, First, Middle, Suffix phi.Text
	Address                     Home
	Birth, Gender               phi.Text
}

// A Subscriber is whose insurance it is: loops 2000B and 2010BA. Address, Birth
// and Gender are there only if the subscriber is the patient.
type Subscriber struct {
	Person
	MemberID phi.Text
	Order    string // SBR01: P, S or T, the payer's turn
	Group    string // SBR03, the plan's group number, or empty
	Plan     string // SBR04, the plan's name, or empty; only if Group is empty
	Filing   string // SBR09, the kind of insurance, such as CI
}

// A Dependent is a patient who is not the subscriber: loops 2000C and 2010CA.
// Relationship is PAT01, such as 19 for a child.
type Dependent struct {
	Relationship string
	Person
}

// A Frequency is CLM05-3: what a claim is to one sent before.
type Frequency string

// The frequencies. Replacement and Void name the claim by the payer's control number.
const (
	Original    Frequency = "1"
	Replacement Frequency = "7"
	Void        Frequency = "8"
)

// A Claim is one claim with all it hangs from, so that claims may come in any
// order.
type Claim struct {
	Billing    Billing
	Subscriber Subscriber
	Patient    *Dependent // nil if the subscriber is the patient
	Payer      Organization

	ID           string // CLM01, at most 20 characters, unique; it returns as CLP01 of an 835
	Charge       money.Cents
	Place        string // CLM05-1, place of service of two digits
	Frequency    Frequency
	PayerControl string // REF*F8, of a replacement or void
	Reference    string // REF*D9, the submitter's number for a clearinghouse, or empty
	Signed       bool   // CLM06, the provider's signature is on file
	Assignment   string // CLM07: A, B or C
	Benefits     string // CLM08: Y, N or W
	Release      string // CLM09: Y or I

	Diagnoses []phi.Text // ICD-10-CM without a point, the principal one first
	Rendering Provider   // the zero Provider if the billing provider rendered
	Lines     []Line
}

// A Line is one service: loop 2400.
type Line struct {
	Code      string // CPT or HCPCS, five characters
	Modifiers []string
	Charge    money.Cents
	Units     int
	Pointers  []int // to Diagnoses, from 1, the principal first
	From, To  civil.Day
	Control   string // REF*6R, unique in the claim; it returns in an 835
}
