package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/httpapi"
	"evisit/pkg/identity"
)

// A flaw is a body with a field that breaks its tag and one that breaks a rule, and what is said
// of it: where and code of each problem.
type flaw struct {
	as, path string
	body     map[string]any
	code     string
	want     []string
}

// flaws are of each endpoint that takes several fields of which rules are decided by the registry.
func flaws() map[string]flaw {
	const olu, admin, staff = "olu", "ada-brooks", "sam-lee"
	long := strings.Repeat("x", 300)
	practice := map[string]any{
		"id": "harbor-view", "name": "", "address": map[string]any{"line": "1 Pier", "city": "Salem", "state": "ZZ", "zip": "97301"}, "time_zone": "America/Los_Angeles",
		"phone": "+15035550100", "inbox": "in@mail.example", "npi": "1234567893", "ein": "12-3456789", "taxonomy": "207Q00000X",
	}
	other := maps.Clone(practice)
	other["npi"] = "1234567890"
	worker := map[string]any{"name": "", "roles": []string{"chef"}, "licenses": []any{map[string]any{"state": "OR", "number": "", "expires": "2020-01-01T00:00:00Z"}}}
	card := map[string]any{"payer": "99999", "member_id": "", "relation": "spouse", "priority": 9, "from": "soon"}
	carer := map[string]any{"email": "kim", "why": "friend", "scope": strings.Repeat("x", 21)}
	questionnaire := cough("1")
	delete(questionnaire, "version")
	return map[string]flaw{
		"registerPractice": {olu, "/practices", practice, "invalid_request", []string{"/address/state state", "/name required"}},
		"changePractice":   {olu, "/practices/lakeside", other, "invalid_request", []string{"/address/state state", "/id id", "/name required", "/npi npi"}},
		"inviteAdministrator": {
			olu, "/practices/lakeside/invitations", map[string]any{"email": "x", "name": ""}, "invalid_request", []string{"/email email", "/name required"},
		},
		"registerPayer": {olu, "/payers", map[string]any{"id": "6", "name": "", "filing_code": "QQ"}, "invalid_request", []string{"/filing_code filing_code", "/id id", "/name required"}},
		"changePayer": {
			olu, "/payers/60054", map[string]any{"id": "60055", "name": "", "filing_code": "QQ"}, "invalid_request", []string{"/filing_code filing_code", "/id id", "/name required"},
		},
		"enterContract": {
			admin, "/settings/contracts",
			map[string]any{"payer": "99999", "code": "9942", "from": "soon", "until": "2026-12-31", "rate": -1, "percent": 101},
			"invalid_request",
			[]string{"/code procedure", "/from date", "/payer unknown", "/percent range", "/rate range"},
		},
		"invitePerson": {
			admin, "/invitations", with(worker, "email", "nobody"), "invalid_request",
			[]string{"/email email", "/licenses/0/expires expired", "/licenses/0/number required", "/name required", "/roles/0 role"},
		},
		"changePerson": {
			admin, "/people/ana-rivera", worker, "invalid_request", []string{"/licenses/0/expires expired", "/licenses/0/number required", "/name required", "/roles/0 role"},
		},
		"decideSettings": {
			admin, "/settings/decisions",
			map[string]any{"answer_minutes": -1, "give_up_minutes": 1, "prices": map[string]any{"uti-women": -5}, "forms": map[string]string{"uti-women": "9"}, "topics_by_phone": []string{"weather"}},
			"invalid_request",
			[]string{"/answer_minutes min", "/forms/uti-women form", "/give_up_minutes range", "/prices/uti-women price", "/topics_by_phone/0 topic"},
		},
		"decideMembership": {
			admin, "/settings/membership",
			map[string]any{
				"price": -5, "members": 1, "visits": 12, "classes": []string{"gold"}, "forms": []string{"astrology"}, "grace_days": 14, "notice_days": 30,
				"refund": map[string]any{"full_days": 0, "later": "soon"},
			},
			"invalid_request",
			[]string{"/classes/0 option", "/forms/0 form", "/price min", "/refund/later oneof"},
		},
		"decideConsent": {
			admin, "/settings/consent",
			map[string]any{"version": "", "text": "You agree.", "others": map[string]string{"klingon": "x"}},
			"invalid_request",
			[]string{"/others/klingon language", "/version required"},
		},
		"handInQuestionnaire": {
			admin, "/questionnaires", map[string]any{"questionnaire": questionnaire, "replaces": -1}, "questionnaire-refused", []string{"/replaces min", "version required"},
		},
		"registerPatient": {staff, "/patients", map[string]any{"name": "", "birth_date": "1990-02-30", "email": "x"}, "invalid_request", []string{"/birth_date date", "/email email", "/name required"}},
		"importPatients": {
			staff, "/patients/file/import",
			map[string]any{"id": strings.Repeat("x", 41), "file": "name,birth,email\nKim,soon,kim@mail.example\n"},
			"invalid_file",
			[]string{"/id max", "line 2, birth birth"},
		},
		"changeContact":   {staff, "/patients/jane-smith/contact", map[string]any{"birth_date": "soon", "email": "x", "name": long}, "invalid_request", []string{"/birth_date date", "/email email", "/name max"}},
		"setStanding":     {staff, "/patients/jane-smith/standing", map[string]any{"standing": "gone", "reason": "mood"}, "invalid_request", []string{"/reason reason", "/standing oneof"}},
		"giveDiscount":    {staff, "/patients/jane-smith/discount", map[string]any{"percent": 101, "reason": "mood", "last": "2020-01-31"}, "invalid_request", []string{"/last range", "/percent range", "/reason reason"}},
		"inviteCaregiver": {staff, "/patients/jane-smith/caregivers", carer, "invalid_request", []string{"/email email", "/scope max", "/why why"}},
		"joinPractice":    {confirmed + "kim", "/practices/lakeside/join", map[string]any{"name": "", "birth_date": "1850-01-01", "sex": "q"}, "invalid_request", []string{"/birth_date birth", "/name required", "/sex sex"}},
		"addCoverage": {
			"jane-smith", "/patients/jane-smith/coverages", card, "invalid_request",
			[]string{"/from date", "/member_id required", "/payer unknown", "/priority priority", "/subscriber/birth_date birth", "/subscriber/first_name name", "/subscriber/last_name name"},
		},
		"orderCoverages": {
			"jane-smith", "/patients/jane-smith/coverage-order",
			map[string]any{"turns": []any{map[string]any{"id": "none", "priority": 9}, map[string]any{"id": "", "priority": 4}}},
			"invalid_request",
			[]string{"/turns/0/id unknown", "/turns/0/priority priority", "/turns/1/id required", "/turns/1/priority priority"},
		},
		"changeCoverage": {
			"jane-smith", "/patients/jane-smith/coverages/{coverage}", card, "invalid_request",
			[]string{"/from date", "/member_id required", "/payer unknown", "/priority priority", "/subscriber/birth_date birth", "/subscriber/first_name name", "/subscriber/last_name name"},
		},
	}
}

