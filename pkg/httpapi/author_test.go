package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// cough is a form of the practice's own with one rule.
func cough(version string) map[string]any {
	const ours = "https://example.org/fhir/StructureDefinition/"
	condition := map[string]any{"url": "condition", "extension": []any{
		map[string]any{"url": "question", "valueString": "cough-blood"},
		map[string]any{"url": "operator", "valueCode": "="},
		map[string]any{"url": "answer", "valueBoolean": true},
	}}
	return map[string]any{
		"resourceType": "Questionnaire", "id": "cough", "url": "https://example.org/fhir/Questionnaire/cough", "version": version,
		"title": "Cough", "status": "active",
		"extension": []any{
			map[string]any{"url": ours + "evisit-billing-class", "valueCode": "em"},
			map[string]any{"url": ours + "evisit-divert-rule", "extension": []any{
				map[string]any{"url": "id", "valueId": "cough-blood"},
				map[string]any{"url": "severity", "valueCode": "urgent"},
				map[string]any{"url": "message", "valueString": "Please be seen today."},
				map[string]any{"url": "source", "valueString": "The practice's own rule"},
				map[string]any{"url": "behavior", "valueCode": "any"},
				condition,
			}},
		},
		"item": []any{
			map[string]any{"linkId": "cough-blood", "type": "boolean", "text": "Do you cough up blood?", "required": true},
			map[string]any{"linkId": "cough-days", "type": "integer", "text": "For how many days?"},
		},
	}
}

var coughExamples = []any{
	map[string]any{"rule": "cough-blood", "fires": true, "why": "blood", "answers": map[string]any{"cough-blood": true}, "disposition": "urgent", "fired": []string{"cough-blood"}},
	map[string]any{"rule": "cough-blood", "fires": false, "why": "no blood", "answers": map[string]any{"cough-blood": false}, "disposition": "continue", "fired": []string{}},
}

type shownDraft struct {
	Name, Becomes, Hash string
	Draft               int
	Missing             []shownField
	Approved            *struct{ By, Hash string }
	Published           *time.Time `json:"published_at"`
}

type shownField struct{ Where, Code, Text string }

const (
	admin    = "ada-brooks"
	director = "dora-quist"
)

// A form that the library does not have goes from nothing to its first patient by HTTP
// alone: handed in, shown, approved, published, compared, replaced, retired.
func TestQuestionnaires_LifeOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(who, path string, body, out any) {
		t.Helper()
		w.do(t, call{as: who, method: "POST", path: path, body: body}, out)
	}
	refuse := func(who, path string, body any, status int, code string) shownProblem {
		t.Helper()
		return refused(t, send(t, w.api, call{as: who, method: "POST", path: path, body: body}), status, code)
	}
	var d shownDraft
	post(admin, "/questionnaires", map[string]any{"questionnaire": cough("1.0")}, &d)
	if len(d.Missing) != 2 || d.Draft != 1 || !strings.HasPrefix(d.Becomes, "1.0-common-") {
		t.Errorf("without examples: %+v", d)
	}
	if p := refuse(director, "/questionnaires/cough/draft/approve", map[string]any{"hash": d.Hash}, 409, "examples_missing"); len(p.Problems) != 2 {
		t.Errorf("what is missing: %+v", p.Problems)
	}
	whole := map[string]any{"questionnaire": cough("1.0"), "examples": coughExamples}
	refuse(admin, "/questionnaires", whole, 409, "draft_changed")
	whole["replaces"] = 1
	post(admin, "/questionnaires", whole, &d)
	refuse(admin, "/questionnaires/cough/draft/publish", nil, 409, "not_approved")
	refuse(admin, "/questionnaires/cough/draft/approve", map[string]any{"hash": d.Hash}, 403, "denied")
	refuse(director, "/questionnaires/cough/draft/approve", map[string]any{"hash": strings.Repeat("0", 64)}, 409, "other_text")
	for range 2 {
		post(director, "/questionnaires/cough/draft/approve", map[string]any{"hash": d.Hash}, &d)
	}
	if d.Approved == nil || d.Approved.By != director || d.Approved.Hash != d.Hash {
		t.Errorf("approved: %+v", d.Approved)
	}
	for range 2 {
		post(admin, "/questionnaires/cough/draft/publish", nil, &d)
	}
	if d.Published == nil {
		t.Error("it is not published")
	}
	first := d.Becomes

	// Nobody can begin on it before it has a price.
	refuse("jane-smith", "/visits", map[string]any{"form": "cough"}, 409, "no_price")
	post(admin, "/settings/decisions", map[string]any{"prices": map[string]any{"cough": 3000}}, nil)
	var v shownVisit
	post("jane-smith", "/visits", map[string]any{"form": "cough"}, &v)

	second := map[string]any{"questionnaire": cough("1.1"), "examples": coughExamples, "replaces": d.Draft}
	second["questionnaire"].(map[string]any)["title"] = "A cough"
	post(director, "/questionnaires", second, &d)
	var changes struct {
		Changes []struct{ Kind, Where, Text string }
	}
	w.do(t, call{as: admin, method: "GET", path: "/questionnaires/cough/compare?from=" + first + "&to=draft"}, &changes)
	if len(changes.Changes) != 2 || !strings.Contains(changes.Changes[0].Text, "“Cough” before, “A cough” now") {
		t.Errorf("changes: %+v", changes.Changes)
	}
	post(director, "/questionnaires/cough/draft/approve", map[string]any{"hash": d.Hash}, nil)
	post(director, "/questionnaires/cough/draft/publish", nil, nil)
	var all struct {
		Versions []struct {
			Name, Version string
			Offered       bool
		}
		Drafts []struct{ Name string }
	}
	w.do(t, call{as: director, method: "GET", path: "/questionnaires"}, &all)
	offered := ""
	for _, v := range all.Versions {
		if v.Name == "cough" && v.Offered {
			offered = v.Version
		}
	}
	if offered != d.Becomes || len(all.Drafts) != 1 {
		t.Errorf("offered is %q of %+v", offered, all)
	}
	post(admin, "/questionnaires/cough/offer", map[string]any{"version": first}, nil)
	refuse(admin, "/questionnaires/cough/offer", map[string]any{"version": "9"}, 404, "no_version")
	post(admin, "/questionnaires/cough/offer", map[string]any{}, nil)
	refuse("jane-smith", "/visits", map[string]any{"form": "cough"}, 422, "unknown_form")
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + v.ID}, &v)

	var library struct {
		Protocols []struct{ Name, Version string }
	}
	w.do(t, call{as: admin, method: "GET", path: "/questionnaires/library"}, &library)
	if len(library.Protocols) != 9 {
		t.Errorf("%d protocols", len(library.Protocols))
	}
	post(admin, "/questionnaires/library/uti-women/adopt", map[string]any{}, &d)
	if len(d.Missing) != 0 || d.Name != "uti-women" {
		t.Errorf("adopted: %+v", d)
	}
	refuse(admin, "/questionnaires/library/nothing/adopt", map[string]any{}, 404, "no_protocol")
	refused(t, send(t, w.api, call{as: admin, method: "GET", path: "/questionnaires/nothing/draft"}), 404, "no_draft")
	refused(t, send(t, w.api, call{as: "ruth-vance", method: "GET", path: "/questionnaires/cough/draft"}), 404, "no_draft")
}

