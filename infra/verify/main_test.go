package main

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evisit/pkg/audit"
)

// An export is a log of three visits, in two pages.
type export struct{ key, log, rows string }

func newExport(t *testing.T) export {
	t.Helper()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, _ := private.Public().(ed25519.PublicKey)
	signer := audit.Key{Base: "evisit.example/log", Private: private, Public: public}
	vkey, err := signer.VerifierKey("p1")
	if err != nil {
		t.Fatal(err)
	}
	var log, rows []byte
	add := func(b []byte, l audit.Line) []byte {
		b, err := l.Append(b)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var tree audit.Frontier
	for n, id := range []string{"a", "b", "c"} {
		r := audit.Record{ID: id, Practice: "p1", At: time.Date(2026, time.March, 2, 12, n, 0, 0, time.UTC), Action: "visit.start"}
		i := audit.Item{
			"pk": {Type: audit.Text, Bytes: []byte("CASE#" + id)}, "sk": {Type: audit.Text, Bytes: []byte("-")},
			"a": {Type: audit.Text, Bytes: []byte(r.Position())},
		}
		r.Rows = []audit.Row{{Key: i.Key(), Version: 1, Hash: i.Hash()}}
		leaf, err := r.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		tree = tree.Add(leaf)
		log, rows = add(log, audit.Line{Leaf: leaf}), add(rows, audit.Line{Key: i.Key(), Row: i.Bytes()})
	}
	signed, err := signer.Checkpoint("p1", tree)
	if err != nil {
		t.Fatal(err)
	}
	return export{vkey, string(add(log, audit.Line{Checkpoint: string(signed)})), string(rows)}
}

func TestRun_SaysWhatItFound(t *testing.T) {
	t.Parallel()
	e := newExport(t)
	firstRow := e.rows[:strings.Index(e.rows, "\n")+1]
	otherKey := "0" + strings.TrimPrefix(e.key, "e")
	for name, test := range map[string]struct {
		key, input    string
		status        int
		says, problem string
	}{
		"Sound":      {e.key, e.log + e.rows, 0, "3 leaves, 3 rows: nothing altered\n", ""},
		"Removed":    {e.key, e.log + strings.TrimPrefix(e.rows, firstRow), 1, "CASE#a was removed: record 20260302T120000.000Z#a wrote it\n", ""},
		"LogAltered": {e.key, strings.Replace(e.log, "visit.start", "visit.read", 1) + e.rows, 1, "log altered: a leaf from number 0 to 2, record 20260302T120200.000Z#c, is not as it was signed\n", ""},
		"NotALine":   {e.key, e.log + "x\n", 2, "", "verify: line 5: "},
		"OtherKey":   {otherKey, e.log + e.rows, 2, "", "verify: audit: the log's public key: "},
		"NoKey":      {"", e.log + e.rows, 2, "", "verify: audit: the log's public key: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, problems bytes.Buffer
			status := run([]string{"-key", test.key}, strings.NewReader(test.input), &out, &problems)
			if status != test.status || out.String() != test.says || !strings.HasPrefix(problems.String(), test.problem) || test.problem == "" && problems.Len() > 0 {
				t.Errorf("run = %d, says %q and %q", status, &out, &problems)
			}
		})
	}
}

func TestRun_ReadsPagesInOrder(t *testing.T) {
	t.Parallel()
	e := newExport(t)
	dir := t.TempDir()
	log, rows := filepath.Join(dir, "log"), filepath.Join(dir, "rows")
	for path, text := range map[string]string{log: e.log, rows: e.rows} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		files  []string
		status int
	}{
		"InOrder": {[]string{log, rows}, 0}, "RowsFirst": {[]string{rows, log}, 2}, "LogAlone": {[]string{log}, 1},
		"NoSuchFile": {[]string{log, filepath.Join(dir, "none")}, 2}, "Option": {[]string{"-all"}, 2}, "Help": {[]string{"-h"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, problems bytes.Buffer
			if status := run(append([]string{"-key", e.key}, test.files...), strings.NewReader("x"), &out, &problems); status != test.status {
				t.Errorf("run = %d, want %d; says %q and %q", status, test.status, &out, &problems)
			}
		})
	}
}
