package intake

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"evisit/pkg/fault"
)

// A Result is what Check found. A Result can hold a diversion and problems at the
// same time; the caller must then let the diversion, which valid answers caused,
// win over the problems.
type Result struct {
	Disposition Disposition
	Fired       []Fired         // every rule that fired, highest severity first; the first decides Disposition
	Causes      []string        // linkIds of the answers that the deciding rules fired on; none if nothing diverts
	Problems    []fault.Problem // every error, in the order of the form
	Derived     []Derived       // computed values for the clinician's summary
	Response    Response        // the response without answers to disabled items, with computed totals

	form    *Form
	enabled []bool
}

// Codes of a Problem that means "not answered yet". Every other code means
// "answered wrongly".
const (
	codeRequired   = "required"
	codeIncomplete = "incomplete" // fewer answers than minOccurs
)

const codeRange = "range"

func notAnswered(p fault.Problem) bool { return p.Code == codeRequired || p.Code == codeIncomplete }

// Diverts reports whether the patient is sent elsewhere than to an e-visit.
func (res Result) Diverts() bool { return res.Disposition != Continue }

// Confirm reports whether the answers that divert are shown back once, to be confirmed
// or put right, before they end the request: a slip of the finger must not. What to do
// in an emergency is told at once.
func (res Result) Confirm() bool { return res.Diverts() && res.Disposition != Emergency }

// Contact returns the soonest contact that a rule which decides the disposition has
// made; nil if none has.
func (res Result) Contact() *Contact {
	var soonest *Contact
	for _, f := range res.Fired {
		if Disposition(f.Severity) == res.Disposition && f.Contact != nil && (soonest == nil || f.Contact.Within < soonest.Within) {
			soonest = f.Contact
		}
	}
	return soonest
}

// Private reports whether a rule that decides the disposition leaves no trace of the
// diversion where others look.
func (res Result) Private() bool {
	return slices.ContainsFunc(res.Fired, func(f Fired) bool {
		return Disposition(f.Severity) == res.Disposition && f.Contact != nil && f.Contact.Private
	})
}

// Missing returns the unanswered items, which a draft may still have.
func (res Result) Missing() []fault.Problem { return res.only(true) }

// Wrong returns the wrong answers, which a saved page may not have.
func (res Result) Wrong() []fault.Problem { return res.only(false) }

func (res Result) only(missing bool) []fault.Problem {
	var found []fault.Problem
	for _, p := range res.Problems {
		if notAnswered(p) == missing {
			found = append(found, p)
		}
	}
	return found
}

// Enabled reports whether the item is asked, given the answers. For an item inside
// a repeating group, Enabled reports on the last row. An item the form does not have
// is not enabled.
func (res Result) Enabled(linkID string) bool {
	if res.form == nil {
		return false
	}
	it, ok := res.form.byLink[linkID]
	return ok && res.enabled[it.index]
}

// Check evaluates a response: which items are enabled, which answers are dropped or
// wrong, which are missing, and which rules fire. Check reports all of these at
// once. Only valid answers enable items and feed rules.
//
// A response has one entry for a question, with all its answers, and one entry for
// each row of a repeating group. A question given twice, or with two answers where
// one is asked, is an error and its answers feed no rule, because they contradict
// each other. Too many answers or rows of a repeating item are an error, but each
// one still feeds the rules, since the thirtieth reading may be an emergency.
func (f *Form) Check(r Response) Result {
	res, _ := f.check(r)
	return res
}

