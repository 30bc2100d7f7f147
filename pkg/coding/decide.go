package coding

import (
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
)

// A Decision is what the rules come to together.
type Decision string

// The decisions.
const (
	Billable    Decision = "billable"
	NotBillable Decision = "not_billable"
	Held        Decision = "held" // no rule refuses, and facts are asked for
)

// An Outcome is a decision and how it came about.
type Outcome struct {
	Decision Decision
	// Reason is the ID of the first rule that refused; empty if none did.
	Reason string
	// Code is what may be billed; while the outcome is held, what could be if the
	// facts asked for are as they should be. It is empty if that is not known yet, and
	// if nothing may be billed.
	Code string
	// Line is the line of the claim, as far as it is known, of Code.
	Line Line
	// Counted is the time that adds up to the code.
	Counted time.Duration
	Window  Window
	// Release is when a claim may be sent at the earliest, and FileBy the last day to
	// file it; zero if unknown, or if there is no claim.
	Release time.Time
	FileBy  civil.Day
	// Void is set if a claim was sent that should not have been: it is to be voided
	// (CLM05-3 is 8).
	Void bool
	// Findings are what each rule in force decided, in the order of their numbers.
	Findings []Finding
	// Asks are the facts that hold the outcome, each once.
	Asks []Ask
}

// A Line is what a claim says of the service.
type Line struct {
	Place     string
	Modifiers []string
	Units     int
	From      civil.Day // the date of service, or its first day
	Until     civil.Day
}

// Decide applies every rule in force on the date of service to the facts. Policies
// are those of Payers and the practice's own.
//
// If a rule refuses, no fact that becomes known of what was unknown makes the visit
// billable. An outcome is billable only if nothing is asked for. The error is of the
// tables that ship, if they cannot be read.
func Decide(f Facts, policies []Policy) (Outcome, error) {
	codes, err := Codes()
	if err != nil {
		return Outcome{}, err
	}
	r := read(f, codes, policies)
	o := Outcome{Decision: Billable, Counted: r.tally.counted, Window: r.window}
	for _, rule := range r.rules() {
		found := rule.judge(r)
		found.Rule, found.Number, found.Title, found.Source = rule.ID, rule.Number, rule.Title, rule.Source
		o.add(found)
	}
	o.finish(r)
	return o, nil
}

func (o *Outcome) add(f Finding) {
	o.Findings = append(o.Findings, f)
	switch {
	case f.Verdict == Refused && o.Decision != NotBillable:
		o.Decision, o.Reason = NotBillable, f.Rule
	case f.Verdict == Asking && o.Decision == Billable:
		o.Decision = Held
	}
	for _, a := range f.Asks {
		if !slices.Contains(o.Asks, a) {
			o.Asks = append(o.Asks, a)
		}
	}
}

func (o *Outcome) finish(r *reading) {
	if o.Decision == NotBillable {
		o.Void = r.Sent
		o.Asks = nil
		return
	}
	if r.code.Code == "" {
		o.Decision = Held
		return
	}
	o.Code = r.code.Code
	o.Line = Line{Place: r.Place, Modifiers: r.modifiers(), Units: 1, From: r.service, Until: r.service}
	if r.policy.SpanDates {
		o.Line.From = r.tally.first
	}
	if r.Route == Insurance {
		o.Release, o.FileBy = r.window.Release(r.Zone), r.policy.filingEnd(r.service)
	}
}

// A reading is facts and what follows from them, for the rules.
type reading struct {
	Facts
	visit   Visit
	windows []Window
	window  Window // of the visit; zero if unknown
	others  []Ask  // what would have to be known of other visits
	tally   tally
	family  Family
	first   civil.Day // the day of the first review
	service civil.Day // the date of service: the last day of counted time
	code    Code      // empty: none, or not known
	policy  Policy    // zero if unknown
	covered bool      // there is a policy of the payer
}

func read(f Facts, codes []Code, policies []Policy) *reading {
	r := &reading{Facts: f, family: kinds[f.Clinician].family}
	i := slices.IndexFunc(f.Visits, func(v Visit) bool { return v.ID == f.Visit })
	if i < 0 {
		return r
	}
	if r.visit = f.Visits[i]; f.Zone == nil || r.visit.FirstReview.IsZero() {
		return r
	}
	r.first = civil.Of(r.visit.FirstReview, f.Zone)
	together := r.together()
	r.windows = windows(together)
	r.window = r.windowOf(r.visit)
	r.tally = r.count(together)
	if r.service = r.tally.last; r.service.IsZero() {
		r.service = r.first
	}
	if r.tally.counted > 0 {
		r.code, _ = codeFor(codes, r.family, r.tally.counted, r.service)
	}
	r.policy, r.covered = policyOf(policies, f.Payer, r.service)
	return r
}

// together returns the visit and the others whose time may add up with it: of the
// same group and specialty, as far as they qualify. What is not known of others in
// reach of the window is asked for.
func (r *reading) together() []Visit {
	all := []Visit{r.visit}
	for _, v := range r.Visits {
		if v.ID == r.visit.ID || !r.near(v) {
			continue
		}
		known := r.visit.Group != "" && r.visit.Specialty != "" && v.Group != "" && v.Specialty != ""
		same := v.Group == r.visit.Group && v.Specialty == r.visit.Specialty
		answer, fact := v.qualifies()
		switch {
		case answer == No || known && !same:
		case !known && (r.visit.Group == "" || r.visit.Specialty == ""):
			r.others = append(r.others, ask(FactSpecialty, ""))
		case !known:
			r.others = append(r.others, ask(FactSpecialty, "visit "+v.ID))
		case answer == Unknown:
			r.others = append(r.others, ask(fact, "visit "+v.ID))
		default:
			all = append(all, v)
		}
	}
	return all
}

// near reports whether another visit's window can meet the visit's: all that were
// reviewed, as one opens a window after another, and those that were worked on.
func (r *reading) near(v Visit) bool {
	if !v.FirstReview.IsZero() {
		return v.FirstReview.Before(r.visit.FirstReview.Add(windowLength))
	}
	return slices.ContainsFunc(r.Time, func(s Span) bool { return s.Visit == v.ID })
}

func (r *reading) windowOf(v Visit) Window {
	for _, w := range r.windows {
		if w.holds(v.FirstReview) {
			return w
		}
	}
	return Window{}
}

func (r *reading) count(together []Visit) tally {
	visits := map[string]bool{}
	for _, v := range together {
		if r.window.holds(v.FirstReview) {
			visits[v.ID] = true
		}
	}
	excluded := map[civil.Day]bool{}
	for _, e := range r.Encounters {
		if e.excludes() == Yes {
			excluded[e.On] = true
		}
	}
	return tallying{zone: r.Zone, window: r.window, visits: visits, family: r.family, excluded: excluded}.sum(r.Time)
}

// over reports whether the instant is past, as far as the facts reach.
func (r *reading) over(t time.Time) bool { return !r.AsOf.IsZero() && !r.AsOf.Before(t) }

// modifiers returns those of the line: what was asked for, and a therapist's where
// the payer wants it, each once, sorted.
func (r *reading) modifiers() []string {
	all := slices.Clone(r.Modifiers)
	for i := range all {
		all[i] = strings.ToUpper(strings.TrimSpace(all[i]))
	}
	if m := kinds[r.Clinician].modifier; m != "" && r.policy.TherapyModifiers && r.Route == Insurance {
		all = append(all, m)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *reading) local(t time.Time) string { return t.In(r.Zone).Format("2006-01-02 15:04 MST") }
