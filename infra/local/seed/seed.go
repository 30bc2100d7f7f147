// Package seed makes the standard cast of the development system: two practices,
// the people who work there, their patients with their coverages, and two health plans, all invented.
// It registers them through the application and never writes to the table.
package seed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/coding"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/library"
	"evisit/pkg/membership"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// A Member is one of the cast.
type Member struct {
	Person  identity.Person
	Name    string
	Contact *identity.Contact // of a patient
}

// A Plan is a health plan that may ask for tokens.
type Plan struct{ Name, ClientID string }

// Plans are the cast's health plans.
var Plans = []Plan{
	{"Cascade Health Plan", "cascade-health-plan"},
	{"Evergreen Mutual", "evergreen-mutual"},
}

// Accounts are the practices' connected accounts at the simulator.
var Accounts = []string{"acct_1Lakeside0000000", "acct_1Harbor000000000"}

const consentText = `An e-visit is an answer in writing from a clinician of this practice. It is not for emergencies and is not read in real time. ` +
	`Your request and the answer become part of your medical record and are read by the people named here. ` +
	`You may add to your request or cancel it without charge until it is answered. Messages are encrypted; e-mail we send you carries no health information. ` +
	`If our service fails we will call you. You may withdraw this consent at any time for future requests.`

var prices = billing.PriceList{
	"uti-women": 40_00, "respiratory": 40_00, "pink-eye": 35_00, "rash-skin": 45_00,
	"back-pain": 40_00, "mental-health-phq9-gad7": 45_00, "admin-request": 15_00,
}

// yearly is the membership that lakeside sells (story 15).
func yearly() []membership.Offer {
	since := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	return []membership.Offer{{
		ID: "yearly-1", Practice: "lakeside", Name: practice.MembershipName, Decided: 1,
		Versions: []membership.Terms{{
			Offer: "yearly-1", Version: 1, From: since, Price: 350_00, PerMember: 100_00, Members: 4, Visits: 12, Shared: true, Classes: []string{"em", "em-screen"},
			Grace: 14, Notice: 30, Refund: membership.RefundRule{Full: 14, Later: membership.ByMonths},
		}},
	}}
}

func practices() []practice.Practice {
	return []practice.Practice{
		{
			ID: "lakeside",
			Core: practice.Core{
				Name: "Lakeside Family Medicine", Phone: "+1 503 555 0100", Inbox: "desk@lakeside.example", Zone: "America/Los_Angeles",
				Readers: "The clinicians and nurses of Lakeside Family Medicine. When one is away another answers.",
			},
			Config: practice.Config{
				States: []string{"OR", "WA"}, Prices: prices, Terms: visit.Terms{Answer: 24 * time.Hour, GiveUp: 24 * time.Hour}, Memberships: yearly(),
				OptedOut: true, // so that Rosa Diaz, who has Medicare, may pay by herself
			},
			Consent: practice.Consent{Version: "2026-01", Text: consentText},
		},
		{
			ID: "harbor",
			Core: practice.Core{
				Name: "Harbor Street Clinic", Phone: "+1 206 555 0142", Inbox: "desk@harbor.example", Zone: "America/Los_Angeles",
				Readers: "The clinicians of Harbor Street Clinic.",
			},
			Config: practice.Config{
				States: []string{"WA"}, Prices: prices, Terms: visit.Terms{Answer: 8 * time.Hour, GiveUp: 40 * time.Hour},
			},
			Consent: practice.Consent{Version: "2026-01", Text: consentText},
		},
	}
}

