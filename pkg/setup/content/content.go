// Package content makes the sealer of content, for the functions that decrypt
// any.
package content

import (
	"cmp"
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"evisit/pkg/seal"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/secrets"
	"evisit/pkg/vault"
)

// Sealer returns the sealer of contact data and of all else that is sealed in
// rows. The keyset is read and decrypted when content is first sealed or unsealed,
// because a function starts sooner without a call of KMS, and decrypted again when the
// stored one has changed. If there is none that can be decrypted, sealing and unsealing
// fail with fault.Busy, log an error, and try again the next time.
func Sealer(p setup.Parts) (vault.Sealer, error) {
	if p.Sealer != nil {
		p.Secret = func(context.Context, string) ([]byte, error) { return nil, nil }
		return &keptSealer{secrets.Kept(p, secret.Content, func(ctx context.Context, _ []byte) (vault.Sealer, error) { return p.Sealer(ctx) })}, nil
	}
	p, err := secrets.With(p)
	if err := errors.Join(err, setup.Need(map[string]string{"EVISIT_KMS_KEY": p.Config.KMSKey})); err != nil {
		return nil, err
	}
	client := kms.NewFromConfig(p.Keys)
	return &keptSealer{secrets.Kept(p, secret.Content, func(ctx context.Context, stored []byte) (vault.Sealer, error) {
		keyset, err := secret.KeysetOf(stored)
		if err != nil {
			return nil, err
		}
		return seal.KMS(ctx, client, p.Config.KMSKey, keyset)
	})}, nil
}

// A keptSealer seals with the keyset as it is in the store. It is safe for concurrent
// use.
type keptSealer struct{ kept *secret.Kept[vault.Sealer] }

// Seal implements vault.Sealer.
func (k *keptSealer) Seal(ctx context.Context, at vault.Place, plain []byte) ([]byte, error) {
	s, err := k.kept.Get(ctx)
	if err != nil {
		return nil, err
	}
	return s.Seal(ctx, at, plain)
}

// Unseal implements vault.Sealer. What the kept keyset cannot unseal may be sealed
// with a key that another process has already and this one has not.
func (k *keptSealer) Unseal(ctx context.Context, at vault.Place, sealed []byte) (plain []byte, failed error) {
	err := k.kept.Use(ctx, func(s vault.Sealer) bool {
		plain, failed = s.Unseal(ctx, at, sealed)
		return failed != nil
	})
	return plain, cmp.Or(err, failed)
}
