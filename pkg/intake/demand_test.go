package intake_test

import (
	"slices"
	"strings"
	"testing"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// What is demanded of a form that is published is not asked of one that was: the same
// form is refused by Alone and loaded from storage.
func TestDemands_OfThePublishedOnly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ old, new, want string }{
		"an exclusive option that is not marked":         {`optionExclusive", "valueBoolean": true`, `optionExclusive", "valueBoolean": false`, "trouble exclusive"},
		"an exclusive option known by its words":         {`"code": "x", "display": "X"`, `"code": "well", "display": "None of the above"`, "other exclusive"},
		"a pattern that nobody is told":                  {`entryFormat", "valueString"`, `designNote", "valueMarkdown"`, "phone pattern"},
		"a statement that may be left open":              {`"text": "I agree", "required": true`, `"text": "I agree"`, "agree statement"},
		"a promise that nobody keeps":                    {`"Come in."`, `"Come in. We will call you."`, "high contact"},
		"a promise of a call in an emergency":            {`"Call 911."`, `"Call 911. A clinician will also call you today."`, "chest contact"},
		"a promise on a number of one's choice":          {`"Not here."`, `"We'll ring you on a number you choose."`, "no-trouble contact"},
		"a promise that the patient hears from somebody": {`"Not here."`, `"You will hear from us."`, "no-trouble contact"},
		"a sensitive topic twice":                        {`"extension": [`, `"extension": [` + strings.Repeat(`{"url": "https://example.org/fhir/StructureDefinition/evisit-sensitive-topic", "valueCode": "hiv"}, `, 2), "evisit-sensitive-topic topic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := string(source(t, "kinds"))
			if !strings.Contains(data, tt.old) {
				t.Fatalf("kinds has no %s", tt.old)
			}
			data = strings.Replace(data, tt.old, tt.new, 1)
			q, err := intake.Parse([]byte(data))
			if err != nil {
				t.Fatal(explain(err))
			}
			_, err = intake.Alone(q)
			if f, ok := fault.Public(err); !ok || !slices.Equal(places(f.Problems), []string{tt.want}) {
				t.Errorf("publishing: %v, want %q", explain(err), tt.want)
			}
			if _, err := intake.Load([]byte(data)); err != nil {
				t.Errorf("loading: %v", explain(err))
			}
		})
	}
}

// A required question may not be left out with the group around it, whether the group is
// required or not, unless the group repeats.
func TestCheck_GroupsWithRequiredQuestions(t *testing.T) {
	t.Parallel()
	f := alone(t, written("", `{"linkId":"outer","type":"group","text":"Outer","item":[{"linkId":"inner","type":"group","text":"Inner","item":[{"linkId":"a","type":"string","text":"A?","required":true}]}]},
{"linkId":"rows","type":"group","text":"Rows","repeats":true,"item":[{"linkId":"b","type":"string","text":"B?","required":true}]},
{"linkId":"free","type":"group","text":"Free","item":[{"linkId":"c","type":"string","text":"C?"}]}`))
	for items, want := range map[string]string{
		"":                             "outer required",
		group("rows"):                  "outer required",
		group("free", words("c", "x")): "outer required",
		group("outer", group("inner", words("a", "x"))): "",
	} {
		if got := strings.Join(places(f.Check(respond(t, items)).Problems), ", "); got != want {
			t.Errorf("%s: %q, want %q", items, got, want)
		}
	}
}

// These texts promise nothing.
func TestDemands_NoPromise(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"You will not be charged. Call the nurse line now.",
		"We will not treat this by e-visit. Use the number below to reach the practice.",
		"Please start a medical e-visit or call us. You will not be charged for this request.",
	} {
		q, err := intake.Parse([]byte(strings.Replace(string(source(t, "kinds")), "Not here.", text, 1)))
		if err != nil {
			t.Fatal(explain(err))
		}
		if _, err := intake.Alone(q); err != nil {
			t.Errorf("%s: %v", text, explain(err))
		}
	}
}
