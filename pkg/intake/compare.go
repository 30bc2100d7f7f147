package intake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Change is one difference between two versions of a form, in an author's words.
type Change struct {
	Kind  ChangeKind
	Where string // empty for the form itself, else the linkId of an item, or rule and the id of one
	Text  string // a sentence
}

// A ChangeKind says whether a part of a form is new, gone, or other than it was.
type ChangeKind string

const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// A part is an item or a rule of a form, or the form itself, with what can be said of it.
type part struct {
	partKey
	where, name string
	facets      []facet
}

// A partKey tells the parts of a form apart. An item and a rule may have the same id.
type partKey struct{ kind, id string }

type facet struct{ name, value string }

// Compare lists what was added, removed and changed from one version of a form to
// another: what is asked, what may be answered, when, on which page, and what the rules
// do. What changes nothing for patients, such as a publisher's address, is not listed.
func Compare(was, is *Form) []Change {
	var all []Change
	old := map[partKey]part{}
	for _, p := range was.parts() {
		old[p.partKey] = p
	}
	now := map[partKey]bool{}
	for _, p := range is.parts() {
		now[p.partKey] = true
		before, stood := old[p.partKey]
		switch {
		case !stood:
			all = append(all, Change{Added, p.where, p.name + " is new."})
		default:
			all = append(all, before.changes(p)...)
		}
	}
	for _, p := range was.parts() {
		if !now[p.partKey] {
			all = append(all, Change{Removed, p.where, p.name + " is gone."})
		}
	}
	if !slices.Equal(common(was, is), common(is, was)) {
		all = append(all, Change{Changed, "", "The form: its questions are in another order."})
	}
	return all
}

// common lists the items of f that g has too, in the order of f.
func common(f, g *Form) []string {
	var all []string
	for _, it := range f.all {
		if _, ok := g.byLink[it.LinkID]; ok {
			all = append(all, it.LinkID)
		}
	}
	return all
}

// changes lists what p has otherwise than it was in old.
func (old part) changes(p part) []Change {
	var all []Change
	for i, f := range p.facets {
		if before := old.facets[i].value; before != f.value {
			all = append(all, Change{Changed, p.where, fmt.Sprintf("%s: %s: %s before, %s now.", p.name, f.name, orNone(before), orNone(f.value))})
		}
	}
	return all
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return quoted(s)
}

// parts lists the form itself, its items and its rules in order.
func (f *Form) parts() []part {
	span := ""
	if low, high, ok := f.Ages(); ok {
		span = fmt.Sprintf("%d to %d", low, high)
	}
	all := []part{{partKey{kind: "form"}, "", "The form", []facet{
		{"the title", f.title},
		{"the billing class", f.billing},
		{"the ages it is for", span},
		{"the sex it is for", f.sex},
		{"what a clinician is offered as diagnosis", listed(f.diagnose, func(c Coding) string { return c.Code })},
		{"the sensitive topics", strings.Join(f.topics, ", ")},
		{"its languages", strings.Join(f.Languages(), ", ")},
		{"its pages", listed(f.pages, Page.words)},
		{"the variables of calculations", listed(f.variables, (*variable).words)},
	}}}
	for _, it := range f.all {
		all = append(all, part{partKey{"item", it.LinkID}, it.LinkID, it.kind() + " " + it.LinkID + " " + quoted(shortened(it.Text)), it.facets()})
	}
	for _, r := range f.rules {
		all = append(all, part{partKey{"rule", r.ID}, "rule " + r.ID, "The rule " + r.ID, r.facets()})
	}
	return all
}

// words names a page by its title and where it begins.
func (p Page) words() string { return p.Title + " (from " + p.Items[0].LinkID + ")" }

func (it *Item) kind() string {
	switch it.Type { //nolint:exhaustive // all others are questions
	case Group:
		return "The group"
	case Display:
		return "The text"
	}
	return "The question"
}

func shortened(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "\u2026"
	}
	return text
}

// facets is what can be said of an item.
func (it *Item) facets() []facet {
	inside := ""
	if it.parent != nil {
		inside = it.parent.LinkID
	}
	return []facet{
		{"the text", it.Text},
		{"how the text is drawn", strings.Join(it.Style.Names(), ", ")},
		{"the number before the text", it.Prefix},
		{"the kind of answer", string(it.Type)},
		{"the group around it", inside},
		{"that it must be answered", yes(it.Required)},
		{"that it may be answered several times", yes(it.Repeats)},
		{"that it is hidden", yes(it.Hidden)},
		{"that it is calculated", it.expression},
		{"the variables of calculations", listed(it.variables, (*variable).words)},
		{"that only yes is an answer", yes(it.Statement)},
		{"the answers to choose from", listed(it.Options, Option.words)},
		{"the answer that is proposed", listed(it.Initial, Value.Text)},
		{"when it is asked", it.asking()},
		{"the least", it.Min + it.first.words()},
		{"the most", it.Max + it.last.words()},
		{"the unit", UnitWords(it.unit) + listed(it.Units, UnitWords)},
		{"the digits after the point", number0(it.Decimals + 1)},
		{"the shortest text", number0(it.MinLength)},
		{"the longest text", number0(it.MaxLength)},
		{"how it is written", it.Format},
		{"the pattern", it.written()},
		{"the fewest answers", number0(it.MinOccurs)},
		{"the most answers", number0(it.MaxOccurs)},
		{"the kinds of file", strings.Join(it.MIMETypes, ", ")},
		{"the size of a file", it.maxSize},
		{"what it is compared with", listed(it.compared, comparison.words)},
	}
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// number0 is a number of which 0 is none.
func number0(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func listed[T any](all []T, words func(T) string) string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = words(one)
	}
	return strings.Join(texts, ", ")
}

// words is the bound in words; nothing for none.
func (b *dayBound) words() string {
	switch {
	case b == nil:
		return ""
	case b.day != "":
		return b.day
	}
	return fmt.Sprintf("today and %d years, %d months, %d days", b.years, b.months, b.days)
}

func (c comparison) words() string { return c.operator + " " + c.question }

func (o Option) words() string {
	s := o.Display
	if o.Ordinal != nil {
		s += fmt.Sprintf(" (%d points)", *o.Ordinal)
	}
	if o.Exclusive {
		s += " (alone)"
	}
	if o.Key != o.Display {
		s += " [" + o.Key + "]"
	}
	return s
}

func (it *Item) asking() string {
	joined := " and "
	if it.EnableAny {
		joined = " or "
	}
	texts := make([]string, len(it.EnableWhen))
	for i, c := range it.EnableWhen {
		texts[i] = c.Question + " " + c.Operator + " " + c.Answer
	}
	return strings.Join(texts, joined)
}

func (it *Item) written() string {
	if it.pattern == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(it.pattern.String(), "^(?:"), ")$")
}

// facets is what can be said of a rule.
func (r *rule) facets() []facet {
	joined, contact := " and ", ""
	if r.any {
		joined = " or "
	}
	conds := make([]string, len(r.conds))
	for i := range r.conds {
		conds[i] = r.conds[i].question + " " + r.conds[i].operator + " " + r.conds[i].want.text
	}
	if c := r.Contact; c != nil {
		contact = fmt.Sprintf("%s within %s at %s: %s", c.Pool, c.Within, c.Question, c.Promise)
		if c.Private {
			contact += " (privately)"
		}
	}
	return []facet{
		{"what it does", string(r.Severity)},
		{"the message", r.Message},
		{"when it fires", strings.Join(conds, joined)},
		{"who contacts the patient", contact},
		{"the source", r.Source},
	}
}
