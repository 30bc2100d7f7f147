package claim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/npi"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p835"
	"evisit/pkg/x12/p837"
)

// Amounts are what a payer says of a claim's charge: Charge is Paid and the adjustments together.
// They are below zero in a reversal.
type Amounts struct {
	Charge      money.Cents `json:"charge"`
	Paid        money.Cents `json:"paid"`
	Contractual money.Cents `json:"contractual"` // CO: the practice's to write off
	Patient     money.Cents `json:"patient"`     // PR
	Other       money.Cents `json:"other"`       // OA and PI: for a person to look at
}

func (a Amounts) negated() Amounts {
	return Amounts{-a.Charge, -a.Paid, -a.Contractual, -a.Patient, -a.Other}
}

// An Adjustment is why less was paid than charged. Line is the claim's line, from 1; 0: of the
// whole claim, or of a line that the payer names otherwise.
type Adjustment struct {
	Line   int         `json:"line,omitempty"`
	Cause  p835.Cause  `json:"cause"`
	Reason string      `json:"reason"` // a claim adjustment reason code
	Amount money.Cents `json:"amount"`
}

// A Key names what a payer says once, in whatever files it says so.
type Key struct {
	Payer        string `json:"payer"`
	Trace        string `json:"trace"`
	PayerControl string `json:"payer_control"`
	Control      string `json:"control"`
	Reversal     bool   `json:"reversal,omitempty"` // beside what it reverses in the same payment
}

// A Posted is what one remittance said of the claim.
type Posted struct {
	Key
	Attempt int         `json:"attempt"` // from 1
	Status  p835.Status `json:"status"`
	Amounts
	Adjustments []Adjustment `json:"adjustments,omitempty"`
	// Denial is set if the payer allowed nothing: it writes nothing off.
	Denial bool `json:"denial,omitempty"`
	// Undone is set of what a later reversal took back.
	Undone bool      `json:"undone,omitempty"`
	PaidOn civil.Day `json:"paid_on,omitzero"` // when the payer pays
	At     time.Time `json:"at"`               // when it was posted
}

// maxPosted bounds what a claim keeps: a payer that decides so often is asked why.
const maxPosted = 50

// Post returns c after what a remittance says of it, and reports whether it says something new. The
// same again, from whatever file, changes nothing. Whether the remittance is no test, and balances
// as a whole, is asked before (x12.Interchange.Test, p835.Remittance.Imbalances), and its reversals
// are posted before its other claims.
//
// It refuses with fault.Conflict, and posts nothing: what is of no file that the claim was in
// (other_claim), and what does not fit (remittance_suspended), naming every difference. What is
// suspended only because a reversal, or what is reversed, is missing, is posted once that was.
func (c Claim) Post(r *p835.Remittance, p *p835.Claim, now time.Time) (Claim, bool, error) {
	i := c.attempt(func(i int, _ Attempt) bool { return p.ID == c.Control(i+1) })
	if i < 0 {
		return c, false, fault.New(fault.Conflict, "other_claim", "this remittance is of no file that the claim was in")
	}
	next := posted(r, p, c, i, now)
	if known := slices.IndexFunc(c.Posted, func(q Posted) bool { return q.Key == next.Key }); known >= 0 && c.Posted[known].says(next) {
		return c, false, nil
	}
	undoes := -1
	if next.Reversal {
		undoes = c.undone(next)
	}
	if wrong := c.misfits(r, p, next, undoes); len(wrong) > 0 {
		return c, false, fault.New(fault.Conflict, "remittance_suspended", "This does not fit the claim and was not posted. Ask the payer about each difference.", wrong...)
	}
	was := c
	c.Posted = append(slices.Clone(c.Posted), next)
	if undoes >= 0 {
		c.Posted[undoes].Undone = true
	} else if next.PayerControl != "" {
		c.PayerControl = next.PayerControl
	}
	return c.left(i, now).afterPosting(was, next, now), true, nil
}

func (p Posted) says(q Posted) bool { return p.Status == q.Status && p.Amounts == q.Amounts }

