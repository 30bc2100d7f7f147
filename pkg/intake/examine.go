package intake

import (
	"fmt"
	"slices"
	"strings"

	"evisit/pkg/fault"
)

// An Examination is what a form says of its author's examples.
type Examination struct {
	Trials   []Trial
	Problems []fault.Problem // what keeps the form from being published; none if the examples show every rule
}

// Examine tries the examples and names every problem: an example whose answers the form
// does not take, or which fires other rules than it lists; a rule that no example fires,
// or of which none is a near miss; and a condition that no example needs, so that it could
// be missing and nobody would notice. Base is the block that the form was composed with,
// whose rules have examples of their own; nil for a form alone.
func (f *Form) Examine(base *Questionnaire, examples []Example) Examination {
	x := examiner{form: f, shown: map[string]*showing{}}
	for _, r := range f.rules {
		if !base.has(r.ID) {
			x.shown[r.ID] = &showing{needed: make([]bool, len(r.conds))}
		}
	}
	for i, ex := range examples {
		x.example(fmt.Sprintf("example %d (%s)", i+1, ex.Why), ex)
	}
	for _, r := range f.rules {
		if s := x.shown[r.ID]; s != nil {
			x.rule(r, *s)
		}
	}
	if more := len(x.Problems) - maxProblems; more > 0 {
		x.Problems = append(x.Problems[:maxProblems:maxProblems],
			fault.Problem{Where: f.Name(), Code: "more", Text: fmt.Sprintf("There are %d problems more.", more)})
	}
	return x.Examination
}

// has reports whether the source has a rule of that id.
func (q *Questionnaire) has(rule string) bool {
	return q != nil && slices.ContainsFunc(q.res.Extension, func(e extension) bool {
		return e.URL == extRule && slices.ContainsFunc(e.Extension, func(part extension) bool { return part.URL == "id" && part.ValueID == rule })
	})
}

type examiner struct {
	Examination
	form  *Form
	shown map[string]*showing // by rule
}

// A showing is what the examples so far show of a rule.
type showing struct {
	fired, missed bool
	needed        []bool // by condition: the rule would do otherwise without it
}

func (x *examiner) problem(where, code, format string, args ...any) {
	x.Problems = append(x.Problems, fault.Problem{Where: where, Code: code, Text: fmt.Sprintf(format, args...)})
}

func (x *examiner) example(name string, ex Example) {
	t, c := x.form.try(ex)
	x.Trials = append(x.Trials, t)
	listed := slices.Sorted(slices.Values(ex.Fired))
	s := x.shown[ex.Rule]
	switch {
	case s == nil:
		x.problem(name, "rule", "It is of the rule %q, which is none of this form's own.", ex.Rule)
	case ex.Fires != slices.Contains(ex.Fired, ex.Rule):
		x.problem(name, "contradiction", "It says fires is %t, and lists the rules %s as fired.", ex.Fires, names(listed))
	case !slices.Equal(listed, t.Heard):
		x.problem(name, "fired", "It fires %s, and lists %s.", names(t.Heard), names(listed))
	case t.Result.Disposition != ex.Disposition:
		x.problem(name, "disposition", "Its answers end in %s, and it says %s.", t.Result.Disposition, ex.Disposition)
	default:
		s.fired, s.missed = s.fired || ex.Fires, s.missed || !ex.Fires
	}
	for _, p := range t.Wrong {
		x.problem(name, "answer", "The answer to %s is not taken: %s", p.Where, p.Text)
	}
	for _, r := range x.form.rules {
		if s := x.shown[r.ID]; s != nil {
			for i := range r.conds {
				s.needed[i] = s.needed[i] || c.needs(r, i)
			}
		}
	}
}

// needs reports whether the rule would do otherwise on these answers without a condition.
func (c *checker) needs(r *rule, i int) bool {
	less := *r
	less.conds = slices.Delete(slices.Clone(r.conds), i, i+1)
	return c.fires(r) != c.fires(&less)
}

func (x *examiner) rule(r *rule, s showing) {
	if !s.fired {
		x.problem(r.ID, "fires", "No example fires the rule: add one with fires true.")
	}
	if !s.missed {
		x.problem(r.ID, "near_miss", "No example is a near miss of the rule: add one that almost fires it, with fires false.")
	}
	if len(r.conds) < 2 { // an example that fires the rule and a near miss need its one condition
		return
	}
	for i, needed := range s.needed {
		if !needed {
			x.problem(r.ID, "condition", "No example would notice if the condition %s were gone: add one in which it decides.", r.conds[i].words())
		}
	}
}

// words is the condition as a problem names it.
func (c *condition) words() string {
	return quoted(c.question + " " + c.operator + " " + c.want.text)
}

func names(rules []string) string {
	if len(rules) == 0 {
		return "none"
	}
	return strings.Join(rules, ", ")
}
