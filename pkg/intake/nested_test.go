package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const underAnswers = `{"linkId":"a","type":"boolean","text":"A?","required":true,"item":[
 {"linkId":"a-help","type":"display","text":"Say so."},
 {"linkId":"b","type":"integer","text":"B?","required":true,"enableWhen":[{"question":"a","operator":"=","answerBoolean":true}]},
 {"linkId":"g","type":"group","text":"G","item":[{"linkId":"c","type":"string","text":"C?","item":[{"linkId":"d","type":"string","text":"D?","required":true}]}]}]}`

// under is the answer to a question, with the items given under it.
func under(linkID, value string, items ...string) string {
	return `{"linkId":"` + linkID + `","answer":[{` + value + `,"item":[` + strings.Join(items, ",") + `]}]}`
}

// Questions under a question are asked once it is answered, and are answered under its
// answer.
func TestNested_UnderAnswers(t *testing.T) {
	t.Parallel()
	f := asked(t, underAnswers)
	const yes, no = `"valueBoolean":true`, `"valueBoolean":false`
	for name, tt := range map[string]struct{ items, problems, kept string }{
		"nothing":                         {"", "a required", ""},
		"no answer yet":                   {answer("a", yes), "b required", answer("a", yes)},
		"an answer that enables none":     {answer("a", no), "", answer("a", no)},
		"answers under answers":           {under("a", yes, whole("b", 1)), "", under("a", yes, whole("b", 1))},
		"two deep":                        {under("a", no, group("g", under("c", `"valueString":"x"`, words("d", "y")))), "", under("a", no, group("g", under("c", `"valueString":"x"`, words("d", "y"))))},
		"a required one, two deep":        {under("a", no, group("g", words("c", "x"))), "d required", under("a", no, group("g", words("c", "x")))},
		"one that is not asked":           {under("a", no, whole("b", 1)), "", answer("a", no)},
		"a wrong one":                     {under("a", yes, words("b", "x")), "b type", under("a", yes, words("b", "x"))},
		"under a wrong answer":            {under("a", `"valueInteger":1`, group("g", words("c", "x"))), "a type, d required", under("a", `"valueInteger":1`, group("g", words("c", "x")))},
		"beside the answer":               {`{"linkId":"a","answer":[{` + no + `}],"item":[` + whole("b", 1) + `]}`, "b structure", answer("a", no)},
		"at the top":                      {answer("a", no) + "," + whole("b", 1), "b structure", answer("a", no) + "," + whole("b", 1)},
		"a text beside the answer":        {`{"linkId":"a","answer":[{` + no + `}],"item":[{"linkId":"a-help"}]}`, "", answer("a", no)},
		"a text under the answer":         {under("a", no, `{"linkId":"a-help"}`), "", answer("a", no)},
		"an item that there is not":       {under("a", no, whole("z", 1)), "z unknown", under("a", no, whole("z", 1))},
		"two answers":                     {`{"linkId":"a","answer":[{` + yes + `,"item":[` + whole("b", 1) + `]},{` + no + `}]}`, "a occurrence", `{"linkId":"a","answer":[{` + yes + `,"item":[` + whole("b", 1) + `]},{` + no + `}]}`},
		"given twice":                     {under("a", yes, whole("b", 1)) + "," + under("a", no, whole("z", 1)), "a structure, z unknown", under("a", yes, whole("b", 1)) + "," + under("a", no, whole("z", 1))},
		"an answer taken back, and below": {`{"linkId":"a","answer":[]}`, "a required", ""},
	} {
		res := f.Check(respond(t, tt.items))
		if got := strings.Join(places(res.Problems), ", "); got != tt.problems {
			t.Errorf("%s: problems %q, want %q", name, got, tt.problems)
		}
		if want := respond(t, tt.kept); !res.Response.Equal(want) {
			got, _ := res.Response.MarshalJSON()
			t.Errorf("%s: kept %s, want %s", name, got, tt.kept)
		}
		if again := f.Check(res.Response); !cmp.Equal(places(res.Problems), places(again.Problems)) && name != "beside the answer" {
			t.Errorf("%s: checked again, problems are %v", name, places(again.Problems))
		}
	}
}

