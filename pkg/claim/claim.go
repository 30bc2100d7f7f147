package claim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p837"
)

// A State is the stage of a claim's life.
type State string

// The states.
const (
	Embargoed State = "embargoed" // a related visit could still take its place
	Held      State = "held"      // something must be put right, or was and is to be reviewed
	Ready     State = "ready"     // for a file
	Batched   State = "batched"   // in a file that is not known to have left
	Sent      State = "sent"
	Received  State = "received" // the receiver can read it (999), or passes it on (277CA)
	Accepted  State = "accepted" // the payer decides on it (277CA)
	Rejected  State = "rejected" // by the receiver or the payer, who did not decide on it
	Paid      State = "paid"     // the payer decided what it pays: nothing, if all is the patient's
	Denied    State = "denied"   // the payer decided that it allows nothing
	Reversed  State = "reversed" // the payer took its decision back; another follows
	Appealed  State = "appealed" // the practice objected to the decision
	Voided    State = "voided"   // the practice took the claim back, and the payer its money
	Closed    State = "closed"   // nothing more is to be done, by the practice's decision
)

// Unsent reports whether the claim's last attempt is in no file, and its content may change.
func (s State) Unsent() bool { return s == Embargoed || s == Held || s == Ready }

// AwaitsPayer reports whether the claim is out and the receiver or the payer has the next word.
func (s State) AwaitsPayer() bool {
	return s == Sent || s == Received || s == Accepted || s == Reversed || s == Appealed
}

// decided reports whether the payer decided on the claim.
func (s State) decided() bool { return s == Paid || s == Denied || s == Reversed || s == Appealed }

// words say s in a sentence: this claim is ….
func (s State) words() string {
	switch s {
	case Batched:
		return "in a file"
	case Held, Embargoed, Ready, Sent, Received, Accepted, Rejected, Paid, Denied, Reversed, Appealed, Voided, Closed:
	}
	return string(s)
}

// A Claim is what one answered visit is billed to a health plan by. It holds no names and
// addresses: Parties are read anew each time that the claim is reviewed or put into a file.
type Claim struct {
	ID       string `json:"id"`
	Practice string `json:"practice"`
	Visit    string `json:"visit"`
	Patient  string `json:"patient"`
	Content
	// Number is the patient control number, which every attempt's Control begins with. It is
	// unique among the claims of everybody who sends by the same submitter.
	Number string `json:"number"`
	// UpTo is what the patient agreed to pay at most (billing.Plan.UpTo).
	UpTo money.Cents `json:"up_to,omitempty"`
	// Window is the days of the seven-day episode, and Release when its embargo ends.
	Window  Days      `json:"window"`
	Release time.Time `json:"release"`
	// FileBy is the last day to file it by the payer's policy; zero: not known.
	FileBy civil.Day `json:"file_by,omitzero"`

	// Asks are the facts that coding does not know.
	Asks []coding.Ask `json:"asks,omitempty"`

	State State `json:"state"`
	// Problems are why it is held, as of its last review, or why it was rejected.
	Problems  []Problem      `json:"problems,omitempty"`
	Confirmed []Confirmation `json:"confirmed,omitempty"`
	Attempts  []Attempt      `json:"attempts"` // at least one; the last that was not discarded is the one that counts
	// PayerControl is the payer's number of the claim (REF*1K of a 277CA, CLP07 of an 835), the
	// last that was told; empty: none was.
	PayerControl string    `json:"payer_control,omitempty"`
	Posted       []Posted  `json:"posted,omitempty"` // what remittances said, in the order of posting
	Ended        End       `json:"ended,omitzero"`   // of Closed alone
	Opened       time.Time `json:"opened"`
	Changed      time.Time `json:"changed"` // since when it stands so
	Version      int       `json:"-"`
}

// A Content is what a claim says of the visit, and to whom.
type Content struct {
	Coverage  string     `json:"coverage"`            // the patient's coverage that is billed, by its id
	Payer     string     `json:"payer"`               // its payer, as coverage.Payer has the id
	Diagnoses []phi.Text `json:"diagnoses,omitempty"` // without a point, the principal one first
	Place     string     `json:"place,omitempty"`     // of service, such as 11
	Lines     []Line     `json:"lines,omitempty"`
}

