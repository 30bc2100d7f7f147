package stripesim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	kindSubscription = "subscription"

	subIncomplete        = "incomplete"
	subIncompleteExpired = "incomplete_expired"
	subActive            = "active"
	subPastDue           = "past_due"
	subUnpaid            = "unpaid"
	subCanceled          = "canceled"

	// firstPaymentWithin is how long an incomplete subscription waits for its first
	// payment.
	firstPaymentWithin = 23 * time.Hour

	// renewalNotice is how long before a renewal invoice.upcoming is sent. At Stripe it
	// is a setting of the account, with this as its default.
	renewalNotice = 7 * 24 * time.Hour
)

// A subscription is what a customer pays for every year, until it is canceled.
type subscription struct {
	ID                   string                      `json:"id"`
	Object               string                      `json:"object"`
	PlatformPercent      *float64                    `json:"application_fee_percent"`
	AutomaticTax         disabled                    `json:"automatic_tax"`
	BillingCycleAnchor   int64                       `json:"billing_cycle_anchor"`
	CancelAt             *int64                      `json:"cancel_at"`
	CancelAtPeriodEnd    bool                        `json:"cancel_at_period_end"`
	CanceledAt           *int64                      `json:"canceled_at"`
	CancellationDetails  cancellationDetails         `json:"cancellation_details"`
	CollectionMethod     string                      `json:"collection_method"`
	Created              int64                       `json:"created"`
	Currency             string                      `json:"currency"`
	CurrentPeriodEnd     int64                       `json:"current_period_end"`
	CurrentPeriodStart   int64                       `json:"current_period_start"`
	Customer             string                      `json:"customer"`
	DefaultPaymentMethod *string                     `json:"default_payment_method"`
	Description          *string                     `json:"description"`
	EndedAt              *int64                      `json:"ended_at"`
	Items                innerList[subscriptionItem] `json:"items"`
	LatestInvoice        *string                     `json:"latest_invoice"`
	Livemode             bool                        `json:"livemode"`
	Metadata             map[string]string           `json:"metadata"`
	StartDate            int64                       `json:"start_date"`
	Status               string                      `json:"status"`
	Sim                  subscriptionSim             `json:"_sim"`
}

// A subscriptionSim has the session that made a subscription, until when that session's
// customer may pay, and the period whose end was announced, as the time of its end.
type subscriptionSim struct {
	Session   string `json:"session"`
	PayBefore int64  `json:"pay_before"`
	Announced int64  `json:"announced"`
}

type cancellationDetails struct {
	Comment  *string `json:"comment"`
	Feedback *string `json:"feedback"`
	Reason   *string `json:"reason"`
}

// An innerList is a list inside an object.
type innerList[T any] struct {
	Object  string `json:"object"`
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"`
	URL     string `json:"url"`
}

type subscriptionItem struct {
	ID           string            `json:"id"`
	Object       string            `json:"object"`
	Created      int64             `json:"created"`
	Metadata     map[string]string `json:"metadata"`
	Price        price             `json:"price"`
	Quantity     int64             `json:"quantity"`
	Subscription string            `json:"subscription"`
}

// amount is what the item costs for a year.
func (i *subscriptionItem) amount() int64 { return i.Price.UnitAmount * i.Quantity }

func (s *subscription) kindAndID() (kind, id string) { return kindSubscription, s.ID }

// lives reports whether the subscription was paid once and has not ended.
func (s *subscription) lives() bool {
	return s.Status == subActive || s.Status == subPastDue || s.Status == subUnpaid
}

// due is when the clock next changes the subscription: its first payment is too late,
// its renewal is announced, or its period ends.
func (s *subscription) due() int64 {
	switch {
	case s.Status == subIncomplete:
		return s.Sim.PayBefore
	case !s.lives():
		return 0
	case s.announces() && s.Sim.Announced != s.CurrentPeriodEnd:
		return s.CurrentPeriodEnd - int64(renewalNotice.Seconds())
	}
	return s.CurrentPeriodEnd
}

// announces reports whether the end of the period is a renewal to be collected.
func (s *subscription) announces() bool { return !s.CancelAtPeriodEnd && s.Status != subUnpaid }

// yearsAfter is the end of n years that began at the anchor. The 29th of February is the
// 28th in a year without it, and the 29th again in the next leap year.
func yearsAfter(anchor int64, n int) int64 {
	at := time.Unix(anchor, 0).UTC()
	end := at.AddDate(n, 0, 0)
	if end.Month() != at.Month() {
		end = end.AddDate(0, 0, -end.Day())
	}
	return end.Unix()
}

// yearAmount is what the subscription costs for a year.
func (s *subscription) yearAmount() (sum int64) {
	for _, item := range s.Items.Data {
		sum += item.amount()
	}
	return sum
}

// nextPeriodEnd is the end of the year that begins when the current period ends.
func (s *subscription) nextPeriodEnd() int64 {
	n := 1
	for yearsAfter(s.BillingCycleAnchor, n) <= s.CurrentPeriodEnd {
		n++
	}
	return yearsAfter(s.BillingCycleAnchor, n)
}