func (f *Form) check(r Response) (Result, *checker) {
	c, items := f.through(r, nil)
	// What stands before the questions that it uses is known once they are answered, and
	// may decide what is asked between. No calculation waits for itself, so each time one
	// more is known for good.
	for range f.late {
		known := c.late()
		if maps.EqualFunc(c.known, known, Value.Equal) {
			break
		}
		c, items = f.through(r, known)
	}
	res := Result{
		Response: Response{Questionnaire: r.Questionnaire, Status: r.Status, Items: items},
		Derived:  c.derived(),
		form:     f, enabled: c.enabled,
	}
	res.Problems = c.problems
	for _, rule := range f.rules {
		if c.fires(rule) {
			res.Fired = append(res.Fired, c.fired(rule))
		}
	}
	sortFired(res.Fired)
	res.Disposition = disposition(res.Fired)
	if res.Diverts() {
		res.Causes = c.causes(res.Disposition)
	}
	return res, c
}

// through goes once through the answers, with what is known of the calculations that stand
// before what they use, and returns those that are kept.
func (f *Form) through(r Response, known map[*Item]Value) (*checker, []Entry) {
	c := &checker{
		form:    f,
		answers: make([][]Value, len(f.all)),
		enabled: make([]bool, len(f.all)),
		known:   known,
	}
	if f.Accepts(r.Questionnaire) != nil {
		c.problem("questionnaire", "version", "These answers are for another form. This one is "+f.Canonical()+".")
	}
	return c, c.level(nil, f.items, r.Items)
}

type checker struct {
	form     *Form
	answers  [][]Value // valid answers of every row, by item
	rowStart [][]int   // index in answers where the present row begins, by how many rows it is in and by item
	enabled  []bool
	readings []pressure

	known     map[*Item]Value     // of the calculations that stand before what they use
	variables map[*variable]found // those that a calculation has used
	work      int                 // values that calculations have gone through
	row       string              // the present row, from 1; 2.3 is the third of a group in the second of another; empty outside
	rows      int                 // that were checked
	problems  []fault.Problem
}

func (c *checker) problem(where, code, text string) {
	if c.row != "" {
		text = fmt.Sprintf("Row %s: %s", c.row, text)
	}
	c.problems = append(c.problems, fault.Problem{Where: where, Code: code, Text: text})
}

// level checks the entries of one place, top level or row, in the order of the
// form, and returns those that are kept.
func (c *checker) level(parent *Item, items []*Item, given []Entry) []Entry {
	slots := make([][]Entry, len(items))
	kept := make([]Entry, 0, len(given)+1)
	var strays []Entry
	for i := range given {
		it := c.locate(parent, given[i].LinkID)
		switch {
		case it == nil:
			strays = append(strays, given[i])
		case slots[it.place] == nil:
			slots[it.place] = given[i : i+1 : i+1]
		default:
			slots[it.place] = append(slots[it.place], given[i])
		}
	}
	for i, it := range items {
		if c.enabled[it.index] = c.enables(it); !c.enabled[it.index] {
			c.dropped(it, slots[i])
			continue
		}
		switch it.Type {
		case Display:
			c.display(it, slots[i])
		case Group:
			kept = c.group(it, slots[i], kept)
		default:
			kept = c.question(it, slots[i], kept)
		}
	}
	if kept = append(kept, strays...); len(kept) == 0 {
		return nil
	}
	return kept
}

// locate finds the item of a linkId, which must belong in parent.
func (c *checker) locate(parent *Item, linkID string) *Item {
	it, ok := c.form.byLink[linkID]
	switch {
	case !ok:
		c.problem(linkID, "unknown", "This form has no such item. Leave it out.")
		return nil
	case it.parent == parent:
		return it
	case it.parent == nil:
		c.problem(linkID, "structure", "This item belongs at the top level.")
	default:
		c.problem(linkID, "structure", "This item belongs inside "+it.parent.LinkID+".")
	}
	return nil
}

func (c *checker) enables(it *Item) bool {
	if len(it.when) == 0 {
		return true
	}
	for i := range it.when {
		cond := &it.when[i]
		answers := c.answers[cond.item.index]
		if cond.row != nil {
			answers = answers[c.rowStart[cond.row.depth()-1][cond.item.index]:]
		}
		if cond.holds(answers) == it.EnableAny {
			return it.EnableAny
		}
	}
	return !it.EnableAny
}

