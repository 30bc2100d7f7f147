package stripesim

import (
	"context"
	"errors"
)

// An OracleMoney is what happened to an account's money after the charge.
type OracleMoney struct {
	FeeCents    int64          `json:"fee_cents"`    // Stripe's and the platform's fees, less what was given back
	EarnedCents int64          `json:"earned_cents"` // the platform's fees, less what it gave back; of the platform alone
	PaidOut     Tally          `json:"paid_out"`     // payouts that have not failed
	Payouts     []OraclePayout `json:"payouts"`
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

// newOracle returns an Oracle of nothing, without nil lists.
func newOracle() Oracle {
	return Oracle{
		Intents:     []OracleIntent{},
		OracleMoney: OracleMoney{Payouts: []OraclePayout{}},
	}
}

// tallyMoney adds the transaction's account to out.
func (t *tx) tallyMoney(ctx context.Context, out *OracleMoney) error {
	xs, err := all[transaction](ctx, t, kindTransaction)
	fees, err3 := all[fee](ctx, t, kindFee)
	payouts, err5 := all[payout](ctx, t, kindPayout)
	for _, x := range xs {
		out.FeeCents += x.Fee
	}
	for _, f := range fees {
		out.EarnedCents += f.Amount - f.AmountRefunded
	}
	for _, po := range payouts {
		if po.Status != payoutFailed {
			out.PaidOut.add(po.Amount)
		}
		out.Payouts = append(out.Payouts, OraclePayout{
			ID: po.ID, Account: t.account, Status: po.Status, Amount: po.Amount, Automatic: po.Automatic, Created: po.Created,
		})
	}
	return errors.Join(err, err3, err5)
}
