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
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/clinic"
	"evisit/pkg/metric"
	"evisit/pkg/outbox"
	"evisit/pkg/secret"
	"evisit/pkg/store"
	"evisit/pkg/vault"
)

// Parts are what differs between AWS and a laptop. They name services and make
// no client: a function makes the clients that it uses, and links no others.
type Parts struct {
	Config Config
	Now    func() time.Time
	Log    *slog.Logger
	// The configuration of each service's client.
	Database, Objects, Letters, Keys, Secrets aws.Config
	// PathStyle addresses buckets by path, as local object stores want it.
	PathStyle bool
	// Secret is where the function's secrets are; nil is Secrets Manager.
	Secret secret.Source
	// Sealer makes the sealer of content, when content is first sealed or unsealed;
	// nil makes one of the secret content, which is encrypted under Config's KMS key.
	Sealer func(context.Context) (vault.Sealer, error)
}

// NewLog returns the log of a process: JSON lines on standard output. A struct is
// logged as it prints, because its JSON would show what phi.Text hides; metrics
// are as JSON has them.
func NewLog() *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Value.Kind() != slog.KindAny {
				return a
			}
			switch v := a.Value.Any().(type) {
			case metric.Count, metadata:
				return a
			default:
				return slog.String(a.Key, fmt.Sprintf("%+v", v))
			}
		},
	}))
}

// AWS returns the parts in production. Their log is log, with metrics.
func AWS(log *slog.Logger) (Parts, error) {
	cfg, err := Load(os.Getenv)
	if err != nil {
		return Parts{}, err
	}
	if err := Need(map[string]string{"EVISIT_TABLE": cfg.Table}); err != nil {
		return Parts{}, err
	}
	sdk, err := ofRole(os.Getenv)
	if err != nil {
		return Parts{}, err
	}
	return Parts{
		Config:   cfg,
		Now:      func() time.Time { return time.Now().Add(cfg.ClockOffset) }, //nolint:forbidigo // where the clock comes from
		Log:      metered(log, cfg.Metrics, os.Getenv("AWS_LAMBDA_FUNCTION_NAME")),
		Database: at(sdk, cfg.DynamoDB), Objects: at(sdk, cfg.S3),
		Letters: at(sdk, os.Getenv("AWS_ENDPOINT_URL_SESV2")), Keys: at(sdk, os.Getenv("AWS_ENDPOINT_URL_KMS")),
		Secrets:   at(sdk, os.Getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER")),
		PathStyle: cfg.S3 != "",
	}, nil
}

// ofRole returns what Lambda tells a function of AWS: its region, and the credentials
// of its role, which hold as long as the process does (AWS Lambda Developer Guide,
// defined runtime environment variables). The SDK's own loader looks in files and at
// the instance as well, of which a function has none, and links four clients to do so.
func ofRole(getenv func(string) string) (aws.Config, error) {
	need := map[string]string{}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		need[name] = getenv(name)
	}
	return aws.Config{
		Region:      need["AWS_REGION"],
		Credentials: credentials.NewStaticCredentialsProvider(need["AWS_ACCESS_KEY_ID"], need["AWS_SECRET_ACCESS_KEY"], getenv("AWS_SESSION_TOKEN")),
	}, Need(need)
}

// at returns sdk for a service at url, or at AWS if url is empty.
func at(sdk aws.Config, url string) aws.Config {
	if url != "" {
		sdk.BaseEndpoint = aws.String(url)
	}
	return sdk
}

// NewID returns 80 random bits as lower-case text. An id is no secret; it must
// be unique, and short because every row has it.
func NewID() string { return strings.ToLower(rand.Text()[:16]) }

// Store returns the store on the function's table.
func (p Parts) Store() *store.Store {
	return store.New(dynamodb.NewFromConfig(p.Database), p.Config.Table)
}

// Kernel returns the kernel of a function that puts events as by, on store s. Its
// commits are counted in the log.
func (p Parts) Kernel(by outbox.Writer, s *store.Store) *clinic.Kernel {
	return &clinic.Kernel{
		Store: clinic.Counted(s, p.Log), Writer: by, Operators: p.Config.Operators, Now: p.Now, NewID: NewID, Log: p.Log,
	}
}
