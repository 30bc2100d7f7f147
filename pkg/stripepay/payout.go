package stripepay

import (
	"context"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/billing"
	"evisit/pkg/money"
)

// payoutPrefix begins the ids of payouts.
const payoutPrefix = "po_"

// Payout implements charge.Balance.
func (c *Client) Payout(ctx context.Context, account, object string) (billing.PayoutState, bool, error) {
	if !strings.HasPrefix(object, payoutPrefix) {
		return billing.PayoutState{}, false, nil
	}
	params := &stripe.PayoutParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	p, err := c.payouts.Get(object, params)
	if err != nil {
		return billing.PayoutState{}, false, callError("fetching payout "+object, err)
	}
	return billing.PayoutState{
		ID: p.ID, Amount: money.Cents(p.Amount), Status: string(p.Status), Made: unix(p.Created), Arrives: unix(p.ArrivalDate),
		Automatic: p.Automatic, Failure: string(p.FailureCode),
	}, true, nil
}
