package p835

import (
	"fmt"

	"evisit/pkg/money"
)

// A Level is what does not balance.
type Level string

// The levels, each with its equation (TR3 section 1.10.2.1).
const (
	LineLevel        Level = "line"        // a line's charge less its adjustments is what it is paid
	ClaimLevel       Level = "claim"       // the claim's charge less all adjustments is what it is paid
	ChargesLevel     Level = "charges"     // the lines' charges are the claim's
	ShareLevel       Level = "share"       // the adjustments that the patient bears are CLP05
	TransactionLevel Level = "transaction" // what claims are paid less provider adjustments is BPR02
)

// An Imbalance is an equation that does not hold. Line is the line's ordinal, or
// 0. Computed is what the parts come to, Stated what the payer wrote.
type Imbalance struct {
	Level            Level
	Line             int
	Computed, Stated money.Cents
}

// Difference is how much less was stated than computed.
func (i Imbalance) Difference() money.Cents { return i.Computed - i.Stated }

// String says the difference, in words for the person who must ask the payer.
func (i Imbalance) String() string {
	of := string(i.Level)
	if i.Line > 0 {
		of = fmt.Sprintf("%s %d", of, i.Line)
	}
	return fmt.Sprintf("%s: the parts come to %s, the payer states %s, which differs by %s", of, i.Computed, i.Stated, i.Difference())
}

// Imbalances are the equations that do not hold within the claim. CLP05 of a
// reversal is held against the patient's adjustments only if it is given.
func (c *Claim) Imbalances() []Imbalance {
	var all []Imbalance
	hold := func(level Level, line int, computed, stated money.Cents) {
		if computed != stated {
			all = append(all, Imbalance{level, line, computed, stated})
		}
	}
	sum, share := total(c.Adjustments)
	charges := money.Cents(0)
	for i := range c.Lines {
		l := &c.Lines[i]
		adjusted, patient := total(l.Adjustments)
		hold(LineLevel, i+1, l.Charge-adjusted, l.Paid)
		sum, share, charges = sum+adjusted, share+patient, charges+l.Charge
	}
	hold(ClaimLevel, 0, c.Charge-sum, c.Paid)
	if len(c.Lines) > 0 {
		hold(ChargesLevel, 0, charges, c.Charge)
	}
	if c.Status != Reversal || c.PatientShare != 0 {
		hold(ShareLevel, 0, share, c.PatientShare)
	}
	return all
}

// total is the sum of adjustments, and of those that the patient bears.
func total(all []Adjustment) (sum, share money.Cents) {
	for _, a := range all {
		sum += a.Amount
		if a.Cause == PatientBears {
			share += a.Amount
		}
	}
	return sum, share
}

// Imbalances are the equations that do not hold for the remittance as a whole;
// each claim has its own. They are known once Reader.Claim has returned io.EOF.
func (r *Remittance) Imbalances() []Imbalance {
	computed := r.ClaimsPaid
	for _, a := range r.Adjustments {
		computed -= a.Amount
	}
	if computed == r.Amount {
		return nil
	}
	return []Imbalance{{Level: TransactionLevel, Computed: computed, Stated: r.Amount}}
}
