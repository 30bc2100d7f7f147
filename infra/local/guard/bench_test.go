package guard_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/guard"
	"evisit/infra/template"
)

// The aim is below 10 µs for the largest call, a submission's transaction.
func BenchmarkGuard(b *testing.B) {
	tpl, err := template.Read("../../../template.yaml")
	if err != nil {
		b.Fatal(err)
	}
	api, desk := guard.New(tpl, "api", slog.New(slog.DiscardHandler)), desk(b, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		name, operation string
		guard           *guard.Guard
		in              any
	}{
		{"get", "GetItem", api, &dynamodb.GetItemInput{TableName: table, Key: key("CASE#v1")}},
		{"query", "Query", api, query(aws.String("mine"), "mine = :p AND made < :s", nil, "jane-smith")},
		{"transaction of 10", "TransactWriteItems", api, tenPuts("CASE#v1", "CHART#v1", "MONEY#p1", "OUTBOX#e1", "AUDIT#lakeside")},
		{"transaction of 10, by attributes", "TransactWriteItems", desk, tenPuts("CASE#v1", "OUTBOX#desk.e1")},
		{"update, by attributes", "UpdateItem", desk, rearm("SET #to = :to, v = v + :one REMOVE due_shard, due_at", "attribute_exists(pk) AND v = :before", map[string]string{"#to": "to"})},
	} {
		b.Run(strings.ReplaceAll(c.name, " ", "_"), func(b *testing.B) {
			var o dynamodb.Options
			c.guard.DynamoDB(&o)
			stack := middleware.NewStack("bench", nil)
			for _, add := range o.APIOptions {
				if err := add(stack); err != nil {
					b.Fatal(err)
				}
			}
			sent := middleware.HandlerFunc(func(context.Context, any) (any, middleware.Metadata, error) { return nil, middleware.Metadata{}, nil })
			ctx := middleware.WithOperationName(b.Context(), c.operation)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := stack.Initialize.HandleMiddleware(ctx, c.in, sent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// tenPuts writes ten rows of ten attributes under the given keys, in turn.
func tenPuts(keys ...string) any {
	in := &dynamodb.TransactWriteItemsInput{}
	for n := range 10 {
		in.TransactItems = append(in.TransactItems, put(row(keys[n%len(keys)], "v", "d", "s", "mine", "made", "queue", "since", "ttl")))
	}
	return in
}
