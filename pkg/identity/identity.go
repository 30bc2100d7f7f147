// Package identity says who people are to a practice and what each may do. A
// token proves an issuer and a subject only; roles, licenses and grants are
// rows, so that a change of them holds from the next request on. Reading rows
// and verifying tokens are left to others.
package identity

import (
	"slices"
	"time"

	"evisit/pkg/coding"
)

// A Role is what a person does at a practice.
type Role string

const (
	PatientRole Role = "patient"
	Caregiver   Role = "caregiver"
	Clinician   Role = "clinician"
	Nurse       Role = "nurse"
	Staff       Role = "staff"
	Admin       Role = "admin"
	// A Director is the medical director, who approves the forms of a practice.
	Director Role = "director"
	// An Operator runs the system and works at no practice of it: registers
	// practices, and never sees what is a patient's.
	Operator Role = "operator"
)

// Works reports whether who has r works at a practice, or runs the system, and is
// not its patient or caregiver.
func (r Role) Works() bool { return r != PatientRole && r != Caregiver && r != "" }

// Words calls the role as people do; a function, which has none of these, is the system.
func (r Role) Words() string {
	switch r {
	case PatientRole:
		return "Patient"
	case Caregiver:
		return "Caregiver"
	case Clinician:
		return "Clinician"
	case Nurse:
		return "Nurse"
	case Staff:
		return "Staff"
	case Admin:
		return "Administrator"
	case Director:
		return "Medical director"
	case Operator:
		return "Operator"
	}
	return "The system"
}

// A Person is someone who signs in.
type Person struct {
	ID       string `json:"id"`
	Practice string `json:"practice"`
	// Role is what the person does first; lists and audit records name it.
	Role Role `json:"role"`
	// Also are further roles: a practitioner alone is clinician, administrator and
	// medical director. Patients and caregivers have none.
	Also    []Role `json:"also,omitempty"`
	Patient string `json:"patient,omitempty"` // whose record is their own
	// Minor is set if Patient was under 18 when the person came to sign in as them, or
	// when their day of birth was last changed; whether they are still, it does not tell.
	Minor bool `json:"minor,omitempty"`
	// Public is as of Patient's record, so that their own requests need not read it.
	Public bool `json:"public,omitempty"`
	// Grants are the grants that concern the request. They are rows of the
	// patients who gave them, not part of the person's row.
	Grants []Grant `json:"-"`
	// Display is how the practice shows its own people: name and credential.
	// It is empty for patients and caregivers, whose names are contact data.
	Display string `json:"display,omitempty"`
	// NPI is the National Provider Identifier of a person who treats, which claims
	// name; empty if it is not known.
	NPI string `json:"npi,omitempty"`
	// Kind is what a clinician is by license, on which the fee of an answer may depend;
	// empty if the practice did not say.
	Kind     coding.Kind `json:"kind,omitempty"`
	Licenses []License   `json:"licenses,omitempty"`
	Inactive bool        `json:"inactive,omitempty"`
	// Left is when p was deactivated, while visits that p holds may still have to go
	// back to their pools; else zero.
	Left    time.Time `json:"left,omitzero"`
	Version int       `json:"-"`
}

// Works reports whether p works at the practice and is not its patient or
// caregiver.
func (p Person) Works() bool { return p.Role.Works() }

// Activate returns p with the access to what p may do given back, or taken away at now.
func (p Person) Activate(active bool, now time.Time) Person {
	switch {
	case p.Inactive != active: // it is so already
		return p
	case active:
		p.Left = time.Time{}
	case p.Works():
		p.Left = now
	}
	p.Inactive = !active
	return p
}

// Has reports whether r is among p's roles.
func (p Person) Has(r Role) bool { return r != "" && (p.Role == r || slices.Contains(p.Also, r)) }

// A Grant lets Person act for Patient until Until; a zero Until has no end.
// (HIPAA, 45 CFR 164.502(g): a personal representative.)
type Grant struct {
	Practice string    `json:"practice,omitempty"`
	Patient  string    `json:"patient"`
	Person   string    `json:"person,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	// By is the person who granted it: the patient, or someone of the practice.
	By    string `json:"by,omitempty"`
	Why   Why    `json:"why,omitempty"`
	Scope Scope  `json:"scope,omitempty"`
	// Invitation is the one by which Person came to act, and has the address where they
	// are written to; empty: none did.
	Invitation string `json:"invitation,omitempty"`
	Version    int    `json:"-"`
}

// A Scope is what a grant lets who has it do.
type Scope string

// What a grant is for. Nobody but the patient grants, or ends what was granted to others.
const (
	Everything Scope = ""     // all else that the patient does
	Reading    Scope = "read" // see it, and no more
)

// Known reports whether s is one of the two.
func (s Scope) Known() bool { return s == Everything || s == Reading }

// A Why says why someone acts for a patient.
type Why string

// Why someone acts for a patient.
const (
	ParentOf   Why = "parent"  // or guardian, of a minor
	Help       Why = "help"    // the patient asked them to
	LegalProxy Why = "legal"   // a court or a power of attorney named them
	EarlierOwn Why = "earlier" // an earlier record of the person's own
)

// Whys are what a grant may be given for.
var Whys = []Why{ParentOf, Help, LegalProxy}

// PatientEnds reports whether the patient ends g: that of a minor's parent is for the
// practice, which verified it.
func (g Grant) PatientEnds() bool { return g.Why != ParentOf }

// Active reports whether g holds at now.
func (g Grant) Active(now time.Time) bool { return g.Until.IsZero() || now.Before(g.Until) }

// A Membership is the person that a practice knows the holder of a token as.
type Membership struct {
	Practice string `json:"practice"`
	Person   string `json:"person"`
}

// A License lets a clinician answer a patient who is in State (guideline G24).
type License struct {
	State   string    `json:"state"`
	Number  string    `json:"number"`
	Expires time.Time `json:"expires"`
}

// LicensedIn reports whether p may treat a patient who is in state at now.
func (p Person) LicensedIn(state string, now time.Time) bool {
	return slices.ContainsFunc(p.Licenses, func(l License) bool {
		return l.State == state && now.Before(l.Expires)
	})
}

// ActsFor reports whether p is the patient or holds a grant for everything at now.
func (p Person) ActsFor(patient string, now time.Time) bool {
	return p.standsFor(patient, now, func(g Grant) bool { return g.Scope == Everything })
}

// ReadsFor reports whether p is the patient or holds a grant for them at now, of any scope.
func (p Person) ReadsFor(patient string, now time.Time) bool {
	return p.standsFor(patient, now, func(Grant) bool { return true })
}

func (p Person) standsFor(patient string, now time.Time, enough func(Grant) bool) bool {
	if patient == "" {
		return false
	}
	return p.Patient == patient || slices.ContainsFunc(p.Grants, func(g Grant) bool {
		return g.Patient == patient && g.Active(now) && enough(g)
	})
}
