package stripesim

import (
	"context"
	"fmt"
)

const (
	modePayment      = "payment"
	modeSubscription = "subscription"
)

type subscriptionDataParams struct {
	Description     *string           `json:"description"`
	Metadata        map[string]string `json:"metadata"`
	PlatformPercent *float64          `json:"application_fee_percent"`
}

// checkMode refuses what does not go with the mode of a session.
func (p *sessionParams) checkMode() error {
	setup := p.PaymentIntentData.SetupFutureUsage != nil
	switch p.Mode {
	case "":
		return invalid("parameter_missing", "mode", "missing required parameter: mode")
	case modePayment:
		switch {
		case p.SubscriptionData != nil:
			return invalid("", "subscription_data", "subscription_data goes with mode subscription")
		case p.CustomerCreation == "always" && p.Customer != nil:
			return invalid("", "customer_creation", "give customer or customer_creation, not both")
		case setup && p.Customer == nil && p.CustomerCreation != "always":
			return notModelled("payment_intent_data[setup_future_usage]", "keeping a card without a customer")
		}
		return nil
	case modeSubscription:
		switch {
		case !p.PaymentIntentData.isZero():
			return invalid("", "payment_intent_data", "payment_intent_data goes with mode payment")
		case p.CustomerCreation != "":
			return invalid("", "customer_creation", "customer_creation goes with mode payment")
		case p.SubmitType != nil:
			return invalid("", "submit_type", "submit_type goes with mode payment")
		}
		for i, m := range p.PaymentMethodTypes {
			if m != "card" {
				return notModelled(fmt.Sprintf("payment_method_types[%d]", i), "a subscription paid by "+m)
			}
		}
		if p.SubscriptionData == nil {
			return nil
		}
		return checkMetadata("subscription_data[metadata]", p.SubscriptionData.Metadata)
	}
	return notModelled("mode", p.Mode)
}

// makePrice makes the price of a line item that has none of its own, which only a subscription
// keeps. It cannot be bought again.
func (t *tx) makePrice(ctx context.Context, mode string, item *lineItemParams, at string) error {
	data := item.PriceData
	switch {
	case data == nil: // refused where the items are summed
		return nil
	case mode != modeSubscription && data.Recurring != nil:
		return invalid("", at+"[price_data][recurring]", "a recurring price does not go with mode "+mode)
	case mode != modeSubscription:
		return nil
	case data.Recurring == nil:
		return invalid("parameter_missing", at+"[price_data][recurring]", "a subscription needs a recurring price")
	}
	if err := item.checkData(at); err != nil {
		return err
	}
	asked := priceParams{Currency: data.Currency, Product: "made here", Recurring: data.Recurring, UnitAmount: data.UnitAmount}
	if err := asked.check(); err != nil {
		return err
	}
	of := t.newProduct(data.ProductData.Name, data.ProductData.Metadata)
	made := asked.newPrice(t.now)
	made.Product, made.Active = of.ID, false
	item.bought, item.name = made, of.Name
	if err := t.change(ctx, "product.created", of, 0); err != nil {
		return err
	}
	return t.change(ctx, "price.created", made, 0)
}

func (p *intentDataParams) isZero() bool {
	return p.PlatformFee == nil && p.CaptureMethod == "" && p.Description == nil && p.Metadata == nil && p.ReceiptEmail == nil && p.SetupFutureUsage == nil &&
		p.StatementDescriptor == nil && p.StatementSuffix == nil
}

// loadPrices loads the prices of the line items, which a subscription's session needs
// and any session may have.
func (t *tx) loadPrices(ctx context.Context, p *sessionParams) error {
	for i := range p.LineItems {
		item, at := &p.LineItems[i], fmt.Sprintf("line_items[%d][price]", i)
		if item.Price == "" {
			if err := t.makePrice(ctx, p.Mode, item, fmt.Sprintf("line_items[%d]", i)); err != nil {
				return err
			}
			continue
		}
		if item.PriceData != nil {
			return invalid("", at, "give price or price_data, not both")
		}
		bought, of, err := t.priceToBuy(ctx, item.Price, at)
		if err != nil {
			return err
		}
		if (bought.Type == priceRecurring) != (p.Mode == modeSubscription) {
			return invalid("", at, "a "+bought.Type+" price does not go with mode "+p.Mode)
		}
		item.bought, item.name = bought, of.Name
	}
	return nil
}

