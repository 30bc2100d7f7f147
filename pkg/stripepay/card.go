package stripepay

import (
	"context"
	"errors"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/charge"
)

// noCard is the code of a refusal: what an intent was paid with cannot be charged again.
const noCard = "no_saved_card"

// savedCard returns the customer and the card that an intent was paid with. Both are the
// page's own: Checkout made the customer for this one payment, so that the card is in no
// list of another.
func (c *Client) savedCard(ctx context.Context, account, intent string) (customer, card string, err error) {
	params := &stripe.PaymentIntentParams{Params: stripe.Params{Context: ctx}}
	params.AddExpand("latest_charge")
	params.SetStripeAccount(account)
	pi, err := c.intents.Get(intent, params)
	if err != nil {
		return "", "", callError("fetching intent "+intent, err)
	}
	if pi.Customer == nil || pi.LatestCharge == nil || pi.LatestCharge.PaymentMethod == "" {
		return "", "", &clinic.Refusal{Code: noCard, Final: true}
	}
	return pi.Customer.ID, pi.LatestCharge.PaymentMethod, nil
}

// FindCardCharge implements charge.Cards.
func (c *Client) FindCardCharge(ctx context.Context, to charge.CardCharge) (string, error) {
	customer, _, err := c.savedCard(ctx, to.Account, to.Card)
	if refused, ok := errors.AsType[*clinic.Refusal](err); ok && refused.Code == noCard {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	params := &stripe.PaymentIntentListParams{ListParams: stripe.ListParams{Context: ctx}, Customer: stripe.String(customer)}
	params.SetStripeAccount(to.Account)
	list := c.intents.List(params)
	for list.Next() {
		if pi := list.PaymentIntent(); pi.Metadata[refKey] == to.Ref {
			return pi.ID, nil
		}
	}
	if err := list.Err(); err != nil {
		return "", callError("listing the intents of "+to.Ref, err)
	}
	return "", nil
}

// ChargeCard implements charge.Cards.
func (c *Client) ChargeCard(ctx context.Context, to charge.CardCharge, key string) (string, error) {
	customer, card, err := c.savedCard(ctx, to.Account, to.Card)
	if err != nil {
		return "", err
	}
	capture := stripe.PaymentIntentCaptureMethodManual
	if to.AtOnce {
		capture = stripe.PaymentIntentCaptureMethodAutomatic
	}
	params := &stripe.PaymentIntentParams{
		Params:             stripe.Params{Context: ctx},
		Amount:             stripe.Int64(int64(to.Amount)),
		Currency:           stripe.String(string(stripe.CurrencyUSD)),
		CaptureMethod:      stripe.String(string(capture)),
		Confirm:            stripe.Bool(true),
		OffSession:         stripe.Bool(true),
		Customer:           stripe.String(customer),
		PaymentMethod:      stripe.String(card),
		PaymentMethodTypes: []*string{stripe.String(string(stripe.PaymentMethodTypeCard))},
		Metadata:           map[string]string{refKey: to.Ref},

		ApplicationFeeAmount: platformCents(to.Platform),
	}
	params.SetStripeAccount(to.Account)
	params.SetIdempotencyKey(key)
	pi, err := c.intents.New(params)
	if e, ok := errors.AsType[*stripe.Error](err); ok && e.Type == stripe.ErrorTypeCard && e.PaymentIntent != nil {
		return e.PaymentIntent.ID, nil // the intent was made, and the card refused
	}
	if err != nil {
		return "", callError("charging a card for "+to.Ref, err)
	}
	return pi.ID, nil
}