// posted is what p says of attempt i of c.
func posted(r *p835.Remittance, p *p835.Claim, c Claim, i int, now time.Time) Posted {
	all := Posted{
		Key:     Key{Payer: r.Payer.ID, Trace: r.Trace, PayerControl: p.PayerControl, Control: p.ID, Reversal: p.Status == p835.Reversal},
		Attempt: i + 1, Status: p.Status, Amounts: Amounts{Charge: p.Charge, Paid: p.Paid}, PaidOn: r.Paid, At: now,
	}
	all.adjust(p.Adjustments, 0)
	for n := range p.Lines {
		all.adjust(p.Lines[n].Adjustments, c.lineOf(i, &p.Lines[n]))
	}
	nothing := all.Paid == 0 && all.Patient == 0 && all.Charge > 0
	all.Denial = p.Status == p835.Denied || p.Status == p835.NotOurClaim || nothing
	return all
}

// adjust adds adjustments of a line, by who bears them.
func (p *Posted) adjust(adjustments []p835.Adjustment, line int) {
	for _, a := range adjustments {
		switch a.Cause {
		case p835.Contractual:
			p.Contractual += a.Amount
		case p835.PatientBears:
			p.Patient += a.Amount
		case p835.Other, p835.PayerInitiated:
			p.Other += a.Amount
		}
		p.Adjustments = append(p.Adjustments, Adjustment{line, a.Cause, a.Reason, a.Amount})
	}
}

// lineOf is the line of attempt i that l is about, from 1: by its control number, else the only one
// of its code, else the only one of its code and charge; 0 if none is. A payer may leave out
// modifiers, so that they are not compared.
func (c Claim) lineOf(i int, l *p835.Line) int {
	lines := c.Attempts[i].Said.Lines
	code := l.Code
	if l.SentCode != "" {
		code = l.SentCode
	}
	for _, same := range []func(n int) bool{
		func(n int) bool { return l.Control == c.LineControl(i+1, n+1) },
		func(n int) bool { return code == lines[n].Code },
		func(n int) bool { return code == lines[n].Code && max(l.Charge, -l.Charge) == lines[n].Charge },
	} {
		found, count := 0, 0
		for n := range lines {
			if same(n) {
				found, count = n+1, count+1
			}
		}
		if count == 1 {
			return found
		}
	}
	return 0
}

// standing is the payer's decision that holds: the last that pays or leaves a share to the
// patient, else the last denial; nil if there is none, or all are undone.
func (c Claim) standing() *Posted {
	var denial *Posted
	for i := len(c.Posted) - 1; i >= 0; i-- {
		switch p := &c.Posted[i]; {
		case p.Undone || p.Reversal:
		case !p.Denial:
			return p
		case denial == nil:
			denial = p
		}
	}
	return denial
}

// undone is the index of what a reversal takes back: of the amounts that it negates, by the
// payer's number first; -1 if there is none.
func (c Claim) undone(r Posted) int {
	fits := func(p Posted) bool { return !p.Reversal && !p.Undone && p.Amounts == r.negated() }
	if i := slices.IndexFunc(c.Posted, func(p Posted) bool { return fits(p) && p.PayerControl == r.PayerControl }); i >= 0 {
		return i
	}
	return slices.IndexFunc(c.Posted, fits)
}

// misfits are why next cannot be posted to c.
func (c Claim) misfits(r *p835.Remittance, p *p835.Claim, next Posted, undoes int) []fault.Problem {
	var all x12.Checks
	a := c.Attempts[next.Attempt-1]
	all.Must(r.Currency == "USD", "currency", "currency", "The remittance is in another currency than US dollars.")
	all.Must(paysTo(r.Payee, a), "payee", "other_practice", "The payer names another practice as paid than the claim does.")
	for _, i := range p.Imbalances() {
		all.Must(false, strings.TrimSuffix(fmt.Sprintf("%s/%d", i.Level, i.Line), "/0"), "unbalanced", i.String())
	}
	all.Must(len(c.Posted) < maxPosted, "claim", "too_often", fmt.Sprintf("Remittances of this claim were posted %d times, which is as often as it can be.", maxPosted))
	all.Must(!slices.ContainsFunc(c.Posted, func(q Posted) bool { return q.Key == next.Key }), "trace", "said_otherwise",
		"The payer says another amount now for what was posted from the same payment.")
	if next.Reversal {
		all.Must(undoes >= 0, "status", "nothing_to_reverse", "The payer takes back what it did not say before, or other amounts than it said: "+next.words()+".")
		return all.Problems
	}
	c.decisionMisfits(&all, a, next)
	return all.Problems
}

