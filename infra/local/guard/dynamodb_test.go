package guard_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/guard"
	"evisit/infra/template"
)

func desk(t testing.TB, log *slog.Logger) *guard.Guard {
	t.Helper()
	tpl, err := template.Read("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return guard.New(tpl, "desk", log)
}

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func key(pk string) item { return item{"pk": str(pk), "sk": str("-")} }

// row is a row under pk with more attributes, none of which is a text.
func row(pk string, more ...string) item {
	i := key(pk)
	for _, name := range more {
		i[name] = &types.AttributeValueMemberN{Value: "1"}
	}
	return i
}

// put, update, check and remove are parts of a transaction.
func put(i item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: table, Item: i}}
}

func update(pk, expression string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{TableName: table, Key: key(pk), UpdateExpression: &expression}}
}

func check(pk string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key(pk), ConditionExpression: aws.String("attribute_exists(pk)")}}
}

func remove(pk string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: table, Key: key(pk)}}
}

func transaction(parts ...types.TransactWriteItem) any {
	return &dynamodb.TransactWriteItemsInput{TransactItems: parts}
}

func query(index *string, condition string, names map[string]string, value string) any {
	return &dynamodb.QueryInput{
		TableName: table, IndexName: index, KeyConditionExpression: &condition, ExpressionAttributeNames: names,
		ExpressionAttributeValues: item{":p": str(value), ":s": str("MSG#")},
	}
}

func rearm(expression, condition string, names map[string]string) any {
	in := &dynamodb.UpdateItemInput{TableName: table, Key: key("OUTBOX#e1"), UpdateExpression: &expression, ExpressionAttributeNames: names}
	if condition != "" {
		in.ConditionExpression = &condition
	}
	return in
}

var (
	table = aws.String("evisit")
	queue = aws.String("queue")
)

