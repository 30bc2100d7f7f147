package setup

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/store"
	"evisit/pkg/vault"
)

// Parts are what differs between AWS and a laptop. They name services and make
// no client: a function makes those it uses, and links no other.
type Parts struct {
	Config Config
	Now    func() time.Time
	Log    *slog.Logger
	// How each service is reached.
	Database, Objects, Letters, Keys aws.Config
	// PathStyle addresses buckets by path, as local object stores want it.
	PathStyle bool
	// Sealer opens the keyset that decrypts content; nil opens the one of Config,
	// which is under its KMS key.
	Sealer func(context.Context) (vault.Sealer, error)
}

// NewLog returns the log of a process: JSON lines on standard output. A record
// that is logged whole is written as it prints, for as JSON it would show what
// phi.Text hides.
func NewLog() *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Value.Kind() == slog.KindAny {
				return slog.String(a.Key, fmt.Sprintf("%+v", a.Value.Any()))
			}
			return a
		},
	}))
}

// AWS returns the parts as they are in production.
func AWS(ctx context.Context, log *slog.Logger) (Parts, error) {
	cfg, err := Load(os.Getenv)
	if err != nil {
		return Parts{}, err
	}
	if err := Need(map[string]string{"EVISIT_TABLE": cfg.Table}); err != nil {
		return Parts{}, err
	}
	sdk, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Parts{}, err
	}
	return Parts{
		Config:   cfg,
		Now:      func() time.Time { return time.Now().Add(cfg.ClockOffset) }, //nolint:forbidigo // where the clock comes from
		Log:      log,
		Database: at(sdk, cfg.DynamoDB), Objects: at(sdk, cfg.S3), Letters: sdk, Keys: sdk,
		PathStyle: cfg.S3 != "",
	}, nil
}

// at is sdk for a service at another address than AWS's, unless url is empty.
func at(sdk aws.Config, url string) aws.Config {
	if url != "" {
		sdk.BaseEndpoint = aws.String(url)
	}
	return sdk
}

// NewID returns 80 random bits as lower-case text: an id is no secret, only
// must not be taken, and every row pays for its length.
func NewID() string { return strings.ToLower(rand.Text()[:16]) }

// Store returns the function's records.
func (p Parts) Store() *store.Store {
	return store.New(dynamodb.NewFromConfig(p.Database), p.Config.Table)
}

// Kernel returns the kernel of a function that puts events as by, on its records.
func (p Parts) Kernel(by outbox.Writer, s *store.Store) *clinic.Kernel {
	return &clinic.Kernel{Store: s, Writer: by, Now: p.Now, NewID: NewID, Log: p.Log}
}
