package coding

import "time"

// A Fact names what decides a rule.
type Fact string

// The facts.
const (
	FactZone        Fact = "zone"
	FactAsOf        Fact = "as_of"
	FactVisit       Fact = "visit"
	FactReceived    Fact = "received"
	FactFirstReview Fact = "first_review"
	FactStartedBy   Fact = "started_by"
	FactSubject     Fact = "subject"
	FactSpecialty   Fact = "specialty"
	FactClinician   Fact = "clinician"
	FactTime        Fact = "time"
	FactPersonKind  Fact = "kind_of_person"
	FactLastSeen    Fact = "last_seen"
	FactConsent     Fact = "consent"
	FactSeenBefore  Fact = "seen_before"
	FactSeenAfter   Fact = "seen_after"
	FactRelated     Fact = "related"
	FactSameGroup   Fact = "same_group"
	FactCode        Fact = "encounter_code"
	FactOperated    Fact = "operated"
	FactSurgery     Fact = "surgery"
	FactGlobal      Fact = "global"
	FactLedToVisit  Fact = "led_to_visit"
	FactAccident    Fact = "accident"
	FactSecure      Fact = "secure"
	FactStored      Fact = "stored"
	FactPlace       Fact = "place"
	FactModifiers   Fact = "modifiers"
	FactRoute       Fact = "route"
	FactPayer       Fact = "payer"
	FactWaivesShare Fact = "waives_share"
	FactPartB       Fact = "part_b"
	FactOptedOut    Fact = "opted_out"
	FactMembership  Fact = "membership"
	FactIncludes    Fact = "includes_visits"
	FactMonthly     Fact = "monthly"
	FactRestricted  Fact = "restricted"
	FactPaid        Fact = "paid"
	FactEstimate    Fact = "estimate"
	FactDate        Fact = "date_of_service"
)

// An Ask is a fact that is not known and that a decision needs.
type Ask struct {
	Fact Fact `json:"fact"`
	// Of is what the fact is of, if not of the visit: a day, or another visit.
	Of       string `json:"of,omitempty"`
	Question string `json:"question"`
	// From is when the question can be answered; zero is now.
	From time.Time `json:"from,omitzero"`
}

// questions are how each fact is asked for.
var questions = map[Fact]string{
	FactZone:        "In which time zone is the practice?",
	FactAsOf:        "When were these facts gathered?",
	FactVisit:       "Which of the visits is to be coded?",
	FactReceived:    "When was the inquiry received? It cannot have been reviewed before.",
	FactFirstReview: "When did a clinician first review the inquiry in person?",
	FactStartedBy:   "Who wrote the first message: the patient, their proxy or the practice?",
	FactSubject:     "What is the inquiry about: a problem, or results, scheduling, a refill or a bill?",
	FactSpecialty:   "Of which group and specialty is the clinician?",
	FactClinician:   "What is the clinician who answers by license?",
	FactTime:        "How many minutes did the clinicians spend, and when?",
	FactPersonKind:  "What is this person by license, or are they a nurse or staff?",
	FactLastSeen:    "When was the patient last seen face to face by the clinician, or by one of the same specialty of the group?",
	FactConsent:     "When did the patient last consent to online services?",
	FactSeenBefore:  "Was the patient seen for the same problem, in any way and by anyone, in the 7 days before?",
	FactSeenAfter:   "Was the patient seen for the same problem, in any way and by anyone, until 7 days after the window?",
	FactRelated:     "Was this about the same problem as the visit?",
	FactSameGroup:   "Was this by the clinician, or by one of the same specialty of the group?",
	FactCode:        "As which code was this billed?",
	FactOperated:    "Did the patient have an operation or procedure in the 90 days before?",
	FactSurgery:     "On which day was the operation, and which?",
	FactGlobal:      "How many days of aftercare does the operation's price include: 0, 10 or 90?",
	FactLedToVisit:  "Did the online visit lead to another visit within the hours that the payer names, or at the next available appointment?",
	FactAccident:    "Did work, a car or another accident cause the problem?",
	FactSecure:      "Does the platform protect health information as HIPAA asks?",
	FactStored:      "Is what was written kept for good?",
	FactPlace:       "Where does the clinician normally work? Typically place of service 11.",
	FactModifiers:   "Does the payer accept this modifier?",
	FactRoute:       "How is the visit paid: by insurance, by the patient, or by a membership?",
	FactPayer:       "Does this payer cover online visits, by this code and on this day? Verify the coverage.",
	FactWaivesShare: "Does the practice forgive the patient's share as a rule?",
	FactPartB:       "Does the patient have active Medicare Part B?",
	FactOptedOut:    "Has the clinician opted out of Medicare?",
	FactMembership:  "Does the patient have a membership with the practice?",
	FactIncludes:    "Does the patient's membership include visits?",
	FactRestricted:  "Did the patient ask that their plan is not told?",
	FactPaid:        "Has the patient paid the visit in full?",
	FactDate:        "Which rules and codes are in force on the date of service? Load those of that day.",
}
