package coding_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
)

// options are the values that a fact may have; the first is unknown.
var (
	answers = []coding.Answer{"", coding.Yes, coding.No}
	days    = []string{"2025-10-16", "2026-01-01", "2026-01-06", "2026-01-07", "2026-01-13", "2026-01-14", "2026-01-15", "2026-01-20", "2026-01-28", "2026-01-29"}
)

func pick[T any](t *rapid.T, name string, from []T) T { return rapid.SampledFrom(from).Draw(t, name) }

// mostly draws the usual value far more often, so that outcomes of all kinds come up.
func mostly[T any](t *rapid.T, name string, usual T, others ...T) T {
	return pick(t, name, append(slices.Repeat([]T{usual}, 25*len(others)), others...))
}

func drawSpan(t *rapid.T) coding.Span {
	s := spent("2026-01-14 15:00:00", time.Duration(rapid.IntRange(1, 12*60).Draw(t, "seconds"))*time.Second)
	later := time.Duration(rapid.IntRange(-600, 8*24*3600).Draw(t, "later")) * time.Second
	s.From, s.Until = s.From.Add(later), s.Until.Add(later)
	s.Visit = mostly(t, "visit", "v1", "v0", "v2", "x")
	s.Person = pick(t, "person", []string{"rivera", "park"})
	s.Kind = mostly(t, "kind", coding.Physician, "", coding.Nurse, coding.NursePractitioner, coding.ClinicalPsychologist)
	s.BilledAs = mostly(t, "billed", "", "99490")
	return s
}

// drawFacts draws facts of which everything may be unknown.
func drawFacts(t *rapid.T) coding.Facts {
	f := complete()
	f.AsOf = mostly(t, "as of", f.AsOf, time.Time{}, at("2026-01-16 00:00:00"), at("2027-02-01 00:00:00"))
	f.Time = rapid.SliceOfN(rapid.Custom(drawSpan), 0, 6).Draw(t, "time")
	for _, id := range []string{"v0", "v2"} {
		if !rapid.Bool().Draw(t, id) {
			continue
		}
		v := f.Visits[0]
		v.ID = id
		v.FirstReview = at("2026-01-14 15:00:00").Add(time.Duration(rapid.IntRange(-15*24, 8*24).Draw(t, "hours")) * time.Hour)
		v.Received = v.FirstReview
		if worked := slices.ContainsFunc(f.Time, func(s coding.Span) bool { return s.Visit == id }); worked {
			v.FirstReview = mostly(t, "review", v.FirstReview, time.Time{})
		}
		f.Visits = append(f.Visits, v)
	}
	for i := range f.Visits {
		v := &f.Visits[i]
		v.Subject = mostly(t, "subject", coding.Problem, "", coding.Refill)
		v.StartedBy = mostly(t, "started by", coding.ByPatient, "", coding.ByPractice)
		v.Specialty = mostly(t, "specialty", v.Specialty, "", "other")
	}
	f.Clinician = mostly(t, "clinician", coding.Physician, "", coding.Nurse, coding.PhysicalTherapist)
	f.LastSeen = mostly(t, "last seen", f.LastSeen, coding.Last{}, coding.Last{Never: true}, coding.Last{On: day("2023-01-13")})
	f.Consent = mostly(t, "consent", f.Consent, coding.Last{}, coding.Last{Never: true}, coding.Last{On: day("2025-01-14")})
	f.SeenBefore = mostly(t, "before", coding.No, "", coding.Yes)
	f.SeenAfter = mostly(t, "after", coding.No, "", coding.Yes)
	f.Operated = mostly(t, "operated", coding.No, "")
	f.Accident = mostly(t, "accident", coding.No, "", coding.Yes)
	f.Secure = mostly(t, "secure", coding.Yes, "", coding.No)
	f.Stored = mostly(t, "stored", coding.Yes, "", coding.No)
	f.Place = mostly(t, "place", "11", "", "02", "22")
	f.Route = mostly(t, "route", coding.Insurance, "", coding.SelfPay, coding.ByMember)
	f.Payer = mostly(t, "payer", "medicare", "uhc", "cigna", "anthem", "nobody", "")
	f.Membership = mostly(t, "membership", coding.No, "", coding.Yes)
	f.Member.IncludesVisits = pick(t, "includes", answers)
	f.WaivesShare, f.PartB, f.OptedOut = mostly(t, "waives", coding.No, answers...), pick(t, "part b", answers), pick(t, "opted out", answers)
	f.Restricted, f.Paid = mostly(t, "restricted", coding.No, answers...), pick(t, "paid", answers)
	f.LedToVisit = mostly(t, "led to", coding.No, answers...)
	f.Modifiers = pick(t, "modifiers", [][]string{nil, nil, nil, {"25"}, {"59", "24"}, {"95"}})
	f.Encounters = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) coding.Encounter {
		return coding.Encounter{
			On: day(pick(t, "on", days)), Related: mostly(t, "related", coding.No, answers...), SameGroup: pick(t, "group", answers),
			Code: pick(t, "code", []string{"", "99213", "99441"}),
		}
	}), 0, 3).Draw(t, "encounters")
	f.Surgeries = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) coding.Surgery {
		return coding.Surgery{
			On: day(pick(t, "on", days)), Related: mostly(t, "related", coding.No, answers...),
			Global: pick(t, "global", []coding.Global{"", coding.GlobalDay, coding.GlobalTen, coding.GlobalNinety, coding.GlobalNone}),
		}
	}), 0, 2).Draw(t, "surgeries")
	return f
}

