package membership

import "fmt"

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
