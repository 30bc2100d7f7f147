package web

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

const (
	hl7 = "http://hl7.org/fhir/StructureDefinition/"

	lengths = `"extension":[{"url":"` + hl7 + `questionnaire-unitOption","valueCoding":{"code":"cm"}},{"url":"` + hl7 + `questionnaire-unitOption","valueCoding":{"code":"[in_i]","display":"inches"}}]`
	hidden  = `"extension":[{"url":"` + hl7 + `questionnaire-hidden","valueBoolean":true}]`
)

func control(code string) string {
	return `"extension":[{"url":"` + hl7 + `questionnaire-itemControl","valueCodeableConcept":{"coding":[{"code":"` + code + `"}]}}]`
}

// authored is a form with what authors' tools write and the library's forms do not have.
func authored(t testing.TB, items string) *intake.Form {
	t.Helper()
	f, err := intake.Publish(nil, []byte(`{"resourceType":"Questionnaire","id":"a","url":"https://example.org/a","version":"1","title":"A","status":"draft",
"extension":[{"url":"https://example.org/fhir/StructureDefinition/evisit-billing-class","valueCode":"em"}],"item":[`+items+`]}`))
	if why, ok := fault.Public(err); ok {
		t.Fatal(why.Problems)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// rowsInRows has conditions on its own row, on the row around it and on the rows inside it.
const rowsInRows = `{"linkId":"kin","type":"group","text":"Relative","repeats":true,"item":[{"linkId":"dead","type":"boolean","text":"Dead?"},
{"linkId":"ill","type":"group","text":"Illness","repeats":true,"item":[{"linkId":"of","type":"string","text":"Of?"},
 {"linkId":"more","type":"string","text":"More?","required":true,"enableWhen":[{"question":"of","operator":"=","answerString":"other"}]},
 {"linkId":"by","type":"boolean","text":"Died of it?","enableWhen":[{"question":"dead","operator":"=","answerBoolean":true}]}]},
{"linkId":"age","type":"integer","text":"Age?","enableWhen":[{"question":"by","operator":"=","answerBoolean":true}]}]}`

// underEach has questions under each answer to a choice that takes several.
const underEach = `{"linkId":"pets","type":"choice","text":"Pets?","repeats":true,"answerOption":[{"valueCoding":{"code":"c","display":"Cat"}},{"valueCoding":{"code":"d","display":"Dog"}}],"item":[
{"linkId":"called","type":"string","text":"Called?","required":true},{"linkId":"why","type":"string","text":"Why?","enableWhen":[{"question":"called","operator":"=","answerString":"other"}]},
{"linkId":"food","type":"group","text":"Food","repeats":true,"item":[{"linkId":"what","type":"string","text":"What?"}]}]}`

// What is asked under the answers to one question stands in a group of each answer.
func TestDrawing_UnderEachAnswer(t *testing.T) {
	t.Parallel()
	f := authored(t, underEach)
	values := map[string][]string{"pets": {"d", "c"}, "called@2": {"other"}, "rows:food@2": {"2"}, "what@2.1": {"Bones"}, "what@2.2": {"Meat"}}
	answers := post{values, time.UTC}.answers(f.Items())
	res := f.Check(answers)
	fs := drawing{form: f, zone: time.UTC, problems: res.Problems}.page(f.Items(), res.Response, res)
	const want = "pets pets@1 called@1 food@1 what@1.1 pets@2 called@2 why@2 food@2 what@2.1 what@2.2"
	if got := strings.Join(fieldNames(fs), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if fs[1].Label != "Cat" || fs[2].Label != "Dog" || len(fs[1].Fields[0].Errors) != 1 || len(fs[2].Fields[0].Errors) != 0 {
		t.Errorf("drawn: %+v", fs)
	}
}

// Each row asks what its own answers lead to, also in rows within rows. Another row is
// added to the group whose button was pressed, and only the row that was to go goes.
func TestDrawing_RowsInRows(t *testing.T) {
	t.Parallel()
	f := authored(t, rowsInRows)
	values := map[string][]string{
		"rows:kin": {"2"}, "dead@1": {"true"}, "rows:ill@1": {"2"}, "of@1.1": {"other"}, "of@1.2": {"flu"}, "by@1.2": {"true"},
		"rows:ill@2": {"2"}, "of@2.1": {"flu"}, "of@2.2": {"other"},
	}
	answers := post{values, time.UTC}.answers(f.Items())
	draw := func(d drawing, answers intake.Response) []field {
		d.form, d.zone = f, time.UTC
		return d.page(f.Items(), answers, f.Check(answers))
	}
	const first = "kin dead@1 ill@1 of@1.1 more@1.1 by@1.1 of@1.2 by@1.2 age@1"
	for name, tt := range map[string]struct {
		d       drawing
		removed string
		want    string
	}{
		"as filled in":    {drawing{}, "", first + " dead@2 ill@2 of@2.1 of@2.2 more@2.2"},
		"another row":     {drawing{add: "ill@2"}, "", first + " dead@2 ill@2 of@2.1 of@2.2 more@2.2 of@2.3"},
		"one removed":     {drawing{shrunk: "ill@2"}, "ill@2.2", first + " dead@2 ill@2 of@2.1"},
		"one of no group": {drawing{}, "ill@2", first + " dead@2 ill@2 of@2.1 of@2.2 more@2.2"},
		"the outer one":   {drawing{shrunk: "kin"}, "kin@1", "kin dead@1 ill@1 of@1.1 of@1.2 more@1.2"},
	} {
		values[removeField] = []string{tt.removed}
		if got := strings.Join(fieldNames(draw(tt.d, post{values, time.UTC}.answers(f.Items()))), " "); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tt.want)
		}
	}
	fs := draw(drawing{problems: f.Check(answers).Problems}, answers)
	if row := fs[0].Rows[1].Fields[1].Rows[1]; row.Title != "Illness 2.2" || row.Name != "ill@2.2" || len(row.Fields[1].Errors) != 1 {
		t.Errorf("the last row is %+v", row)
	}
	if row := fs[0].Rows[1].Fields[1].Rows[0]; len(row.Fields[0].Errors) != 0 {
		t.Errorf("a row is told the problem of another: %+v", row)
	}
}

// everyKind has a question of each kind, also in rows and under answers.
const everyKind = `{"linkId":"at","type":"time","text":"At?"},{"linkId":"page","type":"url","text":"Page?"},
{"linkId":"tall","type":"quantity","text":"Tall?",` + lengths + `},
{"linkId":"talls","type":"quantity","text":"Talls?","repeats":true,` + lengths + `},
{"linkId":"count","type":"quantity","text":"Count?"},
{"linkId":"of","type":"choice","text":"Of?","answerOption":[{"valueInteger":1},{"valueInteger":2}]},
{"linkId":"said","type":"open-choice","text":"Said?","repeats":true,"answerOption":[{"valueString":"Yes, daily"},{"valueString":"no"}]},
{"linkId":"day","type":"choice","text":"Day?","answerOption":[{"valueDate":"2026-01-01"},{"valueDate":"2026-07-04"}]},
{"linkId":"sick","type":"boolean","text":"Sick?","item":[{"linkId":"since","type":"date","text":"Since?"},
 {"linkId":"where","type":"group","text":"Where","item":[{"linkId":"room","type":"string","text":"Room?","item":[{"linkId":"floor","type":"integer","text":"Floor?"}]}]}]},
{"linkId":"kid","type":"group","text":"Kid","repeats":true,"item":[{"linkId":"name","type":"string","text":"Name?","item":[
 {"linkId":"born","type":"date","text":"Born?"},{"linkId":"home","type":"group","text":"Home","item":[{"linkId":"street","type":"string","text":"Street?"}]}]}]},
{"linkId":"kind","type":"string","text":"Kind",` + hidden + `,"initial":[{"valueString":"x"}]}`

// What authors write is drawn as the control that suits it, or that they prefer.
func TestDrawing_WhatAuthorsWrite(t *testing.T) {
	t.Parallel()
	const options = `"answerOption":[{"valueString":"x"},{"valueString":"y"}]`
	long := `"answerOption":[` + numbers(13) + `]`
	for name, tt := range map[string]struct {
		item    string
		propose bool
		has     []string
		lacks   []string
	}{
		"a time":             {`"type":"time"`, false, []string{`type="time"`}, nil},
		"an address":         {`"type":"url"`, false, []string{`type="url"`, `maxlength="1000"`}, nil},
		"a quantity":         {`"type":"quantity",` + lengths, false, []string{`inputmode="decimal"`, `name="a~"`, `aria-label="Unit of A?"`, `>inches</option>`, `>cm</option>`}, nil},
		"one unit":           {`"type":"quantity","extension":[{"url":"` + hl7 + `questionnaire-unit","valueCoding":{"code":"kg"}}]`, false, []string{`<p class="help">kg</p>`}, []string{"<select"}},
		"no unit":            {`"type":"quantity"`, false, nil, []string{"<select"}},
		"a few options":      {`"type":"choice",` + options, false, []string{`type="radio"`}, []string{"<select"}},
		"a drop-down":        {`"type":"choice",` + options + "," + control("drop-down"), false, []string{"<select"}, []string{"radio"}},
		"many options":       {`"type":"choice",` + long, false, []string{"<select"}, []string{"radio"}},
		"many radio buttons": {`"type":"choice",` + long + "," + control("radio-button"), false, []string{`type="radio"`}, []string{"<select"}},
		"a text area":        {`"type":"string",` + control("text-area"), false, []string{"<textarea"}, nil},
		"a slider":           {`"type":"integer",` + control("slider"), false, []string{`inputmode="numeric"`}, nil},
		"a prefix":           {`"type":"string","prefix":"2b."`, false, []string{">2b. A?"}, nil},
		"hidden":             {`"type":"string",` + hidden, false, nil, []string{"A?"}},
		"read only":          {`"type":"string","readOnly":true,"initial":[{"valueString":"so"}]`, false, []string{"A?: so"}, []string{"<input"}},
		"a proposal":         {`"type":"string","initial":[{"valueString":"so"}]`, true, []string{`value="so"`}, nil},
		"a proposal, chosen": {`"type":"choice","answerOption":[{"valueString":"x"},{"valueString":"y","initialSelected":true}]`, true, []string{`value="y" checked`}, nil},
		"a proposal, later":  {`"type":"string","initial":[{"valueString":"so"}]`, false, []string{`value=""`}, nil},
	} {
		f := authored(t, `{"linkId":"a","text":"A?",`+tt.item+`}`)
		html := drawn(t, drawing{form: f, zone: time.UTC, propose: tt.propose}.page(f.Items(), intake.Response{}, f.Check(intake.Response{})))
		for _, want := range tt.has {
			if !strings.Contains(html, want) {
				t.Errorf("%s: no %s in %s", name, want, html)
			}
		}
		for _, not := range tt.lacks {
			if strings.Contains(html, not) {
				t.Errorf("%s: %s in %s", name, not, html)
			}
		}
	}
}

func numbers(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = `{"valueInteger":` + strconv.Itoa(i) + `}`
	}
	return strings.Join(all, ",")
}

