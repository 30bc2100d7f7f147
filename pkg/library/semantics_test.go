package library_test

import (
	"encoding/json"
	"fmt"
	"slices"
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
			"back-pain", `{"back-weak":true,"conditions":["cancer"]}`, intake.Urgent, []string{"back-motor", "back-tumor"}, nil,
		},
		"flags alone continue": {"uti-women", `{"uti-onset":9,"uti-sti":true}`, intake.Continue, []string{"uti-vaginal", "uti-long"}, nil},
		"a diversion stands beside errors": {
			"uti-women", `{"uti-confused":true,"uti-onset":61,"pregnant":"perhaps"}`,
			intake.Emergency,
			[]string{"uti-sepsis"},
			[]string{"pregnant option", "uti-onset range"},
		},
		"errors without a diversion": {"uti-women", `{"uti-confused":false,"uti-onset":-1}`, intake.Continue, nil, []string{"uti-onset range"}},
		"a hidden answer does not divert and is no error": {
			"back-pain", `{"back-start":"lift","back-fall-major":true}`, intake.Continue, nil, nil,
		},
		"a hidden answer out of range is no error": {"uti-women", `{"uti-fever":false,"uti-temp":999}`, intake.Continue, nil, nil},
		"what a disabled question enables is disabled": {
			"uti-women", `{"conditions":["none"],"uti-diabetes":true}`, intake.Continue, nil, nil,
		},
		"a disabled group hides what is in it": {
			"bp-glucose-readings", `{"rd-kind":["weight"],"rd-sx":["headache"],"bp":[` + reading(200, 130) + `]}`, intake.Continue, nil, nil,
		},
		"!= without an answer is false":      {"bp-glucose-readings", bp(`"none"`, reading(165, 95)), intake.Continue, []string{"bp-above"}, nil},
		"!= in a rule, any answer differing": {"bp-glucose-readings", bp(`"dizzy","headache"`, reading(185, 100)), intake.Emergency, []string{"bp-emergency", "bp-urgent", "bp-above"}, nil},
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
			"bp-glucose-readings", bp(`"dizzy","vomit"`, reading(120, 70), reading(182, 70)),
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
		"a total below": {"mental-health-phq9-gad7", phq("LA6571-9"), intake.Continue, nil, nil},
		"none beside another is an error, and no ending":       {"uti-women", `{"uti-sx":["burning","none"]}`, intake.Continue, nil, []string{"uti-sx exclusive"}},
		"none beside chest pain does not hide it":              {"bp-glucose-readings", `{"rd-kind":["weight"],"rd-sx":["none","chest"]}`, intake.Emergency, []string{"cardio-neuro"}, []string{"rd-sx exclusive"}},
		"no to a statement is an error, and no ending":         {"evisit-common", `{"emergency-ack":false}`, intake.Continue, nil, []string{"emergency-ack statement"}},
		"no authority is an error, and no ending":              {"evisit-common", `{"completed-by":"parent","proxy-authority":false}`, intake.Continue, nil, []string{"proxy-authority statement"}},
		"no consent is an error, and no ending":                {"uti-women", `{"fee-ack":false,"consent-ack":false}`, intake.Continue, nil, []string{"fee-ack statement", "consent-ack statement"}},
		"no release is an error, and no ending":                {"admin-request", `{"adm-deliver":"fax","adm-release":false}`, intake.Continue, nil, []string{"adm-release statement"}},
		"a phone with an extension":                            {"evisit-common", `{"callback-phone":"(503) 555-0177 ext. 12"}`, intake.Continue, nil, nil},
		"x for a phone":                                        {"evisit-common", `{"callback-phone":"x"}`, intake.Continue, nil, []string{"callback-phone pattern"}},
		"n/a for a phone":                                      {"evisit-common", `{"callback-phone":"n/a"}`, intake.Continue, nil, []string{"callback-phone pattern"}},
		"a state by its code":                                  {"evisit-common", `{"location-state":"ME"}`, intake.Continue, nil, nil},
		"a state that is none":                                 {"evisit-common", `{"location-state":"ZZ"}`, intake.Continue, nil, []string{"location-state option"}},
		"an absence that ends before it starts":                {"admin-request", `{"adm-type":"note","adm-start":"2026-01-15","adm-end":"2026-01-14"}`, intake.Continue, nil, []string{"adm-end consistency"}},
		"an absence of one day":                                {"admin-request", `{"adm-type":"note","adm-start":"2026-01-15","adm-end":"2026-01-15"}`, intake.Continue, nil, nil},
		"needed yesterday":                                     {"admin-request", `{"adm-due":"2026-01-14"}`, intake.Continue, nil, []string{"adm-due range"}},
		"needed in 9999":                                       {"admin-request", `{"adm-due":"9999-01-14"}`, intake.Continue, nil, []string{"adm-due range"}},
		"a visit that is to come":                              {"evisit-common", `{"seen-7d":true,"seen-7d-date":"2026-01-16"}`, intake.Continue, []string{"c-seen-7d"}, []string{"seen-7d-date range"}},
		"a test of 1901":                                       {"respiratory", `{"resp-covid":"pos","resp-covid-date":"1901-01-14"}`, intake.Continue, nil, []string{"resp-covid-date range"}},
		"a reading of tomorrow":                                {"bp-glucose-readings", `{"rd-kind":["glucose"],"glu":[{"glu-time":"2026-01-16T08:00:00Z"}]}`, intake.Continue, nil, []string{"glu-time range"}},
		"a pregnant patient's diastolic pressure and symptoms": {"bp-glucose-readings", `{"pregnant":"yes",` + bp(`"headache","vision"`, reading(138, 95))[1:], intake.Emergency, []string{"bp-preg-sx-dia", "bp-preg-dia", "c-pregnant", "bp-above"}, nil},
		"the common block's pregnancy":                         {"uti-women", `{"pregnant":"yes"}`, intake.Urgent, []string{"uti-preg", "c-pregnant"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := named(t, tt.form)
			answers := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(tt.answers), &answers); err != nil {
				t.Fatal(err)
			}
			res := f.With(intake.Facts{Now: intake.ExampleTime}).Check(response(t, f, answers))
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
		"readings without a reading":                {"bp-glucose-readings", `{"rd-kind":["bp","glucose","weight"],"bp":[{}]}`, []string{"rd-sx", "bp", "glu", "wt"}, []string{"bp-sys"}},
		"readings of another kind":                  {"bp-glucose-readings", `{"rd-kind":["weight"],"wt":150}`, []string{"rd-sx"}, []string{"bp", "glu", "wt"}},
		"a group with a required question is asked": {"evisit-common", `{}`, []string{"medications", "allergies"}, []string{"allergy-none", "allergy"}},
		"a group without answers is asked":          {"evisit-common", `{"allergies":{}}`, []string{"allergies"}, []string{"allergy-none", "allergy", "allergy-drug"}},
		"allergies, and none listed":                {"evisit-common", `{"allergies":{"allergy-none":false,"allergy":[{}]}}`, []string{"allergy"}, []string{"allergies", "allergy-drug"}},
		"no allergies":                              {"evisit-common", `{"allergies":{"allergy-none":true}}`, nil, []string{"allergies", "allergy", "allergy-drug"}},
		"pregnancy and conditions, once":            {"uti-women", `{}`, []string{"pregnant", "conditions"}, []string{"uti-diabetes", "uti-lmp"}},
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

// Both instruments are whole on a page, under their stem, and a helpline is beside the
// question about suicide.
func TestForms_InstrumentsWhole(t *testing.T) {
	t.Parallel()
	f := form(t, "mental-health-phq9-gad7")
	pages := map[string][]string{}
	for _, p := range f.Pages() {
		for _, it := range p.Items {
			pages[p.Title] = append(pages[p.Title], it.LinkID)
		}
	}
	for title, want := range map[string]string{
		"PHQ-9: the last 2 weeks": "mh-instr phq9-1 phq9-2 phq9-3 phq9-4 phq9-5 phq9-6 phq9-7 phq9-8 phq9-9 phq9-total phq9-difficulty",
		"GAD-7: the last 2 weeks": "gad7-instr gad7-1 gad7-2 gad7-3 gad7-4 gad7-5 gad7-6 gad7-7 gad7-total",
	} {
		if got := strings.Join(pages[title], " "); got != want {
			t.Errorf("page %q has %s", title, got)
		}
	}
	if it, _ := f.Item("phq9-9"); len(it.Help) != 1 || !strings.Contains(it.Help[0].Text, "988") {
		t.Errorf("beside item 9: %v", it.Help)
	}
}

// Rules for a suicidal or an unsafe patient have somebody call, at a number that the form
// asks for, and their messages promise nothing beyond that.
func TestForms_Contacts(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, f := range all(t) {
		for _, r := range f.Rules() {
			if r.Contact != nil {
				got[r.ID] = fmt.Sprintf("%s in %s at %s", r.Contact.Pool, r.Contact.Within, r.Contact.Question)
			}
		}
	}
	const back, safe = "clinical in 1h0m0s at callback-phone", "clinical in 1h0m0s at mh-safe-phone"
	want := map[string]string{"mh-intent": back, "mh-si": back, "mh-recent": back, "mh-hi": back, "rx-suicide": back, "mh-unsafe": safe}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("contacts (-want +got):\n%s", d)
	}
}

// The states are 50, the District and five territories.
func TestForms_States(t *testing.T) {
	t.Parallel()
	it, _ := common(t).Item("location-state")
	if it.Type != intake.Choice || len(it.Options) != 56 {
		t.Errorf("%s of %d options", it.Type, len(it.Options))
	}
	for code, name := range map[string]string{"ME": "Maine", "AZ": "Arizona", "AR": "Arkansas", "MO": "Missouri", "DC": "District of Columbia", "PR": "Puerto Rico"} {
		if !slices.ContainsFunc(it.Options, func(o intake.Option) bool { return o.Code == code && o.Display == name }) {
			t.Errorf("no %s %s", code, name)
		}
	}
}
