package stripesim

import "context"

const kindCharge = "charge"

// A charge is one attempt on a card: failed, held, or taken.
type charge struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Amount             int64             `json:"amount"`
	AmountCaptured     int64             `json:"amount_captured"`
	AmountRefunded     int64             `json:"amount_refunded"`
	BalanceTransaction *string           `json:"balance_transaction"`
	BillingDetails     billing           `json:"billing_details"`
	Captured           bool              `json:"captured"`
	Created            int64             `json:"created"`
	Currency           string            `json:"currency"`
	Customer           *string           `json:"customer"`
	Description        *string           `json:"description"`
	Disputed           bool              `json:"disputed"`
	FailureCode        *string           `json:"failure_code"`
	FailureMessage     *string           `json:"failure_message"`
	Livemode           bool              `json:"livemode"`
	Metadata           map[string]string `json:"metadata"`
	Outcome            outcome           `json:"outcome"`
	Paid               bool              `json:"paid"`
	PaymentIntent      string            `json:"payment_intent"`
	PaymentMethod      string            `json:"payment_method"`
	Details            methodDetails     `json:"payment_method_details"`
	ReceiptEmail       *string           `json:"receipt_email"`
	Refunded           bool              `json:"refunded"`
	Status             string            `json:"status"`
}

type outcome struct {
	NetworkStatus string  `json:"network_status"`
	Reason        *string `json:"reason"`
	RiskLevel     string  `json:"risk_level"`
	SellerMessage string  `json:"seller_message"`
	Type          string  `json:"type"`
}

type methodDetails struct {
	Card detailsCard `json:"card"`
	Type string      `json:"type"`
}

type detailsCard struct {
	AmountAuthorized *int64        `json:"amount_authorized"`
	Brand            string        `json:"brand"`
	CaptureBefore    int64         `json:"capture_before,omitempty"`
	Country          string        `json:"country"`
	ExpMonth         int           `json:"exp_month"`
	ExpYear          int           `json:"exp_year"`
	Funding          string        `json:"funding"`
	Last4            string        `json:"last4"`
	Network          string        `json:"network"`
	ThreeDSecure     *threeDSecure `json:"three_d_secure"`
}

type threeDSecure struct {
	AuthenticationFlow string `json:"authentication_flow"`
	Result             string `json:"result"`
	Version            string `json:"version"`
}

func (ch *charge) head() (kind, id string) { return kindCharge, ch.ID }

// newCharge is an attempt on the card that succeeded; held, not yet taken.
func (t *tx) newCharge(pi *intent, m *method) *charge {
	return &charge{
		ID: newID("ch"), Object: kindCharge, Amount: pi.Amount, BillingDetails: m.BillingDetails,
		Created: t.now.Unix(), Currency: pi.Currency, Customer: pi.Customer, Description: pi.Description,
		Metadata: orEmpty(pi.Metadata), Paid: true, PaymentIntent: pi.ID, PaymentMethod: m.ID,
		Outcome: outcome{NetworkStatus: "approved_by_network", RiskLevel: "normal", SellerMessage: "Payment complete.", Type: "authorized"},
		Details: methodDetails{Type: "card", Card: detailsCard{
			Brand: m.Card.Brand, Country: m.Card.Country, ExpMonth: m.Card.ExpMonth, ExpYear: m.Card.ExpYear,
			Funding: m.Card.Funding, Last4: m.Card.Last4, Network: m.Card.Brand,
		}},
		ReceiptEmail: pi.ReceiptEmail, Status: "succeeded",
	}
}

// captureCharge takes amount of a held charge. Stripe books the whole hold as
// received, then the part not taken as given back.
func (t *tx) captureCharge(ctx context.Context, ch *charge, amount int64) error {
	txn, err := t.book(ctx, "charge", ch.ID, ch.Amount)
	if err != nil {
		return err
	}
	ch.Captured, ch.AmountCaptured, ch.BalanceTransaction = true, amount, &txn
	return t.put(ctx, ch, 0)
}

// releaseCharge lets go of a part of a charge that was never taken. In this
// version of the API that is a Refund, and amount_refunded counts it: money
// truly given back is amount_refunded less what was not captured.
func (t *tx) releaseCharge(ctx context.Context, ch *charge, amount int64, reason *string) error {
	if _, err := t.refundCharge(ctx, ch, amount, reason, nil); err != nil {
		return err
	}
	return t.emit(ctx, "charge.refunded", ch)
}

// givenBack is what a customer was paid back of the money taken.
func (ch *charge) givenBack() int64 {
	if !ch.Captured {
		return 0
	}
	return ch.AmountRefunded - (ch.Amount - ch.AmountCaptured)
}

// getCharge serves GET /v1/charges/{charge}.
func getCharge(ctx context.Context, t *tx, c *call) (any, error) {
	ch := new(charge)
	return ch, t.get(ctx, kindCharge, c.id, "charge", ch)
}

// listCharges serves GET /v1/charges.
func listCharges(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindCharge, "payment_intent", "customer")
}
