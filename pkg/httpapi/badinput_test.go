package httpapi_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

const tenMegabytes = 10 << 20

func nested(open, inner, end string, depth int) string {
	return strings.Repeat(open, depth) + inner + strings.Repeat(end, depth)
}

func item(linkID, value string) string {
	return fmt.Sprintf(`{"resourceType":"QuestionnaireResponse","item":[{"linkId":%q,"answer":[{%s}]}]}`, linkID, value)
}

func TestBody_UnreadableIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	draft, review := w.draft(t), w.queued(t)
	w.do(t, call{as: "ana-rivera", method: "POST", path: "/visits/" + review.ID + "/take"}, nil)
	type route struct{ as, method, path string }
	routes := []route{
		{"jane-smith", "POST", "/visits"},
		{"jane-smith", "POST", "/visits/" + draft.ID + "/submit"},
		{"jane-smith", "POST", "/visits/" + review.ID + "/messages"},
		{"ana-rivera", "POST", "/visits/" + review.ID + "/ask"},
		{"ana-rivera", "POST", "/visits/" + review.ID + "/answer"},
		{"ana-rivera", "POST", "/visits/" + review.ID + "/decline"},
		{"ana-rivera", "POST", "/visits/" + review.ID + "/redirect"},
	}
	answers := []route{
		{"jane-smith", "PATCH", "/visits/" + draft.ID + "/answers"},
		{"jane-smith", "POST", "/forms/uti-women/check"},
	}
	w.unchanged(t)
	for name, tc := range map[string]struct {
		body, kind          string
		status              int
		code, ofAnswers     string
		statusOfAnswers     int
		skipAnswers, nameIt bool
	}{
		"no body":                {"", "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"no JSON":                {"form=uti-women", "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"truncated":              {`{"text":"a`, "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"two objects":            {`{} {}`, "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"an array":               {`[]`, "application/json", 400, "wrong_type", "response-invalid", 422, false, false},
		"a number":               {`7`, "application/json", 400, "wrong_type", "response-invalid", 422, false, false},
		"an unknown field":       {`{"surprise":1}`, "application/json", 400, "unknown_field", "response-invalid", 422, false, true},
		"a forged total":         {`{"amount_cents":1}`, "application/json", 400, "unknown_field", "response-invalid", 422, false, true},
		"no content type":        {`{}`, "", 400, "not_json", "not_json", 400, false, false},
		"a form's content type":  {`{}`, "application/x-www-form-urlencoded", 400, "not_json", "not_json", 400, false, false},
		"FHIR's content type":    {`[]`, "application/fhir+json", 400, "not_json", "response-invalid", 422, false, false},
		"a broken content type":  {`{}`, "application/json; charset", 400, "not_json", "not_json", 400, false, false},
		"10 MB of text":          {`{"text":"` + strings.Repeat("a", tenMegabytes) + `"}`, "application/json", 413, "too_large", "too_large", 413, false, false},
		"10 MB of spaces":        {strings.Repeat(" ", tenMegabytes), "application/json", 413, "too_large", "too_large", 413, false, false},
		"arrays 100,000 deep":    {nested("[", "", "]", 100_000), "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"objects 50,000 deep":    {nested(`{"a":`, "1", "}", 50_000), "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"a byte that is no text": {"{\"\xff\":1}", "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"text in Latin-1":        {"{\"text\":\"na\xefve\"}", "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"half a character":       {`{"text":"a\ud83d"}`, "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"halves in wrong order":  {`{"status":"\ude00\ud83d"}`, "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
		"half a name":            {`{"te\uDE00xt":"a"}`, "application/json", 400, "malformed_json", "response-malformed", 400, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range routes {
				p := refused(t, send(t, w.api, call{as: r.as, method: r.method, path: r.path, body: tc.body, header: map[string]string{"Content-Type": tc.kind}}), tc.status, tc.code)
				if tc.nameIt && (len(p.Problems) != 1 || !strings.Contains(tc.body, strings.TrimPrefix(p.Problems[0].Where, "/"))) {
					t.Errorf("%s: the field is not named: %+v", r.path, p.Problems)
				}
			}
			for _, r := range answers {
				refused(t, send(t, w.api, call{as: r.as, method: r.method, path: r.path, body: tc.body, header: map[string]string{"Content-Type": tc.kind}}), tc.statusOfAnswers, tc.ofAnswers)
			}
		})
	}
}

func TestFields_WrongOnesAreAllNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	draft, review := w.draft(t), w.queued(t)
	w.do(t, call{as: "ana-rivera", method: "POST", path: "/visits/" + review.ID + "/take"}, nil)
	quote := w.quote(t, draft.ID)
	atDraft, atReview := "/visits/"+draft.ID, "/visits/"+review.ID
	accept := func(fields string) string {
		return fmt.Sprintf(`{"quote":%q,"accept_fee":true,"accept_consent":true%s}`, quote, fields)
	}
	answer := func(change map[string]any) any {
		c := conclusion()
		for k, v := range change {
			c[k] = v
		}
		return c
	}
	long := strings.Repeat("a", 8001)
	w.unchanged(t)
	for name, tc := range map[string]struct {
		as, path string
		body     any
		status   int
		code     string
		where    []string
	}{
		"no form named":              {"jane-smith", "/visits", `{}`, 422, "invalid_request", []string{"/form"}},
		"a field in capitals":        {"jane-smith", "/visits", `{"FORM":"uti-women"}`, 400, "unknown_field", []string{"/FORM"}},
		"a field inside in capitals": {"ana-rivera", atReview + "/answer", answer(map[string]any{"diagnoses": []any{map[string]any{"Code": "N30.00"}}}), 400, "unknown_field", []string{"/diagnoses/0/Code"}},
		"a part inside in capitals":  {"ada-brooks", "/questionnaires", `{"questionnaire":{},"about":{"NAME":"cough"}}`, 400, "unknown_field", []string{"/about/NAME"}},
		"null for a body":            {"jane-smith", "/visits", `null`, 400, "wrong_type", []string{"/"}},
		"an unknown form":            {"jane-smith", "/visits", `{"form":"no-such"}`, 422, "unknown_form", []string{"/form"}},
		"an unknown version":         {"jane-smith", "/visits", `{"form":"uti-women","version":"9"}`, 422, "unknown_form", []string{"/form"}},
		"a number for a form":        {"jane-smith", "/visits", `{"form":7}`, 400, "wrong_type", []string{"/form"}},
		"names that are too long":    {"jane-smith", "/visits", fmt.Sprintf(`{"form":%q,"version":%q}`, long, long), 422, "invalid_request", []string{"/form", "/version"}},
		"the common block":           {"jane-smith", "/visits", `{"form":"evisit-common"}`, 409, "not_offered", nil},
		"a caregiver, for nobody":    {"elena-diaz", "/visits", `{"form":"respiratory"}`, 422, "no_patient", nil},
		"a patient of the wrong sex": {"tom-okafor", "/visits", `{"form":"uti-women"}`, 409, "not_eligible", []string{"sex"}},
		"nothing accepted":           {"jane-smith", atDraft + "/submit", `{}`, 422, "invalid_request", []string{"/quote", "/accept_fee", "/accept_consent"}},
		"the fee refused":            {"jane-smith", atDraft + "/submit", fmt.Sprintf(`{"quote":%q,"accept_fee":false,"accept_consent":true}`, quote), 422, "invalid_request", []string{"/accept_fee"}},
		"wrong types at once": {
			"ada-brooks", "/settings/decisions", `{"from":"tomorrow","prices":{"a/b~c":1.5,"uti-women":"x"},"states":["OR",7]}`, 400, "wrong_type",
			[]string{"/from", "/states/1", "/prices/a~1b~0c", "/prices/uti-women"},
		},
		"a day for an instant":         {"ada-brooks", "/invitations", `{"licenses":[{"state":"OR","number":"1","expires":"2028-11-26"}]}`, 400, "wrong_type", []string{"/licenses/0/expires"}},
		"yes as text":                  {"jane-smith", atDraft + "/submit", `{"quote":"q","accept_fee":"yes"}`, 400, "wrong_type", []string{"/accept_fee"}},
		"a forged amount":              {"jane-smith", atDraft + "/submit", accept(`,"amount_cents":1`), 400, "unknown_field", []string{"/amount_cents"}},
		"a forged quote":               {"jane-smith", atDraft + "/submit", `{"quote":"forged","accept_fee":true,"accept_consent":true}`, 409, "quote_replaced", nil},
		"another consent":              {"jane-smith", atDraft + "/submit", accept(`,"consent_version":"old"`), 409, "consent_replaced", nil},
		"an empty message":             {"jane-smith", atReview + "/messages", `{"text":""}`, 422, "message_length", []string{"/text"}},
		"a message too long":           {"jane-smith", atReview + "/messages", map[string]string{"text": long}, 422, "message_length", []string{"/text"}},
		"a message of fillers":         {"jane-smith", atReview + "/messages", map[string]string{"text": "\u200b\u3164\u2800"}, 422, "message_length", []string{"/text"}},
		"a message of nothing visible": {"jane-smith", atReview + "/messages", map[string]string{"text": " \n\t"}, 422, "message_length", []string{"/text"}},
		"a message with a zero byte":   {"jane-smith", atReview + "/messages", `{"text":"a\u0000b"}`, 422, "invalid_request", []string{"/text"}},
		"answers that are none":        {"jane-smith", atReview + "/messages", `{"text":"a","answers":null}`, 422, "response-invalid", []string{""}},
		"answers nested deeply":        {"jane-smith", atReview + "/messages", `{"text":"a","answers":` + nested("[", "", "]", 30) + `}`, 400, "response-malformed", nil},
		"a state moved":                {"jane-smith", atReview + "/messages", map[string]any{"text": "a", "answers": page(map[string]any{"location-state": []string{"WA"}})}, 422, "state_moved", []string{"location-state"}},
		"a question of no words":       {"ana-rivera", atReview + "/ask", `{}`, 422, "invalid_request", []string{"/text"}},
		"an empty answer":              {"ana-rivera", atReview + "/answer", `{}`, 422, "answer_incomplete", []string{"/reply", "/plan/do", "/plan/warning_signs", "/plan/follow_up", "/diagnoses"}},
		"a diagnosis that is no code":  {"ana-rivera", atReview + "/answer", answer(map[string]any{"diagnoses": []any{map[string]any{"code": "cystitis"}}}), 422, "answer_incomplete", []string{"/diagnoses/0/code"}},
		"thirteen diagnoses":           {"ana-rivera", atReview + "/answer", answer(map[string]any{"diagnoses": slicesOf(13, map[string]any{"code": "N30.00"})}), 422, "answer_incomplete", []string{"/diagnoses"}},
		"negative minutes":             {"ana-rivera", atReview + "/answer", answer(map[string]any{"minutes": -1}), 422, "answer_incomplete", []string{"/minutes"}},
		"more minutes than a day has":  {"ana-rivera", atReview + "/answer", answer(map[string]any{"minutes": 100_000}), 422, "answer_incomplete", []string{"/minutes"}},
		"minutes that overflow":        {"ana-rivera", atReview + "/answer", `{"minutes":92233720368547758080}`, 400, "wrong_type", []string{"/minutes"}},
		"half a minute":                {"ana-rivera", atReview + "/answer", `{"minutes":0.5}`, 400, "wrong_type", []string{"/minutes"}},
		"a field inside of a plan":     {"ana-rivera", atReview + "/answer", answer(map[string]any{"plan": map[string]any{"dose": "3"}}), 400, "unknown_field", []string{"/plan/dose"}},
		"a field inside of a list":     {"ana-rivera", atReview + "/answer", answer(map[string]any{"diagnoses": []any{map[string]any{"code": "N30.00"}, map[string]any{"text": "a"}}}), 400, "unknown_field", []string{"/diagnoses/1/text"}},
		"a name of 100 KB":             {"ana-rivera", atReview + "/ask", map[string]any{strings.Repeat("k", 100<<10): 1}, 400, "unknown_field", []string{"/" + strings.Repeat("k", 199)}},
		"a fee in the answer":          {"ana-rivera", atReview + "/answer", answer(map[string]any{"fee": 1}), 400, "unknown_field", []string{"/fee"}},
		"a lower fee, no reason":       {"ana-rivera", atReview + "/answer", answer(map[string]any{"fee_cents": 1000}), 422, "answer_incomplete", []string{"/fee_reason"}},
		"a fee below nothing":          {"ana-rivera", atReview + "/answer", answer(map[string]any{"fee_cents": -1, "fee_reason": "Hardship"}), 422, "answer_incomplete", []string{"/fee_cents"}},
		"a fee above the price":        {"ana-rivera", atReview + "/answer", answer(map[string]any{"fee_cents": 999_999, "fee_reason": "More work"}), 422, "invalid_request", []string{"/fee_cents"}},
		"a reason that is none":        {"ana-rivera", atReview + "/decline", `{"reason":"mood","text":"no"}`, 422, "invalid_request", []string{"/reason"}},
		"no reason and no text":        {"ana-rivera", atReview + "/redirect", `{}`, 422, "invalid_request", []string{"/reason", "/text"}},
		"a key of 10,000 characters":   {"jane-smith", atDraft + "/cancel", nil, 422, "invalid_request", []string{"Idempotency-Key"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := call{as: tc.as, method: "POST", path: tc.path, body: tc.body}
			if tc.body == nil {
				c.header = map[string]string{"Idempotency-Key": strings.Repeat("k", 10_000)}
			}
			p := refused(t, send(t, w.api, c), tc.status, tc.code)
			if d := cmp.Diff(tc.where, wheres(p.Problems)); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

func slicesOf(n int, v any) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func wheres(ps []fault.Problem) []string {
	var all []string
	for _, p := range ps {
		all = append(all, p.Where)
	}
	return all
}

func TestAnswers_WrongAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.draft(t)
	twice := `{"resourceType":"QuestionnaireResponse","item":[{"linkId":"uti-onset","answer":[{"valueInteger":1}]},{"linkId":"uti-onset","answer":[{"valueInteger":2}]}]}`
	w.unchanged(t)
	for name, tc := range map[string]struct {
		body, code string
		where      []string
	}{
		"an unknown linkId":          {item("no-such", `"valueBoolean":true`), "answers_wrong", []string{"no-such"}},
		"a linkId given twice":       {twice, "answers_wrong", []string{"uti-onset"}},
		"two answers to one":         {item("uti-onset", `"valueInteger":1},{"valueInteger":2`), "answers_wrong", []string{"uti-onset"}},
		"a negative number":          {item("uti-onset", `"valueInteger":-1`), "answers_wrong", []string{"uti-onset"}},
		"a number over 32 bits":      {item("uti-onset", `"valueInteger":2147483648`), "answers_wrong", []string{"uti-onset"}},
		"a number over 64 bits":      {item("uti-onset", `"valueInteger":99999999999999999999`), "answers_wrong", []string{"uti-onset"}},
		"a huge exponent":            {item("uti-onset", `"valueInteger":1e999999`), "answers_wrong", []string{"uti-onset"}},
		"text for a number":          {item("uti-onset", `"valueString":"2"`), "answers_wrong", []string{"uti-onset"}},
		"an option that is none":     {item("pregnant", `"valueCoding":{"code":"perhaps"}`), "answers_wrong", []string{"pregnant"}},
		"a state that is none":       {item("location-state", `"valueCoding":{"code":"XX"}`), "answers_wrong", []string{"location-state"}},
		"an item without a linkId":   {`{"resourceType":"QuestionnaireResponse","item":[{}]}`, "response-invalid", []string{"/item/0/linkId"}},
		"another resource":           {`{"resourceType":"Patient"}`, "response-invalid", []string{"/resourceType"}},
		"a modifier extension":       {`{"resourceType":"QuestionnaireResponse","modifierExtension":[]}`, "response-invalid", []string{"/modifierExtension"}},
		"two values in one answer":   {item("uti-onset", `"valueInteger":1,"valueString":"1"`), "response-invalid", []string{"/item/0/answer/0"}},
		"another form":               {`{"resourceType":"QuestionnaireResponse","questionnaire":"https://other.example/q"}`, "other_form", []string{"/questionnaire"}},
		"another version":            {`{"resourceType":"QuestionnaireResponse","questionnaire":"https://example.org/fhir/Questionnaire/uti-women|9"}`, "other_form", []string{"/questionnaire"}},
		"six thousand items":         {`{"resourceType":"QuestionnaireResponse","item":[` + strings.TrimSuffix(strings.Repeat(`{"linkId":"uti-onset"},`, 6000), ",") + `]}`, "response-invalid", []string{"/item"}},
		"a linkId of 300 characters": {item(strings.Repeat("x", 300), `"valueBoolean":true`), "response-invalid", []string{"/item/0/linkId"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := refused(t, send(t, w.api, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: tc.body}), 422, tc.code)
			if d := cmp.Diff(tc.where, wheres(p.Problems)); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

func TestAnswers_MemberTwiceIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.draft(t)
	w.nothingWritten(t, func(t *testing.T) {
		body := `{"resourceType":"QuestionnaireResponse","item":[],"item":[]}`
		refused(t, send(t, w.api, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: body}), 400, "response-malformed")
	})
}

func TestCheckAnswers_UnknownVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.nothingWritten(t, func(t *testing.T) {
		for _, version := range []string{"9", strings.Repeat("9", 5000), "%00", "é"} {
			body := fmt.Sprintf(`{"resourceType":"QuestionnaireResponse","questionnaire":"https://example.org/fhir/Questionnaire/uti-women|%s"}`, version)
			refused(t, send(t, w.api, call{as: "jane-smith", method: "POST", path: "/forms/uti-women/check", body: body}), 404, "not_found")
		}
		refused(t, send(t, w.api, call{as: "jane-smith", method: "POST", path: "/forms/uti-women/check?birth_date=yesterday", body: `{"resourceType":"QuestionnaireResponse"}`}), 422, "invalid_request")
		refused(t, send(t, w.api, call{method: "POST", path: "/forms/uti-women/check", body: `{`}), 401, "not_signed_in")
	})
}

// A key has 1 to 200 characters, whatever they are; an empty one is no key left out.
func TestIdempotencyKey_Length(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keyed := func(key string) call {
		return call{as: "jane-smith", method: "POST", path: "/visits", body: map[string]any{"form": "uti-women"}, header: map[string]string{"Idempotency-Key": key}}
	}
	w.nothingWritten(t, func(t *testing.T) {
		for code, key := range map[string]string{"required": "", "max": strings.Repeat("k", 201)} {
			p := refused(t, send(t, w.api, keyed(key)), 422, "invalid_request")
			if len(p.Problems) != 1 || p.Problems[0].Where != "Idempotency-Key" || p.Problems[0].Code != code {
				t.Errorf("a key of %d bytes: %+v", len(key), p.Problems)
			}
		}
	})
	for _, key := range []string{"k", strings.Repeat("k", 200), strings.Repeat("ä", 200)} {
		w.do(t, keyed(key), nil)
	}
}

// A header with one value that comes twice is refused, whatever it says: parts on the
// way would each take another.
func TestHeader_TwiceIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.draft(t)
	w.unchanged(t)
	for name, tc := range map[string]struct {
		values []string
		status int
		code   string
	}{
		"Authorization":   {[]string{"Bearer jane-smith", "Bearer jane-smith"}, 401, "not_signed_in"},
		"Content-Type":    {[]string{"application/json", "text/plain"}, 400, "not_json"},
		"If-Match":        {[]string{fmt.Sprintf(`"%d"`, v.Version), `"99"`}, 422, "invalid_request"},
		"Idempotency-Key": {[]string{"a", "a"}, 422, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: `{"item":[]}`}.request(t)
			if name == "Idempotency-Key" {
				r = call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/cancel"}.request(t)
			}
			r.Header[name] = tc.values
			rec := httptest.NewRecorder()
			w.api.ServeHTTP(rec, r)
			refused(t, rec, tc.status, tc.code)
		})
	}
}

func TestPage_ForeignCursorOrLimitIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.draft(t)
	w.nothingWritten(t, func(t *testing.T) {
		for _, list := range []struct{ as, path string }{{"jane-smith", "/visits"}, {"ana-rivera", "/queue"}} {
			for _, limit := range []string{"0", "-1", "101", "1e2", "ten", "99999999999999999999", "1.5", " 1"} {
				p := refused(t, send(t, w.api, call{as: list.as, method: "GET", path: list.path + "?limit=" + url.QueryEscape(limit)}), 422, "invalid_request")
				if d := cmp.Diff([]string{"limit"}, wheres(p.Problems)); d != "" {
					t.Error(d)
				}
			}
			for _, cursor := range []string{"x", "\x00", "é", strings.Repeat("9", 5000), "2026-03-02T15:00:00.000000Z#v", "AAAAAAAA", base64.RawURLEncoding.EncodeToString([]byte("forged place in a list")), "' OR 1=1", `{"S":"x"}`} {
				p := refused(t, send(t, w.api, call{as: list.as, method: "GET", path: list.path + "?cursor=" + url.QueryEscape(cursor)}), 422, "invalid_request")
				if d := cmp.Diff([]string{"cursor"}, wheres(p.Problems)); d != "" {
					t.Error(d)
				}
			}
		}
	})
}

// hostile are ids that no record of ours ever had.
var hostile = []string{
	"nobody", "%00", "%ff%fe", "%2e%2e%2f%2e%2e", "..%2fpractice", "%20", "%23", "CASE%23x", "ü%CC%88", "%F0%9F%92%A9", "a%0d%0aX-Evil:1",
	"%5c", "%3Cscript%3E", "';--", strings.Repeat("a", 129), strings.Repeat("a", 5000), strings.Repeat("%C3%A9", 3000),
}

func TestVisitID_HostileIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.nothingWritten(t, func(t *testing.T) {
		for _, id := range hostile {
			for _, c := range []call{
				{as: "jane-smith", method: "GET", path: ""},
				{as: "jane-smith", method: "GET", path: "/chart"},
				{as: "jane-smith", method: "GET", path: "/document"},
				{as: "jane-smith", method: "GET", path: "/ledger"},
				{as: "ada-brooks", method: "GET", path: "/audit"},
				{as: "jane-smith", method: "PATCH", path: "/answers", body: page(urinary())},
				{as: "jane-smith", method: "POST", path: "/quote"},
				{as: "jane-smith", method: "POST", path: "/submit", body: `{"quote":"q","accept_fee":true,"accept_consent":true}`},
				{as: "jane-smith", method: "POST", path: "/checkout"},
				{as: "jane-smith", method: "POST", path: "/cancel"},
				{as: "jane-smith", method: "POST", path: "/acknowledge"},
				{as: "jane-smith", method: "POST", path: "/messages", body: `{"text":"a"}`},
				{as: "ana-rivera", method: "POST", path: "/take"},
				{as: "ana-rivera", method: "POST", path: "/ask", body: `{"text":"a"}`},
				{as: "ana-rivera", method: "POST", path: "/answer", body: conclusion()},
				{as: "ana-rivera", method: "POST", path: "/decline", body: `{"reason":"other","text":"a"}`},
			} {
				c.path = "/visits/" + id + c.path
				refused(t, send(t, w.api, c), 404, "not_found")
			}
			res := send(t, w.api, call{as: "jane-smith", method: "GET", path: "/forms/" + id})
			if res.Code != http.StatusNotFound {
				t.Errorf("form %.40s: %d %s", id, res.Code, res.Body)
			}
			refused(t, send(t, w.api, call{as: "jane-smith", method: "GET", path: "/forms/uti-women/versions/" + id}), 404, "not_found")
			plain, err := url.PathUnescape(id)
			if err != nil {
				t.Fatal(err)
			}
			status, code := 404, "not_found"
			if !utf8.ValidString(plain) || strings.ContainsFunc(plain, unicode.IsControl) || len(plain) > 2048 { // no parameter at all
				status, code = 422, "invalid_request"
			}
			refused(t, send(t, w.api, call{as: "jane-smith", method: "GET", path: "/visits?patient=" + url.QueryEscape(plain)}), status, code)
		}
	})
}

