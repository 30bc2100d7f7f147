package outbox

import (
	"unicode"
	"unicode/utf8"
)

// Notes that the system gives itself; all others are codes of Stripe, of the mail
// service, or of a fault.
const (
	NoTriesLeft = "no_tries_left" // every delivery ended without an outcome
	Undecodable = "undecodable"   // the event is Unreadable
	Altered     = "altered"       // a stored row or document is not what was committed
	TimedOut    = "timeout"       // a service did not answer in time
	NoAnswer    = "no_answer"     // a service could not be reached
	Unknown     = "unknown"
)

// tasks say what each kind of event has done, for people of a practice.
var tasks = map[Kind]string{
	StripeReported:    "Note what Stripe reported about a payment",
	CheckPayment:      "Ask Stripe whether a payment was made",
	CheckAccount:      "Ask Stripe what changed on your account",
	AskAccount:        "Ask Stripe how your account stands",
	OpenAccount:       "Open an account for you at Stripe",
	CompareAccount:    "Compare your books with the balance of your account at Stripe",
	Capture:           "Collect the fee of an answered request",
	Release:           "Release the hold on a card, or refund a charge, of a request that ended",
	RenewHold:         "Hold a card again, as its owner agreed, before the hold runs out",
	Received:          "Write that a request was received",
	Asked:             "Write to a patient that a question waits",
	Replied:           "Write to you that a patient has written",
	Answered:          "Write to a patient that the answer can be read",
	Ended:             "Write that a request has ended",
	Late:              "Write that a request is late",
	Charged:           "Write to a patient where the receipt is",
	ChargeFailed:      "Write that a fee was not collected, and where it can be paid",
	Diverted:          "Write to you that a request was stopped by a red flag",
	CheckoutAbandoned: "Write to a patient that a request was not sent",
	Reversed:          "Write that a payment which was not owed is refunded",
	RefundFailed:      "Write that a refund did not go through",
	Refund:            "Refund what one of you asked to be refunded",
	Refunded:          "Write to a patient that the practice refunds a payment",
	FraudWarned:       "Write to you of a warning of fraud",
	StrayFound:        "Write to you of a payment that was not asked for",
	DisputeOpened:     "Write to you that a charge is disputed",
	DisputeDue:        "Write to you that a dispute is soon due",
	DisputeMissed:     "Write to you that a dispute was not answered in time",
	DisputeEnded:      "Write to you how a dispute ended",
	AnswerDispute:     "Send what was decided to a bank that disputes a charge",
	AcceptDispute:     "Accept a dispute",
	AccountLost:       "Write to you that your account at Stripe is disconnected",
	AccountDisabled:   "Write to you that Stripe has disabled your account",
	Invited:           "Write to somebody who is invited to join you",
	ContactChanged:    "Write to the address that a patient had that contact data were changed",
	CheckMembership:   "Ask Stripe how a membership stands",
	GiveBackVisit:     "Give a membership the included visit back of a request that ended",
	CarryMembership:   "Have Stripe end a membership, or renew it after all",
	MemberJoined:      "Write to a patient that a membership has begun",
	MemberRenewed:     "Write to a patient that a membership is paid for another year",
	MemberUnpaid:      "Write to a patient that the payment for a membership failed",
	MemberRenewal:     "Write to a patient that a membership will be renewed, or will not be",
	MemberEnded:       "Write to a patient that a membership has ended",
	MemberCancelled:   "Write to a patient that a membership ends with its year",
	MemberResumed:     "Write to a patient that a membership goes on after its year",
}

// Task says in words, for people of a practice, what an event of kind k has done.
func (k Kind) Task() string {
	if words, ok := tasks[k]; ok {
		return words
	}
	return "Do what is noted under this event"
}

// reasons say why an event was parked, for people of a practice.
var reasons = map[string]string{
	NoTriesLeft:        "It was begun many times and never came to an end.",
	Undecodable:        "The note of what was to be done cannot be read: it is damaged, or another version of the system wrote it. Tell who runs the system before you try again.",
	Altered:            "What is stored about it is not what was stored first. Tell who runs the system.",
	TimedOut:           "Stripe, or the mail service, took too long to answer each time.",
	NoAnswer:           "Stripe, or the mail service, could not be reached.",
	Unknown:            "It failed for a reason that only the system's log names.",
	"try_again":        "The system's own records did not answer.",
	"changed":          "Something else changed at the same moment each time.",
	"not_found":        "What it is about is not in the system's records.",
	"stripe_failing":   "Stripe itself failed each time.",
	"account_invalid":  "Your account at Stripe cannot be reached. Connect it, and then try again.",
	"foreign_account":  "Stripe reported it for an account that the payment does not belong to.",
	"foreign_customer": "Stripe reported a subscription of another customer than the membership's.",
	"resource_missing": "Stripe has no such payment in this account.",
}

// Reason says in words, for people of a practice, why an event was parked with a
// note.
func Reason(note string) string {
	if words, ok := reasons[note]; ok {
		return words
	}
	switch first, _ := utf8.DecodeRuneInString(note); {
	case note == "":
		return reasons[Unknown]
	case unicode.IsUpper(first): // as the codes of AWS begin
		return "The mail service refused the letter."
	}
	return "Stripe refused it."
}
