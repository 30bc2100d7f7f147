package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"evisit/infra/demo/proof"
	"evisit/infra/local/engine"
	"evisit/infra/local/files"
	"evisit/infra/local/system"
	"evisit/pkg/setup"
)

// A world is a system whose database and files the test can change directly.
type world struct {
	url string
	db  *dynamodb.Client
	s3  *s3.Client
}

const table, bucket = "evisit", "evisit"

func newWorld(t *testing.T) world {
	t.Helper()
	dir := t.TempDir()
	e, err := engine.Start(t.Context(), engine.Options{DB: dir + "/dynamo.db"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closing(t, e.Close))
	objects, err := files.Handler(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closing(t, objects.Close))
	srv := httptest.NewServer(objects)
	t.Cleanup(srv.Close)
	sys, err := system.Start(context.WithoutCancel(t.Context()), system.Options{
		Addr: "127.0.0.1:0", Data: dir + "/system", Log: slog.New(slog.DiscardHandler),
		SweepEvery: 24 * time.Hour, // else a sweep between change and proof signs a log anew
		Config:     setup.Config{DynamoDB: e.Endpoint(), S3: srv.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closing(t, sys.Close))
	return world{sys.URL, dynamodb.NewFromConfig(e.Config()), s3.NewFromConfig(aws.Config{
		Region: engine.Region, BaseEndpoint: aws.String(srv.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, func(o *s3.Options) { o.UsePathStyle = true })}
}

func closing(t *testing.T, f func() error) func() {
	t.Helper()
	return func() {
		if err := f(); err != nil {
			t.Error(err)
		}
	}
}

func TestDemo_WholeIsProved(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), "", t.Output()); err != nil {
		t.Fatal(err)
	}
}

func TestDemo_TamperingIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claim, err := play(t.Context(), newClient(&http.Transport{DisableKeepAlives: true}), w.url, t.Output(), []scenario{
		{"answered", askedBack}, {"answered elsewhere", foreignPractice}, {"expired", nobodyAnswers},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := prove(t.Context(), claim, t.Output()); err != nil {
		t.Fatal(err)
	}
	for _, tc := range tamperings {
		t.Run(tc.name, func(t *testing.T) { w.finds(t, claim, tc) })
	}
	t.Run("a read that is not in the trail", func(t *testing.T) {
		more := claim
		more.Reads = append(more.Reads[:len(more.Reads):len(more.Reads)], proof.Read{Actor: "ben-chen", Visit: claim.Reads[0].Visit, What: "chart"})
		wantFinding(t, more, "ben-chen read the chart")
	})
	documents := w.documents(t)
	for name, content := range map[string]*string{"a missing document": nil, "an exchanged document": &documents[1].content} {
		t.Run(name, func(t *testing.T) {
			w.store(t, documents[0].key, content)
			defer w.store(t, documents[0].key, &documents[0].content)
			wantFinding(t, claim, "its document is not to be had")
		})
	}
	t.Run("nothing is found after the changes are undone", func(t *testing.T) {
		if err := prove(t.Context(), claim, t.Output()); err != nil {
			t.Error(err)
		}
	})
}

// A month is proved, and whatever of its money is altered is found.
func TestMonth_TamperingIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const days = 6 // cards, a membership, a payout and a refund
	_, claim, err := live(t.Context(), w.url, t.Output(), days)
	if err != nil {
		t.Fatal(err)
	}
	if err := prove(t.Context(), claim, t.Output()); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []tampering{
		{"a deleted payout", "MONEY#", `"status":"paid"`, remove, "payouts: the ledger says $0.00, Stripe $200.00"},
		{"a deleted entry of a payout", "MONEY#", `"account":"bank"`, remove, "the page has of payout"},
		{"a deleted yearly fee", "MONEY#", `"kind":"membership_fee"`, remove, "collected $350.00 more than its entries say"},
		{"a deleted comparison", "MONEY#days", `"transactions":2`, remove, "movements were compared; Stripe has"},
	} {
		t.Run(tc.name, func(t *testing.T) { w.finds(t, claim, tc) })
	}
}

type item = map[string]types.AttributeValue

// A tampering is a change in the database of the first row whose key begins with pk and
// whose record contains has. If alter returns nil, the row is removed.
type tampering struct {
	name    string
	pk, has string
	alter   func(item) item
	finding string
}

var tamperings = []tampering{
	{"a deleted ledger entry", "MONEY#", `"kind":"capture"`, remove, "its ledger is not to be had"},
	{"a cent less of what Stripe took", "MONEY#", `{"account":"stripe_fees","amount":146}`, swap(
		`{"account":"stripe_fees","amount":146},{"account":"stripe","amount":-146}`,
		`{"account":"stripe_fees","amount":145},{"account":"stripe","amount":-145}`), "its ledger is not to be had"},
	{"a cent added to one side of an entry", "MONEY#", `{"account":"visit_fees","amount":-4000}`, swap(`{"account":"visit_fees","amount":-4000}`, `{"account":"visit_fees","amount":-4001}`), "its ledger is not to be had"},
	{"a cent moved on both sides of an entry", "MONEY#", `{"account":"visit_fees","amount":-4000}`, swap(
		`{"account":"stripe","amount":4000},{"account":"visit_fees","amount":-4000}`,
		`{"account":"stripe","amount":3999},{"account":"visit_fees","amount":-3999}`), "its ledger is not to be had"},
	{"a cent added to what a payment collected", "MONEY#", `"c":4000`, swap(`"c":4000`, `"c":4001`), "its ledger is not to be had"},
	{"a captured payment called released", "MONEY#", `"s":"captured"`, swap(`"s":"captured"`, `"s":"released"`), "Stripe says succeeded"},
	{"another document's hash in a visit", "CASE#", `"d":"`, swap(`"d":"`, `"d":"AAAA`), "its document is not to be had"},
	{"an answered visit called declined", "CASE#", `"s":"closed"`, swap(`"s":"closed"`, `"s":"declined"`), "is declined and"},
	{"a deleted visit", "CASE#", `"s":"closed"`, remove, "which no patient has"},
	{"a visit put back in the queue", "CASE#", `"s":"expired"`, swap(`"s":"expired"`, `"s":"queued"`), "is still queued"},
	{"another reader in an audit record", "AUDIT#lakeside", `"chart.read:chart"`, swap(`"id":"ana-rivera"`, `"id":"sam-lee"`, `"id":"ben-chen"`, `"id":"sam-lee"`, `"id":"jane-smith"`, `"id":"sam-lee"`), "leaves come to"},
	{"a deleted audit record", "AUDIT#lakeside", `"visit.treat:answered"`, remove, "and it has"},
	{"another checkpoint", "LOG#lakeside", ``, swap(`"checkpoint":"evisit`, `"checkpoint":"fvisit`), "its checkpoint is not signed"},
}

func remove(item) item { return nil }

// swap replaces the first of the old texts that the row contains.
func swap(oldNew ...string) func(item) item {
	return func(row item) item {
		out := item{}
		for name, v := range row {
			out[name] = v
		}
		d := text(row)
		for i := 0; i < len(oldNew); i += 2 {
			if strings.Contains(d, oldNew[i]) {
				out["d"] = &types.AttributeValueMemberS{Value: strings.Replace(d, oldNew[i], oldNew[i+1], 1)}
				break
			}
		}
		return out
	}
}

func text(row item) string {
	d, _ := row["d"].(*types.AttributeValueMemberS)
	if d == nil {
		return ""
	}
	return d.Value
}

func (w world) finds(t *testing.T, claim proof.Claim, tc tampering) {
	t.Helper()
	row := w.find(t, tc.pk, tc.has)
	altered := tc.alter(row)
	if altered != nil && text(altered) == text(row) && len(altered) == len(row) {
		t.Fatalf("the row was not altered: %s", text(row))
	}
	w.put(t, row, altered)
	defer w.put(t, row, row)
	wantFinding(t, claim, tc.finding)
}

func wantFinding(t *testing.T, claim proof.Claim, want string) {
	t.Helper()
	report, err := proof.Check(t.Context(), claim)
	if err != nil {
		t.Fatalf("with %q expected: %v", want, err)
	}
	if !strings.Contains(strings.Join(report.Findings(), "\n"), want) {
		t.Errorf("nothing found with %q:\n%s", want, report)
	}
}

// find returns the first row whose key begins with pk and whose record contains has.
func (w world) find(t *testing.T, pk, has string) item {
	t.Helper()
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: aws.String(table)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Items {
			key, _ := row["pk"].(*types.AttributeValueMemberS)
			if strings.HasPrefix(key.Value, pk) && strings.Contains(text(row), has) {
				return row
			}
		}
	}
	t.Fatalf("no row of %s has %s", pk, has)
	return nil
}

// put replaces the row was by row, or removes it if row is nil.
func (w world) put(t *testing.T, was, row item) {
	t.Helper()
	var err error
	if row == nil {
		_, err = w.db.DeleteItem(context.WithoutCancel(t.Context()), &dynamodb.DeleteItemInput{TableName: aws.String(table), Key: item{"pk": was["pk"], "sk": was["sk"]}})
	} else {
		_, err = w.db.PutItem(context.WithoutCancel(t.Context()), &dynamodb.PutItemInput{TableName: aws.String(table), Item: row})
	}
	if err != nil {
		t.Fatal(err)
	}
}

type object struct{ key, content string }

// documents lists every stored document in order of key, in which the documents of one
// visit are adjacent.
func (w world) documents(t *testing.T) []object {
	t.Helper()
	listed, err := w.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String("documents/")})
	if err != nil || len(listed.Contents) != 4 {
		t.Fatalf("%d documents and addenda, want 4: %v", len(listed.Contents), err)
	}
	var out []object
	for _, o := range listed.Contents {
		got, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: o.Key})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, object{*o.Key, string(b)})
	}
	return out
}

// store writes a document, or removes it if content is nil.
func (w world) store(t *testing.T, key string, content *string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	var err error
	if content == nil {
		_, err = w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key})
	} else {
		_, err = w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(*content)})
	}
	if err != nil {
		t.Fatal(err)
	}
}
