package clinic_test

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/seed"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// A garden is what planting leaves: every world begins with a copy of it, which takes a
// fifth of what planting takes.
type garden struct {
	files   map[string][]byte // of objects and keys, by name
	log     audit.Key
	rows    []map[string]types.AttributeValue
	buckets map[outbox.Bucket]bool
}

var theGarden struct {
	sync.Mutex
	*garden
}

// planted returns the garden, which the first test that asks plants.
func planted(t *testing.T) *garden {
	t.Helper()
	theGarden.Lock()
	defer theGarden.Unlock()
	if theGarden.garden == nil {
		theGarden.garden = plantGarden(t)
	}
	return theGarden.garden
}

func plantGarden(t *testing.T) *garden {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &garden{log: audit.Key{Base: "evisit.example/log", Public: public, Private: private}}
	dir := t.TempDir()
	w := openWorld(t, dir, g.log)
	w.plant(t)
	w.minute() // sweeps ran before any event was put
	if waits := len(w.tape.pending()) + len(w.mailed()); waits > 0 {
		t.Fatalf("planting leaves %d events and webhooks", waits)
	}
	g.buckets = w.tape.buckets
	g.readFrom(w, dir)
	return g
}

func (g *garden) readFrom(w *world, dir string) {
	w.Helper()
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: &w.table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.ctx)
		if err != nil {
			w.Fatalf("reading what was planted: %v", err)
		}
		g.rows = append(g.rows, page.Items...)
	}
	if err := w.files.Close(); err != nil {
		w.Fatalf("closing what was planted: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.Fatalf("listing what was planted: %v", err)
	}
	g.files = map[string][]byte{}
	for _, e := range entries {
		if g.files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			w.Fatalf("reading what was planted: %v", err)
		}
	}
}

// writeFiles puts the objects and keys of the garden into dir.
func (g *garden) writeFiles(t *testing.T, dir string) {
	t.Helper()
	for name, content := range g.files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writeRows puts the rows of the garden into w's table.
func (g *garden) writeRows(w *world) {
	w.Helper()
	for rows := range slices.Chunk(g.rows, 25) {
		puts := make([]types.WriteRequest, len(rows))
		for n, row := range rows {
			puts[n].PutRequest = &types.PutRequest{Item: row}
		}
		out, err := w.db.BatchWriteItem(w.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{w.table: puts}})
		if err != nil || len(out.UnprocessedItems) > 0 {
			w.Fatalf("writing what was planted: %v, %d rows are left", err, len(out.UnprocessedItems[w.table]))
		}
	}
}

// offered are the forms of both practices, compiled once.
var offered = sync.OnceValues(func() ([]*intake.Form, error) {
	all, err := seed.Forms()
	return slices.DeleteFunc(all, func(f *intake.Form) bool {
		return !slices.Contains([]string{"uti-women", "admin-request", "medication-refill", "evisit-common"}, f.Name())
	}), err
})

// plant registers two practices and the standard cast.
func (w *world) plant(t *testing.T) {
	t.Helper()
	fs, err := offered()
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, f := range fs {
		versions[f.Name()] = f.Version()
	}
	for i, id := range []string{"lakeside", "harbor"} {
		if err := w.registrar.AddPractice(w.ctx, practice.Practice{
			ID: id,
			Core: practice.Core{
				Name: "Practice " + id, Phone: "+1 503 555 0100", Inbox: "desk@" + id + ".example", Account: seed.Accounts[i],
				Zone: "America/Los_Angeles", Readers: "Those who work here.",
			},
			Config: practice.Config{
				States: []string{"OR", "WA"}, Forms: versions,
				Prices: billing.PriceList{"uti-women": 40_00, "admin-request": 15_00},
				Terms:  visit.Terms{Answer: 24 * time.Hour, GiveUp: 24 * time.Hour},
			},
			Consent: practice.Consent{Version: "2026-01", Text: "You may withdraw at any time."},
		}, fs); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range seed.Cast(start) {
		if m.Contact != nil {
			if err := w.registrar.AddPatient(w.ctx, identity.Patient{ID: m.Person.Patient, Practice: m.Person.Practice, Person: m.Person.ID, Contact: *m.Contact}); err != nil {
				t.Fatal(err)
			}
		}
		if m.Person.ID != pat {
			w.becomes(m.Person)
		}
	}
}