// dropped skips the answers to a disabled item. Their values are not checked, but a
// linkId that the form does not have in that place is an error.
func (c *checker) dropped(it *Item, given []Entry) {
	for i := it.index + 1; i < it.end; i++ {
		c.enabled[i] = false
	}
	for _, e := range given {
		c.locateAll(it, e)
	}
}

func (c *checker) locateAll(it *Item, e Entry) {
	for _, a := range e.Answers {
		c.locateEach(it, a.Items)
	}
	c.locateEach(it, e.Items)
}

func (c *checker) locateEach(it *Item, given []Entry) {
	for _, e := range given {
		if child := c.locate(it, e.LinkID); child != nil {
			c.locateAll(child, e)
		}
	}
}

// display permits the entry of a display item, as clients echo them, and does not
// keep the entry.
func (c *checker) display(it *Item, given []Entry) {
	for _, e := range given {
		if len(e.Answers) > 0 {
			c.problem(it.LinkID, "structure", "This text is not a question and has no answer.")
		}
		c.locateEach(it, e.Items)
	}
}

// group checks the rows of a group. A row without answers does not count and is not
// kept: nothing is missing in it.
func (c *checker) group(it *Item, rows, kept []Entry) []Entry {
	if len(rows) > 1 && !it.Repeats {
		c.problem(it.LinkID, "structure", "This group is given once.")
		for _, e := range rows {
			c.locateAll(it, e)
		}
		return append(kept, rows...)
	}
	if len(rows) == 0 && !it.Repeats {
		rows = []Entry{{LinkID: it.LinkID}}
	}
	first, filled, required := len(c.problems), 0, it.Required
	for i, e := range rows {
		outer, before := c.row, len(c.problems)
		if it.Repeats {
			c.begin(it, i+1)
		}
		e = c.members(it, e)
		c.row = outer
		if c.answered(e) {
			filled++
			kept = append(kept, e)
			continue
		}
		if c.forgive(before) && !it.Repeats {
			required = true
		}
		if !it.Repeats && c.calculates(e) {
			kept = append(kept, e)
		}
	}
	if !it.Repeats && filled == 0 && !c.asks(it) {
		return kept
	}
	c.occurrence(first, it, filled, required)
	return kept
}

// maxRows is the most rows of all repeating groups together, and maxRowDepth how deep
// those may be in each other. Pages draw each row.
const (
	maxRows     = 500
	maxRowDepth = 4
)

// begin begins row n of a repeating group.
func (c *checker) begin(group *Item, n int) {
	if c.rows++; c.rows == maxRows+1 {
		c.problem(group.LinkID, "occurrence", fmt.Sprintf("Give at most %d rows on the whole form.", maxRows))
	}
	if c.row != "" {
		c.row += "."
	}
	c.row += strconv.Itoa(n)
	level := group.depth() - 1
	for len(c.rowStart) <= level {
		c.rowStart = append(c.rowStart, make([]int, len(c.form.all)))
	}
	for d := group.index + 1; d < group.end; d++ {
		c.rowStart[level][d] = len(c.answers[d])
	}
}

// depth is how many repeating groups and questions the item is in, itself counted if
// others are in it.
func (it *Item) depth() int {
	n := 0
	if it.Repeats && (it.Type == Group || it.inner) {
		n++
	}
	for row := it.row; row != nil; row = row.row {
		n++
	}
	return n
}

// holds reports whether an item is inside.
func (it *Item) holds(inside *Item) bool { return it.index < inside.index && inside.index < it.end }

// answered reports whether somebody has given an answer in the entry, at any depth:
// what the form answers itself fills no row.
func (c *checker) answered(e Entry) bool {
	if it := c.form.byLink[e.LinkID]; len(e.Answers) > 0 && (it == nil || !it.fixed() && !it.computed()) {
		return true
	}
	return slices.ContainsFunc(e.Items, c.answered)
}

