package coding

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
)

// judgeWindow: the window opens when a clinician first reviews the inquiry in
// person, and lasts seven times 24 hours.
func judgeWindow(r *reading) Finding {
	switch {
	case r.window.From.IsZero():
		return r.withoutWindow()
	case r.visit.Received.IsZero() || r.visit.FirstReview.Before(r.visit.Received):
		return asking(ask(FactReceived, ""))
	}
	return passed(FactFirstReview, "The inquiry was received at %s and first reviewed at %s. The window is from %s to %s.",
		r.local(r.visit.Received), r.local(r.visit.FirstReview), r.local(r.window.From), r.local(r.window.Until))
}

// floor is the least time that is reported: five full minutes.
const floor = 5 * time.Minute

// judgeTime: the time of clinicians of the group in the window is added up; the time
// of nurses and staff is not.
func judgeTime(r *reading) Finding {
	t := r.tally
	switch {
	case r.window.From.IsZero():
		return r.withoutWindow()
	case r.family == "" && kinds[r.Clinician].role == "":
		return asking(ask(FactClinician, ""))
	case r.family == "":
		return idle(FactClinician, "No time counts: the one who answers reports no visit.")
	case !t.any:
		return asking(append(slices.Clone(r.others), ask(FactTime, ""))...)
	case len(t.unknown) > 0:
		var asks []Ask
		for _, person := range t.unknown {
			asks = append(asks, ask(FactPersonKind, person))
		}
		return asking(asks...)
	case t.counted >= floor && r.code.Code == "":
		return asking(ask(FactDate, r.service.String()))
	case t.counted >= floor:
		return passed(FactTime, "Clinicians of the group spent %s in the window%s: %s, %s.", minutes(t.counted), t.left(), r.code.Code, r.code.Label)
	case len(r.others) > 0: // their time may be added
		return asking(r.others...)
	case t.counted+t.excluded >= floor:
		return noted(FactTime, "%s count%s; what is left out is decided by the rule on other evaluations.", minutes(t.counted), t.left())
	case !r.over(r.window.Until):
		a := ask(FactTime, "")
		a.From = r.window.Until
		found := asking(a)
		found.Because = "Clinicians of the group spent " + minutes(t.counted) + " so far" + t.left() + "; under 5 min nothing is reported. The window is open until " + r.local(r.window.Until) + "."
		return found
	}
	return refused(FactTime, "Clinicians of the group spent %s in the window%s; under 5 min nothing is reported.", minutes(t.counted), t.left())
}