// calls are the calls of a desk, and what it is refused; empty is allowed.
var calls = []struct {
	name   string
	in     any
	denied string
}{
	{"get", &dynamodb.GetItemInput{TableName: table, Key: key("CASE#v1")}, ""},
	{"get foreign row", &dynamodb.GetItemInput{TableName: table, Key: key("CHART#v1")}, "dynamodb:GetItem on Table.Arn of [CHART]"},
	{"get word without mark", &dynamodb.GetItemInput{TableName: table, Key: key("CASE")}, "dynamodb:GetItem on Table.Arn of [CASE]"},
	{"get numeric key", &dynamodb.GetItemInput{TableName: table, Key: item{"pk": &types.AttributeValueMemberN{Value: "1"}}}, "dynamodb:GetItem on Table.Arn"},
	{"batch", batch("CASE#v1", "MONEY#p1"), ""},
	{"batch with foreign row", batch("CASE#v1", "CHART#v1"), "dynamodb:BatchGetItem on Table.Arn of [CASE CHART]"},
	{"query", query(nil, "pk = :p AND begins_with(sk, :s)", nil, "CASE#v1"), ""},
	{"query sort key first", query(nil, "sk = :s AND pk = :p", nil, "CASE#v1"), ""},
	{"query foreign rows", query(nil, "pk = :p", nil, "AUDIT#lakeside"), "dynamodb:Query on Table.Arn of [AUDIT]"},
	{"query foreign rows, sort key first", query(nil, "sk = :s AND pk = :p", nil, "AUDIT#lakeside"), "dynamodb:Query on Table.Arn of [AUDIT]"},
	{"query without partition key", query(nil, "sk = :p", nil, "CASE#v1"), "dynamodb:Query on Table.Arn"},
	{"query index", query(queue, "#q = :p", map[string]string{"#q": "queue"}, "practices"), ""},
	{"query foreign name of index", query(queue, "#q = :p", map[string]string{"#q": "queue"}, "lakeside#md"), "dynamodb:Query on ${Table.Arn}/index/queue of [lakeside]"},
	{"query table's key in index", query(queue, "pk = :p", nil, "practices"), "dynamodb:Query on ${Table.Arn}/index/queue"},
	{"query another index", query(aws.String("mine"), "mine = :p", nil, "practices"), "dynamodb:Query on ${Table.Arn}/index/mine"},
	{"put", &dynamodb.PutItemInput{TableName: table, Item: row("CASE#v1", "d")}, ""},
	{"put foreign row", &dynamodb.PutItemInput{TableName: table, Item: row("MONEY#p1", "d")}, "dynamodb:PutItem on Table.Arn of [MONEY]"},
	{"put own event", &dynamodb.PutItemInput{TableName: table, Item: row("OUTBOX#desk.e1", "d")}, ""},
	{"put another's event", &dynamodb.PutItemInput{TableName: table, Item: row("OUTBOX#charge.e1", "d")}, "dynamodb:PutItem on Table.Arn of [OUTBOX]"},
	{"put allowed attributes", &dynamodb.PutItemInput{TableName: table, Item: row("SHEET#1", "text")}, ""},
	{"put another attribute", &dynamodb.PutItemInput{TableName: table, Item: row("SHEET#1", "text", "d")}, "dynamodb:PutItem on Table.Arn of [SHEET]"},
	{
		"put on another attribute",
		&dynamodb.PutItemInput{TableName: table, Item: row("SHEET#1"), ConditionExpression: aws.String("attribute_not_exists(d)")},
		"dynamodb:PutItem on Table.Arn of [SHEET]",
	},
	{"get without projection", &dynamodb.GetItemInput{TableName: table, Key: key("WHO#1")}, "dynamodb:GetItem on Table.Arn of [WHO]"},
	{"get allowed attributes", &dynamodb.GetItemInput{TableName: table, Key: key("WHO#1"), ProjectionExpression: aws.String("name, name_sort")}, ""},
	{"get another attribute", &dynamodb.GetItemInput{TableName: table, Key: key("WHO#1"), ProjectionExpression: aws.String("name, d")}, "dynamodb:GetItem on Table.Arn of [WHO]"},
	{"update", rearm("SET #to = :to, v = v + :one REMOVE due_shard, due_at", "attribute_exists(pk) AND v = :before", map[string]string{"#to": "to"}), ""},
	{"update nested and computed", rearm("set tries = if_not_exists (tries, :zero), due_at.x[0].d = :x", "NOT (v IN (:a, :b)) and size(tries) BETWEEN :a AND :b", nil), ""},
	{"update the event", rearm("SET v = :v, d = :d", "", nil), "dynamodb:UpdateItem on Table.Arn of [OUTBOX]"},
	{"update the event by another name", rearm("SET #x = :d", "", map[string]string{"#x": "d"}), "dynamodb:UpdateItem on Table.Arn of [OUTBOX]"},
	{"update part of the event", rearm("SET d.kind = :d", "", nil), "dynamodb:UpdateItem on Table.Arn of [OUTBOX]"},
	{"update from the event", rearm("SET v = d", "", nil), "dynamodb:UpdateItem on Table.Arn of [OUTBOX]"},
	{"update removing the event", rearm("REMOVE due_at,d", "", nil), "dynamodb:UpdateItem on Table.Arn of [OUTBOX]"},
	{"update on the event", rearm("SET v = :v", "d = :d", nil), "dynamodb:UpdateItem on Table.Arn of [OUTBOX]"},
	{"update foreign row", &dynamodb.UpdateItemInput{TableName: table, Key: key("CASE#v1"), UpdateExpression: aws.String("SET v = :v")}, "dynamodb:UpdateItem on Table.Arn of [CASE]"},
	{"delete", &dynamodb.DeleteItemInput{TableName: table, Key: key("CASE#v1")}, "dynamodb:DeleteItem on Table.Arn of [CASE]"},
	{"transaction", transaction(put(row("CASE#v1", "d")), update("OUTBOX#e1", "SET v = :v"), check("CASE#v2")), ""},
	{"transaction with foreign put", transaction(put(row("CASE#v1")), put(row("AUDIT#1"))), "dynamodb:PutItem on Table.Arn of [AUDIT]"},
	{"transaction with foreign check", transaction(put(row("CASE#v1")), check("WHO#1")), "dynamodb:ConditionCheckItem on Table.Arn of [WHO]"},
	{"transaction with delete", transaction(put(row("CASE#v1")), remove("CASE#v1")), "dynamodb:DeleteItem on Table.Arn of [CASE]"},
	{"transaction updating the event", transaction(put(row("CASE#v1")), update("OUTBOX#e1", "SET d = :d")), "dynamodb:UpdateItem on Table.Arn of [OUTBOX]"},
	{"scan", &dynamodb.ScanInput{TableName: table}, "dynamodb:Scan on Table.Arn"},
	{"transaction of reads", &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: table, Key: key("CASE#v1")}}}}, "dynamodb:TransactGetItems on Table.Arn"},
}

func batch(keys ...string) any {
	var want types.KeysAndAttributes
	for _, k := range keys {
		want.Keys = append(want.Keys, key(k))
	}
	return &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*table: want}}
}

func send(ctx context.Context, db *dynamodb.Client, in any) error {
	var err error
	switch p := in.(type) {
	case *dynamodb.GetItemInput:
		_, err = db.GetItem(ctx, p)
	case *dynamodb.BatchGetItemInput:
		_, err = db.BatchGetItem(ctx, p)
	case *dynamodb.QueryInput:
		_, err = db.Query(ctx, p)
	case *dynamodb.PutItemInput:
		_, err = db.PutItem(ctx, p)
	case *dynamodb.UpdateItemInput:
		_, err = db.UpdateItem(ctx, p)
	case *dynamodb.DeleteItemInput:
		_, err = db.DeleteItem(ctx, p)
	case *dynamodb.TransactWriteItemsInput:
		once := *p // the client sets its token in it
		_, err = db.TransactWriteItems(ctx, &once)
	case *dynamodb.TransactGetItemsInput:
		_, err = db.TransactGetItems(ctx, p)
	case *dynamodb.ScanInput:
		_, err = db.Scan(ctx, p)
	default:
		err = errors.New("the test does not know this call")
	}
	return err
}

