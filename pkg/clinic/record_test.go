package clinic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"evisit/infra/local/files"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

func TestWhoReadsAChartIsWrittenDownBeforeItIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	reads := func() []string {
		rs, err := w.cl.Trail(w.ctx, w.as(ada), id)
		if err != nil {
			t.Fatal(err)
		}
		var who []string
		for _, r := range rs {
			if strings.HasPrefix(r.Action, string(identity.ReadChart)) {
				who = append(who, r.Actor.ID+" "+strings.TrimPrefix(r.Action, string(identity.ReadChart)+":"))
			}
		}
		return who
	}
	before := len(reads())
	for _, read := range []func() error{
		func() error {
			c, err := w.cl.Chart(w.ctx, w.as(nora), id)
			if err != nil && len(c.Answers)+len(c.Messages) > 0 {
				t.Error("content came with an error")
			}
			return err
		},
		func() error {
			doc, addendum, err := w.cl.Document(w.ctx, w.as(jane), id)
			if err != nil && len(doc)+len(addendum) > 0 {
				t.Error("content came with an error")
			}
			return err
		},
	} {
		w.pass(time.Second)
		w.trouble.order(commits, 1, callLost)
		if err := read(); err == nil {
			t.Error("content was shown though the read was not written down")
		}
		w.trouble.heal()
		if err := read(); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"nora-patel chart", "jane-smith document"}, reads()[before:]); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestThePatientsReadingIsAReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.asks(id, "Since when?")
	if _, err := w.cl.Chart(w.ctx, w.as(ana), id); err != nil {
		t.Fatal(err)
	}
	if reads := w.visit(id).Reads; len(reads) != 0 {
		t.Errorf("the clinician's reading left marks: %+v", reads)
	}
	w.pass(time.Hour)
	for range 2 {
		chart, err := w.cl.Chart(w.ctx, w.as(jane), id)
		if err != nil || len(chart.Messages) != 1 || !chart.Messages[0].ReadAt.Equal(w.now()) || chart.Messages[0].Text != "Since when?" {
			t.Errorf("messages: %+v, %v", chart.Messages, err)
		}
	}
	if reads := w.visit(id).Reads; len(reads) != 1 || reads[0].Through != 1 || reads[0].By != "" {
		t.Errorf("marks: %+v", reads)
	}
}

func TestADocumentHoldsAllThatWasSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.asks(id, "Since when?")
	w.replies(id, "Since Monday.")
	w.answers(id)
	w.acknowledges(jane, id)
	raw, extra, err := w.cl.Document(w.ctx, w.as(ana), id)
	if err != nil {
		t.Fatal(err)
	}
	var d clinic.Document
	var a clinic.Addendum
	if err := errors.Join(json.Unmarshal(raw, &d), json.Unmarshal(extra, &a)); err != nil {
		t.Fatal(err)
	}
	v := w.stands(id, visit.Closed)
	if d.Contact.Name != "Jane Smith" || d.By.ID != ana || d.Fee != 40_00 || len(d.Messages) != 2 || len(d.Answers) < len(urinary) ||
		!d.Times.Answered.Equal(v.Times.Answered) || d.FormHash == "" {
		t.Errorf("document: %s", raw)
	}
	if diff := cmp.Diff(cystitis, d.Conclusion); diff != "" {
		t.Errorf("conclusion (-want +got):\n%s", diff)
	}
	if a.Document != v.Document || !slices.Equal(a.Receipts, v.Payments) || len(a.Reads) == 0 || a.By != jane {
		t.Errorf("addendum: %s", extra)
	}
}

