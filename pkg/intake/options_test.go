package intake_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// wantAnswers checks answers to the question a of a form, each an answer's value in JSON.
func wantAnswers(t *testing.T, f *intake.Form, tests map[string]struct{ value, want string }) {
	t.Helper()
	for name, tt := range tests {
		res := f.Check(respond(t, answer("a", tt.value)))
		if got := strings.Join(places(res.Problems), ", "); got != tt.want {
			t.Errorf("%s: problems %q, want %q", name, got, tt.want)
		}
	}
}

func ask(typ, members string) string {
	return fmt.Sprintf(`{"linkId":"a","type":%q,"text":"A?",%s}`, typ, members)
}

// A choice may be among numbers, texts, days, times or codings, and is answered by one
// of them as it is written.
func TestOptions_OfEveryKind(t *testing.T) {
	t.Parallel()
	numbers := asked(t, ask("choice", `"answerOption":[{"valueInteger":1},{"valueInteger":20}]`))
	wantAnswers(t, numbers, map[string]struct{ value, want string }{
		"one of them":      {`"valueInteger":20`, ""},
		"another":          {`"valueInteger":2`, "a option"},
		"a text like one":  {`"valueString":"20"`, "a type"},
		"a coding":         {`"valueCoding":{"code":"20"}`, "a type"},
		"no number at all": {`"valueInteger":"20"`, "a type"},
	})
	texts := asked(t, ask("choice", `"answerOption":[{"valueString":"Yes, daily"},{"valueString":"no"}]`))
	wantAnswers(t, texts, map[string]struct{ value, want string }{
		"one of them":         {`"valueString":"Yes, daily"`, ""},
		"in other letters":    {`"valueString":"No"`, "a option"},
		"a coding like it":    {`"valueCoding":{"code":"no"}`, "a type"},
		"a text of one's own": {`"valueString":"sometimes"`, "a option"},
	})
	open := asked(t, ask("open-choice", `"answerOption":[{"valueString":"Yes, daily"},{"valueString":"no"}]`))
	wantAnswers(t, open, map[string]struct{ value, want string }{
		"one of them":         {`"valueString":"no"`, ""},
		"a text of one's own": {`"valueString":"sometimes"`, ""},
		"only spaces":         {`"valueString":" "`, "a type"},
	})
	days := asked(t, ask("choice", `"answerOption":[{"valueDate":"2026-01-01"},{"valueDate":"2026-07-04"}]`))
	wantAnswers(t, days, map[string]struct{ value, want string }{
		"one of them": {`"valueDate":"2026-07-04"`, ""},
		"another":     {`"valueDate":"2026-07-05"`, "a option"},
	})
	times := asked(t, ask("choice", `"answerOption":[{"valueTime":"08:00:00"},{"valueTime":"20:00:00"}]`))
	wantAnswers(t, times, map[string]struct{ value, want string }{
		"one of them": {`"valueTime":"20:00:00"`, ""},
		"another":     {`"valueTime":"21:00:00"`, "a option"},
	})
	it, _ := numbers.Item("a")
	if o := it.Options[1]; o.Key != "20" || o.Display != "20" || o.Code != "" || !o.Value.Equal(intake.Integer(20)) {
		t.Errorf("the second option: %q %q", o.Key, o.Display)
	}
}

// A question of text, numbers, days or times with options is a choice among them.
func TestOptions_OfOtherTypesThanChoice(t *testing.T) {
	t.Parallel()
	for typ, tt := range map[string]struct{ options, good, other string }{
		"string":  {`{"valueString":"9 to 10"},{"valueString":"10 to 11"}`, `"valueString":"9 to 10"`, `"valueString":"noon"`},
		"text":    {`{"valueString":"a"},{"valueString":"b"}`, `"valueString":"b"`, `"valueString":"c"`},
		"integer": {`{"valueInteger":1},{"valueInteger":2}`, `"valueInteger":2`, `"valueInteger":3`},
		"date":    {`{"valueDate":"2026-01-01"},{"valueDate":"2026-07-04"}`, `"valueDate":"2026-01-01"`, `"valueDate":"2026-01-02"`},
		"time":    {`{"valueTime":"08:00:00"},{"valueTime":"09:00:00"}`, `"valueTime":"08:00:00"`, `"valueTime":"10:00:00"`},
	} {
		wantAnswers(t, asked(t, ask(typ, `"answerOption":[`+tt.options+`]`)), map[string]struct{ value, want string }{
			typ + ", one of them": {tt.good, ""}, typ + ", another": {tt.other, "a option"},
		})
	}
}

