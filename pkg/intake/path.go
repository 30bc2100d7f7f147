package intake

import (
	"math/big"
	"regexp"
	"slices"
)

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

const namesNone = "Part of the calculation names no question. %%resource.item is what stands at the top level alone: what is in groups is reached by %%resource.repeat(item)."

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
		return o, refuse(namesNone)
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
