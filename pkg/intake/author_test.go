package intake_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// written is a questionnaire with the given members beside those that every one has, and
// the given items.
func written(members, items string) string {
	if members != "" {
		members += ","
	}
	return `{"resourceType":"Questionnaire","id":"written","url":"https://example.org/fhir/Questionnaire/written","version":"1",
"title":"Written","status":"draft",` + members + `"extension":[{"url":"https://example.org/fhir/StructureDefinition/evisit-billing-class","valueCode":"em"}],
"item":[` + items + `]}`
}

// asked publishes a questionnaire of the items.
func asked(t testing.TB, items string) *intake.Form {
	t.Helper()
	return alone(t, written("", items))
}

func alone(t testing.TB, data string) *intake.Form {
	t.Helper()
	f, err := intake.Publish(nil, []byte(data))
	if err != nil {
		t.Fatal(explain(err))
	}
	return f
}

// refusals are the places and codes of what keeps a questionnaire from being published.
func refusals(t testing.TB, data string) []string {
	t.Helper()
	_, err := intake.Publish(nil, []byte(data))
	if err == nil {
		return nil
	}
	f, ok := fault.Public(err)
	if !ok {
		t.Fatal(err)
	}
	return places(f.Problems)
}

// wantRefused publishes written questionnaires, each of which must be refused for just
// what it names; nothing means that it is accepted.
func wantRefused(t *testing.T, tests map[string]struct{ data, want string }) {
	t.Helper()
	for name, tt := range tests {
		if got := strings.Join(refusals(t, tt.data), ", "); got != tt.want {
			t.Errorf("%s: refused for %q, want %q", name, got, tt.want)
		}
	}
}

const one = `{"linkId":"a","type":"string","text":"A?"}`

// ext is an extension, with its value, in a list of one.
func ext(url, value string) string { return `"extension":[{"url":"` + url + `",` + value + `}]` }

const (
	hl7 = "http://hl7.org/fhir/StructureDefinition/"
	sdc = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
)

// Every problem of the structure is named by JSON pointer, beside those of the form.
func TestParse_NamesEveryPlace(t *testing.T) {
	t.Parallel()
	item := func(members string) string {
		return written("", `{"linkId":"a","type":"string","text":"A?",`+members+`}`)
	}
	wantRefused(t, map[string]struct{ data, want string }{
		"nothing wrong":                   {written("", one), ""},
		"a list":                          {`[]`, " type, resourceType type, id required, url required, version required, title required, status required, item required, evisit-billing-class option"},
		"a member that there is not":      {written(`"statuss":"draft"`, one), "/statuss unknown"},
		"a member in capitals":            {item(`"Required":true`), "/item/0/Required unknown"},
		"a member of a later FHIR":        {item(`"disabledDisplay":"hidden"`), "/item/0/disabledDisplay unknown"},
		"a number for a text":             {item(`"prefix":1`), "/item/0/prefix type"},
		"a text for a number":             {item(`"maxLength":"3"`), "/item/0/maxLength type"},
		"a fraction for a whole number":   {item(`"maxLength":3.5`), "/item/0/maxLength type"},
		"a text for a boolean":            {item(`"required":"true"`), "/item/0/required type"},
		"an object for a list":            {item(`"code":{"code":"x"}`), "/item/0/code type"},
		"a text for an object":            {item(`"code":["x"]`), "/item/0/code/0 type"},
		"an empty list":                   {item(`"extension":[]`), "/item/0/extension type"},
		"null":                            {item(`"prefix":null`), "/item/0/prefix type"},
		"several":                         {item(`"prefix":1,"maxLength":"3","enableWhen":[{"question":"a","operator":"=","answer":1}]`), "/item/0/prefix type, /item/0/maxLength type, /item/0/enableWhen/0/answer unknown, a enableWhen"},
		"a modifierExtension":             {item(`"modifierExtension":[{"url":"x","valueBoolean":true}]`), "/item/0/modifierExtension modifier"},
		"a modifierExtension of the form": {written(`"modifierExtension":[{"url":"x","valueBoolean":true}]`, one), "/modifierExtension modifier"},
		"rules that are implicit":         {written(`"implicitRules":"https://example.org/rules"`, one), "/implicitRules modifier"},
		"an expression that decides":      {item(ext(sdc+"enableWhenExpression", `"valueExpression":{"language":"text/fhirpath","expression":"true"}`)), "/item/0/extension/0 extension"},
		"an expression beside a value":    {item(`"_required":{` + ext(hl7+"cqf-expression", `"valueExpression":{"language":"text/cql","expression":"x"}`) + `}`), "/item/0/_required extension"},
		"an adaptive form":                {strings.Replace(written("", one), `"extension":[`, `"extension":[{"url":"`+sdc+`questionnaireAdaptive","valueBoolean":true},`, 1), "/extension/0 extension"},
		"a form that is not adaptive":     {strings.Replace(written("", one), `"extension":[`, `"extension":[{"url":"`+sdc+`questionnaireAdaptive","valueBoolean":false},`, 1), ""},
		"a question shown afterwards":     {item(ext(hl7+"questionnaire-usageMode", `"valueCode":"display"`)), "/item/0/extension/0 extension"},
		"a question shown afterwards too": {item(ext(hl7+"questionnaire-usageMode", `"valueCode":"capture-display"`)), ""},
		"a picture":                       {item(ext(sdc+"itemMedia", `"valueAttachment":{"url":"https://example.org/a.png"}`)), "/item/0/extension/0 extension"},
		"two values of one extension":     {item(ext(hl7+"entryFormat", `"valueString":"x","valueUrl":"y"`)), "a extension"},
	})
}

