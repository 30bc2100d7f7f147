package intake

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// A calculation is a calculatedExpression, read once.
type calculation struct {
	tree *term
	uses []*Item // whose answers it is made of
	eval func(*evaluation) []datum
}

// A datum is one value that a calculation works with. Number is set if it is a number.
type datum struct {
	number *big.Rat
	value  Value
	item   *Item // that it answers; nil if it answers none
}

// A stage is what an operand consists of.
type stage byte

const (
	someValues      stage = iota
	someAnswers           // of the response
	someItems             // of the response
	someDescendants       // items of the response among all that is in it
	theResponse
	someOptions // of the form
	someAsked   // items of the form
	theForm
)

// An operand is what a term stands for, as far as it is known without answers.
type operand struct {
	stage    stage
	kind     Kind // of its values, DecimalValue for all numbers; NoValue of {}, UnusableValue of several kinds
	many     bool // it may be several values
	items    []*Item
	path     bool // it is the answers to the items, and nobody uses them yet
	answered bool // of the items those that are answered
	fixed    bool // it is the same whatever is answered
	eval     func(*evaluation) []datum
}

// A variable is a named expression (SDC, variable), which calculations on its item and
// those inside use. One that none uses is not evaluated.
type variable struct {
	extension
	root   bool // it is the form's own
	linked bool
	what   operand
	uses   []*Item
	err    error
}

func (v *variable) words() string {
	return "%" + v.ValueExpression.Name + " = " + v.ValueExpression.Expression
}

// An evaluation is the work on one calculation.
type evaluation struct {
	*checker
	this, total []datum
	failed      bool // several values stand where one is needed, or it is beyond bounds
}

// works takes into account how many values are gone through, and reports whether the
// calculations of a check may go on. What has not come to an end by then has no value.
func (e *evaluation) works(values int) bool {
	e.work += values
	e.failed = e.failed || e.work > maxWork
	return !e.failed
}

// A linker finds what the terms of an expression stand for.
type linker struct {
	*compiler
	visible     []*variable // outermost first
	root        bool        // names begin at the response
	this, total *operand
	uses        []*Item
	room        *int // characters of expressions that may still be read
}

// A refusal says why a calculation is not evaluated.
type refusal struct{ code, text string }

func (r refusal) Error() string { return r.text }

func refuse(format string, args ...any) error {
	return refusal{"calculation", fmt.Sprintf(format, args...)}
}

// formulaWords tells an author which calculations are evaluated, and where one differs.
func formulaWords(rest string) string {
	return fmt.Sprintf("The calculation is none that is evaluated, from %s on. Evaluated is FHIRPath of at most %d characters with numbers, texts, "+
		"true, false and {}, + - * / & | = != < <= > >= in contains and or, paths such as %%resource.item.where(linkId='a' or linkId='b').answer.value.ordinal().sum(), "+
		"%%variables, and sum, count, exists, empty, first, not, iif, where, select, combine, aggregate, round, power, ln, exp and toString.",
		quoted(shortened(rest)), maxFormula)
}

// calculated reads a calculatedExpression.
func (c *compiler) calculated(it *Item, e extension) {
	x := *e.ValueExpression
	if it.formula != nil || it.broken {
		if x.Expression != it.expression {
			c.problem(it.LinkID, "extension", "A calculatedExpression is given once.")
		}
		return
	}
	it.expression = x.Expression
	tree, rest, err := parseExpression(x)
	if err != nil {
		it.broken = true
		c.problem(it.LinkID, "extension", "%s", formulaWords(rest))
		return
	}
	it.formula = &calculation{tree: tree}
	it.ReadOnly = true
}

// results are the kinds of value that a calculated item of a type has.
var results = map[Type]Kind{
	IntegerQ: DecimalValue, DecimalQ: DecimalValue, StringQ: StringValue, TextQ: StringValue, BooleanQ: BooleanValue, Choice: CodingValue,
}

