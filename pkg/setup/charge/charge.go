// Package charge makes the handler of the function charge.
package charge

import (
	"evisit/pkg/awslambda"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/outbox"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/secrets"
	"evisit/pkg/stripepay"
)

// Handler returns the stream handler that moves money.
func Handler(p setup.Parts) (awslambda.StreamHandler, error) {
	p, err := secrets.With(p)
	if err != nil {
		return nil, err
	}
	s := p.Store()
	stripe := stripepay.New(secrets.Kept(p, secret.Charge, secret.KeyOf), p.Config.StripeBase)
	room := &charge.Room{Kernel: p.Kernel(outbox.ByCharge, s), Store: s, Cards: stripe, Subscriptions: stripe, Balance: stripe}
	return awslambda.Stream(outbox.Charge, room.Handle, p.Log), nil
}
