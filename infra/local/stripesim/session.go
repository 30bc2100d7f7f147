package stripesim

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"
)

const (
	kindSession = "checkout.session"

	sessionOpen     = "open"
	sessionComplete = "complete"
	sessionExpired  = "expired"

	sessionLongest  = 24 * time.Hour
	sessionShortest = 30 * time.Minute
)

// A session is a hosted Checkout page for one payment, or for a subscription's first.
type session struct {
	ID                  string            `json:"id"`
	Object              string            `json:"object"`
	AmountSubtotal      int64             `json:"amount_subtotal"`
	AmountTotal         int64             `json:"amount_total"`
	AutomaticTax        disabled          `json:"automatic_tax"`
	CancelURL           *string           `json:"cancel_url"`
	ClientReferenceID   *string           `json:"client_reference_id"`
	Created             int64             `json:"created"`
	Currency            string            `json:"currency"`
	CustomFields        []string          `json:"custom_fields"`
	CustomText          struct{}          `json:"custom_text"`
	Customer            *string           `json:"customer"`
	CustomerCreation    string            `json:"customer_creation"`
	CustomerDetails     *customerDetails  `json:"customer_details"`
	CustomerEmail       *string           `json:"customer_email"`
	ExpiresAt           int64             `json:"expires_at"`
	Invoice             *string           `json:"invoice"`
	Livemode            bool              `json:"livemode"`
	Locale              *string           `json:"locale"`
	Metadata            map[string]string `json:"metadata"`
	Mode                string            `json:"mode"`
	PaymentIntent       *string           `json:"payment_intent"`
	PaymentMethodOption struct{}          `json:"payment_method_options"`
	PaymentMethodTypes  []string          `json:"payment_method_types"`
	PaymentStatus       string            `json:"payment_status"`
	PhoneNumber         disabled          `json:"phone_number_collection"`
	ShippingOptions     []string          `json:"shipping_options"`
	Status              string            `json:"status"`
	SubmitType          *string           `json:"submit_type"`
	Subscription        *string           `json:"subscription"`
	SuccessURL          string            `json:"success_url"`
	TotalDetails        totalDetails      `json:"total_details"`
	UIMode              string            `json:"ui_mode"`
	URL                 *string           `json:"url"`
	Sim                 sessionSim        `json:"_sim"`
}

// A sessionSim holds the values of the session's future PaymentIntent or subscription,
// and from the first attempt on the subscription and the intent of its first invoice.
type sessionSim struct {
	Items            []lineItem              `json:"items"`
	Intent           intentDataParams        `json:"intent"`
	SubscriptionData *subscriptionDataParams `json:"subscription_data"`
	Subscription     string                  `json:"subscription"`
	FirstIntent      string                  `json:"first_intent"`
}

type disabled struct {
	Enabled bool `json:"enabled"`
}

type customerDetails struct {
	Email *string `json:"email"`
}

type totalDetails struct {
	AmountDiscount int64 `json:"amount_discount"`
	AmountShipping int64 `json:"amount_shipping"`
	AmountTax      int64 `json:"amount_tax"`
}

type lineItem struct {
	ID             string `json:"id"`
	Object         string `json:"object"`
	AmountDiscount int64  `json:"amount_discount"`
	AmountSubtotal int64  `json:"amount_subtotal"`
	AmountTax      int64  `json:"amount_tax"`
	AmountTotal    int64  `json:"amount_total"`
	Currency       string `json:"currency"`
	Description    string `json:"description"`
	Price          *price `json:"price"`
	Quantity       int64  `json:"quantity"`
}

func (s *session) kindAndID() (kind, id string) { return kindSession, s.ID }

// due is when an open session expires.
func (s *session) due() int64 {
	if s.Status == sessionOpen {
		return s.ExpiresAt
	}
	return 0
}

type sessionParams struct {
	CancelURL          *string                 `json:"cancel_url"`
	ClientReferenceID  *string                 `json:"client_reference_id"`
	Currency           *string                 `json:"currency"`
	Customer           *string                 `json:"customer"`
	CustomerCreation   string                  `json:"customer_creation"`
	CustomerEmail      *string                 `json:"customer_email"`
	ExpiresAt          int64                   `json:"expires_at"`
	LineItems          []lineItemParams        `json:"line_items"`
	Locale             *string                 `json:"locale"`
	Metadata           map[string]string       `json:"metadata"`
	Mode               string                  `json:"mode"`
	PaymentIntentData  intentDataParams        `json:"payment_intent_data"`
	PaymentMethodTypes []string                `json:"payment_method_types"`
	SubmitType         *string                 `json:"submit_type"`
	SubscriptionData   *subscriptionDataParams `json:"subscription_data"`
	SuccessURL         string                  `json:"success_url"`
	UIMode             string                  `json:"ui_mode"`
}