// changeSubscription stores a subscription and says that it was updated.
func (t *tx) changeSubscription(ctx context.Context, s *subscription) error {
	return t.change(ctx, "customer.subscription.updated", s, s.due())
}

// getSubscription serves GET /v1/subscriptions/{subscription_exposed_id}.
func getSubscription(ctx context.Context, t *tx, c *call) (any, error) {
	s := new(subscription)
	return s, t.get(ctx, kindSubscription, c.id, "id", s)
}

// listSubscriptions serves GET /v1/subscriptions. Without a status it lists those that
// are not canceled.
func listSubscriptions(ctx context.Context, t *tx, c *call) (any, error) {
	want, rest := c.split("customer", "status", "price")
	status, _ := want["status"].(string)
	hasStatus := func(have any) bool {
		switch status {
		case "":
			return have != subCanceled
		case "all":
			return true
		case "ended":
			return have == subCanceled || have == subIncompleteExpired
		}
		return have == status
	}
	return t.listWhere(ctx, rest, kindSubscription, func(o map[string]any) bool {
		return want.equals(o, "customer") && hasStatus(o["status"]) && (want["price"] == nil || hasPrice(o, want["price"]))
	})
}

func hasPrice(sub map[string]any, id any) bool {
	items, _ := sub["items"].(map[string]any)
	data, _ := items["data"].([]any)
	return slices.ContainsFunc(data, func(item any) bool {
		fields, _ := item.(map[string]any)
		of, _ := fields["price"].(map[string]any)
		return of["id"] == id
	})
}

type subscriptionParams struct {
	CancelAtPeriodEnd    *bool             `json:"cancel_at_period_end"`
	DefaultPaymentMethod *string           `json:"default_payment_method"`
	Description          *string           `json:"description"`
	Items                []itemParams      `json:"items"`
	Metadata             map[string]string `json:"metadata"`
	ProrationBehavior    string            `json:"proration_behavior"`
}

type itemParams struct {
	ID        string         `json:"id"`
	Price     *string        `json:"price"`
	PriceData *itemPriceData `json:"price_data"`
	Quantity  *int64         `json:"quantity"`
}

// An itemPriceData is a price that is made with the change of an item, of a product that is there.
type itemPriceData struct {
	Currency   string     `json:"currency"`
	Product    string     `json:"product"`
	Recurring  *recurring `json:"recurring"`
	UnitAmount *int64     `json:"unit_amount"`
}

// updateSubscription serves POST /v1/subscriptions/{subscription_exposed_id}. A change
// of price or quantity counts at once, and what it adds or saves for the rest of the
// year goes to the next invoice, unless proration_behavior is none.
func updateSubscription(ctx context.Context, t *tx, c *call) (any, error) {
	var p subscriptionParams
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	s := new(subscription)
	if err := t.get(ctx, kindSubscription, c.id, "id", s); err != nil {
		return nil, err
	}
	if err := t.checkChange(ctx, s, &p); err != nil {
		return nil, err
	}
	var err error
	if s.Metadata, err = mergeMetadata(s.Metadata, p.Metadata); err != nil {
		return nil, err
	}
	if p.DefaultPaymentMethod != nil {
		s.DefaultPaymentMethod = p.DefaultPaymentMethod
	}
	if p.Description != nil {
		s.Description = p.Description
	}
	if p.CancelAtPeriodEnd != nil {
		s.endWithPeriod(*p.CancelAtPeriodEnd, t.now)
	}
	for i, item := range p.Items {
		if err := t.changeItem(ctx, s, item, fmt.Sprintf("items[%d]", i), p.ProrationBehavior != "none"); err != nil {
			return nil, err
		}
	}
	return s, t.changeSubscription(ctx, s)
}

func (t *tx) checkChange(ctx context.Context, s *subscription, p *subscriptionParams) error {
	switch {
	case s.Status == subCanceled || s.Status == subIncompleteExpired:
		return invalid("", "", "subscription "+s.ID+" has ended; its status is "+s.Status)
	case s.Status == subIncomplete && (len(p.Items) > 0 || p.CancelAtPeriodEnd != nil):
		return invalid("", "", "an incomplete subscription can change only its metadata and its payment method")
	case p.ProrationBehavior == "always_invoice":
		return notModelled("proration_behavior", p.ProrationBehavior)
	case p.DefaultPaymentMethod != nil:
		return t.checkOwnMethod(ctx, *p.DefaultPaymentMethod, s.Customer, "default_payment_method")
	}
	return nil
}

// endWithPeriod makes the subscription end with its period, or go on after it.
func (s *subscription) endWithPeriod(yes bool, now time.Time) {
	switch {
	case yes && !s.CancelAtPeriodEnd:
		at, end, why := now.Unix(), s.CurrentPeriodEnd, "cancellation_requested"
		s.CancelAt, s.CanceledAt, s.CancellationDetails.Reason = &end, &at, &why
	case !yes && s.CancelAtPeriodEnd:
		s.CancelAt, s.CanceledAt, s.CancellationDetails.Reason = nil, nil, nil
	}
	s.CancelAtPeriodEnd = yes
}

