// Package questionnaires_test has the engine read questionnaires by other makers: the
// examples of FHIR R4 and those of its guide for structured data capture, most of which
// show one uncommon thing. `make setup` fetches them; none of their content is kept here.
package questionnaires_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

type object = map[string]any

// A source is a questionnaire with what a practice adds to take it over.
type source struct {
	name        string
	data        []byte
	definitions [][]byte
}

// corpus reads every questionnaire of the packages.
func corpus(t testing.TB) []source {
	t.Helper()
	files, err := filepath.Glob("node_modules/hl7.fhir.*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("node_modules/hl7.fhir.*/example/*.json")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]byte{} // ValueSets and CodeSystems by url
	var found []source
	for _, file := range append(files, more...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		switch name := filepath.Base(file); {
		case strings.HasPrefix(name, "Questionnaire-"):
			found = append(found, source{name: strings.TrimSuffix(strings.TrimPrefix(name, "Questionnaire-"), ".json"), data: data})
		case name != "package.json":
			if r := read(t, data); r["url"] != nil {
				known[fmt.Sprint(r["resourceType"], " ", r["url"])] = data
			}
		}
	}
	if len(found) < 40 {
		t.Fatalf("%d questionnaires; make setup fetches them", len(found))
	}
	for i := range found {
		found[i].adopt(t, known)
	}
	return found
}

func read(t testing.TB, data []byte) object {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var r object
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// adopt adds what a practice says of any form (its name, version, title and billing
// class) where the author has not, and hands in the value sets that the form names, if
// the packages have them.
func (s *source) adopt(t testing.TB, known map[string][]byte) {
	q := read(t, s.data)
	for name, value := range map[string]string{"id": s.name, "url": "https://example.org/" + s.name, "version": "1", "title": s.name} {
		if q[name] == nil {
			q[name] = value
		}
	}
	extensions, _ := q["extension"].([]any)
	q["extension"] = append(extensions, object{"url": "https://example.org/fhir/StructureDefinition/evisit-billing-class", "valueCode": "em"})
	taken := map[string]bool{}
	named := codesNamed(q)
	var take func(kind, url string)
	take = func(kind, url string) {
		url, _, _ = strings.Cut(url, "|")
		data, ok := known[kind+" "+url]
		if taken[kind+url] || kind == "CodeSystem" && !ok {
			return
		}
		taken[kind+url] = true
		if !ok || bytes.Contains(data, []byte(`"filter"`)) {
			data = standIn(url, named)
		}
		s.definitions = append(s.definitions, data)
		includes, _ := read(t, data)["compose"].(object)
		for _, include := range list(includes["include"]) {
			if include["concept"] == nil {
				take("CodeSystem", fmt.Sprint(include["system"]))
			}
			sets, _ := include["valueSet"].([]any)
			for _, set := range sets {
				take("ValueSet", fmt.Sprint(set))
			}
		}
	}
	each(q, func(item object) {
		if set, ok := item["answerValueSet"].(string); ok && !strings.HasPrefix(set, "#") {
			take("ValueSet", set)
		}
	})
	s.definitions = append(s.definitions, wordless(q)...)
	s.definitions = append(s.definitions, weightless(q)...)
	data, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	s.data = data
}

// wordless are what a practice hands in for questions that have no text but codes, whose
// words only a terminology server knows: here, code systems with words made of the codes.
func wordless(q object) [][]byte {
	concepts := map[string][]string{}
	each(q, func(item object) {
		codes := list(item["code"])
		if item["text"] != nil || slices.ContainsFunc(codes, func(c object) bool { return c["display"] != nil }) {
			return
		}
		for _, c := range codes {
			system := fmt.Sprint(c["system"])
			concepts[system] = append(concepts[system], fmt.Sprintf(`{"code":%q,"display":"What is %s?"}`, c["code"], c["code"]))
		}
	})
	var found [][]byte
	for _, system := range slices.Sorted(maps.Keys(concepts)) {
		found = append(found, fmt.Appendf(nil, `{"resourceType":"CodeSystem","id":"words-%x","url":%q,"concept":[%s]}`, system, system, strings.Join(concepts[system], ",")))
	}
	return found
}

// weightless is what a practice hands in for answers of LOINC that a form adds up without
// their scores, which only a terminology server knows: a code system with the place of each
// answer in its list, from 0, as LOINC scores those of the PHQ-9.
func weightless(q object) [][]byte {
	if data, err := json.Marshal(q["item"]); err != nil || !bytes.Contains(data, []byte(".weight()")) {
		return nil
	}
	var concepts []string
	for _, set := range list(q["contained"]) {
		compose, _ := set["compose"].(object)
		for _, include := range list(compose["include"]) {
			for score, c := range list(include["concept"]) {
				if include["system"] == "http://loinc.org" && c["extension"] == nil {
					concepts = append(concepts, fmt.Sprintf(`{"code":%q,"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/itemWeight","valueDecimal":%d}]}`, c["code"], score))
				}
			}
		}
	}
	if len(concepts) == 0 {
		return nil
	}
	return [][]byte{fmt.Appendf(nil, `{"resourceType":"CodeSystem","id":"scores","url":"http://loinc.org","concept":[%s]}`, strings.Join(concepts, ","))}
}

// standIn is what a practice hands in for a value set that only a terminology server
// knows: here, two codes and those that the form itself names.
func standIn(url string, named []string) []byte {
	codes := append([]string{`{"system":"https://example.org/codes","code":"one","display":"One"}`, `{"system":"https://example.org/codes","code":"two","display":"Two"}`}, named...)
	return fmt.Appendf(nil, `{"resourceType":"ValueSet","id":"stand-in-%x","url":%q,"expansion":{"contains":[%s]}}`, url, url, strings.Join(codes, ","))
}

// codesNamed lists the codings that a form compares with and proposes.
func codesNamed(q object) []string {
	var found []string
	add := func(coding any) {
		if c, ok := coding.(object); ok {
			if data, err := json.Marshal(c); err == nil {
				found = append(found, string(data))
			}
		}
	}
	each(q, func(item object) {
		for _, w := range list(item["enableWhen"]) {
			add(w["answerCoding"])
		}
		for _, in := range list(item["initial"]) {
			add(in["valueCoding"])
		}
	})
	return found
}

func list(v any) []object {
	all, _ := v.([]any)
	var found []object
	for _, e := range all {
		if o, ok := e.(object); ok {
			found = append(found, o)
		}
	}
	return found
}

// each calls do with every item below n.
func each(n object, do func(object)) {
	for _, item := range list(n["item"]) {
		do(item)
		each(item, do)
	}
}

// refused is why each questionnaire is that is refused: the place and code of its first
// problem.
var refused = map[string]string{
	"3141":                                   "2.1.2 option",
	"anc-quick-check":                        "/item/0/extension/0 extension",
	"phq-9-questionnaire":                    "/item/8/extension/0 extension",
	"qs1":                                    " required",
	"questionnaire-sdc-profile-example-PHQ9": "H1/TS calculation",
	"questionnaire-sdc-profile-example-PHQ9-search":   "item required",
	"questionnaire-sdc-profile-example-cqf-PHQ9":      "/item/8/extension/0 extension",
	"questionnaire-sdc-profile-example-form-behavior": "/modifierExtension modifier",
	"questionnaire-sdc-profile-example-loinc":         "0 hidden",
	"questionnaire-sdc-profile-example-multi-subject": "5.1 type",
	"questionnaire-sdc-test-enableWhen":               "e5da17a7-7546-45c5-9bcd-d0b09a74ty76 enableWhen",
	"questionnaire-sdc-test-initialvalue-multiple":    "655219ed-5e8b-4111-9d49-b4fbc0b4f627 initial",
	"sdc-modular-contact":                             "/extension/1 extension",
	"sdc-modular-name":                                "/extension/1 extension",
	"sdc-modular-root":                                "/extension/1 extension",
}

// unwhole are the questionnaires that nobody could ask a patient as they are, and why: they
// are counted apart.
var unwhole = map[string]string{
	"3141":                              "one of its choices has nothing to choose from",
	"qs1":                               "its items have no linkId",
	"questionnaire-sdc-test-enableWhen": "it compares codes with texts, which never match",
	"questionnaire-sdc-test-initialvalue-multiple":  "it proposes a code as the answer to a text",
	"questionnaire-sdc-profile-example-loinc":       "seven of its questions have neither text nor code, and one that is required is hidden and has no value",
	"questionnaire-sdc-profile-example-PHQ9-search": "it has no items: another system decides on each question",
	"sdc-modular-contact":                           "a fragment, to be assembled into others",
	"sdc-modular-name":                              "a fragment, to be assembled into others",
	"sdc-modular-root":                              "it is to be assembled of fragments",
}

// least is the share of questionnaires that must be accepted, in percent, and leastWhole
// that of those which could be asked as they are.
const (
	least      = 65
	leastWhole = 82
)

// Each questionnaire is accepted, or refused for a reason that is known.
func TestCorpus_AcceptedOrRefusedWithWhy(t *testing.T) {
	t.Parallel()
	all := corpus(t)
	accepted := 0
	for _, s := range all {
		_, err := intake.Publish(nil, s.data, s.definitions...)
		if err == nil {
			accepted++
			t.Logf("accepted %s", s.name)
			if refused[s.name] != "" {
				t.Errorf("%s is accepted, and was refused for %q", s.name, refused[s.name])
			}
			continue
		}
		why, ok := fault.Public(err)
		if !ok || len(why.Problems) == 0 {
			t.Fatal(s.name, err)
		}
		first := why.Problems[0].Where + " " + why.Problems[0].Code
		if refused[s.name] != first {
			t.Errorf("%q: %q,", s.name, first)
		}
		t.Logf("refused  %s: %d problems", s.name, len(why.Problems))
		for _, p := range why.Problems[:min(len(why.Problems), 5)] {
			t.Logf("    %s: %s", p.Where, p.Text)
		}
	}
	share := 100 * accepted / len(all)
	t.Logf("%d of %d questionnaires are accepted, %d %%", accepted, len(all), share)
	for _, name := range slices.Sorted(maps.Keys(unwhole)) {
		if refused[name] == "" {
			t.Errorf("%s is accepted, and was none to ask: %s", name, unwhole[name])
		}
		t.Logf("none to ask: %s: %s", name, unwhole[name])
	}
	whole := len(all) - len(unwhole)
	if 100*accepted/whole < leastWhole {
		t.Errorf("%d of the %d that could be asked are accepted, want %d %%", accepted, whole, leastWhole)
	}
	t.Logf("%d of the %d that could be asked as they are, %d %%", accepted, whole, 100*accepted/whole)
	if share < least {
		t.Errorf("%d %% are accepted, want %d", share, least)
	}
}

// A good response to each questionnaire that is accepted is accepted, also read back as
// stored; with one answer of the wrong kind, or one that is required left out, it is
// refused for that answer.
func TestCorpus_ResponsesAreJudged(t *testing.T) {
	t.Parallel()
	good, broken := 0, 0
	for _, s := range corpus(t) {
		f, err := intake.Publish(nil, s.data, s.definitions...)
		if err != nil {
			continue
		}
		r := complete(f)
		stored, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if r, err = intake.ParseResponse(stored); err != nil {
			t.Fatal(s.name, err)
		}
		if res := f.Check(r); len(res.Problems) > 0 || !res.Response.Equal(r) {
			t.Errorf("%s: a good response is refused: %v", s.name, res.Problems)
			continue
		}
		good++
		for _, it := range questions(f.Items()) {
			if len(r.Answers(it.LinkID)) == 0 || !it.Asked() {
				continue
			}
			broken++
			if wrong := f.Check(intake.Response{Items: replace(r.Items, it.LinkID, false)}); !names(wrong, it.LinkID) {
				t.Errorf("%s: a wrong answer to %s is accepted", s.name, it.LinkID)
			}
			if missing := f.Check(intake.Response{Items: replace(r.Items, it.LinkID, true)}); it.Required && len(missing.Missing()) == 0 {
				t.Errorf("%s: %s is required and may be left out", s.name, it.LinkID)
			}
		}
	}
	t.Logf("%d good responses are accepted, %d broken ones refused", good, broken)
	if good == 0 || broken == 0 {
		t.Error("nothing was judged")
	}
}

func names(res intake.Result, linkID string) bool {
	return slices.ContainsFunc(res.Problems, func(p fault.Problem) bool { return p.Where == linkID })
}

func questions(items []*intake.Item) []*intake.Item {
	var all []*intake.Item
	for _, it := range items {
		if it.Type != intake.Group && it.Type != intake.Display {
			all = append(all, it)
		}
		all = append(all, questions(it.Items)...)
	}
	return all
}

// complete answers every question that is asked, those too that other answers open.
func complete(f *intake.Form) intake.Response {
	var r intake.Response
	for {
		res := f.Check(r)
		next := f.Check(intake.Response{Items: entries(f.Items(), res, false)}).Response
		if next.Equal(r) {
			return r
		}
		r = next
	}
}

// entries are answers to the items that are asked. Of a row that does not exist yet, those
// are the items that are asked whatever is answered.
func entries(items []*intake.Item, res intake.Result, begun bool) []intake.Entry {
	var all []intake.Entry
	for _, it := range items {
		begins := it.Type == intake.Group && it.Repeats && len(res.Response.Answers(firstAsked(it.Items))) == 0
		switch {
		case !res.Enabled(it.LinkID) && (!begun || len(it.EnableWhen) > 0) || it.Type == intake.Display:
		case it.Type == intake.Group:
			if inner := entries(it.Items, res, begun || begins); len(inner) > 0 {
				all = append(all, intake.Row(it.LinkID, inner...))
			}
		case it.Asked():
			all = append(all, intake.Entry{LinkID: it.LinkID, Answers: []intake.Answer{{Value: value(it), Items: entries(it.Inner(), res, false)}}})
		}
	}
	return all
}

// firstAsked is the first question that is asked whatever is answered; empty if there is
// none.
func firstAsked(items []*intake.Item) string {
	for _, it := range items {
		switch {
		case len(it.EnableWhen) > 0:
		case it.Type == intake.Group:
			if linkID := firstAsked(it.Items); linkID != "" {
				return linkID
			}
		case it.Asked():
			return it.LinkID
		}
	}
	return ""
}

func value(it *intake.Item) intake.Value {
	switch it.Type {
	case intake.BooleanQ:
		return intake.Boolean(true)
	case intake.IntegerQ:
		return intake.Integer(1)
	case intake.DecimalQ:
		return intake.Decimal("1")
	case intake.DateQ:
		return intake.Date("2026-01-02")
	case intake.DateTimeQ:
		return intake.DateTime("2026-01-02T03:04:05Z")
	case intake.TimeQ:
		return intake.Time("03:04:05")
	case intake.URLQ:
		return intake.URI("https://example.org/")
	case intake.QuantityQ:
		if len(it.Units) > 0 {
			return intake.Quantity("1", it.Units[0])
		}
		return intake.Quantity("1", intake.Coding{})
	case intake.Choice, intake.OpenChoice:
		return it.Options[0].Value
	case intake.Upload:
		return intake.File(intake.Attachment{URL: "https://example.org/a", ContentType: strings.Join(it.MIMETypes[:min(len(it.MIMETypes), 1)], ""), Size: 1})
	default:
		return intake.String("words")
	}
}

// replace returns the entries with a wrong answer to a question, or with none.
func replace(all []intake.Entry, linkID string, none bool) []intake.Entry {
	var changed []intake.Entry
	for _, e := range all {
		e.Items = replace(e.Items, linkID, none)
		e.Answers = slices.Clone(e.Answers)
		for i := range e.Answers {
			e.Answers[i].Items = replace(e.Answers[i].Items, linkID, none)
		}
		if e.LinkID == linkID && none {
			continue
		}
		if e.LinkID == linkID {
			wrong := intake.Boolean(true)
			if e.Answers[0].Value.Kind() == intake.BooleanValue {
				wrong = intake.String("true")
			}
			e.Answers[0].Value = wrong
		}
		changed = append(changed, e)
	}
	return changed
}
