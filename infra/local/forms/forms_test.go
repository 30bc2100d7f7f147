package forms_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/forms"
	"evisit/pkg/intake"
)

// An example is one set of answers with the disposition and the rules that they fire.
// Rule is the rule that the example tests: the answers fire the rule if Fires is set,
// and otherwise nearly fire the rule. Age is the patient's, if the rule needs it.
type example struct {
	Rule        string                     `json:"rule"`
	Fires       bool                       `json:"fires"`
	Why         string                     `json:"why"`
	Age         int                        `json:"age"`
	Answers     map[string]json.RawMessage `json:"answers"`
	Disposition intake.Disposition         `json:"disposition"`
	Fired       []string                   `json:"fired"` // every rule that fires, in any order
}

// Every rule has an example that fires it and a near miss.
func TestExamples_EveryRuleHasBoth(t *testing.T) {
	t.Parallel()
	for name, sets := range bySource(t) {
		if n := bytes.Count(sets[0].JSON(), []byte(`/evisit-divert-rule"`)); n == 0 || n != len(sets[0].Rules()) {
			t.Errorf("%s: %d rules of the %d in its JSON", name, len(sets[0].Rules()), n)
		}
		own := map[string]bool{}
		for _, r := range sets[0].Rules() {
			own[r.ID] = true
		}
		if name != "evisit-common" {
			for _, r := range common(t).Rules() {
				delete(own, r.ID)
			}
		}
		fired, missed := map[string]bool{}, map[string]bool{}
		for _, ex := range examples(t, name) {
			if !own[ex.Rule] {
				t.Errorf("%s: example %q is of rule %s, which the form does not have", name, ex.Why, ex.Rule)
			}
			if ex.Fires != slices.Contains(ex.Fired, ex.Rule) {
				t.Errorf("%s: example %q contradicts itself", name, ex.Why)
			}
			fired[ex.Rule] = fired[ex.Rule] || ex.Fires
			missed[ex.Rule] = missed[ex.Rule] || !ex.Fires
		}
		for id := range own {
			if !fired[id] {
				t.Errorf("%s: no example fires %s", name, id)
			}
			if !missed[id] {
				t.Errorf("%s: no near miss of %s", name, id)
			}
		}
	}
}

// Each example fires exactly the rules it lists. The examples of the common block are
// tested on every form that has the block too, where they fire the same of its rules.
func TestExamples_FireTheListedRules(t *testing.T) {
	t.Parallel()
	for name, composed := range bySource(t) {
		for i, f := range composed {
			for _, ex := range examples(t, name) {
				t.Run(f.Name()+"/"+ex.Rule+"/"+ex.Why, func(t *testing.T) {
					t.Parallel()
					res := ex.check(t, f)
					got := fired(res)
					if i > 0 { // a protocol around the common block, whose rules may fire too
						got = slices.DeleteFunc(got, func(id string) bool { return !strings.HasPrefix(id, "c-") })
					} else if res.Disposition != ex.Disposition {
						t.Errorf("disposition is %s, want %s", res.Disposition, ex.Disposition)
					}
					slices.Sort(ex.Fired)
					if d := cmp.Diff(ex.Fired, got); d != "" {
						t.Errorf("fired rules (-want +got):\n%s", d)
					}
					if wrong := res.Wrong(); len(wrong) > 0 {
						t.Errorf("answers are wrong: %+v", wrong)
					}
				})
			}
		}
	}
}

// Each condition of each rule is needed: without it, some example of the rule's source
// would fire other rules.
func TestExamples_EveryConditionIsNeeded(t *testing.T) {
	t.Parallel()
	for name, composed := range bySource(t) {
		f := composed[0]
		for _, without := range withoutCondition(t, f, name) {
			t.Run(name+"/"+without.what, func(t *testing.T) {
				t.Parallel()
				if !slices.ContainsFunc(examples(t, name), func(ex example) bool {
					slices.Sort(ex.Fired)
					return !slices.Equal(ex.Fired, fired(ex.check(t, without.form)))
				}) {
					t.Error("no example notices that the condition is gone")
				}
			})
		}
	}
}

