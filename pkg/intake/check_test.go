package intake_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// bare answers the required items of sample, so that a case shows only its own
// answers.
const bare = `{"linkId":"sick","answer":[{"valueBoolean":false}]},` + twoPhotos

const twoPhotos = `{"linkId":"photo","answer":[{"valueAttachment":{"contentType":"image/png","size":10,"url":"a"}},{"valueAttachment":{"contentType":"image/png","size":10,"url":"b"}}]}`

// Check names the place and code of every problem, and each problem has a text.
func TestCheck_Problems(t *testing.T) {
	t.Parallel()
	answer := func(linkID, value string) string {
		return fmt.Sprintf(`{"linkId":%q,"answer":[{%s}]}`, linkID, value)
	}
	med := func(items ...string) string {
		return `{"linkId":"med","item":[` + strings.Join(items, ",") + `]}`
	}
	photo := func(attachment string) string {
		return strings.Replace(bare, `{"contentType":"image/png","size":10,"url":"b"}`, attachment, 1)
	}
	sickThen := func(items string) string {
		return `{"linkId":"sick","answer":[{"valueBoolean":true}]},` + twoPhotos + "," + items
	}
	drug := answer("drug", `"valueString":"a"`)
	tests := map[string]struct {
		items string
		want  []string
	}{
		"nothing answered":                       {"", []string{"sick required", "photo required"}},
		"all that is required":                   {bare, nil},
		"an unknown linkId":                      {bare + "," + answer("sik", `"valueBoolean":true`), []string{"sik unknown"}},
		"an unknown linkId in a row":             {bare + "," + med(drug, answer("dos", `"valueInteger":1`)), []string{"dos unknown"}},
		"an unknown linkId under an answer":      {strings.Replace(bare, "false}", `false,"item":[{"linkId":"x"}]}`, 1), []string{"x unknown"}},
		"an unknown linkId under a disabled one": {bare + `,{"linkId":"temp","item":[{"linkId":"x"}]}`, []string{"x unknown"}},
		"a child outside its group":              {bare + "," + drug, []string{"drug structure"}},
		"a top-level item in a group":            {bare + "," + med(drug, answer("when", `"valueDateTime":"2026-01-01T00:00:00Z"`)), []string{"when structure"}},
		"a question given twice":                 {bare + "," + answer("sick", `"valueBoolean":false`), []string{"sick structure"}},
		"two answers where one is asked": {
			strings.Replace(bare, `{"valueBoolean":false}`, `{"valueBoolean":false},{"valueBoolean":true}`, 1), []string{"sick occurrence"},
		},
		"a group with an answer":       {bare + `,{"linkId":"med","answer":[{"valueBoolean":true}],"item":[` + drug + `]}`, []string{"med structure"}},
		"an echoed display item":       {strings.Replace(bare, "false}]", `false}],"item":[{"linkId":"sick-help","text":"Say yes"}]`, 1), nil},
		"an answered display item":     {strings.Replace(bare, "false}]", `false}],"item":[{"linkId":"sick-help","answer":[{"valueBoolean":true}]}]`, 1), []string{"sick-help structure"}},
		"a text for a boolean":         {answer("sick", `"valueString":"yes"`) + "," + twoPhotos, []string{"sick type"}},
		"a quoted boolean":             {answer("sick", `"valueBoolean":"true"`) + "," + twoPhotos, []string{"sick type"}},
		"an answer without a value":    {`{"linkId":"sick","answer":[{}]},` + twoPhotos, []string{"sick type"}},
		"an empty list of answers":     {`{"linkId":"sick","answer":[]},` + twoPhotos, []string{"sick required"}},
		"answers to disabled items":    {bare + "," + answer("temp", `"valueString":"hot"`) + "," + answer("temp-how", `"valueInteger":1`), nil},
		"an enabled required item":     {sickThen(answer("temp", `"valueDecimal":99`)), []string{"temp-how required"}},
		"equal however it is written":  {sickThen(answer("temp", `"valueDecimal":98.60`)), nil},
		"an exponent":                  {sickThen(answer("temp", `"valueDecimal":9.86e1`)), nil},
		"an integer for a decimal":     {sickThen(answer("temp", `"valueInteger":99`)), []string{"temp type"}},
		"a decimal below its range":    {sickThen(answer("temp", `"valueDecimal":94.999999999999999999`)), []string{"temp range"}},
		"a decimal above its range":    {sickThen(answer("temp", `"valueDecimal":108.0000000000001`)), []string{"temp range"}},
		"a decimal out of all bounds":  {sickThen(answer("temp", `"valueDecimal":1e999999999`)), []string{"temp range"}},
		"an integer in its range":      {bare + "," + med(drug, answer("dose", `"valueInteger":0`)), nil},
		"an integer above its range":   {bare + "," + med(drug, answer("dose", `"valueInteger":101`)), []string{"dose range"}},
		"an integer below its range":   {bare + "," + med(drug, answer("dose", `"valueInteger":-1`)), []string{"dose range"}},
		"an integer beyond 32 bits":    {bare + "," + med(drug, answer("dose", `"valueInteger":99999999999999999999`)), []string{"dose range"}},
		"an integer written 5.0":       {bare + "," + med(drug, answer("dose", `"valueInteger":5.0`)), []string{"dose type"}},
		"a decimal for an integer":     {bare + "," + med(drug, answer("dose", `"valueDecimal":5`)), []string{"dose type"}},
		"a text as long as allowed":    {bare + "," + med(answer("drug", `"valueString":"éééééééééé"`)), nil},
		"a text too long":              {bare + "," + med(answer("drug", `"valueString":"ééééééééééé"`)), []string{"drug length"}},
		"only invisible characters":    {bare + "," + med(answer("drug", `"valueString":"\u200b\u3164"`)), []string{"drug type"}},
		"only spaces":                  {bare + "," + med(answer("drug", `"valueString":" \t "`)), []string{"drug type"}},
		"a control character":          {bare + "," + med(answer("drug", `"valueString":"a\u0000"`)), []string{"drug type"}},
		"a default length":             {bare + "," + med(drug, answer("often", `"valueString":"`+strings.Repeat("x", 1001)+`"`)), []string{"often length"}},
		"an option":                    {bare + "," + answer("signs", `"valueCoding":{"code":"cough"}`), nil},
		"no such option":               {bare + "," + answer("signs", `"valueCoding":{"code":"Cough"}`), []string{"signs option"}},
		"an option of another system":  {bare + "," + answer("signs", `"valueCoding":{"system":"t","code":"cough"}`), []string{"signs option"}},
		"a coding without a code":      {bare + "," + answer("signs", `"valueCoding":{"display":"Cough"}`), []string{"signs type"}},
		"a text for a closed choice":   {bare + "," + answer("signs", `"valueString":"cough"`), []string{"signs type"}},
		"a text for an open choice":    {bare + "," + med(drug, answer("often", `"valueString":"at night"`)), nil},
		"another code for open choice": {bare + "," + med(drug, answer("often", `"valueCoding":{"code":"weekly"}`)), []string{"often option"}},
		"a date":                       {bare + "," + answer("signs", `"valueCoding":{"code":"cough"}`) + "," + answer("signs-since", `"valueDate":"2024-02-29"`), nil},
		"a day that never was":         {bare + "," + answer("signs", `"valueCoding":{"code":"cough"}`) + "," + answer("signs-since", `"valueDate":"2026-02-30"`), []string{"signs-since date"}},
		"a month alone":                {bare + "," + answer("signs", `"valueCoding":{"code":"cough"}`) + "," + answer("signs-since", `"valueDate":"2026-02"`), []string{"signs-since date"}},
		"a date as text":               {bare + "," + answer("signs", `"valueCoding":{"code":"cough"}`) + "," + answer("signs-since", `"valueString":"2026-02-03"`), []string{"signs-since type"}},
		"an instant":                   {bare + "," + answer("when", `"valueDateTime":"2026-02-03T23:59:59.5-05:00"`), nil},
		"an instant without zone":      {bare + "," + answer("when", `"valueDateTime":"2026-02-03T23:59:59"`), []string{"when date"}},
		"an hour that never was":       {bare + "," + answer("when", `"valueDateTime":"2026-02-03T24:00:00Z"`), []string{"when date"}},
		"a day alone for an instant":   {bare + "," + answer("when", `"valueDateTime":"2026-02-03"`), []string{"when date"}},
		"a zone that never was":        {bare + "," + answer("when", `"valueDateTime":"2026-02-03T10:00:00+15:00"`), []string{"when date"}},
		"too few files":                {`{"linkId":"sick","answer":[{"valueBoolean":false}]},` + answer("photo", `"valueAttachment":{"contentType":"image/png"}`), []string{"photo incomplete"}},
		"too many files":               {strings.Replace(bare, `"answer":[{"valueAtt`, `"answer":[{"valueAttachment":{"contentType":"image/png"}},{"valueAttachment":{"contentType":"image/png"}},{"valueAtt`, 1), []string{"photo occurrence"}},
		"a file of another type":       {photo(`{"contentType":"image/gif"}`), []string{"photo attachment"}},
		"a file of no type":            {photo(`{"url":"b"}`), []string{"photo attachment"}},
		"a file as large as allowed":   {photo(`{"contentType":"image/PNG","size":1048576}`), nil},
		"a file too large":             {photo(`{"contentType":"image/png","size":1048577}`), []string{"photo attachment"}},
		"a file of negative size":      {photo(`{"contentType":"image/png","size":-1}`), []string{"photo type"}},
		"data that is not base64":      {photo(`{"contentType":"image/png","data":"%%"}`), []string{"photo attachment"}},
		"data of another size":         {photo(`{"contentType":"image/png","data":"aGVsbG8=","size":4}`), []string{"photo attachment"}},
		"data within its size":         {photo(`{"contentType":"image/png","data":"aGVsbG8=","size":5}`), nil},
		"a member no attachment has":   {photo(`{"contentType":"image/png","colour":"red"}`), []string{"photo type"}},
		"an empty row":                 {bare + `,{"linkId":"med"}`, nil},
		"required in each row":         {bare + "," + med(drug) + "," + med(answer("dose", `"valueInteger":1`)), []string{"drug required"}},
		"too many rows":                {bare + strings.Repeat(","+med(drug), 4), []string{"med occurrence"}},
		"enabled in its own row only":  {bare + "," + med(drug, answer("dose", `"valueInteger":60`), answer("why", `"valueString":"pain"`)) + "," + med(drug, answer("dose", `"valueInteger":5`)), nil},
		"enabled by its own row":       {bare + "," + med(drug, answer("dose", `"valueInteger":5`)) + "," + med(drug, answer("dose", `"valueInteger":60`)), []string{"why required"}},
		"a forged total":               {bare + "," + answer("score", `"valueInteger":99`), nil},
		"a total of any type":          {bare + "," + answer("score", `"valueString":"high"`), nil},
		"everything at once": {
			answer("x", `"valueBoolean":true`) + "," + answer("sick", `"valueInteger":1`) + "," + med(answer("dose", `"valueInteger":500`)) + "," + answer("when", `"valueDateTime":"now"`),
			[]string{"x unknown", "sick type", "dose range", "drug required", "when date", "photo required"},
		},
	}
	f := sample(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.want == nil {
				tt.want = []string{}
			}
			res := f.Check(respond(t, tt.items))
			if d := cmp.Diff(tt.want, places(res.Problems)); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
			for _, p := range res.Problems {
				if p.Text == "" {
					t.Errorf("the problem of %s does not say what would be right", p.Where)
				}
			}
		})
	}
}

