package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/intake"
)

// when is a form of the question a and of b, which is asked if the answer to a satisfies
// the comparison.
func when(t testing.TB, a, operator, compared string) *intake.Form {
	t.Helper()
	return asked(t, a+`,{"linkId":"b","type":"boolean","text":"B?","enableWhen":[{"question":"a","operator":"`+operator+`",`+compared+`}]}`)
}

func question(typ string) string { return fmt.Sprintf(`{"linkId":"a","type":%q,"text":"A?"}`, typ) }

// Each operator on each type: of the answers below, equal to and above what is compared,
// and of none, these enable the question.
func TestEnableWhen_EveryOperatorOnEveryType(t *testing.T) {
	t.Parallel()
	const kg = `"extension":[{"url":"` + hl7 + `questionnaire-unit","valueCoding":{"code":"kg"}}]`
	ordered := map[string]string{
		"=": "equal", "!=": "below above", ">": "above", "<": "below", ">=": "equal above", "<=": "below equal",
		"exists": "below equal above",
	}
	for name, tt := range map[string]struct{ a, compared, below, equal, above string }{
		"integer":  {question("integer"), `"answerInteger":5`, `"valueInteger":4`, `"valueInteger":5`, `"valueInteger":6`},
		"decimal":  {question("decimal"), `"answerDecimal":5.50`, `"valueDecimal":5.49`, `"valueDecimal":5.5`, `"valueDecimal":1e1`},
		"whole":    {question("decimal"), `"answerInteger":5`, `"valueDecimal":4.9`, `"valueDecimal":5.0`, `"valueDecimal":5.1`},
		"quantity": {ask("quantity", kg), `"answerQuantity":{"value":5,"code":"kg"}`, `"valueQuantity":{"value":4.9,"code":"kg"}`, `"valueQuantity":{"value":5.0,"unit":"kg"}`, `"valueQuantity":{"value":5.1,"code":"kg"}`},
		"date":     {question("date"), `"answerDate":"2026-03-01"`, `"valueDate":"2026-02-28"`, `"valueDate":"2026-03-01"`, `"valueDate":"2026-03-02"`},
		"dateTime": {question("dateTime"), `"answerDateTime":"2026-03-01T12:00:00Z"`, `"valueDateTime":"2026-03-01T12:59:59+01:00"`, `"valueDateTime":"2026-03-01T07:00:00-05:00"`, `"valueDateTime":"2026-03-01T12:00:00.001Z"`},
		"time":     {question("time"), `"answerTime":"12:00:00"`, `"valueTime":"11:59:59.9"`, `"valueTime":"12:00:00.0"`, `"valueTime":"12:00:00.01"`},
		"string":   {question("string"), `"answerString":"b"`, `"valueString":"a"`, `"valueString":"b"`, `"valueString":"ba"`},
		"text":     {question("text"), `"answerString":"b"`, `"valueString":"B"`, `"valueString":"b"`, `"valueString":"\u00e1"`},
		"url":      {question("url"), `"answerString":"https://b.org"`, `"valueUri":"https://a.org"`, `"valueUri":"https://b.org"`, `"valueUri":"https://c.org"`},
		"numbers":  {ask("choice", `"answerOption":[{"valueInteger":4},{"valueInteger":5},{"valueInteger":6}]`), `"answerInteger":5`, `"valueInteger":4`, `"valueInteger":5`, `"valueInteger":6`},
		"texts":    {ask("choice", `"answerOption":[{"valueString":"a"},{"valueString":"b"},{"valueString":"c"}]`), `"answerString":"b"`, `"valueString":"a"`, `"valueString":"b"`, `"valueString":"c"`},
		"open":     {ask("open-choice", `"answerOption":[{"valueString":"b"}]`), `"answerString":"b"`, `"valueString":"a"`, `"valueString":"b"`, `"valueString":"c"`},
		"own":      {ask("open-choice", `"answerOption":[{"valueCoding":{"code":"x","display":"X"}}]`), `"answerString":"b"`, `"valueString":"a"`, `"valueString":"b"`, `"valueString":"c"`},
	} {
		for operator, want := range ordered {
			compared := tt.compared
			if operator == "exists" {
				compared = `"answerBoolean":true`
			}
			f := when(t, tt.a, operator, compared)
			var got []string
			for _, given := range [][2]string{{"below", tt.below}, {"equal", tt.equal}, {"above", tt.above}, {"nothing", ""}} {
				items := ""
				if given[1] != "" {
					items = answer("a", given[1])
				}
				res := f.Check(respond(t, items))
				if len(res.Problems) > 0 {
					t.Fatalf("%s %s: %+v", name, given[0], res.Problems)
				}
				if res.Enabled("b") {
					got = append(got, given[0])
				}
			}
			if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
				t.Errorf("%s %s (-want +got):\n%s", name, operator, d)
			}
		}
	}
}

