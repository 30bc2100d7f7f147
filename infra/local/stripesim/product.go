package stripesim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	kindProduct = "product"
	kindPrice   = "price"

	priceOnce      = "one_time"
	priceRecurring = "recurring"
)

// A product is what an account sells.
type product struct {
	ID                  string            `json:"id"`
	Object              string            `json:"object"`
	Active              bool              `json:"active"`
	Created             int64             `json:"created"`
	DefaultPrice        *string           `json:"default_price"`
	Description         *string           `json:"description"`
	Features            []string          `json:"features"`
	Images              []string          `json:"images"`
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	Name                string            `json:"name"`
	StatementDescriptor *string           `json:"statement_descriptor"`
	Type                string            `json:"type"`
	Updated             int64             `json:"updated"`
}

func (p *product) kindAndID() (kind, id string) { return kindProduct, p.ID }

// A price is what a product costs, once or every year. Its amount never changes: a new
// amount is a new price.
type price struct {
	ID                string            `json:"id"`
	Object            string            `json:"object"`
	Active            bool              `json:"active"`
	BillingScheme     string            `json:"billing_scheme"`
	Created           int64             `json:"created"`
	Currency          string            `json:"currency"`
	Livemode          bool              `json:"livemode"`
	LookupKey         *string           `json:"lookup_key"`
	Metadata          map[string]string `json:"metadata"`
	Nickname          *string           `json:"nickname"`
	Product           string            `json:"product"`
	Recurring         *recurring        `json:"recurring"`
	TaxBehavior       string            `json:"tax_behavior"`
	Type              string            `json:"type"`
	UnitAmount        int64             `json:"unit_amount"`
	UnitAmountDecimal string            `json:"unit_amount_decimal"`
}

type recurring struct {
	Interval      string `json:"interval"`
	IntervalCount int64  `json:"interval_count"`
	UsageType     string `json:"usage_type"`
}

func (p *price) kindAndID() (kind, id string) { return kindPrice, p.ID }

// createProduct serves POST /v1/products.
func createProduct(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Active              *bool             `json:"active"`
		Description         *string           `json:"description"`
		Metadata            map[string]string `json:"metadata"`
		Name                string            `json:"name"`
		StatementDescriptor *string           `json:"statement_descriptor"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return nil, err
	}
	if p.Name == "" {
		return nil, invalid("parameter_missing", "name", "a product needs a name")
	}
	out := t.newProduct(p.Name, p.Metadata)
	out.Description, out.StatementDescriptor = p.Description, p.StatementDescriptor
	if p.Active != nil {
		out.Active = *p.Active
	}
	return out, t.change(ctx, "product.created", out, 0)
}

func (t *tx) newProduct(name string, metadata map[string]string) *product {
	return &product{
		ID: newID("prod"), Object: kindProduct, Active: true, Created: t.now.Unix(), Updated: t.now.Unix(), Features: []string{},
		Images: []string{}, Metadata: orEmpty(metadata), Name: name, Type: "service",
	}
}

// getProduct serves GET /v1/products/{id}.
func getProduct(ctx context.Context, t *tx, c *call) (any, error) {
	p := new(product)
	return p, t.get(ctx, kindProduct, c.id, "id", p)
}

// updateProduct serves POST /v1/products/{id}.
func updateProduct(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Active      *bool             `json:"active"`
		Description *string           `json:"description"`
		Metadata    map[string]string `json:"metadata"`
		Name        *string           `json:"name"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	out := new(product)
	if err := t.get(ctx, kindProduct, c.id, "id", out); err != nil {
		return nil, err
	}
	var err error
	if out.Metadata, err = mergeMetadata(out.Metadata, p.Metadata); err != nil {
		return nil, err
	}
	if p.Active != nil {
		out.Active = *p.Active
	}
	if p.Description != nil {
		out.Description = p.Description
	}
	if p.Name != nil {
		out.Name = *p.Name
	}
	if out.Name == "" {
		return nil, invalid("", "name", "a product needs a name")
	}
	out.Updated = t.now.Unix()
	return out, t.change(ctx, "product.updated", out, 0)
}

