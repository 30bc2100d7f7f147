package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/registry"
)

var today = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const head = "name,birth,sex,email,phone\n"

func TestPatientsFile_IsRead(t *testing.T) {
	t.Parallel()
	const file = "\ufeffE-Mail ,Birth,NAME,phone\r\n" +
		"jane@Example.com,1990-04-12,\"O'Neil, Jané\",(503) 555-0101\r\n" +
		"\r\n" +
		"li@example.com,1950-01-01,李小龙,\r\n"
	got, err := registry.ReadPatients([]byte(strings.Replace(file, "E-Mail ", "Email ", 1)), today)
	if err != nil || len(got.Problems) > 0 {
		t.Fatal(err, got.Problems)
	}
	if len(got.Lines) != 2 || got.Lines[0].Number != 2 || got.Lines[1].Number != 4 {
		t.Fatalf("read %d lines: %+v", len(got.Lines), got.Lines)
	}
	c := got.Lines[0].Contact
	if c.Name.Reveal() != "O'Neil, Jané" || c.Email.Reveal() != "jane@example.com" || c.Phone.Reveal() != "+15035550101" || c.Birth.Format(time.DateOnly) != "1990-04-12" {
		t.Errorf("read %q, %q, %q, %s", c.Name.Reveal(), c.Email.Reveal(), c.Phone.Reveal(), c.Birth)
	}
}

func TestPatientsFile_WhatIsWrongIsSaidByLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line string
		want []string // of the problems: where and code
	}{
		"good":                     {"Jane Smith,1990-04-12,female,jane@example.com,503 555 0101", nil},
		"without what may be left": {"Jane Smith,1990-04-12,,jane@example.com,", nil},
		"everything missing":       {",,,,", []string{"line 2, name: missing", "line 2, birth: missing", "line 2, email: missing"}},
		"everything wrong": {"=cmd|' /C calc'!A0,12/04/1990,x,@jane,112", []string{
			"line 2, name: name", "line 2, birth: birth", "line 2, sex: sex", "line 2, email: email", "line 2, phone: phone",
		}},
		"a formula in a name":         {"+Jane,1990-04-12,f,jane@example.com,", []string{"line 2, name: name"}},
		"a formula in an address":     {"Jane,1990-04-12,f,=1+1@example.com,", []string{"line 2, email: email"}},
		"a name of signs":             {"...,1990-04-12,f,jane@example.com,", []string{"line 2, name: name"}},
		"a name with a null shape":    {"Jane\u202e Smith,1990-04-12,f,jane@example.com,", []string{"line 2, name: name"}},
		"born tomorrow":               {"Jane,2026-11-27,f,jane@example.com,", []string{"line 2, birth: birth"}},
		"born today":                  {"Jane,2026-11-26,f,jane@example.com,", nil},
		"born on no day":              {"Jane,2023-02-29,f,jane@example.com,", []string{"line 2, birth: birth"}},
		"born too long ago":           {"Jane,1896-11-25,f,jane@example.com,", []string{"line 2, birth: birth"}},
		"a field too many":            {"Jane,1990-04-12,f,jane@example.com,,x", []string{"line 2: fields"}},
		"a field too few":             {"Jane,1990-04-12,f,jane@example.com", []string{"line 2: fields"}},
		"the same person once more":   {"Jane Smith,1990-04-12,,a@example.com,\nSMITH Jane,1990-04-12,,b@example.com,", []string{"line 3: repeated"}},
		"a line over two lines":       {"\"Jane\nSmith\",1990-04-12,,a@example.com,\nBob,1990-04-12,,b@example,", []string{"line 2, name: name", "line 4, email: email"}},
		"a bad line is no first line": {"Jane,1990-04-12,,a@,\nJane,1990-04-12,,a@example.com,", []string{"line 2, email: email"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := registry.ReadPatients([]byte(head+test.line+"\n"), today)
			if err != nil {
				t.Fatal(err)
			}
			var problems []string
			for _, p := range got.Problems {
				problems = append(problems, p.Where+": "+p.Code)
				if strings.Contains(p.Text, "Jane") || strings.Contains(p.Text, "calc") || !strings.HasSuffix(p.Text, ".") {
					t.Errorf("a problem repeats the file, or is no sentence: %q", p.Text)
				}
			}
			if !slices.Equal(problems, test.want) {
				t.Errorf("said %v, want %v", problems, test.want)
			}
			if len(test.want) == 0 && len(got.Lines) != 1 {
				t.Errorf("%d lines are good, want 1", len(got.Lines))
			}
		})
	}
}

