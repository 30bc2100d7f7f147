// Package practice holds what a tenant is and has decided: its name and account,
// the forms it offers at which price, and the terms its patients accept. What a
// patient accepted is never overwritten: each text and each configuration has a
// version of its own. Storing them is left to others.
package practice

import (
	"fmt"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/visit"
)

// A Practice is a tenant's current state.
type Practice struct {
	ID string `json:"-"`
	Core
	Config
	Consent Consent
	Version int `json:"-"` // of Core, which names the versions of the others
}

// A Core is a practice's identity, and the versions of its decisions that hold.
type Core struct {
	Name    string    `json:"name"`
	Phone   string    `json:"phone"`
	Inbox   string    `json:"inbox"`   // address of the letters to the practice
	Account string    `json:"account"` // its Stripe connected account
	Since   time.Time `json:"since"`   // when it was registered
	Zone    string    `json:"zone"`    // IANA name, for times shown to people
	Readers string    `json:"readers"` // who reads requests, for patients (guideline G2)
	// Configured and Consenting are the versions of Config and Consent that hold.
	Configured int    `json:"configured"`
	Consenting string `json:"consenting"`
}

// A Config is what a practice offers. Each change of it is a new version.
type Config struct {
	States []string          `json:"states"` // where its clinicians are licensed
	Forms  map[string]string `json:"forms"`  // form name → version offered
	Prices billing.PriceList `json:"prices"`
	Terms  visit.Terms       `json:"terms"`
}

// A Consent is the text a patient accepts before a visit (eRisk; guideline
// G15). A new text is a new version.
type Consent struct {
	Version string `json:"version"`
	Text    string `json:"text"`
}

// ConfigKey returns a configuration's version as text that sorts as the number.
func ConfigKey(version int) string { return fmt.Sprintf("%04d", version) }
