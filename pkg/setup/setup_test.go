package setup_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic"
	"evisit/pkg/phi"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/setup/charge"
	"evisit/pkg/setup/deadline"
	"evisit/pkg/setup/notify"
	"evisit/pkg/setup/registry"
	"evisit/pkg/setup/stripehook"
	"evisit/pkg/setup/sweep"
	"evisit/pkg/setup/verify"
	"evisit/pkg/vault"
)

// whole is an environment in which nothing is wrong or missing.
func whole() map[string]string {
	public, _ := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return map[string]string{
		"EVISIT_TABLE": "evisit", "EVISIT_BUCKET": "documents", "EVISIT_PAGES": "https://visit.example.org/",
		"OIDC_ISSUER": "https://issuer.example", "OIDC_JWKS_URL": "https://issuer.example/jwks", "OIDC_AUDIENCE": "evisit",
		"EVISIT_SECRETS": "evisit/production", "EVISIT_STRIPE_MODE": "test", "EVISIT_KMS_KEY": "alias/evisit", "EVISIT_MAIL_FROM": "no-reply@example.org", "EVISIT_MAIL_EVENTS": "evisit",
		"EVISIT_LOG_ORIGIN": "visit.example.org/log", "EVISIT_LOG_PUBLIC": base64.StdEncoding.EncodeToString(public),
		"OIDC_SECOND_FACTOR": "https://issuer.example", "EVISIT_OPERATORS": "olu,https://issuer.example|ola",
		"EVISIT_CLOCK_OFFSET": "36h", "EVISIT_STAFF_IDLE": "10m", "EVISIT_LIMITS": "off",
	}
}

func load(env map[string]string) (setup.Config, error) {
	return setup.Load(func(name string) string { return env[name] })
}

func TestLoad_SettingsAsMeant(t *testing.T) {
	t.Parallel()
	c, err := load(whole())
	if err != nil {
		t.Fatal(err)
	}
	if c.Pages != "https://visit.example.org" || c.ClockOffset != 36*time.Hour || c.StaffIdle != 10*time.Minute || !c.Unlimited || c.Secrets != "evisit/production" || len(c.Log.Public) != ed25519.PublicKeySize {
		t.Errorf("config: %+v", c)
	}
	issuers := []setup.Issuer{{URL: "https://issuer.example", Keys: "https://issuer.example/jwks", Audience: "evisit", AlwaysTwo: true}}
	if d := cmp.Diff(issuers, c.Issuers); d != "" {
		t.Errorf("issuers (-want +got):\n%s", d)
	}
	operators := []clinic.Proof{{Issuer: "https://issuer.example", Subject: "olu"}, {Issuer: "https://issuer.example", Subject: "ola"}}
	if d := cmp.Diff(operators, c.Operators); d != "" {
		t.Errorf("operators (-want +got):\n%s", d)
	}
	if empty, err := load(nil); err != nil || cmp.Diff(setup.Config{}, empty) != "" {
		t.Errorf("an empty environment is %+v, %v", empty, err)
	}
}

func TestLoad_SaysAllThatIsWrongAndNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2!not*base64"
	env := whole()
	wrong := []string{"EVISIT_LOG_PUBLIC", "EVISIT_PAGES", "EVISIT_CLOCK_OFFSET", "EVISIT_STAFF_IDLE", "EVISIT_LIMITS"}
	for _, name := range wrong {
		env[name] = secret
	}
	_, err := load(env)
	if err == nil {
		t.Fatal("nothing was said")
	}
	for _, name := range wrong {
		if strings.Count(err.Error(), name) != 1 {
			t.Errorf("%s is not named once in: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("a value is quoted: %v", err)
	}
	for name, bad := range map[string]string{
		"EVISIT_LOG_PUBLIC": base64.StdEncoding.EncodeToString(make([]byte, 33)),
		"EVISIT_PAGES":      "clinic.example", "EVISIT_CLOCK_OFFSET": "a day", "EVISIT_STAFF_IDLE": "4m59s",
	} {
		env := whole()
		env[name] = bad
		if _, err := load(env); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), bad) {
			t.Errorf("%s=%q: %v", name, bad, err)
		}
	}
}

