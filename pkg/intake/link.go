package intake

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// link resolves every reference and is the publish gate: a questionnaire that link
// refuses never becomes a version.
func (c *compiler) link() {
	for _, it := range c.form.all {
		if _, twice := c.form.byLink[it.LinkID]; twice && it.LinkID != "" {
			c.problem(it.LinkID, "unique", "This linkId is given twice.")
			continue
		}
		c.form.byLink[it.LinkID] = it
	}
	c.attributes()
	for _, it := range c.form.all {
		c.linkItem(it)
	}
	c.linkRules()
	c.linkDerivations()
	c.linkLate()
	c.pages()
}

func (c *compiler) attributes() {
	f := c.form
	if !slices.Contains(billingClasses, f.billing) {
		c.problem("evisit-billing-class", "option", "The billing class is one of %s.", strings.Join(billingClasses, ", "))
	}
	if f.sex != "" && !slices.Contains(sexes, f.sex) {
		c.problem("evisit-sex", "option", "The sex is one of %s.", strings.Join(sexes, ", "))
	}
	if f.ages != nil && f.ages.low > f.ages.high {
		c.problem("evisit-age-range", "range", "The lowest age is not above the highest.")
	}
	for _, d := range f.diagnose {
		if d.System == "" || d.Code == "" || d.Display == "" {
			c.problem("evisit-suggested-diagnosis", "required", "A suggested diagnosis has system, code and display.")
		}
	}
}

func (c *compiler) linkItem(it *Item) {
	if strings.TrimSpace(it.Text) == "" && it.Type != Group {
		c.problem(it.LinkID, "required", "Every question has a text.")
	}
	c.ranges(it)
	c.linkUnits(it)
	c.options(it)
	c.unasked(it)
	for i := range it.when {
		c.linkEnable(it, &it.when[i])
	}
	for i := range it.compared {
		c.linkComparison(it, &it.compared[i])
	}
	switch {
	case it.formula != nil:
		c.linkFormula(it)
	case it.never() && it.Required && !it.Hidden && !it.broken:
		c.problem(it.LinkID, "readonly", "A readOnly question that is required has a calculatedExpression or an initial value: nobody else answers it.")
	}
}

// unasked checks what answers an item of which pages do not ask, and what pages propose.
func (c *compiler) unasked(it *Item) {
	for _, v := range it.Initial {
		if it.Type == Group || it.Type == Display || it.Type == Upload {
			c.problem(it.LinkID, "initial", "A group, a text and a file have no initial value.")
		} else if _, wrong := it.accept(v, time.Time{}); wrong.Code != "" {
			c.problem(it.LinkID, "initial", "An initial value is an answer that may be given. %s", wrong.Text)
		}
	}
	if len(it.Initial) > it.Most() {
		c.problem(it.LinkID, "initial", "There are no more initial values than answers may be.")
	}
	if it.Hidden && it.Required && it.Type != Group && len(it.Initial) == 0 && !it.computed() {
		c.problem(it.LinkID, "hidden", "A hidden question that is required has an initial value or a calculatedExpression: nobody else answers it.")
	}
	switch {
	case !it.inner:
	case it.ReadOnly || it.Repeats && it.Type != Choice:
		c.problem(it.LinkID, "type", "Questions nested in a question that is readOnly, or that repeats and is no choice, are not evaluated: put them in a group that repeats.")
	case it.Repeats && it.depth() > maxRowDepth:
		c.problem(it.LinkID, "type", "Repeating groups and questions are inside each other at most %d deep.", maxRowDepth)
	}
}