// A variant is a form of which a rule lost one condition.
type variant struct {
	what string
	form *intake.Form
}

// withoutCondition returns a variant of the form for each condition of the rules of its
// own source, leaving out those of rules with one condition: the near miss and the
// example that fires need it.
func withoutCondition(t *testing.T, f *intake.Form, source string) []variant {
	t.Helper()
	var variants []variant
	var doc struct {
		Extension []struct {
			URL       string            `json:"url"`
			Extension []json.RawMessage `json:"extension"`
		} `json:"extension"`
	}
	if err := json.Unmarshal(f.JSON(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, rule := range doc.Extension {
		var id string
		var conditions [][]byte
		for _, raw := range rule.Extension {
			var part struct {
				URL     string `json:"url"`
				ValueID string `json:"valueId"`
			}
			if err := json.Unmarshal(raw, &part); err != nil {
				t.Fatal(err)
			}
			switch part.URL {
			case "id":
				id = part.ValueID
			case "condition":
				conditions = append(conditions, raw)
			}
		}
		if len(conditions) < 2 || strings.HasPrefix(id, "c-") != (source == "evisit-common") {
			continue
		}
		from := bytes.Index(f.JSON(), []byte(`"valueId":"`+id+`"`))
		for _, cond := range conditions {
			less := slices.Clone(f.JSON()[:from])
			less = append(less, bytes.Replace(f.JSON()[from:], append([]byte(","), cond...), nil, 1)...)
			g, err := intake.Load(less)
			if err != nil {
				t.Fatal(err)
			}
			variants = append(variants, variant{fmt.Sprintf("%s without %s", id, cond), g})
		}
	}
	return variants
}

// examined is the day of the examples.
var examined = time.Date(2026, time.January, 15, 18, 0, 0, 0, time.UTC)

func (ex example) check(t *testing.T, f *intake.Form) intake.Result {
	t.Helper()
	facts := intake.Facts{Now: examined}
	if ex.Age > 0 {
		facts.Birth = examined.AddDate(-ex.Age, 0, 0)
	}
	return f.With(facts).Check(response(t, f, ex.Answers))
}

func fired(res intake.Result) []string {
	ids := []string{}
	for _, r := range res.Fired {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

// A stored form is loaded with the same bytes, hash and rules.
func TestForms_StoreAndLoad(t *testing.T) {
	t.Parallel()
	for _, f := range append(all(t), common(t)) {
		again, err := intake.Load(f.JSON())
		if err != nil {
			t.Fatalf("loading %s: %v", f.Name(), err)
		}
		if again.Hash() != f.Hash() || !bytes.Equal(again.JSON(), f.JSON()) {
			t.Errorf("%s was changed by storing", f.Name())
		}
		if d := cmp.Diff(f.Rules(), again.Rules()); d != "" {
			t.Errorf("the rules of %s were changed by storing:\n%s", f.Name(), d)
		}
	}
}

// The hash of a version is what was approved: it never changes again. A new version of a
// form gets a line of its own.
func TestAll_HashesAreKept(t *testing.T) {
	t.Parallel()
	kept := map[string]string{
		"admin-request|0.2.0-common-0.2.0":           "74be7a3ee9ddc4ce6b0895b65274af4a6006cb5df444cf89e89ac3144961b373",
		"back-pain|0.2.0-common-0.2.0":               "78635dda774fb84a102b8917092eb15a8d0cbd8969a17a4cb07aab12c1810728",
		"bp-glucose-readings|0.2.0-common-0.2.0":     "c83188ffd9c7d3604106815ac0c0155f6f6cb0fae373915a5c810ead97beb1ac",
		"medication-refill|0.2.0-common-0.2.0":       "0be32ac767648398e6511eb23e10d215306340f4a4f457696084c7619760796b",
		"mental-health-phq9-gad7|0.2.1-common-0.2.0": "0ca73a8cf206878ae76eba73bf7d70631dc4f58d077c80dc3137dc302fce56ea",
		"mental-health-phq9-gad7|0.2.2-common-0.2.0": "912ec844c159d512cb46c7eb6d2f941d555dd884b3b7b075ddbd9b04326974d2",
		"pink-eye|0.1.0-common-0.2.0":                "95a5bcc7df0d051e83f347a8b4e6becc486e4c779664890f45c24611cc110c19",
		"rash-skin|0.2.0-common-0.2.0":               "c425d93807d601cbdf40115895134d32af1c3b1d6548b28a0cb3ab70b3da3528",
		"respiratory|0.2.0-common-0.2.0":             "a7b12618672a448475e29af225da432919318fdac6caadf1e91d47472125ba6b",
		"uti-women|0.2.0-common-0.2.0":               "c7680f82a92e94e9cc0b99950654c90d538954c4a3fea07f3a3dc1911b471dc7",
		"evisit-common|0.2.0":                        "cf12dfd661dfc91c0f1e1719d433f581c8589f1836e5ab06febd969f40e7204b",
	}
	for _, f := range append(all(t), common(t)) {
		if want, ok := kept[f.Name()+"|"+f.Version()]; !ok || f.Hash() != want {
			t.Errorf("%q: %q,", f.Name()+"|"+f.Version(), f.Hash())
		}
	}
}

func TestAll_TwiceGivesTheSameHashes(t *testing.T) {
	t.Parallel()
	first, second := all(t), all(t)
	for i := range first {
		if first[i].Hash() != second[i].Hash() {
			t.Errorf("%s has two hashes", first[i].Name())
		}
	}
}

// Fee and consent are the last page, every top-level item is on a page, and no page
// but that of an instrument has more than nine.
func TestForms_Pages(t *testing.T) {
	t.Parallel()
	for _, f := range all(t) {
		pages := f.Pages()
		last := pages[len(pages)-1]
		if last.Title != "Fee and consent" || len(last.Items) != 2 ||
			last.Items[0].LinkID != "fee-ack" || last.Items[1].LinkID != "consent-ack" {
			t.Errorf("%s ends with page %q", f.Name(), last.Title)
		}
		shown := 0
		for _, p := range pages {
			shown += len(p.Items)
			if len(p.Items) == 0 || len(p.Items) > 9 && !strings.HasSuffix(p.Title, ": the last 2 weeks") {
				t.Errorf("%s: page %q has %d items", f.Name(), p.Title, len(p.Items))
			}
		}
		if shown != len(f.Items()) {
			t.Errorf("%s shows %d of %d items", f.Name(), shown, len(f.Items()))
		}
	}
}

func TestForms_AttributesOfTheProtocol(t *testing.T) {
	t.Parallel()
	type attributes struct {
		Billing, Sex string
		Low, High    int
		Photos       bool
		Diagnoses    int
	}
	want := map[string]attributes{
		"admin-request":           {"admin-fee", "", 0, 110, false, 2},
		"back-pain":               {"em", "", 18, 75, false, 4},
		"bp-glucose-readings":     {"monitoring", "", 18, 110, false, 4},
		"medication-refill":       {"no-charge", "", 0, 110, false, 1},
		"mental-health-phq9-gad7": {"em-screen", "", 12, 110, false, 4},
		"pink-eye":                {"em", "", 2, 110, false, 4},
		"rash-skin":               {"em-image", "", 0, 110, true, 6},
		"respiratory":             {"em", "", 18, 110, false, 5},
		"uti-women":               {"em", "female", 18, 65, false, 4},
	}
	got := map[string]attributes{}
	for _, f := range all(t) {
		low, high, _ := f.Ages()
		got[f.Name()] = attributes{f.BillingClass(), f.Sex(), low, high, f.RequiresPhotos(), len(f.SuggestedDiagnoses())}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("attributes (-want +got):\n%s", d)
	}
}

// bySource returns the forms that contain each source. The forms that contain the
// common block begin with the common block alone.
func bySource(t *testing.T) map[string][]*intake.Form {
	t.Helper()
	forms := map[string][]*intake.Form{"evisit-common": append([]*intake.Form{common(t)}, all(t)...)}
	for _, f := range all(t) {
		forms[f.Name()] = []*intake.Form{f}
	}
	return forms
}

func all(t *testing.T) []*intake.Form {
	t.Helper()
	composed, err := forms.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(composed) != 9 {
		t.Fatalf("%d forms, want 9", len(composed))
	}
	return composed
}

// Of a request that is sent again, a patient says anew where they are, that it is no
// emergency, and whatever could be one.
func TestCarryOver_EveryExample(t *testing.T) {
	t.Parallel()
	for _, f := range all(t) {
		kept := map[string]bool{}
		for _, e := range examples(t, f.Name()) {
			r := f.CarryOver(response(t, f, e.Answers))
			res := f.Check(r)
			if res.Disposition == intake.Emergency || res.Disposition == intake.Urgent || len(res.Wrong()) > 0 {
				t.Errorf("%s, %s: carried over it is %s, with %v", f.Name(), e.Rule, res.Disposition, res.Wrong())
			}
			for _, it := range r.Items {
				kept[it.LinkID] = true
			}
		}
		for _, anew := range []string{"emergency-ack", intake.StateItem, intake.CallbackItem, intake.FeeItem, intake.ConsentItem} {
			if kept[anew] {
				t.Errorf("%s: %s is not asked anew", f.Name(), anew)
			}
		}
	}
}

func form(t testing.TB, name string) *intake.Form {
	t.Helper()
	composed, err := forms.All()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(composed, func(f *intake.Form) bool { return f.Name() == name })
	if i < 0 {
		t.Fatalf("no form %s", name)
	}
	return composed[i]
}

func common(t *testing.T) *intake.Form {
	t.Helper()
	f, err := forms.Common()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func examples(t *testing.T, form string) []example {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("examples", form+".json"))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var list []example
	if err := d.Decode(&list); err != nil {
		t.Fatalf("%s: %v", form, err)
	}
	return list
}

// response turns an example's short answers into a response: a list is several
// answers or rows, an object is a row, and a text is a value of the item's type.
func response(t *testing.T, f *intake.Form, answers map[string]json.RawMessage) intake.Response {
	t.Helper()
	return intake.Response{Items: entries(t, f, answers)}
}

func entries(t *testing.T, f *intake.Form, answers map[string]json.RawMessage) []intake.Entry {
	t.Helper()
	var items []intake.Entry
	for linkID, raw := range answers {
		it, ok := f.Item(linkID)
		if !ok {
			t.Fatalf("example answers %s, which %s does not have", linkID, f.Name())
		}
		list := []json.RawMessage{raw}
		if raw[0] == '[' {
			if err := json.Unmarshal(raw, &list); err != nil {
				t.Fatal(err)
			}
		}
		if it.Type != intake.Group {
			e := intake.Ask(linkID)
			for _, one := range list {
				e.Answers = append(e.Answers, intake.Answer{Value: value(t, it, string(one))})
			}
			items = append(items, e)
			continue
		}
		for _, one := range list {
			row := map[string]json.RawMessage{}
			if err := json.Unmarshal(one, &row); err != nil {
				t.Fatal(err)
			}
			items = append(items, intake.Row(linkID, entries(t, f, row)...))
		}
	}
	return items
}

func value(t *testing.T, it *intake.Item, raw string) intake.Value {
	t.Helper()
	text := strings.Trim(raw, `"`)
	switch it.Type {
	case intake.BooleanQ:
		return intake.Boolean(raw == "true")
	case intake.IntegerQ:
		var i int32
		if err := json.Unmarshal([]byte(raw), &i); err != nil {
			t.Fatal(err)
		}
		return intake.Integer(i)
	case intake.DecimalQ:
		return intake.Decimal(raw)
	case intake.DateQ:
		return intake.Date(text)
	case intake.DateTimeQ:
		return intake.DateTime(text)
	case intake.Choice, intake.OpenChoice:
		return intake.Code(intake.Coding{Code: text})
	default:
		return intake.String(text)
	}
}