func TestOptions_Refused(t *testing.T) {
	t.Parallel()
	wantRefused(t, map[string]struct{ data, want string }{
		"no value":           {written("", ask("choice", `"answerOption":[{"valueString":"x"},{"initialSelected":true}]`)), "a option"},
		"two values":         {written("", ask("choice", `"answerOption":[{"valueString":"x","valueInteger":1}]`)), "a option, a option"},
		"two kinds":          {written("", ask("choice", `"answerOption":[{"valueString":"x"},{"valueInteger":1}]`)), "a option"},
		"a reference":        {written("", ask("choice", `"answerOption":[{"valueReference":{"reference":"Patient/1"}}]`)), "a option, a option"},
		"twice":              {written("", ask("choice", `"answerOption":[{"valueString":"x"},{"valueString":"x"}]`)), "a option"},
		"a day there is not": {written("", ask("choice", `"answerOption":[{"valueDate":"2026-02-30"}]`)), "a option, a option"},
		"a fraction":         {written("", ask("choice", `"answerOption":[{"valueInteger":1.5}]`)), "a option, a option"},
		"codes of a text":    {written("", ask("string", `"answerOption":[{"valueCoding":{"code":"x","display":"X"}}]`)), "a option"},
		"texts of a number":  {written("", ask("integer", `"answerOption":[{"valueString":"x"}]`)), "a option"},
		"too many":           {written("", ask("choice", `"answerOption":[`+many(1001)+`]`)), "a option"},
		"as many as may be":  {written("", ask("choice", `"answerOption":[`+many(1000)+`]`)), ""},
		"options and a set":  {written("", ask("choice", `"answerOption":[{"valueString":"x"}],"answerValueSet":"#x"`)), "/item/0/answerValueSet option"},
		"two of one id":      {written(`"contained":[`+set("v", compose(ab))+`,`+set("v", compose(ab))+`]`, one), "contained unique"},
		"a set that is not":  {written("", ask("choice", `"answerValueSet":"#x"`)), "/item/0/answerValueSet valueSet"},
		"a set of a text":    {written("", ask("text", `"answerValueSet":"#x"`)), "/item/0/answerValueSet option"},
	})
}

