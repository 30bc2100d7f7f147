package verify_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"evisit/infra/local/engine/enginetest"
	"evisit/infra/local/files"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/blob"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/clinic/verify"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/practice"
	"evisit/pkg/secret/secrettest"
	"evisit/pkg/store"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var start = time.Date(2026, 3, 2, 15, 4, 0, 0, time.UTC)

// A world is a table with one row of every kind at least, each written as often
// as such a row is, whose logs are signed by sweeps.
type world struct {
	*testing.T
	db     *dynamodb.Client
	table  string
	store  *store.Store
	kernel *clinic.Kernel
	sweep  *sweep.Room
	verify *verify.Room
	moved  time.Duration   // how far the clock is past start
	before map[string]item // of each row, the state before its last
	last   map[string]item
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, db: dynamodb.NewFromConfig(enginetest.Config(t)), table: enginetest.TableName()}
	if err := store.CreateTable(t.Context(), w.db, w.table); err != nil {
		t.Fatal(err)
	}
	w.store, w.before = store.New(w.db, w.table), map[string]item{}
	w.kernel = &clinic.Kernel{
		Store: w.store, Now: func() time.Time { return start.Add(w.moved) },
		NewID: func() string { return strings.ToLower(rand.Text()[:16]) },
		Log:   slog.New(slog.DiscardHandler),
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key := audit.Key{Base: "evisit.example/log", Public: private.Public().(ed25519.PublicKey)}
	bucket := newBucket(t)
	w.sweep = &sweep.Room{Kernel: w.kernel, Store: w.store, LogKey: key, Signer: secrettest.Fixed(private).Get, Heads: bucket, Shards: store.Shards}
	w.verify = &verify.Room{Kernel: w.kernel, Store: w.store, Heads: bucket, LogKey: key}
	return w
}

func newBucket(t *testing.T) *blob.Bucket {
	t.Helper()
	objects, err := files.Handler(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(objects)
	t.Cleanup(func() {
		srv.Close()
		if err := objects.Close(); err != nil {
			t.Error(err)
		}
	})
	return blob.New(s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(srv.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}), files.Bucket)
}

// commit stores c with an audit record of each of the practices.
func (w *world) commit(c clinic.Commit, practices ...string) {
	w.Helper()
	for _, p := range practices {
		c.Audit = append(c.Audit, audit.Record{
			ID: w.kernel.NewID(), Practice: p, At: w.kernel.Time(), Actor: clinic.System("test"), Action: "test", Visit: "visit1",
		})
	}
	if err := w.store.Commit(w.Context(), c); err != nil {
		w.Fatal(err)
	}
	w.moved += time.Second
	w.remember()
}

// remember keeps the state before the last of each row that was written.
func (w *world) remember() {
	w.Helper()
	rows := w.rows()
	for key, is := range rows {
		if was, ok := w.last[key]; ok && text(was, "a") != text(is, "a") {
			w.before[key] = was
		}
	}
	w.last = rows
}

