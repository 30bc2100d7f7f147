// Package coverage says what health plans a patient has: the payers that claims go to, what
// is written on a patient's card, whether that can be right, and what follows from it: which
// coverage holds on a day, which of them pays first, and whether it is Medicare's. Storing and
// sealing them, and asking who may, are left to others.
package coverage

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Payer is a health plan that claims go to. Payers are data of the whole system, which who
// runs it keeps.
type Payer struct {
	// ID is the payer's id at the clearinghouse (NM109 of loop 2010BB in an 837P), in capitals.
	// It never changes.
	ID   string `json:"id"`
	Name string `json:"name"` // as claims name it, and as patients find it
	// Filing is what kind of insurance it is.
	Filing Filing `json:"filing"`
	// Address is the electronic address of the payer: the id of the receiver that its files
	// are sent to (NM109 of loop 1000B, and ISA08). Empty: it takes no electronic claims.
	Address string `json:"address,omitempty"`
	// Ended is since when no new coverage may name the payer; zero: one may. Coverages that
	// name it stay.
	Ended   time.Time `json:"ended,omitzero"`
	Version int       `json:"-"`
}

// A Filing is a kind of insurance: a claim filing indicator code (X12, data element 1032), as
// element SBR09 of an 837P has it.
type Filing string

// filings are the codes that an 837P may have in SBR09 (ASC X12N 005010X222A1, segment SBR of
// loop 2000B), with words of our own.
var filings = []struct {
	code  Filing
	words string
}{
	{"CI", "Commercial insurance"},
	{"BL", "Blue Cross or Blue Shield"},
	{"12", "Commercial: preferred providers (PPO)"},
	{"HM", "Commercial: health maintenance organization (HMO)"},
	{"14", "Commercial: exclusive providers (EPO)"},
	{"13", "Commercial: point of service (POS)"},
	{"15", "Commercial: indemnity"},
	{"17", "Commercial: dental maintenance organization"},
	{partB, "Medicare, part B"},
	{partA, "Medicare, part A"},
	{advantage, "Medicare Advantage"},
	{medicaid, "Medicaid"},
	{"CH", "TRICARE or CHAMPUS"},
	{"VA", "Department of Veterans Affairs"},
	{"FI", "Federal employees' program"},
	{"TV", "Title V (mothers and children)"},
	{"OF", "Another federal program"},
	{"11", "Another program, not federal"},
	{"WC", "Workers' compensation"},
	{"AM", "Automobile, medical part"},
	{"LM", "Liability, medical part"},
	{"DS", "Disability"},
	{"ZZ", "A kind that payer and practice have agreed on"},
}

// The codes of Medicare. Original Medicare is filed as part A or B. A plan of Medicare Advantage
// (Medicare Part C) is filed as 16, which X12 calls an HMO of Medicare.
const (
	partA     = "MA"
	partB     = "MB"
	advantage = "16"
)

// medicaid is the code of what a state pays for people with little income.
const medicaid = "MC"

// Filings are the kinds of insurance that are known, the most frequent first.
func Filings() []Filing {
	all := make([]Filing, len(filings))
	for n, f := range filings {
		all[n] = f.code
	}
	return all
}

// Words name the kind of insurance, for people; empty for a code that is not known.
func (f Filing) Words() string {
	for _, known := range filings {
		if known.code == f {
			return known.words
		}
	}
	return ""
}

// Medicare says which part of Medicare an insurance of the kind is; NotMedicare if of none.
func (f Filing) Medicare() Medicare {
	switch f {
	case partA:
		return PartA
	case partB:
		return PartB
	case advantage:
		return Advantage
	}
	return NotMedicare
}

// Medicaid reports whether an insurance of the kind is Medicaid, or a plan in its place.
func (f Filing) Medicaid() bool { return f == medicaid }

// A Medicare is a part of Medicare, of which other rules hold: its patients are never billed
// for what it covers beyond its share, nor may a membership pay for that.
type Medicare string

// The parts of Medicare.
const (
	NotMedicare Medicare = ""
	PartA       Medicare = "part_a"
	PartB       Medicare = "part_b"
	Advantage   Medicare = "advantage" // a private plan in its place (Part C)
)

// Original reports whether m is original Medicare, whose members have a number of Medicare's
// own: an MBI.
func (m Medicare) Original() bool { return m == PartA || m == PartB }

// Professional reports whether who has m has what clinicians do covered by it: part B does that, and
// nobody has a plan of Medicare Advantage without part B.
func (m Medicare) Professional() bool { return m == PartB || m == Advantage }

const (
	minPayerID = 2  // X12, data element 67
	maxPayerID = 20 // more than clearinghouses use; element 67 has 80
	maxAddress = 15 // ISA08
	maxName    = 60 // NM103 (element 1035) and SBR04
)

var codeText = regexp.MustCompile(`^[0-9A-Z]+(-[0-9A-Z]+)*$`)

// Check returns p as it is kept, or a fault.Invalid that names everything that is wrong with it.
func (p Payer) Check() (Payer, error) {
	var all problems
	p.ID, p.Address = strings.ToUpper(strings.TrimSpace(p.ID)), strings.ToUpper(strings.TrimSpace(p.Address))
	p.Name = strings.TrimSpace(p.Name)
	all.must(minPayerID <= len(p.ID) && len(p.ID) <= maxPayerID && codeText.MatchString(p.ID), "/id", "id",
		"Give the payer's id at the clearinghouse: 2 to 20 letters, digits and single hyphens, such as 60054.")
	all.must(line(p.Name, maxName), "/name", "name", "Give the payer's name in one line of at most 60 characters.")
	all.must(p.Filing.Words() != "", "/filing_code", "filing_code", "Give the claim filing indicator code: one of "+filingList()+".")
	all.must(p.Address == "" || len(p.Address) >= minPayerID && len(p.Address) <= maxAddress && codeText.MatchString(p.Address), "/electronic_address", "electronic_address",
		"Give the receiver's id of 2 to 15 letters, digits and single hyphens, or leave it out if the payer takes no electronic claims.")
	if err := all.err(); err != nil {
		return Payer{}, err
	}
	return p, nil
}

func filingList() string {
	var all []string
	for _, f := range Filings() {
		all = append(all, string(f))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// ByID returns the payer of an id; the zero Payer if it is none of all.
func ByID(all []Payer, id string) Payer {
	if i := slices.IndexFunc(all, func(p Payer) bool { return p.ID == id }); i >= 0 {
		return all[i]
	}
	return Payer{}
}

// Contracts returns nil if practices may enter what they agreed with p. The zero Payer is none of
// those that are known.
func (p Payer) Contracts() error {
	var all problems
	all.must(p.ID != "", "/payer", "unknown", "Choose one of the payers that are listed.")
	all.must(p.Ended.IsZero(), "/payer", "ended", "This payer is taken no more; choose another.")
	all.must(p.Filing.Medicare() != PartA, "/payer", "part_a", "Part A of Medicare pays hospitals, not answers to requests. Choose another payer.")
	return all.err()
}
