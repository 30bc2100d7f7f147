package billing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
	"unicode/utf8"

	"evisit/pkg/fault"
)

// Evidence is what a practice tells a cardholder's bank about a disputed charge, in the
// fields that Stripe has for it. It has no word of health (billing rules §5.11).
type Evidence struct {
	Product  string `json:"product"`           // what was sold
	Service  string `json:"service,omitempty"` // the day of the service; empty: there was none
	Activity string `json:"activity"`          // what the patient did and accepted, and when
	Policy   string `json:"policy"`            // when a card is charged, and what is refunded
	Text     string `json:"text"`              // the rest: numbers and sums
}

// maxEvidence is how many characters Stripe takes of all evidence of a dispute.
const maxEvidence = 150_000

// Check refuses evidence that Stripe would not take.
func (e Evidence) Check() error {
	size := 0
	for _, s := range []string{e.Product, e.Service, e.Activity, e.Policy, e.Text} {
		size += utf8.RuneCountInString(s)
	}
	if size == 0 || size > maxEvidence {
		return fault.New(fault.Invalid, "evidence_too_long", "there is no evidence, or more than the 150,000 characters that Stripe takes; answer the bank at Stripe")
	}
	return nil
}

// Hash names e, so that what is submitted is what was shown.
func (e Evidence) Hash() string {
	b, _ := json.Marshal(e) // of strings alone, it cannot fail
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// A Decision is what a practice decided about a dispute, once for each stage.
type Decision string

const (
	Undecided Decision = ""
	Answering Decision = "answer" // evidence is submitted
	Accepting Decision = "accept" // the dispute is given up, and lost
)

// Why a dispute cannot be decided on.
var (
	errNoDispute      = fault.New(fault.Conflict, "no_dispute", "no dispute of this charge awaits an answer")
	errDisputePastDue = fault.New(fault.Conflict, "dispute_past_due", "the time in which the bank takes an answer is over")
	errDecided        = fault.New(fault.Conflict, "dispute_decided", "this dispute was decided on in another way, or with other evidence; reload it to see how")
	errInquiry        = fault.New(fault.Conflict, "inquiry_not_accepted", "an inquiry takes no money and cannot be accepted; refund the charge instead, or answer it")
)

// Decide returns p with its dispute to be answered or accepted. The same decision again
// changes nothing; another is refused, as is one about a dispute that cannot be answered.
// shown is the Hash of the evidence that is submitted, empty of an accepted dispute.
func (p Payment) Decide(to Decision, shown string, now time.Time) (Payment, error) {
	d := p.Dispute
	switch {
	case d.Decision != Undecided && (d.Decision != to || d.Evidence != shown):
		return Payment{}, errDecided
	case d.Decision != Undecided:
		return p, nil
	case !d.AwaitsAnswer():
		return Payment{}, errNoDispute
	case !d.Answerable(now):
		return Payment{}, errDisputePastDue
	case to == Accepting && d.Inquiry():
		return Payment{}, errInquiry
	}
	p.Dispute.Decision, p.Dispute.Evidence, p.Dispute.Decided = to, shown, now
	p.Version++
	return p, nil
}
