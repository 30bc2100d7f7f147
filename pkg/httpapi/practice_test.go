package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
)

type shownWork struct {
	ID, Kind, Pool, Visit, Payment, Note string
	Patient, Event, Task, Reason         string
	EventKind                            string    `json:"event_kind"`
	EndedBy                              string    `json:"ended_by"`
	EndedAt                              time.Time `json:"ended_at"`
}

func (w *world) work(t testing.TB, who string) []shownWork {
	t.Helper()
	var out struct{ Items []shownWork }
	w.do(t, call{as: who, method: "GET", path: "/practice/work"}, &out)
	return out.Items
}

// Work about no visit says whom it is about.
func TestWork_OfPatients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(t, call{as: "jane-smith", method: "POST", path: "/patients/jane-smith/coverages", body: map[string]any{"plan": "Northwest Health", "member_id": "W1", "relation": "self", "priority": 1}}, nil)
	for _, who := range []string{"sam-lee", "ada-brooks"} {
		if items := w.work(t, who); len(items) != 1 || items[0].Kind != "coverage.unchecked" || items[0].Patient != "jane-smith" {
			t.Errorf("%s is shown %+v", who, items)
		}
	}
	if items := w.work(t, "ana-rivera"); len(items) != 0 {
		t.Errorf("a clinician is shown %+v", items)
	}
}

func TestWork_ListedAndEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.draft(t)
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(map[string]any{"uti-confused": true})}, nil)
	for _, who := range []string{"ana-rivera", "nora-patel", "ada-brooks"} {
		items := w.work(t, who)
		if len(items) != 1 || items[0].Kind != "visit.diverted" || items[0].Visit != v.ID || items[0].Note != "emergency" || items[0].EndedBy != "" {
			t.Fatalf("%s is shown %+v", who, items)
		}
	}
	for _, who := range []string{"sam-lee", "ruth-vance"} { // of another pool, of another practice
		if items := w.work(t, who); len(items) != 0 {
			t.Errorf("%s is shown %+v", who, items)
		}
	}
	end := call{method: "POST", path: "/practice/work/visit.diverted." + v.ID + "/end"}
	w.nothingWritten(t, func(t *testing.T) {
		for _, who := range []string{"ruth-vance", "omar-haddad", "jane-smith"} {
			end.as = who
			refused(t, send(t, w.api, end), http.StatusNotFound, "not_found")
		}
		end.as = "sam-lee"
		refused(t, send(t, w.api, end), http.StatusForbidden, "denied")
		for _, id := range []string{"nothing", strings.Repeat("a", 129), "%00"} {
			refused(t, send(t, w.api, call{as: "ada-brooks", method: "POST", path: "/practice/work/" + id + "/end"}), http.StatusNotFound, "not_found")
		}
	})
	var first, again shownWork
	end.as = "nora-patel"
	if keys := w.written(t, func() { w.do(t, end, &first) }); len(keys) != 2 { // the item and its record
		t.Errorf("ending an item wrote %q", keys)
	}
	end.as = "ada-brooks"
	w.nothingWritten(t, func(t *testing.T) { w.do(t, end, &again) })
	if first.EndedBy != "nora-patel" || !first.EndedAt.Equal(start) || again != first {
		t.Errorf("the item ended as %+v, and ended again as %+v", first, again)
	}
	if items := w.work(t, "ada-brooks"); len(items) != 0 {
		t.Errorf("an item that has ended is listed: %+v", items)
	}
}

// A parked event is listed for administrators with what was to be done, why it was
// not, and the code; one request has it tried again, and a repeated one changes
// nothing.
func TestWork_Resumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := outbox.Event{
		ID: outbox.NewID(outbox.ByAPI, start, "given-up"), Kind: outbox.Release, To: outbox.Charge, Practice: "lakeside", Visit: "v", Payment: "v.p", At: start,
	}
	if err := w.store.Commit(t.Context(), clinic.Commit{Events: []outbox.Event{e}}); err != nil {
		t.Fatal(err)
	}
	refuse := func(context.Context, outbox.Delivery) error {
		return &clinic.Refusal{Code: "foreign_account", Final: true}
	}
	if err := w.collect.Kernel.Deliver(t.Context(), outbox.Delivery{Event: e, Armed: true}, nil, refuse); err != nil {
		t.Fatal(err)
	}
	items := w.work(t, "ada-brooks")
	want := shownWork{
		ID: "event.parked." + e.ID + "-1", Kind: "event.parked", Pool: "office", Visit: "v", Payment: "v.p", Note: "foreign_account", Event: e.ID,
		EventKind: "payment.release", Task: outbox.Release.Task(), Reason: outbox.Reason("foreign_account"),
	}
	if len(items) != 1 || items[0] != want {
		t.Fatalf("listed: %+v, want %+v", items, want)
	}
	press := call{method: "POST", path: "/practice/work/" + want.ID + "/resume"}
	w.nothingWritten(t, func(t *testing.T) {
		for who, code := range map[string]string{"ruth-vance": "not_found", "ana-rivera": "not_found", "jane-smith": "not_found", "sam-lee": "denied"} {
			press.as = who
			refused(t, send(t, w.api, press), map[string]int{"not_found": http.StatusNotFound, "denied": http.StatusForbidden}[code], code)
		}
	})
	var first, again shownWork
	press.as = "ada-brooks"
	if keys := w.written(t, func() { w.do(t, press, &first) }); len(keys) != 3 { // the item, the event and their record
		t.Errorf("the press wrote %q", keys)
	}
	w.nothingWritten(t, func(t *testing.T) { w.do(t, press, &again) })
	if first.EndedBy != "ada-brooks" || !first.EndedAt.Equal(start) || again != first || len(w.work(t, "ada-brooks")) != 0 {
		t.Errorf("resumed as %+v, and again as %+v", first, again)
	}
	if d, err := w.store.Delivery(t.Context(), e.ID); err != nil || !d.Armed || d.Parked {
		t.Errorf("the event: %+v, %v", d, err)
	}
	v := w.draft(t)
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(map[string]any{"uti-confused": true})}, nil)
	w.nothingWritten(t, func(t *testing.T) {
		press.path = "/practice/work/visit.diverted." + v.ID + "/resume"
		refused(t, send(t, w.api, press), http.StatusConflict, "nothing_to_resume")
	})
}

