package notify

import (
	"strings"

	"evisit/pkg/billing"
)

// isRefunded reports whether money of the payment is refunded, and what a person asked for
// last has not come to nothing.
func isRefunded(f facts) bool {
	return f.payment.Refunded > 0 && f.payment.Asked.Stage != billing.RefundUndone
}

// refundBody says to the patient what a person of the practice had refunded of p, why, and
// what stays paid. While another refund is on its way it says the sums alone: the letter of
// that one says its reason.
func refundBody(p billing.Payment) string {
	body := "The practice refunds a part of your payment."
	if p.Asked.Stage == billing.RefundMade {
		body = "The practice refunds {refund} of your payment; the reason it gave: {reason}."
	}
	body += " In all {refunded} of the {collected} that you were charged is refunded, and {left} stays paid. Your bank may take some days to show it.\n\n{link}"
	return strings.NewReplacer(
		"{refund}", p.Asked.Amount.String(), "{reason}", p.Asked.Reason.Text(), "{refunded}", p.Refunded.String(),
		"{collected}", p.Collected.String(), "{left}", (p.Collected - p.Refunded - p.Withdrawn).String(),
	).Replace(body)
}
