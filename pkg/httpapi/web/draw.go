package web

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

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
