package statement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
)

// A Period is a span of days, both included.
type Period struct{ From, Through civil.Day }

// LongestPeriod is the most days that a period has: a leap year.
const LongestPeriod = 366

// firstDay is before all money of every practice.
var firstDay = civil.Date(2000, time.January, 1)

// Month returns the month that day is of.
func Month(day civil.Day) Period {
	year, month, _ := day.Start(time.UTC).Date()
	return Period{civil.Date(year, month, 1), civil.Date(year, month+1, 0)}
}

// Year returns the year that day is of.
func Year(day civil.Day) Period {
	year := day.Start(time.UTC).Year()
	return Period{civil.Date(year, time.January, 1), civil.Date(year, time.December, 31)}
}

// A Question is what somebody asks of the books, as it was written: of a period and, where one is
// given, of the entries of a figure, a way, a kind, a form, a clinician and a payer alone.
type Question struct{ From, To, Figure, Way, Kind, Form, Clinician, Payer string }

// Read returns what is asked for on the day today: of the current month if neither day is given.
// Every problem is told at once, in a fault.Invalid.
func (q Question) Read(today civil.Day) (Period, Filter, error) {
	p, wrong := q.period(today)
	only := Filter{Figure(q.Figure), Way(q.Way), ledger.Kind(q.Kind), q.Form, q.Clinician, q.Payer}
	if only.Figure != "" && !slices.Contains(Figures, only.Figure) {
		wrong = append(wrong, fault.Problem{Where: "figure", Code: "oneof", Text: "one of: " + listed(Figures)})
	}
	if only.Way != "" && !slices.Contains(Ways, only.Way) {
		wrong = append(wrong, fault.Problem{Where: "way", Code: "oneof", Text: "one of: " + listed(Ways)})
	}
	if len(wrong) > 0 {
		return Period{}, Filter{}, fault.New(fault.Invalid, "invalid_request", "some parameters need to be put right", wrong...)
	}
	return p, only, nil
}

func listed[T ~string](all []T) string {
	var names []string
	for _, one := range all {
		names = append(names, string(one))
	}
	return strings.Join(names, ", ")
}

func (q Question) period(today civil.Day) (Period, []fault.Problem) {
	if q.From == "" && q.To == "" {
		return Month(today), nil
	}
	from, wrong := readDay("from", q.From, today)
	through, more := readDay("to", q.To, today)
	switch wrong = append(wrong, more...); {
	case len(wrong) > 0:
	case through.Before(from):
		wrong = append(wrong, fault.Problem{Where: "to", Code: "range", Text: "the last day is before the first"})
	case through.Since(from) >= LongestPeriod:
		wrong = append(wrong, fault.Problem{Where: "to", Code: "range", Text: fmt.Sprintf("at most %d days from the first to the last", LongestPeriod)})
	}
	return Period{from, through}, wrong
}

func readDay(name, text string, today civil.Day) (civil.Day, []fault.Problem) {
	day, err := civil.Parse(text)
	switch {
	case text == "":
		return day, []fault.Problem{{Where: name, Code: "required", Text: "give the period's first day and its last, or neither for the current month"}}
	case err != nil:
		return day, []fault.Problem{{Where: name, Code: "date", Text: "write the day as 2026-04-12: year, month, day"}}
	case !day.Within(firstDay, Year(today).Through):
		return day, []fault.Problem{{Where: name, Code: "range", Text: "a day from " + firstDay.String() + " to the end of this year"}}
	}
	return day, nil
}

// A Filter is what entries have in common that somebody asks for; its empty fields are any.
type Filter struct {
	Figure Figure
	Way    Way
	Kind   ledger.Kind
	// Form is a form's name, and Clinician a person's id; each may be Unnamed.
	Form, Clinician string
	Payer           string // a payer's id
}

// Has reports whether e is asked for. An entry is of a figure if it has a part of it.
func (f Filter) Has(e ledger.Entry) bool {
	_, part := SumsOf(e)[f.Figure]
	return (f.Figure == "" || part) && (f.Way == "" || WayOf(e) == f.Way) && (f.Kind == "" || e.Kind == f.Kind) &&
		(f.Form == "" || FormOf(e) == f.Form) && (f.Clinician == "" || ClinicianOf(e) == f.Clinician) && (f.Payer == "" || PayerOf(e) == f.Payer)
}

// Bounds returns the first instant of p in zone, and the first after it.
func (p Period) Bounds(zone *time.Location) (from, to time.Time) {
	return p.From.Start(zone), p.Through.AddDays(1).Start(zone)
}

// String writes p as 2026-04-01/2026-04-30, as ISO 8601 does.
func (p Period) String() string { return p.From.String() + "/" + p.Through.String() }
