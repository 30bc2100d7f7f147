package intake

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Severity says how serious the finding of a rule is.
type Severity string

// The severities, highest first. A rule of severity flag annotates the clinician's
// summary and never diverts the patient.
const (
	SeverityEmergency  Severity = "emergency"
	SeverityUrgent     Severity = "urgent"
	SeverityIneligible Severity = "ineligible"
	SeverityFlag       Severity = "flag"
)

var severities = []Severity{SeverityEmergency, SeverityUrgent, SeverityIneligible, SeverityFlag}

func (s Severity) rank() int { return slices.Index(severities, s) }

// A Disposition is where the patient is sent.
type Disposition string

// The dispositions, highest first. All but Continue divert.
const (
	Emergency  Disposition = "emergency"
	Urgent     Disposition = "urgent"
	Ineligible Disposition = "ineligible"
	Continue   Disposition = "continue"
)

// A Rule is one rule of a form. Message is shown to the patient, or to the clinician
// if the severity is flag. Source is the guideline the rule comes from. Contact is nil
// unless the rule has somebody contact the patient.
type Rule struct {
	ID       string
	Severity Severity
	Message  string
	Source   string
	Contact  *Contact `json:",omitempty"`
}

// A Fired is a rule that fired. Reachable reports whether the question of its Contact
// has a valid answer; without one nobody may be promised a contact.
type Fired struct {
	Rule
	Reachable bool `json:",omitempty"`
}

// A Contact says that a diverted patient is contacted: by whom, how soon after the
// diversion, and at the number that answers a question of the form. Its Promise is the
// one text that may tell the patient so, and only if the number is known. Private is
// set if others in the patient's home must find no trace of the diversion.
type Contact struct {
	Pool     string        // clinical or staff
	Within   time.Duration // whole minutes
	Question string        // linkId of the question for the number
	Promise  string
	Private  bool `json:",omitempty"`
}

type rule struct {
	Rule
	any   bool
	conds []condition
}

// disposition is the highest disposition of the fired rules, in any order.
func disposition(fired []Fired) Disposition {
	d := Continue
	best := SeverityFlag.rank()
	for _, f := range fired {
		if f.Severity.rank() < best {
			best, d = f.Severity.rank(), Disposition(f.Severity)
		}
	}
	return d
}

func sortFired(fired []Fired) {
	slices.SortStableFunc(fired, func(a, b Fired) int { return cmp.Compare(a.Severity.rank(), b.Severity.rank()) })
}

// What a rule names in place of a question to compare what is known of the patient.
const (
	factAge = "%age" // in completed years
	factSex = "%sex" // FHIR's administrative gender
)

// A condition compares a question's answers, or a fact, with a constant.
type condition struct {
	question string
	operator string
	want     constant

	item *Item // the question, set by link; nil for a fact
	fact string
	row  *Item // the innermost repeating group around both the question and the item asked: only answers of its present row count
}

// A constant is a boolean, a number, a code, a quantity, a day, an instant, a time or a
// text, according to kind.
type constant struct {
	kind   Kind // DecimalValue for any number
	truth  bool
	number number // of a quantity too
	coding Coding // of a quantity, its unit
	text   string
}

func truthConstant(truth bool) constant {
	return constant{kind: BooleanValue, truth: truth, text: strconv.FormatBool(truth)}
}

// value is the constant as an answer.
func (k constant) value() Value { return Value{kind: k.kind, text: k.text} }

var operators = []string{"=", "!=", ">", "<", ">=", "<="}

// exists is the operator of an enableWhen that asks whether there is an answer.
const exists = "exists"

// holds reports whether any of the answers satisfies the condition. Without an answer
// no condition holds, not even one with operator !=, but that there is none.
func (c *condition) holds(answers []Value) bool {
	if c.operator == exists {
		return len(answers) > 0 == c.want.truth
	}
	for i := range answers {
		if c.satisfiedBy(&answers[i]) {
			return true
		}
	}
	return false
}