// Questions under a question appear once it is answered, and their answers belong to it.
func TestDrawing_UnderAnswers(t *testing.T) {
	t.Parallel()
	f := authored(t, everyKind)
	before := fieldNames(drawing{form: f, zone: time.UTC}.page(f.Items(), intake.Response{}, f.Check(intake.Response{})))
	answers := post{map[string][]string{"sick": {"false"}, "room": {"12"}, "rows:kid": {"2"}, "name@2": {"Ann"}, "street@2": {"Main"}, "name@1": {"Bob"}}, time.UTC}.answers(f.Items())
	res := f.Check(answers)
	after := fieldNames(drawing{form: f, zone: time.UTC}.page(f.Items(), res.Response, res))
	if len(res.Problems) > 0 {
		t.Fatal(res.Problems)
	}
	const always = "at page tall talls count of said day sick"
	if d := cmp.Diff(always+" kid name@1", strings.Join(before, " ")); d != "" {
		t.Errorf("before (-want +got):\n%s", d)
	}
	if d := cmp.Diff(always+" since where room floor kid name@1 born@1 home@1 street@1 name@2 born@2 home@2 street@2", strings.Join(after, " ")); d != "" {
		t.Errorf("after (-want +got):\n%s", d)
	}
	if vs := res.Response.Answers("street"); len(vs) != 1 || vs[0].Text() != "Main" {
		t.Errorf("%d streets", len(vs))
	}
}
