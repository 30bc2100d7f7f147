package intake

import (
	"maps"
	"math/big"
	"slices"
)

// call finds what a function gives.
func (l *linker) call(t *term) (operand, error) {
	if t.name == "iif" {
		return l.iif(t)
	}
	o, err := l.context(t.on)
	if err != nil {
		return o, err
	}
	switch {
	case t.name == "repeat" && (o.stage == theResponse || o.stage == someItems):
		if step := t.args[0]; step.kind != memberTerm || step.name != "item" || step.on != nil {
			return o, refuse("repeat is repeat(item).")
		}
		return operand{stage: someItems, items: l.inside(o, false)}, nil
	case t.name == "descendants" && (o.stage == theResponse || o.stage == someItems):
		return operand{stage: someDescendants, items: l.inside(o, true)}, nil
	case t.name == "where" && (o.stage == someItems || o.stage == someDescendants || o.stage == someAsked):
		return l.chosenItems(o, t.args[0])
	case o.stage == someItems && o.answered && (t.name == "count" || t.name == "exists" && len(t.args) == 0):
		return l.answeredItems(o, t.name)
	}
	plain := o.path
	if (t.name == "ordinal" || t.name == "weight") && plain && o.stage == someValues {
		if o, err = choices(o); err != nil {
			return o, err
		}
	}
	if o, err = l.values(o, nil); err != nil {
		return o, err
	}
	switch t.name {
	case "where", "select":
		return l.each(o, t)
	case "exists", "empty", "count":
		return l.amount(o, t)
	case "first":
		o.many = false
		eval := o.eval
		o.eval = func(e *evaluation) []datum {
			all := eval(e)
			return all[:min(len(all), 1)]
		}
		return o, nil
	case "combine":
		return l.joined(o, t.args[0], false)
	case "aggregate":
		return l.aggregate(o, t)
	case "ordinal", "weight":
		return scores(o)
	case "sum":
		return sum(o)
	}
	if o.many {
		return o, refuse("Several answers are added up by sum(), or one is taken by first().")
	}
	return l.function(o, t)
}

// inside lists the items at every level inside those of an operand.
func (l *linker) inside(o operand, all bool) []*Item {
	if o.stage == theResponse {
		return everywhere(l.form.items, all)
	}
	typ := Group
	if all {
		typ = ""
	}
	return everywhere(below(o.items, typ), all)
}

// chosenItems are the items of an operand that a criterion selects.
func (l *linker) chosenItems(o operand, t *term) (operand, error) {
	by, err := l.criterion(t)
	if err != nil {
		return o, err
	}
	chosen := operand{stage: someItems, answered: by.answered || o.answered}
	if o.stage == someAsked {
		chosen.stage = someAsked
	}
	for _, it := range o.items {
		if by.selects(it) {
			chosen.items = append(chosen.items, it)
		}
	}
	if len(chosen.items) == 0 {
		return o, refuse(namesNone)
	}
	return chosen, nil
}

// answeredItems says how many of the items are answered, or that one is.
func (l *linker) answeredItems(o operand, name string) (operand, error) {
	questions, err := answersTo(o.items)
	if err != nil {
		return o, err
	}
	for _, q := range questions.items {
		if q.row != nil {
			return o, refuse("%s is in rows, of which the answers are counted and not the items.", q.LinkID)
		}
	}
	l.use(questions.items)
	count := func(e *evaluation) (n int) {
		for _, q := range questions.items {
			n += min(len(e.answers[q.index]), 1)
		}
		return n
	}
	if name == "count" {
		return operand{kind: DecimalValue, eval: func(e *evaluation) []datum { return counted(count(e)) }}, nil
	}
	return operand{kind: BooleanValue, eval: func(e *evaluation) []datum { return truth(count(e) > 0) }}, nil
}

func truth(b bool) []datum { return []datum{{value: Boolean(b)}} }

func counted(n int) []datum { return []datum{{number: big.NewRat(int64(n), 1)}} }

