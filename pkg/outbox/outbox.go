// Package outbox defines the events that a change makes due, and what happens
// to one that fails. An event is a row of the commit that causes it; the
// table's stream delivers it. Storing and delivering are left to others.
package outbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// A Consumer is the function an event is for. The stream is filtered on it.
type Consumer string

const (
	Charge Consumer = "charge" // holds the Stripe key that moves money
	Notify Consumer = "notify" // writes to people
)

// A Kind says what happened or what is wanted.
type Kind string

const (
	StripeSaid  Kind = "stripe.said"        // Stripe reported a change to Object of Account
	VisitDue    Kind = "visit.due"          // a visit's next deadline has come
	Capture     Kind = "payment.capture"    // the answer is given: collect Payment
	Release     Kind = "payment.release"    // nothing will be charged: let Payment go
	Received    Kind = "visit.received"     // the request is paid for or covered, and queued
	Asked       Kind = "visit.asked"        // the clinician needs more from the patient
	Replied     Kind = "visit.replied"      // the patient wrote
	Answered    Kind = "visit.answered"     // the answer is there to read
	Ended       Kind = "visit.ended"        // it ended without an answer; nothing is charged
	Late        Kind = "visit.late"         // the promised time passed
	Charged     Kind = "payment.captured"   // the receipt
	ChargeFails Kind = "payment.failed"     // the answer stands, the card did not: a pay link
	Diverted    Kind = "visit.diverted"     // a red flag: the practice must know
	CheckoutEnd Kind = "checkout.abandoned" // the payment page closed unpaid; the draft is kept
)

// An Event is stored in the same transaction as the change it reports. Its ID
// with the attempt is the idempotency key of whatever it causes. It carries
// ids only, never content.
type Event struct {
	ID       string    `json:"id"`
	Kind     Kind      `json:"kind"`
	To       Consumer  `json:"to"`
	Practice string    `json:"practice,omitempty"`
	Visit    string    `json:"visit,omitempty"`
	Patient  string    `json:"patient,omitempty"`
	Until    time.Time `json:"until,omitzero"` // what was promised
	Payment  string    `json:"payment,omitempty"`
	Account  string    `json:"account,omitempty"` // the connected account Stripe named
	Object   string    `json:"object,omitempty"`  // the Stripe object it is about
	At       time.Time `json:"at"`
}

// A Delivery is an event as it stands in the table. Armed, the stream hands it
// to its consumer; a failed try disarms it until Due, when a sweep arms it
// again.
type Delivery struct {
	Event
	// Attempt rises only after a definite failure of the effect. An unknown
	// outcome is retried under the same attempt, so Stripe can recognise it.
	Attempt int
	Tries   int // deliveries after the first
	Armed   bool
	Due     time.Time // zero: nothing to wait for
	Done    time.Time // zero: not done
	Parked  bool      // given up: a person must look
	Note    string    // why the last try failed; a stable code, never content
	Version int       // guards every rewrite; 0 as first committed
}

// A Row gives an attribute of a stored delivery as text, whatever its type; an
// attribute that is not there is empty.
type Row func(name string) string

// Read returns the delivery in a row as the table and its stream hold it: the
// event packed in d, and beside it whatever a condition or an index needs.
func Read(row Row) (Delivery, error) {
	var d Delivery
	if err := json.Unmarshal([]byte(row("d")), &d.Event); err != nil {
		return d, fmt.Errorf("outbox: decoding an event: %w", err)
	}
	count := func(name string) int { n, _ := strconv.Atoi(row(name)); return n } // absent is 0
	when := func(name string) time.Time { t, _ := time.Parse("20060102T150405.000Z", row(name)); return t }
	d.Tries, d.Attempt, d.Version = count("tries"), count("attempt"), count("v")
	d.Armed, d.Parked, d.Note = row("to") != "", row("queue") != "", row("note")
	d.Done, d.Due = when("done"), when("due_at")
	return d, nil
}

// Key is the idempotency key for the effect of this delivery.
func (d Delivery) Key() string {
	return d.ID + "-" + strconv.Itoa(d.Attempt)
}

// MaxTries is how many deliveries an event gets before it is parked. With
// Backoff it spans a little over a day, longer than Stripe's longest usual
// outage and shorter than a card hold.
const MaxTries = 18

// Backoff is the wait before the try after n failed ones: 5 s doubling to 4 h.
func Backoff(n int) time.Duration {
	const ceiling = 4 * time.Hour
	if n > 11 {
		return ceiling
	}
	return min(5*time.Second<<n, ceiling)
}

// Failed returns d after a try that failed at now: due again, or parked after
// the last. Definite says the effect certainly did not happen.
func (d Delivery) Failed(now time.Time, definite bool, note string) Delivery {
	d.Note = note
	if definite {
		d.Attempt++
	}
	if d.Tries+1 >= MaxTries {
		return d.parked()
	}
	d.Armed, d.Due = false, now.Add(Backoff(d.Tries))
	d.Version++
	return d
}

// Rearmed returns d handed to its consumer once more. Should the consumer die
// without a word, d is due again after the lease.
func (d Delivery) Rearmed(now time.Time) Delivery {
	const lease = 2 * time.Minute
	if d.Tries+1 >= MaxTries {
		return d.parked()
	}
	d.Tries++
	d.Armed, d.Due = true, now.Add(lease+Backoff(d.Tries))
	d.Version++
	return d
}

// Park returns d given up at once: trying again cannot help.
func (d Delivery) Park(note string) Delivery {
	d.Note = note
	return d.parked()
}

func (d Delivery) parked() Delivery {
	d.Parked, d.Armed, d.Due = true, false, time.Time{}
	d.Version++
	return d
}