// decisionMisfits are those of what is no reversal.
func (c Claim) decisionMisfits(all *x12.Checks, a Attempt, next Posted) {
	all.Must(processed(next.Status), "status", "status", "The payer says neither that it processed the claim nor that it denied it.")
	all.Must(next.Charge == a.Said.Charge(), "charge", "charge", fmt.Sprintf("The claim billed %s and the payer says %s, which differs by %s.", a.Said.Charge(), next.Charge, a.Said.Charge()-next.Charge))
	all.Must(next.Paid >= 0 && next.Patient >= 0 && next.Paid+next.Patient <= next.Charge, "paid", "above_charge",
		"The payer's payment and the patient's share must be nothing or more, and together no more than the charge: "+next.words()+".")
	all.Must(!next.Denial || next.Paid == 0, "status", "denied_and_paid", "The payer denies the claim and pays "+next.Paid.String()+" for it.")
	all.Must(a.Frequency != p837.Void || next.Denial, "status", "void", "The practice took this claim back, and the payer decides on it again.")
	if s := c.standing(); s != nil && !s.Denial && !next.Denial {
		all.Must(false, "status", "not_reversed", "The payer decided on this claim before and has not taken that back: "+s.words()+" stands.")
	}
	all.Must(c.State != Voided, "status", "voided", "The practice took this claim back, and the payer did so too.")
}

func (a Amounts) words() string {
	return fmt.Sprintf("charge %s, paid %s, written off %s, patient %s, other %s", a.Charge, a.Paid, a.Contractual, a.Patient, a.Other)
}

// processed reports whether a status is a decision: as first, second or third payer, also if the
// claim is passed on to another; denied, or not the payer's. By the guide a payer denies only what
// it knows no member for, so that a claim it pays nothing for is processed like others (X12, request
// for interpretation 1423).
func processed(s p835.Status) bool {
	return slices.Contains([]p835.Status{p835.Primary, p835.Secondary, p835.Tertiary, "19", "20", "21", p835.Denied, p835.NotOurClaim}, s)
}

// paysTo reports whether the payee is whom the attempt names as paid, as far as the payer says so by an
// identifier that the attempt has too.
func paysTo(payee p835.Party, a Attempt) bool {
	switch {
	case npi.Valid(payee.ID):
		return payee.ID == a.NPI
	case payee.TaxID != "":
		return payee.TaxID == a.TaxID
	}
	return true
}

// stands is what the payer's decisions make of c; what was heard, if there are none.
func (c Claim) stands() State {
	switch s := c.standing(); {
	case s == nil && len(c.Posted) == 0:
		return c.last().Heard.state()
	case s == nil:
		return Reversed
	case s.Denial:
		return Denied
	}
	return Paid
}

// afterPosting returns c in the state that follows from p, which was posted last; was is c before it.
func (c Claim) afterPosting(was Claim, p Posted, now time.Time) Claim {
	state, last := c.stands(), c.last()
	switch {
	case last.Frequency == p837.Void && last.inFile() && !last.Heard.refused() && c.standing() == nil:
		state = Voided
	case sameDecision(was.standing(), c.standing()): // a denial beside a payment, or one that is taken back
		state = c.State
	case !last.inFile() && last.Frequency == p837.Original: // the payer took after all what was to be sent again
		c.Content = c.Attempts[p.Attempt-1].Said
		c = c.dropUnsent()
	case p.Attempt == c.current()+1 || c.State == Closed || c.State == Rejected:
	case p.Denial || p.Reversal || c.State.Unsent(): // what is under way, or being written, is newer
		state = c.State
	}
	if state != Closed {
		c.Ended = End{}
	}
	if !state.Unsent() {
		c.Problems = nil
	}
	return c.next(state, now)
}

func sameDecision(a, b *Posted) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Key == b.Key
}
