package registry

import (
	"regexp"
	"strings"

	"evisit/pkg/npi"
	"evisit/pkg/practice"
)

// A Registration is what an operator gives to register a practice. ID is chosen
// for good: it stands in the address of the practice's public page.
type Registration struct {
	ID      string           `json:"id"`
	Name    string           `json:"name"`
	Address practice.Address `json:"address"`
	Zone    string           `json:"zone"`  // IANA name
	Phone   string           `json:"phone"` // that patients are told to call
	Inbox   string           `json:"inbox"` // address of the letters to the practice
	// NPI is the group's National Provider Identifier, EIN its Employer
	// Identification Number, Taxonomy its code in the Health Care Provider Taxonomy.
	// A claim needs all three (X12 837P, loop 2010AA and 2000A).
	NPI      string `json:"npi"`
	EIN      string `json:"ein"`
	Taxonomy string `json:"taxonomy"`
	// Account is the practice's Stripe connected account; empty: it has none yet.
	Account string `json:"account,omitempty"`
	// PlatformFee is as practice.Core has it.
	PlatformFee int `json:"platform_fee,omitempty"`
}

var (
	slug     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	account  = regexp.MustCompile(`^acct_[0-9A-Za-z]{8,40}$`)
	taxonomy = regexp.MustCompile(`^[0-9]{3}[0-9A-Z]{6}X$`)
	zip      = regexp.MustCompile(`^[0-9]{5}(-?[0-9]{4})?$`)
)

// reserved are ids that mean something else where a practice's id stands.
const reserved = " platform new me operator my desk docs practice "

const (
	minID = 3
	maxID = 40
)

// Check returns r as it is kept, or a fault.Invalid that names everything that is
// wrong with it.
func (r Registration) Check() (Registration, error) {
	var p problems
	p.must(minID <= len(r.ID) && len(r.ID) <= maxID && slug.MatchString(r.ID), "/id", "id",
		"Choose 3 to 40 small letters, digits and single hyphens, beginning with a letter; it stands in the practice's address.")
	p.must(!strings.Contains(reserved, " "+r.ID+" "), "/id", "reserved", "This word has another meaning in addresses; choose another.")
	p.must(plain(r.Name), "/name", "name", "Give the practice's name as patients know it, in at most 120 characters.")
	checkAddress(r.Address, &p)
	_, err := practice.Zone(r.Zone)
	p.must(err == nil, "/time_zone", "zone", "Give the time zone by its IANA name, such as America/Chicago.")
	var ok bool
	r.Phone, ok = Phone(r.Phone)
	p.must(ok, "/phone", "phone", "Give a number that patients can call, such as +1 503 555 0100.")
	r.Inbox, ok = Email(r.Inbox)
	p.must(ok, "/inbox", "email", "Give one e-mail address that the practice reads.")
	p.must(npi.Valid(r.NPI), "/npi", "npi", "An NPI has ten digits, the first 1 or 2, and its last is the check digit; one of these is wrong.")
	r.EIN, ok = EIN(r.EIN)
	p.must(ok, "/ein", "ein", "An EIN has nine digits, such as 12-3456789, and begins with a prefix that the IRS assigns.")
	p.must(taxonomy.MatchString(r.Taxonomy), "/taxonomy", "taxonomy", "A taxonomy code has ten characters: three digits, six digits or capitals, and X.")
	p.must(r.Account == "" || account.MatchString(r.Account), "/stripe_account", "account", "Give the id of a connected account at Stripe, such as acct_1AbCdEfGhIjKlMnO, or leave it out.")
	p.must(0 <= r.PlatformFee && r.PlatformFee <= practice.MaxPlatformFee, "/platform_fee_basis_points", "platform_fee", "The platform's part is from 0 to 30 percent of what patients pay.")
	if err := p.err(); err != nil {
		return Registration{}, err
	}
	return r, nil
}

func checkAddress(a practice.Address, p *problems) {
	p.must(plain(a.Line), "/address/line", "address", "Give street and number, in at most 120 characters.")
	p.must(a.Line2 == "" || plain(a.Line2), "/address/line2", "address", "At most 120 characters, or leave it out.")
	p.must(plain(a.City), "/address/city", "city", "Give the city.")
	p.must(validState(a.State), "/address/state", "state", "Give the state or territory by its two letters, such as OR.")
	p.must(zip.MatchString(a.ZIP), "/address/zip", "zip", "A ZIP code has five digits, or nine.")
}

// states are the two-letter codes of the United States Postal Service for states,
// the District of Columbia and territories (Publication 28, appendix B).
const states = " AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI "

func validState(s string) bool { return len(s) == 2 && strings.Contains(states, " "+s+" ") }

// unassigned are the first two digits that the IRS gives to no EIN (Internal
// Revenue Manual 21.7.13, valid EIN prefixes).
const unassigned = " 00 07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97 "

// EIN returns an Employer Identification Number as its nine digits. It reports
// false for what the IRS does not assign.
func EIN(s string) (string, bool) {
	digits := strings.TrimSpace(s)
	if len(digits) == 10 && digits[2] == '-' {
		digits = digits[:2] + digits[3:]
	}
	return digits, len(digits) == 9 && allDigits(digits) && !strings.Contains(unassigned, " "+digits[:2]+" ")
}

// Core returns was with what r says of the practice; what the practice has decided stays.
func (r Registration) Core(was practice.Core) practice.Core {
	was.Name, was.Address, was.Zone, was.Phone, was.Inbox = r.Name, r.Address, r.Zone, r.Phone, r.Inbox
	was.NPI, was.EIN, was.Taxonomy, was.Account = r.NPI, r.EIN, r.Taxonomy, r.Account
	was.PlatformFee = r.PlatformFee
	return was
}
