package fee

import (
	"fmt"
	"strconv"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A Contract is what a payer has agreed to allow the practice. It is of the
// practice, and kept by others.
type Contract struct {
	Payer       string    `json:"payer"`
	From        civil.Day `json:"from"`
	Until       civil.Day `json:"until,omitzero"` // zero has no end
	Rates       []Rate    `json:"rates"`
	Description string    `json:"description,omitempty"` // where it is written down
}

// A Rate is the allowed amount of one code, or of every code that has no rate of
// its own. It is either an amount, or a part of what Medicare allows.
type Rate struct {
	Code   string      `json:"code,omitempty"` // empty: every other code
	Amount money.Cents `json:"amount,omitempty"`
	// OfMedicare is in hundredths of a percent: 11000 is 110 % of Medicare.
	OfMedicare int64 `json:"of_medicare,omitempty"`
}

const (
	wholeRate = 100_00
	maxRate   = 10 * wholeRate
)

// Check returns what must be corrected before the contract can be used.
func (c Contract) Check() []fault.Problem {
	var ps []fault.Problem
	add := func(where, code, text string) { ps = append(ps, fault.Problem{Where: where, Code: code, Text: text}) }
	if c.Payer == "" {
		add("/payer", "required", "name the payer")
	}
	if c.From.IsZero() || !c.Until.IsZero() && c.Until.Before(c.From) {
		add("/from", "range", "give the first day of the contract, and a last day that is not before it or none")
	}
	if len(c.Rates) == 0 {
		add("/rates", "required", "give at least one rate")
	}
	seen := map[string]bool{}
	for i, r := range c.Rates {
		where := "/rates/" + strconv.Itoa(i)
		switch {
		case seen[r.Code]:
			add(where+"/code", "duplicate", "give one rate for each code")
		case (r.Amount != 0) == (r.OfMedicare != 0):
			add(where, "consistency", "give either an amount or a part of what Medicare allows")
		case r.Amount < 0 || r.Amount > money.Max:
			add(where+"/amount", "range", "give an amount in cents, up to "+money.Max.String())
		case r.OfMedicare < 0 || r.OfMedicare > maxRate:
			add(where+"/of_medicare", "range", fmt.Sprintf("give hundredths of a percent, 1 to %d: 11000 is 110 %%", maxRate))
		}
		seen[r.Code] = true
	}
	return ps
}

// Contracted returns what a payer's contract allows on the date of service. Of two
// contracts in force the one that began later holds. An error of kind
// fault.NotFound says that no contract has a rate, or that Medicare's amount, of
// which the rate is a part, is not known: then the allowed amount is unknown.
func (s *Schedule) Contracted(contracts []Contract, payer string, q Question) (Amount, error) {
	c, r, ok := rate(contracts, payer, q)
	if !ok {
		return Amount{}, fault.New(fault.NotFound, "no_fee", fmt.Sprintf("no contract with this payer has a rate for %s on %s", q.Code, q.On))
	}
	source := "contract from " + c.From.String()
	if c.Description != "" {
		source += ", " + c.Description
	}
	if r.OfMedicare == 0 {
		return Amount{Cents: r.Amount, Why: fmt.Sprintf("%s on %s: %s is agreed", q.Code, q.On, r.Amount), Source: source}, nil
	}
	weighed, f, a, err := s.weigh(q)
	if err != nil {
		return Amount{}, err
	}
	a.Cents = round(unit*wholeRate, weighed, f.dollars, r.OfMedicare)
	a.Why += fmt.Sprintf(" × %s %% = %s", decimal(r.OfMedicare, 2), a.Cents)
	a.Source = source + "; " + a.Source
	return a, nil
}

// rate returns the rate that holds. A contract without one for the code, or for
// every other, leaves it to the contract before it.
func rate(contracts []Contract, payer string, q Question) (best Contract, found Rate, ok bool) {
	for _, c := range contracts {
		if c.Payer != payer || !q.On.Within(c.From, c.Until) || ok && !c.From.After(best.From) {
			continue
		}
		if r, has := c.rate(q.Code); has {
			best, found, ok = c, r, true
		}
	}
	return best, found, ok
}

func (c Contract) rate(code string) (other Rate, ok bool) {
	for _, r := range c.Rates {
		switch r.Code {
		case code:
			return r, true
		case "":
			other, ok = r, true
		}
	}
	return other, ok
}
