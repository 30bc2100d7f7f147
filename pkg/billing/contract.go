package billing

import (
	"fmt"
	"regexp"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A Contract is what a payer allows a practice for one procedure, and what of it the payer's
// members pay themselves, as the practice entered it from its agreement with the payer. One of
// the same Payer, Code and From takes its place.
type Contract struct {
	Practice string `json:"-"`
	// Payer is the id of the payer, as coverage.Payer has it.
	Payer string `json:"-"`
	// Code is the procedure's: CPT or HCPCS Level II.
	Code  string    `json:"-"`
	From  civil.Day `json:"-"`              // the first day of service, of the practice's calendar
	Until civil.Day `json:"until,omitzero"` // the last; zero: none is known
	// Rate is the allowed amount: what payer and patient pay together.
	Rate money.Cents `json:"rate"`
	// Copay is the patient's share if it is a fixed amount, and Percent if it is a part of
	// Rate: one of them is 0.
	Copay   money.Cents `json:"copay,omitempty"`
	Percent int         `json:"percent,omitempty"`
	// Later has the share be asked for once the payer has said what it is: nothing is held before.
	Later bool      `json:"later,omitempty"`
	By    string    `json:"by"` // the person who entered it
	At    time.Time `json:"at"`
	// Removed is since when it counts no more; zero: it counts. What was quoted by it stands.
	Removed time.Time `json:"removed,omitzero"`
	Version int       `json:"-"`
}

// MaxContracts bounds the contracts of a practice, removed ones too: they are read together.
const MaxContracts = 500

// ID names c among the contracts of its practice.
func (c Contract) ID() string { return c.Payer + "." + c.Code + "." + c.From.String() }

// Share is what of Rate a member of the payer is expected to pay, in cents. A percentage is
// rounded down to the cent.
func (c Contract) Share() money.Cents {
	if c.Percent > 0 {
		return c.Rate * money.Cents(c.Percent) / 100
	}
	return c.Copay
}

// Explain says how Share comes about.
func (c Contract) Explain() string {
	words := c.explainShare()
	if c.Later {
		words += " It is not held before the answer, but asked for once the plan has said what it is."
	}
	return words
}

func (c Contract) explainShare() string {
	words := fmt.Sprintf("The contract from %s allows %s for %s. ", c.From, c.Rate, c.Code)
	switch {
	case c.Percent == 0:
		return words + fmt.Sprintf("The patient's share is fixed: %s.", c.Share())
	case c.Rate*money.Cents(c.Percent)%100 != 0:
		return words + fmt.Sprintf("The patient's share is %d %% of it, rounded down to the cent: %s.", c.Percent, c.Share())
	}
	return words + fmt.Sprintf("The patient's share is %d %% of it: %s.", c.Percent, c.Share())
}

// ContractOn returns the one of all by which a payer's members pay for a service of a code on
// a day; false if there is none. Of several, the one that began last holds.
func ContractOn(all []Contract, payer, code string, on civil.Day) (holds Contract, found bool) {
	for _, c := range all {
		counts := c.Removed.IsZero() && c.Payer == payer && c.Code == code && on.Within(c.From, c.Until)
		if counts && (!found || c.From.After(holds.From)) {
			holds, found = c, true
		}
	}
	return holds, found
}

// procedure is the form of a code: CPT (five digits, or four and a letter) or HCPCS Level II (a
// letter and four digits).
var procedure = regexp.MustCompile(`^([0-9]{4}[0-9A-Z]|[A-Z][0-9]{4})$`)

const wordsOfShare = "Give what the member pays of the rate: either an amount or a percentage from 1 to 100."

// Check refuses with fault.Invalid, which names everything that is wrong with c as it was
// entered.
func (c Contract) Check() error {
	var all []fault.Problem
	must := func(ok bool, where, code, text string) {
		if !ok {
			all = append(all, fault.Problem{Where: where, Code: code, Text: text})
		}
	}
	must(procedure.MatchString(c.Code), "/code", "procedure", "Give the procedure's code in five characters: CPT, such as 99421, or HCPCS, such as G2010.")
	must(!c.From.IsZero(), "/from", "required", "Give the first day of service.")
	must(c.Until.IsZero() || !c.Until.Before(c.From), "/until", "range", "The last day is before the first; put one of them right, or leave it out.")
	must(0 < c.Rate && c.Rate <= money.Max, "/rate", "range", "Give the allowed amount, in whole cents: more than nothing, up to "+money.Max.String()+".")
	switch {
	case c.Copay != 0 && c.Percent != 0:
		must(false, "/copay", "not_both", wordsOfShare)
	case c.Percent != 0:
		must(0 < c.Percent && c.Percent <= 100, "/percent", "range", wordsOfShare)
	default:
		must(0 < c.Copay && (c.Copay <= c.Rate || c.Rate <= 0), "/copay", "range", wordsOfShare+" The amount is in whole cents: more than nothing, and not above the rate.")
	}
	if len(all) > 0 {
		return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", all...)
	}
	return nil
}

// CheckWith refuses with fault.Invalid a payer of whom no contract is entered, and a share that its members
// do not have: part B of Medicare pays 80 percent of what it allows (42 CFR 410.152(b)).
func (c Contract) CheckWith(p coverage.Payer) error {
	if err := p.Contracts(); err != nil || p.Filing.Medicare() != coverage.PartB || c.Percent == 20 {
		return err
	}
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", fault.Problem{
		Where: "/percent", Code: "medicare", Text: "Part B of Medicare pays 80 percent of what it allows: give 20 as the member's percentage.",
	})
}

// Enter returns next, which somebody enters, as it takes its place among all contracts of the
// practice: a new one, or the new state of the one with its ID. It reports false if that says
// the same already.
//
// Errors: those of Check; fault.Conflict (contracts_full) for one too many.
func (c Contract) Enter(all []Contract, by string, now time.Time) (next Contract, changed bool, err error) {
	if err := c.Check(); err != nil {
		return c, false, err
	}
	was := Contract{}
	for _, one := range all {
		if one.ID() == c.ID() {
			was = one
		}
	}
	if was.Version == 0 && len(all) >= MaxContracts {
		return c, false, fault.New(fault.Conflict, "contracts_full", "The practice has as many contracts here as there can be, removed ones among them. Change one of them.")
	}
	c.By, c.At, c.Removed, c.Version = was.By, was.At, time.Time{}, was.Version
	if c == was {
		return was, false, nil
	}
	c.By, c.At, c.Version = by, now, was.Version+1
	return c, true, nil
}
