package intake

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"evisit/pkg/fault"
)

// A compiler turns a resource into a Form in two passes. The pass shape builds the
// items and refuses what the engine cannot evaluate. The pass link resolves references
// between items and refuses what makes no sense; stored forms pass it again when they
// are loaded, so it must refuse no form in use. A form that is published passes a third
// time, through demands, which may become stricter.
type compiler struct {
	res     resource
	form    *Form
	catalog catalog
	offered int // options of all questions

	expressions int         // characters of calculations that may still be read
	published   bool        // the form is published now, and not one that was
	language    string      // that texts are wanted in; empty for the form's own
	sensitive   bool        // the form is not understood without its style
	shades      map[Hue]rgb // colours of what is not understood without its style; nil if there is nothing such
	problems    []fault.Problem
}

func newCompiler(res resource) *compiler {
	return &compiler{
		res: res, form: &Form{res: res, byLink: map[string]*Item{}, compiled: &shelf{}},
		catalog:     catalog{contained: res.Contained, expanded: map[string]expansion{}},
		expressions: maxFormulas,
	}
}

// compile builds a form, or returns a fault that names every problem at once, those
// found in reading first. If the form is published now, it must meet the demands on
// authors too.
func compile(res resource, problems []fault.Problem, published bool) (*Form, error) {
	c := newCompiler(res)
	c.problems, c.published = problems, published
	c.shape()
	c.link()
	if published {
		c.demands()
	}
	if err := c.err("questionnaire-refused", "This questionnaire may not be published."); err != nil {
		return nil, err
	}
	return c.form, nil
}

func (c *compiler) problem(where, code, format string, args ...any) {
	c.problems = append(c.problems, fault.Problem{Where: where, Code: code, Text: fmt.Sprintf(format, args...)})
}

// remark notes where a form is asked otherwise than its author may expect.
func (c *compiler) remark(where, code, format string, args ...any) {
	c.form.remarks = append(c.form.remarks, fault.Problem{Where: where, Code: code, Text: fmt.Sprintf(format, args...)})
}

// maxProblems bounds the reply to a questionnaire that is wrong throughout.
const maxProblems = 200

func (c *compiler) err(code, text string) error {
	if len(c.problems) == 0 {
		return nil
	}
	if more := len(c.problems) - maxProblems; more > 0 {
		c.problems = append(c.problems[:maxProblems:maxProblems],
			fault.Problem{Where: c.res.ID, Code: "more", Text: fmt.Sprintf("There are %d problems more.", more)})
	}
	return fault.New(fault.Invalid, code, text, c.problems...)
}

func (c *compiler) shape() {
	if c.res.ResourceType != "Questionnaire" {
		c.problem("resourceType", "type", "resourceType is Questionnaire.")
	}
	for _, m := range []struct{ name, value string }{
		{"id", c.res.ID}, {"url", c.res.URL}, {"version", c.res.Version}, {"title", c.res.Title}, {"status", c.res.Status},
	} {
		if strings.TrimSpace(m.value) == "" {
			c.problem(m.name, "required", "A questionnaire has its %s.", m.name)
		}
	}
	if strings.Contains(c.res.Version, "|") {
		c.problem("version", "type", "A version has no |.")
	}
	if len(c.res.Items) == 0 {
		c.problem("item", "required", "A questionnaire has items.")
	}
	for _, e := range c.res.Extension {
		c.formExtension(e)
	}
	c.elements("This form", c.res.source)
	c.form.title = c.say(c.res.Title, c.res.source, "_title")
	ids := map[string]bool{}
	if len(c.res.Contained) > maxContained {
		c.problem("contained", "structure", "A form contains at most %d resources.", maxContained)
		c.catalog.contained = nil
	}
	for _, n := range c.res.Contained[:min(len(c.res.Contained), maxContained)] {
		id := n.member("id").text
		if id == "" || ids[id] {
			c.problem("contained", "unique", "Every contained resource has an id of its own, also beside those of the common block.")
		}
		ids[id] = true
	}
	c.form.items = c.items(nil, c.res.Items)
	c.styledForm()
}

// want reports whether an extension has one of the shapes, and records a problem if
// not.
func (c *compiler) want(where string, e extension, shapes ...string) bool {
	if slices.Contains(shapes, e.shape()) {
		return true
	}
	c.problem(where, "extension", "%s holds %s, and only that.", shortName(e.URL), strings.Join(shapes, " or "))
	return false
}

