package registry

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// MaxLines is how many patients one file may have, and MaxFile how many bytes.
const (
	MaxLines = 1000
	MaxFile  = 512 << 10
)

// A Line is a patient of a file. Number is the line of the file on which it begins.
type Line struct {
	Number  int
	Contact identity.Contact
}

// A Preview is what an import of a file would do: its good lines, and what is wrong
// with the others, by line. Nothing is imported of a file of which the head is wrong.
type Preview struct {
	Lines    []Line
	Problems []fault.Problem // Where is a line and a column: "line 12, phone"
}

// Importable returns nil if every line is a patient. Else nothing of the file is to be
// imported: what was wrong is put right, and the file sent again.
func (p Preview) Importable() error {
	switch {
	case len(p.Problems) > 0:
		return fault.New(fault.Invalid, "invalid_file", "some lines need to be put right; nothing was imported", p.Problems...)
	case len(p.Lines) == 0:
		return badFile("empty", "The file has no patients.")
	}
	return nil
}

// A column is what a file may say of a patient.
type column struct {
	name     string
	required bool
	read     func(c *identity.Contact, s string, now time.Time) error
}

// columns are what a file may have. The order of a file's own is free.
var columns = []column{
	{"name", true, readName},
	{"birth", true, func(c *identity.Contact, s string, now time.Time) (err error) {
		c.Birth, err = Birth(s, now)
		return err
	}},
	{"sex", false, readSex},
	{"email", true, readEmail},
	{"phone", false, readPhone},
}

// ReadPatients reads a file of patients as CSV (RFC 4180) in UTF-8, whose first line
// names the columns. A line that repeats an earlier one is a problem of its own.
//
// More than MaxLines or MaxFile is a fault.TooLarge; a file that is no such CSV, or
// whose columns are wrong, a fault.Invalid. Neither error nor preview's problems have a
// word of what the file says.
func ReadPatients(file []byte, now time.Time) (Preview, error) {
	text, err := readable(file)
	if err != nil {
		return Preview{}, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return Preview{}, notCSV(err)
	}
	order, err := readHead(head)
	if err != nil {
		return Preview{}, err
	}
	im := importer{order: order, now: now, seen: map[string]int{}}
	for n := 0; ; n++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return im.Preview, nil
		}
		if err != nil {
			return Preview{}, notCSV(err)
		}
		if n == MaxLines {
			return Preview{}, fault.New(fault.TooLarge, "too_many_lines", fmt.Sprintf("this file has more than %d patients; import it in parts", MaxLines))
		}
		line, _ := r.FieldPos(0)
		im.line(line, fields)
	}
}

// readable returns the text of a file, without its byte order mark.
func readable(file []byte) ([]byte, error) {
	switch {
	case len(file) > MaxFile:
		return nil, fault.New(fault.TooLarge, "too_large", "this file is larger than half a megabyte; import it in parts")
	case bytes.HasPrefix(file, []byte("PK\x03\x04")), bytes.HasPrefix(file, []byte("\xd0\xcf\x11\xe0")):
		return nil, badFile("spreadsheet", "This is a spreadsheet's own file. Save it as CSV in UTF-8 and choose that.")
	case bytes.HasPrefix(file, []byte("\xff\xfe")), bytes.HasPrefix(file, []byte("\xfe\xff")):
		return nil, badFile("encoding", "This file is in UTF-16. Save it as CSV in UTF-8.")
	case !utf8.Valid(file):
		line := 1 + bytes.Count(file[:invalidAt(file)], []byte("\n"))
		return nil, badFile("encoding", fmt.Sprintf("Line %d is not in UTF-8. Save the file as CSV in UTF-8, or letters with accents would be lost.", line))
	case bytes.IndexByte(file, 0) >= 0:
		return nil, badFile("encoding", "This is no text. Save the file as CSV in UTF-8.")
	}
	return bytes.TrimPrefix(file, []byte("\ufeff")), nil
}

func invalidAt(b []byte) int {
	at := 0
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		at += n
	}
	return at
}

func badFile(code, text string) error {
	return fault.New(fault.Invalid, "invalid_file", "this file cannot be imported", fault.Problem{Where: "file", Code: code, Text: text})
}

