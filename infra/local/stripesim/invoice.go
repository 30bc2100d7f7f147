package stripesim

import (
	"context"
	"fmt"
	"time"
)

const (
	kindInvoice = "invoice"

	invoiceDraft = "draft"
	invoiceOpen  = "open"
	invoicePaid  = "paid"
	invoiceVoid  = "void"

	// draftLasts is how long the invoice of a renewal can still be changed before it is
	// charged.
	draftLasts = time.Hour
)

// An invoice is what a customer owes for a year of a subscription, with what changes of
// the subscription added or saved since the last one.
type invoice struct {
	ID                   string                 `json:"id,omitempty"` // empty in invoice.upcoming
	Object               string                 `json:"object"`
	AmountDue            int64                  `json:"amount_due"`
	AmountPaid           int64                  `json:"amount_paid"`
	AmountRemaining      int64                  `json:"amount_remaining"`
	AmountShipping       int64                  `json:"amount_shipping"`
	PlatformFee          *int64                 `json:"application_fee_amount"`
	AttemptCount         int                    `json:"attempt_count"`
	Attempted            bool                   `json:"attempted"`
	AutoAdvance          bool                   `json:"auto_advance"`
	AutomaticTax         disabled               `json:"automatic_tax"`
	BillingReason        string                 `json:"billing_reason"`
	Charge               *string                `json:"charge"`
	CollectionMethod     string                 `json:"collection_method"`
	Created              int64                  `json:"created"`
	Currency             string                 `json:"currency"`
	Customer             string                 `json:"customer"`
	CustomerEmail        *string                `json:"customer_email"`
	CustomerName         *string                `json:"customer_name"`
	DefaultPaymentMethod *string                `json:"default_payment_method"`
	DefaultTaxRates      []string               `json:"default_tax_rates"`
	Description          *string                `json:"description"`
	EndingBalance        *int64                 `json:"ending_balance"`
	Lines                innerList[invoiceLine] `json:"lines"`
	Livemode             bool                   `json:"livemode"`
	Metadata             map[string]string      `json:"metadata"`
	NextPaymentAttempt   *int64                 `json:"next_payment_attempt"`
	Number               *string                `json:"number"`
	Paid                 bool                   `json:"paid"`
	PaidOutOfBand        bool                   `json:"paid_out_of_band"`
	PaymentIntent        *string                `json:"payment_intent"`
	PaymentSettings      struct{}               `json:"payment_settings"`
	PeriodEnd            int64                  `json:"period_end"`
	PeriodStart          int64                  `json:"period_start"`
	PostPaymentCredit    int64                  `json:"post_payment_credit_notes_amount"`
	PrePaymentCredit     int64                  `json:"pre_payment_credit_notes_amount"`
	StartingBalance      int64                  `json:"starting_balance"`
	Status               string                 `json:"status"`
	StatusTransitions    statusTransitions      `json:"status_transitions"`
	Subscription         string                 `json:"subscription"`
	SubscriptionDetails  subscriptionDetails    `json:"subscription_details"`
	Subtotal             int64                  `json:"subtotal"`
	Tax                  *int64                 `json:"tax"`
	Total                int64                  `json:"total"`
	TotalTaxAmounts      []string               `json:"total_tax_amounts"`
	Sim                  invoiceSim             `json:"_sim"`
}

// An invoiceSim is when the clock finalizes a draft.
type invoiceSim struct {
	Finalize int64 `json:"finalize"`
}

type statusTransitions struct {
	FinalizedAt           *int64 `json:"finalized_at"`
	MarkedUncollectibleAt *int64 `json:"marked_uncollectible_at"`
	PaidAt                *int64 `json:"paid_at"`
	VoidedAt              *int64 `json:"voided_at"`
}

// subscriptionDetails has the subscription's metadata when the invoice was made.
type subscriptionDetails struct {
	Metadata map[string]string `json:"metadata"`
}

