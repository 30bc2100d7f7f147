package coding_test

import (
	"slices"
	"testing"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/money"
)

func TestRule0_ClinicianKind(t *testing.T) {
	t.Parallel()
	as := func(k coding.Kind) func(*coding.Facts) {
		return func(f *coding.Facts) {
			f.Clinician = k
			for i := range f.Time {
				f.Time[i].Kind = k
			}
		}
	}
	var cases []ruleCase
	for _, k := range []coding.Kind{coding.Physician, coding.NursePractitioner, coding.PhysicianAssist, coding.ClinicalNurseSpec, coding.NurseMidwife} {
		cases = append(cases, ruleCase{string(k), as(k), coding.Passed, "99422", "99421 to 99423"})
	}
	for _, k := range []coding.Kind{coding.PhysicalTherapist, coding.OccupationalTherapist, coding.SpeechPathologist, coding.ClinicalSocialWorker, coding.ClinicalPsychologist} {
		cases = append(cases, ruleCase{string(k), as(k), coding.Passed, "98971", "98970 to 98972"})
	}
	cases = append(cases,
		ruleCase{"a nurse", as(coding.Nurse), coding.Refused, "", "a nurse"},
		ruleCase{"staff", as(coding.Staff), coding.Refused, "", "staff"},
		ruleCase{"a kind that is not known", as("dentist"), coding.Asking, "?", "by license"})
	runRule(t, "clinician_kind", cases)
}

func TestRule1_EstablishedPatient(t *testing.T) {
	t.Parallel()
	seen := func(on string) func(*coding.Facts) {
		return func(f *coding.Facts) { f.LastSeen = coding.Last{On: day(on)} }
	}
	runRule(t, "established_patient", []ruleCase{
		{"the day before", seen("2026-01-13"), coding.Passed, "99422", "on 2026-01-13"},
		{"the same day", seen("2026-01-14"), coding.Passed, "99422", ""},
		{"the day after", seen("2026-01-15"), coding.Refused, "", "after the visit"},
		{"three years ago to the day", seen("2023-01-14"), coding.Passed, "99422", ""},
		{"a day more", seen("2023-01-13"), coding.Refused, "", "until 2026-01-13"},
		{"never", func(f *coding.Facts) { f.LastSeen = coding.Last{Never: true} }, coding.Refused, "", "new patient"},
		{"unknown", func(f *coding.Facts) { f.LastSeen = coding.Last{} }, coding.Asking, "?99422", "face to face"},
	})
}

func TestRule2_PatientInitiated(t *testing.T) {
	t.Parallel()
	by := func(p coding.Party) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Visits[0].StartedBy = p }
	}
	runRule(t, "patient_initiated", []ruleCase{
		{"the patient", by(coding.ByPatient), coding.Passed, "99422", "the patient"},
		{"the proxy", by(coding.ByProxy), coding.Passed, "99422", "the proxy"},
		{"the practice", by(coding.ByPractice), coding.Refused, "", "practice wrote first"},
		{"unknown", by(""), coding.Asking, "?99422", ""},
	})
}

func TestRule3_Window(t *testing.T) {
	t.Parallel()
	reviewed := func(received, first string) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Visits[0].Received, f.Visits[0].FirstReview = at(received), at(first) }
	}
	runRule(t, "window", []ruleCase{
		{"opens at the review, not at the receipt", reviewed("2026-01-10 09:00:00", "2026-01-14 15:00:00"), coding.Passed, "99422", "from 2026-01-14 15:00 PST to 2026-01-21 15:00 PST"},
		{"reviewed at once", reviewed("2026-01-14 15:00:00", "2026-01-14 15:00:00"), coding.Passed, "99422", ""},
		{"reviewed before it came", reviewed("2026-01-14 15:00:01", "2026-01-14 15:00:00"), coding.Asking, "?99422", "received"},
	})
}

// A window is seven times 24 hours, also where an hour is missing or comes twice.
func TestRule3_ClocksChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ first, until, release string }{
		{"2026-03-05 15:00:00", "2026-03-12 16:00:00", "2026-03-20 00:00:00"},
		{"2026-10-29 00:30:00", "2026-11-04 23:30:00", "2026-11-12 00:00:00"},
	} {
		f := complete()
		f.Visits[0].Received, f.Visits[0].FirstReview = at(c.first), at(c.first)
		f.Time = []coding.Span{spent(c.first, 5*time.Minute)}
		f.AsOf, f.Consent.On = at("2026-12-01 00:00:00"), day("2026-01-01")
		o := decide(t, f)
		if !o.Window.Until.Equal(at(c.until)) || !o.Release.Equal(at(c.release)) {
			t.Errorf("from %s: until %s, released %s", c.first, o.Window.Until, o.Release)
		}
	}
}

