// Package work holds the items that say what a person must do: an event that
// was given up, a fee that could not be collected, a patient who was told to
// seek care elsewhere. An item is the one way to say so; it is due at a time,
// belongs to a pool of people, and ends. Storing items and showing them is left
// to others.
package work

import (
	"time"

	"evisit/pkg/identity"
)

// A Kind says what must be done.
type Kind string

const (
	EventParked   Kind = "event.parked"   // find out why an event could not be handled, and have it tried again
	PaymentFailed Kind = "payment.failed" // the answer stands and its fee was not collected
	VisitDiverted Kind = "visit.diverted" // a red flag ended a request: see that the patient is cared for
)

// An Item is one thing to do. Which record it is about is named by the ids that
// are set. Its own ID is made of its kind and what it is about, so that the step
// which resolves it finds it.
type Item struct {
	ID       string        `json:"id"`
	Practice string        `json:"practice"`
	Kind     Kind          `json:"kind"`
	Pool     identity.Pool `json:"pool"` // whose work it is
	Visit    string        `json:"visit,omitempty"`
	Payment  string        `json:"payment,omitempty"`
	Event    string        `json:"event,omitempty"`
	Note     string        `json:"note,omitempty"` // a stable code, never content
	Made     time.Time     `json:"made"`
	Due      time.Time     `json:"due"`
	Ended    time.Time     `json:"ended,omitzero"`     // zero: open
	EndedBy  string        `json:"ended_by,omitempty"` // a person, or the function that resolved it
	Version  int           `json:"-"`
}

// due is how soon each kind wants somebody to look.
var due = map[Kind]time.Duration{EventParked: 4 * time.Hour, PaymentFailed: 7 * 24 * time.Hour, VisitDiverted: 4 * time.Hour}

// ID names the item of a kind about the record with that id.
func ID(k Kind, about string) string { return string(k) + "." + about }

// New returns i as an open item about the record with that id. Its kind,
// practice and pool must be set.
func New(i Item, about string, now time.Time) Item {
	i.ID, i.Made, i.Due, i.Version = ID(i.Kind, about), now, now.Add(due[i.Kind]), 1
	return i
}

// Open reports whether i still waits for a person.
func (i Item) Open() bool { return i.Ended.IsZero() }

// End returns i ended by someone at now; an item that has ended stays as it is.
func (i Item) End(by string, now time.Time) Item {
	if !i.Open() {
		return i
	}
	i.Ended, i.EndedBy = now, by
	i.Version++
	return i
}
