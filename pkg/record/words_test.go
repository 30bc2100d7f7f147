package record_test

import (
	"slices"
	"testing"
	"time"

	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/record"
)

// Instructions are the messages of the rules that decide, each text once, and a promise
// of contact where there is a number to keep it.
func TestInstructions_EachTextOnce(t *testing.T) {
	t.Parallel()
	const call911, call988, promise = "Call 911.", "Call 988.", "We will call you today."
	to := &intake.Contact{Pool: "clinical", Within: time.Hour, Question: "phone", Promise: promise}
	rule := func(s intake.Severity, message string) intake.Fired {
		return intake.Fired{Rule: intake.Rule{ID: message, Severity: s, Message: message}}
	}
	contact := func(s intake.Severity, message string, reachable bool) intake.Fired {
		return intake.Fired{Rule: intake.Rule{ID: message, Severity: s, Message: message, Contact: to}, Reachable: reachable}
	}
	for name, tt := range map[string]struct {
		fired []intake.Fired
		want  string
	}{
		"one":                       {[]intake.Fired{rule(intake.SeverityEmergency, call911)}, call911},
		"two of one text":           {[]intake.Fired{rule(intake.SeverityEmergency, call911), rule(intake.SeverityEmergency, call911)}, call911},
		"two texts":                 {[]intake.Fired{rule(intake.SeverityEmergency, call911), rule(intake.SeverityEmergency, call988)}, call911 + "\n" + call988},
		"one that does not decide":  {[]intake.Fired{rule(intake.SeverityEmergency, call911), contact(intake.SeverityUrgent, call988, true)}, call911},
		"a contact with a number":   {[]intake.Fired{contact(intake.SeverityEmergency, call988, true)}, call988 + "\n" + promise},
		"a contact without":         {[]intake.Fired{contact(intake.SeverityEmergency, call988, false)}, call988},
		"two contacts of one words": {[]intake.Fired{contact(intake.SeverityEmergency, call988, true), contact(intake.SeverityEmergency, call988, true)}, call988 + "\n" + promise},
	} {
		if got := record.Instructions(intake.Result{Disposition: intake.Emergency, Fired: tt.fired}); got.Reveal() != tt.want {
			t.Errorf("%s: %q, want %q", name, got.Reveal(), tt.want)
		}
	}
}