func (c *condition) satisfiedBy(v *Value) bool {
	if c.want.kind == DecimalValue {
		n, ok := v.number()
		return ok && c.ordered(n.compare(c.want.number))
	}
	equal := v.kind == c.want.kind
	switch c.want.kind {
	case QuantityValue:
		n, ok := v.number()
		return equal && ok && c.ordered(n.compare(c.want.number))
	case DateValue, DateTimeValue, TimeValue:
		return equal && c.ordered(v.against(c.want.value()))
	case StringValue:
		return (equal || v.kind == URIValue) && c.ordered(strings.Compare(v.text, c.want.text))
	case BooleanValue:
		equal = equal && v.truth == c.want.truth
	default:
		equal = equal && v.coding.Code == c.want.coding.Code && (c.want.coding.System == "" || v.coding.System == c.want.coding.System)
	}
	return equal == (c.operator == "=")
}

func (c *condition) ordered(sign int) bool {
	switch c.operator {
	case "=":
		return sign == 0
	case "!=":
		return sign != 0
	case ">":
		return sign > 0
	case "<":
		return sign < 0
	case ">=":
		return sign >= 0
	default:
		return sign <= 0
	}
}

// fires reports whether the rule fires on the valid answers.
func (c *checker) fires(r *rule) bool {
	for i := range r.conds {
		if r.conds[i].holds(c.valuesOf(&r.conds[i])) == r.any {
			return r.any
		}
	}
	return !r.any
}

// fired returns what is told of a rule that fired.
func (c *checker) fired(r *rule) Fired {
	return Fired{r.Rule, r.Contact != nil && len(c.answers[c.form.byLink[r.Contact.Question].index]) > 0}
}

// valuesOf returns what a rule's condition looks at.
func (c *checker) valuesOf(cond *condition) []Value {
	facts := c.form.facts
	switch {
	case cond.item != nil:
		return c.answers[cond.item.index]
	case cond.fact == factSex && facts.Sex != "":
		return []Value{Code(Coding{Code: facts.Sex})}
	case cond.fact == factAge && !facts.Birth.IsZero() && !facts.Now.IsZero():
		return []Value{Decimal(strconv.Itoa(Age(facts.Birth, facts.Now, facts.Now.Location())))}
	default:
		return nil
	}
}

// causes returns the questions whose answers made the rules that decide fire, each
// once, in the order of the rules.
func (c *checker) causes(d Disposition) []string {
	var found []string
	for _, r := range c.form.rules {
		if Disposition(r.Severity) != d || !c.fires(r) {
			continue
		}
		for i := range r.conds {
			cond := &r.conds[i]
			if cond.item != nil && !slices.Contains(found, cond.question) && cond.holds(c.valuesOf(cond)) {
				found = append(found, cond.question)
			}
		}
	}
	return found
}

// rule reads one evisit-divert-rule.
func (c *compiler) rule(e extension) {
	r := &rule{}
	behavior := ""
	for _, part := range e.Extension {
		where := r.ID
		if where == "" {
			where = shortName(extRule)
		}
		switch part.URL {
		case "id":
			c.part(where, part, "valueId", part.ValueID, &r.ID)
		case "severity":
			c.part(where, part, "valueCode", part.ValueCode, (*string)(&r.Severity))
		case "message":
			c.part(where, part, "valueString", c.say(part.ValueString, part.source, "_valueString"), &r.Message)
		case "source":
			c.part(where, part, "valueString", part.ValueString, &r.Source)
		case "behavior":
			c.part(where, part, "valueCode", part.ValueCode, &behavior)
		case "contact":
			if c.want(where, part, "extension") {
				c.contact(where, r, part)
			}
		case "condition":
			if c.want(where, part, "extension") {
				c.ruleCondition(where, r, part)
			}
		default:
			c.problem(where, "extension", "A rule has no part %q.", part.URL)
		}
	}
	if !slices.Contains(severities, r.Severity) {
		c.problem(r.ID, "rule", "A rule's severity is emergency, urgent, ineligible or flag.")
	}
	if behavior != "any" && behavior != "all" {
		c.problem(r.ID, "rule", "A rule's behavior is any or all.")
	}
	r.any = behavior == "any"
	c.form.rules = append(c.form.rules, r)
}

// pools are those who may be told to contact a patient.
var pools = []string{"clinical", "staff"}

