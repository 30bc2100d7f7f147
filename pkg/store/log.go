package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// LogHead implements sweep.Reads and office.Reads.
func (s *Store) LogHead(ctx context.Context, practice string) (clinic.LogHead, error) {
	var h clinic.LogHead
	what := "log of practice " + practice
	version, damaged, err := s.state(ctx, logKey(practice), what, &h)
	if err == nil && version > 0 && h.Practice != practice {
		err = fmt.Errorf("%s: %w: it is that of practice %q", what, clinic.ErrUnreadable, h.Practice)
	}
	if err != nil {
		return clinic.LogHead{Practice: practice, Damaged: damaged}, err
	}
	h.Practice, h.Version = practice, version
	return h, nil
}

// SweepState implements sweep.Reads.
func (s *Store) SweepState(ctx context.Context) (clinic.SweepState, error) {
	var st clinic.SweepState
	version, damaged, err := s.state(ctx, sweepKey, "state of the sweeps", &st)
	if err != nil {
		return clinic.SweepState{Damaged: damaged}, err
	}
	st.Version = version
	return st, nil
}

// state reads a row that logs or sweeps are made of into v, and returns its
// version; 0 if there is no such row. damaged names the row also if it cannot be
// read.
func (s *Store) state(ctx context.Context, k key, what string, v any) (version int, damaged *clinic.Damaged, _ error) {
	i, err := s.get(ctx, k, latest, what)
	switch {
	case errors.Is(err, fault.NotFound):
		return 0, nil, nil
	case i == nil:
		return 0, nil, err
	case err == nil:
		err = unpack(i, what, v)
	}
	if version = count(i, "v"); err == nil && version < 1 {
		err = fmt.Errorf("%s: %w: it has no version", what, clinic.ErrUnreadable)
	}
	return version, &clinic.Damaged{Mark: text(i, "w")}, err
}

// logOfDay returns the leaves of one day (UTC) as Log does those of all.
func (s *Store) logOfDay(ctx context.Context, practice, day, after, through string, limit int) ([]clinic.Leaf, error) {
	if after >= through { // DynamoDB refuses a range that ends before it begins
		return nil, nil
	}
	shards := make([]logShard, auditShards)
	for n := range shards {
		shards[n] = logShard{partition: auditPartition(practice, day, n), after: after, more: true}
	}
	var all []clinic.Leaf
	for len(all) < limit {
		var first *logShard // whose next leaf comes before the others'
		for n := range shards {
			if err := s.fill(ctx, &shards[n], through, (limit-len(all))/auditShards+logMargin); err != nil {
				return nil, fmt.Errorf("reading the log of practice %s: %w", practice, err)
			}
			if sh := &shards[n]; len(sh.leaves) > 0 && (first == nil || sh.leaves[0].Position < first.leaves[0].Position) {
				first = sh
			}
		}
		if first == nil {
			break
		}
		all, first.leaves = append(all, first.leaves[0]), first.leaves[1:]
	}
	return all, nil
}

// logMargin is how much more than its share of a page is read of a shard: ids spread
// records unevenly.
const logMargin = 32

// A logShard is one partition of a day's log, as far as it was read.
type logShard struct {
	partition, after string
	leaves           []clinic.Leaf // that were read and not taken
	more             bool          // to be read after those
}

// fill reads on in a shard all of whose leaves were taken.
func (s *Store) fill(ctx context.Context, sh *logShard, through string, limit int) error {
	if len(sh.leaves) > 0 || !sh.more || sh.after >= through {
		return nil
	}
	rows, err := s.query(ctx, &dynamodb.QueryInput{
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :p AND sk BETWEEN :a AND :b"),
		ExpressionAttributeValues: item{":p": str(sh.partition), ":a": str(sh.after + " "), ":b": str(through)},
	}, limit, "audit records")
	for _, i := range rows {
		if err := checkFormat(i, "audit record"); err != nil {
			return err
		}
		sh.leaves = append(sh.leaves, clinic.Leaf{Position: text(i, "sk"), Bytes: []byte(text(i, "d"))})
	}
	if sh.more = len(rows) >= limit; len(rows) > 0 {
		sh.after = text(rows[len(rows)-1], "sk")
	}
	return err
}

