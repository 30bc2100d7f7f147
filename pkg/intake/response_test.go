package intake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

func TestParseResponse_Refuses(t *testing.T) {
	t.Parallel()
	item := func(inner string) string { return `{"item":[{"linkId":"a",` + inner + `}]}` }
	tests := map[string]struct {
		data string
		kind fault.Kind
		want []string
	}{
		"nothing":                 {"", fault.Malformed, nil},
		"half an object":          {`{"item":[`, fault.Malformed, nil},
		"more after it":           {`{} {}`, fault.Malformed, nil},
		"a member twice":          {item(`"answer":[],"answer":[]`), fault.Malformed, nil},
		"not UTF-8":               {"{\"status\":\"\xff\"}", fault.Malformed, nil},
		"half a character":        {item(`"answer":[{"valueString":"a\ud800"}]`), fault.Malformed, nil},
		"too deep":                {strings.Repeat(`{"item":[`, 50) + strings.Repeat(`]}`, 50), fault.Malformed, nil},
		"too many members":        {`{"m":1` + manyMembers(100) + `}`, fault.Malformed, nil},
		"a list":                  {"[]", fault.Invalid, []string{" type"}},
		"null":                    {"null", fault.Invalid, []string{" type"}},
		"an unknown member":       {`{"items":[]}`, fault.Invalid, []string{"/items unknown"}},
		"another case":            {`{"Item":[]}`, fault.Invalid, []string{"/Item unknown"}},
		"another resource":        {`{"resourceType":"Bundle"}`, fault.Invalid, []string{"/resourceType type"}},
		"an unknown status":       {`{"status":"done"}`, fault.Invalid, []string{"/status option"}},
		"a status of no type":     {`{"status":1}`, fault.Invalid, []string{"/status type", "/status option"}},
		"items not in a list":     {`{"item":{}}`, fault.Invalid, []string{"/item type"}},
		"an item not an object":   {`{"item":["a"]}`, fault.Invalid, []string{"/item/0 type"}},
		"an item without linkId":  {`{"item":[{"answer":[]}]}`, fault.Invalid, []string{"/item/0/linkId required"}},
		"an answer not an object": {item(`"answer":[true]`), fault.Invalid, []string{"/item/0/answer/0 type"}},
		"answers not in a list":   {item(`"answer":{"valueBoolean":true}`), fault.Invalid, []string{"/item/0/answer type"}},
		"an unknown value":        {item(`"answer":[{"valueFoo":true}]`), fault.Invalid, []string{"/item/0/answer/0/valueFoo unknown"}},
		"two values":              {item(`"answer":[{"valueBoolean":true,"valueInteger":1}]`), fault.Invalid, []string{"/item/0/answer/0 structure"}},
		"a modifier":              {`{"modifierExtension":[]}`, fault.Invalid, []string{"/modifierExtension unknown"}},
		"a slash in a name":       {`{"a/b~c":1}`, fault.Invalid, []string{"/a~1b~0c unknown"}},
		"a linkId too long":       {`{"item":[{"linkId":"` + strings.Repeat("x", 256) + `"}]}`, fault.Invalid, []string{"/item/0/linkId length"}},
		"all of them":             {`{"x":1,"item":[{"y":1},{"linkId":"a","z":1}]}`, fault.Invalid, []string{"/x unknown", "/item/0/y unknown", "/item/0/linkId required", "/item/1/z unknown"}},
		"too many items":          {`{"item":[` + strings.TrimSuffix(strings.Repeat(`{"linkId":"a"},`, 5001), ",") + `]}`, fault.Invalid, []string{"/item structure"}},
		"too long":                {`{"item":"` + strings.Repeat("x", intake.MaxResponseBytes) + `"}`, fault.TooLarge, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := intake.ParseResponse([]byte(tt.data))
			if !errors.Is(err, tt.kind) {
				t.Fatalf("%v, want %s", err, tt.kind)
			}
			f, _ := fault.Public(err)
			if tt.want == nil {
				tt.want = []string{}
			}
			if d := cmp.Diff(tt.want, places(f.Problems)); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"m` + strings.Repeat("x", i+1) + `":1`)
	}
	return b.String()
}

// A response with every member that FHIR allows is reduced to its answers.
func TestParseResponse_WholeFHIR(t *testing.T) {
	t.Parallel()
	const data = `{"resourceType":"QuestionnaireResponse","id":"1","meta":{"versionId":"1"},"text":{"status":"generated"},"contained":[{"resourceType":"Patient"}],"_status":{"id":"s"},
"questionnaire":"https://example.org/q|1","status":"in-progress","subject":{"reference":"Patient/1"},"authored":"2026-01-01",
"item":[{"linkId":"a","definition":"d","text":"A?","_text":{"extension":[]},"answer":[{"id":"x","_valueString":{"id":"v"},"valueCoding":{"system":"s","version":"1","code":"c","display":"C","userSelected":true}}]}]}`
	r, err := intake.ParseResponse([]byte(data))
	if err != nil {
		t.Fatal(explain(err))
	}
	want := intake.Response{Questionnaire: "https://example.org/q|1", Status: "in-progress", Items: []intake.Entry{
		intake.Ask("a", intake.Code(intake.Coding{System: "s", Code: "c", Display: "C"})),
	}}
	if !r.Equal(want) {
		t.Error("the response was parsed as another response")
	}
}

// Marshaling a parsed response gives the same bytes, wrong values included, so that
// storing a draft and reading it again changes nothing.
func TestResponse_MarshalsAsParsed(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		`"valueBoolean":false`,
		`"valueBoolean":"yes"`,
		`"valueInteger":-12`,
		`"valueInteger":1e999999999`,
		`"valueDecimal":98.60`,
		`"valueDecimal":{"a":[1,2]}`,
		`"valueString":"<\"é\u0001\\>"`,
		`"valueDate":"2026-02-30"`,
		`"valueDateTime":"2026-02-28T00:00:00Z"`,
		`"valueCoding":{"system":"s","code":"c","display":"C"}`,
		`"valueCoding":[]`,
		`"valueAttachment":{"contentType":"image/png","data":"aGk=","url":"u","size":2,"hash":"h","title":"t","creation":"2026-01-01"}`,
		`"valueQuantity":{"value":1.50}`,
	} {
		want := `{"resourceType":"QuestionnaireResponse","item":[{"linkId":"a","answer":[{` + answer + `,"item":[{"linkId":"b"}]}]},{"linkId":"c","item":[{"linkId":"d"}]}]}`
		r, err := intake.ParseResponse([]byte(want))
		if err != nil {
			t.Fatal(explain(err))
		}
		got, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Merge replaces the answers that the page has, and merging twice changes nothing
// more.
func TestResponse_Merge(t *testing.T) {
	t.Parallel()
	one, two := intake.Boolean(true), intake.Integer(2)
	draft := intake.Response{Questionnaire: "q|1", Status: "in-progress", Items: []intake.Entry{
		intake.Ask("a", one), intake.Row("g", intake.Ask("h", one)), intake.Row("g", intake.Ask("h", two)), intake.Ask("b", one),
	}}
	tests := map[string]struct {
		page, want []intake.Entry
	}{
		"nothing":            {nil, draft.Items},
		"one answer":         {[]intake.Entry{intake.Ask("b", two)}, append(draft.Items[:3:3], intake.Ask("b", two))},
		"a cleared answer":   {[]intake.Entry{intake.Ask("b")}, draft.Items[:3]},
		"fewer rows":         {[]intake.Entry{intake.Row("g", intake.Ask("h", two))}, []intake.Entry{draft.Items[0], draft.Items[3], intake.Row("g", intake.Ask("h", two))}},
		"no rows":            {[]intake.Entry{intake.Row("g")}, []intake.Entry{draft.Items[0], draft.Items[3]}},
		"something new":      {[]intake.Entry{intake.Ask("c", one)}, append(draft.Items[:4:4], intake.Ask("c", one))},
		"clearing no answer": {[]intake.Entry{intake.Ask("c")}, draft.Items},
	}
	for name, tt := range tests {
		got := draft.Merge(intake.Response{Items: tt.page})
		want := intake.Response{Questionnaire: "q|1", Status: "in-progress", Items: tt.want}
		if !got.Equal(want) {
			t.Errorf("%s: merged into another response", name)
		}
		if again := got.Merge(intake.Response{Items: tt.page}); !again.Equal(got) {
			t.Errorf("%s: merging twice differs from merging once", name)
		}
	}
}

// Equal reports a difference in any one part of two responses.
func TestResponse_Equal(t *testing.T) {
	t.Parallel()
	file := func(url string) intake.Value { return intake.File(intake.Attachment{URL: url}) }
	whole := func(e ...intake.Entry) intake.Response {
		return intake.Response{Questionnaire: "q", Status: "completed", Items: e}
	}
	r := whole(intake.Row("g", intake.Ask("a", intake.Boolean(true), file("u"))))
	if !r.Equal(whole(intake.Row("g", intake.Ask("a", intake.Boolean(true), file("u"))))) {
		t.Error("equal responses differ")
	}
	for name, o := range map[string]intake.Response{
		"form":   {Questionnaire: "p", Status: r.Status, Items: r.Items},
		"status": {Questionnaire: r.Questionnaire, Items: r.Items},
		"items":  whole(),
		"linkId": whole(intake.Row("g", intake.Ask("b", intake.Boolean(true), file("u")))),
		"value":  whole(intake.Row("g", intake.Ask("a", intake.Boolean(false), file("u")))),
		"file":   whole(intake.Row("g", intake.Ask("a", intake.Boolean(true), file("v")))),
		"kind":   whole(intake.Row("g", intake.Ask("a", intake.Boolean(true), intake.String("u")))),
		"count":  whole(intake.Row("g", intake.Ask("a", intake.Boolean(true)))),
	} {
		if r.Equal(o) || o.Equal(r) {
			t.Errorf("another %s is equal", name)
		}
	}
}

func TestValue_Text(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]intake.Value{
		"yes": intake.Boolean(true), "no": intake.Boolean(false), "-7": intake.Integer(-7), "98.60": intake.Decimal("98.60"),
		"free": intake.String("free"), "2026-01-01": intake.Date("2026-01-01"), "Cough": intake.Code(intake.Coding{Code: "c", Display: "Cough"}),
		"c": intake.Code(intake.Coding{Code: "c"}), "rash.png": intake.File(intake.Attachment{Title: "rash.png"}), "u": intake.File(intake.Attachment{URL: "u"}),
	} {
		if got := v.Text(); got != want {
			t.Errorf("text is %q, want %q", got, want)
		}
	}
}
