package intake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

const ours = "https://example.org/fhir/StructureDefinition/"

// ruled is a form with one rule of two conditions, that it burns and the pain is above 5,
// and one of the patient's age.
func ruled(t *testing.T) *intake.Form {
	t.Helper()
	condition := func(question, operator, answer string) string {
		return `{"url":"condition","extension":[{"url":"question","valueString":"` + question + `"},{"url":"operator","valueCode":"` + operator +
			`"},{"url":"answer",` + answer + `}]}`
	}
	rule := func(id, severity, conditions string) string {
		return `{"url":"` + ours + `evisit-divert-rule","extension":[{"url":"id","valueId":"` + id + `"},{"url":"severity","valueCode":"` + severity +
			`"},{"url":"message","valueString":"Not here."},{"url":"source","valueString":"Test"},{"url":"behavior","valueCode":"all"},` + conditions + `]}`
	}
	data := strings.Replace(written("", `{"linkId":"burns","type":"boolean","text":"Does it burn?"},
{"linkId":"pain","type":"integer","text":"How much does it hurt?"},
{"linkId":"row","type":"group","text":"A time","repeats":true,"item":[{"linkId":"when","type":"date","text":"When?"}]}`),
		`"extension":[`, `"extension":[`+rule("bad", "urgent", condition("burns", "=", `"valueBoolean":true`)+","+condition("pain", ">", `"valueInteger":5`))+
			","+rule("old", "flag", condition("%age", ">=", `"valueInteger":65`))+",", 1)
	return alone(t, data)
}

const (
	fires   = `{"rule":"bad","fires":true,"why":"both","answers":{"burns":true,"pain":6},"disposition":"urgent","fired":["bad"]}`
	noPain  = `{"rule":"bad","fires":false,"why":"no pain","answers":{"burns":true,"pain":5,"row":[{"when":"2026-01-01"}]},"disposition":"continue","fired":[]}`
	noBurn  = `{"rule":"bad","fires":false,"why":"no burning","answers":{"burns":false,"pain":9},"disposition":"continue","fired":[]}`
	oldAge  = `{"rule":"old","fires":true,"why":"65 today","age":65,"answers":{},"disposition":"continue","fired":["old"]}`
	younger = `{"rule":"old","fires":false,"why":"64","age":64,"answers":{},"disposition":"continue","fired":[]}`
)

// The examples must show every rule and every condition, and say what is true.
func TestExamine_NamesWhatIsNotShown(t *testing.T) {
	t.Parallel()
	all := []string{fires, noPain, noBurn, oldAge, younger}
	with := func(old, replaced string) []string {
		changed := strings.Replace(strings.Join(all, "\n"), old, replaced, 1)
		if old == "" || changed == strings.Join(all, "\n") {
			t.Fatalf("no example has %s", old)
		}
		return strings.Split(changed, "\n")
	}
	for name, tt := range map[string]struct {
		examples []string
		want     string
	}{
		"all":                           {all, ""},
		"none":                          {nil, "bad fires, bad near_miss, bad condition, bad condition, old fires, old near_miss"},
		"no example of a condition":     {[]string{fires, noBurn, oldAge, younger}, "bad condition"},
		"no near miss":                  {[]string{fires, noPain, noBurn, oldAge}, "old near_miss"},
		"another rule than it fires":    {with(`"fired":["old"]`, `"fired":["old","bad"]`), "example 4 (65 today) fired, old fires"},
		"a contradiction":               {with(`"rule":"old","fires":false`, `"rule":"old","fires":true`), "example 5 (64) contradiction, old near_miss"},
		"a rule that there is not":      {with(`"rule":"old","fires":false`, `"rule":"c-old","fires":false`), "example 5 (64) rule, old near_miss"},
		"another end":                   {with(`"disposition":"urgent"`, `"disposition":"emergency"`), "example 1 (both) disposition, bad fires"},
		"a question that there is not":  {with(`"burns":false`, `"burn":false`), "example 3 (no burning) answer"},
		"an answer of another kind":     {with(`"pain":9`, `"pain":"much"`), "example 3 (no burning) answer, bad condition"},
		"a row that is an answer":       {with(`[{"when":"2026-01-01"}]`, `"2026-01-01"`), "example 2 (no pain) answer"},
		"an answer that is a row":       {with(`"burns":false`, `"burns":{"pain":1}`), "example 3 (no burning) answer"},
		"the near miss alone is absent": {[]string{fires, fires, oldAge, younger}, "bad near_miss, bad condition, bad condition"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			examples, err := intake.ParseExamples([]byte("[" + strings.Join(tt.examples, ",") + "]"))
			if err != nil {
				t.Fatal(err)
			}
			x := ruled(t).Examine(nil, examples)
			var got []string
			for _, p := range x.Problems {
				got = append(got, p.Where+" "+p.Code)
			}
			if d := cmp.Diff(tt.want, strings.Join(got, ", ")); d != "" {
				t.Errorf("problems (-want +got):\n%s%+v", d, x.Problems)
			}
			if len(x.Trials) != len(examples) {
				t.Errorf("%d trials of %d examples", len(x.Trials), len(examples))
			}
		})
	}
}

func TestParseExamples_Refuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data string
		want fault.Kind
	}{
		"no JSON":           {`[`, fault.Malformed},
		"an object":         {`{}`, fault.Malformed},
		"an unknown member": {`[{"rules":"x"}]`, fault.Malformed},
		"too many":          {"[" + strings.Repeat(fires+",", intake.MaxExamples) + fires + "]", fault.TooLarge},
		"too long":          {"[" + strings.Repeat(" ", intake.MaxQuestionnaireBytes) + "]", fault.TooLarge},
	} {
		if _, err := intake.ParseExamples([]byte(tt.data)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := intake.ParseExamples(nil); err != nil || len(list) != 0 {
		t.Errorf("no examples are %v, %v", list, err)
	}
}
