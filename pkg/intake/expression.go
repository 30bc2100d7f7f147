package intake

import (
	"errors"
	"math/big"
	"slices"
	"strings"
)

// A term is a part of an expression: a literal, a name, a function or an operator with
// what it is applied to.
type term struct {
	kind   termKind
	name   string // of a variable, a member, a function or an operator
	number *big.Rat
	on     *term   // that a member or a function is of; nil if it is of the context
	args   []*term // of a function or an operator
}

type termKind byte

const (
	emptyTerm    termKind = iota // {}
	numberTerm                   // 1.5
	textTerm                     // 'a', in name
	truthTerm                    // true or false, in name
	variableTerm                 // %name
	memberTerm                   // name, or on.name
	callTerm                     // name(args), or on.name(args)
	operatorTerm                 // args joined by name
)

// Limits on calculations, far above those of any score. Together they bound the work of
// reading a form and of checking a response.
const (
	maxFormula  = 4000    // characters of one expression
	maxFormulas = 40_000  // of all that one form evaluates
	maxWork     = 500_000 // values gone through in one check
)

// functions are the functions that are evaluated, with the fewest and the most arguments.
var functions = map[string][2]int{
	"where": {1, 1}, "select": {1, 1}, "repeat": {1, 1}, "descendants": {},
	"exists": {0, 1}, "empty": {}, "count": {}, "first": {}, "not": {}, "iif": {2, 3}, "combine": {1, 1},
	"sum": {}, "aggregate": {1, 2}, "ordinal": {}, "weight": {},
	"round": {0, 1}, "power": {1, 1}, "ln": {}, "exp": {}, "toString": {}, "matches": {1, 1},
}

// precedence lists the operators that are evaluated, those that bind least first: those of one line bind equally, from
// the left, and less than those of the next. Words are operators between spaces.
var precedence = [][]string{
	{"or"}, {"and"}, {"in", "contains"}, {"=", "!="}, {"<=", "<", ">=", ">"}, {"|"}, {"+", "-", "&"}, {"*", "/"},
}

// An expressionReader reads an expression from the left.
type expressionReader struct {
	rest  string
	depth int
}

var errNotEvaluated = errors.New("this is not evaluated")

// parseExpression reads an expression. If it is not of the subset that is evaluated, rest
// begins where that shows.
func parseExpression(e expression) (t *term, rest string, err error) {
	if e.Language != "text/fhirpath" || len(e.Expression) > maxFormula {
		return nil, e.Expression, errNotEvaluated
	}
	r := expressionReader{rest: e.Expression}
	if t, err = r.joined(0); err != nil {
		return nil, r.rest, err
	}
	if r.space(); r.rest != "" {
		return nil, r.rest, errNotEvaluated
	}
	return t, "", nil
}

func (r *expressionReader) space() { r.rest = strings.TrimLeft(r.rest, " \t\r\n") }

// joined reads operands joined by the operators of a level and of those that bind more.
func (r *expressionReader) joined(level int) (*term, error) {
	if level == len(precedence) {
		return r.signed()
	}
	left, err := r.joined(level + 1)
	for err == nil {
		operator := r.operator(precedence[level])
		if operator == "" {
			return left, nil
		}
		var right *term
		if right, err = r.joined(level + 1); err == nil {
			left = &term{kind: operatorTerm, name: operator, args: []*term{left, right}}
		}
	}
	return nil, err
}

