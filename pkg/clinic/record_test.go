package clinic_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"evisit/infra/local/files"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/secret/secrettest"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

func TestRead_RecordedBeforeItIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	reads := func() []string {
		_, rs, err := w.office.Trail(w.ctx, w.as(ada), id)
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
			c, err := w.chart(nora, id)
			if err != nil && len(c.Answers)+len(c.Messages) > 0 {
				t.Error("content came with an error")
			}
			return err
		},
		func() error {
			doc, addendum, err := w.charts.ReadDocuments(w.ctx, w.as(jane), id)
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

// Every read of content leaves one record, but for those of a draft by the side
// that types it, which is its author. What there is not leaves none, and what is
// refused one.
func TestRead_LeavesOneRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	records := func() int {
		n := 0
		w.rows(func(i item) {
			if strings.HasPrefix(attr(i, "pk"), "AUDIT#") {
				n++
			}
		})
		return n
	}
	page := func(id string) func(clinic.Caller) error {
		return func(c clinic.Caller) error { _, err := w.request.Show(w.ctx, c, id); return err }
	}
	desk := func(id string) func(clinic.Caller) error {
		return func(c clinic.Caller) error { _, err := w.desk.Show(w.ctx, c, id); return err }
	}
	chart := func(id string) func(clinic.Caller) error {
		return func(c clinic.Caller) error { _, _, err := w.charts.ReadChart(w.ctx, c, id); return err }
	}
	document := func(id string) func(clinic.Caller) error {
		return func(c clinic.Caller) error { _, _, err := w.charts.ReadDocuments(w.ctx, c, id); return err }
	}
	form := func(id string) func(clinic.Caller) error {
		return func(c clinic.Caller) error { _, err := w.request.Draft(w.ctx, c, id); return err }
	}
	own, rosas, taken, answered, stopped := w.draft(), w.rosasDraft(), w.taken(), w.answered(), w.draft()
	w.saves(jane, stopped, said{"uti-confused": true})
	w.settle()
	for _, test := range []struct {
		name, who string
		read      func(clinic.Caller) error
		want      int
	}{
		{"OwnDraftForm", jane, form(own), 0},
		{"OwnDraftPage", jane, page(own), 0},
		{"OwnDraftChart", jane, chart(own), 0},
		{"DraftByCaregiver", elena, form(rosas), 0},
		{"DraftByCaregiverPage", elena, page(rosas), 0},
		{"DivertedByPatient", jane, page(stopped), 1},
		{"DivertedByNurse", nora, desk(stopped), 1},
		{"TakenByPatient", jane, page(taken), 1},
		{"TakenByHolder", ana, desk(taken), 1},
		{"TakenByColleague", ben, chart(taken), 1},
		{"AnsweredByPatient", jane, page(answered), 1},
		{"AnsweredByPatientAgain", jane, page(answered), 1},
		{"AnsweredByHolder", ana, desk(answered), 1},
		{"ChartByPatient", jane, chart(answered), 1},
		{"DocumentByPatient", jane, document(answered), 1},
		{"DocumentByNurse", nora, document(answered), 1},
		{"AnothersByPatient", tom, page(answered), 1},
		{"AnothersByPatientAgain", tom, page(answered), 0},
		{"NoDocumentForPatient", jane, document(taken), 0},
		{"NoDocumentForHolder", ana, document(taken), 0},
		{"AnotherPractices", omar, desk(answered), 1},
	} {
		before := records()
		err := test.read(w.as(test.who))
		refused := errors.Is(err, fault.NotFound)
		if _, public := fault.Public(err); err != nil && (!public || test.want != 0 && !refused) {
			t.Errorf("%s: %v", test.name, err)
		}
		if n := records() - before; n != test.want {
			t.Errorf("%s left %d records, want %d", test.name, n, test.want)
		}
	}
	w.object(documentOf(w.visit(answered)), []byte("altered"))
	before := records()
	for name, read := range map[string]func(clinic.Caller) error{"page": page(answered), "document": document(answered)} {
		if err := read(w.as(jane)); !errors.Is(err, vault.ErrBroken) {
			t.Errorf("the %s of an altered document: %v", name, err)
		}
	}
	if n := records() - before; n != 0 {
		t.Errorf("what could not be shown left %d records", n)
	}
}

