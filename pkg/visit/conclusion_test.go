package visit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

func complete() visit.Conclusion {
	return visit.Conclusion{
		Reply: "Here is what I think.", Diagnoses: []visit.Diagnosis{{Code: "N30.00"}},
		Plan:    visit.Plan{Do: "rest", Warnings: "fever", FollowUp: "as needed"},
		Minutes: new(7),
	}
}

func TestConclusion_ProblemsOfEachField(t *testing.T) {
	t.Parallel()
	long := phi.Text(strings.Repeat("x", 8001))
	for name, test := range map[string]struct {
		change func(*visit.Conclusion)
		want   map[string]string
	}{
		"complete":       {func(*visit.Conclusion) {}, nil},
		"a reason":       {func(c *visit.Conclusion) { c.Diagnoses, c.NoDiagnosis = nil, "not enough is known" }, nil},
		"as long as may": {func(c *visit.Conclusion) { c.Reply = long[1:] }, nil},
		"nothing": {func(c *visit.Conclusion) { *c = visit.Conclusion{} }, map[string]string{
			"/reply": "required", "/plan/do": "required", "/plan/warning_signs": "required", "/plan/follow_up": "required", "/diagnoses": "required",
		}},
		"only spaces": {func(c *visit.Conclusion) { c.Reply, c.Plan.FollowUp = " \n\t", " " }, map[string]string{
			"/reply": "required", "/plan/follow_up": "required",
		}},
		"only invisible characters": {func(c *visit.Conclusion) {
			c.Reply, c.Plan.Do, c.Plan.Warnings = "\u200b\u2060", "\u3164", "\u2800 \ufeff"
		}, map[string]string{
			"/reply": "required", "/plan/do": "required", "/plan/warning_signs": "required",
		}},
		"an invisible reason": {func(c *visit.Conclusion) { c.Diagnoses, c.NoDiagnosis = nil, "\u200b" }, map[string]string{"/diagnoses": "required"}},
		"too long":            {func(c *visit.Conclusion) { c.Reply, c.Plan.Do = long, long }, map[string]string{"/reply": "length", "/plan/do": "length"}},
		"a reason too long": {func(c *visit.Conclusion) { c.Diagnoses, c.NoDiagnosis = nil, long }, map[string]string{
			"/no_diagnosis": "length",
		}},
		"a blank reason":       {func(c *visit.Conclusion) { c.Diagnoses, c.NoDiagnosis = nil, "  " }, map[string]string{"/diagnoses": "required"}},
		"both":                 {func(c *visit.Conclusion) { c.NoDiagnosis = "none" }, map[string]string{"/no_diagnosis": "consistency"}},
		"thirteen":             {func(c *visit.Conclusion) { c.Diagnoses = thirteen() }, map[string]string{"/diagnoses": "occurrence"}},
		"minutes below 0":      {func(c *visit.Conclusion) { c.Minutes = new(-1) }, map[string]string{"/minutes": "range"}},
		"minutes past a shift": {func(c *visit.Conclusion) { c.Minutes = new(601) }, map[string]string{"/minutes": "range"}},
		"codes that are none": {func(c *visit.Conclusion) {
			c.Diagnoses = []visit.Diagnosis{{Code: "N30.00"}, {Code: "n30.00"}, {Code: "N3000"}, {Code: "U07.1"}, {Code: ""}, {Code: "C7A.020"}, {Code: "R05."}, {Code: "R05.12345"}}
		}, map[string]string{"/diagnoses/1/code": "format", "/diagnoses/2/code": "format", "/diagnoses/4/code": "format", "/diagnoses/6/code": "format", "/diagnoses/7/code": "format"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := complete()
			test.change(&c)
			var got map[string]string
			for _, p := range c.Problems() {
				if got == nil {
					got = map[string]string{}
				}
				got[p.Where] = p.Code
				if p.Text == "" {
					t.Errorf("%s says not what would be right", p.Where)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func thirteen() []visit.Diagnosis {
	ds := make([]visit.Diagnosis, 13)
	for i := range ds {
		ds[i].Code = "R05.9"
	}
	return ds
}
