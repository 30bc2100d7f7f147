// Package visit holds the rules of a consultation's life, from draft to closed,
// and the promises made along the way. It decides on values; storing, sending
// and reading the clock are left to the kernel and the edges.
//
//	draft → awaiting_payment → queued → in_review ⇄ awaiting_patient → answered → closed
//
// A visit that its holder no longer holds is queued again, or goes on awaiting the
// patient. A visit leaves this line as diverted, cancelled, declined, redirected or
// expired. It is then not charged for: what Stripe charged all the same is refunded.
// A draft may be deleted.
package visit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/identity"
	"evisit/pkg/money"
)

// A Status is the stage of a visit's life.
type Status string

const (
	Draft           Status = "draft"
	AwaitingPayment Status = "awaiting_payment"
	Queued          Status = "queued"
	InReview        Status = "in_review"
	AwaitingPatient Status = "awaiting_patient"
	Answered        Status = "answered"
	Closed          Status = "closed"
	Diverted        Status = "diverted"
	Cancelled       Status = "cancelled"
	Declined        Status = "declined"
	Redirected      Status = "redirected"
	Expired         Status = "expired"
	Deleted         Status = "deleted" // as a draft: nothing is left of its answers
)

// AwaitsAnswer reports whether the request is submitted and not answered.
func (s Status) AwaitsAnswer() bool {
	return s == Queued || s == InReview || s == AwaitingPatient
}

// BeforeAnswer reports whether the visit has neither ended nor been answered. So
// long a red flag, whatever way it comes in, ends it.
func (s Status) BeforeAnswer() bool {
	return s == Draft || s.Underway()
}

// Over reports whether the visit has ended: it can only be read.
func (s Status) Over() bool {
	switch s {
	case Closed, Diverted, Cancelled, Declined, Redirected, Expired, Deleted:
		return true
	case Draft, AwaitingPayment, Queued, InReview, AwaitingPatient, Answered:
	}
	return false
}

// A Visit is one patient's request to be answered. It holds no content:
// answers, messages and the document are rows of their own. Version counts its
// changes and guards every write.
type Visit struct {
	ID       string        `json:"id"`
	Practice string        `json:"practice"`
	Patient  string        `json:"patient"`
	By       string        `json:"by"` // who started it: the patient or a caregiver
	Form     Form          `json:"form"`
	Pool     identity.Pool `json:"pool"`
	Status   Status        `json:"status"`
	State    string        `json:"state,omitempty"` // US state the patient is in
	Quote    billing.Quote `json:"quote,omitzero"`
	// Payment is the payment that the visit wants; a hold under any other is
	// released. Earlier payments are kept for the record.
	Payment string `json:"payment,omitempty"`
	// Reduced is by how much the answer costs less than Quote.Amount, decided with it; the
	// fee to be captured is Fee.
	Reduced money.Cents `json:"reduced,omitempty"`
	// Owed is set while the visit is answered and its fee could not be
	// collected. It is committed together with the payment's change, so that the
	// visit alone says what may be done with it.
	Owed     bool     `json:"owed,omitempty"`
	Payments []string `json:"payments,omitempty"`
	Holder   Holder   `json:"holder,omitzero"` // zero while nobody has taken it, or nobody holds it any more
	// Former is the person who released the visit, or handed it over to Holder, if
	// that was the last change of its holder: the same asked again succeeds.
	Former  string  `json:"former,omitempty"`
	Promise Promise `json:"promise,omitzero"`
	// Card is what may be done with the card that v was paid with when its hold ends before
	// the answer.
	Card CardUse `json:"card,omitempty"`
	// CaptureBefore is when the card hold runs out; zero without a hold, and from when the
	// hold is to be renewed until it is.
	CaptureBefore time.Time `json:"capture_before,omitzero"`
	CheckoutEnds  time.Time `json:"checkout_ends,omitzero"`
	// Saves counts how often answers were saved or, of a deleted visit, saved and
	// removed. The sealed answers are bound to it, so that older ones put back do
	// not decrypt.
	Saves       int `json:"saves,omitempty"`
	Messages    int `json:"messages,omitempty"` // sent so far, both ways
	FromPatient int `json:"from_patient,omitempty"`
	FromTeam    int `json:"from_team,omitempty"`
	Notes       int `json:"notes,omitempty"` // of colleagues to each other, on handing or taking it over
	// Reads are stored when the visit closes or its reading is confirmed, and in
	// rows of before whenever it was read. Until then they are in the visit's
	// trail; the kernel's WithReads adds those.
	Reads    []ReadMark `json:"reads,omitempty"`
	Document string     `json:"document,omitempty"` // hash of the encounter document
	Addendum string     `json:"addendum,omitempty"` // hash of the addendum, written at closing
	Reason   Reason     `json:"reason,omitempty"`   // why it ended
	Minutes  int        `json:"minutes,omitempty"`  // the holder's own, as declared; 0 also if not declared
	Times    Times      `json:"times"`
	// Wake is when the function deadline next reads the visit: at Due or before;
	// zero for never. A deadline that moves away leaves Wake unchanged, because
	// most visits end before it and each change costs a write to the index.
	Wake    time.Time `json:"wake,omitzero"`
	Version int       `json:"version"`
}