func TestRule4_CountableTime(t *testing.T) {
	t.Parallel()
	lasting := func(d time.Duration) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Time = []coding.Span{spent("2026-01-14 15:00:00", d)} }
	}
	with := func(more ...coding.Span) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Time = append(f.Time[:1:1], more...) } // 5 min, and more
	}
	of := func(s coding.Span, person string, k coding.Kind) coding.Span {
		s.Person, s.Kind = person, k
		return s
	}
	next := spent("2026-01-15 10:00:00", 10*time.Minute)
	billed := next
	billed.BilledAs = "99490"
	runRule(t, "countable_time", []ruleCase{
		{"4:59", lasting(4*time.Minute + 59*time.Second), coding.Refused, "", "4 min 59 s"},
		{"5:00", lasting(5 * time.Minute), coding.Passed, "99421", "5 min in the window"},
		{"10:59", lasting(10*time.Minute + 59*time.Second), coding.Passed, "99421", ""},
		{"11:00", lasting(11 * time.Minute), coding.Passed, "99422", ""},
		{"20:59", lasting(20*time.Minute + 59*time.Second), coding.Passed, "99422", ""},
		{"21:00", lasting(21 * time.Minute), coding.Passed, "99423", ""},
		{"ten hours", lasting(10 * time.Hour), coding.Passed, "99423", ""},
		{"4:59 while the window is open", func(f *coding.Facts) {
			lasting(4*time.Minute + 59*time.Second)(f)
			f.AsOf = at("2026-01-21 14:59:59")
		}, coding.Asking, "?", "so far"},
		{"another clinician of the group", with(of(next, "park", coding.NursePractitioner)), coding.Passed, "99422", "15 min"},
		{"a clinician of the other family", with(of(next, "lee", coding.ClinicalPsychologist)), coding.Passed, "99421", "not counted: 10 min of nurses"},
		{"a nurse", with(of(next, "kim", coding.Nurse)), coding.Passed, "99421", "not counted: 10 min of nurses"},
		{"staff", with(of(next, "ray", coding.Staff)), coding.Passed, "99421", "not counted"},
		{"billed as another code", with(billed), coding.Passed, "99421", "10 min billed as another code"},
		{"before the review", with(spent("2026-01-14 14:50:00", 10*time.Minute)), coding.Passed, "99421", "10 min outside"},
		{"to the window's end", with(spent("2026-01-21 14:54:00", 6*time.Minute)), coding.Passed, "99422", "11 min"},
		{"over the window's end", with(spent("2026-01-21 14:55:00", 6*time.Minute)), coding.Passed, "99421", "10 min in the window (not counted: 1 min outside"},
		{"after the window", with(spent("2026-01-21 15:00:00", 6*time.Minute)), coding.Passed, "99421", "6 min outside"},
		{"a span that ends before it begins", with(spent("2026-01-15 10:00:00", -time.Hour)), coding.Passed, "99421", ""},
		{"seconds are not rounded one by one", func(f *coding.Facts) {
			f.Time = nil
			for i := range 10 {
				s := spent("2026-01-14 15:00:00", 29*time.Second)
				s.From, s.Until = s.From.Add(time.Duration(i)*time.Hour), s.Until.Add(time.Duration(i)*time.Hour)
				f.Time = append(f.Time, s)
			}
		}, coding.Refused, "", "4 min 50 s"},
		{"no time measured is unknown, not 0", func(f *coding.Facts) { f.Time = nil }, coding.Asking, "?", "minutes"},
		{"a nurse's alone is not none measured", func(f *coding.Facts) {
			f.Time = []coding.Span{of(next, "kim", coding.Nurse)}
		}, coding.Refused, "", "0 min"},
	})
}

func TestRule5_Overlap(t *testing.T) {
	t.Parallel()
	elsewhere := func(from string, d time.Duration) func(*coding.Facts) {
		return func(f *coding.Facts) {
			s := spent(from, d)
			s.Visit = "another patient's"
			f.Time = append(f.Time, s)
		}
	}
	runRule(t, "overlap", []ruleCase{
		{"none", func(*coding.Facts) {}, coding.Idle, "99422", ""},
		{"another visit began first", elsewhere("2026-01-15 09:59:00", 4*time.Minute), coding.Passed, "99421", "3 min"}, // 5 + 4.5
		{"another visit began later", elsewhere("2026-01-15 10:01:00", 30*time.Minute), coding.Idle, "99422", ""},
		{"another visit ends as this one begins", elsewhere("2026-01-15 09:50:00", 10*time.Minute), coding.Idle, "99422", ""},
		{"the same span twice", func(f *coding.Facts) { f.Time = append(f.Time, f.Time[1]) }, coding.Passed, "99422", "7 min 30 s"},
		{"two clinicians at once are two", func(f *coding.Facts) {
			s := f.Time[1]
			s.Person = "park"
			f.Time = append(f.Time, s)
		}, coding.Idle, "99422", ""},
	})
	f := complete()
	elsewhere("2026-01-15 09:59:00", 4*time.Minute)(&f)
	if o := decide(t, f); o.Counted != 9*time.Minute+30*time.Second {
		t.Errorf("counted %s", o.Counted)
	}
}