type intentDataParams struct {
	PlatformFee         *int64            `json:"application_fee_amount"`
	CaptureMethod       string            `json:"capture_method"`
	Description         *string           `json:"description"`
	Metadata            map[string]string `json:"metadata"`
	ReceiptEmail        *string           `json:"receipt_email"`
	SetupFutureUsage    *string           `json:"setup_future_usage"`
	StatementDescriptor *string           `json:"statement_descriptor"`
	StatementSuffix     *string           `json:"statement_descriptor_suffix"`
}

type lineItemParams struct {
	PriceData *struct {
		Currency    string `json:"currency"`
		ProductData struct {
			Name        string            `json:"name"`
			Description string            `json:"description"`
			Metadata    map[string]string `json:"metadata"`
		} `json:"product_data"`
		Recurring  *recurring `json:"recurring"`
		UnitAmount *int64     `json:"unit_amount"`
	} `json:"price_data"`
	Price    string `json:"price"`
	Quantity int64  `json:"quantity"`

	bought *price // the price with that id, and its product's name
	name   string
}

// createSession serves POST /v1/checkout/sessions.
func createSession(ctx context.Context, t *tx, c *call) (any, error) {
	var p sessionParams
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := p.check(t.now); err != nil {
		return nil, err
	}
	if p.Customer != nil {
		if err := t.get(ctx, kindCustomer, *p.Customer, "customer", new(customer)); err != nil {
			return nil, err
		}
	}
	if err := t.loadPrices(ctx, &p); err != nil {
		return nil, err
	}
	if err := t.checkApplicationFee("payment_intent_data[application_fee_amount]", p.PaymentIntentData.PlatformFee); err != nil {
		return nil, err
	}
	if err := t.checkPercent(p.SubscriptionData); err != nil {
		return nil, err
	}
	if err := t.checkEnabled(ctx); err != nil {
		return nil, err
	}
	s := p.newSession(t.now)
	if err := p.total(s); err != nil {
		return nil, err
	}
	return s, t.put(ctx, s, s.due())
}

// check refuses wrong parameters that Stripe's description does not exclude.
func (p *sessionParams) check(now time.Time) error {
	if err := p.checkMode(); err != nil {
		return err
	}
	switch {
	case p.UIMode != "" && p.UIMode != "hosted":
		return notModelled("ui_mode", p.UIMode)
	case p.PaymentIntentData.CaptureMethod == "automatic_async":
		return notModelled("payment_intent_data[capture_method]", p.PaymentIntentData.CaptureMethod)
	case p.SuccessURL == "":
		return invalid("parameter_missing", "success_url", "missing required parameter: success_url")
	case !isURL(p.SuccessURL):
		return invalid("url_invalid", "success_url", "not a URL: "+p.SuccessURL)
	case p.CancelURL != nil && !isURL(*p.CancelURL):
		return invalid("url_invalid", "cancel_url", "not a URL: "+*p.CancelURL)
	case p.ClientReferenceID != nil && len(*p.ClientReferenceID) > 200:
		return invalid("", "client_reference_id", "longer than 200 characters")
	case p.Customer != nil && p.CustomerEmail != nil:
		return invalid("", "customer_email", "give customer or customer_email, not both")
	case p.CustomerEmail != nil && !strings.Contains(*p.CustomerEmail, "@"):
		return invalid("email_invalid", "customer_email", "not an e-mail address: "+*p.CustomerEmail)
	}
	for i, m := range p.PaymentMethodTypes {
		at := fmt.Sprintf("payment_method_types[%d]", i)
		if m != "card" && m != Wallet && m != BankPays {
			return notModelled(at, m)
		}
		if m == BankPays && p.PaymentIntentData.CaptureMethod == captureManual {
			return invalid("", at, "the payment method type us_bank_account cannot be held with capture_method manual")
		}
	}
	if p.ExpiresAt != 0 {
		in := time.Unix(p.ExpiresAt, 0).Sub(now.Truncate(time.Second))
		if in < sessionShortest || in > sessionLongest {
			return invalid("", "expires_at", "expires_at must be 30 minutes to 24 hours after creation")
		}
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return err
	}
	return checkMetadata("payment_intent_data[metadata]", p.PaymentIntentData.Metadata)
}

