package guard

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/template"
)

const tableARN = "Table.Arn"

// DynamoDB holds a client to the policy.
func (g *Guard) DynamoDB(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, before(func(ctx context.Context, in any) error {
		return g.permitCall(ctx, middleware.GetOperationName(ctx), read(in))
	}))
}

// A call is what decides the permissions of a DynamoDB call, named as on the
// wire.
type call struct {
	IndexName                 *string           `json:"IndexName"`
	Key                       item              `json:"Key"`
	Item                      item              `json:"Item"`
	Keys                      []item            `json:"Keys"`
	ConditionExpression       *string           `json:"ConditionExpression"`
	FilterExpression          *string           `json:"FilterExpression"`
	KeyConditionExpression    *string           `json:"KeyConditionExpression"`
	ProjectionExpression      *string           `json:"ProjectionExpression"`
	UpdateExpression          *string           `json:"UpdateExpression"`
	ExpressionAttributeNames  map[string]string `json:"ExpressionAttributeNames"`
	ExpressionAttributeValues item              `json:"ExpressionAttributeValues"`
	RequestItems              map[string]call   `json:"RequestItems"` // by table
	TransactItems             []part            `json:"TransactItems"`
}

// A part is one item of a transaction.
type part struct {
	Put            *call `json:"Put"`
	Update         *call `json:"Update"`
	Delete         *call `json:"Delete"`
	ConditionCheck *call `json:"ConditionCheck"`
}

type item map[string]types.AttributeValue

// UnmarshalJSON reads the texts of an item, and of other values only that they
// are there.
func (i *item) UnmarshalJSON(b []byte) error {
	var values map[string]struct {
		S *string `json:"S"`
	}
	if err := json.Unmarshal(b, &values); err != nil {
		return err
	}
	*i = item{}
	for name, v := range values {
		(*i)[name] = &types.AttributeValueMemberNULL{}
		if v.S != nil {
			(*i)[name] = &types.AttributeValueMemberS{Value: *v.S}
		}
	}
	return nil
}

// read is what a client was called with; nil is a call that the guard does not
// know.
func read(in any) *call {
	switch p := in.(type) {
	case *dynamodb.GetItemInput:
		return &call{Key: p.Key, ProjectionExpression: p.ProjectionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames}
	case *dynamodb.BatchGetItemInput:
		return &call{RequestItems: tables(p.RequestItems)}
	case *dynamodb.QueryInput:
		return &call{
			IndexName: p.IndexName, KeyConditionExpression: p.KeyConditionExpression, FilterExpression: p.FilterExpression, ProjectionExpression: p.ProjectionExpression,
			ExpressionAttributeNames: p.ExpressionAttributeNames, ExpressionAttributeValues: p.ExpressionAttributeValues,
		}
	case *dynamodb.PutItemInput:
		return &call{Item: p.Item, ConditionExpression: p.ConditionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames}
	case *dynamodb.UpdateItemInput:
		if p.AttributeUpdates != nil || p.Expected != nil { // what expressions have replaced
			return nil
		}
		return &call{
			Key: p.Key, UpdateExpression: p.UpdateExpression, ConditionExpression: p.ConditionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames,
		}
	case *dynamodb.ScanInput:
		return &call{}
	case *dynamodb.DeleteItemInput:
		return &call{Key: p.Key, ConditionExpression: p.ConditionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames}
	case *dynamodb.TransactWriteItemsInput:
		return &call{TransactItems: parts(p.TransactItems)}
	}
	return nil
}

func tables(requests map[string]types.KeysAndAttributes) map[string]call {
	out := map[string]call{}
	for table, r := range requests {
		keys := make([]item, len(r.Keys))
		for n, k := range r.Keys {
			keys[n] = k
		}
		out[table] = call{Keys: keys, ProjectionExpression: r.ProjectionExpression, ExpressionAttributeNames: r.ExpressionAttributeNames}
	}
	return out
}

func parts(items []types.TransactWriteItem) []part {
	out := make([]part, len(items))
	for n, i := range items {
		if p := i.Put; p != nil {
			out[n].Put = &call{Item: p.Item, ConditionExpression: p.ConditionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames}
		}
		if p := i.Update; p != nil {
			out[n].Update = &call{
				Key: p.Key, UpdateExpression: p.UpdateExpression, ConditionExpression: p.ConditionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames,
			}
		}
		if p := i.Delete; p != nil {
			out[n].Delete = &call{Key: p.Key, ConditionExpression: p.ConditionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames}
		}
		if p := i.ConditionCheck; p != nil {
			out[n].ConditionCheck = &call{Key: p.Key, ConditionExpression: p.ConditionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames}
		}
	}
	return out
}

// permitCall judges a call by every access that it takes.
func (g *Guard) permitCall(ctx context.Context, operation string, c *call) error {
	if operation != "TransactWriteItems" || c == nil {
		return g.permitOne(ctx, operation, c)
	}
	// A transaction has no permission of its own; its parts have.
	for _, p := range c.TransactItems {
		for _, one := range [...]struct {
			operation string
			call      *call
		}{{"PutItem", p.Put}, {"UpdateItem", p.Update}, {"DeleteItem", p.Delete}, {"ConditionCheckItem", p.ConditionCheck}} {
			if one.call == nil {
				continue
			}
			if err := g.permitOne(ctx, one.operation, one.call); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Guard) permitOne(ctx context.Context, operation string, c *call) error {
	a, known := g.access(operation, c)
	if !known {
		return g.refuse(ctx, a, unknownCall)
	}
	return g.Permit(ctx, a)
}

// access is what a call takes. It is not known if the guard cannot tell which
// rows the call touches.
func (g *Guard) access(operation string, c *call) (a template.Access, known bool) {
	a.Action, a.Resource = "dynamodb:"+operation, tableARN
	if c == nil {
		return a, false
	}
	switch operation {
	case "GetItem", "UpdateItem", "DeleteItem", "ConditionCheckItem":
		a.Keys, known = g.keys(nil, c.Key)
	case "PutItem":
		a.Keys, known = g.keys(nil, c.Item)
	case "Scan": // of all rows: IAM knows no keys of it
		known = true
	case "BatchGetItem":
		for _, t := range c.RequestItems {
			if a.Keys, known = g.keys(a.Keys, t.Keys...); !known {
				break
			}
		}
	case "Query":
		index := aws.ToString(c.IndexName)
		if index != "" {
			a.Resource = "${Table.Arn}/index/" + index
		}
		if key, ok := c.queried(g.partition[index]); ok {
			a.Keys, known = []string{key}, true
		}
	}
	if g.asksAttributes(a.Action) {
		a.Attributes = c.attributes(operation)
	}
	return a, known
}

// keys adds the partition keys of rows to all, and reports whether each has one.
func (g *Guard) keys(all []string, rows ...item) ([]string, bool) {
	for _, r := range rows {
		key, ok := r[g.partition[""]].(*types.AttributeValueMemberS)
		if !ok {
			return all, false
		}
		all = append(all, key.Value)
	}
	return all, true
}
