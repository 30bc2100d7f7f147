package store

import (
	"context"
	"slices"

	"evisit/pkg/ledger"
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
