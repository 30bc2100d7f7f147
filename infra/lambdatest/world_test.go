package lambdatest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/infra/lambdatest"
	"evisit/infra/local/engine"
	"evisit/infra/local/files"
	"evisit/infra/local/guard"
	"evisit/infra/local/issuer"
	"evisit/infra/local/mailbox"
	"evisit/infra/local/safe"
	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/infra/restricted"
	"evisit/infra/template"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/httpapi"
	"evisit/pkg/secret"
	"evisit/pkg/secret/secrettest"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/setup/secrets"
	"evisit/pkg/store"
	"evisit/pkg/stripepay"
)

// recordedAt is when the events in events/ were recorded. Their worlds begin
// at that time, so that signatures in them are as fresh as they were.
var recordedAt = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)

// Restricted keys.
var (
	apiKey    = stripesim.Key{Secret: "sk_test_api", Allow: restricted.Keys[secret.API]}
	chargeKey = stripesim.Key{Secret: "sk_test_charge", Allow: restricted.Keys[secret.Charge]}
)

// The secrets that the recorded webhooks are signed with.
const (
	platformSecret = "whsec_recorded_platform"
	connectSecret  = "whsec_recorded_connect"
)

// refusedVisit begins the ids of visits whose documents S3 does not take.
const refusedVisit = "refused-"

// A world is everything around the functions, with the cast planted.
type world struct {
	*testing.T
	now    func() time.Time
	offset time.Duration // of now from this machine's clock
	table  string
	db     *dynamodb.Client // past the guard
	store  *store.Store
	parts  setup.Parts   // past every guard, for planting
	rooms  httpapi.Rooms // likewise
	cards  *stripepay.Client
	sim    *stripesim.Sim
	box    string // the mailbox's URL
	people *issuer.Issuer
	env    map[string]string // all settings that any function is given
	safe   *safe.Safe        // every function's secrets, and the key of the keyset
}

