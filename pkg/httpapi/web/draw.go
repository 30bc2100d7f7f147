package web

import (
	"cmp"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
)

// A field is an item as a page draws it.
type field struct {
	Kind     string // which input: text area date datetime-local time url quantity radios checks tick select group rows note photo
	ID, Name string
	Label    string
	Look     string // classes that Label is drawn with; empty for those of the page
	Said     []said // by a form's author, beside the field
	Help     []string
	Hint     string // what numbers are wanted, or how a text is written
	Required bool
	Mode     string // inputmode of a text input
	Max      int    // characters
	Lines    int    // of an area for a program's text; 0: it is for prose
	Values   []phi.Text
	Options  []option
	Others   []phi.Text // written beside the options of an open choice
	// OtherName is the field in which an answer of one's own is written, and
	// OtherLabel what it is called; empty of other fields.
	OtherName, OtherLabel string
	Open                  bool       // others may be written
	Units                 [][]option // of each value of a quantity, the units to choose from
	More                  bool       // takes several
	Errors                []string
	Focus                 bool
	Fields                []field // of a group
	Rows                  []row   // of a repeating group
	CanAdd                bool
	In                    string        // the row around a repeating group, to tell its button from those of other rows
	Drawn                 template.HTML // the whole field, of which only the name is set; empty until it is drawn
}

// A said is a text with the classes that it is drawn with.
type said struct{ Text, Look string }

type option struct {
	ID, Value, Label string
	Chosen           bool
}

// A row is one of a repeating group. Name is how it is removed; empty if there is nothing
// to remove.
type row struct {
	Name, Title string
	Fields      []field
}

// Described reports whether there is text beside the field that describes it.
func (f field) Described() bool {
	return len(f.Said) > 0 || len(f.Help) > 0 || f.Hint != "" || len(f.Errors) > 0
}

// UnitsAt are the units to choose from beside value i of a quantity; none without a choice.
func (f field) UnitsAt(i int) []option {
	if i < len(f.Units) {
		return f.Units[i]
	}
	return nil
}

// A drawing makes the fields of one page.
type drawing struct {
	form     *intake.Form
	zone     *time.Location
	problems []fault.Problem
	add      string    // the group that gets another row
	shrunk   string    // the group that lost one, which gets the focus
	propose  bool      // questions without an answer are drawn with their initial values
	drawn    *sync.Map // plain → template.HTML; nil remembers nothing
}

// page draws the items that the answers so far enable; res is their result.
func (d drawing) page(items []*intake.Item, answers intake.Response, res intake.Result) []field {
	if hasGroup(items) {
		answers.Items = d.spread(items, answers.Items, "")
		res = d.form.Check(answers)
	}
	return d.fields(items, answers.Items, "", answers, res)
}

func hasGroup(items []*intake.Item) bool {
	return slices.ContainsFunc(items, func(it *intake.Item) bool { return it.Type == intake.Group || hasGroup(it.Items) })
}

// spread returns the entries with a blank one for each group that has none and
// one more for the group that gets another row, so that its fields can be drawn.
// Entries of other items are kept as they are.
func (d drawing) spread(items []*intake.Item, entries []intake.Entry, at string) []intake.Entry {
	entries = slices.Clone(entries)
	for _, it := range items {
		if it.Type != intake.Group {
			d.spreadInner(it, entries, at)
			continue
		}
		n := 0
		for i := range entries {
			if entries[i].LinkID != it.LinkID {
				continue
			}
			n++
			inner := at
			if it.Repeats {
				inner = within(at, n)
			}
			entries[i].Items = d.spread(it.Items, entries[i].Items, inner)
		}
		for range d.blanks(it, at, n) {
			n++
			inner := at
			if it.Repeats {
				inner = within(at, n)
			}
			entries = append(entries, intake.Entry{LinkID: it.LinkID, Items: d.spread(it.Items, nil, inner)})
		}
	}
	return entries
}

// spreadInner spreads the groups under the answer to a question.
func (d drawing) spreadInner(it *intake.Item, entries []intake.Entry, at string) {
	inner := it.Inner()
	if !hasGroup(inner) {
		return
	}
	for i := range entries {
		if e := &entries[i]; e.LinkID == it.LinkID && (len(e.Answers) == 1 || it.Repeats) {
			e.Answers = slices.Clone(e.Answers)
			for j, a := range e.Answers {
				e.Answers[j].Items = d.spread(inner, a.Items, under(it, a.Value, at))
			}
		}
	}
}

