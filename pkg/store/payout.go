package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"evisit/pkg/billing"
	"evisit/pkg/vault"
)

// Payout returns a payout of an account that was made at a time.
func (s *Store) Payout(ctx context.Context, practice, account, id string, made time.Time) (billing.Payout, error) {
	p := billing.Payout{Practice: practice, Account: account, PayoutState: billing.PayoutState{ID: id, Made: made}}
	i, err := s.get(ctx, payoutKey(p), latest, "payout "+id)
	if err != nil {
		return billing.Payout{}, err
	}
	return readPayout(i)
}

// Payouts lists the latest payouts to a practice, the newest first.
func (s *Store) Payouts(ctx context.Context, practice string, limit int) ([]billing.Payout, error) {
	in := beginning(key{moneyOf(billing.PayoutsOf(practice)), "PAYOUT#"})
	in.ScanIndexForward = aws.Bool(false)
	what := "payouts of practice " + practice
	rows, err := s.query(ctx, in, limit, what)
	if err != nil {
		return nil, err
	}
	all := make([]billing.Payout, len(rows))
	for n, i := range rows {
		if all[n], err = readPayout(i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readPayout(i item) (billing.Payout, error) {
	var p billing.Payout
	if err := unpack(i, "payout", &p); err != nil {
		return p, err
	}
	if keyOf(i) != payoutKey(p) {
		return p, fmt.Errorf("payout %s: %w: it lies where %s belongs", p.ID, vault.ErrBroken, text(i, "sk"))
	}
	p.Practice, p.Version = text(i, "l"), count(i, "v")
	return p, nil
}