func TestRule6_OncePerWindow(t *testing.T) {
	t.Parallel()
	other := func(first string, d time.Duration, change ...func(*coding.Visit)) func(*coding.Facts) {
		return func(f *coding.Facts) {
			v := f.Visits[0]
			v.ID, v.Received, v.FirstReview = "v0", at(first), at(first)
			for _, c := range change {
				c(&v)
			}
			s := spent(first, d)
			s.Visit = "v0"
			f.Visits, f.Time = append(f.Visits, v), append(f.Time, s)
			f.AsOf = at("2026-03-01 00:00:00")
		}
	}
	const d = 10 * time.Minute
	runRule(t, "once_per_window", []ruleCase{
		{"another in the window adds its time", other("2026-01-20 10:00:00", d), coding.Passed, "99423", "opens its window"},
		{"another in the window's last second", other("2026-01-21 14:59:59", d), coding.Passed, "99422", ""}, // of it, one second
		{"another at the window's end", other("2026-01-21 15:00:00", d), coding.Passed, "99422", ""},
		{"another opened the window", other("2026-01-08 10:00:00", d), coding.Refused, "", "v0 opened the window"},
		{"another opened it seven days before, less a second", other("2026-01-07 15:00:01", d), coding.Refused, "", "v0"},
		{"another opened one seven days before", other("2026-01-07 15:00:00", d), coding.Passed, "99422", ""},
		{"of another specialty", other("2026-01-13 10:00:00", d, func(v *coding.Visit) { v.Specialty = "2084P0800X" }), coding.Passed, "99422", ""},
		{"of another group", other("2026-01-13 10:00:00", d, func(v *coding.Visit) { v.Group = "hilltop" }), coding.Passed, "99422", ""},
		{"of an unknown specialty", other("2026-01-13 10:00:00", d, func(v *coding.Visit) { v.Specialty = "" }), coding.Asking, "?99422", "specialty"},
		{"a refill opens none", other("2026-01-13 10:00:00", d, func(v *coding.Visit) { v.Subject = coding.Refill }), coding.Passed, "99422", ""},
		{"about we do not know what", other("2026-01-13 10:00:00", d, func(v *coding.Visit) { v.Subject = "" }), coding.Asking, "?99422", "about"},
		{"started by the practice", other("2026-01-13 10:00:00", d, func(v *coding.Visit) { v.StartedBy = coding.ByPractice }), coding.Passed, "99422", ""},
		{"one that is not reported for its own reason", other("2026-01-13 10:00:00", d, func(v *coding.Visit) { v.NotReported = true }), coding.Passed, "99422", ""},
		{"worked on, and not known when reviewed", other("2026-01-15 12:00:00", d, func(v *coding.Visit) { v.FirstReview = time.Time{} }), coding.Asking, "?99422", "first review"},
		{"a window behind a window", func(f *coding.Facts) { // v0 opens one that holds v00, so that v1 opens its own
			other("2026-01-06 10:00:00", d)(f)
			v, s := f.Visits[1], f.Time[2]
			v.ID, v.FirstReview, s.Visit = "v00", at("2026-01-12 10:00:00"), "v00"
			f.Visits, f.Time = append(f.Visits, v), append(f.Time, s)
		}, coding.Passed, "99422", ""},
		{"our own specialty is unknown", func(f *coding.Facts) {
			other("2026-01-13 10:00:00", d)(f)
			f.Visits[0].Specialty = ""
		}, coding.Asking, "?99422", "specialty"},
		{"our own specialty is unknown and no other visit is there", func(f *coding.Facts) { f.Visits[0].Specialty = "" }, coding.Passed, "99422", ""},
	})
}

func seen(on string, related coding.Answer) func(*coding.Facts) {
	return func(f *coding.Facts) {
		f.Encounters = append(f.Encounters, coding.Encounter{On: day(on), Related: related, SameGroup: coding.No})
	}
}

func TestRule7_PriorRelatedVisit(t *testing.T) {
	t.Parallel()
	runRule(t, "prior_related_visit", []ruleCase{
		{"seven days before", seen("2026-01-07", coding.Yes), coding.Refused, "", "on 2026-01-07"},
		{"eight days before", seen("2026-01-06", coding.Yes), coding.Passed, "99422", ""},
		{"the same day", seen("2026-01-14", coding.Yes), coding.Refused, "", "on 2026-01-14"},
		{"for another problem", seen("2026-01-10", coding.No), coding.Passed, "99422", "Another problem"},
		{"for we do not know what", seen("2026-01-10", ""), coding.Asking, "?99422", "visit of 2026-01-10"},
		{"for we do not know what, eight days before", seen("2026-01-06", ""), coding.Passed, "99422", ""},
		{"somewhere", func(f *coding.Facts) { f.SeenBefore = coding.Yes }, coding.Refused, "", ""},
		{"unknown", func(f *coding.Facts) { f.SeenBefore = "" }, coding.Asking, "?99422", "7 days before"},
		{"one known is enough", func(f *coding.Facts) {
			f.SeenBefore = ""
			seen("2026-01-09", "")(f)
			seen("2026-01-10", coding.Yes)(f)
		}, coding.Refused, "", "on 2026-01-10"},
	})
}

// The days are the practice's: late on a winter's evening in Portland it is the next
// day in Greenwich.
func TestRule7_DaysOfThePractice(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]coding.Verdict{"America/Los_Angeles": coding.Refused, "UTC": coding.Passed} {
		f := complete()
		f.Visits[0].FirstReview = at("2026-01-14 23:30:00")
		seen("2026-01-07", coding.Yes)(&f)
		f.Zone = zone(t, name)
		if got := finding(t, decide(t, f), "prior_related_visit"); got.Verdict != want {
			t.Errorf("in %s: %s, %s", name, got.Verdict, got.Because)
		}
	}
}

