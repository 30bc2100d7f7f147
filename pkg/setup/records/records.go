// Package records makes the keeper of the content of visits, documents included,
// for the functions that read any.
package records

import (
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/setup"
	"evisit/pkg/setup/bucket"
	"evisit/pkg/setup/content"
	"evisit/pkg/vault"
)

// Keeper returns the keeper of the content of visits, documents included.
func Keeper(p setup.Parts, k *clinic.Kernel, s chart.Reads) (*chart.Keeper, error) {
	objects, err := bucket.Of(p)
	if err != nil {
		return nil, err
	}
	sealer, err := content.Sealer(p)
	if err != nil {
		return nil, err
	}
	return &chart.Keeper{Kernel: k, Store: s, Vault: vault.Vault{Sealer: sealer, Objects: objects}}, nil
}
