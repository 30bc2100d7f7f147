package intake_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/intake"
)

func answered(r intake.Response) []string {
	found := []string{}
	for _, e := range r.Items {
		found = append(found, e.LinkID)
	}
	return found
}

// Each case is the answers of an earlier request, and the questions whose answers a new
// one begins with.
func TestCarryOver_WhatStillHolds(t *testing.T) {
	t.Parallel()
	f := kinds(t)
	for name, tt := range map[string]struct {
		items string
		want  []string
	}{
		"nothing":                          {"", []string{}},
		"texts, numbers and rows":          {words("story", "I fell") + "," + whole("low", 9) + "," + group("home", words("street", "1 Main St")), []string{"story", "low", "home"}},
		"a statement":                      {answer("agree", `"valueBoolean":true`) + "," + words("story", "I fell"), []string{"story"}},
		"what an emergency rule reads":     {chosen("trouble", "cough") + "," + words("story", "I fell"), []string{"story"}},
		"what an urgent rule reads":        {whole("low", 9) + "," + whole("high", 10), []string{"low"}},
		"what that opened":                 {chosen("trouble", "none") + "," + whole("trouble-since", 2), []string{}},
		"a day that is too long ago now":   {day("start", "2025-12-09") + "," + whole("low", 9), []string{"low"}},
		"a day that is near enough":        {day("start", "2025-12-10"), []string{"start"}},
		"two days in the wrong order":      {day("start", "2026-03-09") + "," + day("end", "2026-03-08"), []string{"start"}},
		"an option that is no more":        {chosen("cell", "zz") + "," + whole("low", 9), []string{"low"}},
		"a question that is no more":       {words("gone", "x") + "," + whole("low", 9), []string{"low"}},
		"a question that is elsewhere now": {words("street", "1 Main St") + "," + whole("low", 9), []string{"low"}},
		"a text that is too short now":     {words("story", "fell"), []string{}},
		"an answer given twice":            {whole("low", 9) + "," + whole("low", 8), []string{}},
		"rows without one answer":          {group("pair", whole("pair-a", 1)) + "," + group("pair", whole("pair-a", 2)), []string{"pair", "pair"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := f.CarryOver(respond(t, tt.items))
			if diff := cmp.Diff(tt.want, answered(r)); diff != "" || r.Questionnaire != f.Canonical() {
				t.Errorf("of %s (-want +got):\n%s", r.Questionnaire, diff)
			}
		})
	}
}

// Under an answer that is kept, what lasts is kept, and what is asked anew is not; a
// duration is asked anew in whatever way it is asked.
func TestCarryOver_UnderAnswers(t *testing.T) {
	t.Parallel()
	const unit = `"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-unit","valueCoding":{"system":"http://unitsofmeasure.org","code":"d"}}]`
	f := asked(t, `{"linkId":"a","type":"boolean","text":"A?","item":[
 {"linkId":"b","type":"integer","text":"B?"},
 {"linkId":"c","type":"integer","text":"For how many days?",`+unit+`}]},
 {"linkId":"d","type":"quantity","text":"For how long?",`+unit+`}`)
	was := respond(t, under("a", `"valueBoolean":true`, whole("b", 1), whole("c", 2))+","+answer("d", `"valueQuantity":{"value":3,"code":"d","system":"http://unitsofmeasure.org"}`))
	if ps := f.Check(was).Wrong(); len(ps) > 0 {
		t.Fatal(ps)
	}
	got, want := f.CarryOver(was), respond(t, under("a", `"valueBoolean":true`, whole("b", 1)))
	want.Questionnaire = f.Canonical()
	if !got.Equal(want) {
		j, err := got.MarshalJSON()
		t.Errorf("carried over: %s, %v", j, err)
	}
	if len(was.Answers("c")) != 1 {
		t.Error("the earlier answers were changed")
	}
}

// Whatever the answers were, what is carried over fits the form, ends nothing for
// safety, and is carried over whole again.
func TestCarryOver_FitsAndIsSafe(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*intake.Form{"sample": sample(t), "kinds": kinds(t)} {
		some := false
		rapid.Check(t, func(t *rapid.T) {
			r := f.CarryOver(anyResponse(f).Draw(t, "earlier"))
			res := f.Check(r)
			if wrong := res.Wrong(); len(wrong) > 0 {
				t.Errorf("%s: carried over, it is wrong: %v", name, wrong)
			}
			if slices.Contains([]intake.Disposition{intake.Emergency, intake.Urgent}, res.Disposition) {
				t.Errorf("%s: carried over, it ends as %s because of %v", name, res.Disposition, res.Causes)
			}
			if again := f.CarryOver(r); !again.Equal(r) {
				t.Errorf("%s: carried over again (-first +again):\n%s", name, cmp.Diff(answered(r), answered(again)))
			}
			some = some || len(r.Items) > 0
		})
		if !some {
			t.Errorf("%s: nothing was ever carried over", name)
		}
	}
}