// Issuers are lists in one order, and all that is wrong with them is said at once,
// without a value.
func TestLoad_Issuers(t *testing.T) {
	t.Parallel()
	const a, b = "https://a.example/pool", "http://127.0.0.1:8080/dev/issuer/"
	two := map[string]string{
		"OIDC_ISSUER": a + ", " + b, "OIDC_JWKS_URL": a + "/keys," + b + "keys", "OIDC_AUDIENCE": "one,two", "OIDC_SECOND_FACTOR": b,
		"EVISIT_OPERATORS": b + "|x y,z",
	}
	c, err := load(two)
	issuers := []setup.Issuer{{URL: a, Keys: a + "/keys", Audience: "one"}, {URL: b, Keys: b + "keys", Audience: "two", AlwaysTwo: true}}
	operators := []clinic.Proof{{Issuer: b, Subject: "x y"}, {Issuer: a, Subject: "z"}}
	if d := cmp.Diff(issuers, c.Issuers) + cmp.Diff(operators, c.Operators); err != nil || d != "" {
		t.Errorf("two issuers: %v (-want +got):\n%s", err, d)
	}
	for name, test := range map[string]struct {
		change map[string]string
		faults []string
	}{
		"one key too few":           {map[string]string{"OIDC_JWKS_URL": a}, []string{"OIDC_JWKS_URL lists 1"}},
		"an audience too many":      {map[string]string{"OIDC_AUDIENCE": "one,two,three"}, []string{"OIDC_ISSUER lists 2", "OIDC_JWKS_URL lists 2"}},
		"an empty value":            {map[string]string{"OIDC_AUDIENCE": "one,"}, []string{"OIDC_AUDIENCE: its 2."}},
		"an issuer twice":           {map[string]string{"OIDC_ISSUER": a + "," + a, "OIDC_SECOND_FACTOR": "", "EVISIT_OPERATORS": ""}, []string{"OIDC_ISSUER: its 2."}},
		"no addresses":              {map[string]string{"OIDC_ISSUER": "a.example," + b, "OIDC_JWKS_URL": a + ",ftp://b"}, []string{"OIDC_ISSUER: its 1.", "OIDC_JWKS_URL: its 2."}},
		"second factor elsewhere":   {map[string]string{"OIDC_SECOND_FACTOR": "https://c.example"}, []string{"OIDC_SECOND_FACTOR: its 1."}},
		"second factor, no slash":   {map[string]string{"OIDC_SECOND_FACTOR": a + "," + strings.TrimSuffix(b, "/")}, []string{"OIDC_SECOND_FACTOR: its 2."}},
		"an operator of elsewhere":  {map[string]string{"EVISIT_OPERATORS": "x,https://c.example|y"}, []string{"EVISIT_OPERATORS: its 2."}},
		"an operator without a sub": {map[string]string{"EVISIT_OPERATORS": a + "|"}, []string{"EVISIT_OPERATORS: its 1."}},
		"an empty operator":         {map[string]string{"EVISIT_OPERATORS": "x,,y"}, []string{"EVISIT_OPERATORS: its 2."}},
		"everything": {
			map[string]string{"OIDC_JWKS_URL": "hunter2", "OIDC_AUDIENCE": ",two", "OIDC_SECOND_FACTOR": "hunter2", "EVISIT_OPERATORS": "hunter2|x"},
			[]string{"OIDC_JWKS_URL lists 1", "OIDC_JWKS_URL: its 1.", "OIDC_AUDIENCE: its 1.", "OIDC_SECOND_FACTOR: its 1.", "EVISIT_OPERATORS: its 1."},
		},
	} {
		env := maps.Clone(two)
		maps.Copy(env, test.change)
		_, err := load(env)
		if err == nil || strings.Count(err.Error(), "\n")+1 != len(test.faults) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "example") {
			t.Errorf("%s: %v, want %d faults", name, err, len(test.faults))
			continue
		}
		for _, f := range test.faults {
			if !strings.Contains(err.Error(), f) {
				t.Errorf("%s: %v, want %q", name, err, f)
			}
		}
	}
}