func readTemplate(t *testing.T) template.Template {
	t.Helper()
	tpl, err := template.Read(root + "/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func newWorld(t *testing.T) *world {
	t.Helper()
	offset := time.Until(recordedAt).Round(0)
	w := &world{T: t, table: "lambda-" + rand.Text(), offset: offset, now: func() time.Time { return time.Now().Add(offset) }}
	w.db = dynamodb.NewFromConfig(database.Config())
	w.must(store.CreateTable(t.Context(), w.db, w.table))
	w.store = store.New(w.db, w.table)
	aws := w.serveAWS()
	stripe := w.serveStripe()
	w.serveIssuer()
	seedBytes := make([]byte, ed25519.SeedSize)
	public, _ := ed25519.NewKeyFromSeed(seedBytes).Public().(ed25519.PublicKey)
	w.fillSafe(seedBytes)
	w.env = map[string]string{
		"EVISIT_TABLE": w.table, "EVISIT_METRICS": "evisit/recorded", "EVISIT_BUCKET": files.Bucket, "EVISIT_PAGES": "https://visit.example.org",
		"OIDC_ISSUER": w.issuerURL(), "OIDC_JWKS_URL": w.people.JWKSURL(), "OIDC_AUDIENCE": "evisit",
		"EVISIT_OPERATORS": w.issuerURL() + "|" + seed.Operator, "EVISIT_STRIPE_MODE": "test", "EVISIT_SECRETS": secretFolder, "EVISIT_KMS_KEY": safe.KeyARN, "EVISIT_MAIL_FROM": "no-reply@visit.example.org", "EVISIT_MAIL_EVENTS": "evisit-recorded",
		"EVISIT_LOG_ORIGIN": "visit.example.org/log", "EVISIT_LOG_PUBLIC": base64.StdEncoding.EncodeToString(public),
		// What a deployment leaves to AWS and Stripe.
		"EVISIT_CLOCK_OFFSET": offset.String(), "S3_ENDPOINT": aws, "STRIPE_API_BASE": stripe,
		"AWS_ENDPOINT_URL_SESV2": aws,
	}
	w.plant(aws, stripe)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// secretFolder is where the secrets are in Secrets Manager.
const secretFolder = "evisit/recorded"

// putSecret stores a secret for the function that owns it.
func (w *world) putSecret(name string, v any) {
	w.Helper()
	w.must(w.safe.Put(secretFolder+"/"+name, v))
}

func (w *world) fillSafe(seed []byte) {
	w.Helper()
	var err error
	w.safe, err = safe.New()
	w.must(err)
	w.putSecret(secret.API, secret.Stripe{Key: apiKey.Secret})
	w.putSecret(secret.Charge, secret.Stripe{Key: chargeKey.Secret})
	w.putSecret(secret.Stripehook, secret.Webhooks{Platform: platformSecret, Connect: connectSecret})
	w.putSecret(secret.Content, secret.Keyset{Keyset: newKeyset(w.T, w.safe)})
	w.putSecret(secret.Log, secret.Seed{Seed: seed})
	w.putSecret(secret.Origin, secret.Front{Accepted: secret.NoFront})
}

func (w *world) serve(h http.Handler) string {
	srv := httptest.NewServer(h)
	w.Cleanup(srv.Close)
	return srv.URL
}

// serveAWS serves S3 and SES.
func (w *world) serveAWS() string {
	dir := w.TempDir()
	objects, err := files.Handler(dir)
	w.must(err)
	box, err := mailbox.Open(w.Context(), filepath.Join(dir, "mail.db"), w.now, slog.New(slog.DiscardHandler))
	w.must(err)
	w.Cleanup(func() {
		if err := errors.Join(box.Close(), objects.Close()); err != nil {
			w.Error(err)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/v2/email/", box.Handler())
	mux.Handle("/dev/mail.json", box.Handler())
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/"+files.Bucket+"/documents/lakeside/"+refusedVisit) {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		objects.ServeHTTP(rw, r)
	})
	w.box = w.serve(mux)
	return w.box
}

func (w *world) serveStripe() string {
	var err error
	w.sim, err = stripesim.New(w.Context(), stripesim.Options{
		Now: w.now, Accounts: seed.Accounts, Keys: []stripesim.Key{apiKey, chargeKey}, Log: slog.New(slog.DiscardHandler),
	})
	w.must(err)
	w.Cleanup(func() {
		if err := w.sim.Close(); err != nil {
			w.Error(err)
		}
	})
	url := w.serve(w.sim)
	w.sim.SetBaseURL(url)
	return url
}

func (w *world) serveIssuer() {
	var is http.Handler
	url := w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { is.ServeHTTP(rw, r) }))
	var err error
	w.people, err = issuer.New(issuer.Options{
		URL: url, ClientID: "evisit", Now: w.now, Log: slog.New(slog.DiscardHandler),
		People: func(context.Context) []issuer.Person {
			return []issuer.Person{
				{Subject: "kim-doe", Email: "kim@lakeside.example", EmailVerified: true, TwoFactors: true},
				{Subject: "kim-newcomer", Email: "kim@new.example", EmailVerified: true},
			}
		},
	})
	w.must(err)
	is = w.people
}

func (w *world) issuerURL() string { return strings.TrimSuffix(w.people.TokenURL(), "/token") }

// plant writes the cast with parts that have every key.
func (w *world) plant(awsURL, stripe string) {
	w.Helper()
	cfg, err := setup.Load(func(name string) string { return w.env[name] })
	w.must(err)
	cfg.StripeBase = stripe
	keys := w.serve(w.safe)
	at := func(url string) aws.Config {
		return aws.Config{
			Region: engine.Region, BaseEndpoint: &url,
			Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		}
	}
	w.parts = setup.Parts{
		Config: cfg, Now: w.now, Log: slog.New(slog.DiscardHandler),
		Database: database.Config(), Objects: at(awsURL), Letters: at(awsURL), Keys: at(keys), Secrets: at(keys), PathStyle: true,
	}
	parts, err := secrets.With(w.parts)
	w.must(err)
	w.rooms, err = api.Rooms(parts)
	w.must(err)
	w.cards = stripepay.New(secrettest.Fixed(chargeKey.Secret), stripe)
	cast := &registrar.Room{Kernel: w.rooms.Kernel, Store: w.store, Charts: w.rooms.Charts}
	w.must(seed.Plant(w.Context(), cast, w.issuerURL(), seed.Accounts))
}

// settings are those that template.yaml gives a function, and where to find
// what stands in for AWS and Stripe.
func (w *world) settings(function string, g *guard.Guard) map[string]string {
	w.Helper()
	keys := w.serve(w.safe.For(func(ctx context.Context, action, id string) error {
		switch action {
		case "secretsmanager:GetSecretValue":
			return g.Secret(ctx, id)
		case "kms:Decrypt":
			return g.Keyset(ctx)
		}
		return g.Permit(ctx, template.Access{Action: action, Resource: id})
	}))
	out := map[string]string{"DYNAMODB_ENDPOINT": w.guarded(g), "AWS_ENDPOINT_URL_KMS": keys, "AWS_ENDPOINT_URL_SECRETS_MANAGER": keys}
	for _, name := range []string{"EVISIT_CLOCK_OFFSET", "S3_ENDPOINT", "STRIPE_API_BASE", "AWS_ENDPOINT_URL_SESV2"} {
		out[name] = w.env[name]
	}
	for name := range readTemplate(w.T).Functions[function].Env {
		out[name] = w.env[name]
	}
	return out
}

// start runs a function until the test ends.
func (w *world) start(function string, env map[string]string) *lambdatest.Function {
	w.Helper()
	f, err := lambdatest.Start(binary(w.T, function), env)
	w.must(err)
	w.Cleanup(func() {
		if err := f.Close(); err != nil {
			w.Error(err)
		}
		if w.Failed() {
			w.Logf("log of %s:\n%s", function, f.Log())
		}
	})
	return f
}
