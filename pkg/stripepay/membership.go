package stripepay

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/request"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

// memberKey is the metadata entry that holds our membership id. It is not refKey: one of our
// payments is found by that.
const memberKey = "membership"

// turnKey is the metadata entry that holds the turn in which a subscription was last asked to be
// renewed, or not to be.
const turnKey = "turn"

// The beginnings of the ids of a membership's objects.
const (
	subscriptionPrefix = "sub_"
	invoicePrefix      = "in_"
	intentPrefix       = "pi_"
)

// NewMembershipPage implements request.Checkout. Prices are made with the page, so that the key
// that makes pages needs no power over what is sold.
func (c *Client) NewMembershipPage(ctx context.Context, p request.MembershipPage) (customer, page, url string, err error) {
	ref := map[string]string{memberKey: p.Ref}
	who := &stripe.CustomerParams{Params: stripe.Params{Context: ctx}}
	who.Metadata = ref
	who.SetStripeAccount(p.Account)
	who.SetIdempotencyKey(p.Key + "-customer")
	made, err := c.customers.New(who)
	if err != nil {
		return "", "", "", callError("making a customer for "+p.Ref, err)
	}
	params := &stripe.CheckoutSessionParams{
		Params:            stripe.Params{Context: ctx},
		Mode:              stripe.String(string(stripe.CheckoutSessionModeSubscription)),
		Customer:          stripe.String(made.ID),
		ClientReferenceID: stripe.String(p.Ref),
		Metadata:          ref,
		SuccessURL:        stripe.String(p.Done),
		CancelURL:         stripe.String(p.Back),
		ExpiresAt:         stripe.Int64(p.Ends.Unix()),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			Quantity: stripe.Int64(1),
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency:    stripe.String(string(stripe.CurrencyUSD)),
				UnitAmount:  stripe.Int64(int64(p.Amount)),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String(p.Name)},
				Recurring:   &stripe.CheckoutSessionLineItemPriceDataRecurringParams{Interval: stripe.String(string(stripe.PriceRecurringIntervalYear))},
			},
		}},
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{Metadata: ref},
	}
	if p.Platform > 0 { // as text, for stripe-go has a floating-point number
		params.AddExtra("subscription_data[application_fee_percent]", fmt.Sprintf("%d.%02d", p.Platform/100, p.Platform%100))
	}
	params.SetStripeAccount(p.Account)
	params.SetIdempotencyKey(p.Key)
	s, err := c.sessions.New(params)
	if err != nil {
		return "", "", "", callError("opening a page for membership "+p.Ref, err)
	}
	return made.ID, s.ID, s.URL, nil
}

// Subscribed implements charge.Subscriptions.
func (c *Client) Subscribed(ctx context.Context, account, object string) (charge.Subscribed, error) {
	switch {
	case strings.HasPrefix(object, sessionPrefix):
		return c.subscribedBySession(ctx, account, object)
	case strings.HasPrefix(object, invoicePrefix):
		return c.subscribedByInvoice(ctx, account, object)
	case strings.HasPrefix(object, intentPrefix):
		return c.subscribedByIntent(ctx, account, object)
	case strings.HasPrefix(object, subscriptionPrefix):
		return c.subscription(ctx, account, object)
	}
	return charge.Subscribed{}, nil
}

func (c *Client) subscribedBySession(ctx context.Context, account, id string) (charge.Subscribed, error) {
	params := &stripe.CheckoutSessionParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	s, err := c.sessions.Get(id, params)
	if err != nil {
		return charge.Subscribed{}, callError("fetching session "+id, err)
	}
	if s.Subscription == nil || s.Subscription.ID == "" {
		return charge.Subscribed{Ref: s.Metadata[memberKey], Session: id, SessionOver: s.Status == stripe.CheckoutSessionStatusExpired}, nil
	}
	out, err := c.subscription(ctx, account, s.Subscription.ID)
	out.Session = id
	return out, err
}

func (c *Client) subscribedByInvoice(ctx context.Context, account, id string) (charge.Subscribed, error) {
	params := &stripe.InvoiceParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	in, err := c.invoices.Get(id, params)
	if err != nil {
		return charge.Subscribed{}, callError("fetching invoice "+id, err)
	}
	if in.Subscription == nil || in.Subscription.ID == "" {
		return charge.Subscribed{}, nil
	}
	return c.subscription(ctx, account, in.Subscription.ID)
}

func (c *Client) subscribedByIntent(ctx context.Context, account, id string) (charge.Subscribed, error) {
	params := &stripe.PaymentIntentParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	pi, err := c.intents.Get(id, params)
	if err != nil {
		return charge.Subscribed{}, callError("fetching intent "+id, err)
	}
	if pi.Invoice == nil || pi.Invoice.ID == "" {
		return charge.Subscribed{}, nil
	}
	return c.subscribedByInvoice(ctx, account, pi.Invoice.ID)
}

// subscription fetches a subscription, and its invoices after it: an invoice that was paid in
// between is reported by an event of its own.
func (c *Client) subscription(ctx context.Context, account, id string) (charge.Subscribed, error) {
	params := &stripe.SubscriptionParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	s, err := c.subscriptions.Get(id, params)
	if err != nil {
		return charge.Subscribed{}, callError("fetching subscription "+id, err)
	}
	return c.withInvoices(ctx, account, s)
}

