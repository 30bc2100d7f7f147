package coding

import (
	"fmt"
	"time"

	"evisit/pkg/civil"
)

// A Verdict is what one rule comes to.
type Verdict string

// The verdicts.
const (
	Passed  Verdict = "passed"
	Refused Verdict = "refused"
	Asking  Verdict = "asking" // a fact is not known
	Idle    Verdict = "idle"   // the rule does not apply
	Noted   Verdict = "noted"  // the rule says something to keep in mind, and decides nothing
)

// A Finding is what one rule decided, by which fact, in words for a biller.
type Finding struct {
	Rule    string
	Number  int
	Title   string
	Verdict Verdict
	Fact    Fact
	Because string
	Asks    []Ask
	Source  string
}

// A Rule is a row of the table: what it is called, when it is in force, where it is
// from, and how it judges.
type Rule struct {
	ID          string // stable: the reason of a refusal
	Number      int
	Title       string
	From, Until civil.Day // dates of service, both included; a zero Until has no end
	Source      string    // "(verify)" where it was not compared with a primary one
	judge       func(*reading) Finding
}

// since is the first date of service that the table is known for.
var since = civil.Date(2025, time.January, 1)

// Rules returns the table.
func Rules() []Rule {
	y2026 := civil.Date(2026, time.January, 1)
	return []Rule{
		{ID: "clinician_kind", Number: 0, Title: "Kind of clinician", From: since, Source: "CPT; for Medicare, ASHA", judge: judgeKind},
		{ID: "established_patient", Number: 1, Title: "Established patient", From: since, Source: "CPT (verify); a problem may be new: AAPC", judge: judgeEstablished},
		{ID: "patient_initiated", Number: 2, Title: "Started by the patient", From: since, Source: "CPT", judge: judgeStarted},
		{ID: "window", Number: 3, Title: "Window of seven days", From: since, Source: "AAPC", judge: judgeWindow},
		{ID: "countable_time", Number: 4, Title: "Countable time", From: since, Source: "AAPC; least time: CPT (verify)", judge: judgeTime},
		{ID: "overlap", Number: 5, Title: "No moment twice", From: since, Source: "CPT", judge: judgeOverlap},
		{ID: "once_per_window", Number: 6, Title: "Once in a window", From: since, Source: "CPT (verify)", judge: judgeOnce},
		{ID: "prior_related_visit", Number: 7, Title: "Related visit before", From: since, Source: "CPT (verify)", judge: judgeBefore},
		{ID: "later_related_visit", Number: 8, Title: "Related visit after", From: since, Source: "CPT (verify); AAFP", judge: judgeAfter},
		{ID: "global_period", Number: 9, Title: "Aftercare of an operation", From: since, Source: "AAFP; days: CMS, Global Surgery Booklet", judge: judgeGlobal},
		{ID: "non_evaluative", Number: 10, Title: "Needs an evaluation", From: since, Source: "CPT", judge: judgeSubject},
		{ID: "exclusions", Number: 11, Title: "Not with other evaluations", From: since, Source: "CPT (verify)", judge: judgeExclusions},
		{ID: "consent", Number: 12, Title: "Consent", From: since, Source: "codingintel; medicare.gov; CCHP", judge: judgeConsent},
		{ID: "cost_share", Number: 13, Title: "Patient's share", From: since, Source: "medicare.gov; waivers: 42 USC 1320a-7b(b) (verify)", judge: judgeShare},
		{ID: "platform", Number: 14, Title: "Platform", From: since, Source: "AAPC", judge: judgePlatform},
		{ID: "place_of_service", Number: 15, Title: "Place of service, no telehealth", From: since, Source: "codingintel; AAFP; CCHP", judge: judgePlace},
		{ID: "modifiers", Number: 16, Title: "Other modifiers", From: since, Source: "CPT; CMS (verify)", judge: judgeModifiers},
		{ID: "units_and_date", Number: 17, Title: "Units and date of service", From: since, Source: "CPT; payers differ (verify)", judge: judgeDate},
		{ID: "accident", Number: 18, Title: "Accident", From: since, Source: "UC Health e-visit rules", judge: judgeAccident},
		{ID: "medicare_membership", Number: 19, Title: "Medicare and membership", From: since, Source: "OIG alert 2004; settlements", judge: judgeMembership},
		{ID: "estimate", Number: 20, Title: "Good-faith estimate", From: since, Source: "45 CFR 149.610, 149.620", judge: judgeEstimate},
		{ID: "restriction", Number: 21, Title: "Plan not to be told", From: since, Source: "45 CFR 164.522(a)(1)(vi) (verify)", judge: judgeRestriction},
		{ID: "membership_hsa", Number: 22, Title: "Membership and health savings account", From: y2026, Source: "26 USC 223(c)(1)(E), from 2026 (verify)", judge: judgeHSA},
		{ID: "timely_filing", Number: 23, Title: "Timely filing", From: since, Source: "42 CFR 424.44; the payer's policy (verify)", judge: judgeFiling},
		{ID: "payer", Number: 24, Title: "What the payer accepts", From: since, Source: "the payer's policy", judge: judgePayer},
	}
}

// unknownDay stands for the table where the date of service is in no rule's days.
var unknownDay = Rule{
	ID: "date_of_service", Title: "Date of service", Source: "the table of rules",
	judge: func(r *reading) Finding { return asking(ask(FactDate, r.service.String())) },
}

// rules returns those in force on the date of service; while that is unknown, all.
func (r *reading) rules() []Rule {
	var all []Rule
	for _, rule := range Rules() {
		if r.service.IsZero() || r.service.Within(rule.From, rule.Until) {
			all = append(all, rule)
		}
	}
	if len(all) == 0 {
		return []Rule{unknownDay}
	}
	return all
}

func passed(f Fact, format string, args ...any) Finding {
	return Finding{Verdict: Passed, Fact: f, Because: fmt.Sprintf(format, args...)}
}

func refused(f Fact, format string, args ...any) Finding {
	return Finding{Verdict: Refused, Fact: f, Because: fmt.Sprintf(format, args...)}
}

func noted(f Fact, format string, args ...any) Finding {
	return Finding{Verdict: Noted, Fact: f, Because: fmt.Sprintf(format, args...)}
}

func idle(f Fact, because string) Finding {
	return Finding{Verdict: Idle, Fact: f, Because: because}
}

// asking holds the outcome for facts that are not known; there is at least one.
func asking(asks ...Ask) Finding {
	because := "It is not known: " + asks[0].Question
	for _, a := range asks[1:] {
		because += " " + a.Question
	}
	return Finding{Verdict: Asking, Fact: asks[0].Fact, Because: because, Asks: asks}
}

func ask(f Fact, of string) Ask {
	a := Ask{Fact: f, Of: of, Question: questions[f]}
	if of != "" {
		a.Question = "Of " + of + ": " + a.Question
	}
	return a
}

// minutes writes a duration as a biller says it: 12 min 30 s.
func minutes(d time.Duration) string {
	d = d.Truncate(time.Second)
	if s := d % time.Minute / time.Second; s != 0 {
		return fmt.Sprintf("%d min %d s", d/time.Minute, s)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}
