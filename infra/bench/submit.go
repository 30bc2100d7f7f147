package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/engine"
	"evisit/infra/local/issuer"
	"evisit/infra/local/seed"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/request"
	"evisit/pkg/intake"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/store"
)

const (
	rounds   = 5   // rounds of each server, alternating
	perRound = 300 // submissions of a round
	writers  = 4   // concurrent submissions
	table    = "bench"
)

// A workbench is the engine and the other services that both servers use.
type workbench struct {
	dir     string
	engine  *engine.Engine
	request *request.Room
	captors *captor
	issuer  *issuer.Issuer
	url     string // URL of the issuer
	token   string
}

func measureSubmit(ctx context.Context, log *slog.Logger) error {
	b, closeBench, err := openBench(ctx, log)
	if err != nil {
		return err
	}
	defer closeBench()
	fmt.Printf("preparing %d drafts of a free form, complete and quoted …\n", rounds*perRound+1)
	drafts, err := b.drafts(ctx, rounds*perRound+1)
	if err != nil {
		return err
	}
	shape, err := b.shape(ctx, drafts[0])
	if err != nil {
		return err
	}
	floor, err := b.child(ctx, "floor", shape)
	if err != nil {
		return err
	}
	defer floor.stop()
	api, err := b.child(ctx, "api", shape)
	if err != nil {
		return err
	}
	defer api.stop()
	for n := range rounds {
		batch := drafts[1+n*perRound : 1+(n+1)*perRound]
		if err := floor.round(ctx, "", batch); err != nil {
			return err
		}
		if err := api.round(ctx, b.token, batch); err != nil {
			return err
		}
	}
	report(floor, api, shape)
	return nil
}

func report(floor, api *child, s shape) {
	fmt.Printf("\nSubmit, %d writers at once, %d rounds of %d in turn; one read of %d rows and a transaction of %d items.\n", writers, rounds, perRound, len(s.Keys), len(s.Items))
	fmt.Printf("  %-22s %12s %9s %9s %14s\n", "", "per second", "p50 ms", "p99 ms", "own CPU ms")
	for _, c := range []*child{floor, api} {
		fmt.Printf("  %-22s %12.0f %9.2f %9.2f %14.3f\n", c.name, median(c.perSecond), c.quantile(50), c.quantile(99), median(c.cpu))
	}
	var throughput, cpu []float64
	for n := range rounds {
		throughput = append(throughput, api.perSecond[n]/floor.perSecond[n])
		cpu = append(cpu, api.cpu[n]/floor.cpu[n])
	}
	fmt.Printf("  ratio, round by round: throughput %.2f (aim ≥ 0.85), own CPU %.2f (aim ≤ 1.50)\n\n", median(throughput), median(cpu))
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	return s[len(s)/2]
}

func openBench(ctx context.Context, log *slog.Logger) (*workbench, func(), error) {
	dir, err := os.MkdirTemp("", "evisit-bench-")
	if err != nil {
		return nil, nil, err
	}
	b := &workbench{dir: dir, captors: &captor{}}
	stop := func() { _ = os.RemoveAll(dir) }
	if b.engine, err = engine.Start(ctx, engine.Options{DB: filepath.Join(dir, "dynamo.db"), Log: log}); err != nil {
		return nil, stop, err
	}
	stop = func() { _ = errors.Join(b.engine.Close(), os.RemoveAll(dir)) }
	if err := b.openIssuer(ctx, log); err != nil {
		return nil, stop, err
	}
	return b, stop, b.plant(ctx, log)
}

// plant makes the table and the cast, through the rooms of api.
func (b *workbench) plant(ctx context.Context, log *slog.Logger) error {
	parts, err := localParts(setup.Config{Table: table, Bucket: "bench", DynamoDB: b.engine.Endpoint()}, b.keyset(), log)
	if err != nil {
		return err
	}
	if err := store.CreateTable(ctx, dynamodb.NewFromConfig(parts.Database), table); err != nil {
		return err
	}
	parts.Database.APIOptions = append(parts.Database.APIOptions, b.captors.install)
	rooms, err := api.Rooms(ctx, parts)
	if err != nil {
		return err
	}
	b.request = rooms.Request
	cast := &office.Registrar{Kernel: rooms.Kernel, Store: parts.Store(), Seal: rooms.Charts.SealContact}
	return seed.Plant(ctx, cast, b.url, seed.Accounts)
}

