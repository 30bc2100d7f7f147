package intake

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// A formula is a calculatedExpression of the subset of FHIRPath that is evaluated:
// numbers, + - * and parentheses, and paths to the answers of named questions.
//
//	%resource.item.where(linkId='a').answer.value             the one answer to a
//	%resource.item.where(linkId='g').item.where(linkId='a')…  a in the group g
//	%resource.repeat(item).where(linkId='a')…                 a in any group; descendants() under answers too
//	…where(linkId='a' or linkId='b')…, …where(linkId in ('a' | 'b'))…, …where(linkId.matches('^a'))…
//	….answer.value.sum()                                      the sum of all answers
//	….answer.value.ordinal().sum()                            of the scores of the options chosen; or weight()
//	….answer.count()                                          how many answers there are
//
// A sum of no answers is nothing, and so is what is calculated with it; a count is then
// zero.
type formula struct {
	operator    byte // + - * of left and right; 0 of a number or a path
	left, right *formula
	number      *big.Rat
	path        *path
}

// A path names the questions whose answers are used, and how.
type path struct {
	steps   []step
	ordinal bool
	fold    string // sum, count, or empty for the one answer

	items []*Item // set by link
}

// A step selects items among those of one level or, if deep, of all levels below.
type step struct {
	deep, answers bool // at every level; also under answers
	linkIDs       []string
	pattern       *regexp.Regexp
}

const maxFormula = 4000 // characters

var (
	pathStart   = lazily(`^%(?:resource|questionnaireResponse)`)
	pathStep    = lazily(`^\.(item|repeat\(item\)|descendants\(\))\.where\(\s*((?:[^()']|'[^']*'|\('[^']*'\)|\([^()]*\))*?)\s*\)`)
	pathEnd     = lazily(`^\.answer(\.value(\.ordinal\(\)|\.weight\(\))?)?(?:\.(sum|count)\(\))?`)
	oneLinkID   = lazily(`^linkId\s*=\s*'([^']+)'$`)
	linkIDs     = lazily(`^linkId\s+in\s+\(\s*('[^']+'(?:\s*\|\s*'[^']+')*)\s*\)$`)
	linkMatches = lazily(`^linkId\.matches\('([^']+)'\)$`)
	orWord      = lazily(`\s+or\s+`)
	numeral     = lazily(`^[0-9]{1,15}(?:\.[0-9]{1,15})?`)
)

// A formulaReader reads a formula from the left.
type formulaReader struct {
	rest  string
	depth int
}

// parseFormula returns nil for an expression outside the subset.
func parseFormula(e expression) *formula {
	if e.Language != "text/fhirpath" || len(e.Expression) > maxFormula {
		return nil
	}
	r := formulaReader{rest: e.Expression}
	f := r.terms("+-")
	if r.space(); r.rest != "" {
		return nil
	}
	return f
}

func (r *formulaReader) space() { r.rest = strings.TrimLeft(r.rest, " \t\r\n") }

// terms reads operands joined by the operators, which bind from the left.
func (r *formulaReader) terms(operators string) *formula {
	operand := r.operand
	if operators == "+-" {
		operand = func() *formula { return r.terms("*") }
	}
	left := operand()
	for left != nil {
		r.space()
		if r.rest == "" || !strings.Contains(operators, r.rest[:1]) {
			return left
		}
		operator := r.rest[0]
		r.rest = r.rest[1:]
		right := operand()
		if right == nil {
			return nil
		}
		left = &formula{operator: operator, left: left, right: right}
	}
	return nil
}

func (r *formulaReader) operand() *formula {
	r.space()
	if strings.HasPrefix(r.rest, "(") {
		if r.depth++; r.depth > maxDepth {
			return nil
		}
		r.rest = r.rest[1:]
		f := r.terms("+-")
		r.depth--
		if r.space(); f == nil || !strings.HasPrefix(r.rest, ")") {
			return nil
		}
		r.rest = r.rest[1:]
		return f
	}
	if literal := numeral().FindString(r.rest); literal != "" {
		r.rest = r.rest[len(literal):]
		n, _ := new(big.Rat).SetString(literal)
		return &formula{number: n}
	}
	if p := r.path(); p != nil {
		return &formula{path: p}
	}
	return nil
}

func (r *formulaReader) path() *path {
	start := pathStart().FindString(r.rest)
	if start == "" {
		return nil
	}
	r.rest = r.rest[len(start):]
	p := &path{}
	for m := pathStep().FindStringSubmatch(r.rest); m != nil; m = pathStep().FindStringSubmatch(r.rest) {
		s, ok := parseStep(m[2])
		if !ok {
			return nil
		}
		s.deep, s.answers = m[1] != "item", m[1] == "descendants()"
		p.steps = append(p.steps, s)
		r.rest = r.rest[len(m[0]):]
	}
	m := pathEnd().FindStringSubmatch(r.rest)
	if m == nil || len(p.steps) == 0 || m[1] == "" && m[3] != "count" {
		return nil
	}
	r.rest = r.rest[len(m[0]):]
	p.ordinal, p.fold = m[2] != "", m[3]
	return p
}

