package stripesim

import "context"

const kindTransaction = "balance_transaction"

// A transaction is one movement of an account's balance. The simulator takes
// no fees and makes every amount available at once.
type transaction struct {
	ID          string   `json:"id"`
	Object      string   `json:"object"`
	Amount      int64    `json:"amount"`
	AvailableOn int64    `json:"available_on"`
	Created     int64    `json:"created"`
	Currency    string   `json:"currency"`
	Description *string  `json:"description"`
	Fee         int64    `json:"fee"`
	FeeDetails  []string `json:"fee_details"`
	Net         int64    `json:"net"`
	Category    string   `json:"reporting_category"`
	Source      string   `json:"source"`
	Status      string   `json:"status"`
	Type        string   `json:"type"`
}

func (x *transaction) kindAndID() (kind, id string) { return kindTransaction, x.ID }

// book records a movement and returns its id.
func (t *tx) book(ctx context.Context, kind, source string, amount int64) (string, error) {
	x := &transaction{
		ID: newID("txn"), Object: kindTransaction, Amount: amount, AvailableOn: t.now.Unix(), Created: t.now.Unix(),
		Currency: "usd", FeeDetails: []string{}, Net: amount, Category: kind, Source: source, Status: "available", Type: kind,
	}
	return x.ID, t.put(ctx, x, 0)
}

// balance sums the movements of the transaction's account.
func (t *tx) balance(ctx context.Context) (int64, error) {
	xs, err := all[transaction](ctx, t, kindTransaction)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, x := range xs {
		sum += x.Net
	}
	return sum, nil
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
	sum, err := t.balance(ctx)
	if err != nil {
		return nil, err
	}
	return balanceReply{Object: "balance", Available: usd(sum), Pending: usd(0)}, nil
}

// getTransaction serves GET /v1/balance_transactions/{id}.
func getTransaction(ctx context.Context, t *tx, c *call) (any, error) {
	x := new(transaction)
	return x, t.get(ctx, kindTransaction, c.id, "id", x)
}

// listTransactions serves GET /v1/balance_transactions.
func listTransactions(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindTransaction, "source", "type")
}
