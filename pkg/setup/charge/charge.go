// Package charge makes the handler of the function charge.
package charge

import (
	"evisit/pkg/awslambda"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/outbox"
	"evisit/pkg/setup"
	"evisit/pkg/stripepay"
)

// Handler returns the stream handler that moves money.
func Handler(p setup.Parts) (awslambda.StreamHandler, error) {
	if err := setup.Need(map[string]string{"STRIPE_SECRET_KEY": p.Config.StripeKey}); err != nil {
		return nil, err
	}
	s := p.Store()
	room := &charge.Room{
		Kernel: p.Kernel(outbox.ByCharge, s), Store: s, Cards: stripepay.New(p.Config.StripeKey, p.Config.StripeBase),
	}
	return awslambda.Stream(outbox.Charge, room.Handle, p.Log), nil
}
