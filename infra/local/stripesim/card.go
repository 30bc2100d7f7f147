package stripesim

// The cards of the hosted page. All but CardCaptureFails are Stripe's test numbers.
const (
	CardSuccess           = "4242424242424242"
	CardDeclined          = "4000000000000002"
	CardInsufficientFunds = "4000000000009995"
	CardAuthenticate      = "4000002500003155" // the customer must authenticate on a second page

	// CardCaptureFails is the simulator's own number. Its hold succeeds, and every
	// capture of the hold is declined, after which the hold is still in force.
	CardCaptureFails = "4000000000007007"
)

// A card is how one test number behaves.
type card struct {
	Number, Label string
	decline       string // decline code of an attempt to pay; empty if approved
	authenticate  bool
	captureFails  bool
}

var cards = []card{
	{Number: CardSuccess, Label: "succeeds"},
	{Number: CardDeclined, Label: "is declined", decline: "generic_decline"},
	{Number: CardInsufficientFunds, Label: "has insufficient funds", decline: "insufficient_funds"},
	{Number: CardAuthenticate, Label: "asks for authentication", authenticate: true},
	{Number: CardCaptureFails, Label: "is held, but its capture fails", captureFails: true},
}

func cardByNumber(number string) (card, bool) {
	for _, c := range cards {
		if c.Number == number {
			return c, true
		}
	}
	return card{}, false
}

func (c card) last4() string { return c.Number[len(c.Number)-4:] }

// captureFails reports whether the capture of a charge is declined, given the last
// digits of the card.
func captureFails(last4 string) bool {
	for _, c := range cards {
		if c.last4() == last4 {
			return c.captureFails
		}
	}
	return false
}

const (
	kindMethod = "payment_method"
	expiryYear = 2034
)

// A method is a card that a customer entered.
type method struct {
	ID             string            `json:"id"`
	Object         string            `json:"object"`
	BillingDetails billing           `json:"billing_details"`
	Card           methodCard        `json:"card"`
	Created        int64             `json:"created"`
	Customer       *string           `json:"customer"`
	Livemode       bool              `json:"livemode"`
	Metadata       map[string]string `json:"metadata"`
	Type           string            `json:"type"`
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

func (m *method) kindAndID() (kind, id string) { return kindMethod, m.ID }

func (t *tx) newMethod(c card, s *session) *method {
	var keeper *string
	if s.Sim.Intent.SetupFutureUsage != nil {
		keeper = s.Customer
	}
	return &method{
		ID: newID("pm"), Object: kindMethod, Customer: keeper, Created: t.now.Unix(), Type: "card",
		Metadata:       map[string]string{},
		BillingDetails: billing{Email: s.CustomerEmail},
		Card:           methodCard{Brand: "visa", Country: "US", ExpMonth: 12, ExpYear: expiryYear, Funding: "credit", Last4: c.last4()},
	}
}
