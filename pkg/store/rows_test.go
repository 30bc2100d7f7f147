package store_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/store"
	"evisit/pkg/visit"
)

func sortedKeys(rows map[string]row) []string { return slices.Sorted(maps.Keys(rows)) }

// itemOf is a raw row as audit hashes it.
func itemOf(t *testing.T, r row) audit.Item {
	t.Helper()
	i := audit.Item{}
	for name, v := range r {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			i[name] = audit.Value{Type: audit.Text, Bytes: []byte(v.Value)}
		case *types.AttributeValueMemberN:
			i[name] = audit.Value{Type: audit.Number, Bytes: []byte(v.Value)}
		case *types.AttributeValueMemberB:
			i[name] = audit.Value{Type: audit.Binary, Bytes: v.Value}
		default:
			t.Fatalf("attribute %s is a %T", name, v)
		}
	}
	return i
}

// unlogged are the rows that no log covers, by the first word of their key.
var unlogged = []string{"OUTBOX", "REQUEST", "SESSION", "KEPT", "MARK", "LIMIT", "AUDIT", "LOG", "SWEEP", "ACTIVE"}

// coveredRows returns a table's rows that a log covers, by their key.
func coveredRows(t *testing.T, db *dynamodb.Client, table string) map[string]audit.Item {
	t.Helper()
	covered := map[string]audit.Item{}
	for key, r := range scan(t, db, table) {
		if word, _, _ := strings.Cut(key, "#"); !slices.Contains(unlogged, word) {
			i := itemOf(t, r)
			covered[i.Key()] = i
		}
	}
	return covered
}

// Every row that a log covers is named once by the record its pointer names, in
// that practice's log, with the version and the hash of the row as the table has
// it.
func TestCommit_LeafHashesRowsAsStored(t *testing.T) {
	t.Parallel()
	db, table := newTable(t, enginetest.Config(t))
	s := store.New(db, table)
	words := map[string]bool{}
	for n, kind := range samples() {
		if kind.name == "visit" || kind.name == "named" || kind.name == "chosen" { // content's visit and the renewed session are the same
			continue
		}
		for _, c := range kind.commits {
			for i := range c.Audit {
				c.Audit[i].ID = id(kind.name)
				c.Audit[i].At = noon.Add(time.Duration(n) * 24 * time.Hour)
			}
			if kind.name == "audit" {
				c.Audit[0].Rows = nil // it would name a row that is not there
			}
			if err := s.Commit(t.Context(), c); err != nil {
				t.Fatalf("%s: %v", kind.name, err)
			}
		}
	}
	changed := sampleVisit()
	changed.Version = 2
	if err := s.Commit(t.Context(), clinic.Commit{Visit: &changed, Answers: []byte("later"), Audit: []audit.Record{record(practiceID, "change")}}); err != nil {
		t.Fatal(err)
	}
	logs := logsOf(t, s)
	covered := coveredRows(t, db, table)
	for key, i := range covered {
		practice := string(i["l"].Bytes)
		record, ok := logs[practice][i.Pointer()]
		at := slices.IndexFunc(record.Rows, func(r audit.Row) bool { return r.Key == key })
		if !ok || at < 0 {
			t.Errorf("row %s: the record at %q of the log of %q does not name it", key, i.Pointer(), practice)
			continue
		}
		version := string(i["v"].Bytes)
		if got := record.Rows[at]; got.Hash != i.Hash() || version != "" && version != string(itoa(got.Version)) {
			t.Errorf("row %s, version %s: its record names version %d and hash %s, it has %s", key, version, got.Version, got.Hash, i.Hash())
		}
		word, _, _ := strings.Cut(key, "#")
		words[word] = true
	}
	want := []string{"ACCOUNT", "BALANCE", "CASE", "CHART", "INVITE", "MEMBER", "MONEY", "PATIENT", "PERSON", "PRACTICE", "UNDERWAY", "WHO", "WORK"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(words))); diff != "" {
		t.Errorf("kinds of rows that were looked at (-want +got):\n%s", diff)
	}
}

func itoa(n int) []byte { b, _ := json.Marshal(n); return b }

