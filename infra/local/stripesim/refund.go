package stripesim

import (
	"context"
	"net/http"
	"time"
)

const (
	kindRefund        = "refund"
	refundHoldExpired = "expired_uncaptured_charge"

	refundPending   = "pending"
	refundSucceeded = "succeeded"
	refundFailed    = "failed"

	// failureBooking is the field of a refund that has the movement of its failure.
	failureBooking = "failure_balance_transaction"

	// refundPends and refundFails are how long the refund of CardRefundPending is
	// pending, and after how long that of CardRefundFails fails.
	refundPends = 24 * time.Hour
	refundFails = 3 * 24 * time.Hour
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
	FailureBooking     *string           `json:"failure_balance_transaction,omitempty"`
	FailureReason      string            `json:"failure_reason,omitempty"`
	Metadata           map[string]string `json:"metadata"`
	PaymentIntent      string            `json:"payment_intent"`
	Reason             *string           `json:"reason"`
	Status             string            `json:"status"`
	Sim                refundSim         `json:"_sim"`
}

// A refundSim is when a refund ends by itself, and how; zero if it has ended. FeeBack
// is what the platform gave back of its fee. Release says that it is what was not captured
// of a hold, which no bank can send back.
type refundSim struct {
	Release bool  `json:"release,omitempty"`
	Ends    int64 `json:"ends"`
	Fails   bool  `json:"fails"`
	FeeBack int64 `json:"fee_back,omitempty"`
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
		RefundFee     bool              `json:"refund_application_fee"`
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
	case !ch.refundable():
		return nil, &failure{
			Status: http.StatusBadRequest, Type: invalidRequest, Code: "charge_disputed",
			Message: "charge " + ch.ID + " is disputed: its money is not the account's to refund", Charge: ch.ID,
		}
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
	r := &refund{Amount: amount, Reason: p.Reason, Metadata: p.Metadata}
	if p.RefundFee {
		if r.Sim.FeeBack, err = t.returnFee(ctx, ch, amount); err != nil {
			return nil, err
		}
	}
	if err := t.refundCharge(ctx, ch, r); err != nil {
		return nil, err
	}
	if err := t.emit(ctx, "charge.refunded", ch); err != nil {
		return nil, err
	}
	return r, t.endInquiries(ctx, ch)
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

// refundCharge completes and records a refund of an amount, with a reason and metadata,
// and books it if the charge was captured. Stripe keeps its fee of the charge.
func (t *tx) refundCharge(ctx context.Context, ch *charge, r *refund) error {
	r.ID, r.Object, r.Charge, r.Created, r.Currency = newID("re"), kindRefund, ch.ID, t.now.Unix(), ch.Currency
	r.Metadata, r.PaymentIntent, r.Status = orEmpty(r.Metadata), ch.PaymentIntent, refundSucceeded
	if ch.Captured {
		switch number := ch.card().Number; {
		case r.Sim.Release:
		case number == CardRefundPending:
			r.Status, r.Sim.Ends = refundPending, t.now.Add(refundPends).Unix()
		case number == CardRefundFails:
			r.Sim.Ends, r.Sim.Fails = t.now.Add(refundFails).Unix(), true
		}
		x := &transaction{Type: movedRefund, Category: movedRefund, Source: r.ID, Amount: -r.Amount}
		if r.Sim.FeeBack > 0 {
			x.FeeDetails = []feeDetail{t.applicationFee(-r.Sim.FeeBack, ch.Currency)}
		}
		if err := t.bookWith(ctx, x); err != nil {
			return err
		}
		r.BalanceTransaction = &x.ID
	}
	ch.AmountRefunded += r.Amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	if err := t.put(ctx, ch, 0); err != nil {
		return err
	}
	return t.put(ctx, r, r.Sim.Ends)
}

// endRefund ends a refund that is due: it succeeds, or fails although it had
// succeeded.
func (t *tx) endRefund(ctx context.Context, id string) error {
	r := new(refund)
	if err := t.get(ctx, kindRefund, id, "", r); err != nil {
		return err
	}
	if r.Sim.Fails {
		return t.failRefund(ctx, r)
	}
	r.Status, r.Sim.Ends = refundSucceeded, 0
	return t.change(ctx, "charge.refund.updated", r, 0)
}

// failRefund takes a refund back: its money is the account's again.
func (t *tx) failRefund(ctx context.Context, r *refund) error {
	ch := new(charge)
	if err := t.get(ctx, kindCharge, r.Charge, "", ch); err != nil {
		return err
	}
	if r.Sim.Release || r.Status == refundFailed || !ch.Captured || r.BalanceTransaction == nil {
		return invalid("", "refund", "refund "+r.ID+" moved no money that could come back; its status is "+r.Status)
	}
	txn, err := t.book(ctx, movedRefundFailure, r.ID, r.Amount)
	if err != nil {
		return err
	}
	r.Status, r.FailureBooking, r.FailureReason, r.Sim = refundFailed, &txn, "expired_or_canceled_card", refundSim{FeeBack: r.Sim.FeeBack}
	ch.AmountRefunded -= r.Amount
	ch.Refunded = false
	if err := t.put(ctx, ch, 0); err != nil {
		return err
	}
	return t.change(ctx, "charge.refund.updated", r, 0)
}

// getRefund serves GET /v1/refunds/{refund}.
func getRefund(ctx context.Context, t *tx, c *call) (any, error) {
	r := new(refund)
	return r, t.get(ctx, kindRefund, c.id, "refund", r)
}

// refundsOf is the list that a charge has when it is expanded: its latest refunds.
func (t *tx) refundsOf(ctx context.Context, charge string) (map[string]any, error) {
	all, err := t.list(ctx, &call{path: "/v1/charges/" + charge + "/refunds", params: map[string]any{"charge": charge}}, kindRefund, "charge")
	if err != nil {
		return nil, err
	}
	return t.render(all)
}

// listRefunds serves GET /v1/refunds.
func listRefunds(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindRefund, "charge", "payment_intent")
}
