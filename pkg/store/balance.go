package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/statement"
	"evisit/pkg/vault"
)

// Closing returns how far the books of a practice are closed.
func (s *Store) Closing(ctx context.Context, practice string) (statement.Closing, error) {
	what := "closing of the books of practice " + practice
	i, err := s.get(ctx, closingKey(practice), latest, what)
	if err != nil {
		return statement.Closing{}, err
	}
	var c statement.Closing
	if err := unpack(i, what, &c); err != nil {
		return c, err
	}
	if keyOf(i) != closingKey(c.Practice) {
		return c, fmt.Errorf("%s: %w: it lies where that of %s belongs", what, vault.ErrBroken, c.Practice)
	}
	c.Version = count(i, "v")
	return c, nil
}

// DueClosings implements deadline.Reads.
func (s *Store) DueClosings(ctx context.Context, now time.Time, cursor string, limit int) ([]string, string, error) {
	rows, next, err := s.due(ctx, dueClosings, now, cursor, limit)
	practices := make([]string, len(rows))
	for n, r := range rows {
		_, practices[n], _ = strings.Cut(text(r, "pk"), "#")
	}
	return practices, next, err
}

// BalanceAt returns what the accounts of a practice stood at when the last month was closed that
// ended by an instant.
func (s *Store) BalanceAt(ctx context.Context, practice string, at time.Time) (statement.Balance, error) {
	what := "balance of practice " + practice
	last := balanceKey(practice, at)
	rows, err := s.query(ctx, &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :p AND sk BETWEEN :f AND :t"), ConsistentRead: aws.Bool(bool(latest)), ScanIndexForward: aws.Bool(false),
		ExpressionAttributeValues: item{":p": str(last.pk), ":f": str("UNTIL#"), ":t": str(last.sk)},
	}, 1, what)
	if err != nil {
		return statement.Balance{}, err
	}
	if len(rows) == 0 {
		return statement.Balance{}, missing("balance of that practice by then")
	}
	var b statement.Balance
	if err := unpack(rows[0], what, &b); err != nil {
		return b, err
	}
	if keyOf(rows[0]) != balanceKey(b.Practice, b.Before) {
		return b, fmt.Errorf("%s: %w: it lies where that of %s belongs", what, vault.ErrBroken, b.Practice)
	}
	return b, nil
}
