package stripesim

import (
	"context"
	"net/http"
)

const (
	kindPayout = "payout"

	payoutPending = "pending"
	payoutPaid    = "paid"
	payoutFailed  = "failed"
)

// A payout sends money of an account to its bank account, which has it at the next
// midnight UTC, unless the bank refuses it, before that or after. The simulator knows
// no cancellation, and a payout that failed does not stop the next.
type payout struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Amount             int64             `json:"amount"`
	ArrivalDate        int64             `json:"arrival_date"`
	Automatic          bool              `json:"automatic"`
	BalanceTransaction string            `json:"balance_transaction"`
	Created            int64             `json:"created"`
	Currency           string            `json:"currency"`
	Description        *string           `json:"description"`
	Destination        string            `json:"destination"`
	FailureBooking     *string           `json:"failure_balance_transaction"`
	FailureCode        *string           `json:"failure_code"`
	FailureMessage     *string           `json:"failure_message"`
	Livemode           bool              `json:"livemode"`
	Metadata           map[string]string `json:"metadata"`
	Method             string            `json:"method"`
	OriginalPayout     *string           `json:"original_payout"`
	Reconciliation     string            `json:"reconciliation_status"`
	ReversedBy         *string           `json:"reversed_by"`
	SourceType         string            `json:"source_type"`
	Descriptor         *string           `json:"statement_descriptor"`
	Status             string            `json:"status"`
	Type               string            `json:"type"`
}

func (p *payout) kindAndID() (kind, id string) { return kindPayout, p.ID }

// due is when a payout arrives.
func (p *payout) due() int64 {
	if p.Status == payoutPending {
		return p.ArrivalDate
	}
	return 0
}

// createPayout serves POST /v1/payouts.
func createPayout(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Amount      int64             `json:"amount"`
		Currency    string            `json:"currency"`
		Description *string           `json:"description"`
		Metadata    map[string]string `json:"metadata"`
		Descriptor  *string           `json:"statement_descriptor"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return nil, err
	}
	var a account
	if err := t.get(ctx, kindAccount, t.account, "account", &a); err != nil {
		return nil, err
	}
	available, _, err := t.balance(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Currency != "usd":
		return nil, notModelled("currency", p.Currency)
	case p.Amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount", "amount must be at least 1")
	case !a.PayoutsEnabled:
		return nil, invalid("payouts_not_allowed", "", "this account cannot be paid out now: its requirements say why")
	case p.Amount > available:
		return nil, invalid("balance_insufficient", "amount", "amount is more than the available balance")
	}
	po := &payout{Amount: p.Amount, Description: p.Description, Metadata: p.Metadata, Descriptor: p.Descriptor, Reconciliation: "not_applicable"}
	return po, t.sendPayout(ctx, po)
}

// sendPayout completes and records a payout of an amount.
func (t *tx) sendPayout(ctx context.Context, po *payout) error {
	po.ID, po.Object, po.Created, po.Currency = newID("po"), kindPayout, t.now.Unix(), "usd"
	po.ArrivalDate, po.Destination = t.now.Truncate(day).Add(day).Unix(), "ba_simulated"
	po.Metadata, po.Method, po.SourceType, po.Status, po.Type = orEmpty(po.Metadata), "standard", "card", payoutPending, "bank_account"
	x := &transaction{Type: movedPayout, Category: movedPayout, Source: po.ID, Amount: -po.Amount}
	if po.Automatic {
		x.Sim.Payout = po.ID
	}
	if err := t.bookWith(ctx, x); err != nil {
		return err
	}
	po.BalanceTransaction = x.ID
	return t.change(ctx, "payout.created", po, po.due())
}

// payOutDaily makes the payout of an account's day. A clock that jumps over several days
// makes that of each.
func (t *tx) payOutDaily(ctx context.Context) error {
	a := new(account)
	if err := t.get(ctx, kindAccount, t.account, "", a); err != nil {
		return err
	}
	if err := t.payOutDay(ctx, a); err != nil {
		return err
	}
	a.Sim.NextPayout = a.Sim.Terms.nextPayout(t.now)
	return t.put(ctx, a, a.due())
}

// payOutDay sends all that is available and was not paid out, if the account may be
// paid out and it is more than nothing. What is less than nothing, or cannot be paid
// out, waits for a later day.
func (t *tx) payOutDay(ctx context.Context, a *account) error {
	xs, sum, err := t.unpaid(ctx)
	if err != nil || sum <= 0 || !a.PayoutsEnabled {
		return err
	}
	po := &payout{Amount: sum, Automatic: true, Reconciliation: "completed"}
	if err := t.sendPayout(ctx, po); err != nil {
		return err
	}
	for _, x := range xs {
		x.Sim.Payout = po.ID
		if err := t.put(ctx, x, 0); err != nil {
			return err
		}
	}
	return nil
}

// arrive ends a payout that its bank has.
func (t *tx) arrive(ctx context.Context, id string) error {
	po := new(payout)
	if err := t.get(ctx, kindPayout, id, "", po); err != nil {
		return err
	}
	po.Status = payoutPaid
	return t.change(ctx, "payout.paid", po, 0)
}

// failPayout takes a payout back: its bank refused it, even after it was paid.
func (t *tx) failPayout(ctx context.Context, po *payout) error {
	if po.Status == payoutFailed {
		return &failure{Status: http.StatusBadRequest, Type: invalidRequest, Message: "payout " + po.ID + " has failed already"}
	}
	x := &transaction{Type: movedPayoutFailure, Category: "payout_reversal", Source: po.ID, Amount: po.Amount}
	if err := t.bookWith(ctx, x); err != nil {
		return err
	}
	code, why := "account_closed", "the bank account has been closed"
	po.Status, po.FailureBooking, po.FailureCode, po.FailureMessage = payoutFailed, &x.ID, &code, &why
	return t.change(ctx, "payout.failed", po, 0)
}

// getPayout serves GET /v1/payouts/{payout}.
func getPayout(ctx context.Context, t *tx, c *call) (any, error) {
	po := new(payout)
	return po, t.get(ctx, kindPayout, c.id, "payout", po)
}

// listPayouts serves GET /v1/payouts.
func listPayouts(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindPayout, "status")
}