func TestPatientsFile_FileThatIsNone(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var b strings.Builder
		b.WriteString(head)
		for i := range n {
			fmt.Fprintf(&b, "Patient %d,1990-04-12,,p%d@example.com,\n", i, i)
		}
		return b.String()
	}
	if got, err := registry.ReadPatients([]byte(many(registry.MaxLines)), today); err != nil || len(got.Lines) != registry.MaxLines {
		t.Errorf("%d lines are read as %d: %v", registry.MaxLines, len(got.Lines), err)
	}
	for name, test := range map[string]struct {
		file string
		kind fault.Kind
		says string
	}{
		"a line too many":    {many(registry.MaxLines + 1), fault.TooLarge, "1000 patients"},
		"a byte too many":    {strings.Repeat("x", registry.MaxFile+1), fault.TooLarge, "megabyte"},
		"nothing":            {"", fault.Invalid, "empty"},
		"a mark and nothing": {"\ufeff", fault.Invalid, "empty"},
		"semicolons":         {"name;birth;email\nJane;1990-04-12;a@b.example\n", fault.Invalid, "commas"},
		"tabs":               {"name\tbirth\temail\n", fault.Invalid, "commas"},
		"Latin-1":            {head + "Jane,1990-04-12,,a@b.example,\nJos\xe9,1990-04-12,,b@b.example,\n", fault.Invalid, "Line 3 is not in UTF-8"},
		"UTF-16":             {"\xff\xfen\x00a\x00m\x00e\x00", fault.Invalid, "UTF-16"},
		"a spreadsheet":      {"PK\x03\x04\x14\x00", fault.Invalid, "spreadsheet"},
		"a null":             {head + "Ja\x00ne,1990-04-12,,a@b.example,\n", fault.Invalid, "no text"},
		"an open quote":      {head + "\"Jane,1990-04-12,,a@b.example,\n", fault.Invalid, "quotation mark"},
		"a column missing":   {"name,birth\nJane,1990-04-12\n", fault.Invalid, "email is missing"},
		"a column twice":     {"name,birth,email,name\n", fault.Invalid, "named twice"},
		"a column unknown":   {"name,birth,email,ssn\n", fault.Invalid, "not known"},
		"no head":            {"Jane,1990-04-12,f,a@b.example,\n", fault.Invalid, "name is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := registry.ReadPatients([]byte(test.file), today)
			f, ok := fault.Public(err)
			if !ok || !errors.Is(err, test.kind) || len(got.Lines) > 0 {
				t.Fatalf("read %d lines: %v", len(got.Lines), err)
			}
			said := f.Text
			for _, p := range f.Problems {
				said += " " + p.Text
			}
			if !strings.Contains(said, test.says) {
				t.Errorf("said %q, want %q", said, test.says)
			}
		})
	}
}

func FuzzPatientsFile_AnyBytes(f *testing.F) {
	f.Add([]byte(head + "Jane,1990-04-12,f,jane@example.com,503 555 0101\n"))
	f.Add([]byte("\ufeffname,birth,email\n\"a\"\"b\",1990-04-12,a@b.example\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := registry.ReadPatients(file, today)
		if err != nil {
			if _, ok := fault.Public(err); !ok {
				t.Fatalf("refused without words: %v", err)
			}
			return
		}
		for _, l := range got.Lines {
			c := l.Contact
			if c.Name.Blank() || c.Birth.IsZero() || c.Email.Blank() || l.Number < 2 {
				t.Fatalf("line %d is taken without name, birth or address", l.Number)
			}
			if _, ok := registry.Email(c.Email.Reveal()); !ok {
				t.Fatalf("line %d has an address that is none", l.Number)
			}
		}
	})
}
