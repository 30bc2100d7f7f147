package record

import (
	"slices"
	"strings"

	"evisit/pkg/intake"
	"evisit/pkg/phi"
)

// Flags lists the rules that fired without ending the request.
func Flags(res intake.Result) []Flag {
	var fs []Flag
	for _, r := range res.Fired {
		if r.Severity == intake.SeverityFlag {
			fs = append(fs, Flag{r.ID, phi.Text(r.Message), r.Source})
		}
	}
	return fs
}

// Instructions joins the messages of the rules that decided res's disposition, each
// text once. That somebody will contact the patient is promised if the form has a
// number to do so.
func Instructions(res intake.Result) phi.Text {
	var ms []string
	say := func(m string) {
		if !slices.Contains(ms, m) {
			ms = append(ms, m)
		}
	}
	for _, r := range res.Fired {
		if string(r.Severity) != string(res.Disposition) {
			continue
		}
		say(r.Message)
		if r.Reachable {
			say(r.Contact.Promise)
		}
	}
	return phi.Text(strings.Join(ms, "\n"))
}

// InWords lists the questions that were answered, in the order of the form.
func InWords(f *intake.Form, r intake.Response) []QA {
	var qas []QA
	rows := map[string]int{}
	var walk func(items []intake.Entry, row int)
	walk = func(items []intake.Entry, row int) {
		for _, e := range items {
			it, ok := f.Item(e.LinkID)
			if !ok {
				continue
			}
			if len(e.Answers) > 0 {
				qa := QA{LinkID: e.LinkID, Question: it.Text, Row: row}
				for _, a := range e.Answers {
					qa.Answers = append(qa.Answers, phi.Text(wording(it, a.Value)))
				}
				qas = append(qas, qa)
			}
			inner := row
			if it.Repeats && len(e.Items) > 0 {
				rows[e.LinkID]++
				inner = rows[e.LinkID]
			}
			walk(e.Items, inner)
		}
	}
	walk(r.Items, 0)
	return qas
}

func wording(it *intake.Item, v intake.Value) string {
	if v.Kind() == intake.CodingValue {
		for _, o := range it.Options {
			if o.Code == v.Coding().Code {
				return o.Display
			}
		}
	}
	if v.Kind() == intake.BooleanValue {
		if v.Bool() {
			return "Yes"
		}
		return "No"
	}
	if it.Unit != "" {
		return v.Text() + " " + it.UnitWords()
	}
	return v.Text()
}
