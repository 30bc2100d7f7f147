package membership

import (
	"fmt"
	"slices"
	"strings"
)

// Classes are the billing classes that a membership can include.
func Classes() []string { return slices.Clone(classes) }

// ClassWords names a billing class for patients.
func ClassWords(class string) string { return classWords[class] }

// PriceText says what a year costs.
func (t Terms) PriceText() string {
	switch {
	case t.Members <= 1:
		return t.Price.String() + " a year"
	case t.PerMember == 0:
		return fmt.Sprintf("%s a year for up to %s", t.Price, persons(t.Members))
	}
	return fmt.Sprintf("%s a year, and %s for each further person, up to %s", t.Price, t.PerMember, persons(t.Members))
}

// Sentences say what t gives and under which terms, for who is to accept them.
func (t Terms) Sentences() []string {
	all := []string{"It includes no visits."}
	if t.Visits > 0 {
		whose := ""
		if t.Members > 1 && t.Shared {
			whose = " for all members together"
		} else if t.Members > 1 {
			whose = " for each member"
		}
		all[0] = fmt.Sprintf("It includes %s a year%s: %s. Nothing is charged for these; further visits cost the posted fee.", visits(t.Visits), whose, included(t))
	}
	all = append(all, fmt.Sprintf("It is renewed each year until you cancel it. A renewal is announced at least %s before, with its price and what changes; nothing changes for you without that.", days(t.Notice)))
	if t.Grace > 0 && t.Visits > 0 {
		all = append(all, fmt.Sprintf("If the payment of a renewal fails, visits are included for %s more, in which it can be paid.", days(t.Grace)))
	}
	if t.bars() {
		all = append(all, "It is not for people who have Medicare Part B or a Medicare Advantage plan: Medicare covers visits like these, and a yearly fee may not pay for them.")
	}
	return append(all, "You can cancel at any time; you then have it until its year ends. "+t.Refund.Text())
}

// Text is all the Sentences.
func (t Terms) Text() string { return strings.Join(t.Sentences(), " ") }
