package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/engine"
)

// pageSize is the most records of one GetRecords.
const pageSize = 1000

// batchSize is the most items that BatchWriteItem takes.
const batchSize = 25

// A shard reads the one shard of a table's stream.
type shard struct {
	client *dynamodbstreams.Client
	arn    *string
	id     *string
}

func onlyShard(t *testing.T, e *engine.Engine, table string) shard {
	t.Helper()
	s := dynamodbstreams.NewFromConfig(e.Config())
	list, err := s.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: aws.String(table)})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Streams) != 1 {
		t.Fatalf("table %s has %d streams, want 1", table, len(list.Streams))
	}
	arn := list.Streams[0].StreamArn
	d, err := s.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.StreamDescription.Shards) != 1 {
		t.Fatalf("stream %s has %d shards, want 1", *arn, len(d.StreamDescription.Shards))
	}
	return shard{client: s, arn: arn, id: d.StreamDescription.Shards[0].ShardId}
}

// from returns an iterator. after is a sequence number, or empty.
func (r shard) from(t *testing.T, where streamtypes.ShardIteratorType, after string) *string {
	t.Helper()
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: r.arn, ShardId: r.id, ShardIteratorType: where}
	if after != "" {
		in.SequenceNumber = aws.String(after)
	}
	out, err := r.client.GetShardIterator(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.ShardIterator
}

// page reads one page. There is always an iterator for the next page, because the
// shard of a local engine never ends.
func (r shard) page(t *testing.T, it *string, limit int32) ([]streamtypes.Record, *string) {
	t.Helper()
	out, err := r.client.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(limit)})
	if err != nil {
		t.Fatal(err)
	}
	if out.NextShardIterator == nil {
		t.Fatal("a page has no iterator for the next page")
	}
	return out.Records, out.NextShardIterator
}

// rest reads until a page is empty, and returns the records and the iterator for the
// next page.
func (r shard) rest(t *testing.T, it *string) ([]streamtypes.Record, *string) {
	t.Helper()
	var all []streamtypes.Record
	for {
		page, next := r.page(t, it, pageSize)
		if len(page) == 0 {
			return all, next
		}
		all, it = append(all, page...), next
	}
}

func sequence(t *testing.T, r streamtypes.Record) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(*r.Dynamodb.SequenceNumber, 10)
	if !ok {
		t.Fatalf("sequence number %q is no number", *r.Dynamodb.SequenceNumber)
	}
	return n
}

func keysOf(records []streamtypes.Record) []string {
	keys := make([]string, 0, len(records))
	for _, r := range records {
		keys = append(keys, r.Dynamodb.Keys["pk"].(*streamtypes.AttributeValueMemberS).Value)
	}
	return keys
}

// writeBatch writes batchSize new items and returns their keys.
func writeBatch(ctx context.Context, db *dynamodb.Client, table, prefix string) ([]string, error) {
	var keys []string
	var puts []types.WriteRequest
	for i := range batchSize {
		keys = append(keys, fmt.Sprintf("%s-%02d", prefix, i))
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item(keys[i])}})
	}
	out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{table: puts},
	})
	if err != nil {
		return nil, err
	}
	if len(out.UnprocessedItems) > 0 {
		return nil, errors.New("the engine left items of a batch unwritten")
	}
	return keys, nil
}

