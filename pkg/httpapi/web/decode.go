package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/intake"
)

// A field of a posted form has the name of its item, uti-temp, and inside a row of
// a repeating group also the row's number, bp-sys@2. The field rows:bp counts the
// rows drawn. The field allergy-reaction~@1 holds what is written beside the
// options of an open choice.

const (
	rowsField   = "rows:"  // number of rows drawn of a group
	addField    = "add"    // the group that is to get another row
	removeField = "remove" // the row that is to go: its group and its number, bp@2
	shownField  = "shown"  // each field that was drawn

	// The bounds where a form sets none of its own.
	maxRows   = 50
	maxValues = 50
)

// A post is the answers of one page as a browser sent them.
type post struct {
	values url.Values
	zone   *time.Location // of dates with a time
}

// answers reads every item of a page. An item without an answer is listed too, so
// that an earlier answer is cleared. A text that cannot be read as the item's type
// is kept as written, for intake to refuse and the page to show again.
func (p post) answers(items []*intake.Item) intake.Response {
	var r intake.Response
	for _, it := range items {
		entries := p.item(it, "")
		if len(entries) == 0 && asked(it) {
			entries = []intake.Entry{{LinkID: it.LinkID}}
		}
		r.Items = append(r.Items, entries...)
	}
	return r
}

// asked reports whether a page has fields for the item. Files cannot be sent yet;
// a computed item and a display item have none.
func asked(it *intake.Item) bool {
	return it.Type != intake.Upload && it.Asked()
}

func (p post) item(it *intake.Item, row string) []intake.Entry {
	switch {
	case !asked(it):
		return nil
	case it.Type == intake.Group && it.Repeats:
		var rows []intake.Entry
		gone := p.values.Get(removeField)
		for n := range p.rows(it, row) {
			if in := within(row, n+1); it.LinkID+in != gone {
				rows = append(rows, p.group(it, in)...)
			}
		}
		return rows
	case it.Type == intake.Group:
		return p.group(it, row)
	}
	vs := p.question(it, row)
	if len(vs) == 0 {
		return nil
	}
	e := intake.Ask(it.LinkID, vs...)
	for i := range e.Answers {
		a := &e.Answers[i]
		for _, child := range it.Inner() {
			a.Items = append(a.Items, p.item(child, under(it, a.Value, row))...)
		}
	}
	return []intake.Entry{e}
}

// group reads one row; an empty one is left out.
func (p post) group(it *intake.Item, row string) []intake.Entry {
	var inner []intake.Entry
	for _, child := range it.Items {
		inner = append(inner, p.item(child, row)...)
	}
	if len(inner) == 0 {
		return nil
	}
	return []intake.Entry{intake.Row(it.LinkID, inner...)}
}

// rows is how many rows of a group the page had, within what a page draws.
func (p post) rows(it *intake.Item, row string) int {
	n, err := strconv.Atoi(p.values.Get(rowsField + it.LinkID + row))
	if err != nil || n < 0 {
		return 0
	}
	return min(n, mostRows(it))
}

func mostRows(it *intake.Item) int {
	if it.MaxOccurs > 0 {
		return min(it.MaxOccurs, maxRows)
	}
	return maxRows
}

// under names the row of what is asked under an answer to a question in the row.
func under(it *intake.Item, v intake.Value, row string) string {
	if !it.Repeats {
		return row
	}
	return within(row, it.AnswerRow(v))
}

// within names row n inside row: @2, or @2.3 for a row in a row.
func within(row string, n int) string {
	if row == "" {
		return "@" + strconv.Itoa(n)
	}
	return row + "." + strconv.Itoa(n)
}

func (p post) question(it *intake.Item, row string) []intake.Value {
	if it.Type == intake.QuantityQ {
		return p.quantities(it, row)
	}
	texts := p.texts(it.LinkID + row)
	if len(it.Options) > 0 {
		texts = inOrder(it, texts)
	}
	var vs []intake.Value
	for _, s := range texts {
		vs = append(vs, p.value(it, s))
	}
	if it.Type == intake.OpenChoice {
		for _, s := range p.texts(it.LinkID + "~" + row) {
			vs = append(vs, intake.String(s))
		}
	}
	return vs
}