// A Form names the immutable questionnaire version the visit started with, and
// its billing class.
type Form struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Class   string `json:"class"`
}

// Pool returns the pool that requests on the form go to: administrative requests
// never reach clinicians.
func (f Form) Pool() identity.Pool {
	if f.Class == "admin-fee" {
		return identity.StaffPool
	}
	return identity.ClinicalPool
}

// A Holder is the person who has taken the visit, as shown to the patient.
type Holder struct {
	ID      string `json:"id"`
	Display string `json:"display"`
}

// Times are when each step happened; zero means not yet.
type Times struct {
	Started   time.Time `json:"started"`
	Submitted time.Time `json:"submitted,omitzero"`
	Queued    time.Time `json:"queued,omitzero"`
	Taken     time.Time `json:"taken,omitzero"` // by Holder
	Asked     time.Time `json:"asked,omitzero"`
	Answered  time.Time `json:"answered,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`
	// Understood is when a diverted patient confirmed the instructions shown.
	Understood time.Time `json:"understood,omitzero"`
}

// Number returns the number that people know v by, such as K7QF-2M4P. It is the
// beginning of v's id; nothing is found by it.
func (v Visit) Number() string {
	n := strings.ToUpper(v.ID[:min(len(v.ID), 8)])
	if len(n) < 8 {
		return n
	}
	return n[:4] + "-" + n[4:]
}

// Receipt returns the number of the receipt for one of v's payments: v's own, and
// which of its payments it is.
func (v Visit) Receipt(payment string) string {
	return fmt.Sprintf("%s-%d", v.Number(), 1+slices.Index(v.Payments, payment))
}

// AnsweredBy returns the id of the person who answered v; empty before the answer.
func (v Visit) AnsweredBy() string {
	if v.Times.Answered.IsZero() {
		return ""
	}
	return v.Holder.ID
}

// Resource returns the visit as the policy sees it.
func (v Visit) Resource() identity.Resource {
	unsent := v.Times.Queued.IsZero() && v.Status != Diverted // the practice must know of a diversion
	return identity.Resource{
		Practice: v.Practice, Patient: v.Patient, Starter: v.By, Holder: v.Holder.ID, HolderName: v.Holder.Display, Former: v.Former,
		Pool: v.Pool, Unsent: unsent,
	}
}

// Start returns a new draft.
func Start(id, practice, patient, by string, form Form, now time.Time) Visit {
	return Visit{
		ID: id, Practice: practice, Patient: patient, By: by, Form: form, Pool: form.Pool(),
		Status: Draft, Times: Times{Started: now}, Version: 1,
	}
}

func (v Visit) next(s Status) Visit {
	v.Status = s
	v.Version++
	if due := v.Due(); due.IsZero() || v.Wake.IsZero() || due.Before(v.Wake) {
		v.Wake = due
	}
	return v
}

func (v Visit) ended(s Status, reason Reason, now time.Time) Visit {
	v = v.next(s)
	v.Reason, v.Times.Ended = reason, now
	v.CheckoutEnds = time.Time{}
	return v
}
