package intake_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// kinds is the form of testdata with a question of each kind that limits its answers.
// Today is 10 March 2026 in New York, late in the evening: 11 March in UTC.
func kinds(t testing.TB) *intake.Form {
	t.Helper()
	f, err := intake.Alone(questionnaire(t, "kinds"))
	if err != nil {
		t.Fatal(explain(err))
	}
	return f.With(intake.Facts{Now: evening})
}

var evening = time.Date(2026, time.March, 10, 23, 30, 0, 0, time.FixedZone("New York", -4*3600))

func answer(linkID string, values ...string) string {
	for i, v := range values {
		values[i] = "{" + v + "}"
	}
	return fmt.Sprintf(`{"linkId":%q,"answer":[%s]}`, linkID, strings.Join(values, ","))
}

func words(linkID, text string) string { return answer(linkID, fmt.Sprintf(`"valueString":%q`, text)) }

func day(linkID, date string) string { return answer(linkID, fmt.Sprintf(`"valueDate":%q`, date)) }

func whole(linkID string, n int) string {
	return answer(linkID, fmt.Sprintf(`"valueInteger":%d`, n))
}

func chosen(linkID string, codes ...string) string {
	for i, c := range codes {
		codes[i] = fmt.Sprintf(`"valueCoding":{"code":%q}`, c)
	}
	return answer(linkID, codes...)
}

func group(linkID string, items ...string) string {
	return fmt.Sprintf(`{"linkId":%q,"item":[%s]}`, linkID, strings.Join(items, ","))
}

// needed answers what kinds requires.
var needed = strings.Join([]string{
	answer("agree", `"valueBoolean":true`), group("home", words("street", "1 Main St")), group("any", answer("left", `"valueBoolean":false`)),
}, ",")

