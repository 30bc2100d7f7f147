// Package awslambda turns what AWS hands a function into calls: gateway
// requests into HTTP, stream records into events, a schedule into a sweep. It
// holds the one implementation of batch handling; the local stream poller
// feeds it the same records.
package awslambda

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// A StreamHandler handles one batch of the table's stream.
type StreamHandler = func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error)

// A ScheduleHandler handles one tick of a schedule.
type ScheduleHandler = func(context.Context, events.CloudWatchEvent) error

// Stream returns a handler of stream batches. Each event row of a batch that
// is armed for to is delivered on its own: one that cannot be handled is
// reported by its sequence number and does not block those behind it.
//
// A record that could be redelivered is harmless, for deliver is idempotent by
// event. Records that are no armed events are passed over.
func Stream(to string, deliver func(ctx context.Context, event string) error, log *slog.Logger) StreamHandler {
	return func(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		var out events.DynamoDBEventResponse
		for _, r := range batch.Records {
			id, ok := armed(r, to)
			if !ok {
				continue
			}
			if err := deliver(ctx, id); err != nil {
				log.ErrorContext(ctx, "event not delivered", "event", id, "sequence", r.Change.SequenceNumber, "err", err)
				out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
			}
		}
		return out, nil
	}
}

// armed returns the id of the event a record arms for to.
func armed(r events.DynamoDBEventRecord, to string) (string, bool) {
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		return "", false
	}
	if text(r.Change.NewImage, "to") != to {
		return "", false
	}
	return strings.CutPrefix(text(r.Change.NewImage, "pk"), "OUTBOX#")
}

func text(image map[string]events.DynamoDBAttributeValue, name string) string {
	if v, ok := image[name]; ok && v.DataType() == events.DataTypeString {
		return v.String()
	}
	return ""
}

// Schedule returns a handler of a timer: it sweeps until nothing more is due
// or the invocation's time runs short.
func Schedule(sweep func(context.Context) (int, error), log *slog.Logger) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		for ctx.Err() == nil {
			n, err := sweep(ctx)
			if err != nil {
				return err
			}
			log.InfoContext(ctx, "swept", "armed", n)
			if n == 0 {
				return nil
			}
		}
		return errors.New("awslambda: time ran out with work still due")
	}
}
