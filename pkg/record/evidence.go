package record

import (
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/money"
	"evisit/pkg/visit"
)

// EvidenceOf returns what a practice tells a bank about the disputed charge p of v, of v's
// trail: when what was accepted, sent, answered and read, and what was charged. It has
// nothing that was asked or answered, nor the name of the form: no word of health (billing
// rules §5.11). local writes a time in the practice's zone.
func EvidenceOf(v visit.Visit, p billing.Payment, practice string, local func(time.Time) string, trail []audit.Record) billing.Evidence {
	e := billing.Evidence{
		Product: "An online request to " + practice + ", answered in writing by a person who works there, for a fee that was shown and accepted before it was sent.",
		Policy: "The fee is shown before a request is sent. The card is charged when the request is answered, never for more than was accepted. " +
			"Until the answer, a request can be cancelled, and nothing is charged. A request that ends without an answer is not charged, and a charge for one is refunded.",
	}
	var happened, numbers []string
	say := func(to *[]string, words, value string) {
		if value != "" {
			*to = append(*to, words+": "+value)
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return local(t)
	}
	for _, r := range trail {
		if a := r.Accepted; a != nil && a.Quote == v.Quote.ID {
			say(&happened, "Fee of "+money.Cents(a.Amount).String()+" and consent text, version "+a.Consent+", accepted", at(r.At))
		}
	}
	say(&happened, "Request sent", at(v.Times.Submitted))
	say(&happened, "Card held", at(p.HeldAt))
	say(&happened, "Answered", at(v.Times.Answered))
	say(&happened, "Card charged", at(p.EndedAt))
	if !v.Times.Answered.IsZero() {
		e.Service = at(v.Times.Answered)
		say(&happened, "Answer read by who sent the request", at(v.ReadAt(v.Messages)))
		if v.Status == visit.Closed {
			say(&happened, "Request closed", at(v.Times.Ended))
		}
	} else {
		happened = append(happened, "The request was not answered.")
	}
	e.Activity = strings.Join(happened, "\n")
	say(&numbers, "Request number", v.Number())
	say(&numbers, "Receipt number", v.Receipt(p.ID))
	say(&numbers, "Fee accepted", v.Quote.Amount.String())
	say(&numbers, "Charged", p.Collected.String())
	if p.Refunded > 0 {
		say(&numbers, "Refunded", p.Refunded.String())
	}
	e.Text = strings.Join(numbers, "\n")
	return e
}
