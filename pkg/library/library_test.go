package library_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"evisit/pkg/intake"
	"evisit/pkg/library"
)

// The examples show every rule of their source: each fires what it lists, each rule has
// one that fires it and a near miss, and each condition one that would notice its absence.
func TestExamples_ShowEveryRule(t *testing.T) {
	t.Parallel()
	block := commonBlock(t)
	for _, f := range append(all(t), common(t)) {
		base := block
		if f.Name() == block.Name() {
			base = nil
		}
		rules, own := bytes.Count(f.JSON(), []byte(`/evisit-divert-rule"`)), 0
		if rules == 0 || rules != len(f.Rules()) {
			t.Errorf("%s: %d rules of the %d in its JSON", f.Name(), len(f.Rules()), rules)
		}
		x := f.Examine(base, examples(t, f.Name()))
		for _, p := range x.Problems {
			t.Errorf("%s, %s: %s", f.Name(), p.Where, p.Text)
		}
		for _, r := range f.Rules() {
			if base == nil || !strings.HasPrefix(r.ID, "c-") {
				own++
			}
		}
		if own == 0 || len(x.Trials) < 2*own {
			t.Errorf("%s: %d examples of %d rules", f.Name(), len(x.Trials), own)
		}
	}
}

// The examples of the common block fire the same of its rules on every form that has it.
func TestExamples_CommonBlockEverywhere(t *testing.T) {
	t.Parallel()
	for _, f := range all(t) {
		for _, ex := range examples(t, "evisit-common") {
			trial := f.Try(ex)
			heard := slices.DeleteFunc(trial.Heard, func(id string) bool { return !strings.HasPrefix(id, "c-") })
			if d := cmp.Diff(slices.Sorted(slices.Values(ex.Fired)), heard, cmpopts.EquateEmpty()); d != "" || len(trial.Wrong) > 0 {
				t.Errorf("%s, %s: %v, fired rules (-want +got):\n%s", f.Name(), ex.Why, trial.Wrong, d)
			}
		}
	}
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
		"mental-health-phq9-gad7|0.2.3-common-0.2.0": "35da5f6af2c97b1f7a382e2edadd39905f4d740e45324416aacaf71ccd3e7b6a",
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
		Topic        string
	}
	want := map[string]attributes{
		"admin-request":           {"admin-fee", "", 0, 110, false, 2, ""},
		"back-pain":               {"em", "", 18, 75, false, 4, ""},
		"bp-glucose-readings":     {"monitoring", "", 18, 110, false, 4, ""},
		"medication-refill":       {"no-charge", "", 0, 110, false, 1, ""},
		"mental-health-phq9-gad7": {"em-screen", "", 12, 110, false, 4, "mental-health"},
		"pink-eye":                {"em", "", 2, 110, false, 4, ""},
		"rash-skin":               {"em-image", "", 0, 110, true, 6, ""},
		"respiratory":             {"em", "", 18, 110, false, 5, ""},
		"uti-women":               {"em", "female", 18, 65, false, 4, ""},
	}
	got := map[string]attributes{}
	for _, f := range all(t) {
		low, high, _ := f.Ages()
		got[f.Name()] = attributes{f.BillingClass(), f.Sex(), low, high, f.RequiresPhotos(), len(f.SuggestedDiagnoses()), strings.Join(f.Topics(), " ")}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("attributes (-want +got):\n%s", d)
	}
}

func all(t *testing.T) []*intake.Form {
	t.Helper()
	composed, err := library.All()
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
	composed, err := library.All()
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
	f, err := library.Common()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func commonBlock(t *testing.T) *intake.Questionnaire {
	t.Helper()
	q, err := library.CommonBlock()
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func examples(t *testing.T, form string) []intake.Example {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("protocols", "examples", form+".json"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := intake.ParseExamples(data)
	if err != nil {
		t.Fatalf("%s: %v", form, err)
	}
	return list
}

// response turns an example's short answers into a response.
func response(t *testing.T, f *intake.Form, answers map[string]json.RawMessage) intake.Response {
	t.Helper()
	r, wrong := f.Response(answers)
	if len(wrong) > 0 {
		t.Fatalf("%s: %v", f.Name(), wrong)
	}
	return r
}
