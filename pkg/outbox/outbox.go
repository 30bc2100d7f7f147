// Package outbox defines events and their deliveries: what an event asks of its
// consumer, and when a failed one is due again or parked. An event is a row of
// the commit that causes it; the table's stream delivers it. Storing and
// delivering are left to others.
package outbox

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Writer is a function that puts events. An event's id and key begin with its
// writer, so that a role can be held to its own events.
type Writer string

const (
	ByAPI      Writer = "api"
	ByStripe   Writer = "stripe" // stripehook, for Stripe
	ByCharge   Writer = "charge"
	ByDeadline Writer = "deadline"
	ByRegistry Writer = "registry"
)

// Writers lists every function that puts events.
var Writers = []Writer{ByAPI, ByStripe, ByCharge, ByDeadline, ByRegistry}

// A Consumer is the function that an event is for. The stream is filtered by
// consumer.
type Consumer string

const (
	Charge Consumer = "charge" // holds the Stripe key that moves money
	Notify Consumer = "notify" // writes to people
)

// A Kind is what happened, or what is asked for.
type Kind string

const (
	StripeReported    Kind = "stripe.said"          // Stripe reported a change to Object of Account
	CheckPayment      Kind = "payment.look"         // ask Stripe how Payment stands
	CheckAccount      Kind = "account.look"         // ask Stripe what changed on Account since At, whatever webhooks were lost
	AskAccount        Kind = "account.ask"          // ask Stripe how Account stands, and again later if it stands so since At; zero: asked first
	OpenAccount       Kind = "account.open"         // make an account at Stripe for Practice, which asked for one
	CompareAccount    Kind = "account.compare"      // compare the books with what moved the balance of Account at Stripe since the last time
	Capture           Kind = "payment.capture"      // the visit is answered: capture Payment
	Release           Kind = "payment.release"      // nothing is wanted: expire Payment's page, release its hold, refund its charge
	Received          Kind = "visit.received"       // the request is paid for or covered, and queued
	Asked             Kind = "visit.asked"          // the clinician needs more from the patient
	Replied           Kind = "visit.replied"        // the patient wrote
	Answered          Kind = "visit.answered"       // the answer can be read
	Ended             Kind = "visit.ended"          // the visit ended without an answer; nothing is charged
	Late              Kind = "visit.late"           // the promised time passed
	Charged           Kind = "payment.captured"     // the receipt
	RenewHold         Kind = "payment.renew"        // Payment, whose hold on the card runs out before the answer, is to be held again, as the patient agreed; or Payment is the one that does so
	ChargeFailed      Kind = "payment.failed"       // the answer stands and its capture failed: a pay link
	Diverted          Kind = "visit.diverted"       // a red flag: the practice must know
	CheckoutAbandoned Kind = "checkout.abandoned"   // the payment page expired unpaid; the draft is kept
	Reversed          Kind = "payment.reversed"     // Payment was charged although no visit wants it: it is refunded
	RefundFailed      Kind = "payment.unrefunded"   // a refund of Payment failed
	Refund            Kind = "payment.refund"       // refund what a person asked to be refunded of Payment, once
	Refunded          Kind = "payment.refunded"     // that was refunded: the patient must know
	FraudWarned       Kind = "payment.warned"       // the card's issuer warns of fraud: the practice must know
	StrayFound        Kind = "payment.stray"        // a payment that this system did not ask for: the practice must know
	DisputeOpened     Kind = "dispute.opened"       // Payment is disputed, or asked about, and awaits an answer: the practice must know
	DisputeDue        Kind = "dispute.due"          // the time to answer is nearly over
	DisputeMissed     Kind = "dispute.missed"       // it is over, and nothing was sent
	DisputeEnded      Kind = "dispute.ended"        // won, lost, or an inquiry that was closed
	AnswerDispute     Kind = "dispute.answer"       // submit the evidence about Payment's dispute, once
	AcceptDispute     Kind = "dispute.accept"       // give up Payment's dispute
	AccountLost       Kind = "account.lost"         // the practice's account at Stripe cannot be reached: it must know
	AccountDisabled   Kind = "account.disabled"     // Stripe disabled the practice's account: it must know
	Invited           Kind = "person.invited"       // Invitation waits to be accepted
	ContactChanged    Kind = "patient.contact"      // Patient's contact data were changed: the address that they had must know
	CheckMembership   Kind = "membership.look"      // ask Stripe how Membership stands
	GiveBackVisit     Kind = "membership.give_back" // Visit, which a membership included, ended without an answer: it is not used
	CarryMembership   Kind = "membership.carry"     // have Stripe do what is wanted of Membership: end it, or renew it after all
	MemberJoined      Kind = "membership.joined"    // its first year is paid: the receipt
	MemberRenewed     Kind = "membership.renewed"   // a further year is paid: the receipt
	MemberUnpaid      Kind = "membership.unpaid"    // the payment of a year failed
	MemberRenewal     Kind = "membership.renewal"   // its renewal is announced, or that there will be none
	MemberEnded       Kind = "membership.ended"     // it ended, or never began
	MemberCancelled   Kind = "membership.cancelled" // it ends with its year, as its payer asked
	MemberResumed     Kind = "membership.resumed"   // it goes on after its year, although it was cancelled
)