var byDay = cmp.Comparer(func(a, b civil.Day) bool { return a == b })

// The same facts in another order give the same outcome, and again.
func TestDecide_OrderIndependent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := drawFacts(rt)
		g := f
		g.Visits = rapid.Permutation(f.Visits).Draw(rt, "visits")
		g.Time = rapid.Permutation(f.Time).Draw(rt, "spans")
		g.Encounters = rapid.Permutation(f.Encounters).Draw(rt, "others")
		g.Surgeries = rapid.Permutation(f.Surgeries).Draw(rt, "operations")
		g.Modifiers = rapid.Permutation(f.Modifiers).Draw(rt, "line")
		a, b := decide(t, f), decide(t, g)
		if d := cmp.Diff(a, b, byDay); d != "" {
			rt.Fatalf("(-one +other):\n%s", d)
		}
	})
}

// What an outcome says hangs together, whatever is known.
func TestDecide_OutcomeHangsTogether(t *testing.T) {
	t.Parallel()
	seen := map[coding.Decision]int{}
	rapid.Check(t, func(rt *rapid.T) {
		o := decide(t, drawFacts(rt))
		seen[o.Decision]++
		refuses := slices.IndexFunc(o.Findings, func(f coding.Finding) bool { return f.Verdict == coding.Refused })
		asks := slices.ContainsFunc(o.Findings, func(f coding.Finding) bool { return f.Verdict == coding.Asking })
		switch o.Decision {
		case coding.Billable:
			if refuses >= 0 || asks || len(o.Asks) > 0 || o.Code == "" || o.Reason != "" || o.Line.Units != 1 || o.Line.From.IsZero() || o.Line.Place == "" {
				rt.Fatalf("billable: %+v", o)
			}
		case coding.NotBillable:
			if refuses < 0 || o.Findings[refuses].Rule != o.Reason || o.Code != "" || o.Line.Units != 0 || len(o.Asks) > 0 {
				rt.Fatalf("not billable: %+v", o)
			}
		case coding.Held:
			if refuses >= 0 || !asks || len(o.Asks) == 0 {
				rt.Fatalf("held: %+v", o)
			}
		}
		for _, f := range o.Findings {
			if f.Because == "" || f.Source == "" || f.Fact == "" || (f.Verdict == coding.Asking) != (len(f.Asks) > 0) {
				rt.Fatalf("rule %s: %+v", f.Rule, f)
			}
			for _, a := range f.Asks {
				if len(a.Question) < 10 {
					rt.Fatalf("%s is asked for by %q", a.Fact, a.Question)
				}
			}
		}
	})
	if len(seen) != 3 {
		t.Errorf("only these decisions came up: %v", seen)
	}
}

