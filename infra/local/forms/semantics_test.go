package forms_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/intake"
)

// How Check evaluates the development forms.
func TestForms_Check(t *testing.T) {
	t.Parallel()
	reading := func(sys, dia int) string {
		return fmt.Sprintf(`{"bp-time":"2026-01-15T08:00:00-05:00","bp-sys":%d,"bp-dia":%d}`, sys, dia)
	}
	bp := func(sx string, readings ...string) string {
		return `{"rd-kind":["bp"],"rd-sx":[` + sx + `],"bp":[` + strings.Join(readings, ",") + `]}`
	}
	phq := func(score string) string {
		answers := make([]string, 9)
		for i := range answers {
			answers[i] = fmt.Sprintf(`"phq9-%d":"LA6568-5"`, i+1)
		}
		answers[0] = `"phq9-1":"` + score + `"`
		return "{" + strings.Join(answers, ",") + "}"
	}
	tests := map[string]struct {
		form, answers string
		disposition   intake.Disposition
		fired         []string
		wrong         []string
	}{
		"the highest severity decides and all are recorded": {
			"uti-women", `{"uti-confused":true,"uti-fever":true,"uti-kidney":true,"uti-abx":true}`,
			intake.Emergency,
			[]string{"uti-sepsis", "uti-pyelo", "uti-complicated", "uti-recurrent"},
			nil,
		},
		"urgent over ineligible": {
			"back-pain", `{"back-weak":true,"back-cancer":true}`, intake.Urgent, []string{"back-motor", "back-tumor"}, nil,
		},
		"flags alone continue": {"uti-women", `{"uti-onset":9,"uti-sti":true}`, intake.Continue, []string{"uti-vaginal", "uti-long"}, nil},
		"a diversion stands beside errors": {
			"uti-women", `{"uti-confused":true,"uti-onset":61,"uti-pregnant":"perhaps"}`,
			intake.Emergency,
			[]string{"uti-sepsis"},
			[]string{"uti-onset range", "uti-pregnant option"},
		},
		"errors without a diversion": {"uti-women", `{"uti-confused":false,"uti-onset":-1}`, intake.Continue, nil, []string{"uti-onset range"}},
		"a hidden answer does not divert and is no error": {
			"back-pain", `{"back-start":"lift","back-fall-major":true}`, intake.Continue, nil, nil,
		},
		"a hidden answer out of range is no error": {"uti-women", `{"uti-fever":false,"uti-temp":999}`, intake.Continue, nil, nil},
		"what a disabled question enables is disabled": {
			"evisit-common", `{"completed-by":"self","proxy-authority":false}`, intake.Continue, nil, nil,
		},
		"a disabled group hides what is in it": {
			"bp-glucose-readings", `{"rd-kind":["weight"],"rd-sx":["headache"],"bp":[` + reading(200, 130) + `]}`, intake.Continue, nil, nil,
		},
		"!= without an answer is false":      {"evisit-common", `{"proxy-authority":false}`, intake.Continue, nil, nil},
		"!= with another answer is true":     {"evisit-common", `{"completed-by":"parent","proxy-authority":false}`, intake.Ineligible, []string{"c-proxy-no-authority"}, nil},
		"!= in a rule, any answer differing": {"bp-glucose-readings", bp(`"none","headache"`, reading(185, 100)), intake.Emergency, []string{"bp-emergency", "bp-urgent", "bp-above"}, nil},
		"!= in a rule, none differing":       {"bp-glucose-readings", bp(`"none"`, reading(185, 100)), intake.Urgent, []string{"bp-urgent", "bp-above"}, nil},
		"an error, not an emergency: systolic 700": {
			"bp-glucose-readings", bp(`"headache"`, reading(700, 90)), intake.Continue, []string{"bp-above"}, []string{"bp-sys range"},
		},
		"an error: oxygen saturation 12": {"respiratory", `{"resp-spo2":12}`, intake.Continue, nil, []string{"resp-spo2 range"}},
		"systolic below diastolic feeds nothing": {
			"bp-glucose-readings", bp(`"headache"`, reading(120, 190)), intake.Continue, nil, []string{"bp-sys consistency"},
		},
		"systolic equal to diastolic feeds nothing": {
			"bp-glucose-readings", bp(`"headache"`, reading(190, 190)), intake.Continue, nil, []string{"bp-sys consistency"},
		},
		"one bad reading does not hide the others": {
			"bp-glucose-readings", bp(`"headache"`, reading(120, 190), reading(181, 90)),
			intake.Emergency,
			[]string{"bp-emergency", "bp-urgent", "bp-above"},
			[]string{"bp-sys consistency"},
		},
		"conditions met in different rows": {
			"bp-glucose-readings", bp(`"none","vomit"`, reading(120, 70), reading(182, 70)),
			intake.Emergency,
			[]string{"bp-emergency", "bp-urgent", "bp-above"},
			nil,
		},
		"too many rows": {
			"bp-glucose-readings", bp(`"none"`, strings.Split(strings.Repeat(reading(110, 70)+";", 28)+reading(110, 70), ";")...),
			intake.Continue, nil,
			[]string{"bp occurrence"},
		},
		"too many rows of a disabled group": {
			"bp-glucose-readings", strings.Replace(bp(`"none"`, strings.Split(strings.Repeat(reading(110, 70)+";", 28)+reading(110, 70), ";")...), `"rd-kind":["bp"]`, `"rd-kind":["weight"]`, 1),
			intake.Continue, nil, nil,
		},
		"a total below":                    {"mental-health-phq9-gad7", phq("LA6571-9"), intake.Continue, nil, nil},
		"none beside another is evaluated": {"uti-women", `{"uti-sx":["burning","none"]}`, intake.Ineligible, []string{"uti-notypical"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := named(t, tt.form)
			answers := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(tt.answers), &answers); err != nil {
				t.Fatal(err)
			}
			res := f.Check(response(t, f, answers))
			if res.Disposition != tt.disposition {
				t.Errorf("disposition is %s, want %s", res.Disposition, tt.disposition)
			}
			var fired, wrong []string
			for _, r := range res.Fired {
				fired = append(fired, r.ID)
			}
			for _, p := range res.Wrong() {
				wrong = append(wrong, p.Where+" "+p.Code)
			}
			if d := cmp.Diff(tt.fired, fired); d != "" {
				t.Errorf("fired (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.wrong, wrong); d != "" {
				t.Errorf("wrong (-want +got):\n%s", d)
			}
		})
	}
}