// Dates are told with the month's name and the year, whatever the reader's habit.
func TestInWords_Dates(t *testing.T) {
	t.Parallel()
	f, err := intake.Load([]byte(`{"resourceType": "Questionnaire", "id": "dates", "title": "Dates", "url": "https://example.org/q/dates", "version": "1", "status": "active",
		"extension": [{"url": "https://example.org/fhir/StructureDefinition/evisit-billing-class", "valueCode": "none"}],
		"item": [{"linkId": "day", "type": "date", "text": "Which day?"}, {"linkId": "time", "type": "dateTime", "text": "When?"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	told := record.InWords(f, intake.Response{Items: []intake.Entry{
		intake.Ask("day", intake.Date("2026-02-03")), intake.Ask("time", intake.DateTime("2026-03-01T08:30:00-06:00")),
	}})
	for n, want := range []string{"3 February 2026", "1 March 2026, 08:30 (UTC-06:00)"} {
		if got := told[n].Answers[0].Reveal(); got != want {
			t.Errorf("%s is told as %q, want %q", told[n].Question, got, want)
		}
	}
}

// The number to call is the one that the rule which stopped the visit promises to call,
// if that was given.
func TestCallNumber(t *testing.T) {
	t.Parallel()
	stopped := func(reachable bool) *record.Diversion {
		return &record.Diversion{Rules: []intake.Fired{{Rule: intake.Rule{Contact: &intake.Contact{Question: "safe"}}, Reachable: reachable}}}
	}
	common := record.QA{LinkID: intake.CallbackItem, Answers: []phi.Text{"1"}}
	safe := record.QA{LinkID: "safe", Answers: []phi.Text{"2"}}
	for name, test := range map[string]struct {
		answers []record.QA
		stopped *record.Diversion
		want    phi.Text
	}{
		"none":                      {nil, nil, ""},
		"the common one":            {[]record.QA{common, safe}, nil, "1"},
		"the one of the rule":       {[]record.QA{common, safe}, stopped(true), "2"},
		"the rule's was not given":  {[]record.QA{common}, stopped(false), "1"},
		"only the rule's was given": {[]record.QA{safe}, stopped(true), "2"},
		"stopped without a promise": {[]record.QA{common}, &record.Diversion{Rules: []intake.Fired{{}}}, "1"},
	} {
		if got := record.CallNumber(test.answers, test.stopped); got != test.want {
			t.Errorf("%s: %q, want %q", name, got.Reveal(), test.want.Reveal())
		}
	}
}

// Answers under answers follow the one they stand under, and those in rows within rows
// say which; a quantity has its own unit, and
// a time no seconds that nobody gave.
func TestInWords_UnderAnswers(t *testing.T) {
	t.Parallel()
	const source = `{"resourceType":"Questionnaire","id":"a","url":"https://example.org/a","version":"1","title":"A","status":"draft",
"extension":[{"url":"https://example.org/fhir/StructureDefinition/evisit-billing-class","valueCode":"em"}],"item":[
{"linkId":"kid","type":"group","text":"Kid","repeats":true,"item":[{"linkId":"name","type":"string","text":"Name?","item":[
 {"linkId":"tall","type":"quantity","text":"Tall?","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-unit","valueCoding":{"code":"cm"}}]},
 {"linkId":"bed","type":"time","text":"Bed?"}]},{"linkId":"ill","type":"group","text":"Illness","repeats":true,"item":[{"linkId":"of","type":"string","text":"Of?"}]}]},
{"linkId":"pets","type":"choice","text":"Pets?","repeats":true,"answerOption":[{"valueCoding":{"code":"c","display":"Cat"}},{"valueCoding":{"code":"d","display":"Dog"}}],"item":[{"linkId":"called","type":"string","text":"Called?"}]}]}`
	f, err := intake.Publish(nil, []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	name := func(s string, items ...intake.Entry) intake.Entry {
		return intake.Row("kid", intake.Entry{LinkID: "name", Answers: []intake.Answer{{Value: intake.String(s), Items: items}}})
	}
	ill := func(row intake.Entry, of ...string) intake.Entry {
		for _, s := range of {
			row.Items = append(row.Items, intake.Row("ill", intake.Ask("of", intake.String(s))))
		}
		return row
	}
	r := intake.Response{Items: []intake.Entry{
		ill(name("Ann"), "colds", "croup"), ill(name("Bob", intake.Ask("tall", intake.Quantity("104.5", intake.Coding{Code: "cm"})), intake.Ask("bed", intake.Time("19:30:00"))), "asthma"),
		{LinkID: "pets", Answers: []intake.Answer{
			{Value: intake.Code(intake.Coding{Code: "c"}), Items: []intake.Entry{intake.Ask("called", intake.String("Tom"))}},
			{Value: intake.Code(intake.Coding{Code: "d"}), Items: []intake.Entry{intake.Ask("called", intake.String("Rex"))}},
		}},
	}}
	res := f.Check(r)
	if len(res.Problems) > 0 {
		t.Fatal(res.Problems)
	}
	want := []record.QA{
		{LinkID: "name", Question: "Name?", Row: 1, Answers: []phi.Text{"Ann"}},
		{LinkID: "of", Question: "Of?", Row: 1, Within: []int{1}, Answers: []phi.Text{"colds"}},
		{LinkID: "of", Question: "Of?", Row: 1, Within: []int{2}, Answers: []phi.Text{"croup"}},
		{LinkID: "name", Question: "Name?", Row: 2, Answers: []phi.Text{"Bob"}},
		{LinkID: "tall", Question: "Tall?", Row: 2, Answers: []phi.Text{"104.5 cm"}},
		{LinkID: "bed", Question: "Bed?", Row: 2, Answers: []phi.Text{"19:30"}},
		{LinkID: "of", Question: "Of?", Row: 2, Within: []int{1}, Answers: []phi.Text{"asthma"}},
		{LinkID: "pets", Question: "Pets?", Answers: []phi.Text{"Cat", "Dog"}},
		{LinkID: "called", Question: "Called?", Of: "Cat", Answers: []phi.Text{"Tom"}},
		{LinkID: "called", Question: "Called?", Of: "Dog", Answers: []phi.Text{"Rex"}},
	}
	if got := record.InWords(f, res.Response); !slices.EqualFunc(want, got, func(a, b record.QA) bool {
		return a.LinkID == b.LinkID && a.Question == b.Question && a.Rows() == b.Rows() && a.Of == b.Of && slices.Equal(a.Answers, b.Answers)
	}) {
		t.Errorf("%d answers, not as wanted", len(got))
	}
}
