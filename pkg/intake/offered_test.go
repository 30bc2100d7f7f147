package intake_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/intake"
)

// A question is asked with the options that there are, and not at all if there is one.
func TestForm_Offering(t *testing.T) {
	t.Parallel()
	f := alone(t, written(`"language":"en"`, `{"linkId":"way","type":"choice","required":true,"text":"How?","_text":`+in("es", "¿Cómo?")+`,
"answerOption":[{"valueCoding":{"code":"plan"}},{"valueCoding":{"code":"self"}},{"valueCoding":{"code":"member"}}]},
{"linkId":"why","type":"string","text":"Why?"}`))
	for name, c := range map[string]struct {
		codes   []string
		given   string
		options []string
		asked   bool
		kept    string // the answer; empty: it is refused
	}{
		"all":                {[]string{"self", "plan", "member"}, "plan", []string{"plan", "self", "member"}, true, "plan"},
		"two":                {[]string{"self", "plan"}, "plan", []string{"plan", "self"}, true, "plan"},
		"one of two others":  {[]string{"self", "plan"}, "member", []string{"plan", "self"}, true, ""},
		"the only one":       {[]string{"self"}, "self", []string{"self"}, false, "self"},
		"another than that":  {[]string{"self"}, "plan", []string{"self"}, false, "self"},
		"none of the form's": {[]string{"barter"}, "plan", []string{"plan", "self", "member"}, true, "plan"},
		"one besides others": {[]string{"barter", "member"}, "member", []string{"member"}, false, "member"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			offered := func(code string) bool { return slices.Contains(c.codes, code) }
			for _, g := range []*intake.Form{f.Offering("way", offered), f.Offering("way", offered).In("es"), f.In("es").Offering("way", offered)} {
				it, _ := g.Item("way")
				var options []string
				for _, o := range it.Options {
					options = append(options, o.Code)
				}
				if d := cmp.Diff(c.options, options); d != "" || it.Asked() != c.asked {
					t.Errorf("asked: %v, options (-want +got):\n%s", it.Asked(), d)
				}
				if g.Hash() != f.Hash() {
					t.Errorf("another hash")
				}
				res := g.Check(respond(t, chosen("way", c.given)))
				if refused := len(res.Wrong()) > 0; refused != (c.kept == "") {
					t.Errorf("wrong: %v", res.Wrong())
				}
				if kept := res.Response.Answers("way"); c.kept != "" && (len(kept) != 1 || kept[0].Coding().Code != c.kept) {
					t.Errorf("kept: %v", kept)
				}
			}
			if it, _ := f.Offering("way", offered).In("es").Item("way"); it.Text != "¿Cómo?" {
				t.Errorf("in Spanish: %s", it.Text)
			}
		})
	}
	self := func(code string) bool { return code == "self" }
	if f.Offering("why", self) != f || f.Offering("nothing", self) != f {
		t.Error("a question without options changed")
	}
	if res := f.Offering("way", self).Check(intake.Response{Questionnaire: f.Canonical()}); len(res.Missing()) > 0 || len(res.Response.Answers("way")) != 1 {
		t.Errorf("the only way is not the answer of whom is not asked: %v", res.Missing())
	}
}
