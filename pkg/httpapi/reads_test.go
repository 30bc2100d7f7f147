package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/httpapi"
)

// records lists who is in the audit logs with what, and about whom.
func (w *world) records(t testing.TB) []string {
	t.Helper()
	var all []string
	w.scan(t, func(i map[string]types.AttributeValue) {
		if !strings.HasPrefix(attribute(i["pk"]), "AUDIT#") {
			return
		}
		r, err := audit.ParseLeaf([]byte(attribute(i["d"])))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(strings.Join([]string{r.Practice, r.Actor.ID, r.Actor.IP, r.Action, string(r.Outcome), r.Visit, r.Patient}, " ")))
	})
	slices.Sort(all)
	return all
}

// added lists the records that f leaves.
func (w *world) added(t testing.TB, f func()) []string {
	t.Helper()
	left := w.records(t)
	before := map[string]int{}
	for _, r := range left {
		before[r]++
	}
	f()
	var all []string
	for _, r := range w.records(t) {
		if before[r]--; before[r] < 0 {
			all = append(all, r)
		}
	}
	return all
}

// Every endpoint that reads a patient's data leaves one record of who, what and
// whose: content, payments and the trail for each reading, and where visits stand
// once an hour, however often a program asks.
func TestRead_OneRecordForEachEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.closed(t)
	w.contests(t, v)
	w.do(t, call{as: "tom-okafor", method: "POST", path: "/me/membership", body: map[string]any{"offer": "yearly-1", "terms": 1, "medicare": "no"}}, nil)
	w.moved.Add(int64(time.Hour))
	if _, err := w.sign.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	of := func(who, action, rest string) []string {
		return []string{"lakeside " + who + " 192.0.2.1 " + action + rest}
	}
	at, about := "/visits/"+v.ID, "  "+v.ID
	seen := map[string]bool{}
	for _, tc := range []struct {
		who, path string
		want      []string
		hourly    bool
	}{
		{"jane-smith", at, of("jane-smith", "visit.read", "   jane-smith"), true}, // not in the trail
		{"ana-rivera", at, of("ana-rivera", "visit.read", about), true},
		{"jane-smith", "/visits", of("jane-smith", "visit.list", "   jane-smith"), true},
		{"elena-diaz", "/visits?patient=rosa-diaz", of("elena-diaz", "visit.list", "   rosa-diaz"), true},
		{"ana-rivera", "/queue", of("ana-rivera", "queue.read", ""), true},
		{"ada-brooks", "/practice/work", of("ada-brooks", "work.read", ""), true},
		{"ada-brooks", "/practice/payouts", of("ada-brooks", "ledger.books:payouts", ""), true},
		{"ada-brooks", "/practice/reconciliations", of("ada-brooks", "ledger.books:reconciliations", ""), true},
		{"ada-brooks", "/practice/log", of("ada-brooks", "log.read", ""), true},
		{"ada-brooks", "/practice/log/rows", nil, true}, // the log was read in this hour
		{"ada-brooks", "/practice/money", of("ada-brooks", "ledger.books", ""), true},
		{"ada-brooks", "/practice/money/entries", nil, true}, // the books were read in this hour
		{"ada-brooks", "/practice/money/entries.csv", of("ada-brooks", "ledger.books", ""), false},
		{"jane-smith", at + "/chart", of("jane-smith", "chart.read:chart", about), false},
		{"ana-rivera", at + "/document", of("ana-rivera", "chart.read:document", about), false},
		{"sam-lee", at + "/ledger", of("sam-lee", "ledger.read", about), false},
		{"sam-lee", at + "/refund", of("sam-lee", "ledger.read", about), false},
		{"ada-brooks", at + "/dispute", of("ada-brooks", "dispute.read", about), false},
		{"ada-brooks", at + "/audit", of("ada-brooks", "audit.read", about), false},
		{"jane-smith", "/me/access", of("jane-smith", "access.read", "   jane-smith"), false},
		{"elena-diaz", "/me/access?patient=rosa-diaz", of("elena-diaz", "access.read", "   rosa-diaz"), false},
		{"jane-smith", "/me/record", append(of("jane-smith", "chart.read:record", about), of("jane-smith", "record.download", "   jane-smith")...), false},
		{"elena-diaz", "/me/record?patient=rosa-diaz", of("elena-diaz", "record.download", "   rosa-diaz"), false},
		{"jane-smith", "/me/membership", of("jane-smith", "ledger.read:membership", "   jane-smith"), false},
		{"sam-lee", "/practice/members/tom-okafor", of("sam-lee", "ledger.read:membership", "   tom-okafor"), false},
		{"jane-smith", "/me/payments", of("jane-smith", "ledger.read:payments", "   jane-smith"), false},
		{"sam-lee", "/patients", of("sam-lee", "patient.read", ""), false},
		{"sam-lee", "/patients/tom-okafor", of("sam-lee", "patient.read", "   tom-okafor"), false},
		{"sam-lee", "/patients/tom-okafor/doubles", of("sam-lee", "patient.read", "   tom-okafor"), false},
		{"sam-lee", "/patients/tom-okafor/caregivers", of("sam-lee", "patient.read", "   tom-okafor"), false},
		{"sam-lee", "/patients/tom-okafor/coverages", of("sam-lee", "patient.read:coverages", "   tom-okafor"), false},
	} {
		path, _, _ := strings.Cut(strings.NewReplacer(v.ID, "{id}", "tom-okafor", "{patient}").Replace(tc.path), "?")
		seen[path] = true
		read := func() { w.do(t, call{as: tc.who, method: "GET", path: tc.path}, nil) }
		if d := cmp.Diff(tc.want, w.added(t, read)); d != "" {
			t.Errorf("%s reads %s (-want +recorded):\n%s", tc.who, tc.path, d)
		}
		again := tc.want
		if tc.hourly {
			again = nil
		}
		if d := cmp.Diff(again, w.added(t, read)); d != "" {
			t.Errorf("%s reads %s again (-want +recorded):\n%s", tc.who, tc.path, d)
		}
	}
	none := []string{
		"/questionnaires", "/questionnaires/library", "/questionnaires/{name}/draft", "/questionnaires/{name}/compare", "/settings", "/settings/contracts", "/settings/membership",

		"/openapi.json", "/docs", "/health", "/me", "/forms", "/practice", "/practice/log/checkpoint", "/practice/log/key", "/visits/{id}/colleagues",
		"/practices", "/practices/{practice}", "/people", "/people/{person}", "/invitations", "/practices/{practice}/join", "/payers",
	}
	for _, e := range httpapi.Endpoints() { // forms and people are the practice's, and checkpoints tell of nobody
		if e.Method == http.MethodGet && !seen[e.Path] && !slices.Contains(none, e.Path) && !strings.HasPrefix(e.Path, "/forms/") {
			t.Errorf("%s is not among the reads above", e.Path)
		}
	}
}