// Several enableWhen conditions enable an item by any or by all of them.
func TestCheck_EnableBehavior(t *testing.T) {
	t.Parallel()
	f := sample(t)
	for _, tt := range []struct{ sick, cough, either, both bool }{
		{false, false, false, false}, {true, false, true, false}, {false, true, true, false}, {true, true, true, true},
	} {
		signs := intake.Ask("signs", intake.Code(intake.Coding{Code: "none"}))
		if tt.cough {
			signs = intake.Ask("signs", intake.Code(intake.Coding{Code: "cough"}))
		}
		res := f.Check(intake.Response{Items: []intake.Entry{intake.Ask("sick", intake.Boolean(tt.sick)), signs}})
		if res.Enabled("either") != tt.either || res.Enabled("both") != tt.both {
			t.Errorf("sick %v, cough %v: either is %v, both is %v", tt.sick, tt.cough, res.Enabled("either"), res.Enabled("both"))
		}
		if res.Enabled("nothing") {
			t.Error("an item that does not exist is enabled")
		}
	}
}

func TestCheck_ProblemOutsideRowNamesNoRow(t *testing.T) {
	t.Parallel()
	res := sample(t).Check(respond(t, twoPhotos))
	if len(res.Problems) != 1 || res.Problems[0].Text != "Answer yes or no." {
		t.Errorf("problems: %+v", res.Problems)
	}
}