// In the rows of a group, whether a nested question is asked goes by its own row.
func TestNested_InRows(t *testing.T) {
	t.Parallel()
	f := asked(t, `{"linkId":"r","type":"group","text":"R","repeats":true,"item":[`+underAnswers+`]}`)
	const yes, no = `"valueBoolean":true`, `"valueBoolean":false`
	res := f.Check(respond(t, group("r", under("a", yes, whole("b", 1)))+","+group("r", answer("a", no))+","+group("r", answer("a", yes))))
	if len(res.Problems) != 1 || res.Problems[0].Where != "b" || !strings.HasPrefix(res.Problems[0].Text, "Row 3: ") {
		t.Errorf("problems %+v", res.Problems)
	}
}

// Answers under answers feed rules and are found by linkId.
func TestNested_FeedsRules(t *testing.T) {
	t.Parallel()
	const rule = `{"url":"https://example.org/fhir/StructureDefinition/evisit-divert-rule","extension":[{"url":"id","valueId":"many"},{"url":"severity","valueCode":"urgent"},
{"url":"message","valueString":"Come in."},{"url":"source","valueString":"Test"},{"url":"behavior","valueCode":"any"},
{"url":"condition","extension":[{"url":"question","valueString":"b"},{"url":"operator","valueCode":">"},{"url":"answer","valueInteger":3}]}]},`
	f := alone(t, strings.Replace(written("", underAnswers), `"extension":[`, `"extension":[`+rule, 1))
	for value, want := range map[int]bool{3: false, 4: true} {
		r := respond(t, under("a", `"valueBoolean":true`, whole("b", value)))
		if got := f.Check(r).Diverts(); got != want {
			t.Errorf("%d: diverts is %v", value, got)
		}
		if vs := r.Answers("b"); len(vs) != 1 || int(vs[0].Int()) != value {
			t.Errorf("b is answered by %d values", len(vs))
		}
	}
}

// What pages do not ask is answered by the form, or not at all.
func TestUnasked_InitialAnswers(t *testing.T) {
	t.Parallel()
	const hidden = `"extension":[{"url":"` + hl7 + `questionnaire-hidden","valueBoolean":true}]`
	f := asked(t, `{"linkId":"kind","type":"choice","text":"Kind","required":true,`+hidden+`,"answerOption":[{"valueCoding":{"code":"x","display":"X"}},{"valueCoding":{"code":"y","display":"Y"},"initialSelected":true}]},
{"linkId":"fixed","type":"string","text":"Fixed","readOnly":true,"initial":[{"valueString":"so"}]},
{"linkId":"left","type":"string","text":"Left",`+hidden+`},
{"linkId":"proposed","type":"integer","text":"Proposed","initial":[{"valueInteger":3}]},
{"linkId":"y","type":"string","text":"Y?","required":true,"enableWhen":[{"question":"kind","operator":"=","answerCoding":{"code":"y"}}]},
{"linkId":"g","type":"group","text":"G","repeats":true,"item":[{"linkId":"g-kind","type":"string","text":"K",`+hidden+`,"initial":[{"valueString":"k"}]},{"linkId":"g-name","type":"string","text":"Name?","required":true}]},
{"linkId":"h","type":"group","text":"H",`+hidden+`,"item":[{"linkId":"h-1","type":"string","text":"H1"}]}`)
	const kind, fixed = `{"linkId":"kind","answer":[{"valueCoding":{"code":"y","display":"Y"}}]}`, `{"linkId":"fixed","answer":[{"valueString":"so"}]}`
	name := group("g", words("g-kind", "k"), words("g-name", "n"))
	for what, tt := range map[string]struct{ items, problems, kept string }{
		"nothing":            {"", "y required", kind + "," + fixed},
		"others are refused": {chosen("kind", "x") + "," + words("fixed", "other") + "," + words("y", "v"), "", kind + "," + fixed + "," + words("y", "v")},
		"an empty row":       {words("y", "v") + "," + group("g"), "", kind + "," + fixed + "," + words("y", "v")},
		"a row":              {words("y", "v") + "," + group("g", words("g-name", "n")), "", kind + "," + fixed + "," + words("y", "v") + "," + name},
		"a proposal":         {words("y", "v") + "," + whole("proposed", 4), "", kind + "," + fixed + "," + whole("proposed", 4) + "," + words("y", "v")},
	} {
		res := f.Check(respond(t, tt.items))
		if got := strings.Join(places(res.Problems), ", "); got != tt.problems {
			t.Errorf("%s: problems %q, want %q", what, got, tt.problems)
		}
		if !res.Response.Equal(respond(t, tt.kept)) {
			got, _ := res.Response.MarshalJSON()
			t.Errorf("%s: kept %s, want %s", what, got, tt.kept)
		}
	}
	for linkID, want := range map[string]bool{"kind": false, "fixed": false, "left": false, "proposed": true, "h": false, "h-1": false, "g-name": true} {
		if it, _ := f.Item(linkID); it.Asked() != want {
			t.Errorf("%s is asked: %v", linkID, it.Asked())
		}
	}
}