func TestRule8_LaterRelatedVisit(t *testing.T) {
	t.Parallel()
	asOf := func(s string) func(*coding.Facts) {
		return func(f *coding.Facts) { f.AsOf = at(s) }
	}
	runRule(t, "later_related_visit", []ruleCase{
		{"in the window", seen("2026-01-15", coding.Yes), coding.Refused, "", "on 2026-01-15"},
		{"seven days after the window", seen("2026-01-28", coding.Yes), coding.Refused, "", "on 2026-01-28"},
		{"eight days after it", seen("2026-01-29", coding.Yes), coding.Passed, "99422", ""},
		{"for another problem", seen("2026-01-20", coding.No), coding.Passed, "99422", ""},
		{"for we do not know what", seen("2026-01-20", ""), coding.Asking, "?99422", "visit of 2026-01-20"},
		{"somewhere", func(f *coding.Facts) { f.SeenAfter = coding.Yes }, coding.Refused, "", "voided"},
		{"unknown", func(f *coding.Facts) { f.SeenAfter = "" }, coding.Asking, "?99422", "7 days after"},
		{"said too early", asOf("2026-01-28 23:59:59"), coding.Asking, "?99422", "known from 2026-01-29 00:00 PST on"},
		{"said as soon as it can be known", asOf("2026-01-29 00:00:00"), coding.Passed, "99422", ""},
		{"seen before the days have passed", func(f *coding.Facts) {
			asOf("2026-01-20 00:00:00")(f)
			seen("2026-01-19", coding.Yes)(f)
		}, coding.Refused, "", "on 2026-01-19"},
	})
	f := complete()
	asOf("2026-01-16 00:00:00")(&f)
	o := decide(t, f)
	if len(o.Asks) != 1 || !o.Asks[0].From.Equal(at("2026-01-29 00:00:00")) || !o.Release.Equal(at("2026-01-29 00:00:00")) {
		t.Errorf("at the answer: asks %v, released %s", o.Asks, o.Release)
	}
}

// A claim that was sent before the related visit was known is to be voided.
func TestRule8_VoidsWhatWasSent(t *testing.T) {
	t.Parallel()
	f := complete()
	f.Sent = true
	if o := decide(t, f); o.Void {
		t.Error("a claim that is right is voided")
	}
	seen("2026-01-27", coding.Yes)(&f)
	if o := decide(t, f); !o.Void || o.Reason != "later_related_visit" || o.Code != "" {
		t.Errorf("void %t, reason %s, code %q", o.Void, o.Reason, o.Code)
	}
}

func TestRule9_GlobalPeriod(t *testing.T) {
	t.Parallel()
	operated := func(on string, g coding.Global, related coding.Answer) func(*coding.Facts) {
		return func(f *coding.Facts) {
			f.Surgeries = append(f.Surgeries, coding.Surgery{On: day(on), Global: g, Related: related})
		}
	}
	runRule(t, "global_period", []ruleCase{
		{"90 days after", operated("2025-10-16", coding.GlobalNinety, coding.Yes), coding.Refused, "", "90 days"},
		{"91 days after", operated("2025-10-15", coding.GlobalNinety, coding.Yes), coding.Passed, "99422", ""},
		{"10 days after", operated("2026-01-04", coding.GlobalTen, coding.Yes), coding.Refused, "", "10 days"},
		{"11 days after", operated("2026-01-03", coding.GlobalTen, coding.Yes), coding.Passed, "99422", ""},
		{"the same day", operated("2026-01-14", coding.GlobalDay, coding.Yes), coding.Refused, "", ""},
		{"the day after, without aftercare", operated("2026-01-13", coding.GlobalDay, coding.Yes), coding.Passed, "99422", ""},
		{"after the visit", operated("2026-01-15", coding.GlobalNinety, coding.Yes), coding.Passed, "99422", ""},
		{"where the concept does not apply", operated("2026-01-13", coding.GlobalNone, coding.Yes), coding.Passed, "99422", ""},
		{"about something else", operated("2026-01-01", coding.GlobalNinety, coding.No), coding.Passed, "99422", ""},
		{"about we do not know what", operated("2026-01-01", coding.GlobalNinety, ""), coding.Asking, "?99422", "operation of 2026-01-01"},
		{"of unknown aftercare", operated("2026-01-01", "", coding.Yes), coding.Asking, "?99422", "days of aftercare"},
		{"of unknown aftercare, about something else", operated("2026-01-01", "", coding.No), coding.Passed, "99422", ""},
		{"of unknown aftercare, long ago", operated("2025-10-15", "", coding.Yes), coding.Passed, "99422", ""},
		{"unknown", func(f *coding.Facts) { f.Operated = "" }, coding.Asking, "?99422", "90 days"},
		{"one that is not listed", func(f *coding.Facts) { f.Operated = coding.Yes }, coding.Asking, "?99422", "which day"},
	})
}

func TestRule10_NonEvaluative(t *testing.T) {
	t.Parallel()
	about := func(s coding.Subject) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Visits[0].Subject = s }
	}
	runRule(t, "non_evaluative", []ruleCase{
		{"a problem", about(coding.Problem), coding.Passed, "99422", ""},
		{"results", about(coding.Results), coding.Refused, "", "results"},
		{"scheduling", about(coding.Scheduling), coding.Refused, "", "scheduling"},
		{"a refill", about(coding.Refill), coding.Refused, "", "refill"},
		{"a bill", about(coding.Billing), coding.Refused, "", "billing"},
		{"unknown", about(""), coding.Asking, "?99422", ""},
	})
}

