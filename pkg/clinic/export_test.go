package clinic_test

import (
	"bytes"
	"context"
	"strconv"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/office"
	"evisit/pkg/identity"
	"evisit/pkg/work"
)

// A lookup counts the keys of each read of rows.
type lookup struct {
	office.Reads
	keys []int
}

func (l *lookup) Stored(ctx context.Context, keys []string) (map[string]audit.Item, error) {
	l.keys = append(l.keys, len(keys))
	return l.Reads.Stored(ctx, keys)
}

// act stores c with a record of the practice lakeside.
func (w *world) act(c clinic.Commit) {
	w.Helper()
	w.moved.Add(int64(time.Second))
	k := w.office.Kernel
	c.Audit = append(c.Audit, audit.Record{ID: k.NewID(), Practice: "lakeside", At: w.now(), Actor: clinic.System("test"), Action: "test"})
	if err := w.tape.Store.Commit(w.ctx, c); err != nil {
		w.Fatalf("commit: %v", err)
	}
}

// Whatever sizes rows and records have, an export of rows has each row once, no
// page outgrows a function's reply, and rows are looked up a hundred at once.
func TestExportRows_PagesAndReads(t *testing.T) {
	item := func(n int) work.Item {
		about := strconv.Itoa(n)
		return work.New(work.Item{Kind: work.VisitDiverted, Practice: "lakeside", Pool: identity.ClinicalPool, Visit: about}, about, start)
	}
	patient := func(n, size int) []clinic.Patient {
		return []clinic.Patient{{Patient: identity.Patient{ID: "p" + strconv.Itoa(n), Practice: "lakeside", Version: 1}, Sealed: bytes.Repeat([]byte("c"), size)}}
	}
	for name, c := range map[string]struct {
		plant        func(w *world)
		rows         int // that plant stores
		pages, reads int // at most
	}{
		"one row a record": {func(w *world) {
			for n := range 250 {
				w.act(clinic.Commit{Work: []work.Item{item(n)}})
			}
		}, 250, 1, 4},
		"many rows a record": {func(w *world) {
			for n := range 4 {
				var ws []work.Item
				for i := range 90 {
					ws = append(ws, item(100*n+i))
				}
				w.act(clinic.Commit{Work: ws})
			}
		}, 360, 1, 5},
		"no rows": {func(w *world) {
			for range 700 {
				w.act(clinic.Commit{})
			}
		}, 0, 2, 1},
		"large rows": {func(w *world) {
			for n := range 25 {
				w.act(clinic.Commit{Patients: patient(n, 390<<10)})
			}
		}, 25, 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			reads := &lookup{Reads: w.tape}
			w.office.Store = reads
			before := w.exportedRows()
			c.plant(w)
			w.pass(2 * time.Minute)
			w.minute()
			reads.keys = nil
			pages := w.exportedRows()
			if got := total(pages) - total(before); got != c.rows {
				t.Errorf("%d rows were stored, and %d are exported", c.rows, got)
			}
			if len(pages) > c.pages || len(reads.keys) > c.reads {
				t.Errorf("%d pages by reads of %v keys, want at most %d pages and %d reads", len(pages), reads.keys, c.pages, c.reads)
			}
			for _, n := range reads.keys {
				if n > 100 {
					t.Errorf("%d rows are looked up at once", n)
				}
			}
		})
	}
}

func total(pages []int) (rows int) {
	for _, n := range pages {
		rows += n
	}
	return rows
}

// exportedRows is how many rows each page of the export of rows has.
func (w *world) exportedRows() (pages []int) {
	w.Helper()
	if head, err := w.tape.LogHead(w.ctx, "lakeside"); err != nil || head.Version == 0 {
		w.pass(2 * time.Minute)
		w.minute()
	}
	seen := map[string]bool{}
	for after := ""; ; {
		rows, next, err := w.office.ExportRows(w.ctx, w.as(ada), after)
		if err != nil {
			w.Fatalf("rows after %q: %v", after, err)
		}
		var page []byte
		for _, r := range rows {
			if seen[r.Key] {
				w.Errorf("row %s comes twice", r.Key)
			}
			seen[r.Key] = true
			if page, err = r.Append(page); err != nil {
				w.Fatalf("row %s: %v", r.Key, err)
			}
		}
		if len(page) > 5<<20 {
			w.Errorf("a page has %d bytes", len(page))
		}
		pages = append(pages, len(rows))
		if after = next; after == "" {
			return pages
		}
	}
}