// calculates reports whether something is calculated in the entry, at any depth: a group
// that nobody has answered is kept for it.
func (c *checker) calculates(e Entry) bool {
	if it := c.form.byLink[e.LinkID]; len(e.Answers) > 0 && it != nil && it.computed() {
		return true
	}
	return slices.ContainsFunc(e.Items, c.calculates)
}

// members checks what is in one row of a group.
func (c *checker) members(it *Item, e Entry) Entry {
	if len(e.Answers) > 0 {
		c.problem(it.LinkID, "structure", "A group has items, not answers.")
	}
	for _, a := range e.Answers {
		c.locateEach(it, a.Items)
	}
	e.Items = c.level(it, it.Items, e.Items)
	c.reading(it)
	return e
}

// forgive removes the problems from the one at first on that mean "not answered yet",
// and reports whether there was one.
func (c *checker) forgive(first int) bool {
	wrong := slices.DeleteFunc(c.problems[first:], notAnswered)
	forgiven := len(wrong) < len(c.problems)-first
	c.problems = c.problems[:first+len(wrong)]
	return forgiven
}

// asks reports whether a question in the group is enabled.
func (c *checker) asks(group *Item) bool {
	for i := group.index + 1; i < group.end; i++ {
		if q := c.form.all[i]; c.enabled[i] && q.Type != Group && q.Type != Display && !q.never() {
			return true
		}
	}
	return false
}

// MaxOccurs is the most answers or rows of a repeating item that sets no maximum of
// its own.
const MaxOccurs = 50

// Most is the most answers or rows that the item may have.
func (it *Item) Most() int {
	switch {
	case !it.Repeats:
		return 1
	case it.MaxOccurs > 0:
		return it.MaxOccurs
	case it.Type == Choice:
		return len(it.Options)
	default:
		return MaxOccurs
	}
}

// occurrence checks the number n of answers or rows of an enabled item. Its problem
// comes before those of the answers or rows, which are from the one at first on.
func (c *checker) occurrence(first int, it *Item, n int, required bool) {
	one, many := "answer", "answers"
	if it.Type == Group {
		one, many = "row", "rows"
	}
	least, most := max(it.MinOccurs, 1), it.Most()
	var found fault.Problem
	count := func(n int) string {
		if n == 1 {
			return "1 " + one
		}
		return fmt.Sprintf("%d %s", n, many)
	}
	switch {
	case n == 0 && required && it.MinOccurs > 1:
		found = wrong(codeRequired, "Give at least %s.", count(least))
	case n == 0 && required:
		found = wrong(codeRequired, "%s", it.ask())
	case n > 0 && n < least:
		found = wrong(codeIncomplete, "Give at least %s.", count(least))
	case n > most:
		found = wrong("occurrence", "Give at most %s.", count(most))
	default:
		return
	}
	c.problem(it.LinkID, found.Code, found.Text)
	last := len(c.problems) - 1
	found = c.problems[last]
	copy(c.problems[first+1:], c.problems[first:last])
	c.problems[first] = found
}