func TestUnasked_Refused(t *testing.T) {
	t.Parallel()
	const hidden = `{"url":"` + hl7 + `questionnaire-hidden","valueBoolean":true}`
	wantRefused(t, map[string]struct{ data, want string }{
		"hidden and required":                    {written("", ask("string", `"required":true,"extension":[`+hidden+`]`)), "a hidden"},
		"hidden by its group, required":          {written("", `{"linkId":"g","type":"group","text":"G","required":true,"extension":[`+hidden+`],"item":[`+ask("string", `"required":true`)+`]}`), "a hidden"},
		"hidden, filled from elsewhere":          {written("", ask("string", `"readOnly":true,"extension":[`+hidden+`,{"url":"`+sdc+`initialExpression","valueExpression":{"language":"text/fhirpath","expression":"%patient.id"}}]`)), ""},
		"shown, filled from elsewhere":           {written("", ask("string", `"readOnly":true,`+ext(sdc+"initialExpression", `"valueExpression":{"language":"text/fhirpath","expression":"%patient.id"}`))), ""},
		"shown, filled from elsewhere, required": {written("", ask("string", `"required":true,"readOnly":true`)), "a readonly"},
		"filled from elsewhere and compared":     {written("", ask("string", `"readOnly":true`)+`,{"linkId":"b","type":"string","text":"B?","enableWhen":[{"question":"a","operator":"=","answerString":"x"}]}`), "b enableWhen"},
		"proposed from elsewhere":                {written("", ask("string", ext(sdc+"initialExpression", `"valueExpression":{"language":"text/fhirpath","expression":"%patient.id"}`))), ""},
		"an initial of another type":             {written("", ask("integer", `"initial":[{"valueString":"x"}]`)), "a initial"},
		"an initial of no option":                {written("", ask("choice", `"answerOption":[{"valueString":"x"}],"initial":[{"valueString":"y"}]`)), "a initial"},
		"an initial out of range":                {written("", ask("integer", `"initial":[{"valueInteger":3}],`+ext(hl7+"maxValue", `"valueInteger":2`))), "a initial"},
		"two initials of one":                    {written("", ask("integer", `"initial":[{"valueInteger":3},{"valueInteger":4}]`)), "a initial"},
		"two initials of several":                {written("", ask("integer", `"repeats":true,"initial":[{"valueInteger":3},{"valueInteger":4}]`)), ""},
		"an initial of two values":               {written("", ask("integer", `"initial":[{"valueInteger":3,"valueString":"x"}]`)), "/item/0/initial/0 initial"},
		"an initial file":                        {written("", ask("attachment", `"initial":[{"valueAttachment":{"url":"x"}}]`)), "/item/0/initial/0 initial"},
		"an initial of a text":                   {written("", `{"linkId":"a","type":"display","text":"A.","initial":[{"valueString":"x"}]}`), "a initial"},
		"every other kind of initial":            {written("", ask("quantity", `"initial":[{"valueQuantity":{"value":3}}]`)+`,{"linkId":"b","type":"boolean","text":"B","initial":[{"valueBoolean":false}]},{"linkId":"c","type":"decimal","text":"C","initial":[{"valueDecimal":1.5}]},{"linkId":"d","type":"url","text":"D","initial":[{"valueUri":"https://example.org"}]},{"linkId":"e","type":"dateTime","text":"E","initial":[{"valueDateTime":"2026-01-01T00:00:00Z"}]},{"linkId":"f","type":"time","text":"F","initial":[{"valueTime":"10:00:00"}]},{"linkId":"g","type":"date","text":"G","initial":[{"valueDate":"2026-01-01"}]}`), ""},
		"questions under several answers":        {written("", ask("integer", `"repeats":true,"item":[{"linkId":"b","type":"string","text":"B?"}]`)), "a type"},
		"questions under what is not asked":      {written("", ask("integer", `"readOnly":true,"initial":[{"valueInteger":3}],"item":[{"linkId":"b","type":"string","text":"B?"}]`)), "a type"},
		"texts under several answers":            {written("", ask("integer", `"repeats":true,"item":[{"linkId":"b","type":"display","text":"B."}]`)), ""},
	})
}