func TestDocument_HoldsAllThatWasSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.asks(id, "Since when?")
	w.replies(id, "Since Monday.")
	w.answers(id)
	w.acknowledges(jane, id)
	raw, extra, err := w.charts.ReadDocuments(w.ctx, w.as(ana), id)
	if err != nil {
		t.Fatal(err)
	}
	var d record.Document
	var a record.Addendum
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

// One answer is one object, and so is one closing: a try that fails makes the bytes that
// the next one makes.
func TestDocument_FailedTriesLeaveNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	stored := func() int {
		out, err := w.objects().ListObjectsV2(w.ctx, &s3.ListObjectsV2Input{Bucket: aws.String(files.Bucket), Prefix: aws.String("documents/lakeside/" + id)})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Contents)
	}
	steps := []func() error{
		func() error { _, err := w.desk.Answer(w.ctx, w.as(ana), id, cystitis); return err },
		func() error { _, err := w.request.Acknowledge(w.ctx, w.as(jane), id); return err },
	}
	for n, try := range steps {
		for range 3 {
			w.pass(7 * time.Second)
			w.trouble.next(commits, callLost)
			if err := try(); !errors.Is(err, fault.Busy) {
				t.Fatalf("a try whose commit is lost: %v", err)
			}
		}
		if err := try(); err != nil {
			t.Fatal(err)
		}
		if got := stored(); got != n+1 {
			t.Errorf("after step %d there are %d documents", n+1, got)
		}
		w.pass(time.Minute)
	}
	if _, _, err := w.charts.ReadDocuments(w.ctx, w.as(ana), id); err != nil {
		t.Errorf("the documents that the visit names: %v", err)
	}
}

// objects is the document store, for a test that tampers with it.
func (w *world) objects() *s3.Client {
	return s3.NewFromConfig(w.sdk, func(o *s3.Options) { o.UsePathStyle = true })
}

