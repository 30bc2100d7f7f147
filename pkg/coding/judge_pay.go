package coding

import (
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/money"
)

// judgeMembership: see EnrollmentConflict.
func judgeMembership(r *reading) Finding {
	switch {
	case r.Membership == No:
		return idle(FactMembership, "The patient has no membership.")
	case r.Membership != Yes:
		return asking(ask(FactMembership, ""))
	}
	return EnrollmentConflict(r.Member, r.PartB, r.OptedOut)
}

// EnrollmentConflict judges whether a membership may be of somebody who may have
// Medicare: a yearly fee must not pay for what Part B covers. It refuses a
// membership that includes visits for a patient with active Part B, unless the
// clinician has opted out of Medicare or the membership pays for what is not covered
// alone; it holds for enrolling as for billing.
func EnrollmentConflict(m Member, partB, optedOut Answer) Finding {
	switch {
	case m.NonCoveredOnly:
		return passed(FactIncludes, "The membership pays for what no plan covers, alone.")
	case m.IncludesVisits == No:
		return passed(FactIncludes, "The membership includes no visits.")
	case partB == No:
		return passed(FactPartB, "The patient has no Medicare Part B.")
	case optedOut == Yes:
		return passed(FactOptedOut, "The clinician has opted out of Medicare.")
	}
	var asks []Ask
	for _, c := range []struct {
		answer Answer
		fact   Fact
	}{{m.IncludesVisits, FactIncludes}, {partB, FactPartB}, {optedOut, FactOptedOut}} {
		if c.answer == Unknown {
			asks = append(asks, ask(c.fact, ""))
		}
	}
	if len(asks) > 0 {
		return asking(asks...)
	}
	return refused(FactPartB, "The patient has Medicare Part B, and the membership includes visits, which Part B covers: its fee must not pay for them.")
}

// judgeRestriction: a plan is not told of what the patient has paid in full and asked
// to keep from it. Medicare's patients may pay by themselves only for what is not
// covered, or to a clinician who has opted out.
func judgeRestriction(r *reading) Finding {
	switch r.Route {
	case Insurance:
		return r.restricted()
	case SelfPay:
		return r.selfPaid()
	case ByMember:
		return idle(FactRoute, "No plan is told: the membership pays.")
	}
	return asking(ask(FactRoute, ""))
}

func (r *reading) restricted() Finding {
	switch {
	case r.Restricted == Unknown:
		return asking(ask(FactRestricted, ""))
	case r.Restricted == No:
		return passed(FactRestricted, "The patient did not ask to keep the visit from the plan.")
	case !r.covered:
		return asking(ask(FactPayer, r.Payer))
	case r.policy.Medicare && r.OptedOut == Unknown:
		return asking(ask(FactOptedOut, ""))
	case r.policy.Medicare && r.OptedOut == No:
		return noted(FactRestricted, "The patient asked to keep the visit from Medicare, which covers it; the clinician has not opted out, so that the claim is sent. Tell the patient.")
	case r.Paid == Unknown:
		return asking(ask(FactPaid, ""))
	case r.Paid == No:
		return passed(FactPaid, "The patient asked to keep the visit from the plan, and has not paid it in full: the plan is told.")
	}
	return refused(FactRestricted, "The patient asked to keep the visit from the plan and paid it in full: there is no claim.")
}

func (r *reading) selfPaid() Finding {
	switch {
	case r.PartB == No || r.OptedOut == Yes:
		return passed(FactPartB, "The patient may pay by themselves: they have no Medicare Part B, or the clinician has opted out of it.")
	case r.PartB == Unknown:
		return asking(ask(FactPartB, ""))
	case r.OptedOut == Unknown:
		return asking(ask(FactOptedOut, ""))
	}
	return refused(FactPartB, "The patient has Medicare Part B, which covers the visit, and the clinician has not opted out: Medicare is billed, not the patient.")
}

// estimateDays is how many business days ahead a service is arranged for which an
// estimate is due without being asked for (45 CFR 149.610).
const estimateDays = 3

// judgeEstimate says whether an estimate was due; it keeps no code from being billed.
func judgeEstimate(r *reading) Finding {
	e := r.Estimate
	switch {
	case r.Route == "":
		return asking(ask(FactRoute, ""))
	case r.Route != SelfPay:
		return idle(FactRoute, "An estimate is for who pays by themselves.")
	case e.Given == Yes:
		return passed(FactEstimate, "A good-faith estimate was given. A bill of $400 or more above it can be disputed for 120 days.")
	case EstimateDue(e.Requested, e.Arranged, r.service):
		return noted(FactEstimate, "A good-faith estimate was due, as it was requested or the service was arranged 3 business days ahead, and none is known to be given.")
	}
	return idle(FactEstimate, "A good-faith estimate is not known to be due.")
}

// EstimateDue reports whether a self-paying patient is given a good-faith estimate:
// on request, or for a service arranged at least three business days ahead. Mondays
// to Fridays are business days; holidays are not known here, so that an estimate
// may be due a day early.
func EstimateDue(requested Answer, arranged, service civil.Day) bool {
	if requested == Yes {
		return true
	}
	if arranged.IsZero() || service.IsZero() {
		return false
	}
	ahead := 0
	for day := arranged; day.Before(service) && ahead < estimateDays; {
		day = day.AddDays(1)
		if w := day.Weekday(); w != time.Saturday && w != time.Sunday {
			ahead++
		}
	}
	return ahead == estimateDays
}

const (
	disputeAbove = money.Cents(400_00)
	disputeDays  = 120
)

// Disputable returns the last day on which a self-paying patient can dispute a bill
// that they got on a day; no day if it is less than $400 above the estimate (45
// CFR 149.620).
func Disputable(bill, estimate money.Cents, billed civil.Day) civil.Day {
	if bill-estimate < disputeAbove {
		return civil.Day{}
	}
	return billed.AddDays(disputeDays)
}

// The most that a month of direct primary care may cost (26 USC 223(c)(1)(E), 2026).
const (
	hsaSingle money.Cents = 150_00
	hsaFamily money.Cents = 300_00
)

// judgeHSA says whether a member may go on paying into a health savings account; it
// keeps no code from being billed.
func judgeHSA(r *reading) Finding {
	if r.Membership != Yes || r.Member.Monthly == 0 {
		return idle(FactMembership, "There is no monthly fee of a membership.")
	}
	limit := hsaSingle
	if r.Member.Family {
		limit = hsaFamily
	}
	if r.Member.Monthly > limit {
		return noted(FactMonthly, "The membership costs %s a month, above %s: the patient may lose the right to pay into a health savings account.", r.Member.Monthly, limit)
	}
	return noted(FactMonthly, "The membership costs %s a month, up to %s: the patient may go on paying into a health savings account.", r.Member.Monthly, limit)
}