func (b *workbench) keyset() string { return filepath.Join(b.dir, "keyset.json") }

func (b *workbench) openIssuer(ctx context.Context, log *slog.Logger) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.url = "http://" + l.Addr().String() + "/issuer"
	b.issuer, err = issuer.New(issuer.Options{
		URL: b.url, Audience: "bench", ClientID: "bench", Now: time.Now, Log: log,
		People: func(context.Context) []issuer.Person { return nil },
	})
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(l, b.issuer) }() //nolint:gosec // ends with the process
	b.token, err = b.issuer.Token(patient, time.Hour)
	return err
}

const patient = "jane-smith"

// A draft is a visit that is ready to be submitted.
type draft struct{ visit, quote string }

// who is the patient as a request names them: by the proof of a token.
func (b *workbench) who() clinic.Caller {
	return clinic.Caller{Proof: clinic.Proof{Issuer: b.url, Subject: patient}}
}

func (b *workbench) drafts(ctx context.Context, n int) ([]draft, error) {
	out := make([]draft, n)
	failures := make([]error, writers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && failures[w] == nil; i = next.Add(1) - 1 {
				out[i], failures[w] = b.draft(ctx)
			}
		})
	}
	wg.Wait()
	return out, errors.Join(failures...)
}

func (b *workbench) draft(ctx context.Context) (draft, error) {
	v, err := b.request.Start(ctx, b.who(), "medication-refill", "", "")
	if err != nil {
		return draft{}, err
	}
	page, err := intake.ParseResponse([]byte(refill))
	if err != nil {
		return draft{}, err
	}
	if _, err := b.request.SavePage(ctx, b.who(), v.ID, 0, request.Answers(page)); err != nil {
		return draft{}, err
	}
	o, err := b.request.Quote(ctx, b.who(), v.ID)
	return draft{v.ID, o.Quote.ID}, err
}

// shape submits one draft and keeps what it read and sent.
func (b *workbench) shape(ctx context.Context, d draft) (shape, error) {
	b.captors.wanted.Store(true)
	_, err := b.request.Submit(ctx, b.who(), d.visit, request.Submission{Quote: d.quote})
	b.captors.wanted.Store(false)
	if err != nil {
		return shape{}, err
	}
	if len(b.captors.reads) != 1 || len(b.captors.writes) != 1 {
		return shape{}, fmt.Errorf("a submission takes %d reads and %d transactions, and the floor one of each", len(b.captors.reads), len(b.captors.writes))
	}
	var out shape
	want := b.captors.reads[0].RequestItems[table]
	out.Consistent = *want.ConsistentRead
	for _, k := range want.Keys {
		pk, sk := text(k["pk"]), text(k["sk"])
		out.Keys = append(out.Keys, rowKey{strings.Replace(pk, d.visit, visitMark, 1), sk})
	}
	for _, w := range b.captors.writes[0].TransactItems {
		if w.Put == nil {
			return shape{}, errors.New("a submission does more than put")
		}
		out.Items = append(out.Items, shapeOf(w.Put))
	}
	return out, nil
}

func shapeOf(p *types.Put) itemShape {
	s := itemShape{Texts: map[string]string{}, Numbers: map[string]string{}, Bytes: map[string][]byte{}, Conditional: p.ConditionExpression != nil}
	for k, v := range p.Item {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			s.Texts[k] = v.Value
		case *types.AttributeValueMemberN:
			s.Numbers[k] = v.Value
		case *types.AttributeValueMemberB:
			s.Bytes[k] = v.Value
		}
	}
	return s
}

func text(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	return s.Value
}

// A captor keeps the calls that a client makes of one caller while they are
// wanted.
type captor struct {
	wanted atomic.Bool
	reads  []*dynamodb.BatchGetItemInput
	writes []*dynamodb.TransactWriteItemsInput
}

