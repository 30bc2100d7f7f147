package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

// uncovered are the first words of the keys of rows that no log covers: events,
// idempotency keys, sessions, kept forms, marks, and the rows that logs and sweeps are
// made of.
var uncovered = []string{"OUTBOX", "REQUEST", "SESSION", "KEPT", "MARK", "LIMIT", "AUDIT", "ACTIVE", "LOG", "SWEEP"}

// parseKey reads a key as audit.Item.Key writes it. A token's partition key may
// contain slashes, and its sort key is "-".
func parseKey(s string) key {
	if pk, sk, ok := strings.Cut(s, "/"); ok && !strings.HasPrefix(s, "WHO#") {
		return key{pk, sk}
	}
	return key{s, "-"}
}

// Stored implements verify.Reads.
func (s *Store) Stored(ctx context.Context, keys []string) (map[string]audit.Item, error) {
	wanted := make([]key, len(keys))
	for n, k := range keys {
		wanted[n] = parseKey(k)
	}
	items, err := s.batchGet(ctx, wanted, latest, "rows of a log")
	if err != nil {
		return nil, err
	}
	out := map[string]audit.Item{}
	for _, i := range items {
		row := storedItem(i)
		out[row.Key()] = row
	}
	return out, nil
}

// RecordAt implements verify.Reads.
func (s *Store) RecordAt(ctx context.Context, practice, position string) (*audit.Record, error) {
	at, id, ok := strings.Cut(position, "#")
	if !ok || len(at) != len(stampLayout) {
		return nil, nil //nolint:nilnil // there is no record at what is no position
	}
	i, err := s.get(ctx, auditKey(practice, position, id), latest, "audit record "+position)
	if errors.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // that there is none is what the caller asks
	}
	if err != nil {
		return nil, err
	}
	r, err := audit.ParseLeaf([]byte(text(i, "d")))
	if err != nil {
		return nil, fmt.Errorf("audit record %s: %w: %w", position, clinic.ErrUnreadable, err)
	}
	return &r, nil
}

// Covered implements verify.Reads, by a scan.
func (s *Store) Covered(ctx context.Context, segment, of int, each func(practice string, row audit.Item) error) error {
	in := &dynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(int32(of)), //nolint:gosec // small and not negative
	}
	for {
		out, err := s.db.Scan(ctx, in)
		if err != nil {
			return unreachable(ctx, err)
		}
		for _, i := range out.Items {
			if word, _ := split(text(i, "pk")); slices.Contains(uncovered, word) {
				continue
			}
			if err := each(text(i, "l"), storedItem(i)); err != nil {
				return err
			}
		}
		if out.LastEvaluatedKey == nil {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
