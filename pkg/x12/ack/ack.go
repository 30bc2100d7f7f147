// Package ack reads what receivers say of files they were sent: TA1 of an
// interchange (X12.5 §3), 999 of a group (TR3 005010X231A1), and 277CA of claims
// (TR3 005010X214). Each names what it is about by the number that was sent:
// ISA13, GS06 and ST02, BHT03 and CLM01.
package ack

import (
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/money"
	"evisit/pkg/phi"
)

// The guides, as GS08 and ST03 name them.
const (
	Version999 = "005010X231A1"
	Version277 = "005010X214"
)

// An Answer is an *Interchange, a *Group or a *Report.
type Answer interface{ answers() }

func (*Interchange) answers() {}
func (*Group) answers()       {}
func (*Report) answers()      {}

// A Verdict is what was decided of an interchange, group or transaction.
type Verdict string

// The verdicts. Of the rejections, Rejected is of content and the others of
// security; the writer of this program uses none of what those are about.
const (
	Accepted           Verdict = "A"
	AcceptedWithErrors Verdict = "E"
	PartlyAccepted     Verdict = "P" // of a group: some of its transactions
	Rejected           Verdict = "R"
	RejectedMAC        Verdict = "M"
	RejectedAssurance  Verdict = "W"
	RejectedUnreadable Verdict = "X"
)

// Took reports whether the receiver goes on with all of it.
func (v Verdict) Took() bool { return v == Accepted || v == AcceptedWithErrors }

// An Interchange is TA1.
type Interchange struct {
	Control int       // ISA13 of the interchange that was sent
	At      time.Time // ISA09 and ISA10 of it
	Verdict Verdict
	Note    string // TA105, 000 for none and 025 for a control number used before
}

// A Group is a 999: what a receiver says of the form of a group.
type Group struct {
	Kind     string // GS01 of the group that was sent
	Control  int    // GS06 of it
	Sets     []Set  // that are spoken of; an accepted one may be left out
	Verdict  Verdict
	Sent     int // transactions, by the group's own count
	Received int
	Accepted int
	Codes    []string // AK905 to AK909, faults of the group itself
}

// A Set is what is said of one transaction.
type Set struct {
	Kind    string // ST01
	Control string // ST02
	Verdict Verdict
	Codes   []string // IK502 to IK506
	Faults  []Fault
}

// A Fault is IK3 with what is under it: a segment of the transaction that is wrong.
type Fault struct {
	Segment  string // its name
	Position int    // in the transaction, ST being 1
	Loop     string
	Code     string
	Claim    string // CLM01 that it is about, if the receiver says so
	Elements []ElementFault
}

// An ElementFault is IK4. Value is what was sent there, if the receiver says so.
type ElementFault struct {
	Element, Component int // Component is 0 for the whole element
	Code               string
	Value              phi.Text
}

// A Level is what a Report is about.
type Level string

// The levels: HL03 of a 277CA.
const (
	BatchLevel    Level = "21"
	ProviderLevel Level = "19"
	ClaimLevel    Level = "PT"
)

// A Report is what a 277CA says of a batch, a billing provider's claims or one
// claim.
type Report struct {
	Level        Level
	Reference    string // TRN02: BHT03 of a batch, CLM01 of a claim
	NPI          string // of a billing provider
	Batch        string // TRN02 of the batch, of every level below
	Statuses     []Status
	PayerControl string // REF*1K, the payer's number for the claim
	Lines        []Line
	Accepted     int // QTY: claims of a batch or provider
	Rejected     int
}

// A Line is loop 2220D: what is said of one service.
type Line struct {
	Code     string
	Control  string // REF*FJ, REF*6R of the claim that was sent
	Statuses []Status
}

// A Status is STC. Category, Code and Entity are of the lists of claim status codes
// (external code sources 507 and 508); an STC may name up to three.
type Status struct {
	Category string
	Code     string
	Entity   string // whom it is about, such as PR for the payer, or empty
	At       civil.Day
	Action   string // STC03: WQ accepted, U rejected
	Amount   money.Cents
}

// An Outcome is what a Report comes to.
type Outcome string

// The outcomes.
const (
	Waiting       Outcome = "waiting" // received or forwarded; another answer follows
	Taken         Outcome = "taken"   // to be adjudicated
	TurnedBack    Outcome = "turned back"
	NotUnderstood Outcome = "not understood" // categories that a 277CA does not have
)

var outcomes = map[string]Outcome{
	"A0": Waiting, "A1": Waiting,
	"A2": Taken, "A5": Taken,
	"A3": TurnedBack, "A4": TurnedBack, "A6": TurnedBack, "A7": TurnedBack, "A8": TurnedBack,
}

// Outcome is TurnedBack if any status of the report or of its lines is so, and
// else Taken if any is; then NotUnderstood, and Waiting only if all are so.
func (r *Report) Outcome() Outcome {
	seen := map[Outcome]bool{}
	note := func(statuses []Status) {
		for _, s := range statuses {
			o, known := outcomes[s.Category]
			if !known {
				o = NotUnderstood
			}
			seen[o] = true
		}
	}
	note(r.Statuses)
	for _, l := range r.Lines {
		note(l.Statuses)
	}
	for _, o := range []Outcome{TurnedBack, Taken, NotUnderstood} {
		if seen[o] {
			return o
		}
	}
	return Waiting
}