// logsOf returns the records of the samples' logs, by practice and position.
func logsOf(t *testing.T, s *store.Store) map[string]map[string]audit.Record {
	t.Helper()
	logs := map[string]map[string]audit.Record{}
	for _, practice := range []string{practiceID, audit.Platform, id("new"), id("decided"), id("author"), id("shares")} {
		leaves, err := s.Log(t.Context(), practice, "", end, 1000)
		if err != nil {
			t.Fatal(err)
		}
		logs[practice] = map[string]audit.Record{}
		for _, l := range leaves {
			r, err := audit.ParseLeaf(l.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			logs[practice][l.Position] = r
		}
	}
	return logs
}

// A tap records the calls to the engine.
type tap struct {
	aws.HTTPClient
	before func(op string) // runs before each call goes out; nil: nothing
	mu     sync.Mutex
	calls  []call
}

type call struct {
	op   string
	body []byte
}

func (p *tap) Do(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	target := r.Header.Get("X-Amz-Target")
	op := target[strings.LastIndex(target, ".")+1:]
	p.mu.Lock()
	p.calls = append(p.calls, call{op, b})
	p.mu.Unlock()
	if p.before != nil {
		p.before(op)
	}
	return p.HTTPClient.Do(r)
}

func (p *tap) take() []call {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls = nil
	return calls
}

// tapped is a store on a new table and what it sends.
func tapped(t *testing.T) (*store.Store, *tap) {
	t.Helper()
	_, table := newTable(t, enginetest.Config(t))
	cfg := enginetest.Config(t)
	p := &tap{HTTPClient: cfg.HTTPClient}
	cfg.HTTPClient = p
	return store.New(dynamodb.NewFromConfig(cfg), table), p
}

// deliveryAttributes are what a role that puts no events may touch of an event,
// its key apart.
var deliveryAttributes = []string{"v", "tries", "attempt", "note", "sent", "to", "due_shard", "due_at", "parked", "done", "ttl"}

// Every write of an event after it was put is an update that names delivery
// attributes alone, so that a role can be held to them, and the event itself
// stays byte for byte.
func TestTried_WritesDeliveryAttributesAlone(t *testing.T) {
	t.Parallel()
	e := sampleEvent("event")
	e.Lease = at(1)
	d := outbox.Delivery{Event: e, Armed: true}
	failed := d.Failed(noon, true, "card_declined")
	rearmed := failed.Rearmed(at(1))
	parked := rearmed.Park("card_declined")
	parked.Sent = outbox.ToPatient
	resumed := parked.Resumed(at(1))
	for name, steps := range map[string][]clinic.Commit{
		"alone": {
			{Deliveries: []outbox.Delivery{failed}},
			{Deliveries: []outbox.Delivery{rearmed}},
			{Deliveries: []outbox.Delivery{parked}},
			{Deliveries: []outbox.Delivery{resumed}},
			{Done: e.ID, At: at(2)},
		},
		"beside": {logged("failed", practiceID, clinic.Commit{Deliveries: []outbox.Delivery{failed}}), logged("done", practiceID, clinic.Commit{Done: e.ID, At: at(2)})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, line := tapped(t)
			if err := s.Commit(t.Context(), clinic.Commit{Events: []outbox.Event{e}}); err != nil {
				t.Fatal(err)
			}
			line.take()
			for _, c := range steps {
				if err := s.Commit(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			if n := checkUpdates(t, line.take()); n != len(steps) {
				t.Errorf("%d updates of %d", n, len(steps))
			}
			got, err := s.Delivery(t.Context(), e.ID)
			want := e
			want.Lease = time.Time{} // it is not part of what the event says
			if diff := cmp.Diff(want, got.Event); err != nil || diff != "" {
				t.Errorf("the event: %v (-put +now):\n%s", err, diff)
			}
		})
	}
}

// An anUpdate is what matters of an UpdateItem or of its part of a transaction.
type anUpdate struct {
	UpdateExpression         string            `json:"UpdateExpression"`
	ConditionExpression      string            `json:"ConditionExpression"`
	ExpressionAttributeNames map[string]string `json:"ExpressionAttributeNames"`
	TransactItems            []struct {
		Update *anUpdate `json:"Update"`
		Put    *struct {
			Item map[string]attribute `json:"Item"`
		} `json:"Put"`
	} `json:"TransactItems"`
}

// checkUpdates returns how many updates of events there are in calls, each of
// which must touch delivery attributes alone.
func checkUpdates(t *testing.T, calls []call) int {
	t.Helper()
	n := 0
	check := func(u anUpdate) {
		n++
		words := strings.FieldsFunc(u.UpdateExpression+" "+u.ConditionExpression, func(r rune) bool { return strings.ContainsRune(" ,=()", r) })
		for _, w := range words {
			if full, alias := u.ExpressionAttributeNames[w]; alias {
				w = full
			}
			syntax := []string{"SET", "REMOVE", "AND", "attribute_exists", "attribute_not_exists", "pk"}
			if !strings.HasPrefix(w, ":") && !slices.Contains(syntax, w) && !slices.Contains(deliveryAttributes, w) {
				t.Errorf("an update touches %q", w)
			}
		}
	}
	for _, c := range calls {
		var u anUpdate
		if err := json.Unmarshal(c.body, &u); err != nil {
			t.Fatal(err)
		}
		switch c.op {
		case "UpdateItem":
			check(u)
		case "TransactWriteItems":
			for _, part := range u.TransactItems {
				if part.Update != nil {
					check(*part.Update)
				} else if pk := part.Put.Item["pk"].S; strings.HasPrefix(*pk, "OUTBOX#") {
					t.Errorf("an event is put again under %s", *pk)
				}
			}
		}
	}
	return n
}

// A log is read flat: the days before the position it is read from, and those
// on which nothing was written, are not asked for, but for the day after that
// position and the day before the end.
func TestLog_ReadsOnlyDaysThatMatter(t *testing.T) {
	t.Parallel()
	s, line := tapped(t)
	var last string
	for day := range 30 {
		r := record(practiceID, "sample")
		r.At = at(24 * 3 * day) // two days of three are idle
		last = r.Position()
		if err := s.Commit(t.Context(), clinic.Commit{Audit: []audit.Record{r}}); err != nil {
			t.Fatal(err)
		}
	}
	from := audit.Record{At: at(24 * 3 * 27), ID: "~"}.Position()
	line.take()
	leaves, err := s.Log(t.Context(), practiceID, from, last, 1000)
	if err != nil || len(leaves) != 2 {
		t.Fatalf("Log = %d leaves, %v", len(leaves), err)
	}
	// One query lists the days, and each of the five has four shards.
	if calls := line.take(); len(calls) != 1+5*4 {
		t.Errorf("%d calls, want 21", len(calls))
	}
	if _, err := s.Trail(t.Context(), visitID, time.Time{}); err != nil || len(line.take()) != 1 {
		t.Errorf("Trail: %v, or it is more than one call", err)
	}
}

// A visit that leaves the queue after the index was read is left out: it would
// be shown among those that want an answer.
func TestQueue_LeavesOutWhatLeftSince(t *testing.T) {
	t.Parallel()
	s, line := tapped(t)
	stays, leaves := sampleVisit(), sampleVisit()
	stays.ID, stays.Payment, stays.Payments = "stays", "", nil
	for _, v := range []visit.Visit{stays, leaves} {
		if err := s.Commit(t.Context(), logged(v.ID, practiceID, clinic.Commit{Visit: &v})); err != nil {
			t.Fatal(err)
		}
	}
	line.before = func(op string) {
		if op == "BatchGetItem" {
			line.before = nil
			leaves.Version, leaves.Status = 2, visit.Expired
			if err := s.Commit(t.Context(), logged("end", practiceID, clinic.Commit{Visit: &leaves})); err != nil {
				t.Error(err)
			}
		}
	}
	got, _, err := s.Queue(t.Context(), practiceID, identity.ClinicalPool, "", 10)
	if diff := cmp.Diff([]visit.Visit{stays}, got); err != nil || diff != "" {
		t.Errorf("Queue: %v (-want +got):\n%s", err, diff)
	}
}

// Reading a page of content, money or a practice takes as few calls as its rows
// allow.
func TestReads_CallsOfEach(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"Visit": 1, "Load": 1, "Content": 1, "Payment": 1, "Money": 1, "WorkItem": 1, "Person": 1, "Grant": 1, "Practice": 2, "Form": 1,
		"Queue": 2, "Mine": 2, "Work": 2, "Grants": 2, "Coverages": 1, "Payer": 1, "Payers": 1, "Contracts": 1, "Account": 1, "Trail": 1, "Token": 1, "Patient": 1, "Session": 1, "KeptForms": 1, "KeptForm": 1, "Request": 1, "Draft": 1, "Drafts": 1, "FormVersions": 1, "Configs": 1,
	}
	for _, kind := range written() {
		s, line := tapped(t)
		for _, c := range kind.commits {
			if err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range kind.reads {
			line.take()
			if _, err := r.how(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if n := len(line.take()); want[r.method] > 0 && n != want[r.method] {
				t.Errorf("%s takes %d calls, want %d", r.method, n, want[r.method])
			}
		}
	}
}