// parts is what functions are made of, reaching nothing.
func parts(t *testing.T, env map[string]string) setup.Parts {
	t.Helper()
	c, err := load(env)
	if err != nil {
		t.Fatal(err)
	}
	sdk := aws.Config{Region: "us-east-1"}
	return setup.Parts{
		Config: c, Now: func() time.Time { return time.Unix(0, 0) }, Log: slog.New(slog.DiscardHandler),
		Database: sdk, Objects: sdk, Letters: sdk, Keys: sdk, Secrets: sdk,
		Sealer: func(context.Context) (vault.Sealer, error) { return nil, nil },
	}
}

// handlers make each function, and name the settings that it needs.
var handlers = []struct {
	name  string
	build func(setup.Parts) error
	needs []string
}{
	{"api", func(p setup.Parts) error { _, err := api.Handler(p); return err }, []string{
		"EVISIT_BUCKET", "EVISIT_LOG_ORIGIN", "EVISIT_LOG_PUBLIC", "EVISIT_PAGES", "EVISIT_SECRETS", "OIDC_AUDIENCE", "OIDC_ISSUER", "OIDC_JWKS_URL",
	}},
	{"registry", func(p setup.Parts) error { _, err := registry.Handler(p); return err }, []string{
		"EVISIT_PAGES", "EVISIT_SECRETS", "OIDC_AUDIENCE", "OIDC_ISSUER", "OIDC_JWKS_URL",
	}},
	{"stripehook", func(p setup.Parts) error { _, err := stripehook.Handler(p); return err }, []string{
		"EVISIT_SECRETS", "EVISIT_STRIPE_MODE",
	}},
	{"charge", func(p setup.Parts) error { _, err := charge.Handler(p); return err }, []string{"EVISIT_SECRETS"}},
	{"notify", func(p setup.Parts) error { _, err := notify.Handler(p); return err }, []string{"EVISIT_MAIL_EVENTS", "EVISIT_MAIL_FROM", "EVISIT_PAGES"}},
	{"deadline", func(p setup.Parts) error { _, err := deadline.Handler(p); return err }, []string{"EVISIT_BUCKET"}},
	{"sweep", func(p setup.Parts) error { _, err := sweep.Handler(p); return err }, []string{"EVISIT_BUCKET", "EVISIT_LOG_ORIGIN", "EVISIT_LOG_PUBLIC", "EVISIT_SECRETS"}},
	{"verify", func(p setup.Parts) error { _, err := verify.Handler(p); return err }, []string{"EVISIT_BUCKET", "EVISIT_LOG_ORIGIN", "EVISIT_LOG_PUBLIC"}},
}

func TestHandler_NamesMissingSettings(t *testing.T) {
	t.Parallel()
	for _, test := range handlers {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := test.build(parts(t, whole())); err != nil {
				t.Errorf("with all it needs: %v", err)
			}
			if d := cmp.Diff(test.needs, missing(t, test.build, nil)); d != "" {
				t.Errorf("named (-want +got):\n%s", d)
			}
			for _, name := range test.needs {
				env := whole()
				env[name] = ""
				if err := test.build(parts(t, env)); err == nil || err.Error() != name+" is not set" {
					t.Errorf("without %s: %v", name, err)
				}
			}
		})
	}
}