// linkFormula finds the questions that a calculated item uses.
func (c *compiler) linkFormula(it *Item) {
	if it.row != nil || it.Repeats || it.Required || it.Statement || it.inner {
		c.problem(it.LinkID, "readonly", "A calculated question is neither repeated, in a repeating group, required, a statement, nor one with questions nested in it.")
	}
	l := linker{compiler: c, visible: c.form.variables, room: &c.expressions}
	for _, around := range it.path() {
		l.visible = slices.Concat(l.visible, around.variables)
	}
	found, err := operand{}, l.reads(it.expression)
	if err == nil {
		found, err = l.single(it.formula.tree)
	}
	if err == nil && (it.Type == IntegerQ || it.Type == DecimalQ) {
		err = numeric(found)
	}
	want := results[it.Type]
	if it.Type == Choice && it.literal != NoValue {
		want = it.literal
		if want == IntegerValue {
			want = DecimalValue
		}
	}
	var r refusal
	switch {
	case errors.As(err, &r):
		c.problem(it.LinkID, r.code, "%s", r.text)
		return
	case want == NoValue:
		c.problem(it.LinkID, "readonly", "A calculated question is an integer, decimal, string, text, boolean or choice.")
		return
	case found.kind != want:
		c.problem(it.LinkID, "readonly", "The calculation gives another kind of value than the question has: a string or a text is given a text, "+
			"a boolean true or false, a choice one of its options.")
		return
	}
	it.formula.eval, it.formula.uses = found.eval, l.uses
	for _, q := range l.uses {
		if q.index >= it.index {
			c.problem(it.LinkID, "calculation", "%s is used in the calculation, so it is an earlier question.", q.LinkID)
		}
	}
}

// path lists the items around the item, the outermost first, and the item itself.
func (it *Item) path() []*Item {
	var all []*Item
	for at := it; at != nil; at = at.parent {
		all = append(all, at)
	}
	slices.Reverse(all)
	return all
}

// link finds what a term stands for.
func (l *linker) link(t *term) (operand, error) {
	switch t.kind {
	case numberTerm:
		return literalOperand(datum{number: t.number}, DecimalValue), nil
	case textTerm:
		return literalOperand(datum{value: String(t.name)}, StringValue), nil
	case truthTerm:
		return literalOperand(datum{value: Boolean(t.name == "true")}, BooleanValue), nil
	case variableTerm:
		return l.variable(t.name)
	case memberTerm:
		return l.member(t)
	case callTerm:
		return l.call(t)
	case operatorTerm:
		return l.operator(t)
	default:
		return operand{eval: func(*evaluation) []datum { return nil }}, nil
	}
}

func literalOperand(d datum, kind Kind) operand {
	all := []datum{d}
	return operand{kind: kind, eval: func(*evaluation) []datum { return all }}
}

func (l *linker) variable(name string) (operand, error) {
	switch name {
	case "resource", "questionnaireResponse":
		return operand{stage: theResponse}, nil
	case "questionnaire":
		return operand{stage: theForm}, nil
	case "$this":
		return l.known(l.this, name)
	case "$total":
		return l.known(l.total, name)
	}
	for n, v := range slices.Backward(l.visible) {
		if v.ValueExpression.Name != name {
			continue
		}
		if !v.linked {
			v.linked = true
			l.linkVariable(v, l.visible[:n])
		}
		l.uses = append(l.uses, v.uses...)
		what := v.what
		if what.eval != nil {
			what.eval = func(e *evaluation) []datum { return e.variable(v) }
		}
		return what, v.err
	}
	return operand{}, refusal{"extension", fmt.Sprintf("The calculation uses %%%s, and no variable has that name here.", name)}
}

func (l *linker) known(o *operand, name string) (operand, error) {
	if o == nil {
		return operand{}, refuse("%s has no meaning here.", name)
	}
	return *o, nil
}

// linkVariable finds what a variable stands for, in which those before it are visible.
func (l *linker) linkVariable(v *variable, visible []*variable) {
	tree, rest, err := parseExpression(*v.ValueExpression)
	if err != nil {
		v.err = refusal{"extension", fmt.Sprintf("The variable %%%s: %s", v.ValueExpression.Name, formulaWords(rest))}
		return
	}
	if v.err = l.reads(v.ValueExpression.Expression); v.err != nil {
		return
	}
	in := linker{compiler: l.compiler, visible: visible, root: v.root, room: l.room}
	if v.what, v.err = in.link(tree); v.what.stage == someAnswers || v.what.stage == someValues {
		v.what, v.err = in.values(v.what, v.err)
	}
	v.uses = in.uses
}

