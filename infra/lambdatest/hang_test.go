package lambdatest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/lambdatest"
	"evisit/pkg/awslambda"
	"evisit/pkg/billing"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// batchOf is the batch of the stream that put the rows of events.
func (w *world) batchOf(ids ...string) []byte {
	w.Helper()
	rows := w.rows()
	var batch events.DynamoDBEvent
	for _, id := range ids {
		r := events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
			SequenceNumber: "7000-" + id, NewImage: map[string]events.DynamoDBAttributeValue{},
		}}
		for name, v := range rows[id] {
			switch v := v.(type) {
			case *types.AttributeValueMemberS:
				r.Change.NewImage[name] = events.NewStringAttribute(v.Value)
			case *types.AttributeValueMemberN:
				r.Change.NewImage[name] = events.NewNumberAttribute(v.Value)
			}
		}
		batch.Records = append(batch.Records, r)
	}
	b, err := json.Marshal(batch)
	w.must(err)
	return b
}

// handedBack lists the events of a batch that a function reports as failed.
func (w *world) handedBack(r lambdatest.Reply) (ids []string) {
	w.Helper()
	var out events.DynamoDBEventResponse
	if err := json.Unmarshal(r.Payload, &out); err != nil || r.Failed {
		w.Fatalf("failed: %s", r.Payload)
	}
	for _, f := range out.BatchItemFailures {
		ids = append(ids, strings.TrimPrefix(f.ItemIdentifier, "7000-"))
	}
	return ids
}

// While Stripe hangs, an event is cut off and noted as failed, those for which no time
// is left are handed back, and the function ends in time. When Stripe answers again,
// each hold is captured once.
func TestHang_StripeDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for _, name := range []string{"first", "second", "third"} {
		w.held("hang-"+name, visit.Answered, nil)
		ids = append(ids, w.capture("hang-"+name, "hang-"+name).ID)
	}
	g := newGuard(t, "charge")
	env := w.settings("charge", g)
	answers := env["STRIPE_API_BASE"]
	env["STRIPE_API_BASE"] = w.serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the server notices when the caller leaves
		<-r.Context().Done()
	}))
	f := w.start("charge", env)
	ctx, cancel := context.WithTimeout(t.Context(), awslambda.EventTime+5*time.Second)
	defer cancel()
	r, err := f.Invoke(ctx, w.batchOf(ids...))
	w.must(err)
	left := w.handedBack(r)
	if d := cmp.Diff(ids[1:], left); d != "" {
		t.Errorf("handed back (-want +got):\n%s", d)
	}
	first := w.outbox()[ids[0]]
	if first.Note != outbox.TimedOut || first.Attempt != 0 || first.Armed || first.Due.IsZero() {
		t.Errorf("the event that was cut off: %+v", first)
	}
	for _, id := range left {
		w.delivery(id, "armed")
	}

	env["STRIPE_API_BASE"] = answers
	f = w.start("charge", env)
	r, err = f.Invoke(t.Context(), w.batchOf(left...))
	w.must(err)
	if again := w.handedBack(r); len(again) > 0 {
		t.Errorf("handed back: %v", again)
	}
	w.settled("hang-second", billing.Captured, "succeeded")
	w.settled("hang-third", billing.Captured, "succeeded")
	w.settled("hang-first", billing.Held, "requires_capture") // until a sweep re-arms its event
}
