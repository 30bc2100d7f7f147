package intake_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/intake"
)

// Each change of a form is told in one sentence, and what changes nothing is not told.
func TestCompare_TellsEveryChange(t *testing.T) {
	t.Parallel()
	data := string(source(t, "kinds"))
	was := alone(t, data)
	for name, tt := range map[string]struct {
		old, new string
		want     []string
	}{
		"nothing": {`"title": "Kinds"`, `"publisher": "Somebody", "title": "Kinds"`, nil},
		"the title": {`"title": "Kinds"`, `"title": "Sorts"`, []string{
			`changed : The form: the title: “Kinds” before, “Sorts” now.`,
			`changed : The form: its pages: “Kinds, 1 of 3 (from agree), Kinds, 2 of 3 (from fixed), Kinds, 3 of 3 (from chested)” before, “Sorts, 1 of 3 (from agree), Sorts, 2 of 3 (from fixed), Sorts, 3 of 3 (from chested)” now.`,
		}},
		"the order":         {`{"linkId": "left", "type": "boolean", "text": "Left?"}, {"linkId": "right", "type": "boolean", "text": "Right?"}`, `{"linkId": "right", "type": "boolean", "text": "Right?"}, {"linkId": "left", "type": "boolean", "text": "Left?"}`, []string{"changed : The form: its questions are in another order."}},
		"a text":            {`"text": "Low?"`, `"text": "Least?"`, []string{`changed low: The question low “Least?”: the text: “Low?” before, “Least?” now.`}},
		"a question less":   {`, {"linkId": "floor", "type": "integer", "text": "Floor?"}`, ``, []string{`removed floor: The question floor “Floor?” is gone.`}},
		"a question more":   {`{"linkId": "low",`, `{"linkId": "lower", "type": "string", "text": "Lower?"}, {"linkId": "low",`, []string{`added lower: The question lower “Lower?” is new.`}},
		"must be answered":  {`"text": "Words?"`, `"text": "Words?", "required": true`, []string{`changed words: The question words “Words?”: that it must be answered: “no” before, “yes” now.`}},
		"an option":         {`"display": "White A"`, `"display": "Pale A"`, []string{`changed cell: The question cell “Which cell?”: the answers to choose from: “Red A [s|a], White A [t|a], B [b]” before, “Red A [s|a], Pale A [t|a], B [b]” now.`}},
		"a longest text":    {`"maxLength": 100`, `"maxLength": 200`, []string{`changed story: The question story “What happened?”: the longest text: “100” before, “200” now.`}},
		"a day":             {`"valueDate": "2026-01-01"`, `"valueDate": "2026-01-02"`, []string{`changed fixed: The question fixed “In 2026?”: the least: “2026-01-01” before, “2026-01-02” now.`}},
		"a rule's message":  {`"Come in."`, `"Come in today."`, []string{`changed rule high: The rule high: the message: “Come in.” before, “Come in today.” now.`}},
		"what a rule does":  {`"id", "valueId": "old"}, {"url": "severity", "valueCode": "flag"`, `"id", "valueId": "old"}, {"url": "severity", "valueCode": "urgent"`, []string{`changed rule old: The rule old: what it does: “flag” before, “urgent” now.`}},
		"a rule by its id":  {`"valueId": "old"`, `"valueId": "older"`, []string{`added rule older: The rule older is new.`, `removed rule old: The rule old is gone.`}},
		"when it is asked":  {`"operator": "=", "answerCoding": {"system": "s", "code": "none"}`, `"operator": "!=", "answerCoding": {"system": "s", "code": "none"}`, []string{`changed trouble-since: The question trouble-since “Since?”: when it is asked: “trouble = none” before, “trouble != none” now.`}},
		"a question's kind": {`"linkId": "street", "type": "string"`, `"linkId": "street", "type": "text"`, []string{`changed street: The question street “Street?”: the kind of answer: “string” before, “text” now.`, `changed street: The question street “Street?”: the longest text: “1000” before, “10000” now.`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(data, tt.old, tt.new, 1)
			if changed == data {
				t.Fatalf("kinds has no %s", tt.old)
			}
			is, err := intake.Publish(nil, []byte(changed))
			if err != nil {
				t.Fatal(explain(err))
			}
			var got, back []string
			for _, c := range intake.Compare(was, is) {
				got = append(got, string(c.Kind)+" "+c.Where+": "+c.Text)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			for _, c := range intake.Compare(is, was) {
				back = append(back, string(c.Kind))
			}
			for i, k := range back {
				back[i] = map[string]string{"added": "removed", "removed": "added", "changed": "changed"}[k]
			}
			kinds := make([]string, len(got))
			for i, g := range got {
				kinds[i], _, _ = strings.Cut(g, " ")
			}
			slices.Sort(back)
			slices.Sort(kinds)
			if !slices.Equal(back, kinds) {
				t.Errorf("there %v, and back %v", kinds, back)
			}
		})
	}
}

// An item may be called as a rule is told of: each is compared with its like.
func TestCompare_AnItemCalledAsARule(t *testing.T) {
	t.Parallel()
	data := string(source(t, "kinds"))
	for _, id := range []string{"rule high", "rule old"} {
		named := strings.Replace(data, `{"linkId": "low",`, `{"linkId": "`+id+`", "type": "string", "text": "Lower?"}, {"linkId": "low",`, 1)
		if named == data {
			t.Fatal("kinds has no low")
		}
		was, is := alone(t, named), alone(t, strings.Replace(named, `"Lower?"`, `"Higher?"`, 1))
		want := []intake.Change{{Kind: intake.Changed, Where: id, Text: "The question " + id + " “Higher?”: the text: “Lower?” before, “Higher?” now."}}
		if d := cmp.Diff(want, intake.Compare(was, is)); d != "" {
			t.Errorf("another text (-want +got):\n%s", d)
		}
		want = []intake.Change{{Kind: intake.Removed, Where: id, Text: "The question " + id + " “Lower?” is gone."}}
		if d := cmp.Diff(want, intake.Compare(was, alone(t, data))); d != "" {
			t.Errorf("without it (-want +got):\n%s", d)
		}
	}
}
