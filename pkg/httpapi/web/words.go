package web

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/visit"
)

// sentence makes a fault's text stand by itself.
func sentence(s string) string {
	s = capital(strings.TrimSpace(s))
	if s == "" {
		return s
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// capital returns s with a capital letter at its beginning.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// lasting says a promised time: 24 hours, 90 minutes, 2 days.
func lasting(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > 2*day && d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	case d%time.Hour == 0 && d > time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d == time.Hour:
		return "1 hour"
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}

// priceWords says what a request on an offered form costs.
func priceWords(o request.Offering) string {
	const free = "Free of charge"
	var kinds []string
	for _, k := range o.FreeFor {
		kinds = append(kinds, k.Display)
	}
	switch {
	case len(kinds) > 0 && o.Price > 0:
		return o.Price.String() + ". " + free + ": " + strings.Join(kinds, "; ")
	case len(kinds) > 0:
		return free + ": " + strings.Join(kinds, "; ")
	case o.Unpriced:
		return ""
	case len(o.Lower) > 0:
		return strings.TrimSuffix(o.Lower.Words(o.Price), ".")
	case o.Price > 0:
		return o.Price.String()
	}
	return free
}

// minutesWords says how long a clinician worked; nothing if they did not state it.
func minutesWords(n *int) string {
	switch {
	case n == nil:
		return ""
	case *n == 1:
		return "1 minute"
	}
	return fmt.Sprintf("%d minutes", *n)
}

// dial is a phone number as a telephone takes it (RFC 3966): 503 555 0177 x12 is
// 5035550177;ext=12.
func dial(number string) string {
	main, extension, _ := strings.Cut(strings.ToLower(number), "x") // x12, ext. 12
	digits := func(s string) string {
		return strings.Map(func(c rune) rune {
			if c < '0' || c > '9' {
				return -1
			}
			return c
		}, s)
	}
	to := digits(main)
	if strings.HasPrefix(strings.TrimSpace(main), "+") {
		to = "+" + to
	}
	if x := digits(extension); x != "" {
		to += ";ext=" + x
	}
	return to
}

// deskWords says to those who answer where a visit stands.
func deskWords(s visit.Status) string {
	switch s {
	case visit.Queued:
		return "Waiting"
	case visit.InReview:
		return "In review"
	case visit.AwaitingPatient:
		return "Asked the patient"
	case visit.Draft, visit.AwaitingPayment, visit.Answered, visit.Closed, visit.Diverted,
		visit.Cancelled, visit.Declined, visit.Redirected, visit.Expired, visit.Deleted:
	}
	return strings.ToUpper(string(s)[:1]) + strings.ReplaceAll(string(s)[1:], "_", " ")
}

// paymentWords says what became of a payment, and of how much.
func paymentWords(p billing.Payment) string {
	if words := cardWords(p); words != "" {
		return words
	}
	switch p.State {
	case billing.Opened:
		return p.Amount.String() + " to be paid; nothing is held or charged yet"
	case billing.Held:
		return p.Held.String() + " held on your card; not charged"
	case billing.Processing:
		return p.Amount.String() + " asked of your bank, which takes some days"
	case billing.Captured:
		return p.Collected.String() + " charged" + refundWords(p) + disputeWords(p)
	case billing.FullyRefunded:
		return p.Refunded.String() + " refunded"
	case billing.Disputed:
		return p.Collected.String() + " charged, and contested with your bank"
	case billing.ChargedBack:
		return p.Collected.String() + " charged" + refundWords(p) + ", and taken back by your bank"
	case billing.Abandoned:
		return "The payment page was left; nothing was charged"
	case billing.Released:
		return "The hold on your card was released; nothing was charged"
	case billing.Lapsed:
		return "The hold on your card expired; nothing was charged"
	case billing.Failed:
		return "You could not be charged " + p.Amount.String()
	}
	return string(p.State)
}

// cardWords says what became of a payment by a card without the patient, as long as
// nothing was held or charged; empty for others.
func cardWords(p billing.Payment) string {
	verb := "held again for "
	if p.AtOnce {
		verb = "charged "
	}
	switch {
	case p.CardOf == "":
	case p.State == billing.Opened:
		return "Your card is being " + verb + p.Amount.String() + ", as you agreed"
	case p.State == billing.Failed:
		return "Your card could not be " + verb + p.Amount.String()
	case p.State == billing.Abandoned:
		return "Your card was not " + verb + p.Amount.String() + ", because that was not needed any more"
	}
	return ""
}

// disputeWords says what became of a dispute about a charge that stands, or of an inquiry.
func disputeWords(p billing.Payment) string {
	switch d := p.Dispute; {
	case d.Inquiry() && d.Open():
		return "; your bank has asked us about it"
	case p.Withdrawn > 0:
		return ", " + p.Withdrawn.String() + " of it taken back by your bank"
	case d.Won():
		return "; it was disputed, and your bank decided that it stands"
	}
	return ""
}

// refundWords says what of a charge was refunded, and that a refund failed.
func refundWords(p billing.Payment) string {
	words := ""
	if p.Refunded > 0 {
		words = ", " + p.Refunded.String() + " of it refunded"
	}
	if p.Why == billing.RefundFailed {
		words += "; a refund did not go through"
	}
	return words
}
