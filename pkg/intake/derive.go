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
		c.problem(id, "extension", "There is no derived flag %q.", id)
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
			if n.option != "" && !it.has(n.option) {
				c.problem(d.id, "derived", "It is computed from the option %s of %s.", n.option, n.linkID)
			}
			d.items[n.linkID] = it
		}
		if sys, dia := d.items["bp-sys"], d.items["bp-dia"]; sys != nil && dia != nil && (sys.parent == nil || sys.parent != dia.parent || sys.parent.Type != Group) {
			c.problem(d.id, "derived", "Both pressures of a reading are in one group.")
		} else if sys != nil && dia != nil {
			sys.contradicts, dia.contradicts = append(sys.contradicts, dia), append(dia.contradicts, sys)
		}
	}
}

// reading checks the blood pressure in the present row of a group: unless systolic
// exceeds diastolic, neither number feeds a rule. A row with both is a reading.
func (c *checker) reading(group *Item) {
	for i := range c.form.derive {
		d := &c.form.derive[i]
		sys, dia := d.items["bp-sys"], d.items["bp-dia"]
		if sys == nil || sys.parent != group {
			continue
		}
		s, okS := c.inRow(sys)
		p, okP := c.inRow(dia)
		switch {
		case !okS || !okP:
		case d.id == bpMean && s > p:
			c.readings = append(c.readings, pressure{s, p})
		case d.id == bpConsistency && s <= p:
			c.problem(sys.LinkID, "consistency", "The top number (systolic) is above the bottom number (diastolic).")
			c.forgetRow(sys)
			c.forgetRow(dia)
		}
	}
}

// A pressure is one reading, in mmHg.
type pressure struct{ systolic, diastolic int32 }

func (c *checker) inRow(it *Item) (int32, bool) {
	row := c.answers[it.index][c.startOf(it):]
	if len(row) != 1 {
		return 0, false
	}
	return row[0].whole, true
}

func (c *checker) forgetRow(it *Item) {
	c.answers[it.index] = c.answers[it.index][:c.startOf(it)]
}

// startOf is the index in answers where the present row begins.
func (c *checker) startOf(it *Item) int {
	if it.row == nil {
		return 0
	}
	return c.rowStart[it.row.depth()-1][it.index]
}

// derived computes the values of the form's derived flags.
func (c *checker) derived() []Derived {
	var found []Derived
	for _, d := range c.form.derive {
		var text string
		switch d.id {
		case bpMean:
			text = c.meanPressure()
		case abrsCriteria:
			text = c.bacterialSinusitis(d)
		}
		if text != "" {
			found = append(found, Derived{ID: d.id, Text: text})
		}
	}
	return found
}

// meanPressure is the mean of the valid readings, rounded to the nearest whole mmHg.
// A row with one of the two numbers is no reading.
func (c *checker) meanPressure() string {
	n := int64(len(c.readings))
	if n == 0 {
		return ""
	}
	var sys, dia int64
	for _, r := range c.readings {
		sys += int64(r.systolic)
		dia += int64(r.diastolic)
	}
	mean := func(sum int64) int64 { return (2*sum + n) / (2 * n) }
	return fmt.Sprintf("Mean blood pressure %d/%d mmHg over %d reading(s).", mean(sys), mean(dia), n)
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
