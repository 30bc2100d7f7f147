package chart

import (
	"context"

	"evisit/pkg/clinic"
	"evisit/pkg/phi"
	"evisit/pkg/vault"
)

func markingPlace(practice string) vault.Place {
	return vault.Place{Practice: practice, Record: practice, Field: "marks"}
}

// SealMarkKey returns the key of a practice's marks as it is stored.
func (k *Keeper) SealMarkKey(ctx context.Context, practice string, key []byte) (clinic.MarkKey, error) {
	s, err := k.Vault.Seal(ctx, markingPlace(practice), key)
	return clinic.MarkKey{Practice: practice, Sealed: s}, err
}

// OpenMarkKey returns the key of a practice's marks.
func (k *Keeper) OpenMarkKey(ctx context.Context, row clinic.MarkKey) ([]byte, error) {
	var key []byte
	return key, k.Vault.Unseal(ctx, markingPlace(row.Practice), row.Sealed, &key)
}

func addressPlace(practice, patient, event string) vault.Place {
	return vault.Place{Practice: practice, Patient: patient, Record: event, Field: "address"}
}

// SealAddress seals where the letter of an event about a patient goes.
func (k *Keeper) SealAddress(ctx context.Context, practice, patient, event string, to phi.Text) ([]byte, error) {
	return k.Vault.Seal(ctx, addressPlace(practice, patient, event), to)
}

// OpenAddress returns where the letter of an event about a patient goes.
func (k *Keeper) OpenAddress(ctx context.Context, practice, patient, event string, sealed []byte) (phi.Text, error) {
	var to phi.Text
	return to, k.Vault.Unseal(ctx, addressPlace(practice, patient, event), sealed, &to)
}
