// Package pdfreader_test asks a PDF reader by another maker what our files say. `make setup`
// fetches it.
package pdfreader_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/paper"
)

// A said is what the reader says of a file.
type said struct {
	Pages    int    `json:"pages"`
	Title    string `json:"title"`
	Language string `json:"language"`
	Text     string `json:"text"`
}

// read draws sheets, and returns what the reader says of each, without the spaces of its text.
func read(t *testing.T, sheets ...paper.Sheet) []said {
	t.Helper()
	// The files are looked at here too, so that the test's cached result is dropped when one
	// changes or is gone.
	for _, part := range []string{"read.mjs", "node_modules/pdfjs-dist/package.json"} {
		if _, err := os.ReadFile(part); err != nil {
			t.Fatalf("%v; make setup fetches the reader", err)
		}
	}
	files := []string{"read.mjs"}
	for n, s := range sheets {
		file, err := s.Draw()
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		name := filepath.Join(t.TempDir(), fmt.Sprintf("%d.pdf", n))
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	out, err := exec.CommandContext(t.Context(), "node", files...).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var all []said
	if err := json.Unmarshal(out[strings.Index(string(out), "[{"):], &all); err != nil || len(all) != len(sheets) {
		t.Fatalf("%d files are told of, %v", len(all), err)
	}
	for n := range all {
		all[n].Text = tight(all[n].Text)
	}
	return all
}

func tight(s string) string { return strings.Join(strings.Fields(s), "") }

func sheet() paper.Sheet {
	return paper.Sheet{
		Title: "Receipt", Made: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Foot: "As of 2 March 2026",
		Facts: []paper.Fact{
			{Name: "Patient", Lines: []string{"Zoë Nguyễn-Ångström, born 1 April 1980"}},
			{Name: "Paid to", Lines: []string{"Oak Street Clinic", "1 Oak Street, Portland, OR 97201"}},
		},
		Parts: []paper.Part{{
			Heading: "Receipt 4K7M-2P9Q-1",
			Rows:    []paper.Row{{What: "Charged", Note: "2 March 2026", Amount: "$40.00"}, {What: "Refunded", Note: "3 March 2026", Amount: "-$15.00"}},
			Sum:     paper.Row{What: "Paid by the patient", Amount: "$25.00"},
		}},
	}
}

func TestReader_FindsEveryWord(t *testing.T) {
	t.Parallel()
	of := read(t, sheet())[0]
	if of.Pages != 1 || of.Title != "Receipt" || of.Language != "en-US" {
		t.Errorf("%d pages, title %q, language %q", of.Pages, of.Title, of.Language)
	}
	for _, want := range []string{
		"Zoë Nguyễn-Ångström, born 1 April 1980", "Oak Street Clinic 1 Oak Street, Portland", "Receipt 4K7M-2P9Q-1",
		"Refunded", "-$15.00", "Paid by the patient", "$25.00", "As of 2 March 2026", "Page 1 of 1",
	} {
		if !strings.Contains(of.Text, tight(want)) {
			t.Errorf("%q is not in %q", want, of.Text)
		}
	}
}

// What is long goes on to further pages, and loses no row and no letter of a word without spaces.
func TestReader_FindsAllOfWhatIsLong(t *testing.T) {
	t.Parallel()
	s := sheet()
	s.Facts[0].Lines = []string{strings.Repeat("Wolfeschlegelstein", 20)}
	s.Parts[0].Rows = nil
	for n := range 200 {
		s.Parts[0].Rows = append(s.Parts[0].Rows, paper.Row{What: fmt.Sprintf("Charged %03d", n), Note: "2 March 2026", Amount: fmt.Sprintf("$%d.00", 1000+n)})
	}
	of := read(t, s)[0]
	if of.Pages < 5 || !strings.Contains(of.Text, fmt.Sprintf("Page%dof%d", of.Pages, of.Pages)) {
		t.Errorf("%d pages", of.Pages)
	}
	if !strings.Contains(of.Text, s.Facts[0].Lines[0]) {
		t.Error("a long name is cut")
	}
	for n := range 200 {
		for _, want := range []string{fmt.Sprintf("$%d.00", 1000+n), fmt.Sprintf("Charged%03d", n)} {
			if strings.Count(of.Text, want) != 1 {
				t.Errorf("%q stands %d times", want, strings.Count(of.Text, want))
			}
		}
	}
}

// Whatever can be drawn is read again as it was written.
func TestReader_FindsAnyText(t *testing.T) {
	t.Parallel()
	line := rapid.StringMatching(`[A-Za-zÀ-ÖØ-öø-ÿΑ-Ρα-ωА-я0-9 ().,$%&/'’–-]{1,200}`)
	var sheets []paper.Sheet
	for seed := range 12 {
		s := sheet()
		s.Facts[1].Lines = rapid.SliceOfN(line, 1, 12).Example(seed)
		s.Parts[0].Rows[0].What = line.Example(seed)
		sheets = append(sheets, s)
	}
	for n, of := range read(t, sheets...) {
		for _, want := range append(sheets[n].Facts[1].Lines, sheets[n].Parts[0].Rows[0].What) {
			if !strings.Contains(of.Text, tight(want)) {
				t.Errorf("%q is not in %q", want, of.Text)
			}
		}
	}
}