func many(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"valueInteger":%d}`, i)
	}
	return strings.Join(all, ",")
}

// set is a ValueSet, contained or handed in, with the members given.
func set(id, members string) string {
	return `{"resourceType":"ValueSet","id":"` + id + `","url":"https://example.org/vs/` + id + `","version":"1",` + members + `}`
}

func compose(includes ...string) string {
	return `"compose":{"include":[` + strings.Join(includes, ",") + `]}`
}

const ab = `{"system":"s","concept":[{"code":"a","display":"A"},{"code":"b"}]}`

func codes(t *testing.T, data string, definitions ...string) (string, error) {
	t.Helper()
	var beside [][]byte
	for _, d := range definitions {
		beside = append(beside, []byte(d))
	}
	f, err := intake.Publish(nil, []byte(data), beside...)
	if err != nil {
		return "", err
	}
	again, err := intake.Load(f.JSON())
	if err != nil {
		t.Fatal("loading what was published:", explain(err))
	}
	it, _ := again.Item("a")
	found := make([]string, 0, len(it.Options))
	for _, o := range it.Options {
		found = append(found, strings.TrimSuffix(o.System+"|"+o.Code+" "+o.Display, " "))
	}
	return strings.Join(found, ", "), nil
}

// A value set is found in the form, or among what is handed in with it, and then belongs
// to the form.
func TestValueSet_Expanded(t *testing.T) {
	t.Parallel()
	ref := func(s string) string { return ask("choice", `"answerValueSet":"`+s+`"`) }
	const system = `{"resourceType":"CodeSystem","id":"cs","url":"s","concept":[{"code":"p","display":"P","concept":[{"code":"q","display":"Q"}]},{"code":"r","display":"R"}]}`
	for name, tt := range map[string]struct {
		data   string
		beside []string
		want   string
	}{
		"contained, by id":          {written(`"contained":[`+set("v", compose(ab))+`]`, ref("#v")), nil, "s|a A, s|b b"},
		"contained, by url":         {written(`"contained":[`+set("v", compose(ab))+`]`, ref("https://example.org/vs/v")), nil, "s|a A, s|b b"},
		"of a version":              {written(`"contained":[`+set("v", compose(ab))+`]`, ref("https://example.org/vs/v|1")), nil, "s|a A, s|b b"},
		"handed in":                 {written("", ref("https://example.org/vs/v")), []string{set("v", compose(ab))}, "s|a A, s|b b"},
		"handed in, not needed":     {written("", ref("https://example.org/vs/v")), []string{set("v", compose(ab)), set("w", compose(ab))}, "s|a A, s|b b"},
		"its expansion":             {written(`"contained":[`+set("v", `"expansion":{"total":3,"contains":[{"system":"s","code":"a","display":"A","contains":[{"system":"s","code":"c","display":"C"}]},{"system":"s","code":"x","abstract":true,"contains":[{"system":"s","code":"d"}]}]}`)+`]`, ref("#v")), nil, "s|a A, s|c C, s|d d"},
		"several systems":           {written(`"contained":[`+set("v", compose(ab, `{"system":"t","concept":[{"code":"a","display":"Another"}]}`))+`]`, ref("#v")), nil, "s|a A, s|b b, t|a Another"},
		"a code twice":              {written(`"contained":[`+set("v", compose(ab, ab))+`]`, ref("#v")), nil, "s|a A, s|b b"},
		"another set":               {written(`"contained":[`+set("v", compose(`{"valueSet":["https://example.org/vs/w"]}`))+`,`+set("w", compose(ab))+`]`, ref("#v")), nil, "s|a A, s|b b"},
		"less some":                 {written(`"contained":[`+set("v", `"compose":{"include":[`+ab+`],"exclude":[{"system":"s","concept":[{"code":"a"}]}]}`)+`]`, ref("#v")), nil, "s|b b"},
		"a whole code system":       {written("", ref("https://example.org/vs/v")), []string{set("v", compose(`{"system":"s"}`)), system}, "s|p P, s|q Q, s|r R"},
		"of an open choice":         {written(`"contained":[`+set("v", compose(ab))+`]`, ask("open-choice", `"answerValueSet":"#v"`)), nil, "s|a A, s|b b"},
		"beside resources not read": {written(`"contained":[{"resourceType":"Patient","id":"p"},`+set("v", compose(ab))+`]`, ref("#v")), nil, "s|a A, s|b b"},
	} {
		got, err := codes(t, tt.data, tt.beside...)
		if err != nil || got != tt.want {
			t.Errorf("%s: %q %v, want %q", name, got, explain(err), tt.want)
		}
	}
}

func TestValueSet_Refused(t *testing.T) {
	t.Parallel()
	chain := func(n int, last string) string {
		var all []string
		for i := range n {
			all = append(all, set(fmt.Sprint("c", i), compose(fmt.Sprintf(`{"valueSet":["#c%d"]},{"valueSet":["#c%d"]}`, i+1, i+1))))
		}
		return strings.Join(append(all, set(fmt.Sprint("c", n), compose(last))), ",")
	}
	for name, tt := range map[string]struct{ contained, want string }{
		"made by a filter":           {set("c0", compose(`{"system":"s","filter":[{"property":"x","op":"=","value":"y"}]}`)), "filter"},
		"an intersection":            {set("c0", compose(`{"valueSet":["#a","#b"]}`)), "intersection"},
		"a code system that is not":  {set("c0", compose(`{"system":"http://loinc.org"}`)), "http://loinc.org"},
		"a set that is not":          {set("c0", compose(`{"valueSet":["#gone"]}`)), "#gone"},
		"itself":                     {set("c0", compose(`{"valueSet":["#c0"]}`)), "includes itself"},
		"itself, by another":         {chain(2, `{"valueSet":["#c0"]}`), "includes itself"},
		"each twice, forty deep":     {chain(40, `{"valueSet":["#c0"]}`), "includes itself"},
		"an expansion cut short":     {set("c0", `"expansion":{"total":9,"contains":[{"system":"s","code":"a"}]}`), "not whole"},
		"no codes":                   {set("c0", compose(`{"system":"s","concept":[]}`)), "no codes"},
		"a code that is empty":       {set("c0", compose(`{"system":"s","concept":[{"display":"A"}]}`)), "empty"},
		"a modifierExtension":        {set("c0", `"modifierExtension":[{"url":"x"}],`+compose(ab)), "modifierExtension"},
		"more codes than to choose":  {set("c0", compose(`{"system":"s","concept":[`+concepts(1001)+`]}`)), "more than 1000"},
		"codes that are looked over": {chain(40, `{"system":"s","concept":[`+concepts(1000)+`]}`), "more than 50000"},
	} {
		_, err := codes(t, written(`"contained":[`+tt.contained+`]`, ask("choice", `"answerValueSet":"#c0"`)))
		f, ok := fault.Public(err)
		if !ok || f.Problems[0].Where != "/item/0/answerValueSet" || !strings.Contains(f.Problems[0].Text, tt.want) {
			t.Errorf("%s: %v, want %q", name, explain(err), tt.want)
		}
	}
}

func concepts(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"code":"k%d"}`, i)
	}
	return strings.Join(all, ",")
}

