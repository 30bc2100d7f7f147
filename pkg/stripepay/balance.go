package stripepay

import (
	"context"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/money"
	"evisit/pkg/reconcile"
)

// transactionPrefix begins the ids of balance transactions.
const transactionPrefix = "txn_"

// balancePage is how many transactions one call lists: the most that Stripe gives.
const balancePage = 100

// Transactions implements charge.Balance.
func (c *Client) Transactions(ctx context.Context, account string, w reconcile.Window, limit int) ([]reconcile.Transaction, bool, error) {
	params := &stripe.BalanceTransactionListParams{
		ListParams:   stripe.ListParams{Context: ctx, Limit: stripe.Int64(balancePage)},
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: w.From.Unix(), LesserThan: w.Through.Unix()},
	}
	return c.transactions(account, params, limit)
}

// transactions lists at most limit transactions, and reports whether these are all.
func (c *Client) transactions(account string, params *stripe.BalanceTransactionListParams, limit int) ([]reconcile.Transaction, bool, error) {
	params.AddExpand("data.source")
	params.SetStripeAccount(account)
	var all []reconcile.Transaction
	list := c.balance.List(params)
	for list.Next() {
		if len(all) == limit {
			return nil, false, nil
		}
		all = append(all, transaction(list.BalanceTransaction()))
	}
	if err := list.Err(); err != nil {
		return nil, false, callError("listing the balance transactions of "+account, err)
	}
	return all, true, nil
}

func transaction(x *stripe.BalanceTransaction) reconcile.Transaction {
	out := reconcile.Transaction{ID: x.ID, Amount: money.Cents(x.Amount), Fee: money.Cents(x.Fee), Object: x.ID}
	if s := x.Source; s != nil && s.ID != "" {
		out.Object = s.ID
		switch {
		case s.Charge != nil:
			out.Object, out.Ref = ownerOf(s.Charge.PaymentIntent, s.Charge), s.Charge.Metadata[refKey]
		case s.Refund != nil:
			out.Object = ownerOf(s.Refund.PaymentIntent, s.Refund.Charge)
		case s.Dispute != nil:
			out.Object = ownerOf(s.Dispute.PaymentIntent, s.Dispute.Charge)
		}
	}
	return out
}

// ownerOf is the intent of a charge, or the charge itself if it was made without one.
func ownerOf(pi *stripe.PaymentIntent, ch *stripe.Charge) string {
	if pi != nil && pi.ID != "" {
		return pi.ID
	}
	return ch.ID
}

// maxMoved bounds the transactions of one object.
const maxMoved = 10_000

// TransactionsOf implements charge.Balance.
func (c *Client) TransactionsOf(ctx context.Context, account, object string) ([]reconcile.Transaction, error) {
	if strings.HasPrefix(object, transactionPrefix) {
		params := &stripe.BalanceTransactionParams{Params: stripe.Params{Context: ctx}}
		params.SetStripeAccount(account)
		x, err := c.balance.Get(object, params)
		if err != nil {
			return nil, callError("fetching "+object, err)
		}
		return []reconcile.Transaction{transaction(x)}, nil
	}
	sources := []string{object}
	if strings.HasPrefix(object, intentPrefix) {
		var err error
		if sources, err = c.sourcesOf(ctx, account, object); err != nil {
			return nil, err
		}
	}
	var all []reconcile.Transaction
	for _, source := range sources {
		params := &stripe.BalanceTransactionListParams{
			ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(balancePage)}, Source: stripe.String(source),
		}
		ts, _, err := c.transactions(account, params, maxMoved)
		if err != nil {
			return nil, err
		}
		all = append(all, ts...)
	}
	return all, nil
}

// sourcesOf are the charges, refunds and disputes of an intent.
func (c *Client) sourcesOf(ctx context.Context, account, intent string) ([]string, error) {
	var ids []string
	page := stripe.ListParams{Context: ctx, Limit: stripe.Int64(balancePage), StripeAccount: stripe.String(account)}
	charges := c.charges.List(&stripe.ChargeListParams{ListParams: page, PaymentIntent: stripe.String(intent)})
	for charges.Next() {
		ids = append(ids, charges.Charge().ID)
	}
	if err := charges.Err(); err != nil {
		return nil, callError("listing the charges of "+intent, err)
	}
	refunds := c.refunds.List(&stripe.RefundListParams{ListParams: page, PaymentIntent: stripe.String(intent)})
	for refunds.Next() {
		ids = append(ids, refunds.Refund().ID)
	}
	if err := refunds.Err(); err != nil {
		return nil, callError("listing the refunds of "+intent, err)
	}
	disputes := c.disputes.List(&stripe.DisputeListParams{ListParams: page, PaymentIntent: stripe.String(intent)})
	for disputes.Next() {
		ids = append(ids, disputes.Dispute().ID)
	}
	if err := disputes.Err(); err != nil {
		return nil, callError("listing the disputes of "+intent, err)
	}
	return ids, nil
}