func (c *checker) question(it *Item, given, kept []Entry) []Entry {
	for _, e := range given {
		c.nested(it, e)
	}
	switch {
	case it.formula != nil:
		v := c.known[it]
		if !it.formula.late {
			v = c.calculated(it)
		}
		if v.kind == NoValue {
			return kept
		}
		c.answers[it.index] = append(c.answers[it.index], v)
		return append(kept, Ask(it.LinkID, v))
	case it.fixed():
		if it.never() {
			return kept
		}
		c.answers[it.index] = append(c.answers[it.index], it.Initial...)
		return append(kept, Ask(it.LinkID, it.Initial...))
	}
	if len(given) > 1 {
		c.problem(it.LinkID, "structure", "This question is given once, with all its answers together.")
		if it.inner {
			c.dropped(it, given)
		}
		return append(kept, given...)
	}
	var values []Answer
	if len(given) == 1 {
		values = given[0].Answers
	}
	first := len(c.problems)
	answers := make([]Answer, 0, len(values))
	valid := c.answers[it.index]
	from := len(valid)
	for _, a := range values {
		v, wrong := it.accept(a.Value, c.form.facts.Now)
		switch {
		case wrong.Code != "":
			c.problem(it.LinkID, wrong.Code, wrong.Text)
			v = a.Value
		case len(it.Options) > 0 && slices.ContainsFunc(valid[from:min(len(valid), from+it.Most())], v.Equal):
			continue // an option chosen twice is chosen
		default:
			valid = append(valid, v)
		}
		answers = append(answers, Answer{Value: v, Items: c.outer(it, a.Items)})
	}
	c.occurrence(first, it, len(answers), it.Required)
	if it.Repeats || len(answers) == 1 {
		c.answers[it.index] = c.exclude(it, valid, from)
		c.compare(it)
	}
	c.inner(it, answers)
	if len(answers) == 0 {
		return kept
	}
	return append(kept, Entry{LinkID: it.LinkID, Answers: answers})
}

// exclude refuses an exclusive option chosen beside another answer, and returns the
// valid answers, from index from on, without it: of "none of these" and "chest pain",
// the chest pain is heard.
func (c *checker) exclude(it *Item, valid []Value, from int) []Value {
	if len(valid)-from < 2 || !it.exclusive {
		return valid
	}
	kept := valid[:from]
	for _, v := range valid[from:] {
		if o, ok := it.chosen(v); ok && o.Exclusive {
			c.problem(it.LinkID, "exclusive", "Choose "+quoted(o.Display)+" alone, or leave it out.")
			continue
		}
		kept = append(kept, v)
	}
	return kept
}

func quoted(s string) string { return "\u201c" + s + "\u201d" }

// outer returns the items given under an answer to a question that has questions nested
// in it.
func (c *checker) outer(it *Item, given []Entry) []Entry {
	if it.inner {
		return given
	}
	return nil
}

// inner checks the questions nested in a question, which are asked under each answer that
// it has, right or wrong.
func (c *checker) inner(it *Item, answers []Answer) {
	if !it.inner {
		return
	}
	switch {
	case it.Repeats && len(answers) > 0:
		outer := c.row
		for i := range answers {
			c.begin(it, it.AnswerRow(answers[i].Value))
			answers[i].Items = c.level(it, it.Items, answers[i].Items)
			c.row = outer
		}
		return
	case len(answers) == 1:
		answers[0].Items = c.level(it, it.Items, answers[0].Items)
		return
	}
	c.dropped(it, []Entry{{LinkID: it.LinkID, Answers: answers}})
}

// AnswerRow is the number of the row that what is asked under an answer is in, if the
// question repeats: that of the option chosen, from 1, or the one after the last for none.
func (it *Item) AnswerRow(v Value) int {
	chosen, _ := it.chosen(v)
	for i := range it.Options {
		if &it.Options[i] == chosen {
			return i + 1
		}
	}
	return len(it.Options) + 1
}

// nested checks the items inside a question's entry. Display items may be there, and are
// not kept; questions are only under its answer, where inner checks them.
func (c *checker) nested(it *Item, e Entry) {
	if !it.inner {
		for _, a := range e.Answers {
			c.nestedDisplays(it, a.Items)
		}
	}
	c.nestedDisplays(it, e.Items)
}

func (c *checker) nestedDisplays(it *Item, given []Entry) {
	for i := range given {
		switch child := c.locate(it, given[i].LinkID); {
		case child == nil:
		case child.Type != Display:
			c.problem(child.LinkID, "structure", "This item belongs under the answer to "+it.LinkID+".")
		default:
			c.display(child, given[i:i+1])
		}
	}
}
