package claim

import (
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/x12/p837"
)

// intoFile returns c in a file that is built at now, by its last attempt, which form writes.
func (c Claim) intoFile(f File, form *p837.Claim, now time.Time) Claim {
	c = c.with(c.current(), func(a *Attempt) {
		a.File, a.Said, a.NPI, a.TaxID = f, c.Content, form.Billing.NPI, form.Billing.TaxID
	})
	return c.next(Batched, now)
}

// MarkSent returns c as sent: the file that it is in left at now. What is known to have been sent,
// also because it was answered, is returned unchanged.
//
// It refuses with fault.Conflict (claim_state) a claim that is in no file.
func (c Claim) MarkSent(now time.Time) (Claim, error) {
	switch a := c.last(); {
	case !a.Sent.IsZero():
		return c, nil
	case !a.inFile():
		return c, c.refuse("mark it as sent")
	}
	c = c.left(c.current(), now)
	if c.State == Batched {
		return c.next(Sent, now), nil
	}
	return c.next(c.State, now), nil // the payer decided on an earlier attempt meanwhile
}

// left returns c with an attempt that is known from now on to have left. It keeps Version and State.
func (c Claim) left(attempt int, now time.Time) Claim {
	if !c.Attempts[attempt].Sent.IsZero() {
		return c
	}
	return c.with(attempt, func(a *Attempt) { a.Sent, a.Discarded = now, false })
}

// Discard returns c ready again, because the file that it is in was thrown away. The next file has
// another control number for it, so that the one thrown away is known if it left all the same.
// A claim whose last file was thrown away is returned unchanged.
//
// It refuses with fault.Conflict a claim that is in no file, or in one that left (claim_state), and
// one that was tried too often (attempts_full).
func (c Claim) Discard(now time.Time) (Claim, error) {
	a := c.last()
	switch n := len(c.Attempts); {
	case c.State.Unsent() && n > 1 && c.Attempts[n-2].Discarded:
		return c, nil
	case !a.inFile() || !a.Sent.IsZero():
		return c, c.refuse("take it out of a file")
	}
	thrown := c.with(c.current(), func(a *Attempt) { a.Discarded = true })
	if c.State != Batched { // the payer decided on an earlier attempt meanwhile
		return thrown.next(c.State, now), nil
	}
	next, err := thrown.try(a.Frequency, a.PayerControl, Ready, now)
	if err != nil {
		return c, err
	}
	return next, nil
}

// try returns c with another attempt, in a state of those before a file.
func (c Claim) try(f p837.Frequency, payerControl string, s State, now time.Time) (Claim, error) {
	if len(c.Attempts) >= maxAttempts {
		return c, fault.New(fault.Conflict, "attempts_full", "this claim was put into as many files as it can be; bill what is left another way, and close it")
	}
	c.Attempts = append(c.Attempts[:len(c.Attempts):len(c.Attempts)], Attempt{Frequency: f, PayerControl: payerControl})
	c.Problems = nil
	return c.next(s, now), nil
}

// Resend returns c held, to be put right and sent again, because it was turned back by who did not
// decide on it: as what it was, an original, a replacement or a void. One that is being put right
// so is returned unchanged.
//
// It refuses with fault.Conflict a claim that was not turned back (claim_state), and one that was
// tried too often (attempts_full).
func (c Claim) Resend(now time.Time) (Claim, error) {
	if b, ok := c.before(); ok && c.Attempts[b].Heard.refused() && c.last().Frequency == c.Attempts[b].Frequency {
		return c, nil
	}
	if c.State != Rejected {
		return c, c.refuse("send it again; what the payer decided on is replaced or voided")
	}
	a := c.last()
	return c.try(a.Frequency, a.PayerControl, Held, now)
}

// Replace returns c held, to be put right and sent in place of what the payer decided on (frequency
// 7). One that is being put right so is returned unchanged.
//
// It refuses with fault.Conflict a claim that the payer did not decide on (claim_state), whose
// number at the payer is not known (payer_control_unknown), or that was tried too often
// (attempts_full).
func (c Claim) Replace(now time.Time) (Claim, error) {
	if c.State.Unsent() && c.last().Frequency == p837.Replacement {
		return c, nil
	}
	if !c.State.decided() {
		return c, c.refuse("replace it; wait for the payer's decision")
	}
	return c.renew(p837.Replacement, now)
}