// blanks is how many empty rows a group with n filled ones is drawn with.
func (d drawing) blanks(it *intake.Item, at string, n int) int {
	blanks := 0
	if n == 0 {
		blanks = 1
	}
	if it.Repeats && d.add == it.LinkID+at && n+blanks < mostRows(it) {
		blanks++
	}
	return blanks
}

func (d drawing) fields(items []*intake.Item, entries []intake.Entry, at string, all intake.Response, res intake.Result) []field {
	var fs []field
	for _, it := range items {
		if !res.Enabled(it.LinkID) || !shown(it) {
			continue
		}
		given := entriesOf(entries, it.LinkID)
		if it.Type != intake.Group {
			var answers []intake.Answer
			if len(given) > 0 {
				answers = given[0].Answers
			}
			fs = append(fs, d.question(it, at, answers))
			fs = append(fs, d.inner(it, at, answers, all, res)...)
			continue
		}
		f := d.field(it, at)
		if it.Repeats {
			for n, e := range given {
				inAll, inRow := d.uptoRow(it, n+1-len(given), all, res)
				inner := within(at, n+1)
				drawn := row{Title: it.Text + " " + strings.TrimPrefix(inner, "@"), Fields: d.fields(it.Items, e.Items, inner, inAll, inRow)}
				if len(given) > 1 || !blank(e) {
					drawn.Name = it.LinkID + inner
				}
				f.Rows = append(f.Rows, drawn)
			}
			f.Focus = d.shrunk == it.LinkID+at
			f.CanAdd, f.In = len(given) < mostRows(it), strings.TrimPrefix(at, "@")
			if d.add == it.LinkID+at && len(f.Rows) > 0 {
				focus(f.Rows[len(f.Rows)-1].Fields)
			}
		} else {
			f.Fields = d.fields(it.Items, given[0].Items, at, all, res)
		}
		fs = append(fs, f)
	}
	return fs
}

// inner draws what is asked under the answers to a question: if it may have several, in a
// group for each.
func (d drawing) inner(it *intake.Item, at string, answers []intake.Answer, all intake.Response, res intake.Result) []field {
	inner := it.Inner()
	switch {
	case len(inner) == 0:
		return nil
	case !it.Repeats && len(answers) == 1:
		return d.fields(inner, answers[0].Items, at, all, res)
	case !it.Repeats:
		return nil
	}
	var fs []field
	for n, a := range answers {
		upto, so := d.uptoRow(it, n+1-len(answers), all, res)
		row := under(it, a.Value, at)
		f := field{ID: htmlID(it.LinkID + row), Name: it.LinkID + row, Kind: "group", Label: a.Value.Text(), Fields: d.fields(inner, a.Items, row, upto, so)}
		if n := it.AnswerRow(a.Value); n <= len(it.Options) {
			f.Label = it.Options[n-1].Display
		}
		if len(f.Fields) > 0 {
			fs = append(fs, f)
		}
	}
	return fs
}

// question draws an item that is no group, with its answers.
func (d drawing) question(it *intake.Item, at string, answers []intake.Answer) field {
	as, ok := d.plain(it, at, answers)
	if ok {
		if html, ok := d.drawn.Load(as); ok {
			return field{Name: it.LinkID, Drawn: html.(template.HTML)}
		}
	}
	f := d.field(it, at)
	d.fill(&f, it, d.proposed(it, answers))
	if ok {
		if html, err := drawField(f); err == nil {
			f.Drawn = html
			d.drawn.Store(as, html)
		}
	}
	return f
}

// shown reports whether pages show the item: one that is computed is not, but what the
// form itself answers may be read.
func shown(it *intake.Item) bool {
	return !it.Hidden && (!it.ReadOnly || len(it.Initial) > 0)
}

// proposed returns the answers to draw: those given, or the form's proposal.
func (d drawing) proposed(it *intake.Item, answers []intake.Answer) []intake.Answer {
	if d.propose && len(answers) == 0 && it.Asked() {
		return intake.Ask(it.LinkID, it.Initial...).Answers
	}
	return answers
}

// A plain names a way to draw a question that has few: not answered, or with one of
// its options, and with nothing to put right.
type plain struct {
	item   *intake.Item
	option string // its key, or a boolean
}

