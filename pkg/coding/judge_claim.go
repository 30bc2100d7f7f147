package coding

import (
	"slices"
	"strings"

	"evisit/pkg/civil"
)

// judgePlace: an online visit is at the place where the clinician normally works,
// and never carries what is of telehealth by voice or video.
func judgePlace(r *reading) Finding {
	for _, m := range r.modifiers() {
		if m == "95" || m == "93" {
			return refused(FactModifiers, "Modifier %s is of telehealth by video or voice; an online visit never carries it. Leave it out.", m)
		}
	}
	switch p := r.Place; {
	case p == "02" || p == "10":
		return refused(FactPlace, "Place of service %s is of telehealth by video or voice; give where the clinician normally works, typically 11.", p)
	case !twoDigits(p):
		return asking(ask(FactPlace, ""))
	case r.Route == Insurance && len(r.policy.Places) > 0 && !slices.Contains(r.policy.Places, p):
		return refused(FactPlace, "This payer accepts online visits at place of service %s; the clinician normally works at %s.", strings.Join(r.policy.Places, ", "), p)
	default:
		return passed(FactPlace, "The clinician normally works at place of service %s; there is no modifier of telehealth.", p)
	}
}

// maxModifiers is how many modifiers a line has room for (X12 005010X222A1, SV101).
const maxModifiers = 4

func judgeModifiers(r *reading) Finding {
	all := r.modifiers()
	if len(all) > maxModifiers {
		return refused(FactModifiers, "A line carries up to %d modifiers; these are %s.", maxModifiers, strings.Join(all, ", "))
	}
	therapy := kinds[r.Clinician].modifier
	var asks []Ask
	for _, m := range all {
		accepted := slices.Contains(r.policy.Modifiers, m)
		switch {
		case len(m) != 2:
			return refused(FactModifiers, "%.10q is no modifier: it has two characters.", m)
		case accepted || m == "95" || m == "93": // the last two are of the rule before
		case m == "GQ":
			return refused(FactModifiers, "Modifier GQ is of a demonstration in Alaska and Hawaii alone. Leave it out.")
		case (m == "GP" || m == "GO" || m == "GN") && m != therapy:
			return refused(FactModifiers, "Modifier %s is of another therapist's discipline. Leave it out.", m)
		case r.Route == Insurance:
			asks = append(asks, ask(FactModifiers, "modifier "+m))
		}
	}
	switch {
	case len(asks) > 0:
		return asking(asks...)
	case len(all) == 0:
		return passed(FactModifiers, "The line carries no modifier.")
	case slices.Contains(all, "25"):
		return noted(FactModifiers, "The line carries %s; 25 is normally not for an online visit.", strings.Join(all, ", "))
	}
	return passed(FactModifiers, "The line carries %s.", strings.Join(all, ", "))
}

// judgeDate: units are always 1, and the date of service is the day of the last
// counted activity, or the days from the first to it, as the payer wants.
func judgeDate(r *reading) Finding {
	switch {
	case r.window.From.IsZero():
		return r.withoutWindow()
	case r.tally.last.IsZero() && !r.tally.any:
		return asking(ask(FactTime, ""))
	case r.tally.last.IsZero():
		return idle(FactTime, "No time counts, so there is no date of service.")
	case r.policy.SpanDates:
		return passed(FactTime, "1 unit; the dates of service are %s to %s, the days of counted time, as the payer wants.", r.tally.first, r.tally.last)
	}
	return passed(FactTime, "1 unit; the date of service is %s, the day of the last counted activity.", r.tally.last)
}

// judgePayer: what the payer accepts on that day, by its policy. A payer or code
// that no policy names is unknown.
func judgePayer(r *reading) Finding {
	switch {
	case r.Route == "":
		return asking(ask(FactRoute, ""))
	case r.Route != Insurance:
		return idle(FactRoute, "No plan is billed.")
	case !r.covered:
		return asking(ask(FactPayer, r.Payer))
	case r.code.Code == "":
		return idle(FactTime, "There is no code yet that the payer could accept.")
	case slices.Contains(r.policy.Rejects, r.code.Code):
		return refused(FactPayer, "%s does not accept %s (%s).", r.policy.Name, r.code.Code, r.policy.Source)
	case !slices.Contains(r.policy.Accepts, r.code.Code):
		return asking(ask(FactPayer, r.Payer+", "+r.code.Code))
	case r.policy.LeadsToHours == 0:
		return passed(FactPayer, "%s accepts %s (%s).", r.policy.Name, r.code.Code, r.policy.Source)
	case r.LedToVisit == Yes:
		return refused(FactLedToVisit, "%s does not accept a visit that leads to another within %d hours or at the next available appointment (%s).", r.policy.Name, r.policy.LeadsToHours, r.policy.Source)
	case r.LedToVisit == No:
		return passed(FactLedToVisit, "%s accepts %s, which led to no other visit within %d hours or at the next available appointment (%s).", r.policy.Name, r.code.Code, r.policy.LeadsToHours, r.policy.Source)
	}
	return asking(ask(FactLedToVisit, ""))
}

func judgeFiling(r *reading) Finding {
	switch {
	case r.Route == "":
		return asking(ask(FactRoute, ""))
	case r.Route != Insurance:
		return idle(FactRoute, "No claim is filed.")
	case r.service.IsZero():
		return r.withoutWindow()
	}
	last := r.policy.filingEnd(r.service)
	switch {
	case last.IsZero():
		return asking(ask(FactPayer, r.Payer))
	case r.AsOf.IsZero():
		return asking(ask(FactAsOf, ""))
	}
	if today := civil.Of(r.AsOf, r.Zone); today.After(last) && !r.Sent {
		return refused(FactAsOf, "A claim for %s had to be filed by %s; it is %s.", r.service, last, today)
	}
	return passed(FactPayer, "A claim for %s is filed by %s.", r.service, last)
}

// judgeShare: what the plan says is the patient's is asked of them; forgiving it as
// a rule is an inducement.
func judgeShare(r *reading) Finding {
	switch {
	case r.Route == "":
		return asking(ask(FactRoute, ""))
	case r.Route != Insurance || !r.covered || !r.policy.Medicare:
		return idle(FactPayer, "The share is not of Medicare.")
	case r.WaivesShare == Yes:
		return refused(FactWaivesShare, "The practice forgives the patient's share as a rule. Medicare's deductible and coinsurance are asked of the patient, unless a single case is one of hardship.")
	case r.WaivesShare == No:
		return passed(FactWaivesShare, "The patient pays the deductible of Part B and 20 %% coinsurance.")
	}
	return asking(ask(FactWaivesShare, ""))
}
