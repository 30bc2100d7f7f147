package store_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/store"
	"evisit/pkg/store/storetest"
	"evisit/pkg/visit"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func TestStore_Contract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, store.Shards, func(t *testing.T) storetest.Store {
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

// A row is one of the table's, as the engine has it.
type row = map[string]types.AttributeValue

// scan returns every row of a table by its key.
func scan(t *testing.T, db *dynamodb.Client, table string) map[string]row {
	t.Helper()
	rows := map[string]row{}
	in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}
	for {
		out, err := db.Scan(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range out.Items {
			rows[text(i["pk"])+"/"+text(i["sk"])] = i
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return rows
		}
	}
}

func text(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 123_000_000, time.UTC)

// end is after every position of a record.
const end = "99991231T235959.999Z#~"

// logged is c with an audit record of a practice, whose id is of.
func logged(of, practice string, c clinic.Commit) clinic.Commit {
	c.Audit = append(c.Audit, audit.Record{ID: of, Practice: practice, At: noon})
	return c
}

func TestCreateTable_AgainKeepsItsRows(t *testing.T) {
	t.Parallel()
	db, table := newTable(t, enginetest.Config(t))
	s := store.New(db, table)
	v := visit.Start("visit-1", "practice-1", "patient-1", "person-1", visit.Form{Name: "uti"}, noon)
	if err := s.Commit(t.Context(), logged("record", v.Practice, clinic.Commit{Visit: &v})); err != nil {
		t.Fatal(err)
	}
	if err := store.CreateTable(t.Context(), db, table); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Visit(t.Context(), v.ID); err != nil {
		t.Errorf("after creating the table again: %v", err)
	}
}
