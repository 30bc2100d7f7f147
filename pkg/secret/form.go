package secret

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
)

// KeyOf is the Form of a Stripe.
func KeyOf(_ context.Context, b []byte) (string, error) {
	var s Stripe
	if err := decode(b, &s); err != nil {
		return "", err
	}
	if s.Key == "" {
		return "", errors.New("it has no stripe_key")
	}
	return s.Key, nil
}

// WebhooksOf is the Form of a Webhooks.
func WebhooksOf(_ context.Context, b []byte) (Webhooks, error) {
	var s Webhooks
	if err := decode(b, &s); err != nil {
		return Webhooks{}, err
	}
	if s.Platform == "" || s.Connect == "" {
		return Webhooks{}, errors.New("it lacks platform or connect")
	}
	return s, nil
}

// KeysetOf returns the encrypted keyset of a Keyset.
func KeysetOf(b []byte) ([]byte, error) {
	var s Keyset
	if err := decode(b, &s); err != nil {
		return nil, err
	}
	if len(s.Keyset) == 0 {
		return nil, errors.New("it has no keyset")
	}
	return s.Keyset, nil
}

// SeedOf returns the Form of a Seed: the private key, whose public half must be public.
func SeedOf(public ed25519.PublicKey) Form[ed25519.PrivateKey] {
	return func(_ context.Context, b []byte) (ed25519.PrivateKey, error) {
		var s Seed
		if err := decode(b, &s); err != nil {
			return nil, err
		}
		if len(s.Seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("its seed is %d bytes, want %d", len(s.Seed), ed25519.SeedSize)
		}
		key := ed25519.NewKeyFromSeed(s.Seed)
		if half, _ := key.Public().(ed25519.PublicKey); !half.Equal(public) {
			return nil, errors.New("its public half is not the one that the logs are verified with")
		}
		return key, nil
	}
}

// AcceptedOf is the Form of a Front: what is accepted of the distribution; nil if
// there is none.
func AcceptedOf(_ context.Context, b []byte) ([]string, error) {
	var s Front
	if err := decode(b, &s); err != nil {
		return nil, err
	}
	if s.Accepted == NoFront {
		return nil, nil
	}
	accepted := strings.FieldsFunc(s.Accepted, func(r rune) bool { return r == ',' || r == ' ' })
	if len(accepted) == 0 {
		return nil, errors.New("it has nothing accepted")
	}
	return accepted, nil
}
