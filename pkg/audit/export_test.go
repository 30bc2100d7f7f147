package audit_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
)

// The form is read by others, so it may not change.
func TestExport_SameLinesForEver(t *testing.T) {
	t.Parallel()
	lines := []audit.Line{
		{Leaf: []byte(`{"id":"r1","rows":[]}`)},
		{Checkpoint: "evisit.example/log/p1\n1\nroot\n\n— sig\n"},
		{Key: "CHART#v1/MSG#0001", Row: []byte("S\x02pk\xff")},
		{Key: "WHO#a<b>&c\"", Row: []byte{}},
	}
	const want = `{"id":"r1","rows":[]}` + "\n" +
		`{"checkpoint":"evisit.example/log/p1\n1\nroot\n\n— sig\n"}` + "\n" +
		`{"row":"CHART#v1/MSG#0001","bytes":"UwJwa/8="}` + "\n" +
		`{"row":"WHO#a\u003cb\u003e\u0026c\"","bytes":""}` + "\n"
	var b []byte
	for _, l := range lines {
		b = appendLine(t, b, l)
	}
	if string(b) != want {
		t.Errorf("wrote\n%s\nwant\n%s", b, want)
	}
	var back []audit.Line
	for l, err := range audit.Lines(strings.NewReader(want)) {
		if err != nil {
			t.Fatal(err)
		}
		l.Leaf = bytes.Clone(l.Leaf)
		back = append(back, l)
	}
	if d := cmp.Diff(lines, back); d != "" {
		t.Errorf("read back differs:\n%s", d)
	}
}

func TestAppend_RefusesLeavesThatReadAsOtherLines(t *testing.T) {
	t.Parallel()
	for _, leaf := range []string{"", "{}", `{"row":"CASE#v1","bytes":""}`, `{"id":"r1"` + "\n}"} {
		if b, err := (audit.Line{Leaf: []byte(leaf)}).Append(nil); err == nil {
			t.Errorf("leaf %q is written as %q", leaf, b)
		}
	}
}

func TestLines_EndsAtTheFirstError(t *testing.T) {
	t.Parallel()
	const leaf = `{"id":"r1"}` + "\n"
	for name, text := range map[string]string{
		"Blank":         "\n" + leaf,
		"OtherObject":   `{"ID":"r1"}` + "\n" + leaf,
		"Space":         `{"row": "CASE#v1","bytes":""}` + "\n" + leaf,
		"OtherOrder":    `{"bytes":"","row":"CASE#v1"}` + "\n" + leaf,
		"More":          `{"row":"CASE#v1","bytes":"","more":1}` + "\n" + leaf,
		"NoBytes":       `{"row":"CASE#v1"}` + "\n" + leaf,
		"SpareBits":     `{"row":"CASE#v1","bytes":"UwJwa/9="}` + "\n" + leaf,
		"NoCheckpoint":  `{"checkpoint":""}` + "\n" + leaf,
		"NotJSON":       `{"checkpoint":` + "\n" + leaf,
		"CarriageBreak": `{"row":"CASE#v1","bytes":""}` + "\r\n" + leaf,
		"ReturnInside":  `{"row":"CASE#v1","bytes":"UwJw` + "\r" + `a/8="}` + "\n" + leaf,
		"CutShort":      strings.TrimSuffix(leaf, "\n"),
		"TooLong":       `{"id":"` + strings.Repeat("x", 1<<20) + `"}` + "\n" + leaf,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, read := false, 0
			for l, err := range audit.Lines(strings.NewReader(text)) {
				if failed = failed || err != nil; err == nil {
					read++
					t.Logf("read %q", l)
				}
			}
			if !failed || read > 0 {
				t.Errorf("failed %t after %d lines", failed, read)
			}
		})
	}
	var last error
	for _, err := range audit.Lines(io.MultiReader(strings.NewReader(leaf), iotest.ErrReader(io.ErrNoProgress))) {
		last = err
	}
	if !errors.Is(last, io.ErrNoProgress) {
		t.Errorf("of a file that cannot be read: %v", last)
	}
}

func TestLines_HoldTheLargestRow(t *testing.T) {
	t.Parallel()
	line := appendLine(t, nil, audit.Line{Key: "CHART#v1/ANSWERS", Row: make([]byte, 400<<10)})
	for l, err := range audit.Lines(bytes.NewReader(line)) {
		if err != nil || len(l.Row) != 400<<10 {
			t.Errorf("read a row of %d bytes, %v", len(l.Row), err)
		}
	}
}

// What is read as an export is written as the same bytes.
func FuzzLines_SameBytes(f *testing.F) {
	w := world()
	f.Add(w.export(f, len(w.records))[:2000])
	f.Add([]byte(`{"row":"CASE#v1","bytes":"UwJwa/8="}` + "\n" + `{"checkpoint":"a\nb"}` + "\n"))
	f.Add([]byte(`{"row":"\ud800","bytes":null}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var back []byte
		for l, err := range audit.Lines(bytes.NewReader(text)) {
			if err != nil {
				return
			}
			back = appendLine(t, back, l)
		}
		if !bytes.Equal(back, text) {
			t.Errorf("%q was read as what is written %q", text, back)
		}
	})
}