// withInvoices is a subscription that was fetched, with its invoices.
func (c *Client) withInvoices(ctx context.Context, account string, s *stripe.Subscription) (charge.Subscribed, error) {
	out := charge.Subscribed{Ref: s.Metadata[memberKey]}
	out.Account, out.Subscription = account, s.ID
	if s.Customer != nil {
		out.Customer = s.Customer.ID
	}
	out.Standing = standing(s)
	if out.Ref == "" {
		return out, nil
	}
	params := &stripe.InvoiceListParams{ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(100)}, Subscription: stripe.String(s.ID)}
	for _, path := range chargeParts {
		params.AddExpand("data.charge" + path)
	}
	params.SetStripeAccount(account)
	list := c.invoices.List(params)
	for list.Next() {
		in := list.Invoice()
		b := billed(in)
		took, err := c.feesOf(ctx, account, in.Charge)
		if err != nil {
			return charge.Subscribed{}, err
		}
		b.StripeFee, b.PlatformFee = took.stripe, took.platform
		if in.Charge != nil && in.Charge.Disputed {
			if err := c.billContest(ctx, account, &b); err != nil {
				return charge.Subscribed{}, err
			}
		}
		addInvoice(&out, in, b)
	}
	if err := list.Err(); err != nil {
		return charge.Subscribed{}, callError("listing the invoices of "+s.ID, err)
	}
	return out, nil
}

func unix(t int64) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(t, 0).UTC()
}

// standing is how a subscription stands, without what was paid for it.
func standing(s *stripe.Subscription) membership.Standing {
	out := membership.Standing{
		Status: string(s.Status), Year: membership.Year{Start: unix(s.CurrentPeriodStart), End: unix(s.CurrentPeriodEnd)},
		CancelAtEnd: s.CancelAtPeriodEnd, Ended: unix(s.EndedAt),
	}
	if n, err := strconv.Atoi(s.Metadata[turnKey]); err == nil {
		out.Turn = n
	}
	if s.CancellationDetails != nil {
		out.Reason = string(s.CancellationDetails.Reason)
	}
	if s.Items != nil {
		for _, item := range s.Items.Data {
			if item.Price != nil {
				out.Price += money.Cents(item.Price.UnitAmount * item.Quantity)
			}
		}
	}
	return out
}

// Carry implements charge.Subscriptions. A subscription that ends at once is not prorated: what is
// refunded is decided here. The turn is kept with what it changes, so that who reads one reads which
// call made it.
func (c *Client) Carry(ctx context.Context, account, subscription string, ask membership.Ask, turn int, key string) error {
	var err error
	switch ask {
	case membership.CancelNow:
		params := &stripe.SubscriptionCancelParams{Params: stripe.Params{Context: ctx}}
		params.SetStripeAccount(account)
		params.SetIdempotencyKey(key)
		_, err = c.subscriptions.Cancel(subscription, params)
	case membership.CancelAtEnd, membership.Keep:
		params := &stripe.SubscriptionParams{Params: stripe.Params{Context: ctx}, CancelAtPeriodEnd: stripe.Bool(ask == membership.CancelAtEnd)}
		params.SetStripeAccount(account)
		params.AddMetadata(turnKey, strconv.Itoa(turn))
		params.SetIdempotencyKey(key)
		_, err = c.subscriptions.Update(subscription, params)
	case membership.Nothing:
	}
	if err != nil {
		return callError("asking for "+string(ask)+" of "+subscription, err)
	}
	return nil
}

// Reprice implements charge.Subscriptions. The year that runs is paid and is not prorated.
func (c *Client) Reprice(ctx context.Context, account, subscription string, yearly money.Cents, key string) error {
	get := &stripe.SubscriptionParams{Params: stripe.Params{Context: ctx}}
	get.SetStripeAccount(account)
	s, err := c.subscriptions.Get(subscription, get)
	if err != nil {
		return callError("fetching subscription "+subscription, err)
	}
	if s.Items == nil || len(s.Items.Data) != 1 || s.Items.Data[0].Price == nil || s.Items.Data[0].Price.Product == nil {
		return fmt.Errorf("subscription %s has not one item with a price, as each that this system makes has", subscription)
	}
	item := s.Items.Data[0]
	params := &stripe.SubscriptionParams{
		Params: stripe.Params{Context: ctx}, ProrationBehavior: stripe.String("none"),
		Items: []*stripe.SubscriptionItemsParams{{
			ID: stripe.String(item.ID), Quantity: stripe.Int64(1),
			PriceData: &stripe.SubscriptionItemPriceDataParams{
				Currency: stripe.String(string(stripe.CurrencyUSD)), Product: stripe.String(item.Price.Product.ID), UnitAmount: stripe.Int64(int64(yearly)),
				Recurring: &stripe.SubscriptionItemPriceDataRecurringParams{Interval: stripe.String(string(stripe.PriceRecurringIntervalYear))},
			},
		}},
	}
	params.SetStripeAccount(account)
	params.SetIdempotencyKey(fmt.Sprintf("%s-price-%d", key, yearly))
	if _, err := c.subscriptions.Update(subscription, params); err != nil {
		return callError("setting the price of "+subscription, err)
	}
	return nil
}