// object reads a stored document, or replaces it.
func (w *world) object(at place, put []byte) []byte {
	w.Helper()
	if put != nil {
		if _, err := w.objects().PutObject(w.ctx, &s3.PutObjectInput{Bucket: aws.String(files.Bucket), Key: &at.sk, Body: bytes.NewReader(put)}); err != nil {
			w.Fatalf("object: %v", err)
		}
		return put
	}
	out, err := w.objects().GetObject(w.ctx, &s3.GetObjectInput{Bucket: aws.String(files.Bucket), Key: &at.sk})
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

func TestDocument_TamperedWithIsNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.visit(w.answered()), w.visit(w.answered())
	whole, other := w.object(documentOf(one), nil), w.object(documentOf(two), nil)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	resealed, err := w.charts.Vault.Sealer.Seal(w.ctx, vault.Place{
		Practice: one.Practice, Patient: one.Patient, Record: one.ID, Field: "document/" + one.Document,
	}, []byte(`{"visit":"forged"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, stored := range map[string][]byte{
		"one bit altered": flipped, "cut short": whole[:len(whole)-1], "another visit's": other, "made anew with our key": resealed, "empty": {},
	} {
		w.object(documentOf(one), stored)
		if doc, _, err := w.charts.ReadDocuments(w.ctx, w.as(jane), one.ID); !errors.Is(err, vault.ErrBroken) || doc != nil {
			t.Errorf("%s: shown %s, %v", name, doc, err)
		}
	}
	w.object(documentOf(one), whole)
	w.documented(one)
}

func TestContent_NoneLiesInTheOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.asks(id, "Does it burn when you pass water?")
	w.replies(id, "It burns, and I am tired.")
	w.answers(id)
	w.settle()
	secrets := []string{"pass water", "tired", "bladder infection", "Jane Smith", janes, "503 555 0177", "tablets"}
	rows := 0
	w.rows(func(i item) {
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
	})
	for _, s := range secrets {
		if strings.Contains(w.log.String(), s) || bytes.Contains(w.object(documentOf(w.visit(id)), nil), []byte(s)) {
			t.Errorf("%q is in the log or in the stored document", s)
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows were looked at", rows)
	}
}

// export returns the practice's log as an auditor gets it, page by page, and its
// head.
func (w *world) export() (leaves [][]byte, head clinic.LogHead) {
	w.Helper()
	head, err := w.office.Checkpoint(w.ctx, w.as(ada))
	if err != nil {
		w.Fatalf("checkpoint: %v", err)
	}
	for after := ""; ; {
		page, next, err := w.office.ExportLog(w.ctx, w.as(ada), after)
		if err != nil {
			w.Fatalf("export: %v", err)
		}
		for _, leaf := range page {
			leaves = append(leaves, leaf.Bytes)
		}
		if after = next; after == "" {
			return leaves, head
		}
	}
}

// checkpoint sweeps, and returns the practice's log as an auditor sees it, its
// signature and root proved.
func (w *world) checkpoint() (leaves [][]byte, root tlog.Hash) {
	w.Helper()
	w.pass(2 * time.Minute)
	w.minute()
	leaves, head := w.export()
	key, err := w.office.LogVerifier(w.ctx, w.as(ada))
	if err != nil {
		w.Fatalf("verifier: %v", err)
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		w.Fatalf("verifier: %v", err)
	}
	signed, err := note.Open([]byte(head.Checkpoint), note.VerifierList(verifier))
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

func TestLog_ShowsAnAlteredRecord(t *testing.T) {
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
	_, trail, err := w.office.Trail(w.ctx, w.as(ada), id)
	if err != nil || len(trail) < 5 {
		t.Fatalf("trail: %d, %v", len(trail), err)
	}
	altered := trail[len(trail)/2]
	w.rows(func(i item) {
		if !strings.HasPrefix(attr(i, "pk"), "AUDIT#lakeside#") || attr(i, "sk") != altered.Position() {
			return
		}
		altered.Actor.ID = "somebody-else"
		forged, err := altered.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		i["d"] = str(string(forged))
		w.putRow(i)
	})
	if altered.Actor.ID != "somebody-else" {
		t.Fatal("the record is not in the table")
	}
	if leaves, head := w.export(); rootOf(t, leaves) == head.Tree.Root() {
		t.Error("an altered record was not noticed")
	}
	for who, code := range map[string]string{sam: "denied", ana: "denied", jane: "denied"} {
		_, err = w.office.Checkpoint(w.ctx, w.as(who))
		w.refused(err, code)
	}
}

func TestLog_NeedsItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sweep.Signer = secrettest.Fixed(ed25519.PrivateKey(nil)).Get
	w.pass(2 * time.Minute)
	if _, err := w.sweep.Run(w.ctx); err == nil {
		t.Error("a sweep without a key signed the log")
	}
	_, err := w.office.Checkpoint(w.ctx, w.as(ada))
	w.refused(err, "no_checkpoint")
}

// healthy are words that tell something of someone's health.
var healthy = []string{
	"urin", "uti", "bladder", "infection", "symptom", "diagnos", "pain", "medic", "prescri", "treatment", "health", "doctor", "clinician", "emergency room",
}

func TestLetters_TellNothingOfHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.practice(func(p *practice.Practice) { p.Name = "Lakeside" }) // so that no word is the practice's own
	asked := w.taken()
	w.asks(asked, "Since when?")
	w.settle() // a letter that is no longer true is not sent
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
	w.minute()
	w.settle()
	subjects := map[string]bool{}
	for _, l := range w.letters("") {
		subjects[l.Subject] = true
		if len(l.To) != 1 || l.To[0] != janes && l.To[0] != "desk@lakeside.example" {
			t.Errorf("a letter went to %v", l.To)
		}
		desk := strings.Contains(l.Subject, ": A ") && !strings.Contains(l.Subject, "question")
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
	if len(subjects) != 13 {
		t.Errorf("letters were %v, want one of each kind", subjects)
	}
}
