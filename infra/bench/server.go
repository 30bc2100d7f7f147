package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/engine"
	"evisit/pkg/seal"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/vault"
)

// serve serves h on a free port, which it prints, until its parent process ends.
func serve(ctx context.Context, h http.Handler) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveFloor is the least a handler can do: decode the submission, read what it
// is about, send the transaction, reply.
func serveFloor(ctx context.Context) error {
	var shape shape
	if err := json.Unmarshal([]byte(os.Getenv("BENCH_SHAPE")), &shape); err != nil {
		return err
	}
	db := dynamodb.NewFromConfig(engine.At(os.Getenv("DYNAMODB_ENDPOINT")).Config())
	table := os.Getenv("EVISIT_TABLE")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /visits/{id}/submit", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Quote         string `json:"quote"`
			AcceptFee     bool   `json:"accept_fee"`
			AcceptConsent bool   `json:"accept_consent"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		read, err := db.BatchGetItem(r.Context(), shape.read(table, r.PathValue("id")))
		if err != nil || len(read.Responses[table]) != len(shape.Keys) {
			http.Error(w, fmt.Sprintf("%d rows, %v", len(read.Responses[table]), err), http.StatusInternalServerError)
			return
		}
		if _, err := db.TransactWriteItems(r.Context(), shape.transaction(table, in.Quote)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"id": in.Quote, "status": "queued"})
	})
	return serve(ctx, mux)
}

// A shape is what a submission really read and sent.
type shape struct {
	Keys       []rowKey    `json:"keys"` // of its one read
	Consistent bool        `json:"consistent"`
	Items      []itemShape `json:"items"`
}

// A rowKey is a primary key in which visitMark stands for the visit's id.
type rowKey struct {
	PK string `json:"pk"`
	SK string `json:"sk"`
}

const visitMark = "{visit}"

// read is a submission's read for another visit.
func (s shape) read(table, visit string) *dynamodb.BatchGetItemInput {
	want := types.KeysAndAttributes{ConsistentRead: &s.Consistent}
	for _, k := range s.Keys {
		want.Keys = append(want.Keys, map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: strings.Replace(k.PK, visitMark, visit, 1)},
			"sk": &types.AttributeValueMemberS{Value: k.SK},
		})
	}
	return &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: want}}
}

// An itemShape is one item of the transaction that a real submission sent: its
// attributes, and whether it has a condition.
type itemShape struct {
	Texts       map[string]string `json:"texts"`
	Numbers     map[string]string `json:"numbers"`
	Bytes       map[string][]byte `json:"bytes"`
	Conditional bool              `json:"conditional"`
}

// transaction is a submission's transaction on keys of its own.
func (s shape) transaction(table, id string) *dynamodb.TransactWriteItemsInput {
	in := &dynamodb.TransactWriteItemsInput{}
	for n, s := range s.Items {
		item := map[string]types.AttributeValue{}
		for k, v := range s.Texts {
			item[k] = &types.AttributeValueMemberS{Value: v}
		}
		for k, v := range s.Numbers {
			item[k] = &types.AttributeValueMemberN{Value: v}
		}
		for k, v := range s.Bytes {
			item[k] = &types.AttributeValueMemberB{Value: v}
		}
		item["pk"] = &types.AttributeValueMemberS{Value: "FLOOR#" + id + "#" + strconv.Itoa(n)}
		put := &types.Put{TableName: &table, Item: item}
		if s.Conditional {
			put.ConditionExpression = aws.String("attribute_not_exists(pk)")
		}
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: put})
	}
	return in
}

// serveAPI serves the function api, built by setup.
func serveAPI(ctx context.Context, log *slog.Logger) error {
	cfg, err := setup.Load(os.Getenv)
	if err != nil {
		return err
	}
	parts, err := localParts(cfg, os.Getenv("BENCH_KEYSET"), log)
	if err != nil {
		return err
	}
	h, err := api.Handler(ctx, parts)
	if err != nil {
		return err
	}
	return serve(ctx, h)
}

// localParts are those of a function on local services. Nothing that is measured
// reaches documents or mail.
func localParts(cfg setup.Config, keyset string, log *slog.Logger) (setup.Parts, error) {
	sealer, err := seal.File(keyset)
	return setup.Parts{
		Config: cfg, Now: time.Now, Log: log,
		Database: engine.At(cfg.DynamoDB).Config(), Objects: aws.Config{Region: engine.Region},
		Sealer: func(context.Context) (vault.Sealer, error) { return sealer, nil },
	}, err
}