func (c *compiler) ranges(it *Item) {
	numeric := it.Type == IntegerQ || it.Type == DecimalQ || it.Type == QuantityQ
	switch {
	case it.Type == TimeQ && (it.Min != "" && !sound(Time(it.Min)) || it.Max != "" && !sound(Time(it.Max))):
		c.problem(it.LinkID, "range", "minValue and maxValue of a time are times of day, such as 08:30:00.")
	case it.Type == TimeQ && it.Min != "" && it.Max != "" && clock(it.Min) > clock(it.Max):
		c.problem(it.LinkID, "range", "minValue is not after maxValue.")
	case (it.min != nil || it.max != nil) && !numeric:
		c.problem(it.LinkID, "range", "minValue and maxValue are for questions of a number or a date.")
	case it.first != nil && it.last != nil && !it.first.before(*it.last):
		c.problem(it.LinkID, "range", "minValue is not after maxValue.")
	case it.min != nil && it.max != nil && it.min.compare(*it.max) > 0:
		c.problem(it.LinkID, "range", "minValue is not above maxValue.")
	}
	if it.Decimals >= 0 && it.Type != DecimalQ && it.Type != QuantityQ {
		c.problem(it.LinkID, "range", "maxDecimalPlaces is for a decimal or a quantity.")
	}
	text := it.Type == StringQ || it.Type == TextQ || it.Type == URLQ || it.Type == OpenChoice
	if !text && it.MinLength == 1 {
		it.MinLength = 0 // no answer is shorter
	}
	if it.MaxLength < 0 || it.MinLength > 0 && (!text || it.MinLength > it.MaxLength) {
		c.problem(it.LinkID, "range", "maxLength is above 0, and minLength is for a text and not above it.")
	}
	if it.pattern != nil && it.Type != StringQ && it.Type != TextQ {
		c.problem(it.LinkID, "pattern", "A regex is for string and text.")
	}
	if it.Statement && (it.Type != BooleanQ || it.Repeats) {
		c.problem(it.LinkID, "statement", "A statement is one boolean.")
	}
	if !it.Repeats && (it.MinOccurs > 1 || it.MaxOccurs > 1) {
		c.problem(it.LinkID, "occurrence", "An item that does not repeat occurs at most once.")
	}
	if it.MaxOccurs > 0 && it.MinOccurs > it.MaxOccurs {
		c.problem(it.LinkID, "occurrence", "minOccurs is not above maxOccurs.")
	}
	if it.Type != Upload && (len(it.MIMETypes) > 0 || it.MaxBytes != 0) {
		c.problem(it.LinkID, "attachment", "mimeType and maxSize are for attachments.")
	}
}

func (c *compiler) options(it *Item) {
	choice := it.Type == Choice || it.Type == OpenChoice
	if choice != (len(it.Options) > 0) && !it.broken {
		c.problem(it.LinkID, "option", "A choice has options, and nothing else has.")
	}
	byKey := map[string]int{}
	for i := range it.Options {
		o := &it.Options[i]
		first, again := byKey[o.Key]
		if !again {
			byKey[o.Key] = i
		} else if p := &it.Options[first]; it.literal == NoValue && p.System != o.System {
			p.Key, o.Key = p.System+"|"+p.Code, o.System+"|"+o.Code
			if _, twice := byKey[o.Key]; twice {
				c.problem(it.LinkID, "option", "The option %s is given twice.", o.Code)
			}
			byKey[p.Key], byKey[o.Key] = first, i
		} else {
			c.problem(it.LinkID, "option", "The option %s is given twice.", cmp.Or(o.Code, o.Key))
		}
		if o.Exclusive && !it.Repeats {
			c.problem(it.LinkID, "option", "optionExclusive is for a choice that repeats.")
		}
	}
}

func (c *compiler) linkEnable(it *Item, cond *condition) {
	c.linkCondition(it.LinkID, "enableWhen", cond)
	switch q := cond.item; {
	case q == nil:
	case q.index >= it.index:
		c.problem(it.LinkID, "enableWhen", "enableWhen refers to %s, which does not come before.", cond.question)
	case q.inner && q.Repeats && q.holds(it):
		c.problem(it.LinkID, "enableWhen", "This is asked under each answer to %s, so enableWhen refers to another question: it is not evaluated by which answer.", cond.question)
	default:
		for cond.row = it.row; cond.row != nil && !cond.row.holds(q); {
			cond.row = cond.row.row
		}
	}
}

