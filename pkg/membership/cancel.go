package membership

import (
	"fmt"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// An Ask is what Stripe is to be asked to do with a subscription.
type Ask string

// What is asked.
const (
	Nothing     Ask = ""
	CancelAtEnd Ask = "cancel_at_end" // not to renew it
	Keep        Ask = "keep"          // to renew it after all
	CancelNow   Ask = "cancel_now"
)

// Renews reports whether m goes on after its year: as was asked here last, and else as Stripe has it
// (cancel_at_period_end, billing rules §5.12). An offer that is closed is not renewed, nor is one that
// Medicare keeps everybody from.
func (m Membership) Renews() bool {
	switch {
	case m.State != Active && m.State != PastDue || m.closing() || m.barsRenewal():
		return false
	case m.Asked == CancelAtEnd:
		return false
	case m.Asked == Keep:
		return true
	}
	return !m.Standing.CancelAtEnd
}

// announced reports whether the end of the year that runs was announced.
func (m Membership) announced() bool { return m.Notice.Renews.Equal(m.Standing.End) }

// closing reports whether the payer was told that m ends with the year that runs.
func (m Membership) closing() bool { return m.Notice.Closing && m.announced() }

// Wanted is what Stripe is to be asked now. An event that was put for it before may be outdated.
func (m Membership) Wanted() Ask {
	switch {
	case m.State == Ended && !m.Standing.final():
		return CancelNow
	case m.State == Ended || m.Asked == CancelNow: // paid after all
		return Nothing
	}
	return m.Asked
}

// Cancel returns m as its payer, or the practice, cancels it. A paid one ends with its year, whose
// visits stay included; one for whose year nothing was paid ends at once, and nothing is owed for it.
// One that is cancelled or has ended is unchanged.
func (m Membership) Cancel(now time.Time) Membership {
	switch {
	case m.State == Pending || m.State == PastDue && m.Standing.Paid == 0:
		return m.end(End{At: now, Why: Cancelled})
	case m.Renews():
		m.ask(CancelAtEnd)
		return m.next()
	}
	return m
}

// Resume returns m as it goes on after its year although it was cancelled. One that goes on anyway
// is unchanged; one that has ended is refused with fault.Conflict (membership_ended), and one that
// Medicare keeps everybody from with medicare_member.
func (m Membership) Resume(now time.Time) (Membership, error) {
	if err := m.running(now); err != nil {
		return Membership{}, err
	}
	if m.closing() {
		return Membership{}, fault.New(fault.Conflict, "offer_closed", "The practice does not renew this membership. You have it until its year ends.")
	}
	if m.barsRenewal() {
		return Membership{}, fault.New(fault.Conflict, "medicare_member", medicareText)
	}
	if m.Renews() {
		return m, nil
	}
	m.ask(Keep)
	return m.next(), nil
}

// ask has Stripe asked whether m is renewed, in a turn of its own.
func (m *Membership) ask(a Ask) {
	m.Asked = a
	m.Turn++
}

// asks reports whether Stripe has not confirmed whether m is renewed.
func (m Membership) asks() bool { return m.Asked == CancelAtEnd || m.Asked == Keep }

// AskAgain returns m with the same asked of Stripe in another turn: the call of this one was accepted,
// and an older one that arrived after it holds there. An m of which nothing is asked is unchanged.
func (m Membership) AskAgain() Membership {
	if !m.asks() {
		return m
	}
	m.ask(m.Asked)
	return m.next()
}

// followTurn takes from the Standing that m has now, after was, whether m is renewed. What Stripe did in
// m's turn is confirmed, and what its payer changes at Stripe after that is theirs. A standing of
// another turn is of a call that arrived late: what m said before it is asked again. An offer that is
// closed, or that Medicare keeps everybody from, is asked to end again if somebody resumed it at Stripe.
func (m *Membership) followTurn(was Standing) {
	current := m.Standing.Turn == m.Turn
	switch {
	case m.State != Active && m.State != PastDue:
		return
	case m.asks() && m.Turn > 0 && current:
		m.Asked = Nothing
	case !m.asks() && !current && was.CancelAtEnd:
		m.ask(CancelAtEnd)
	case !m.asks() && !current:
		m.ask(Keep)
	}
	if (m.closing() || m.barsRenewal()) && !m.asks() && !m.Standing.CancelAtEnd {
		m.ask(CancelAtEnd)
	}
}

// Carried returns m after Stripe did what was asked, and replied with o. Until then what was asked
// counts, and from then on what Stripe reports: a member may cancel and resume there too. If
// something else was asked meanwhile, or Stripe has another turn than m, that is still to be done.
func (m Membership) Carried(asked Ask, o Observation) (Membership, error) {
	next, err := m.Observe(o)
	if err != nil {
		return Membership{}, err
	}
	if asked == Nothing || next.Asked != asked || asked != CancelNow && o.Turn != next.Turn {
		return next, nil
	}
	next.Asked = Nothing
	next.Version = m.Version
	return next.next(), nil
}

// CheckCancel returns nil if m's payer can cancel it, or has. It refuses, with fault.Conflict, one that
// awaits its first payment (membership_pending), which nobody has to cancel: the page for it closes by
// itself; and one that ended for another reason (membership_ended).
func (m Membership) CheckCancel() error {
	switch {
	case m.State == Pending:
		return fault.New(fault.Conflict, "membership_pending", "This membership begins when its first payment is made. If you do not want it, do not pay: its page closes by itself, and nothing is charged.")
	case m.State == Ended && m.Ended.Why != Cancelled:
		return errEnded()
	}
	return nil
}

// Cancels reports whether there is something for m's payer to Cancel.
func (m Membership) Cancels() bool { return m.Renews() || m.State == PastDue && m.Standing.Paid == 0 }

// Resumes reports whether m's payer cancelled it, and can Resume it.
func (m Membership) Resumes(now time.Time) bool {
	return m.State == Active && !m.Renews() && !m.closing() && !m.barsRenewal() && now.Before(m.Standing.End)
}

// Turned reports what was said of the renewal since m stood as was: that it is not renewed any more, or
// is after all. What its payer is told otherwise, that it ended, was renewed or is not offered any more,
// is neither.
func (m Membership) Turned(was Membership) (cancelled, resumed bool) {
	paid := func(o Membership) bool { return o.State == Active || o.State == PastDue }
	if !paid(m) || !paid(was) || m.closing() || !m.Standing.Start.Equal(was.Standing.Start) {
		return false, false
	}
	return was.Renews() && !m.Renews(), !was.Renews() && m.Renews()
}

// Abandoned returns m ended because the page for its first payment expired, and no subscription was
// made. One that has a subscription, or has ended, is unchanged.
func (m Membership) Abandoned(now time.Time) Membership {
	if m.State != Pending || m.Subscription != "" {
		return m
	}
	return m.end(End{At: now, Why: NeverPaid})
}

// EndNow returns m ended at once, by its payer (Cancelled) or by the practice (ByPractice), with what
// is then refunded, as RefundFor has it (story 15). Used is how many included visits of the year were
// used, by all members. One that ended for the same reason is unchanged; one that ended for another
// is refused with fault.Conflict (membership_ended).
func (m Membership) EndNow(why Why, used int, zone *time.Location, now time.Time) (Membership, error) {
	if why != Cancelled && why != ByPractice {
		return Membership{}, fmt.Errorf("membership %s: nobody ends it as %s", m.ID, why)
	}
	if m.State == Ended {
		return m.endedFor(why)
	}
	refund := m.RefundFor(why, used, zone, now).Amount
	return m.refund(refund).end(End{At: now, Why: why}), nil
}

// EndUnpaid returns m ended because a payment failed and the grace is over. If something was paid for
// the year, such as before a member was added, its unused days are refunded. It refuses one that is
// paid, or whose grace runs, with fault.Conflict (not_unpaid), and does as EndNow with one that has
// ended.
func (m Membership) EndUnpaid(zone *time.Location, now time.Time) (Membership, error) {
	if m.State == Ended {
		return m.endedFor(Unpaid)
	}
	if m.State != PastDue || now.Before(m.GraceEnds(zone)) {
		return Membership{}, fault.New(fault.Conflict, "not_unpaid", "This membership is paid, or its time to pay is not over.")
	}
	unused := m.Standing.refunded(m.Standing.Paid-m.given(), civil.Of(now, zone), zone)
	return m.refund(unused.Amount).end(End{At: now, Why: Unpaid}), nil
}

// endedFor returns m, which has ended, if it was for that reason.
func (m Membership) endedFor(why Why) (Membership, error) {
	if m.Ended.Why == why {
		return m, nil
	}
	return Membership{}, fault.New(fault.Conflict, "membership_ended", "This membership has ended already, for another reason.")
}

// end returns m as it was decided to end. Stripe is asked to cancel, though it may have reported no
// subscription yet: a page that is open can still be paid.
func (m Membership) end(e End) Membership {
	m.Decided = Decision{End: e, Year: m.Standing.Start, Paid: m.Standing.Paid}
	m.Asked = CancelNow
	return m.next()
}

// refund returns m with so much more of the year's payments to be refunded.
func (m Membership) refund(amount money.Cents) Membership {
	if amount > 0 {
		m.Back = Back{Year: m.Standing.Start, Amount: m.given() + amount}
	}
	return m
}

// given is what of the year's payments was refunded, or decided to be.
func (m Membership) given() money.Cents {
	if m.Back.Year.Equal(m.Standing.Start) {
		return max(m.Back.Amount, m.Standing.Refunded)
	}
	return m.Standing.Refunded
}

// Owed is what is still to be refunded at Stripe now: what was decided and is not refunded there,
// and whatever was paid after the end. It is never above what was paid less what was refunded, by
// whomever, so that two refunds at once do not pay twice, and less what disputes have, which the
// payer's bank gave them.
func (m Membership) Owed() money.Cents {
	s := m.Standing
	owed := m.given()
	if m.State == Ended && !m.Decided.IsZero() {
		if !s.Start.Equal(m.Decided.Year) {
			return s.Paid - s.back()
		}
		owed += max(s.Paid-m.Decided.Paid, 0)
	}
	return max(min(owed, s.Paid)-s.back(), 0)
}
