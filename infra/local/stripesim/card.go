package stripesim

import (
	"cmp"
	"slices"
)

// The cards of the hosted page. All but CardCaptureFails are Stripe's test numbers.
const (
	CardSuccess           = "4242424242424242"
	CardDeclined          = "4000000000000002"
	CardInsufficientFunds = "4000000000009995"
	CardLost              = "4000000000009987"
	CardExpired           = "4000000000000069"
	CardProcessingError   = "4000000000000119"
	CardAuthenticate      = "4000002500003155" // the customer must authenticate on a second page
	CardRefundPending     = "4000000000007726" // a refund is pending, and succeeds refundPends later
	CardRefundFails       = "4000000000005126" // a refund succeeds, and fails refundFails later

	// CardCaptureFails is the simulator's own number. Its hold succeeds, and every
	// capture of the hold is declined, after which the hold is still in force.
	CardCaptureFails = "4000000000007007"

	// CardLaterDeclined is the simulator's own number too. It pays on a page, and is
	// declined whenever it is charged later without its customer.
	CardLaterDeclined = "4000000000007015"
	// CardLaterAuthenticate asks for authentication at every payment. CardAuthenticate
	// does not ask again once its customer agreed to later payments.
	CardLaterAuthenticate = "4000002760003184"
)

// The other payment methods of the hosted page, which are no card.
const (
	// Wallet can be held and captured as a card. Its charges do not say until when.
	Wallet = "cashapp"
	// BankPays and BankFails debit a bank account, which takes bankTakes. Their
	// money cannot be held: a page whose money is held does not offer them.
	BankPays  = "us_bank_account"
	BankFails = "us_bank_account_fails"
)

// A card is how one test number, or another payment method, behaves.
type card struct {
	Number, Label string
	kind          string // Stripe's type of a payment method; empty for a card
	code          string // error code of a declined attempt, if not card_declined
	decline       string // decline code of an attempt to pay; empty if approved
	later         string // decline code of an attempt without the customer, if decline is empty
	authenticate  bool
	captureFails  bool
	bankFails     bool
}

var cards = []card{
	{Number: CardSuccess, Label: "succeeds"},
	{Number: CardDeclined, Label: "is declined", decline: "generic_decline"},
	{Number: CardInsufficientFunds, Label: "has insufficient funds", decline: "insufficient_funds"},
	{Number: CardLost, Label: "was reported lost", decline: "lost_card"},
	{Number: CardExpired, Label: "has expired", code: "expired_card", decline: "expired_card"},
	{Number: CardProcessingError, Label: "meets a processing error", code: "processing_error", decline: "processing_error"},
	{Number: CardAuthenticate, Label: "asks for authentication", authenticate: true},
	{Number: CardCaptureFails, Label: "is held, but its capture fails", captureFails: true},
	{Number: CardLaterDeclined, Label: "succeeds now, and is declined later", later: "insufficient_funds"},
	{Number: CardLaterAuthenticate, Label: "asks for authentication every time", authenticate: true, later: "authentication_required"},
	{Number: CardRefundPending, Label: "is refunded after a while"},
	{Number: CardRefundFails, Label: "is refunded, and the refund fails later"},
	{Number: Wallet, Label: "Cash App Pay succeeds", kind: Wallet},
	{Number: BankPays, Label: "a bank account pays, after some days", kind: BankPays},
	{Number: BankFails, Label: "a bank account fails, after some days", kind: BankPays, bankFails: true},
}

func cardByNumber(number string) (card, bool) {
	for _, c := range cards {
		if c.Number == number {
			return c, true
		}
	}
	return card{}, false
}

// offered are the payment methods of a page with those types.
func offered(types []string) []card {
	var out []card
	for _, c := range cards {
		if slices.Contains(types, cmp.Or(c.kind, "card")) {
			out = append(out, c)
		}
	}
	return out
}

func (c card) last4() string { return c.Number[len(c.Number)-4:] }

// declineCode is the error code of an attempt that is declined.
func (c card) declineCode() string {
	return cmp.Or(c.code, "card_declined")
}

const (
	kindMethod = "payment_method"
	expiryYear = 2034
)

// A method is a card, or another payment method, that a customer entered.
type method struct {
	ID             string            `json:"id"`
	Object         string            `json:"object"`
	BillingDetails billing           `json:"billing_details"`
	Card           *methodCard       `json:"card,omitempty"`
	CashApp        *cashApp          `json:"cashapp,omitempty"`
	BankAccount    *bankAccount      `json:"us_bank_account,omitempty"`
	Created        int64             `json:"created"`
	Customer       *string           `json:"customer"`
	Livemode       bool              `json:"livemode"`
	Metadata       map[string]string `json:"metadata"`
	Type           string            `json:"type"`
	Sim            methodSim         `json:"_sim"`
}

// A methodSim names the card that a method was made of.
type methodSim struct {
	Number string `json:"number"`
}

type billing struct {
	Address *struct{} `json:"address"`
	Email   *string   `json:"email"`
	Name    *string   `json:"name"`
	Phone   *string   `json:"phone"`
}

type methodCard struct {
	Brand    string `json:"brand"`
	Country  string `json:"country"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
	Funding  string `json:"funding"`
	Last4    string `json:"last4"`
}

type cashApp struct {
	BuyerID string `json:"buyer_id"`
	Cashtag string `json:"cashtag"`
}

type bankAccount struct {
	HolderType    string `json:"account_holder_type"`
	AccountType   string `json:"account_type"`
	BankName      string `json:"bank_name"`
	Fingerprint   string `json:"fingerprint"`
	Last4         string `json:"last4"`
	RoutingNumber string `json:"routing_number"`
}

func (m *method) kindAndID() (kind, id string) { return kindMethod, m.ID }

func (t *tx) newMethod(c card, email *string) *method {
	m := &method{
		ID: newID("pm"), Object: kindMethod, Created: t.now.Unix(), Type: "card",
		Metadata:       map[string]string{},
		BillingDetails: billing{Email: email},
		Sim:            methodSim{Number: c.Number},
	}
	switch c.kind {
	case Wallet:
		m.Type, m.CashApp = Wallet, &cashApp{BuyerID: newID("buyer"), Cashtag: "$simulated"}
	case BankPays:
		m.Type, m.BankAccount = BankPays, &bankAccount{
			HolderType: "individual", AccountType: "checking", BankName: "STRIPE TEST BANK", Fingerprint: newID("fp"), Last4: "6789", RoutingNumber: "110000000",
		}
	default:
		m.Card = &methodCard{Brand: "visa", Country: "US", ExpMonth: 12, ExpYear: expiryYear, Funding: "credit", Last4: c.last4()}
	}
	return m
}