func (d drawing) plain(it *intake.Item, at string, answers []intake.Answer) (plain, bool) {
	p := plain{item: it}
	if d.drawn == nil || at != "" || len(d.problems) > 0 || len(answers) > 1 {
		return p, false
	}
	if len(answers) == 0 {
		return p, !d.propose || len(it.Initial) == 0
	}
	v := answers[0].Value
	switch v.Kind() {
	case intake.BooleanValue:
		p.option = strconv.FormatBool(v.Bool())
		return p, it.Type == intake.BooleanQ
	case intake.CodingValue:
		n := slices.IndexFunc(it.Options, func(o intake.Option) bool {
			return o.System == v.Coding().System && o.Code == v.Coding().Code
		})
		if n >= 0 {
			p.option = it.Options[n].Key
		}
		return p, n >= 0
	default:
		return p, false
	}
}

// drawField is what a page of a form shows of f.
func drawField(f field) (template.HTML, error) {
	t, err := view("form")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, "field", f); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil //nolint:gosec // it is a template's
}

// blank reports whether nothing is answered in a row.
func blank(e intake.Entry) bool {
	return len(e.Answers) == 0 && !slices.ContainsFunc(e.Items, func(e intake.Entry) bool { return !blank(e) })
}

func focus(fs []field) {
	if len(fs) > 0 {
		fs[0].Focus = true
	}
}

// uptoRow evaluates the answers up to a row, because a result says which items the last
// row enables. The row is that many before the last one of all, which is below zero: all
// ends with the row around it. Rows without conditions are not evaluated again.
func (d drawing) uptoRow(group *intake.Item, before int, all intake.Response, res intake.Result) (intake.Response, intake.Result) {
	if !conditional(group.Items) && group.Type == intake.Group {
		return all, res
	}
	n := rowsOf(all.Items, group.LinkID) + before
	all.Items = firstRows(all.Items, group.LinkID, &n)
	return all, d.form.Check(all)
}

func conditional(items []*intake.Item) bool {
	return slices.ContainsFunc(items, func(it *intake.Item) bool {
		return len(it.EnableWhen) > 0 || len(it.Inner()) > 0 || conditional(it.Items)
	})
}

// rowsOf counts the rows of a group, or the answers to a question, at any depth.
func rowsOf(entries []intake.Entry, linkID string) int {
	n := 0
	for _, e := range entries {
		switch {
		case e.LinkID == linkID && len(e.Answers) > 0:
			n += len(e.Answers)
		case e.LinkID == linkID:
			n++
		}
		n += rowsOf(e.Items, linkID)
		for _, a := range e.Answers {
			n += rowsOf(a.Items, linkID)
		}
	}
	return n
}

// firstRows returns the entries with the first n rows of a group, or the first n answers
// to a question, and counts n down.
func firstRows(entries []intake.Entry, linkID string, n *int) []intake.Entry {
	var kept []intake.Entry
	for _, e := range entries {
		if e.LinkID == linkID {
			if *n <= 0 {
				continue
			}
			e.Answers = e.Answers[:min(len(e.Answers), *n)]
			*n -= max(len(e.Answers), 1)
		}
		e.Items = firstRows(e.Items, linkID, n)
		e.Answers = slices.Clone(e.Answers)
		for i := range e.Answers {
			e.Answers[i].Items = firstRows(e.Answers[i].Items, linkID, n)
		}
		kept = append(kept, e)
	}
	return kept
}

func entriesOf(entries []intake.Entry, linkID string) []intake.Entry {
	var found []intake.Entry
	for _, e := range entries {
		if e.LinkID == linkID {
			found = append(found, e)
		}
	}
	return found
}