// reads takes an expression into account.
func (l *linker) reads(expression string) error {
	if *l.room -= len(expression); *l.room < 0 {
		return refuse("The calculations of a form have at most %d characters together.", maxFormulas)
	}
	return nil
}

// variable is the value of a variable, which is found once in a check: all that it uses
// comes before the calculations that use it.
func (e *evaluation) variable(v *variable) []datum {
	known, ok := e.variables[v]
	if !ok {
		in := evaluation{checker: e.checker}
		known = found{all: v.what.eval(&in)}
		known.failed = in.failed
		if e.variables == nil {
			e.variables = map[*variable]found{}
		}
		e.variables[v] = known
	}
	e.failed = e.failed || known.failed
	return known.all
}

// found is what a variable was found to be.
type found struct {
	all    []datum
	failed bool
}

// values returns an operand that consists of values or answers, which the calculation
// uses from here on.
func (l *linker) values(o operand, err error) (operand, error) {
	switch {
	case err != nil:
		return o, err
	case o.stage != someValues && o.stage != someAnswers:
		return o, refuse("The calculation needs answers where it names items: go on with .answer.value.")
	case o.path:
		l.uses = append(l.uses, o.items...)
		o.path = false
	}
	return o, nil
}

// single returns what a term stands for, which is at most one value.
func (l *linker) single(t *term) (operand, error) {
	o, err := l.link(t)
	if err == nil && o.stage == someAnswers {
		err = refuse("An answer has its value under .value.")
	}
	if o, err = l.values(o, err); err == nil && o.many {
		err = refuse("Several answers are added up by sum(), or one is taken by first().")
	}
	return o, err
}

// one is the value of an operand that is at most one; it reports false for none.
func (o operand) one(e *evaluation) (datum, bool) {
	all := o.eval(e)
	if len(all) > 1 {
		e.failed = true
	}
	if len(all) != 1 {
		return datum{}, false
	}
	return all[0], true
}

// context is what a name without anything before it is of.
func (l *linker) context(on *term) (operand, error) {
	switch {
	case on != nil:
		return l.link(on)
	case l.this != nil:
		return *l.this, nil
	case l.root:
		return operand{stage: theResponse}, nil
	}
	return operand{}, refuse("A path in a calculation begins with %%resource.")
}

func (l *linker) member(t *term) (operand, error) {
	o, err := l.context(t.on)
	if err != nil {
		return o, err
	}
	form := l.form
	switch {
	case t.name == "item" && o.stage == theResponse:
		return operand{stage: someItems, items: form.items}, nil
	case t.name == "item" && o.stage == theForm:
		return operand{stage: someAsked, items: form.items}, nil
	case t.name == "item" && o.stage == someItems:
		return operand{stage: someItems, items: below(o.items, Group)}, nil
	case t.name == "item" && o.stage == someAsked:
		return operand{stage: someAsked, items: below(o.items, "")}, nil
	case t.name == "item" && o.stage == someAnswers && o.path:
		return operand{stage: someItems, items: below(o.items, "")}, nil
	case t.name == "answer" && o.stage == someItems:
		return answersTo(o.items)
	case t.name == "answerOption" && o.stage == someAsked:
		return optionsOf(o.items)
	case t.name == "value" && (o.stage == someAnswers || o.stage == someOptions):
		o.stage = someValues
		return o, nil
	case o.stage != someValues:
		return o, refuse("The calculation has .%s where there is none.", t.name)
	}
	return l.part(o, t.name)
}