// service counts the requests that reach it and answers each with success.
func service(t *testing.T, reached *atomic.Int32) *url.URL {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		if body, err := io.ReadAll(r.Body); err != nil || !strings.HasPrefix(string(body), "{") {
			t.Errorf("the request arrives as %q, %v", body, err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func client(u string, hold func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &u, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, hold)
}

// The same calls are judged in the process that makes them, and on their way
// from another.
func TestGuard_DynamoDBCalls(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		t.Run("client/"+c.name, func(t *testing.T) {
			t.Parallel()
			var reached atomic.Int32
			g := desk(t, slog.New(slog.DiscardHandler))
			err := send(t.Context(), client(service(t, &reached).String(), g.DynamoDB), c.in)
			judge(t, g, err, c.denied, int(reached.Load()))
		})
		t.Run("wire/"+c.name, func(t *testing.T) {
			t.Parallel()
			var reached atomic.Int32
			g := desk(t, slog.New(slog.DiscardHandler))
			proxy := httptest.NewServer(g.Proxy(service(t, &reached)))
			t.Cleanup(proxy.Close)
			err := send(t.Context(), client(proxy.URL, func(*dynamodb.Options) {}), c.in)
			judge(t, g, err, c.denied, int(reached.Load()))
		})
	}
}

func judge(t *testing.T, g *guard.Guard, err error, denied string, reached int) {
	t.Helper()
	if denied == "" {
		if err != nil || reached != 1 || len(g.Denied()) > 0 {
			t.Errorf("%v; it reached the table %d times; denied: %q", err, reached, g.Denied())
		}
		return
	}
	if refused, ok := errors.AsType[smithy.APIError](err); !ok || refused.ErrorCode() != "AccessDeniedException" {
		t.Errorf("the error is %v, want AccessDeniedException", err)
	}
	if reached != 0 {
		t.Error("it reached the table")
	}
	if d := g.Denied(); len(d) != 1 || !strings.HasPrefix(d[0], "desk: "+denied+": ") && !strings.HasPrefix(d[0], "desk: "+denied+" with [") {
		t.Errorf("denied: %q, want %q", d, denied)
	}
}

// A parameter that expressions have replaced names attributes where the guard
// does not look.
func TestGuard_LegacyUpdateIsRefused(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	g := desk(t, slog.New(slog.DiscardHandler))
	_, err := client(service(t, &reached).String(), g.DynamoDB).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: table, Key: key("OUTBOX#e1"), AttributeUpdates: map[string]types.AttributeValueUpdate{"d": {Value: str("x")}},
	})
	judge(t, g, err, "dynamodb:UpdateItem on Table.Arn", int(reached.Load()))
}

// A call of another function's, or of one the template lacks, is refused.
func TestGuard_UnknownFunctionMayNothing(t *testing.T) {
	t.Parallel()
	tpl, err := template.Read("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	g := guard.New(tpl, "charge", slog.New(slog.DiscardHandler))
	if err := g.Keyset(t.Context()); err == nil {
		t.Error("it may open the keyset")
	}
}

func TestGuard_UnusedRows(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	g := desk(t, slog.New(slog.DiscardHandler))
	db := client(service(t, &reached).String(), g.DynamoDB)
	for _, in := range []any{
		&dynamodb.GetItemInput{TableName: table, Key: key("CASE#v1")},
		&dynamodb.PutItemInput{TableName: table, Item: row("OUTBOX#desk.e1")},
		&dynamodb.PutItemInput{TableName: table, Item: row("MONEY#p1")}, // refused: no use
	} {
		_ = send(t.Context(), db, in)
	}
	want := []string{"Read MONEY#*", "Write CASE#*", "Rearm OUTBOX#*", "Names WHO#*", "Sheet SHEET#*"}
	if d := cmp.Diff(want, g.Unused()); d != "" {
		t.Errorf("unused (-want +got):\n%s", d)
	}
}

// A refusal is logged as an error without the ids in its keys, and repeated
// refusals are listed once.
func TestGuard_RefusalIsLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	g := desk(t, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))
	var reached atomic.Int32
	db := client(service(t, &reached).String(), g.DynamoDB)
	for range 2 {
		_ = send(t.Context(), db, &dynamodb.PutItemInput{TableName: table, Item: row("MONEY#secret")})
	}
	lines := slices.Collect(strings.Lines(log.String()))
	if len(lines) != 2 || len(g.Denied()) != 1 {
		t.Fatalf("logged %q, denied %q", lines, g.Denied())
	}
	for _, want := range []string{"level=ERROR", "function=desk", "action=dynamodb:PutItem", "resource=Table.Arn", "rows=[MONEY]"} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("the line lacks %s: %s", want, lines[0])
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the line shows an id: %s", log.String())
	}
}
