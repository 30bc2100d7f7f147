package stripesim

import "context"

const kindCustomer = "customer"

// A customer is a person whom an account charges.
type customer struct {
	ID          string            `json:"id"`
	Object      string            `json:"object"`
	Created     int64             `json:"created"`
	Description *string           `json:"description"`
	Email       *string           `json:"email"`
	Livemode    bool              `json:"livemode"`
	Metadata    map[string]string `json:"metadata"`
	Name        *string           `json:"name"`
	Phone       *string           `json:"phone"`
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
	out := &customer{
		ID: newID("cus"), Object: kindCustomer, Created: t.now.Unix(), Description: p.Description, Email: p.Email,
		Metadata: orEmpty(p.Metadata), Name: p.Name, Phone: p.Phone,
	}
	if err := t.put(ctx, out, 0); err != nil {
		return nil, err
	}
	return out, t.emit(ctx, "customer.created", out)
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
