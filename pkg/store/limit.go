package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// limitLife is how long a count is stored after its window.
const limitLife = time.Minute

// AddCount implements limits.Store: one update, which also makes the row.
func (s *Store) AddCount(ctx context.Context, name string, n int, ends time.Time) (int, error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: limitKey(name).attrs(), ReturnValues: types.ReturnValueUpdatedNew,
		UpdateExpression:         aws.String("SET #f = :f, #ttl = :ttl ADD #n :n"),
		ExpressionAttributeNames: map[string]string{"#f": "f", "#ttl": "ttl", "#n": "n"},
		ExpressionAttributeValues: item{
			":f": num(format), ":ttl": num(ends.Add(limitLife).Unix()), ":n": num(n),
		},
	})
	if err != nil {
		return 0, unreachable(ctx, fmt.Errorf("counting: %w", err))
	}
	return count(out.Attributes, "n"), nil
}
