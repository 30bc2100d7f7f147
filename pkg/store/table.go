package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CreateTable makes the table that template.yaml describes, for local engines
// and tests. An existing table is left unchanged.
func CreateTable(ctx context.Context, db *dynamodb.Client, table string) error {
	attr := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	schema := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &hash, KeyType: types.KeyTypeHash},
			{AttributeName: &sort, KeyType: types.KeyTypeRange},
		}
	}
	index := func(name, hash, sort string, p types.ProjectionType) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{
			IndexName: &name, KeySchema: schema(hash, sort), Projection: &types.Projection{ProjectionType: p},
		}
	}
	const keysOnly, all = types.ProjectionTypeKeysOnly, types.ProjectionTypeAll
	_, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &table,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   schema("pk", "sk"),
		AttributeDefinitions: []types.AttributeDefinition{
			attr("pk"), attr("sk"), attr("due_shard"), attr("due_at"),
			attr("list"), attr("at"), attr("mine"), attr("made"), attr("trail"), attr("book"), attr("booked"),
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index(dueIndex, "due_shard", "due_at", keysOnly),
			index(listIndex, "list", "at", keysOnly),
			index(mineIndex, "mine", "made", keysOnly),
			index(trailIndex, "trail", "sk", all),
			index(bookIndex, "book", "booked", keysOnly),
		},
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage,
		},
	})
	if _, exists := errors.AsType[*types.ResourceInUseException](err); err != nil && !exists {
		return fmt.Errorf("creating table %s: %w", table, err)
	}
	return dynamodb.NewTableExistsWaiter(db, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	}).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &table}, time.Minute)
}
