package web

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"evisit/pkg/intake"
)

// styledForm is a form of every kind of item that has a text, each in the style.
func styledForm(t *testing.T, css string) *intake.Form {
	t.Helper()
	text, err := json.Marshal(css)
	if err != nil {
		t.Fatal(err)
	}
	how := fmt.Sprintf(`"_text":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/rendering-style","valueString":%s}]}`, text)
	item := func(linkID, typ, more string) string {
		return fmt.Sprintf(`{"linkId":%q,"type":%q,"text":"Text of %s",%s%s}`, linkID, typ, linkID, how, more)
	}
	const option = `,"answerOption":[{"valueString":"x"}]`
	control := `,"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl","valueCodeableConcept":{"coding":[{"code":"drop-down"}]}}]`
	statement := `,"required":true,"extension":[{"url":"https://example.org/fhir/StructureDefinition/evisit-statement","valueBoolean":true}]`
	f, err := intake.Publish(nil, []byte(`{"resourceType":"Questionnaire","id":"styled","url":"https://example.org/styled","version":"1","title":"Styled","status":"draft",
"extension":[{"url":"https://example.org/fhir/StructureDefinition/evisit-billing-class","valueCode":"em"}],"item":[`+strings.Join([]string{
		item("note", "display", ""), item("text", "string", `,"item":[`+item("help", "display", "")+`]`), item("area", "text", ""), item("yes", "boolean", ""),
		item("tick", "boolean", statement), item("radio", "choice", option), item("check", "choice", `,"repeats":true`+option), item("list", "choice", option+control),
		item("group", "group", `,"item":[`+item("inside", "integer", "")+`]`), item("rows", "group", `,"repeats":true,"item":[`+item("in-row", "date", "")+`]`),
	}, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// pagesOf is the HTML of the form's pages.
func pagesOf(t *testing.T, f *intake.Form) string {
	t.Helper()
	page, err := view("form")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range f.Pages() {
		d := drawing{form: f, zone: chicago(t)}
		fields := d.page(p.Items, intake.Response{}, f.Check(intake.Response{}))
		if err := page.ExecuteTemplate(&b, "layout", frame{Page: formView{Fields: fields}}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// The text of every kind of item is drawn in its style, by classes of the one style sheet.
func TestStyle_DrawnByClasses(t *testing.T) {
	t.Parallel()
	html := pagesOf(t, styledForm(t, "color:red;font-weight:bold;text-decoration:underline line-through;font-style:italic"))
	for _, linkID := range []string{"note", "text", "area", "yes", "tick", "radio", "check", "list", "group", "inside", "rows", "in-row"} {
		if want := `<span class="bold italic underlined struck red">Text of ` + linkID + `</span>`; !strings.Contains(html, want) {
			t.Errorf("%s is not drawn in its style", linkID)
		}
	}
	if want := `<p class="help bold italic underlined struck red">Text of help</p>`; !strings.Contains(html, want) {
		t.Errorf("what is said beside a question is not drawn in its style")
	}
	if plain := pagesOf(t, styledForm(t, "color:black")); strings.Contains(plain, "<span class=\"\"") || strings.Contains(plain, `"red"`) {
		t.Error("what has no style is drawn in one")
	}
}

// Nothing of a style's own text is on a page.
func TestStyle_HostileTextIsOnNoPage(t *testing.T) {
	t.Parallel()
	plain := pagesOf(t, styledForm(t, ""))
	for _, css := range []string{
		`background:url(https://evil.example/x)`, `width:expression(alert(1))`, `color:red</style><script>alert(1)</script>`, `color:red" onmouseover="alert(1)`,
		`\63olor:red`, `color:red}body{display:none`, `position:fixed;top:0;width:100%`, strings.Repeat("color:red;", 1000), `color:var(--page)`, `color:white`,
	} {
		if html := pagesOf(t, styledForm(t, css)); html != plain {
			t.Errorf("%.60q changes the page", css)
		}
	}
	if html := pagesOf(t, styledForm(t, `color:red;background:url(evil)`)); html != pagesOf(t, styledForm(t, `color:red`)) {
		t.Error("what is not drawn changes the page")
	}
}

// Each hue can be read on the pages and on their cards, on light and on dark screens
// (WCAG 2.2, contrast of at least 4.5 to 1), and no two are the same.
func TestStyle_HuesCanBeRead(t *testing.T) {
	t.Parallel()
	light, dark, ok := strings.Cut(string(style), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("there is no dark scheme")
	}
	dark, _, _ = strings.Cut(dark, "\n}")
	for name, scheme := range map[string]string{"light": light, "dark": dark} {
		vars := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(scheme, -1) {
			vars[m[1]] = m[2]
		}
		shades := map[string]bool{}
		for _, hue := range []intake.Hue{intake.Red, intake.Brown, intake.Green, intake.Teal, intake.Blue, intake.Purple, intake.Grey} {
			shade := vars[string(hue)]
			if shades[shade] || !strings.Contains(string(style), fmt.Sprintf("\n.%s { color: var(--%s); }", hue, hue)) {
				t.Errorf("%s, %s: %q is no shade of its own, or has no class", name, hue, shade)
			}
			shades[shade] = true
			for _, on := range []string{"page", "card"} {
				if got := contrast(t, shade, vars[on]); got < 4.5 {
					t.Errorf("%s: %s on the %s has a contrast of %.2f", name, hue, on, got)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 { //nolint:forbidigo // no money
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 { //nolint:forbidigo // no money
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift int, weight float64) float64 { //nolint:forbidigo // no money
		v := float64(n>>shift&0xff) / 255 //nolint:forbidigo // no money
		if v <= 0.04045 {
			return weight * v / 12.92
		}
		return weight * math.Pow((v+0.055)/1.055, 2.4)
	}
	return part(16, 0.2126) + part(8, 0.7152) + part(0, 0.0722)
}