// left says which time does not count, in words that follow the time that does.
func (t tally) left() string {
	var parts []string
	for _, p := range []struct {
		d    time.Duration
		what string
	}{
		{t.assisting, "of nurses, staff or other professions"},
		{t.outside, "outside the window"},
		{t.twice, "counted once already"},
		{t.elsewhere, "billed as another code"},
		{t.excluded, "on a day of another evaluation"},
	} {
		if p.d > 0 {
			parts = append(parts, minutes(p.d)+" "+p.what)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (not counted: " + strings.Join(parts, ", ") + ")"
}

func judgeOverlap(r *reading) Finding {
	if r.tally.twice == 0 {
		return idle(FactTime, "No moment of a clinician is known to be counted twice.")
	}
	return passed(FactTime, "%s of a clinician were on two visits or codes at once and are counted once, for what began first.", minutes(r.tally.twice))
}

// judgeOnce: one code for each window of a patient, group and specialty.
func judgeOnce(r *reading) Finding {
	switch {
	case r.window.From.IsZero():
		return r.withoutWindow()
	case len(r.others) > 0:
		return asking(r.others...)
	case r.window.Opener != r.visit.ID:
		return refused(FactFirstReview, "Visit %s opened the window at %s; the time of this visit, also of another problem, is added to it and is no second code.", r.window.Opener, r.local(r.window.From))
	}
	return passed(FactFirstReview, "The visit opens its window; no other visit to the group and specialty did in the 7 days before.")
}

// related judges known encounters from one day to another: one that is related
// refuses, and of others what is not known is asked for.
func (r *reading) related(first, last civil.Day) (refusal Encounter, asks []Ask) {
	for _, e := range sortedEncounters(r.Encounters) {
		switch {
		case !e.On.Within(first, last) || e.Related == No:
		case e.Related == Yes:
			return e, nil
		default:
			asks = append(asks, ask(FactRelated, "the visit of "+e.On.String()))
		}
	}
	return Encounter{}, asks
}

func judgeBefore(r *reading) Finding {
	if r.SeenBefore == Yes {
		return refused(FactSeenBefore, "The patient was seen for the same problem in the 7 days before.")
	}
	if r.first.IsZero() {
		return r.withoutWindow()
	}
	e, asks := r.related(r.first.AddDays(-relatedDays), r.first)
	if e.Related == Yes {
		return refused(FactRelated, "The patient was seen for the same problem on %s, within 7 days before %s.", e.On, r.first)
	}
	if r.SeenBefore != No {
		asks = append(asks, ask(FactSeenBefore, ""))
	}
	if len(asks) > 0 {
		return asking(asks...)
	}
	return passed(FactSeenBefore, "The patient was not seen for the same problem from %s to %s. Another problem may be reported.", r.first.AddDays(-relatedDays), r.first)
}

// judgeAfter: what is billed within seven days after the window for the same problem
// takes the online visit into it. Until these days have passed nobody can know.
func judgeAfter(r *reading) Finding {
	if r.SeenAfter == Yes {
		return refused(FactSeenAfter, "The patient was seen for the same problem until 7 days after the window; the online visit is part of that one. A claim that was sent is voided.")
	}
	if r.window.From.IsZero() {
		return r.withoutWindow()
	}
	last := r.window.lastRelated(r.Zone)
	e, asks := r.related(r.first.AddDays(1), last)
	if e.Related == Yes {
		return refused(FactRelated, "The patient was seen for the same problem on %s, until 7 days after the window; the online visit is part of that one. A claim that was sent is voided.", e.On)
	}
	release := r.window.Release(r.Zone)
	if !r.over(release) {
		a := ask(FactSeenAfter, "")
		a.From = release
		found := asking(append(asks, a)...)
		found.Because = "Whether the patient is seen for the same problem until " + last.String() + " is known from " + r.local(release) + " on; until then the claim waits."
		return found
	}
	if r.SeenAfter != No {
		asks = append(asks, ask(FactSeenAfter, ""))
	}
	if len(asks) > 0 {
		return asking(asks...)
	}
	return passed(FactSeenAfter, "The patient was not seen for the same problem from %s to %s.", r.first.AddDays(1), last)
}

// excluding are the evaluations on whose day an online visit is not reported (CPT).
func excluding(code string) bool { return len(code) == 5 && code >= "99202" && code <= "99215" }

// excludes says whether an encounter takes its day from the online visit.
func (e Encounter) excludes() Answer {
	switch {
	case e.SameGroup == No || e.Code != "" && !excluding(e.Code):
		return No
	case e.SameGroup == Yes && e.Code != "":
		return Yes
	}
	return Unknown
}

// judgeExclusions: time on the day of another evaluation by the group does not count,
// nor does time that is billed as another code.
func judgeExclusions(r *reading) Finding {
	if r.window.From.IsZero() {
		return r.withoutWindow()
	}
	var asks []Ask
	for _, e := range sortedEncounters(r.Encounters) {
		if e.excludes() != Unknown || !e.On.Within(r.tally.first, r.tally.last) || r.tally.last.IsZero() {
			continue
		}
		for fact, unknown := range map[Fact]bool{FactSameGroup: e.SameGroup == Unknown, FactCode: e.Code == ""} {
			if unknown {
				asks = append(asks, ask(fact, "the visit of "+e.On.String()))
			}
		}
	}
	slices.SortFunc(asks, func(a, b Ask) int { return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Fact, b.Fact)) })
	t := r.tally
	switch {
	case len(r.others) > 0: // their time may be added
		return asking(append(asks, r.others...)...)
	case t.counted < floor && t.counted+t.excluded >= floor && r.over(r.window.Until):
		return refused(FactCode, "%s are on a day on which the group bills another evaluation, and without them %s are left, under 5 min.", minutes(t.excluded), minutes(t.counted))
	case t.counted < floor && t.counted+t.excluded >= floor:
		a := ask(FactTime, "")
		a.From = r.window.Until
		return asking(append(asks, a)...)
	case len(asks) > 0:
		return asking(asks...)
	case t.excluded+t.elsewhere > 0:
		return passed(FactCode, "%s on a day on which the group bills another evaluation, and %s billed as another code, do not count.", minutes(t.excluded), minutes(t.elsewhere))
	}
	return passed(FactCode, "No counted time is on a day on which the group bills another evaluation, or billed as another code.")
}

func sortedEncounters(all []Encounter) []Encounter {
	return slices.SortedFunc(slices.Values(all), func(a, b Encounter) int {
		return cmp.Or(a.On.Compare(b.On), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Related, b.Related), cmp.Compare(a.SameGroup, b.SameGroup))
	})
}

func sortedSurgeries(all []Surgery) []Surgery {
	return slices.SortedFunc(slices.Values(all), func(a, b Surgery) int {
		return cmp.Or(a.On.Compare(b.On), cmp.Compare(a.Global, b.Global), cmp.Compare(a.Related, b.Related))
	})
}