// operator takes one of the operators, if it is next.
func (r *expressionReader) operator(among []string) string {
	r.space()
	for _, o := range among {
		if rest, ok := strings.CutPrefix(r.rest, o); ok && (!isLetter(o[0]) || rest != "" && !isLetter(rest[0]) && !isDigit(rest[0])) {
			r.rest = rest
			return o
		}
	}
	return ""
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' }
func isDigit(b byte) bool  { return b >= '0' && b <= '9' }

// signed reads an operand with the sign before it.
func (r *expressionReader) signed() (*term, error) {
	if r.operator([]string{"-"}) == "" {
		return r.path()
	}
	t, err := r.path()
	if err != nil {
		return nil, err
	}
	return &term{kind: operatorTerm, name: "-", args: []*term{{kind: numberTerm, number: new(big.Rat)}, t}}, nil
}

// path reads an operand with the members and functions after it.
func (r *expressionReader) path() (*term, error) {
	t, err := r.operand()
	for err == nil {
		if r.space(); !strings.HasPrefix(r.rest, ".") {
			return t, nil
		}
		r.rest = r.rest[1:]
		t, err = r.named(t)
	}
	return nil, err
}

func (r *expressionReader) operand() (*term, error) {
	r.space()
	switch {
	case r.rest == "":
		return nil, errNotEvaluated
	case r.rest[0] == '(':
		inside, err := r.arguments()
		if err != nil || len(inside) != 1 {
			return nil, errNotEvaluated
		}
		return inside[0], nil
	case r.rest[0] == '{':
		r.rest = r.rest[1:]
		if r.operator([]string{"}"}) == "" {
			return nil, errNotEvaluated
		}
		return &term{kind: emptyTerm}, nil
	case r.rest[0] == '\'':
		return r.text()
	case r.rest[0] == '%':
		r.rest = r.rest[1:]
		name := r.word()
		if name == "" {
			return nil, errNotEvaluated
		}
		return &term{kind: variableTerm, name: name}, nil
	case isDigit(r.rest[0]):
		literal := numeral().FindString(r.rest)
		r.rest = r.rest[len(literal):]
		n, ok := new(big.Rat).SetString(literal)
		if !ok {
			return nil, errNotEvaluated
		}
		return &term{kind: numberTerm, number: n}, nil
	}
	return r.named(nil)
}

// numeral is a number as an expression writes it.
var numeral = lazily(`^[0-9]{1,15}(?:\.[0-9]{1,15})?`)

// word takes a name, if one is next.
func (r *expressionReader) word() string {
	end := 0
	for end < len(r.rest) && (isLetter(r.rest[end]) || end > 0 && isDigit(r.rest[end])) {
		end++
	}
	word := r.rest[:end]
	r.rest = r.rest[end:]
	return word
}

// members are the names that may stand in a path.
var members = []string{"item", "answer", "value", "code", "system", "display", "linkId", "answerOption"}

// named reads a member or a function of what is before it.
func (r *expressionReader) named(on *term) (*term, error) {
	r.space()
	from := r.rest
	if on == nil && strings.HasPrefix(r.rest, "$") {
		r.rest = r.rest[1:]
		if name := r.word(); name == "this" || name == "total" {
			return &term{kind: variableTerm, name: "$" + name}, nil
		}
		r.rest = from
		return nil, errNotEvaluated
	}
	name := r.word()
	if on == nil && (name == "true" || name == "false") {
		return &term{kind: truthTerm, name: name}, nil
	}
	if r.space(); !strings.HasPrefix(r.rest, "(") {
		if !slices.Contains(members, name) {
			r.rest = from
			return nil, errNotEvaluated
		}
		return &term{kind: memberTerm, name: name, on: on}, nil
	}
	takes, known := functions[name]
	if !known {
		r.rest = from
		return nil, errNotEvaluated
	}
	args, err := r.arguments()
	if err != nil {
		return nil, err
	}
	if len(args) < takes[0] || len(args) > takes[1] {
		r.rest = from
		return nil, errNotEvaluated
	}
	return &term{kind: callTerm, name: name, on: on, args: args}, nil
}

// arguments reads what is between parentheses.
func (r *expressionReader) arguments() ([]*term, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, errNotEvaluated
	}
	r.rest = r.rest[len("("):]
	var all []*term
	for r.operator([]string{")"}) == "" {
		if len(all) > 0 && r.operator([]string{","}) == "" {
			return nil, errNotEvaluated
		}
		t, err := r.joined(0)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	r.depth--
	return all, nil
}

// text reads a text between quotation marks, in which \ stands before those marks and
// before itself.
func (r *expressionReader) text() (*term, error) {
	var b strings.Builder
	for i := 1; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '\'':
			r.rest = r.rest[i+1:]
			return &term{kind: textTerm, name: b.String()}, nil
		case c == '\\' && i+1 < len(r.rest) && strings.IndexByte(`'\"`+"`", r.rest[i+1]) >= 0:
			i++
			b.WriteByte(r.rest[i])
		case c == '\\':
			r.rest = r.rest[i:]
			return nil, errNotEvaluated
		default:
			b.WriteByte(c)
		}
	}
	return nil, errNotEvaluated
}