// What changes nothing here is written as its author wrote it: in the form as served, in
// the form as stored and loaded, and with the same words.
func TestCompose_KeepsWhatItDoesNotEvaluate(t *testing.T) {
	t.Parallel()
	data := written(`"meta":{"profile":["https://example.org/p"],"tag":[{"code":"<x> & y"}]},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">A &lt; B</div>"},
"identifier":[{"system":"urn:x","value":"1.50"}],"contact":[{"name":"Ann","telecom":[{"system":"phone","value":"1"}]}],"jurisdiction":[{"coding":[{"code":"US"}]}],
"useContext":[{"code":{"code":"focus"},"valueCodeableConcept":{"text":"x"}}],"effectivePeriod":{"start":"2026-01-01"},"code":[{"system":"s","code":"c","version":"2"}],"_title":{"id":"t"}`,
		`{"linkId":"a","id":"i1","definition":"https://example.org/d#x","type":"string","text":"A?","_text":{`+ext(hl7+"rendering-style", `"valueString":"color: red"`)+`},
"code":[{"system":"s","code":"q","version":"3","userSelected":true}],
"extension":[{"url":"https://example.com/mine","valuePositiveInt":3,"id":"e"},{"url":"https://example.com/deep","extension":[{"url":"x","valueUrl":"y"}]},{"url":"`+hl7+`questionnaire-supportLink","valueUri":"https://example.org/help"}]}`)
	f := alone(t, data)
	want, got := tree(t, []byte(data)), tree(t, f.JSON())
	item := got["item"].([]any)[0].(map[string]any)
	extensions := item["extension"].([]any)
	if last := extensions[len(extensions)-1].(map[string]any); last["url"] != "https://example.org/fhir/StructureDefinition/evisit-page" {
		t.Errorf("the item ends with %v, not with its page", last)
	}
	item["extension"] = extensions[:len(extensions)-1]
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("served otherwise than written (-want +got):\n%s", d)
	}
	again, err := intake.Load(f.JSON())
	if err != nil {
		t.Fatal(explain(err))
	}
	if again.Hash() != f.Hash() {
		t.Error("storing changed the form")
	}
}

func tree(t *testing.T, data []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// A text that is no questionnaire at all says where it goes wrong.
func TestParse_SaysWhyItCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ data, want string }{
		"a comma too many":   {`{"resourceType":"Questionnaire",}`, "invalid character '}'"},
		"a member twice":     {`{"status":"draft","status":"active"}`, "given twice"},
		"nested too deep":    {strings.Repeat(`{"item":[`, 100) + strings.Repeat(`]}`, 100), "deeper than"},
		"not UTF-8":          {"{\"title\":\"\xff\"}", "UTF-8"},
		"more than one":      {`{} {}`, "invalid character '{'"},
		"nothing whatsoever": {``, "unexpected end"},
	} {
		_, err := intake.Parse([]byte(tt.data))
		f, ok := fault.Public(err)
		if !ok || !errors.Is(err, fault.Malformed) || !strings.Contains(f.Text, tt.want) {
			t.Errorf("%s: %v, want malformed with %q", name, explain(err), tt.want)
		}
	}
}