// Required items of a group are required in each given row, and only there.
func TestForms_RequiredInRows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		form, answers string
		want, not     []string
	}{
		"a required group needs a row":              {"medication-refill", `{}`, []string{"rx"}, []string{"rx-name", "rx-left"}},
		"a row needs its required children":         {"medication-refill", `{"rx":[{"rx-name":"a"}]}`, []string{"rx-strength", "rx-directions", "rx-left"}, []string{"rx", "rx-name", "rx-last"}},
		"an optional group may be absent":           {"bp-glucose-readings", `{"rd-kind":["bp"]}`, []string{"rd-sx"}, []string{"bp", "bp-sys"}},
		"a group with a required question is asked": {"evisit-common", `{}`, []string{"medications", "allergies"}, []string{"allergy-none", "allergy"}},
		"a group without answers is asked":          {"evisit-common", `{"allergies":{}}`, []string{"allergies"}, []string{"allergy-none", "allergy", "allergy-drug"}},
		"an enabled optional group may be absent":   {"evisit-common", `{"allergies":{"allergy-none":false}}`, nil, []string{"allergy", "allergy-drug"}},
		"a nested row needs its required children":  {"evisit-common", `{"allergies":{"allergy-none":false,"allergy":[{"allergy-drug":"x"}]}}`, []string{"allergy-reaction"}, []string{"allergy-drug"}},
		"a row of a disabled group needs nothing":   {"evisit-common", `{"allergies":{"allergy-none":true,"allergy":[{"allergy-drug":"x"}]}}`, nil, []string{"allergy-reaction"}},
		"required photos":                           {"rash-skin", `{}`, []string{"skin-photo"}, []string{"skin-newmed-name"}},
		"required once enabled":                     {"rash-skin", `{"skin-newmed":true}`, []string{"skin-newmed-name"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := named(t, tt.form)
			answers := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(tt.answers), &answers); err != nil {
				t.Fatal(err)
			}
			missing := map[string]bool{}
			for _, p := range f.Check(response(t, f, answers)).Missing() {
				missing[p.Where] = true
			}
			for _, linkID := range tt.want {
				if !missing[linkID] {
					t.Errorf("%s is not asked for", linkID)
				}
			}
			for _, linkID := range tt.not {
				if missing[linkID] {
					t.Errorf("%s is asked for", linkID)
				}
			}
		})
	}
}

