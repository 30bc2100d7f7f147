package stripepay

import (
	"context"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/money"
)

// chargeParts are what is expanded of a charge, for feesOf: paths from the charge itself on.
var chargeParts = []string{"", ".balance_transaction", ".refunds"}

// fees has what Stripe and the platform took of a charge and of its refunds, less what each gave back.
type fees struct {
	stripe   money.Cents
	platform money.Cents // as an application fee
}

// platformFee is the type of the platform's fee among those of a balance transaction.
const platformFee = "application_fee"

// add adds the fees of a booking. What is not the platform's is Stripe's, whatever its type, so that
// the two are what the booking took.
func (f *fees) add(x *stripe.BalanceTransaction) {
	if x == nil {
		return
	}
	f.stripe += money.Cents(x.Fee)
	for _, d := range x.FeeDetails {
		if d.Type == platformFee {
			f.platform += money.Cents(d.Amount)
			f.stripe -= money.Cents(d.Amount)
		}
	}
}

// feesOf are the fees of a charge and of its refunds, those that failed included; 0 while
// Stripe has not booked the charge. What the disputes of the charge cost is not in them. The
// refunds are listed with their bookings only if there are any, for Stripe expands four levels.
func (c *Client) feesOf(ctx context.Context, account string, ch *stripe.Charge) (fees, error) {
	var sum fees
	if ch == nil || ch.BalanceTransaction == nil {
		return sum, nil
	}
	sum.add(ch.BalanceTransaction)
	if ch.Refunds == nil || len(ch.Refunds.Data) == 0 {
		return sum, nil
	}
	params := &stripe.RefundListParams{
		ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(100)}, Charge: stripe.String(ch.ID),
	}
	params.AddExpand("data.balance_transaction")
	params.AddExpand("data.failure_balance_transaction")
	params.SetStripeAccount(account)
	list := c.refunds.List(params)
	for list.Next() {
		sum.add(list.Refund().BalanceTransaction)
		sum.add(list.Refund().FailureBalanceTransaction)
	}
	if err := list.Err(); err != nil {
		return fees{}, callError("listing the refunds of "+ch.ID, err)
	}
	return sum, nil
}
