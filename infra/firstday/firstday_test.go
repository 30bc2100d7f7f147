package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
	"github.com/stripe/stripe-go/v76/webhookendpoint"

	"evisit/infra/local/safe"
	"evisit/infra/local/stripesim"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/content"
	"evisit/pkg/setup/stripehook"
	pkgvault "evisit/pkg/vault"
)

var now = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)

func stands() time.Time { return now }

// An account is an empty account of AWS, and a platform's account at Stripe.
type account struct {
	*testing.T
	safe      *safe.Safe
	aws       string
	stripe    string
	endpoints webhookendpoint.Client
}

const platformKey = "sk_test_platform"

func newAccount(t *testing.T) *account {
	t.Helper()
	s, err := safe.New()
	if err != nil {
		t.Fatal(err)
	}
	sim, err := stripesim.New(t.Context(), stripesim.Options{
		Now: stands, Log: slog.New(slog.DiscardHandler),
		Keys: []stripesim.Key{{Secret: platformKey, Allow: []string{"webhook_endpoints:write"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := &account{T: t, safe: s, aws: serve(t, s), stripe: serve(t, sim)}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := &stripe.BackendConfig{URL: &a.stripe, LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}}
	a.endpoints = webhookendpoint.Client{B: stripe.NewBackendsWithConfig(cfg).API, Key: platformKey}
	return a
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// run runs the command as it is run by hand, and returns what it says.
func (a *account) run(args ...string) (string, error) {
	a.Helper()
	var out bytes.Buffer
	env := map[string]string{"STRIPE_SECRET_KEY": platformKey, "STRIPE_API_BASE": a.stripe}
	err := run(a.Context(), args, func(name string) string { return env[name] }, &out)
	return out.String(), err
}

// asAWS tells the SDK where the account is.
func (a *account) asAWS() {
	a.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ENDPOINT_URL_KMS": a.aws, "AWS_ENDPOINT_URL_SECRETS_MANAGER": a.aws,
	} {
		a.Setenv(name, value)
	}
}

// parts are a function's, in the account.
func (a *account) parts() setup.Parts {
	at := aws.Config{Region: "us-east-1", BaseEndpoint: &a.aws, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	return setup.Parts{
		Config: setup.Config{Secrets: "evisit/production", KMSKey: safe.KeyARN, StripeMode: "test"},
		Now:    stands, Log: slog.New(slog.DiscardHandler), Keys: at, Secrets: at,
	}
}

func (a *account) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

var keysArgs = []string{"keys", "-stage", "production", "-kms-key", safe.KeyARN}

// The keys that the command makes are those that functions open, and making them again
// changes none.
func TestKeys_MadeAsFunctionsOpenThem(t *testing.T) {
	a := newAccount(t)
	a.asAWS()
	said, err := a.run(keysArgs...)
	a.must(err)
	sealer, err := content.Sealer(a.parts())
	a.must(err)
	at := pkgvault.Place{Practice: "p", Record: "r", Field: "f"}
	sealed, err := sealer.Seal(t.Context(), at, []byte("kept"))
	a.must(err)
	if plain, err := sealer.Unseal(t.Context(), at, sealed); err != nil || string(plain) != "kept" {
		t.Errorf("unsealed %q, %v", plain, err)
	}
	shown := regexp.MustCompile(`LogPublicKey=(\S+)`).FindStringSubmatch(said)
	if shown == nil {
		t.Fatalf("it says %s", said)
	}
	public, err := base64.StdEncoding.DecodeString(shown[1])
	a.must(err)
	if _, err := secret.SeedOf(public)(t.Context(), []byte(a.safe.Secret("evisit/production/log"))); err != nil {
		t.Errorf("sweep cannot sign: %v", err)
	}
	if accepted, err := secret.AcceptedOf(t.Context(), []byte(a.safe.Secret("evisit/production/origin"))); err != nil || len(accepted) != 1 || len(accepted[0]) != 64 {
		t.Errorf("accepted %q, %v", accepted, err)
	}
	before := a.secrets()
	again, err := a.run(append(slices.Clone(keysArgs), "-log-public", shown[1])...)
	a.must(err)
	if strings.Contains(again, "made") || before != a.secrets() {
		t.Errorf("the second time it says %s", again)
	}
}

func (a *account) secrets() string {
	var all string
	for _, name := range []string{secret.Content, secret.Log, secret.Origin, secret.Stripehook, secret.API, secret.Charge} {
		all += name + "=" + a.safe.Secret("evisit/production/"+name) + "\n"
	}
	return all
}

// Each thing that is missing or wrong is named, in one run, and no secret is quoted.
func TestKeys_SayWhatIsWrong(t *testing.T) {
	a := newAccount(t)
	a.asAWS()
	_, err := a.run(append(slices.Clone(keysArgs), "-check")...)
	for _, name := range []string{"content", "log", "origin", "api", "charge", "stripehook"} {
		if err == nil || !strings.Contains(err.Error(), "evisit/production/"+name+": there is none") {
			t.Errorf("%s is not missed: %v", name, err)
		}
	}
	if a.secrets() != newAccount(t).secrets() {
		t.Error("-check made something")
	}
	_, err = a.run(keysArgs...)
	a.must(err)
	other, err := safe.New()
	a.must(err)
	seed := func(b byte) []byte { return bytes.Repeat([]byte{b}, ed25519.SeedSize) }
	public, _ := ed25519.NewKeyFromSeed(seed(1)).Public().(ed25519.PublicKey)
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{secret.Content, secret.Keyset{Keyset: []byte("damaged")}, "opening the keyset under " + safe.KeyARN},
		{secret.Content, secret.Keyset{Keyset: []byte(`{"encryptedKeyset":"` + base64.StdEncoding.EncodeToString(other.Seal([]byte("hunter2"), nil)) + `"}`)}, "InvalidCiphertextException"},
		{secret.Content, json.RawMessage(`"hunter2"`), "not the JSON of a"},
		{secret.Content, secret.Keyset{}, "has no keyset"},
		{secret.Log, secret.Seed{Seed: seed(2)}, "public half is not the one that the logs are verified with"},
		{secret.Log, secret.Seed{Seed: []byte("hunter2")}, "not a seed of 32 bytes"},
		{secret.Origin, secret.Front{Sent: "hunter2", Accepted: "other"}, "nobody would be served"},
		{secret.Origin, secret.Front{Sent: "hunter2", Accepted: "hunter2"}, "could be guessed"},
		{secret.Origin, secret.Front{Sent: "hunter2", Accepted: secret.NoFront}, "anyone may pass"},
		{secret.API, secret.Stripe{Key: "sk_live_hunter2"}, "no restricted key"},
		{secret.Charge, secret.Stripe{}, "no stripe_key"},
		{secret.Stripehook, secret.Webhooks{Platform: "whsec_hunter2"}, "lacks platform or connect"},
		{secret.Stripehook, secret.Webhooks{Platform: "whsec_hunter2", Connect: "whsec_hunter2"}, "are the same"},
	} {
		a.must(a.safe.Put("evisit/production/"+c.name, c.value))
		said, err := a.run(append(slices.Clone(keysArgs), "-check", "-log-public", base64.StdEncoding.EncodeToString(public))...)
		if err == nil || !strings.Contains(err.Error(), "evisit/production/"+c.name+": ") || !strings.Contains(err.Error(), c.want) || strings.Contains(said+err.Error(), "hunter2") {
			t.Errorf("%s: %s, %v; want %s", c.name, said, err, c.want)
		}
	}
	a.must(a.safe.Put("evisit/production/log", json.RawMessage(`{"seed":""}`)))
	if _, err := a.run(append(slices.Clone(keysArgs), "-stage", "second", "-log-public", base64.StdEncoding.EncodeToString(public))...); err == nil || a.safe.Secret("evisit/second/log") != "" {
		t.Errorf("another seed was made for logs that there are: %v", err)
	}
}

var hooksArgs = []string{"webhooks", "-stage", "production", "-domain", "visit.example.org"}

// The endpoints that the command makes have the version and the events that are used,
// and webhooks signed with what it stored are taken by the function.
func TestWebhooks_MadeAsTheFunctionTakesThem(t *testing.T) {
	a := newAccount(t)
	a.asAWS()
	if _, err := a.run(append(slices.Clone(hooksArgs), "-check")...); err == nil || strings.Count(err.Error(), "there is no endpoint") != 2 {
		t.Errorf("of an empty account it says %v", err)
	}
	_, err := a.run(hooksArgs...)
	a.must(err)
	there := a.hooks()
	if d := strings.Join(there, "\n"); !strings.Contains(d, "https://visit.example.org/stripe/connect enabled 2023-10-16 connect=true 30 events") ||
		!strings.Contains(d, "https://visit.example.org/stripe/webhook enabled 2023-10-16 connect=false 22 events") || len(there) != 2 {
		t.Errorf("there are:\n%s", d)
	}
	for range 2 { // nothing changes any more
		_, err = a.run(hooksArgs...)
		a.must(err)
	}
	if d := strings.Join(a.hooks(), "\n"); d != strings.Join(there, "\n") {
		t.Errorf("then there are:\n%s", d)
	}
	a.must(a.safe.Put("evisit/production/origin", secret.Front{Accepted: secret.NoFront}))
	h, err := stripehook.Handler(a.parts())
	a.must(err)
	var s secret.Webhooks
	a.must(json.Unmarshal([]byte(a.safe.Secret("evisit/production/stripehook")), &s))
	for path, with := range map[string]string{"/stripe/webhook": s.Platform, "/stripe/connect": s.Connect} {
		body := []byte(`{"id":"evt_1","type":"of.no.use"}`)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Stripe-Signature", webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: with, Timestamp: now}).Header)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// hooks are the endpoints at Stripe, in order of their addresses.
func (a *account) hooks() []string {
	a.Helper()
	var all []string
	list := a.endpoints.List(&stripe.WebhookEndpointListParams{})
	for list.Next() {
		e := list.WebhookEndpoint()
		all = append(all, fmt.Sprintf("%s %s %s connect=%t %d events", e.URL, e.Status, e.APIVersion, e.Application != "", len(e.EnabledEvents)))
	}
	a.must(list.Err())
	slices.Sort(all)
	return all
}

// What differs is said, and put right if Stripe lets it be; what does not is replaced
// only on demand.
func TestWebhooks_DifferencesAreSaidAndPutRight(t *testing.T) {
	const connect = "https://visit.example.org/stripe/connect"
	for _, c := range []struct {
		name    string
		change  func(*account, *stripe.WebhookEndpoint) // of the endpoint for connected accounts
		said    string
		replace bool // needs -replace
	}{
		{"another event", func(a *account, e *stripe.WebhookEndpoint) {
			_, err := a.endpoints.Update(e.ID, &stripe.WebhookEndpointParams{EnabledEvents: stripe.StringSlice([]string{"charge.refunded", "customer.created"})})
			a.must(err)
		}, `has ["customer.created"] more`, false},
		{"every event", func(a *account, e *stripe.WebhookEndpoint) {
			_, err := a.endpoints.Update(e.ID, &stripe.WebhookEndpointParams{EnabledEvents: stripe.StringSlice([]string{"*"})})
			a.must(err)
		}, `has ["*"] more`, false},
		{"switched off", func(a *account, e *stripe.WebhookEndpoint) {
			_, err := a.endpoints.Update(e.ID, &stripe.WebhookEndpointParams{Disabled: stripe.Bool(true)})
			a.must(err)
		}, "there is no endpoint that is switched on", false},
		{"signing secret lost", func(a *account, _ *stripe.WebhookEndpoint) {
			a.must(a.safe.Put("evisit/production/stripehook", secret.Webhooks{Platform: "whsec_kept"}))
		}, "its signing secret is not stored", true},
		{"another version, not connected", func(a *account, e *stripe.WebhookEndpoint) {
			_, err := a.endpoints.Update(e.ID, &stripe.WebhookEndpointParams{Disabled: stripe.Bool(true)})
			a.must(err)
			_, err = a.endpoints.New(&stripe.WebhookEndpointParams{URL: stripe.String(connect), EnabledEvents: stripe.StringSlice([]string{"charge.refunded"})})
			a.must(err)
		}, `its events are of version "", want 2023-10-16; it has the events of connected accounts: false, want true`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAccount(t)
			a.asAWS()
			_, err := a.run(hooksArgs...)
			a.must(err)
			list := a.endpoints.List(&stripe.WebhookEndpointListParams{})
			for list.Next() {
				if e := list.WebhookEndpoint(); e.URL == connect {
					c.change(a, e)
				}
			}
			if _, err := a.run(append(slices.Clone(hooksArgs), "-check")...); err == nil || !strings.Contains(err.Error(), c.said) || strings.Contains(err.Error(), "/stripe/webhook") {
				t.Errorf("it says %v, want %s", err, c.said)
			}
			if _, err := a.run(hooksArgs...); (err != nil) != c.replace {
				t.Errorf("without -replace: %v", err)
			}
			_, err = a.run(append(slices.Clone(hooksArgs), "-replace")...)
			a.must(err)
			_, err = a.run(append(slices.Clone(hooksArgs), "-check")...)
			a.must(err)
			if on := strings.Count(strings.Join(a.hooks(), "\n"), " enabled "); on != 2 {
				t.Errorf("%d endpoints are on", on)
			}
		})
	}
}

// An endpoint whose signing secret could not be stored is switched off again.
func TestWebhooks_SecretThatCannotBeStored(t *testing.T) {
	a := newAccount(t)
	denied := serve(t, a.safe.For(func(_ context.Context, action, _ string) error {
		if strings.HasSuffix(action, "GetSecretValue") {
			return nil
		}
		return fmt.Errorf("%s is denied", action)
	}))
	w := webhooks{key: platformKey, base: a.stripe, domain: "visit.example.org", out: &bytes.Buffer{}, vault: vault{secretsmanager.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &denied, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), "evisit/production"}}
	if err := w.run(t.Context()); err == nil {
		t.Error("it says nothing")
	}
	if there := a.hooks(); len(there) != 2 || strings.Contains(strings.Join(there, ""), " enabled ") {
		t.Errorf("there are %q", there)
	}
}

func TestRun_NamesWhatItNeeds(t *testing.T) {
	a := newAccount(t)
	a.asAWS()
	for _, c := range []struct{ args, want string }{
		{"", "usage"},
		{"frob", "usage"},
		{"keys", "give -stage"},
		{"keys -stage production", "give -kms-key"},
		{"webhooks -stage production", "give -domain"},
		{"webhooks -stage production -domain visit.example.org more", "not understood"},
	} {
		if _, err := a.run(strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("firstday %s: %v", c.args, err)
		}
	}
}
