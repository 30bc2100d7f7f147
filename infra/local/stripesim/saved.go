package stripesim

import (
	"context"
	"net/http"
	"time"
)

// merchantHoldLasts is how long Visa keeps a hold that the merchant began, without the
// customer.
const merchantHoldLasts = 4*24*time.Hour + 18*time.Hour

// holdLasts is the time after which the intent's hold expires.
func (pi *intent) holdLasts() time.Duration {
	if pi.Sim.OffSession {
		return merchantHoldLasts
	}
	return holdLasts
}

// makeCustomer gives the intent of a session's first attempt a customer, if the session
// creates one.
func (t *tx) makeCustomer(ctx context.Context, s *session, pi *intent) error {
	if pi.Customer != nil || s.CustomerCreation != "always" {
		return nil
	}
	made := t.newCustomer()
	made.Email = s.CustomerEmail
	pi.Customer = &made.ID
	return t.change(ctx, "customer.created", made, 0)
}

// keepMethod attaches to the intent's customer the method that paid, if the payment
// asked to keep it.
func (t *tx) keepMethod(ctx context.Context, pi *intent, m *method) error {
	if pi.SetupFutureUsage == nil || pi.Customer == nil || m.Customer != nil {
		return nil
	}
	m.Customer = pi.Customer
	return t.change(ctx, "payment_method.attached", m, 0)
}

type offSessionParams struct {
	Amount           int64  `json:"amount"`
	PlatformFee      *int64 `json:"application_fee_amount"`
	AutomaticMethods *struct {
		Enabled bool `json:"enabled"`
	} `json:"automatic_payment_methods"`
	CaptureMethod       string            `json:"capture_method"`
	Confirm             bool              `json:"confirm"`
	Currency            string            `json:"currency"`
	Customer            *string           `json:"customer"`
	Description         *string           `json:"description"`
	Metadata            map[string]string `json:"metadata"`
	OffSession          any               `json:"off_session"`
	PaymentMethod       *string           `json:"payment_method"`
	PaymentMethodTypes  []string          `json:"payment_method_types"`
	ReceiptEmail        *string           `json:"receipt_email"`
	StatementDescriptor *string           `json:"statement_descriptor"`
	StatementSuffix     *string           `json:"statement_descriptor_suffix"`
}

func (p *offSessionParams) check() error {
	switch {
	case !p.Confirm || p.OffSession != true:
		return notModelled("off_session", "a PaymentIntent that is not confirmed at once without its customer")
	case p.Currency != "usd":
		return notModelled("currency", p.Currency)
	case p.CaptureMethod == "automatic_async":
		return notModelled("capture_method", p.CaptureMethod)
	case p.Customer == nil:
		return notModelled("customer", "an off-session payment without a customer")
	case p.PaymentMethod == nil:
		return invalid("parameter_missing", "payment_method", "a PaymentIntent needs a payment_method to be confirmed")
	case p.Amount < smallestCharge:
		return invalid("amount_too_small", "amount", "a charge is at least 50 cents")
	case p.Amount > largestCharge:
		return invalid("amount_too_large", "amount", "the amount is too large")
	}
	return checkMetadata("metadata", p.Metadata)
}

// createIntent serves POST /v1/payment_intents: a payment by a saved method without the
// customer, who has agreed to such payments. A payment that fails is an error that
// holds the intent.
func createIntent(ctx context.Context, t *tx, c *call) (any, error) {
	var p offSessionParams
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := t.get(ctx, kindCustomer, *p.Customer, "customer", new(customer)); err != nil {
		return nil, err
	}
	if err := t.checkApplicationFee("application_fee_amount", p.PlatformFee); err != nil {
		return nil, err
	}
	if err := t.checkEnabled(ctx); err != nil {
		return nil, err
	}
	m := new(method)
	if err := t.get(ctx, kindMethod, *p.PaymentMethod, "payment_method", m); err != nil {
		return nil, err
	}
	if m.Customer == nil || *m.Customer != *p.Customer {
		return nil, invalid("", "payment_method", "payment method "+m.ID+" is not attached to customer "+*p.Customer)
	}
	if m.Type == BankPays {
		return nil, notModelled("payment_method", "a bank account's payment without its customer")
	}
	pi := t.newOffSessionIntent(&p)
	if err := t.change(ctx, "payment_intent.created", pi, 0); err != nil {
		return nil, err
	}
	if err := t.payOffSession(ctx, pi, m); err != nil {
		return nil, err
	}
	if pi.LastPaymentError != nil {
		return nil, t.paymentRefused(pi, m)
	}
	return pi, nil
}

func (t *tx) newOffSessionIntent(p *offSessionParams) *intent {
	id := newID("pi")
	pi := &intent{
		Application: t.application(), PlatformFee: p.PlatformFee,
		ID: id, Object: kindIntent, Amount: p.Amount, Currency: p.Currency, CaptureMethod: captureAutomatic,
		ClientSecret: newID(id + "_secret"), ConfirmationMethod: "automatic", Created: t.now.Unix(), Customer: p.Customer,
		Description: p.Description, Metadata: orEmpty(p.Metadata), PaymentMethodTypes: []string{"card", Wallet}, ReceiptEmail: p.ReceiptEmail,
		StatementDescriptor: p.StatementDescriptor, StatementSuffix: p.StatementSuffix, Status: intentNeedsMethod,
	}
	pi.Sim.OffSession = true
	if p.CaptureMethod != "" {
		pi.CaptureMethod = p.CaptureMethod
	}
	if len(p.PaymentMethodTypes) > 0 {
		pi.PaymentMethodTypes = p.PaymentMethodTypes
	}
	return pi
}