func with(m map[string]any, name string, v any) map[string]any {
	m = maps.Clone(m)
	m[name] = v
	return m
}

// Who sends a body with something wrong in its form and something that a rule forbids is told both,
// each once and at its place, and nothing is written. Who may not send it is told that, and learns
// nothing from the body.
func TestProblems_AllAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rooms.Kernel.Operators = []clinic.Proof{{Issuer: testIssuer, Subject: "olu"}}
	if _, err := w.cast.RegisterPayer(t.Context(), clinic.Caller{Proof: w.rooms.Kernel.Operators[0], Strong: true}, coverage.Payer{ID: "60054", Name: "Cascade", Filing: "CI"}); err != nil {
		t.Fatal(err)
	}
	var plan struct{ ID string }
	w.do(t, call{as: "jane-smith", method: "POST", path: "/patients/jane-smith/coverages", body: map[string]any{
		"payer": "60054", "member_id": "W1234", "relation": "self", "priority": 1,
	}}, &plan)
	w.nothingWritten(t, func(t *testing.T) {
		for id, f := range flaws() {
			e := endpoint(t, id)
			c := call{as: f.as, method: e.Method, path: strings.Replace(f.path, "{coverage}", plan.ID, 1), body: f.body}
			p := refused(t, send(t, w.api, c), http.StatusUnprocessableEntity, f.code)
			var got []string
			for _, one := range p.Problems {
				got = append(got, one.Where+" "+one.Code)
			}
			if slices.Sort(got); !slices.Equal(got, f.want) {
				t.Errorf("%s: told %q, want %q", id, got, f.want)
			}
			if id == "joinPractice" {
				continue // anyone may
			}
			c.as = "nora-patel"
			if e.Path == "/patients/{patient}/coverages" || strings.Contains(e.Path, "/{patient}/") {
				c.as = "tom-okafor"
			}
			if res := send(t, w.api, c); res.Code != http.StatusForbidden && res.Code != http.StatusNotFound || strings.Contains(res.Body.String(), `"problems"`) {
				t.Errorf("%s, for who may not: %d %s", id, res.Code, res.Body)
			}
		}
		tried := flaws()
		for _, e := range httpapi.Of(httpapi.ByRegistry) {
			if _, ok := tried[e.ID]; !ok && e.In != nil && reflect.TypeOf(e.In).NumField() > 1 {
				t.Errorf("%s is not tried", e.ID)
			}
		}
	})
}