// intentID is the intent of the session's first attempt; empty if there was none. The
// session of a subscription shows it nowhere.
func (s *session) intentID() string {
	if s.PaymentIntent != nil {
		return *s.PaymentIntent
	}
	return s.Sim.FirstIntent
}

// subscribe makes the subscription of a session's first attempt to pay, with its first
// invoice, whose payment is the attempt.
func (t *tx) subscribe(ctx context.Context, s *session, pi *intent) error {
	sub := t.newSubscription(s, *pi.Customer)
	lines, err := t.yearLines(ctx, sub, sub.CurrentPeriodStart, sub.CurrentPeriodEnd)
	if err != nil {
		return err
	}
	inv, err := t.newInvoice(ctx, sub, "subscription_create", lines)
	if err != nil {
		return err
	}
	sub.LatestInvoice = &inv.ID
	if err := t.change(ctx, "customer.subscription.created", sub, sub.due()); err != nil {
		return err
	}
	if err := t.emit(ctx, "invoice.created", inv); err != nil {
		return err
	}
	forLater, why := "off_session", "Subscription creation"
	pi.Invoice, pi.SetupFutureUsage, pi.Description = &inv.ID, &forLater, &why
	s.Sim.Subscription, s.Sim.FirstIntent = sub.ID, pi.ID
	if err := t.put(ctx, s, s.due()); err != nil {
		return err
	}
	if err := t.number(ctx, inv); err != nil {
		return err
	}
	pi.PlatformFee = inv.PlatformFee
	inv.PaymentIntent, inv.AutoAdvance = &pi.ID, false
	if err := t.change(ctx, "invoice.finalized", inv, inv.due()); err != nil {
		return err
	}
	return t.change(ctx, "payment_intent.created", pi, 0)
}

func (t *tx) newSubscription(s *session, customerID string) *subscription {
	now := t.now.Unix()
	sub := &subscription{
		ID: newID("sub"), Object: kindSubscription, BillingCycleAnchor: now, CollectionMethod: "charge_automatically", Created: now,
		Currency: s.Currency, CurrentPeriodStart: now, CurrentPeriodEnd: yearsAfter(now, 1), Customer: customerID,
		Metadata: map[string]string{}, StartDate: now, Status: subIncomplete,
		Sim: subscriptionSim{Session: s.ID, PayBefore: t.now.Add(firstPaymentWithin).Unix()},
	}
	if data := s.Sim.SubscriptionData; data != nil {
		sub.Description, sub.Metadata, sub.PlatformPercent = data.Description, orEmpty(data.Metadata), data.PlatformPercent
	}
	sub.Items = innerList[subscriptionItem]{Object: "list", URL: "/v1/subscription_items?subscription=" + sub.ID}
	for _, item := range s.Sim.Items {
		sub.Items.Data = append(sub.Items.Data, subscriptionItem{
			ID: newID("si"), Object: "subscription_item", Created: now, Metadata: map[string]string{}, Price: *item.Price,
			Quantity: item.Quantity, Subscription: sub.ID,
		})
	}
	return sub
}

// abandon ends a subscription whose first invoice was not paid in time.
func (t *tx) abandon(ctx context.Context, id string) error {
	var sub subscription
	if err := t.get(ctx, kindSubscription, id, "", &sub); err != nil {
		return err
	}
	var inv invoice
	if err := t.get(ctx, kindInvoice, *sub.LatestInvoice, "", &inv); err != nil {
		return err
	}
	at := t.now.Unix()
	inv.Status, inv.StatusTransitions.VoidedAt = invoiceVoid, &at
	if err := t.change(ctx, "invoice.voided", &inv, inv.due()); err != nil {
		return err
	}
	sub.Status, sub.EndedAt = subIncompleteExpired, &at
	return t.changeSubscription(ctx, &sub)
}
