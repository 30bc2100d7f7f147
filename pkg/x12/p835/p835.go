// Package p835 reads remittances: X12 835, TR3 005010X221A1, which say what a
// payer paid for each claim, and why not more. Whether the amounts agree is
// computed from what is read and never forced: Claim.Imbalances and
// Remittance.Imbalances show each difference.
package p835

import (
	"evisit/pkg/civil"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// Version is the guide, as GS08 and ST03 name it.
const Version = "005010X221A1"

// A Remittance is one transaction: a payment, or the notice that nothing is paid.
// Payer.ID, Trace and a claim's PayerControl and ID together name what was paid
// in every file that says so.
type Remittance struct {
	Interchange x12.Interchange
	Group       x12.Group
	Control     string // ST02

	Handling string      // BPR01, such as I for a payment with its remittance
	Amount   money.Cents // BPR02, negative if BPR03 is D: the payer takes money
	Method   string      // BPR04, such as ACH, CHK or NON
	Paid     civil.Day   // BPR16
	Trace    string      // TRN02, the number of the check or transfer
	Origin   string      // TRN03, who issued it
	Currency string      // CUR02, or USD if there is none
	Produced civil.Day   // DTM*405
	Payer    Party
	Payee    Party

	// What follows is known once Reader.Claim has returned io.EOF.

	Claims      int
	ClaimsPaid  money.Cents // CLP04 of all claims
	Adjustments []ProviderAdjustment
}

// A Party is the payer or the payee. ID is N104, or REF*2U of a payer that has
// none there. TaxID is REF*TJ, or N104 if that is of kind FI.
type Party struct {
	Name, ID, TaxID string
}

// A ProviderAdjustment is money between payer and payee that belongs to no claim
// of the remittance (PLB). A positive Amount decreases the payment.
type ProviderAdjustment struct {
	Provider   string
	FiscalYear civil.Day // its last day
	Reason     string
	Reference  string
	Amount     money.Cents
}

// A Status is CLP02: how a claim was processed.
type Status string

// The statuses that a poster must tell apart. A Reversal takes back, in negative
// amounts, what was paid before; a corrected claim follows it.
const (
	Primary          Status = "1"
	Secondary        Status = "2"
	Tertiary         Status = "3"
	Denied           Status = "4"
	Reversal         Status = "22"
	NotOurClaim      Status = "23"
	Predetermination Status = "25"
)

// A Claim is loop 2100: what the payer says of one claim.
type Claim struct {
	ID           string // CLP01, CLM01 of the claim that was sent
	Status       Status
	Charge       money.Cents
	Paid         money.Cents
	PatientShare money.Cents // CLP05
	Filing       string      // CLP06
	PayerControl string      // CLP07
	Place        string      // CLP08
	Frequency    string      // CLP09

	Patient      Person // NM1*QC
	Subscriber   Person // NM1*IL, if not the patient
	Corrected    Person // NM1*74, what the payer holds the name or number to be
	RenderingNPI string
	Received     civil.Day   // DTM*050
	From, To     civil.Day   // DTM*232 and 233
	Covered      money.Cents // AMT*AU
	Remarks      []string    // of MOA and MIA
	Adjustments  []Adjustment
	Lines        []Line
}

// A Person is whom a claim names. Fields may be empty.
type Person struct {
	Last, First, ID phi.Text
}

// A Line is loop 2110: what the payer says of one service.
type Line struct {
	Code        string // of SVC01
	Modifiers   []string
	Charge      money.Cents
	Paid        money.Cents
	Units       string // SVC05, paid for; empty means 1
	SentCode    string // of SVC06, if the payer paid for another code
	From, To    civil.Day
	Control     string      // REF*6R of the claim that was sent, or empty
	Allowed     money.Cents // AMT*B6
	Remarks     []string    // LQ*HE
	Adjustments []Adjustment
}

// A Cause is CAS01: who bears an adjustment.
type Cause string

// The causes.
const (
	Contractual    Cause = "CO" // the provider writes it off
	PatientBears   Cause = "PR"
	Other          Cause = "OA"
	PayerInitiated Cause = "PI"
)

// An Adjustment is why less was paid than was charged. A positive Amount
// decreases the payment.
type Adjustment struct {
	Cause    Cause
	Reason   string // a claim adjustment reason code
	Amount   money.Cents
	Quantity string
}