func TestRoutes_UnknownAddressOrMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.nothingWritten(t, func(t *testing.T) {
		for c, code := range map[*call]int{
			{method: "GET", path: "/nothing"}:                      404,
			{method: "DELETE", path: "/visits"}:                    405,
			{method: "PUT", path: "/visits/v/answers", body: "{}"}: 405,
			{method: "POST", path: "/health"}:                      405,
			{method: "TRACE", path: "/me"}:                         405,
			{method: "GET", path: "/visits/a/b/c"}:                 404,
			{method: "OPTIONS", path: "/me"}:                       405,
		} {
			c.as = "jane-smith"
			refused(t, send(t, w.api, *c), code, map[int]string{404: "no_route", 405: "wrong_method"}[code])
			refused(t, send(t, w.hook, *c), 404, "no_route")
		}
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
			res := send(t, w.hook, call{method: method, path: "/stripe/connect"})
			if method != "HEAD" {
				refused(t, res, 405, "wrong_method")
			}
			if allow := res.Header().Get("Allow"); res.Code != 405 || allow != "POST" {
				t.Errorf("%s /stripe/connect: %d, Allow: %s", method, res.Code, allow)
			}
		}
	})
}

func TestVisitID_OfAnotherPracticeIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	at := "/visits/" + v.ID
	w.nothingWritten(t, func(t *testing.T) {
		for _, who := range []string{"hana-kim", "omar-haddad", "ruth-vance", "tom-okafor", "elena-diaz"} {
			for _, c := range []call{
				{method: "GET", path: at},
				{method: "GET", path: at + "/chart"},
				{method: "GET", path: at + "/document"},
				{method: "GET", path: at + "/ledger"},
				{method: "GET", path: at + "/audit"},
				{method: "PATCH", path: at + "/answers", body: page(urinary())},
				{method: "POST", path: at + "/quote"},
				{method: "POST", path: at + "/checkout"},
				{method: "POST", path: at + "/cancel"},
				{method: "POST", path: at + "/submit", body: `{"quote":"q","accept_fee":true,"accept_consent":true}`},
				{method: "POST", path: at + "/acknowledge"},
				{method: "POST", path: at + "/messages", body: `{"text":"a"}`},
				{method: "POST", path: at + "/take"},
				{method: "POST", path: at + "/ask", body: `{"text":"a"}`},
				{method: "POST", path: at + "/answer", body: conclusion()},
				{method: "POST", path: at + "/decline", body: `{"reason":"other","text":"a"}`},
				{method: "POST", path: at + "/redirect", body: `{"reason":"other","text":"a"}`},
			} {
				c.as = who
				refused(t, send(t, w.api, c), 404, "not_found")
			}
		}
		for _, who := range []string{"hana-kim", "omar-haddad", "ruth-vance", "tom-okafor", "elena-diaz"} {
			status, code := 404, "not_found"
			if who == "ruth-vance" { // an admin may not start a visit, for any id
				status, code = 403, "denied"
			}
			for _, patient := range []string{"jane-smith", "nobody"} {
				body := fmt.Sprintf(`{"form":"uti-women","patient":%q}`, patient)
				refused(t, send(t, w.api, call{as: who, method: "POST", path: "/visits", body: body}), status, code)
				refused(t, send(t, w.api, call{as: who, method: "GET", path: "/visits?patient=" + patient}), status, code)
			}
		}
	})
	var list struct{ Visits []shownVisit }
	w.do(t, call{as: "omar-haddad", method: "GET", path: "/queue"}, &list)
	if len(list.Visits) != 0 {
		t.Errorf("%d visits of another practice are listed", len(list.Visits))
	}
}

