package intake_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// styled is a question whose text has extensions, of a questionnaire that is sensitive to
// its style or not.
func styled(sensitive bool, extensions ...string) string {
	return strings.Replace(written("", `{"linkId":"a","type":"string","text":"A?","_text":{"extension":[`+strings.Join(extensions, ",")+`]}}`),
		`"extension":[`, fmt.Sprintf(`"extension":[{"url":"%srendering-styleSensitive","valueBoolean":%t},`, hl7, sensitive), 1)
}

func rendering(kind, value string) string {
	text, _ := json.Marshal(value)
	member := "valueString"
	if kind == "markdown" {
		member = "valueMarkdown"
	}
	return fmt.Sprintf(`{"url":"%srendering-%s","%s":%s}`, hl7, kind, member, text)
}

// What is in the subset is read, also where the form is not understood without; what is
// not is remarked, or keeps such a form from being published.
func TestStyle_Subset(t *testing.T) {
	t.Parallel()
	hue := func(h intake.Hue) intake.Style { return intake.Style{Hue: h} }
	none := intake.Style{}
	for css, tt := range map[string]struct {
		want    intake.Style
		undrawn string // part of what the author is told; empty if all is drawn
	}{
		"":                                       {none, ""},
		" ; ;":                                   {none, ""},
		"color:red;":                             {hue(intake.Red), ""},
		"COLOR : Green":                          {hue(intake.Green), ""},
		"color:#0000FF":                          {hue(intake.Blue), ""},
		"color:#a0a":                             {hue(intake.Purple), ""},
		"color: rgb( 0 , 128,128 )":              {hue(intake.Teal), ""},
		"color:saddlebrown":                      {hue(intake.Brown), ""},
		"color:crimson":                          {hue(intake.Red), ""},
		"color:gray":                             {hue(intake.Grey), ""},
		"color:black":                            {none, ""},
		"color:red;color:blue":                   {hue(intake.Blue), ""},
		"font-weight:bold":                       {intake.Style{Bold: true}, ""},
		"font-weight:bold;\nfont-weight:normal":  {none, ""},
		"font-style:italic":                      {intake.Style{Italic: true}, ""},
		"text-decoration:underline":              {intake.Style{Underlined: true}, ""},
		"text-decoration:line-through underline": {intake.Style{Underlined: true, Struck: true}, ""},
		"text-decoration:underline;text-decoration:none":   {none, ""},
		"font-weight:700;font-style:oblique;color:#800000": {intake.Style{Bold: true, Italic: true, Hue: intake.Red}, ""},

		"color:yellow":                   {none, "too pale"},
		"color:white":                    {none, "too pale"},
		"color:orange;font-weight:bold":  {intake.Style{Bold: true}, "too pale"},
		"color:olive":                    {none, "color, other than by a name"},
		"color:#808000":                  {none, "color, other than black"},
		"color:#ff00":                    {none, "color, other than by a name"},
		"color:#ff0000ff":                {none, "color, other than by a name"},
		"color:rgb(300,0,0)":             {none, "color, other than by a name"},
		"color:inherit":                  {none, "color, other than by a name"},
		"color:red .important":           {none, "color, other than by a name"},
		"font-weight:300":                {none, "font-weight"},
		"font-style:normal italic":       {none, "font-style"},
		"text-decoration:":               {none, "text-decoration"},
		"text-decoration:none underline": {intake.Style{Underlined: true}, "text-decoration"},
		"text-decoration:blink":          {none, "text-decoration"},
		"font-size:200%;color:red":       {hue(intake.Red), "font-size"},
		"background-color:red":           {none, "background-color"},
		"display:none":                   {none, "display"},
		"red":                            {none, "a declaration that is none of CSS"},
		"color:red:blue":                 {none, "color, other than by a name"},
	} {
		f := alone(t, styled(false, rendering("style", css)))
		if got := f.Items()[0].Style; got != tt.want {
			t.Errorf("%q is drawn %+v, want %+v", css, got, tt.want)
		}
		told := ""
		for _, r := range f.Remarks() {
			told += r.Text
		}
		if (told != "") != (tt.undrawn != "") || !strings.Contains(told, tt.undrawn) {
			t.Errorf("%q: the author is told %q, want %q", css, told, tt.undrawn)
		}
		_, err := intake.Publish(nil, []byte(styled(true, rendering("style", css))))
		if (err != nil) != (tt.undrawn != "") || err != nil && !strings.Contains(fmt.Sprint(explain(err)), tt.undrawn) {
			t.Errorf("%q: where style is needed it is refused for %v, want %q", css, explain(err), tt.undrawn)
		}
	}
}