// newSession returns the session without its line items.
func (p *sessionParams) newSession(now time.Time) *session {
	s := &session{
		ID:                 newID("cs_test"),
		Object:             kindSession,
		CancelURL:          p.CancelURL,
		ClientReferenceID:  p.ClientReferenceID,
		Created:            now.Unix(),
		CustomFields:       []string{},
		Customer:           p.Customer,
		CustomerCreation:   "if_required",
		CustomerEmail:      p.CustomerEmail,
		ExpiresAt:          p.ExpiresAt,
		Locale:             p.Locale,
		Metadata:           orEmpty(p.Metadata),
		Mode:               p.Mode,
		PaymentMethodTypes: methodTypes(p.PaymentIntentData.CaptureMethod, p.PaymentMethodTypes),
		PaymentStatus:      "unpaid",
		ShippingOptions:    []string{},
		Status:             sessionOpen,
		SubmitType:         p.SubmitType,
		SuccessURL:         p.SuccessURL,
		UIMode:             "hosted",
		Sim:                sessionSim{Intent: p.PaymentIntentData, SubscriptionData: p.SubscriptionData},
	}
	switch {
	case p.Mode == modeSubscription:
		s.CustomerCreation, s.PaymentMethodTypes = "always", []string{"card"}
	case p.CustomerCreation != "":
		s.CustomerCreation = p.CustomerCreation
	}
	if s.ExpiresAt == 0 {
		s.ExpiresAt = now.Add(sessionLongest).Unix()
	}
	if s.Sim.Intent.CaptureMethod == "" {
		s.Sim.Intent.CaptureMethod = captureAutomatic
	}
	return s
}

// methodTypes are the types of payment method on a page: those that were asked for, or
// those of the account's settings that can do what the page asks of them.
func methodTypes(capture string, asked []string) []string {
	switch {
	case len(asked) > 0:
		return asked
	case capture == captureManual:
		return []string{"card", Wallet}
	}
	return []string{"card", Wallet, BankPays}
}

// total sums the line items. Stripe's smallest charge is 50 cents, and its largest has
// eight digits.
func (p *sessionParams) total(s *session) error {
	if len(p.LineItems) == 0 {
		return invalid("parameter_missing", "line_items", "missing required parameter: line_items")
	}
	for i, item := range p.LineItems {
		at := fmt.Sprintf("line_items[%d]", i)
		unit, name, err := item.unit(at)
		if err != nil {
			return err
		}
		amount := unit * item.Quantity
		s.AmountTotal += amount
		s.Sim.Items = append(s.Sim.Items, lineItem{
			ID: newID("li"), Object: "item", AmountSubtotal: amount, AmountTotal: amount,
			Currency: "usd", Description: name, Price: item.bought, Quantity: item.Quantity,
		})
		if s.AmountTotal > largestCharge {
			return invalid("amount_too_large", at, "the amount is too large")
		}
	}
	if p.Currency != nil && *p.Currency != "usd" {
		return notModelled("currency", *p.Currency)
	}
	if s.AmountTotal < smallestCharge {
		return invalid("amount_too_small", "", "a charge is at least 50 cents")
	}
	s.AmountSubtotal, s.Currency = s.AmountTotal, "usd"
	return nil
}

// unit is what one of the line item costs, and its name.
func (item *lineItemParams) unit(at string) (amount int64, name string, err error) {
	switch {
	case item.Quantity > 999_999:
		return 0, "", invalid("amount_too_large", at, "the amount is too large")
	case item.bought != nil && item.Quantity >= 1:
		return item.bought.UnitAmount, item.name, nil
	case item.bought == nil && item.PriceData == nil:
		return 0, "", invalid("parameter_missing", at+"[price_data]", "a line item needs price_data")
	case item.bought == nil:
		if err := item.checkData(at); err != nil {
			return 0, "", err
		}
	}
	if item.Quantity < 1 {
		return 0, "", invalid("parameter_invalid_integer", at+"[quantity]", "quantity must be at least 1")
	}
	return *item.PriceData.UnitAmount, item.PriceData.ProductData.Name, nil
}

