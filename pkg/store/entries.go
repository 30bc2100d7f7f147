package store

import (
	"context"
	"fmt"
	"slices"

	"evisit/pkg/ledger"
	"evisit/pkg/vault"
)

// Entries lists what the ledger has of a payment, a membership or a payout, oldest first.
func (s *Store) Entries(ctx context.Context, of string) ([]ledger.Entry, error) {
	if len(of) > longestKey/2 {
		return nil, missing("payment of that id")
	}
	all, err := readAll(ctx, s, beginning(entryKey(of, "")), "entries of "+of, readEntry)
	slices.SortStableFunc(all, func(a, b ledger.Entry) int { return a.At.Compare(b.At) })
	return all, err
}

func readEntry(i item) (ledger.Entry, error) {
	var e ledger.Entry
	if err := unpack(i, "entry", &e); err != nil {
		return e, err
	}
	if keyOf(i) != entryKey(e.Payment, e.ID) {
		return e, fmt.Errorf("entry %s of payment %s: %w: it lies where %s belongs", e.ID, e.Payment, vault.ErrBroken, text(i, "sk"))
	}
	return e, nil
}
