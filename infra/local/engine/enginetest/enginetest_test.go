package enginetest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// Tests of one package have the same engine and tables of their own.
func TestEnginetest_SharedEngineOwnTables(t *testing.T) {
	t.Parallel()
	for range 4 {
		t.Run("a test", func(t *testing.T) {
			t.Parallel()
			name := enginetest.TableName()
			db := dynamodb.NewFromConfig(enginetest.Config(t))
			_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
				TableName:            aws.String(name),
				BillingMode:          types.BillingModePayPerRequest,
				AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
				KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dynamodb.NewFromConfig(enginetest.Config(t)).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{
				TableName: aws.String(name),
			}); err != nil {
				t.Error(err)
			}
		})
	}
}
