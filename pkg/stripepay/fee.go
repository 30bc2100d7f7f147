package stripepay

import (
	"context"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/money"
)

// chargeParts are what is expanded of a charge, for feeOf: paths from the charge itself on.
var chargeParts = []string{"", ".balance_transaction", ".refunds"}

// feeOf is what Stripe took of a charge and of its refunds, those that failed included; 0 while
// Stripe has not booked the charge. What the disputes of the charge cost is not in it. The
// refunds are listed with their bookings only if there are any, for Stripe expands four levels.
func (c *Client) feeOf(ctx context.Context, account string, ch *stripe.Charge) (money.Cents, error) {
	if ch == nil || ch.BalanceTransaction == nil {
		return 0, nil
	}
	fee := money.Cents(ch.BalanceTransaction.Fee)
	if ch.Refunds == nil || len(ch.Refunds.Data) == 0 {
		return fee, nil
	}
	params := &stripe.RefundListParams{
		ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(100)}, Charge: stripe.String(ch.ID),
	}
	params.AddExpand("data.balance_transaction")
	params.AddExpand("data.failure_balance_transaction")
	params.SetStripeAccount(account)
	list := c.refunds.List(params)
	for list.Next() {
		for _, x := range []*stripe.BalanceTransaction{list.Refund().BalanceTransaction, list.Refund().FailureBalanceTransaction} {
			if x != nil {
				fee += money.Cents(x.Fee)
			}
		}
	}
	if err := list.Err(); err != nil {
		return 0, callError("listing the refunds of "+ch.ID, err)
	}
	return fee, nil
}