// What is handed in beside a form is checked as the form is.
func TestParse_RefusesDefinitions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		beside string
		kind   fault.Kind
	}{
		"no JSON":                {`{`, fault.Malformed},
		"another resource":       {`{"resourceType":"Patient","id":"p","url":"u"}`, fault.Invalid},
		"a set without an url":   {`{"resourceType":"ValueSet","id":"p"}`, fault.Invalid},
		"more than a form takes": {set("v", `"description":"`+strings.Repeat("x", intake.MaxQuestionnaireBytes)+`"`), fault.TooLarge},
	} {
		if _, err := intake.Parse([]byte(written("", one)), []byte(tt.beside)); !errors.Is(err, tt.kind) {
			t.Errorf("%s: %v, want %v", name, err, tt.kind)
		}
	}
}

// An ordinal is found where authors' tools write it: beside the coding, inside it, and
// on a concept of a value set.
func TestOptions_Ordinals(t *testing.T) {
	t.Parallel()
	score := ext(hl7+"ordinalValue", `"valueDecimal":2`)
	weight := ext(hl7+"itemWeight", `"valueDecimal":2.0`)
	for name, data := range map[string]string{
		"beside the coding": written("", ask("choice", `"answerOption":[{"valueCoding":{"code":"x","display":"X"},`+score+`}]`)),
		"in the coding":     written("", ask("choice", `"answerOption":[{"valueCoding":{"code":"x","display":"X",`+weight+`}}]`)),
		"on a concept":      written(`"contained":[`+set("v", compose(`{"system":"s","concept":[{"code":"x",`+score+`}]}`))+`]`, ask("choice", `"answerValueSet":"#v"`)),
	} {
		it, _ := alone(t, data).Item("a")
		if o := it.Options[0]; o.Ordinal == nil || *o.Ordinal != 2 {
			t.Errorf("%s: no ordinal", name)
		}
	}
}

