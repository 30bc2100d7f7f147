package library_test

import (
	"encoding/json"
	"testing"

	"evisit/pkg/intake"
)

// completeUTI is the complete and valid response of a woman with a simple infection.
const completeUTI = `{"resourceType":"QuestionnaireResponse","status":"completed","item":[
{"linkId":"emergency-ack","answer":[{"valueBoolean":true}]},
{"linkId":"completed-by","answer":[{"valueCoding":{"code":"self"}}]},
{"linkId":"location-state","answer":[{"valueCoding":{"code":"TX"}}]},
{"linkId":"language","answer":[{"valueCoding":{"code":"en"}}]},
{"linkId":"callback-phone","answer":[{"valueString":"+1 512 555 0100"}]},
{"linkId":"seen-7d","answer":[{"valueBoolean":false}]},
{"linkId":"surgery-90d","answer":[{"valueBoolean":false}]},
{"linkId":"accident","answer":[{"valueBoolean":false}]},
{"linkId":"pregnant","answer":[{"valueCoding":{"code":"no"}}]},
{"linkId":"allergies","item":[{"linkId":"allergy-none","answer":[{"valueBoolean":false}]},
 {"linkId":"allergy","item":[{"linkId":"allergy-drug","answer":[{"valueString":"penicillin"}]},{"linkId":"allergy-reaction","answer":[{"valueCoding":{"code":"hives"}}]}]},
 {"linkId":"allergy","item":[{"linkId":"allergy-drug","answer":[{"valueString":"codeine"}]},{"linkId":"allergy-reaction","answer":[{"valueString":"very sleepy"}]}]}]},
{"linkId":"medications","answer":[{"valueString":"none"}]},
{"linkId":"conditions","answer":[{"valueCoding":{"code":"none"}}]},
{"linkId":"pharmacy","answer":[{"valueString":"Main Street Drugs, 78701"}]},
{"linkId":"payment-route","answer":[{"valueCoding":{"code":"self-pay"}}]},
{"linkId":"uti-onset","answer":[{"valueInteger":2}]},
{"linkId":"uti-sx","answer":[{"valueCoding":{"code":"burning"}},{"valueCoding":{"code":"frequency"}}]},
{"linkId":"uti-fever","answer":[{"valueBoolean":false}]},
{"linkId":"uti-temp","answer":[{"valueDecimal":98.6}]},
{"linkId":"uti-flank","answer":[{"valueBoolean":false}]},
{"linkId":"uti-vomit","answer":[{"valueBoolean":false}]},
{"linkId":"uti-confused","answer":[{"valueBoolean":false}]},
{"linkId":"uti-retention","answer":[{"valueBoolean":false}]},
{"linkId":"uti-discharge","answer":[{"valueBoolean":false}]},
{"linkId":"uti-sti","answer":[{"valueBoolean":false}]},
{"linkId":"uti-catheter","answer":[{"valueBoolean":false}]},
{"linkId":"uti-kidney","answer":[{"valueBoolean":false}]},
{"linkId":"uti-count","answer":[{"valueInteger":1}]},
{"linkId":"uti-abx","answer":[{"valueBoolean":false}]},
{"linkId":"fee-ack","answer":[{"valueBoolean":true}]},
{"linkId":"consent-ack","answer":[{"valueBoolean":true}]}]}`

func uti(t testing.TB) (*intake.Form, intake.Response) {
	t.Helper()
	r, err := intake.ParseResponse([]byte(completeUTI))
	if err != nil {
		t.Fatal(err)
	}
	return form(t, "uti-women"), r
}

// A complete response has no problems, fires no rule and is not diverted.
func TestForms_CompleteResponseContinues(t *testing.T) {
	t.Parallel()
	f, r := uti(t)
	res := f.Check(r)
	if res.Diverts() || len(res.Problems) > 0 || len(res.Fired) > 0 {
		t.Errorf("disposition %s, fired %v, problems %+v", res.Disposition, res.Fired, res.Problems)
	}
	if n := len(res.Response.Answers("uti-temp")); n > 0 {
		t.Error("a temperature was kept although there is no fever")
	}
}

func BenchmarkCheck(b *testing.B) {
	f, r := uti(b)
	b.ReportAllocs()
	for b.Loop() {
		if f.Check(r).Diverts() {
			b.Fatal("diverted")
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := intake.ParseResponse([]byte(completeUTI)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalResponse(b *testing.B) {
	_, r := uti(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(r); err != nil {
			b.Fatal(err)
		}
	}
}