// changeItem changes the price or the quantity of one item.
func (t *tx) changeItem(ctx context.Context, s *subscription, p itemParams, at string, prorate bool) error {
	if p.ID == "" {
		return notModelled(at+"[id]", "an item that is added")
	}
	i := slices.IndexFunc(s.Items.Data, func(item subscriptionItem) bool { return item.ID == p.ID })
	if i < 0 {
		return missing("subscription_item", p.ID, at+"[id]")
	}
	before := s.Items.Data[i]
	after := before
	if p.Price != nil && p.PriceData != nil {
		return invalid("", at+"[price]", "give price or price_data, not both")
	}
	if p.PriceData != nil {
		made, err := t.priceOf(ctx, p.PriceData, at+"[price_data]")
		if err != nil {
			return err
		}
		after.Price = *made
	}
	if p.Price != nil {
		bought, _, err := t.priceToBuy(ctx, *p.Price, at+"[price]")
		if err != nil {
			return err
		}
		if bought.Type != priceRecurring {
			return invalid("", at+"[price]", "the price "+bought.ID+" is paid once")
		}
		after.Price = *bought
	}
	if p.Quantity != nil {
		after.Quantity = *p.Quantity
	}
	switch {
	case after.Quantity < 1 || after.Quantity > 999_999:
		return invalid("parameter_invalid_integer", at+"[quantity]", "quantity must be from 1 to 999999")
	case after.amount() > largestCharge:
		return invalid("amount_too_large", at, "the amount is too large")
	}
	s.Items.Data[i] = after
	if !prorate || before.Price.ID == after.Price.ID && before.Quantity == after.Quantity {
		return nil
	}
	if err := t.prorate(ctx, s, &before, -1); err != nil {
		return err
	}
	return t.prorate(ctx, s, &after, 1)
}

// priceOf makes the price of an item that is changed to it. It cannot be bought again.
func (t *tx) priceOf(ctx context.Context, data *itemPriceData, at string) (*price, error) {
	asked := priceParams{Currency: data.Currency, Product: data.Product, Recurring: data.Recurring, UnitAmount: data.UnitAmount}
	if err := asked.check(); err != nil {
		return nil, err
	}
	if asked.Recurring == nil {
		return nil, invalid("parameter_missing", at+"[recurring]", "a subscription needs a recurring price")
	}
	if err := t.get(ctx, kindProduct, asked.Product, at+"[product]", new(product)); err != nil {
		return nil, err
	}
	made := asked.newPrice(t.now)
	made.Active = false
	return made, t.change(ctx, "price.created", made, 0)
}

// cancelSubscription serves DELETE /v1/subscriptions/{subscription_exposed_id}, which
// ends a subscription at once. Nothing is refunded: prorate only notes a credit for the
// rest of the year, and invoice_now moves it to the customer's balance.
func cancelSubscription(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		InvoiceNow bool `json:"invoice_now"`
		Prorate    bool `json:"prorate"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	s := new(subscription)
	if err := t.get(ctx, kindSubscription, c.id, "id", s); err != nil {
		return nil, err
	}
	if s.Status == subCanceled || s.Status == subIncompleteExpired {
		return nil, missing(kindSubscription, s.ID, "id")
	}
	return s, t.cancelNow(ctx, s, p.Prorate, p.InvoiceNow)
}

func (t *tx) cancelNow(ctx context.Context, s *subscription, prorate, invoiceNow bool) error {
	if s.Status == subIncomplete {
		var cs session
		if err := t.get(ctx, kindSession, s.Sim.Session, "", &cs); err != nil {
			return err
		}
		if err := t.expire(ctx, &cs); err != nil {
			return err
		}
		return t.get(ctx, kindSubscription, s.ID, "", s)
	}
	if !invoiceNow {
		if err := t.dropPending(ctx, s); err != nil {
			return err
		}
	}
	if prorate && s.CurrentPeriodEnd > t.now.Unix() {
		for _, item := range s.Items.Data {
			if err := t.prorate(ctx, s, &item, -1); err != nil {
				return err
			}
		}
	}
	if invoiceNow {
		if err := t.invoicePending(ctx, s); err != nil {
			return err
		}
	}
	return t.endSubscription(ctx, s, "cancellation_requested")
}

// endSubscription cancels a subscription, and stops what is still being collected for
// it.
func (t *tx) endSubscription(ctx context.Context, s *subscription, reason string) error {
	if err := t.stopCollecting(ctx, s); err != nil {
		return err
	}
	at := t.now.Unix()
	s.Status, s.EndedAt = subCanceled, &at
	if s.CanceledAt == nil {
		s.CanceledAt = &at
	}
	why := cmp.Or(deref(s.CancellationDetails.Reason), reason)
	s.CancellationDetails.Reason = &why
	return t.change(ctx, "customer.subscription.deleted", s, s.due())
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
