package main

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// A meter keeps the consumed capacity in DynamoDB's replies.
type meter struct {
	mu    sync.Mutex
	calls []call
}

// A call is one operation and the units it consumed, indexes included.
type call struct {
	commit      bool
	what        string // the first words of the keys that a commit writes
	read, write float64
}

func (m *meter) install(s *middleware.Stack) error {
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", m.observe), middleware.After)
}

func (m *meter) observe(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	c := metered(in.Parameters)
	out, meta, err := next.HandleInitialize(ctx, in)
	if err != nil {
		return out, meta, err
	}
	units := 0.0
	for _, u := range consumed(out.Result) {
		units += *u.CapacityUnits
	}
	if c.commit {
		c.write = units
	} else {
		c.read = units
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, c)
	return out, meta, nil
}

// metered has the reply to a call say what it consumed.
func metered(input any) call {
	const total = types.ReturnConsumedCapacityTotal
	switch p := input.(type) {
	case *dynamodb.TransactWriteItemsInput:
		p.ReturnConsumedCapacity = total
		return call{commit: true, what: words(p)}
	case *dynamodb.PutItemInput:
		p.ReturnConsumedCapacity = total
		return call{commit: true, what: word(p.Item)}
	case *dynamodb.UpdateItemInput:
		p.ReturnConsumedCapacity = total
		return call{commit: true, what: word(p.Key)}
	case *dynamodb.GetItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.BatchGetItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.QueryInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.ScanInput:
		p.ReturnConsumedCapacity = total
	}
	return call{}
}

func consumed(result any) []types.ConsumedCapacity {
	switch r := result.(type) {
	case *dynamodb.TransactWriteItemsOutput:
		return r.ConsumedCapacity
	case *dynamodb.BatchGetItemOutput:
		return r.ConsumedCapacity
	case *dynamodb.PutItemOutput:
		return []types.ConsumedCapacity{*r.ConsumedCapacity}
	case *dynamodb.UpdateItemOutput:
		return []types.ConsumedCapacity{*r.ConsumedCapacity}
	case *dynamodb.GetItemOutput:
		return []types.ConsumedCapacity{*r.ConsumedCapacity}
	case *dynamodb.QueryOutput:
		return []types.ConsumedCapacity{*r.ConsumedCapacity}
	case *dynamodb.ScanOutput:
		return []types.ConsumedCapacity{*r.ConsumedCapacity}
	}
	return nil
}

func word(key item) string {
	pk, _ := key["pk"].(*types.AttributeValueMemberS)
	if pk == nil {
		return ""
	}
	w, _, _ := strings.Cut(pk.Value, "#")
	return strings.ToLower(w)
}

func words(in *dynamodb.TransactWriteItemsInput) string {
	var all []string
	for _, t := range in.TransactItems {
		switch {
		case t.Put != nil:
			all = append(all, word(t.Put.Item))
		case t.Update != nil:
			all = append(all, word(t.Update.Key))
		}
	}
	return strings.Join(all, " ")
}

// made is how many calls are kept.
func (m *meter) made() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.calls)
}

// take returns the calls since it was last called.
func (m *meter) take() []call {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls := m.calls
	m.calls = nil
	return calls
}

// put keeps calls again that were taken, in place of those made since.
func (m *meter) put(calls []call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = calls
}

// sum adds up calls.
func sum(calls []call) (read, write float64) {
	for _, c := range calls {
		read += c.read
		write += c.write
	}
	return read, write
}
