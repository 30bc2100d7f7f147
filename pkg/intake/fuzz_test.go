package intake_test

import (
	"testing"

	"evisit/pkg/intake"
)

// A response that can be parsed can be checked, and the kept response can be
// stored, parsed again and checked with the same outcome.
func FuzzParseResponse(f *testing.F) {
	forms := []*intake.Form{sample(f), asked(f, underAnswers)}
	f.Add([]byte(`{"item":[` + under("a", `"valueBoolean":true`, whole("b", 1), group("g", under("c", `"valueString":"x"`, words("d", "y")))) + `]}`))
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
