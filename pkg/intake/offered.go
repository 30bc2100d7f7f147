package intake

import (
	"slices"
	"strings"
)

// Offering returns the form with only those options of a question whose codes are offered.
// If one is left, the question is not asked, and that option answers it, whatever is given.
// A form without the question stays as it is, as does one of whose options none or all are
// offered. JSON and hash are those of the whole form.
func (f *Form) Offering(linkID string, offered func(code string) bool) *Form {
	it := f.byLink[linkID]
	if it == nil || it.Type != Choice {
		return f
	}
	var only []string
	for _, o := range it.Options {
		if offered(o.Code) {
			only = append(only, o.Code)
		}
	}
	if len(only) == 0 || len(only) == len(it.Options) {
		return f
	}
	return f.as(version{f.version.language, linkID, strings.Join(only, " ")})
}

// offer leaves a question the options with these codes.
func (it *Item) offer(codes []string) {
	it.Options = slices.DeleteFunc(it.Options, func(o Option) bool { return !slices.Contains(codes, o.Code) })
	if len(it.Options) == 1 {
		it.Hidden, it.Initial = true, []Value{it.Options[0].Value}
	}
}
