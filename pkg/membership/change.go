package membership

import (
	"fmt"
	"slices"
	"strings"
)

// A Change is one thing in which new terms differ from those that a member has. Code is stable and
// Text is for the member.
type Change struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Changes lists in what u differs from t for the members of so many people; none if nothing that
// matters to them does.
func (t Terms) Changes(u Terms, people int) []Change {
	var all []Change
	add := func(differs bool, code, format string, args ...any) {
		if differs {
			all = append(all, Change{Code: code, Text: fmt.Sprintf(format, args...)})
		}
	}
	was, will := t.Yearly(people), u.Yearly(people)
	add(was != will, "price", "The price changes from %s to %s a year.", was, will)
	add(t.PerMember != u.PerMember, "per_member", "A further person costs %s a year instead of %s.", u.PerMember, t.PerMember)
	add(t.Members != u.Members, "members", "The membership is for at most %s instead of %s.%s", persons(u.Members), persons(t.Members), leftOut(people, u.Members))
	add(t.Visits != u.Visits, "visits", "A year includes %s instead of %s.", visits(u.Visits), visits(t.Visits))
	add(t.Shared && !u.Shared && u.Members > 1, "shared", "Each member has the included visits for themselves, instead of all together.")
	add(!t.Shared && u.Shared && people > 1, "shared", "The members use the included visits together, instead of each having as many.")
	add(!sameSet(t.Classes, u.Classes) || !sameSet(t.Forms, u.Forms), "included", "Which requests are included changes: from then on %s.", included(u))
	add(t.bars() != u.bars() && u.bars(), "medicare", "It includes visits that Medicare covers. Who has Medicare Part B or a Medicare Advantage plan cannot be a member from then on, and is refunded.")
	add(t.Grace != u.Grace, "grace", "After a failed payment, visits are included for %s instead of %s.", days(u.Grace), days(t.Grace))
	add(t.Notice != u.Notice, "notice", "A renewal is announced %s before it instead of %s.", days(u.Notice), days(t.Notice))
	add(t.Refund != u.Refund, "refund", "What is refunded changes. %s", u.Refund.Text())
	return all
}

func leftOut(people, most int) string {
	if people <= most {
		return ""
	}
	return fmt.Sprintf(" You are %d: who joined last is no member any more.", people)
}

func included(t Terms) string {
	switch {
	case t.Visits == 0:
		return "none"
	case len(t.Forms) > 0:
		return "only " + count(len(t.Forms), "form", "forms")
	}
	words := make([]string, len(t.Classes))
	for i, c := range t.Classes {
		words[i] = classWords[c]
	}
	return strings.Join(words, ", ")
}

// classWords name the billing classes for patients.
var classWords = map[string]string{
	"em": "medical visits", "em-image": "medical visits with photos", "em-screen": "medical visits with a questionnaire", "admin-fee": "forms and paperwork",
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func visits(n int) string  { return count(n, "visit", "visits") }
func persons(n int) string { return count(n, "person", "people") }
func days(n int) string    { return count(n, "day", "days") }
func months(n int) string  { return count(n, "month", "months") }

func count(n int, one, many string) string {
	switch n {
	case 0:
		return "no " + many
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
