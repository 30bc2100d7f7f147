// Package enginetest runs one database engine for all tests of a package. Each test
// makes a table with a name of its own, so that tests can run in parallel and have
// nothing to clean up.
package enginetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"evisit/infra/local/engine"
)

var shared *engine.Engine

// Main starts an engine and runs the tests of a package; call Main from the package's
// TestMain. The engine is the one at DYNAMODB_ENDPOINT if that is set, or else
// dynoxide on a file in a temporary folder. Without an engine the tests fail; they
// are never skipped.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "evisit-engine-")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared, err = open(dir)
	if err != nil {
		return fail(err)
	}
	defer func() {
		if err := shared.Close(); err != nil {
			code = fail(err)
		}
	}()
	return m.Run()
}

func open(dir string) (*engine.Engine, error) {
	if endpoint := os.Getenv("DYNAMODB_ENDPOINT"); endpoint != "" {
		return engine.At(endpoint), nil
	}
	return engine.Start(context.Background(), engine.Options{DB: dir + "/dynamo.db"})
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "enginetest:", err)
	return 1
}

// Config returns the configuration of an AWS client of the package's engine.
func Config(t testing.TB) aws.Config {
	t.Helper()
	if shared == nil {
		t.Fatal("enginetest: no engine: call enginetest.Main from the package's TestMain")
	}
	return shared.Config()
}

// TableName returns a table name that no other test uses, in this process or in
// another process with the same engine.
func TableName() string { return "test-" + rand.Text() }