// object is a stored document, to be tampered with.
func (w *world) object(v visit.Visit, put []byte) []byte {
	w.Helper()
	client := s3.NewFromConfig(w.sdk, func(o *s3.Options) { o.UsePathStyle = true })
	key := aws.String("documents/" + v.Practice + "/" + v.ID + "/" + v.Document)
	if put != nil {
		if _, err := client.PutObject(w.ctx, &s3.PutObjectInput{Bucket: aws.String(files.Bucket), Key: key, Body: bytes.NewReader(put)}); err != nil {
			w.Fatalf("object: %v", err)
		}
		return put
	}
	out, err := client.GetObject(w.ctx, &s3.GetObjectInput{Bucket: aws.String(files.Bucket), Key: key})
	if err != nil {
		w.Fatalf("object: %v", err)
	}
	defer func() { _ = out.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(out.Body); err != nil {
		w.Fatalf("object: %v", err)
	}
	return b.Bytes()
}

func TestADocumentThatWasTamperedWithIsNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.visit(w.answered()), w.visit(w.answered())
	whole, other := w.object(one, nil), w.object(two, nil)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	resealed, err := w.cl.Seal.Seal(w.ctx, clinic.Place{Practice: one.Practice, Record: one.ID, Field: "document/" + one.Document}, []byte(`{"visit":"forged"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, stored := range map[string][]byte{
		"one bit altered": flipped, "cut short": whole[:len(whole)-1], "another visit's": other, "made anew with our key": resealed, "empty": {},
	} {
		w.object(one, stored)
		if doc, _, err := w.cl.Document(w.ctx, w.as(jane), one.ID); err == nil {
			t.Errorf("%s: shown %s", name, doc)
		}
	}
	w.object(one, whole)
	w.documented(one)
}

// row reads one attribute of the table, or writes it.
func (w *world) row(pk, sk, name string, put types.AttributeValue) types.AttributeValue {
	w.Helper()
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}}
	out, err := w.db.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: &w.table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item == nil {
		w.Fatalf("row %s %s: %v", pk, sk, err)
	}
	was := out.Item[name]
	if put != nil {
		out.Item[name] = put
		if _, err := w.db.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: out.Item}); err != nil {
			w.Fatalf("row %s %s: %v", pk, sk, err)
		}
	}
	return was
}

func TestContentMovedToAnotherRecordDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.taken(), w.taken()
	for _, id := range []string{one, two} {
		w.asks(id, "Since when?")
	}
	type place struct{ pk, sk string }
	for _, test := range []struct {
		name     string
		from, to place
	}{
		{"answers of another visit", place{"CHART#" + two, "ANSWERS"}, place{"CHART#" + one, "ANSWERS"}},
		{"a message of another visit", place{"CHART#" + two, "MSG#0001"}, place{"CHART#" + one, "MSG#0001"}},
		{"answers as a message", place{"CHART#" + one, "ANSWERS"}, place{"CHART#" + one, "MSG#0001"}},
		{"another patient's contact data", place{"PATIENT#" + tom, "-"}, place{"PATIENT#" + jane, "-"}},
	} {
		moved := w.row(test.from.pk, test.from.sk, "s", nil)
		was := w.row(test.to.pk, test.to.sk, "s", moved)
		if _, err := w.cl.Chart(w.ctx, w.as(jane), one); err == nil {
			t.Errorf("%s: opened", test.name)
		}
		w.row(test.to.pk, test.to.sk, "s", was)
		if _, err := w.cl.Chart(w.ctx, w.as(jane), one); err != nil {
			t.Errorf("%s: put back: %v", test.name, err)
		}
	}
}

func TestNoContentLiesInTheOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.asks(id, "Does it burn when you pass water?")
	w.replies(id, "It burns, and I am tired.")
	w.answers(id)
	w.settle()
	secrets := []string{"pass water", "tired", "bladder infection", "Jane Smith", janes, "503 555 0177", "tablets"}
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: &w.table})
	rows := 0
	for pages.HasMorePages() {
		out, err := pages.NextPage(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range out.Items {
			b, err := json.Marshal(i)
			if err != nil {
				t.Fatal(err)
			}
			rows++
			for _, s := range secrets {
				if bytes.Contains(b, []byte(s)) && !bytes.Contains(b, []byte("FORM#")) {
					t.Errorf("%q is in %s", s, b)
				}
			}
		}
	}
	for _, s := range secrets {
		if strings.Contains(w.log.String(), s) || bytes.Contains(w.object(w.visit(id), nil), []byte(s)) {
			t.Errorf("%q is in the log or in the stored document", s)
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows were looked at", rows)
	}
}

// checkpoint sweeps, and returns the practice's log as an auditor sees it, its
// signature and root proved.
func (w *world) checkpoint() (leaves [][]byte, root tlog.Hash) {
	w.Helper()
	w.pass(2 * time.Minute)
	w.sweep()
	leaves, head, err := w.cl.ExportLog(w.ctx, w.as(ada))
	if err != nil {
		w.Fatalf("export: %v", err)
	}
	key, err := w.cl.LogVerifier(w.ctx, w.as(ada))
	if err != nil {
		w.Fatalf("verifier: %v", err)
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		w.Fatalf("verifier: %v", err)
	}
	signed, err := note.Open(head.Checkpoint, note.VerifierList(verifier))
	if err != nil {
		w.Fatalf("checkpoint: %v", err)
	}
	lines := strings.Split(signed.Text, "\n")
	if lines[0] != "evisit.example/log/lakeside" || lines[1] != strconv.Itoa(len(leaves)) {
		w.Errorf("checkpoint of %d leaves: %q", len(leaves), signed.Text)
	}
	if root, err = tlog.ParseHash(lines[2]); err != nil {
		w.Fatalf("root: %v", err)
	}
	return leaves, root
}

// tree is the hashes of a log, recomputed from its leaves.
func tree(t *testing.T, leaves [][]byte) tlog.HashReader {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, n := range at {
			out[i] = stored[n]
		}
		return out, nil
	})
	for n, leaf := range leaves {
		hs, err := tlog.StoredHashes(int64(n), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hs...)
	}
	return reader
}

func rootOf(t *testing.T, leaves [][]byte) tlog.Hash {
	t.Helper()
	root, err := tlog.TreeHash(int64(len(leaves)), tree(t, leaves))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestTheLogProvesThatNothingWasAltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	before, was := w.checkpoint()
	if rootOf(t, before) != was {
		t.Fatal("the signed root is not that of the exported leaves")
	}
	w.pass(26 * time.Hour)
	w.acknowledges(jane, id)
	w.queued()
	after, now := w.checkpoint()
	if rootOf(t, after) != now || len(after) <= len(before) {
		t.Fatalf("the log went from %d to %d leaves", len(before), len(after))
	}
	proof, err := tlog.ProveTree(int64(len(after)), int64(len(before)), tree(t, after))
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckTree(proof, int64(len(after)), now, int64(len(before)), was); err != nil {
		t.Errorf("the later log does not extend the earlier: %v", err)
	}
	trail, err := w.cl.Trail(w.ctx, w.as(ada), id)
	if err != nil || len(trail) < 5 {
		t.Fatalf("trail: %d, %v", len(trail), err)
	}
	r := trail[len(trail)/2]
	pk, sk := "AUDIT#lakeside#"+r.At.Format(time.DateOnly), id+"#"+r.At.Format("20060102T150405.000Z")+"#"+r.ID
	r.Actor.ID = "somebody-else"
	forged, err := r.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	w.row(pk, sk, "d", &types.AttributeValueMemberS{Value: string(forged)})
	leaves, head, err := w.cl.ExportLog(w.ctx, w.as(ada))
	if err != nil {
		t.Fatal(err)
	}
	if rootOf(t, leaves) == head.Tree.Root() {
		t.Error("an altered record was not noticed")
	}
	for who, code := range map[string]string{sam: "denied", ana: "not_found", jane: "not_found"} {
		_, err = w.cl.Checkpoint(w.ctx, w.as(who))
		w.refused(err, code)
	}
}

func TestASignedLogNeedsItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cl.LogKey.Private = nil
	w.pass(2 * time.Minute)
	if _, err := w.cl.Sweep(w.ctx); err == nil {
		t.Error("a sweep without a key signed the log")
	}
	_, err := w.cl.Checkpoint(w.ctx, w.as(ada))
	w.refused(err, "no_checkpoint")
}

// healthy are words that tell something of someone's health.
var healthy = []string{
	"urin", "uti", "bladder", "infection", "symptom", "diagnos", "pain", "medic", "prescri", "treatment", "health", "doctor", "clinician", "emergency room",
}

func TestLettersTellNothingOfHealthAndGoToWhomTheyConcern(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.practice(func(p *clinic.Practice) { p.Name = "Lakeside" }) // so that no word is the practice's own
	asked := w.taken()
	w.asks(asked, "Since when?")
	w.replies(asked, "Since Monday.")
	w.answers(asked)
	w.settle()
	w.cancels(w.queued())
	failed := w.submitted()
	w.pays(failed, "4000000000007007")
	w.settle()
	w.takes(ana, failed)
	w.answers(failed)
	w.saves(jane, w.draft(), said{"uti-confused": true})
	w.submitted()
	w.pass(25 * time.Hour)
	w.queued()
	w.pass(25 * time.Hour)
	w.sweep()
	w.settle()
	subjects := map[string]bool{}
	for _, l := range w.letters("") {
		subjects[l.Subject] = true
		if len(l.To) != 1 || l.To[0] != janes && l.To[0] != "desk@lakeside.example" {
			t.Errorf("a letter went to %v", l.To)
		}
		desk := strings.Contains(l.Subject, "patient has written") || strings.Contains(l.Subject, "diverted")
		if desk != (l.To[0] == "desk@lakeside.example") {
			t.Errorf("%q went to %v", l.Subject, l.To)
		}
		prose, _, _ := strings.Cut(strings.ToLower(l.Subject+" "+l.Text), "http")
		for _, word := range healthy {
			if strings.Contains(prose, word) {
				t.Errorf("%q is in %q", word, prose)
			}
		}
		if strings.ContainsAny(l.Text, "{}") {
			t.Errorf("a letter was not filled in: %s", l.Text)
		}
	}
	if len(subjects) != 10 {
		t.Errorf("letters were %v, want one of each kind", subjects)
	}
}

func TestPractice_UnknownZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.cl.Practice(w.ctx, w.as(jane))
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []string{"", "Local", p.Zone + " ", "America/Nowhere"} {
		p.Zone = zone
		if err := w.cl.AddPractice(w.ctx, p, nil); !errors.Is(err, fault.Invalid) {
			t.Errorf("a practice in %q is registered: %v", zone, err)
		}
		if err := w.cl.Store.Commit(w.ctx, clinic.Commit{Practice: &p}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		if _, err := w.cl.Practice(w.ctx, w.as(jane)); err == nil {
			t.Errorf("a practice stored in %q is read", zone)
		}
	}
}
