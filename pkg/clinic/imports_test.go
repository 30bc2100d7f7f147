package clinic_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
)

func csvOf(lines int) []byte {
	var b strings.Builder
	b.WriteString("name,birth,sex,email,phone\n")
	for n := range lines {
		fmt.Fprintf(&b, "Pat Number%d,19%02d-04-12,f,pat%d@file.example,\n", n, 40+n%50, n)
	}
	return []byte(b.String())
}

// An import that was killed goes on where it stopped: its patients are none before it is
// done, and each is one then.
func TestImport_GoesOnAndNeverDoubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lines = 40
	file := csvOf(lines)
	known := newcomer("Number3 Pat")
	known.Birth = time.Date(1943, 4, 12, 0, 0, 0, 0, time.UTC)
	if _, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), known); err != nil {
		t.Fatal(err)
	}
	before := w.stored("PATIENT#")
	seen, err := w.registrar.PreviewPatients(w.ctx, w.as(sam), file)
	if err != nil || len(seen.Lines) != lines || len(seen.Doubles) != 1 || seen.Doubles[0].Line != 5 {
		t.Fatalf("preview: %d lines, doubles %+v, %v", len(seen.Lines), seen.Doubles, err)
	}
	if n := w.stored("PATIENT#") - before; n != 0 {
		t.Errorf("a preview wrote %d patients", n)
	}
	killed := *w.registrar
	killed.Kernel = w.kernel(outbox.ByRegistry)
	killed.Kernel.Store = &dying{Store: killed.Kernel.Store, left: 1}
	if _, _, err := killed.ImportPatients(w.ctx, w.as(sam), "first", file); !errors.Is(err, errDied) {
		t.Fatalf("a killed import: %v", err)
	}
	if n := w.stored("PATIENT#") - before; n == 0 || n >= lines {
		t.Fatalf("the killed import wrote %d patients", n)
	}
	if got := w.imported(); len(got) != 0 {
		t.Errorf("%d patients of an import that is not done are listed", len(got))
	}
	_, _, err = w.registrar.ImportPatients(w.ctx, w.as(sam), "first", csvOf(lines+1))
	w.refused(err, "import_other_file")
	for range 2 {
		i, doubles, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "first", file)
		if err != nil || i.Done.IsZero() || i.Written != lines {
			t.Fatalf("the import is %+v: %v", i, err)
		}
		if diff := cmp.Diff(seen.Doubles, doubles); diff != "" {
			t.Errorf("doubles (-preview +import):\n%s", diff)
		}
	}
	got := w.imported()
	if len(got) != lines {
		t.Fatalf("%d patients were imported, want %d", len(got), lines)
	}
	for _, p := range got {
		if !p.Verified.At.IsZero() || p.Came != identity.ByFile {
			t.Errorf("imported as %+v", p)
		}
	}
	other, _, err := w.registrar.ImportPatients(w.ctx, w.as("leo-park"), "first", file)
	if err != nil || other.Written != lines {
		t.Errorf("another practice's import of the same name: %+v, %v", other, err)
	}
}

// Who is shown that patients of the practice may be known already has read of them: a
// preview records it, and so does an import that is only asked for again. One that shows
// nobody writes nothing.
func TestPreview_RecordsWhatItShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := csvOf(4)
	reads := func(what string, want int, do func() error) {
		t.Helper()
		before := w.stored("AUDIT#")
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n := w.stored("AUDIT#") - before; n != want {
			t.Errorf("%s left %d records, want %d", what, n, want)
		}
	}
	preview := func() error { return errOf(w.registrar.PreviewPatients(w.ctx, w.as(sam), file)) }
	imports := func() error {
		_, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "four", file)
		return err
	}
	reads("a preview that shows nobody", 0, preview)
	known := newcomer("Pat Number3")
	known.Birth = time.Date(1943, 4, 12, 0, 0, 0, 0, time.UTC)
	if _, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), known); err != nil {
		t.Fatal(err)
	}
	reads("a preview", 1, preview)
	reads("an import", 2, imports)
	reads("an import that was done", 1, imports)
}

// A countedReads counts the marks that are looked up.
type countedReads struct {
	registrar.Reads

	marks atomic.Int64
}

func (r *countedReads) Marked(ctx context.Context, mark string) ([]string, error) {
	r.marks.Add(1)
	return r.Reads.Marked(ctx, mark)
}