// An invoiceLine is a year of one item, or a proration.
type invoiceLine struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Amount           int64             `json:"amount"`
	Currency         string            `json:"currency"`
	Description      string            `json:"description"`
	Discountable     bool              `json:"discountable"`
	InvoiceItem      string            `json:"invoice_item,omitempty"`
	Livemode         bool              `json:"livemode"`
	Metadata         map[string]string `json:"metadata"`
	Period           linePeriod        `json:"period"`
	Price            price             `json:"price"`
	Proration        bool              `json:"proration"`
	Quantity         int64             `json:"quantity"`
	Subscription     string            `json:"subscription"`
	SubscriptionItem string            `json:"subscription_item"`
	Type             string            `json:"type"`
}

type linePeriod struct {
	End   int64 `json:"end"`
	Start int64 `json:"start"`
}

func (i *invoice) kindAndID() (kind, id string) { return kindInvoice, i.ID }

// due is when the clock finalizes a draft, or tries a failed payment again.
func (i *invoice) due() int64 {
	switch {
	case !i.AutoAdvance:
		return 0
	case i.Status == invoiceDraft:
		return i.Sim.Finalize
	case i.Status == invoiceOpen && i.NextPaymentAttempt != nil:
		return *i.NextPaymentAttempt
	}
	return 0
}

// yearLines are the lines of a year of each of the subscription's items.
func (t *tx) yearLines(ctx context.Context, s *subscription, start, end int64) ([]invoiceLine, error) {
	var out []invoiceLine
	for _, item := range s.Items.Data {
		var of product
		if err := t.get(ctx, kindProduct, item.Price.Product, "", &of); err != nil {
			return nil, err
		}
		out = append(out, invoiceLine{
			ID: newID("il"), Object: "line_item", Amount: item.amount(), Currency: s.Currency,
			Description:  fmt.Sprintf("%d × %s (%s a year)", item.Quantity, of.Name, dollars(item.Price.UnitAmount)),
			Discountable: true, Metadata: orEmpty(s.Metadata), Period: linePeriod{End: end, Start: start}, Price: item.Price,
			Quantity: item.Quantity, Subscription: s.ID, SubscriptionItem: item.ID, Type: "subscription",
		})
	}
	return out, nil
}

func dollars(cents int64) string { return fmt.Sprintf("$%d.%02d", cents/100, cents%100) }

// newInvoice returns a draft of the lines, which is not stored.
func (t *tx) newInvoice(ctx context.Context, s *subscription, reason string, lines []invoiceLine) (*invoice, error) {
	var of customer
	if err := t.get(ctx, kindCustomer, s.Customer, "", &of); err != nil {
		return nil, err
	}
	inv := &invoice{
		ID: newID("in"), Object: kindInvoice, AutoAdvance: true, BillingReason: reason, CollectionMethod: s.CollectionMethod,
		Created: t.now.Unix(), Currency: s.Currency, Customer: s.Customer, CustomerEmail: of.Email, CustomerName: of.Name,
		DefaultTaxRates: []string{}, Description: s.Description, Metadata: map[string]string{}, PeriodEnd: t.now.Unix(),
		PeriodStart: t.now.Unix(), Status: invoiceDraft, Subscription: s.ID,
		SubscriptionDetails: subscriptionDetails{orEmpty(s.Metadata)}, TotalTaxAmounts: []string{},
		Sim: invoiceSim{Finalize: t.now.Add(draftLasts).Unix()},
	}
	inv.Lines = innerList[invoiceLine]{Object: "list", Data: lines, URL: "/v1/invoices/" + inv.ID + "/lines"}
	for _, line := range lines {
		inv.Subtotal += line.Amount
	}
	inv.Total, inv.StartingBalance = inv.Subtotal, of.Balance
	inv.AmountDue = max(0, inv.Total+of.Balance)
	inv.AmountRemaining = inv.AmountDue
	return inv, nil
}