// each is the values that satisfy a condition, or what becomes of each value.
func (l *linker) each(o operand, t *term) (operand, error) {
	inner := *l
	inner.uses = map[*Item]bool{}
	element := o
	element.many, element.eval = false, func(e *evaluation) []datum { return e.this }
	inner.this = &element
	what, err := inner.link(t.args[0])
	if what, err = inner.values(what, err); err != nil {
		return o, err
	}
	in := func(e *evaluation, d datum) []datum {
		outer := e.this
		e.this = []datum{d}
		all := what.eval(e)
		e.this = outer
		return all
	}
	found := operand{stage: o.stage, kind: o.kind, many: o.many, items: o.items, fixed: o.fixed && len(inner.uses) == 0 && l.total == nil}
	maps.Copy(l.uses, inner.uses)
	if t.name == "select" {
		found = operand{stage: what.stage, kind: what.kind, many: o.many || what.many, items: what.items}
	} else if what.kind != BooleanValue || what.many {
		return o, refuse("where is given what is true or false.")
	}
	found.eval = func(e *evaluation) []datum {
		var all []datum
		for _, d := range o.eval(e) {
			switch its := in(e, d); {
			case !e.works(1):
				return nil
			case t.name == "select":
				all = append(all, its...)
			case len(its) == 1 && its[0].value.truth:
				all = append(all, d)
			}
		}
		return all
	}
	if found.fixed {
		found.many = len(found.eval(&evaluation{checker: &checker{}})) > 1
	}
	return found, nil
}

// amount is how many values there are, or whether there are any.
func (l *linker) amount(o operand, t *term) (operand, error) {
	if len(t.args) > 0 {
		var err error
		if o, err = l.each(o, t); err != nil {
			return o, err
		}
	}
	if t.name == "count" {
		return operand{kind: DecimalValue, eval: func(e *evaluation) []datum { return counted(len(o.eval(e))) }}, nil
	}
	return operand{kind: BooleanValue, eval: func(e *evaluation) []datum {
		return truth((len(o.eval(e)) == 0) == (t.name == "empty"))
	}}, nil
}

// joined is the values of two operands together; if distinct, each once.
func (l *linker) joined(o operand, t *term, distinct bool) (operand, error) {
	with, err := l.link(t)
	if with, err = l.values(with, err); err != nil {
		return o, err
	}
	kind, err := sameKind(o, with)
	if err != nil {
		return o, err
	}
	return operand{kind: kind, many: o.many || with.many, items: together(o.items, with.items), eval: func(e *evaluation) []datum {
		all := slices.Concat(o.eval(e), with.eval(e))
		if !distinct {
			return all
		}
		var once []datum
		for _, d := range all {
			if !slices.ContainsFunc(once, d.equal) {
				once = append(once, d)
			}
		}
		return once
	}}, nil
}

// sameKind is the kind of values that two operands have.
func sameKind(a, b operand) (Kind, error) {
	switch {
	case a.kind == NoValue:
		return b.kind, nil
	case b.kind == NoValue || a.kind == b.kind && a.kind != UnusableValue:
		return a.kind, nil
	}
	return NoValue, refuse("The calculation takes values of several kinds together, or compares them.")
}

// together lists the items of two operands, each once.
func together(a, b []*Item) []*Item {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y *Item) int { return x.index - y.index })
	return slices.Compact(all)
}

func (d datum) equal(o datum) bool {
	if d.number != nil && o.number != nil {
		return d.number.Cmp(o.number) == 0
	}
	return d.number == nil && o.number == nil && d.value.Equal(o.value)
}

