package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/engine"
	"evisit/pkg/seal"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/vault"
)

// serve serves h on a free port, which it prints, until it is told to end. If there is a
// BENCH_PROFILE, it writes a CPU profile into that folder.
func serve(ctx context.Context, name string, h http.Handler) (err error) {
	if dir := os.Getenv("BENCH_PROFILE"); dir != "" {
		f, err := os.Create(filepath.Join(dir, name+".prof")) //nolint:gosec // a folder of the caller's
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer func() {
			pprof.StopCPUProfile()
			err = errors.Join(err, f.Close())
		}()
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveAPI serves the function api, built by setup, with the log that it has in
// production.
func serveAPI(ctx context.Context) error {
	parts, err := childParts(setup.NewLog())
	if err != nil {
		return err
	}
	h, err := api.Handler(parts)
	if err != nil {
		return err
	}
	return serve(ctx, "api", h)
}

// childParts are those of a child, from its environment.
func childParts(log *slog.Logger) (setup.Parts, error) {
	cfg, err := setup.Load(os.Getenv)
	if err != nil {
		return setup.Parts{}, err
	}
	return localParts(cfg, os.Getenv("BENCH_KEYSET"), log)
}

// localParts are those of a function on local services. Nothing that is measured
// reaches mail.
func localParts(cfg setup.Config, keyset string, log *slog.Logger) (setup.Parts, error) {
	sealer, err := seal.File(keyset)
	return setup.Parts{
		Config: cfg, Now: time.Now, Log: log,
		Database: engine.At(cfg.DynamoDB).Config(), PathStyle: true,
		Objects: aws.Config{
			Region: engine.Region, BaseEndpoint: aws.String(cfg.S3), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		},
		Secret: func(_ context.Context, name string) ([]byte, error) { return json.Marshal(secretsOfBench[name]) },
		Sealer: func(context.Context) (vault.Sealer, error) { return sealer, nil },
	}, err
}

// secretsOfBench are those of a server that is measured: nothing is in front, and
// nothing calls Stripe.
var secretsOfBench = map[string]any{
	secret.API: secret.Stripe{Key: "sk_test_unused"}, secret.Origin: secret.Front{Accepted: secret.NoFront},
}

// A recording is what the system did and replied to an ask.
type recording struct {
	about  draft
	names  []string // of its calls
	calls  []any
	status int
	kind   string // of the reply's content
	body   []byte // as long as the reply
}

// serveFloor serves the least that handlers can do for the asks in BENCH_ASKS. Under
// /floor it reads the request, makes the calls that the system makes for it and replies
// with as many bytes; under /bare it makes of the calls only those that write.
func serveFloor(ctx context.Context, log *slog.Logger) error {
	var asks []ask
	if err := json.Unmarshal([]byte(os.Getenv("BENCH_ASKS")), &asks); err != nil {
		return err
	}
	parts, err := childParts(log)
	if err != nil {
		return err
	}
	p := &player{
		db: dynamodb.NewFromConfig(parts.Database), table: floorTable,
		objects: s3.NewFromConfig(parts.Objects, func(o *s3.Options) { o.UsePathStyle = true }),
	}
	recordings, err := record(ctx, parts, asks)
	if err != nil {
		return err
	}
	calls := map[string][]string{}
	mux := http.NewServeMux()
	for name, r := range recordings {
		calls[name] = r.names
		mux.Handle("/floor/"+name, p.handler(r, func(any) bool { return true }))
		mux.Handle("/bare/"+name, p.handler(r, writes))
	}
	mux.HandleFunc("/calls", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(calls) })
	return serve(ctx, "floor", mux)
}

// record asks the system itself, each twice: the first time reads what a process reads
// once, and a page that was not seen before writes that it was.
func record(ctx context.Context, parts setup.Parts, asks []ask) (map[string]recording, error) {
	t := &tape{}
	parts.Database.APIOptions = append(parts.Database.APIOptions, t.install)
	parts.Objects.APIOptions = []func(*middleware.Stack) error{t.install}
	h, err := api.Handler(parts)
	if err != nil {
		return nil, err
	}
	out := map[string]recording{}
	for _, a := range asks {
		if a.Method == http.MethodGet {
			a = a.first(1)
		}
		for n := range 2 {
			r, err := a.request(ctx, "http://bench", n)
			if err != nil {
				return nil, err
			}
			t.take()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != a.Status {
				return nil, fmt.Errorf("%s answered %d: %s", r.URL.Path, w.Code, w.Body)
			}
			rec := recording{about: a.about(n), status: w.Code, kind: w.Header().Get("Content-Type"), body: bytes.Repeat([]byte("x"), w.Body.Len())}
			rec.names, rec.calls = t.take()
			out[a.Name] = rec
		}
	}
	return out, nil
}

// handler serves one ask with those of its calls that are wanted.
func (p *player) handler(rec recording, wanted func(call any) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := parse(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		visit := r.URL.Query().Get("visit")
		for _, c := range rec.calls {
			if !wanted(c) {
				continue
			}
			if err := p.play(r.Context(), c, rec.about.Visit, visit); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		w.Header().Set("Content-Type", rec.kind)
		w.WriteHeader(rec.status)
		_, _ = w.Write(rec.body)
	}
}

// parse reads a request's body, which the barest handler must.
func parse(r *http.Request) error {
	if !strings.HasSuffix(r.Header.Get("Content-Type"), "json") {
		return r.ParseForm()
	}
	var in struct {
		Quote         string `json:"quote"`
		AcceptFee     bool   `json:"accept_fee"`
		AcceptConsent bool   `json:"accept_consent"`
	}
	return json.NewDecoder(r.Body).Decode(&in)
}
