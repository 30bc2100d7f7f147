package membership

import (
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// Leaving returns what m's payer is given back if they end it at once, now, and why; without an
// amount there is nothing, and m had better be cancelled at the end of its year. Used is as of EndNow.
func (m Membership) Leaving(used int, zone *time.Location, now time.Time) Refund {
	if m.State != Active && m.State != PastDue || m.Standing.Withdrawn > 0 { // the bank has the money
		return Refund{}
	}
	return m.RefundFor(Cancelled, used, zone, now)
}

// Leave returns m ended at once by its payer, who was shown that so much is given back. One that they
// ended before is unchanged.
//
// Errors: fault.Conflict if it awaits its first payment (membership_pending) or ended for another
// reason (membership_ended), if nothing would be given back (nothing_refunded), or another amount than
// was shown (refund_replaced), because a day began or a visit was used meanwhile.
func (m Membership) Leave(shown money.Cents, used int, zone *time.Location, now time.Time) (Membership, error) {
	if err := m.CheckCancel(); err != nil || m.State == Ended {
		return m, err
	}
	switch back := m.Leaving(used, zone, now); {
	case back.Amount == 0:
		return Membership{}, fault.New(fault.Conflict, "nothing_refunded", "Nothing would be refunded now, so it does not end at once. Cancel it instead: visits are included until its year ends.")
	case back.Amount != shown:
		return Membership{}, refundReplaced(back.Amount)
	}
	return m.EndNow(Cancelled, used, zone, now)
}

func refundReplaced(back money.Cents) error {
	return fault.New(fault.Conflict, "refund_replaced", "What is refunded has changed since it was shown: it is "+back.String()+" now. End the membership if you agree.")
}

// Carries reports whether Stripe is to be asked for something of m that it was not to be asked for
// when m stood as was: to end or renew the subscription, to charge another price for the next year, or
// to give money back.
func (m Membership) Carries(was Membership, now time.Time) bool {
	turned := m.Wanted() != was.Wanted() || m.Turn != was.Turn
	switch {
	case m.Subscription == "":
		return false
	case m.Wanted() != Nothing && turned:
		return true
	case m.Mispriced(now) && (turned || !was.Mispriced(now)):
		return true
	}
	return m.Owed() > 0 && m.Owed() != was.Owed()
}
