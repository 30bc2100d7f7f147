package stripesim_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/price"
	"github.com/stripe/stripe-go/v76/product"
)

func (s shop) prices() price.Client     { return price.Client{B: s.backend(), Key: s.key} }
func (s shop) products() product.Client { return product.Client{B: s.backend(), Key: s.key} }

func (s shop) yearlyParams(cents int64) *stripe.PriceParams {
	return &stripe.PriceParams{
		Params: s.params(""), Currency: stripe.String("usd"), UnitAmount: stripe.Int64(cents),
		ProductData: &stripe.PriceProductDataParams{Name: stripe.String("Membership")},
		Recurring:   &stripe.PriceRecurringParams{Interval: stripe.String("year")},
	}
}

// newYearly makes a yearly price with a product of its own.
func (s shop) newYearly(cents int64) *stripe.Price {
	s.Helper()
	p, err := s.prices().New(s.yearlyParams(cents))
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func TestPrice_CreateListUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	made, err := s.products().New(&stripe.ProductParams{
		Params: s.params(""), Name: stripe.String("Membership"), Metadata: map[string]string{"ref": "plan_1", "old": "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := s.yearlyParams(35_000)
	p.ProductData, p.Product, p.LookupKey = nil, stripe.String(made.ID), stripe.String("plan_1")
	yearly, err := s.prices().New(p)
	if err != nil {
		t.Fatal(err)
	}
	if yearly.UnitAmount != 35_000 || yearly.Type != "recurring" || yearly.Recurring.Interval != "year" || yearly.Product.ID != made.ID || !yearly.Active {
		t.Errorf("price: %+v", yearly)
	}
	if _, err := s.prices().New(p); refusal(t, err).Param != "lookup_key" {
		t.Errorf("the lookup key again: %v", err)
	}
	s.newYearly(1000)
	find := &stripe.PriceListParams{
		ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake)}, LookupKeys: stripe.StringSlice([]string{"plan_1"}),
		Active: stripe.Bool(true),
	}
	count := func() (n int) {
		for it := s.prices().List(find); it.Next(); n++ {
			if it.Price().ID != yearly.ID {
				t.Errorf("found %+v", it.Price())
			}
		}
		return n
	}
	if count() != 1 {
		t.Error("the price is not found by its lookup key")
	}
	b.events()
	if _, err := s.prices().Update(yearly.ID, &stripe.PriceParams{Params: s.params(""), Active: stripe.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	if count() != 0 {
		t.Error("an inactive price is listed as active")
	}
	change := &stripe.ProductParams{Params: s.params(""), Name: stripe.String("Care"), Metadata: map[string]string{"old": "", "new": "y"}}
	if made, err = s.products().Update(made.ID, change); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"ref": "plan_1", "new": "y"}, made.Metadata); diff != "" || made.Name != "Care" {
		t.Errorf("product %s, metadata (-want +got):\n%s", made.Name, diff)
	}
	if diff := cmp.Diff([]string{"price.updated", "product.updated"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for _, other := range []shop{b.shop(hill), b.shop("")} {
		if _, err := other.prices().Get(yearly.ID, &stripe.PriceParams{Params: other.params("")}); refusal(t, err).HTTPStatusCode != 404 {
			t.Errorf("through account %q: %v", other.account, err)
		}
	}
}

func TestPrice_Refuses(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	for _, test := range []struct {
		name, code, param string
		change            func(*stripe.PriceParams)
	}{
		{"another currency", "not_simulated", "currency", func(p *stripe.PriceParams) { p.Currency = stripe.String("eur") }},
		{"without an amount", "parameter_missing", "unit_amount", func(p *stripe.PriceParams) { p.UnitAmount = nil }},
		{"a negative amount", "parameter_invalid_integer", "unit_amount", func(p *stripe.PriceParams) { p.UnitAmount = stripe.Int64(-1) }},
		{"too much", "amount_too_large", "unit_amount", func(p *stripe.PriceParams) { p.UnitAmount = stripe.Int64(1e8) }},
		{"without a product", "parameter_missing", "product", func(p *stripe.PriceParams) { p.ProductData = nil }},
		{"a product of another account", "resource_missing", "product", func(p *stripe.PriceParams) {
			p.ProductData, p.Product = nil, stripe.String("prod_elsewhere")
		}},
		{"every month", "not_simulated", "recurring[interval]", func(p *stripe.PriceParams) { p.Recurring.Interval = stripe.String("month") }},
		{"every second year", "not_simulated", "recurring[interval_count]", func(p *stripe.PriceParams) { p.Recurring.IntervalCount = stripe.Int64(2) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := s.yearlyParams(35_000)
			test.change(p)
			_, err := s.prices().New(p)
			if e := refusal(t, err); string(e.Code) != test.code || e.Param != test.param {
				t.Errorf("refused with code %q param %q: %s", e.Code, e.Param, e.Msg)
			}
		})
	}
}