// logPage reads a page of the log of lakeside.
func (w *world) logPage(t *testing.T, path string) (records []audit.Record, next string) {
	t.Helper()
	res := send(t, w.api, call{as: "ada-brooks", method: "GET", path: path})
	if res.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, res.Code, res.Body)
	}
	for line := range strings.Lines(res.Body.String()) {
		r, err := audit.ParseLeaf([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records, res.Header().Get("Link")
}

func TestLog_ReadOnFromAnyPosition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.closed(t)
	w.moved.Add(int64(26 * time.Hour))
	w.draft(t)
	w.moved.Add(int64(5 * time.Minute))
	if _, err := w.sign.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, next := w.logPage(t, "/practice/log")
	if len(all) < 20 || next != "" {
		t.Fatalf("the log has %d records and goes on at %q", len(all), next)
	}
	after := func(position string) string { return "/practice/log?" + url.Values{"after": {position}}.Encode() }
	for i, r := range all {
		rest, _ := w.logPage(t, after(r.Position()))
		if !slices.EqualFunc(rest, all[i+1:], func(a, b audit.Record) bool { return a.ID == b.ID }) {
			t.Fatalf("after record %d of %d there are %d", i+1, len(all), len(rest))
		}
	}
}

// Over all its pages the export of rows has each row that the log covers once, as
// it is stored.
func TestLogRows_EachOnceAsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.closed(t)
	w.moved.Add(int64(5 * time.Minute))
	if _, err := w.sign.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	all, _ := w.logPage(t, "/practice/log")
	for _, r := range all {
		for _, row := range r.Rows {
			covered[row.Key] = true
		}
	}
	seen := map[string]bool{}
	res := send(t, w.api, call{as: "ada-brooks", method: "GET", path: "/practice/log/rows"})
	for line := range strings.Lines(res.Body.String()) {
		var row struct {
			Row   string `json:"row"`
			Bytes []byte `json:"bytes"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		item, err := audit.ParseItem(row.Bytes)
		if err != nil || item.Key() != row.Row || seen[row.Row] || !covered[row.Row] {
			t.Errorf("%s is row %q, seen before: %t, covered: %t (%v)", row.Row, item.Key(), seen[row.Row], covered[row.Row], err)
		}
		seen[row.Row] = true
	}
	if len(seen) != len(covered) || len(seen) < 20 || res.Header().Get("Link") != "" {
		t.Errorf("%d rows of %d are exported; the export goes on at %q", len(seen), len(covered), res.Header().Get("Link"))
	}
	refused(t, send(t, w.api, call{as: "sam-lee", method: "GET", path: "/practice/log/rows"}), http.StatusForbidden, "denied")
	last := "/practice/log/rows?after=" + url.QueryEscape(all[len(all)-1].Position())
	if rows := send(t, w.api, call{as: "ada-brooks", method: "GET", path: last}).Body.Len(); rows != 0 {
		t.Errorf("after the end %d bytes follow", rows)
	}
}

func TestTrail_SaysWhoDidAndSawWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.closed(t)
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + v.ID + "/chart"}, nil)
	var trail struct {
		Records []map[string]any
	}
	w.do(t, call{as: "ada-brooks", method: "GET", path: "/visits/" + v.ID + "/audit"}, &trail)
	var acts []string
	for _, r := range trail.Records {
		acts = append(acts, r["actor"].(string)+" "+r["action"].(string))
		if r["hash"] != nil || r["rows"] != nil {
			t.Errorf("the trail shows how rows are stored: %v", r)
		}
	}
	for _, want := range []string{
		"jane-smith visit.start", "system:charge payment.held", "ana-rivera visit.take:in_review", "ana-rivera visit.treat:answered",
		"system:charge payment.captured", "jane-smith visit.acknowledge", "jane-smith chart.read:chart",
	} {
		if !slices.Contains(acts, want) {
			t.Errorf("the trail lacks %s: %q", want, acts)
		}
	}
}
