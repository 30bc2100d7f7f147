package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/infra/local/engine"
	"evisit/infra/local/files"
	"evisit/infra/local/issuer"
	"evisit/infra/local/seed"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/session"
	"evisit/pkg/httpapi"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/store"
)

const (
	writers    = 4 // concurrent requests
	mainTable  = "bench"
	floorTable = "floor" // that the floor writes to
)

// A workbench is the engine and the other services that measured servers use, with the
// cast planted.
type workbench struct {
	dir    string
	engine *engine.Engine
	rooms  httpapi.Rooms
	people *registrar.Room
	issuer *issuer.Issuer
	url    string // of the issuer, and with it of S3
	close  []func() error
}

func openBench(ctx context.Context, log *slog.Logger) (_ *workbench, err error) {
	dir, err := os.MkdirTemp("", "evisit-bench-")
	if err != nil {
		return nil, err
	}
	b := &workbench{dir: dir, close: []func() error{func() error { return os.RemoveAll(dir) }}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if b.engine, err = engine.Start(ctx, engine.Options{DB: filepath.Join(dir, "dynamo.db"), Log: log}); err != nil {
		return nil, err
	}
	b.close = append(b.close, b.engine.Close)
	if err := b.openServices(ctx, log); err != nil {
		return nil, err
	}
	return b, b.plant(ctx, log)
}

// Close stops what was started last first.
func (b *workbench) Close() error {
	var failures []error
	for n := len(b.close) - 1; n >= 0; n-- {
		failures = append(failures, b.close[n]())
	}
	return errors.Join(failures...)
}

// openServices serves the issuer and S3.
func (b *workbench) openServices(ctx context.Context, log *slog.Logger) error {
	objects, err := files.Handler(b.dir)
	if err != nil {
		return err
	}
	b.close = append(b.close, objects.Close)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.close = append(b.close, l.Close)
	b.url = "http://" + l.Addr().String()
	b.issuer, err = issuer.New(issuer.Options{
		URL: b.url + "/issuer", Audience: "bench", ClientID: "bench", Now: time.Now, Log: log,
		People: func(context.Context) []issuer.Person { return nil },
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/issuer/", b.issuer)
	mux.Handle("/", objects)
	go func() { _ = http.Serve(l, mux) }() //nolint:gosec // ends with the listener
	return nil
}

// plant makes the tables and the cast, through the rooms of api.
func (b *workbench) plant(ctx context.Context, log *slog.Logger) error {
	parts, err := localParts(b.config(), b.keyset(), log)
	if err != nil {
		return err
	}
	db := dynamodb.NewFromConfig(parts.Database)
	if err := errors.Join(store.CreateTable(ctx, db, mainTable), store.CreateTable(ctx, db, floorTable)); err != nil {
		return err
	}
	if b.rooms, err = api.Rooms(parts); err != nil {
		return err
	}
	b.people = &registrar.Room{Kernel: b.rooms.Kernel, Store: parts.Store(), Charts: b.rooms.Charts}
	return seed.Plant(ctx, b.people, b.url+"/issuer", seed.Accounts)
}

func (b *workbench) config() setup.Config {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, _ := private.Public().(ed25519.PublicKey)
	return setup.Config{
		Table: mainTable, Bucket: files.Bucket, DynamoDB: b.engine.Endpoint(), S3: b.url,
		Log: audit.Key{Base: "bench", Public: public, Private: private},
	}
}

func (b *workbench) keyset() string { return filepath.Join(b.dir, "keyset.json") }

// child starts a measured server; asks are what a floor records.
func (b *workbench) child(ctx context.Context, name string, asks []ask) (*child, error) {
	s, err := json.Marshal(asks)
	if err != nil {
		return nil, err
	}
	cfg := b.config()
	return startChild(ctx, name, []string{
		"GOGC=400", "EVISIT_LIMITS=off", "BENCH_ASKS=" + string(s), "BENCH_KEYSET=" + b.keyset(),
		"EVISIT_TABLE=" + cfg.Table, "DYNAMODB_ENDPOINT=" + cfg.DynamoDB, "EVISIT_BUCKET=" + cfg.Bucket, "S3_ENDPOINT=" + cfg.S3,
		"EVISIT_PAGES=http://127.0.0.1:1", "STRIPE_API_BASE=http://127.0.0.1:1",
		"EVISIT_LOG_ORIGIN=" + cfg.Log.Base, "EVISIT_LOG_PUBLIC=" + base64.StdEncoding.EncodeToString(cfg.Log.Public),
		"OIDC_ISSUER=" + b.url + "/issuer", "OIDC_JWKS_URL=" + b.issuer.JWKSURL(), "OIDC_AUDIENCE=bench",
	})
}

// as is a person as a request names them: by the proof of a token, and a second factor.
func (b *workbench) as(person string) clinic.Caller {
	return clinic.Caller{Proof: clinic.Proof{Issuer: b.url + "/issuer", Subject: person}, Strong: true}
}

// cookie signs a person in to the pages.
func (b *workbench) cookie(ctx context.Context, person string) (string, error) {
	keeper := session.Keeper{Kernel: b.rooms.Kernel}
	return keeper.Start(ctx, clinic.Caller{}, session.SignIn{Proven: clinic.Proven{Proof: b.as(person).Proof, Strong: true}, Until: time.Now().Add(time.Hour)})
}