func (l *linker) iif(t *term) (operand, error) {
	if t.on != nil {
		return operand{}, refuse("iif stands alone, as iif(condition, value, other).")
	}
	when, err := l.truth(t.args[0])
	if err != nil {
		return when, err
	}
	branches := []operand{{}, {eval: func(*evaluation) []datum { return nil }}}
	for i, arg := range t.args[1:] {
		o, err := l.link(arg)
		if branches[i], err = l.values(o, err); err != nil {
			return o, err
		}
	}
	then, other := branches[0], branches[1]
	kind, err := sameKind(then, other)
	return operand{kind: kind, many: then.many || other.many, items: together(then.items, other.items), eval: func(e *evaluation) []datum {
		if d, ok := when.one(e); ok && d.value.truth {
			return then.eval(e)
		}
		return other.eval(e)
	}}, err
}

// truth is a term that is true, false or nothing.
func (l *linker) truth(t *term) (operand, error) {
	o, err := l.single(t)
	if err == nil && o.kind != BooleanValue && o.kind != NoValue {
		err = refuse("The calculation asks whether something is true that is neither true nor false.")
	}
	return o, err
}

// choices are the answers to those questions of a path whose options have scores: others
// have none.
func choices(o operand) (operand, error) {
	var scored []*Item
	for _, q := range o.items {
		if q.Type != Choice || q.literal != NoValue {
			continue
		}
		if slices.ContainsFunc(q.Options, func(option Option) bool { return option.Ordinal == nil }) {
			return o, refuse("%s is used in the calculation, so it is a choice whose every option has an ordinalValue: its own, or that of its code in a CodeSystem that is handed in with the form.", q.LinkID)
		}
		scored = append(scored, q)
	}
	if len(scored) == 0 {
		return o, refuse("No question whose scores are used is a choice whose every option has an ordinalValue.")
	}
	found, err := answersTo(scored)
	found.stage, found.many = someValues, o.many
	return found, err
}

// scores are those of the options chosen.
func scores(o operand) (operand, error) {
	if _, err := choices(o); err != nil || o.kind != CodingValue {
		return o, refuse("No question whose scores are used is a choice whose every option has an ordinalValue.")
	}
	known := map[int]*big.Rat{} // by score, so that a check makes no numbers
	for _, q := range o.items {
		for _, option := range q.Options {
			if option.Ordinal != nil && known[*option.Ordinal] == nil {
				known[*option.Ordinal] = big.NewRat(int64(*option.Ordinal), 1)
			}
		}
	}
	return mapped(o, DecimalValue, func(_ *evaluation, d datum) (datum, bool) {
		if d.item == nil {
			return datum{}, false
		}
		option, ok := d.item.chosen(d.value)
		if !ok || option.Ordinal == nil {
			return datum{}, false
		}
		return datum{number: known[*option.Ordinal]}, true
	}), nil
}

func numeric(o operand) error {
	if o.kind != DecimalValue && o.kind != NoValue {
		return refuse("The calculation reckons with what is no number.")
	}
	return nil
}

// sum is that of all numbers; that of none is nothing.
func sum(o operand) (operand, error) {
	return operand{kind: DecimalValue, eval: func(e *evaluation) []datum {
		all := o.eval(e)
		if len(all) == 0 {
			return nil
		}
		total := new(big.Rat)
		for _, d := range all {
			total.Add(total, d.number)
		}
		return e.result(total)
	}}, numeric(o)
}

// aggregate goes through the values with a total.
func (l *linker) aggregate(o operand, t *term) (operand, error) {
	start := operand{kind: o.kind, eval: func(*evaluation) []datum { return nil }}
	if len(t.args) == 2 {
		var err error
		if start, err = l.single(t.args[1]); err != nil {
			return o, err
		}
	}
	element, total := o, start
	element.many, element.eval = false, func(e *evaluation) []datum { return e.this }
	total.eval = func(e *evaluation) []datum { return e.total }
	inner := *l
	inner.this, inner.total = &element, &total
	step, err := inner.single(t.args[0])
	if err != nil {
		return o, err
	}
	kind, err := sameKind(step, start)
	return operand{kind: kind, eval: func(e *evaluation) []datum {
		this, outer := e.this, e.total
		e.total = start.eval(e)
		for _, d := range o.eval(e) {
			if !e.works(1) {
				break
			}
			e.this = []datum{d}
			e.total = step.eval(e)
		}
		found := e.total
		e.this, e.total = this, outer
		return found
	}}, err
}

