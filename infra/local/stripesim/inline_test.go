package stripesim_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"

	"evisit/infra/local/stripesim"
)

// inlineParams are the parameters of a session that sells a year at a price of its own.
func (s shop) inlineParams(cents int64) *stripe.CheckoutSessionParams {
	p := s.subscribeParams("", s.newCustomer().ID)
	p.LineItems[0].Price = nil
	p.LineItems[0].PriceData = &stripe.CheckoutSessionLineItemPriceDataParams{
		Currency: stripe.String("usd"), UnitAmount: stripe.Int64(cents),
		ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Yearly membership")},
		Recurring:   &stripe.CheckoutSessionLineItemPriceDataRecurringParams{Interval: stripe.String("year")},
	}
	return p
}

// A subscription can be sold at a price that is made with its page: it is paid and renewed as any
// other, and its price cannot be bought again.
func TestSubscription_PriceMadeWithItsPage(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	cs, err := s.createSession(s.inlineParams(35_000))
	if err != nil {
		t.Fatal(err)
	}
	s.payThrough(cs.ID, stripesim.CardSuccess)
	if cs, err = s.session(cs.ID); err != nil {
		t.Fatal(err)
	}
	sub := s.subscription(cs.Subscription.ID)
	price := sub.Items.Data[0].Price
	if sub.Status != "active" || price.UnitAmount != 35_000 || price.Active || price.Recurring == nil || price.Recurring.Interval != "year" {
		t.Errorf("subscription: %s, price %+v", sub.Status, price)
	}
	if _, err := s.createSession(s.subscribeParams(price.ID, s.newCustomer().ID)); refusalOf(err) == nil {
		t.Errorf("its price was bought again: %v", err)
	}
}

func TestSubscription_PriceMadeWithItsPageRefused(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	for name, change := range map[string]func(*stripe.CheckoutSessionParams){
		"paid once": func(p *stripe.CheckoutSessionParams) { p.LineItems[0].PriceData.Recurring = nil },
		"every month": func(p *stripe.CheckoutSessionParams) {
			p.LineItems[0].PriceData.Recurring.Interval = stripe.String("month")
		},
		"below nothing":     func(p *stripe.CheckoutSessionParams) { p.LineItems[0].PriceData.UnitAmount = stripe.Int64(-1) },
		"in a payment page": func(p *stripe.CheckoutSessionParams) { p.Mode, p.SubscriptionData = stripe.String("payment"), nil },
		"without a name": func(p *stripe.CheckoutSessionParams) {
			p.LineItems[0].PriceData.ProductData.Name = stripe.String("")
		},
	} {
		p := s.inlineParams(35_000)
		change(p)
		if _, err := s.createSession(p); refusalOf(err) == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