// That there is no answer is asked of questions of every type; a wrong answer, and one to
// a question that is not asked, is none.
func TestEnableWhen_ExistsNot(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"boolean", "integer", "decimal", "string", "text", "date", "dateTime", "time", "url", "quantity", "attachment"} {
		f := when(t, question(typ), "exists", `"answerBoolean":false`)
		if !f.Check(respond(t, "")).Enabled("b") {
			t.Errorf("%s: b is not asked without an answer", typ)
		}
	}
	f := when(t, question("integer"), "exists", `"answerBoolean":false`)
	for value, want := range map[string]bool{`"valueInteger":1`: false, `"valueString":"x"`: true} {
		if got := f.Check(respond(t, answer("a", value))).Enabled("b"); got != want {
			t.Errorf("%s: b is asked is %v", value, got)
		}
	}
	unasked := asked(t, question("boolean")+`,{"linkId":"b","type":"string","text":"B?","enableWhen":[{"question":"a","operator":"=","answerBoolean":true}]},
{"linkId":"c","type":"string","text":"C?","enableWhen":[{"question":"b","operator":"exists","answerBoolean":false}]}`)
	if !unasked.Check(respond(t, words("b", "x"))).Enabled("c") {
		t.Error("an answer that is dropped counts as one")
	}
}

func TestEnableWhen_Refused(t *testing.T) {
	t.Parallel()
	pair := func(a, condition string) string {
		return written("", a+`,{"linkId":"b","type":"boolean","text":"B?","enableWhen":[{"question":"a",`+condition+`}]}`)
	}
	wantRefused(t, map[string]struct{ data, want string }{
		"exists with a text":        {pair(question("string"), `"operator":"exists","answerString":"x"`), "b enableWhen"},
		"exists of a group":         {pair(`{"linkId":"a","type":"group","item":[{"linkId":"c","type":"string","text":"C?"}]}`, `"operator":"exists","answerBoolean":true`), "b enableWhen"},
		"exists of a text":          {pair(`{"linkId":"a","type":"display","text":"A."}`, `"operator":"exists","answerBoolean":true`), "b enableWhen"},
		"a reference":               {pair(question("string"), `"operator":"=","answerReference":{"reference":"Patient/1"}`), "b enableWhen"},
		"two answers":               {pair(question("string"), `"operator":"=","answerString":"x","answerInteger":1`), "b enableWhen"},
		"no answer":                 {pair(question("string"), `"operator":"="`), "b enableWhen"},
		"a number for a text":       {pair(question("string"), `"operator":"=","answerInteger":1`), "b enableWhen"},
		"a text for a day":          {pair(question("date"), `"operator":"=","answerString":"2026-01-01"`), "b enableWhen"},
		"a month for a day":         {pair(question("date"), `"operator":"<","answerDate":"2026-01"`), "b enableWhen"},
		"a day for an instant":      {pair(question("dateTime"), `"operator":"<","answerDate":"2026-01-01"`), "b enableWhen"},
		"an instant without a zone": {pair(question("dateTime"), `"operator":"<","answerDateTime":"2026-01-01T10:00:00"`), "b enableWhen"},
		"a time without seconds":    {pair(question("time"), `"operator":"<","answerTime":"10:00"`), "b enableWhen"},
		"another unit":              {pair(ask("quantity", ext(hl7+"questionnaire-unit", `"valueCoding":{"code":"kg"}`)), `"operator":"<","answerQuantity":{"value":1,"code":"g"}`), "b enableWhen"},
		"a unit of two":             {pair(ask("quantity", `"extension":[{"url":"`+hl7+`questionnaire-unitOption","valueCoding":{"code":"kg"}},{"url":"`+hl7+`questionnaire-unitOption","valueCoding":{"code":"g"}}]`), `"operator":"<","answerQuantity":{"value":1,"code":"g"}`), "b enableWhen"},
		"a number of no option":     {pair(ask("choice", `"answerOption":[{"valueInteger":4}]`), `"operator":">","answerInteger":4`), "b enableWhen"},
		"a text for numbers":        {pair(ask("choice", `"answerOption":[{"valueInteger":4}]`), `"operator":"=","answerString":"4"`), "b enableWhen"},
		"options in order":          {pair(ask("choice", `"answerOption":[{"valueCoding":{"code":"x","display":"X"}}]`), `"operator":">","answerCoding":{"code":"x"}`), "b enableWhen"},
		"a file that is equal":      {pair(question("attachment"), `"operator":"=","answerString":"x"`), "b enableWhen"},
	})
}