// Kinds lists every kind.
var Kinds = []Kind{
	StripeReported, CheckPayment, CheckAccount, AskAccount, OpenAccount, CompareAccount, Capture, Release, RenewHold, Received, Asked, Replied, Answered, Ended, Late, Charged, ChargeFailed,
	Diverted, CheckoutAbandoned, Reversed, RefundFailed, Refund, Refunded, FraudWarned, StrayFound, DisputeOpened, DisputeDue, DisputeMissed, DisputeEnded, AnswerDispute, AcceptDispute, AccountLost, AccountDisabled, Invited, ContactChanged,
	CheckMembership, GiveBackVisit, CarryMembership, MemberJoined, MemberRenewed, MemberUnpaid, MemberRenewal, MemberEnded,
	MemberCancelled, MemberResumed,
}

// An Event is stored in the transaction of the change that causes it. Its ID,
// made by NewID, and the attempt are the idempotency key of its effect. An event
// carries ids only, never content, and is a hint: its consumer reads again
// whether what it asks for is wanted.
type Event struct {
	ID         string   `json:"id"`
	Kind       Kind     `json:"kind"`
	To         Consumer `json:"to"`
	Practice   string   `json:"practice,omitempty"`
	Visit      string   `json:"visit,omitempty"`
	Patient    string   `json:"patient,omitempty"`
	Payment    string   `json:"payment,omitempty"`
	Membership string   `json:"membership,omitempty"`
	Account    string   `json:"account,omitempty"` // the connected account Stripe named
	Object     string   `json:"object,omitempty"`  // the Stripe object it is about
	// Invitation is whose letter is to be sent.
	Invitation string `json:"invitation,omitempty"`
	// Address is where the letter of ContactChanged goes, sealed: Patient's e-mail address
	// before the change.
	Address []byte    `json:"address,omitempty"`
	At      time.Time `json:"at"`
	// Lease is when the event is due again unless it is done by then; zero
	// leaves a lost delivery to the sweep of the event's bucket. It is not part
	// of the stored event.
	Lease time.Time `json:"-"`
	// Later is when the event is delivered; zero is at once. It is not part of the
	// stored event.
	Later time.Time `json:"-"`
}

// bucketLength is the time that one bucket spans.
const bucketLength = 10 * time.Minute

// A Bucket names the ten minutes in which events were put. Events are
// partitioned by bucket, so that a sweep finds lost deliveries by reading each
// bucket once, after its time, without an index.
type Bucket string

const bucketLayout = "0601021504"

// BucketOf returns the bucket of events put at t.
func BucketOf(t time.Time) Bucket {
	return Bucket(t.UTC().Truncate(bucketLength).Format(bucketLayout))
}

// Next returns the bucket after b; b itself if b is no bucket.
func (b Bucket) Next() Bucket {
	t, err := time.Parse(bucketLayout, string(b))
	if err != nil {
		return b
	}
	return BucketOf(t.Add(bucketLength))
}

// sweepDelay is how long after a bucket's end its lost deliveries are searched
// for. A stream that is only slow has delivered them by then.
const sweepDelay = 10 * time.Minute

// SweepableThrough returns the latest bucket whose lost deliveries may be
// searched for at now.
func SweepableThrough(now time.Time) Bucket { return BucketOf(now.Add(-bucketLength - sweepDelay)) }

// NewID returns the id of an event that by puts at now: the writer, the bucket
// and a unique rest.
func NewID(by Writer, now time.Time, rest string) string {
	return string(by) + "." + string(BucketOf(now)) + "." + rest
}

// Origin returns the writer and the bucket of an event's id. It reports false
// for an id that NewID did not make.
func Origin(id string) (Writer, Bucket, bool) {
	parts := strings.SplitN(id, ".", 3)
	if len(parts) < 3 || len(parts[1]) != len(bucketLayout) || parts[2] == "" || !slices.Contains(Writers, Writer(parts[0])) {
		return "", "", false
	}
	return Writer(parts[0]), Bucket(parts[1]), true
}

// A Delivery is an event as stored, with its delivery attributes. The stream
// delivers an armed event; a failed try disarms it until Due, when a sweep
// re-arms it.
type Delivery struct {
	Event
	// Attempt rises only after a definite failure of the effect. An unknown
	// outcome is retried under the same attempt, so Stripe can recognise it.
	Attempt int
	Tries   int // deliveries after the first
	Armed   bool
	Due     time.Time // zero: no further try is scheduled
	Done    time.Time // zero: not done
	Parked  bool      // no more tries: a person must act
	Note    string    // why the last try failed; a stable code, never content
	// Sent is the recipient whose letter was sent by a try that failed for another
	// recipient; empty: none.
	Sent    Recipient
	Version int // guards every rewrite; 0 as first committed
	// Unreadable says that the row's event cannot be decoded, or is another's: only
	// the ID is known, and To while the row is armed.
	Unreadable bool
}

