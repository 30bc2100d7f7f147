package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/reconcile"
	"evisit/pkg/vault"
)

// Progress returns how far an account was compared.
func (s *Store) Progress(ctx context.Context, practice, account string) (reconcile.Progress, error) {
	what := "comparison of account " + account
	i, err := s.get(ctx, progressKey(practice, account), latest, what)
	if err != nil {
		return reconcile.Progress{}, err
	}
	var p reconcile.Progress
	if err := unpack(i, what, &p); err != nil {
		return p, err
	}
	if keyOf(i) != progressKey(p.Practice, p.Account) {
		return p, fmt.Errorf("%s: %w: it lies where that of %s belongs", what, vault.ErrBroken, p.Account)
	}
	p.Version = count(i, "v")
	return p, nil
}

// Outcomes lists what the latest comparisons of a practice's accounts came to, the newest first.
func (s *Store) Outcomes(ctx context.Context, practice string, limit int) ([]reconcile.Outcome, error) {
	in := beginning(key{progressKey(practice, "").pk, "DAY#"})
	in.ScanIndexForward = aws.Bool(false)
	what := "comparisons of practice " + practice
	rows, err := s.query(ctx, in, limit, what)
	if err != nil {
		return nil, err
	}
	all := make([]reconcile.Outcome, len(rows))
	for n, i := range rows {
		if err := unpack(i, what, &all[n]); err != nil {
			return nil, err
		}
		if keyOf(i) != outcomeKey(all[n]) {
			return nil, fmt.Errorf("%s: %w: one lies where another belongs", what, vault.ErrBroken)
		}
	}
	return all, nil
}

// BookedSubjects lists what a practice's entries of a window are about, each once.
func (s *Store) BookedSubjects(ctx context.Context, practice string, w reconcile.Window) ([]string, error) {
	what := "books of practice " + practice
	var all []string
	first := time.Date(w.From.UTC().Year(), w.From.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	for month := first; month.Before(w.Through); month = month.AddDate(0, 1, 0) {
		for shard := range bookShards {
			rows, err := s.query(ctx, &dynamodb.QueryInput{
				IndexName: aws.String(bookIndex), KeyConditionExpression: aws.String("book = :b AND booked BETWEEN :f AND :t"),
				ExpressionAttributeValues: item{":b": str(bookPartition(practice, bookMonth(month), shard)), ":f": str(stamp(w.From)), ":t": str(stamp(w.Through))},
			}, 0, what)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				_, rest, _ := strings.Cut(text(r, "sk"), "#")
				if about, _, ok := strings.Cut(rest, "#"); ok {
					all = append(all, about)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
