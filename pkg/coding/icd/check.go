package icd

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
)

// The most diagnoses of a claim and of one of its lines (X12 005010X222A1, HI and
// SV107).
const (
	MaxClaim = 12
	MaxLine  = 4
)

// A Patient is what the edits of sex and age need. Empty or zero is unknown, and
// then an edit asks for nothing.
type Patient struct {
	Sex  string // male or female, as the plan has it
	Born civil.Day
}

// A Finding is something about one diagnosis of a claim, or about their list.
type Finding struct {
	fault.Problem
	// Confirm is set if the claim may be sent once a person has said that it is
	// right; otherwise what is found must be corrected first.
	Confirm bool
}

// Check returns what is to be said of the diagnoses of a claim on its date of
// service, in their order, by JSON pointers below where. None, nothing and no more
// than twelve, codes that are not in force or not complete, and doubles must be
// corrected. What does not go with the patient's sex or age, and a code looked up
// in an edition of another year, are to be confirmed, and so is an unspecified code:
// it is allowed, and payers question it.
func (b Book) Check(where string, codes []string, on civil.Day, p Patient) []Finding {
	var all []Finding
	if n := len(codes); n == 0 || n > MaxClaim {
		all = append(all, wrong(where, "occurrence", fmt.Sprintf("give 1 to %d diagnoses; there are %d", MaxClaim, n)))
	}
	seen := map[Code]bool{}
	for i, given := range codes {
		at := where + "/" + strconv.Itoa(i)
		l := b.Lookup(given, on)
		if err := l.Err(); err != nil {
			all = append(all, wrong(at, string(l.Why), err.Error()))
			continue
		}
		if c := l.Entry.Code; seen[c] {
			all = append(all, wrong(at, "duplicate", c.String()+" is there already; a diagnosis is given once"))
		}
		seen[l.Entry.Code] = true
		all = append(all, l.confirm(at, on, p)...)
	}
	return all
}

// confirm returns what a person should look at in a code that is valid.
func (l Lookup) confirm(at string, on civil.Day, p Patient) []Finding {
	var all []Finding
	name := l.Entry.Code.String()
	if l.Stale {
		all = append(all, doubt(at, "stale", "the codes loaded are of a year before the date of service; load the newer ones, and confirm that "+name+" is still in force"))
	}
	if l.Entry.Unspecified() {
		all = append(all, doubt(at, "unspecified", name+" is an unspecified code; choose a more exact one if more is known"))
	}
	for _, e := range edits() {
		if text := e.against(l.Entry.Code, on, p); text != "" {
			all = append(all, doubt(at, "edit", name+" is for "+e.reason+", and "+text))
		}
	}
	return all
}

// CheckPointers refuses the diagnoses of one line of a claim: 1 to 4 different
// ones, by their place in the claim, counted from 1, of which it has n.
func CheckPointers(where string, pointers []int, n int) []fault.Problem {
	var ps []fault.Problem
	if l := len(pointers); l == 0 || l > MaxLine {
		ps = append(ps, fault.Problem{Where: where, Code: "occurrence", Text: fmt.Sprintf("a line points to 1 to %d diagnoses; there are %d", MaxLine, l)})
	}
	for i, to := range pointers {
		if to < 1 || to > n || slices.Contains(pointers[:i], to) {
			ps = append(ps, fault.Problem{
				Where: where + "/" + strconv.Itoa(i), Code: "range",
				Text: fmt.Sprintf("point once to a diagnosis of the claim, 1 to %d; this is %d", n, to),
			})
		}
	}
	return ps
}

func wrong(where, code, text string) Finding {
	return Finding{Problem: fault.Problem{Where: where, Code: code, Text: text}}
}

func doubt(where, code, text string) Finding {
	return Finding{Problem: fault.Problem{Where: where, Code: code, Text: text}, Confirm: true}
}

// Unspecified reports whether the official description says that the code leaves
// something open that another code would say.
func (e Entry) Unspecified() bool {
	long := strings.ToLower(e.Long)
	return strings.Contains(long, "unspecified") || strings.Contains(long, "not specified")
}

// An edit says whom the codes of a block are for. Sex is empty, and max 0, where
// it says nothing of that.
type edit struct {
	first, last string // categories, both included
	sex         string
	min, max    int // completed years of age
	reason      string
}

//go:embed edits.csv
var editsFile []byte

// edits are the lines of edits.csv; a line that cannot be read is left out, which
// a test would show.
var edits = sync.OnceValue(func() []edit {
	rows, _ := csv.NewReader(bytes.NewReader(editsFile)).ReadAll()
	var all []edit
	for _, r := range rows[min(1, len(rows)):] {
		e := edit{first: r[0], last: r[1], sex: r[2], reason: r[5]}
		e.min, _ = strconv.Atoi(r[3])
		e.max, _ = strconv.Atoi(r[4])
		all = append(all, e)
	}
	return all
})

// against says what of the patient does not go with a code; "" for nothing.
func (e edit) against(c Code, on civil.Day, p Patient) string {
	category := string(c[:3])
	if category < e.first || category > e.last {
		return ""
	}
	if e.sex != "" && p.Sex != "" && p.Sex != e.sex {
		return "the patient's sex on file is " + p.Sex
	}
	if age := on.YearsSince(p.Born); e.max > 0 && !p.Born.IsZero() && (age < e.min || age > e.max) {
		return fmt.Sprintf("the patient is %d years old", age)
	}
	return ""
}