// Cast lists everybody who can sign in. Licenses run until well after now.
func Cast(now time.Time) []Member {
	expires := now.AddDate(2, 0, 0).UTC().Truncate(24 * time.Hour)
	license := func(state, number string) identity.License {
		return identity.License{State: state, Number: number, Expires: expires}
	}
	works := func(practice, id string, role identity.Role, name string, ls ...identity.License) Member {
		return Member{Person: identity.Person{ID: id, Practice: practice, Role: role, Display: name, Licenses: ls}, Name: name}
	}
	physician := func(practice, id, name string, ls ...identity.License) Member {
		m := works(practice, id, identity.Clinician, name, ls...)
		m.Person.Kind = coding.Physician
		return m
	}
	patient := func(practice, id, name, sex string, born time.Time) Member {
		return Member{
			Person: identity.Person{ID: id, Practice: practice, Role: identity.PatientRole, Patient: id}, Name: name,
			Contact: &identity.Contact{
				Name: phi.Text(name), Email: phi.Text(id + "@patients.example"), Phone: "+1 503 555 0177", Birth: born, Sex: sex,
			},
		}
	}
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	return []Member{
		patient("lakeside", "jane-smith", "Jane Smith", "female", day(1985, 4, 12)),
		patient("lakeside", "tom-okafor", "Tom Okafor", "male", day(1978, 9, 30)),
		patient("lakeside", "rosa-diaz", "Rosa Diaz", "female", day(1951, 2, 3)),
		{Person: identity.Person{
			ID: "elena-diaz", Practice: "lakeside", Role: identity.Caregiver,
			Grants: []identity.Grant{{Patient: "rosa-diaz", Until: now.AddDate(1, 0, 0).UTC().Truncate(24 * time.Hour)}},
		}, Name: "Elena Diaz"},
		physician("lakeside", "ana-rivera", "Ana Rivera, MD", license("OR", "MD-20411"), license("WA", "MD-60177")),
		physician("lakeside", "ben-chen", "Ben Chen, MD", license("OR", "MD-20518")),
		works("lakeside", "nora-patel", identity.Nurse, "Nora Patel, RN", license("OR", "RN-88120")),
		works("lakeside", "sam-lee", identity.Staff, "Sam Lee"),
		works("lakeside", "ada-brooks", identity.Admin, "Ada Brooks"),
		works("lakeside", "dora-quist", identity.Director, "Dora Quist, MD"), // approves its forms
		patient("harbor", "hana-kim", "Hana Kim", "female", day(1990, 11, 21)),
		physician("harbor", "omar-haddad", "Omar Haddad, MD", license("WA", "MD-61032")),
		works("harbor", "ruth-vance", identity.Admin, "Ruth Vance"),
		{Person: identity.Person{
			ID: "min-kim", Practice: "harbor", Role: identity.Caregiver,
			Grants: []identity.Grant{{Patient: "hana-kim", Until: now.AddDate(1, 0, 0).UTC().Truncate(24 * time.Hour)}},
		}, Name: "Min Kim"},
		works("harbor", "vera-holt", identity.Nurse, "Vera Holt, RN", license("WA", "RN-90417")),
		works("harbor", "leo-park", identity.Staff, "Leo Park"),
		{Person: identity.Person{ID: "operator." + Operator, Practice: audit.Platform, Role: identity.Operator}, Name: "Pat Quinn"},
	}
}

// Operator is the subject of who runs the development system, Pat Quinn, whom no row
// names.
const Operator = "pat-quinn"

// Subject returns the subject of m's tokens.
func (m Member) Subject() string { return strings.TrimPrefix(m.Person.ID, "operator.") }

// plantPatient registers a patient who is not registered yet; contact data that were
// changed since stand.
func plantPatient(ctx context.Context, r *registrar.Room, p identity.Patient) error {
	_, err := r.Kernel.Store.Patient(ctx, p.ID)
	if errors.Is(err, fault.NotFound) {
		return r.AddPatient(ctx, p)
	}
	return err
}