// field draws an item without its answers.
func (d drawing) field(it *intake.Item, at string) field {
	name := it.LinkID + at
	f := field{
		ID: htmlID(name), Name: name, Label: strings.TrimSpace(it.Prefix + " " + it.Text), Look: look(it.Style), Required: it.Required,
		More: it.Repeats, Hint: hint(it), Errors: d.errors(it, at),
	}
	for _, h := range it.Help {
		f.Said = append(f.Said, said{h.Text, look(h.Style)})
	}
	switch it.Type {
	case intake.Display:
		f.Kind = "note"
	case intake.Group:
		f.Kind = "group"
		if it.Repeats {
			f.Kind = "rows"
		}
	case intake.Upload:
		f.Kind = "photo"
	case intake.BooleanQ:
		f.Kind = "radios"
		if it.Statement {
			f.Kind = "tick"
		}
	case intake.Choice, intake.OpenChoice:
		f.Kind, f.Open = "radios", it.Type == intake.OpenChoice
		if f.Open {
			f.OtherName, f.OtherLabel = it.LinkID+"~"+at, cmp.Or(it.OpenLabel, "In your own words")
		}
		switch {
		case it.Repeats:
			f.Kind = "checks"
		case !f.Open && opens(it):
			f.Kind = "select"
		}
	case intake.IntegerQ:
		f.Kind, f.Mode = "text", "numeric"
	case intake.DecimalQ:
		f.Kind, f.Mode = "text", "decimal"
	case intake.DateQ:
		f.Kind = "date"
	case intake.DateTimeQ:
		f.Kind = "datetime-local"
	case intake.TextQ:
		f.Kind, f.Max = "area", it.MaxLength
	case intake.StringQ:
		f.Kind, f.Max = "text", it.MaxLength
		if it.Control == "text-area" {
			f.Kind = "area"
		}
	case intake.TimeQ:
		f.Kind = "time"
	case intake.URLQ:
		f.Kind, f.Max = "url", it.MaxLength
	case intake.QuantityQ:
		f.Kind, f.Mode = "quantity", "decimal"
		f.OtherName = it.LinkID + "~" + at
	}
	if it.ReadOnly {
		f.Kind, f.Errors = "note", nil
	}
	return f
}

// look are the classes of style.css that a style is drawn with.
func look(s intake.Style) string { return strings.Join(s.Names(), " ") }

// longList is how many options are still shown side by side, unless the form asks for
// radio buttons.
const longList = 12

// opens reports whether a choice is drawn as a list that opens.
func opens(it *intake.Item) bool {
	switch it.Control {
	case "drop-down", "autocomplete", "lookup":
		return true
	case "radio-button":
		return false
	default:
		return len(it.Options) > longList
	}
}

// fill puts the answers into the field.
func (d drawing) fill(f *field, it *intake.Item, answers []intake.Answer) {
	var vs []intake.Value
	for _, a := range answers {
		vs = append(vs, a.Value)
	}
	switch f.Kind {
	case "note":
		if it.ReadOnly {
			f.Label += ": " + fixedWords(it)
		}
		return
	case "photo":
		return
	case "tick":
		f.Options = []option{{f.ID, "true", f.Label, slices.ContainsFunc(vs, intake.Boolean(true).Equal)}}
		return
	case "radios", "checks", "select":
		f.Options = options(f, it, vs)
		for _, v := range vs {
			if f.Open && v.Kind() == intake.StringValue && !it.Offers(v) {
				f.Others = append(f.Others, phi.Text(v.Text()))
			}
		}
		if f.Open && (len(f.Others) == 0 || f.More) {
			f.Others = append(f.Others, "")
		}
		return
	}
	for _, v := range vs {
		f.Values = append(f.Values, phi.Text(d.typed(it, v)))
		f.Units = append(f.Units, units(it, v.Coding()))
	}
	if len(f.Values) == 0 || f.More && len(f.Values) < maxValues {
		f.Values = append(f.Values, "")
		f.Units = append(f.Units, units(it, intake.Coding{}))
	}
}

// typed is an answer as it stands in an input.
func (d drawing) typed(it *intake.Item, v intake.Value) string {
	switch {
	case it.Type == intake.DateTimeQ:
		return clockText(v.Text(), d.zone)
	case it.Type == intake.TimeQ:
		return strings.TrimSuffix(v.Text(), ":00")
	case v.Kind() == intake.QuantityValue:
		return v.Number()
	}
	return v.Text()
}

// fixedWords is what the form answers itself.
func fixedWords(it *intake.Item) string {
	var words []string
	for _, v := range it.Initial {
		words = append(words, v.Text())
	}
	return strings.Join(words, ", ")
}

// units are what a quantity's unit is chosen from, if there is a choice.
func units(it *intake.Item, chosen intake.Coding) []option {
	if len(it.Units) < 2 {
		return nil
	}
	var all []option
	for i, u := range it.Units {
		all = append(all, option{Value: strconv.Itoa(i), Label: intake.UnitWords(u), Chosen: u == chosen})
	}
	return all
}

