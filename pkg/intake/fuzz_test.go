package intake_test

import (
	"encoding/json"
	"strings"
	"testing"

	"evisit/pkg/intake"
)

// A response that can be parsed can be checked, and the kept response can be
// stored, parsed again and checked with the same outcome.
func FuzzParseResponse(f *testing.F) {
	forms := []*intake.Form{sample(f), asked(f, underAnswers), asked(f, strings.Replace(rowsInRows, `"maxItems":3,`, "", 1)), asked(f, underEach)}
	f.Add([]byte(`{"item":[` + under("a", `"valueBoolean":true`, whole("b", 1), group("g", under("c", `"valueString":"x"`, words("d", "y")))) + `]}`))
	f.Add([]byte(`{"item":[{"linkId":"t","answer":[{"valueCoding":{"code":"x"},"item":[` + words("w", "more") + `]},{"valueCoding":{"code":"y"}}]}]}`))
	f.Add([]byte(`{"item":[` + group("r", answer("a", `"valueBoolean":true`), group("s", whole("b", 1)), group("s", whole("b", 2))) + `]}`))
	f.Add([]byte(`{"resourceType":"QuestionnaireResponse","item":[` + bare + `]}`))
	f.Add([]byte(`{"item":[{"linkId":"med","item":[{"linkId":"dose","answer":[{"valueInteger":1e999999999}]}]}]}`))
	f.Add([]byte(`{"item":[{"linkId":"sick","answer":[{"valueBoolean":true,"item":[{"linkId":"sick-help"}]}]},{"linkId":"temp","answer":[{"valueDecimal":-0.0e-5}]}]}`))
	f.Add([]byte(`{"item":[{"linkId":"signs","answer":[{"valueCoding":{"code":"\ud800"}},{"valueAttachment":{"size":0}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := intake.ParseResponse(data)
		if err != nil {
			return
		}
		for _, form := range forms {
			first := form.Check(r)
			stored, err := first.Response.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if len(stored) > intake.MaxResponseBytes {
				continue
			}
			again, err := intake.ParseResponse(stored)
			if err != nil {
				t.Fatalf("reading back %s: %v", stored, explain(err))
			}
			if second := form.Check(again); second.Disposition != first.Disposition || len(second.Fired) != len(first.Fired) {
				t.Fatalf("%s, then %s", first.Disposition, second.Disposition)
			}
		}
	})
}

// A questionnaire that can be published can be loaded again, and an empty response
// to it can be checked.
func FuzzCompose(f *testing.F) {
	f.Add(source(f, "common"))
	f.Add(source(f, "protocol"))
	common := questionnaire(f, "common")
	f.Fuzz(func(t *testing.T, data []byte) {
		if alone, err := intake.Publish(nil, data); err == nil {
			alone.Check(intake.Response{})
		}
		form, err := intake.Publish(common, data)
		if err != nil {
			return
		}
		again, err := intake.Load(form.JSON())
		if err != nil {
			t.Fatalf("loading %s: %v", form.JSON(), explain(err))
		}
		if again.Hash() != form.Hash() || again.Check(intake.Response{}).Disposition != form.Check(intake.Response{}).Disposition {
			t.Fatal("storing changed the form")
		}
	})
}

// A calculation that is accepted is evaluated, to the same value each time; the form that
// has it can be loaded again.
func FuzzCalculation_SameEachTime(f *testing.F) {
	for _, expression := range []string{
		"%resource.item.where(linkId='q1' or linkId = 'q2').answer.value.ordinal().sum()", "iif(%n > 6 and true, -%n.power(2) / 3, {})",
		"%resource.repeat(item).where(linkId.matches('^y')).answer.select(value * 2).aggregate($this + $total, 0).round(1)",
		"%resource.item.where(linkId='q1').answer.value.code in ('1' | '2')", "%questionnaire.item.where(linkId = 'q1').answerOption.value.where(code='1').display & 'x\\'y'", "1.5.ln().exp().toString()",
	} {
		f.Add(expression)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		quoted, err := json.Marshal(expression)
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range []string{"decimal", "boolean", "string"} {
			data := computing(typ, string(quoted[1:len(quoted)-1]))
			data = strings.Replace(data, `"extension":[`, `"extension":[`+variables("n=%resource.item.where(linkId='n').answer.value")+",", 1)
			form, err := intake.Publish(nil, []byte(data))
			if err != nil {
				continue
			}
			r := respond(t, chosen("q1", "2")+","+whole("n", 7)+","+group("r", whole("y", 4))+","+group("r", whole("y", 5)))
			first := form.Check(r).Response
			if again, err := intake.Load(form.JSON()); err != nil || !again.Check(first).Response.Equal(first) {
				t.Fatalf("another value of %s, or %v", expression, explain(err))
			}
		}
	})
}