// linkCondition finds the question of a condition and checks that its answers can
// be compared with the constant.
func (c *compiler) linkCondition(where, code string, cond *condition) {
	if code == "rule" && (cond.question == factAge || cond.question == factSex) {
		c.linkFact(where, cond)
		return
	}
	q, ok := c.form.byLink[cond.question]
	if !ok {
		c.problem(where, code, "It refers to %s, which does not exist.", cond.question)
		return
	}
	if cond.item = q; q.never() && !q.broken && cond.operator != exists {
		c.problem(where, code, "%s is readOnly and has neither a calculatedExpression nor an initial value: nobody answers it.", q.LinkID)
		return
	}
	equality := cond.operator == "=" || cond.operator == "!="
	switch q.Type {
	case Group, Display:
		c.problem(where, code, "%s is no question.", q.LinkID)
		return
	default:
		if cond.operator == exists {
			return
		}
	}
	switch q.Type {
	case BooleanQ:
		if cond.want.kind != BooleanValue || !equality {
			c.problem(where, code, "%s is compared by = or != with a boolean.", q.LinkID)
		} else if q.Statement && (cond.operator == "=") != cond.want.truth {
			c.problem(where, code, "Only true answers the statement %s.", q.LinkID)
		}
	case IntegerQ, DecimalQ:
		if cond.want.kind != DecimalValue {
			c.problem(where, code, "%s is compared with a number.", q.LinkID)
		} else if !q.reaches(cond) {
			c.problem(where, code, "No answer to %s is %s %s.", q.LinkID, cond.operator, cond.want.text)
		}
	case StringQ, TextQ, URLQ:
		c.wantKind(where, code, cond, StringValue, "a text, as answerString")
	case DateQ:
		c.wantKind(where, code, cond, DateValue, "a day, as answerDate")
	case DateTimeQ:
		c.wantKind(where, code, cond, DateTimeValue, "an instant, as answerDateTime")
	case TimeQ:
		c.wantKind(where, code, cond, TimeValue, "a time, as answerTime")
	case QuantityQ:
		if cond.want.kind != QuantityValue || !q.measures(cond.want.coding) {
			c.problem(where, code, "%s is compared with a quantity in the one unit that it has: units are not converted.", q.LinkID)
		} else if !q.reaches(cond) {
			c.problem(where, code, "No answer to %s is %s %s.", q.LinkID, cond.operator, cond.want.text)
		}
	case Choice, OpenChoice:
		if q.Type == OpenChoice && cond.want.kind == StringValue {
			return
		}
		if q.literal != NoValue {
			c.linkLiteral(where, code, cond)
			return
		}
		if cond.want.kind != CodingValue || !equality {
			c.problem(where, code, "%s is compared by = or != with an option's code.", q.LinkID)
		} else if _, ok := q.option(cond.want.coding); !ok && !q.ambiguous(cond.want.coding) {
			c.problem(where, code, "%s has no option %s.", q.LinkID, cond.want.coding.Code)
		}
	default:
		c.problem(where, code, "Answers to %s (%s) are not compared.", q.LinkID, q.Type)
	}
}

// wantKind checks that a condition compares with the kind of answer that its question
// has.
func (c *compiler) wantKind(where, code string, cond *condition, kind Kind, words string) {
	if cond.want.kind != kind {
		c.problem(where, code, "%s is compared with %s.", cond.question, words)
	}
}

// linkLiteral checks a condition on a choice among numbers, texts, days or times.
func (c *compiler) linkLiteral(where, code string, cond *condition) {
	kind := cond.item.literal
	if kind == IntegerValue {
		kind = DecimalValue
	}
	if cond.want.kind != kind {
		c.problem(where, code, "%s is compared with a value like its options.", cond.question)
		return
	}
	satisfied := func(o Option) bool { return cond.holds([]Value{o.Value}) }
	if cond.item.Type == Choice && !slices.ContainsFunc(cond.item.Options, satisfied) {
		c.problem(where, code, "No option of %s is %s %s.", cond.question, cond.operator, cond.want.text)
	}
}

