package stripesim

import (
	"context"
	"strings"
)

const kindCustomer = "customer"

// A customer is a person whom an account charges.
type customer struct {
	ID              string            `json:"id"`
	Object          string            `json:"object"`
	Balance         int64             `json:"balance"` // added to the next invoice; negative is a credit
	Created         int64             `json:"created"`
	Description     *string           `json:"description"`
	Email           *string           `json:"email"`
	InvoicePrefix   string            `json:"invoice_prefix"`
	InvoiceSettings invoiceSettings   `json:"invoice_settings"`
	Livemode        bool              `json:"livemode"`
	Metadata        map[string]string `json:"metadata"`
	Name            *string           `json:"name"`
	NextInvoice     int64             `json:"next_invoice_sequence"`
	Phone           *string           `json:"phone"`
}

type invoiceSettings struct {
	DefaultPaymentMethod *string `json:"default_payment_method"`
}

func (c *customer) kindAndID() (kind, id string) { return kindCustomer, c.ID }

// createCustomer serves POST /v1/customers.
func createCustomer(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Description *string           `json:"description"`
		Email       *string           `json:"email"`
		Metadata    map[string]string `json:"metadata"`
		Name        *string           `json:"name"`
		Phone       *string           `json:"phone"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return nil, err
	}
	out := t.newCustomer()
	out.Description, out.Email, out.Metadata, out.Name, out.Phone = p.Description, p.Email, orEmpty(p.Metadata), p.Name, p.Phone
	if err := t.put(ctx, out, 0); err != nil {
		return nil, err
	}
	return out, t.emit(ctx, "customer.created", out)
}

func (t *tx) newCustomer() *customer {
	id := newID("cus")
	return &customer{
		ID: id, Object: kindCustomer, Created: t.now.Unix(), InvoicePrefix: strings.ToUpper(id[len(id)-8:]), NextInvoice: 1,
		Metadata: map[string]string{},
	}
}

// getCustomer serves GET /v1/customers/{customer}.
func getCustomer(ctx context.Context, t *tx, c *call) (any, error) {
	out := new(customer)
	return out, t.get(ctx, kindCustomer, c.id, "customer", out)
}

// listCustomers serves GET /v1/customers.
func listCustomers(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindCustomer, "email")
}