// payOffSession tries a saved method on an intent. A failed attempt is in the intent's
// LastPaymentError.
func (t *tx) payOffSession(ctx context.Context, pi *intent, m *method) error {
	pi.PaymentMethod, pi.LastPaymentError = &m.ID, nil
	c, ok := cardByNumber(m.Sim.Number)
	if !ok {
		return notModelled("payment_method", m.ID)
	}
	if c.decline == "" {
		c.decline = c.later
	}
	if c.decline != "" {
		if c.decline == "authentication_required" {
			c.code = c.decline
		}
		return t.decline(ctx, pi, m, c)
	}
	return t.chargeIntent(ctx, pi, m, nil)
}

// paymentRefused is the answer about an intent whose payment failed.
func (t *tx) paymentRefused(pi *intent, m *method) error {
	shown, err := t.render(pi)
	if err != nil {
		return err
	}
	tried, err := t.render(m)
	if err != nil {
		return err
	}
	why := *pi.LastPaymentError
	why.Status, why.PaymentIntent, why.PaymentMethod = http.StatusPaymentRequired, shown, tried
	return &why
}

// getMethod serves GET /v1/payment_methods/{payment_method}.
func getMethod(ctx context.Context, t *tx, c *call) (any, error) {
	m := new(method)
	return m, t.get(ctx, kindMethod, c.id, "payment_method", m)
}

// listMethods serves GET /v1/payment_methods, which lists those of a customer.
func listMethods(ctx context.Context, t *tx, c *call) (any, error) {
	if c.params["customer"] == nil {
		return nil, notModelled("customer", "payment methods of no customer")
	}
	return t.list(ctx, c, kindMethod, "customer", "type")
}

// listCustomersMethods serves GET /v1/customers/{customer}/payment_methods.
func listCustomersMethods(ctx context.Context, t *tx, c *call) (any, error) {
	if err := t.get(ctx, kindCustomer, c.id, "customer", new(customer)); err != nil {
		return nil, err
	}
	want, rest := c.split("type")
	want["customer"] = c.id
	return t.listWhere(ctx, rest, kindMethod, func(o map[string]any) bool { return want.equals(o, "customer", "type") })
}

// detachMethod serves POST /v1/payment_methods/{payment_method}/detach. A detached
// method can pay no more, and is no longer the default of anything.
func detachMethod(ctx context.Context, t *tx, c *call) (any, error) {
	if err := c.decode(&struct{}{}); err != nil {
		return nil, err
	}
	m := new(method)
	if err := t.get(ctx, kindMethod, c.id, "payment_method", m); err != nil {
		return nil, err
	}
	if m.Customer == nil {
		return nil, invalid("", "payment_method", "payment method "+m.ID+" is attached to no customer")
	}
	of := new(customer)
	if err := t.get(ctx, kindCustomer, *m.Customer, "", of); err != nil {
		return nil, err
	}
	m.Customer = nil
	if err := t.change(ctx, "payment_method.detached", m, 0); err != nil {
		return nil, err
	}
	if is(of.InvoiceSettings.DefaultPaymentMethod, m.ID) {
		of.InvoiceSettings.DefaultPaymentMethod = nil
		if err := t.change(ctx, "customer.updated", of, 0); err != nil {
			return nil, err
		}
	}
	subs, err := all[subscription](ctx, t, kindSubscription)
	if err != nil {
		return nil, err
	}
	for _, sub := range subs {
		if is(sub.DefaultPaymentMethod, m.ID) {
			sub.DefaultPaymentMethod = nil
			if err := t.changeSubscription(ctx, sub); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func is(have *string, want string) bool { return have != nil && *have == want }

// checkOwnMethod refuses a method that is not attached to the customer.
func (t *tx) checkOwnMethod(ctx context.Context, id, customerID, param string) error {
	m := new(method)
	if err := t.get(ctx, kindMethod, id, param, m); err != nil {
		return err
	}
	if !is(m.Customer, customerID) {
		return invalid("", param, "payment method "+id+" is not attached to customer "+customerID)
	}
	return nil
}

// updateCustomer serves POST /v1/customers/{customer}.
func updateCustomer(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Description     *string           `json:"description"`
		Email           *string           `json:"email"`
		Metadata        map[string]string `json:"metadata"`
		Name            *string           `json:"name"`
		Phone           *string           `json:"phone"`
		InvoiceSettings struct {
			DefaultPaymentMethod *string `json:"default_payment_method"`
		} `json:"invoice_settings"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	out := new(customer)
	if err := t.get(ctx, kindCustomer, c.id, "customer", out); err != nil {
		return nil, err
	}
	var err error
	if out.Metadata, err = mergeMetadata(out.Metadata, p.Metadata); err != nil {
		return nil, err
	}
	if id := p.InvoiceSettings.DefaultPaymentMethod; id != nil {
		if err := t.checkOwnMethod(ctx, *id, out.ID, "invoice_settings[default_payment_method]"); err != nil {
			return nil, err
		}
		out.InvoiceSettings.DefaultPaymentMethod = id
	}
	for field, given := range map[**string]*string{
		&out.Description: p.Description, &out.Email: p.Email, &out.Name: p.Name, &out.Phone: p.Phone,
	} {
		if given != nil {
			*field = given
		}
	}
	return out, t.change(ctx, "customer.updated", out, 0)
}