func shortName(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

func (c *compiler) formExtension(e extension) {
	name := shortName(e.URL)
	switch e.URL {
	case extBilling:
		if c.want(name, e, "valueCode") {
			c.once(name, c.form.billing != "")
			c.form.billing = e.ValueCode
		}
	case extSex:
		if c.want(name, e, "valueCode") {
			c.once(name, c.form.sex != "")
			c.form.sex = e.ValueCode
		}
	case extAges:
		if c.want(name, e, "valueRange") {
			c.once(name, c.form.ages != nil)
			c.ages(name, *e.ValueRange)
		}
	case extDiagnosis:
		if c.want(name, e, "valueCoding") {
			c.form.diagnose = append(c.form.diagnose, e.ValueCoding.coding())
		}
	case extTopic:
		c.topic(name, e)
	case extDerived:
		if c.want(name, e, "extension") {
			c.derivation(e)
		}
	case extRule:
		if c.want(name, e, "extension") {
			c.rule(e)
		}
	case extNote:
		c.want(name, e, "valueMarkdown")
	case extSensitive:
		c.sensitive = c.sensitive || e.sensitive()
	case extTarget:
		c.target("This form", name, e)
	case extVariable:
		if e.ValueExpression != nil {
			c.form.variables = append(c.form.variables, &variable{extension: e, root: true})
		}
	default:
		c.passed("This form", e)
	}
}

func (c *compiler) once(where string, again bool) {
	if again {
		c.problem(where, "extension", "%s is given once.", where)
	}
}

func (c *compiler) ages(where string, r ageRange) {
	c.form.ages = &ages{}
	for _, bound := range []struct {
		q  *quantity
		to *int
	}{{r.Low, &c.form.ages.low}, {r.High, &c.form.ages.high}} {
		if bound.q == nil || (bound.q.Unit != "a" && bound.q.Unit != "") {
			c.problem(where, "range", "An age range has low and high in years (unit a).")
			continue
		}
		years, ok := wholeDecimal(bound.q.Value.String())
		if !ok {
			c.problem(where, "range", "An age is a whole number of years.")
		}
		*bound.to = years
	}
}

// items builds the items of one level, in document order.
func (c *compiler) items(parent *Item, sources []sourceItem) []*Item {
	items := make([]*Item, 0, len(sources))
	for place, s := range sources {
		it := &Item{
			LinkID: s.LinkID, Prefix: c.say(s.Prefix, s.source, "_prefix"), Text: c.say(c.words(s), s.source, "_text"), Type: s.Type, Codes: codings(s.Code),
			Required: s.Required, Repeats: s.Repeats, ReadOnly: s.ReadOnly != nil && *s.ReadOnly, MaxLength: s.MaxLength, Decimals: -1,
			index: len(c.form.all), place: place, parent: parent, sensitive: c.sensitive,
		}
		if parent != nil {
			it.row, it.Hidden, it.sensitive = parent.row, parent.Hidden, parent.sensitive
			it.ReadOnly = it.ReadOnly || parent.Type == Group && parent.ReadOnly && it.Type != Display
			if parent.Repeats && (parent.Type == Group || it.Type != Display) {
				it.row = parent
			}
		}
		c.form.all = append(c.form.all, it)
		c.item(it, s)
		it.Items = c.items(it, s.Items)
		it.end = len(c.form.all)
		for _, child := range it.Items {
			if child.Type != Display {
				it.inner = it.inner || it.Type != Group
			} else if !child.Hidden {
				it.Help = append(it.Help, Said{child.Text, child.Style})
			}
		}
		items = append(items, it)
	}
	return items
}

// words are the text of an item or, of a question without one, those of its code.
func (c *compiler) words(s sourceItem) string {
	if s.Text != "" || s.Type == Group {
		return s.Text
	}
	for _, code := range s.Code {
		if words := cmp.Or(code.Display, c.catalog.words(code.coding())); words != "" {
			c.remark(s.LinkID, "text", "It has no text, and is asked in the words of its code: %s.", quoted(words))
			return words
		}
	}
	return ""
}

func (c *compiler) item(it *Item, s sourceItem) {
	if strings.TrimSpace(s.LinkID) == "" || len(s.LinkID) > maxLinkIDLength {
		c.problem(s.LinkID, "required", "Every item has a linkId of at most %d characters.", maxLinkIDLength)
	}
	c.itemType(it, s)
	for _, o := range s.AnswerOption[:min(len(s.AnswerOption), maxOptions)] {
		c.option(it, o)
	}
	if len(s.AnswerOption) > maxOptions {
		c.problem(it.LinkID, "option", "A question has at most %d options.", maxOptions)
	}
	c.valueSet(it, s)
	c.listed(it, s)
	for _, e := range s.Extension {
		c.itemExtension(it, e)
	}
	switch {
	case it.formula == nil:
	case s.ReadOnly == nil:
		c.remark(it.LinkID, "readonly", "It is calculated: the clinician reads it, and patients are neither asked for it nor shown it.")
	case !*s.ReadOnly:
		c.problem(it.LinkID, "readonly", "A calculated question is not asked, so its readOnly is true or left out.")
	}
	c.elements(it.named(), s.source)
	c.styled(it, s)
	c.initials(it, s)
	for _, w := range s.EnableWhen {
		c.enableWhen(it, w)
	}
	switch {
	case s.EnableBehavior == "any":
		it.EnableAny = true
	case s.EnableBehavior == "all", s.EnableBehavior == "" && len(s.EnableWhen) <= 1:
	default:
		c.problem(it.LinkID, "enableBehavior", "With several enableWhen, enableBehavior is any or all.")
	}
}

func (c *compiler) itemType(it *Item, s sourceItem) {
	switch s.Type {
	case Display:
		if s.Required || s.Repeats || it.ReadOnly {
			c.problem(it.LinkID, "type", "A display item is not required, repeated or readOnly.")
		}
	case Group:
		if len(s.Items) == 0 {
			c.problem(it.LinkID, "type", "A group has items.")
		}
		if s.Repeats && it.depth() > maxRowDepth {
			c.problem(it.LinkID, "type", "Repeating groups are inside each other at most %d deep.", maxRowDepth)
		}
	case BooleanQ, IntegerQ, DecimalQ, DateQ, DateTimeQ, TimeQ, QuantityQ, Choice, OpenChoice, Upload:
	case StringQ, TextQ, URLQ:
		if it.MaxLength == 0 && s.Type != TextQ {
			it.MaxLength = defaultStringLength
		} else if it.MaxLength == 0 {
			it.MaxLength = defaultTextLength
		}
	default:
		c.problem(it.LinkID, "type", "The item type %q is not evaluated: use another, or leave the item out.", s.Type)
	}
	if s.MaxLength != 0 && s.Type != StringQ && s.Type != TextQ && s.Type != URLQ && s.Type != OpenChoice {
		c.problem(it.LinkID, "type", "maxLength is for string, text, url and open-choice.")
	}
	if s.Type == OpenChoice && it.MaxLength == 0 {
		it.MaxLength = defaultStringLength
	}
}

// listedAs are the kinds of options that a question of another type than choice may have:
// it is a choice among them.
var listedAs = map[Type]Kind{StringQ: StringValue, TextQ: StringValue, IntegerQ: IntegerValue, DateQ: DateValue, TimeQ: TimeValue}

// listed makes a question of text, numbers, days or times with options a choice, which it
// is in all but its name (FHIR R4, Questionnaire.item.answerOption).
func (c *compiler) listed(it *Item, s sourceItem) {
	kind, may := listedAs[it.Type]
	if !may || len(s.AnswerOption) == 0 || it.literal != kind || slices.ContainsFunc(s.AnswerOption, func(o option) bool { return o.ValueCoding != nil }) {
		return
	}
	it.Type, it.MaxLength = Choice, 0
}

// initials reads the values that a page proposes as answer.
func (c *compiler) initials(it *Item, s sourceItem) {
	for _, in := range s.Initial {
		given := in.values()
		if len(given) != 1 {
			c.problem(where(in.at, it.LinkID), "initial", "%s: an initial is one value, and no file or reference.", it.named())
			continue
		}
		it.Initial = append(it.Initial, given[0])
	}
}

func (c *compiler) option(it *Item, o option) {
	given := o.values()
	switch {
	case len(given) != 1 || o.keeps("valueReference"):
		text := "Every answerOption has one value: a coding, an integer, a string, a date or a time."
		if o.keeps("valueReference") {
			text = "An answerOption that is a reference is not evaluated: give a valueCoding or a valueString."
		}
		c.problem(it.LinkID, "option", "%s", text)
		return
	case given[0].kind == CodingValue && given[0].coding.Code == "":
		c.problem(it.LinkID, "option", "Every valueCoding of an answerOption has a code.")
		return
	case !sound(given[0]):
		c.problem(it.LinkID, "option", "Every answerOption is a value that there is: a whole number, a day such as 2026-02-28, a time such as 08:30:00.")
		return
	}
	var extensions []extension
	if o.ValueCoding != nil {
		extensions = o.ValueCoding.Extension
	}
	said := c.say(given[0].Text(), o.source, "_valueString")
	if o.ValueCoding != nil {
		said = c.say(o.ValueCoding.Display, o.ValueCoding.source, "_display")
	}
	c.choice(it, given[0], said, slices.Concat(o.Extension, extensions))
	if o.InitialSelected {
		it.Initial = append(it.Initial, given[0])
	}
}

// choice adds an option, as people read it, with what its extensions say of it.
func (c *compiler) choice(it *Item, v Value, said string, extensions []extension) {
	if c.offered++; c.offered > maxCodes {
		if it.broken = true; c.offered == maxCodes+1 {
			c.problem(it.LinkID, "option", "The questions of a form have at most %d options together.", maxCodes)
		}
		return
	}
	opt := Option{Coding: v.coding, Value: v, Key: v.coding.Code}
	kind := NoValue
	if v.kind != CodingValue {
		opt.Key, kind = v.Text(), v.kind
	}
	opt.Display = said
	if len(it.Options) > 0 && it.literal != kind {
		c.problem(it.LinkID, "option", "The options of one question are all of one kind.")
		return
	}
	it.literal = kind
	for _, e := range extensions {
		switch e.URL {
		case extOrdinal, extWeight:
			opt.Ordinal = c.ordinal(it, e)
		case extExclusive:
			opt.Exclusive = c.truth(it, e)
			it.exclusive = it.exclusive || opt.Exclusive
		case extAnswerMedia:
			c.media(it, e, said)
		default:
			c.passed(it.named(), e)
		}
	}
	if opt.Ordinal == nil && kind == NoValue {
		opt.Ordinal = c.catalog.score(v.coding)
	}
	it.Options = append(it.Options, opt)
}

// valueSet adds the codes of an answerValueSet as options.
func (c *compiler) valueSet(it *Item, s sourceItem) {
	if s.AnswerValueSet == "" {
		return
	}
	at := where(s.at.member("answerValueSet"), it.LinkID)
	if len(s.AnswerOption) > 0 {
		c.problem(at, "option", "%s has answerOption or answerValueSet, not both.", it.named())
		return
	}
	if it.Type != Choice && it.Type != OpenChoice {
		c.problem(at, "option", "%s has an answerValueSet, and is no choice.", it.named())
		return
	}
	found := c.catalog.expand(s.AnswerValueSet)
	if it.broken = found.why != ""; it.broken {
		c.problem(at, "valueSet", "%s: %s.", it.named(), found.why)
	}
	for _, k := range found.concepts {
		c.choice(it, Code(k.Coding), k.said, k.extension)
	}
}

func (c *compiler) ordinal(it *Item, e extension) *int {
	if !c.want(it.LinkID, e, "valueDecimal", "valueInteger") {
		return nil
	}
	score, ok := wholeDecimal(e.number())
	if !ok || score > maxOrdinal {
		c.problem(it.LinkID, "option", "An ordinalValue is a whole number up to %d.", maxOrdinal)
		return nil
	}
	return &score
}

// truth reads a boolean extension.
func (c *compiler) truth(it *Item, e extension) bool {
	return c.want(it.LinkID, e, "valueBoolean") && *e.ValueBoolean
}

// maxOrdinal keeps every total within an int32.
const maxOrdinal = 1000

func (c *compiler) itemExtension(it *Item, e extension) {
	switch e.URL {
	case extMinValue:
		c.minMax(it, e, &it.Min, &it.min, &it.first)
	case extMaxValue:
		c.minMax(it, e, &it.Max, &it.max, &it.last)
	case extMinLength:
		if c.want(it.LinkID, e, "valueInteger") {
			it.MinLength = c.count(it, e)
		}
	case extRegex:
		if c.want(it.LinkID, e, "valueString") {
			c.regex(it, e.ValueString)
		}
	case extFormat:
		if c.want(it.LinkID, e, "valueString") {
			it.Format = c.say(e.ValueString, e.source, "_valueString")
		}
	case extStatement:
		it.Statement = c.truth(it, e)
	case extConstraint:
		if c.want(it.LinkID, e, "extension") {
			c.constraint(it, e)
		}
	case extTarget:
		c.target(it.named(), it.LinkID, e)
	case extMinOccurs:
		if c.want(it.LinkID, e, "valueInteger") {
			it.MinOccurs = c.count(it, e)
		}
	case extMaxOccurs:
		if c.want(it.LinkID, e, "valueInteger") {
			it.MaxOccurs = c.count(it, e)
		}
	case extUnit:
		if c.want(it.LinkID, e, "valueCoding") {
			it.Unit, it.unit = e.ValueCoding.Code, e.ValueCoding.coding()
		}
	case extUnitOption:
		if c.want(it.LinkID, e, "valueCoding") {
			it.Units = append(it.Units, e.ValueCoding.coding())
		}
	case extUnitSet:
		if c.want(it.LinkID, e, "valueCanonical") {
			c.unitSet(it, e)
		}
	case extDecimals:
		if c.want(it.LinkID, e, "valueInteger") {
			it.Decimals = c.count(it, e)
		}
	case extMinQuantity:
		if c.want(it.LinkID, e, "valueQuantity") {
			c.quantityBound(it, e, &it.Min, &it.min)
		}
	case extMaxQuantity:
		if c.want(it.LinkID, e, "valueQuantity") {
			c.quantityBound(it, e, &it.Max, &it.max)
		}
	case extMIMEType:
		if c.want(it.LinkID, e, "valueCode") {
			it.MIMETypes = append(it.MIMETypes, strings.ToLower(e.ValueCode))
		}
	case extMaxSize:
		if c.want(it.LinkID, e, "valueDecimal") {
			var ok bool
			it.maxSize = e.number()
			if it.MaxBytes, ok = megabytes(e.number()); !ok {
				c.problem(it.LinkID, "range", "maxSize is a number of megabytes above 0.")
			}
		}
	case sdcCalculated:
		if c.want(it.LinkID, e, "valueExpression") {
			c.calculated(it, e)
		}
	case extVariable:
		if e.ValueExpression != nil {
			it.variables = append(it.variables, &variable{extension: e})
		}
	case extPage:
		if c.want(it.LinkID, e, "valueString") {
			it.page = e.ValueString
		}
	case extControl:
		if c.want(it.LinkID, e, "valueCodeableConcept") && len(e.ValueCodeableConcept.Coding) > 0 {
			it.Control = e.ValueCodeableConcept.Coding[0].Code
		}
	case extSensitive:
		it.sensitive = it.sensitive || e.sensitive()
	case extHidden:
		it.Hidden = c.truth(it, e) || it.Hidden
	case extOpenLabel:
		if c.want(it.LinkID, e, "valueString") {
			it.OpenLabel = c.say(e.ValueString, e.source, "_valueString")
		}
	case extNote:
		c.want(it.LinkID, e, "valueMarkdown")
	default:
		c.passed(it.named(), e)
	}
}

// media leaves out the picture of an option that has words, and says so. A picture without
// words, one of a question, and what is heard or moves are refused: they may be what is
// asked.
func (c *compiler) media(it *Item, e extension, words string) {
	if strings.TrimSpace(words) == "" || !e.picture() {
		c.passed(it.named(), e)
		return
	}
	c.remark(it.LinkID, "picture", "The picture beside %s is not shown: the words alone must say it.", quoted(shortened(words)))
}

// target looks at a targetConstraint. A warning keeps nobody from answering as they like,
// so it is left out and the author told; one that does is refused.
func (c *compiler) target(what, where string, e extension) {
	var severity, human string
	for _, part := range e.Extension {
		switch part.URL {
		case "severity":
			severity = part.ValueCode
		case "human":
			human = part.ValueString
		}
	}
	if severity != "warning" {
		c.passed(what, e)
		return
	}
	c.remark(where, "constraint", "%s warns: %s. Nobody is warned here, and every answer is taken: if it must be so, use required, minOccurs, minValue, maxValue or regex.", what, quoted(shortened(human)))
}

// minMax reads a minValue or maxValue, of a number or of a date.
func (c *compiler) minMax(it *Item, e extension, literal *string, n **number, day **dayBound) {
	if it.Type == DateQ || it.Type == DateTimeQ {
		*day = c.day(it, e)
	} else if it.Type == TimeQ {
		if c.want(it.LinkID, e, "valueTime") {
			*literal = e.ValueTime
		}
	} else if c.want(it.LinkID, e, "valueInteger", "valueDecimal") {
		*literal, *n = c.bound(it, e)
	}
}

// regex reads the pattern of a text.
func (c *compiler) regex(it *Item, pattern string) {
	var err error
	if it.pattern, err = regexp.Compile("^(?:" + pattern + ")$"); err != nil {
		c.problem(it.LinkID, "pattern", "The pattern is not a regular expression without look-around and back-references.")
	}
}

func (c *compiler) bound(it *Item, e extension) (string, *number) {
	n, ok := parseNumber(e.number())
	if !ok || e.keeps("_valueInteger") || e.keeps("_valueDecimal") {
		c.problem(it.LinkID, "range", "%s is a plain number, not a calculated one.", shortName(e.URL))
		return "", nil
	}
	return e.number(), &n
}

func (c *compiler) count(it *Item, e extension) int {
	n, ok := whole(e.number())
	if !ok {
		c.problem(it.LinkID, "range", "%s is a whole number from 0.", shortName(e.URL))
	}
	return n
}
