package template_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic"
	"evisit/pkg/store"
)

// A schema is what CreateTable and the template must agree on.
type schema struct {
	BillingMode            string
	AttributeDefinitions   []struct{ AttributeName, AttributeType string }
	KeySchema              []element
	GlobalSecondaryIndexes []struct {
		IndexName  string
		KeySchema  []element
		Projection struct{ ProjectionType string }
	}
	StreamSpecification struct{ StreamViewType string }
}

type element struct{ AttributeName, KeyType string }

// recorded is a client whose requests are kept by operation and answered as if
// the table were there.
func recorded(t *testing.T) (*dynamodb.Client, func(operation string) []byte) {
	t.Helper()
	var mu sync.Mutex
	bodies := map[string][]byte{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		mu.Lock()
		bodies[operation] = body
		mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if _, err := io.WriteString(w, `{"Table":{"TableStatus":"ACTIVE"}}`); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	db := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(srv.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return db, func(operation string) []byte {
		mu.Lock()
		defer mu.Unlock()
		return bodies[operation]
	}
}

func TestTable_AsTheStoreMakesIt(t *testing.T) {
	t.Parallel()
	db, request := recorded(t)
	if err := store.CreateTable(t.Context(), db, "evisit"); err != nil {
		t.Fatal(err)
	}
	var made, written schema
	into(t, request("CreateTable"), &made)
	if err := read(t).Decode("Table", &written); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(made, written); d != "" {
		t.Errorf("the table (-made +template):\n%s", d)
	}
}

func TestTable_EncryptedAndRecoverable(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	var table struct {
		DeletionProtectionEnabled        bool
		PointInTimeRecoverySpecification struct{ PointInTimeRecoveryEnabled bool }
		SSESpecification                 struct {
			SSEEnabled     bool
			KMSMasterKeyID string `json:"KMSMasterKeyId"`
		}
	}
	if err := tpl.Decode("Table", &table); err != nil {
		t.Fatal(err)
	}
	if !table.DeletionProtectionEnabled || !table.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled ||
		!table.SSESpecification.SSEEnabled || table.SSESpecification.KMSMasterKeyID != "DataKey.Arn" {
		t.Errorf("the table is not protected: %+v", table)
	}
	for _, id := range []string{"Table", "Documents", "DataKey"} {
		if r := tpl.Resources[id]; r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
			t.Errorf("%s goes with the stack: %q, %q", id, r.DeletionPolicy, r.UpdateReplacePolicy)
		}
	}
}

func TestTable_RowsExpireByAttributeOfStore(t *testing.T) {
	t.Parallel()
	db, request := recorded(t)
	ends := time.Date(2026, 3, 4, 17, 0, 0, 0, time.UTC)
	err := store.New(db, "evisit").Commit(t.Context(), clinic.Commit{Request: &clinic.Request{Key: "k", Input: "i", Result: "r", Ends: ends}})
	if err != nil {
		t.Fatal(err)
	}
	var put struct {
		Item map[string]struct{ N string }
	}
	into(t, request("PutItem"), &put)
	var table struct {
		TimeToLiveSpecification struct {
			AttributeName string
			Enabled       bool
		}
	}
	if err := read(t).Decode("Table", &table); err != nil {
		t.Fatal(err)
	}
	ttl := table.TimeToLiveSpecification
	if got := put.Item[ttl.AttributeName].N; !ttl.Enabled || got != "1772643600" {
		t.Errorf("rows expire by %+v, where the store wrote %q", ttl, got)
	}
}

func TestBucket_LockedPrivateAndTLSOnly(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	var bucket struct {
		VersioningConfiguration struct{ Status string }
		ObjectLockEnabled       bool
		BucketEncryption        struct {
			ServerSideEncryptionConfiguration []struct {
				ServerSideEncryptionByDefault struct{ SSEAlgorithm string }
			}
		}
		PublicAccessBlockConfiguration map[string]bool
	}
	if err := tpl.Decode("Documents", &bucket); err != nil {
		t.Fatal(err)
	}
	enc := bucket.BucketEncryption.ServerSideEncryptionConfiguration
	if bucket.VersioningConfiguration.Status != "Enabled" || !bucket.ObjectLockEnabled ||
		len(enc) != 1 || enc[0].ServerSideEncryptionByDefault.SSEAlgorithm != "aws:kms" {
		t.Errorf("the bucket is not protected: %+v", bucket)
	}
	want := map[string]bool{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}
	if d := cmp.Diff(want, bucket.PublicAccessBlockConfiguration); d != "" {
		t.Errorf("public access (-want +template):\n%s", d)
	}
	var policy struct {
		Bucket         string
		PolicyDocument struct {
			Statement []struct {
				Effect    string
				Condition map[string]map[string]string
			}
		}
	}
	if err := tpl.Decode("DocumentsPolicy", &policy); err != nil {
		t.Fatal(err)
	}
	st := policy.PolicyDocument.Statement
	if policy.Bucket != "Documents" || len(st) != 1 || st[0].Effect != "Deny" || st[0].Condition["Bool"]["aws:SecureTransport"] != "false" {
		t.Errorf("the bucket's policy: %+v", policy)
	}
}
