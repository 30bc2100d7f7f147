package engine_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/engine"
)

// parentEnv is the environment variable that makes this test binary a process that
// starts an engine, prints the engine's endpoint and waits to be killed.
const parentEnv = "ENGINE_TEST_PARENT_DB"

// visits is the table of the tests that need only one table.
const visits = "visits"

func TestMain(m *testing.M) {
	if db := os.Getenv(parentEnv); db != "" {
		// The process is to be killed, so that returning is always a failure.
		fmt.Fprintln(os.Stderr, parent(db))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func parent(db string) error {
	e, err := engine.Start(context.Background(), engine.Options{DB: db})
	if err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString(e.Endpoint() + "\n"); err != nil {
		return err
	}
	<-e.Done()
	return errors.New("the engine ended before its parent")
}

func start(t *testing.T, o engine.Options) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func createTable(t *testing.T, db *dynamodb.Client, name string) {
	t.Helper()
	_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            aws.String(name),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func item(pk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}}
}

// putTwo commits two items in one transaction.
func putTwo(t *testing.T, db *dynamodb.Client) {
	t.Helper()
	put := func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: aws.String(visits), Item: item(pk)}}
	}
	_, err := db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{put("a"), put("b")},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func countItems(t *testing.T, db *dynamodb.Client) int32 {
	t.Helper()
	out, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(visits), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Count
}

func TestStart_ServesUntilClose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		db   func(t *testing.T) string
	}{
		{"in memory", func(*testing.T) string { return "" }},
		{"on a file in a folder that does not exist yet", func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "new", "dynamo.db")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := start(t, engine.Options{DB: c.db(t)})
			db := dynamodb.NewFromConfig(e.Config())
			createTable(t, db, visits)
			putTwo(t, db)
			if got := countItems(t, db); got != 2 {
				t.Errorf("items = %d, want 2", got)
			}
			wantLoopbackOnly(t, e)
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			select {
			case <-e.Done():
			default:
				t.Error("Done is not closed after Close")
			}
			if answers(t, e.Endpoint()) {
				t.Error("the engine still answers after Close")
			}
		})
	}
}

func TestStart_DataSurvivesRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dynamo.db")
	first := start(t, engine.Options{DB: path})
	createTable(t, dynamodb.NewFromConfig(first.Config()), visits)
	putTwo(t, dynamodb.NewFromConfig(first.Config()))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, engine.Options{DB: path})
	if got := countItems(t, dynamodb.NewFromConfig(second.Config())); got != 2 {
		t.Errorf("items after the restart = %d, want 2", got)
	}
}

// Start adds the stream index to a file without the index, and keeps its items.
func TestStart_AddsMissingIndex(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dynamo.db")
	e := start(t, engine.Options{DB: path})
	createTable(t, dynamodb.NewFromConfig(e.Config()), visits)
	putTwo(t, dynamodb.NewFromConfig(e.Config()))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	onFile(t, path, func(db *sql.DB) error {
		_, err := db.ExecContext(t.Context(), "DROP INDEX evisit_stream_order")
		return err
	})

	e = start(t, engine.Options{DB: path})
	if got := countItems(t, dynamodb.NewFromConfig(e.Config())); got != 2 {
		t.Errorf("items = %d, want 2", got)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	onFile(t, path, func(db *sql.DB) error {
		var name string
		return db.QueryRowContext(t.Context(), "SELECT name FROM sqlite_schema WHERE name = 'evisit_stream_order'").Scan(&name)
	})
}

func onFile(t *testing.T, path string, do func(*sql.DB) error) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(db), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// An engine ends when its parent is killed, and committed items remain.
func TestStart_KilledParent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dynamo.db")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), parentEnv+"="+path)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	endpoint := strings.TrimSpace(line)
	db := dynamodb.NewFromConfig(engine.At(endpoint).Config())
	createTable(t, db, visits)
	putTwo(t, db)

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the parent ended well, want killed")
	}
	deadline := time.Now().Add(5 * time.Second)
	for answers(t, endpoint) {
		if time.Now().After(deadline) {
			t.Fatal("the engine outlives its killed parent")
		}
	}
	again := start(t, engine.Options{DB: path})
	if got := countItems(t, dynamodb.NewFromConfig(again.Config())); got != 2 {
		t.Errorf("items after the kill = %d, want 2", got)
	}
}

// wantLoopbackOnly sends a request to another address of the machine, where only a
// server that listens on all addresses answers.
func wantLoopbackOnly(t *testing.T, e *engine.Engine) {
	t.Helper()
	other := strings.Replace(e.Endpoint(), "127.0.0.1", "127.0.0.2", 1)
	if answers(t, other) {
		t.Errorf("the engine answers at %s, want %s only", other, e.Endpoint())
	}
}

func answers(t *testing.T, endpoint string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return true
}

// An engine that cannot start is an error of one line that names the cause.
func TestStart_Refuses(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	busy := filepath.Join(t.TempDir(), "dynamo.db")
	start(t, engine.Options{DB: busy})
	garbage := filepath.Join(t.TempDir(), "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	dies := filepath.Join(t.TempDir(), "dies")
	if err := os.WriteFile(dies, []byte("#!/bin/sh\necho no such luck\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		options engine.Options
		want    string
	}{
		{"a port in use", engine.Options{Port: port}, "port " + strconv.Itoa(port) + " is in use"},
		{"a database in use", engine.Options{DB: busy}, "is in use by another process"},
		{"a file that is no database", engine.Options{DB: garbage}, "file is not a database"},
		{"a missing binary", engine.Options{Binary: "/nowhere/dynoxide"}, "/nowhere/dynoxide"},
		{"a binary that ends at once", engine.Options{Binary: dies}, "no such luck"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, err := engine.Start(t.Context(), c.options)
			if err == nil {
				t.Fatal("the engine started, want an error", e.Close())
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %q, want one line with %q", err, c.want)
			}
		})
	}
}

// Engines that start concurrently all serve, on ports and tables of their own.
func TestStart_Concurrent(t *testing.T) {
	t.Parallel()
	const engines = 20
	endpoints := make(chan string, engines)
	t.Run("start", func(t *testing.T) {
		for range engines {
			t.Run("one", func(t *testing.T) {
				t.Parallel()
				e := start(t, engine.Options{})
				createTable(t, dynamodb.NewFromConfig(e.Config()), "same-name-everywhere")
				endpoints <- e.Endpoint()
			})
		}
	})
	if len(endpoints) != engines {
		t.Errorf("%d engines started, want %d", len(endpoints), engines)
	}
}