func TestRule11_Exclusions(t *testing.T) {
	t.Parallel()
	evaluated := func(on, code string, group coding.Answer) func(*coding.Facts) {
		return func(f *coding.Facts) {
			f.Encounters = append(f.Encounters, coding.Encounter{On: day(on), Related: coding.No, SameGroup: group, Code: code})
		}
	}
	runRule(t, "exclusions", []ruleCase{
		{"none", func(*coding.Facts) {}, coding.Passed, "99422", ""},
		{"99213 on a day of counted time", evaluated("2026-01-15", "99213", coding.Yes), coding.Passed, "99421", "7 min 30 s"}, // 5 min are left
		{"99202, the first", evaluated("2026-01-15", "99202", coding.Yes), coding.Passed, "99421", ""},
		{"99215, the last", evaluated("2026-01-15", "99215", coding.Yes), coding.Passed, "99421", ""},
		{"99201, before them", evaluated("2026-01-15", "99201", coding.Yes), coding.Passed, "99422", ""},
		{"99216, behind them", evaluated("2026-01-15", "99216", coding.Yes), coding.Passed, "99422", ""},
		{"99213 on another day", evaluated("2026-01-16", "99213", coding.Yes), coding.Passed, "99422", ""},
		{"99213 of another group", evaluated("2026-01-15", "99213", coding.No), coding.Passed, "99422", ""},
		{"99213 of we do not know whom", evaluated("2026-01-15", "99213", ""), coding.Asking, "?99422", "by the clinician"},
		{"an unknown code", evaluated("2026-01-15", "", coding.Yes), coding.Asking, "?99422", "which code"},
		{"on both days", func(f *coding.Facts) {
			evaluated("2026-01-14", "99212", coding.Yes)(f)
			evaluated("2026-01-15", "99213", coding.Yes)(f)
		}, coding.Refused, "", "12 min 30 s"},
		{"time over midnight is of two days", func(f *coding.Facts) {
			f.Time = []coding.Span{spent("2026-01-14 23:54:00", 12*time.Minute)}
			evaluated("2026-01-15", "99213", coding.Yes)(f)
		}, coding.Passed, "99421", "6 min on a day"},
	})
	for _, code := range []string{"99091", "99487", "99491", "99495", "99496", "93792", "93793"} {
		f := complete()
		f.Time[1].BilledAs = code
		if o := decide(t, f); o.Code != "99421" {
			t.Errorf("time billed as %s: %q", code, o.Code)
		}
	}
}

func TestRule12_Consent(t *testing.T) {
	t.Parallel()
	on := func(s string) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Consent = coding.Last{On: day(s)} }
	}
	runRule(t, "consent", []ruleCase{
		{"the same day", on("2026-01-14"), coding.Passed, "99422", ""},
		{"the day after", on("2026-01-15"), coding.Refused, "", "after the visit"},
		{"twelve months ago to the day", on("2025-01-14"), coding.Passed, "99422", ""},
		{"a day more", on("2025-01-13"), coding.Refused, "", "until 2026-01-13"},
		{"never", func(f *coding.Facts) { f.Consent = coding.Last{Never: true} }, coding.Refused, "", "by word of mouth"},
		{"unknown", func(f *coding.Facts) { f.Consent = coding.Last{} }, coding.Asking, "?99422", ""},
	})
}

func TestRule13_CostShare(t *testing.T) {
	t.Parallel()
	waives := func(a coding.Answer) func(*coding.Facts) {
		return func(f *coding.Facts) { f.WaivesShare = a }
	}
	runRule(t, "cost_share", []ruleCase{
		{"asked for", waives(coding.No), coding.Passed, "99422", "20 % coinsurance"},
		{"forgiven as a rule", waives(coding.Yes), coding.Refused, "", "forgives"},
		{"unknown", waives(""), coding.Asking, "?99422", ""},
		{"unknown, of another payer", func(f *coding.Facts) { f.WaivesShare, f.Payer = "", "uhc" }, coding.Idle, "99422", ""},
		{"unknown, of nobody's plan", func(f *coding.Facts) { f.WaivesShare, f.Route, f.PartB = "", coding.SelfPay, coding.No }, coding.Idle, "99422", ""},
	})
}

func TestRule14_Platform(t *testing.T) {
	t.Parallel()
	is := func(secure, stored coding.Answer) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Secure, f.Stored = secure, stored }
	}
	runRule(t, "platform", []ruleCase{
		{"both", is(coding.Yes, coding.Yes), coding.Passed, "99422", ""},
		{"not secure", is(coding.No, coding.Yes), coding.Refused, "", "protect"},
		{"not stored", is(coding.Yes, coding.No), coding.Refused, "", "kept"},
		{"not known to be secure", is("", coding.Yes), coding.Asking, "?99422", ""},
		{"not known to be stored", is(coding.Yes, ""), coding.Asking, "?99422", ""},
		{"not stored, and not known to be secure", is("", coding.No), coding.Refused, "", ""},
	})
}

func TestRule15_PlaceOfService(t *testing.T) {
	t.Parallel()
	place := func(p string) func(*coding.Facts) { return func(f *coding.Facts) { f.Place = p } }
	modifier := func(m ...string) func(*coding.Facts) { return func(f *coding.Facts) { f.Modifiers = m } }
	runRule(t, "place_of_service", []ruleCase{
		{"an office", place("11"), coding.Passed, "99422", "11"},
		{"a hospital's outpatients", place("22"), coding.Passed, "99422", "22"},
		{"02, telehealth", place("02"), coding.Refused, "", "typically 11"},
		{"10, telehealth at home", place("10"), coding.Refused, "", "typically 11"},
		{"unknown", place(""), coding.Asking, "?99422", "normally work"},
		{"no place", place("office"), coding.Asking, "?99422", ""},
		{"modifier 95", modifier("95"), coding.Refused, "", "Leave it out"},
		{"modifier 93", modifier("24", " 93 "), coding.Refused, "", "Leave it out"},
		{"an office, where a payer wants one", func(f *coding.Facts) { f.Payer = "anthem" }, coding.Passed, "99422", ""},
		{"a hospital, where a payer wants an office", func(f *coding.Facts) { f.Payer, f.Place = "anthem", "22" }, coding.Refused, "", "service 11"},
	})
}

