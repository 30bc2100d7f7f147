package intake

import "fmt"

// A Derived is a value computed from several answers for the clinician's summary. A
// Derived is health information.
type Derived struct {
	ID   string
	Text string
}

// A derivation is an evisit-derived-flag: a computation that a rule cannot express,
// written in this file and switched on by a form that names it. The form must have
// the items that the derivation reads, with the types that the derivation expects.
type derivation struct {
	id    string
	needs []need
	items map[string]*Item
}

type need struct {
	linkID string
	typ    Type
	option string // an option that a choice must have
}

const (
	bpConsistency = "bp-consistency"
	bpMean        = "bp-mean"
	abrsCriteria  = "abrs-criteria"
)

var derivations = map[string][]need{
	bpConsistency: {{"bp-sys", IntegerQ, ""}, {"bp-dia", IntegerQ, ""}},
	bpMean:        {{"bp-sys", IntegerQ, ""}, {"bp-dia", IntegerQ, ""}},
	abrsCriteria: {
		{"resp-onset", IntegerQ, ""},
		{"resp-course", Choice, "better"},
		{"resp-course", Choice, "double"},
		{"resp-temp", DecimalQ, ""},
		{"resp-fever-days", IntegerQ, ""},
		{"resp-sx", Choice, "purulent"},
	},
}

func (c *compiler) derivation(e extension) {
	var id, text string
	for _, part := range e.Extension {
		switch part.URL {
		case "id":
			c.part(shortName(extDerived), part, "valueId", part.ValueID, &id)
		case "expression":
			c.part(shortName(extDerived), part, "valueString", part.ValueString, &text)
		default:
			c.problem(shortName(extDerived), "extension", "A derived flag has no part %q.", part.URL)
		}
	}
	needs, ok := derivations[id]
	if !ok {
		c.problem(id, "extension", "The derived flag %q is not implemented.", id)
	}
	c.form.derive = append(c.form.derive, derivation{id: id, needs: needs, items: map[string]*Item{}})
}

func (c *compiler) linkDerivations() {
	for _, d := range c.form.derive {
		for _, n := range d.needs {
			it, ok := c.form.byLink[n.linkID]
			if !ok || it.Type != n.typ {
				c.problem(d.id, "derived", "It is computed from %s, of type %s.", n.linkID, n.typ)
				continue
			}
			if _, ok := it.option(Coding{Code: n.option}); n.option != "" && !ok {
				c.problem(d.id, "derived", "It is computed from the option %s of %s.", n.option, n.linkID)
			}
			d.items[n.linkID] = it
		}
		if sys, dia := d.items["bp-sys"], d.items["bp-dia"]; sys != nil && dia != nil && (sys.parent == nil || sys.parent != dia.parent) {
			c.problem(d.id, "derived", "Both pressures of a reading are in one group.")
		}
	}
}

// consistent checks the blood pressure in the present row: unless systolic exceeds
// diastolic, neither number feeds a rule.
func (c *checker) consistent(group *Item) {
	for _, d := range c.form.derive {
		sys, dia := d.items["bp-sys"], d.items["bp-dia"]
		if d.id != bpConsistency || sys.parent != group {
			continue
		}
		s, okS := c.inRow(sys)
		p, okP := c.inRow(dia)
		if okS && okP && s <= p {
			c.problem(sys.LinkID, "consistency", "The top number (systolic) is above the bottom number (diastolic).")
			c.forgetRow(sys)
			c.forgetRow(dia)
		}
	}
}

func (c *checker) inRow(it *Item) (int32, bool) {
	row := c.answers[it.index][c.rowStart[it.index]:]
	if len(row) != 1 {
		return 0, false
	}
	return row[0].whole, true
}

func (c *checker) forgetRow(it *Item) {
	c.answers[it.index] = c.answers[it.index][:c.rowStart[it.index]]
}

// derived computes the values of the form's derived flags.
func (c *checker) derived() []Derived {
	var found []Derived
	for _, d := range c.form.derive {
		var text string
		switch d.id {
		case bpMean:
			text = c.meanPressure(d)
		case abrsCriteria:
			text = c.bacterialSinusitis(d)
		}
		if text != "" {
			found = append(found, Derived{ID: d.id, Text: text})
		}
	}
	return found
}

// meanPressure is the mean of all valid readings, of systolic and of diastolic
// separately, rounded to the nearest whole mmHg.
func (c *checker) meanPressure(d derivation) string {
	sys, dia := c.answers[d.items["bp-sys"].index], c.answers[d.items["bp-dia"].index]
	if len(sys) == 0 || len(dia) == 0 {
		return ""
	}
	return fmt.Sprintf("Mean blood pressure %d/%d mmHg over %d reading(s).", mean(sys), mean(dia), min(len(sys), len(dia)))
}

func mean(values []Value) int64 {
	var sum int64
	for _, v := range values {
		sum += int64(v.whole)
	}
	n := int64(len(values))
	return (2*sum + n) / (2 * n)
}

// bacterialSinusitis names the criteria met for acute bacterial rhinosinusitis
// (IDSA 2012): ten days without improvement, worse after getting better, or at
// least 102.2 °F with purulent mucus for three days. The form does not ask for how
// long the mucus has lasted, so the days of fever are used for both.
func (c *checker) bacterialSinusitis(d derivation) string {
	given := func(linkID string) []Value { return c.answers[d.items[linkID].index] }
	test := func(linkID, op string, want constant) bool {
		cond := condition{operator: op, want: want}
		return cond.holds(given(linkID))
	}
	code := func(code string) constant { return constant{kind: CodingValue, coding: Coding{Code: code}} }
	number := func(literal string) constant {
		n, _ := parseNumber(literal)
		return constant{kind: DecimalValue, number: n}
	}
	switch {
	case test("resp-course", "=", code("double")):
		return "Bacterial sinusitis criteria met: worse again after getting better."
	case test("resp-onset", ">=", number("10")) && test("resp-course", "!=", code("better")):
		return "Bacterial sinusitis criteria met: ten days or more without improvement."
	case test("resp-temp", ">=", number("102.2")) && test("resp-sx", "=", code("purulent")) && test("resp-fever-days", ">=", number("3")):
		return "Bacterial sinusitis criteria met: high fever and purulent mucus for three days or more."
	default:
		return ""
	}
}
