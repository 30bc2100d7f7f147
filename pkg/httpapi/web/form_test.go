package web

import (
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/library"
)

func chicago(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func allForms(t testing.TB) []*intake.Form {
	t.Helper()
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func formNamed(t testing.TB, name string) *intake.Form {
	t.Helper()
	all := allForms(t)
	return all[slices.IndexFunc(all, func(f *intake.Form) bool { return f.Name() == name })]
}

// sends is what a browser posts for fields that nobody touched.
func sends(fs []field) url.Values {
	v := url.Values{}
	for _, f := range fs {
		for _, o := range f.Options {
			if o.Chosen {
				v.Add(f.Name, o.Value)
			}
		}
		for i, s := range f.Values {
			v.Add(f.Name, s.Reveal())
			for _, o := range f.UnitsAt(i) {
				if o.Chosen {
					v.Add(f.OtherName, o.Value)
				}
			}
			if us := f.UnitsAt(i); len(us) > 0 && !slices.ContainsFunc(us, func(o option) bool { return o.Chosen }) {
				v.Add(f.OtherName, us[0].Value)
			}
		}
		for _, s := range f.Others {
			v.Add(f.OtherName, s.Reveal())
		}
		if f.Kind == "rows" {
			v.Set(rowsField+f.Name, strconv.Itoa(len(f.Rows)))
		}
		inner := slices.Clone(f.Fields)
		for _, r := range f.Rows {
			inner = append(inner, r.Fields...)
		}
		for name, vs := range sends(inner) {
			v[name] = append(v[name], vs...)
		}
	}
	return v
}

// FuzzPost_FormPage reads, checks and draws any post; answers that are right come back
// unchanged from the page they are drawn on.
func FuzzPost_FormPage(f *testing.F) {
	all, zone := allForms(f), chicago(f)
	page, err := view("form")
	if err != nil {
		f.Fatal(err)
	}
	for i := range all {
		f.Add(i, 1, "seen-7d=true&seen-7d-date=2026-02-28&add=allergy&rows:allergy=3&allergy-drug@2=x&allergy-reaction~@2=y&allergy-none=false")
		f.Add(i, 3, "uti-onset=3&uti-sx=burning&uti-sx=burning&uti-temp=.5&uti-fever=true&rd-kind=bp&rows:bp=2&bp-time@2=2026-11-01T01:30&bp-sys@2=120&bp-dia@2=80")
		f.Add(i, 0, "rows:bp=99999999999999&rows:allergy=-1&completed-by=%ff%00&location-state=tx&callback-phone=1%0d%0a2")
	}
	f.Fuzz(func(t *testing.T, which, n int, raw string) {
		if which < 0 || n < 0 || len(raw) > 20_000 {
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		form := all[which%len(all)]
		items := form.Pages()[n%len(form.Pages())].Items
		res := form.Check(post{values, zone}.answers(items))
		d := drawing{form: form, zone: zone, problems: res.Problems, add: values.Get(addField)}
		fields := d.page(items, res.Response, form.Check(res.Response))
		shownAs := formView{Fields: fields, Complaints: complaints(fields), Shown: fieldNames(fields)}
		if err := page.ExecuteTemplate(io.Discard, "layout", frame{Page: shownAs}); err != nil {
			t.Fatal(err)
		}
		if len(res.Wrong()) > 0 {
			return
		}
		again := form.Check(post{sends(fields), zone}.answers(items))
		if !again.Response.Equal(res.Response) {
			t.Errorf("the page of %q sends other answers than it was drawn with:\n%s", raw, cmp.Diff(asJSON(t, res.Response), asJSON(t, again.Response)))
		}
	})
}

func asJSON(t *testing.T, r intake.Response) string {
	t.Helper()
	b, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPost_TypedAnswerBecomesAValue(t *testing.T) {
	t.Parallel()
	const system = "https://example.org/evisit/answer"
	for name, c := range map[string]struct {
		form, raw string
		want      intake.Entry
	}{
		"a whole number":             {"uti-women", "uti-onset=+03", intake.Ask("uti-onset", intake.Integer(3))},
		"no number, kept as written": {"uti-women", "uti-onset=three", intake.Ask("uti-onset", intake.String("three"))},
		"a decimal without its zero": {"uti-women", "uti-temp=098.60", intake.Ask("uti-temp", intake.Decimal("98.60"))},
		"yes":                        {"uti-women", "uti-fever=true", intake.Ask("uti-fever", intake.Boolean(true))},
		"nothing clears":             {"uti-women", "uti-fever=", intake.Ask("uti-fever")},
		"lines": {
			"uti-women", "uti-tried=+a%0D%0Ab+",
			intake.Ask("uti-tried", intake.String("a\nb")),
		},
		"an option": {"uti-women", "pregnant=no", intake.Ask("pregnant",
			intake.Code(intake.Coding{System: system, Code: "no", Display: "No"}))},
		"an option that is none": {"uti-women", "pregnant=x", intake.Ask("pregnant", intake.Code(intake.Coding{Code: "x"}))},
		"a row beside an empty one": {"bp-glucose-readings", "rows:bp=3&bp-sys@2=120&bp-time@2=2026-07-01T08:30", intake.Row("bp",
			intake.Ask("bp-time", intake.DateTime("2026-07-01T08:30:00-05:00")), intake.Ask("bp-sys", intake.Integer(120)))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, err := url.ParseQuery(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			form := formNamed(t, c.form)
			got := post{values, chicago(t)}.answers(form.Items())
			if given := entriesOf(got.Items, c.want.LinkID); len(given) != 1 || !(intake.Response{Items: given}).Equal(intake.Response{Items: []intake.Entry{c.want}}) {
				t.Errorf("%s gives %s", c.raw, asJSON(t, intake.Response{Items: given}))
			}
		})
	}
}

func TestDrawing_DrawsEveryItemOfEveryForm(t *testing.T) {
	t.Parallel()
	for _, form := range allForms(t) {
		for _, p := range form.Pages() {
			for _, it := range p.Items {
				if f := (drawing{form: form}).field(it, ""); f.Kind == "" || f.Label == "" {
					t.Errorf("%s: item %s of type %s is drawn as %q with label %q", form.Name(), it.LinkID, it.Type, f.Kind, f.Label)
				}
			}
		}
	}
}

// A form whose rows ask more questions the answers of that row alone open.
const rowsForm = `{"resourceType":"Questionnaire","id":"rows","url":"https://example.org/rows","version":"1","title":"Rows","status":"draft",
"extension":[{"url":"https://example.org/fhir/StructureDefinition/evisit-billing-class","valueCode":"none"}],
"item":[{"linkId":"r","type":"group","text":"R","repeats":true,"item":[
 {"linkId":"a","type":"boolean","text":"A"},
 {"linkId":"b","type":"string","text":"B","enableWhen":[{"question":"a","operator":"=","answerBoolean":true}]}]}]}`

func TestDrawing_RowShowsWhatItsAnswersOpen(t *testing.T) {
	t.Parallel()
	q, err := intake.Parse([]byte(rowsForm))
	if err != nil {
		t.Fatal(err)
	}
	form, err := intake.Alone(q)
	if err != nil {
		t.Fatal(err)
	}
	answers := intake.Response{Items: []intake.Entry{
		intake.Row("r", intake.Ask("a", intake.Boolean(true)), intake.Ask("b", intake.String("x"))),
		intake.Row("r", intake.Ask("a", intake.Boolean(false))),
	}}
	for add, want := range map[string][]string{
		"":  {"r", "a@1", "b@1", "a@2"},
		"r": {"r", "a@1", "b@1", "a@2", "a@3"},
	} {
		got := fieldNames(drawing{form: form, zone: time.UTC, add: add}.page(form.Items(), answers, form.Check(answers)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("adding %q: %s", add, diff)
		}
	}
}

// A question that the answers have just opened is not told as missing, and neither that nor
// a name that begins the same keeps another from being told.
func TestProblemsOf_OpenedAndOthers(t *testing.T) {
	t.Parallel()
	items := []*intake.Item{{LinkID: "a"}, {LinkID: "a1"}, {LinkID: "b"}}
	opened := openedBy(url.Values{shownField: {"a", "b"}}, []field{{Kind: "text", Name: "a"}, {Kind: "text", Name: "a1"}, {Kind: "text", Name: "b"}})
	if !maps.Equal(opened, map[string]bool{"a1": true}) {
		t.Fatalf("opened: %v", opened)
	}
	at := func(where string) fault.Problem { return fault.Problem{Where: where} }
	got := problemsOf(items, opened, []fault.Problem{at("a"), at("a1"), at("elsewhere")}, []fault.Problem{at("b"), at("a1")})
	if want := []fault.Problem{at("a"), at("b"), at("a1")}; !slices.Equal(got, want) {
		t.Errorf("told: %v, want %v", got, want)
	}
}

// A page on which nothing but a total is known was not filled in before.
func TestAnyAnswer_NotWhatIsCalculated(t *testing.T) {
	t.Parallel()
	f, err := intake.Publish(nil, []byte(`{"resourceType":"Questionnaire","id":"f","url":"https://example.org/f","version":"1","title":"F","status":"draft",
"extension":[{"url":"https://example.org/fhir/StructureDefinition/evisit-billing-class","valueCode":"em"}],"item":[{"linkId":"g","type":"group","text":"G","item":[
{"linkId":"n","type":"integer","text":"N?"},{"linkId":"t","type":"integer","text":"T","extension":[{"url":"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression",
"valueExpression":{"language":"text/fhirpath","expression":"%resource.repeat(item).where(linkId='n').answer.count()"}}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	none := f.Check(intake.Response{}).Response
	if len(none.Answers("t")) != 1 || anyAnswer(f.Items(), none.Items) {
		t.Error("a page with a total alone counts as filled in")
	}
	if one := f.Check(intake.Response{Items: []intake.Entry{intake.Row("g", intake.Ask("n", intake.Integer(1)))}}).Response; !anyAnswer(f.Items(), one.Items) {
		t.Error("a page with an answer does not")
	}
}