// Days are a first and a last day, both included, of the practice's calendar.
type Days struct {
	First civil.Day `json:"first"`
	Last  civil.Day `json:"last"`
}

// A Line is one service.
type Line struct {
	Code      string      `json:"code"` // CPT or HCPCS
	Modifiers []string    `json:"modifiers,omitempty"`
	Minutes   int         `json:"minutes"` // counted time, in full minutes
	Charge    money.Cents `json:"charge"`
	Pointers  []int       `json:"pointers"` // to Diagnoses, from 1, the principal one first
	From      civil.Day   `json:"from"`
	Until     civil.Day   `json:"until"`
}

// An Attempt is one time that the claim is put into a file. The zero File is of an attempt that
// is in none yet.
type Attempt struct {
	Frequency p837.Frequency `json:"frequency"`
	// PayerControl is the payer's number of what a replacement or void is of; empty of an
	// original.
	PayerControl string `json:"payer_control,omitempty"`
	File         File   `json:"file,omitzero"`
	// Said is what the file says, and NPI and TaxID are whom it names as paid.
	Said  Content   `json:"said,omitzero"`
	NPI   string    `json:"npi,omitempty"`
	TaxID string    `json:"tax_id,omitempty"`
	Sent  time.Time `json:"sent,omitzero"` // when the file left; zero: not known to have
	// Discarded is set of an attempt whose file was thrown away before it left.
	Discarded bool      `json:"discarded,omitempty"`
	Heard     Stage     `json:"heard,omitempty"` // the furthest answer
	HeardAt   time.Time `json:"heard_at,omitzero"`
}

// A File is the numbers by which answers name a file and what is in it.
type File struct {
	Interchange int       `json:"interchange"` // ISA13
	Group       int       `json:"group"`       // GS06
	Set         string    `json:"set"`         // ST02
	Reference   string    `json:"reference"`   // BHT03
	At          time.Time `json:"at"`
}

// A Why is why a claim was closed.
type Why string

// Why claims are closed.
const (
	Settled     Why = "settled"      // all is posted, and nothing is left to claim
	WrittenOff  Why = "written_off"  // the practice gives up what the payer did not allow
	Withdrawn   Why = "withdrawn"    // the practice does not send it
	NotBillable Why = "not_billable" // a rule of coding refuses the visit
	Restricted  Why = "restricted"   // the patient asked that no plan is told, and paid
)

// An End is why a claim was closed, by whom and when. Rule is the rule of coding of NotBillable.
type End struct {
	Why  Why       `json:"why"`
	Rule string    `json:"rule,omitempty"`
	By   string    `json:"by,omitempty"` // empty: by a rule
	At   time.Time `json:"at"`
}

// An Opening is what a claim is opened with, when its visit is answered.
type Opening struct {
	ID, Practice, Visit, Patient string
	Coverage, Payer              string
	Number                       string
	// Restricted is set if the patient asked that no plan is told (billing.Quote.Restricted).
	Restricted bool
	UpTo       money.Cents
	Window     coding.Window
	Zone       *time.Location // the practice's
	Diagnoses  []phi.Text     // as the answer has them, with or without a point
}

// maxNumber leaves room in the 20 characters of CLM01 for what Control adds.
const (
	maxNumber   = 17
	maxAttempts = 99
)

var number = regexp.MustCompile(`^[0-9A-Z]+(-[0-9A-Z]+)*$`)