// Where a form is asked otherwise than its author may expect, the author is told.
func TestRemarks_TellTheAuthor(t *testing.T) {
	t.Parallel()
	const yes = `"answerOption":[{"valueCoding":{"code":"y","display":"Yes"}%s}]`
	picture := func(url, more string) string {
		return `,` + ext(sdc+"itemAnswerMedia", `"valueAttachment":{"url":"`+url+`"`+more+`}`)
	}
	option := func(with string) string {
		return `{"linkId":"a","type":"choice","text":"A?",` + strings.Replace(yes, "%s", with, 1) + `}`
	}
	const codes = `{"resourceType":"CodeSystem","id":"q","url":"https://example.org/q","concept":[{"code":"g","concept":[{"code":"x","display":"X?"}]},{"code":"y"}]}`
	coded := func(code string) string { return `{"linkId":"a","type":"string","code":[` + code + `]}` }
	constrained := func(severity string) string {
		if severity != "" {
			severity = `{"url":"severity","valueCode":"` + severity + `"},`
		}
		return `{"linkId":"a","type":"string","text":"A?",` + ext(hl7+"targetConstraint", `"extension":[{"url":"key","valueId":"k"},`+severity+
			`{"url":"expression","valueExpression":{"language":"text/fhirpath","expression":"true"}},{"url":"human","valueString":"Say more."}]`) + `}`
	}
	for name, tt := range map[string]struct{ item, remarks, refused, text string }{
		"nothing":                      {one, "", "", "A?"},
		"a picture beside words":       {option(picture("https://example.org/A.PNG", "")), "a picture", "", "A?"},
		"a picture by its kind":        {option(picture("https://example.org/a", `,"contentType":"image/png"`)), "a picture", "", "A?"},
		"a film":                       {option(picture("https://example.org/a.png", `,"contentType":"video/mp4"`)), "", "/item/0/answerOption/0/extension/0 extension", ""},
		"something":                    {option(picture("https://example.org/a", "")), "", "/item/0/answerOption/0/extension/0 extension", ""},
		"a picture alone":              {strings.Replace(option(picture("https://example.org/a.png", "")), `,"display":"Yes"`, "", 1), "", "/item/0/answerOption/0/extension/0 extension", ""},
		"the words of a code":          {coded(`{"code":"z"},{"code":"x","display":"Why?"}`), "a text", "", "Why?"},
		"those of a code system":       {coded(`{"system":"https://example.org/q","code":"x"}`), "a text", "", "X?"},
		"a code without words":         {coded(`{"system":"https://example.org/q","code":"y"}`), "", "a required", ""},
		"a code of no system known":    {coded(`{"system":"https://example.org/r","code":"x"}`), "", "a required", ""},
		"a warning":                    {constrained("warning"), "a constraint", "", "A?"},
		"an error":                     {constrained("error"), "", "/item/0/extension/0 extension", ""},
		"neither":                      {constrained(""), "", "/item/0/extension/0 extension", ""},
		"a calculation that is locked": {`{"linkId":"a","type":"integer","text":"A","readOnly":true,` + ext(sdc+"calculatedExpression", `"valueExpression":{"language":"text/fhirpath","expression":"1"}`) + `}`, "", "", "A"},
		"one that is not":              {`{"linkId":"a","type":"integer","text":"A",` + ext(sdc+"calculatedExpression", `"valueExpression":{"language":"text/fhirpath","expression":"1"}`) + `}`, "a readonly", "", "A"},
	} {
		f, err := intake.Publish(nil, []byte(written("", tt.item)), []byte(codes))
		if why, ok := fault.Public(err); err != nil && (!ok || strings.Join(places(why.Problems), ", ") != tt.refused) || err == nil && tt.refused != "" {
			t.Errorf("%s: refused for %v, want %q", name, explain(err), tt.refused)
		}
		if err != nil {
			continue
		}
		for _, f := range []*intake.Form{f, loaded(t, f)} {
			if got := strings.Join(places(f.Remarks()), ", "); got != tt.remarks || f.Items()[0].Text != tt.text {
				t.Errorf("%s: %q is remarked, want %q; the text is %q", name, got, tt.remarks, f.Items()[0].Text)
			}
		}
	}
}

// loaded is the form as it is read back.
func loaded(t testing.TB, f *intake.Form) *intake.Form {
	t.Helper()
	again, err := intake.Load(f.JSON())
	if err != nil {
		t.Fatal(explain(err))
	}
	return again
}
