// Package practice holds what a tenant is and has decided: its name and account,
// the forms it offers at which price, and the terms its patients accept. What a
// patient accepted is never overwritten: each text and each configuration has a
// version of its own. Storing them is left to others.
package practice

import (
	"fmt"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/visit"
)

// A Practice is a tenant's current state.
type Practice struct {
	ID string `json:"-"`
	Core
	Config
	Consent Consent
	// NextConsent is the text that holds from Core's ConsentFrom on; zero: none is to come.
	NextConsent Consent
	Version     int `json:"-"` // of Core, which names the versions of the others
}

// A Core is a practice's identity, and the versions of its decisions that hold.
type Core struct {
	Name    string  `json:"name"`
	Phone   string  `json:"phone"`
	Inbox   string  `json:"inbox"`   // address of the letters to the practice
	Account string  `json:"account"` // its Stripe connected account; empty: nobody can pay it yet
	Address Address `json:"address,omitzero"`
	// PlatformFee is the platform's part of what patients pay the practice by what begins from now on,
	// in hundredths of a percent; 0: nothing. Who runs the system decides it.
	PlatformFee int `json:"platform_fee,omitempty"`
	// NPI is the group's National Provider Identifier, EIN its Employer Identification
	// Number, Taxonomy its code in the Health Care Provider Taxonomy; claims name all
	// three (X12 837P, loops 2000A and 2010AA). Empty if they were not given.
	NPI      string `json:"npi,omitempty"`
	EIN      string `json:"ein,omitempty"`
	Taxonomy string `json:"taxonomy,omitempty"`
	// Suspended is since when the practice may begin nothing new; zero: it is not.
	// Open visits run out.
	Suspended time.Time `json:"suspended,omitzero"`
	Since     time.Time `json:"since"`   // when it was registered
	Zone      string    `json:"zone"`    // IANA name, for times shown to people
	Readers   string    `json:"readers"` // who reads requests, for patients (guideline G2)
	// OwnReaders is set if Readers is the practice's own text, and not made of its people.
	OwnReaders bool `json:"own_readers,omitempty"`
	// Discounts is set once a patient of the practice was given a discount: until then no
	// price asks for one.
	Discounts bool `json:"discounts,omitempty"`
	// Contracts is set once the practice entered what a health plan allows it: until then
	// nobody is asked whether their plan pays.
	Contracts bool `json:"contracts,omitempty"`
	// Insured is set once a health plan of a patient of the practice was entered: until then
	// no price asks whether a plan must be billed.
	Insured bool `json:"insured,omitempty"`
	// Configured and Consenting are the versions of Config and Consent that hold.
	Configured int    `json:"configured"`
	Consenting string `json:"consenting"`
	// ConsentNext is the version of NextConsent; empty: none is to come.
	ConsentNext string    `json:"consent_next,omitempty"`
	ConsentFrom time.Time `json:"consent_from,omitzero"`
}

// MaxPlatformFee is the most that a Core's PlatformFee can be: 30 percent.
const MaxPlatformFee = 30_00

// An Address is a place in the United States that letters reach.
type Address struct {
	Line  string `json:"line"`
	Line2 string `json:"line2,omitempty"`
	City  string `json:"city"`
	State string `json:"state"` // two letters
	ZIP   string `json:"zip"`   // five digits, or nine
}

// A Config is what a practice offers. Each change of it is a new version.
type Config struct {
	States []string          `json:"states"` // where its clinicians are licensed
	Forms  map[string]string `json:"forms"`  // form name → version offered
	Prices billing.PriceList `json:"prices"`
	// KindPrices are what a form costs, at most its price, if clinicians of some kinds
	// answer.
	KindPrices billing.KindPriceList `json:"kind_prices,omitempty"`
	Terms      visit.Terms           `json:"terms"`
	// Topics are the sensitive topics that the practice takes by phone alone (guideline
	// G3).
	Topics []string `json:"topics,omitempty"`
	// Closed are, by form, the kinds of request that the practice does not take online.
	Closed map[string][]string `json:"closed,omitempty"`
	// Established is within how many months somebody must have been seen in person to send
	// a clinical request (guideline G23); 0: it is not asked.
	Established int `json:"established,omitempty"`
	// RefundLimit is how much of one payment staff may refund, in all; 0: administrators alone
	// refund, who have no limit.
	RefundLimit money.Cents `json:"refund_limit,omitempty"`
	// OptedOut says that every clinician of the practice has opted out of Medicare (42 CFR
	// 405.400): its patients pay by themselves, by private contract (billing rule 21).
	OptedOut bool `json:"opted_out,omitempty"`
	// Minors is whom of those under 18 the practice takes requests for, and what they do
	// for themselves.
	Minors identity.Minors `json:"minors,omitzero"`
	// Memberships are the yearly memberships that were decided, the one that is sold last. Each
	// has its versions, also those to come, so that Coming has none.
	Memberships []membership.Offer `json:"memberships,omitempty"`
	// Coming are decisions that begin later, in the order in which they do. Config alone
	// is what holds before the first of them: see At.
	Coming  []Change `json:"coming,omitempty"`
	Decided Decider  `json:"decided,omitzero"`
}

// Asks returns a form as the practice asks it: with the ways to pay that there are. Which of
// them pays for a request is for its quote to say.
func (p Practice) Asks(f *intake.Form) *intake.Form {
	return f.Offering(billing.RouteItem, func(way string) bool { return p.has(billing.Route(way)) })
}

// has reports whether there is a way to pay: a health plan with whom the practice ever had a
// contract, or a membership that it ever sold. A patient's own money always is one.
func (p Practice) has(way billing.Route) bool {
	switch way {
	case billing.Insurance:
		return p.Contracts
	case billing.Membership:
		return len(p.Memberships) > 0
	default:
		return true
	}
}

// ConfigKey returns a configuration's version as text that sorts as the number.
func ConfigKey(version int) string { return fmt.Sprintf("%04d", version) }
