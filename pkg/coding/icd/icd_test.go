package icd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/civil"
	"evisit/pkg/coding/icd"
	"evisit/pkg/fault"
)

func day(t testing.TB, s string) civil.Day {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func suggested(t testing.TB) icd.Book {
	t.Helper()
	b, err := icd.Suggested()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// line prints an entry as a line of CMS's order file.
func line(n int, code string, flag int, short, long string) string {
	return fmt.Sprintf("%05d %-7s %d %-60s %s\n", n, code, flag, short, long)
}

func read(t testing.TB, lines ...string) *icd.Set {
	t.Helper()
	s, err := icd.Read(strings.NewReader(strings.Join(lines, "")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func codes(entries []icd.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Code.String())
	}
	return all
}

func TestParse_WithAndWithoutThePoint(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"N30.00": "N30.00", "n3000": "N30.00", " s39.012a ": "S39.012A", "I10": "I10", "F32.A": "F32.A", "C7A.00": "C7A.00",
		"":   "",
		"N3": "", "30.00": "", "N.3000": "", "N30.": "", "N3.000": "", "N30.00000": "", "N30 00": "", "N30.0.0": "", "NN0": "", "Ñ30": "", "N30.0é": "",
	} {
		c, err := icd.Parse(given)
		if c.String() != want || (err == nil) != (want != "") {
			t.Errorf("%q is read as %q (%v), want %q", given, c, err, want)
		}
	}
}

// A claim carries no point, which validators of structure do not notice.
func TestParseBare_RefusesThePoint(t *testing.T) {
	t.Parallel()
	if c, err := icd.ParseBare("N3000"); c != "N3000" || err != nil {
		t.Errorf("N3000 is read as %q (%v)", c, err)
	}
	for _, s := range []string{"N30.00", "n3000", "", "N3000 "} {
		if c, err := icd.ParseBare(s); err == nil {
			t.Errorf("%q is read as %q", s, c)
		}
	}
}

func TestRead_EntriesAsWritten(t *testing.T) {
	t.Parallel()
	s := read(t,
		"\ufeff"+line(1, "H810", 0, "Meniere's disease", "Ménière's disease"),
		strings.TrimSuffix(line(2, "H8101", 1, "Meniere's disease, right ear", "Ménière's disease, right ear"), "\n")+"\r\n",
		line(7, "I10", 1, "Essential (primary) hypertension", "Essential (primary) hypertension"),
		"00009 H8102   1 Meniere's disease, left ear                                  M\xe9ni\xe8re's disease, left ear\n")
	for _, want := range []icd.Entry{
		{Code: "H810", Short: "Meniere's disease", Long: "Ménière's disease"},
		{Code: "H8101", Billable: true, Short: "Meniere's disease, right ear", Long: "Ménière's disease, right ear"},
		{Code: "H8102", Billable: true, Short: "Meniere's disease, left ear", Long: "Ménière's disease, left ear"},
		{Code: "I10", Billable: true, Short: "Essential (primary) hypertension", Long: "Essential (primary) hypertension"},
	} {
		if got, ok := s.Find(want.Code); !ok || got != want {
			t.Errorf("%s: %+v", want.Code, got)
		}
	}
	if s.Len() != 4 {
		t.Errorf("%d lines", s.Len())
	}
}

func TestRead_Refusals(t *testing.T) {
	t.Parallel()
	good := line(1, "N30", 0, "Cystitis", "Cystitis")
	for name, c := range map[string]struct{ file, says string }{
		"nothing":                 {"", "no line"},
		"an empty line":           {good + "\n", "line 2: columns 1 to 5"},
		"another file":            {"N3000  Acute cystitis without hematuria\n", "line 1: columns 1 to 5"},
		"a page":                  {"<!DOCTYPE html>\n", "line 1"},
		"a dotted code":           {line(1, "N30.0", 1, "x", "x"), "columns 7 to 13"},
		"another flag":            {line(1, "N30", 2, "x", "x"), "column 15"},
		"a line cut short":        {good[:40], "column 77"},
		"no long description":     {good[:77] + "\n", "descriptions"},
		"a shifted column":        {"00001  N30     0 Cystitis\n", "columns 7 to 13"},
		"a code twice":            {good + line(2, "N30", 0, "Cystitis", "Cystitis"), "N30 is there twice"},
		"a number twice":          {good + line(1, "N300", 0, "x", "x"), "line 2: number 00001 does not follow"},
		"billable and continued":  {line(1, "N30", 1, "x", "x") + line(2, "N300", 1, "x", "x"), "N30 is said to be complete, and N30.0 continues it"},
		"a line that never ends":  {good + strings.Repeat("0", 1<<20), "line 2 is longer"},
		"a NUL in the code":       {line(1, "N30\x00", 1, "x", "x"), "columns 7 to 13"},
		"numbers without a zero":  {"    1 N30     0 x\n", "columns 1 to 5"},
		"text over the separator": {line(1, "N30", 0, strings.Repeat("x", 61), "x"), "column 77"},
	} {
		s, err := icd.Read(strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v, want %q", name, s, err, c.says)
		}
	}
}

// A reader that fails is not a file that ended.
func TestRead_FailureIsNotTheEnd(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	r := io.MultiReader(strings.NewReader(line(1, "I10", 1, "x", "x")), &failing{lost})
	if s, err := icd.Read(r); !errors.Is(err, lost) {
		t.Errorf("%v, %v", s, err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// year writes a file as large as a year's: n lines in which every third is a heading.
func year(n int) *bytes.Buffer {
	var b bytes.Buffer
	for i := range n {
		code := fmt.Sprintf("%c%02d%03d", 'A'+i/10000, i/100%100, i%100*10+5)
		long := fmt.Sprintf("Displaced comminuted fracture number %d of a bone with a name that is as long as they are, subsequent encounter", i)
		b.WriteString(line(i+1, code, 1, long[:60], long))
	}
	return &b
}

// A whole year, 98,000 lines, is held in 25 MB, and reading it takes little more
// than that, whatever is read at once.
func TestRead_YearInBoundedMemory(t *testing.T) {
	file := year(98_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := icd.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 25<<20 {
		t.Errorf("a year is held in %d bytes", held)
	}
	if made := after.TotalAlloc - before.TotalAlloc; made > 200<<20 {
		t.Errorf("reading a year allocates %d bytes", made)
	}
	if s.Len() != 98_000 {
		t.Errorf("%d lines", s.Len())
	}
	if got := codes(s.Search("fracture 4242", 3)); !slices.Equal(got, []string{"A42.425", "E24.205", "E24.215"}) { // 4242, 42420 and 42421
		t.Errorf("found %v", got)
	}
}

func BenchmarkSet_SearchYear(b *testing.B) {
	s, err := icd.Read(year(98_000))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Search("fracture subsequent 4242", 10)
	}
}

func TestSearch_BestFirst(t *testing.T) {
	t.Parallel()
	e, _ := suggested(t).On(day(t, "2026-01-14"))
	for query, want := range map[string][]string{
		"N30.00":                         {"N30.00"},
		"n30":                            {"N30.00", "N30.01"},
		"cystitis":                       {"N30.01", "N30.00"}, // "with" is shorter than "without"
		"cystitis without":               {"N30.00"},
		"hematuria, ACUTE":               {"N30.01", "N30.00"},
		"bladder infection":              {"N30.01", "N30.00"}, // the patient's words
		"uti":                            {"N30.01", "N30.00", "N39.0"},
		"conjunctivitis bilateral atop":  {"H10.13"},
		"conj left":                      {"H10.12", "H10.32", "H10.022"},
		"back pain low":                  {"M54.59", "M54.50", "M54.51", "M54.42", "M54.41", "M54.40"},
		"hypertension":                   {"I10", "R03.0"},
		"tension":                        nil, // no word begins so
		"N30.0":                          {"N30.00", "N30.01"},
		"":                               nil,
		"~*:^":                           nil,
		"cystitis fracture":              nil,
		"z":                              {"Z76.0", "Z13.31", "Z02.79", "Z02.89", "B02.9"},
		"lumbago with sciatica, right s": {"M54.41"},
	} {
		got := codes(e.Set.Search(query, 6))
		if query == "z" {
			slices.Sort(got)
			slices.Sort(want)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", query, d)
		}
	}
	if got := e.Set.Search("i", 2); len(got) != 2 {
		t.Errorf("a limit of 2 finds %d", len(got))
	}
	if got := e.Set.Search("i", -1); got != nil {
		t.Errorf("a limit of -1 finds %d", len(got))
	}
}

func TestLookup_RefusedWithTheNearest(t *testing.T) {
	t.Parallel()
	b := suggested(t)
	for _, c := range []struct {
		name, code, on string
		why            icd.Why
		nearest        []string
		stale          bool
	}{
		{name: "valid", code: "N30.00", on: "2026-01-14"},
		{name: "valid without its point", code: "n3000", on: "2026-01-14"},
		{name: "the seventh character is missing", code: "S39.012", on: "2026-01-14", why: icd.Incomplete, nearest: []string{"S39.012A", "S39.012D", "S39.012S"}},
		{name: "the side is missing", code: "M54.4", on: "2026-01-14", why: icd.Incomplete, nearest: []string{"M54.40", "M54.41", "M54.42"}},
		{name: "a category", code: "N30", on: "2026-01-14", why: icd.Incomplete, nearest: []string{"N30.00", "N30.01"}},
		{name: "a letter for a digit", code: "N3O.00", on: "2026-01-14", why: icd.Nonexistent, nearest: []string{"N30.00", "N30.01"}},
		{name: "swapped", code: "M45.50", on: "2026-01-14", why: icd.Nonexistent, nearest: []string{"M54.50", "M54.40", "M54.51", "M54.59"}},
		{name: "a character too many", code: "I10.0", on: "2026-01-14", why: icd.Nonexistent, nearest: []string{"I10"}},
		{name: "nothing is near", code: "Q99.9", on: "2026-01-14", why: icd.Nonexistent},
		{name: "no shape", code: "cystitis", on: "2026-01-14", why: icd.Misshapen},
		{name: "nothing", on: "2026-01-14", why: icd.Misshapen},
		{name: "the first day", code: "I10", on: "2024-10-01"},
		{name: "the day before it", code: "I10", on: "2024-09-30", why: icd.NoEdition},
		{name: "the last day", code: "I10", on: "2026-09-30"},
		{name: "the day after it", code: "I10", on: "2026-10-01", stale: true},
	} {
		l := b.Lookup(c.code, day(t, c.on))
		near := codes(l.Nearest)
		if c.why == icd.Nonexistent && len(c.nearest) > 0 && len(near) > len(c.nearest) {
			near = near[:len(c.nearest)]
		}
		if l.Why != c.why || l.Stale != c.stale {
			t.Errorf("%s: %q, stale %t", c.name, l.Why, l.Stale)
		}
		if d := cmp.Diff(c.nearest, near); d != "" {
			t.Errorf("%s: nearest (-want +got):\n%s", c.name, d)
		}
		if err := l.Err(); (err == nil) != (c.why == icd.Valid) || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, n := range c.nearest {
			if !strings.Contains(l.Err().Error(), n+" (") {
				t.Errorf("%s: %v does not name %s", c.name, l.Err(), n)
			}
		}
	}
}

// The set changes at midnight of 1 October, and not when it is loaded: a code that
// a year drops is valid the day before, and the order of loading is nothing.
func TestBook_EditionOfTheDateOfService(t *testing.T) {
	t.Parallel()
	old := icd.Edition{Name: "2021", From: day(t, "2020-10-01"), Until: day(t, "2021-09-30"), Set: read(t, line(1, "M545", 1, "Low back pain", "Low back pain"))}
	next := icd.Edition{Name: "2022", From: day(t, "2021-10-01"), Until: day(t, "2022-09-30"), Set: read(t,
		line(1, "M545", 0, "Low back pain", "Low back pain"), line(2, "M5450", 1, "Low back pain, unspecified", "Low back pain, unspecified"))}
	for _, order := range [][]icd.Edition{{old, next}, {next, old}, {next, old, next}} {
		var b icd.Book
		for _, e := range order {
			var err error
			if b, err = b.With(e); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			code, on string
			want     icd.Why
		}{
			{"M54.5", "2021-09-30", icd.Valid},
			{"M54.5", "2021-10-01", icd.Incomplete},
			{"M54.50", "2021-09-30", icd.Nonexistent},
			{"M54.50", "2021-10-01", icd.Valid},
			{"M54.50", "2020-09-30", icd.NoEdition},
		} {
			if got := b.Lookup(c.code, day(t, c.on)).Why; got != c.want {
				t.Errorf("%s on %s: %q, want %q", c.code, c.on, got, c.want)
			}
		}
	}
	for name, e := range map[string]icd.Edition{
		"no set":        {From: old.From, Until: old.Until},
		"no days":       {Set: old.Set},
		"ends too soon": {From: old.Until, Until: old.From, Set: old.Set},
	} {
		if _, err := (icd.Book{}).With(e); err == nil {
			t.Errorf("an edition with %s is taken", name)
		}
	}
}

// What the protocols suggest can be billed as it is, and is told in words; every
// code that ships has words, and no words are of a code that does not.
func TestSuggested_ProtocolsAndWords(t *testing.T) {
	t.Parallel()
	b := suggested(t)
	on := day(t, "2026-01-14")
	files, err := filepath.Glob("../../library/protocols/*.json")
	if err != nil || len(files) != 10 {
		t.Fatalf("%d forms (%v)", len(files), err)
	}
	found := 0
	for _, file := range files {
		for _, code := range suggestions(t, file) {
			found++
			if l := b.Lookup(code, on); l.Why != icd.Valid || icd.Words(l.Entry.Code) == "" {
				t.Errorf("%s suggests %s: %q, %q", filepath.Base(file), code, l.Why, icd.Words(l.Entry.Code))
			}
		}
	}
	if found < 34 {
		t.Errorf("only %d suggestions were read", found)
	}
	e, _ := b.On(on)
	billable := 0
	for first := 'A'; first <= 'Z'; first++ {
		for _, entry := range e.Set.Search(string(first), 1000) {
			if entry.Code[0] != byte(first) {
				continue
			}
			billable++
			words := icd.Words(entry.Code)
			if words == "" || strings.EqualFold(words, entry.Long) && entry.Code != "R21" {
				t.Errorf("%s, %s: the patient is told %q", entry.Code, entry.Long, words)
			}
		}
	}
	if rows, err := os.ReadFile("words.csv"); err != nil || bytes.Count(rows, []byte("\n")) != billable+1 {
		t.Errorf("there are words for other codes than the %d that ship (%v)", billable, err)
	}
}

func suggestions(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var form struct {
		Extension []struct {
			Value struct {
				System string `json:"system"`
				Code   string `json:"code"`
			} `json:"valueCoding"`
		} `json:"extension"`
	}
	if err := json.Unmarshal(text, &form); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range form.Extension {
		if strings.HasSuffix(e.Value.System, "icd-10-cm") {
			all = append(all, e.Value.Code)
		}
	}
	return all
}

func TestCheck_Diagnoses(t *testing.T) {
	t.Parallel()
	b := suggested(t)
	on := day(t, "2026-01-14")
	extra := icd.Edition{Name: "with edits", From: day(t, "2025-10-01"), Until: day(t, "2026-09-30"), Set: read(t,
		line(1, "N410", 1, "Acute prostatitis", "Acute prostatitis"),
		line(2, "N760", 1, "Acute vaginitis", "Acute vaginitis"),
		line(3, "O2341", 1, "Infection of urinary tract in pregnancy", "Infection of urinary tract in pregnancy, first trimester"))}
	edits, err := b.With(extra)
	if err != nil {
		t.Fatal(err)
	}
	twelve := []string{"N30.00", "R30.0", "I10", "E11.9", "J20.9"[:4] + "9", "L50.9"[:5], "L70.0", "R21", "N30.01", "Z76.0", "Z02.79", "Z02.89"}
	for _, c := range []struct {
		name    string
		book    icd.Book
		codes   []string
		patient icd.Patient
		want    []string // where, code, and ? if to be confirmed
	}{
		{name: "one", codes: []string{"N30.00"}},
		{name: "none", want: []string{"/diagnoses occurrence"}},
		{name: "twelve", codes: twelve, want: []string{"/diagnoses/4 unspecified ?", "/diagnoses/5 unspecified ?"}},
		{name: "thirteen", codes: append(slices.Clone(twelve), "M54.41"), want: []string{"/diagnoses occurrence", "/diagnoses/4 unspecified ?", "/diagnoses/5 unspecified ?"}},
		{name: "a heading", codes: []string{"I10", "N30.0"}, want: []string{"/diagnoses/1 incomplete"}},
		{name: "none such", codes: []string{"N30.09"}, want: []string{"/diagnoses/0 nonexistent"}},
		{name: "no code", codes: []string{"a cold"}, want: []string{"/diagnoses/0 misshapen"}},
		{name: "a double", codes: []string{"I10", "i10"}, want: []string{"/diagnoses/1 duplicate"}},
		{name: "site not specified", codes: []string{"N39.0"}, want: []string{"/diagnoses/0 unspecified ?"}},
		{name: "a man's", book: edits, codes: []string{"N41.0"}, patient: icd.Patient{Sex: "male"}},
		{name: "a man's, of a woman", book: edits, codes: []string{"N41.0"}, patient: icd.Patient{Sex: "female"}, want: []string{"/diagnoses/0 edit ?"}},
		{name: "a man's, of we do not know whom", book: edits, codes: []string{"N41.0"}},
		{name: "a woman's, of a man", book: edits, codes: []string{"N76.0"}, patient: icd.Patient{Sex: "male"}, want: []string{"/diagnoses/0 edit ?"}},
		{name: "pregnant at 9", book: edits, codes: []string{"O23.41"}, patient: icd.Patient{Sex: "female", Born: day(t, "2017-01-14")}},
		{name: "pregnant the day before", book: edits, codes: []string{"O23.41"}, patient: icd.Patient{Sex: "female", Born: day(t, "2017-01-15")}, want: []string{"/diagnoses/0 edit ?"}},
		{name: "pregnant at 64", book: edits, codes: []string{"O23.41"}, patient: icd.Patient{Born: day(t, "1961-01-15")}},
		{name: "pregnant at 65", book: edits, codes: []string{"O23.41"}, patient: icd.Patient{Born: day(t, "1961-01-14")}, want: []string{"/diagnoses/0 edit ?"}},
	} {
		book := b
		if c.book.Lookup("N41.0", on).Why == icd.Valid {
			book = c.book
		}
		var got []string
		for _, f := range book.Check("/diagnoses", c.codes, on, c.patient) {
			text := f.Where + " " + f.Code
			if f.Confirm {
				text += " ?"
			}
			got = append(got, text)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
	stale := b.Check("/d", []string{"I10"}, day(t, "2026-10-01"), icd.Patient{})
	if len(stale) != 1 || stale[0].Code != "stale" || !stale[0].Confirm {
		t.Errorf("with an edition of the year before: %+v", stale)
	}
}

func TestCheckPointers_OneToFour(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		pointers []int
		of, want int
	}{
		{"one", []int{1}, 1, 0},
		{"four", []int{4, 3, 2, 1}, 12, 0},
		{"none", nil, 1, 1},
		{"five", []int{1, 2, 3, 4, 5}, 12, 1},
		{"none such", []int{2}, 1, 1},
		{"zero", []int{0}, 1, 1},
		{"twice", []int{1, 1}, 2, 1},
	} {
		if got := icd.CheckPointers("/lines/0/pointers", c.pointers, c.of); len(got) != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// If a file is read, each of its entries printed in the file's shape is read as
// the same entry: the reader loses nothing, and takes nothing for something else.
func FuzzRead_PrintsTheSame(f *testing.F) {
	if file, err := os.ReadFile("suggested.txt"); err == nil {
		f.Add(file[:400])
	}
	f.Add([]byte(line(1, "H8101", 1, "Meniere's disease", "Ménière's disease")))
	f.Add([]byte("00009 H8102   1 Meniere's disease                                            M\xe9ni\xe8re's disease\r\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := icd.Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		lines := bytes.Split(bytes.TrimSuffix(bytes.TrimPrefix(file, []byte("\ufeff")), []byte("\n")), []byte("\n"))
		if len(lines) != s.Len() {
			t.Fatalf("%d lines are %d entries", len(lines), s.Len())
		}
		for n, l := range lines {
			e, ok := s.Find(icd.Code(bytes.TrimRight(l[6:13], " ")))
			if !ok {
				t.Fatalf("line %d is not found", n+1)
			}
			flag := 0
			if e.Billable {
				flag = 1
			}
			again := read(t, line(n+1, string(e.Code), flag, e.Short, e.Long))
			if got, _ := again.Find(e.Code); got != e {
				t.Fatalf("%+v is printed and read as %+v", e, got)
			}
		}
	})
}

// Nothing that is asked for breaks a lookup or a search, and what either offers is billable.
func FuzzBook_AnyQuestion(f *testing.F) {
	f.Add("N30.00")
	f.Add("mén\xff 30")
	f.Fuzz(func(t *testing.T, q string) {
		b := suggested(t)
		on := civil.Date(2026, time.January, 14)
		e, _ := b.On(on)
		for _, found := range append(e.Set.Search(q, 5), b.Lookup(q, on).Nearest...) {
			if !found.Billable {
				t.Fatalf("%q finds the heading %s", q, found.Code)
			}
		}
	})
}