func TestCheck_ProblemNamesItsRow(t *testing.T) {
	t.Parallel()
	row := `{"linkId":"med","item":[{"linkId":"drug","answer":[{"valueString":"a"}]},{"linkId":"dose","answer":[{"valueInteger":%d}]}]}`
	res := sample(t).Check(respond(t, bare+","+fmt.Sprintf(row, 1)+","+fmt.Sprintf(row, 999)))
	if len(res.Problems) != 1 || res.Problems[0].Text != "Row 2: Give a number from 0 to 100." {
		t.Errorf("problems: %+v", res.Problems)
	}
}

// The valid answers decide which rules fire, and the highest rule decides the
// disposition.
func TestCheck_Rules(t *testing.T) {
	t.Parallel()
	sick := func(temp string) string {
		return `{"linkId":"sick","answer":[{"valueBoolean":true}]},{"linkId":"temp","answer":[{"valueDecimal":` + temp + `}]}`
	}
	tests := map[string]struct {
		items       string
		disposition intake.Disposition
		fired       []string
	}{
		"at the threshold":                  {sick("104.50"), intake.Emergency, []string{"hot"}},
		"just below it":                     {sick("104.4999999999999"), intake.Continue, nil},
		"out of range never feeds a rule":   {sick("700"), intake.Continue, nil},
		"a hidden answer never diverts":     {strings.Replace(sick("105"), "true", "false", 1), intake.Continue, nil},
		"an invalid answer enables nothing": {strings.Replace(sick("105"), "true", `"true"`, 1), intake.Continue, nil},
		"two answers to one question feed nothing": {
			`{"linkId":"sick","answer":[{"valueBoolean":true}]},{"linkId":"temp","answer":[{"valueDecimal":105},{"valueDecimal":99}]}`, intake.Continue, nil,
		},
		"conditions met in different rows": {
			`{"linkId":"med","item":[{"linkId":"dose","answer":[{"valueInteger":51}]}]},{"linkId":"med","item":[{"linkId":"often","answer":[{"valueCoding":{"code":"hourly"}}]}]}`,
			intake.Urgent,
			[]string{"two-rows"},
		},
		"a row too many still counts": {
			strings.Repeat(`{"linkId":"med"},`, 4) + `{"linkId":"med","item":[{"linkId":"dose","answer":[{"valueInteger":51}]},{"linkId":"often","answer":[{"valueCoding":{"code":"hourly"}}]}]}`,
			intake.Urgent,
			[]string{"two-rows"},
		},
		"one of all conditions": {`{"linkId":"med","item":[{"linkId":"dose","answer":[{"valueInteger":51}]}]}`, intake.Continue, nil},
		"a flag does not stop": {
			`{"linkId":"s-1","answer":[{"valueCoding":{"code":"yes"}}]},{"linkId":"s-2","answer":[{"valueCoding":{"code":"yes"}}]}`, intake.Continue, []string{"high-score"},
		},
		"the forged total does not count": {
			`{"linkId":"s-1","answer":[{"valueCoding":{"code":"yes"}}]},{"linkId":"score","answer":[{"valueInteger":9}]}`, intake.Continue, nil,
		},
		"the highest decides, all are recorded": {
			`{"linkId":"consent-ack","answer":[{"valueBoolean":false}]},` + sick("105"), intake.Emergency, []string{"hot", "no-consent"},
		},
		"a diversion beside errors": {sick("105") + `,{"linkId":"when","answer":[{"valueInteger":1}]}`, intake.Emergency, []string{"hot"}},
	}
	f := sample(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.fired == nil {
				tt.fired = []string{}
			}
			res := f.Check(respond(t, tt.items))
			if res.Disposition != tt.disposition || res.Diverts() != (tt.disposition != intake.Continue) {
				t.Errorf("disposition is %s, want %s", res.Disposition, tt.disposition)
			}
			if d := cmp.Diff(tt.fired, ids(res.Fired)); d != "" {
				t.Errorf("fired (-want +got):\n%s", d)
			}
		})
	}
}

