package chart

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/vault"
)

func cardPlace(c coverage.Coverage) vault.Place {
	return vault.Place{Practice: c.Practice, Patient: c.Patient, Record: c.ID, Field: "card", Version: c.Edition}
}

// SealCoverage returns c as it is stored.
func (k *Keeper) SealCoverage(ctx context.Context, c coverage.Coverage) (clinic.Coverage, error) {
	sealed, err := k.Vault.Seal(ctx, cardPlace(c), c.Card)
	c.Card = coverage.Card{}
	return clinic.Coverage{Coverage: c, Sealed: sealed}, err
}

// Coverages returns a patient as of the latest commit, and the coverages entered for them, the
// first before the others. They were read apart: what does not agree is read again, and if it
// still does not, Coverages returns vault.ErrBroken.
func (k *Keeper) Coverages(ctx context.Context, patient string) (identity.Patient, []coverage.Coverage, error) {
	for n := 1; ; n++ {
		p, all, err := k.coverages(ctx, patient)
		if !errors.Is(err, vault.ErrBroken) || n == rereads {
			return p, all, err
		}
	}
}

func (k *Keeper) coverages(ctx context.Context, patient string) (identity.Patient, []coverage.Coverage, error) {
	row, err := k.Store.LatestPatient(ctx, patient)
	if err != nil {
		return identity.Patient{}, nil, err
	}
	p, err := k.OpenPatient(ctx, row)
	if err != nil {
		return p, nil, err
	}
	rows, err := k.Store.Coverages(ctx, patient)
	if err != nil {
		return p, nil, err
	}
	if len(rows) != p.Coverages {
		return p, nil, fmt.Errorf("patient %s: %w: they have %d coverages, of which %d are there", patient, vault.ErrBroken, p.Coverages, len(rows))
	}
	all := make([]coverage.Coverage, len(rows))
	for n, r := range rows {
		all[n] = r.Coverage
		if err := k.Vault.Unseal(ctx, cardPlace(r.Coverage), r.Sealed, &all[n].Card); err != nil {
			return p, nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b coverage.Coverage) int { return a.At.Compare(b.At) })
	return p, all, nil
}

// Held returns coverages with the payers that they name. A payer that is gone is vault.ErrBroken:
// none is ever removed.
func (k *Keeper) Held(ctx context.Context, all []coverage.Coverage) ([]coverage.Held, error) {
	read := map[string]coverage.Payer{"": {}}
	out := make([]coverage.Held, len(all))
	for n, c := range all {
		p, ok := read[c.Card.Payer]
		if !ok {
			var err error
			p, err = k.Store.Payer(ctx, c.Card.Payer)
			if errors.Is(err, fault.NotFound) {
				err = fmt.Errorf("coverage %s: %w: its payer is gone", c.ID, vault.ErrBroken)
			}
			if err != nil {
				return nil, err
			}
			read[c.Card.Payer] = p
		}
		out[n] = coverage.Held{Coverage: c, Payer: p}
	}
	return out, nil
}
