package stripesim

import (
	"context"
	"maps"
	"slices"
)

const kindTransaction = "balance_transaction"

// Types of a movement.
const (
	movedCharge        = "charge"
	movedRefund        = "refund"
	movedRefundFailure = "refund_failure"
	movedAdjustment    = "adjustment" // the money of a dispute
	movedPayout        = "payout"
	movedPayoutFailure = "payout_failure"
	movedFee           = "application_fee"
	movedFeeRefund     = "application_fee_refund"
)

// A transaction is one movement of an account's balance. Fee is what Stripe and the
// platform took of Amount, negative if they gave it back; Net is Amount less Fee.
// Status is computed when the transaction is shown.
type transaction struct {
	ID          string         `json:"id"`
	Object      string         `json:"object"`
	Amount      int64          `json:"amount"`
	AvailableOn int64          `json:"available_on"`
	Created     int64          `json:"created"`
	Currency    string         `json:"currency"`
	Description *string        `json:"description"`
	Fee         int64          `json:"fee"`
	FeeDetails  []feeDetail    `json:"fee_details"`
	Net         int64          `json:"net"`
	Category    string         `json:"reporting_category"`
	Source      string         `json:"source"`
	Status      string         `json:"status"`
	Type        string         `json:"type"`
	Sim         transactionSim `json:"_sim"`
}

// A feeDetail is one fee of a transaction. Application is the platform's, of its own
// fee.
type feeDetail struct {
	Amount      int64   `json:"amount"`
	Application *string `json:"application"`
	Currency    string  `json:"currency"`
	Description string  `json:"description"`
	Type        string  `json:"type"`
}

// A transactionSim names the automatic payout that paid a transaction out.
type transactionSim struct {
	Payout string `json:"payout,omitempty"`
}

func (x *transaction) kindAndID() (kind, id string) { return kindTransaction, x.ID }

// book records a movement without fees and returns its id.
func (t *tx) book(ctx context.Context, kind, source string, amount int64) (string, error) {
	x := &transaction{Type: kind, Category: kind, Source: source, Amount: amount}
	err := t.bookWith(ctx, x)
	return x.ID, err
}

// bookWith completes and records a movement of a type, a category, a source, an amount
// and the details of its fees.
func (t *tx) bookWith(ctx context.Context, x *transaction) error {
	terms, err := t.terms(ctx)
	if err != nil {
		return err
	}
	x.ID, x.Object, x.Created, x.Currency = newID("txn"), kindTransaction, t.now.Unix(), "usd"
	if x.FeeDetails == nil {
		x.FeeDetails = []feeDetail{}
	}
	for _, f := range x.FeeDetails {
		x.Fee += f.Amount
	}
	x.Net = x.Amount - x.Fee
	x.AvailableOn = terms.availableOn(t.now, x.Net)
	return t.put(ctx, x, 0)
}

// balance sums the movements of the transaction's account: those that are available,
// and those that are not yet.
func (t *tx) balance(ctx context.Context) (available, pending int64, err error) {
	xs, err := all[transaction](ctx, t, kindTransaction)
	for _, x := range xs {
		if x.AvailableOn <= t.now.Unix() {
			available += x.Net
		} else {
			pending += x.Net
		}
	}
	return available, pending, err
}

// showStatus sets the status of a transaction that is shown.
func (t *tx) showStatus(shown map[string]any) {
	shown["status"] = "available"
	if on, _ := shown["available_on"].(float64); int64(on) > t.now.Unix() {
		shown["status"] = "pending"
	}
}

type balanceReply struct {
	Object    string          `json:"object"`
	Available []balanceAmount `json:"available"`
	Livemode  bool            `json:"livemode"`
	Pending   []balanceAmount `json:"pending"`
}

type balanceAmount struct {
	Amount   int64            `json:"amount"`
	Currency string           `json:"currency"`
	Sources  map[string]int64 `json:"source_types"`
}

func usd(amount int64) []balanceAmount {
	return []balanceAmount{{Amount: amount, Currency: "usd", Sources: map[string]int64{"card": amount}}}
}

// getBalance serves GET /v1/balance.
func getBalance(ctx context.Context, t *tx, _ *call) (any, error) {
	available, pending, err := t.balance(ctx)
	if err != nil {
		return nil, err
	}
	return balanceReply{Object: "balance", Available: usd(available), Pending: usd(pending)}, nil
}

// getTransaction serves GET /v1/balance_transactions/{id}.
func getTransaction(ctx context.Context, t *tx, c *call) (any, error) {
	x := new(transaction)
	return x, t.get(ctx, kindTransaction, c.id, "id", x)
}

// listTransactions serves GET /v1/balance_transactions. Those of a payout are what it
// paid out and the movement of the payout itself; only an automatic payout knows them.
func listTransactions(ctx context.Context, t *tx, c *call) (any, error) {
	id, _ := c.params["payout"].(string)
	if id == "" {
		return t.list(ctx, c, kindTransaction, "source", "type", "currency")
	}
	var po payout
	if err := t.get(ctx, kindPayout, id, "payout", &po); err != nil {
		return nil, err
	}
	if !po.Automatic {
		return nil, invalid("", "payout", "only the transactions of an automatic payout can be listed")
	}
	params := maps.Clone(c.params)
	delete(params, "payout")
	kind, ofKind := params["type"]
	delete(params, "type")
	return t.listWhere(ctx, &call{path: c.path, params: params}, kindTransaction, func(o map[string]any) bool {
		own, _ := o["_sim"].(map[string]any)
		return own["payout"] == id && (!ofKind || o["type"] == kind)
	})
}

// unpaid are the available transactions that no automatic payout has paid out, and
// their sum.
func (t *tx) unpaid(ctx context.Context) ([]*transaction, int64, error) {
	xs, err := all[transaction](ctx, t, kindTransaction)
	xs = slices.DeleteFunc(xs, func(x *transaction) bool { return x.Sim.Payout != "" || x.AvailableOn > t.now.Unix() })
	var sum int64
	for _, x := range xs {
		sum += x.Net
	}
	return xs, sum, err
}