// Open returns the claim of a visit that was answered at now. It is embargoed.
//
// It refuses with fault.Conflict (restricted) a visit that no plan may be told of (45 CFR
// 164.522(a)(1)(vi)), and with fault.Invalid, naming every problem, what is not complete.
func Open(o Opening, now time.Time) (Claim, error) {
	if o.Restricted {
		return Claim{}, errRestricted
	}
	var all x12.Checks
	all.Must(len(o.Number) <= maxNumber && number.MatchString(o.Number), "number", "number",
		fmt.Sprintf("Give the claim a number of at most %d capitals, digits and single hyphens.", maxNumber))
	all.Must(o.Coverage != "" && o.Payer != "", "coverage", "required", "Name the patient's coverage that is billed, and its payer.")
	all.Must(!o.Window.From.IsZero() && o.Window.Until.After(o.Window.From), "window", "required", "Give the window of seven days in which the visit was answered.")
	if err := invalid(all); err != nil {
		return Claim{}, err
	}
	return Claim{
		ID: o.ID, Practice: o.Practice, Visit: o.Visit, Patient: o.Patient, Number: o.Number, UpTo: o.UpTo,
		Content: Content{Coverage: o.Coverage, Payer: o.Payer, Diagnoses: bare(o.Diagnoses)},
		Window:  daysOf(o.Window, o.Zone), Release: o.Window.Release(o.Zone),
		State: Embargoed, Attempts: []Attempt{{Frequency: p837.Original}}, Opened: now, Changed: now, Version: 1,
	}, nil
}

func daysOf(w coding.Window, zone *time.Location) Days {
	return Days{civil.Of(w.From, zone), civil.Of(w.Until, zone)}
}

// Charge is what the lines bill together.
func (c Content) Charge() (sum money.Cents) {
	for _, l := range c.Lines {
		sum += l.Charge
	}
	return sum
}

// Control returns the number of an attempt, counted from 1: CLM01, by which acknowledgments and
// remittances name it.
func (c Claim) Control(attempt int) string {
	if attempt == 1 {
		return c.Number
	}
	return c.Number + "." + strconv.Itoa(attempt)
}

// NumberOf returns the Number of the claim, one of whose attempts has the control number.
func NumberOf(control string) string {
	of, _, _ := strings.Cut(control, ".")
	return of
}

// LineControl returns the number of a line of an attempt (REF*6R), both counted from 1.
func (c Claim) LineControl(attempt, line int) string {
	return c.Control(attempt) + "-" + strconv.Itoa(line)
}

// current is the index of the attempt that counts: the last that was not thrown away.
func (c Claim) current() int {
	for i := len(c.Attempts) - 1; i > 0; i-- {
		if !c.Attempts[i].Discarded {
			return i
		}
	}
	return 0
}

// last is the attempt that counts.
func (c Claim) last() Attempt { return c.Attempts[c.current()] }

// inFile reports whether a is in a file, or was.
func (a Attempt) inFile() bool { return !a.File.At.IsZero() }

// attempt returns the index of the attempt that f accepts; -1 if there is none.
func (c Claim) attempt(f func(i int, a Attempt) bool) int {
	for i, a := range c.Attempts {
		if a.inFile() && f(i, a) {
			return i
		}
	}
	return -1
}

// lastSent is the last attempt whose file is known to have left; false if there is none.
func (c Claim) lastSent() (Attempt, bool) {
	for _, a := range slices.Backward(c.Attempts) {
		if !a.Sent.IsZero() {
			return a, true
		}
	}
	return Attempt{}, false
}

// with returns c with an attempt changed. The attempts of c stay as they are.
func (c Claim) with(attempt int, change func(*Attempt)) Claim {
	c.Attempts = slices.Clone(c.Attempts)
	change(&c.Attempts[attempt])
	return c
}

// next returns c in a state as of now.
func (c Claim) next(s State, now time.Time) Claim {
	if c.State != s {
		c.State, c.Changed = s, now
	}
	c.Version++
	return c
}

// Why nothing more can be done to a claim.
var errRestricted = fault.New(fault.Conflict, "restricted", "the patient pays for this visit and asked that no health plan is told of it; no claim may be sent")

func (c Claim) refuse(what string) error {
	return fault.New(fault.Conflict, "claim_state", fmt.Sprintf("this claim is %s, so you cannot %s", c.State.words(), what))
}

// invalid refuses an input with all that is wrong with it; nil if nothing is.
func invalid(c x12.Checks) error {
	if len(c.Problems) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", c.Problems...)
}
