package claim

import (
	"fmt"
	"slices"
	"time"

	"evisit/pkg/coding"
	"evisit/pkg/coding/icd"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p837"
)

// What changes the content of a claim leaves one that was ready held, until it is reviewed again.

// Coded returns c as package coding decided on its visit, billed for charge; zone is the practice's.
// A visit that may not be billed closes the claim. The same decision again changes nothing.
//
// It refuses with fault.Conflict a claim that is out (claim_state; Outcome.Void says that it is to
// be voided), one that closing would leave with the payer (claim_decided), and a void, which says
// what the claim said that it takes back (void_content).
func (c Claim) Coded(o coding.Outcome, charge money.Cents, zone *time.Location, now time.Time) (Claim, error) {
	switch {
	case c.State == Closed && c.Ended.Why == NotBillable && o.Decision == coding.NotBillable:
		return c, nil
	case !c.State.Unsent():
		return c, c.refuse("code it anew")
	case c.last().Frequency == p837.Void:
		return c, errVoidContent
	case o.Decision == coding.NotBillable:
		return c.end(End{Why: NotBillable, Rule: o.Reason}, now)
	}
	next := c
	next.Asks, next.FileBy = o.Asks, o.FileBy
	if !o.Window.From.IsZero() { // an earlier visit may have opened it
		next.Window, next.Release = daysOf(o.Window, zone), o.Window.Release(zone)
	}
	next.Place, next.Lines = o.Line.Place, nil
	if o.Code != "" {
		next.Lines = []Line{{
			Code: o.Code, Modifiers: o.Line.Modifiers, Minutes: int(o.Counted / time.Minute), Charge: charge,
			Pointers: c.pointers(), From: o.Line.From, Until: o.Line.Until,
		}}
	}
	return c.changed(next, now), nil
}

// pointers are those that the first line has; if it has none yet, to the first diagnoses.
func (c Claim) pointers() []int {
	if len(c.Lines) > 0 {
		return c.Lines[0].Pointers
	}
	return firstPointers(len(c.Diagnoses))
}

// firstPointers are to the first of n diagnoses, as many as a line may have.
func firstPointers(n int) []int {
	var all []int
	for i := range min(n, icd.MaxLine) {
		all = append(all, i+1)
	}
	return all
}

// An Amendment is what people of the practice may change of a claim: all of it, as it should be.
// The codes are of package coding, and names and addresses are changed where they are kept.
type Amendment struct {
	Coverage, Payer string
	Diagnoses       []phi.Text // with or without a point
	Services        []Service  // one for each line
}

// A Service is what may be changed of a line.
type Service struct {
	Charge   money.Cents
	Pointers []int // to Diagnoses, from 1; nil: to the first four
}

// Amend returns c as a says. What is said already changes nothing.
//
// It refuses with fault.Conflict as Coded does, and with fault.Invalid an amendment of another
// number of lines, or of no coverage.
func (c Claim) Amend(a Amendment, now time.Time) (Claim, error) {
	var all x12.Checks
	all.Must(a.Coverage != "" && a.Payer != "", "coverage", "required", "Name the patient's coverage that is billed, and its payer.")
	all.Must(len(a.Services) == len(c.Lines), "lines", "count", fmt.Sprintf("The claim has %d lines; give charge and diagnoses of each.", len(c.Lines)))
	switch {
	case !c.State.Unsent():
		return c, c.refuse("change it")
	case c.last().Frequency == p837.Void:
		return c, errVoidContent
	case len(all.Problems) > 0:
		return c, invalid(all)
	}
	next := c
	next.Coverage, next.Payer, next.Diagnoses, next.Lines = a.Coverage, a.Payer, bare(a.Diagnoses), slices.Clone(c.Lines)
	for i, s := range a.Services {
		if s.Pointers == nil {
			s.Pointers = firstPointers(len(a.Diagnoses))
		}
		next.Lines[i].Charge, next.Lines[i].Pointers = s.Charge, slices.Clone(s.Pointers)
	}
	return c.changed(next, now), nil
}

var errVoidContent = fault.New(fault.Conflict, "void_content", "this takes back the claim as it was sent, so it says the same; it cannot be changed")