func options(f *field, it *intake.Item, vs []intake.Value) []option {
	var all []option
	add := func(value, label string, chosen bool) {
		id := f.ID
		if len(all) > 0 {
			id += "_" + strconv.Itoa(len(all)+1)
		}
		all = append(all, option{id, value, label, chosen})
	}
	if it.Type == intake.BooleanQ {
		for _, b := range []bool{true, false} {
			label := "No"
			if b {
				label = "Yes"
			}
			add(strconv.FormatBool(b), label, slices.ContainsFunc(vs, func(v intake.Value) bool { return v.Equal(intake.Boolean(b)) }))
		}
	}
	for _, o := range it.Options {
		add(o.Key, o.Display, slices.ContainsFunc(vs, func(v intake.Value) bool {
			c := v.Coding()
			if v.Kind() != intake.CodingValue {
				return v.Equal(o.Value)
			}
			return c.Code == o.Code && (c.System == o.System || c.System == "" && o.Key == o.Code)
		}))
	}
	switch {
	case f.Kind == "radios" && f.Open:
		add("", "Something else", false)
	case f.Kind == "radios" && !it.Required:
		add("", "No answer", len(vs) == 0)
	}
	return all
}

// htmlID turns a field's name into an id that is safe in links.
func htmlID(name string) string {
	var b strings.Builder
	b.WriteString("q-")
	for _, c := range name {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, "_%x", c)
		}
	}
	return b.String()
}

// hint says which numbers are wanted, or how a text is written.
func hint(it *intake.Item) string {
	if it.Format != "" {
		return "Write " + it.Format
	}
	if it.Type != intake.IntegerQ && it.Type != intake.DecimalQ && it.Type != intake.QuantityQ {
		return ""
	}
	unit := it.UnitWords()
	if len(it.Units) == 1 {
		unit = intake.UnitWords(it.Units[0])
	}
	switch {
	case it.Min != "" && it.Max != "":
		return strings.TrimSpace(fmt.Sprintf("From %s to %s %s", it.Min, it.Max, unit))
	case it.Min != "":
		return strings.TrimSpace(fmt.Sprintf("At least %s %s", it.Min, unit))
	case it.Max != "":
		return strings.TrimSpace(fmt.Sprintf("At most %s %s", it.Max, unit))
	}
	return unit
}

// inRow finds the row that a problem's text begins with.
var inRow = regexp.MustCompile(`^Row ([\d.]+): `)

// errors are the problems of an item in the row at.
func (d drawing) errors(it *intake.Item, at string) []string {
	row := strings.TrimPrefix(at, "@")
	var found []string
	for _, p := range d.problems {
		text, in := p.Text, ""
		if m := inRow.FindStringSubmatch(text); m != nil {
			text, in = text[len(m[0]):], m[1]
		}
		if p.Where == it.LinkID && in == row {
			found = append(found, sentence(advice(it, p.Code, text)))
		}
	}
	return found
}

// advice words a problem for someone at a form, who sees options and not codes.
func advice(it *intake.Item, code, text string) string {
	switch {
	case code == "option" && len(it.Options) > 0:
		return "Choose one of the answers listed."
	case code == "date" && it.Type == intake.DateTimeQ:
		return "Give a date and a time that exist."
	case code != "type":
		return text
	case it.Type == intake.IntegerQ && it.Min != "" && it.Max != "":
		return fmt.Sprintf("Write a whole number from %s to %s, in digits.", it.Min, it.Max)
	case it.Type == intake.IntegerQ:
		return "Write a whole number, in digits, such as 3."
	case it.Type == intake.DecimalQ, it.Type == intake.QuantityQ:
		return "Write a number in digits, such as 98.6."
	case it.Type == intake.TimeQ:
		return "Write a time, such as 08:30."
	case it.Type == intake.BooleanQ:
		return "Choose yes or no."
	case it.Type == intake.Choice:
		return "Choose one of the answers listed."
	}
	return text
}

// fieldNames lists the names of all fields drawn.
func fieldNames(fs []field) []string {
	var names []string
	for _, f := range fs {
		names = append(names, f.Name)
		names = append(names, fieldNames(f.Fields)...)
		for _, r := range f.Rows {
			names = append(names, fieldNames(r.Fields)...)
		}
	}
	return names
}
