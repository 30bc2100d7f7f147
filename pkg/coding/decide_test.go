package coding_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
)

// spent is time of a physician on visit v1.
func spent(from string, d time.Duration) coding.Span {
	return coding.Span{Visit: "v1", Person: "rivera", Kind: coding.Physician, Activity: coding.Reply, From: at(from), Until: at(from).Add(d)}
}

// complete is a visit of 12 min 30 s of which everything is known: 99422 may be
// billed to Medicare.
func complete() coding.Facts {
	return coding.Facts{
		Zone: portland(), AsOf: at("2026-01-29 00:00:00"), Visit: "v1",
		Visits: []coding.Visit{{
			ID: "v1", Group: "lakeside", Specialty: "207Q00000X", StartedBy: coding.ByPatient, Subject: coding.Problem,
			Received: at("2026-01-14 09:00:00"), FirstReview: at("2026-01-14 15:00:00"),
		}},
		Time:      []coding.Span{spent("2026-01-14 15:00:00", 5*time.Minute), spent("2026-01-15 10:00:00", 7*time.Minute+30*time.Second)},
		Clinician: coding.Physician,
		LastSeen:  coding.Last{On: day("2025-06-01")}, Consent: coding.Last{On: day("2025-06-01")},
		SeenBefore: coding.No, SeenAfter: coding.No, Operated: coding.No, LedToVisit: coding.No, Accident: coding.No,
		Secure: coding.Yes, Stored: coding.Yes, Place: "11",
		Route: coding.Insurance, Payer: "medicare", WaivesShare: coding.No, PartB: coding.Yes, OptedOut: coding.No,
		Membership: coding.No, Restricted: coding.No,
	}
}

func decide(t testing.TB, f coding.Facts, own ...coding.Policy) coding.Outcome {
	t.Helper()
	payers, err := coding.Payers()
	if err != nil {
		t.Fatal(err)
	}
	o, err := coding.Decide(f, append(slices.Clone(payers), own...))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func finding(t testing.TB, o coding.Outcome, rule string) coding.Finding {
	t.Helper()
	i := slices.IndexFunc(o.Findings, func(f coding.Finding) bool { return f.Rule == rule })
	if i < 0 {
		t.Fatalf("no finding of rule %s", rule)
	}
	return o.Findings[i]
}

// A ruleCase changes the complete facts, and says what one rule makes of them and
// which code may be billed in the end; "" if none, and "?" before it if it is held.
type ruleCase struct {
	name    string
	change  func(*coding.Facts)
	verdict coding.Verdict
	code    string
	because string // part of the words
}

func runRule(t *testing.T, rule string, cases []ruleCase) {
	t.Helper()
	for _, c := range cases {
		f := complete()
		c.change(&f)
		o := decide(t, f)
		got := finding(t, o, rule)
		if got.Verdict != c.verdict || !strings.Contains(got.Because, c.because) {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, got.Verdict, got.Because, c.verdict, c.because)
		}
		code := o.Code
		if o.Decision == coding.Held {
			code = "?" + code
		}
		if code != c.code {
			t.Errorf("%s: code %q, want %q (%s)", c.name, code, c.code, o.Reason)
		}
		if got.Verdict == coding.Refused && o.Decision != coding.NotBillable || got.Verdict == coding.Asking && len(got.Asks) == 0 {
			t.Errorf("%s: %s with %d asks is %s", c.name, got.Verdict, len(got.Asks), o.Decision)
		}
	}
}

