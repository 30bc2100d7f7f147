// Package awslambda adapts AWS Lambda's invocations: gateway requests to HTTP
// handlers, stream records to deliveries, a schedule to runs. It has the only
// implementation of batch handling; the local stream poller calls it with the
// same records.
package awslambda

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"evisit/pkg/outbox"
)

// A StreamHandler handles one batch of the table's stream.
type StreamHandler = func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error)

// A ScheduleHandler handles one tick of a schedule.
type ScheduleHandler = func(context.Context, events.CloudWatchEvent) error

// Stream returns a handler of stream batches. It delivers each record of an
// event armed for consumer to on its own: a record that fails is reported by its
// sequence number and does not block those behind it.
//
// An event has EventTime, however long a service takes to answer. Records for which
// the invocation has not that much time left are reported as failed without being
// delivered, so that they come again in the next.
//
// A record that comes twice does no harm, because deliver is idempotent by
// event. Records that are not of armed events are skipped. An event that cannot be
// decoded is delivered as such.
func Stream(to outbox.Consumer, deliver func(context.Context, outbox.Delivery) error, log *slog.Logger) StreamHandler {
	return func(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		var out events.DynamoDBEventResponse
		failed := func(r events.DynamoDBEventRecord) {
			out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
		}
		for n, r := range batch.Records {
			if !timeLeft(ctx) {
				log.WarnContext(ctx, "no time left in this invocation", "records", len(batch.Records)-n)
				for _, r := range batch.Records[n:] {
					failed(r)
				}
				break
			}
			row := image(r)
			if row("to") != string(to) || !strings.HasPrefix(row("pk"), "OUTBOX#") {
				continue
			}
			d, err := outbox.Read(row)
			if errors.Is(err, outbox.ErrNoEvent) {
				log.ErrorContext(ctx, "a row of the outbox holds no event", "sequence", r.Change.SequenceNumber)
				continue
			}
			if err == nil {
				err = within(ctx, EventTime, func(ctx context.Context) error { return deliver(ctx, d) })
			}
			if err != nil {
				log.ErrorContext(ctx, "event not delivered", "event", d.ID, "sequence", r.Change.SequenceNumber, "err", err)
				failed(r)
			}
		}
		return out, nil
	}
}

const (
	// EventTime is the longest that one event of a batch may take.
	EventTime = 20 * time.Second
	// reserve is what is left of an invocation's time for its reply.
	reserve = time.Second
)

// timeLeft reports whether ctx leaves time for one more event.
func timeLeft(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) >= EventTime+reserve
}

func within(ctx context.Context, d time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return do(ctx)
}

// image returns the row that a record left in the table; an empty row if it was
// removed.
func image(r events.DynamoDBEventRecord) outbox.Row {
	return func(name string) string {
		v, ok := r.Change.NewImage[name]
		if !ok || r.EventName == string(events.DynamoDBOperationTypeRemove) {
			return ""
		}
		switch v.DataType() { //nolint:exhaustive // an event has texts and numbers
		case events.DataTypeString:
			return v.String()
		case events.DataTypeNumber:
			return v.Number()
		}
		return ""
	}
}

// scheduleReserve is what is left of the time of a timer's invocation when run is
// cut off.
const scheduleReserve = 5 * time.Second

// Schedule returns a handler of a timer: it calls run until nothing more is due
// or the invocation's time is nearly over. run returns how much it did; name is
// for the log.
func Schedule(name string, run func(context.Context) (int, error), log *slog.Logger) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, end.Add(-scheduleReserve))
			defer cancel()
		}
		for ctx.Err() == nil {
			n, err := run(ctx)
			if err != nil {
				return err
			}
			log.InfoContext(ctx, "ran", "function", name, "did", n)
			if n == 0 {
				return nil
			}
		}
		return errors.New("awslambda: time ran out with work still due")
	}
}