// How an author would have a question drawn is told to pages.
func TestItem_HowItIsDrawn(t *testing.T) {
	t.Parallel()
	control := func(code string) string {
		return ext(hl7+"questionnaire-itemControl", `"valueCodeableConcept":{"coding":[{"system":"http://hl7.org/fhir/questionnaire-item-control","code":"`+code+`"}]}`)
	}
	f := asked(t, ask("choice", `"prefix":"1.","answerOption":[{"valueString":"x"}],`+control("drop-down"))+
		`,{"linkId":"b","type":"integer","text":"B?",`+control("slider")+`},{"linkId":"c","type":"open-choice","text":"C?","answerOption":[{"valueString":"x"}],`+ext(sdc+"openLabel", `"valueString":"Another"`)+`}`)
	a, _ := f.Item("a")
	b, _ := f.Item("b")
	c, _ := f.Item("c")
	if a.Control != "drop-down" || a.Prefix != "1." || b.Control != "slider" || c.OpenLabel != "Another" {
		t.Errorf("%q %q %q %q", a.Control, a.Prefix, b.Control, c.OpenLabel)
	}
}

const rowsInRows = `{"linkId":"r","type":"group","text":"R","repeats":true,"item":[{"linkId":"a","type":"boolean","text":"A?"},
 {"linkId":"s","type":"group","text":"S","repeats":true,"maxItems":3,"item":[{"linkId":"b","type":"integer","text":"B?"},
  {"linkId":"c","type":"string","text":"C?","required":true,"enableWhen":[{"question":"b","operator":"=","answerInteger":1}]},
  {"linkId":"d","type":"string","text":"D?","required":true,"enableWhen":[{"question":"a","operator":"=","answerBoolean":true}]}]},
 {"linkId":"e","type":"string","text":"E?","required":true,"enableWhen":[{"question":"b","operator":"=","answerInteger":2}]}]},
{"linkId":"f","type":"string","text":"F?","required":true,"enableWhen":[{"question":"b","operator":"=","answerInteger":3}]}`