// hostile are styles that would do something to a page that took them over.
var hostile = []string{
	`color:red;background:url(https://evil.example/x)`,
	`background-image:url("javascript:alert(1)")`,
	`width:expression(alert(1))`,
	`behavior:url(#default#time2)`,
	`-moz-binding:url(https://evil.example/x.xml#x)`,
	`color:red</style><script>alert(1)</script>`,
	`color:red"onmouseover="alert(1)`,
	`color:r\65 d`,
	`\63olor:red`,
	`color:/**/red`,
	`content:"; color:red; "`,
	`color:red}body{display:none`,
	`@import url(https://evil.example/x.css)`,
	`position:fixed;top:0;left:0;width:100%;height:100%`,
	"color:red\x00",
	"color:rеd",
	`color:rgb(1;color:blue`,
	`color:var(--page)`,
	`color:red !important`,
	strings.Repeat("color:red;", 10_000),
}

// Of a style that does more than the subset, nothing but the subset is left, and what its
// author is told holds none of its text but names of properties.
func TestStyle_HostileTextGoesNowhere(t *testing.T) {
	t.Parallel()
	for _, css := range hostile {
		f := alone(t, styled(false, rendering("style", css)))
		if got := f.Items()[0].Style; got != (intake.Style{}) && got != (intake.Style{Hue: intake.Red}) && got != (intake.Style{Hue: intake.Blue}) {
			t.Errorf("%.80q is drawn %+v", css, got)
		}
		_, err := intake.Publish(nil, []byte(styled(true, rendering("style", css))))
		why, _ := fault.Public(err)
		if len(why.Problems) == 0 {
			t.Errorf("%.80q is accepted where style is needed", css)
		}
		for _, p := range append(why.Problems, f.Remarks()...) {
			if strings.ContainsAny(p.Text, `<>"\{}@!/`) || strings.Contains(p.Text, "evil") || strings.Contains(p.Text, "alert") || len(p.Text) > 600 {
				t.Errorf("%.80q: the author is told %q", css, p.Text)
			}
		}
	}
}

// Whatever a style is, a form is published with it, and its author is told a sentence.
func FuzzStyle(f *testing.F) {
	for _, css := range hostile {
		f.Add(css[:min(len(css), 600)])
	}
	f.Fuzz(func(t *testing.T, css string) {
		if len(css) > 10_000 {
			return
		}
		form, err := intake.Publish(nil, []byte(styled(false, rendering("style", css))))
		if err != nil {
			t.Fatal(explain(err))
		}
		for _, r := range form.Remarks() {
			if strings.ContainsAny(r.Text, `<>"\{}@!/`) {
				t.Errorf("the author is told %q", r.Text)
			}
		}
	})
}