// fill makes some of what is unknown known, one way or the other.
func fill(t *rapid.T, f coding.Facts) coding.Facts {
	known := func(a *coding.Answer) {
		if *a == "" {
			*a = pick(t, "answer", answers)
		}
	}
	f.Visits, f.Time = slices.Clone(f.Visits), slices.Clone(f.Time)
	f.Encounters, f.Surgeries = slices.Clone(f.Encounters), slices.Clone(f.Surgeries)
	for i := range f.Visits {
		v := &f.Visits[i]
		if v.Subject == "" {
			v.Subject = pick(t, "subject", []coding.Subject{"", coding.Problem, coding.Results})
		}
		if v.StartedBy == "" {
			v.StartedBy = pick(t, "started by", []coding.Party{"", coding.ByProxy, coding.ByPractice})
		}
		if v.FirstReview.IsZero() {
			v.FirstReview = pick(t, "review", []time.Time{{}, v.Received, v.Received.Add(5 * 24 * time.Hour)})
		}
		if v.Specialty == "" {
			v.Specialty = pick(t, "specialty", []string{"", "207Q00000X", "other"})
		}
	}
	for i := range f.Time {
		if f.Time[i].Kind == "" {
			f.Time[i].Kind = pick(t, "kind", []coding.Kind{"", coding.Physician, coding.Nurse})
		}
	}
	for i := range f.Encounters {
		known(&f.Encounters[i].Related)
		known(&f.Encounters[i].SameGroup)
	}
	for i := range f.Surgeries {
		known(&f.Surgeries[i].Related)
		if f.Surgeries[i].Global == "" {
			f.Surgeries[i].Global = pick(t, "global", []coding.Global{"", coding.GlobalTen, coding.GlobalNinety})
		}
	}
	for _, a := range []*coding.Answer{
		&f.SeenBefore, &f.SeenAfter, &f.Operated, &f.Accident, &f.Secure, &f.Stored, &f.Membership, &f.Member.IncludesVisits,
		&f.WaivesShare, &f.PartB, &f.OptedOut, &f.Restricted, &f.Paid, &f.LedToVisit,
	} {
		known(a)
	}
	if f.Clinician == "" {
		f.Clinician = pick(t, "clinician", []coding.Kind{"", coding.Physician, coding.Staff})
	}
	if f.LastSeen == (coding.Last{}) {
		f.LastSeen = pick(t, "last seen", []coding.Last{{}, {Never: true}, {On: day("2025-06-01")}})
	}
	if f.Consent == (coding.Last{}) {
		f.Consent = pick(t, "consent", []coding.Last{{}, {Never: true}, {On: day("2025-06-01")}})
	}
	if f.Place == "" {
		f.Place = pick(t, "place", []string{"", "11", "10"})
	}
	if f.Route == "" {
		f.Route = pick(t, "route", []coding.Route{"", coding.Insurance, coding.SelfPay})
	}
	if f.Payer == "" {
		f.Payer = pick(t, "payer", []string{"", "medicare", "cigna"})
	}
	if f.AsOf.IsZero() {
		f.AsOf = pick(t, "as of", []time.Time{{}, at("2026-01-29 00:00:00"), at("2026-01-16 00:00:00")})
	}
	return f
}

// A refusal is final: nothing that becomes known of what was unknown makes the visit
// billable or held. And what was billable knew all that it needed: it stays so.
func TestDecide_KnowingMoreOnlySettlesWhatWasHeld(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := drawFacts(rt)
		before, after := decide(t, f), decide(t, fill(rt, f))
		if before.Decision != coding.Held && before.Decision != after.Decision {
			rt.Fatalf("%s (%s) became %s", before.Decision, before.Reason, after.Decision)
		}
		if before.Decision == coding.Billable && before.Code != after.Code {
			rt.Fatalf("%s became %s", before.Code, after.Code)
		}
	})
}