// A questionnaire that is none is refused with everything that is wrong, and nothing is
// written.
func TestQuestionnaires_BadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := cough("a b")
	bad["id"], bad["contact"] = "no such id", 5
	items := bad["item"].([]any)
	bad["item"] = append(items, items[0], map[string]any{"linkId": "x", "type": "reference", "text": "Who?"})
	w.nothingWritten(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			who    string
			body   any
			status int
			code   string
			places []string
		}{
			"2 MB":            {admin, `{"questionnaire":{"resourceType":"Questionnaire","item":[],"title":"` + strings.Repeat("x", 2<<20) + `"}}`, 413, "too_large", nil},
			"members twice":   {admin, `{"questionnaire":{"resourceType":"Questionnaire","item":[],"item":[]}}`, 400, "malformed_json", nil},
			"another":         {admin, map[string]any{"questionnaire": map[string]any{"resourceType": "Patient", "item": []any{}}}, 422, "questionnaire-refused", []string{"resourceType"}},
			"everything":      {admin, map[string]any{"questionnaire": bad}, 422, "questionnaire-refused", []string{"id", "version", "cough-blood", "x"}},
			"no examples":     {admin, map[string]any{"questionnaire": cough("1"), "examples": []any{map[string]any{"rule": 5}}}, 400, "examples-malformed", nil},
			"no value sets":   {admin, map[string]any{"questionnaire": cough("1"), "value_sets": []any{map[string]any{"resourceType": "Patient"}}}, 422, "questionnaire-shape", nil},
			"nothing":         {admin, map[string]any{}, 422, "invalid_request", []string{"/questionnaire"}},
			"an unknown part": {admin, map[string]any{"questionnaire": cough("1"), "sample": 1}, 400, "unknown_field", nil},
			"a nurse":         {"nora-patel", map[string]any{"questionnaire": cough("1")}, 403, "denied", nil},
			"a patient":       {"jane-smith", map[string]any{"questionnaire": cough("1")}, 403, "denied", nil},
		} {
			p := refused(t, send(t, w.bare, call{as: tt.who, method: "POST", path: "/questionnaires", body: tt.body}), tt.status, tt.code)
			for _, where := range tt.places {
				found := false
				for _, problem := range p.Problems {
					found = found || problem.Where == where
				}
				if !found {
					t.Errorf("%s: no problem of %s in %+v", name, where, p.Problems)
				}
			}
		}
	})
}

type shownMinors struct {
	Refused bool
	ActFrom int `json:"act_from"`
	OwnFrom int `json:"own_from"`
}

