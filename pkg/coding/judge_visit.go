package coding

import "evisit/pkg/civil"

// judgeKind: who may report evaluation and management has one family of codes, the
// other qualified professionals have the other, and nurses and staff have none.
func judgeKind(r *reading) Finding {
	k, ok := kinds[r.Clinician]
	switch {
	case !ok:
		return asking(ask(FactClinician, ""))
	case k.family == Evaluation:
		return passed(FactClinician, "The one who answers is %s, who reports 99421 to 99423.", k.words)
	case k.family == Assessment:
		return passed(FactClinician, "The one who answers is %s, who reports 98970 to 98972.", k.words)
	}
	return refused(FactClinician, "The one who answers is %s; a visit is reported by a clinician alone.", k.words)
}

// establishedMonths is how long a face-to-face service makes a patient an
// established one, its anniversary included (CPT: three years).
const establishedMonths = 36

func judgeEstablished(r *reading) Finding {
	switch {
	case r.LastSeen.Never:
		return refused(FactLastSeen, "The patient was never seen face to face by the clinician or the group's specialty: a new patient.")
	case !r.LastSeen.known():
		return asking(ask(FactLastSeen, ""))
	case r.first.IsZero():
		return r.withoutWindow()
	}
	until := r.LastSeen.On.AddMonths(establishedMonths)
	switch {
	case r.LastSeen.On.After(r.first):
		return refused(FactLastSeen, "The patient was first seen face to face on %s, after the visit of %s.", r.LastSeen.On, r.first)
	case r.first.After(until):
		return refused(FactLastSeen, "The patient was last seen face to face on %s; that made them an established patient until %s, and the visit was on %s.", r.LastSeen.On, until, r.first)
	}
	return passed(FactLastSeen, "The patient was seen face to face on %s, within 3 years before %s. The problem may be new.", r.LastSeen.On, r.first)
}

func judgeStarted(r *reading) Finding {
	switch r.visit.StartedBy {
	case ByPatient, ByProxy:
		return passed(FactStartedBy, "The first message came from the %s.", r.visit.StartedBy)
	case ByPractice:
		return refused(FactStartedBy, "The practice wrote first; what it starts is not reported.")
	}
	return asking(ask(FactStartedBy, ""))
}

func judgeSubject(r *reading) Finding {
	switch r.visit.Subject {
	case Problem:
		return passed(FactSubject, "The inquiry is about a problem that needs an evaluation.")
	case "":
		return asking(ask(FactSubject, ""))
	case Results, Scheduling, Refill, Billing:
	}
	return refused(FactSubject, "The inquiry is about %s, which needs no evaluation.", r.visit.Subject)
}

// consentMonths is how long a consent holds, its anniversary included.
const consentMonths = 12

func judgeConsent(r *reading) Finding {
	switch {
	case r.Consent.Never:
		return refused(FactConsent, "The patient has not consented to online services. A consent by word of mouth is enough, if it is documented, and comes before the service.")
	case !r.Consent.known():
		return asking(ask(FactConsent, ""))
	case r.first.IsZero():
		return r.withoutWindow()
	}
	until := r.Consent.On.AddMonths(consentMonths)
	switch {
	case r.Consent.On.After(r.first):
		return refused(FactConsent, "The patient consented on %s, after the visit of %s.", r.Consent.On, r.first)
	case r.first.After(until):
		return refused(FactConsent, "The patient consented on %s, which held until %s, and the visit was on %s.", r.Consent.On, until, r.first)
	}
	return passed(FactConsent, "The patient consented on %s, within 12 months before %s.", r.Consent.On, r.first)
}

func judgePlatform(r *reading) Finding {
	switch {
	case r.Secure == No:
		return refused(FactSecure, "The platform does not protect health information as HIPAA asks.")
	case r.Stored == No:
		return refused(FactStored, "What was written is not kept for good.")
	case r.Secure != Yes:
		return asking(ask(FactSecure, ""))
	case r.Stored != Yes:
		return asking(ask(FactStored, ""))
	}
	return passed(FactSecure, "The platform protects health information, and keeps what was written for good.")
}

func judgeAccident(r *reading) Finding {
	switch r.Accident {
	case Yes:
		return refused(FactAccident, "An accident caused the problem: another payer than the health plan is asked.")
	case No:
		return passed(FactAccident, "No accident caused the problem.")
	case Unknown:
	}
	return asking(ask(FactAccident, ""))
}

// globalDays are how many days after the operation its price includes (CMS).
var globalDays = map[Global]int{GlobalDay: 0, GlobalTen: 10, GlobalNinety: 90}

func judgeGlobal(r *reading) Finding {
	if r.first.IsZero() {
		return r.withoutWindow()
	}
	var asks []Ask
	for _, s := range sortedSurgeries(r.Surgeries) {
		switch during, a := s.holds(r.first); {
		case during == Yes && s.Related == Yes:
			return refused(FactSurgery, "The inquiry of %s is about the operation of %s, whose price includes the %d days after it.", r.first, s.On, globalDays[s.Global])
		case during == No || s.Related == No:
		case during == Yes:
			asks = append(asks, ask(FactRelated, "the operation of "+s.On.String()))
		default:
			asks = append(asks, a)
		}
	}
	if r.Operated != No {
		fact := FactOperated
		if r.Operated == Yes {
			fact = FactSurgery
		}
		asks = append(asks, ask(fact, ""))
	}
	if len(asks) > 0 {
		return asking(asks...)
	}
	return passed(FactOperated, "The inquiry of %s is in no aftercare of an operation that it is about.", r.first)
}

// holds says whether the aftercare of an operation holds on a day, and otherwise
// what would have to be known.
func (s Surgery) holds(day civil.Day) (Answer, Ask) {
	days, ok := globalDays[s.Global]
	switch {
	case s.On.IsZero():
		return Unknown, ask(FactSurgery, "")
	case s.Global == GlobalNone || day.Before(s.On) || day.Since(s.On) > globalDays[GlobalNinety]:
		return No, Ask{}
	case !ok:
		return Unknown, ask(FactGlobal, "the operation of "+s.On.String())
	case day.Since(s.On) <= days:
		return Yes, Ask{}
	}
	return No, Ask{}
}

// withoutWindow asks for what a rule on days cannot do without.
func (r *reading) withoutWindow() Finding {
	switch {
	case r.Zone == nil:
		return asking(ask(FactZone, ""))
	case r.visit.ID == "":
		return asking(ask(FactVisit, ""))
	}
	return asking(ask(FactFirstReview, ""))
}
