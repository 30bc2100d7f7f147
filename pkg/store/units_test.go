package store_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/store"
	"evisit/pkg/visit"
)

// A meter adds up the write units that the engine says a client consumed, those
// of indexes included.
type meter struct {
	mu   sync.Mutex
	used int
}

func (m *meter) install(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", m.observe), middleware.After)
	})
}

func (m *meter) observe(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	switch p := in.Parameters.(type) {
	case *dynamodb.TransactWriteItemsInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.PutItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.UpdateItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	}
	out, meta, err := next.HandleInitialize(ctx, in)
	var all []types.ConsumedCapacity
	switch r := out.Result.(type) {
	case *dynamodb.TransactWriteItemsOutput:
		all = r.ConsumedCapacity
	case *dynamodb.PutItemOutput:
		all = append(all, *r.ConsumedCapacity)
	case *dynamodb.UpdateItemOutput:
		all = append(all, *r.ConsumedCapacity)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range all {
		m.used += int(*u.CapacityUnits) // writes cost whole units
	}
	return out, meta, err
}

func (m *meter) take() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.used
	m.used = 0
	return used
}

// A script commits one visit's life and checks the units of each commit.
type script struct {
	*testing.T
	s     *store.Store
	meter *meter
	v     visit.Visit // as committed last
	total int
}

// units is what c costs.
func (s *script) units(c clinic.Commit) int {
	s.Helper()
	s.meter.take()
	if err := s.s.Commit(s.Context(), c); err != nil {
		s.Fatal(err)
	}
	return s.meter.take()
}

func (s *script) costs(name string, want int, c clinic.Commit) {
	s.Helper()
	got := s.units(c)
	if s.total += got; got != want {
		s.Errorf("%s costs %d units, want %d", name, got, want)
	}
}

// step commits next as the visit's next version, with c and an audit record.
func (s *script) step(name string, want int, next visit.Visit, c clinic.Commit) {
	s.Helper()
	next.Version = s.v.Version + 1
	s.v, c.Visit = next, &next
	s.costs(name, want, seenIn(name, c))
}

// seenIn is c with an audit record that is in the visit's trail.
func seenIn(what string, c clinic.Commit) clinic.Commit {
	r := record(practiceID, what)
	r.Visit = visitID
	c.Audit = []audit.Record{r}
	return c
}

func events(names ...string) (es []outbox.Event) {
	for _, name := range names {
		es = append(es, sampleEvent(name))
	}
	return es
}

func done(name string) clinic.Commit { return clinic.Commit{Done: sampleEvent(name).ID, At: at(2)} }

func message(seq int) []clinic.Message {
	return []clinic.Message{{Visit: visitID, Seq: seq, Body: make([]byte, 500)}}
}

// What each commit of a visit's life costs, which an attribute that moves in an
// index, or a row over a kilobyte, changes. The rows are as in the script of
// infra/bench; its announcement of the practice, once an hour and process, is not
// a visit's.
func TestCommit_UnitsOfAVisitsLife(t *testing.T) {
	t.Parallel()
	m := &meter{}
	_, table := newTable(t, enginetest.Config(t))
	s := &script{T: t, meter: m, s: store.New(dynamodb.NewFromConfig(enginetest.Config(t), m.install), table)}
	s.units(clinic.Commit{Audit: []audit.Record{record(practiceID, "announced")}})
	if os.Getenv("DYNAMODB_ENDPOINT") != "" { // DynamoDB Local counts transactions and indexes otherwise than DynamoDB bills
		s.costs("an event alone", 1, clinic.Commit{Events: events("alone")})
		return
	}
	v := visit.Start(visitID, practiceID, patientID, patientID, visit.Form{Name: "uti", Version: "1.10.0", Class: "evisit"}, at(0))
	v.Version = 0
	paid := largestPayment(t)
	paid.ID = visitID + "." + id("quote")
	version := func(n int) []billing.Payment {
		paid.Version = n
		return []billing.Payment{paid}
	}
	entry := func(kind ledger.Kind) []ledger.Entry {
		e := captured(t)
		e.ID, e.Payment = string(kind), paid.ID
		return []ledger.Entry{e}
	}
	quote := billing.Quote{ID: id("quote"), Amount: 12_000, Basis: billing.Fee, ExpiresAt: at(10)}

	s.step("start", 6, v, clinic.Commit{})
	s.step("save", 7, must(s.v.Saved("CA"))(t), clinic.Commit{Answers: make([]byte, 800)})
	s.step("save-last", 7, must(must(s.v.Saved("CA"))(t).Priced(quote))(t), clinic.Commit{Answers: make([]byte, 800)})
	underway := visit.Underway{}.With(s.v, nil)
	s.step("submit", 10, must(s.v.Submit(quote.ID, paid.ID, terms, at(1)))(t), clinic.Commit{Payments: version(1), Underway: &underway})
	s.costs("webhook", 1, clinic.Commit{Events: events("held")})
	held, _ := s.v.HoldPlaced(paid.ID, at(168), terms, at(2))
	s.step("held", 15, held, clinic.Commit{Payments: version(2), Entries: entry(ledger.Hold), Events: events("received")})
	s.costs("held done", 1, done("held"))
	s.costs("letter", 1, done("received"))
	s.step("take", 5, must(s.v.Take(doctor, at(3)))(t), clinic.Commit{})
	s.costs("read", 2, seenIn("read", clinic.Commit{}))
	s.step("ask", 9, must(s.v.Ask(at(3)))(t), clinic.Commit{Messages: message(1), Events: events("asked")})
	s.costs("letter", 1, done("asked"))
	s.costs("patient-reads", 2, seenIn("patient-reads", clinic.Commit{}))
	s.step("reply", 9, must(s.v.Reply(at(3)))(t), clinic.Commit{Messages: message(2), Events: events("replied")})
	s.costs("letter", 1, done("replied"))
	s.step("answer", 12, must(s.v.Answer(doctor, hash("d"), new(7), at(4)))(t), clinic.Commit{Messages: message(3), Events: events("answered", "capture")})
	s.costs("letter", 1, done("answered"))
	s.costs("captured", 10, seenIn("captured", clinic.Commit{Payments: version(3), Entries: entry(ledger.Capture), Events: events("charged")}))
	s.costs("capture done", 1, done("capture"))
	s.costs("letter", 1, done("charged"))
	s.costs("patient-reads-answer", 2, seenIn("patient-reads-answer", clinic.Commit{}))
	s.step("close", 6, must(s.v.MarkRead(patientID, at(5)).Close(hash("a"), at(5)))(t), clinic.Commit{})
	t.Logf("the whole life costs %d units", s.total)
}
