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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"evisit/infra/local/engine"
	"evisit/pkg/clinic"
	"evisit/pkg/seal"
	"evisit/pkg/setup"
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

// serveFloor serves the bare handler, which only decodes the submission, sends the
// transaction and replies.
func serveFloor(ctx context.Context) error {
	var shape []itemShape
	if err := json.Unmarshal([]byte(os.Getenv("BENCH_SHAPE")), &shape); err != nil {
		return err
	}
	db := dynamodb.NewFromConfig(engine.At(os.Getenv("DYNAMODB_ENDPOINT")).Config())
	table := os.Getenv("EVISIT_TABLE")
	return serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Quote         string `json:"quote"`
			AcceptFee     bool   `json:"accept_fee"`
			AcceptConsent bool   `json:"accept_consent"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if _, err := db.TransactWriteItems(r.Context(), transaction(table, in.Quote, shape)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"id": in.Quote, "status": "queued"})
	}))
}

// An itemShape is one item of the transaction that a real submission sent: its
// attributes, and whether it has a condition.
type itemShape struct {
	Texts       map[string]string `json:"texts"`
	Numbers     map[string]string `json:"numbers"`
	Bytes       map[string][]byte `json:"bytes"`
	Conditional bool              `json:"conditional"`
}

// transaction returns a submission's transaction with new keys.
func transaction(table, id string, shape []itemShape) *dynamodb.TransactWriteItemsInput {
	in := &dynamodb.TransactWriteItemsInput{}
	for n, s := range shape {
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
	parts, err := localParts(log)
	if err != nil {
		return err
	}
	h, err := parts.API(ctx)
	if err != nil {
		return err
	}
	return serve(ctx, h)
}

// localParts returns the parts of a function whose environment names local services.
func localParts(log *slog.Logger) (setup.Parts, error) {
	cfg, err := setup.Load(os.Getenv)
	if err != nil {
		return setup.Parts{}, err
	}
	sealer, err := seal.File(os.Getenv("BENCH_KEYSET"))
	if err != nil {
		return setup.Parts{}, err
	}
	at := aws.Config{
		Region: engine.Region, BaseEndpoint: aws.String(cfg.S3),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	return setup.Parts{
		Config: cfg, Now: time.Now, Log: log,
		DB:     dynamodb.NewFromConfig(engine.At(cfg.DynamoDB).Config()),
		S3:     s3.NewFromConfig(at, func(o *s3.Options) { o.UsePathStyle = true }),
		Sealer: func(context.Context) (clinic.Sealer, error) { return sealer, nil },
	}, nil
}