func TestRule16_Modifiers(t *testing.T) {
	t.Parallel()
	as := func(k coding.Kind, m ...string) func(*coding.Facts) {
		return func(f *coding.Facts) {
			f.Clinician, f.Modifiers = k, m
			for i := range f.Time {
				f.Time[i].Kind = k
			}
		}
	}
	runRule(t, "modifiers", []ruleCase{
		{"none", as(coding.Physician), coding.Passed, "99422", "no modifier"},
		{"a therapist's is added", as(coding.PhysicalTherapist), coding.Passed, "98971", "GP"},
		{"and not twice", as(coding.OccupationalTherapist, "go"), coding.Passed, "98971", "carries GO."},
		{"of another discipline", func(f *coding.Facts) { as(coding.SpeechPathologist, "GP")(f); f.Payer = "uhc" }, coding.Refused, "", "another therapist"},
		{"a therapist's of a payer that does not want it", func(f *coding.Facts) { as(coding.PhysicalTherapist)(f); f.Payer = "uhc" }, coding.Passed, "98971", "no modifier"},
		{"24, which the payer accepts", as(coding.Physician, "24"), coding.Passed, "99422", "24"},
		{"25, which it accepts and is odd", as(coding.Physician, "25"), coding.Noted, "99422", "normally not"},
		{"59, which it does not name", as(coding.Physician, "59"), coding.Asking, "?99422", "modifier 59"},
		{"GQ", as(coding.Physician, "GQ"), coding.Refused, "", "Alaska"},
		{"no modifier at all", as(coding.Physician, "GP1"), coding.Refused, "", "no modifier"},
		{"five", as(coding.Physician, "24", "GA", "GX", "GY", "GZ"), coding.Refused, "", "up to 4"},
		{"59, and no plan is billed", func(f *coding.Facts) {
			as(coding.Physician, "59")(f)
			f.Route, f.PartB = coding.SelfPay, coding.No
		}, coding.Passed, "99422", "59"},
	})
	f := complete()
	as(coding.PhysicalTherapist, "gy", "GY")(&f)
	if got := decide(t, f).Line.Modifiers; !slices.Equal(got, []string{"GP", "GY"}) {
		t.Errorf("a therapist's line carries %v", got)
	}
}

func TestRule17_UnitsAndDate(t *testing.T) {
	t.Parallel()
	runRule(t, "units_and_date", []ruleCase{
		{"the last day", func(*coding.Facts) {}, coding.Passed, "99422", "1 unit; the date of service is 2026-01-15"},
		{"a minute before midnight", func(f *coding.Facts) { f.Time = []coding.Span{spent("2026-01-16 23:55:00", 5*time.Minute)} }, coding.Passed, "99421", "2026-01-16"},
		{"a second after midnight", func(f *coding.Facts) {
			f.Time = []coding.Span{spent("2026-01-16 23:55:00", 5*time.Minute+time.Second)}
		}, coding.Passed, "99421", "2026-01-17"},
		{"a nurse's later time is no service", func(f *coding.Facts) {
			s := spent("2026-01-18 10:00:00", time.Minute)
			s.Person, s.Kind = "kim", coding.Nurse
			f.Time = append(f.Time, s)
		}, coding.Passed, "99422", "2026-01-15"},
		{"no time", func(f *coding.Facts) { f.Time = nil }, coding.Asking, "?", ""},
	})
	spans := coding.Policy{Payer: "spans", Name: "Spans", From: day("2026-01-01"), Accepts: []string{"99422"}, SpanDates: true, FilingDays: 90}
	f := complete()
	f.Payer = "spans"
	o := decide(t, f, spans)
	if o.Line.From != day("2026-01-14") || o.Line.Until != day("2026-01-15") || o.Line.Units != 1 {
		t.Errorf("a payer that wants a span: %+v", o.Line)
	}
}

func TestRule18_Accident(t *testing.T) {
	t.Parallel()
	is := func(a coding.Answer) func(*coding.Facts) { return func(f *coding.Facts) { f.Accident = a } }
	runRule(t, "accident", []ruleCase{
		{"no", is(coding.No), coding.Passed, "99422", ""},
		{"yes", is(coding.Yes), coding.Refused, "", "another payer"},
		{"unknown", is(""), coding.Asking, "?99422", ""},
	})
}

func TestRule19_MedicareAndMembership(t *testing.T) {
	t.Parallel()
	member := func(m coding.Member, partB, optedOut coding.Answer) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Membership, f.Member, f.PartB, f.OptedOut = coding.Yes, m, partB, optedOut }
	}
	includes := coding.Member{IncludesVisits: coding.Yes}
	runRule(t, "medicare_membership", []ruleCase{
		{"no membership", func(*coding.Facts) {}, coding.Idle, "99422", ""},
		{"Part B, and visits included", member(includes, coding.Yes, coding.No), coding.Refused, "", "must not pay"},
		{"no Part B", member(includes, coding.No, coding.No), coding.Passed, "99422", ""},
		{"opted out", member(includes, coding.Yes, coding.Yes), coding.Passed, "99422", ""},
		{"not covered alone", member(coding.Member{IncludesVisits: coding.Yes, NonCoveredOnly: true}, coding.Yes, coding.No), coding.Passed, "99422", ""},
		{"no visits included", member(coding.Member{IncludesVisits: coding.No}, coding.Yes, coding.No), coding.Passed, "99422", ""},
		{"Part B unknown", member(includes, "", coding.No), coding.Asking, "?99422", "Part B"},
		{"opting out unknown", member(includes, coding.Yes, ""), coding.Asking, "?99422", "opted out"},
		{"what it includes unknown", member(coding.Member{}, coding.Yes, coding.No), coding.Asking, "?99422", "include visits"},
		{"unknown", func(f *coding.Facts) { f.Membership = "" }, coding.Asking, "?99422", ""},
	})
}