// oldest is the highest age that a rule may ask for.
var oldest = integerNumber(130)

func (c *compiler) linkFact(where string, cond *condition) {
	cond.fact = cond.question
	born := integerNumber(0)
	switch years := (&Item{min: &born, max: &oldest}); {
	case cond.fact == factAge && (cond.want.kind != DecimalValue || !years.reaches(cond)):
		c.problem(where, "rule", "%%age is compared with a number of years that someone has.")
	case cond.fact == factSex && (!slices.Contains(sexes, cond.want.text) || cond.operator != "=" && cond.operator != "!="):
		c.problem(where, "rule", "%%sex is compared by = or != with one of %s.", strings.Join(sexes, ", "))
	}
}

// reaches reports whether some number in the item's range satisfies the condition. A
// rule that no answer can fire is an author's mistake.
func (it *Item) reaches(cond *condition) bool {
	const unbounded = 2
	low, high := -unbounded, unbounded // how the ends of the range compare with the constant
	if it.min != nil {
		low = it.min.compare(cond.want.number)
	}
	if it.max != nil {
		high = it.max.compare(cond.want.number)
	}
	switch cond.operator {
	case "=":
		return low <= 0 && high >= 0
	case "!=":
		return low != 0 || high != 0
	case ">":
		return high > 0
	case ">=":
		return high >= 0
	case "<":
		return low < 0
	default:
		return low <= 0
	}
}

// option finds the option of a coding. If the coding has a system, the option must
// have the same; if not, no other option may have the code.
func (it *Item) option(coding Coding) (*Option, bool) {
	for i := range it.Options {
		o := &it.Options[i]
		if o.Code == coding.Code && (coding.System == o.System || coding.System == "" && o.Key == o.Code) {
			return o, true
		}
	}
	return nil, false
}

// ambiguous reports whether the coding names no system and several options have its
// code.
func (it *Item) ambiguous(coding Coding) bool {
	_, found := it.option(coding)
	return !found && coding.System == "" && it.has(coding.Code)
}

// has reports whether an option has the code, in any system.
func (it *Item) has(code string) bool {
	return slices.ContainsFunc(it.Options, func(o Option) bool { return o.Code == code })
}

func (c *compiler) linkRules() {
	seen := map[string]bool{}
	for _, r := range c.form.rules {
		if r.ID == "" || seen[r.ID] {
			c.problem(r.ID, "rule", "Every rule has an id of its own.")
		}
		seen[r.ID] = true
		if strings.TrimSpace(r.Message) == "" || strings.TrimSpace(r.Source) == "" {
			c.problem(r.ID, "rule", "Every rule has a message and a source.")
		}
		if len(r.conds) == 0 {
			c.problem(r.ID, "rule", "Every rule has a condition.")
		}
		for i := range r.conds {
			c.linkCondition(r.ID, "rule", &r.conds[i])
		}
		if r.Contact == nil {
			continue
		}
		if q, ok := c.form.byLink[r.Contact.Question]; !ok || q.Type != StringQ {
			c.problem(r.ID, "contact", "The number is asked for by %s, which is no string of this form.", r.Contact.Question)
		}
		if r.Severity != SeverityEmergency && r.Severity != SeverityUrgent {
			c.problem(r.ID, "contact", "Only an emergency or an urgent rule has the patient contacted.")
		}
	}
}

// pages groups the top-level items by page. An item without a page is shown on the
// page of the item before.
func (c *compiler) pages() {
	f := c.form
	for _, it := range f.items {
		last := len(f.pages) - 1
		title := it.page
		if title == "" && last >= 0 {
			title = f.pages[last].Title
		}
		if last < 0 || f.pages[last].Title != title {
			if slices.ContainsFunc(f.pages, func(p Page) bool { return p.Title == title }) {
				c.problem(it.LinkID, "page", "The items of page %q follow each other.", title)
			}
			f.pages = append(f.pages, Page{Title: title})
			last++
		}
		f.pages[last].Items = append(f.pages[last].Items, it)
	}
}
