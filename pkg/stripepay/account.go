package stripepay

import (
	"context"
	"errors"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
)

// Account implements charge.Cards.
func (c *Client) Account(ctx context.Context, id string) (billing.AccountState, error) {
	params := &stripe.AccountParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(id)
	a, err := c.accounts.GetByID(id, params)
	if err != nil {
		err = callError("fetching account "+id, err)
		if refused, ok := errors.AsType[*clinic.Refusal](err); ok && refused.Code == clinic.AccountLost {
			return billing.AccountState{Disconnected: true}, nil
		}
		return billing.AccountState{}, err
	}
	s := billing.AccountState{Charges: a.ChargesEnabled, Payouts: a.PayoutsEnabled, Submitted: a.DetailsSubmitted}
	if r := a.Requirements; r != nil {
		s.Due, s.Reason = r.CurrentlyDue, string(r.DisabledReason)
	}
	return s, nil
}
