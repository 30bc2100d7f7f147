// Package work holds work items, the one way to tell people what they must do:
// find out why an event was parked, collect a fee, see that a diverted patient
// is cared for. An item has a due time, belongs to a pool of people, and ends.
// Storing and showing items is left to others.
package work

import (
	"slices"
	"time"

	"evisit/pkg/identity"
	"evisit/pkg/reconcile"
)

// A Kind says what must be done.
type Kind string

const (
	EventParked   Kind = "event.parked"   // find out why an event failed, and have it tried again; ends when it is
	PaymentFailed Kind = "payment.failed" // the answer stands and its fee was not collected
	VisitDiverted Kind = "visit.diverted" // a red flag ended a request: see that the patient is cared for
	VisitLate     Kind = "visit.late"     // the promised time passed: answer the request; ends with the request
	VisitExpired  Kind = "visit.expired"  // a request ended unanswered: see that the patient is cared for

	// PaymentReversed says that a card was charged for a request without an answer, or more
	// than its answer costs, and that this is refunded: find out who charged it, and tell
	// the patient.
	PaymentReversed Kind = "payment.reversed"
	// PaymentEarly says that a card was charged at Stripe before the request was answered, which
	// this system never does: find out who did it, and answer the request or refund it; ends when all of it
	// is refunded.
	PaymentEarly Kind = "payment.early"
	RefundFailed Kind = "payment.unrefunded" // a refund came back: return the money another way; ends when it is refunded
	// RefundUnmade says that a refund that a person asked for was not made, for the reason in the note: see
	// what is left of the charge before more is returned; ends when another one is made, or all is refunded.
	RefundUnmade Kind = "refund.unmade"
	FraudWarned  Kind = "payment.warned" // refund the fee, or expect a dispute; ends when it is refunded
	// StrayPayment says that a page was paid that this system did not make. The
	// payment is refunded; find out who made the page.
	StrayPayment Kind = "payment.stray"
	// Dispute says that a cardholder disputes a charge, or that a bank asks about one:
	// answer the bank until the item is due; ends when that is done, or cannot be any more.
	Dispute Kind = "payment.disputed"
	// DisputeMissed says that nobody answered the bank in time: find out why; ends when the
	// dispute is won in spite of that.
	DisputeMissed Kind = "dispute.missed"
	// AccountLost says that the practice's Stripe account cannot be reached, so that
	// nobody can pay: connect it again; ends when it can be reached.
	AccountLost Kind = "account.lost"
	// AccountDisabled says that Stripe has disabled the practice's account, so that nobody
	// can pay or nothing is paid out: give Stripe what it asks for; ends when it has it.
	AccountDisabled Kind = "account.disabled"
	// PayoutFailed says that the practice's bank refused a payout, whose money is at Stripe again:
	// give Stripe an account at a bank that takes it; ends when a later payout has arrived.
	PayoutFailed Kind = "payout.failed"
	// BooksDiffer says that the books and Stripe have not the same of a payment, a membership or a
	// payout, or that money moved at Stripe of which nothing here is known: find out why; ends when
	// a later comparison finds no Difference.
	BooksDiffer Kind = "books.differ"
	// VisitHanded says that a colleague handed its owner a request: answer it; ends with
	// the request, or when it changes hands again.
	VisitHanded    Kind = "visit.handed"
	VisitTakenOver Kind = "visit.taken_over" // a colleague took over its owner's request: nothing is left to do for it
	// VisitsReturned says that a colleague lost their access, so that the requests that
	// they had taken are back in the queue: take them.
	VisitsReturned Kind = "visits.returned"
	// PatientUnverified says that somebody registered on the practice's public page: match
	// them to a person; ends when they are verified, merged into another record, or refused.
	PatientUnverified Kind = "patient.unverified"
	// CoverageUnchecked says that a patient, or who acts for them, entered a health plan or
	// changed it: compare it with the card; ends when somebody at the practice has.
	CoverageUnchecked Kind = "coverage.unchecked"
	// MembershipUnpaid says that the payment for a year of a membership failed: see with the
	// patient that it can be paid; ends when it is paid, or the membership ends.
	MembershipUnpaid Kind = "membership.unpaid"
	// MembershipUnrefunded says that what is owed of a membership that ended was not refunded: return
	// it another way; ends when it is refunded at Stripe.
	MembershipUnrefunded Kind = "membership.unrefunded"
	// MembershipDisputed says that the bank of who paid for a membership wants the money back, or asks
	// about it: answer it at Stripe; ends when that was done, or it was decided.
	MembershipDisputed Kind = "membership.disputed"
	// MembershipMedicare says that Medicare covers what a member's membership includes: see which
	// visits were included since, and have the member leave.
	MembershipMedicare Kind = "membership.medicare"
	// PlanBill says that a visit was answered whose patient pays a share as the member of a health
	// plan: send the plan the claim; ends when somebody records that it was sent (Item.Billed).
	PlanBill Kind = "plan.bill"
)

// Kinds lists every kind.
var Kinds = []Kind{
	EventParked, PaymentFailed, VisitDiverted, VisitLate, VisitExpired, PaymentReversed, PaymentEarly, RefundFailed, RefundUnmade, FraudWarned, StrayPayment, Dispute, DisputeMissed, AccountLost, AccountDisabled, PayoutFailed, BooksDiffer, VisitHanded, VisitTakenOver, VisitsReturned,
	PatientUnverified, CoverageUnchecked, MembershipUnpaid, MembershipUnrefunded, MembershipDisputed, MembershipMedicare, PlanBill,
}

