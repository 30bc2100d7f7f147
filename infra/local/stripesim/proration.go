package stripesim

import (
	"context"
	"fmt"
	"time"
)

const kindInvoiceItem = "invoiceitem"

// An invoiceItem is an amount that waits for the subscription's next invoice: a credit
// for the rest of a year that was paid and is not used, or what the rest of the year
// costs now. Invoice is nil while it waits.
type invoiceItem struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Amount           int64             `json:"amount"`
	Currency         string            `json:"currency"`
	Customer         string            `json:"customer"`
	Date             int64             `json:"date"`
	Description      string            `json:"description"`
	Discountable     bool              `json:"discountable"`
	Invoice          *string           `json:"invoice"`
	Livemode         bool              `json:"livemode"`
	Metadata         map[string]string `json:"metadata"`
	Period           linePeriod        `json:"period"`
	Price            price             `json:"price"`
	Proration        bool              `json:"proration"`
	Quantity         int64             `json:"quantity"`
	Subscription     string            `json:"subscription"`
	SubscriptionItem string            `json:"subscription_item"`
	UnitAmount       int64             `json:"unit_amount"`
}

func (i *invoiceItem) kindAndID() (kind, id string) { return kindInvoiceItem, i.ID }

// prorate adds an invoice item with what a subscription's item costs for the rest of
// the period, to the second, times sign.
func (t *tx) prorate(ctx context.Context, s *subscription, item *subscriptionItem, sign int64) error {
	now := t.now.Unix()
	amount := partOf(item.amount(), s.CurrentPeriodEnd-now, s.CurrentPeriodEnd-s.CurrentPeriodStart)
	what := map[int64]string{-1: "Unused time", 1: "Remaining time"}[sign]
	var of product
	if err := t.get(ctx, kindProduct, item.Price.Product, "", &of); err != nil {
		return err
	}
	made := &invoiceItem{
		ID: newID("ii"), Object: kindInvoiceItem, Amount: sign * amount, Currency: s.Currency, Customer: s.Customer, Date: now,
		Description: fmt.Sprintf("%s of %d × %s after %s", what, item.Quantity, of.Name, t.now.Format(time.DateOnly)),
		Metadata:    orEmpty(s.Metadata), Period: linePeriod{End: s.CurrentPeriodEnd, Start: now}, Price: item.Price, Proration: true,
		Quantity: item.Quantity, Subscription: s.ID, SubscriptionItem: item.ID, UnitAmount: sign * amount / item.Quantity,
	}
	return t.change(ctx, "invoiceitem.created", made, 0)
}

// partOf is the part/whole of an amount of at most largestCharge, rounded to the
// nearest cent.
func partOf(amount, part, whole int64) int64 { return (2*amount*part + whole) / (2 * whole) }

// pendingItems are the subscription's items that no invoice has.
func (t *tx) pendingItems(ctx context.Context, s *subscription) ([]*invoiceItem, error) {
	items, err := all[invoiceItem](ctx, t, kindInvoiceItem)
	if err != nil {
		return nil, err
	}
	var out []*invoiceItem
	for _, item := range items {
		if item.Subscription == s.ID && item.Invoice == nil {
			out = append(out, item)
		}
	}
	return out, nil
}

func linesOf(items []*invoiceItem) []invoiceLine {
	var out []invoiceLine
	for _, i := range items {
		out = append(out, invoiceLine{
			ID: newID("il"), Object: "line_item", Amount: i.Amount, Currency: i.Currency, Description: i.Description, InvoiceItem: i.ID,
			Metadata: i.Metadata, Period: i.Period, Price: i.Price, Proration: i.Proration, Quantity: i.Quantity,
			Subscription: i.Subscription, SubscriptionItem: i.SubscriptionItem, Type: kindInvoiceItem,
		})
	}
	return out
}

// take gives the items to an invoice.
func (t *tx) take(ctx context.Context, items []*invoiceItem, inv *invoice) error {
	for _, i := range items {
		i.Invoice = &inv.ID
		if err := t.put(ctx, i, 0); err != nil {
			return err
		}
	}
	return nil
}

// dropPending removes the items that wait, as Stripe does when a subscription is
// canceled at once.
func (t *tx) dropPending(ctx context.Context, s *subscription) error {
	items, err := t.pendingItems(ctx, s)
	if err != nil {
		return err
	}
	for _, i := range items {
		if _, err := t.sql.ExecContext(ctx, `DELETE FROM objects WHERE id = ?`, i.ID); err != nil {
			return fmt.Errorf("removing %s: %w", i.ID, err)
		}
	}
	return nil
}

// invoicePending makes a last invoice of what waits, if anything does, and collects it.
// A credit goes to the customer's balance; it is not refunded.
func (t *tx) invoicePending(ctx context.Context, s *subscription) error {
	items, err := t.pendingItems(ctx, s)
	if err != nil || len(items) == 0 {
		return err
	}
	inv, err := t.newInvoice(ctx, s, "subscription_update", linesOf(items))
	if err != nil {
		return err
	}
	if err := t.take(ctx, items, inv); err != nil {
		return err
	}
	if err := t.change(ctx, "invoice.created", inv, inv.due()); err != nil {
		return err
	}
	return t.advanceInvoice(ctx, inv.ID)
}

// listInvoiceItems serves GET /v1/invoiceitems.
func listInvoiceItems(ctx context.Context, t *tx, c *call) (any, error) {
	want, rest := c.split("customer", "invoice", "pending")
	return t.listWhere(ctx, rest, kindInvoiceItem, func(o map[string]any) bool {
		pending, asked := want["pending"]
		return want.equals(o, "customer", "invoice") && (!asked || pending == (o["invoice"] == nil))
	})
}
