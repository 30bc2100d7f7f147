package stripepay

import (
	"context"
	"errors"
	"time"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
)

// practiceKey is the metadata entry of an account that names the practice for which it was
// made.
const practiceKey = "practice"

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

// OpenAccount implements charge.Cards.
func (c *Client) OpenAccount(ctx context.Context, practice, key string) (string, error) {
	params := &stripe.AccountParams{
		Params: stripe.Params{Context: ctx}, Type: stripe.String(string(stripe.AccountTypeStandard)), Country: stripe.String("US"),
	}
	params.AddMetadata(practiceKey, practice)
	params.SetIdempotencyKey(key)
	a, err := c.accounts.New(params)
	if err != nil {
		return "", callError("opening an account for "+practice, err)
	}
	return a.ID, nil
}

// FindAccount implements charge.Cards.
func (c *Client) FindAccount(ctx context.Context, practice string, since time.Time) (string, error) {
	params := &stripe.AccountListParams{
		ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(100)}, CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()},
	}
	list := c.accounts.List(params)
	for list.Next() {
		if a := list.Account(); a.Metadata[practiceKey] == practice {
			return a.ID, nil
		}
	}
	if err := list.Err(); err != nil {
		return "", callError("looking for the account of "+practice, err)
	}
	return "", nil
}

// NewAccountPage implements office.AccountPages. The page works once.
func (c *Client) NewAccountPage(ctx context.Context, id, done, again string) (string, time.Time, error) {
	l, err := c.links.New(&stripe.AccountLinkParams{
		Params: stripe.Params{Context: ctx}, Account: stripe.String(id), Type: stripe.String(string(stripe.AccountLinkTypeAccountOnboarding)),
		ReturnURL: stripe.String(done), RefreshURL: stripe.String(again),
	})
	if err != nil {
		return "", time.Time{}, callError("making the page of account "+id, err)
	}
	return l.URL, time.Unix(l.ExpiresAt, 0).UTC(), nil
}