// function is one of at most one value.
func (l *linker) function(o operand, t *term) (operand, error) {
	switch t.name {
	case "not":
		if o.kind != BooleanValue {
			return o, refuse("not() is of what is true or false.")
		}
		return mapped(o, BooleanValue, func(_ *evaluation, d datum) (datum, bool) { return truth(!d.value.truth)[0], true }), nil
	case "toString":
		if o.kind != DecimalValue && o.kind != StringValue {
			return o, refuse("toString() is of a number or a text.")
		}
		return mapped(o, StringValue, func(_ *evaluation, d datum) (datum, bool) {
			if d.number != nil {
				d.value = String(literal(d.number))
			}
			return datum{value: d.value}, true
		}), nil
	}
	if err := numeric(o); err != nil {
		return o, err
	}
	change, err := l.reckoning(t)
	if err != nil {
		return o, err
	}
	return mapped(o, DecimalValue, func(e *evaluation, d datum) (datum, bool) {
		n, ok := change(e, d)
		if !ok || e.result(n) == nil {
			return datum{}, false
		}
		return datum{number: n}, true
	}), nil
}

// reckoning is a function of a number that gives a number.
func (l *linker) reckoning(t *term) (func(*evaluation, datum) (*big.Rat, bool), error) {
	switch t.name {
	case "round":
		places := new(big.Rat)
		if len(t.args) == 1 {
			places = t.args[0].number
		}
		if places == nil || !places.IsInt() || places.Cmp(big.NewRat(maxPoint, 1)) > 0 {
			return nil, refuse("round is given a number of digits from 0 to %d.", maxPoint)
		}
		digits := places.Num().Int64()
		return func(_ *evaluation, d datum) (*big.Rat, bool) { return rounded(d.number, digits), true }, nil
	case "ln":
		return func(_ *evaluation, d datum) (*big.Rat, bool) { return ln(d.number) }, nil
	case "exp":
		return func(_ *evaluation, d datum) (*big.Rat, bool) { return exp(d.number) }, nil
	case "power":
		exponent, err := l.single(t.args[0])
		if err == nil {
			err = numeric(exponent)
		}
		return func(e *evaluation, d datum) (*big.Rat, bool) {
			by, ok := exponent.one(e)
			if !ok {
				return nil, false
			}
			return power(d.number, by.number)
		}, err
	}
	return nil, refuse("The calculation has %s() where it has no meaning.", t.name)
}

// operator finds what two operands give.
func (l *linker) operator(t *term) (operand, error) {
	switch t.name {
	case "and", "or":
		return l.logic(t)
	case "|":
		o, err := l.link(t.args[0])
		if o, err = l.values(o, err); err != nil {
			return o, err
		}
		return l.joined(o, t.args[1], true)
	case "in", "contains":
		return l.membership(t)
	}
	a, err := l.single(t.args[0])
	if err != nil {
		return a, err
	}
	b, err := l.single(t.args[1])
	if err != nil {
		return b, err
	}
	kind, err := sameKind(a, b)
	if err != nil {
		return a, err
	}
	switch t.name {
	case "=", "!=", "<", "<=", ">", ">=":
		return compared(t.name, a, b, kind)
	case "&":
		return texted(a, b, kind)
	}
	return reckoned(t.name, a, b, kind)
}

