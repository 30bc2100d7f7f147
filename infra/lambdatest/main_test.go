package lambdatest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"evisit/infra/local/engine"
)

// What all tests share: one engine, and a folder with each function built once.
var (
	database *engine.Engine
	binaries string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if binaries, err = os.MkdirTemp("", "evisit-functions-"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(binaries)) }()
	database, err = engine.Start(context.Background(), engine.Options{DB: filepath.Join(binaries, "dynamo.db")})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	return m.Run(), nil
}
