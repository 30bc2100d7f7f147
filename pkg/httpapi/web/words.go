package web

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/identity"
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

func roleWords(role string) string {
	switch identity.Role(role) {
	case identity.PatientRole:
		return "Patient"
	case identity.Caregiver:
		return "Caregiver"
	case identity.Clinician:
		return "Clinician"
	case identity.Nurse:
		return "Nurse"
	case identity.Staff:
		return "Staff"
	case identity.Admin:
		return "Administrator"
	case identity.Director:
		return "Medical director"
	case identity.Operator:
		return "Operator"
	}
	return "The system"
}

// statusWords says to a patient where a visit stands.
func statusWords(s visit.Status) string {
	switch s {
	case visit.Draft:
		return "Not sent yet"
	case visit.AwaitingPayment:
		return "Waiting for your payment"
	case visit.Queued:
		return "Waiting to be read"
	case visit.InReview:
		return "Being read"
	case visit.AwaitingPatient:
		return "Waiting for your reply"
	case visit.Answered:
		return "Answered"
	case visit.Closed:
		return "Answered and closed"
	case visit.Diverted:
		return "Stopped for your safety"
	case visit.Cancelled:
		return "Cancelled"
	case visit.Declined:
		return "Declined"
	case visit.Redirected:
		return "Please be seen in person"
	case visit.Expired:
		return "Ended without an answer"
	case visit.Deleted:
		return "Deleted"
	}
	return string(s)
}

// deskWords says it to those who answer.
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
	switch p.State {
	case billing.Opened:
		return p.Amount.String() + " to be paid; nothing is held or charged yet"
	case billing.Held:
		return p.Held.String() + " held on your card; not charged"
	case billing.Processing:
		return p.Amount.String() + " asked of your bank, which takes some days"
	case billing.Captured:
		return p.Collected.String() + " charged" + refundWords(p)
	case billing.FullyRefunded:
		return p.Refunded.String() + " refunded"
	case billing.Disputed:
		return p.Collected.String() + " charged, and contested with your bank"
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

// actions are what the audit trail's actions mean.
var actions = map[string]string{
	"visit.start":                      "started the request",
	"visit.fill:draft":                 "filled in the form",
	"visit.fill:awaiting_payment":      "accepted the fee and sent the request",
	"visit.fill:queued":                "sent the request",
	"visit.fill:diverted":              "gave an answer that needs care in person",
	"visit.cancel":                     "cancelled the request",
	"visit.delete":                     "deleted the draft and its answers",
	"visit.again":                      "began to send the request again",
	"visit.pay":                        "opened the payment page",
	"visit.acknowledge":                "confirmed having read it",
	"visit.number":                     "gave a number to be called at",
	"visit.fill:cancelled":             "cancelled the request", // this and the next two: in records of before
	"visit.fill:answered":              "opened the payment page",
	"visit.fill:closed":                "confirmed reading the answer",
	"visit.take:in_review":             "took the request",
	"visit.take:awaiting_patient":      "took the request",
	"visit.release:queued":             "gave the request back",
	"visit.release:awaiting_patient":   "gave the request back",
	"visit.hand_over:in_review":        "handed the request over to a colleague",
	"visit.hand_over:awaiting_patient": "handed the request over to a colleague",
	"visit.take_over:in_review":        "took the request over from a colleague",
	"visit.take_over:awaiting_patient": "took the request over from a colleague",
	"visit.return:queued":              "gave the request back to the practice, because who had it no longer answers there",
	"visit.return:awaiting_patient":    "gave the request back to the practice, because who had it no longer answers there",
	"visit.treat:awaiting_patient":     "asked a question",
	"visit.treat:answered":             "answered",
	"visit.treat:declined":             "declined the request",
	"visit.treat:redirected":           "asked for a visit in person",
	"visit.read":                       "looked where the request stands",
	"ledger.read":                      "looked at the payments",
	"audit.read":                       "looked who has seen this",
	"chart.read:chart":                 "read the answers and messages",
	"chart.read:document":              "read the record of the answer",
	"chart.read:page":                  "read the request",
	"message.send:queued":              "added information",
	"message.send:in_review":           "wrote a message",
	"message.send:diverted":            "gave an answer that needs care in person",
	"payment.held":                     "noted that the card is held",
	"payment.captured":                 "charged the card",
	"payment.released":                 "released the hold on the card",
	"payment.abandoned":                "noted that the payment page was left",
	"payment.lapsed":                   "noted that the hold on the card expired",
	"payment.failed":                   "could not charge the card",
	"payment.refunded":                 "noted that the fee was refunded",
	"payment.disputed":                 "noted that the charge is disputed",
	"payment.unrefunded":               "noted that a refund failed",
	"payment.processing":               "noted that a bank was asked for the fee",
	"payment.refused":                  "noted that the card could not be charged",
	"payment.opened":                   "noted what became of the payment page",
	"payment.warned":                   "noted that the card's issuer warns of fraud",
	"account.lost":                     "noted that the practice's account at Stripe cannot be reached",
	"account.found":                    "noted that the practice's account at Stripe can be reached again",
	"visit.due:expired":                "closed the request because nobody answered in time",
	"visit.due:closed":                 "closed the request a week after its answer",
	"visit.due:queued":                 "told the patient that it takes longer",
	"visit.due:in_review":              "told the patient that it takes longer",
	"visit.due:awaiting_payment":       "asked whether the payment page was paid",
	"visit.due:awaiting_patient":       "told the patient that it takes longer",
	"visit.wake":                       "looked whether anything is due",
	"visit.postpone":                   "put off what is due",
	"event.parked":                     "gave something up and told the practice",
	"work.end":                         "ended a piece of work",
	"work.resume":                      "had what was given up tried again",
}

func actionWords(action string) string {
	if words, ok := actions[action]; ok {
		return words
	}
	if strings.HasSuffix(action, ":again") {
		return "sent a request again"
	}
	return strings.NewReplacer(".", " ", ":", " ", "_", " ").Replace(action)
}

// attempts say what somebody was refused to do.
var attempts = map[string]string{
	"visit.read":      "see where the request stands",
	"chart.read":      "read the answers and messages",
	"visit.fill":      "change or send the request",
	"message.send":    "write a message",
	"visit.take":      "take the request",
	"visit.treat":     "ask, answer or decline",
	"visit.release":   "give the request back",
	"visit.hand_over": "hand the request over",
	"visit.take_over": "take the request over",
	"ledger.read":     "see the payments",
	"audit.read":      "see who has seen this",
	"work.end":        "end a piece of work",
	"request.make":    "see or change the request",
}

// refusals say why somebody was refused.
var refusals = map[string]string{
	"inactive":       "no access any more",
	"other_practice": "from another practice",
	"grant_ended":    "may no longer act for the patient",
	"no_relation":    "has nothing to do with it",
	"role":           "not part of their role",
	"not_licensed":   "no license where the patient is",
	"second_factor":  "signed in without a second factor",
}