// The operator != holds only if a valid answer differs; no answer does not differ.
func TestCheck_NotEqual(t *testing.T) {
	t.Parallel()
	f := sample(t)
	tests := map[string]struct {
		codes []string
		want  bool
	}{
		"no answer":       {nil, false},
		"the same":        {[]string{"none"}, false},
		"another":         {[]string{"cough"}, true},
		"one of them":     {[]string{"none", "cough"}, true},
		"an invalid one":  {[]string{"fever"}, false},
		"valid and wrong": {[]string{"fever", "cough"}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := intake.Ask("signs")
			for _, c := range tt.codes {
				e.Answers = append(e.Answers, intake.Answer{Value: intake.Code(intake.Coding{Code: c})})
			}
			res := f.Check(intake.Response{Items: []intake.Entry{e}})
			if got := res.Enabled("signs-since"); got != tt.want {
				t.Errorf("enabled is %v, want %v", got, tt.want)
			}
		})
	}
}

// The response that Check keeps for storing is in the form's order, has the form's
// codings and totals, and has no answers to disabled items.
func TestCheck_KeptResponse(t *testing.T) {
	t.Parallel()
	given := `{"linkId":"score","answer":[{"valueInteger":99}]},
{"linkId":"s-2","answer":[{"valueCoding":{"code":"no","display":"Yes!"}}]},
{"linkId":"s-1","answer":[{"valueCoding":{"code":"yes"}}]},
{"linkId":"temp","answer":[{"valueDecimal":99.10}]},
{"linkId":"sick","item":[{"linkId":"sick-help"}],"answer":[{"valueBoolean":true}]},
{"linkId":"temp-how","answer":[]},
{"linkId":"signs-since","answer":[{"valueDate":"2026-01-01"}]}`
	want := `{"resourceType":"QuestionnaireResponse","item":[` +
		`{"linkId":"sick","answer":[{"valueBoolean":true}]},` +
		`{"linkId":"temp","answer":[{"valueDecimal":99.10}]},` +
		`{"linkId":"s-1","answer":[{"valueCoding":{"system":"s","code":"yes","display":"Yes"}}]},` +
		`{"linkId":"s-2","answer":[{"valueCoding":{"system":"s","code":"no","display":"No"}}]},` +
		`{"linkId":"score","answer":[{"valueInteger":2}]}]}`
	got, err := json.Marshal(sample(t).Check(respond(t, given)).Response)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
}