func notCSV(err error) error {
	if errors.Is(err, io.EOF) {
		return badFile("empty", "The file is empty. Its first line must name the columns: "+columnNames()+".")
	}
	var at *csv.ParseError
	if errors.As(err, &at) {
		return badFile("quotes", fmt.Sprintf("Line %d has a quotation mark that is not closed or not doubled.", at.Line))
	}
	return badFile("csv", "This is no CSV.")
}

// readHead returns which column each field of a line is, as an index of columns.
func readHead(head []string) ([]int, error) {
	var p problems
	var order []int
	if len(head) == 1 && strings.ContainsAny(head[0], ";\t") {
		return nil, badFile("separator", "The columns are not separated by commas. Save the file as CSV with commas.")
	}
	for n, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		where := "column " + strconv.Itoa(n+1)
		p.must(i >= 0, where, "unknown", "This column is not known; the columns are "+columnNames()+".")
		p.must(i < 0 || !slices.Contains(order, i), where, "repeated", "This column is named twice.")
		order = append(order, i)
	}
	for i, c := range columns {
		p.must(!c.required || slices.Contains(order, i), "file", "missing", "The column "+c.name+" is missing.")
	}
	if len(p) > 0 {
		return nil, fault.New(fault.Invalid, "invalid_file", "the first line must name the columns", p...)
	}
	return order, nil
}

func columnNames() string {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// An importer reads the lines of one file.
type importer struct {
	Preview
	order []int
	now   time.Time
	seen  map[string]int // line by who it is about
}

func (im *importer) line(number int, fields []string) {
	var p problems
	line := Line{Number: number}
	where := func(column string) string { return fmt.Sprintf("line %d, %s", number, column) }
	if len(fields) != len(im.order) {
		p.must(false, "line "+strconv.Itoa(number), "fields", fmt.Sprintf("This line has %d fields, and the first line names %d columns.", len(fields), len(im.order)))
		im.Problems = append(im.Problems, p...)
		return
	}
	for n, s := range fields {
		c := columns[im.order[n]]
		s = strings.TrimSpace(s)
		switch {
		case s == "" && c.required:
			p.must(false, where(c.name), "missing", "Every patient needs this.")
		case s != "":
			if err := c.read(&line.Contact, s, im.now); err != nil {
				p.must(false, where(c.name), c.name, sentence(err))
			}
		}
	}
	who := nameKey(line.Contact.Name.Reveal()) + "|" + line.Contact.Birth.Format(time.DateOnly)
	if first, twice := im.seen[who]; twice && len(p) == 0 {
		p.must(false, "line "+strconv.Itoa(number), "repeated", fmt.Sprintf("Name and day of birth are those of line %d.", first))
	}
	if len(p) > 0 {
		im.Problems = append(im.Problems, p...)
		return
	}
	im.seen[who] = number
	im.Lines = append(im.Lines, line)
}

// sentence is an error as a sentence.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// formula are the characters with which a spreadsheet's formula begins. A name or an
// address has no reason to, and who exports the list again would run it.
const formula = "=+-@"

func readName(c *identity.Contact, s string, _ time.Time) error {
	switch {
	case strings.ContainsRune(formula, rune(s[0])):
		return errors.New("a name does not begin with =, +, - or @")
	case !plain(s) || nameKey(s) == "":
		return errors.New("write the whole name in one line of at most 120 characters")
	}
	c.Name = phi.Text(s)
	return nil
}

// sexes are FHIR's administrative genders, and how files abbreviate them.
var sexes = map[string]string{
	"female": "female", "f": "female", "male": "male", "m": "male", "other": "other", "o": "other", "unknown": "unknown", "u": "unknown",
}

func readSex(c *identity.Contact, s string, _ time.Time) error {
	sex, ok := sexes[strings.ToLower(s)]
	if !ok {
		return errors.New("write female, male, other or unknown")
	}
	c.Sex = sex
	return nil
}

func readEmail(c *identity.Contact, s string, _ time.Time) error {
	e, ok := Email(s)
	if !ok || strings.ContainsRune(formula, rune(s[0])) {
		return errors.New("write one e-mail address, such as jane@example.com")
	}
	c.Email = phi.Text(e)
	return nil
}

func readPhone(c *identity.Contact, s string, _ time.Time) error {
	n, ok := Phone(s)
	if !ok {
		return errors.New("write a number that can be called, such as +1 503 555 0100")
	}
	c.Phone = phi.Text(n)
	return nil
}