// Times, addresses and quantities are answered as FHIR writes them.
func TestCheck_TimesAddressesQuantities(t *testing.T) {
	t.Parallel()
	times := asked(t, ask("time", `"extension":[{"url":"`+hl7+`minValue","valueTime":"08:00:00"},{"url":"`+hl7+`maxValue","valueTime":"18:30:00"}]`))
	wantAnswers(t, times, map[string]struct{ value, want string }{
		"a time":          {`"valueTime":"12:00:00"`, ""},
		"the first":       {`"valueTime":"08:00:00.000"`, ""},
		"the last":        {`"valueTime":"18:30:00"`, ""},
		"too early":       {`"valueTime":"07:59:59.999"`, "a range"},
		"too late":        {`"valueTime":"18:30:00.1"`, "a range"},
		"without seconds": {`"valueTime":"12:00"`, "a time"},
		"midnight after":  {`"valueTime":"24:00:00"`, "a time"},
		"as a text":       {`"valueString":"12:00:00"`, "a type"},
		"as a number":     {`"valueTime":12`, "a type"},
	})
	addresses := asked(t, ask("url", `"maxLength":40`))
	wantAnswers(t, addresses, map[string]struct{ value, want string }{
		"an address":       {`"valueUri":"https://example.org/a?b=c#d"`, ""},
		"mail":             {`"valueUri":"mailto:ann@example.org"`, ""},
		"without protocol": {`"valueUri":"example.org"`, "a url"},
		"a script":         {`"valueUri":"javascript:alert(1)"`, "a url"},
		"a space":          {`"valueUri":"https://example.org/a b"`, "a url"},
		"no host":          {`"valueUri":"https:///a"`, "a url"},
		"too long":         {`"valueUri":"https://example.org/` + strings.Repeat("a", 40) + `"`, "a length"},
		"as a text":        {`"valueString":"https://example.org"`, "a type"},
	})
	const kg = `{"system":"http://unitsofmeasure.org","code":"kg","display":"kg"}`
	const lb = `{"system":"http://unitsofmeasure.org","code":"[lb_av]","display":"pounds"}`
	weights := asked(t, ask("quantity", `"extension":[{"url":"`+hl7+`questionnaire-unitOption","valueCoding":`+kg+`},{"url":"`+hl7+`questionnaire-unitOption","valueCoding":`+lb+`},{"url":"`+hl7+`maxDecimalPlaces","valueInteger":1}]`))
	wantAnswers(t, weights, map[string]struct{ value, want string }{
		"by code":            {`"valueQuantity":{"value":80.5,"system":"http://unitsofmeasure.org","code":"kg"}`, ""},
		"by code alone":      {`"valueQuantity":{"value":80,"code":"[lb_av]"}`, ""},
		"by words":           {`"valueQuantity":{"value":80,"unit":"pounds"}`, ""},
		"by our words":       {`"valueQuantity":{"value":80,"unit":"lb"}`, ""},
		"zeros after":        {`"valueQuantity":{"value":80.500,"code":"kg"}`, ""},
		"too exact":          {`"valueQuantity":{"value":80.55,"code":"kg"}`, "a decimals"},
		"another unit":       {`"valueQuantity":{"value":80,"code":"g"}`, "a unit"},
		"another system":     {`"valueQuantity":{"value":80,"system":"s","code":"kg"}`, "a unit"},
		"no unit":            {`"valueQuantity":{"value":80}`, "a unit"},
		"less than":          {`"valueQuantity":{"value":80,"code":"kg","comparator":"<"}`, "a type"},
		"no number":          {`"valueQuantity":{"code":"kg"}`, "a type"},
		"a number in a text": {`"valueQuantity":{"value":"80","code":"kg"}`, "a type"},
		"beyond all measure": {`"valueQuantity":{"value":1e300,"code":"kg"}`, "a range"},
		"a decimal":          {`"valueDecimal":80`, "a type"},
	})
	res := weights.Check(respond(t, answer("a", `"valueQuantity":{"value":80.50,"unit":"lb"}`)))
	got, err := res.Response.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"resourceType":"QuestionnaireResponse","item":[{"linkId":"a","answer":[{"valueQuantity":{"value":80.50,"unit":"pounds","system":"http://unitsofmeasure.org","code":"[lb_av]"}}]}]}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
	bounded := asked(t, ask("quantity", `"extension":[{"url":"`+hl7+`questionnaire-unit","valueCoding":`+kg+`},{"url":"`+sdc+`minQuantity","valueQuantity":{"value":1,"code":"kg"}},{"url":"`+sdc+`maxQuantity","valueQuantity":{"value":300,"unit":"kg"}}]`))
	wantAnswers(t, bounded, map[string]struct{ value, want string }{
		"between":  {`"valueQuantity":{"value":80,"code":"kg"}`, ""},
		"too few":  {`"valueQuantity":{"value":0.9,"code":"kg"}`, "a range"},
		"too many": {`"valueQuantity":{"value":300.1,"code":"kg"}`, "a range"},
	})
	plain := asked(t, ask("quantity", `"required":true`))
	wantAnswers(t, plain, map[string]struct{ value, want string }{
		"no unit":             {`"valueQuantity":{"value":3}`, ""},
		"a unit of one's own": {`"valueQuantity":{"value":3,"unit":"apples"}`, "a type"},
	})
	decimals := asked(t, ask("decimal", ext(hl7+"maxDecimalPlaces", `"valueInteger":2`)))
	wantAnswers(t, decimals, map[string]struct{ value, want string }{
		"two":        {`"valueDecimal":1.25`, ""},
		"three":      {`"valueDecimal":1.255`, "a decimals"},
		"very small": {`"valueDecimal":1e-3`, "a decimals"},
		"very large": {`"valueDecimal":1e3`, ""},
	})
}

