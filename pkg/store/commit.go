package store

import (
	"context"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

// A write is one item of a commit, and the error that its failed condition
// means.
type write struct {
	item    types.TransactWriteItem
	failure error
	log     string // the practice whose log covers the row; empty for a row that no log covers
}

// Commit implements clinic.Store: one TransactWriteItems, or a single put
// where there is a single item.
func (s *Store) Commit(ctx context.Context, c clinic.Commit) error {
	if err := clinic.Refused(ctx); err != nil {
		return err
	}
	ws, err := s.writes(c)
	if err != nil {
		return err
	}
	if err := s.announce(ctx, c.Audit); err != nil {
		return err
	}
	switch {
	case len(ws) == 1 && ws[0].item.Put != nil:
		err = s.put(ctx, ws[0])
	case len(ws) == 1 && ws[0].item.Update != nil:
		err = s.updateOne(ctx, ws[0])
	default:
		err = s.transact(ctx, ws)
	}
	if err != nil {
		return fmt.Errorf("committing %s: %w", describe(c), err)
	}
	return nil
}

func describe(c clinic.Commit) string {
	switch {
	case c.Visit != nil:
		return fmt.Sprintf("visit %s version %d", c.Visit.ID, c.Visit.Version)
	case len(c.Payments) > 0:
		return fmt.Sprintf("payment %s version %d", c.Payments[0].ID, c.Payments[0].Version)
	case len(c.Memberships) > 0:
		return fmt.Sprintf("membership %s version %d", c.Memberships[0].ID, c.Memberships[0].Version)
	case len(c.Events) > 0:
		return "event " + c.Events[0].ID
	case len(c.Deliveries) > 0:
		return "delivery " + c.Deliveries[0].ID
	}
	return "records"
}

// put writes one record. If the SDK retries after a lost reply, the condition
// fails on this call's own write: the mark in each put tells that write from
// another's, as the client token of a transaction does.
func (s *Store) put(ctx context.Context, w write) error {
	p, mark := w.item.Put, crand.Text()
	p.Item["w"] = str(mark)
	in := &dynamodb.PutItemInput{
		TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression,
		ExpressionAttributeNames: p.ExpressionAttributeNames, ExpressionAttributeValues: p.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	return retryClashes(ctx, func() (clash bool, err error) {
		_, err = s.db.PutItem(ctx, in)
		if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok && w.failure != nil {
			if text(failed.Item, "w") == mark {
				return false, nil
			}
			return false, w.failure
		}
		_, clash = errors.AsType[*types.TransactionConflictException](err)
		return clash, unreachable(ctx, err)
	})
}

// change changes one item. Events are all it is used for: one that is done
// twice by the same consumer, because the first answer was lost, is done.
func (s *Store) updateOne(ctx context.Context, w write) error {
	u := w.item.Update
	in := &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
	}
	return retryClashes(ctx, func() (clash bool, err error) {
		_, err = s.db.UpdateItem(ctx, in)
		if _, failed := errors.AsType[*types.ConditionalCheckFailedException](err); failed && w.failure != nil {
			return false, w.failure
		}
		_, clash = errors.AsType[*types.TransactionConflictException](err)
		return clash, unreachable(ctx, err)
	})
}

// transact writes all the items or none. The SDK's retries carry the same client
// token, so nothing is written twice after a lost reply. If a condition fails,
// transact returns its item's failure.
func (s *Store) transact(ctx context.Context, ws []write) error {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: make([]types.TransactWriteItem, len(ws))}
	for i, w := range ws {
		in.TransactItems[i] = w.item
	}
	return retryClashes(ctx, func() (clash bool, err error) {
		_, err = s.db.TransactWriteItems(ctx, in)
		if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
			for i, r := range canceled.CancellationReasons {
				switch aws.ToString(r.Code) {
				case "ConditionalCheckFailed":
					if ws[i].failure != nil {
						return false, ws[i].failure
					}
				case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
					clash = true
				}
			}
		}
		return clash, unreachable(ctx, err)
	})
}

// clashes bounds how often a write is sent that conflicts with another on the same
// items.
const clashes = 8

