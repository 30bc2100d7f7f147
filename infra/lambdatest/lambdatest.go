// Package lambdatest runs a function's real binary the way Lambda does: as a
// process with Lambda's environment and no other, fed by a Runtime API. It
// gives one invocation at a time and keeps what the process logs.
//
// It stands in for the service only as far as our functions see it: there are
// no extensions, no freezing between invocations, no limit on memory.
package lambdatest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// A Function is a running binary. Its methods may be called from several
// goroutines; invocations wait for one another.
type Function struct {
	cmd    *exec.Cmd
	server *http.Server
	output *output
	ended  chan struct{} // closed when the process has ended
	ready  chan struct{} // closed when it first asked for work
	asked  sync.Once

	turn sync.Mutex // one invocation at a time
	work chan *invocation

	mu        sync.Mutex
	current   *invocation // handed out and not answered
	initError []byte
	misuse    error // what the process did that the Runtime API forbids
}

// An invocation is one event on its way through the process.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	reply    chan Reply
}

// A Reply is what became of an invocation.
type Reply struct {
	Payload []byte
	Failed  bool // the handler returned an error, which Payload describes
}

// Start runs the binary with env besides what Lambda itself sets.
func Start(binary string, env map[string]string) (*Function, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving the runtime API: %w", err)
	}
	f := &Function{ended: make(chan struct{}), ready: make(chan struct{}), work: make(chan *invocation), output: new(output)}
	f.server = &http.Server{Handler: f.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(l) }() // ends by Close
	f.cmd = exec.Command(binary)          //nolint:noctx // the caller's own binary; it ends by Close
	f.cmd.Env = environment(binary, l.Addr().String(), env)
	f.cmd.Dir = filepath.Dir(binary)
	f.cmd.Stdout, f.cmd.Stderr = f.output, f.output
	if err := f.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", binary, err), f.server.Close())
	}
	go func() {
		_ = f.cmd.Wait() // ExitCode says how
		close(f.ended)
	}()
	return f, nil
}

// environment is what a function finds in Lambda (provided.al2023), and what
// the template adds. Nothing of ours leaks in.
func environment(binary, api string, env map[string]string) []string {
	all := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_LAMBDA_FUNCTION_NAME":        filepath.Base(filepath.Dir(binary)),
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":           "JSON",
		"AWS_EXECUTION_ENV":               "AWS_Lambda_provided.al2023",
		"AWS_REGION":                      "us-east-1",
		"AWS_DEFAULT_REGION":              "us-east-1",
		"AWS_ACCESS_KEY_ID":               "ASIATEST",
		"AWS_SECRET_ACCESS_KEY":           "test",
		"AWS_SESSION_TOKEN":               "test",
		"LAMBDA_TASK_ROOT":                filepath.Dir(binary),
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"_HANDLER":                        "bootstrap",
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"PATH":                            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
	}
	maps.Copy(all, env)
	list := make([]string, 0, len(all))
	for k, v := range all {
		list = append(list, k+"="+v)
	}
	return list
}

// timeout is how long an invocation may take; the template's longest.
const timeout = 50 * time.Second

var errEnded = errors.New("the process has ended")

// Invoke gives the process an event and returns what it replies. It fails if
// the process ends or asks for more work first. If ctx ends before the longest time
// of an invocation, that is the invocation's deadline.
func (f *Function) Invoke(ctx context.Context, event []byte) (Reply, error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	i := &invocation{id: rand.Text(), event: event, deadline: deadline, reply: make(chan Reply, 1)}
	select {
	case f.work <- i:
	case <-f.ended:
		return Reply{}, errEnded
	case <-ctx.Done():
		return Reply{}, fmt.Errorf("the process does not ask for work: %w", ctx.Err())
	}
	select {
	case r := <-i.reply:
		return r, f.misused()
	case <-f.ended:
		return Reply{}, errors.Join(errEnded, f.misused())
	case <-ctx.Done():
		return Reply{}, fmt.Errorf("invocation %s has no reply: %w", i.id, ctx.Err())
	}
}

// Ready is closed when the process has first asked for work: it has started.
func (f *Function) Ready() <-chan struct{} { return f.ready }

// Ended is closed when the process has ended.
func (f *Function) Ended() <-chan struct{} { return f.ended }

// ExitCode is how an ended process ended; -1 is by a signal, or not yet.
func (f *Function) ExitCode() int { return f.cmd.ProcessState.ExitCode() }

// InitError is what the process reported instead of starting; nil if it did
// not.
func (f *Function) InitError() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.initError
}

// Log is what the process has written so far; all of it once it has ended.
func (f *Function) Log() string { return f.output.text() }

// Signal sends the process a signal.
func (f *Function) Signal(s os.Signal) error { return f.cmd.Process.Signal(s) }

// Close kills the process, which Lambda does without warning, and waits until
// it has ended.
func (f *Function) Close() error {
	if err := f.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-f.ended
	return f.server.Close()
}

func (f *Function) misused() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.misuse
}

// routes is the Runtime API, as
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html describes it.
func (f *Function) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", f.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { f.answered(w, r, false) })
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { f.answered(w, r, true) })
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", f.failedToStart)
	return mux
}

func (f *Function) next(w http.ResponseWriter, r *http.Request) {
	f.asked.Do(func() { close(f.ready) })
	f.mu.Lock()
	if f.current != nil {
		f.misuse = fmt.Errorf("asked for work before answering %s", f.current.id)
		f.mu.Unlock()
		w.WriteHeader(http.StatusForbidden)
		return
	}
	f.mu.Unlock()
	select {
	case <-r.Context().Done():
	case i := <-f.work:
		f.mu.Lock()
		f.current = i
		f.mu.Unlock()
		head := w.Header()
		head.Set("Content-Type", "application/json")
		head.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		head.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		head.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:test")
		head.Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0")
		_, _ = w.Write(i.event) // if the process is gone, Ended says so
	}
}

// maxReply is Lambda's limit for a reply.
const maxReply = 6 << 20

func (f *Function) answered(w http.ResponseWriter, r *http.Request, failed bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReply))
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.misuse = fmt.Errorf("the reply cannot be taken: %w", err)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case f.current == nil || f.current.id != r.PathValue("id"):
		f.misuse = fmt.Errorf("answered %s, which was not asked", r.PathValue("id"))
		w.WriteHeader(http.StatusBadRequest)
	default:
		f.current.reply <- Reply{body, failed}
		f.current = nil
		w.WriteHeader(http.StatusAccepted)
	}
}

func (f *Function) failedToStart(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReply))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	f.mu.Lock()
	f.initError = body
	f.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// An output keeps what a process writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