// part is a member of a value.
func (l *linker) part(o operand, name string) (operand, error) {
	o, err := l.values(o, nil)
	if err != nil {
		return o, err
	}
	var get func(Value) string
	switch {
	case name == "value" && o.kind == QuantityValue:
		if slices.ContainsFunc(o.items, func(q *Item) bool { return len(q.Units) > 1 }) {
			return o, refuse("A quantity that is used in the calculation is measured in one unit.")
		}
		return mapped(o, DecimalValue, func(_ *evaluation, d datum) (datum, bool) {
			n, ok := new(big.Rat).SetString(plain(d.value.Number()))
			return datum{number: n}, ok
		}), nil
	case o.kind == CodingValue && name == "code":
		get = func(v Value) string { return v.coding.Code }
	case o.kind == CodingValue && name == "system":
		get = func(v Value) string { return v.coding.System }
	case o.kind == CodingValue && name == "display":
		get = func(v Value) string { return v.coding.Display }
	default:
		return o, refuse("The calculation has .%s of what has none.", name)
	}
	return mapped(o, StringValue, func(_ *evaluation, d datum) (datum, bool) {
		s := get(d.value)
		return datum{value: String(s)}, s != ""
	}), nil
}

// mapped is the operand with something else in place of each value.
func mapped(o operand, kind Kind, change func(*evaluation, datum) (datum, bool)) operand {
	return operand{kind: kind, many: o.many, items: o.items, eval: func(e *evaluation) []datum {
		given := o.eval(e)
		if len(given) == 0 {
			return nil
		}
		all := make([]datum, 0, len(given))
		for _, d := range given {
			if d, ok := change(e, d); ok {
				all = append(all, d)
			}
		}
		return all
	}}
}

// below lists the items inside those of a type; an empty one is any.
func below(items []*Item, typ Type) []*Item {
	var found []*Item
	for _, it := range items {
		if typ == "" || it.Type == typ {
			found = append(found, it.Items...)
		}
	}
	return found
}

// everywhere lists the items below others at every level: those of groups or, if all, of
// questions too.
func everywhere(items []*Item, all bool) []*Item {
	var found []*Item
	for _, it := range items {
		found = append(found, it)
		if all || it.Type == Group {
			found = append(found, everywhere(it.Items, all)...)
		}
	}
	return found
}

// valued is the kind of the answers to a question, as calculations see them.
func (it *Item) valued() Kind {
	switch it.Type {
	case BooleanQ:
		return BooleanValue
	case IntegerQ, DecimalQ:
		return DecimalValue
	case StringQ, TextQ, URLQ:
		return StringValue
	case DateQ:
		return DateValue
	case DateTimeQ:
		return DateTimeValue
	case TimeQ:
		return TimeValue
	case QuantityQ:
		return QuantityValue
	case Choice:
		switch it.literal { //nolint:exhaustive // the others are their own
		case NoValue:
			return CodingValue
		case IntegerValue:
			return DecimalValue
		}
		return it.literal
	case OpenChoice, Upload, Group, Display:
	}
	return UnusableValue
}

// answersTo is the answers to those of the items that are questions.
func answersTo(items []*Item) (operand, error) {
	o := operand{stage: someAnswers, path: true}
	for _, q := range items {
		if q.Type == Group || q.Type == Display {
			continue
		}
		if len(o.items) == 0 {
			o.kind = q.valued()
		} else if o.kind != q.valued() {
			o.kind = UnusableValue
		}
		o.items = append(o.items, q)
		o.many = o.many || q.Repeats || q.row != nil || len(o.items) > 1
	}
	if len(o.items) == 0 {
		return o, refuse("Part of the calculation names no question.")
	}
	questions := o.items
	o.eval = func(e *evaluation) []datum {
		n := 0
		for _, q := range questions {
			n += len(e.answers[q.index])
		}
		if !e.works(len(questions)+n) || n == 0 {
			return nil
		}
		all := make([]datum, 0, n)
		for _, q := range questions {
			for _, v := range e.answers[q.index] {
				all = append(all, q.datum(v))
			}
		}
		return all
	}
	return o, nil
}

// datum is an answer to the item as calculations see it.
func (it *Item) datum(v Value) datum {
	d := datum{value: v, item: it}
	if v.kind == IntegerValue || v.kind == DecimalValue {
		d.number, _ = new(big.Rat).SetString(plain(v.Text()))
	}
	return d
}