func TestQuantity_Refused(t *testing.T) {
	t.Parallel()
	const kg, g = `{"url":"` + hl7 + `questionnaire-unitOption","valueCoding":{"code":"kg"}}`, `{"url":"` + hl7 + `questionnaire-unitOption","valueCoding":{"code":"g"}}`
	const least = `{"url":"` + sdc + `minQuantity","valueQuantity":{"value":1,"code":"kg"}}`
	quantity := func(extensions ...string) string {
		return written("", ask("quantity", `"extension":[`+strings.Join(extensions, ",")+`]`))
	}
	wantRefused(t, map[string]struct{ data, want string }{
		"two units":                {quantity(kg, g), ""},
		"a unit twice":             {quantity(kg, kg), "a unit"},
		"a bound in one of two":    {quantity(kg, g, least), "a range"},
		"a bound in another unit":  {quantity(g, least), "a range"},
		"a bound without a unit":   {quantity(kg, `{"url":"`+hl7+`minValue","valueInteger":1}`), ""},
		"units of one's own":       {quantity(kg, `{"url":"`+sdc+`unitOpen","valueCode":"optionsOrString"}`), "/item/0/extension/1 extension"},
		"units of a set":           {written(`"contained":[`+set("v", compose(`{"system":"u","concept":[{"code":"kg"},{"code":"g"}]}`))+`]`, ask("quantity", ext(hl7+"questionnaire-unitValueSet", `"valueCanonical":"#v"`))), ""},
		"units of no set":          {quantity(`{"url":"` + hl7 + `questionnaire-unitValueSet","valueCanonical":"#v"}`), "/item/0/extension/0 valueSet"},
		"units of a number":        {written("", ask("decimal", `"extension":[`+kg+`]`)), "a unit"},
		"places of a whole number": {written("", ask("integer", ext(hl7+"maxDecimalPlaces", `"valueInteger":2`))), "a range"},
		"hours upside down":        {written("", ask("time", `"extension":[{"url":"`+hl7+`minValue","valueTime":"09:00:00"},{"url":"`+hl7+`maxValue","valueTime":"08:00:00"}]`)), "a range"},
		"an hour there is not":     {written("", ask("time", ext(hl7+"minValue", `"valueTime":"25:00:00"`))), "a range"},
		"a number for an hour":     {written("", ask("time", ext(hl7+"minValue", `"valueInteger":8`))), "a extension"},
	})
}