// Each case adds its items to the needed ones, and has these problems.
func TestKinds_Problems(t *testing.T) {
	t.Parallel()
	f := kinds(t)
	for name, tt := range map[string]struct {
		items string
		want  []string
	}{
		"nothing more": {"", nil},

		"an exclusive option alone":            {chosen("trouble", "none"), nil},
		"an exclusive option twice":            {chosen("trouble", "none", "none"), nil},
		"an exclusive option beside another":   {chosen("trouble", "none", "cough"), []string{"trouble exclusive"}},
		"an exclusive option after others":     {chosen("trouble", "cough", "chest", "none"), []string{"trouble exclusive", "chested required"}},
		"an exclusive option beside no option": {chosen("trouble", "none", "fever"), []string{"trouble option"}},

		"a phone":                       {words("phone", "(503) 555-0177"), nil},
		"a phone with its country":      {words("phone", "+1 503 555 0177"), nil},
		"a phone with an extension":     {words("phone", "503.555.0177 x12"), nil},
		"a phone with ext.":             {words("phone", "503-555-0177, ext. 4"), nil},
		"a phone with spaces around it": {words("phone", " 503 555 0177 "), nil},
		"no phone":                      {words("phone", "x"), []string{"phone pattern"}},
		"none":                          {words("phone", "n/a"), []string{"phone pattern"}},
		"a phone and more":              {words("phone", "503 555 0177 after six"), []string{"phone pattern"}},
		"a phone too short":             {words("phone", "911"), []string{"phone pattern"}},
		"a phone on a second line":      {words("phone", "503 555 0177\\n503 555 0178"), []string{"phone pattern"}},

		"a text long enough":        {words("story", "I fell"), nil},
		"a text too short":          {words("story", "fell"), []string{"story length"}},
		"a text long by its spaces": {words("story", "fell          "), []string{"story length"}},
		"a text that shows nothing": {words("story", "\u3164\u3164\u3164\u3164\u3164\u3164"), []string{"story type"}},
		"a text of zero width":      {words("story", "\u200b\u200b\u2060\u2060\ufeff\ufeff"), []string{"story type"}},
		"a text of blank braille":   {words("story", "\u2800\u2800\u2800\u2800\u2800\u2800"), []string{"story type"}},

		"today":                               {day("start", "2026-03-10"), nil},
		"tomorrow":                            {day("start", "2026-03-11"), []string{"start range"}},
		"ninety days ago":                     {day("start", "2025-12-10"), nil},
		"ninety-one days ago":                 {day("start", "2025-12-09"), []string{"start range"}},
		"a year from now":                     {day("end", "2027-03-10"), nil},
		"a year and a day from now":           {day("end", "2027-03-11"), []string{"end range"}},
		"the first day that is allowed":       {day("fixed", "2026-01-01"), nil},
		"the day before it":                   {day("fixed", "2025-12-31"), []string{"fixed range"}},
		"the last day that is allowed":        {day("fixed", "2026-12-31"), nil},
		"the year 9999":                       {day("fixed", "9999-01-01"), []string{"fixed range"}},
		"before any bound":                    {day("end", "1066-10-14"), []string{"end range"}},
		"this evening, written in UTC":        {answer("seen", `"valueDateTime":"2026-03-11T03:29:00Z"`), nil},
		"after midnight":                      {answer("seen", `"valueDateTime":"2026-03-11T00:00:00-04:00"`), []string{"seen range"}},
		"after midnight, written in UTC":      {answer("seen", `"valueDateTime":"2026-03-11T04:00:00Z"`), []string{"seen range"}},
		"an end after the start":              {day("start", "2026-03-09") + "," + day("end", "2026-03-10"), nil},
		"an end on the day of the start":      {day("start", "2026-03-09") + "," + day("end", "2026-03-09"), nil},
		"an end before the start":             {day("start", "2026-03-09") + "," + day("end", "2026-03-08"), []string{"end consistency"}},
		"an end without a start":              {day("end", "2026-03-08"), nil},
		"an end before a start that is wrong": {day("start", "2026-03-11") + "," + day("end", "2026-03-08"), []string{"start range"}},
		"numbers that contradict":             {whole("low", 9) + "," + whole("high", 9), []string{"high consistency"}},
		"numbers in order":                    {whole("low", 9) + "," + whole("high", 10), nil},

		"a row without answers":                 {group("pair"), nil},
		"rows without answers":                  {strings.Repeat(group("pair")+",", 30) + group("pair", whole("pair-a", 1)) + "," + group("pair", whole("pair-a", 2)), nil},
		"rows without answers do not count":     {group("pair") + "," + group("pair", whole("pair-a", 1)), []string{"pair incomplete"}},
		"a row of a question without answers":   {group("pair", `{"linkId":"pair-a","answer":[]}`) + "," + group("pair", whole("pair-a", 1)), []string{"pair incomplete"}},
		"a row of a hidden answer alone":        {group("pair", words("pair-b", "x")) + "," + group("pair", whole("pair-a", 1)), []string{"pair incomplete"}},
		"an unknown linkId in an empty row":     {group("pair", `{"linkId":"pair-c"}`), []string{"pair-c unknown"}},
		"what is missing in a row with answers": {group("pair") + "," + group("pair", whole("pair-a", 6)) + "," + group("pair", whole("pair-a", 1)), []string{"pair-b required"}},

		"a required group that is wanted":  {chosen("trouble", "chest"), []string{"chested required"}},
		"a required group with its answer": {chosen("trouble", "chest") + "," + group("chested", words("where", "left")), nil},
		"a required group given and empty": {chosen("trouble", "chest") + "," + group("chested"), []string{"chested required"}},

		"as many words as may be": {answer("words", slices.Repeat([]string{`"valueString":"a"`}, 50)...), nil},
		"a word too many":         {answer("words", slices.Repeat([]string{`"valueString":"a"`}, 51)...), []string{"words occurrence"}},
		"an option 1,900 times":   {chosen("trouble", slices.Repeat([]string{"cough"}, 1900)...), nil},

		"the code of two systems, with one": {answer("cell", `"valueCoding":{"system":"t","code":"a"}`), nil},
		"the code of two systems, alone":    {chosen("cell", "a"), []string{"cell option"}},
		"both of one code":                  {answer("cell", `"valueCoding":{"system":"t","code":"a"}`, `"valueCoding":{"system":"s","code":"a"}`), nil},
		"a code that is one system's":       {chosen("cell", "b"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items := needed
			if tt.items != "" {
				items += "," + tt.items
			}
			if tt.want == nil {
				tt.want = []string{}
			}
			if d := cmp.Diff(tt.want, places(f.Check(respond(t, items)).Problems)); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

// A group with required questions, or required itself, is missing if it is left out or
// has no answer.
func TestKinds_GroupMissing(t *testing.T) {
	t.Parallel()
	f := kinds(t)
	agree := answer("agree", `"valueBoolean":true`)
	for name, tt := range map[string]struct {
		items string
		want  []string
	}{
		"left out":         {agree, []string{"home required", "any required"}},
		"empty":            {agree + "," + group("home") + "," + group("any"), []string{"home required", "any required"}},
		"an optional part": {agree + "," + group("home", whole("floor", 1)) + "," + group("any", answer("right", `"valueBoolean":true`)), []string{"street required"}},
		"answered":         {needed, []string{}},
	} {
		res := f.Check(respond(t, tt.items))
		if d := cmp.Diff(tt.want, places(res.Missing())); d != "" {
			t.Errorf("%s: missing (-want +got):\n%s", name, d)
		}
	}
}

// Only a tick answers a statement: leaving it open is missing, and no is wrong and ends
// nothing.
func TestKinds_Statement(t *testing.T) {
	t.Parallel()
	f := kinds(t)
	high := whole("high", 101)
	for name, tt := range map[string]struct {
		items          string
		missing, wrong bool
		disposition    intake.Disposition
	}{
		"ticked":    {answer("agree", `"valueBoolean":true`) + "," + high, false, false, intake.Urgent},
		"left open": {high, true, false, intake.Continue},
		"no":        {answer("agree", `"valueBoolean":false`) + "," + high, false, true, intake.Continue},
	} {
		res := f.Check(respond(t, tt.items))
		if got := slices.Contains(places(res.Missing()), "agree required"); got != tt.missing {
			t.Errorf("%s: missing is %v", name, got)
		}
		if got := slices.Contains(places(res.Wrong()), "agree statement"); got != tt.wrong {
			t.Errorf("%s: wrong is %v", name, got)
		}
		if res.Disposition != tt.disposition {
			t.Errorf("%s: %s", name, res.Disposition)
		}
	}
	if it, _ := f.Item("agree"); !it.Statement {
		t.Error("a page is not told that it is a statement")
	}
}

// Of an exclusive option and others, the others are heard, and an emergency among them
// is one. The facts about a patient feed rules, and only facts that are known.
func TestKinds_Rules(t *testing.T) {
	t.Parallel()
	birth := time.Date(1961, time.March, 11, 0, 0, 0, 0, time.UTC) // 65 tomorrow
	for name, tt := range map[string]struct {
		items       string
		facts       intake.Facts
		disposition intake.Disposition
		fired       []string
		causes      []string
	}{
		"none of these":             {items: chosen("trouble", "none"), disposition: intake.Ineligible, fired: []string{"no-trouble"}, causes: []string{"trouble"}},
		"none of these and a cough": {items: chosen("trouble", "none", "cough"), disposition: intake.Continue, fired: []string{}},
		"none of these and chest pain": {
			items: chosen("trouble", "none", "chest"), disposition: intake.Emergency, fired: []string{"chest"}, causes: []string{"trouble"},
		},
		"numbers that contradict": {
			items: answer("agree", `"valueBoolean":true`) + "," + whole("low", 200) + "," + whole("high", 150), disposition: intake.Continue, fired: []string{},
		},
		"two causes": {
			items: answer("agree", `"valueBoolean":true`) + "," + whole("high", 150), disposition: intake.Urgent, fired: []string{"high"}, causes: []string{"high", "agree"},
		},
		"a man who coughs":     {chosen("trouble", "cough"), intake.Facts{Sex: "male"}, intake.Continue, []string{}, nil},
		"a woman who coughs":   {chosen("trouble", "cough"), intake.Facts{Sex: "female"}, intake.Continue, []string{"woman-cough"}, nil},
		"nobody knows who":     {chosen("trouble", "cough"), intake.Facts{}, intake.Continue, []string{}, nil},
		"the day before 65":    {"", intake.Facts{Now: evening, Birth: birth}, intake.Continue, []string{}, nil},
		"65 at midnight":       {"", intake.Facts{Now: evening.Add(30 * time.Minute), Birth: birth}, intake.Continue, []string{"old"}, nil},
		"65 in UTC, not there": {"", intake.Facts{Now: evening.Add(29 * time.Minute), Birth: birth}, intake.Continue, []string{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := kinds(t).With(tt.facts).Check(respond(t, tt.items))
			if d := cmp.Diff(tt.fired, ids(res.Fired)); d != "" || res.Disposition != tt.disposition {
				t.Errorf("%s, fired (-want +got):\n%s", res.Disposition, d)
			}
			if d := cmp.Diff(tt.causes, res.Causes); d != "" {
				t.Errorf("causes (-want +got):\n%s", d)
			}
			if want := tt.disposition == intake.Urgent || tt.disposition == intake.Ineligible; res.Confirm() != want {
				t.Errorf("to be confirmed is %v", res.Confirm())
			}
		})
	}
	if f := kinds(t); !f.NeedsPatient() || sample(t).NeedsPatient() {
		t.Error("the rules on age and sex are not told")
	}
}

func TestKinds_RuleHasContact(t *testing.T) {
	t.Parallel()
	f := kinds(t)
	want := intake.Contact{Pool: "clinical", Within: time.Hour, Question: "phone", Promise: "A nurse will call you."}
	if got := f.Rules()[0].Contact; got == nil || *got != want {
		t.Errorf("contact %+v", got)
	}
	if f.Rules()[1].Contact != nil {
		t.Error("a rule without a contact has one")
	}
	for given, want := range map[string]bool{"": false, "n/a": false, "503 555 0177 x12": true} {
		items := chosen("trouble", "chest")
		if given != "" {
			items += "," + words("phone", given)
		}
		if got := f.Check(respond(t, items)).Fired[0].Reachable; got != want {
			t.Errorf("with the answer %q, reachable is %v", given, got)
		}
	}
}

// What is kept has each option once and no row without answers.
func TestKinds_Kept(t *testing.T) {
	t.Parallel()
	items := strings.Join([]string{chosen("trouble", "cough", "chest", "cough"), group("pair"), group("pair", whole("pair-a", 1)), group("pair", words("pair-b", "x"))}, ",")
	kept := kinds(t).Check(respond(t, items)).Response
	if got := len(kept.Answers("trouble")); got != 2 {
		t.Errorf("%d answers", got)
	}
	if got := slices.IndexFunc(kept.Items, func(e intake.Entry) bool { return e.LinkID == "pair" }); got != len(kept.Items)-1 {
		t.Error("empty rows are kept")
	}
}

// An option is named by its code, or by system and code where its code is not its own,
// and enables what asks for its system.
func TestKinds_OptionsOfOneCode(t *testing.T) {
	t.Parallel()
	f := kinds(t)
	cell, _ := f.Item("cell")
	var keys []string
	for _, o := range cell.Options {
		keys = append(keys, o.Key)
	}
	if d := cmp.Diff([]string{"s|a", "t|a", "b"}, keys); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
	for system, want := range map[string]bool{"s": false, "t": true} {
		res := f.Check(intake.Response{Items: []intake.Entry{intake.Ask("cell", intake.Code(intake.Coding{System: system, Code: "a"}))}})
		if res.Enabled("white") != want {
			t.Errorf("white asked after %s|a is %v", system, !want)
		}
	}
}

// Bounds that are relative to today are not held when today is not known; a date of
// another century never is one.
func TestKinds_WithoutToday(t *testing.T) {
	t.Parallel()
	f := kinds(t).With(intake.Facts{})
	for date, want := range map[string]int{"2030-01-01": 0, "1999-01-01": 0, "2200-01-01": 1, "1899-12-31": 1} {
		if got := len(f.Check(respond(t, day("start", date))).Wrong()); got != want {
			t.Errorf("%s has %d problems", date, got)
		}
	}
}

// The properties of the sample hold for the kinds too: checking what is kept finds the
// same, and an entry without answers changes nothing.
func TestKinds_KeptIsTheSame(t *testing.T) {
	t.Parallel()
	f := kinds(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyResponse(f).Draw(t, "response")
		first := f.Check(r)
		second := f.Check(first.Response)
		if d := cmp.Diff(ids(first.Fired), ids(second.Fired)); d != "" {
			t.Fatalf("other rules\n%s", d)
		}
		wantSame(t, "once more", second, f.Check(second.Response))
		r.Items = append(slices.Clone(r.Items), intake.Entry{LinkID: "pair"})
		if !f.Check(r).Response.Equal(first.Response) || !slices.Equal(places(first.Problems), places(f.Check(r).Problems)) {
			t.Fatal("an empty row changes the result")
		}
	})
}

// Each case breaks kinds in one place, which publishing names.
func TestKinds_Refuses(t *testing.T) {
	t.Parallel()
	const today = `"expression": "today()"`
	for name, tt := range map[string]struct{ old, new, want string }{
		"a statement that repeats":               {`"text": "I agree"`, `"text": "I agree", "repeats": true`, "agree statement"},
		"a rule on a statement that is not so":   {`"answer", "valueBoolean": true`, `"answer", "valueBoolean": false`, "high rule"},
		"an exclusive option of one":             {`"text": "Trouble?", "repeats": true`, `"text": "Trouble?"`, "trouble option"},
		"exclusive by a word":                    {`optionExclusive", "valueBoolean": true`, `optionExclusive", "valueCode": "true"`, "trouble extension"},
		"a regex that is none":                   {`/regex", "valueString": "`, `/regex", "valueString": "(`, "phone pattern"},
		"a regex with look-around":               {`/regex", "valueString": "`, `/regex", "valueString": "(?=x)`, "phone pattern"},
		"a regex on a number":                    {`"string", "text": "Phone?", "maxLength": 40`, `"integer", "text": "Phone?"`, "phone pattern"},
		"a least length above the most":          {`minLength", "valueInteger": 5`, `minLength", "valueInteger": 500`, "story range"},
		"a least length of a date":               {`"text", "text": "What happened?", "maxLength": 100`, `"date", "text": "What happened?"`, "story range"},
		"a day that never was":                   {`"valueDate": "2026-01-01"`, `"valueDate": "2026-02-30"`, "fixed range"},
		"days upside down":                       {`"valueDate": "2026-01-01"`, `"valueDate": "2027-01-01"`, "fixed range"},
		"days from today upside down":            {`today() - 90 days`, `today() + 90 days`, "start range"},
		"a number for a date":                    {`minValue", "valueDate": "2026-01-01"`, `minValue", "valueInteger": 2026`, "fixed extension"},
		"a calculation that is not today's":      {today, `"expression": "now()"`, "start range"},
		"a calculation in another language":      {`"language": "text/fhirpath", ` + today, `"language": "text/cql", ` + today, "start range"},
		"a constraint of another item":           {`linkId='high').answer.value >`, `linkId='low').answer.value >`, "high extension"},
		"a constraint with an item after":        {`> %resource.item.where(linkId='low')`, `> %resource.item.where(linkId='words')`, "high constraint"},
		"a constraint with another type":         {`> %resource.item.where(linkId='low')`, `> %resource.item.where(linkId='start')`, "high constraint"},
		"a constraint within a group":            {`> %resource.item.where(linkId='low')`, `> %resource.item.where(linkId='floor')`, "high constraint"},
		"a constraint that only warns":           {`"severity", "valueCode": "error"`, `"severity", "valueCode": "warning"`, "end extension"},
		"another constraint":                     {`answer.value > %`, `answer.value.sum() > %`, "high extension"},
		"an age nobody has":                      {`"answer", "valueInteger": 65`, `"answer", "valueInteger": 131`, "old rule"},
		"an age in words":                        {`"answer", "valueInteger": 65`, `"answer", "valueCode": "old"`, "old rule"},
		"a sex FHIR does not know":               {`"answer", "valueCode": "female"`, `"answer", "valueCode": "F"`, "woman-cough rule"},
		"an enableWhen of an age":                {`"question": "trouble", "operator": "=", "answerCoding": {"code": "chest"}`, `"question": "%age", "operator": ">", "answerInteger": 3`, "where enableWhen"},
		"a contact of nobody":                    {`"pool", "valueCode": "clinical"`, `"pool", "valueCode": "somebody"`, "chest contact"},
		"a contact some day":                     {`"minutes", "valueInteger": 60`, `"minutes", "valueInteger": 1441`, "chest contact"},
		"a contact without words":                {`"promise", "valueString": "A nurse will call you."`, `"promise", "valueString": ""`, "chest contact"},
		"a contact at no number":                 {`"number", "valueString": "phone"`, `"number", "valueString": "fax"`, "chest contact"},
		"a contact for who is ineligible":        {`"valueCode": "emergency"`, `"valueCode": "ineligible"`, "chest contact"},
		"an option twice":                        {`"system": "t", "code": "a"`, `"system": "s", "code": "a"`, "cell option"},
		"an enableWhen of another system's code": {`"system": "t", "code": "a"}}]}`, `"system": "u", "code": "a"}}]}`, "white enableWhen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := string(source(t, "kinds"))
			if !strings.Contains(data, tt.old) {
				t.Fatalf("kinds has no %s", tt.old)
			}
			q, err := intake.Parse([]byte(strings.Replace(data, tt.old, tt.new, 1)))
			if err == nil {
				_, err = intake.Alone(q)
			}
			f, ok := fault.Public(err)
			if !ok || !slices.Contains(places(f.Problems), tt.want) {
				t.Errorf("%v, want %q among its problems", explain(err), tt.want)
			}
		})
	}
}