// In rows within rows, what is asked goes by the innermost row around both questions: its
// own row, the row around that, all rows inside its own, or all there are.
func TestNested_RowsInRows(t *testing.T) {
	t.Parallel()
	f := asked(t, strings.Replace(rowsInRows, `"maxItems":3,`, "", 1))
	const yes, no = `"valueBoolean":true`, `"valueBoolean":false`
	items := group("r", answer("a", yes), group("s", whole("b", 1)), group("s", whole("b", 2))) + "," + group("r", answer("a", no), group("s", whole("b", 3)), group("s", whole("b", 1), words("c", "x")))
	var got []string
	for _, p := range f.Check(respond(t, items)).Problems {
		row, _, _ := strings.Cut(p.Text, ":")
		got = append(got, p.Where+" "+row)
	}
	want := []string{"c Row 1.1", "d Row 1.1", "d Row 1.2", "e Row 1", "f Answer this question."}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("asked (-want +got):\n%s", d)
	}
}

// A row in which only the rows inside are filled counts, an empty one does not; there are
// no more than a form may have together, and groups are not in each other without end.
func TestNested_RowsAreCounted(t *testing.T) {
	t.Parallel()
	f := asked(t, strings.Replace(rowsInRows, `"maxItems":3,`, ext(hl7+"questionnaire-maxOccurs", `"valueInteger":3`)+",", 1))
	rows := func(r, s int) string {
		inner := strings.Repeat(group("s", whole("b", 9))+",", s)
		return strings.TrimSuffix(strings.Repeat(group("r", strings.TrimSuffix(inner, ","))+",", r), ",")
	}
	for name, tt := range map[string]struct{ items, problems string }{
		"rows inside":       {rows(2, 3), ""},
		"empty rows":        {rows(2, 0) + "," + group("r", group("s")), ""},
		"too many inside":   {rows(2, 4), "s occurrence, s occurrence"},
		"too many together": {rows(50, 11), strings.TrimSuffix(strings.Repeat("s occurrence, ", 51), ", ")},
	} {
		res := f.Check(respond(t, tt.items))
		if got := strings.Join(places(res.Problems), ", "); got != tt.problems {
			t.Errorf("%s: problems %q, want %q", name, got, tt.problems)
		}
	}
	wantRefused(t, map[string]struct{ data, want string }{"five deep": {written("", inGroups(5, one)), "g0 type"}})
}

const underEach = `{"linkId":"t","type":"choice","text":"T?","repeats":true,"answerOption":[{"valueCoding":{"code":"x","display":"X"}},{"valueCoding":{"code":"y","display":"Y"}},{"valueCoding":{"code":"z","display":"Z"}}],"item":[
 {"linkId":"w","type":"string","text":"W?","required":true},{"linkId":"k","type":"string","text":"K?","required":true,"enableWhen":[{"question":"w","operator":"=","answerString":"more"}]},
 {"linkId":"v","type":"choice","text":"V?","repeats":true,"answerOption":[{"valueString":"p"},{"valueString":"q"}],"item":[{"linkId":"u","type":"integer","text":"U?"}]}]}`

