package membership

import (
	"fmt"
	"slices"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A Reason is why a practice ends a membership. It is of this list alone, so that neither the letter
// about it nor the trail has a word of health.
type Reason string

// The reasons.
const (
	OnRequest    Reason = "on_request"
	OutOfReach   Reason = "out_of_reach"
	CareEnded    Reason = "care_ended"
	Discontinued Reason = "discontinued"
	InError      Reason = "in_error"
)

// Reasons are all of them.
var Reasons = []Reason{OnRequest, OutOfReach, CareEnded, Discontinued, InError}

// reasonTexts are what is written to the payer.
var reasonTexts = map[Reason]string{
	OnRequest:    "You asked the practice for that.",
	OutOfReach:   "You live where the practice may not treat patients.",
	CareEnded:    "The practice ends its care for you; if it has not told you why, ask it.",
	Discontinued: "The practice gives up the membership.",
	InError:      "It was begun by mistake.",
}

// Text tells the reason to the payer; empty if it is none.
func (r Reason) Text() string { return reasonTexts[r] }

// check returns nil if r is one of Reasons.
func (r Reason) check() error {
	var all problems
	all.must(slices.Contains(Reasons, r), "/reason", "option", "Say why the membership ends.")
	return all.err()
}

// Reason is why the practice ended m, or has it end with its year; empty if it did not, or because its
// offer is closed.
func (m Membership) Reason() Reason {
	switch {
	case m.State == Ended && m.Ended.Why != ByPractice:
		return ""
	case m.State == Ended && m.Decided.Reason != "":
		return m.Decided.Reason
	case m.closing():
		return m.Notice.Reason
	}
	return ""
}

// Closes reports whether it was said since m stood as was that m ends with its year.
func (m Membership) Closes(was Membership) bool {
	return m.closing() && !m.Notice.At.Equal(was.Notice.At)
}

// EndWithYear returns m as its practice has it end with the year that runs, for a reason. Its visits
// stay included until then, and who pays is told by the Letter and cannot resume it. One that ends
// so for the same reason is unchanged.
//
// Errors: fault.Invalid for a reason that is none; fault.Conflict if m awaits its first payment
// (membership_pending), has ended (membership_ended), or its renewal is not paid (membership_unpaid),
// so that there is no paid year to wait for.
func (m Membership) EndWithYear(why Reason, now time.Time) (Membership, error) {
	if err := why.check(); err != nil {
		return Membership{}, err
	}
	switch {
	case m.State == PastDue:
		return Membership{}, fault.New(fault.Conflict, "membership_unpaid", "The year is not paid. End the membership at once.")
	case m.closing() && m.Notice.Reason == why: // also once the year is over, before its end is reported
		return m, nil
	}
	if err := m.running(now); err != nil {
		return Membership{}, err
	}
	m.Terms = m.TermsAt(now)
	m.Notice = Notice{Renews: m.Standing.End, Terms: m.Terms, Closing: true, Reason: why, At: now}
	m.ask(CancelAtEnd)
	return m.next(), nil
}

// Ending returns what the payer has back if the practice ends m now: what was paid for the days that are left
// at least. Used is as of EndNow.
func (m Membership) Ending(used int, zone *time.Location, now time.Time) Refund {
	if m.Standing.Withdrawn > 0 {
		return Refund{Basis: NothingPaid, Text: "The payer's bank has taken the payment back. What it gives the practice again is refunded for the days that are left."}
	}
	return m.RefundFor(ByPractice, used, zone, now)
}

// EndByPractice returns m as its practice ends it now, for a reason; the payer has back the amount that was
// shown. A membership that the practice ended before is unchanged.
//
// Errors: fault.Invalid for a reason that is none; fault.Conflict if m awaits its first payment
// (membership_pending) or ended for another reason (membership_ended), or if the amount is not
// the one that was shown (refund_replaced), because a day began or a visit was used meanwhile.
func (m Membership) EndByPractice(why Reason, shown money.Cents, used int, zone *time.Location, now time.Time) (Membership, error) {
	if err := why.check(); err != nil {
		return Membership{}, err
	}
	switch m.State {
	case Ended:
		return m.endedFor(ByPractice)
	case Pending:
		return Membership{}, fault.New(fault.Conflict, "membership_pending", "This membership begins when its first payment is made. Until then there is nothing to end.")
	case Active, PastDue:
	}
	if back := m.Ending(used, zone, now).Amount; back != shown {
		return Membership{}, refundReplaced(back)
	}
	next, err := m.EndNow(ByPractice, used, zone, now)
	next.Decided.Reason = why
	return next, err
}

// closingText says to who pays that m ends with its year, the last day of which is given.
func (n Notice) closingText(last string) string {
	if n.Reason == "" {
		return fmt.Sprintf("The practice does not offer this membership any more. You have it until %s; it is not renewed, and nothing more is charged for it.", last)
	}
	return fmt.Sprintf("The practice ends your membership with its year. %s You have it until %s; it is not renewed, and nothing more is charged for it.", n.Reason.Text(), last)
}
