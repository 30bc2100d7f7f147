package intake

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// A calculation is a calculatedExpression, read once.
type calculation struct {
	tree *term
	uses []*Item // whose answers it is made of
	late bool    // one of them does not come before it
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
	uses   map[*Item]bool
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
	uses        map[*Item]bool
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
	l := linker{compiler: c, visible: c.form.variables, uses: map[*Item]bool{}, room: &c.expressions}
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
	it.formula.eval = found.eval
	it.formula.uses = slices.SortedFunc(maps.Keys(l.uses), func(a, b *Item) int { return a.index - b.index })
	it.formula.late = slices.ContainsFunc(it.formula.uses, func(q *Item) bool { return q.index >= it.index })
}

// maxLate is how many calculations of a form may stand before what they use: each may have
// the answers gone through once more.
const maxLate = 20

// linkLate finds the calculations that stand before what they use, and refuses those that
// wait for themselves.
func (c *compiler) linkLate() {
	for _, it := range c.form.all {
		if it.late() {
			c.form.late = append(c.form.late, it)
		}
	}
	if len(c.form.late) > maxLate {
		c.problem(c.form.late[maxLate].LinkID, "calculation", "At most %d calculations of a form stand before the questions that they use.", maxLate)
		return
	}
	for _, it := range c.form.late {
		if it.waits(it, map[*Item]bool{}) {
			c.problem(it.LinkID, "calculation", "The calculation goes round in a circle: it uses a question that is itself, is calculated from it or is asked only because of it.")
		}
	}
}

func (it *Item) late() bool { return it.formula != nil && it.formula.late }

// waits reports whether the item's answers depend on those of another.
func (it *Item) waits(on *Item, seen map[*Item]bool) bool {
	for _, q := range it.before() {
		if q == on {
			return true
		}
		if !seen[q] {
			seen[q] = true
			if q.waits(on, seen) {
				return true
			}
		}
	}
	return false
}

// before lists the items whose answers the item's own depend on: those that it is
// calculated from, that enable it or may contradict it, and the one around it.
func (it *Item) before() []*Item {
	all := slices.Clone(it.contradicts)
	if it.parent != nil {
		all = append(all, it.parent)
	}
	for i := range it.when {
		if q := it.when[i].item; q != nil {
			all = append(all, q)
		}
	}
	if it.formula != nil {
		all = append(all, it.formula.uses...)
	}
	return all
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
		maps.Copy(l.uses, v.uses)
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
	in := linker{compiler: l.compiler, visible: visible, root: v.root, uses: map[*Item]bool{}, room: l.room}
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

// variable is the value of a variable, which is found once in each going through the
// answers: all that it uses is known by then to the calculations that use it.
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
		l.use(o.items)
		o.path = false
	}
	return o, nil
}

func (l *linker) use(items []*Item) {
	for _, it := range items {
		l.uses[it] = true
	}
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

// literal writes a number with at most maxPoint digits after its point.
func literal(n *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(maxPoint), "0"), ".")
}

// late calculates what stands before the questions that it uses, once all are answered.
func (c *checker) late() map[*Item]Value {
	found := map[*Item]Value{}
	for _, it := range c.form.late {
		if c.enabled[it.index] {
			if v := c.calculated(it); v.kind != NoValue {
				found[it] = v
			}
		}
	}
	return found
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
