package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/store"
	"evisit/pkg/visit"
)

// A line is the connection to the engine. Its first broken writes have fate.
type line struct {
	aws.HTTPClient
	fate   fate
	broken int // how many writes; negative: all

	mu     sync.Mutex
	writes int
}

// A fate is the outcome of a write: the call goes through or not, and a reply.
type fate func(through func() (*http.Response, error)) (*http.Response, error)

func (l *line) Do(r *http.Request) (*http.Response, error) {
	target := r.Header.Get("X-Amz-Target")
	switch target[strings.LastIndex(target, ".")+1:] {
	case "TransactWriteItems", "PutItem", "UpdateItem":
	default:
		return l.HTTPClient.Do(r)
	}
	l.mu.Lock()
	l.writes++
	breaks := l.broken < 0 || l.writes <= l.broken
	l.mu.Unlock()
	if breaks {
		return l.fate(func() (*http.Response, error) { return l.HTTPClient.Do(r) })
	}
	return l.HTTPClient.Do(r)
}

func answerLost(through func() (*http.Response, error)) (*http.Response, error) {
	resp, err := through()
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return nil, syscall.ECONNRESET
}

func answerGarbled(through func() (*http.Response, error)) (*http.Response, error) {
	if _, err := answerLost(through); !errors.Is(err, syscall.ECONNRESET) {
		return nil, err
	}
	return reply(http.StatusInternalServerError, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`), nil
}

func callLost(func() (*http.Response, error)) (*http.Response, error) {
	return nil, syscall.ECONNRESET
}

// conflicts are what DynamoDB says of a write that met a transaction on the
// same item; the local engines never say it.
func conflicts(func() (*http.Response, error)) (*http.Response, error) {
	return reply(http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		"CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]}`), nil
}