// number makes a draft an open invoice: it gets its number, and the customer's balance
// is settled with it. What is less than the smallest charge, or a credit, stays in the
// balance. What the platform takes of what is due is the subscription's percentage of it.
func (t *tx) number(ctx context.Context, inv *invoice) error {
	var of customer
	if err := t.get(ctx, kindCustomer, inv.Customer, "", &of); err != nil {
		return err
	}
	number := fmt.Sprintf("%s-%04d", of.InvoicePrefix, of.NextInvoice)
	of.NextInvoice++
	inv.StartingBalance = of.Balance
	inv.AmountDue, of.Balance = max(0, inv.Total+of.Balance), min(0, inv.Total+of.Balance)
	if inv.AmountDue < smallestCharge {
		inv.AmountDue, of.Balance = 0, of.Balance+inv.AmountDue
	}
	var sub subscription
	if err := t.get(ctx, kindSubscription, inv.Subscription, "", &sub); err != nil {
		return err
	}
	inv.PlatformFee = sub.platformFee(inv.AmountDue)
	left, at := of.Balance, t.now.Unix()
	inv.Number, inv.EndingBalance, inv.AmountRemaining = &number, &left, inv.AmountDue
	inv.Status, inv.StatusTransitions.FinalizedAt = invoiceOpen, &at
	if left != inv.StartingBalance {
		return t.change(ctx, "customer.updated", &of, 0)
	}
	return t.put(ctx, &of, 0)
}

// finalize numbers a draft, and makes the intent that pays it. An invoice of nothing is
// paid.
func (t *tx) finalize(ctx context.Context, inv *invoice) error {
	if err := t.number(ctx, inv); err != nil {
		return err
	}
	if inv.AmountDue == 0 {
		if err := t.emit(ctx, "invoice.finalized", inv); err != nil {
			return err
		}
		return t.settleInvoice(ctx, inv)
	}
	why := "Subscription update"
	pi := t.newOffSessionIntent(&offSessionParams{
		Amount: inv.AmountDue, Currency: inv.Currency, Customer: &inv.Customer, Description: &why, PaymentMethodTypes: []string{"card"},
	})
	pi.Invoice, inv.PaymentIntent, pi.PlatformFee = &inv.ID, &pi.ID, inv.PlatformFee
	if err := t.change(ctx, "invoice.finalized", inv, inv.due()); err != nil {
		return err
	}
	return t.change(ctx, "payment_intent.created", pi, 0)
}

// settleInvoice marks an invoice paid.
func (t *tx) settleInvoice(ctx context.Context, inv *invoice) error {
	at := t.now.Unix()
	inv.Status, inv.Paid, inv.NextPaymentAttempt, inv.StatusTransitions.PaidAt = invoicePaid, true, nil, &at
	inv.Attempted, inv.AmountPaid, inv.AmountRemaining = true, inv.AmountDue, 0
	if err := t.change(ctx, "invoice.paid", inv, inv.due()); err != nil {
		return err
	}
	if err := t.emit(ctx, "invoice.payment_succeeded", inv); err != nil {
		return err
	}
	return t.afterPayment(ctx, inv)
}

// recordInvoicePaid records that the intent of an invoice has succeeded.
func (t *tx) recordInvoicePaid(ctx context.Context, pi *intent) error {
	var inv invoice
	if err := t.get(ctx, kindInvoice, *pi.Invoice, "", &inv); err != nil {
		return err
	}
	inv.Charge = pi.LatestCharge
	inv.AttemptCount++
	return t.settleInvoice(ctx, &inv)
}

// afterPayment makes a subscription active whose latest invoice is paid. The method of
// its first payment pays the next ones too.
func (t *tx) afterPayment(ctx context.Context, inv *invoice) error {
	var s subscription
	if err := t.get(ctx, kindSubscription, inv.Subscription, "", &s); err != nil {
		return err
	}
	if s.Status == subActive || !is(s.LatestInvoice, inv.ID) || !s.lives() && s.Status != subIncomplete {
		return nil
	}
	if s.Status == subIncomplete {
		var pi intent
		if err := t.get(ctx, kindIntent, *inv.PaymentIntent, "", &pi); err != nil {
			return err
		}
		s.DefaultPaymentMethod = pi.PaymentMethod
	}
	s.Status = subActive
	return t.changeSubscription(ctx, &s)
}