// mergeMetadata sets the keys of change in metadata. An empty value removes its key.
func mergeMetadata(metadata, change map[string]string) (map[string]string, error) {
	if err := checkMetadata("metadata", change); err != nil {
		return nil, err
	}
	out := orEmpty(metadata)
	maps.Copy(out, change)
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out, checkMetadata("metadata", out)
}

// listProducts serves GET /v1/products.
func listProducts(ctx context.Context, t *tx, c *call) (any, error) {
	want, rest := c.split("active", "ids")
	ids, _ := want["ids"].([]any)
	return t.listWhere(ctx, rest, kindProduct, func(o map[string]any) bool {
		return want.equals(o, "active") && (len(ids) == 0 || slices.Contains(ids, o["id"]))
	})
}

// wanted are the values that a list's objects must have.
type wanted map[string]any

func (w wanted) equals(o map[string]any, fields ...string) bool {
	for _, f := range fields {
		if v, ok := w[f]; ok && o[f] != v {
			return false
		}
	}
	return true
}

// split returns the named parameters of a list, and the call without them.
func (c *call) split(names ...string) (wanted, *call) {
	out, rest := wanted{}, &call{id: c.id, path: c.path, params: maps.Clone(c.params)}
	for _, name := range names {
		if v, ok := rest.params[name]; ok {
			out[name] = v
			delete(rest.params, name)
		}
	}
	return out, rest
}

type priceParams struct {
	Active      *bool             `json:"active"`
	Currency    string            `json:"currency"`
	LookupKey   *string           `json:"lookup_key"`
	Metadata    map[string]string `json:"metadata"`
	Nickname    *string           `json:"nickname"`
	Product     string            `json:"product"`
	ProductData *struct {
		Metadata map[string]string `json:"metadata"`
		Name     string            `json:"name"`
	} `json:"product_data"`
	Recurring   *recurring `json:"recurring"`
	TaxBehavior *string    `json:"tax_behavior"`
	UnitAmount  *int64     `json:"unit_amount"`
}

// check refuses wrong parameters, and those that the simulator does not model: of the
// recurring prices only those of every year are.
func (p *priceParams) check() error {
	switch {
	case p.Currency != "usd":
		return notModelled("currency", p.Currency)
	case p.UnitAmount == nil:
		return invalid("parameter_missing", "unit_amount", "a price needs a unit_amount")
	case *p.UnitAmount < 0:
		return invalid("parameter_invalid_integer", "unit_amount", "unit_amount must not be negative")
	case *p.UnitAmount > largestCharge:
		return invalid("amount_too_large", "unit_amount", "the amount is too large")
	case (p.Product == "") == (p.ProductData == nil):
		return invalid("parameter_missing", "product", "give one of product or product_data")
	}
	if r := p.Recurring; r != nil {
		switch {
		case r.Interval != "year":
			return notModelled("recurring[interval]", r.Interval)
		case r.IntervalCount > 1:
			return notModelled("recurring[interval_count]", strconv.FormatInt(r.IntervalCount, 10))
		case r.UsageType == "metered":
			return notModelled("recurring[usage_type]", r.UsageType)
		}
	}
	return checkMetadata("metadata", p.Metadata)
}

// newPrice returns the price of checked parameters.
func (p *priceParams) newPrice(now time.Time) *price {
	out := &price{
		ID: newID("price"), Object: kindPrice, Active: p.Active == nil || *p.Active, BillingScheme: "per_unit", Created: now.Unix(),
		Currency: p.Currency, LookupKey: p.LookupKey, Metadata: orEmpty(p.Metadata), Nickname: p.Nickname, Product: p.Product,
		TaxBehavior: "unspecified", Type: priceOnce, UnitAmount: *p.UnitAmount, UnitAmountDecimal: strconv.FormatInt(*p.UnitAmount, 10),
	}
	if p.TaxBehavior != nil {
		out.TaxBehavior = *p.TaxBehavior
	}
	if p.Recurring != nil {
		out.Type, out.Recurring = priceRecurring, &recurring{Interval: "year", IntervalCount: 1, UsageType: "licensed"}
	}
	return out
}