// What is nested in a choice that takes several answers is asked under each of them, and
// goes by the answers that stand there.
func TestNested_UnderEachAnswer(t *testing.T) {
	t.Parallel()
	f := asked(t, underEach)
	given := func(code string, items ...string) string {
		return `{"valueCoding":{"code":"` + code + `"},"item":[` + strings.Join(items, ",") + `]}`
	}
	choose := func(answers ...string) string {
		return `{"linkId":"t","answer":[` + strings.Join(answers, ",") + `]}`
	}
	v := `{"linkId":"v","answer":[{"valueString":"q","item":[` + words("u", "no") + `]}]}`
	for name, tt := range map[string]struct{ items, want string }{
		"none chosen":       {"", ""},
		"one":               {choose(given("y", words("w", "a"))), ""},
		"several":           {choose(given("z", words("w", "a")), given("x", words("w", "b"))), ""},
		"one left open":     {choose(given("z"), given("x", words("w", "b"))), "w Row 3"},
		"by its own answer": {choose(given("z", words("w", "more")), given("x", words("w", "b"))), "k Row 3"},
		"two deep":          {choose(given("x", words("w", "a"), v), given("y", words("w", "a"), v)), "u Row 1.2, u Row 2.2"},
		"no option":         {choose(given("a", words("w", "more"))), "t Choose one of, k Row 4"},
		"beside":            {words("w", "a"), "w This item belongs inside t."},
	} {
		res := f.Check(respond(t, tt.items))
		var got []string
		for _, p := range res.Problems {
			row, _, _ := strings.Cut(p.Text, ":")
			got = append(got, p.Where+" "+row)
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %q, want %q", name, strings.Join(got, ", "), tt.want)
		}
		if tt.want == "" && !res.Response.Equal(f.Check(res.Response).Response) {
			t.Errorf("%s: checked again, it is another", name)
		}
	}
	wantRefused(t, map[string]struct{ data, want string }{
		"in texts":            {written("", `{"linkId":"a","type":"string","text":"A?","repeats":true,"item":[{"linkId":"b","type":"string","text":"B?"}]}`), "a type"},
		"by which answer":     {written("", strings.Replace(underEach, `"question":"w","operator":"=","answerString":"more"`, `"question":"t","operator":"=","answerCoding":{"code":"x"}`, 1)), "k enableWhen"},
		"in what is answered": {written("", `{"linkId":"a","type":"string","text":"A?","readOnly":true,"initial":[{"valueString":"x"}],"item":[{"linkId":"b","type":"string","text":"B?"}]}`), "a type"},
		"in groups four deep": {written("", inGroups(4, underEach)), "t type, v type"},
		"in groups three deep": {written("", inGroups(3, strings.Split(underEach, `,
 {"linkId":"v"`)[0]+`]}`)), ""},
	})
}

// inGroups puts an item in repeating groups in each other.
func inGroups(n int, item string) string {
	for i := range n {
		item = fmt.Sprintf(`{"linkId":"g%d","type":"group","text":"G","repeats":true,"item":[%s]}`, i, item)
	}
	return item
}

// Rules hear every row, at every depth, and the answers under each answer.
func TestNested_RowsInRowsFeedRules(t *testing.T) {
	t.Parallel()
	rule := func(question, answer string) string {
		return `{"url":"https://example.org/fhir/StructureDefinition/evisit-divert-rule","extension":[{"url":"id","valueId":"on-` + question + `"},{"url":"severity","valueCode":"urgent"},
{"url":"message","valueString":"Come in."},{"url":"source","valueString":"Test"},{"url":"behavior","valueCode":"any"},
{"url":"condition","extension":[{"url":"question","valueString":"` + question + `"},{"url":"operator","valueCode":"="},{"url":"answer",` + answer + `}]}]},`
	}
	rows := strings.Replace(rowsInRows, `"maxItems":3,`, "", 1)
	f := alone(t, strings.Replace(written("", rows+","+underEach), `"extension":[`, `"extension":[`+rule("b", `"valueInteger":7`)+rule("u", `"valueInteger":8`), 1))
	under := `{"linkId":"t","answer":[{"valueCoding":{"code":"x"},"item":[` + words("w", "a") + `]},{"valueCoding":{"code":"y"},"item":[` + words("w", "a") + `,{"linkId":"v","answer":[{"valueString":"p","item":[` + whole("u", 8) + `]},{"valueString":"q"}]}]}]}`
	for name, tt := range map[string]struct{ items, fired string }{
		"in no row":            {group("r", group("s", whole("b", 6))), ""},
		"in an inner row":      {group("r", group("s", whole("b", 7)), group("s", whole("b", 6))) + "," + group("r", group("s", whole("b", 6))), "on-b"},
		"in the last one":      {group("r", group("s", whole("b", 6))) + "," + group("r", group("s", whole("b", 6)), group("s", whole("b", 7))), "on-b"},
		"under one of answers": {under, "on-u"},
	} {
		if got := strings.Join(ids(f.Check(respond(t, tt.items)).Fired), ", "); got != tt.fired {
			t.Errorf("%s: %q fired, want %q", name, got, tt.fired)
		}
	}
}
