package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"evisit/pkg/audit"
	"evisit/pkg/awslambda"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/work"
)

const (
	mostOfLambda = 6_291_556 // bytes of a function's reply in JSON
	mostOfList   = 1 << 20
)

// asLambda sends a call through Lambda's adapter and returns the size of the
// function's reply.
func (w *world) asLambda(t *testing.T, c call) int {
	t.Helper()
	r := c.request(t)
	var e events.APIGatewayV2HTTPRequest
	e.RawPath, e.RawQueryString, e.RequestContext.HTTP.Method = r.URL.Path, r.URL.RawQuery, c.method
	e.RequestContext.HTTP.SourceIP, e.Headers = "192.0.2.1", map[string]string{}
	for name := range r.Header {
		e.Headers[name] = r.Header.Get(name)
	}
	if s, ok := c.body.(string); ok {
		e.Body = s
	}
	out, err := awslambda.HTTP(w.bare)(t.Context(), e)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}

// However much is wrong with a body, the reply lists a hundred problems and counts
// the rest.
func TestProblems_CappedAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	at := "/visits/" + v.ID
	w.do(t, call{as: "ana-rivera", method: "POST", path: at + "/take"}, nil)
	entry := `{"linkId":"uti-onset","answer":[{"valueInteger":-1}]}`
	for name, c := range map[string]call{
		"60,000 diagnoses": {as: "ana-rivera", method: "POST", path: at + "/answer", body: `{"diagnoses":[{}` + strings.Repeat(",{}", 60_000-1) + `]}`},
		"wrong answers": {as: "jane-smith", method: "POST", path: "/forms/uti-women/check", body: `{"resourceType":"QuestionnaireResponse","item":[` +
			entry + strings.Repeat(","+entry, 2_000) + `]}`},
	} {
		res := send(t, w.api, c)
		var p struct {
			Detail   string          `json:"detail"`
			Problems []fault.Problem `json:"problems"`
			More     int             `json:"more_problems"`
		}
		if err := json.Unmarshal(res.Body.Bytes(), &p); err != nil || res.Code != http.StatusUnprocessableEntity || len(p.Problems) == 0 || len(p.Problems) > 100 {
			t.Errorf("%s: %d with %d problems, %v", name, res.Code, len(p.Problems), err)
		}
		if told := strings.Contains(p.Detail, fmt.Sprintf("and %d problems more", p.More)); told != (p.More > 0) {
			t.Errorf("%s: %d more, told as %q", name, p.More, p.Detail)
		}
		if n := w.asLambda(t, c); n > mostOfList {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}

// The longest of everything fits into a function's reply, and of lists into a
// megabyte.
func TestReplies_Bounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	at := "/visits/" + v.ID
	longest := strings.Repeat("\u2028", 7_999) + "a" // six bytes of JSON for each of its characters
	post := func(who, path string, body any) {
		w.do(t, call{as: who, method: "POST", path: at + path, body: body}, nil)
	}
	post("ana-rivera", "/take", nil)
	for range 5 {
		post("ana-rivera", "/ask", map[string]any{"text": longest})
		post("jane-smith", "/messages", map[string]any{"text": longest})
	}
	said := conclusion()
	said["reply"] = longest
	said["plan"] = map[string]any{"do": longest, "warning_signs": longest, "follow_up": longest}
	post("ana-rivera", "/answer", said)
	w.charge(t)

	var records []audit.Record
	var items []work.Item
	for n := range 2_500 {
		records = append(records, audit.Record{
			ID: fmt.Sprintf("r%06d", n), Practice: "lakeside", At: w.now(), Visit: v.ID, Action: string(identity.ReadTrail), Resource: strings.Repeat("r", 100),
			Actor: audit.Actor{ID: strings.Repeat("p", 64), Role: "admin", Name: strings.Repeat("n", 100), IP: "2001:db8:1234:5678:9abc:def0:1234:5678"},
		})
	}
	for n := range 600 {
		items = append(items, work.New(work.Item{Kind: work.EventParked, Practice: "lakeside", Pool: identity.OfficePool, Note: strings.Repeat("n", 200)}, fmt.Sprint("e", n), w.now()))
	}
	for len(records) > 0 {
		c := clinic.Commit{Audit: records[:min(40, len(records))], Work: items[:min(40, len(items))]}
		records, items = records[len(c.Audit):], items[len(c.Work):]
		if err := w.store.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	w.moved.Add(int64(time.Hour))
	if _, err := w.sign.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who, path string
		most      int
	}{
		{"jane-smith", "/visits?limit=100", mostOfList},
		{"ana-rivera", "/queue?limit=100", mostOfList},
		{"ada-brooks", "/practice/work", mostOfList},
		{"ada-brooks", at + "/audit", mostOfList},
		{"jane-smith", at + "/ledger", mostOfList},
		{"jane-smith", at + "/chart", mostOfLambda},
		{"jane-smith", at + "/document", mostOfLambda},
		{"ada-brooks", "/practice/log", mostOfLambda},
		{"ada-brooks", "/practice/log/rows", mostOfLambda},
	} {
		if n := w.asLambda(t, call{as: c.who, method: "GET", path: c.path}); n > c.most {
			t.Errorf("%s: %d bytes, want at most %d", c.path, n, c.most)
		}
	}
	seen, path := map[string]bool{}, at+"/audit"
	for pages := 0; path != ""; pages++ {
		var trail struct{ Records []struct{ ID string } }
		link := w.do(t, call{as: "ada-brooks", method: "GET", path: path}, &trail).Get("Link")
		for _, r := range trail.Records {
			if seen[r.ID] {
				t.Fatalf("record %s is on two pages", r.ID)
			}
			seen[r.ID] = true
		}
		path, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
		if pages > 5 {
			t.Fatal("the pages have no end")
		}
	}
	if len(seen) < 2_500 {
		t.Errorf("the pages of the trail have %d records", len(seen))
	}
}