func TestRole_MayDoNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	at := "/visits/" + v.ID
	w.nothingWritten(t, func(t *testing.T) {
		for _, c := range []call{
			{as: "nora-patel", method: "POST", path: at + "/take"},
			{as: "ana-rivera", method: "POST", path: at + "/answer", body: conclusion()}, // not taken
			{as: "ana-rivera", method: "GET", path: at + "/audit"},
			{as: "ada-brooks", method: "GET", path: at + "/chart"},
			{as: "sam-lee", method: "POST", path: at + "/cancel"},
			{as: "sam-lee", method: "GET", path: "/practice/log"},
		} {
			refused(t, send(t, w.api, c), 403, "denied")
		}
		for _, path := range []string{"/queue", "/practice/work", "/practice/log", "/practice/log/rows", "/practice/log/key", "/practice/log/checkpoint"} {
			refused(t, send(t, w.api, call{as: "jane-smith", method: "GET", path: path}), 403, "denied")
		}
	})
}

func TestEligible_OnThePracticeDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// The eve of the 18th birthday at the practice, in Los Angeles; in UTC it has begun.
	birth := time.Date(2008, time.March, 3, 0, 0, 0, 0, time.UTC)
	w.moved.Store(int64(11 * time.Hour))
	if err := w.cast.AddPatient(t.Context(), identity.Patient{
		ID: "jane-smith", Practice: "lakeside", Contact: identity.Contact{Name: "Jane", Birth: birth, Sex: "female"},
	}); err != nil {
		t.Fatal(err)
	}
	check := call{as: "jane-smith", method: "POST", path: "/forms/uti-women/check?birth_date=2008-03-03&sex=female", body: `{"resourceType":"QuestionnaireResponse"}`}
	begin := call{as: "jane-smith", method: "POST", path: "/visits", body: `{"form":"uti-women"}`}
	if body := send(t, w.api, check).Body.String(); !strings.Contains(body, `"disposition":"ineligible"`) {
		t.Errorf("on the eve of the birthday a check says %s", body)
	}
	refused(t, send(t, w.api, begin), http.StatusConflict, "not_eligible")
	w.moved.Store(int64(17 * time.Hour)) // midnight at the practice
	if body := send(t, w.api, check).Body.String(); strings.Contains(body, `"disposition":"ineligible"`) {
		t.Errorf("on the birthday a check says %s", body)
	}
	if res := send(t, w.api, begin); res.Code != http.StatusCreated {
		t.Errorf("on the birthday a visit starts with %d %s", res.Code, res.Body)
	}
}