func endpoint(t *testing.T, id string) *httpapi.Endpoint {
	t.Helper()
	for _, e := range httpapi.Endpoints() {
		if e.ID == id {
			return e
		}
	}
	t.Fatal("there is no endpoint " + id)
	return nil
}

// A body that cannot be read is refused for that alone, and names every field that it should not
// have.
func TestProblems_UnreadableAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unchanged(t)
	p := refused(t, send(t, w.api, call{as: "sam-lee", method: "POST", path: "/patients", body: `{"name":"","shoe":1,"birth_date":"","hat":2,"email":"x"}`}), http.StatusBadRequest, "unknown_field")
	if got := wheres(p.Problems); !slices.Equal(got, []string{"/hat", "/shoe"}) {
		t.Errorf("unknown are %v", got)
	}
	p = refused(t, send(t, w.api, call{as: "sam-lee", method: "POST", path: "/patients", body: `{"name":null,"birth_date":null,"email":"x"}`}), http.StatusBadRequest, "wrong_type")
	if got := wheres(p.Problems); !slices.Equal(got, []string{"/name", "/birth_date"}) {
		t.Errorf("null are %v", got)
	}
	lines := fmt.Sprintf(`{"id":%q,"file":%q}`, strings.Repeat("x", 41), "name,birth,email\n"+strings.Repeat("Kim,1990-01-01,kim@mail.example\n", 1001))
	refused(t, send(t, w.api, call{as: "sam-lee", method: "POST", path: "/patients/file/import", body: lines}), http.StatusUnprocessableEntity, "invalid_request")
}

// That somebody was refused is recorded, whatever else is wrong with what they sent.
func TestProblems_RefusalRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := flaws()["addCoverage"]
	refused(t, send(t, w.api, call{as: "tom-okafor", method: "POST", path: f.path, body: f.body}), http.StatusNotFound, "not_found")
	recorded := 0
	w.scan(t, func(row map[string]types.AttributeValue) {
		if !strings.HasPrefix(attribute(row["pk"]), "AUDIT#") {
			return
		}
		if d := attribute(row["d"]); ofRefusal(row) && strings.Contains(d, `"tom-okafor"`) && strings.Contains(d, string(identity.ChangePatient)) {
			recorded++
		}
	})
	if recorded != 1 {
		t.Errorf("%d records of the refusal", recorded)
	}
}

// A number that must be above 0 and is given as 0 is told what it must be, not that it is missing.
func TestProblems_Zero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, body := range map[string]map[string]any{
		"/visits/" + w.closed(t).ID + "/refund": {"payment": "p", "amount_cents": 0, "left_cents": 0, "reason": "late"},
		"/settings/contracts":                   {"payer": "60054", "code": "99421", "from": "2026-01-01", "rate": 0, "percent": 20},
		"/patients/jane-smith/discount":         {"percent": 0, "reason": "amends", "last": "2026-03-31"},
	} {
		p := refused(t, send(t, w.api, call{as: "ada-brooks", method: "POST", path: path, body: body}), http.StatusUnprocessableEntity, "invalid_request")
		named := 0
		for _, one := range p.Problems {
			if !strings.HasSuffix(one.Where, "_cents") && one.Where != "/rate" && one.Where != "/percent" {
				continue // the payer is unknown here
			}
			if named++; one.Text != "give a whole number above 0" {
				t.Errorf("%s: %+v", path, one)
			}
		}
		if named == 0 {
			t.Errorf("%s: no number is named: %+v", path, p.Problems)
		}
	}
}
