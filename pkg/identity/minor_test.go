package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// A birthday begins at midnight in the practice's zone: not the day before, nor at
// midnight in Greenwich; who was born on 29 February has it on 1 March of a common year.
func TestMinors_BirthdaysInTheZone(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	m := identity.Minors{ActFrom: 14, OwnFrom: 16}
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	at := func(s string) time.Time {
		d, err := time.ParseInLocation("2006-01-02 15:04:05", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return d.UTC()
	}
	for name, test := range map[string]struct {
		birth, now     string
		dependent, own bool
	}{
		"the day before 14":      {"2012-03-03", "2026-03-02 23:59:59", true, false},
		"the day of 14":          {"2012-03-03", "2026-03-03 00:00:00", false, false},
		"the day before 16":      {"2010-03-03", "2026-03-02 23:59:59", false, false},
		"the day of 16":          {"2010-03-03", "2026-03-03 00:00:00", false, true},
		"the day before 18":      {"2008-03-03", "2026-03-02 23:59:59", false, true},
		"the day of 18":          {"2008-03-03", "2026-03-03 00:00:00", false, false},
		"29 February, before 14": {"2012-02-29", "2026-02-28 23:59:59", true, false},
		"29 February, 14":        {"2012-02-29", "2026-03-01 00:00:00", false, false},
		"29 February, before 16": {"2012-02-29", "2028-02-28 23:59:59", false, false},
		"29 February, 16":        {"2012-02-29", "2028-02-29 00:00:00", false, true},
		"29 February, before 18": {"2008-02-29", "2026-02-28 23:59:59", false, true},
		"29 February, 18":        {"2008-02-29", "2026-03-01 00:00:00", false, false},
	} {
		got := m.Of(day(test.birth), "max", zone, at(test.now))
		if got.Dependent != test.dependent || (got.Own == "max") != test.own {
			t.Errorf("%s: %+v", name, got)
		}
		if acts := m.Acts(day(test.birth), zone, at(test.now)); acts == test.dependent {
			t.Errorf("%s: may act: %v", name, acts)
		}
	}
	if got := (identity.Minors{}).Of(day("2008-03-03"), "max", zone, at("2026-03-02 23:59:59")); !got.Dependent || got.Until != 18 || got.Own != "" {
		t.Errorf("where nothing was decided, the day before 18: %+v", got)
	}
}

func TestMinors_Problems(t *testing.T) {
	t.Parallel()
	for m, want := range map[identity.Minors]string{
		{}:                         "",
		{Refused: true}:            "",
		{ActFrom: 12}:              "",
		{ActFrom: 14, OwnFrom: 14}: "",
		{ActFrom: 17, OwnFrom: 17}: "",
		{ActFrom: 11}:              "/minors/act_from range",
		{ActFrom: 18}:              "/minors/act_from range",
		{ActFrom: -1}:              "/minors/act_from range",
		{OwnFrom: 16}:              "/minors/own_from consistency",
		{ActFrom: 16, OwnFrom: 14}: "/minors/own_from consistency",
		{ActFrom: 3, OwnFrom: 99}:  "/minors/act_from range, /minors/own_from range",
	} {
		var got []string
		for _, p := range m.Problems() {
			got = append(got, p.Where+" "+p.Code)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
	}
}

// What a minor began is theirs alone where the practice has it so: who acts for them knows
// of what they began themselves, and of the rest, but not of that, unless by the minor's
// own grant. A minor who does not act for themselves has no access; both are told where to
// turn.
func TestAllow_Minors(t *testing.T) {
	t.Parallel()
	own := identity.Minority{Own: "max", Phone: "555-0100"}
	dependent := identity.Minority{Dependent: true, Until: 16, Phone: "555-0100"}
	max := identity.Person{ID: "max", Practice: "oak", Role: identity.PatientRole, Patient: "p-max"}
	by := func(giver string, why identity.Why) identity.Person {
		return identity.Person{ID: "mum", Practice: "oak", Role: identity.Caregiver, Grants: []identity.Grant{{Patient: "p-max", By: giver, Why: why}}}
	}
	stranger := identity.Person{ID: "eve", Practice: "oak", Role: identity.Caregiver}
	ended := by("sam", identity.ParentOf)
	ended.Grants[0].Until = noon
	earlier := identity.Person{ID: "max", Practice: "oak", Role: identity.PatientRole, Patient: "p-new", Grants: []identity.Grant{{Patient: "p-max", Why: identity.EarlierOwn}}}
	for name, test := range map[string]struct {
		who     identity.Person
		is      identity.Minority
		starter string
		want    error // nil: allowed
		says    string
	}{
		"a minor their own":                 {max, own, "max", nil, ""},
		"a parent's of theirs":              {by("sam", identity.ParentOf), own, "max", fault.Denied, "555-0100"},
		"another's of the practice":         {by("sam", identity.Help), own, "max", fault.Denied, "555-0100"},
		"a parent what they began":          {by("sam", identity.ParentOf), own, "mum", nil, ""},
		"a parent what another began":       {by("sam", identity.ParentOf), own, "dad", nil, ""},
		"a parent the patient":              {by("sam", identity.ParentOf), own, "", nil, ""},
		"a parent by the minor's grant":     {by("max", identity.Help), own, "max", nil, ""},
		"a parent where parents read":       {by("sam", identity.ParentOf), identity.Minority{Phone: "555-0100"}, "max", nil, ""},
		"a parent whose grant ended":        {ended, own, "max", fault.NotFound, ""},
		"a stranger":                        {stranger, own, "max", fault.NotFound, ""},
		"a minor too young":                 {max, dependent, "max", fault.Denied, "age of 16"},
		"a minor too young what mum began":  {max, dependent, "mum", fault.Denied, "555-0100"},
		"a parent of one too young":         {by("sam", identity.ParentOf), dependent, "max", nil, ""},
		"a minor too young, earlier record": {earlier, dependent, "max", fault.Denied, "age of 16"},
	} {
		r := identity.Resource{Practice: "oak", Patient: "p-max", Starter: test.starter, Minority: test.is, Pool: identity.ClinicalPool}
		for _, do := range []identity.Action{identity.ReadVisit, identity.ReadChart, identity.FillVisit, identity.WriteToTeam, identity.ReadMoney, identity.ReadTrail} {
			err := identity.Allow(test.who, do, r, noon)
			if !errors.Is(err, test.want) || test.want == nil && err != nil || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s, %s: %v", name, do, err)
			}
			if reason := identity.Reason(test.who, do, r, noon); (reason == "minor") != errors.Is(test.want, fault.Denied) {
				t.Errorf("%s, %s: the reason is %s", name, do, reason)
			}
		}
	}
	works := identity.Person{ID: "ana", Practice: "oak", Role: identity.Clinician}
	if err := identity.Allow(works, identity.ReadChart, identity.Resource{Practice: "oak", Patient: "p-max", Starter: "max", Minority: own, Pool: identity.ClinicalPool}, noon); err != nil {
		t.Errorf("who answers: %v", err)
	}
}
