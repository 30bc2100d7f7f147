package web

import (
	"fmt"
	"regexp"
	"strings"

	"evisit/pkg/intake"
)

// hint says which numbers are wanted, or how a text is written.
func hint(it *intake.Item) string {
	if it.Format != "" {
		return "Write " + it.Format
	}
	if it.Type != intake.IntegerQ && it.Type != intake.DecimalQ && it.Type != intake.QuantityQ {
		return ""
	}
	unit := it.UnitWords()
	if len(it.Units) == 1 {
		unit = intake.UnitWords(it.Units[0])
	}
	switch {
	case it.Min != "" && it.Max != "":
		return strings.TrimSpace(fmt.Sprintf("From %s to %s %s", it.Min, it.Max, unit))
	case it.Min != "":
		return strings.TrimSpace(fmt.Sprintf("At least %s %s", it.Min, unit))
	case it.Max != "":
		return strings.TrimSpace(fmt.Sprintf("At most %s %s", it.Max, unit))
	}
	return unit
}

// inRow finds the row that a problem's text begins with.
var inRow = regexp.MustCompile(`^Row ([\d.]+): `)

// errors are the problems of an item in the row at.
func (d drawing) errors(it *intake.Item, at string) []string {
	row := strings.TrimPrefix(at, "@")
	var found []string
	for _, p := range d.problems {
		text, in := p.Text, ""
		if m := inRow.FindStringSubmatch(text); m != nil {
			text, in = text[len(m[0]):], m[1]
		}
		if p.Where == it.LinkID && in == row {
			found = append(found, sentence(advice(it, p.Code, text)))
		}
	}
	return found
}

// advice words a problem for someone at a form, who sees options and not codes.
func advice(it *intake.Item, code, text string) string {
	switch {
	case code == "option" && len(it.Options) > 0:
		return "Choose one of the answers listed."
	case code == "date" && it.Type == intake.DateTimeQ:
		return "Give a date and a time that exist."
	case code != "type":
		return text
	case it.Type == intake.IntegerQ && it.Min != "" && it.Max != "":
		return fmt.Sprintf("Write a whole number from %s to %s, in digits.", it.Min, it.Max)
	case it.Type == intake.IntegerQ:
		return "Write a whole number, in digits, such as 3."
	case it.Type == intake.DecimalQ, it.Type == intake.QuantityQ:
		return "Write a number in digits, such as 98.6."
	case it.Type == intake.TimeQ:
		return "Write a time, such as 08:30."
	case it.Type == intake.BooleanQ:
		return "Choose yes or no."
	case it.Type == intake.Choice:
		return "Choose one of the answers listed."
	}
	return text
}

// fixedWords is what the form answers itself.
func fixedWords(it *intake.Item) string {
	var words []string
	for _, v := range it.Initial {
		words = append(words, v.Text())
	}
	return strings.Join(words, ", ")
}