// retryClashes runs try until it does not conflict with another writer. A
// conflict is a definite failure: nothing was written.
func retryClashes(ctx context.Context, try func() (clash bool, err error)) error {
	for n := 1; ; n++ {
		clash, err := try()
		if !clash || n == clashes {
			return err
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

// pause waits, before a call is sent again for the nth time, a random part of 20 ms
// doubled each time. It returns early with the error of ctx.
func pause(ctx context.Context, n int) error {
	t := time.NewTimer(time.Duration(rand.IntN(10<<n)) * time.Millisecond) //nolint:gosec // jitter, not a secret
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// insert returns the write of a record that must not exist.
func (s *Store) insert(k key, attrs item, failure error) write {
	w := s.overwrite(k, attrs)
	w.item.Put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	w.failure = failure
	return w
}

// replace returns the write of a record that must be stored at the version
// before, and at version 1 must not exist.
func (s *Store) replace(k key, version int, attrs item) write {
	attrs["v"] = num(version)
	if version == 1 {
		return s.insert(k, attrs, clinic.ErrExists)
	}
	w := s.overwrite(k, attrs)
	w.item.Put.ConditionExpression = aws.String("v = :before")
	w.item.Put.ExpressionAttributeValues = item{":before": num(version - 1)}
	w.failure = clinic.ErrChanged
	return w
}

// replaceState is replace for a row that may be damaged. Such a row has no version
// to rely on; the mark tells whether it was written since it was read.
func (s *Store) replaceState(k key, version int, damaged *clinic.Damaged, attrs item) write {
	if damaged == nil {
		return s.replace(k, version, attrs)
	}
	attrs["v"] = num(max(version, 1))
	w := s.overwrite(k, attrs)
	w.failure = clinic.ErrChanged
	w.item.Put.ConditionExpression = aws.String("w = :mark")
	w.item.Put.ExpressionAttributeValues = item{":mark": str(damaged.Mark)}
	if damaged.Mark == "" {
		w.item.Put.ConditionExpression = aws.String("NOT attribute_type(w, :text) OR w = :mark")
		w.item.Put.ExpressionAttributeValues[":text"] = str("S")
	}
	return w
}

// insertRequest returns the write of an idempotency key that must be unused or
// expired: DynamoDB deletes an expired row long after its time.
func (s *Store) insertRequest(r clinic.Request) write {
	w := s.overwrite(requestKey(r.Key), item{"input": str(r.Input), "result": str(r.Result), "ttl": num(r.Ends.Unix())})
	now := r.Ends.Add(-clinic.RequestLife)
	w.item.Put.ConditionExpression = aws.String("attribute_not_exists(pk) OR #t <= :now")
	w.item.Put.ExpressionAttributeNames = map[string]string{"#t": "ttl"}
	w.item.Put.ExpressionAttributeValues = item{":now": num(now.Unix())}
	w.failure = clinic.ErrRepeated
	return w
}

// overwrite returns the write of a record without a condition.
func (s *Store) overwrite(k key, attrs item) write {
	attrs["pk"], attrs["sk"], attrs["f"] = str(k.pk), str(k.sk), num(format)
	return write{item: types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: attrs}}}
}

// packJSON returns the attributes of a record that is its JSON alone.
func packJSON(v any) (item, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, err)
	}
	return item{"d": str(string(b))}, nil
}

// format is the format of the rows written now. Rows of every earlier format can
// be read for ever: testdata has a sample of each. Format 1 had payments in the
// index of the books; up to format 2 who works at a practice was listed by role, no
// visit changed hands, and of a patient there was nothing but the contact data.
const format = 3

// maxWrites is DynamoDB's limit for the items of a transaction.
const maxWrites = 100

func (s *Store) writes(c clinic.Commit) ([]write, error) {
	b := builder{store: s}
	b.visit(c)
	b.underway(c)
	b.money(c)
	b.memberships(c)
	b.work(c)
	b.outbox(c)
	b.logs(c)
	b.access(c)
	b.reference(c)
	if b.err == nil {
		b.audit(c)
	}
	switch {
	case b.err != nil:
		return nil, b.err
	case len(b.ws) == 0:
		return nil, errors.New("store: a commit of nothing")
	case len(b.ws) > maxWrites:
		return nil, fault.New(fault.TooLarge, "too_large", "this changes too many records at once: "+strconv.Itoa(len(b.ws)))
	}
	return b.ws, nil
}
