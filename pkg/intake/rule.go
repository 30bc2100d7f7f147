package intake

import (
	"cmp"
	"slices"
	"strconv"
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

	item    *Item // the question, set by link; nil for a fact
	fact    string
	sameRow bool // the question is in the same repeating group: only answers of the same row count
}

// A constant is a boolean, a number or a code, according to kind.
type constant struct {
	kind   Kind // BooleanValue, DecimalValue or CodingValue
	truth  bool
	number number
	coding Coding
	text   string
}

var operators = []string{"=", "!=", ">", "<", ">=", "<="}

// holds reports whether any of the answers satisfies the condition. Without an answer
// no condition holds, not even one with operator !=.
func (c *condition) holds(answers []Value) bool {
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
	if c.want.kind == BooleanValue {
		equal = equal && v.truth == c.want.truth
	} else {
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
			c.part(where, part, "valueString", part.ValueString, &r.Message)
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
			c.part(where, part, "valueString", part.ValueString, &to.Promise)
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
		k := constant{kind: BooleanValue, truth: *truth, text: "false"}
		if *truth {
			k.text = "true"
		}
		return k
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

func (c *compiler) enableWhen(it *Item, w enableWhen) {
	given := 0
	for _, b := range []bool{w.AnswerBoolean != nil, w.AnswerInteger != "", w.AnswerDecimal != "", w.AnswerCoding != nil} {
		if b {
			given++
		}
	}
	if given != 1 || w.Question == "" {
		c.problem(it.LinkID, "enableWhen", "An enableWhen has a question and one answer: boolean, integer, decimal or coding.")
		return
	}
	c.operator(it.LinkID, w.Operator)
	literal := w.AnswerInteger.String()
	if literal == "" {
		literal = w.AnswerDecimal.String()
	}
	cond := condition{question: w.Question, operator: w.Operator}
	if w.AnswerCoding != nil {
		cond.want = constant{kind: CodingValue, coding: w.AnswerCoding.coding(), text: w.AnswerCoding.Code}
	} else {
		cond.want = c.constant(it.LinkID, w.AnswerBoolean, literal, "")
	}
	it.when = append(it.when, cond)
	it.EnableWhen = append(it.EnableWhen, Condition{Question: w.Question, Operator: w.Operator, Answer: cond.want.text})
}