// A fact that becomes known changes the findings of the rules that it is of, and of
// no other.
func TestDecide_AFactChangesItsRulesAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*coding.Facts, coding.Answer)
		rules  []string
	}{
		"accident":    {func(f *coding.Facts, a coding.Answer) { f.Accident = a }, []string{"accident"}},
		"seen before": {func(f *coding.Facts, a coding.Answer) { f.SeenBefore = a }, []string{"prior_related_visit"}},
		"seen after":  {func(f *coding.Facts, a coding.Answer) { f.SeenAfter = a }, []string{"later_related_visit"}},
		"operated":    {func(f *coding.Facts, a coding.Answer) { f.Operated = a }, []string{"global_period"}},
		"secure":      {func(f *coding.Facts, a coding.Answer) { f.Secure = a }, []string{"platform"}},
		"stored":      {func(f *coding.Facts, a coding.Answer) { f.Stored = a }, []string{"platform"}},
		"waives":      {func(f *coding.Facts, a coding.Answer) { f.WaivesShare = a }, []string{"cost_share"}},
		"part b":      {func(f *coding.Facts, a coding.Answer) { f.PartB = a }, []string{"medicare_membership", "restriction"}},
		"opted out":   {func(f *coding.Facts, a coding.Answer) { f.OptedOut = a }, []string{"medicare_membership", "restriction"}},
		"restricted":  {func(f *coding.Facts, a coding.Answer) { f.Restricted = a }, []string{"restriction"}},
		"paid":        {func(f *coding.Facts, a coding.Answer) { f.Paid = a }, []string{"restriction"}},
		"led to":      {func(f *coding.Facts, a coding.Answer) { f.LedToVisit = a }, []string{"payer"}},
		"membership":  {func(f *coding.Facts, a coding.Answer) { f.Membership = a }, []string{"medicare_membership", "membership_hsa"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				f := drawFacts(rt)
				g := f
				c.change(&f, pick(rt, "one", answers))
				c.change(&g, pick(rt, "other", answers))
				a, b := decide(t, f), decide(t, g)
				for i := range a.Findings {
					if d := cmp.Diff(a.Findings[i], b.Findings[i]); d != "" && !slices.Contains(c.rules, a.Findings[i].Rule) {
						rt.Fatalf("rule %s changed (-one +other):\n%s", a.Findings[i].Rule, d)
					}
				}
			})
		})
	}
}

// More time of a clinician is never less counted time, nor a code of fewer minutes,
// nor a refusal where there was none.
func TestDecide_MonotoneMinutes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := complete()
		f.Time = rapid.SliceOfN(rapid.Custom(drawSpan), 0, 8).Draw(rt, "time")
		g := f
		more := drawSpan(rt)
		more.Visit, more.BilledAs, more.Kind = "v1", "", coding.Physician
		g.Time = append(slices.Clone(f.Time), more)
		a, b := decide(t, f), decide(t, g)
		if b.Counted < a.Counted || b.Code < a.Code {
			rt.Fatalf("%s, %q; with %s more: %s, %q", a.Counted, a.Code, more.Until.Sub(more.From), b.Counted, b.Code)
		}
	})
}

// Counted time is never more than the window has, nor than its clinicians could work.
func TestDecide_CountsNoMomentTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := complete()
		f.Time = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) coding.Span {
			s := drawSpan(t)
			s.From, s.Until = at("2026-01-14 15:00:00"), at("2026-01-14 15:20:00")
			return s
		}), 1, 8).Draw(rt, "time")
		if o := decide(t, f); o.Counted > 40*time.Minute {
			rt.Fatalf("two people worked %s in 20 min", o.Counted)
		}
	})
}