// A Recipient is one of those to whom the letters of an event go.
type Recipient string

const (
	ToPatient  Recipient = "patient"
	ToPractice Recipient = "practice"
)

// A Row returns an attribute of a stored delivery as text, whatever its type;
// empty if the row has no such attribute.
type Row func(name string) string

// ErrNoEvent is returned by Read for a row that holds no event. No function with
// its own policy can put such a row, and it has no effect.
var ErrNoEvent = errors.New("outbox: the row holds no event")

// Read returns the delivery in a row of the table or its stream: the event
// packed in d, and the delivery attributes. An event that cannot be decoded, or is
// not that of its row, is returned as Unreadable, so that it can be parked.
func Read(row Row) (Delivery, error) {
	var d Delivery
	if row("d") == "" {
		return d, ErrNoEvent
	}
	if json.Unmarshal([]byte(row("d")), &d.Event) != nil || d.ID != row("sk") {
		d.Event, d.Unreadable = Event{ID: row("sk"), To: Consumer(row("to"))}, true
	}
	count := func(name string) int { n, _ := strconv.Atoi(row(name)); return n } // absent is 0
	when := func(name string) time.Time { t, _ := time.Parse("20060102T150405.000Z", row(name)); return t }
	d.Tries, d.Attempt, d.Version = count("tries"), count("attempt"), count("v")
	d.Armed, d.Parked, d.Note = row("to") != "", row("parked") != "", row("note")
	d.Sent = Recipient(row("sent"))
	d.Done, d.Due = when("done"), when("due_at")
	return d, nil
}

// Key returns the idempotency key of this delivery's effect.
func (d Delivery) Key() string {
	return d.ID + "-" + strconv.Itoa(d.Attempt)
}

// MaxTries is how many deliveries an event gets before it is parked. With
// Backoff they span a little over a day, longer than Stripe's longest usual
// outage and shorter than a card hold.
const MaxTries = 18

// Backoff returns the wait after n failed tries: 5 s, doubling to 4 h.
func Backoff(n int) time.Duration {
	const ceiling = 4 * time.Hour
	if n > 11 {
		return ceiling
	}
	return min(5*time.Second<<n, ceiling)
}

// Exhausted reports whether d had all its tries, so that it is parked without
// another. This parks events whose consumer dies without storing a failure.
func (d Delivery) Exhausted() bool { return d.Tries >= MaxTries }

// Failed returns d after a try that failed at now: due again, or parked after
// the last try. definite says that the effect certainly did not happen.
func (d Delivery) Failed(now time.Time, definite bool, note string) Delivery {
	d.Note = note
	if definite {
		d.Attempt++
	}
	if d.Tries+1 >= MaxTries {
		return d.park()
	}
	d.Armed, d.Due = false, now.Add(Backoff(d.Tries))
	d.Version++
	return d
}

// lease is how long a consumer has to store an outcome before the event is due
// again.
const lease = 2 * time.Minute

// Rearmed returns d armed for one more try. If its consumer dies without storing
// an outcome, d is due again after the lease.
func (d Delivery) Rearmed(now time.Time) Delivery {
	d.Tries++
	d.Armed, d.Due = true, now.Add(lease+Backoff(d.Tries))
	d.Version++
	return d
}

// Waits returns d after a definite refusal that no try changes before something else does:
// due again at until, with as many tries as a new event has.
func (d Delivery) Waits(until time.Time, note string) Delivery {
	d.Note, d.Tries, d.Armed, d.Due = note, 0, false, until
	d.Attempt++
	d.Version++
	return d
}

// Park returns d parked at once, because another try cannot succeed.
func (d Delivery) Park(note string) Delivery {
	d.Note = note
	return d.park()
}

// Refused returns d parked at once after a definite refusal: should a person have
// it tried again, it is another attempt.
func (d Delivery) Refused(note string) Delivery {
	d.Attempt++
	return d.Park(note)
}

// Resumed returns d, which is parked, armed again by a person at now, with as many
// tries as a new event has. If its consumer dies without storing an outcome, d is
// due again after the lease.
func (d Delivery) Resumed(now time.Time) Delivery {
	d.Parked, d.Armed, d.Tries, d.Due = false, true, 0, now.Add(lease)
	d.Version++
	return d
}

// ParkedAs names the parking of d: an event that is resumed and fails again is
// parked under another name.
func (d Delivery) ParkedAs() string { return d.ID + "-" + strconv.Itoa(d.Version) }

func (d Delivery) park() Delivery {
	d.Parked, d.Armed, d.Due = true, false, time.Time{}
	d.Version++
	return d
}
