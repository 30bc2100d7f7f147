package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"evisit/pkg/awslambda"
)

// A poller does what Lambda's event source mapping does: it reads the table's
// stream in order, invokes a consumer with the records that its filter matches,
// and again with those that the consumer reports as failed. Each consumer's
// position is kept in a file, so that after a kill at most one batch is
// repeated.
type poller struct {
	streams *dynamodbstreams.Client
	db      *dynamodb.Client
	table   string
	folder  string
	loss    *loss
	log     *slog.Logger
	// steadily runs a batch while the clock does not jump.
	steadily func(func())
}

const (
	idlePoll  = 40 * time.Millisecond
	retryPoll = 500 * time.Millisecond
	batchSize = 100
	retries   = 10 // of a record whose failure could not be stored
)

// run polls for one consumer until ctx ends.
func (p *poller) run(ctx context.Context, to string, handle awslambda.StreamHandler) {
	for ctx.Err() == nil {
		if err := p.follow(ctx, to, handle); err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "stream interrupted", "consumer", to, "err", err)
		}
		pause(ctx, retryPoll)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// follow reads the stream from consumer to's last position.
func (p *poller) follow(ctx context.Context, to string, handle awslambda.StreamHandler) error {
	iterator, err := p.start(ctx, to)
	for err == nil && ctx.Err() == nil {
		var out *dynamodbstreams.GetRecordsOutput
		out, err = p.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator, Limit: aws.Int32(batchSize)})
		if err != nil {
			break
		}
		if len(out.Records) > 0 {
			if err = p.hand(ctx, to, out.Records, handle); err != nil {
				break
			}
		} else {
			pause(ctx, idlePoll)
		}
		if iterator = out.NextShardIterator; iterator == nil {
			return errors.New("the stream's shard has ended")
		}
	}
	return err
}

// start finds the stream's one local shard and to's place in it.
func (p *poller) start(ctx context.Context, to string) (*string, error) {
	t, err := p.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &p.table})
	if err != nil {
		return nil, err
	}
	arn := t.Table.LatestStreamArn
	s, err := p.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		return nil, err
	}
	if n := len(s.StreamDescription.Shards); n != 1 {
		return nil, fmt.Errorf("the stream has %d shards; a local one has 1", n)
	}
	in := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: arn, ShardId: s.StreamDescription.Shards[0].ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if place, err := os.ReadFile(p.place(to)); err == nil && len(place) > 0 {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(string(place))
	}
	out, err := p.streams.GetShardIterator(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

func (p *poller) place(to string) string { return filepath.Join(p.folder, "stream."+to) }

// hand invokes the consumer with a batch, repeats the records that failed, and
// then stores the position.
func (p *poller) hand(ctx context.Context, to string, records []types.Record, handle awslambda.StreamHandler) error {
	kept, err := p.loss.without(records)
	if err != nil {
		return err
	}
	batch := filtered(kept, to)
	for n := 0; len(batch.Records) > 0; n++ {
		if n > retries {
			p.log.ErrorContext(ctx, "records given up", "consumer", to, "records", len(batch.Records))
			break
		}
		var out events.DynamoDBEventResponse
		var err error
		p.steadily(func() { out, err = handle(ctx, batch) })
		if err != nil {
			return err
		}
		if batch = onlyFailed(batch, out.BatchItemFailures); len(batch.Records) > 0 {
			pause(ctx, retryPoll)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	last := aws.ToString(records[len(records)-1].Dynamodb.SequenceNumber)
	temporary := p.place(to) + ".new"
	if err := os.WriteFile(temporary, []byte(last), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, p.place(to))
}

// filtered returns the records of a batch that the template's filter on
// attribute to matches, in the shape that Lambda delivers.
func filtered(records []types.Record, to string) events.DynamoDBEvent {
	var out events.DynamoDBEvent
	for _, r := range records {
		image := r.Dynamodb.NewImage
		if v, ok := image["to"].(*types.AttributeValueMemberS); !ok || v.Value != to {
			continue
		}
		rec := events.DynamoDBEventRecord{
			EventID: aws.ToString(r.EventID), EventName: string(r.EventName), EventSource: "aws:dynamodb",
			Change: events.DynamoDBStreamRecord{
				SequenceNumber: aws.ToString(r.Dynamodb.SequenceNumber), NewImage: map[string]events.DynamoDBAttributeValue{},
			},
		}
		for name, v := range image {
			switch v := v.(type) {
			case *types.AttributeValueMemberS:
				rec.Change.NewImage[name] = events.NewStringAttribute(v.Value)
			case *types.AttributeValueMemberN:
				rec.Change.NewImage[name] = events.NewNumberAttribute(v.Value)
			}
		}
		out.Records = append(out.Records, rec)
	}
	return out
}

func onlyFailed(batch events.DynamoDBEvent, failures []events.DynamoDBBatchItemFailure) events.DynamoDBEvent {
	failed := map[string]bool{}
	for _, f := range failures {
		failed[f.ItemIdentifier] = true
	}
	var out events.DynamoDBEvent
	for _, r := range batch.Records {
		if failed[r.Change.SequenceNumber] {
			out.Records = append(out.Records, r)
		}
	}
	return out
}
