package icd

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
)

// An Edition is a set and the days that its publisher made it for, both
// included. CMS publishes one for each 1 October, and changes for 1 April.
type Edition struct {
	Name        string // such as "FY 2026"
	From, Until civil.Day
	Set         *Set
}

// A Book is the editions that are loaded. A later edition takes the place of an
// earlier one from its first day on. The zero Book has none; With adds. A Book
// does not change and is safe for concurrent use.
type Book struct {
	editions []Edition // by From
}

// With returns a book that has e too, in place of one of the same first day.
func (b Book) With(e Edition) (Book, error) {
	if e.Set == nil || e.From.IsZero() || e.Until.Before(e.From) {
		return b, fmt.Errorf("icd: edition %q needs a set, a first day, and a last day that is not before it", e.Name)
	}
	next := slices.DeleteFunc(slices.Clone(b.editions), func(old Edition) bool { return old.From == e.From })
	next = append(next, e)
	slices.SortFunc(next, func(a, b Edition) int { return a.From.Compare(b.From) })
	return Book{next}, nil
}

// On returns the edition in force on a day: the last that began. It reports false
// if all began later. On days after its Until the edition is the newest that is
// loaded, and not the one in force; Lookup says so.
func (b Book) On(day civil.Day) (Edition, bool) {
	for _, e := range slices.Backward(b.editions) {
		if !e.From.After(day) {
			return e, true
		}
	}
	return Edition{}, false
}

// Why is why a code may not be on a claim.
type Why string

// Valid is the zero Why: nothing speaks against the code.
const (
	Valid       Why = ""
	Misshapen   Why = "misshapen" // no code looks so
	Nonexistent Why = "nonexistent"
	Incomplete  Why = "incomplete" // a heading: characters are missing
	NoEdition   Why = "no_edition" // no codes of that day are loaded
)

// A Lookup is what a book says of a code on a day.
type Lookup struct {
	Given   string
	Why     Why
	Entry   Entry   // the code's own, also of a heading
	Nearest []Entry // what may have been meant, best first, if the code is refused
	// Stale is set if the newest edition loaded was made for days before the one
	// asked for: the code was valid then, and a newer edition should be loaded.
	Stale bool
}

// nearest is how many codes a refusal suggests.
const nearest = 5

// Lookup finds a code, written with or without its point, on the date of service:
// it must be in force on that day, and complete to its last character (ICD-10-CM
// Official Guidelines, I.B.2).
func (b Book) Lookup(code string, on civil.Day) Lookup {
	l := Lookup{Given: code}
	c, err := Parse(code)
	if err != nil {
		l.Why = Misshapen
		return l
	}
	e, ok := b.On(on)
	if !ok {
		l.Why = NoEdition
		return l
	}
	l.Stale = on.After(e.Until)
	switch l.Entry, ok = e.Set.Find(c); {
	case !ok:
		l.Why = Nonexistent
	case !l.Entry.Billable:
		l.Why = Incomplete
	default:
		return l
	}
	l.Nearest = e.Set.Nearest(c, nearest)
	return l
}

// Err returns nil for a valid code, and else a fault that says what is wrong with it
// and which codes may have been meant.
func (l Lookup) Err() error {
	var text string
	switch l.Why {
	case Valid:
		return nil
	case Misshapen:
		text = "this is no ICD-10-CM code; give one with its point, such as N30.00"
	case NoEdition:
		text = "no ICD-10-CM codes of that date of service are loaded"
	case Incomplete:
		text = l.Entry.Code.String() + " is a heading and cannot be billed; complete it to the last character" + suggest(l.Nearest)
	case Nonexistent:
		text = "there is no such ICD-10-CM code on that date of service" + suggest(l.Nearest)
	}
	return fault.New(fault.Invalid, "diagnosis", text)
}

func suggest(near []Entry) string {
	var names []string
	for _, e := range near {
		names = append(names, e.Code.String()+" ("+e.Short+")")
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

//go:embed suggested.txt
var suggested []byte

//go:embed words.csv
var wordsFile []byte

// Suggested returns the book that ships: the codes that our protocols suggest,
// with their headings and the codes beside them (the other eye, the other side, the
// later encounter), of the fiscal years 2025 and 2026, in which these did not
// change. It is read once. Descriptions of headings that are over 60 characters
// have a short form of our own.
var Suggested = sync.OnceValues(func() (Book, error) {
	set, err := Read(bytes.NewReader(suggested))
	if err != nil {
		return Book{}, err
	}
	return Book{}.With(Edition{
		Name: "protocols, FY 2025 and 2026", Set: set,
		From: civil.Date(2024, time.October, 1), Until: civil.Date(2026, time.September, 30),
	})
})

// patientWords are the patient's words by code. A line that cannot be read is
// left out, which a test would show.
var patientWords = sync.OnceValue(func() map[Code]string {
	rows, _ := csv.NewReader(bytes.NewReader(wordsFile)).ReadAll()
	words := make(map[Code]string, len(rows))
	for _, r := range rows[min(1, len(rows)):] {
		words[Code(r[0])] = r[1]
	}
	return words
})

// Words returns what a patient is told that a code means, in our own words, such as
// "a bladder infection (UTI) without blood in the urine". It returns "" for a code
// that we have no words for; the official description is then the best there is.
func Words(c Code) string { return patientWords()[c] }