// A check applies the patient's age and sex, and ages feed its rules.
// A birth date that nobody alive has is refused, so that no form takes it for an age.
func TestCheck_BirthDates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for born, code := range map[string]string{
		"0001-01-01": "range", "1899-12-31": "range", "2026-03-03": "range", "9999-12-31": "range",
		"2001-02-29": "date", "1990-5-1": "date", "1990-05": "date",
	} {
		c := call{as: "jane-smith", method: "POST", path: "/forms/uti-women/check?sex=female&birth_date=" + born, body: `{"item":[]}`}
		p := refused(t, send(t, w.api, c), 422, "invalid_request")
		if len(p.Problems) != 1 || p.Problems[0].Where != "birth_date" || p.Problems[0].Code != code {
			t.Errorf("born %s: %+v, want %s", born, p.Problems, code)
		}
	}
	for _, born := range []string{"1900-01-01", "2000-02-29", "2026-03-02"} {
		c := call{as: "jane-smith", method: "POST", path: "/forms/uti-women/check?sex=female&birth_date=" + born, body: `{"item":[]}`}
		if body := send(t, w.api, c).Body.String(); !strings.Contains(body, `"disposition"`) {
			t.Errorf("born %s: %s", born, body)
		}
	}
}

func TestCheck_KnowsThePatient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		path string
		want string
		has  bool
	}{
		"a man and a form for women":   {"uti-women/check?birth_date=1990-05-01&sex=male", `"disposition":"ineligible"`, true},
		"a woman and a form for women": {"uti-women/check?birth_date=1990-05-01&sex=female", `"disposition":"ineligible"`, false},
		"nobody knows who":             {"uti-women/check", `"disposition":"ineligible"`, false},
		"75 years old":                 {"respiratory/check?birth_date=1951-01-01", "resp-risk", true},
		"25 years old":                 {"respiratory/check?birth_date=2001-01-01", "resp-risk", false},
	} {
		body := send(t, w.api, call{as: "jane-smith", method: "POST", path: "/forms/" + tt.path, body: `{"resourceType":"QuestionnaireResponse"}`}).Body.String()
		if strings.Contains(body, tt.want) != tt.has {
			t.Errorf("%s: %s", name, body)
		}
	}
}
