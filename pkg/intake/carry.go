package intake

import (
	"slices"

	"evisit/pkg/fault"
)

// StateItem is the question of the common block for the state where the patient is.
const StateItem = "location-state"

// CarryOver returns the answers with which a new request on f begins that is made
// again of an earlier one, on this or another version of the form: those that fit f as
// it is asked today. What must be said anew is left out: statements, where the patient
// is and can be reached today, durations, and every question that an emergency or an
// urgent rule reads, because what is dangerous may have changed since.
func (f *Form) CarryOver(earlier Response) Response {
	r := Response{Questionnaire: f.Canonical(), Items: f.lasting(earlier.Items, f.askedAnew())}
	for {
		res := f.Check(r)
		wrong := res.Wrong()
		r = res.Response
		if len(wrong) == 0 {
			return r
		}
		// What does not fit is in the entry that a problem names. To leave one out may
		// make another wrong, as two dates that are compared.
		left := slices.DeleteFunc(slices.Clone(r.Items), func(e Entry) bool {
			return slices.ContainsFunc(wrong, func(p fault.Problem) bool { return e.has(p.Where) })
		})
		if len(left) == len(r.Items) {
			return Response{Questionnaire: f.Canonical()}
		}
		r.Items = left
	}
}

// lasting returns the entries without those of items that are anew, or that f does not have.
func (f *Form) lasting(entries []Entry, anew map[*Item]bool) []Entry {
	var kept []Entry
	for _, e := range entries {
		it, ok := f.byLink[e.LinkID]
		if !ok || anew[it] {
			continue
		}
		e.Items, e.Answers = f.lasting(e.Items, anew), slices.Clone(e.Answers)
		for i, a := range e.Answers {
			e.Answers[i].Items = f.lasting(a.Items, anew)
		}
		if !e.empty() {
			kept = append(kept, e)
		}
	}
	return kept
}

// has reports whether e is an entry of linkID, or has one at any depth.
func (e Entry) has(linkID string) bool {
	inside := func(e Entry) bool { return e.has(linkID) }
	return e.LinkID == linkID || slices.ContainsFunc(e.Items, inside) ||
		slices.ContainsFunc(e.Answers, func(a Answer) bool { return slices.ContainsFunc(a.Items, inside) })
}

// read adds the item and, of a computed one, the items that it is made of.
func (it *Item) read(into map[*Item]bool) {
	if into[it] {
		return
	}
	into[it] = true
	if it.formula != nil {
		for _, part := range it.formula.uses {
			part.read(into)
		}
	}
}

// timeUnits are the UCUM codes of durations, such as how many days something lasts.
var timeUnits = []string{"s", "min", "h", "d", "wk", "mo", "a"}

// lasts reports whether the item asks how long something is.
func (it *Item) lasts() bool {
	return slices.Contains(timeUnits, it.Unit) ||
		slices.ContainsFunc(it.Units, func(u Coding) bool { return slices.Contains(timeUnits, u.Code) })
}

// askedAnew returns the items whose answers CarryOver leaves out. Of a row of a
// repeating group nothing is kept if one of its answers is not.
func (f *Form) askedAnew() map[*Item]bool {
	anew := map[*Item]bool{}
	for _, it := range f.all {
		if it.Statement || it.Type == Upload || it.LinkID == StateItem || it.LinkID == CallbackItem || it.lasts() {
			anew[it] = true
		}
	}
	for _, r := range f.rules {
		if r.Severity != SeverityEmergency && r.Severity != SeverityUrgent {
			continue
		}
		for i := range r.conds {
			if it := r.conds[i].item; it != nil {
				it.read(anew)
			}
		}
	}
	for it := range anew {
		for row := it.row; row != nil; row = row.row {
			anew[row] = true
		}
	}
	return anew
}