// Lines that share an address and a day of birth are each named once, and so many at
// most; a practice that has marked nobody is not asked.
func TestPreview_NamesFewOfManyDoubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	counted := &countedReads{Reads: w.tape}
	w.registrar.Store = counted
	var b strings.Builder
	b.WriteString("name,birth,email,phone\n")
	for n := range 100 {
		fmt.Fprintf(&b, "Pat Number%d,1990-04-12,family@file.example,503 555 0100\n", n)
	}
	if err := w.registrar.AddPractice(w.ctx, practice.Practice{ID: "north", Core: practice.Core{Name: "North", Zone: "America/Denver"}}, nil); err != nil {
		t.Fatal(err)
	}
	w.becomes(identity.Person{ID: "nick", Practice: "north", Role: identity.Staff})
	if _, err := w.registrar.PreviewPatients(w.ctx, w.as("nick"), []byte(b.String())); err != nil {
		t.Fatal(err)
	}
	if n := counted.marks.Load(); n != 0 {
		t.Errorf("%d marks were looked up where there is none", n)
	}
	f, err := w.registrar.PreviewPatients(w.ctx, w.as(sam), []byte(b.String()))
	if err != nil || len(f.Doubles) != 99 {
		t.Fatalf("%d lines are doubles: %v", len(f.Doubles), err)
	}
	if diff := cmp.Diff(registrar.LineDouble{Line: 4, Patients: []string{}, Lines: []int{2, 3}}, f.Doubles[2-1], cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("line 4 (-want +got):\n%s", diff)
	}
	if last := f.Doubles[98]; !slices.Equal(last.Lines, []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11}) {
		t.Errorf("the last line is told the lines %v", last.Lines)
	}
	if _, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "family", []byte(b.String())); err != nil {
		t.Fatal(err)
	}
	if f, err = w.registrar.PreviewPatients(w.ctx, w.as(sam), []byte(b.String())); err != nil || len(f.Doubles) != 100 || len(f.Doubles[0].Patients) != 10 {
		t.Errorf("%d lines are doubles, the first of %d patients: %v", len(f.Doubles), len(f.Doubles[0].Patients), err)
	}
	if counted.marks.Load() == 0 {
		t.Error("no mark was looked up")
	}
}

// A dying store takes so many batches of an import, and then nothing.
type dying struct {
	clinic.Store

	left int
}

var errDied = errors.New("killed")

func (s *dying) Commit(ctx context.Context, c clinic.Commit) error {
	if c.Import != nil {
		if s.left--; s.left < 0 {
			return errDied
		}
	}
	return s.Store.Commit(ctx, c)
}

// imported are the listed patients of lakeside who came by a file.
func (w *world) imported() []identity.Patient {
	w.Helper()
	var all []identity.Patient
	for cursor := ""; ; {
		page, next, err := w.registrar.Patients(w.ctx, w.as(sam), cursor, 7)
		if err != nil {
			w.Fatalf("patients: %v", err)
		}
		for _, p := range page {
			if p.Import != "" {
				all = append(all, p)
			}
		}
		if next == "" {
			return all
		}
		cursor = next
	}
}

// Two who import the same file at once write each line once.
func TestImport_TwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lines = 50
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			if _, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "same", csvOf(lines)); err != nil {
				t.Errorf("imports: %v", err)
			}
		})
	}
	wait.Wait()
	if n := len(w.imported()); n != lines {
		t.Errorf("%d patients, want %d", n, lines)
	}
}

func TestImport_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.stored("")
	for name, c := range map[string]struct {
		file string
		code string
	}{
		"a formula":     {"name,birth,email\n=cmd(),1990-04-12,a@b.example\nJane Doe,1990-04-12,j@b.example\n", "invalid_file"},
		"a column less": {"name,birth\nJane Doe,1990-04-12\n", "invalid_file"},
		"no patients":   {"name,birth,email\n", "invalid_file"},
		"too many":      {string(csvOf(registry.MaxLines + 1)), "too_many_lines"},
	} {
		_, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "bad", []byte(c.file))
		if f, ok := fault.Public(err); !ok || f.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	_, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "a b", csvOf(1))
	w.refused(err, "invalid_request")
	if n := w.stored("") - before; n != 0 {
		t.Errorf("what was refused left %d rows", n)
	}
}

// A file that is imported without an id is the same import whenever it comes again, and how
// far it has come is known to its practice alone.
func TestImport_UnderTheFilesOwnID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := csvOf(20)
	if i, err := w.registrar.ImportOf(w.ctx, w.as(sam), file); err != nil || i.ID != "" {
		t.Fatalf("before: %+v, %v", i, err)
	}
	killed := *w.registrar
	killed.Kernel = w.kernel(outbox.ByRegistry)
	killed.Kernel.Store = &dying{Store: killed.Kernel.Store, left: 1}
	i, _, err := killed.ImportPatients(w.ctx, w.as(sam), "", file)
	if !errors.Is(err, errDied) || i.Written == 0 || i.Written >= 20 || !i.Done.IsZero() {
		t.Fatalf("a killed import: %+v, %v", i, err)
	}
	if again, err := w.registrar.ImportOf(w.ctx, w.as(sam), file); err != nil || again.ID != i.ID || again.Written != i.Written {
		t.Errorf("the import is %+v, %v, want that of %+v", again, err, i)
	}
	if other, err := w.registrar.ImportOf(w.ctx, w.as("leo-park"), file); err != nil || other.ID != "" {
		t.Errorf("to another practice the import is %+v, %v", other, err)
	}
	for range 2 {
		done, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "", file)
		if err != nil || done.ID != i.ID || done.Done.IsZero() {
			t.Errorf("again: %+v, %v", done, err)
		}
	}
	if n := len(w.imported()); n != 20 {
		t.Errorf("%d patients, want 20", n)
	}
	_, err = w.registrar.ImportOf(w.ctx, w.as("jane-smith"), file)
	w.refused(err, "denied")
}