// createPrice serves POST /v1/prices.
func createPrice(ctx context.Context, t *tx, c *call) (any, error) {
	var p priceParams
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := t.checkLookupKey(ctx, p.LookupKey, ""); err != nil {
		return nil, err
	}
	out := p.newPrice(t.now)
	if p.ProductData != nil {
		made := t.newProduct(p.ProductData.Name, p.ProductData.Metadata)
		if err := t.change(ctx, "product.created", made, 0); err != nil {
			return nil, err
		}
		out.Product = made.ID
	} else if err := t.get(ctx, kindProduct, p.Product, "product", new(product)); err != nil {
		return nil, err
	}
	return out, t.change(ctx, "price.created", out, 0)
}

// checkLookupKey refuses a key that another price of the account has.
func (t *tx) checkLookupKey(ctx context.Context, key *string, own string) error {
	if key == nil {
		return nil
	}
	prices, err := all[price](ctx, t, kindPrice)
	for _, p := range prices {
		if p.ID != own && p.LookupKey != nil && *p.LookupKey == *key {
			return invalid("", "lookup_key", "the price "+p.ID+" has this lookup key")
		}
	}
	return err
}

// getPrice serves GET /v1/prices/{price}.
func getPrice(ctx context.Context, t *tx, c *call) (any, error) {
	p := new(price)
	return p, t.get(ctx, kindPrice, c.id, "price", p)
}

// updatePrice serves POST /v1/prices/{price}. An inactive price cannot be bought; who
// bought it keeps it.
func updatePrice(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Active    *bool             `json:"active"`
		LookupKey *string           `json:"lookup_key"`
		Metadata  map[string]string `json:"metadata"`
		Nickname  *string           `json:"nickname"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	out := new(price)
	if err := t.get(ctx, kindPrice, c.id, "price", out); err != nil {
		return nil, err
	}
	if err := t.checkLookupKey(ctx, p.LookupKey, out.ID); err != nil {
		return nil, err
	}
	var err error
	if out.Metadata, err = mergeMetadata(out.Metadata, p.Metadata); err != nil {
		return nil, err
	}
	if p.Active != nil {
		out.Active = *p.Active
	}
	if p.LookupKey != nil {
		out.LookupKey = p.LookupKey
	}
	if p.Nickname != nil {
		out.Nickname = p.Nickname
	}
	return out, t.change(ctx, "price.updated", out, 0)
}

// listPrices serves GET /v1/prices.
func listPrices(ctx context.Context, t *tx, c *call) (any, error) {
	want, rest := c.split("active", "product", "type", "currency", "lookup_keys")
	keys, _ := want["lookup_keys"].([]any)
	return t.listWhere(ctx, rest, kindPrice, func(o map[string]any) bool {
		return want.equals(o, "active", "product", "type", "currency") && (len(keys) == 0 || slices.Contains(keys, o["lookup_key"]))
	})
}

// priceToBuy loads an active price of a type, with its product. at names the parameter.
func (t *tx) priceToBuy(ctx context.Context, id, at string) (*price, *product, error) {
	p, of := new(price), new(product)
	if err := t.get(ctx, kindPrice, id, at, p); err != nil {
		return nil, nil, err
	}
	if err := t.get(ctx, kindProduct, p.Product, at, of); err != nil {
		return nil, nil, err
	}
	if !p.Active || !of.Active {
		return nil, nil, invalid("", at, fmt.Sprintf("the price %s, or its product, is not active", id))
	}
	return p, of, nil
}