// Void returns c held, to be taken back as it was sent (frequency 8): it should not have been
// billed. One that is being taken back, or was, is returned unchanged. A claim that no payer
// accepted is closed instead.
//
// It refuses with fault.Conflict as Replace does; what the payer accepted may be voided before the
// payer decides.
func (c Claim) Void(now time.Time) (Claim, error) {
	if c.last().Frequency == p837.Void && (c.State.Unsent() || c.State == Batched || c.State.AwaitsPayer() || c.State == Voided) {
		return c, nil
	}
	if !c.State.decided() && c.State != Accepted {
		return c, c.refuse("void it; what was turned back is sent again, and what no payer accepted is closed")
	}
	next, err := c.renew(p837.Void, now)
	if err != nil {
		return c, err
	}
	next.Content = c.last().Said
	if s := c.standing(); s != nil {
		next.Content = c.Attempts[s.Attempt-1].Said
	}
	return next, nil
}

// renew is an attempt that names what the payer has: by the number with its decision that stands,
// else by the last that it told.
func (c Claim) renew(f p837.Frequency, now time.Time) (Claim, error) {
	of := c.PayerControl
	if s := c.standing(); s != nil && s.PayerControl != "" {
		of = s.PayerControl
	}
	if of == "" {
		return c, fault.New(fault.Conflict, "payer_control_unknown", "the payer's own number of this claim is not known yet; it comes with its acknowledgment or remittance")
	}
	return c.try(f, of, Held, now)
}

// before is the index of the attempt that the one which is in no file yet follows; false if there
// is none.
func (c Claim) before() (int, bool) {
	if !c.State.Unsent() {
		return 0, false
	}
	for i := c.current() - 1; i >= 0; i-- {
		if !c.Attempts[i].Discarded {
			return i, true
		}
	}
	return 0, false
}

// Abandon returns c without the attempt that Resend, Replace or Void began and that is in no file
// yet: the claim says and stands again as before. A claim without one is returned unchanged.
func (c Claim) Abandon(now time.Time) Claim {
	before, ok := c.before()
	if !ok {
		return c
	}
	c.Content = c.Attempts[before].Said
	c = c.dropUnsent()
	if c.Attempts[before].Heard.refused() {
		return c.next(c.undecided(), now)
	}
	return c.next(c.stands(), now)
}

// dropUnsent returns c without its last attempt, which is in no file: its control number was never
// used.
func (c Claim) dropUnsent() Claim {
	c.Attempts = c.Attempts[: len(c.Attempts)-1 : len(c.Attempts)-1]
	c.Problems, c.Confirmed = nil, nil
	return c
}

// Appeal returns c as objected to by the practice. An appealed claim is returned unchanged.
//
// It refuses with fault.Conflict (claim_state) a claim that the payer did not decide on.
func (c Claim) Appeal(now time.Time) (Claim, error) {
	switch {
	case c.State == Appealed:
		return c, nil
	case c.State != Paid && c.State != Denied:
		return c, c.refuse("appeal it")
	}
	return c.next(Appealed, now), nil
}

// Close returns c closed by a person of the practice: Settled, WrittenOff or Withdrawn. What the
// payer did not allow is then written off, but for the patient's share. A claim that is closed for
// the same reason is returned unchanged.
//
// It refuses with fault.Conflict a claim that is in a file or has ended (claim_state), and one that
// is being replaced or voided (claim_decided; Abandon that first), and with fault.Invalid another
// reason.
func (c Claim) Close(why Why, by string, now time.Time) (Claim, error) {
	switch {
	case why != Settled && why != WrittenOff && why != Withdrawn:
		return c, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
			fault.Problem{Where: "why", Code: "oneof", Text: "Choose one of settled, written_off and withdrawn."})
	case c.State == Closed && c.Ended.Why == why:
		return c, nil
	case c.State == Closed || c.State == Voided || c.State == Batched:
		return c, c.refuse("close it")
	}
	return c.end(End{Why: why, By: by}, now)
}