// All who are told of a visit are told whether its answer was read, and when.
func TestVisit_TellsWhatWasRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := "/visits/" + w.queued(t).ID
	for _, c := range []call{
		{as: "ana-rivera", method: "POST", path: at + "/take"},
		{as: "ana-rivera", method: "POST", path: at + "/answer", body: conclusion()},
	} {
		w.do(t, c, nil)
	}
	w.charge(t)
	type told struct {
		Unread   bool
		Version  int
		Timeline []struct{ Step string }
	}
	check := func(who string, read bool) {
		t.Helper()
		var one told
		w.do(t, call{as: who, method: "GET", path: at}, &one)
		if one.Unread == read || (one.Timeline[len(one.Timeline)-1].Step == "read") != read {
			t.Errorf("%s is told %+v", who, one)
		}
	}
	var list struct{ Visits []told }
	for _, read := range []bool{false, true} {
		check("jane-smith", read)
		check("ana-rivera", read)
		w.do(t, call{as: "jane-smith", method: "GET", path: "/visits"}, &list)
		if len(list.Visits) != 1 || list.Visits[0].Unread == read {
			t.Errorf("the list has %+v", list.Visits)
		}
		var chart struct {
			Visit    told
			Messages []struct {
				ReadAt *time.Time `json:"read_at"`
			}
		}
		w.do(t, call{as: "ana-rivera", method: "GET", path: at + "/chart"}, &chart)
		if chart.Visit.Unread == read || (chart.Messages[0].ReadAt != nil) != read {
			t.Errorf("the clinician is shown %+v", chart)
		}
		w.do(t, call{as: "jane-smith", method: "GET", path: at + "/chart"}, &chart)
		if chart.Visit.Unread || chart.Messages[0].ReadAt == nil || chart.Visit.Version != list.Visits[0].Version {
			t.Errorf("the patient who reads is shown %+v", chart)
		}
	}
}
