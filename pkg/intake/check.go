package intake

import (
	"fmt"

	"evisit/pkg/fault"
)

// A Result is what Check found. A Result can hold a diversion and problems at the
// same time; the caller must then let the diversion, which valid answers caused,
// win over the problems.
type Result struct {
	Disposition Disposition
	Fired       []Fired         // every rule that fired, highest severity first; the first decides Disposition
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

// Diverts reports whether the patient is sent elsewhere than to an e-visit.
func (res Result) Diverts() bool { return res.Disposition != Continue }

// Missing returns the unanswered items, which a draft may still have.
func (res Result) Missing() []fault.Problem { return res.only(true) }

// Wrong returns the wrong answers, which a saved page may not have.
func (res Result) Wrong() []fault.Problem { return res.only(false) }

func (res Result) only(missing bool) []fault.Problem {
	var found []fault.Problem
	for _, p := range res.Problems {
		if (p.Code == codeRequired || p.Code == codeIncomplete) == missing {
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
	c := &checker{
		form:     f,
		answers:  make([][]Value, len(f.all)),
		rowStart: make([]int, len(f.all)),
		enabled:  make([]bool, len(f.all)),
	}
	if f.Accepts(r.Questionnaire) != nil {
		c.problem("questionnaire", "version", "These answers are for another form. This one is "+f.Canonical()+".")
	}
	res := Result{
		Response: Response{Questionnaire: r.Questionnaire, Status: r.Status, Items: c.level(nil, f.items, r.Items)},
		Derived:  c.derived(),
		form:     f, enabled: c.enabled,
	}
	res.Problems = c.problems
	for _, rule := range f.rules {
		if rule.fires(c.answers) {
			res.Fired = append(res.Fired, rule.Fired)
		}
	}
	sortFired(res.Fired)
	res.Disposition = disposition(res.Fired)
	return res
}

type checker struct {
	form     *Form
	answers  [][]Value // valid answers of every row, by item
	rowStart []int     // index in answers where the present row begins, by item
	enabled  []bool
	row      int // the present row, from 1; 0 outside a repeating group
	problems []fault.Problem
}

func (c *checker) problem(where, code, text string) {
	if c.row > 0 {
		text = fmt.Sprintf("Row %d: %s", c.row, text)
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
		if cond.sameRow {
			answers = answers[c.rowStart[cond.item.index]:]
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

func (c *checker) group(it *Item, rows, kept []Entry) []Entry {
	if len(rows) > 1 && !it.Repeats {
		c.problem(it.LinkID, "structure", "This group is given once.")
		for _, e := range rows {
			c.locateAll(it, e)
		}
		return append(kept, rows...)
	}
	c.occurrence(it, len(rows), "row", "rows")
	for i, e := range rows {
		outer := c.row
		if it.Repeats {
			c.row = i + 1
			for d := it.index + 1; d < it.end; d++ {
				c.rowStart[d] = len(c.answers[d])
			}
		}
		if len(e.Answers) > 0 {
			c.problem(it.LinkID, "structure", "A group has items, not answers.")
		}
		for _, a := range e.Answers {
			c.locateEach(it, a.Items)
		}
		e.Items = c.level(it, it.Items, e.Items)
		c.consistent(it)
		kept = append(kept, e)
		c.row = outer
	}
	return kept
}

// occurrence checks the number n of answers or rows of an enabled item.
func (c *checker) occurrence(it *Item, n int, one, many string) {
	least, most := max(it.MinOccurs, 1), it.MaxOccurs
	if !it.Repeats {
		most = 1
	}
	count := func(n int) string {
		if n == 1 {
			return "1 " + one
		}
		return fmt.Sprintf("%d %s", n, many)
	}
	switch {
	case n == 0 && it.Required && it.MinOccurs > 1:
		c.problem(it.LinkID, codeRequired, "Give at least "+count(least)+".")
	case n == 0 && it.Required:
		c.problem(it.LinkID, codeRequired, it.ask())
	case n > 0 && n < least:
		c.problem(it.LinkID, codeIncomplete, "Give at least "+count(least)+".")
	case most > 0 && n > most:
		c.problem(it.LinkID, "occurrence", "Give at most "+count(most)+".")
	}
}

func (c *checker) question(it *Item, given, kept []Entry) []Entry {
	for _, e := range given {
		c.nested(it, e)
	}
	if it.total != nil {
		return c.total(it, kept)
	}
	if len(given) > 1 {
		c.problem(it.LinkID, "structure", "This question is given once, with all its answers together.")
		return append(kept, given...)
	}
	var values []Answer
	if len(given) == 1 {
		values = given[0].Answers
	}
	c.occurrence(it, len(values), "answer", "answers")
	if len(values) == 0 {
		return kept
	}
	feeds := it.Repeats || len(values) == 1
	answers := make([]Answer, len(values))
	for i, a := range values {
		v, wrong := it.accept(a.Value)
		if wrong.Code != "" {
			c.problem(it.LinkID, wrong.Code, wrong.Text)
			v = a.Value
		} else if feeds {
			c.answers[it.index] = append(c.answers[it.index], v)
		}
		answers[i] = Answer{Value: v}
	}
	return append(kept, Entry{LinkID: it.LinkID, Answers: answers})
}

// nested checks the items inside a question's entry. Only display items may be
// nested there, and they are not kept.
func (c *checker) nested(it *Item, e Entry) {
	for _, a := range e.Answers {
		c.nestedDisplays(it, a.Items)
	}
	c.nestedDisplays(it, e.Items)
}

func (c *checker) nestedDisplays(it *Item, given []Entry) {
	for i := range given {
		if child := c.locate(it, given[i].LinkID); child != nil {
			c.display(child, given[i:i+1])
		}
	}
}

// total computes a readOnly sum in place of the value that the client sent. If none
// of the summed items is answered there is no total.
func (c *checker) total(it *Item, kept []Entry) []Entry {
	sum, answered := 0, false
	for _, q := range it.total {
		for _, v := range c.answers[q.index] {
			sum += q.ordinals[v.coding.Code]
			answered = true
		}
	}
	if !answered {
		return kept
	}
	v := Integer(int32(sum))
	c.answers[it.index] = append(c.answers[it.index], v)
	return append(kept, Ask(it.LinkID, v))
}