// Missing returns unanswered items and Wrong returns wrong answers.
func TestResult_MissingAndWrong(t *testing.T) {
	t.Parallel()
	res := sample(t).Check(respond(t, `{"linkId":"when","answer":[{"valueBoolean":true}]},{"linkId":"photo","answer":[{"valueAttachment":{"contentType":"image/png"}}]}`))
	if d := cmp.Diff([]string{"sick required", "photo incomplete"}, places(res.Missing())); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"when type"}, places(res.Wrong())); d != "" {
		t.Errorf("wrong (-want +got):\n%s", d)
	}
}

func TestCheck_OtherForm(t *testing.T) {
	t.Parallel()
	f := sample(t)
	const url = "https://example.org/fhir/Questionnaire/sample"
	for canonical, ok := range map[string]bool{
		"":                    true,
		url:                   true,
		f.Canonical():         true,
		url + "|1-common-2":   true,
		url + "|1":            false, // the protocol alone, which is another questionnaire
		url + "|2":            false,
		url + "|":             false,
		url + "|1-common-3":   false,
		"https://other.org/q": false,
	} {
		res := f.Check(intake.Response{Questionnaire: canonical})
		if got := len(res.Wrong()) == 0; got != ok {
			t.Errorf("%q accepted is %v, want %v", canonical, got, ok)
		}
		if err := f.Accepts(canonical); (err == nil) != ok || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", canonical, err)
		}
	}
}

// Every type that holds answers prints as [redacted].
func TestAnswers_PrintRedacted(t *testing.T) {
	t.Parallel()
	r := respond(t, bare)
	file, _ := r.Answers("photo")[0].File()
	res := sample(t).Check(r)
	for _, v := range []any{r, r.Items[0], r.Items[0].Answers[0], r.Answers("sick")[0], file, res, intake.Derived{Text: "x"}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if got := fmt.Sprintf(verb, v); got != "[redacted]" {
				t.Errorf("%T prints as %s", v, got)
			}
		}
	}
}
