package record

import (
	"fmt"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/membership"
)

// MemberEvidenceOf returns what a practice tells a bank about the disputed payment of a bill of m: which
// terms were accepted and announced, and when; the year that was paid; and how many included visits of
// it were used, and on which days. Uses are those of that year. It has nothing of the visits but when
// they were sent: no word of health (billing rules §5.11). local writes a time in zone.
func MemberEvidenceOf(m membership.Membership, b membership.Bill, uses []membership.Use, practice string, zone *time.Location, local func(time.Time) string) billing.Evidence {
	terms := m.TermsAt(b.Start)
	promises := terms.Sentences()
	e := billing.Evidence{
		Product: "A yearly membership of " + practice + ", for the year " + b.Text(zone) + ". " + promises[0],
		Service: local(b.Start),
		Policy:  strings.Join(promises[1:], " "),
	}
	var happened []string
	say := func(format string, args ...any) { happened = append(happened, fmt.Sprintf(format, args...)) }
	if a := m.Accepted; !a.At.IsZero() {
		say("Terms of the membership %s, version %d, and their price accepted: %s", a.Offer, a.Terms, local(a.At))
	} else {
		say("Joined, with the terms and the price accepted: %s", local(m.Made))
	}
	if n := m.Notice; !n.Closing && n.Renews.Equal(b.Start) {
		say("Renewal for %s, with terms version %d, announced by e-mail: %s", n.Price, n.Terms.Version, local(n.At))
	}
	if !b.PaidAt.IsZero() {
		say("Year paid: %s", local(b.PaidAt))
	}
	say("Included visits used in the year: %d of %d", len(uses), terms.Visits)
	for _, u := range uses {
		say("Included visit sent: %s", local(u.At))
	}
	if !m.Ended.IsZero() {
		say("Membership ended: %s", local(m.Ended.At))
	}
	e.Activity = strings.Join(happened, "\n")
	numbers := []string{"Invoice number: " + b.Number, "Invoice: " + b.Amount.String(), "Charged: " + b.Paid.String()}
	if b.Refunded > 0 {
		numbers = append(numbers, "Refunded: "+b.Refunded.String())
	}
	e.Text = strings.Join(numbers, "\n")
	return e
}