// missing lists the settings that a function asks for until it starts, with
// those that have names set: it may ask for more once it has the first.
func missing(t *testing.T, build func(setup.Parts) error, names []string) []string {
	t.Helper()
	env := map[string]string{}
	for _, name := range names {
		env[name] = whole()[name]
	}
	err := build(parts(t, env))
	if err == nil {
		slices.Sort(names)
		return names
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		name, ok := strings.CutSuffix(line, " is not set")
		if !ok || slices.Contains(names, name) {
			t.Fatalf("with %v: %v", names, err)
		}
		names = append(names, name)
	}
	return missing(t, build, names)
}

// A function that decrypts content and is given no sealer opens the keyset among its
// secrets.
func TestHandler_NamesMissingKeyset(t *testing.T) {
	t.Parallel()
	for _, test := range handlers {
		p := parts(t, whole())
		p.Sealer, p.Config.KMSKey = nil, ""
		err := test.build(p)
		decrypts := slices.Contains([]string{"api", "registry", "notify", "deadline"}, test.name)
		if got := err != nil && err.Error() == "EVISIT_KMS_KEY is not set"; got != decrypts {
			t.Errorf("%s without a keyset: %v", test.name, err)
		}
	}
}

// asLambda sets what Lambda tells a function of AWS.
func asLambda(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "ASIATEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
	} {
		t.Setenv(name, value)
	}
}

func TestAWS_PartsOfEnvironment(t *testing.T) {
	for name, value := range whole() {
		t.Setenv(name, value)
	}
	asLambda(t)
	p, err := setup.AWS(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if ahead := time.Until(p.Now()); ahead < 35*time.Hour || ahead > 37*time.Hour {
		t.Errorf("the clock is %s ahead", ahead)
	}
	if p.Config.Table != "evisit" || p.Database.BaseEndpoint != nil || p.Objects.BaseEndpoint != nil || p.PathStyle {
		t.Errorf("the services are elsewhere than at AWS: %+v", p)
	}
	role, err := p.Keys.Credentials.Retrieve(t.Context())
	if err != nil || role.AccessKeyID != "ASIATEST" || role.SecretAccessKey != "secret" || role.SessionToken != "token" || p.Keys.Region != "us-east-1" {
		t.Errorf("the credentials are not the role's, in its region: %v", err)
	}
	t.Setenv("DYNAMODB_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("S3_ENDPOINT", "http://127.0.0.1:2")
	if p, err = setup.AWS(slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if *p.Database.BaseEndpoint != "http://127.0.0.1:1" || *p.Objects.BaseEndpoint != "http://127.0.0.1:2" || !p.PathStyle || p.Keys.BaseEndpoint != nil {
		t.Errorf("the services are not where the settings say: %+v", p)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := setup.AWS(slog.New(slog.DiscardHandler)); err == nil || err.Error() != "AWS_SECRET_ACCESS_KEY is not set" {
		t.Errorf("without credentials: %v", err)
	}
	t.Setenv("EVISIT_TABLE", "")
	if _, err := setup.AWS(slog.New(slog.DiscardHandler)); err == nil || err.Error() != "EVISIT_TABLE is not set" {
		t.Errorf("without a table: %v", err)
	}
}

// printed returns what do writes to standard output.
func printed(t *testing.T, do func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	do()
	os.Stdout = stdout
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNewLog_HidesContentOfWholeRecord(t *testing.T) {
	type record struct {
		ID   string
		Text phi.Text
	}
	b := printed(t, func() {
		setup.NewLog().InfoContext(t.Context(), "whole", "record", record{"v1", "chest pain"}, "text", phi.Text("chest pain"), "n", 7)
	})
	var line struct {
		Msg    string `json:"msg"`
		Record string `json:"record"`
		N      int    `json:"n"`
	}
	if err := json.Unmarshal([]byte(b), &line); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if strings.Contains(b, "chest") || line.Msg != "whole" || !strings.Contains(line.Record, "v1") || line.N != 7 {
		t.Errorf("the log says %s", b)
	}
}
