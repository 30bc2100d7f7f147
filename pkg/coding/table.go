package coding

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
)

// A Code is a row of the table of codes: what is reported for that many minutes or
// more, until the next row of the family.
type Code struct {
	Code        string
	Family      Family
	Minutes     int // the fewest
	From, Until civil.Day
	Label       string // our own words
	Source      string
}

//go:embed codes.csv
var codesFile []byte

// Codes returns the codes that are decided on. They are read once.
var Codes = sync.OnceValues(func() ([]Code, error) {
	rows, err := csv.NewReader(bytes.NewReader(codesFile)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("coding: codes: %w", err)
	}
	var all []Code
	for _, r := range rows[1:] {
		c := Code{Code: r[0], Family: Family(r[1]), Label: r[5], Source: r[6]}
		if c.Minutes, err = strconv.Atoi(r[2]); err != nil {
			return nil, fmt.Errorf("coding: code %s: %w", c.Code, err)
		}
		if err := c.From.UnmarshalText([]byte(r[3])); err != nil {
			return nil, fmt.Errorf("coding: code %s: %w", c.Code, err)
		}
		if err := c.Until.UnmarshalText([]byte(r[4])); err != nil {
			return nil, fmt.Errorf("coding: code %s: %w", c.Code, err)
		}
		all = append(all, c)
	}
	return all, nil
})

// codeFor returns the code of a family for a time, on a day. There is no midpoint
// rule: the fewest minutes must be full (CPT).
func codeFor(codes []Code, f Family, t time.Duration, on civil.Day) (best Code, ok bool) {
	for _, c := range codes {
		if c.Family == f && on.Within(c.From, c.Until) && t >= time.Duration(c.Minutes)*time.Minute && (!ok || c.Minutes > best.Minutes) {
			best, ok = c, true
		}
	}
	return best, ok
}

// CodesOf returns the codes of a family on a day, the one for the fewest minutes first; none of
// the empty family.
func CodesOf(f Family, on civil.Day) ([]string, error) {
	all, err := Codes()
	if err != nil {
		return nil, err
	}
	of := slices.DeleteFunc(slices.Clone(all), func(c Code) bool { return c.Family != f || !on.Within(c.From, c.Until) })
	slices.SortFunc(of, func(a, b Code) int { return cmp.Compare(a.Minutes, b.Minutes) })
	var codes []string
	for _, c := range of {
		codes = append(codes, c.Code)
	}
	return codes, nil
}

// A Policy is what a payer accepts, on the days on which it is in force. It
// overrides what the rules say in general.
type Policy struct {
	Payer string    `json:"payer"`
	Name  string    `json:"name"`
	From  civil.Day `json:"from"`
	Until civil.Day `json:"until,omitzero"` // zero has no end
	// Medicare is set for Part B, whose rules on shares and memberships hold.
	Medicare bool `json:"medicare,omitempty"`
	// Accepts and Rejects are codes. What is in neither is unknown: coverage is to be
	// verified.
	Accepts []string `json:"accepts,omitempty"`
	Rejects []string `json:"rejects,omitempty"`
	// Modifiers are those that may be on a line, and Places the codes of places of
	// service; no places are any.
	Modifiers []string `json:"modifiers,omitempty"`
	Places    []string `json:"places,omitempty"`
	// TherapyModifiers asks for the modifier of a therapist's discipline.
	TherapyModifiers bool `json:"therapy_modifiers,omitempty"`
	// LeadsToHours, above 0, refuses a visit that leads to another one within so many
	// hours or at the next available appointment.
	LeadsToHours int `json:"leads_to_hours,omitempty"`
	// SpanDates asks for the first and the last day of counted time as the date of
	// service, instead of the last.
	SpanDates bool `json:"span_dates,omitempty"`
	// FilingMonths or FilingDays after the date of service is the last day to file.
	FilingMonths int    `json:"filing_months,omitempty"`
	FilingDays   int    `json:"filing_days,omitempty"`
	Source       string `json:"source"`
}

// Check returns what must be corrected before a practice's own policy can be used.
func (p Policy) Check() []fault.Problem {
	var ps []fault.Problem
	add := func(where, code, text string) { ps = append(ps, fault.Problem{Where: where, Code: code, Text: text}) }
	if p.Payer == "" {
		add("/payer", "required", "name the payer by its identifier")
	}
	if p.Source == "" {
		add("/source", "required", "say where the payer says so")
	}
	if p.From.IsZero() || !p.Until.IsZero() && p.Until.Before(p.From) {
		add("/from", "range", "give the first day of the policy, and a last day that is not before it or none")
	}
	for i, c := range p.Rejects {
		if slices.Contains(p.Accepts, c) {
			add("/rejects/"+strconv.Itoa(i), "consistency", "a code is accepted or rejected, not both")
		}
	}
	for i, m := range p.Modifiers {
		if m == "95" || m == "93" || len(m) != 2 || strings.ToUpper(m) != m {
			add("/modifiers/"+strconv.Itoa(i), "format", "give two upper-case characters; 93 and 95 are never of an online visit")
		}
	}
	for i, place := range p.Places {
		if place == "02" || place == "10" || !twoDigits(place) {
			add("/places/"+strconv.Itoa(i), "format", "give two digits, such as 11; 02 and 10 are never of an online visit")
		}
	}
	if p.FilingMonths < 0 || p.FilingDays < 0 || p.FilingMonths > 0 && p.FilingDays > 0 || p.FilingMonths > maxFilingMonths || p.FilingDays > maxFilingDays {
		add("/filing_days", "range", fmt.Sprintf("give up to %d months or up to %d days to file, not both", maxFilingMonths, maxFilingDays))
	}
	if p.LeadsToHours < 0 || p.LeadsToHours > maxLeadsToHours {
		add("/leads_to_hours", "range", fmt.Sprintf("give up to %d hours, or 0 for no such rule", maxLeadsToHours))
	}
	return ps
}

const (
	maxFilingMonths = 36
	maxFilingDays   = 1095
	maxLeadsToHours = 7 * 24
)

func twoDigits(s string) bool { return len(s) == 2 && strings.Trim(s, "0123456789") == "" }

//go:embed payers.json
var payersFile []byte

// Payers returns the policies that ship, of which a practice has its own besides.
// They are read once.
var Payers = sync.OnceValues(func() ([]Policy, error) {
	var all []Policy
	if err := json.Unmarshal(payersFile, &all); err != nil {
		return nil, fmt.Errorf("coding: payers: %w", err)
	}
	return all, nil
})

// policyOf returns the policy of a payer that began last of those in force on a
// day; of two that began together, the later in the list.
func policyOf(policies []Policy, payer string, on civil.Day) (best Policy, ok bool) {
	for _, p := range policies {
		if p.Payer == payer && on.Within(p.From, p.Until) && (!ok || !p.From.Before(best.From)) {
			best, ok = p, true
		}
	}
	return best, ok
}

// filingEnd returns the last day on which a claim may be filed; no day if the
// policy does not say.
func (p Policy) filingEnd(service civil.Day) civil.Day {
	if p.FilingMonths == 0 && p.FilingDays == 0 {
		return civil.Day{}
	}
	return service.AddMonths(p.FilingMonths).AddDays(p.FilingDays)
}