func TestDecide_Complete(t *testing.T) {
	t.Parallel()
	o := decide(t, complete())
	want := coding.Outcome{
		Decision: coding.Billable, Code: "99422", Counted: 12*time.Minute + 30*time.Second,
		Line:    coding.Line{Place: "11", Units: 1, From: day("2026-01-15"), Until: day("2026-01-15")},
		Window:  coding.Window{Opener: "v1", From: at("2026-01-14 15:00:00"), Until: at("2026-01-21 15:00:00")},
		Release: at("2026-01-29 00:00:00"), FileBy: day("2027-01-15"),
	}
	for _, f := range o.Findings {
		if f.Verdict == coding.Asking || f.Verdict == coding.Refused {
			t.Errorf("%s: %s", f.Rule, f.Because)
		}
	}
	o.Findings = nil
	if d := cmp.Diff(want, o, cmp.Comparer(func(a, b civil.Day) bool { return a == b })); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Of nothing known, every rule asks or says why it does not apply, and the outcome
// is held with a question in words for each fact.
func TestDecide_NothingKnown(t *testing.T) {
	t.Parallel()
	o := decide(t, coding.Facts{})
	if o.Decision != coding.Held || o.Code != "" || len(o.Asks) < 10 {
		t.Errorf("%s, code %q, %d asks", o.Decision, o.Code, len(o.Asks))
	}
	for _, a := range o.Asks {
		if !strings.HasSuffix(a.Question, "?") && !strings.HasSuffix(a.Question, ".") {
			t.Errorf("%s is asked for by %q", a.Fact, a.Question)
		}
	}
}

// Every fact that is missing alone is asked for by name, and holds the outcome.
func TestDecide_OneFactMissing(t *testing.T) {
	t.Parallel()
	for want, forget := range map[coding.Fact]func(*coding.Facts){
		coding.FactZone:        func(f *coding.Facts) { f.Zone = nil },
		coding.FactVisit:       func(f *coding.Facts) { f.Visit = "" },
		coding.FactReceived:    func(f *coding.Facts) { f.Visits[0].Received = time.Time{} },
		coding.FactFirstReview: func(f *coding.Facts) { f.Visits[0].FirstReview = time.Time{} },
		coding.FactStartedBy:   func(f *coding.Facts) { f.Visits[0].StartedBy = "" },
		coding.FactSubject:     func(f *coding.Facts) { f.Visits[0].Subject = "" },
		coding.FactClinician:   func(f *coding.Facts) { f.Clinician = "" },
		coding.FactTime:        func(f *coding.Facts) { f.Time = nil },
		coding.FactPersonKind:  func(f *coding.Facts) { f.Time[0].Kind = "" },
		coding.FactLastSeen:    func(f *coding.Facts) { f.LastSeen = coding.Last{} },
		coding.FactConsent:     func(f *coding.Facts) { f.Consent = coding.Last{} },
		coding.FactSeenBefore:  func(f *coding.Facts) { f.SeenBefore = "" },
		coding.FactSeenAfter:   func(f *coding.Facts) { f.SeenAfter = "" },
		coding.FactOperated:    func(f *coding.Facts) { f.Operated = "" },
		coding.FactAccident:    func(f *coding.Facts) { f.Accident = "" },
		coding.FactSecure:      func(f *coding.Facts) { f.Secure = "" },
		coding.FactStored:      func(f *coding.Facts) { f.Stored = "" },
		coding.FactPlace:       func(f *coding.Facts) { f.Place = "" },
		coding.FactRoute:       func(f *coding.Facts) { f.Route = "" },
		coding.FactPayer:       func(f *coding.Facts) { f.Payer = "" },
		coding.FactWaivesShare: func(f *coding.Facts) { f.WaivesShare = "" },
		coding.FactMembership:  func(f *coding.Facts) { f.Membership = "" },
		coding.FactRestricted:  func(f *coding.Facts) { f.Restricted = "" },
		coding.FactAsOf:        func(f *coding.Facts) { f.AsOf = time.Time{} },
	} {
		f := complete()
		forget(&f)
		o := decide(t, f)
		if o.Decision != coding.Held || !slices.ContainsFunc(o.Asks, func(a coding.Ask) bool { return a.Fact == want && a.Question != "" }) {
			t.Errorf("without %s: %s, asks %v", want, o.Decision, o.Asks)
		}
	}
}

// A date of service before the table is known for is held, and no rule of another
// day is taken for it.
func TestDecide_BeforeTheTable(t *testing.T) {
	t.Parallel()
	f := complete()
	f.Visits[0].Received, f.Visits[0].FirstReview = at("2024-12-31 08:00:00"), at("2024-12-31 09:00:00")
	f.Time = []coding.Span{spent("2024-12-31 23:00:00", 10*time.Minute)}
	o := decide(t, f)
	if o.Decision != coding.Held || len(o.Findings) != 1 || o.Asks[0].Fact != coding.FactDate {
		t.Errorf("%s, %v", o.Decision, o.Asks)
	}
	f.Time = []coding.Span{spent("2025-01-01 00:00:00", 10*time.Minute)}
	if o := decide(t, f); len(o.Findings) != 24 { // one of 25 is in force from 2026 on
		t.Errorf("on the first day: %d findings", len(o.Findings))
	}
}

func TestRules_Table(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, r := range coding.Rules() {
		if r.Number != i || r.ID == "" || r.Title == "" || r.Source == "" || r.From.IsZero() || seen[r.ID] {
			t.Errorf("row %d: %+v", i, r)
		}
		seen[r.ID] = true
	}
	if len(seen) != 25 {
		t.Errorf("%d rules", len(seen))
	}
}

func BenchmarkDecide(b *testing.B) {
	f := complete()
	for b.Loop() {
		decide(b, f)
	}
}