// getInvoice serves GET /v1/invoices/{invoice}.
func getInvoice(ctx context.Context, t *tx, c *call) (any, error) {
	inv := new(invoice)
	return inv, t.get(ctx, kindInvoice, c.id, "invoice", inv)
}

// listInvoices serves GET /v1/invoices.
func listInvoices(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindInvoice, "customer", "subscription", "status")
}

// listInvoiceLines serves GET /v1/invoices/{invoice}/lines.
func listInvoiceLines(ctx context.Context, t *tx, c *call) (any, error) {
	var inv invoice
	if err := t.get(ctx, kindInvoice, c.id, "invoice", &inv); err != nil {
		return nil, err
	}
	return inv.Lines, nil
}

// payInvoice serves POST /v1/invoices/{invoice}/pay: an attempt that was not planned,
// and so counts as none of the planned ones, unless it comes before all of them.
func payInvoice(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		OffSession    *bool  `json:"off_session"`
		PaymentMethod string `json:"payment_method"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if p.OffSession != nil && !*p.OffSession {
		return nil, notModelled("off_session", "an invoice paid in the presence of its customer")
	}
	inv := new(invoice)
	if err := t.get(ctx, kindInvoice, c.id, "invoice", inv); err != nil {
		return nil, err
	}
	if p.PaymentMethod != "" {
		if err := t.checkOwnMethod(ctx, p.PaymentMethod, inv.Customer, "payment_method"); err != nil {
			return nil, err
		}
	}
	if err := t.payByRequest(ctx, inv, p.PaymentMethod); err != nil {
		return nil, err
	}
	return inv, t.get(ctx, kindInvoice, inv.ID, "", inv)
}

// payByRequest pays an invoice with a method, or the one that would pay it anyway.
func (t *tx) payByRequest(ctx context.Context, inv *invoice, methodID string) error {
	if err := t.checkEnabled(ctx); err != nil {
		return err
	}
	switch {
	case inv.Paid:
		return invalid("", "invoice", "invoice "+inv.ID+" is already paid")
	case inv.Status == invoiceVoid || inv.BillingReason == "subscription_create":
		return invalid("", "invoice", "invoice "+inv.ID+" cannot be paid; its status is "+inv.Status)
	case inv.Status == invoiceDraft:
		if err := t.finalize(ctx, inv); err != nil || inv.Paid {
			return err
		}
	}
	m, err := t.methodFor(ctx, inv, methodID)
	if err != nil {
		return err
	}
	if m == nil {
		return invalid("resource_missing", "", "customer "+inv.Customer+" has no default payment method")
	}
	pi := new(intent)
	if err := t.get(ctx, kindIntent, *inv.PaymentIntent, "", pi); err != nil {
		return err
	}
	pi.Sim.ByRequest = !inv.AutoAdvance || inv.NextPaymentAttempt != nil
	if err := t.payOffSession(ctx, pi, m); err != nil {
		return err
	}
	if pi.LastPaymentError != nil {
		return t.paymentRefused(pi, m)
	}
	return nil
}

// methodFor is the method that pays an invoice: the named one, the subscription's, or
// the customer's; nil if there is none.
func (t *tx) methodFor(ctx context.Context, inv *invoice, id string) (*method, error) {
	var s subscription
	if err := t.get(ctx, kindSubscription, inv.Subscription, "", &s); err != nil {
		return nil, err
	}
	var of customer
	if err := t.get(ctx, kindCustomer, inv.Customer, "", &of); err != nil {
		return nil, err
	}
	for _, choice := range []*string{&id, s.DefaultPaymentMethod, of.InvoiceSettings.DefaultPaymentMethod} {
		if deref(choice) != "" {
			m := new(method)
			return m, t.get(ctx, kindMethod, *choice, "payment_method", m)
		}
	}
	return nil, nil
}