func TestRule20_Estimate(t *testing.T) {
	t.Parallel()
	self := func(e coding.Estimate) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Route, f.PartB, f.Estimate = coding.SelfPay, coding.No, e }
	}
	runRule(t, "estimate", []ruleCase{
		{"of a plan's", func(*coding.Facts) {}, coding.Idle, "99422", ""},
		{"not asked for", self(coding.Estimate{}), coding.Idle, "99422", ""},
		{"asked for, and not known to be given", self(coding.Estimate{Requested: coding.Yes}), coding.Noted, "99422", "was due"},
		{"asked for and given", self(coding.Estimate{Requested: coding.Yes, Given: coding.Yes}), coding.Passed, "99422", "120 days"},
		{"arranged three business days ahead", self(coding.Estimate{Arranged: day("2026-01-12")}), coding.Noted, "99422", "was due"},
		{"arranged two business days ahead", self(coding.Estimate{Arranged: day("2026-01-13")}), coding.Idle, "99422", ""},
	})
}

func TestEstimateDue_BusinessDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, arranged, service string
		want                    bool
	}{
		{"Monday to Thursday", "2026-01-12", "2026-01-15", true},
		{"Monday to Wednesday", "2026-01-12", "2026-01-14", false},
		{"Thursday to Monday", "2026-01-15", "2026-01-19", false},
		{"Thursday to Tuesday", "2026-01-15", "2026-01-20", true},
		{"Saturday to Wednesday", "2026-01-17", "2026-01-21", true},
		{"Saturday to Tuesday", "2026-01-17", "2026-01-20", false},
		{"afterwards", "2026-01-20", "2026-01-14", false},
	} {
		if got := coding.EstimateDue(coding.No, day(c.arranged), day(c.service)); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	if coding.EstimateDue("", civil.Day{}, day("2026-01-14")) || !coding.EstimateDue(coding.Yes, civil.Day{}, civil.Day{}) {
		t.Error("an estimate is due on request alone, if nothing else is known")
	}
}

func TestDisputable(t *testing.T) {
	t.Parallel()
	for bill, want := range map[money.Cents]string{500_00: "", 799_99 - 300_00: "", 500_00 + 399_99: "", 500_00 + 400_00: "2026-05-14"} {
		if got := coding.Disputable(bill, 500_00, day("2026-01-14")); got.String() != want {
			t.Errorf("%s for an estimate of $500: %q, want %q", bill, got, want)
		}
	}
}

func TestRule21_Restriction(t *testing.T) {
	t.Parallel()
	asked := func(payer string, restricted, paid, optedOut coding.Answer) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Payer, f.Restricted, f.Paid, f.OptedOut = payer, restricted, paid, optedOut }
	}
	self := func(partB, optedOut coding.Answer) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Route, f.PartB, f.OptedOut = coding.SelfPay, partB, optedOut }
	}
	runRule(t, "restriction", []ruleCase{
		{"not asked for", asked("uhc", coding.No, "", coding.No), coding.Passed, "99422", ""},
		{"asked for and paid", asked("uhc", coding.Yes, coding.Yes, coding.No), coding.Refused, "", "no claim"},
		{"asked for and not paid", asked("uhc", coding.Yes, coding.No, coding.No), coding.Passed, "99422", "the plan is told"},
		{"asked for, not known to be paid", asked("uhc", coding.Yes, "", coding.No), coding.Asking, "?99422", "in full"},
		{"unknown", asked("uhc", "", coding.Yes, coding.No), coding.Asking, "?99422", ""},
		{"Medicare covers it", asked("medicare", coding.Yes, coding.Yes, coding.No), coding.Noted, "99422", "Tell the patient"},
		{"the clinician opted out of Medicare", asked("medicare", coding.Yes, coding.Yes, coding.Yes), coding.Refused, "", ""},
		{"not known to have opted out", asked("medicare", coding.Yes, coding.Yes, ""), coding.Asking, "?99422", ""},
		{"pays themselves, without Part B", self(coding.No, coding.No), coding.Passed, "99422", ""},
		{"pays themselves, with Part B", self(coding.Yes, coding.No), coding.Refused, "", "Medicare is billed"},
		{"pays themselves, with Part B, opted out", self(coding.Yes, coding.Yes), coding.Passed, "99422", ""},
		{"pays themselves, Part B unknown", self("", coding.No), coding.Asking, "?99422", ""},
		{"pays themselves, opting out unknown", self(coding.Yes, ""), coding.Asking, "?99422", ""},
		{"a membership pays", func(f *coding.Facts) { f.Route = coding.ByMember }, coding.Idle, "99422", ""},
	})
}