// bare are diagnoses as a claim has them. One that has not the shape of a code stays as it is, for
// Scrub to name.
func bare(given []phi.Text) []phi.Text {
	all := slices.Clone(given)
	for i, d := range all {
		if code, err := icd.Parse(d.Reveal()); err == nil {
			all[i] = phi.Text(code)
		}
	}
	return all
}

// changed returns next, of which Version and State are c's, as content of c that was changed at
// now; c if it says the same. What was confirmed of another content is not confirmed of this one.
func (c Claim) changed(next Claim, now time.Time) Claim {
	if c.says(next) {
		return c
	}
	next.Confirmed = nil
	if c.State == Ready {
		next.State, next.Changed = Held, now
	}
	next.Version++
	return next
}

// says reports whether what may be changed is the same in c and d.
func (c Claim) says(d Claim) bool {
	return sameContent(c.Content, d.Content) && c.FileBy == d.FileBy && c.Window == d.Window && c.Release.Equal(d.Release) && slices.Equal(c.Asks, d.Asks)
}

func sameContent(c, d Content) bool {
	return c.Coverage == d.Coverage && c.Payer == d.Payer && c.Place == d.Place &&
		slices.Equal(c.Diagnoses, d.Diagnoses) && slices.EqualFunc(c.Lines, d.Lines, Line.equal)
}

func (l Line) equal(m Line) bool {
	return l.Code == m.Code && slices.Equal(l.Modifiers, m.Modifiers) && l.Minutes == m.Minutes && l.Charge == m.Charge &&
		slices.Equal(l.Pointers, m.Pointers) && l.From == m.From && l.Until == m.Until
}

// A Confirmation is what a person said is right although a rule asked about it.
type Confirmation struct {
	Where string    `json:"where"`
	Code  string    `json:"code"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
}

// Confirm returns c with a problem of its last review confirmed to be right. It is asked about no
// more while the content of c stays. What is confirmed already changes nothing.
//
// It refuses with fault.Conflict what is no such problem of c, or must be put right
// (nothing_to_confirm).
func (c Claim) Confirm(where, code, by string, now time.Time) (Claim, error) {
	if c.confirmed(where, code) {
		return c, nil
	}
	i := slices.IndexFunc(c.Problems, func(p Problem) bool { return p.Where == where && p.Code == code && p.Confirm })
	if i < 0 || !c.State.Unsent() {
		return c, fault.New(fault.Conflict, "nothing_to_confirm", "this claim asks for no such confirmation; reload it to see what it asks for")
	}
	c.Confirmed = append(slices.Clone(c.Confirmed), Confirmation{where, code, by, now})
	return c.next(c.State, now), nil
}

func (c Claim) confirmed(where, code string) bool {
	return slices.ContainsFunc(c.Confirmed, func(f Confirmation) bool { return f.Where == where && f.Code == code })
}

// Restrict returns c closed, because the patient pays for the visit and asked that no plan is told
// of it. A claim that is closed for it is returned unchanged.
//
// It refuses with fault.Conflict a claim that is in a file (claim_state), and one that left in a file
// (claim_left): the plan was told of the visit, or may have been.
func (c Claim) Restrict(now time.Time) (Claim, error) {
	_, left := c.lastSent()
	switch {
	case c.State == Closed && c.Ended.Why == Restricted:
		return c, nil
	case left:
		return c, fault.New(fault.Conflict, "claim_left", "a file with this claim has left, so the health plan may know of the visit; void the claim if it decides on it")
	case !c.State.Unsent():
		return c, c.refuse("keep it from the plan")
	}
	return c.end(End{Why: Restricted}, now)
}

// end returns c closed, if it is not with the payer.
func (c Claim) end(e End, now time.Time) (Claim, error) {
	if c.State.Unsent() && c.standing() != nil {
		return c, fault.New(fault.Conflict, "claim_decided", "the payer has decided on this claim as it was sent before; void that, or leave it as it is")
	}
	if before, ok := c.before(); ok {
		c.Content = c.Attempts[before].Said
		c = c.dropUnsent()
	}
	e.At = now
	c.Ended, c.Problems, c.Asks = e, nil, nil
	return c.next(Closed, now), nil
}