func (c *captor) install(s *middleware.Stack) error {
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("captor", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		if c.wanted.Load() {
			switch p := in.Parameters.(type) {
			case *dynamodb.BatchGetItemInput:
				c.reads = append(c.reads, p)
			case *dynamodb.TransactWriteItemsInput:
				c.writes = append(c.writes, p)
			}
		}
		return next.HandleInitialize(ctx, in)
	}), middleware.After)
}

// A child is the process of a measured server.
type child struct {
	name      string
	cmd       *exec.Cmd
	url       string
	client    *http.Client
	perSecond []float64
	cpu       []float64 // the child's CPU milliseconds per request
	took      []time.Duration
}

func (b *workbench) child(ctx context.Context, name string, shape shape) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s, err := json.Marshal(shape)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, name) //nolint:gosec // the program is this executable
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GOGC=400", "BENCH_SHAPE="+string(s), "BENCH_KEYSET="+b.keyset(), "EVISIT_TABLE="+table,
		"DYNAMODB_ENDPOINT="+b.engine.Endpoint(), "EVISIT_BUCKET=bench", "S3_ENDPOINT=http://127.0.0.1:1", "EVISIT_PAGES=http://127.0.0.1:1",
		"STRIPE_SECRET_KEY=sk_test_unused", "STRIPE_API_BASE=http://127.0.0.1:1",
		"EVISIT_LOG_ORIGIN=bench", "EVISIT_LOG_PUBLIC="+base64.StdEncoding.EncodeToString(make([]byte, ed25519.PublicKeySize)),
		"OIDC_ISSUER="+b.url, "OIDC_JWKS_URL="+b.issuer.JWKSURL(), "OIDC_AUDIENCE=bench")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	names := map[string]string{"floor": "bare handler", "api": "POST …/submit"}
	go func() { _, _ = io.Copy(io.Discard, out) }() // writing the request log is part of the measured work
	return &child{
		name: names[name], cmd: cmd, url: strings.TrimSpace(line),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: writers}},
	}, nil
}

func (c *child) stop() { _ = errors.Join(c.cmd.Process.Kill(), c.cmd.Wait()) }

// round submits a batch and records its time and the child's CPU time.
func (c *child) round(ctx context.Context, token string, batch []draft) error {
	before, err := c.used()
	if err != nil {
		return err
	}
	began := time.Now()
	took := make([]time.Duration, len(batch))
	failures := make([]error, writers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(batch)) && failures[w] == nil; i = next.Add(1) - 1 {
				at := time.Now()
				failures[w] = c.submit(ctx, token, batch[i])
				took[i] = time.Since(at)
			}
		})
	}
	wg.Wait()
	all := time.Since(began)
	after, err := c.used()
	if err := errors.Join(append(failures, err)...); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	c.took = append(c.took, took...)
	c.perSecond = append(c.perSecond, float64(len(batch))/all.Seconds())
	c.cpu = append(c.cpu, float64((after-before).Microseconds())/1000/float64(len(batch)))
	return nil
}

func (c *child) submit(ctx context.Context, token string, d draft) error {
	body := `{"quote":"` + d.quote + `","accept_fee":true,"accept_consent":true}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/visits/"+d.visit+"/submit", bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || !bytes.Contains(b, []byte(`"queued"`))) {
		return fmt.Errorf("submit answered %s: %s", res.Status, b)
	}
	return err
}

func (c *child) quantile(q int) float64 {
	s := slices.Sorted(slices.Values(c.took))
	return float64(s[min(len(s)*q/100, len(s)-1)].Microseconds()) / 1000
}

// used returns the child's CPU time so far, the sum over its threads. No time is lost
// with a thread, because Go's threads do not end.
func (c *child) used() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", c.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return 0, errors.Join(err, errors.New("there is no /proc to measure by"))
	}
	var sum time.Duration
	for _, t := range threads {
		b, err := os.ReadFile(t) //nolint:gosec // the path is in /proc
		if err != nil {
			return 0, err
		}
		on, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(on, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}
