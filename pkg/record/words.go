package record

import (
	"slices"
	"strings"
	"time"

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

// CallNumber returns the number at which the patient can be reached: the one that a rule
// which stopped the visit promises to call, else the one of the common block. It is
// empty if neither was given.
func CallNumber(answers []QA, stopped *Diversion) phi.Text {
	ask := []string{intake.CallbackItem}
	if stopped != nil {
		for _, f := range stopped.Rules {
			if f.Contact != nil && f.Reachable {
				ask = append(ask, f.Contact.Question)
			}
		}
	}
	for _, linkID := range slices.Backward(ask) {
		for _, qa := range answers {
			if qa.LinkID == linkID && len(qa.Answers) > 0 {
				return qa.Answers[0]
			}
		}
	}
	return ""
}

// InWords lists the questions that were answered, in the order of the form.
func InWords(f *intake.Form, r intake.Response) []QA { return inWords(nil, f, r.Items, nil, "") }

// inWords adds the questions of the entries, which are in the row that rows names and are
// asked under the answer of.
func inWords(qas []QA, f *intake.Form, entries []intake.Entry, rows []int, of phi.Text) []QA {
	count := map[string]int{}
	for _, e := range entries {
		it, ok := f.Item(e.LinkID)
		if !ok {
			continue
		}
		if len(e.Answers) > 0 {
			qa := QA{LinkID: e.LinkID, Question: it.Text, Of: of}
			if len(rows) > 0 {
				qa.Row = rows[0]
			}
			if len(rows) > 1 {
				qa.Within = rows[1:]
			}
			for _, a := range e.Answers {
				qa.Answers = append(qa.Answers, phi.Text(wording(it, a.Value)))
			}
			qas = append(qas, qa)
			for i, a := range e.Answers {
				under := of
				if it.Repeats {
					under = qa.Answers[i]
				}
				qas = inWords(qas, f, a.Items, rows, under)
			}
		}
		inner := rows
		if it.Repeats && len(e.Items) > 0 {
			count[e.LinkID]++
			inner = append(slices.Clip(rows), count[e.LinkID])
		}
		qas = inWords(qas, f, e.Items, inner, of)
	}
	return qas
}

// wording is an answer as people read it. A date and time has the zone that it was
// given in.
func wording(it *intake.Item, v intake.Value) string {
	switch v.Kind() {
	case intake.CodingValue:
		if n := slices.IndexFunc(it.Options, func(o intake.Option) bool { return o.Code == v.Coding().Code }); n >= 0 {
			return it.Options[n].Display
		}
	case intake.BooleanValue:
		if v.Bool() {
			return "Yes"
		}
		return "No"
	case intake.DateValue:
		if day, err := time.Parse(time.DateOnly, v.Text()); err == nil {
			return day.Format("2 January 2006")
		}
	case intake.DateTimeValue:
		if at, err := time.Parse(time.RFC3339Nano, v.Text()); err == nil {
			return at.Format("2 January 2006, 15:04 (UTC-07:00)")
		}
	case intake.TimeValue:
		if at, err := time.Parse(time.TimeOnly, v.Text()); err == nil && at.Second() == 0 {
			return at.Format("15:04")
		}
	default:
	}
	if it.Unit != "" {
		return v.Text() + " " + it.UnitWords()
	}
	return v.Text()
}
