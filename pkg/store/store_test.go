package store_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/clinic"
	"evisit/pkg/store"
	"evisit/pkg/store/storetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func TestTheStoreKeepsItsContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) clinic.Store {
		t.Helper()
		db, table := newTable(t, enginetest.Config(t))
		return store.New(db, table)
	})
}

// newTable makes a table that is this test's own.
func newTable(t *testing.T, cfg aws.Config) (*dynamodb.Client, string) {
	t.Helper()
	db, table := dynamodb.NewFromConfig(cfg), enginetest.TableName()
	if err := store.CreateTable(t.Context(), db, table); err != nil {
		t.Fatal(err)
	}
	return db, table
}

func TestCreatingATableThatIsThereKeepsItsRows(t *testing.T) {
	t.Parallel()
	db, table := newTable(t, enginetest.Config(t))
	s := store.New(db, table)
	if err := s.Commit(t.Context(), clinic.Commit{Practice: &clinic.Practice{ID: "p"}}); err != nil {
		t.Fatal(err)
	}
	if err := store.CreateTable(t.Context(), db, table); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Practice(t.Context(), "p"); err != nil {
		t.Errorf("after creating the table again: %v", err)
	}
}