func putBatch(t *testing.T, db *dynamodb.Client, table, prefix string) []string {
	t.Helper()
	keys, err := writeBatch(t.Context(), db, table, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A reader of the stream gets every record in order, and after a restart of the engine
// the records that follow the last one read.
func TestStream_EveryRecordInOrderAfterRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dynamo.db")
	e := start(t, engine.Options{DB: path})
	table, last := testStream(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e = start(t, engine.Options{DB: path})
	r := onlyShard(t, e, table)
	after, _ := r.rest(t, r.from(t, streamtypes.ShardIteratorTypeAfterSequenceNumber, last))
	if len(after) != 0 {
		t.Errorf("after a restart %d records follow the last one, want none", len(after))
	}
	want := putBatch(t, dynamodb.NewFromConfig(e.Config()), table, "restarted")
	after, _ = r.rest(t, r.from(t, streamtypes.ShardIteratorTypeAfterSequenceNumber, last))
	if diff := cmp.Diff(want, keysOf(after)); diff != "" {
		t.Errorf("records written after a restart (-want +got):\n%s", diff)
	}
}

// testStream tests what a poller of any engine's stream relies on. testStream returns
// the table that it wrote and the last sequence number of the table's stream.
func testStream(t *testing.T, e *engine.Engine) (table, last string) {
	t.Helper()
	const records = pageSize + 4*batchSize
	table = "poller"
	db := dynamodb.NewFromConfig(e.Config())
	createTable(t, db, table)
	r := onlyShard(t, e, table)
	latest := r.from(t, streamtypes.ShardIteratorTypeLatest, "")
	empty, horizon := r.page(t, r.from(t, streamtypes.ShardIteratorTypeTrimHorizon, ""), pageSize)
	if len(empty) != 0 {
		t.Errorf("a new stream has %d records", len(empty))
	}
	var keys []string
	for i := range records / batchSize {
		keys = append(keys, putBatch(t, db, table, fmt.Sprintf("%04d", i))...)
	}

	all, next := r.rest(t, horizon)
	if diff := cmp.Diff(keys, keysOf(all)); diff != "" {
		t.Fatalf("records from an iterator older than them (-want +got):\n%s", diff)
	}
	for i, rec := range all[1:] {
		if sequence(t, rec).Cmp(sequence(t, all[i])) <= 0 {
			t.Fatalf("sequence number %s follows %s", *rec.Dynamodb.SequenceNumber, *all[i].Dynamodb.SequenceNumber)
		}
	}
	if first, _ := r.page(t, r.from(t, streamtypes.ShardIteratorTypeTrimHorizon, ""), pageSize); len(first) != pageSize {
		t.Errorf("the first page has %d records, want %d", len(first), pageSize)
	}
	if few, _ := r.page(t, r.from(t, streamtypes.ShardIteratorTypeTrimHorizon, ""), 7); !slices.Equal(keysOf(few), keys[:7]) {
		t.Errorf("the first 7 records are %q, want %q", keysOf(few), keys[:7])
	}
	if seen, _ := r.rest(t, latest); len(seen) != records {
		t.Errorf("an iterator at the end, taken before the writes, gives %d records, want %d", len(seen), records)
	}
	middle := *all[len(all)/2].Dynamodb.SequenceNumber
	half, _ := r.rest(t, r.from(t, streamtypes.ShardIteratorTypeAfterSequenceNumber, middle))
	if diff := cmp.Diff(keys[len(all)/2+1:], keysOf(half)); diff != "" {
		t.Errorf("records after the middle (-want +got):\n%s", diff)
	}
	more := putBatch(t, db, table, "more")
	got, _ := r.rest(t, next)
	if diff := cmp.Diff(more, keysOf(got)); diff != "" {
		t.Errorf("records written after an empty page (-want +got):\n%s", diff)
	}
	return table, *got[len(got)-1].Dynamodb.SequenceNumber
}

// A write takes at most twice as long when the stream holds 40,000 records, which is
// the purpose of prepare. The time of each streamed batch is divided by the time of a
// batch to a table without a stream, measured right before it, because other work on
// the machine slows both.
func TestStream_WriteTimeWithManyRecords(t *testing.T) {
	const records, measured = 40_000, 1_000
	e := start(t, engine.Options{DB: filepath.Join(t.TempDir(), "dynamo.db")})
	db := dynamodb.NewFromConfig(e.Config())
	createTable(t, db, "streamed")
	_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            aws.String("plain"),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	timed := func(table, prefix string) time.Duration {
		began := time.Now()
		putBatch(t, db, table, prefix)
		return time.Since(began)
	}
	// cost is the median time of a streamed batch divided by that of a plain batch.
	cost := func(phase string) float64 {
		var plain, streamed []time.Duration
		for i := range measured / batchSize {
			prefix := fmt.Sprintf("%s-%d", phase, i)
			plain = append(plain, timed("plain", prefix))
			streamed = append(streamed, timed("streamed", prefix))
		}
		p, s := median(plain), median(streamed)
		t.Logf("%s %d records: %v a batch of %d, %v without a stream", phase, measured, s, batchSize, p)
		return s.Seconds() / p.Seconds()
	}

	first := cost("first")
	fill(t, db, "streamed", records-2*measured)
	last := cost("last")
	if last > 2*first {
		t.Errorf("the last %d of %d streamed records cost %.1f times the first, want at most 2: is the index there?",
			measured, records, last/first)
	}
	r := onlyShard(t, e, "streamed")
	if all, _ := r.rest(t, r.from(t, streamtypes.ShardIteratorTypeTrimHorizon, "")); len(all) != records {
		t.Errorf("the stream holds %d records, want %d", len(all), records)
	}
}

func fill(t *testing.T, db *dynamodb.Client, table string, records int) {
	t.Helper()
	const writers = 4
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < records/batchSize; i += writers {
				if _, err := writeBatch(t.Context(), db, table, fmt.Sprint(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