// compared compares two values of a kind.
func compared(operator string, a, b operand, kind Kind) (operand, error) {
	equality := operator == "=" || operator == "!="
	switch {
	case equality && !ordering(kind) && kind != BooleanValue:
		return a, refuse("Two answers of this kind are not compared: compare the code of a choice, or the value of a quantity.")
	case !equality && !ordering(kind):
		return a, refuse("No order is known of two answers of this kind.")
	case equality:
		return pair(a, b, BooleanValue, func(_ *evaluation, x, y datum) []datum { return truth(x.equal(y) == (operator == "=")) }), nil
	}
	cond := condition{operator: operator}
	return pair(a, b, BooleanValue, func(_ *evaluation, x, y datum) []datum { return truth(cond.ordered(x.compare(y))) }), nil
}

// texted joins two texts, of which one that is not there is empty.
func texted(a, b operand, kind Kind) (operand, error) {
	if kind != StringValue && kind != NoValue {
		return a, refuse("& joins texts: a number becomes one by toString().")
	}
	return operand{kind: StringValue, eval: func(e *evaluation) []datum {
		x, _ := a.one(e)
		y, _ := b.one(e)
		return []datum{{value: String(x.value.text + y.value.text)}}
	}}, nil
}

// reckoned is what + - * or / gives.
func reckoned(operator string, a, b operand, kind Kind) (operand, error) {
	return pair(a, b, DecimalValue, func(e *evaluation, x, y datum) []datum {
		n := new(big.Rat)
		switch operator {
		case "+":
			n.Add(x.number, y.number)
		case "-":
			n.Sub(x.number, y.number)
		case "*":
			n.Mul(x.number, y.number)
		default:
			if y.number.Sign() == 0 {
				return nil
			}
			n.Quo(x.number, y.number)
		}
		return e.result(n)
	}), numeric(operand{kind: kind})
}

// pair is what two values give; nothing if one of them is.
func pair(a, b operand, kind Kind, of func(*evaluation, datum, datum) []datum) operand {
	return operand{kind: kind, eval: func(e *evaluation) []datum {
		x, is := a.one(e)
		y, too := b.one(e)
		if !is || !too {
			return nil
		}
		return of(e, x, y)
	}}
}

// ordering reports whether two values of a kind are below, equal to or above each other.
func ordering(kind Kind) bool {
	return slices.Contains([]Kind{NoValue, DecimalValue, StringValue, DateValue, DateTimeValue, TimeValue}, kind)
}

func (d datum) compare(o datum) int {
	if d.number != nil {
		return d.number.Cmp(o.number)
	}
	if d.value.kind == StringValue || d.value.kind == URIValue {
		return slices.Compare([]rune(d.value.text), []rune(o.value.text))
	}
	return d.value.against(o.value)
}

// logic is what FHIRPath says of true, false and nothing: what is decided by one operand
// alone is so whatever the other is.
func (l *linker) logic(t *term) (operand, error) {
	a, err := l.truth(t.args[0])
	if err != nil {
		return a, err
	}
	b, err := l.truth(t.args[1])
	if err != nil {
		return b, err
	}
	decides := t.name == "or"
	return operand{kind: BooleanValue, eval: func(e *evaluation) []datum {
		x, is := a.one(e)
		if is && x.value.truth == decides {
			return truth(decides)
		}
		y, too := b.one(e)
		switch {
		case too && y.value.truth == decides:
			return truth(decides)
		case is && too:
			return truth(!decides)
		}
		return nil
	}}, nil
}

// membership says whether one value is among others.
func (l *linker) membership(t *term) (operand, error) {
	one, among := t.args[0], t.args[1]
	if t.name == "contains" {
		one, among = among, one
	}
	a, err := l.single(one)
	if err != nil {
		return a, err
	}
	b, err := l.link(among)
	if b, err = l.values(b, err); err != nil {
		return b, err
	}
	if kind, err := sameKind(a, b); err != nil || !ordering(kind) {
		return a, refuse("What is looked for among others is of their kind, and no coding or quantity.")
	}
	return operand{kind: BooleanValue, eval: func(e *evaluation) []datum {
		x, ok := a.one(e)
		if !ok {
			return nil
		}
		return truth(slices.ContainsFunc(b.eval(e), x.equal))
	}}, nil
}