// Plant registers practices, forms and people; accounts are the practices'
// connected accounts, in order. Planting again leaves what the practices have decided
// since, and changes of people what was since altered by hand.
func Plant(ctx context.Context, r *registrar.Room, issuer string, accounts []string) error {
	fs, err := Forms()
	if err != nil {
		return err
	}
	offered := map[string]string{}
	for _, f := range fs {
		offered[f.Name()] = f.Version()
	}
	for i, p := range practices() {
		p.Forms, p.Account = offered, accounts[i]
		if err := keep(ctx, r, &p); err != nil {
			return err
		}
		if err := r.AddPractice(ctx, p, fs); err != nil {
			return fmt.Errorf("planting practice %s: %w", p.ID, err)
		}
	}
	for _, m := range Cast(r.Kernel.Now()) {
		if m.Person.Role == identity.Operator {
			continue
		}
		if m.Contact != nil {
			rec := identity.Patient{ID: m.Person.Patient, Practice: m.Person.Practice, Person: m.Person.ID, Contact: *m.Contact}
			if err := plantPatient(ctx, r, rec); err != nil {
				return fmt.Errorf("planting patient %s: %w", rec.ID, err)
			}
		}
		if err := r.AddPerson(ctx, clinic.Proof{Issuer: issuer, Subject: m.Person.ID}, m.Person); err != nil {
			return fmt.Errorf("planting person %s: %w", m.Person.ID, err)
		}
	}
	return nil
}

// payers are made up, as are the plans of the patients.
var payers = []coverage.Payer{
	{ID: "60999", Name: "Cascade Health Plan", Filing: "CI", Address: "CASCADE"},
	{ID: "70999", Name: "Evergreen Mutual", Filing: "HM", Address: "EVERGREEN"},
	{ID: "MEDOR", Name: "Medicare of Oregon", Filing: "MB", Address: "MEDOR"},
}

var cards = map[string][]coverage.Card{
	"jane-smith": {{Payer: "60999", Member: "CHP40021187", Group: "OR1001", Relation: coverage.Self, Priority: 1}},
	"rosa-diaz": {
		{Payer: "MEDOR", Member: "1EG4TE5MK73", Relation: coverage.Self, Priority: 1},
		{Payer: "70999", Member: "EM7733", Relation: coverage.Self, Priority: 2},
	},
}

// Cover registers payers, and has the cast's staff enter the health plans of its patients.
// Patients who have any keep theirs.
func Cover(ctx context.Context, r *registrar.Room) error {
	operator := clinic.Caller{Person: identity.Person{ID: "operator." + Operator, Practice: audit.Platform, Role: identity.Operator}}
	for _, p := range payers {
		_, err := r.RegisterPayer(ctx, operator, p)
		if err != nil && !errors.Is(err, fault.Conflict) { // corrected since
			return fmt.Errorf("planting payer %s: %w", p.ID, err)
		}
	}
	staff := clinic.Caller{Person: identity.Person{ID: "sam-lee", Practice: "lakeside", Role: identity.Staff, Display: "Sam Lee"}}
	for patient, plans := range cards {
		_, has, err := r.Charts.Coverages(ctx, patient)
		for n := 0; err == nil && len(has) == 0 && n < len(plans); n++ {
			_, err = r.AddCoverage(ctx, staff, patient, plans[n])
		}
		if err != nil {
			return fmt.Errorf("planting the health plans of %s: %w", patient, err)
		}
	}
	return nil
}

// keep leaves a practice that was planted before as its people have decided since.
func keep(ctx context.Context, r *registrar.Room, p *practice.Practice) error {
	was, err := r.Kernel.Store.Practice(ctx, p.ID)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading practice %s: %w", p.ID, err)
	}
	p.Core, p.Consent, p.NextConsent = was.Core, was.Consent, was.NextConsent
	if was.Decided.Person != "" {
		p.Config = was.Config
	}
	return nil
}

// Forms lists the forms of the practices: the nine protocols, and the common
// block by itself, which can be checked and not started.
func Forms() ([]*intake.Form, error) {
	fs, err := library.All()
	if err != nil {
		return nil, err
	}
	common, err := library.Common()
	if err != nil {
		return nil, err
	}
	return append(fs, common), nil
}
