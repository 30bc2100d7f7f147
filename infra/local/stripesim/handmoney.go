package stripesim

import (
	"context"
)

// What a person can do by hand about an account and its money, or Stripe by itself.
const (
	HandPayOut     = "pay_out"     // pays Amount of an account out, or all that is available
	HandFailPayout = "fail_payout" // the bank refuses a payout, even one that it had
)

func (t *tx) handPayOut(ctx context.Context, a Act) (any, error) {
	if a.Amount == 0 {
		available, _, err := t.balance(ctx)
		if err != nil {
			return nil, err
		}
		a.Amount = available
	}
	return createPayout(ctx, t, &call{params: map[string]any{"amount": a.Amount, "currency": "usd"}})
}

func (t *tx) handFailPayout(ctx context.Context, a Act) (any, error) {
	po := new(payout)
	if err := t.get(ctx, kindPayout, a.ID, "id", po); err != nil {
		return nil, err
	}
	return po, t.failPayout(ctx, po)
}

// handRowsOfMoney lists the payouts of an account, the oldest first.
func (t *tx) handRowsOfMoney(ctx context.Context) ([]handRow, error) {
	var rows []handRow
	payouts, err := all[payout](ctx, t, kindPayout)
	for _, po := range payouts {
		if po.Status != payoutFailed {
			rows = append(rows, handRow{po.ID, t.account, po.Status, "", po.Amount, []string{HandFailPayout}})
		}
	}
	return rows, err
}
