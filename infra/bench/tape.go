package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// A tape keeps the calls to AWS that were made while one request was served.
type tape struct {
	mu    sync.Mutex
	names []string
	calls []any // inputs, in order
}

func (t *tape) install(s *middleware.Stack) error {
	keep := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		t.mu.Lock()
		t.names = append(t.names, awsmiddleware.GetOperationName(ctx))
		t.calls = append(t.calls, in.Parameters)
		t.mu.Unlock()
		return next.HandleInitialize(ctx, in)
	}
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("tape", keep), middleware.After)
}

func (t *tape) take() (names []string, calls []any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	names, calls = t.names, t.calls
	t.names, t.calls = nil, nil
	return names, calls
}

// A player makes recorded calls again. Reads are made of the same table, about another
// visit if need be. What was written is put under keys of its own into a table of its
// own, where nobody meets it.
type player struct {
	db      *dynamodb.Client
	objects *s3.Client
	table   string // that is written to
	written atomic.Int64
}

// play makes a call of one visit again, about another if it reads.
func (p *player) play(ctx context.Context, call any, was, is string) error {
	if writes(call) {
		return p.write(ctx, call)
	}
	return p.read(ctx, call, was, is)
}

// writes reports whether a call changes anything.
func writes(call any) bool {
	switch call.(type) {
	case *dynamodb.PutItemInput, *dynamodb.TransactWriteItemsInput:
		return true
	}
	return false
}

// read makes a call that was about one visit about another.
func (p *player) read(ctx context.Context, call any, was, is string) error {
	var err error
	switch c := call.(type) {
	case *dynamodb.GetItemInput:
		in := *c
		in.Key = renamed(c.Key, was, is)
		_, err = p.db.GetItem(ctx, &in)
	case *dynamodb.BatchGetItemInput:
		in := *c
		in.RequestItems = map[string]types.KeysAndAttributes{}
		for table, want := range c.RequestItems {
			keys := make([]item, len(want.Keys))
			for n, k := range want.Keys {
				keys[n] = renamed(k, was, is)
			}
			want.Keys = keys
			in.RequestItems[table] = want
		}
		_, err = p.db.BatchGetItem(ctx, &in)
	case *dynamodb.QueryInput:
		in := *c
		in.ExpressionAttributeValues = renamed(c.ExpressionAttributeValues, was, is)
		_, err = p.db.Query(ctx, &in)
	case *s3.GetObjectInput:
		in := *c
		var out *s3.GetObjectOutput
		if out, err = p.objects.GetObject(ctx, &in); err == nil {
			_, err = io.ReadAll(out.Body)
			err = errors.Join(err, out.Body.Close())
		}
	default:
		err = fmt.Errorf("a request makes a %T, which the floor cannot", call)
	}
	return err
}

// write puts what a call puts.
func (p *player) write(ctx context.Context, call any) error {
	switch c := call.(type) {
	case *dynamodb.PutItemInput:
		put := p.put(c.Item, c.ConditionExpression)
		_, err := p.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression})
		return err
	case *dynamodb.TransactWriteItemsInput:
		in := &dynamodb.TransactWriteItemsInput{}
		for _, t := range c.TransactItems {
			if t.Put == nil {
				return errors.New("a request does more than put, which the floor cannot")
			}
			in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: p.put(t.Put.Item, t.Put.ConditionExpression)})
		}
		_, err := p.db.TransactWriteItems(ctx, in)
		return err
	}
	return fmt.Errorf("a %T does not write", call)
}

// put puts a row under a key of its own, with a condition if it had one.
func (p *player) put(row item, condition *string) *types.Put {
	row = maps.Clone(row)
	row["pk"] = &types.AttributeValueMemberS{Value: fmt.Sprintf("FLOOR#%d", p.written.Add(1))}
	put := &types.Put{TableName: &p.table, Item: row}
	if condition != nil {
		put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	}
	return put
}

type item = map[string]types.AttributeValue

// renamed is i with another visit's id where there was one's.
func renamed(i item, was, is string) item {
	if was == is {
		return i
	}
	out := make(item, len(i))
	for name, v := range i {
		if s, ok := v.(*types.AttributeValueMemberS); ok {
			v = &types.AttributeValueMemberS{Value: strings.ReplaceAll(s.Value, was, is)}
		}
		out[name] = v
	}
	return out
}
