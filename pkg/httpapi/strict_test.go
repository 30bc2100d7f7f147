package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
)

// Every endpoint with a body says what is wrong with JSON that two readers could
// understand differently, is nested too deep, or has a character nothing keeps.
func TestBody_WhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	w.do(t, call{as: "ana-rivera", method: "POST", path: "/visits/" + v.ID + "/take"}, nil)
	w.unchanged(t)
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	people := map[string]string{"Visits: practice": "ana-rivera", "Practice": "ada-brooks"}
	seen := 0
	for _, e := range httpapi.Endpoints() {
		if e.In == nil || e.Serve == nil {
			continue
		}
		seen++
		as := people[e.Group]
		if as == "" {
			as = "jane-smith"
		}
		_, answers := e.In.(intake.Response)
		for name, tc := range map[string]struct {
			body, fields, where, ofAnswers, says string
		}{
			"twice":           {`{"text":"a","text":"b"}`, "malformed_json", "/text", "response-malformed", "twice"},
			"twice, escaped":  {`{"text":"a","t\u0065xt":"b"}`, "malformed_json", "/text", "response-malformed", "twice"},
			"twice, deep":     {`{"item":[{},{"a":{"b":1,"b":2}}]}`, "malformed_json", "/item/1/a/b", "response-malformed", "twice"},
			"33 levels":       {`{"a":` + nested(33) + `}`, "malformed_json", "", "response-malformed", "nested deeper than"},
			"100,000 levels":  {`{"a":` + nested(100_000) + `}`, "malformed_json", "", "response-malformed", "nested deeper than"},
			"NUL":             {`{"text":"a\u0000b"}`, "invalid_request", "/text", "", ""},
			"NUL in a name":   {`{"te\u0000xt":"b"}`, "invalid_request", "", "", ""},
			"NUL in elements": {`{"item":[1,"\u0000"]}`, "invalid_request", "/item/1", "", ""},
		} {
			c := call{as: as, method: e.Method, path: strings.NewReplacer("{id}", v.ID, "{name}", "uti-women").Replace(e.Path), body: tc.body}
			code, status := tc.fields, http.StatusBadRequest
			switch {
			case answers && tc.ofAnswers == "":
				continue // what answers hold is checked by question
			case answers:
				code = tc.ofAnswers
			case code == "invalid_request":
				status = http.StatusUnprocessableEntity
			}
			p := refused(t, send(t, w.api, c), status, code)
			if !strings.Contains(p.Detail, tc.says) {
				t.Errorf("%s, %s: the detail is %q", e.ID, name, p.Detail)
			}
			if !answers && tc.where != "" {
				if d := cmp.Diff([]string{tc.where}, wheres(p.Problems)); d != "" {
					t.Errorf("%s, %s (-want +got):\n%s", e.ID, name, d)
				}
			}
		}
	}
	if seen < 9 {
		t.Errorf("%d endpoints have a body", seen)
	}
}

func TestSubmit_Language(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.draft(t)
	quote := w.quote(t, v.ID)
	w.unchanged(t)
	for _, language := range []string{"e", "english please", "en_US", "en-", "-en", "en--US", "12", "en\n", "en\u202e", "x", strings.Repeat("en-", 12) + "en"} {
		c := call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/submit", body: map[string]any{
			"quote": quote, "accept_fee": true, "accept_consent": true, "language": language,
		}}
		p := refused(t, send(t, w.api, c), http.StatusUnprocessableEntity, "invalid_request")
		if d := cmp.Diff([]string{"/language"}, wheres(p.Problems)); d != "" {
			t.Errorf("%q (-want +got):\n%s", language, d)
		}
	}
	for _, language := range []string{"en", "pt-BR", "zh-Hant-TW", "x-klingon", "de-CH-1996", ""} { // past the body: an unknown quote
		c := call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/submit", body: map[string]any{
			"quote": "another", "accept_fee": true, "accept_consent": true, "language": language,
		}}
		refused(t, send(t, w.api, c), http.StatusConflict, "quote_replaced")
	}
}

// A repeated request is the same in whatever way its input is written.
func TestIdempotencyKey_SameInputWrittenAnotherWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := func(body string) call {
		return call{as: "jane-smith", method: "POST", path: "/visits", body: body, header: map[string]string{"Idempotency-Key": "k-1"}}
	}
	var first, again shownVisit
	w.do(t, start(`{"form":"uti-women","patient":"jane-smith"}`), &first)
	for _, body := range []string{
		" {\n \"form\" : \"uti-women\",\t\"patient\":\"jane-smith\"}\n", `{"patient":"jane-smith","form":"uti-women"}`, `{"form":"uti\u002dwomen","p\u0061tient":"jane-smith"}`,
	} {
		w.do(t, start(body), &again)
		if again.ID != first.ID {
			t.Errorf("%q starts another visit", body)
		}
	}
	refused(t, send(t, w.api, start(`{"form":"admin-request","patient":"jane-smith"}`)), http.StatusConflict, "idempotency_key_reused")
}

// A reply that is no page shows nothing, and is asked for over TLS next time.
func TestReplies_ShowNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/health", "/visits/1", "/nowhere"} {
		h := send(t, w.api, call{method: "GET", path: path, as: "jane-smith"}).Header()
		if csp := h.Get("Content-Security-Policy"); csp != exchange.NoSources || h.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
}

// A webhook is bounded closer than answers are, since anyone may send one.
func TestWebhook_Bounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n, want := range map[int]int{128 << 10: 400, 128<<10 + 1: 413} {
		body := strings.Repeat(" ", n)
		if res := w.stripe(t, "/stripe/connect", connectSecret, body); res.Code != want {
			t.Errorf("%d bytes: %d %s, want %d", n, res.Code, res.Body, want)
		}
	}
}

// A body that is null is no object, even where every member may be left out, and a member
// that is null is not one that was left out.
func TestDecode_NullIsNoValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, where := range map[string]string{
		" null ": "/", `{"phone":null}`: "/phone",
	} {
		p := refused(t, send(t, w.api, call{as: "sam-lee", method: "POST", path: "/patients/jane-smith/contact", body: body}), 400, "wrong_type")
		if len(p.Problems) != 1 || p.Problems[0].Where != where {
			t.Errorf("%s: %+v", body, p.Problems)
		}
	}
	p := refused(t, send(t, w.api, call{as: "ada-brooks", method: "POST", path: "/invitations", body: `{"email":"a@b.example","name":"A","roles":["nurse"],"licenses":[{"state":"OR","number":null,"expires":"2030-01-01T00:00:00Z"}]}`}), 400, "wrong_type")
	if len(p.Problems) != 1 || p.Problems[0].Where != "/licenses/0/number" {
		t.Errorf("a license without a number: %+v", p.Problems)
	}
}

// A day of birth that nobody knows is absent, and not the first day of the calendar.
func TestPatient_WithoutDayOfBirth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.cast.AddPatient(t.Context(), identity.Patient{ID: "no-day", Practice: "lakeside", Contact: identity.Contact{Name: "Kim Doe", Email: "kim@new.example"}}); err != nil {
		t.Fatal(err)
	}
	var p map[string]any
	w.do(t, call{as: "sam-lee", method: "GET", path: "/patients/no-day"}, &p)
	if day, told := p["birth_date"]; told || p["name"] != "Kim Doe" {
		t.Errorf("%v was born %v", p["name"], day)
	}
}