// optionsOf is the options of the items.
func optionsOf(items []*Item) (operand, error) {
	o := operand{stage: someOptions, many: true, fixed: true, items: items, kind: CodingValue}
	var all []datum
	for _, q := range items {
		if q.Type != Choice || q.literal != NoValue {
			return o, refuse("%s is used for its options, so it is a choice among codings.", q.LinkID)
		}
		for _, option := range q.Options {
			all = append(all, q.datum(option.Value))
		}
	}
	o.eval = func(*evaluation) []datum { return all }
	return o, nil
}

// A criterion says which items a path goes by. If answered is set, those of them that are
// answered.
type criterion struct {
	selects  func(*Item) bool
	answered bool
}

// criterion reads the condition of a where() on items.
func (l *linker) criterion(t *term) (criterion, error) {
	linkID := func(t *term) bool { return t.kind == memberTerm && t.name == "linkId" && t.on == nil }
	switch {
	case t.kind == operatorTerm && (t.name == "=" || t.name == "!="):
		left, right := t.args[0], t.args[1]
		if linkID(left) && right.kind == textTerm {
			return criterion{selects: func(it *Item) bool { return (it.LinkID == right.name) == (t.name == "=") }}, nil
		}
	case t.kind == operatorTerm && t.name == "in" && linkID(t.args[0]):
		if among, ok := texts(t.args[1]); ok {
			return criterion{selects: func(it *Item) bool { return slices.Contains(among, it.LinkID) }}, nil
		}
	case t.kind == operatorTerm && (t.name == "and" || t.name == "or"):
		a, err := l.criterion(t.args[0])
		if err != nil {
			return a, err
		}
		b, err := l.criterion(t.args[1])
		if err != nil {
			return b, err
		}
		if t.name == "and" {
			return criterion{func(it *Item) bool { return a.selects(it) && b.selects(it) }, a.answered || b.answered}, nil
		}
		if !a.answered && !b.answered {
			return criterion{selects: func(it *Item) bool { return a.selects(it) || b.selects(it) }}, nil
		}
	case t.kind == callTerm && t.name == "matches" && t.on != nil && linkID(t.on) && t.args[0].kind == textTerm:
		if re, err := regexp.Compile(t.args[0].name); err == nil {
			return criterion{selects: func(it *Item) bool { return re.MatchString(it.LinkID) }}, nil
		}
	case t.kind == callTerm && t.name == "exists" && len(t.args) == 0 && t.on != nil && t.on.kind == memberTerm && t.on.name == "answer" && t.on.on == nil:
		return criterion{selects: func(*Item) bool { return true }, answered: true}, nil
	}
	return criterion{}, refuse("The items of a path are chosen by linkId (= != in matches, joined by and, or) and by answer.exists().")
}

// texts reads 'a' | 'b'.
func texts(t *term) ([]string, bool) {
	if t.kind == textTerm {
		return []string{t.name}, true
	}
	if t.kind != operatorTerm || t.name != "|" {
		return nil, false
	}
	a, first := texts(t.args[0])
	b, second := texts(t.args[1])
	return append(a, b...), first && second
}

// literal writes a number with at most maxPoint digits after its point.
func literal(n *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(maxPoint), "0"), ".")
}

// calculated is the value of a calculated item; no value if there is none, or none of its
// type.
func (c *checker) calculated(it *Item) Value {
	e := evaluation{checker: c}
	all := it.formula.eval(&e)
	if e.failed || len(all) != 1 {
		return Value{}
	}
	v := all[0].value
	switch n := all[0].number; {
	case it.Type == IntegerQ:
		v = readInteger(node{kind: numberNode, text: n.RatString()})
	case it.Type == DecimalQ:
		v = Decimal(literal(n))
	case n != nil:
		v = readInteger(node{kind: numberNode, text: n.RatString()})
	}
	if it.Type == IntegerQ || it.Type == DecimalQ {
		if _, ok := v.number(); !ok {
			return Value{}
		}
		return v
	}
	v, wrong := it.accept(v, c.form.facts.Now)
	if wrong.Code != "" {
		return Value{}
	}
	return v
}
