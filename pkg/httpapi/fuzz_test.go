package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/httpapi/apitest"
)

// FuzzRequest sends any body, to any route of the document, by any method, as
// anyone: never a 5xx, always a problem where it is refused, and every reply
// as the document has it.
func FuzzRequest(f *testing.F) {
	w := newWorld(f)
	doc, err := apitest.Load()
	if err != nil {
		f.Fatal(err)
	}
	var paths []string
	for _, path := range doc.Paths.InMatchingOrder() {
		if !strings.HasPrefix(path, "/stripe/") {
			paths = append(paths, path)
		}
	}
	methods := []string{"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"}
	people := []string{"jane-smith", "ana-rivera", "sam-lee", "ada-brooks", "elena-diaz", "hana-kim", "", "nobody"}
	taken := w.queued(f)
	w.do(f, call{as: "ana-rivera", method: "POST", path: "/visits/" + taken.ID + "/take"}, nil)
	draft := w.draft(f)
	ids := []string{draft.ID, taken.ID, w.submitted(f).ID}

	conclude, err := json.Marshal(conclusion())
	if err != nil {
		f.Fatal(err)
	}
	answers, err := json.Marshal(page(urinary()))
	if err != nil {
		f.Fatal(err)
	}
	bodies := [][]byte{
		nil, []byte("null"), []byte(`{"form":"uti-women"}`), []byte(`{"text":"a"}`), []byte(`{"reason":"other","text":"a"}`),
		[]byte(`{"quote":"q","accept_fee":true,"accept_consent":true}`), []byte(`{"text":"a","answers":{"resourceType":"QuestionnaireResponse"}}`),
		conclude, answers,
	}
	for path := range paths {
		for i, body := range bodies {
			f.Add(uint8(min(i, 2)), uint8(path), uint8(i%len(ids)), uint8(i%2), "", body)
			f.Add(uint8(1), uint8(path), uint8(len(ids)), uint8(i%len(people)), "limit=2&cursor=x&sex=\x00&birth_date=1", body)
		}
	}
	f.Fuzz(func(t *testing.T, method, path, id, who uint8, text string, body []byte) {
		name := text
		if int(id) < len(ids) {
			name = ids[id]
		}
		address := strings.NewReplacer(
			"{id}", url.PathEscape(name), "{name}", "uti-women", "{version}", url.PathEscape(text),
		).Replace(paths[int(path)%len(paths)])
		u, err := url.Parse("http://api.example" + address)
		if err != nil {
			return // a client could not send it either
		}
		u.RawQuery = strings.Map(queryRune, text)
		r := httptest.NewRequestWithContext(t.Context(), methods[int(method)%len(methods)], "/", strings.NewReader(string(body)))
		r.URL, r.RequestURI = u, u.RequestURI()
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", text)
		r.Header.Set("If-Match", text)
		if token := people[int(who)%len(people)]; token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res := httptest.NewRecorder()
		apitest.RepliesChecked(t, w.bare).ServeHTTP(res, r)
		switch {
		case res.Code >= http.StatusInternalServerError:
			t.Fatalf("%s %s: %d %s", r.Method, u, res.Code, res.Body)
		case res.Code >= http.StatusBadRequest:
			refused(t, res, res.Code, codeOf(t, res.Body.Bytes()))
		}
	})
}

func codeOf(t *testing.T, body []byte) string {
	t.Helper()
	var p shownProblem
	if err := json.Unmarshal(body, &p); err != nil || p.Code == "" {
		t.Fatalf("no code in %q: %v", body, err)
	}
	return p.Code
}

// queryRune keeps what may stand in a query unescaped.
func queryRune(r rune) rune {
	if r <= ' ' || r > '~' || r == '#' {
		return -1
	}
	return r
}
