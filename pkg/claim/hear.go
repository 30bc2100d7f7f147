package claim

import (
	"slices"
	"time"

	"evisit/pkg/x12/ack"
	"evisit/pkg/x12/p837"
)

// A Stage is how far an attempt came by what was heard of it. The empty Stage is that nothing was.
type Stage string

// The stages. A later one is never undone by an earlier.
const (
	FileTaken   Stage = "file_taken"   // TA1: the file is whole
	FileRefused Stage = "file_refused" // TA1
	FormTaken   Stage = "form_taken"   // 999: the receiver can read it
	FormRefused Stage = "form_refused" // 999
	Waiting     Stage = "waiting"      // 277CA: received or passed on
	Taken       Stage = "taken"        // 277CA: the payer will decide on it
	TurnedBack  Stage = "turned_back"  // 277CA: also by a payer to whom the receiver had passed it
)

// stages are all, the earliest first. A refusal comes after the acceptance of the same step: a
// file that is sent twice is refused the second time and goes on the first, and a payer may turn
// back what a clearinghouse took.
var stages = []Stage{"", FileTaken, FileRefused, FormTaken, FormRefused, Waiting, Taken, TurnedBack}

func (s Stage) after(t Stage) bool { return slices.Index(stages, s) > slices.Index(stages, t) }

func (s Stage) refused() bool { return s == FileRefused || s == FormRefused || s == TurnedBack }

// state is what an attempt that came to s is.
func (s Stage) state() State {
	switch s {
	case FormTaken, Waiting:
		return Received
	case Taken:
		return Accepted
	case FileRefused, FormRefused, TurnedBack:
		return Rejected
	case FileTaken, "":
	}
	return Sent
}

// An Effect is what an answer changed.
type Effect string

// The effects.
const (
	Advanced      Effect = "advanced"
	Known         Effect = "known"          // it says what was heard before
	Late          Effect = "late"           // more is known already
	OtherAttempt  Effect = "other_attempt"  // of an attempt that another has followed, or that was thrown away
	OtherClaim    Effect = "other_claim"    // it is about no file that the claim was in
	NotUnderstood Effect = "not_understood" // it says neither that the claim was taken nor that it was not
)

// HearFile returns c after what a TA1 says of the file that it is in. Numbers of files and groups
// are unique for one submitter: who hears asks the claims of the one that was answered.
func (c Claim) HearFile(a *ack.Interchange, now time.Time) (Claim, Effect) {
	i := c.attempt(func(_ int, t Attempt) bool { return t.File.Interchange == a.Control })
	if a.Verdict.Took() {
		return c.hear(i, FileTaken, nil, now)
	}
	return c.hear(i, FileRefused, []Problem{refusedFile(a)}, now)
}

// HearGroup returns c after what a 999 says of the group and transaction that it is in. A
// transaction that it does not name was accepted, unless the group was rejected.
func (c Claim) HearGroup(g *ack.Group, now time.Time) (Claim, Effect) {
	i := c.attempt(func(_ int, t Attempt) bool { return t.File.Group == g.Control })
	if i < 0 || g.Kind != groupKind {
		return c, OtherClaim
	}
	set := ack.Set{Verdict: g.Verdict}
	if named := slices.IndexFunc(g.Sets, func(s ack.Set) bool { return s.Control == c.Attempts[i].File.Set }); named >= 0 {
		set = g.Sets[named]
	} else if g.Verdict == ack.PartlyAccepted {
		set.Verdict = ack.Accepted
	}
	whole := g.Verdict.Took() || g.Verdict == ack.PartlyAccepted
	if whole && set.Verdict.Took() {
		return c.hear(i, FormTaken, nil, now)
	}
	return c.hear(i, FormRefused, refusedForm(set, c.Control(i+1)), now)
}

// groupKind is GS01 of claims.
const groupKind = "HC"

// HearReport returns c after what a 277CA says of it. What is said of a whole batch or of all
// claims of a provider tells that the claim was received, or that all of them were turned back.
func (c Claim) HearReport(r *ack.Report, now time.Time) (Claim, Effect) {
	i := c.attempt(func(i int, t Attempt) bool {
		switch r.Level {
		case ack.BatchLevel:
			return r.Reference == t.File.Reference
		case ack.ProviderLevel:
			return r.Batch == t.File.Reference && r.NPI == t.NPI
		case ack.ClaimLevel:
			return r.Reference == c.Control(i+1)
		}
		return false
	})
	said := r.Outcome()
	if r.Level != ack.ClaimLevel && (said == ack.Taken || said == ack.TurnedBack && r.Accepted > 0) {
		said = ack.Waiting // each claim has an answer of its own
	}
	switch said {
	case ack.Waiting:
		return c.hear(i, Waiting, nil, now)
	case ack.Taken:
		return c.withPayerControl(i, r.PayerControl).hear(i, Taken, nil, now)
	case ack.TurnedBack:
		return c.hear(i, TurnedBack, turnedBack(r), now)
	case ack.NotUnderstood:
	}
	if i < 0 {
		return c, OtherClaim
	}
	return c, NotUnderstood
}

// hear returns c whose attempt with that index came to s at now, for the problems that are told.
func (c Claim) hear(attempt int, s Stage, told []Problem, now time.Time) (Claim, Effect) {
	switch {
	case attempt < 0:
		return c, OtherClaim
	case attempt != c.current():
		return c, OtherAttempt
	case c.last().Heard == s:
		return c, Known
	case !s.after(c.last().Heard), !c.State.hears():
		return c, Late
	}
	c = c.left(attempt, now).with(attempt, func(a *Attempt) { a.Heard, a.HeardAt = s, now })
	if c.Problems = nil; c.undecided() == Rejected {
		c.Problems = told
	}
	return c.next(c.undecided(), now), Advanced
}

// undecided is what was heard of the attempt that counts. If an original was turned back and the
// payer decided on another attempt of it, which had been thrown away and left all the same, that
// decision stands, and there is nothing to send again.
func (c Claim) undecided() State {
	a := c.last()
	if a.Heard.refused() && a.Frequency == p837.Original && c.standing() != nil {
		return c.stands()
	}
	return a.Heard.state()
}

// hears reports whether an acknowledgment can still change a claim in s: the payer has not decided
// on it.
func (s State) hears() bool {
	return s == Batched || s == Sent || s == Received || s == Accepted || s == Rejected
}

// withPayerControl returns c with the payer's number of the claim, if the attempt is the last one.
func (c Claim) withPayerControl(attempt int, number string) Claim {
	if attempt == c.current() && number != "" && c.State.hears() && Taken.after(c.last().Heard) {
		c.PayerControl = number
	}
	return c
}