// A form or an item that is not understood without its style is published if all of it is
// drawn, wherever it stands.
func TestStyle_Sensitive(t *testing.T) {
	t.Parallel()
	const sensitive = `{"url":"` + hl7 + `rendering-styleSensitive","valueBoolean":true}`
	red, blue, navy := rendering("style", "color:red"), rendering("style", "color:blue"), rendering("style", "color:navy")
	text := func(linkID string, extensions ...string) string {
		return `{"linkId":"` + linkID + `","type":"string","text":"A?","_text":{"extension":[` + strings.Join(extensions, ",") + `]}}`
	}
	choice := func(option string) string {
		return written("", `{"linkId":"a","type":"choice","text":"A?","extension":[`+sensitive+`],"answerOption":[`+option+`]}`)
	}
	const with = `"contained":[{"resourceType":"ValueSet","id":"v","url":"v","expansion":{"contains":[{"system":"s","code":"c","display":"C","_display":{"extension":[%s]}}]}}]`
	contained := strings.Replace(with, "%s", red, 1)
	whole := func(members string) string {
		return strings.Replace(written(members, one), `"extension":[{"url":"https://example.org`, `"extension":[`+sensitive+`,{"url":"https://example.org`, 1)
	}
	wantRefused(t, map[string]struct{ data, want string }{
		"no style at all":                    {styled(true), ""},
		"one that is drawn":                  {styled(true, red), ""},
		"markup that is none":                {styled(true, red, rendering("xhtml", "A?"), rendering("markdown", "A?")), ""},
		"markup":                             {styled(true, rendering("xhtml", "<b>A?</b>")), "a style"},
		"markup in markdown":                 {styled(true, rendering("markdown", "**A?**")), "a style"},
		"markup where style is not needed":   {styled(false, rendering("xhtml", "<b>A?</b>")), ""},
		"two colours":                        {written("", text("a", sensitive, red)+","+text("b", sensitive, blue)), ""},
		"one colour twice":                   {written("", text("a", sensitive, blue)+","+text("b", sensitive, rendering("style", "color:#00f"))), ""},
		"two colours that are drawn alike":   {written("", text("a", sensitive, blue)+","+text("b", sensitive, navy)), "b style"},
		"so where style is not needed":       {written("", text("a", blue)+","+text("b", navy)), ""},
		"a text that is needed with another": {written("", text("a", sensitive, rendering("style", "color:yellow"))+","+text("b", rendering("style", "color:yellow"))), "a style"},
		"a question in a group":              {written("", `{"linkId":"g","type":"group","text":"G","extension":[`+sensitive+`],"item":[`+text("a", rendering("xhtml", "<i>A?</i>"))+`]}`), "a style"},
		"a group whose question is not":      {written("", `{"linkId":"g","type":"group","text":"G","extension":[`+strings.Replace(sensitive, "true", "false", 1)+`],"item":[`+text("a", rendering("xhtml", "<i>A?</i>"))+`]}`), ""},
		"an answer to choose":                {choice(`{"valueCoding":{"code":"c","display":"C","_display":{"extension":[` + red + `]}}}`), "a style"},
		"a text to choose":                   {choice(`{"valueString":"c","_valueString":{"extension":[` + red + `]}}`), "a style"},
		"an answer that is sensitive":        {strings.Replace(choice(`{"valueString":"c","extension":[`+sensitive+`]}`), `"text":"A?","extension":[`+sensitive+`]`, `"text":"A?"`, 1), "/item/0/answerOption/0/extension/0 extension"},
		"the number of a question":           {written("", `{"linkId":"a","type":"string","text":"A?","prefix":"1","extension":[`+sensitive+`],"_prefix":{"extension":[`+red+`]}}`), "a style"},
		"the format of an answer":            {written("", `{"linkId":"a","type":"string","text":"A?","extension":[`+sensitive+`,{"url":"`+hl7+`entryFormat","valueString":"x","_valueString":{"extension":[`+red+`]}}]}`), "a style"},
		"the words of a code":                {written("", `{"linkId":"a","type":"string","extension":[`+sensitive+`],"code":[{"code":"c","display":"A?","_display":{"extension":[`+red+`]}}]}`), "a style"},
		"a translation":                      {styled(true, `{"url":"`+hl7+`translation","extension":[{"url":"lang","valueCode":"es"},{"url":"content","valueString":"B?","_valueString":{"extension":[`+red+`]}}]}`), "a style"},
		"the title":                          {whole(`"_title":{"extension":[` + red + `]}`), "rendering-style style"},
		"a code of a list":                   {whole(contained), "contained style"},
		"one where style is not needed":      {written(contained, one), ""},
	})
}

// An author who changes a style reads so.
func TestCompare_Style(t *testing.T) {
	t.Parallel()
	changes := intake.Compare(alone(t, styled(false)), alone(t, styled(false, rendering("style", "color:red;font-weight:bold"))))
	if len(changes) != 1 || !strings.Contains(changes[0].Text, "bold, red") {
		t.Errorf("%v", changes)
	}
}
