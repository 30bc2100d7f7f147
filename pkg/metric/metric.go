// Package metric names what is counted of the running system. A count is an
// attribute of a line of the log; in Lambda, package setup makes such a line one
// that CloudWatch reads metrics from.
package metric

import "log/slog"

// A Name is the name of a metric, the same in the log and in CloudWatch.
type Name string

const (
	Held         Name = "Held"         // card holds placed
	Captured     Name = "Captured"     // fees collected, out of a hold or by a pay link
	Released     Name = "Released"     // holds released, by us or by Stripe
	Refunded     Name = "Refunded"     // refunds, in part or of all
	RefundFailed Name = "RefundFailed" // refunds that came back
	// CaptureFailed counts answers whose fee was not collected.
	CaptureFailed Name = "CaptureFailed"
	Late          Name = "Late"    // requests whose promised time passed
	Expired       Name = "Expired" // requests that ended unanswered
	Parked        Name = "Parked"  // events given up
	// BadSignature counts webhooks that are not signed for us, or too old.
	BadSignature Name = "BadSignature"
)

// A Count is the value of a metric in one line of the log.
type Count int

// Of returns the attribute that counts n more of the metric.
func (m Name) Of(n int) slog.Attr { return slog.Any(string(m), Count(n)) }
