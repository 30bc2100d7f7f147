package intake_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/intake"
)

// in is a primitive's element with translations, alternately language and words.
func in(languages ...string) string {
	var all []string
	for i := 0; i < len(languages); i += 2 {
		all = append(all, `{"url":"`+hl7+`translation","extension":[{"url":"lang","valueCode":"`+languages[i]+`"},{"url":"content","valueString":"`+languages[i+1]+`"}]}`)
	}
	return `{"extension":[` + strings.Join(all, ",") + `]}`
}

// One form is drawn in each of its languages, and decides and keeps the same in all.
func TestForm_InLanguages(t *testing.T) {
	t.Parallel()
	data := written(`"language":"en","_title":`+in("es", "Escrito")+`,"contained":[`+set("v", compose(`{"system":"s","concept":[{"code":"y","display":"Yes","designation":[{"language":"es","value":"Sí"}]},{"code":"n","display":"No"}]}`))+`]`,
		`{"linkId":"a","type":"choice","text":"Cough?","_text":`+in("es", "¿Tos?", "es-MX", "¿Tos, oiga?")+`,"prefix":"A","_prefix":`+in("es", "Á")+`,"answerValueSet":"#v"},
{"linkId":"b","type":"choice","text":"Often?","answerOption":[{"valueString":"daily","_valueString":`+in("es", "a diario")+`},{"valueString":"no"}],"enableWhen":[{"question":"a","operator":"=","answerCoding":{"code":"y"}}]},
{"linkId":"c","type":"choice","text":"Kind?","_text":`+in("es", "¿Tipo?")+`,"answerOption":[{"valueCoding":{"code":"d","display":"Dry","_display":`+in("es", "Seca", "fr", "Sèche")+`}}],"item":[{"linkId":"c-help","type":"display","text":"Say.","_text":`+in("es", "Diga.")+`}],
"enableWhen":[{"question":"b","operator":"=","answerString":"daily"}]}`)
	f := alone(t, data)
	if d := cmp.Diff([]string{"en", "es", "es-MX", "fr"}, f.Languages()); d != "" {
		t.Errorf("languages (-want +got):\n%s", d)
	}
	said := func(f *intake.Form) string {
		words := []string{f.Title()}
		for _, it := range f.Items() {
			words = append(words, it.Prefix+it.Text)
			for _, h := range it.Help {
				words = append(words, h.Text)
			}
			for _, o := range it.Options {
				words = append(words, o.Display)
			}
		}
		return strings.Join(words, "|")
	}
	r := respond(t, chosen("a", "y")+","+words("b", "daily")+","+chosen("c", "d"))
	want := f.Check(r)
	for language, text := range map[string]string{
		"":      "Written|ACough?|Yes|No|Often?|daily|no|Kind?|Say.|Dry",
		"en":    "Written|ACough?|Yes|No|Often?|daily|no|Kind?|Say.|Dry",
		"es":    "Escrito|Á¿Tos?|Sí|No|Often?|a diario|no|¿Tipo?|Diga.|Seca",
		"es-MX": "Escrito|Á¿Tos, oiga?|Sí|No|Often?|a diario|no|¿Tipo?|Diga.|Seca",
		"es-ES": "Escrito|Á¿Tos?|Sí|No|Often?|a diario|no|¿Tipo?|Diga.|Seca",
		"fr":    "Written|ACough?|Yes|No|Often?|daily|no|Kind?|Say.|Sèche",
		"de":    "Written|ACough?|Yes|No|Often?|daily|no|Kind?|Say.|Dry",
	} {
		g := f.In(language)
		if d := cmp.Diff(text, said(g)); d != "" {
			t.Errorf("%s (-want +got):\n%s", language, d)
		}
		res := g.Check(r)
		if g.Hash() != f.Hash() || len(res.Problems) > 0 || !res.Response.Equal(want.Response) {
			t.Errorf("%s: another form, or another response", language)
		}
		one, _ := g.Item("a")
		if two, _ := f.In(language).Item("a"); one != two {
			t.Errorf("%s: compiled twice", language)
		}
	}
	if again, err := intake.Load(f.JSON()); err != nil || said(again.In("es")) != said(f.In("es")) {
		t.Errorf("a stored form has lost its languages: %v", explain(err))
	}
}
