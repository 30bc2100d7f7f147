package stripesim

import (
	"context"
	"net/http"
)

const (
	kindRefund        = "refund"
	refundHoldExpired = "expired_uncaptured_charge"
)

// A refund is a refund of captured money, or the release of a hold.
type refund struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Amount             int64             `json:"amount"`
	BalanceTransaction *string           `json:"balance_transaction"`
	Charge             string            `json:"charge"`
	Created            int64             `json:"created"`
	Currency           string            `json:"currency"`
	Metadata           map[string]string `json:"metadata"`
	PaymentIntent      string            `json:"payment_intent"`
	Reason             *string           `json:"reason"`
	Status             string            `json:"status"`
}

func (r *refund) kindAndID() (kind, id string) { return kindRefund, r.ID }

// createRefund serves POST /v1/refunds.
func createRefund(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Amount        *int64            `json:"amount"`
		Charge        string            `json:"charge"`
		Metadata      map[string]string `json:"metadata"`
		PaymentIntent string            `json:"payment_intent"`
		Reason        *string           `json:"reason"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return nil, err
	}
	ch, err := t.chargeToRefund(ctx, p.Charge, p.PaymentIntent)
	if err != nil {
		return nil, err
	}
	left := ch.Amount - ch.AmountRefunded
	amount := left
	if p.Amount != nil {
		amount = *p.Amount
	}
	switch {
	case !ch.Paid || !ch.Captured:
		return nil, invalid("charge_not_refundable", "charge", "charge "+ch.ID+" was never captured: cancel its PaymentIntent instead")
	case left == 0:
		return nil, &failure{
			Status: http.StatusBadRequest, Type: invalidRequest, Code: "charge_already_refunded",
			Message: "charge " + ch.ID + " has already been refunded", Charge: ch.ID,
		}
	case amount <= 0:
		return nil, invalid("parameter_invalid_integer", "amount", "amount must be at least 1")
	case amount > left:
		return nil, invalid("amount_too_large", "amount", "amount is more than what is left of the charge")
	}
	r, err := t.refundCharge(ctx, ch, amount, p.Reason, p.Metadata)
	if err != nil {
		return nil, err
	}
	return r, t.emit(ctx, "charge.refunded", ch)
}

func (t *tx) chargeToRefund(ctx context.Context, chargeID, intentID string) (*charge, error) {
	if (chargeID == "") == (intentID == "") {
		return nil, invalid("parameter_missing", "charge", "give one of charge or payment_intent")
	}
	if intentID != "" {
		var pi intent
		if err := t.get(ctx, kindIntent, intentID, "payment_intent", &pi); err != nil {
			return nil, err
		}
		if pi.Status != intentSucceeded {
			return nil, invalid("", "payment_intent", "PaymentIntent "+pi.ID+" has no captured charge to refund")
		}
		chargeID = *pi.LatestCharge
	}
	ch := new(charge)
	return ch, t.get(ctx, kindCharge, chargeID, "charge", ch)
}

// refundCharge records a refund of amount, and books it if the charge was captured.
func (t *tx) refundCharge(ctx context.Context, ch *charge, amount int64, reason *string, metadata map[string]string) (*refund, error) {
	r := &refund{
		ID: newID("re"), Object: kindRefund, Amount: amount, Charge: ch.ID, Created: t.now.Unix(), Currency: ch.Currency,
		Metadata: orEmpty(metadata), PaymentIntent: ch.PaymentIntent, Reason: reason, Status: "succeeded",
	}
	if ch.Captured {
		txn, err := t.book(ctx, "refund", r.ID, -amount)
		if err != nil {
			return nil, err
		}
		r.BalanceTransaction = &txn
	}
	ch.AmountRefunded += amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	if err := t.put(ctx, ch, 0); err != nil {
		return nil, err
	}
	return r, t.put(ctx, r, 0)
}

// getRefund serves GET /v1/refunds/{refund}.
func getRefund(ctx context.Context, t *tx, c *call) (any, error) {
	r := new(refund)
	return r, t.get(ctx, kindRefund, c.id, "refund", r)
}

// listRefunds serves GET /v1/refunds.
func listRefunds(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindRefund, "charge", "payment_intent")
}
