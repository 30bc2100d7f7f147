package stripesim

import "context"

const kindCharge = "charge"

// A charge is one attempt on a card or another payment method: pending, failed, held,
// or captured.
type charge struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Amount             int64             `json:"amount"`
	AmountCaptured     int64             `json:"amount_captured"`
	AmountRefunded     int64             `json:"amount_refunded"`
	Application        *string           `json:"application"`
	ApplicationFee     *string           `json:"application_fee"`
	PlatformFee        *int64            `json:"application_fee_amount"`
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
	Invoice            *string           `json:"invoice"`
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
	Sim                chargeSim         `json:"_sim"`
}

// A chargeSim is the method that was charged, and whether a dispute has the money.
type chargeSim struct {
	methodSim

	Withdrawn bool `json:"withdrawn,omitempty"`
}

type outcome struct {
	NetworkStatus string  `json:"network_status"`
	Reason        *string `json:"reason"`
	RiskLevel     string  `json:"risk_level"`
	SellerMessage string  `json:"seller_message"`
	Type          string  `json:"type"`
}

type methodDetails struct {
	Card        *detailsCard `json:"card,omitempty"`
	CashApp     *cashApp     `json:"cashapp,omitempty"`
	BankAccount *bankAccount `json:"us_bank_account,omitempty"`
	Type        string       `json:"type"`
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

func (ch *charge) kindAndID() (kind, id string) { return kindCharge, ch.ID }

// newCharge returns a successful attempt, held and not captured.
func (t *tx) newCharge(pi *intent, m *method) *charge {
	ch := &charge{
		ID: newID("ch"), Object: kindCharge, Amount: pi.Amount, BillingDetails: m.BillingDetails,
		Created: t.now.Unix(), Currency: pi.Currency, Customer: pi.Customer, Description: pi.Description, Invoice: pi.Invoice,
		Metadata: orEmpty(pi.Metadata), Paid: true, PaymentIntent: pi.ID, PaymentMethod: m.ID,
		Outcome:      outcome{NetworkStatus: "approved_by_network", RiskLevel: "normal", SellerMessage: "Payment complete.", Type: "authorized"},
		Details:      methodDetails{Type: m.Type, CashApp: m.CashApp, BankAccount: m.BankAccount},
		ReceiptEmail: pi.ReceiptEmail, Status: "succeeded", Sim: chargeSim{methodSim: m.Sim},
		Application: pi.Application, PlatformFee: pi.PlatformFee,
	}
	if m.Card != nil {
		ch.Details.Card = &detailsCard{
			Brand: m.Card.Brand, Country: m.Card.Country, ExpMonth: m.Card.ExpMonth, ExpYear: m.Card.ExpYear,
			Funding: m.Card.Funding, Last4: m.Card.Last4, Network: m.Card.Brand,
		}
	}
	return ch
}

// card is the card that the charge was tried on.
func (ch *charge) card() card {
	c, _ := cardByNumber(ch.Sim.Number)
	return c
}

// captureCharge captures amount of a held charge. Stripe books the whole hold as
// received, and then the part that was not captured as refunded.
func (t *tx) captureCharge(ctx context.Context, ch *charge, amount int64) error {
	txn, err := t.bookCharge(ctx, ch, amount)
	if err != nil {
		return err
	}
	ch.Captured, ch.AmountCaptured, ch.BalanceTransaction = true, amount, &txn
	return t.put(ctx, ch, 0)
}

// releaseCharge releases a part of a charge that was not captured. In this version of
// the API a release is a Refund and counts in amount_refunded.
func (t *tx) releaseCharge(ctx context.Context, ch *charge, amount int64, reason *string) error {
	if err := t.refundCharge(ctx, ch, &refund{Amount: amount, Reason: reason, Sim: refundSim{Release: true}}); err != nil {
		return err
	}
	return t.emit(ctx, "charge.refunded", ch)
}

// refundedCents is the part of the captured money that was refunded: amount_refunded
// less the part of the hold that was not captured.
func (ch *charge) refundedCents() int64 {
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
