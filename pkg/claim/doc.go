// Package claim holds the life of an insurance claim: what an answered visit is billed to a health
// plan by, from the answer to the payer's last word and what of it the patient owes.
//
//	embargoed → held ⇄ ready → batched → sent → received → accepted → paid | denied
//	                                      └──────┴─ rejected ─┘ → held, to be sent again
//	paid | denied → appealed → paid | denied
//	paid | denied → held (a replacement, or a void) → ready → … → paid | denied | voided
//	paid | denied → reversed → paid | denied
//
// Open makes the claim with the answer. It is embargoed until the coding window and the seven days
// after it have passed, because a related visit in them takes its place (billing rule 8). Coded
// takes over what package coding decided, Review says what keeps the claim from being sent: facts
// that are not known, and whatever Scrub finds. Each problem names the record and the field to put
// right. A claim without problems is ready; Build puts it into a file for its payer's receiver, and
// MarkSent says that the file left.
//
// Each time a claim is put into a file is an Attempt, with a control number of its own: what
// receivers and payers say of a claim names the attempt. HearFile, HearGroup and HearReport take
// what a TA1, a 999 and a 277CA say. They may come in any order and number: the same one again
// changes nothing, an earlier stage never undoes a later one, and the answer to another attempt is
// told as such. A missing answer is waited for until NextDue, and is no rejection. Resend begins
// another attempt of what was turned back, Replace one that takes the place of what the payer
// decided on (frequency 7), Void one that takes it back (frequency 8).
//
// Post takes what a remittance (835) says of the claim: it must balance, belongs to what was sent,
// is posted once, and after a payment another one only once the first is reversed. What does not
// fit is suspended with its difference and posts nothing. A denial writes nothing off, neither the
// patient's share nor the charge, until a person closes the claim. Books says what has become of
// the charge, and Settle what the patient is refunded, or asked for within what they agreed to.
//
// The package decides on values. Storing and sealing them, control numbers that are never used
// twice, reading files, who may do what, and the clock are left to others. What may be billed is
// package coding's, what X12 can carry package p837's, whether a remittance balances package
// p835's. Claims go to the plan that pays first; what a second plan is told of the first one's
// payment is not written here.
package claim
