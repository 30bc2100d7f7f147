package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/system"
)

// A meter sums the consumed capacity in DynamoDB's replies.
type meter struct {
	mu    sync.Mutex
	calls []call
}

// A call is one operation and the units it consumed, indexes included.
type call struct {
	op          string
	what        string // the keys' first words, for a transaction
	read, write float64
}

func (m *meter) install(s *middleware.Stack) error {
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", m.observe), middleware.After)
}

func (m *meter) observe(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	total := types.ReturnConsumedCapacityTotal
	c := call{}
	switch p := in.Parameters.(type) {
	case *dynamodb.TransactWriteItemsInput:
		p.ReturnConsumedCapacity, c.op, c.what = total, "commit", items(p)
	case *dynamodb.PutItemInput:
		p.ReturnConsumedCapacity, c.op, c.what = total, "commit", word(p.Item)
	case *dynamodb.UpdateItemInput:
		p.ReturnConsumedCapacity, c.op, c.what = total, "commit", word(p.Key)
	case *dynamodb.GetItemInput:
		p.ReturnConsumedCapacity, c.op, c.what = total, "get", word(p.Key)
	case *dynamodb.BatchGetItemInput:
		p.ReturnConsumedCapacity, c.op = total, "get"
	case *dynamodb.QueryInput:
		p.ReturnConsumedCapacity, c.op = total, "query"
	}
	out, meta, err := next.HandleInitialize(ctx, in)
	if err != nil {
		return out, meta, err
	}
	switch r := out.Result.(type) {
	case *dynamodb.TransactWriteItemsOutput:
		for _, u := range r.ConsumedCapacity {
			c.write += *u.CapacityUnits
		}
	case *dynamodb.PutItemOutput:
		c.write = *r.ConsumedCapacity.CapacityUnits
	case *dynamodb.UpdateItemOutput:
		c.write = *r.ConsumedCapacity.CapacityUnits
	case *dynamodb.GetItemOutput:
		c.read = *r.ConsumedCapacity.CapacityUnits
	case *dynamodb.BatchGetItemOutput:
		for _, u := range r.ConsumedCapacity {
			c.read += *u.CapacityUnits
		}
	case *dynamodb.QueryOutput:
		c.read = *r.ConsumedCapacity.CapacityUnits
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, c)
	return out, meta, nil
}

func word(key map[string]types.AttributeValue) string {
	pk, _ := key["pk"].(*types.AttributeValueMemberS)
	if pk == nil {
		return ""
	}
	w, _, _ := strings.Cut(pk.Value, "#")
	return strings.ToLower(w)
}

func items(in *dynamodb.TransactWriteItemsInput) string {
	var words []string
	for _, t := range in.TransactItems {
		switch {
		case t.Put != nil:
			words = append(words, word(t.Put.Item))
		case t.Update != nil:
			words = append(words, word(t.Update.Key))
		}
	}
	return strings.Join(words, " ")
}

func (m *meter) take() []call {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls := m.calls
	m.calls = nil
	return calls
}