// Log implements sweep.Reads, office.Reads and verify.Reads.
func (s *Store) Log(ctx context.Context, practice, after, through string, limit int) ([]clinic.Leaf, error) {
	if after >= through { // as logOfDay says
		return nil, nil
	}
	days, err := s.days(ctx, practice, after, through)
	if err != nil {
		return nil, err
	}
	var all []clinic.Leaf
	for _, day := range days {
		ls, err := s.logOfDay(ctx, practice, day, after, through, limit-len(all))
		if err != nil {
			return nil, err
		}
		if all = append(all, ls...); len(all) == limit {
			break
		}
	}
	return all, nil
}

// Trail implements clinic.Store.
func (s *Store) Trail(ctx context.Context, of string, since time.Time) ([]audit.Record, error) {
	from := ""
	if !since.IsZero() {
		from = audit.Record{At: since}.Position()
	}
	return s.trail(ctx, inTrail(of).after(from), 0, of)
}

// LatestTrail implements request.Reads.
func (s *Store) LatestTrail(ctx context.Context, of, before string, limit int) ([]audit.Record, error) {
	l := inTrail(of)
	l.newestFirst = true
	return s.trail(ctx, l.after(before), limit, of)
}

func (s *Store) trail(ctx context.Context, in *dynamodb.QueryInput, limit int, of string) ([]audit.Record, error) {
	rows, err := s.query(ctx, in, limit, "trail of "+of)
	if err != nil {
		return nil, err
	}
	rs := make([]audit.Record, len(rows))
	for n, i := range rows {
		if err := unpack(i, "audit record", &rs[n]); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

// Delivery implements sweep.Reads and office.Reads.
func (s *Store) Delivery(ctx context.Context, event string) (outbox.Delivery, error) {
	k, err := eventKey(event)
	if err != nil {
		return outbox.Delivery{}, missing("event of that id")
	}
	i, err := s.get(ctx, k, latest, "event "+event)
	if err != nil {
		return outbox.Delivery{}, err
	}
	return readDelivery(i)
}

func readDelivery(i item) (outbox.Delivery, error) {
	return outbox.Read(func(name string) string { return cmp.Or(number(i, name), text(i, name)) })
}

// Reread implements notify.Reads, in one BatchGetItem.
func (s *Store) Reread(ctx context.Context, event, of string, consistent bool) (d outbox.Delivery, v visit.Visit, _ error) {
	k, err := eventKey(event)
	if err != nil {
		return d, v, missing("event of that id")
	}
	wanted := []key{k}
	if of != "" {
		wanted = append(wanted, visitKey(of))
	}
	items, err := s.fetch(ctx, wanted, freshness(consistent), "event "+event)
	if err != nil {
		return d, v, err
	}
	for _, i := range items {
		if keyOf(i) == k {
			d, err = readDelivery(i)
		} else {
			v, err = readVisit(i)
		}
		if err != nil {
			return d, v, err
		}
	}
	return d, v, nil
}

// Undelivered implements sweep.Reads.
func (s *Store) Undelivered(ctx context.Context, b outbox.Bucket) ([]string, error) {
	var ids []string
	for _, by := range outbox.Writers {
		for shard := range outboxShards {
			rows, err := s.query(ctx, &dynamodb.QueryInput{
				ConsistentRead:            aws.Bool(true),
				KeyConditionExpression:    aws.String("pk = :p"),
				FilterExpression:          aws.String("attribute_not_exists(done) AND attribute_not_exists(due_at) AND attribute_not_exists(parked)"),
				ProjectionExpression:      aws.String("sk"),
				ExpressionAttributeValues: item{":p": str(outboxPartition(by, b, shard))},
			}, 0, "undelivered events")
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				ids = append(ids, text(r, "sk"))
			}
		}
	}
	return ids, nil
}

// dayOf returns the day of a position, or a text before all days if position is
// too short to be one.
func dayOf(position string) string {
	if len(position) < 8 {
		return "0"
	}
	return fmt.Sprintf("%s-%s-%s", position[:4], position[4:6], position[6:8])
}

func split(s string) (before, after string) {
	before, after, _ = strings.Cut(s, "#")
	return before, after
}
