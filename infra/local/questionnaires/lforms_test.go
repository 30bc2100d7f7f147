package questionnaires_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"evisit/pkg/intake"
	"evisit/pkg/library"
)

// A verdict is what lforms says of a response.
type verdict struct {
	Asked map[string]bool `json:"asked"`
	Wrong []string        `json:"wrong"`

	Values map[string]string `json:"values"` // what is calculated
}

// A trial is a response that lforms judges too.
type trial struct {
	form     *intake.Form
	name     string
	response intake.Response
}

// lforms, the engine of the US National Library of Medicine, asks the same questions as
// we do, finds the same responses incomplete and calculates the same values, for every
// form of the corpus that is accepted and for those of the library. It differs in one thing that FHIR R4 leaves open:
// that an answer is not so holds for lforms also without an answer, here only with one.
// And lforms looks for the value of a required group, which has none, and not for answers
// in it, as FHIR R4 has it.
func TestCorpus_LformsAgrees(t *testing.T) {
	t.Parallel()
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range corpus(t) {
		if f, err := intake.Publish(nil, s.data, s.definitions...); err == nil {
			all = append(all, f)
		}
	}
	var trials []trial
	for _, f := range all {
		trials = append(trials, tried(f)...)
	}
	compared, judged, calculated := 0, 0, 0
	for i, v := range lforms(t, trials) {
		tr := trials[i]
		res := tr.form.Check(tr.response)
		for _, it := range outsideRows(tr.form.Items()) {
			asked, known := v.Asked[it.LinkID]
			if !known || left(it, tr.response) {
				continue
			}
			compared++
			if asked != res.Enabled(it.LinkID) {
				t.Errorf("%s, %s: lforms asks %s is %v", tr.form.Name(), tr.name, it.LinkID, asked)
			}
		}
		for _, linkID := range computed(t, tr.form) {
			calculated++
			if ours := saidOf(res.Response.Answers(linkID)); !sameValue(ours, v.Values[linkID]) {
				t.Errorf("%s, %s: %s is %q, for lforms %q", tr.form.Name(), tr.name, linkID, ours, v.Values[linkID])
			}
		}
		judged++
		wrong := slices.DeleteFunc(v.Wrong, func(said string) bool { return ofGroup(tr.form.Items(), said) })
		if ours := len(res.Problems) == 0; ours != (len(wrong) == 0) {
			t.Errorf("%s, %s: we find %v, lforms %q", tr.form.Name(), tr.name, res.Problems, wrong)
		}
	}
	t.Logf("%d questions and %d responses of %d forms are judged as lforms does, and %d values calculated", compared, judged, len(all), calculated)
	if calculated == 0 {
		t.Error("nothing was calculated")
	}
}

// computed lists the items of a form that are calculated.
func computed(t *testing.T, f *intake.Form) []string {
	t.Helper()
	var found []string
	each(read(t, f.JSON()), func(item object) {
		for _, e := range list(item["extension"]) {
			if strings.HasSuffix(e["url"].(string), "calculatedExpression") && !slices.Contains(found, item["linkId"].(string)) {
				found = append(found, item["linkId"].(string))
			}
		}
	})
	return found
}

// saidOf is the one value as lforms.js prints it; nothing if there is none.
func saidOf(values []intake.Value) string {
	if len(values) == 0 {
		return ""
	}
	if v := values[0]; v.Kind() == intake.CodingValue {
		return v.Coding().Code
	} else if v.Kind() == intake.BooleanValue {
		return strconv.FormatBool(v.Bool())
	}
	return values[0].Text()
}

// sameValue compares what is calculated. Numbers may differ as those of 64 bits do, with
// which lforms reckons.
func sameValue(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, other := strconv.ParseFloat(b, 64)
	return a == b || err == nil && other == nil && math.Abs(x-y) <= 1e-9*max(1, math.Abs(x))
}

// measured are plausible numbers for the questions of the corpus that calculations use.
var measured = map[string]string{"/age": "57", "/8480-6": "141", "/2093-3": "213", "/2085-9": "50.5", "/29463-7": "71.3", "/8302-2": "69"}

// ofGroup reports whether lforms said that a group has no value.
func ofGroup(items []*intake.Item, said string) bool {
	return slices.ContainsFunc(items, func(it *intake.Item) bool {
		return it.Type == intake.Group && it.Required && said == cmp.Or(it.Text, "undefined")+" requires a value" || ofGroup(it.Items, said)
	})
}

// left reports whether the item goes by what no answer is not.
func left(it *intake.Item, r intake.Response) bool {
	return slices.ContainsFunc(it.EnableWhen, func(c intake.Condition) bool {
		return c.Operator == "!=" && len(r.Answers(c.Question)) == 0
	})
}

// tried are responses to a form: none, a whole one, and whole ones with another answer to
// one question.
func tried(f *intake.Form) []trial {
	whole := complete(f)
	found := []trial{{f, "no answers", intake.Response{}}, {f, "all answers", whole}}
	for linkID, literal := range measured {
		if len(whole.Answers(linkID)) == 1 {
			whole.Items = exchange(whole.Items, linkID, intake.Decimal(literal))
		}
	}
	if whole = f.Check(whole).Response; !whole.Equal(found[1].response) {
		found = append(found, trial{f, "plausible numbers", whole})
	}
	for _, it := range outsideRows(f.Items()) {
		var other intake.Value
		switch {
		case len(whole.Answers(it.LinkID)) == 0 || !it.Asked():
			continue
		case it.Type == intake.BooleanQ && !it.Statement:
			other = intake.Boolean(false)
		case it.Type == intake.Choice && len(it.Options) > 1:
			other = it.Options[1].Value
		default:
			continue
		}
		found = append(found, trial{f, "another " + it.LinkID, f.Check(intake.Response{Items: exchange(whole.Items, it.LinkID, other)}).Response})
	}
	return found
}

// exchange returns the entries with another answer to a question.
func exchange(all []intake.Entry, linkID string, v intake.Value) []intake.Entry {
	var changed []intake.Entry
	for _, e := range all {
		e.Items = exchange(e.Items, linkID, v)
		if e.LinkID == linkID {
			e.Answers = []intake.Answer{{Value: v, Items: e.Answers[0].Items}}
		}
		changed = append(changed, e)
	}
	return changed
}

// outsideRows lists the items that there are once.
func outsideRows(items []*intake.Item) []*intake.Item {
	var all []*intake.Item
	for _, it := range items {
		all = append(all, it)
		if it.Type == intake.Group && !it.Repeats {
			all = append(all, outsideRows(it.Items)...)
		}
	}
	return all
}

// lforms asks lforms.
func lforms(t *testing.T, trials []trial) []verdict {
	t.Helper()
	// The files are looked at here too, so that the test's cached result is dropped when
	// one changes or is gone.
	for _, part := range []string{"lforms.js", "node_modules/lforms/package.json", "node_modules/jsdom/package.json"} {
		if _, err := os.ReadFile(part); err != nil {
			t.Fatalf("%v; make setup fetches it", err)
		}
	}
	type asking struct {
		Questionnaire json.RawMessage `json:"questionnaire"`
		Response      intake.Response `json:"response"`
	}
	in := make([]asking, len(trials))
	for i, tr := range trials {
		in[i] = asking{tr.form.JSON(), tr.response}
	}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "lforms.js")
	cmd.Stdin = bytes.NewReader(data)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaint.String())
	}
	var said []verdict
	if err := json.Unmarshal(out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:], &said); err != nil || len(said) != len(trials) {
		t.Fatalf("%d verdicts, %v", len(said), err)
	}
	return said
}
