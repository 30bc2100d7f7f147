package paper_test

import (
	"bytes"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/paper"
)

func of(name string) paper.Sheet {
	return paper.Sheet{
		Title: "Receipt", Made: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
		Facts: []paper.Fact{{Name: "Patient", Lines: []string{name}}},
		Parts: []paper.Part{{
			Heading: "Receipt 4K7M-2P9Q-1", Rows: []paper.Row{{What: "Charged", Note: "2 March 2026", Amount: "$40.00"}}, Sum: paper.Row{What: "Paid", Amount: "$40.00"},
		}},
	}
}

// The same sheet is the same file; another is another. What the files say is asked of another
// maker's reader: infra/local/pdfreader.
func TestDraw_SameIsSame(t *testing.T) {
	t.Parallel()
	file, err := of("Jane").Draw()
	if err != nil || !bytes.HasPrefix(file, []byte("%PDF-")) {
		t.Fatalf("%.10q, %v", file, err)
	}
	for name, same := range map[string]bool{"Jane": true, "June": false} {
		again, err := of(name).Draw()
		if err != nil || bytes.Equal(file, again) != same {
			t.Errorf("drawn for %s: the same is %t, %v", name, !same, err)
		}
	}
}

// Letters that it cannot write as they stand are refused, wherever they are, never left out.
func TestDraw_RefusesWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"محمد", "דוד", "李小龍", "ราตรี", "Jane 🙂", "a\u0315", "Jane\u202eenaJ", "two\nlines", "\x00", "\xff"} {
		note := of("Jane")
		note.Parts[0].Rows[0].Note = name
		for _, s := range []paper.Sheet{of(name), note} {
			file, err := s.Draw()
			f, _ := fault.Public(err)
			if file != nil || f == nil || f.Code != "unwritable" || s.Unwritable() != name {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	for _, name := range []string{"Zoe\u0308", "Ελένη", "Ольга", "Đặng Thị Ngọc", "O’Brien-Śmigły", "José Muñoz, 3º"} {
		if what := of(name).Unwritable(); what != "" {
			t.Errorf("%q cannot be written", what)
		}
	}
}
