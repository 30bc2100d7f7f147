// Package practice holds what a tenant is and has decided: who it is, what it
// offers at which price, and the terms its patients accept. What a patient
// accepted is never written over: each text and each configuration has a version
// of its own.
package practice

import (
	"fmt"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/visit"
)

// A Practice is a tenant as it stands now.
type Practice struct {
	ID string `json:"-"`
	Core
	Config
	Consent Consent
	Version int `json:"-"` // of Core, which names the versions of the others
}

// A Core is who a practice is, and which versions of its decisions hold.
type Core struct {
	Name    string    `json:"name"`
	Phone   string    `json:"phone"`
	Inbox   string    `json:"inbox"`   // where the practice is told of work
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

// ConfigKey is the text of a configuration's version, which sorts as its number.
func ConfigKey(version int) string { return fmt.Sprintf("%04d", version) }
