package stripesim

import "context"

const kindWarning = "radar.early_fraud_warning"

// A warning says that the issuer of a charge's card suspects fraud, before the
// cardholder disputes the charge.
type warning struct {
	ID            string `json:"id"`
	Object        string `json:"object"`
	Actionable    bool   `json:"actionable"`
	Charge        string `json:"charge"`
	Created       int64  `json:"created"`
	FraudType     string `json:"fraud_type"`
	Livemode      bool   `json:"livemode"`
	PaymentIntent string `json:"payment_intent"`
}

func (w *warning) kindAndID() (kind, id string) { return kindWarning, w.ID }

// warn makes a warning about a charge. A charge that was refunded can no longer be
// acted on.
func (t *tx) warn(ctx context.Context, ch *charge) error {
	w := &warning{
		ID: newID("issfr"), Object: kindWarning, Actionable: !ch.Refunded, Charge: ch.ID, Created: t.now.Unix(),
		FraudType: "made_with_stolen_card", PaymentIntent: ch.PaymentIntent,
	}
	return t.change(ctx, "radar.early_fraud_warning.created", w, 0)
}

// getWarning serves GET /v1/radar/early_fraud_warnings/{early_fraud_warning}.
func getWarning(ctx context.Context, t *tx, c *call) (any, error) {
	w := new(warning)
	return w, t.get(ctx, kindWarning, c.id, "early_fraud_warning", w)
}

// listWarnings serves GET /v1/radar/early_fraud_warnings.
func listWarnings(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindWarning, "charge", "payment_intent")
}
