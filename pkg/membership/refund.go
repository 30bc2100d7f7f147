package membership

import (
	"fmt"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/money"
)

// A Later is what is refunded of a membership that ends at once, when not all is.
type Later string

// What is refunded.
const (
	None     Later = ""       // nothing: the member had better cancel at the end of the year
	ByMonths Later = "months" // the months that have not begun
	ByDays   Later = "days"   // the days that are left
)

// Laters are all of them.
var Laters = []Later{None, ByMonths, ByDays}

// A RefundRule is a practice's rule for a payer who ends a membership at once. The zero rule refunds
// nothing.
type RefundRule struct {
	// Full is how many days after the first one of a year all is refunded, if no included visit
	// was used in it; 0: at no time.
	Full  int   `json:"full_days,omitempty"`
	Later Later `json:"later,omitempty"`
}

// Text tells the rule to members.
func (r RefundRule) Text() string {
	later := "nothing is refunded"
	switch r.Later {
	case None:
	case ByMonths:
		later = "the months that have not begun are refunded"
	case ByDays:
		later = "the days that are left are refunded"
	}
	if r.Full == 0 {
		return "If you end the membership at once, " + later + "."
	}
	return fmt.Sprintf("If you end the membership at once within %s after the first day of a year, and used no included visit in it, all you paid for the year is refunded; else %s.", days(r.Full), later)
}

// A Basis is the rule by which an amount is refunded.
type Basis string

// The bases.
const (
	NothingPaid   Basis = "nothing_paid" // or all of it is refunded already
	NotRefunded   Basis = "not_refunded" // by the practice's rule
	InFull        Basis = "in_full"
	UnusedMonths  Basis = "unused_months"
	UnusedDays    Basis = "unused_days"
	LessWasPaid   Basis = "less_was_paid" // all that is left of what was paid, which is less than the rule gives
	MedicareBegan Basis = "medicare"      // the days from Medicare's first on
)

// A Refund is what is refunded of a year's payments, and why.
type Refund struct {
	Amount money.Cents `json:"amount"`
	Basis  Basis       `json:"basis"`
	Text   string      `json:"text"` // for the member
}

// RefundFor returns what is refunded if m ends at once now. Used is how many included visits of the
// year were used, by all members. If the practice ends it (ByPractice), the days that are left are
// refunded at least, whatever its rule. It is never more than what was paid for the year, less what
// was refunded or is decided to be.
func (m Membership) RefundFor(why Why, used int, zone *time.Location, now time.Time) Refund {
	left := m.Standing.Paid - m.given()
	if m.State == Pending || m.State == Ended || left <= 0 || !now.Before(m.Standing.End) {
		return Refund{Basis: NothingPaid, Text: "Nothing was paid for this year that is not refunded already."}
	}
	rule := m.TermsAt(m.Standing.Start).Refund
	today := civil.Of(now, zone)
	first, _ := m.Standing.Days(zone)
	if since := today.Since(first); used == 0 && rule.Full > 0 && since <= rule.Full {
		return Refund{
			Amount: left, Basis: InFull,
			Text: fmt.Sprintf("It is at most %s after the first day of the year, and no included visit was used in it, so all that you paid for it is refunded: %s.", days(rule.Full), left),
		}
	}
	best := m.byRule(rule.Later, today, zone)
	if byDays := m.byRule(ByDays, today, zone); why == ByPractice && byDays.Amount > best.Amount {
		best = byDays
	}
	return best.atMost(left)
}

// byRule returns what is refunded of the year's price from today on.
func (m Membership) byRule(later Later, today civil.Day, zone *time.Location) Refund {
	price := m.TermsAt(m.Standing.Start).Yearly(len(m.places()))
	switch later {
	case ByMonths:
		left := m.Standing.months(today, zone)
		amount := price - share(price, 12-left, 12)
		return Refund{amount, UnusedMonths, fmt.Sprintf("Of the 12 months of the year %s; a month that has begun counts as used. Of %s a year, %s is refunded.", notBegun(left), price, amount)}
	case ByDays:
		part := m.Standing.refunded(price, today, zone)
		return Refund{part.Amount, UnusedDays, "The days that are left are refunded. " + part.Text()}
	case None:
	}
	return Refund{Basis: NotRefunded, Text: "This practice refunds nothing if a membership ends at once. Cancel it at the end of the year instead: visits are included until then."}
}

func notBegun(n int) string {
	if n == 1 {
		return "1 month has not begun"
	}
	return months(n) + " have not begun"
}

// atMost returns r, but no more than is left of what was paid.
func (r Refund) atMost(left money.Cents) Refund {
	if r.Amount <= left {
		return r
	}
	return Refund{Amount: left, Basis: LessWasPaid, Text: fmt.Sprintf("%s is left of what you paid for the year, and all of it is refunded.", left)}
}