// quantities reads numbers, each with the unit chosen beside it or the one that the
// question has.
func (p post) quantities(it *intake.Item, row string) []intake.Value {
	var vs []intake.Value
	chosen := p.values[it.LinkID+"~"+row]
	for i, s := range p.values[it.LinkID+row] {
		if s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD")); s == "" || len(vs) == maxValues {
			continue
		}
		unit := intake.Coding{}
		if len(it.Units) > 0 {
			unit = it.Units[0]
		}
		if i < len(chosen) {
			if n, err := strconv.Atoi(chosen[i]); err == nil && n >= 0 && n < len(it.Units) {
				unit = it.Units[n]
			}
		}
		vs = append(vs, intake.Quantity(plainNumber(s), unit))
	}
	return vs
}

// inOrder puts chosen codes in the order of the options, each once, as a page
// has them.
func inOrder(it *intake.Item, codes []string) []string {
	place := func(code string) int {
		return slices.IndexFunc(it.Options, func(o intake.Option) bool { return o.Key == code })
	}
	slices.SortFunc(codes, func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) })
	return slices.Compact(codes)
}

// texts are the filled-in values of a field, tidied: a browser ends lines with
// CR LF, and spaces around an answer mean nothing.
func (p post) texts(name string) []string {
	var all []string
	for _, s := range p.values[name] {
		s = strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD")
		if s = strings.TrimSpace(s); s != "" && len(all) < maxValues {
			all = append(all, s)
		}
	}
	return all
}

func (p post) value(it *intake.Item, s string) intake.Value {
	switch it.Type {
	case intake.BooleanQ:
		if s == "true" || s == "false" {
			return intake.Boolean(s == "true")
		}
	case intake.IntegerQ:
		if n, err := strconv.ParseInt(s, 10, 32); err == nil {
			return intake.Integer(int32(n))
		}
	case intake.DecimalQ:
		return intake.Decimal(plainNumber(s))
	case intake.DateQ:
		return intake.Date(s)
	case intake.DateTimeQ:
		return intake.DateTime(instant(s, p.zone))
	case intake.TimeQ:
		if _, err := time.Parse("15:04", s); err == nil {
			s += ":00"
		}
		return intake.Time(s)
	case intake.URLQ:
		return intake.URI(s)
	case intake.Choice, intake.OpenChoice:
		i := slices.IndexFunc(it.Options, func(o intake.Option) bool { return o.Key == s })
		if i < 0 {
			return intake.Code(intake.Coding{Code: s})
		}
		return it.Options[i].Value
	case intake.StringQ, intake.TextQ, intake.Display, intake.Group, intake.Upload, intake.QuantityQ:
	}
	return intake.String(s)
}

// plainNumber writes a number as people do, +98.60 or .5, the way JSON does.
func plainNumber(s string) string {
	s = strings.TrimPrefix(s, "+")
	sign := ""
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		sign, s = "-", rest
	}
	for len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
		s = s[1:]
	}
	if strings.HasPrefix(s, ".") {
		s = "0" + s
	}
	return sign + strings.TrimSuffix(s, ".")
}

// How a browser writes a date and time, which is in the practice's zone.
var clockLayouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04:05.999"}

// instant gives a browser's date and time its zone. Before there were zones of
// whole minutes there is none to give.
func instant(s string, zone *time.Location) string {
	for _, l := range clockLayouts {
		t, err := time.ParseInLocation(l, s, zone)
		if err != nil {
			continue
		}
		if _, offset := t.Zone(); offset%60 == 0 {
			return t.Truncate(time.Millisecond).Format(time.RFC3339Nano)
		}
	}
	return s
}

// clockText is the inverse of instant.
func clockText(s string, zone *time.Location) string {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return s
	}
	t = t.In(zone)
	if t.Second() == 0 && t.Nanosecond() == 0 {
		return t.Format(clockLayouts[0])
	}
	return t.Format(clockLayouts[2])
}