type shownSettings struct {
	Version int
	Prices  map[string]int64
	States  []string
	Readers string `json:"who_reads"`
	Coming  []struct {
		From        time.Time
		Established *int `json:"established_months"`
		Minors      *shownMinors
	}
	Established int `json:"established_months"`
	Minors      shownMinors
	Consent     struct{ Version, Language string }
	History     []struct{ By string }
}

// Prices are decided for later, a promise at once; the second of two who saw the same is
// told; and what is no decision is refused with every problem.
func TestSettings_OverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var s shownSettings
	w.do(t, call{as: admin, method: "GET", path: "/settings"}, &s)
	later := w.now().Add(48 * time.Hour)
	seen := map[string]string{"If-Match": quoted(s.Version)}
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions", header: seen, body: map[string]any{"from": later, "prices": map[string]any{"uti-women": 4500, "pink-eye": nil}}}, &s)
	if len(s.Coming) != 1 || s.Prices["uti-women"] != 40_00 {
		t.Errorf("decided for later: %+v", s)
	}
	refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/decisions", header: seen, body: map[string]any{"states": []string{"OR"}}}), http.StatusPreconditionFailed, "stale")
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions/withdraw", body: map[string]any{"from": later}}, &s)
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions", body: map[string]any{"answer_minutes": 480, "give_up_minutes": 960, "topics_by_phone": []string{"hiv"}}}, &s)
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions", body: map[string]any{"established_months": 36}}, &s)
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions", header: map[string]string{"If-Match": quoted(s.Version)}, body: map[string]any{"from": later, "established_months": 0}}, &s)
	if s.Established != 36 || len(s.Coming) != 1 || s.Coming[0].Established == nil || *s.Coming[0].Established != 0 {
		t.Errorf("whom the practice knows: %+v", s)
	}
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions/withdraw", body: map[string]any{"from": later}}, &s)
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions", body: map[string]any{"minors": map[string]int{"act_from": 14, "own_from": 16}}}, &s)
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions", body: map[string]any{"from": later, "minors": map[string]bool{"refused": true}}}, &s)
	if s.Minors != (shownMinors{ActFrom: 14, OwnFrom: 16}) || len(s.Coming) != 1 || *s.Coming[0].Minors != (shownMinors{Refused: true}) {
		t.Errorf("minors: %+v", s)
	}
	w.do(t, call{as: admin, method: "POST", path: "/settings/decisions/withdraw", body: map[string]any{"from": later}}, &s)
	w.do(t, call{as: admin, method: "POST", path: "/settings/consent", body: map[string]any{"version": "2", "text": "You agree.", "others": map[string]string{"es": "Acepta."}}}, &s)
	if s.Consent.Version != "2" || s.Consent.Language != "en" || len(s.Coming) != 0 {
		t.Errorf("consent: %+v", s)
	}
	refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/consent", body: map[string]any{"version": "2", "text": "No."}}), 409, "consent_exists")
	w.do(t, call{as: admin, method: "POST", path: "/settings/readers", body: map[string]any{}}, &s)
	if !strings.Contains(s.Readers, "Ana Rivera, MD") {
		t.Errorf("who reads: %q", s.Readers)
	}
	w.do(t, call{as: admin, method: "GET", path: "/settings"}, &s)
	if len(s.History) < 4 || s.History[0].By != admin {
		t.Errorf("history: %+v", s.History)
	}
	w.nothingWritten(t, func(t *testing.T) {
		bad := map[string]any{"prices": map[string]any{"a": -5, "b": 20, "c": 100_000_01}, "states": []string{"Oregon"}, "answer_minutes": 1, "give_up_minutes": 1, "minors": map[string]int{"act_from": 11, "own_from": 4}, "from": "2020-01-01T00:00:00Z"}
		p := refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/decisions", body: bad}), 422, "invalid_request")
		if len(p.Problems) != 9 {
			t.Errorf("%d problems: %+v", len(p.Problems), p.Problems)
		}
		refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/decisions", body: `{"prices":{"a":40.5}}`}), 400, "wrong_type")
		p = refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/decisions", body: `{"prices":{"nope":100}}`}), 422, "invalid_request")
		if len(p.Problems) != 1 || p.Problems[0].Where != "/prices/nope" || p.Problems[0].Code != "form" {
			t.Errorf("a price of no form: %+v", p.Problems)
		}
		refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/decisions", body: map[string]any{"forms": map[string]string{"uti-women": "9"}}}), 422, "invalid_request")
		for _, who := range []string{director, "nora-patel", "jane-smith"} {
			refused(t, send(t, w.api, call{as: who, method: "GET", path: "/settings"}), 403, "denied")
		}
		refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/decisions/withdraw", body: map[string]any{"from": later}}), 404, "not_found")
	})
}

func quoted(version int) string {
	b, _ := json.Marshal(version) //nolint:errchkjson // a number
	return `"` + string(b) + `"`
}
