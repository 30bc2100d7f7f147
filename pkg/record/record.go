// Package record holds the shapes of a visit's content: messages, the record of
// a diversion, the encounter document and its addendum, and answers in words.
// Sealing and storing them is left to others.
package record

import (
	"strconv"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// A MessageKind is the purpose of a message.
type MessageKind string

const (
	Ask    MessageKind = "ask"    // the clinician needs to know more
	Info   MessageKind = "info"   // the patient replies or adds
	Reply  MessageKind = "answer" // the answer
	Notice MessageKind = "notice" // why the visit was declined or redirected
	Number MessageKind = "number" // where a diverted patient may be called
)

// A Message is one message of a visit. It never changes, and is sealed whole, so
// that its author and time cannot be altered any more than its text.
type Message struct {
	Seq    int         `json:"seq"` // 1 for the first
	Kind   MessageKind `json:"kind"`
	From   string      `json:"from"`
	Name   string      `json:"name,omitempty"` // of a clinician, as displayed
	At     time.Time   `json:"at"`
	Text   phi.Text    `json:"text"`
	ReadAt time.Time   `json:"read_at,omitzero"` // by the patient's side, as far as known; not part of what is sealed
}

// A NoteKind says what a note was written with.
type NoteKind string

const (
	HandOver NoteKind = "hand_over" // the holder gives the visit to a colleague
	TakeOver NoteKind = "take_over" // a colleague takes the visit from its holder
)

// A Note is what the practice's people tell each other when a visit changes hands. It
// is for those who may read the chart of the practice's side, and never shown to the
// patient's side. It never changes, and is sealed whole.
type Note struct {
	Seq  int          `json:"seq"` // 1 for the first
	Kind NoteKind     `json:"kind"`
	By   visit.Holder `json:"by"`   // who wrote it
	From visit.Holder `json:"from"` // who held the visit before
	To   visit.Holder `json:"to"`   // who holds it from then on
	At   time.Time    `json:"at"`
	Text phi.Text     `json:"text"`
}

// A QA is one question and its answers, in words.
type QA struct {
	LinkID   string     `json:"link_id"`
	Question string     `json:"question"`
	Answers  []phi.Text `json:"answers,omitempty"`
	Row      int        `json:"row,omitempty"`    // of a repeating group, from 1
	Within   []int      `json:"within,omitempty"` // the rows of the groups in that row, from the outside in
	Of       phi.Text   `json:"of,omitempty"`     // the answer under which it is asked, if there may be several
}

// Rows names the row that the question is in: 2, or 2.1 for the first row of a group in
// the second of another. It is empty outside.
func (q QA) Rows() string {
	if q.Row == 0 {
		return ""
	}
	at := strconv.Itoa(q.Row)
	for _, n := range q.Within {
		at += "." + strconv.Itoa(n)
	}
	return at
}

// A Flag is a rule that fired without ending the request, for the clinician.
type Flag struct {
	Rule    string   `json:"rule"`
	Message phi.Text `json:"message"`
	Source  string   `json:"source"`
}

// A Diversion records why a visit was stopped and what the patient was shown.
type Diversion struct {
	Rules       []intake.Fired     `json:"rules"`
	Disposition intake.Disposition `json:"disposition"`
	Form        string             `json:"form"` // canonical
	FormHash    string             `json:"form_hash"`
	Answers     string             `json:"answers_hash"`
	At          time.Time          `json:"at"`
	Message     phi.Text           `json:"message"`
	Language    string             `json:"language"`
	Phone       string             `json:"phone"`
}

// Contact returns how soon and by whom d has the patient contacted; nil if nobody is
// to, as without a diversion. It is not promised before there is a number.
func (d *Diversion) Contact() *intake.Contact {
	if d == nil {
		return nil
	}
	return intake.Result{Disposition: d.Disposition, Fired: d.Rules}.Contact()
}

// A Document is the immutable record of an answered visit: all that was asked
// and said, who answered, and what was concluded (guidelines G9, G27).
type Document struct {
	Visit      string           `json:"visit"`
	Practice   string           `json:"practice"`
	Patient    string           `json:"patient"`
	Contact    identity.Contact `json:"contact"`
	Form       string           `json:"form"` // canonical, with version
	FormHash   string           `json:"form_hash"`
	Answers    []QA             `json:"answers"`
	Flags      []Flag           `json:"flags,omitempty"`
	Messages   []Message        `json:"messages,omitempty"`
	Conclusion visit.Conclusion `json:"conclusion"`
	By         visit.Holder     `json:"by"`
	Fee        money.Cents      `json:"fee_cents"`
	// Quoted is what the patient accepted as the most that Fee could be, and QuotedIf what
	// a clinician of some kind would have cost; absent of documents of before.
	Quoted   money.Cents        `json:"quoted_cents,omitempty"`
	QuotedIf billing.KindPrices `json:"quoted_if_cents,omitempty"`
	// Restricted is set if the patient paid themselves, and no health plan may be told of the visit
	// (billing.Quote.Restricted); absent of documents of before.
	Restricted bool        `json:"restricted,omitempty"`
	Times      visit.Times `json:"times"`
}

// An Answer is the part of a Document that pages show.
type Answer struct {
	Conclusion visit.Conclusion `json:"conclusion"`
	By         visit.Holder     `json:"by"`
}

// Moment returns the time that a document gives what happens at now: the minute, so that
// who tries again a moment later makes the same bytes, and leaves no second document; but
// nothing is said to happen before any of earlier, which did.
func Moment(now time.Time, earlier ...time.Time) time.Time {
	m := now.Truncate(time.Minute)
	for _, t := range earlier {
		if t.After(m) {
			m = t
		}
	}
	return m
}

// An Addendum is what closing adds to a document: read times and receipts.
type Addendum struct {
	Document string           `json:"document"`
	Reads    []visit.ReadMark `json:"reads"`
	Receipts []string         `json:"receipts,omitempty"` // payment ids
	Closed   time.Time        `json:"closed"`
	By       string           `json:"by"`
}

// AddendumOf returns the addendum of v, which someone closed.
func AddendumOf(v visit.Visit, by string) Addendum {
	closed, earlier := v.Times.Ended, []time.Time{v.Times.Answered}
	for _, r := range v.Reads {
		if !r.At.Equal(closed) {
			earlier = append(earlier, r.At)
		}
	}
	a := Addendum{Document: v.Document, Reads: []visit.ReadMark{}, Receipts: v.Payments, Closed: Moment(closed, earlier...), By: by}
	for _, r := range v.Reads {
		if r.At.Equal(closed) { // by the closing itself
			r.At = a.Closed
		}
		a.Reads = append(a.Reads, r)
	}
	return a
}