// ofMoney are the kinds about money that did not come, did not go back, or is contested.
var ofMoney = []Kind{PaymentFailed, PaymentReversed, PaymentEarly, RefundFailed, RefundUnmade, FraudWarned, StrayPayment, Dispute, DisputeMissed, PayoutFailed, BooksDiffer, MembershipUnpaid, MembershipUnrefunded, MembershipDisputed, PlanBill}

// OfMoney reports whether an item of kind k is about money that is open.
func (k Kind) OfMoney() bool { return slices.Contains(ofMoney, k) }

// An Item is one thing to do. The ids that are set name the record it is about.
// ID is made of the kind and that record's id, so that the step which resolves
// the item finds it.
type Item struct {
	ID       string        `json:"id"`
	Practice string        `json:"practice"`
	Kind     Kind          `json:"kind"`
	Pool     identity.Pool `json:"pool"` // whose work it is
	// Owner is the person of Pool whose work it is; empty: everybody's there.
	Owner   string `json:"owner,omitempty"`
	Visit   string `json:"visit,omitempty"`
	Payment string `json:"payment,omitempty"`
	Event   string `json:"event,omitempty"`
	Patient string `json:"patient,omitempty"` // where it is about no visit; of a membership, who pays for it
	// Membership is set of the kinds about one, and of BooksDiffer where one differs.
	Membership string `json:"membership,omitempty"`
	// EventKind is the kind of Event, of which package outbox has the words; empty of
	// an event that cannot be decoded.
	EventKind string `json:"event_kind,omitempty"`
	Note      string `json:"note,omitempty"` // a stable code, never content
	// Reference is that of the claim with which PlanBill ended; empty of any other kind.
	Reference string `json:"reference,omitempty"`
	// Difference is what BooksDiffer is about; zero of any other kind.
	Difference reconcile.Difference `json:"difference,omitzero"`
	Made       time.Time            `json:"made"`
	Due        time.Time            `json:"due"`
	Ended      time.Time            `json:"ended,omitzero"`     // zero: open
	EndedBy    string               `json:"ended_by,omitempty"` // a person, or the function that resolved it
	Version    int                  `json:"-"`
}

// due is how soon somebody should act on each kind.
var due = map[Kind]time.Duration{
	EventParked: 4 * time.Hour, PaymentFailed: 7 * 24 * time.Hour, VisitDiverted: 4 * time.Hour, VisitLate: 4 * time.Hour,
	VisitExpired: 4 * time.Hour, PaymentReversed: 24 * time.Hour, PaymentEarly: 24 * time.Hour, RefundFailed: 24 * time.Hour, RefundUnmade: 24 * time.Hour, FraudWarned: 24 * time.Hour,
	StrayPayment: 24 * time.Hour, Dispute: 7 * 24 * time.Hour, DisputeMissed: 24 * time.Hour, AccountLost: 4 * time.Hour, AccountDisabled: 4 * time.Hour, PayoutFailed: 24 * time.Hour, BooksDiffer: 24 * time.Hour, VisitHanded: 4 * time.Hour, VisitTakenOver: 24 * time.Hour, VisitsReturned: 4 * time.Hour,
	PatientUnverified: 24 * time.Hour, CoverageUnchecked: 24 * time.Hour, MembershipUnpaid: 4 * 24 * time.Hour, MembershipUnrefunded: 24 * time.Hour, MembershipDisputed: 7 * 24 * time.Hour, MembershipMedicare: 24 * time.Hour,
	PlanBill: 21 * 24 * time.Hour, // a claim waits for a related visit in the week after that of the service, and payers take it for 90 days or more
}

// PossibleDouble is the note of an item about a patient of whom the practice may have a
// record already.
const PossibleDouble = "possible_double"

// ID names the item of a kind about the record with that id.
func ID(k Kind, about string) string { return string(k) + "." + about }

// New returns i as an open item about the record with that id. The kind,
// practice and pool of i must be set.
func New(i Item, about string, now time.Time) Item {
	i.ID, i.Made, i.Due, i.Version = ID(i.Kind, about), now, now.Add(due[i.Kind]), 1
	return i
}

// Again returns i, an open item about the same record as was, which has ended, as
// was opened again.
func (i Item) Again(was Item) Item {
	i.Version = was.Version + 1
	return i
}

// Inquiry is the note of an item about a dispute that is only an inquiry.
const Inquiry = "inquiry"

// Says returns i with what an item about the same record says now: its note and, unless
// that is unknown, its due time. An item that says so is returned unchanged.
func (i Item) Says(note string, due time.Time) Item {
	if due.IsZero() {
		due = i.Due
	}
	if i.Note == note && i.Due.Equal(due) {
		return i
	}
	i.Note, i.Due = note, due
	i.Version++
	return i
}

// Open reports whether i has not ended.
func (i Item) Open() bool { return i.Ended.IsZero() }

// End returns i ended by someone at now; an ended item is returned unchanged.
func (i Item) End(by string, now time.Time) Item {
	if !i.Open() {
		return i
	}
	i.Ended, i.EndedBy = now, by
	i.Version++
	return i
}
