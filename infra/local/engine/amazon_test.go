//go:build amazon

package engine_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/infra/local/engine"
)

// The tests of DynamoDB Local run in CI only, with -tags amazon, because they need
// Java and npm packages that developers need for nothing else.

func TestStartAmazon_ServesUntilClose(t *testing.T) {
	t.Parallel()
	e := startAmazon(t)
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
	if answers(t, e.Endpoint()) {
		t.Error("the engine still answers after Close")
	}
}

func TestStream_AmazonEveryRecordInOrder(t *testing.T) {
	t.Parallel()
	testStream(t, startAmazon(t))
}

func startAmazon(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.StartAmazon(t.Context(), engine.Options{})
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