func conflictOfOne(func() (*http.Response, error)) (*http.Response, error) {
	return reply(http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException"}`), nil
}

func conflictAndCondition(func() (*http.Response, error)) (*http.Response, error) {
	return reply(http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		"CancellationReasons":[{"Code":"ConditionalCheckFailed"},{"Code":"TransactionConflict"}]}`), nil
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// eventID is the event of one and two.
var eventID = outbox.NewID(outbox.ByAPI, noon, "event-1")

// one is a commit of a single record, two of several.
func one() clinic.Commit { return clinic.Commit{Events: []outbox.Event{{ID: eventID, At: noon}}} }

// oneDone consumes the event of one.
func oneDone() clinic.Commit { return clinic.Commit{Done: eventID, At: noon} }

func two() clinic.Commit {
	v := visit.Start("visit-1", "practice-1", "patient-1", "person-1", visit.Form{Name: "uti"}, noon)
	c := one()
	c.Visit = &v
	c.Audit = []audit.Record{{ID: "record-1", Practice: "practice-1", Visit: "visit-1", At: noon}}
	return c
}

// announced announces what a commit of two announces, so that the line carries
// the commit alone.
func announced(t *testing.T, s *store.Store) {
	t.Helper()
	r := audit.Record{ID: "earlier", Practice: "practice-1", At: noon}
	if err := s.Commit(t.Context(), clinic.Commit{Audit: []audit.Record{r}}); err != nil {
		t.Fatal(err)
	}
}

func TestCommit_OnceWhateverTheLineDoes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fate   fate
		broken int
		commit clinic.Commit
		want   error // nil: it succeeds
		stored bool
		writes int // on the line
	}{
		{"the answer to one is lost", answerLost, 1, one(), nil, true, 2},
		{"the answer to one is lost twice", answerLost, 2, one(), nil, true, 3},
		{"every answer to one is lost", answerLost, -1, one(), fault.Busy, true, 3},
		{"the answer to one is garbled", answerGarbled, 1, one(), nil, true, 2},
		{"the call of one is lost", callLost, 1, one(), nil, true, 2},
		{"every call of one is lost", callLost, -1, one(), fault.Busy, false, 3},
		{"one meets a transaction", conflictOfOne, 3, one(), nil, true, 4},
		{"one meets transactions for ever", conflictOfOne, -1, one(), fault.Busy, false, 8},
		{"the answer to more is lost", answerLost, 1, two(), nil, true, 2},
		{"the answer to more is lost twice", answerLost, 2, two(), nil, true, 3},
		{"every answer to more is lost", answerLost, -1, two(), fault.Busy, true, 3},
		{"the answer to more is garbled", answerGarbled, 1, two(), nil, true, 2},
		{"the call of more is lost", callLost, 1, two(), nil, true, 2},
		{"every call of more is lost", callLost, -1, two(), fault.Busy, false, 3},
		{"more meet a transaction", conflicts, 3, two(), nil, true, 4},
		{"more meet transactions for ever", conflicts, -1, two(), fault.Busy, false, 8},
		{"more meet a transaction and a failed condition", conflictAndCondition, -1, two(), clinic.ErrExists, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			healthy, table := newTable(t, enginetest.Config(t))
			cfg := enginetest.Config(t)
			l := &line{HTTPClient: cfg.HTTPClient, fate: test.fate}
			cfg.HTTPClient = l
			cfg.Retryer = func() aws.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 10 * time.Millisecond })
			}
			far := store.New(dynamodb.NewFromConfig(cfg), table)
			announced(t, far)
			l.writes, l.broken = 0, test.broken
			err := far.Commit(t.Context(), test.commit)
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Errorf("Commit = %v, want %v", err, test.want)
			}
			if l.writes != test.writes {
				t.Errorf("%d writes went out, want %d", l.writes, test.writes)
			}
			s := store.New(healthy, table)
			stored(t, s, test.commit, test.stored)

			// Whatever is known, committing the same again does no harm.
			err = s.Commit(t.Context(), test.commit)
			if test.stored != errors.Is(err, clinic.ErrExists) || !test.stored && err != nil {
				t.Errorf("the same commit again = %v, stored before: %t", err, test.stored)
			}
			stored(t, s, test.commit, true)
		})
	}
}

// stored checks that all of c is there, once, or nothing of it.
func stored(t *testing.T, s *store.Store, c clinic.Commit, want bool) {
	t.Helper()
	d, err := s.Delivery(t.Context(), c.Events[0].ID)
	if want != (err == nil) || !want && !errors.Is(err, fault.NotFound) {
		t.Errorf("Delivery = %v; want it stored: %t", err, want)
	}
	if want && !cmp.Equal(d, outbox.Delivery{Event: c.Events[0], Armed: c.Events[0].To != ""}) {
		t.Errorf("Delivery = %+v", d)
	}
	if c.Visit == nil {
		return
	}
	if _, err := s.Visit(t.Context(), c.Visit.ID); want != (err == nil) {
		t.Errorf("Visit = %v; want it stored: %t", err, want)
	}
	records := c.Audit
	if !want {
		records = nil
	}
	leaves, err := s.Log(t.Context(), c.Visit.Practice, "", end, 10)
	var got []string
	for _, l := range leaves {
		if !strings.HasSuffix(l.Position, "#earlier") {
			got = append(got, l.Position)
		}
	}
	if err != nil || len(got) != len(records) || want && got[0] != records[0].Position() {
		t.Errorf("the log has %v, %v; want %v", got, err, records)
	}
}

func TestCommit_AnothersRecordIsNotOurs(t *testing.T) {
	t.Parallel()
	healthy, table := newTable(t, enginetest.Config(t))
	cfg := enginetest.Config(t)
	// Our call is lost, and before we try again another writes the very same.
	cfg.HTTPClient = &line{HTTPClient: cfg.HTTPClient, broken: 1, fate: func(func() (*http.Response, error)) (*http.Response, error) {
		return nil, errors.Join(store.New(healthy, table).Commit(t.Context(), one()), syscall.ECONNRESET)
	}}
	if err := store.New(dynamodb.NewFromConfig(cfg), table).Commit(t.Context(), one()); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("Commit = %v, want %v", err, clinic.ErrExists)
	}
}

// A client's own time limit is a deadline exceeded too, but nobody cancelled.
func TestStore_SlowEngineIsBusy(t *testing.T) {
	t.Parallel()
	_, table := newTable(t, enginetest.Config(t))
	cfg := enginetest.Config(t)
	cfg.HTTPClient = &http.Client{Timeout: time.Nanosecond}
	s := store.New(dynamodb.NewFromConfig(cfg), table)
	if _, err := s.Visit(t.Context(), "visit-1"); !errors.Is(err, fault.Busy) {
		t.Errorf("Visit = %v, want busy", err)
	}
	if err := s.Commit(t.Context(), two()); !errors.Is(err, fault.Busy) {
		t.Errorf("Commit = %v, want busy", err)
	}
}

// An event done whose answer is lost is found done, which its consumer takes
// for success.
func TestDone_WhateverTheLineDoes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fate fate
		want error
	}{
		"the answer is lost":     {answerLost, clinic.ErrDone},
		"the call is lost":       {callLost, nil},
		"it meets a transaction": {conflictOfOne, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			healthy, table := newTable(t, enginetest.Config(t))
			s := store.New(healthy, table)
			if err := s.Commit(t.Context(), one()); err != nil {
				t.Fatal(err)
			}
			cfg := enginetest.Config(t)
			cfg.HTTPClient = &line{HTTPClient: cfg.HTTPClient, fate: test.fate, broken: 1}
			if err := store.New(dynamodb.NewFromConfig(cfg), table).Commit(t.Context(), oneDone()); !errors.Is(err, test.want) {
				t.Errorf("Commit = %v, want %v", err, test.want)
			}
			if d, err := s.Delivery(t.Context(), eventID); err != nil || !d.Done.Equal(noon) {
				t.Errorf("Delivery = %+v, %v", d, err)
			}
		})
	}
}

// An announcement comes before the commit whose practice it announces: while it
// cannot be made nothing is committed, because no sweep would sign for it.
func TestCommit_AnnouncementComesFirst(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fate   fate
		broken int
		want   error
		stored bool
	}{
		"every call is lost": {callLost, -1, fault.Busy, false},
		"a call is lost":     {callLost, 1, nil, true},
		"an answer is lost":  {answerLost, 1, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			healthy, table := newTable(t, enginetest.Config(t))
			cfg := enginetest.Config(t)
			cfg.HTTPClient = &line{HTTPClient: cfg.HTTPClient, fate: test.fate, broken: test.broken}
			err := store.New(dynamodb.NewFromConfig(cfg), table).Commit(t.Context(), two())
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Errorf("Commit = %v, want %v", err, test.want)
			}
			s := store.New(healthy, table)
			stored(t, s, two(), test.stored)
			if as, err := s.Active(t.Context(), "", 10); err != nil || (len(as) == 1) != test.stored {
				t.Errorf("Active = %v, %v", as, err)
			}
		})
	}
}

// An audit record that is all of a commit, as of a read, is written once though
// its answer is lost, and its own second try is not taken for another's record.
func TestCommit_LoneRecordWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	_, table := newTable(t, enginetest.Config(t))
	cfg := enginetest.Config(t)
	l := &line{HTTPClient: cfg.HTTPClient, fate: answerLost}
	cfg.HTTPClient = l
	s := store.New(dynamodb.NewFromConfig(cfg), table)
	announced(t, s)
	l.writes, l.broken = 0, 1
	c := clinic.Commit{Audit: []audit.Record{{ID: "read", Practice: "practice-1", At: noon}}}
	if err := s.Commit(t.Context(), c); err != nil || l.writes != 2 {
		t.Errorf("Commit = %v after %d writes", err, l.writes)
	}
	if err := s.Commit(t.Context(), c); err == nil || errors.Is(err, fault.Conflict) || errors.Is(err, fault.Busy) {
		t.Errorf("the same record again = %v, want an error of ours", err)
	}
	if ls, err := s.Log(t.Context(), "practice-1", "", end, 10); err != nil || len(ls) != 2 {
		t.Errorf("the log has %d records, %v; want both", len(ls), err)
	}
}

// A throttle is the connection to an engine that answers each BatchGetItem with some
// of its items and leaves the others unprocessed.
type throttle struct {
	aws.HTTPClient
	serves func(call, asked int) int // how many items of those asked for

	calls []time.Time
	weak  int // calls that asked for eventually consistent reads
}

type batch struct {
	RequestItems map[string]asked `json:"RequestItems"`
}

type asked struct {
	Keys           []map[string]any `json:"Keys"`
	ConsistentRead bool             `json:"ConsistentRead"`
}

func (l *throttle) Do(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetItem") {
		return l.HTTPClient.Do(r)
	}
	var in batch
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	l.calls = append(l.calls, time.Now()) //nolint:forbidigo // how long it waits, not what time it is
	left := map[string]asked{}
	for table, a := range in.RequestItems {
		if !a.ConsistentRead {
			l.weak++
		}
		n := l.serves(len(l.calls), len(a.Keys))
		left[table] = asked{Keys: a.Keys[n:]}
		in.RequestItems[table] = asked{a.Keys[:n], a.ConsistentRead}
		if n == 0 {
			b, err := json.Marshal(map[string]any{"Responses": map[string]any{}, "UnprocessedKeys": left})
			return reply(http.StatusOK, string(b)), err
		}
	}
	b, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	res, err := l.HTTPClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return nil, err
	}
	for table := range left {
		if len(left[table].Keys) > 0 {
			out["UnprocessedKeys"] = left
		}
	}
	b, err = json.Marshal(out)
	return reply(res.StatusCode, string(b)), err
}

// Items that DynamoDB leaves unprocessed are asked for again, not at once, and not
// for ever.
func TestBatchGet_Unprocessed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		serves func(call, asked int) int
		want   error
		calls  int
	}{
		{"one at a time", func(int, int) int { return 1 }, nil, 5},
		{"none at first", func(call, asked int) int {
			if call <= 3 {
				return 0
			}
			return asked
		}, nil, 4},
		{"none between one and the others, again and again", func(call, _ int) int { return call % 4 / 3 }, nil, 19},
		{"none ever", func(int, int) int { return 0 }, fault.Busy, 8},
		{"none after the first", func(call, _ int) int { return max(0, 2-call) }, fault.Busy, 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			healthy, table := newTable(t, enginetest.Config(t))
			s := store.New(healthy, table)
			var keys []string
			for n := range 5 {
				r := audit.Record{ID: fmt.Sprint("record-", n), Practice: "practice-1", At: noon}
				if err := s.Commit(t.Context(), clinic.Commit{Audit: []audit.Record{r}}); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range scan(t, healthy, table) {
				if i := itemOf(t, r); strings.HasPrefix(i.Key(), "AUDIT#") {
					keys = append(keys, i.Key())
				}
			}
			cfg := enginetest.Config(t)
			l := &throttle{HTTPClient: cfg.HTTPClient, serves: test.serves}
			cfg.HTTPClient = l
			items, err := store.New(dynamodb.NewFromConfig(cfg), table).Stored(t.Context(), keys)
			if !errors.Is(err, test.want) || test.want == nil && (err != nil || len(items) != 5) {
				t.Errorf("%d items, %v; want %v", len(items), err, test.want)
			}
			if len(l.calls) != test.calls || l.weak > 0 {
				t.Errorf("%d calls, want %d; %d asked for less than consistent reads", len(l.calls), test.calls, l.weak)
			}
			if waited := l.calls[len(l.calls)-1].Sub(l.calls[0]); test.want != nil && waited < 20*time.Millisecond {
				t.Errorf("all calls came within %s", waited)
			}
		})
	}
}

func TestBatchGet_UnprocessedEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	_, table := newTable(t, enginetest.Config(t))
	cfg := enginetest.Config(t)
	ctx, cancel := context.WithCancel(t.Context())
	l := &throttle{HTTPClient: cfg.HTTPClient, serves: func(call, _ int) int {
		if call == 2 {
			cancel()
		}
		return 0
	}}
	cfg.HTTPClient = l
	_, err := store.New(dynamodb.NewFromConfig(cfg), table).Stored(ctx, []string{"CASE#v/-"})
	if !errors.Is(err, context.Canceled) || len(l.calls) != 2 {
		t.Errorf("%d calls, %v", len(l.calls), err)
	}
}