func parseStep(criterion string) (step, bool) {
	if m := linkMatches().FindStringSubmatch(criterion); m != nil {
		re, err := regexp.Compile(m[1])
		return step{pattern: re}, err == nil
	}
	if m := linkIDs().FindStringSubmatch(criterion); m != nil {
		var s step
		for _, quotedID := range strings.Split(m[1], "|") {
			s.linkIDs = append(s.linkIDs, strings.Trim(quotedID, " \t\r\n'"))
		}
		return s, true
	}
	var s step
	for _, one := range orWord().Split(criterion, -1) {
		m := oneLinkID().FindStringSubmatch(one)
		if m == nil {
			return s, false
		}
		s.linkIDs = append(s.linkIDs, m[1])
	}
	return s, true
}

// among returns the items that the step selects below those of one level.
func (s step) among(items []*Item) []*Item {
	var found []*Item
	for _, it := range items {
		if slices.Contains(s.linkIDs, it.LinkID) || s.pattern != nil && s.pattern.MatchString(it.LinkID) {
			found = append(found, it)
		}
		if s.deep && (s.answers || it.Type == Group) {
			found = append(found, s.among(it.Items)...)
		}
	}
	return found
}

// each calls do with every path of the formula.
func (f *formula) each(do func(*path)) {
	switch {
	case f.path != nil:
		do(f.path)
	case f.operator != 0:
		f.left.each(do)
		f.right.each(do)
	}
}

// linkFormula finds the questions that a calculated item uses.
func (c *compiler) linkFormula(it *Item) {
	if !it.ReadOnly || it.Type != IntegerQ && it.Type != DecimalQ || it.row != nil || it.Repeats || it.Required {
		c.problem(it.LinkID, "readonly", "A calculated question is a readOnly integer or decimal, neither repeated, in a repeating group, nor required.")
	}
	it.formula.each(func(p *path) {
		items := c.form.items
		for i, s := range p.steps {
			if i > 0 {
				items = below(items)
			}
			items = s.among(items)
		}
		p.items = items
		if len(items) == 0 {
			c.problem(it.LinkID, "calculation", "Part of the calculation names no question.")
		}
		if p.fold == "" && (len(items) > 1 || len(items) == 1 && (items[0].Repeats || items[0].row != nil)) {
			c.problem(it.LinkID, "calculation", "Several answers are added up by sum().")
		}
		for _, q := range items {
			if why := p.unusable(it, q); why != "" {
				c.problem(it.LinkID, "calculation", "%s is used in the calculation, so it is %s.", q.LinkID, why)
			}
		}
	})
}

// below lists the items inside groups.
func below(groups []*Item) []*Item {
	var found []*Item
	for _, g := range groups {
		if g.Type == Group {
			found = append(found, g.Items...)
		}
	}
	return found
}

// unusable says what a question would be that the path can use for the item, or nothing.
func (p *path) unusable(it, q *Item) string {
	switch {
	case q.Type == Group || q.Type == Display:
		return "a question"
	case q.index >= it.index:
		return "an earlier question"
	case p.fold == "count":
		return ""
	case p.ordinal:
		if q.Type != Choice || slices.ContainsFunc(q.Options, func(o Option) bool { return o.Ordinal == nil }) {
			return "a choice whose every option has an ordinalValue"
		}
	case q.Type != IntegerQ && q.Type != DecimalQ && q.literal != IntegerValue:
		return "an integer or a decimal"
	}
	return ""
}

// calculate returns the value of a formula; nil if it has none.
func (c *checker) calculate(f *formula) *big.Rat {
	switch {
	case f.number != nil:
		return f.number
	case f.path != nil:
		return c.follow(f.path)
	}
	a, b := c.calculate(f.left), c.calculate(f.right)
	if a == nil || b == nil {
		return nil
	}
	switch f.operator {
	case '+':
		return new(big.Rat).Add(a, b)
	case '-':
		return new(big.Rat).Sub(a, b)
	default:
		return new(big.Rat).Mul(a, b)
	}
}

func (c *checker) follow(p *path) *big.Rat {
	var sum *big.Rat
	count := int64(0)
	for _, q := range p.items {
		count += int64(len(c.answers[q.index]))
		for _, v := range c.answers[q.index] {
			n := new(big.Rat)
			if p.fold == "count" {
				continue
			}
			if o, ok := q.chosen(v); p.ordinal && ok {
				n.SetInt64(int64(*o.Ordinal))
			} else if _, ok := n.SetString(plain(v.Text())); !ok {
				continue
			}
			if sum == nil {
				sum = new(big.Rat)
			}
			sum.Add(sum, n)
		}
	}
	if p.fold == "count" {
		return big.NewRat(count, 1)
	}
	return sum
}

// calculated is the value of a calculated item; no value if there is none, or none of its
// type.
func (c *checker) calculated(it *Item) Value {
	n := c.calculate(it.formula)
	if n == nil {
		return Value{}
	}
	v := readInteger(node{kind: numberNode, text: n.RatString()})
	if it.Type == DecimalQ {
		v = Decimal(literal(n))
	}
	if _, ok := v.number(); !ok {
		return Value{}
	}
	return v
}

// literal writes a number with at most maxPoint digits after its point.
func literal(n *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(maxPoint), "0"), ".")
}

// formulaWords tells an author which calculations are evaluated.
var formulaWords = fmt.Sprintf("The calculation is none that is evaluated: numbers, + - * and parentheses, and paths such as "+
	"%%resource.item.where(linkId='a' or linkId='b').answer.value.ordinal().sum(), of at most %d characters.", maxFormula)
