// Package store keeps the clinic's records in one DynamoDB table. Its content is
// sealed before it comes here, and decisions are made above.
//
// Each record is one item whose fields are packed as JSON in attribute d:
// reading many small attributes costs several times the time of one. Only keys,
// versions, and what an index or a condition needs are attributes of their own.
// A partition key begins with a word that a function's role can be held to.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

// A Store implements clinic.Store, and the reads of the rooms, on a table made
// by CreateTable. It is safe for concurrent use.
type Store struct {
	db        database
	table     string
	announced announcements
}

var _ clinic.Store = (*Store)(nil)

// New returns the store on table.
func New(db *dynamodb.Client, table string) *Store {
	return &Store{table: table, db: database{
		GetItem: db.GetItem, BatchGetItem: db.BatchGetItem, Query: db.Query, Scan: db.Scan,
		PutItem: db.PutItem, UpdateItem: db.UpdateItem, TransactWriteItems: db.TransactWriteItems,
	}}
}

// A database is the calls of DynamoDB that a store makes. A Store is held in
// interfaces; if it held the client, then a function that links html/template would
// link all of the client's calls.
type database struct {
	GetItem            call[dynamodb.GetItemInput, dynamodb.GetItemOutput]
	BatchGetItem       call[dynamodb.BatchGetItemInput, dynamodb.BatchGetItemOutput]
	Query              call[dynamodb.QueryInput, dynamodb.QueryOutput]
	Scan               call[dynamodb.ScanInput, dynamodb.ScanOutput]
	PutItem            call[dynamodb.PutItemInput, dynamodb.PutItemOutput]
	UpdateItem         call[dynamodb.UpdateItemInput, dynamodb.UpdateItemOutput]
	TransactWriteItems call[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput]
}

type call[In, Out any] = func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error)

type item = map[string]types.AttributeValue

// A key is the primary key of an item.
type key struct{ pk, sk string }

func (k key) attrs() item { return item{"pk": str(k.pk), "sk": str(k.sk)} }

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num[T int | int64](n T) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func bin(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func text(i item, name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func sealed(i item) []byte { return binary(i, "s") }

func binary(i item, name string) []byte {
	if v, ok := i[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

// longestKey is DynamoDB's limit for a sort key. Ids come from outside, and one
// above the limit is not sent.
const longestKey = 1024

// A freshness is whether a read is consistent.
type freshness bool

const (
	latest freshness = true  // consistent
	recent freshness = false // eventually consistent, at half the price
)

// get reads one item; what is its name in errors.
func (s *Store) get(ctx context.Context, k key, f freshness, what string) (item, error) {
	if len(k.pk) > longestKey || len(k.sk) > longestKey {
		return nil, missing(what)
	}
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: k.attrs(), ConsistentRead: aws.Bool(bool(f)),
	})
	if err != nil {
		return nil, unreachable(ctx, fmt.Errorf("reading %s: %w", what, err))
	}
	if out.Item == nil {
		return nil, missing(what)
	}
	return out.Item, checkFormat(out.Item, what)
}

// checkFormat refuses a row of a format that this version does not know.
func checkFormat(i item, what string) error {
	if f := count(i, "f"); f < 1 || f > format {
		return fmt.Errorf("%s: %w: it is in format %d, which this version does not know", what, clinic.ErrUnreadable, f)
	}
	return nil
}

func unpack(i item, what string, v any) error {
	if err := checkFormat(i, what); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text(i, "d")), v); err != nil {
		return fmt.Errorf("decoding %s: %w: %w", what, clinic.ErrUnreadable, err)
	}
	return nil
}

func missing(what string) error {
	return fault.Hide(fault.NotFound, "not_found", "there is no such thing, or it is not yours to see", errors.New("no "+what))
}

// unreachable returns err as fault.Busy, unless it is the end of the caller's
// own context.
func unreachable(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	return fault.Hide(fault.Busy, "try_again", "our records do not answer just now; repeat the same request", err)
}

// query reads all pages of in, or up to limit items; a limit of 0 is none.
func (s *Store) query(ctx context.Context, in *dynamodb.QueryInput, limit int, what string) ([]item, error) {
	in.TableName = &s.table
	var all []item
	for {
		if limit > 0 {
			in.Limit = aws.Int32(int32(min(limit-len(all), 1000))) //nolint:gosec // bounded above
		}
		out, err := s.db.Query(ctx, in)
		if err != nil {
			return nil, unreachable(ctx, fmt.Errorf("listing %s: %w", what, err))
		}
		all = append(all, out.Items...)
		if out.LastEvaluatedKey == nil || limit > 0 && len(all) >= limit {
			return all, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// fetch reads many items, in no order. An item that does not exist is left out.
func (s *Store) fetch(ctx context.Context, keys []key, f freshness, what string) ([]item, error) {
	items, err := s.batchGet(ctx, keys, f, what)
	for _, i := range items {
		if err := checkFormat(i, what); err != nil {
			return nil, err
		}
	}
	return items, err
}

// batchGet reads many items, of any format, in as few calls as DynamoDB allows.
func (s *Store) batchGet(ctx context.Context, keys []key, f freshness, what string) ([]item, error) {
	const most = 100 // BatchGetItem's limit
	var all []item
	for len(keys) > 0 {
		n := min(len(keys), most)
		want := types.KeysAndAttributes{ConsistentRead: aws.Bool(bool(f))}
		for _, k := range keys[:n] {
			want.Keys = append(want.Keys, k.attrs())
		}
		keys = keys[n:]
		items, err := s.getAll(ctx, want, what)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return all, nil
}

// unprocessed bounds how often items are asked for of which DynamoDB returns none.
const unprocessed = 8

// getAll reads the items of one batch. Those that DynamoDB leaves unprocessed, as it
// does when a table is throttled, are asked for again after a pause.
func (s *Store) getAll(ctx context.Context, want types.KeysAndAttributes, what string) ([]item, error) {
	var all []item
	for n := 1; ; n++ {
		out, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{s.table: want},
		})
		if err != nil {
			return nil, unreachable(ctx, fmt.Errorf("reading %s: %w", what, err))
		}
		all = append(all, out.Responses[s.table]...)
		if want.Keys = out.UnprocessedKeys[s.table].Keys; len(want.Keys) == 0 {
			return all, nil
		}
		if len(out.Responses[s.table]) > 0 {
			n = 1
		}
		if n == unprocessed {
			return nil, unreachable(ctx, fmt.Errorf("reading %s: %d items are left unprocessed", what, len(want.Keys)))
		}
		if err := pause(ctx, n); err != nil {
			return nil, fmt.Errorf("reading %s: %w", what, err)
		}
	}
}

// ends returns when an item expires. DynamoDB deletes it some time later.
func ends(i item) time.Time { return time.Unix(int64(count(i, "ttl")), 0).UTC() }

// number returns the digits of a number attribute; empty if there is none.
func number(i item, name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberN); ok {
		return v.Value
	}
	return ""
}

func count(i item, name string) int {
	n, _ := strconv.Atoi(number(i, name)) // absent is 0
	return n
}

func when(i item, name string) time.Time {
	t, _ := time.Parse(stampLayout, text(i, name))
	return t
}
