package lambdatest_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// A chain is what functions cause in one another: each runs under its own
// policy, and the stream between them is read from the table.

// invoke runs a function once, at a time after now, and fails if it does.
func (w *world) invoke(function string, event []byte, after time.Duration) string {
	w.Helper()
	env := w.settings(function, newGuard(w.T, function))
	env["EVISIT_CLOCK_OFFSET"] = (w.offset + after).String()
	f := w.start(function, env)
	r, err := f.Invoke(w.Context(), event)
	w.must(err)
	if r.Failed {
		w.Fatalf("%s failed: %s", function, r.Payload)
	}
	return string(r.Payload)
}

// minute runs a scheduled function at a time after now.
func (w *world) minute(function string, after time.Duration) {
	w.Helper()
	w.invoke(function, w.read(function+"/minute.json"), after)
}

// deliver hands a consumer every row that is armed for it, as the stream would.
func (w *world) deliver(to outbox.Consumer, after time.Duration) {
	w.Helper()
	var batch events.DynamoDBEvent
	rows := w.rows()
	for n, id := range slices.Sorted(maps.Keys(rows)) {
		if textOf(rows[id]["to"]) != string(to) {
			continue
		}
		image := map[string]events.DynamoDBAttributeValue{}
		for name, v := range rows[id] {
			switch v := v.(type) {
			case *types.AttributeValueMemberS:
				image[name] = events.NewStringAttribute(v.Value)
			case *types.AttributeValueMemberN:
				image[name] = events.NewNumberAttribute(v.Value)
			}
		}
		batch.Records = append(batch.Records, events.DynamoDBEventRecord{
			EventName: "MODIFY", EventSource: "aws:dynamodb",
			Change: events.DynamoDBStreamRecord{SequenceNumber: strconv.Itoa(700 + n), NewImage: image},
		})
	}
	b, err := json.Marshal(batch)
	w.must(err)
	if reply := w.invoke(string(to), b, after); strings.Contains(reply, "itemIdentifier") {
		w.Errorf("%s did not handle %s", to, reply)
	}
}

// An answer that nobody acknowledged for a week closes, and is charged all the
// same.
func TestDeadline_QuietAnswerCloses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.held("quiet", visit.Answered, func(v *visit.Visit) { v.Times.Answered = recordedAt })
	w.capture("capture", "quiet")
	w.minute("deadline", visit.CloseAfter-time.Minute)
	w.status("quiet", visit.Answered)
	w.minute("deadline", visit.CloseAfter+time.Minute)
	w.closed("quiet")
	w.deliver(outbox.Charge, 0)
	w.settled("quiet", billing.Captured, "succeeded")
}

// A visit that nobody answers is told to be late, then expires, and its hold is
// released.
func TestDeadline_NobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.held("waiting", visit.Queued, nil)
	w.minute("deadline", 23*time.Hour+time.Minute)
	w.deliver(outbox.Notify, 23*time.Hour+time.Minute)
	w.status("waiting", visit.Queued)
	w.mailed("desk@lakeside.example", "jane-smith@patients.example")
	w.minute("deadline", 47*time.Hour+time.Minute)
	w.status("waiting", visit.Expired)
	w.deliver(outbox.Notify, 47*time.Hour+time.Minute)
	w.deliver(outbox.Charge, 47*time.Hour+time.Minute)
	w.mailed("desk@lakeside.example", "desk@lakeside.example", "jane-smith@patients.example", "jane-smith@patients.example")
	w.settled("waiting", billing.Released, "canceled")
}

// A page was paid and the webhook is lost: once the page has run out, deadline
// has charge ask Stripe.
func TestDeadline_LostWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.atPage("lost", recordedAt.Add(-time.Hour))
	w.minute("deadline", 0)
	w.status("lost", visit.AwaitingPayment)
	w.deliver(outbox.Charge, 0)
	w.settled("lost", billing.Held, "requires_capture")
	w.status("lost", visit.Queued)
	w.deliver(outbox.Notify, 0)
	w.mailed("desk@lakeside.example", "jane-smith@patients.example")
}

