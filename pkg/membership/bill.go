package membership

import (
	"fmt"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A Billed is one invoice of a subscription as fetched from Stripe.
type Billed struct {
	Invoice string
	Intent  string // whose money it is; empty: nothing was tried
	Number  string // as the payer is told
	Year           // what it pays for
	// Amount is what the payer owes for it, Paid what was paid and Refunded what of that was
	// refunded. StripeFee is what Stripe took of it and of its refunds, PlatformFee what the platform
	// took, less what it gave back; both are 0 also while Stripe has not booked it.
	Amount, Paid, Refunded, StripeFee, PlatformFee money.Cents
	// Withdrawn is what disputes have of the money, and DisputeFee what Stripe took for them.
	Withdrawn, DisputeFee money.Cents
	Contest               Contest
	PaidAt                time.Time // zero: it is not paid
}

// A Contest is what the bank of who paid an invoice says of the payment: a dispute, which takes the
// money, or an inquiry, which takes none. Of several it is the one that is open, else the latest. The
// zero Contest is none.
type Contest struct {
	ID      string    `json:"id"`               // at Stripe
	Reason  string    `json:"reason,omitempty"` // Stripe's code for what the cardholder says
	Inquiry bool      `json:"inquiry,omitempty"`
	Awaits  bool      `json:"awaits,omitempty"` // it is to be answered
	Due     time.Time `json:"due,omitzero"`     // until when; zero: Stripe does not say
}

// A Bill is one invoice of a membership, as far as it is in the books. Every id of Stripe's in
// it belongs to the membership's Account.
type Bill struct {
	Membership string `json:"membership"`
	Practice   string `json:"practice"`
	Invoice    string `json:"invoice"`
	Intent     string `json:"intent,omitempty"`
	Number     string `json:"number,omitempty"`
	Year
	Amount   money.Cents `json:"amount"`
	Paid     money.Cents `json:"paid,omitempty"`
	Refunded money.Cents `json:"refunded,omitempty"`
	// StripeFee is what Stripe took of it and of its refunds.
	StripeFee money.Cents `json:"stripe_fee,omitempty"`
	// PlatformFee is what the platform took of it, less what it gave back with refunds.
	PlatformFee money.Cents `json:"platform_fee,omitempty"`
	// Withdrawn is what disputes have of the money, and DisputeFee what Stripe took for them.
	Withdrawn  money.Cents `json:"withdrawn,omitempty"`
	DisputeFee money.Cents `json:"dispute_fee,omitempty"`
	Contest    Contest     `json:"contest,omitzero"`
	PaidAt     time.Time   `json:"paid_at,omitzero"`
	// Earned is what of it the year, or what ran of it, has earned; 0: it runs, and what was paid
	// is owed to the member in visits.
	Earned money.Cents `json:"earned,omitempty"`
	// Changes counts the changes of Refunded since a refund failed; 0: none did.
	Changes int `json:"changes,omitempty"`
	Version int `json:"version"`
}

// BillOf returns the bill of an invoice of m that is not in the books yet.
func (m Membership) BillOf(invoice string) Bill {
	return Bill{Membership: m.ID, Practice: m.Practice, Invoice: invoice}
}

// Settle returns b as its invoice stands at Stripe, and the entries that book the difference. Over
// says that the year which it pays for is over, or the membership is: what was paid is then
// earned. The same again changes nothing.
//
// It refuses amounts that are impossible: more refunded than paid, less paid than before, more
// taken by disputes than money can be.
func (b Bill) Settle(o Billed, over bool, now time.Time) (Bill, []ledger.Entry, error) {
	if o.Invoice != b.Invoice || o.Paid < b.Paid || o.Refunded < 0 || o.Refunded > o.Paid || o.Paid > money.Max || o.Withdrawn < 0 || o.Withdrawn > money.Max {
		return b, nil, fmt.Errorf("membership %s: invoice %s: paid %s, refunded %s and withdrawn %s, after %s paid of %s",
			b.Membership, o.Invoice, o.Paid, o.Refunded, o.Withdrawn, b.Paid, b.Invoice)
	}
	next := b
	next.Intent, next.Number, next.Year, next.Amount = o.Intent, o.Number, o.Year, o.Amount
	next.Paid, next.Refunded, next.PaidAt, next.Contest = o.Paid, o.Refunded, o.PaidAt, o.Contest
	var es []ledger.Entry
	if o.Paid > b.Paid {
		next.StripeFee = max(o.StripeFee, b.StripeFee)
		e, err := ledger.FeePaid(b.Membership, b.Practice, b.Invoice, b.Paid, o.Paid, next.StripeFee-b.StripeFee, now)
		if err != nil {
			return b, nil, err
		}
		es = append(es, e)
	}
	if before := next.StripeFee; o.StripeFee != before {
		next.StripeFee = o.StripeFee
		e, err := ledger.FeeCost(b.Membership, b.Practice, b.Invoice, before, o.StripeFee, b.Version+1, now)
		if err != nil {
			return b, nil, err
		}
		es = append(es, e)
	}
	if before := next.PlatformFee; o.PlatformFee != before {
		next.PlatformFee = o.PlatformFee
		e, err := ledger.FeePlatformCost(b.Membership, b.Practice, b.Invoice, before, o.PlatformFee, b.Version+1, now)
		if err != nil {
			return b, nil, err
		}
		es = append(es, e)
	}
	if o.Refunded != b.Refunded {
		if o.Refunded < b.Refunded || b.Changes > 0 {
			next.Changes++
		}
		e, err := ledger.FeeRefunded(b.Membership, b.Practice, b.Invoice, b.Refunded, o.Refunded, b.Earned > 0, next.Changes, now)
		if err != nil {
			return b, nil, err
		}
		es = append(es, e)
	}
	disputed, err := next.contested(o, now)
	if err != nil {
		return b, nil, err
	}
	es = append(es, disputed...)
	next.Withdrawn, next.DisputeFee = o.Withdrawn, o.DisputeFee
	if kept := next.Paid - next.Refunded; over && next.Earned == 0 && kept > 0 {
		e, err := ledger.FeeEarned(b.Membership, b.Practice, b.Invoice, kept, now)
		if err != nil {
			return b, nil, err
		}
		next.Earned = kept
		es = append(es, e)
	}
	if next == b {
		return b, nil, nil
	}
	next.Version++
	return next, es, nil
}

// contested returns the entries that book what disputes have of b's money, and what they cost.
func (b Bill) contested(o Billed, now time.Time) ([]ledger.Entry, error) {
	var es []ledger.Entry
	if o.Withdrawn != b.Withdrawn {
		e, err := ledger.FeeDisputed(b.Membership, b.Practice, b.Invoice, b.Withdrawn, o.Withdrawn, b.Version+1, now)
		if err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	if o.DisputeFee != b.DisputeFee {
		e, err := ledger.FeeDisputeCost(b.Membership, b.Practice, b.Invoice, b.DisputeFee, o.DisputeFee, b.Version+1, now)
		if err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	return es, nil
}
