package clinic_test

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An item is a row of the table as it is stored.
type item = map[string]types.AttributeValue

// A place is where a row lies.
type place struct{ pk, sk string }

func (p place) key() item { return item{"pk": str(p.pk), "sk": str(p.sk)} }

func str(s string) types.AttributeValue      { return &types.AttributeValueMemberS{Value: s} }
func num(digits string) types.AttributeValue { return &types.AttributeValueMemberN{Value: digits} }

// attr is an attribute's text or number; empty if there is none.
func attr(i item, name string) string {
	switch v := i[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// row reads a row that must be there.
func (w *world) row(at place) item {
	w.Helper()
	out, err := w.db.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: &w.table, Key: at.key(), ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item == nil {
		w.Fatalf("row %v: %v", at, err)
	}
	return out.Item
}

// putRow writes a row as nobody but an attacker does.
func (w *world) putRow(i item) {
	w.Helper()
	if _, err := w.db.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: i}); err != nil {
		w.Fatalf("row %s %s: %v", attr(i, "pk"), attr(i, "sk"), err)
	}
}

// deleteRow removes a row.
func (w *world) deleteRow(at place) {
	w.Helper()
	if _, err := w.db.DeleteItem(w.ctx, &dynamodb.DeleteItemInput{TableName: &w.table, Key: at.key()}); err != nil {
		w.Fatalf("row %v: %v", at, err)
	}
}