func (item *lineItemParams) checkData(at string) error {
	switch data := item.PriceData; {
	case data.UnitAmount == nil:
		return invalid("parameter_missing", at+"[price_data][unit_amount]", "a line item needs a unit_amount")
	case data.ProductData.Name == "":
		return invalid("parameter_missing", at+"[price_data][product_data][name]", "a line item needs a product name")
	case *data.UnitAmount < 0:
		return invalid("parameter_invalid_integer", at+"[price_data][unit_amount]", "unit_amount must not be negative")
	case *data.UnitAmount > largestCharge:
		return invalid("amount_too_large", at, "the amount is too large")
	case data.Currency != "usd":
		return notModelled(at+"[price_data][currency]", data.Currency)
	}
	return nil
}

// getSession serves GET /v1/checkout/sessions/{session}.
func getSession(ctx context.Context, t *tx, c *call) (any, error) {
	s := new(session)
	return s, t.get(ctx, kindSession, c.id, "session", s)
}

// listSessions serves GET /v1/checkout/sessions.
func listSessions(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindSession, "payment_intent", "customer", "status", "subscription")
}

// listLineItems serves GET /v1/checkout/sessions/{session}/line_items.
func listLineItems(ctx context.Context, t *tx, c *call) (any, error) {
	var s session
	if err := t.get(ctx, kindSession, c.id, "session", &s); err != nil {
		return nil, err
	}
	return s.lineItems(), nil
}

func (s *session) lineItems() page {
	p := page{Object: "list", URL: "/v1/checkout/sessions/" + s.ID + "/line_items", Data: []any{}}
	for _, item := range s.Sim.Items {
		p.Data = append(p.Data, item)
	}
	return p
}

// expireSession serves POST /v1/checkout/sessions/{session}/expire.
func expireSession(ctx context.Context, t *tx, c *call) (any, error) {
	var s session
	if err := t.get(ctx, kindSession, c.id, "session", &s); err != nil {
		return nil, err
	}
	if s.Status != sessionOpen {
		return nil, invalid("", "session", "only an open session can be expired; this one is "+s.Status)
	}
	return &s, t.expire(ctx, &s)
}

// expire ends an open session that was not paid, and cancels the PaymentIntent of a
// failed attempt.
func (t *tx) expire(ctx context.Context, s *session) error {
	s.Status = sessionExpired
	if err := t.put(ctx, s, s.due()); err != nil {
		return err
	}
	if id := s.intentID(); id != "" {
		var pi intent
		if err := t.get(ctx, kindIntent, id, "", &pi); err != nil {
			return err
		}
		reason := canceledAutomatic
		if err := t.cancel(ctx, &pi, &reason); err != nil {
			return err
		}
	}
	if s.Sim.Subscription != "" {
		if err := t.abandon(ctx, s.Sim.Subscription); err != nil {
			return err
		}
	}
	return t.emit(ctx, "checkout.session.expired", s)
}

// complete ends a session whose payment is held or captured.
func (t *tx) complete(ctx context.Context, s *session, pi *intent) error {
	s.Status, s.Customer = sessionComplete, pi.Customer
	if s.Sim.Subscription != "" {
		s.Subscription, s.Invoice = &s.Sim.Subscription, pi.Invoice
	}
	s.CustomerDetails = &customerDetails{Email: s.CustomerEmail}
	if pi.Status == intentSucceeded {
		s.PaymentStatus = "paid"
	}
	if err := t.put(ctx, s, s.due()); err != nil {
		return err
	}
	return t.emit(ctx, "checkout.session.completed", s)
}

// successURL is where the page redirects the customer after paying.
func (s *session) successURL() string {
	return strings.ReplaceAll(s.SuccessURL, "{CHECKOUT_SESSION_ID}", s.ID)
}

func (s *session) cancelURL() string {
	if s.CancelURL == nil {
		return ""
	}
	return strings.ReplaceAll(*s.CancelURL, "{CHECKOUT_SESSION_ID}", s.ID)
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}

// checkMetadata checks Stripe's limits: 50 keys of 40 characters, values of 500.
func checkMetadata(param string, m map[string]string) error {
	if len(m) > 50 {
		return invalid("", param, "metadata has more than 50 keys")
	}
	for k, v := range m {
		if len([]rune(k)) > 40 {
			return invalid("", param, "a metadata key is longer than 40 characters")
		}
		if len([]rune(v)) > 500 {
			return invalid("", child(param, k), "a metadata value is longer than 500 characters")
		}
	}
	return nil
}