func TestRule22_MembershipAndHSA(t *testing.T) {
	t.Parallel()
	monthly := func(c money.Cents, family bool) func(*coding.Facts) {
		return func(f *coding.Facts) {
			f.Membership, f.Member, f.PartB = coding.Yes, coding.Member{IncludesVisits: coding.Yes, Monthly: c, Family: family}, coding.No
		}
	}
	runRule(t, "membership_hsa", []ruleCase{
		{"no membership", func(*coding.Facts) {}, coding.Idle, "99422", ""},
		{"$150", monthly(150_00, false), coding.Noted, "99422", "may go on"},
		{"a cent more", monthly(150_01, false), coding.Noted, "99422", "may lose"},
		{"$300 of a family", monthly(300_00, true), coding.Noted, "99422", "may go on"},
		{"a cent more of a family", monthly(300_01, true), coding.Noted, "99422", "may lose"},
	})
	f := complete()
	monthly(100_00, false)(&f)
	f.Visits[0].Received, f.Visits[0].FirstReview = at("2025-12-30 08:00:00"), at("2025-12-30 09:00:00")
	f.Time = []coding.Span{spent("2025-12-31 23:50:00", 10*time.Minute)}
	if slices.ContainsFunc(decide(t, f).Findings, func(f coding.Finding) bool { return f.Rule == "membership_hsa" }) {
		t.Error("the rule of 2026 is in force on the last day of 2025")
	}
}

func TestRule23_TimelyFiling(t *testing.T) {
	t.Parallel()
	asOf := func(payer, s string) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Payer, f.AsOf = payer, at(s) }
	}
	runRule(t, "timely_filing", []ruleCase{
		{"Medicare's last day, its last second", asOf("medicare", "2027-01-15 23:59:59"), coding.Passed, "99422", "by 2027-01-15"},
		{"the day after", asOf("medicare", "2027-01-16 00:00:00"), coding.Refused, "", "had to be filed by 2027-01-15"},
		{"90 days", asOf("uhc", "2026-04-15 12:00:00"), coding.Passed, "99422", "by 2026-04-15"},
		{"91 days", asOf("uhc", "2026-04-16 00:00:00"), coding.Refused, "", ""},
		{"91 days, and sent already", func(f *coding.Facts) { asOf("uhc", "2026-04-16 00:00:00")(f); f.Sent = true }, coding.Passed, "99422", ""},
		{"no plan", func(f *coding.Facts) { f.Route, f.PartB = coding.SelfPay, coding.No }, coding.Idle, "99422", ""},
		{"a payer that we do not know", func(f *coding.Facts) { f.Payer = "nobody" }, coding.Asking, "?99422", ""},
	})
}

func TestRule24_PayerRules(t *testing.T) {
	t.Parallel()
	payer := func(p string, led coding.Answer) func(*coding.Facts) {
		return func(f *coding.Facts) { f.Payer, f.LedToVisit = p, led }
	}
	runRule(t, "payer", []ruleCase{
		{"Medicare does not ask what it led to", payer("medicare", coding.Yes), coding.Passed, "99422", ""},
		{"UnitedHealthcare, which led to none", payer("uhc", coding.No), coding.Passed, "99422", "24 hours"},
		{"UnitedHealthcare, which led to one", payer("uhc", coding.Yes), coding.Refused, "", "24 hours"},
		{"UnitedHealthcare, unknown", payer("uhc", ""), coding.Asking, "?99422", ""},
		{"Cigna", payer("cigna", coding.No), coding.Refused, "", "does not accept 99422"},
		{"Anthem", payer("anthem", coding.No), coding.Passed, "99422", ""},
		{"a payer that we do not know", payer("nobody", coding.No), coding.Asking, "?99422", "Verify the coverage"},
		{"none named", payer("", coding.No), coding.Asking, "?99422", ""},
		{"a code that the payer does not name", func(f *coding.Facts) {
			f.Payer, f.Clinician = "anthem", coding.ClinicalPsychologist
			for i := range f.Time {
				f.Time[i].Kind = f.Clinician
			}
		}, coding.Asking, "?98971", "98971"},
		{"paid by the patient", func(f *coding.Facts) { f.Route, f.PartB, f.Payer = coding.SelfPay, coding.No, "" }, coding.Idle, "99422", ""},
		{"paid by a membership", func(f *coding.Facts) { f.Route, f.Payer = coding.ByMember, "" }, coding.Idle, "99422", ""},
		{"unknown", func(f *coding.Facts) { f.Route = "" }, coding.Asking, "?99422", ""},
	})
}

// A practice's own policy takes the place of what ships, from its day on.
func TestRule24_OwnPolicy(t *testing.T) {
	t.Parallel()
	own := coding.Policy{Payer: "cigna", Name: "Cigna, letter of January", From: day("2026-01-15"), Accepts: []string{"99422"}, FilingDays: 90, Source: "letter"}
	for from, want := range map[string]coding.Decision{"2026-01-15": coding.Billable, "2026-01-16": coding.NotBillable} {
		f := complete()
		f.Payer, own.From = "cigna", day(from)
		if o := decide(t, f, own); o.Decision != want {
			t.Errorf("from %s on: %s", from, o.Decision)
		}
	}
	own.From = day("2019-01-01") // before the one that ships
	older := complete()
	older.Payer = "cigna"
	if o := decide(t, older, own); o.Reason != "payer" {
		t.Errorf("a policy that began before: %s %s", o.Decision, o.Reason)
	}
	own.From, own.Until = day("2026-01-01"), day("2026-01-14")
	f := complete()
	f.Payer = "cigna"
	if o := decide(t, f, own); o.Reason != "payer" {
		t.Errorf("the day after its end: %s %s", o.Decision, o.Reason)
	}
}
