package web

import (
	"cmp"
	"strings"

	"evisit/pkg/fault"
)

// A complaint is a line of the summary that a page with mistakes begins with: what
// is wrong, and the field it leads to. Without Href it is about the whole page.
type complaint struct{ Href, Label, Text string }

// aboutPage is the summary that says text of the whole page; none if text is empty.
func aboutPage(text string) []complaint {
	if text == "" {
		return nil
	}
	return []complaint{{Text: text}}
}

// complaints lists what is wrong with fields, in their order.
func complaints(fs []field) []complaint {
	var all []complaint
	for _, f := range fs {
		for _, e := range f.Errors {
			all = append(all, complaint{"#" + f.ID, f.Label, e})
		}
		all = append(all, complaints(f.Fields)...)
		for _, r := range f.Rows {
			for _, c := range complaints(r.Fields) {
				c.Label = r.Title + ", " + c.Label
				all = append(all, c)
			}
		}
	}
	return all
}

// errorTitle marks the title of a page that begins with a summary: it is the first
// thing that a screen reader says.
func errorTitle(title string, wrong []complaint) string {
	if len(wrong) == 0 {
		return title
	}
	return "Error: " + title
}

// mistakes finds the fields that the problems of err are about: where names the
// field by a problem's place, or by one above it. The first problem of a field is told. The
// rest are the problems that are about no field.
func mistakes(err error, where map[string]string) (wrong map[string]string, rest []string) {
	wrong = map[string]string{}
	f, ok := fault.Public(err)
	if !ok {
		return wrong, nil
	}
	for _, p := range f.Problems {
		text, placed := sentence(strings.ReplaceAll(p.Text, "no_diagnosis", "the field below")), false
		for at, name := range where {
			if p.Where == at || strings.HasPrefix(p.Where, at+"/") {
				placed, wrong[name] = true, cmp.Or(wrong[name], text)
			}
		}
		if !placed {
			rest = append(rest, text)
		}
	}
	return wrong, rest
}
