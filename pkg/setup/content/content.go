// Package content makes the sealer of content, for the functions that decrypt
// any.
package content

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"evisit/pkg/seal"
	"evisit/pkg/setup"
	"evisit/pkg/vault"
)

// Sealer returns the sealer of contact data and of all else that is sealed in
// rows.
func Sealer(ctx context.Context, p setup.Parts) (vault.Sealer, error) {
	if p.Sealer != nil {
		return p.Sealer(ctx)
	}
	c := p.Config
	if err := setup.Need(map[string]string{"EVISIT_KMS_KEY": c.KMSKey, "EVISIT_KEYSET": string(c.Keyset)}); err != nil {
		return nil, err
	}
	return seal.KMS(ctx, kms.NewFromConfig(p.Keys), c.KMSKey, c.Keyset)
}