// sign lets a minute pass and signs the logs.
func (w *world) sign() {
	w.Helper()
	w.moved += 2 * time.Minute
	if _, err := w.sweep.Run(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// plant writes rows of every kind for two visits and two practices.
func (w *world) plant() {
	w.Helper()
	for _, id := range []string{"lakeside", "harbor"} {
		p := practice.Practice{
			ID: id, Core: practice.Core{Name: id, Zone: "America/Los_Angeles", Account: "acct_" + id, Since: start, Configured: 1, Consenting: "2026-01"},
			Consent: practice.Consent{Version: "2026-01", Text: "You may withdraw at any time. " + id}, Version: 1,
		}
		w.commit(clinic.Commit{Practice: &p, Config: true, Consent: true, Account: true}, id)
		p.Version, p.Phone = 2, "+1 503 555 0100"
		w.commit(clinic.Commit{Practice: &p}, id)
		w.commit(clinic.Commit{Forms: []clinic.Form{{Practice: id, Name: "form", Version: "1", JSON: []byte(`{"of":"` + id + `"}`)}}}, id)
	}
	for _, id := range []string{"1", "2"} {
		w.people(id)
		w.visit(id)
	}
}

func (w *world) people(id string) {
	w.Helper()
	for version := 1; version <= 2; version++ {
		display := "As of version " + string(rune('0'+version))
		w.commit(clinic.Commit{
			Person:   &identity.Person{ID: "person" + id, Practice: "lakeside", Role: identity.Clinician, Display: display, Version: version},
			Grants:   []identity.Grant{{Practice: "lakeside", Patient: "patient" + id, Person: "person" + id, Until: start.AddDate(version, 0, 0), Version: version}},
			Patients: []clinic.Patient{{Patient: identity.Patient{ID: "patient" + id, Practice: "lakeside", Version: version}, Sealed: []byte(display)}},
			Token: &clinic.Token{
				Proof:       clinic.Proof{Issuer: "https://issuer.example/pool", Subject: "subject" + id},
				Memberships: []identity.Membership{{Practice: "lakeside", Person: "person" + id}}, Version: version,
			},
		}, "lakeside", audit.Platform)
	}
}

func (w *world) visit(id string) {
	w.Helper()
	v := visit.Start("visit"+id, "lakeside", "patient"+id, "patient"+id, visit.Form{Name: "form", Version: "1"}, w.kernel.Time())
	w.commit(clinic.Commit{Visit: &v}, "lakeside")
	pay := billing.Payment{ID: v.ID + ".quote", Visit: v.ID, Practice: "lakeside", Account: "acct_lakeside", Amount: 4000, State: billing.Opened, OpenedAt: start, Version: 1}
	item := work.New(work.Item{Kind: work.VisitDiverted, Practice: "lakeside", Pool: identity.ClinicalPool, Visit: v.ID}, v.ID, start)
	v.Version, v.Saves = 2, 1
	w.commit(clinic.Commit{Visit: &v, Answers: []byte("first " + id), Payments: []billing.Payment{pay}, Work: []work.Item{item}}, "lakeside")
	v.Version, v.Saves, v.Messages, v.FromPatient = 3, 2, 2, 2
	pay.State, pay.Held, pay.Version = billing.Held, 4000, 2
	held, err := ledger.Held(pay.ID, "lakeside", 4000, start)
	if err != nil {
		w.Fatal(err)
	}
	w.commit(clinic.Commit{
		Visit: &v, Answers: []byte("second " + id), Diverted: []byte("diverted " + id),
		Messages: []clinic.Message{{Visit: v.ID, Seq: 1, Body: []byte("one " + id)}, {Visit: v.ID, Seq: 2, Body: []byte("two " + id)}},
		Payments: []billing.Payment{pay}, Entries: []ledger.Entry{held},
		Work: []work.Item{item.End("somebody", start)},
	}, "lakeside")
}

type item = map[string]types.AttributeValue

func text(i item, name string) string {
	s, _ := i[name].(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// rows are all rows of the table that a log covers, by key.
func (w *world) rows() map[string]item {
	w.Helper()
	out, err := w.db.Scan(w.Context(), &dynamodb.ScanInput{TableName: &w.table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		w.Fatal(err)
	}
	all := map[string]item{}
	for _, i := range out.Items {
		if _, covered := i["a"]; covered {
			all[text(i, "pk")+" / "+text(i, "sk")] = i
		}
	}
	return all
}

func (w *world) put(i item) {
	w.Helper()
	if _, err := w.db.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: i}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) remove(i item) {
	w.Helper()
	if _, err := w.db.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: item{"pk": i["pk"], "sk": i["sk"]}}); err != nil {
		w.Fatal(err)
	}
}

// whole is what verifying every log whole finds first; nil if nothing.
func (w *world) whole() *audit.Finding {
	w.Helper()
	logs, err := w.verify.Logs(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, id := range logs {
		leaves, rows, err := w.verify.CompareAll(w.Context(), id)
		if f, ok := errors.AsType[*audit.Finding](err); ok {
			return f
		}
		if err != nil || leaves == 0 || rows == 0 {
			w.Fatalf("verifying the log of %s: %d leaves, %d rows, %v", id, leaves, rows, err)
		}
	}
	return nil
}

// month is what the hourly runs of a month find.
func (w *world) month() []*audit.Finding {
	w.Helper()
	var all []*audit.Finding
	before := w.moved
	w.moved += 3 * time.Hour
	for range 30 * 24 {
		found, err := w.verify.Find(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, found...)
		w.moved += time.Hour
	}
	w.moved = before
	return all
}

// kindOf is the kind of row that a key is of.
func kindOf(key string) string {
	pk, sk, _ := strings.Cut(key, " / ")
	word, _, _ := strings.Cut(pk, "#")
	part, _, _ := strings.Cut(sk, "#")
	if word == "WORK" {
		part = ""
	}
	return word + " " + part
}

var kinds = []string{
	"ACCOUNT -", "CASE -", "CHART ANSWERS", "CHART DIVERT", "CHART MSG", "MONEY ENTRY", "MONEY PAY", "PATIENT -", "PATIENT GRANT",
	"PERSON -", "PRACTICE CONFIG", "PRACTICE CONSENT", "PRACTICE CORE", "PRACTICE FORM", "WHO -", "WORK ",
}

// What may be said of a row that was altered in some way.
var names = map[string][]audit.Kind{
	"changed": {audit.Changed}, "removed": {audit.Removed}, "put back": {audit.PutBack},
	// A row under the key of another practice's is gone for that practice's log.
	"moved": {audit.Moved, audit.Removed}, "swapped": {audit.Moved, audit.Removed},
}

// Every kind of row that a log covers, altered in every way: a whole comparison
// notices each, and names a row that was touched and what was done to it.
func TestWhole_EveryRowEveryFault(t *testing.T) {
	w := newWorld(t)
	w.plant()
	rows, seen := w.rows(), map[string]bool{}
	w.sign()
	if f := w.whole(); f != nil {
		t.Fatalf("nothing was altered, and it is found that %v", f)
	}
	for key, row := range rows {
		if seen[kindOf(key)] {
			continue
		}
		seen[kindOf(key)] = true
		for name, fault := range w.faults(key, row, rows) {
			touched := fault()
			f := w.whole()
			w.mend(rows, touched)
			switch {
			case f == nil:
				t.Errorf("%s %s is not noticed", key, name)
			case !contains(touched, f) || !slices.Contains(names[name], f.Kind):
				t.Errorf("%s %s: it is found that %v", key, name, f)
			}
		}
	}
	for _, k := range kinds {
		if !seen[k] {
			t.Errorf("no row is a %s; there are %v", k, seen)
		}
	}
	if f := w.whole(); f != nil {
		t.Fatalf("all was put right again, and it is found that %v", f)
	}
}

// A draft that was deleted leaves rows of its own, so that what is missing was removed
// by somebody else, and answers that are there again were put back.
func TestWhole_DeletedDraft(t *testing.T) {
	w := newWorld(t)
	w.plant()
	v := visit.Start("visit3", "lakeside", "patient1", "patient1", visit.Form{Name: "form", Version: "1"}, w.kernel.Time())
	v.Saves = 1
	w.commit(clinic.Commit{Visit: &v, Answers: []byte("words of a draft")}, "lakeside")
	gone, err := v.Delete(w.kernel.Time())
	if err != nil {
		t.Fatal(err)
	}
	w.commit(clinic.Commit{Visit: &gone, Answers: []byte{}}, "lakeside")
	rows := w.rows()
	w.sign()
	if f := w.whole(); f != nil {
		t.Fatalf("a draft was deleted, and it is found that %v", f)
	}
	if found := w.month(); len(found) > 0 {
		t.Fatalf("a draft was deleted, and in a month it is found that %v", found)
	}
	answers := rows["CHART#visit3 / ANSWERS"]
	if answers == nil || answers["s"] != nil {
		t.Errorf("its answers are %v, want an empty row", answers)
	}
	for _, key := range []string{"CHART#visit3 / ANSWERS", "CASE#visit3 / -"} {
		faults := w.faults(key, rows[key], rows)
		for _, name := range []string{"changed", "removed", "put back"} {
			touched := faults[name]()
			f := w.whole()
			w.mend(rows, touched)
			if f == nil || !contains(touched, f) || !slices.Contains(names[name], f.Kind) {
				t.Errorf("%s %s: it is found that %v", key, name, f)
			}
		}
	}
}

// mend puts rows back as they were.
func (w *world) mend(rows map[string]item, touched []string) {
	w.Helper()
	for _, key := range touched {
		w.put(rows[key])
	}
}

// The hourly runs of a month notice each kind of fault, in whichever hour's part
// the row is; a month without one finds nothing.
func TestRun_MonthOfRuns(t *testing.T) {
	w := newWorld(t)
	w.plant()
	rows := w.rows()
	w.sign()
	if found := w.month(); len(found) > 0 {
		t.Fatalf("nothing was altered, and it is found that %v", found)
	}
	touched := map[string][]string{}
	for key, fault := range map[string]string{
		"CASE#visit1 / -": "put back", "CHART#visit1 / MSG#0001": "removed", "MONEY#visit1 / ENTRY#visit1.quote#hold": "swapped",
		"PERSON#person1 / -": "changed", "PRACTICE#harbor / CONSENT#2026-01": "changed", "WORK#lakeside / visit.diverted.visit1": "put back",
	} {
		do, ok := w.faults(key, rows[key], rows)[fault]
		if !ok {
			t.Fatalf("%s cannot be %s", key, fault)
		}
		touched[key+" "+fault] = do()
	}
	planted := maps.Clone(rows["MONEY#visit2 / PAY#visit2.quote"])
	planted["sk"] = &types.AttributeValueMemberS{Value: "PAY#visit2.another"}
	w.put(planted)
	touched["a payment that nobody wrote"] = []string{"MONEY#visit2 / PAY#visit2.another"}
	found := w.month()
	for what, keys := range touched {
		if !slices.ContainsFunc(found, func(f *audit.Finding) bool { return contains(keys, f) }) {
			t.Errorf("%s is not noticed; it is found that %v", what, found)
		}
	}
}

// A log whose head and tail are gone, or whose head is put back, is never signed
// smaller than it was.
func TestSweep_NeverSignsASmallerLog(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.sign()
	was, err := w.store.LogHead(t.Context(), "lakeside")
	if err != nil {
		t.Fatal(err)
	}
	w.remove(item{"pk": &types.AttributeValueMemberS{Value: "LOG#lakeside"}, "sk": &types.AttributeValueMemberS{Value: "-"}})
	w.dropLast("lakeside", was.Through)
	w.sweep = &sweep.Room{Kernel: w.kernel, Store: w.store, LogKey: w.sweep.LogKey, Signer: w.sweep.Signer, Heads: w.sweep.Heads, Shards: store.Shards} // another process
	w.commit(clinic.Commit{Work: []work.Item{work.New(work.Item{Kind: work.EventParked, Practice: "lakeside", Pool: identity.OfficePool}, "e", start)}}, "lakeside")
	w.sign()
	is, err := w.store.LogHead(t.Context(), "lakeside")
	if err != nil || is.Tree.Size != was.Tree.Size+1 {
		t.Fatalf("of %d leaves and one more, %d are signed, %v", was.Tree.Size, is.Tree.Size, err)
	}
	if f := w.whole(); f == nil || f.Kind != audit.LogAltered {
		t.Errorf("a record is gone from the log, and it is found that %v", f)
	}
}

// dropLast removes the record at a position.
func (w *world) dropLast(practice, position string) {
	w.Helper()
	for shard := range 4 {
		day := position[:4] + "-" + position[4:6] + "-" + position[6:8]
		w.remove(item{
			"pk": &types.AttributeValueMemberS{Value: fmt.Sprintf("AUDIT#%s#%s#%d", practice, day, shard)},
			"sk": &types.AttributeValueMemberS{Value: position},
		})
	}
}

func contains(touched []string, f *audit.Finding) bool {
	for _, key := range touched {
		pk, sk, _ := strings.Cut(key, " / ")
		text := pk
		if sk != "-" {
			text += "/" + sk
		}
		if f.Key == text || f.From == text {
			return true
		}
	}
	return false
}

// faults are the ways to alter one row, each returning the keys it touched.
func (w *world) faults(key string, row item, all map[string]item) map[string]func() []string {
	fs := map[string]func() []string{
		"changed": func() []string {
			bad := maps.Clone(row)
			bad["x"] = &types.AttributeValueMemberS{Value: "1"}
			w.put(bad)
			return []string{key}
		},
		"removed": func() []string { w.remove(row); return []string{key} },
	}
	if was, ok := w.before[key]; ok {
		fs["put back"] = func() []string { w.put(was); return []string{key} }
	}
	for other, of := range all {
		if other == key || kindOf(other) != kindOf(key) {
			continue
		}
		fs["moved"] = func() []string {
			w.put(under(of, row))
			return []string{key, other}
		}
		fs["swapped"] = func() []string {
			w.put(under(of, row))
			w.put(under(row, of))
			return []string{key, other}
		}
		break
	}
	return fs
}

// under is what one row holds, under the key of another.
func under(holds, key item) item {
	out := maps.Clone(holds)
	out["pk"], out["sk"] = key["pk"], key["sk"]
	return out
}
