package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/outbox"
)

// Delivery implements clinic.Store.
func (s *Store) Delivery(ctx context.Context, event string) (outbox.Delivery, error) {
	i, err := s.get(ctx, eventKey(event), latest, "event "+event)
	if err != nil {
		return outbox.Delivery{}, err
	}
	return delivery(i)
}

func delivery(i item) (outbox.Delivery, error) {
	return outbox.Read(func(name string) string {
		if n, ok := i[name].(*types.AttributeValueMemberN); ok {
			return n.Value
		}
		return text(i, name)
	})
}

// Due implements clinic.Store. It reads the index's shards in turn, so its
// cost grows with what is due, not with what is kept.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (visits, deliveries []string, err error) {
	for shard := range dueShards {
		rows, err := s.query(ctx, &dynamodb.QueryInput{
			IndexName:                 aws.String(dueIndex),
			KeyConditionExpression:    aws.String("due_shard = :s AND due_at <= :now"),
			ExpressionAttributeValues: item{":s": str(fmt.Sprintf("%02d", shard)), ":now": str(stamp(now))},
		}, limit, "what is due")
		if err != nil {
			return nil, nil, err
		}
		for _, r := range rows {
			if id, ok := strings.CutPrefix(text(r, "pk"), "CASE#"); ok {
				visits = append(visits, id)
			} else if id, ok := strings.CutPrefix(text(r, "pk"), "OUTBOX#"); ok {
				deliveries = append(deliveries, id)
			}
		}
	}
	return visits, deliveries, nil
}

// Parked implements clinic.Store.
func (s *Store) Parked(ctx context.Context, practice string) ([]outbox.Delivery, error) {
	rows, err := s.queued(ctx, parkedName(practice), "parked events")
	if err != nil {
		return nil, err
	}
	keys := make([]key, len(rows))
	for n, r := range rows {
		keys[n] = key{text(r, "pk"), "-"}
	}
	items, err := s.fetch(ctx, keys, latest, "parked events")
	if err != nil {
		return nil, err
	}
	ds := make([]outbox.Delivery, len(items))
	for n, i := range items {
		if ds[n], err = delivery(i); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

// queued lists the keys under one name of the queue index.
func (s *Store) queued(ctx context.Context, name, what string) ([]item, error) {
	return s.query(ctx, &dynamodb.QueryInput{
		IndexName:                 aws.String(queueIndex),
		KeyConditionExpression:    aws.String("#q = :p"),
		ExpressionAttributeNames:  map[string]string{"#q": "queue"},
		ExpressionAttributeValues: item{":p": str(name)},
	}, 0, what)
}