func TestForms_Derived(t *testing.T) {
	t.Parallel()
	const sinus = "Bacterial sinusitis criteria met: "
	tests := map[string]struct {
		form, answers string
		want          string
	}{
		"mean of the valid readings": {
			"bp-glucose-readings", `{"rd-kind":["bp"],"bp":[{"bp-sys":120,"bp-dia":80},{"bp-sys":131,"bp-dia":85},{"bp-sys":70,"bp-dia":90}]}`,
			"Mean blood pressure 126/83 mmHg over 2 reading(s).",
		},
		"a row with one number is no reading": {
			"bp-glucose-readings", `{"rd-kind":["bp"],"bp":[{"bp-sys":120},{"bp-sys":140,"bp-dia":90},{"bp-dia":60}]}`,
			"Mean blood pressure 140/90 mmHg over 1 reading(s).",
		},
		"no row with both numbers":          {"bp-glucose-readings", `{"rd-kind":["bp"],"bp":[{"bp-sys":120},{"bp-dia":80}]}`, ""},
		"no reading":                        {"bp-glucose-readings", `{"rd-kind":["weight"]}`, ""},
		"ten days, the same":                {"respiratory", `{"resp-onset":10,"resp-course":"same"}`, sinus + "ten days or more without improvement."},
		"ten days, better":                  {"respiratory", `{"resp-onset":10,"resp-course":"better"}`, ""},
		"ten days, the course not answered": {"respiratory", `{"resp-onset":10}`, ""},
		"nine days, worse":                  {"respiratory", `{"resp-onset":9,"resp-course":"worse"}`, ""},
		"worse after better":                {"respiratory", `{"resp-onset":5,"resp-course":"double"}`, sinus + "worse again after getting better."},
		"high fever with purulent mucus":    {"respiratory", `{"resp-fever":true,"resp-temp":102.2,"resp-fever-days":3,"resp-sx":["purulent"]}`, sinus + "high fever and purulent mucus for three days or more."},
		"fever below":                       {"respiratory", `{"resp-fever":true,"resp-temp":102.1,"resp-fever-days":3,"resp-sx":["purulent"]}`, ""},
		"two days":                          {"respiratory", `{"resp-fever":true,"resp-temp":102.2,"resp-fever-days":2,"resp-sx":["purulent"]}`, ""},
		"clear mucus":                       {"respiratory", `{"resp-fever":true,"resp-temp":102.2,"resp-fever-days":3,"resp-sx":["cough"]}`, ""},
		"a form without derived values":     {"pink-eye", `{"eye-onset":3}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := named(t, tt.form)
			answers := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(tt.answers), &answers); err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, d := range f.Check(response(t, f, answers)).Derived {
				got += d.Text
			}
			if got != tt.want {
				t.Errorf("derived %q, want %q", got, tt.want)
			}
		})
	}
}

// A total is the sum of the valid answers so far, not the value the client sent.
func TestForms_Totals(t *testing.T) {
	t.Parallel()
	f := named(t, "mental-health-phq9-gad7")
	tests := map[string]struct {
		answers string
		want    map[string]string
	}{
		"none answered":                 {`{"phq9-total":27,"gad7-total":21}`, map[string]string{}},
		"one answered":                  {`{"phq9-2":"LA6571-9"}`, map[string]string{"phq9-total": "3"}},
		"zeros are a total":             {`{"gad7-1":"LA6568-5"}`, map[string]string{"gad7-total": "0"}},
		"each total sums its own items": {`{"phq9-1":"LA6569-3","phq9-9":"LA6568-5","gad7-7":"LA6570-1"}`, map[string]string{"phq9-total": "1", "gad7-total": "2"}},
		"a forged total":                {`{"phq9-1":"LA6569-3","phq9-total":0}`, map[string]string{"phq9-total": "1"}},
		"not the difficulty":            {`{"phq9-difficulty":"LA6574-3"}`, map[string]string{}},
		"not an invalid item":           {`{"phq9-1":"LA6569-3","phq9-2":"LA0000-0"}`, map[string]string{"phq9-total": "1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(tt.answers), &answers); err != nil {
				t.Fatal(err)
			}
			kept := f.Check(response(t, f, answers)).Response
			got := map[string]string{}
			for _, linkID := range []string{"phq9-total", "gad7-total"} {
				for _, v := range kept.Answers(linkID) {
					got[linkID] += v.Text()
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("totals (-want +got):\n%s", d)
			}
		})
	}
}

func named(t *testing.T, name string) *intake.Form {
	t.Helper()
	if name == "evisit-common" {
		return common(t)
	}
	return form(t, name)
}
