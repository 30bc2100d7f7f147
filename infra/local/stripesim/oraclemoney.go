package stripesim

import (
	"context"
	"errors"
)

// An OracleMoney is what happened to an account's money after the charge, and whether
// the account may be charged and paid out.
type OracleMoney struct {
	FeeCents    int64           `json:"fee_cents"`    // Stripe's and the platform's fees, less what was given back
	EarnedCents int64           `json:"earned_cents"` // the platform's fees, less what it gave back; of the platform alone
	Disputed    Tally           `json:"disputed"`     // money that disputes have taken and not brought back
	PaidOut     Tally           `json:"paid_out"`     // payouts that have not failed
	Moved       Tally           `json:"moved"`        // the balance transactions; Cents is the sum of their net amounts
	Disputes    []OracleDispute `json:"disputes"`     // and inquiries
	Payouts     []OraclePayout  `json:"payouts"`
	Accounts    []OracleAccount `json:"accounts"`
}

// An OracleDispute is one dispute or inquiry in an Oracle. Withdrawn is what it has of
// the account's money, without its Fee.
type OracleDispute struct {
	ID            string `json:"id"`
	Account       string `json:"account"`
	PaymentIntent string `json:"payment_intent"`
	Status        string `json:"status"`
	Reason        string `json:"reason"`
	Amount        int64  `json:"amount"`
	Withdrawn     int64  `json:"withdrawn"`
	Fee           int64  `json:"fee"`
	DueBy         int64  `json:"due_by"`
	Submissions   int    `json:"submissions"`
	Created       int64  `json:"created"`
}

// An OraclePayout is one payout in an Oracle.
type OraclePayout struct {
	ID        string `json:"id"`
	Account   string `json:"account"`
	Status    string `json:"status"`
	Amount    int64  `json:"amount"`
	Automatic bool   `json:"automatic"`
	Created   int64  `json:"created"`
}

// An OracleAccount is an account's state in an Oracle.
type OracleAccount struct {
	ID               string   `json:"id"`
	ChargesEnabled   bool     `json:"charges_enabled"`
	PayoutsEnabled   bool     `json:"payouts_enabled"`
	DetailsSubmitted bool     `json:"details_submitted"`
	Connected        bool     `json:"connected"`
	CurrentlyDue     []string `json:"currently_due"`
	DisabledReason   string   `json:"disabled_reason,omitempty"`
}

// newOracle returns an Oracle of nothing, without nil lists.
func newOracle() Oracle {
	return Oracle{
		Intents: []OracleIntent{}, Subscriptions: []OracleSubscription{},
		OracleMoney: OracleMoney{Disputes: []OracleDispute{}, Payouts: []OraclePayout{}, Accounts: []OracleAccount{}},
	}
}

// tallyMoney adds the transaction's account to out.
func (t *tx) tallyMoney(ctx context.Context, out *OracleMoney) error {
	var a account
	err := t.get(ctx, kindAccount, t.account, "", &a)
	xs, err2 := all[transaction](ctx, t, kindTransaction)
	fees, err3 := all[fee](ctx, t, kindFee)
	disputes, err4 := all[dispute](ctx, t, kindDispute)
	payouts, err5 := all[payout](ctx, t, kindPayout)
	out.Accounts = append(out.Accounts, a.oracle())
	for _, x := range xs {
		out.FeeCents += x.Fee
		out.Moved.add(x.Amount - x.Fee)
	}
	for _, f := range fees {
		out.EarnedCents += f.Amount - f.AmountRefunded
	}
	for _, d := range disputes {
		o := d.oracle(t.account)
		if o.Withdrawn > 0 {
			out.Disputed.add(o.Withdrawn)
		}
		out.Disputes = append(out.Disputes, o)
	}
	for _, po := range payouts {
		if po.Status != payoutFailed {
			out.PaidOut.add(po.Amount)
		}
		out.Payouts = append(out.Payouts, OraclePayout{
			ID: po.ID, Account: t.account, Status: po.Status, Amount: po.Amount, Automatic: po.Automatic, Created: po.Created,
		})
	}
	return errors.Join(err, err2, err3, err4, err5)
}

func (a *account) oracle() OracleAccount {
	o := OracleAccount{
		ID: a.ID, ChargesEnabled: a.ChargesEnabled, PayoutsEnabled: a.PayoutsEnabled, DetailsSubmitted: a.DetailsSubmitted,
		Connected: !a.Sim.Disconnected, CurrentlyDue: a.Requirements.CurrentlyDue,
	}
	if a.Requirements.DisabledReason != nil {
		o.DisabledReason = *a.Requirements.DisabledReason
	}
	return o
}

func (d *dispute) oracle(account string) OracleDispute {
	o := OracleDispute{
		ID: d.ID, Account: account, PaymentIntent: d.PaymentIntent, Status: d.Status, Reason: d.Reason, Amount: d.Amount,
		DueBy: *d.EvidenceDetails.DueBy, Submissions: d.EvidenceDetails.SubmissionCount, Created: d.Created,
	}
	for _, x := range d.BalanceTransactions {
		o.Fee += x.Fee
	}
	if !d.isInquiry() && d.Status != inquiryClosed && d.Status != disputeWon {
		o.Withdrawn = d.Amount
	}
	return o
}
