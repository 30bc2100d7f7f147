package store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/identity"
)

// DueVisits implements deadline.Reads.
func (s *Store) DueVisits(ctx context.Context, shard int, now time.Time, cursor string, limit int) ([]string, string, error) {
	rows, next, err := s.due(ctx, dueVisits(shard), now, cursor, limit)
	ids := make([]string, len(rows))
	for n, r := range rows {
		ids[n] = strings.TrimPrefix(text(r, "pk"), visitKey("").pk)
	}
	return ids, next, err
}

// DueEvents implements sweep.Reads.
func (s *Store) DueEvents(ctx context.Context, shard int, now time.Time, cursor string, limit int) ([]string, string, error) {
	rows, next, err := s.due(ctx, dueEvents(shard), now, cursor, limit)
	ids := make([]string, len(rows))
	for n, r := range rows {
		ids[n] = text(r, "sk")
	}
	return ids, next, err
}

// Leavers implements deadline.Reads.
func (s *Store) Leavers(ctx context.Context, now time.Time, cursor string, limit int) ([]identity.Person, string, error) {
	rows, next, err := s.due(ctx, duePersons, now, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	keys := make([]key, len(rows))
	for n, r := range rows {
		keys[n] = keyOf(r)
	}
	items, err := s.fetch(ctx, keys, latest, "people who left")
	if err != nil {
		return nil, "", err
	}
	var people []identity.Person
	for _, i := range items {
		p, err := readPerson(i)
		if err != nil {
			return nil, "", err
		}
		if !p.Left.IsZero() {
			people = append(people, p)
		}
	}
	return people, next, nil
}

// due reads one page of the due rows in one partition of the index. A cursor is
// the primary key and the due time of the last row.
func (s *Store) due(ctx context.Context, partition string, now time.Time, cursor string, limit int) ([]item, string, error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(dueIndex), Limit: aws.Int32(int32(limit)), //nolint:gosec // a page's length
		KeyConditionExpression:    aws.String("due_shard = :s AND due_at <= :now"),
		ExpressionAttributeValues: item{":s": str(partition), ":now": str(stamp(now))},
	}
	if parts := strings.SplitN(cursor, "\n", 3); len(parts) == 3 {
		in.ExclusiveStartKey = item{"due_shard": str(partition), "due_at": str(parts[0]), "pk": str(parts[1]), "sk": str(parts[2])}
	}
	out, err := s.db.Query(ctx, in)
	if err != nil {
		return nil, "", unreachable(ctx, err)
	}
	next := ""
	if k := out.LastEvaluatedKey; k != nil {
		next = text(k, "due_at") + "\n" + text(k, "pk") + "\n" + text(k, "sk")
	}
	return out.Items, next, nil
}