// contact reads how soon and by whom a rule has the patient contacted.
func (c *compiler) contact(where string, r *rule, e extension) {
	var to Contact
	for _, part := range e.Extension {
		switch part.URL {
		case "pool":
			c.part(where, part, "valueCode", part.ValueCode, &to.Pool)
		case "minutes":
			if c.want(where, part, "valueInteger") {
				n, _ := whole(part.number())
				to.Within = time.Duration(n) * time.Minute
			}
		case "number":
			c.part(where, part, "valueString", part.ValueString, &to.Question)
		case "promise":
			c.part(where, part, "valueString", c.say(part.ValueString, part.source, "_valueString"), &to.Promise)
		case "private":
			if c.want(where, part, "valueBoolean") {
				to.Private = *part.ValueBoolean
			}
		default:
			c.problem(where, "extension", "A contact has no part %q.", part.URL)
		}
	}
	if r.Contact != nil || !slices.Contains(pools, to.Pool) || to.Within <= 0 || to.Within > 24*time.Hour || to.Question == "" || to.Promise == "" {
		c.problem(where, "contact", "A rule has one contact: pool clinical or staff, minutes from 1 to 1440, the question for the number, and the promise.")
	}
	r.Contact = &to
}

// part stores the value of one simple part of a rule, which may be given once.
func (c *compiler) part(where string, e extension, shape, value string, into *string) {
	if !c.want(where, e, shape) {
		return
	}
	if *into != "" {
		c.problem(where, "rule", "%s is given once.", e.URL)
	}
	*into = value
}

func (c *compiler) ruleCondition(where string, r *rule, e extension) {
	var cond condition
	answers := 0
	for _, part := range e.Extension {
		switch part.URL {
		case "question":
			c.part(where, part, "valueString", part.ValueString, &cond.question)
		case "operator":
			c.part(where, part, "valueCode", part.ValueCode, &cond.operator)
		case "answer":
			answers++
			if c.want(where, part, "valueBoolean", "valueInteger", "valueDecimal", "valueCode") {
				cond.want = c.constant(where, part.ValueBoolean, part.number(), part.ValueCode)
			}
		default:
			c.problem(where, "extension", "A condition has no part %q.", part.URL)
		}
	}
	if cond.question == "" || answers != 1 {
		c.problem(where, "rule", "A condition has one question, one operator and one answer.")
	}
	c.operator(where, cond.operator)
	r.conds = append(r.conds, cond)
}

func (c *compiler) operator(where, op string) {
	if !slices.Contains(operators, op) {
		c.problem(where, "operator", "The operator %q is not evaluated; use =, !=, >, <, >= or <=.", op)
	}
}

// constant returns the one of the three values that is given.
func (c *compiler) constant(where string, truth *bool, literal, code string) constant {
	switch {
	case truth != nil:
		return truthConstant(*truth)
	case code != "":
		return constant{kind: CodingValue, coding: Coding{Code: code}, text: code}
	default:
		n, ok := parseNumber(literal)
		if !ok {
			c.problem(where, "rule", "The answer compared with is a plain number.")
		}
		return constant{kind: DecimalValue, number: n, text: literal}
	}
}

// enableWhen reads a condition under which the item is asked. Texts are equal if they
// are the same to the letter, and are ordered by their characters' code points, as
// FHIRPath compares strings; days, times and instants are ordered in time.
func (c *compiler) enableWhen(it *Item, w enableWhen) {
	given := w.constants()
	switch {
	case w.keeps("answerReference"):
		c.problem(it.LinkID, "enableWhen", "References are not compared: ask for something else.")
		return
	case len(given) != 1 || w.Question == "":
		c.problem(it.LinkID, "enableWhen", "An enableWhen has a question and one answer.")
		return
	}
	want := given[0]
	_, isNumber := parseNumber(want.text)
	switch {
	case w.Operator == exists && want.kind != BooleanValue:
		c.problem(it.LinkID, "enableWhen", "The operator exists has answerBoolean: true if there is an answer, false if there is none.")
	case w.Operator != exists:
		c.operator(it.LinkID, w.Operator)
	}
	if (want.kind == DecimalValue || want.kind == QuantityValue) && !isNumber || !sound(want.value()) {
		c.problem(it.LinkID, "enableWhen", "The answer compared with is a whole one: a plain number, a day such as 2026-02-28, "+
			"a time such as 08:30:00, an instant with its zone.")
	}
	it.when = append(it.when, condition{question: w.Question, operator: w.Operator, want: want})
	it.EnableWhen = append(it.EnableWhen, Condition{Question: w.Question, Operator: w.Operator, Answer: want.text})
}