// An event that the stream gave up is neither done nor due. Sweep finds it by
// its bucket within the hour, beside rows that hold no event or none that can be
// read.
func TestSweep_EventGivenUpByStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute("sweep", 0) // what comes before the first sweep is in the hands of the stream
	w.held("answered", visit.Answered, nil)
	e := outbox.Event{
		ID: outbox.NewID(outbox.ByAPI, w.now(), "lost"), Kind: outbox.Capture, To: outbox.Charge, Practice: "lakeside",
		Visit: "answered", Payment: paymentOf("answered"), At: w.now(),
	}
	w.commit(clinic.Commit{Events: []outbox.Event{e}})
	w.putRow(outbox.NewID(outbox.ByAPI, w.now(), "a-empty"), "", time.Time{})
	w.putRow(outbox.NewID(outbox.ByAPI, w.now(), "a-unreadable"), `{"id":`, time.Time{})
	w.minute("sweep", 5*time.Minute)
	if d := w.outbox()[e.ID]; d.Version != 0 {
		t.Errorf("it was armed before its time: %+v", d)
	}
	w.minute("sweep", 45*time.Minute)
	d := w.outbox()[e.ID]
	if !d.Armed || d.Tries != 1 || d.Due.IsZero() {
		t.Fatalf("it does not come back: %+v", d)
	}
	w.untouched(outbox.NewID(outbox.ByAPI, w.now(), "a-empty"))
	// The other rows would fail again; the stream brings what was written.
	for id := range w.rows() {
		if id != e.ID {
			w.remove(id)
		}
	}
	w.deliver(outbox.Charge, 45*time.Minute)
	w.settled("answered", billing.Captured, "succeeded")
	w.delivery(e.ID, "done")
}

// hoursOfVerify runs verify once an hour for a day, in which it looks at each log
// once, and returns what it logged as altered.
func (w *world) hoursOfVerify() string {
	w.Helper()
	var found strings.Builder
	for hour := range 24 {
		env := w.settings("verify", newGuard(w.T, "verify"))
		env["EVISIT_CLOCK_OFFSET"] = (w.offset + time.Duration(hour+1)*time.Hour).String()
		f := w.start("verify", env)
		r, err := f.Invoke(w.Context(), w.read("verify/hour.json"))
		w.must(err)
		w.must(f.Close()) // what it wrote has then arrived
		lines := 0
		for l := range strings.Lines(f.Log()) {
			if strings.Contains(l, `"msg":"altered"`) {
				found.WriteString(l)
				lines++
			}
		}
		if r.Failed != (lines > 0) {
			w.Errorf("in hour %d it fails %t and logs %d findings: %s", hour, r.Failed, lines, r.Payload)
		}
	}
	return found.String()
}

// Verify finds nothing in a day of what the other functions wrote, and finds the
// row that was changed without them.
func TestVerify_ChangedRowWithinDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.held("waiting", visit.Queued, func(v *visit.Visit) { v.Promise.By = recordedAt.Add(-time.Minute) })
	w.minute("deadline", 0)
	w.minute("sweep", 2*time.Minute)
	if found := w.hoursOfVerify(); found != "" {
		t.Fatalf("it finds something: %s", found)
	}
	out, err := w.db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.table, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "CASE#waiting"}, "sk": &types.AttributeValueMemberS{Value: "-"},
	}})
	w.must(err)
	out.Item["d"] = &types.AttributeValueMemberS{Value: strings.Replace(textOf(out.Item["d"]), "jane-smith", "tom-okafor", 1)}
	w.put(out.Item)
	if found := w.hoursOfVerify(); !strings.Contains(found, "CASE#waiting was changed") {
		t.Errorf("it does not find the row: %q", found)
	}
}

// An event that charge neither handles nor fails is due again by its lease.
func TestSweep_ConsumerDiesWithoutWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.held("answered", visit.Answered, nil)
	d := w.capture("capture", "answered")
	w.commit(clinic.Commit{Deliveries: []outbox.Delivery{d.Rearmed(w.now())}})
	w.minute("sweep", 0)
	if d := w.outbox()[d.ID]; d.Tries != 1 {
		t.Errorf("it was armed before its lease ended: %+v", d)
	}
	w.minute("sweep", time.Hour)
	if d := w.outbox()[d.ID]; !d.Armed || d.Tries != 2 {
		t.Errorf("it does not come back: %+v", d)
	}
}
