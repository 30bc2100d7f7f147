package claim

import (
	"time"

	"evisit/pkg/x12/p837"
)

// A Wait is what a claim waits for.
type Wait string

// The waits.
const (
	NoWait        Wait = ""
	ForRelease    Wait = "release"    // its embargo ends: Review
	ForFiling     Wait = "filing"     // the payer's deadline is near, and the claim is not out
	ForReceipt    Wait = "receipt"    // a 999 or 277CA is missing
	ForAcceptance Wait = "acceptance" // a 277CA that the payer took it is missing
	ForRemittance Wait = "remittance" // the payer's decision is missing
)

// How long is waited. Receivers acknowledge within two working days as a rule, and payers decide
// within 30 to 45 days (prompt-payment laws of the states, 42 USC 1395u(c)(2) for Medicare; verify).
const (
	nearFiling     = 14 // days before the deadline
	receiptTime    = 2 * 24 * time.Hour
	acceptanceTime = 5 * 24 * time.Hour
	remittanceTime = 45 * 24 * time.Hour
)

// NextDue returns when somebody is to look at c if nothing is heard until then, and for what; zero
// and NoWait if never. A missing answer is no rejection. zone is the practice's.
func (c Claim) NextDue(zone *time.Location) (time.Time, Wait) {
	a := c.last()
	switch c.State {
	case Embargoed:
		return c.Release, ForRelease
	case Held, Ready, Batched, Rejected:
		if a.Frequency == p837.Original && !c.FileBy.IsZero() {
			return c.FileBy.AddDays(-nearFiling).Start(zone), ForFiling
		}
	case Sent:
		return a.Sent.Add(receiptTime), ForReceipt
	case Received:
		return a.Sent.Add(acceptanceTime), ForAcceptance
	case Accepted:
		return a.HeardAt.Add(remittanceTime), ForRemittance
	case Reversed, Appealed:
		return c.Changed.Add(remittanceTime), ForRemittance
	case Paid, Denied, Voided, Closed:
	}
	return time.Time{}, NoWait
}
