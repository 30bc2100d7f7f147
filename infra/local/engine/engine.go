// Package engine starts and stops the database engines that stand in for
// DynamoDB on a laptop and in tests: dynoxide, and Amazon's DynamoDB Local as
// the second opinion. An engine is a child process on the loopback address; it
// ends with Close, and with us if we are killed.
//
// The package knows how to run an engine and how to reach it. Tables, rows and
// streams belong to whoever asked for it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Region is the one that local clients sign for. Engines keep tables apart by
// region, so everybody uses this one.
const Region = "us-east-1"

const (
	startTimeout = 30 * time.Second // Java on a busy machine; dynoxide needs milliseconds
	stopTimeout  = 10 * time.Second
	portTries    = 5
)

// Options say how an engine is run. The zero value is an engine in memory on a
// free port that logs nothing.
type Options struct {
	// DB is the database file; its folder is made if need be. Empty is memory,
	// which cannot be given the index that a file gets: a streamed write costs
	// more than on a file from the start, and three times as much once the
	// stream holds 5,000 records.
	DB string
	// Port is the one to listen on; 0 takes a free one.
	Port int
	// Binary is the dynoxide to run. Empty is EVISIT_DYNOXIDE, or else the one
	// that `make setup` installed.
	Binary string
	Log    *slog.Logger
}

// An Engine is a running engine, safe for concurrent use.
type Engine struct {
	endpoint string
	client   *http.Client
	child    *child // nil if the engine is not ours to stop
	unlock   func()
	close    sync.Once
	closeErr error
}

// Start runs the pinned dynoxide. A database file is first given the index
// that dynoxide lacks, whether it is new or left by an earlier run; a file
// left by a killed engine is recovered. ctx limits the start only.
func Start(ctx context.Context, o Options) (*Engine, error) {
	binary, err := findDynoxide(o.Binary)
	if err != nil {
		return nil, err
	}
	if o.DB == "" {
		return launch(ctx, o, dynoxide(binary, ""))
	}
	path, err := filepath.Abs(o.DB)
	if err != nil {
		return nil, fmt.Errorf("locating database %s: %w", o.DB, err)
	}
	unlock, err := lock(path)
	if err != nil {
		return nil, err
	}
	e, err := startFile(ctx, o, binary, path)
	if err != nil {
		unlock()
		return nil, err
	}
	e.unlock = unlock
	return e, nil
}

func startFile(ctx context.Context, o Options, binary, path string) (*Engine, error) {
	program := dynoxide(binary, path)
	if err := prepare(ctx, path, program); err != nil {
		return nil, fmt.Errorf("preparing database %s: %w", path, err)
	}
	return launch(ctx, o, program)
}

// StartAmazon runs Amazon's DynamoDB Local in memory; Options.DB and
// Options.Binary do not apply. It needs Java, and the jar that
// `npm ci --prefix infra/local/dynamodblocal` installs.
func StartAmazon(ctx context.Context, o Options) (*Engine, error) {
	program, err := amazon()
	if err != nil {
		return nil, err
	}
	return launch(ctx, o, program)
}

// At is an engine that somebody else runs, such as one named by
// DYNAMODB_ENDPOINT. Closing it does nothing to it.
func At(endpoint string) *Engine {
	return &Engine{endpoint: endpoint, client: newClient(), unlock: func() {}}
}

// Endpoint is the engine's base URL.
func (e *Engine) Endpoint() string { return e.endpoint }

// Config reaches this engine from any AWS client. Its credentials open nothing
// but a local engine.
func (e *Engine) Config() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(e.endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   e.client,
	}
}

// Done is closed when the engine has ended, by Close or by itself. For an
// engine that somebody else runs it is nil, and blocks for ever.
func (e *Engine) Done() <-chan struct{} {
	if e.child == nil {
		return nil
	}
	return e.child.done
}

// Close stops the engine and waits until it has ended. It may be called again.
func (e *Engine) Close() error {
	e.close.Do(func() {
		e.client.CloseIdleConnections()
		if e.child != nil {
			e.closeErr = e.child.stop(stopTimeout)
		}
		e.unlock()
	})
	return e.closeErr
}

// launch runs the program on the port asked for. Between choosing a free port
// and listening on it another process may take it; then another is chosen.
func launch(ctx context.Context, o Options, p program) (*Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for try := 1; ; try++ {
		port, err := choosePort(ctx, o.Port)
		if err != nil {
			return nil, err
		}
		c, err := run(ctx, p, port, o.Log)
		if errors.Is(err, errPortTaken) && o.Port == 0 && try < portTries {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("starting %s on port %d: %w", p.name, port, err)
		}
		return &Engine{
			endpoint: "http://" + address(port),
			client:   newClient(),
			child:    c,
			unlock:   func() {},
		}, nil
	}
}

func choosePort(ctx context.Context, want int) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address(want))
	if errors.Is(err, syscall.EADDRINUSE) {
		return 0, fmt.Errorf("port %d is in use: stop what listens there or choose another", want)
	}
	if err != nil {
		return 0, fmt.Errorf("choosing a port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("giving port %d to the engine: %w", port, err)
	}
	return port, nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// newClient keeps a connection for each of many concurrent callers: Go keeps
// two by default, and the rest would be opened anew for every request.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}}
}
