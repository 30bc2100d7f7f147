package billing

import (
	"fmt"
	"slices"
	"strings"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// PlanShare is the basis of a quote that estimates what a member of a health plan pays of what the
// plan's payer allows the practice. The practice bills the plan for the rest.
const PlanShare Basis = "plan_share"

// The reasons besides PlanNotBilled for which a patient who says that their health plan pays is
// quoted the posted fee.
const (
	PlanUncontracted Caveat = "plan_uncontracted" // the practice has no contract for such a request with the payer who pays first
	PlanUnknown      Caveat = "plan_unknown"      // no coverage is on file for the day of service
	PlanEnded        Caveat = "plan_ended"        // every coverage on file has ended
	PlanMedicare     Caveat = "plan_medicare"     // Medicare covers the patient, and the practice has opted out of it
	PlanNotThis      Caveat = "plan_not_this"     // no plan is billed for requests of the class
)

var planCaveats = map[Caveat]string{
	PlanNotBilled:    "This practice does not bill health plans for e-visits yet. You pay the posted fee; your plan may not reimburse it.",
	PlanUncontracted: "This practice has no contract with your health plan for requests like this one. You pay the posted fee; your plan may not reimburse it.",
	PlanUnknown:      "No health plan that we have on file for you pays for requests like this today, so the posted fee applies. Enter your plan under your health plans, or call the practice, and ask for the price again before you send this request.",
	PlanEnded:        "The health plan that we have on file for you has ended, so the posted fee applies. Enter the plan that you have now, or call the practice, and ask for the price again before you send this request.",
	PlanMedicare:     "The clinicians of this practice have opted out of Medicare. You pay the posted fee, by the private contract that you signed with the practice, and Medicare pays none of it. If you signed none, call the practice before you send this request.",
	PlanNotThis:      "Health plans are not billed for requests like this one. You pay the posted fee.",
}

// A Plan is what a quote of PlanShare is reckoned by, as it was when the quote was made. The zero
// Plan is that of a quote by which no health plan pays.
type Plan struct {
	Payer string `json:"payer"` // the payer's id
	Name  string `json:"name"`  // and name
	// UpTo is the largest share among all contracted codes that an answer may be billed by. How
	// many minutes an answer takes is known after it, and so is its code.
	UpTo money.Cents `json:"up_to"`
	// Later says that nothing is charged for the answer: the practice asks for the share once the payer has
	// said what it is. One contract that says so is enough.
	Later bool `json:"later,omitempty"`
	// Terms are of the code for the fewest minutes of each family of codes of which the practice
	// has a contract: one or two.
	Terms []Term `json:"terms"`
}

// A Term is what a payer allows for a code, and what of it a member pays.
type Term struct {
	Code    string      `json:"code"`
	Rate    money.Cents `json:"rate"` // what payer and patient pay together
	Share   money.Cents `json:"share"`
	Percent int         `json:"percent,omitempty"` // Share is so much of Rate, rounded down; 0: a fixed amount
}

// BilledToPlans reports whether requests on forms of a billing class are online digital evaluation
// and management, which health plans may be billed for (forms README, billing classes).
func BilledToPlans(class string) bool {
	return class == "em" || class == "em-image" || class == "em-screen"
}

// CoveredBy returns q, a quote of the posted fee for a patient who says that their health plan
// pays, as it is by the practice's contracts on a day of service: the patient's share, or the posted fee with
// the reason. Held are all the patient's coverages; the payer who pays first on the day decides.
//
// An answer by a kind of clinician costs the share of the code for the fewest minutes of the kind's family
// of codes that has a contract, because the minutes are not known before the answer; nothing, if
// the family has none, if the share is too little for a card to be charged, or if it is asked for later. So nothing is ever
// charged above a share. Amount is the largest of them.
//
// A discount does not apply to a share: who waives what members pay as a routine
// induces them to use what the plan pays for (HHS OIG, Special Fraud Alert of 1994, on waivers of copayments).
func (q Quote) CoveredBy(held []coverage.Held, contracts []Contract, on civil.Day) (Quote, error) {
	pays, why := payerOn(held, on)
	if !slices.ContainsFunc(contracts, func(c Contract) bool { return c.Removed.IsZero() && on.Within(c.From, c.Until) }) {
		why = PlanNotBilled
	}
	if why != "" {
		q.Caveat = why
		return q, nil
	}
	plan := Plan{Payer: pays.Payer.ID, Name: pays.Payer.Name}
	shares := map[coding.Family]money.Cents{}
	for _, family := range []coding.Family{coding.Evaluation, coding.Assessment} {
		codes, err := coding.CodesOf(family, on)
		if err != nil {
			return q, err
		}
		if found := contractsOf(contracts, plan.Payer, codes, on); len(found) > 0 {
			plan.add(found)
			shares[family] = chargedOf(found[0].Share())
		}
	}
	switch {
	case len(plan.Terms) == 0:
		q.Caveat = PlanUncontracted
		return q, nil
	case plan.Later:
		clear(shares)
	}
	return q.ofPlan(plan, shares), nil
}

// payerOn returns the coverage that pays first on a day for what clinicians do, or why no health
// plan can be quoted by. Part A of Medicare pays hospitals.
func payerOn(held []coverage.Held, on civil.Day) (coverage.Held, Caveat) {
	active := slices.DeleteFunc(coverage.ActiveOn(held, on), func(h coverage.Held) bool { return h.Medicare() == coverage.PartA })
	switch {
	case len(active) > 0 && active[0].Payer.ID == "": // the card names a plan whose payer is not known
		return coverage.Held{}, PlanUncontracted
	case len(active) > 0:
		return active[0], ""
	case len(held) > 0 && !slices.ContainsFunc(held, func(h coverage.Held) bool { return h.Card.Until.IsZero() || !h.Card.Until.Before(on) }):
		return coverage.Held{}, PlanEnded
	}
	return coverage.Held{}, PlanUnknown
}

// A Duty is a program that a practice must bill for what it covers, in place of the patient; empty: none is known.
type Duty string

const (
	// ToMedicare is of a patient who has Medicare Part B, or a Medicare Advantage plan: only clinicians who have
	// opted out of Medicare have the patient pay what it covers (billing rule 21; Social Security Act 1848(g)(4)).
	ToMedicare Duty = "medicare"
	// ToMedicaid is of a patient on whose Medicaid plan the practice has a contract: who takes part
	// in Medicaid takes what it pays as payment in full (42 CFR 447.15).
	ToMedicaid Duty = "medicaid"
)

// DutyOn is what a practice of the contracts owes a patient of the coverages on a day of service. Part A
// of Medicare covers nothing that clinicians do online.
func DutyOn(held []coverage.Held, contracts []Contract, on civil.Day) Duty {
	duty := Duty("")
	for _, h := range coverage.ActiveOn(held, on) {
		switch {
		case h.Medicare().Professional():
			return ToMedicare
		case h.Payer.Filing.Medicaid() && slices.ContainsFunc(contracts, func(c Contract) bool {
			return c.Removed.IsZero() && c.Payer == h.Payer.ID && on.Within(c.From, c.Until)
		}):
			duty = ToMedicaid
		}
	}
	return duty
}

// Refuse refuses with fault.Conflict to charge the posted fee (medicare_covers, medicaid_covers), with
// what the patient can do; nil for no duty.
func (d Duty) Refuse(instead string) error {
	switch d {
	case ToMedicare:
		return fault.New(fault.Conflict, "medicare_covers", "Medicare covers requests like this one, and this practice may not have you pay its fee yourself."+instead)
	case ToMedicaid:
		return fault.New(fault.Conflict, "medicaid_covers", "This practice takes your Medicaid plan, and may not have you pay its fee yourself."+instead)
	}
	return nil
}

// contractsOf are those of the contracts with a payer for codes, in the order of codes.
func contractsOf(contracts []Contract, payer string, codes []string, on civil.Day) []Contract {
	var all []Contract
	for _, code := range codes {
		if c, found := ContractOn(contracts, payer, code, on); found {
			all = append(all, c)
		}
	}
	return all
}

// add has p know the contracts on a family's codes, the one for the fewest minutes first.
func (p *Plan) add(all []Contract) {
	first := all[0]
	p.Terms = append(p.Terms, Term{Code: first.Code, Rate: first.Rate, Share: first.Share(), Percent: first.Percent})
	for _, c := range all {
		p.UpTo, p.Later = max(p.UpTo, c.Share()), p.Later || c.Later
	}
}

// chargedOf is what of a share is charged: nothing, if a card cannot be charged so little.
func chargedOf(share money.Cents) money.Cents {
	if share < Smallest {
		return 0
	}
	return share
}

// ofPlan returns q with the shares by family of codes in place of the posted prices.
func (q Quote) ofPlan(plan Plan, shares map[coding.Family]money.Cents) Quote {
	q.Amount, q.Basis, q.Caveat, q.Plan = 0, PlanShare, "", plan
	kinds := KindPrices{}
	for _, kind := range coding.Clinicians {
		kinds[kind] = shares[kind.Family()]
		q.Amount = max(q.Amount, kinds[kind])
	}
	return q.WithKinds(kinds)
}

// Restriction is what a restricted quote means, in words for the patient; empty for another.
func (q Quote) Restriction() string {
	if !q.Restricted {
		return ""
	}
	return "You pay for this yourself. Once it is paid, we tell no health plan about this request and send no claim for it, so it does not count toward a deductible. If you have Medicare, or this practice takes your Medicaid plan, do not pay for it yourself: call the practice first."
}

// Explain says how the amount of p's quote comes about, in words for the patient; empty for the
// zero Plan.
func (p Plan) Explain() string {
	var words []string
	for _, t := range p.Terms {
		share := "Your share of it is fixed: " + t.Share.String() + "."
		if t.Percent > 0 {
			share = fmt.Sprintf("Your share is %d %% of it: %s.", t.Percent, t.Share)
		}
		if t.Share < Smallest && !p.Later {
			share += " That is too little for a card to be charged, so you pay nothing for it now."
		}
		words = append(words, fmt.Sprintf("%s allows this practice %s for an answer billed by the code %s. %s", p.Name, t.Rate, t.Code, share))
	}
	if p.Later {
		words = append(words, "You pay nothing now: the practice asks you for your share once your plan has said what it is.")
	}
	return strings.Join(words, " ")
}

// Estimate says what the quote leaves open, in words for the patient; empty for the zero Plan.
func (p Plan) Estimate() string {
	if len(p.Terms) == 0 {
		return ""
	}
	most := " in all; a deductible that you have not met can make it more. "
	if p.Later {
		return "This is an estimate. We bill your plan, and your plan decides what you pay. By our contract with it that is up to " + p.UpTo.String() + most + "You are asked for it then."
	}
	return "This is an estimate. We bill your plan, and your plan decides what you pay in the end. By our contract with it that is up to " + p.UpTo.String() +
		most + "You may be asked for the rest, or get money back."
}
