package setup

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // practices have zones; a function's machine may know none

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"evisit/pkg/awslambda"
	"evisit/pkg/blob"
	"evisit/pkg/clinic"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/web"
	"evisit/pkg/mail"
	"evisit/pkg/outbox"
	"evisit/pkg/seal"
	"evisit/pkg/store"
	"evisit/pkg/stripepay"
)

// Parts are what differs between AWS and a laptop.
type Parts struct {
	Config Config
	Now    func() time.Time
	Log    *slog.Logger
	DB     *dynamodb.Client
	S3     *s3.Client
	Mail   *sesv2.Client
	// Sealer opens the keyset; only functions that see content call it.
	Sealer func(context.Context) (clinic.Sealer, error)
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
	if err := need(map[string]string{"EVISIT_TABLE": cfg.Table}); err != nil {
		return Parts{}, err
	}
	sdk, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Parts{}, err
	}
	return Parts{
		Config: cfg,
		Now:    func() time.Time { return time.Now().Add(cfg.ClockOffset) }, //nolint:forbidigo // where the clock comes from
		Log:    log,
		DB:     dynamodb.NewFromConfig(sdk, func(o *dynamodb.Options) { o.BaseEndpoint = endpoint(cfg.DynamoDB) }),
		S3: s3.NewFromConfig(sdk, func(o *s3.Options) {
			o.BaseEndpoint, o.UsePathStyle = endpoint(cfg.S3), cfg.S3 != ""
		}),
		Mail: sesv2.NewFromConfig(sdk),
		Sealer: func(ctx context.Context) (clinic.Sealer, error) {
			if err := need(map[string]string{"EVISIT_KMS_KEY": cfg.KMSKey, "EVISIT_KEYSET": string(cfg.Keyset)}); err != nil {
				return nil, err
			}
			return seal.KMS(ctx, kms.NewFromConfig(sdk), cfg.KMSKey, cfg.Keyset)
		},
	}, nil
}

func endpoint(url string) *string {
	if url == "" {
		return nil
	}
	return aws.String(url)
}

// newID returns 80 random bits as lower-case text: an id is no secret, only
// must not be taken, and every row pays for its length.
func newID() string { return strings.ToLower(rand.Text()[:16]) }

// bare is a clinic that has its records and nothing else.
func (p Parts) bare() *clinic.Clinic {
	return &clinic.Clinic{
		Store: store.New(p.DB, p.Config.Table), Pages: p.Config.Pages, LogKey: p.Config.Log,
		Now: p.Now, NewID: newID, Log: p.Log,
	}
}

// sealed is a clinic that can also read and write content.
func (p Parts) sealed(ctx context.Context) (*clinic.Clinic, error) {
	cl := p.bare()
	var err error
	cl.Seal, err = p.Sealer(ctx)
	cl.Blobs = blob.New(p.S3, p.Config.Bucket)
	return cl, err
}

// Clinic returns the application as api has it: with content and payment
// pages, without the keys that move money or send mail.
func (p Parts) Clinic(ctx context.Context) (*clinic.Clinic, error) {
	cl, err := p.sealed(ctx)
	if err != nil {
		return nil, err
	}
	cl.Checkout = stripepay.New(p.Config.StripeKey, p.Config.StripeBase)
	return cl, nil
}

// API returns the handler of api: the JSON API and the pages.
func (p Parts) API(ctx context.Context) (http.Handler, error) {
	c := p.Config
	err := need(map[string]string{
		"EVISIT_BUCKET": c.Bucket, "EVISIT_PAGES": c.Pages, "STRIPE_SECRET_KEY": c.StripeKey,
		"OIDC_ISSUER": c.Issuer, "OIDC_JWKS_URL": c.JWKS, "OIDC_AUDIENCE": c.Audience,
		"EVISIT_LOG_ORIGIN": c.Log.Base, "EVISIT_LOG_PUBLIC": string(c.Log.Public),
	})
	if err != nil {
		return nil, err
	}
	cl, err := p.Clinic(ctx)
	if err != nil {
		return nil, err
	}
	people := httpapi.NewTokens(ctx, c.Issuer, c.JWKS, c.Audience, cl, p.Now)
	pages := web.New(web.Options{
		Clinic: cl, People: people, Issuer: c.Issuer, ClientID: c.Audience, BaseURL: c.Pages, Now: p.Now, Log: p.Log,
	})
	return httpapi.New(cl, people, p.Log).Handler(pages), nil
}

// Hook returns the handler of stripehook. It has no key of Stripe's, only the
// secrets that its webhooks are signed with.
func (p Parts) Hook() (http.Handler, error) {
	s := p.Config.Hook
	if err := need(map[string]string{"STRIPE_WEBHOOK_SECRET": s.Platform, "STRIPE_CONNECT_WEBHOOK_SECRET": s.Connect}); err != nil {
		return nil, err
	}
	verify := func(body []byte, signature, secret string) (clinic.StripeEvent, bool, error) {
		return stripepay.Verify(body, signature, secret, p.Now())
	}
	return httpapi.Guard(httpapi.NewHook(p.bare().Hear, verify, s, p.Log), p.Log), nil
}

// Charge returns the stream handler that moves money.
func (p Parts) Charge(ctx context.Context) (awslambda.StreamHandler, error) {
	if err := need(map[string]string{"EVISIT_BUCKET": p.Config.Bucket, "STRIPE_SECRET_KEY": p.Config.StripeKey}); err != nil {
		return nil, err
	}
	cl, err := p.sealed(ctx)
	if err != nil {
		return nil, err
	}
	cl.Cards = stripepay.New(p.Config.StripeKey, p.Config.StripeBase)
	return p.stream(cl, outbox.Charge, cl.Charge), nil
}

// Notify returns the stream handler that writes to people.
func (p Parts) Notify(ctx context.Context) (awslambda.StreamHandler, error) {
	if err := need(map[string]string{"EVISIT_PAGES": p.Config.Pages, "EVISIT_MAIL_FROM": p.Config.MailFrom}); err != nil {
		return nil, err
	}
	cl, err := p.sealed(ctx)
	if err != nil {
		return nil, err
	}
	cl.Mail = mail.New(p.Mail, p.Config.MailFrom)
	return p.stream(cl, outbox.Notify, cl.Notify), nil
}

func (p Parts) stream(cl *clinic.Clinic, to outbox.Consumer, act func(context.Context, outbox.Delivery) error) awslambda.StreamHandler {
	deliver := func(ctx context.Context, d outbox.Delivery) error { return cl.Deliver(ctx, d, act) }
	return awslambda.Stream(to, deliver, p.Log)
}

// Sweep returns what the schedule calls: it arms what is due and signs the
// audit logs.
func (p Parts) Sweep() (awslambda.ScheduleHandler, error) {
	if err := need(map[string]string{"EVISIT_LOG_ORIGIN": p.Config.Log.Base, "EVISIT_LOG_SEED": string(p.Config.Log.Private)}); err != nil {
		return nil, err
	}
	return awslambda.Schedule(p.bare().Sweep, p.Log), nil
}
