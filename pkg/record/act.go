package record

import (
	"cmp"
	"strings"

	"evisit/pkg/audit"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// A Reader is who reads what others did: it decides how they are called.
type Reader struct {
	ID      string   // a person
	Patient string   // whose record is the reader's own; may be empty
	For     phi.Text // the patient's name, to a reader who acts for them
}

// An Act is what somebody did, or was refused, in words. Names of patients and of who acts
// for them are not in the trail, so it has a role instead.
type Act struct {
	Who, Role string // Role may be empty
	What      string // without a full stop, after Who; after "tried to", if it was refused
	Refused   bool   // nothing was shown or done
	Why       string // it was refused; may be empty
}

// ActOf returns what r says, in words for a reader.
func ActOf(r audit.Record, to Reader) Act {
	var a Act
	a.What, _ = ActionWords(r.Action)
	a.Who, a.Role = actorWords(r.Actor, to)
	if r.Outcome == audit.Refused {
		a.What, a.Refused, a.Why = cmp.Or(attempts[r.Action], a.What), true, refusals[r.Reason]
	}
	return a
}

// actorWords is the name and the role of who acted.
func actorWords(a audit.Actor, to Reader) (name, role string) {
	role = identity.Role(a.Role).Words()
	switch {
	case a.ID == to.ID:
		return "You", ""
	case a.Name != "":
		return a.Name, strings.ToLower(role)
	case a.OnBehalf != "" && a.OnBehalf == to.Patient:
		return role, "for you"
	case a.OnBehalf != "":
		return role, "for the patient"
	case to.For != "" && a.Role == string(identity.PatientRole):
		return to.For.Reveal(), strings.ToLower(role)
	}
	return role, ""
}

// actions are what the audit trail's actions mean.
var actions = map[string]string{
	"visit.start":                         "started the request",
	"visit.fill:draft":                    "filled in the form",
	"visit.fill:awaiting_payment":         "accepted the fee and sent the request",
	"visit.fill:queued":                   "sent the request",
	"visit.fill:diverted":                 "gave an answer that needs care in person",
	"visit.cancel":                        "cancelled the request",
	"visit.delete":                        "deleted the draft and its answers",
	"visit.again":                         "began to send the request again",
	"visit.pay":                           "opened the payment page",
	"visit.acknowledge":                   "confirmed having read it",
	"visit.number":                        "gave a number to be called at",
	"visit.fill:cancelled":                "cancelled the request", // this and the next two: in records of before
	"visit.fill:answered":                 "opened the payment page",
	"visit.fill:closed":                   "confirmed reading the answer",
	"visit.take:in_review":                "took the request",
	"visit.take:awaiting_patient":         "took the request",
	"visit.release:queued":                "gave the request back",
	"visit.release:awaiting_patient":      "gave the request back",
	"visit.hand_over:in_review":           "handed the request over to a colleague",
	"visit.hand_over:awaiting_patient":    "handed the request over to a colleague",
	"visit.take_over:in_review":           "took the request over from a colleague",
	"visit.take_over:awaiting_patient":    "took the request over from a colleague",
	"visit.return:queued":                 "gave the request back to the practice, because who had it no longer answers there",
	"visit.return:awaiting_patient":       "gave the request back to the practice, because who had it no longer answers there",
	"visit.treat:awaiting_patient":        "asked a question",
	"visit.treat:answered":                "answered",
	"visit.treat:declined":                "declined the request",
	"visit.treat:redirected":              "asked for a visit in person",
	"visit.read":                          "looked where the request stands",
	"ledger.read":                         "looked at the payments",
	"ledger.books":                        "looked at the practice's money",
	"ledger.books:reconciliations":        "looked at how the practice's books agree with Stripe",
	"ledger.books:payouts":                "looked at the practice's payouts",
	"audit.read":                          "looked who has seen this",
	"chart.read:chart":                    "read the answers and messages",
	"chart.read:document":                 "read the record of the answer",
	"chart.read:record":                   "took a copy of the request, with the whole record",
	"record.download":                     "took a copy of the whole record",
	"access.read":                         "looked who has seen the data",
	"visit.list":                          "looked where the requests stand",
	"chart.read:page":                     "read the request",
	"message.send:queued":                 "added information",
	"message.send:in_review":              "wrote a message",
	"message.send:diverted":               "gave an answer that needs care in person",
	"payment.held":                        "noted that the card is held",
	"payment.captured":                    "charged the card",
	"payment.by_card":                     "asked for a payment by the card, as the patient agreed",
	"payment.owed":                        "noted that the fee is to be paid by link",
	"payment.released":                    "released the hold on the card",
	"payment.abandoned":                   "noted that the payment page was left",
	"payment.lapsed":                      "noted that the hold on the card expired",
	"payment.failed":                      "could not charge the card",
	"payment.refunded":                    "noted that the fee was refunded",
	"payment.disputed":                    "noted that the charge is disputed",
	"payment.inquired":                    "noted that a bank asks about the charge",
	"payment.dispute_answered":            "noted that the bank was answered",
	"payment.dispute_missed":              "noted that the bank was not answered in time",
	"payment.dispute_won":                 "noted that the bank decided the dispute for the practice",
	"payment.dispute_lost":                "noted that the bank decided the dispute for the cardholder",
	"payment.inquiry_closed":              "noted that the bank closed its inquiry",
	"payment.refund":                      "had a payment refunded",
	"plan.bill":                           "noted that the health plan was billed",
	"payment.refund_refused":              "noted that Stripe did not make a refund",
	"payment.unrefunded":                  "noted that a refund failed",
	"payment.processing":                  "noted that a bank was asked for the fee",
	"payment.refused":                     "noted that the card could not be charged",
	"payment.opened":                      "noted what became of the payment page",
	"payment.warned":                      "noted that the card's issuer warns of fraud",
	"account.lost":                        "noted that the practice's account at Stripe cannot be reached",
	"account.found":                       "noted that the practice's account at Stripe can be reached again",
	"account.opened":                      "opened an account at Stripe for the practice",
	"account.connect":                     "opened Stripe's page about the practice's account",
	"account.connect:asked":               "had an account opened at Stripe",
	"account.connect:connected":           "connected the account that was opened at Stripe",
	"account.disabled":                    "noted that Stripe has disabled the practice's account",
	"account.enabled":                     "noted that patients can pay the practice",
	"account.changed":                     "noted what Stripe said of the practice's account",
	"visit.due:expired":                   "closed the request because nobody answered in time",
	"visit.due:closed":                    "closed the request a week after its answer",
	"visit.due:queued":                    "told the patient that it takes longer",
	"visit.due:in_review":                 "told the patient that it takes longer",
	"visit.due:awaiting_payment":          "asked whether the payment page was paid",
	"visit.due:awaiting_patient":          "told the patient that it takes longer",
	"visit.wake":                          "looked whether anything is due",
	"visit.postpone":                      "put off what is due",
	"event.parked":                        "gave something up and told the practice",
	"patient.read":                        "read the contact data and who acts for the patient",
	"patient.read:coverages":              "read the health plans",
	"patient.change:contact":              "changed the contact data",
	"patient.change:coverage_added":       "entered a health plan",
	"patient.change:coverage_changed":     "changed a health plan",
	"patient.change:coverage_ended":       "ended a health plan",
	"patient.change:membership_medicare":  "changed what a membership says of Medicare, with a health plan",
	"patient.manage:membership_medicare":  "changed what a membership says of Medicare, with a health plan",
	"patient.change:coverages_ordered":    "changed which health plan pays first",
	"patient.delegate:invited":            "asked somebody to act for the patient",
	"patient.delegate:uninvited":          "took back that somebody was asked to act for the patient",
	"patient.delegate:revoked":            "ended that somebody acts for the patient",
	"patient.manage:registered":           "registered the patient",
	"patient.manage:imported":             "registered patients from a file",
	"patient.manage:joined":               "registered as a patient",
	"patient.manage:invited":              "invited the patient to sign in",
	"patient.manage:verified":             "confirmed who the patient is",
	"patient.manage:warned":               "warned the patient",
	"patient.manage:suspended":            "suspended the patient's online requests",
	"patient.manage:reactivated":          "took back a warning or a suspension",
	"patient.manage:seen":                 "noted when the patient was last seen in person",
	"patient.manage:merged":               "merged two records of the patient",
	"patient.manage:coverages_taken_over": "took over the health plans of the other record",
	"patient.manage:coverage_checked":     "compared a health plan with its card",
	"dispute.read":                        "looked at a disputed charge, and what can be said about it",
	"dispute.answer:answer":               "had the bank answered about a disputed charge",
	"dispute.answer:accept":               "accepted a dispute",
	"membership.hold:joined":              "asked for a yearly membership",
	"membership.hold:cancelled":           "cancelled the yearly membership",
	"membership.hold:left":                "ended the membership at once, with a refund",
	"membership.hold:resumed":             "resumed the yearly membership",
	"membership.end:with_year":            "decided that the membership ends with its year",
	"membership.end:at_once":              "ended the membership at once, for the practice",
	"membership.pending":                  "noted what became of the payment page of a membership",
	"membership.active":                   "noted that the membership is paid",
	"membership.past_due":                 "noted that the payment for the membership failed",
	"membership.ended":                    "noted that the membership has ended",
	"membership.due:pending":              "asked whether the membership was paid",
	"membership.due:active":               "did what was due about the membership",
	"membership.due:past_due":             "asked whether the membership was paid",
	"membership.due:ended":                "ended the membership",
	"membership.given_back":               "gave the membership an included visit back",
	"membership.postpone":                 "put off what is due about the membership",
	"membership.refund_refused":           "was refused a refund of the membership by Stripe",
	"ledger.read:membership":              "looked at the membership and its invoices",
	"ledger.read:payments":                "looked at what was paid in a year",
	"discount.give:given":                 "gave the patient a discount",
	"discount.give:ended":                 "took the patient's discount back",
	"work.end":                            "ended a piece of work",
	"work.resume":                         "had what was given up tried again",
}

// ActionWords says what an action of the audit trail means. It reports false for one that
// it does not know, whose name it takes apart.
func ActionWords(action string) (words string, known bool) {
	if words, ok := actions[action]; ok {
		return words, true
	}
	if strings.HasSuffix(action, ":again") {
		return "sent a request again", true
	}
	return strings.NewReplacer(".", " ", ":", " ", "_", " ").Replace(action), false
}

// attempts say what somebody was refused to do.
var attempts = map[string]string{
	"visit.start":      "start a request",
	"visit.read":       "see where the request stands",
	"chart.read":       "read the answers and messages",
	"visit.fill":       "change or send the request",
	"message.send":     "write a message",
	"visit.take":       "take the request",
	"visit.treat":      "ask, answer or decline",
	"visit.release":    "give the request back",
	"visit.hand_over":  "hand the request over",
	"visit.take_over":  "take the request over",
	"membership.hold":  "join, cancel or resume the yearly membership",
	"membership.end":   "end a patient's yearly membership",
	"access.read":      "see who has seen the data",
	"record.download":  "take a copy of the whole record",
	"visit.list":       "see where the requests stand",
	"ledger.read":      "see the payments",
	"ledger.books":     "see the practice's money",
	"audit.read":       "see who has seen this",
	"patient.read":     "read the contact data or the health plans",
	"patient.change":   "change the contact data or a health plan",
	"patient.delegate": "say who acts for the patient",
	"patient.manage":   "change what the practice says of the patient",
	"dispute.read":     "look at a disputed charge",
	"dispute.answer":   "answer a bank about a disputed charge",
	"discount.give":    "give the patient a discount or take one back",
	"payment.refund":   "refund a payment",
	"plan.bill":        "see or note what a health plan is billed",
	"work.end":         "end a piece of work",
	"work.resume":      "have what was given up tried again",
	"request.make":     "see or change the request",
}

// refusals say why somebody was refused.
var refusals = map[string]string{
	"inactive":       "no access any more",
	"other_practice": "from another practice",
	"grant_ended":    "may no longer act for the patient",
	"no_relation":    "has nothing to do with it",
	"minor":          "not at the patient's age, as the practice has it",
	"role":           "not part of their role",
	"not_licensed":   "no license where the patient is",
	"second_factor":  "signed in without a second factor",
}
