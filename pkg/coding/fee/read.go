package fee

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/civil"
)

// dated is rows by their name, each with the days on which it is in force.
type dated[T any] map[string][]rowOf[T]

type rowOf[T any] struct {
	from, until civil.Day // both included
	value       T
	source      string
}

func (d dated[T]) on(name string, day civil.Day) (T, string, bool) {
	for _, r := range d[name] {
		if day.Within(r.from, r.until) {
			return r.value, r.source, true
		}
	}
	var none T
	return none, "", false
}

// maxRows bounds a file; Medicare's schedule has about 19,000 codes.
const maxRows = 100_000

// readDated reads a file called name. Columns are its name's, such as code, and
// those of numbers with their decimal places, such as work/2; besides them a file
// has from, until and source, and perhaps name, which is for people.
func readDated[T any](r io.Reader, name, columns string, build func([]int64) T) (dated[T], error) {
	in := csv.NewReader(r)
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("fee: %s: reading the columns' names: %w", name, err)
	}
	layout, err := newLayout(head, columns)
	if err != nil {
		return nil, fmt.Errorf("fee: %s: %w", name, err)
	}
	all := dated[T]{}
	for range maxRows {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil { // it names its line
			return nil, fmt.Errorf("fee: %s: %w", name, err)
		}
		key, row, err := parseRow(layout, record, build)
		if err == nil {
			err = all.add(key, row)
		}
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("fee: %s, line %d: %w", name, line, err)
		}
	}
	return nil, fmt.Errorf("fee: %s has more than %d rows", name, maxRows-1)
}

// A layout is where a file has which column.
type layout struct {
	key, from, until, source int
	numbers, places          []int
}

func newLayout(head []string, columns string) (layout, error) {
	l := layout{}
	want := strings.Fields(columns)
	known := append(slices.Clone(want), "from", "until", "source", "name")
	for _, h := range head {
		if !slices.ContainsFunc(known, func(k string) bool { return h == column(k) }) {
			return l, fmt.Errorf("column %.40q is not known", h)
		}
	}
	for i, c := range append(want, "from", "until", "source") {
		at := slices.Index(head, column(c))
		if at < 0 {
			return l, fmt.Errorf("column %q is missing", column(c))
		}
		switch {
		case i == 0:
			l.key = at
		case c == "from":
			l.from = at
		case c == "until":
			l.until = at
		case c == "source":
			l.source = at
		default:
			l.numbers = append(l.numbers, at)
			l.places = append(l.places, int(c[len(c)-1]-'0'))
		}
	}
	return l, nil
}

// column returns the name of a column, without its decimal places.
func column(c string) string {
	name, _, _ := strings.Cut(c, "/")
	return name
}

func parseRow[T any](l layout, record []string, build func([]int64) T) (string, rowOf[T], error) {
	var row rowOf[T]
	var err error
	if row.from, err = civil.Parse(record[l.from]); err != nil {
		return "", row, fmt.Errorf("from: %w", err)
	}
	if row.until, err = civil.Parse(record[l.until]); err != nil {
		return "", row, fmt.Errorf("until: %w", err)
	}
	if row.until.Before(row.from) {
		return "", row, fmt.Errorf("%s is before %s", row.until, row.from)
	}
	if row.source = record[l.source]; row.source == "" {
		return "", row, errors.New("name the source")
	}
	var numbers []int64
	for i, at := range l.numbers {
		n, err := parseDecimal(record[at], l.places[i])
		if err != nil {
			return "", row, err
		}
		numbers = append(numbers, n)
	}
	row.value = build(numbers)
	return record[l.key], row, nil
}

func (d dated[T]) add(key string, row rowOf[T]) error {
	for _, other := range d[key] {
		if row.from.Within(other.from, other.until) || other.from.Within(row.from, row.until) {
			return fmt.Errorf("%q is in force twice from %s to %s and from %s to %s", key, other.from, other.until, row.from, row.until)
		}
	}
	d[key] = append(d[key], row)
	return nil
}

// maxWhole bounds the digits before the point: RVUs are below 2,000, factors below
// 100 and indices below 4.
const maxWhole = 4

// parseDecimal reads a number that is not negative as an integer of its last
// place, exactly: 33.4009 of 4 places is 334009. Fewer places are filled up.
func parseDecimal(s string, places int) (int64, error) {
	whole, part, _ := strings.Cut(s, ".")
	if whole == "" || len(whole) > maxWhole || len(part) > places || strings.Trim(whole+part, "0123456789") != "" || strings.HasSuffix(s, ".") {
		return 0, fmt.Errorf("%.20q is no number of up to %d digits, a point and up to %d decimal places", s, maxWhole, places)
	}
	return strconv.ParseInt(whole+part+strings.Repeat("0", places-len(part)), 10, 64)
}

// decimal writes what parseDecimal reads.
func decimal(n int64, places int) string {
	s := fmt.Sprintf("%0*d", places+1, n)
	if places == 0 {
		return s
	}
	return s[:len(s)-places] + "." + s[len(s)-places:]
}