// measureUnits runs one visit with one question back through the whole system and lists
// the units of each step. The sweep does not run, because its reads do not depend on
// visits.
func measureUnits(ctx context.Context, log *slog.Logger) (err error) {
	dir, err := os.MkdirTemp("", "evisit-units-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := &meter{}
	s, err := system.Start(ctx, system.Options{
		Addr: "127.0.0.1:0", Data: dir, Log: log, SweepEvery: 24 * time.Hour, Meter: []func(*middleware.Stack) error{m.install},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	script := &visitScript{ctx: ctx, url: s.URL, stripe: s.Stripe, meter: m}
	return script.run()
}

// A visitScript drives one visit over HTTP and prints the units of each step.
type visitScript struct {
	ctx         context.Context //nolint:containedctx // one run of one script
	url, stripe string
	meter       *meter
	tokens      map[string]string
	visit       string
	read, write float64
}

func (s *visitScript) run() error {
	var cast system.Seeded
	if err := s.post(s.url+"/dev/seed", "", "", &cast); err != nil {
		return err
	}
	s.tokens = map[string]string{}
	for _, p := range cast.People {
		s.tokens[p.ID] = p.Token
	}
	// The first call reads forms and practice settings, which a process reads once.
	if err := s.call(http.MethodGet, s.url+"/forms", "jane-smith", "", nil); err != nil {
		return err
	}
	s.meter.take()
	fmt.Println("Units of one visit with one question back (ReturnConsumedCapacity, indexes included):")
	fmt.Printf("  %-34s %7s %7s   %s\n", "", "read", "write", "commits")
	patient, clinician := "jane-smith", "ana-rivera"
	var v struct{ ID, Quote, Status, URL string }
	var out struct {
		ID          string `json:"id"`
		Status      string `json:"status"`
		CheckoutURL string `json:"checkout_url"`
	}
	steps := []struct {
		name string
		do   func() error
		want string // the visit's status after settle
	}{
		{"start", func() error {
			err := s.post(s.url+"/visits", patient, `{"form":"uti-women"}`, &out)
			s.visit = out.ID
			return err
		}, ""},
		{"save page: about you", func() error { return s.save(patient, response(aboutYou)) }, ""},
		{"save page: symptoms", func() error { return s.save(patient, urinary) }, ""},
		{"quote", func() error {
			err := s.step(patient, "quote", "", &out)
			v.Quote = out.ID
			return err
		}, ""},
		{"submit, payment page", func() error {
			return s.step(patient, "submit", `{"quote":"`+v.Quote+`","accept_fee":true,"accept_consent":true}`, &out)
		}, ""},
		{"pay: hold, queue, letter", func() error {
			return s.post(s.stripe+"/sim/pay", "", `{"session":"`+path.Base(out.CheckoutURL)+`","card":"4242424242424242"}`, nil)
		}, "queued"},
		{"take", func() error { return s.step(clinician, "take", "", nil) }, ""},
		{"read the chart", func() error { return s.get(clinician, "chart") }, ""},
		{"ask back, letter", func() error { return s.step(clinician, "ask", `{"text":"Are you allergic to any antibiotic?"}`, nil) }, ""},
		{"patient reads", func() error { return s.get(patient, "chart") }, ""},
		{"patient replies, letter", func() error { return s.step(patient, "messages", `{"text":"No, none that I know of."}`, nil) }, ""},
		{"answer, document, capture, letters", func() error { return s.step(clinician, "answer", conclusion, nil) }, ""},
		{"patient reads the answer", func() error { return s.get(patient, "chart") }, ""},
		{"acknowledge, close", func() error { return s.step(patient, "acknowledge", "", nil) }, "closed"},
	}
	for _, st := range steps {
		if err := st.do(); err != nil {
			return fmt.Errorf("%s: %w", st.name, err)
		}
		if err := s.settle(st.want); err != nil {
			return fmt.Errorf("%s: %w", st.name, err)
		}
		s.print(st.name)
	}
	fmt.Printf("  %-34s %7.1f %7.1f   aim: ≤ 40 read, ≤ 110 write\n", "the whole life", s.read, s.write)
	return nil
}

const conclusion = `{"reply":"This is most likely a simple bladder infection. I have sent a prescription to your pharmacy.",
"diagnoses":[{"code":"N30.00"}],"plan":{"do":"Take the medicine as written and drink plenty of water.",
"warning_signs":"Fever, pain in your side, or vomiting: be seen the same day.","follow_up":"as needed"},"minutes":7}`

func (s *visitScript) print(name string) {
	var read, write float64
	var commits []string
	for _, c := range s.meter.take() {
		read += c.read
		write += c.write
		if c.op == "commit" {
			commits = append(commits, fmt.Sprintf("%.0f (%s)", c.write, c.what))
		}
	}
	s.read += read
	s.write += write
	fmt.Printf("  %-34s %7.1f %7.1f   %s\n", name, read, write, strings.Join(commits, ", "))
}

// settle waits until no units have been consumed for a while and, if want is not empty,
// until the visit has that status. The units of settle's own reads are not counted.
func (s *visitScript) settle(want string) error {
	quiet := 0
	last := -1
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(25 * time.Millisecond) {
		s.meter.mu.Lock()
		n := len(s.meter.calls)
		s.meter.mu.Unlock()
		if n == last {
			quiet++
		} else {
			quiet, last = 0, n
		}
		if quiet < 16 {
			continue
		}
		if want == "" {
			return nil
		}
		before := s.meter.take()
		var v struct {
			Status string `json:"status"`
		}
		err := s.call(http.MethodGet, s.url+"/visits/"+s.visit, "jane-smith", "", &v)
		s.meter.mu.Lock()
		s.meter.calls = slices.Clone(before)
		s.meter.mu.Unlock()
		if err != nil || v.Status == want {
			return err
		}
		quiet = 0
	}
	return errors.New("it did not settle in 20 s")
}

func (s *visitScript) step(who, verb, body string, out any) error {
	return s.post(s.url+"/visits/"+s.visit+"/"+verb, who, body, out)
}

func (s *visitScript) save(who, page string) error {
	return s.call(http.MethodPatch, s.url+"/visits/"+s.visit+"/answers", who, page, nil)
}

func (s *visitScript) get(who, what string) error {
	return s.call(http.MethodGet, s.url+"/visits/"+s.visit+"/"+what, who, "", nil)
}

func (s *visitScript) post(url, who, body string, out any) error {
	return s.call(http.MethodPost, url, who, body, out)
}

func (s *visitScript) call(method, url, who, body string, out any) error {
	req, err := http.NewRequestWithContext(s.ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+s.tokens[who])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s answered %s: %s", method, req.URL.Path, res.Status, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}
