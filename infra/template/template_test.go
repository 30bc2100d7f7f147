package template_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/handlers"
	"evisit/infra/template"
	"evisit/pkg/awslambda"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/web"
	"evisit/pkg/outbox"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/stripehook"
	"evisit/pkg/vault"
)

const root = "../.."

func read(t *testing.T) template.Template {
	t.Helper()
	tpl, err := template.Read(root + "/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func into(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func TestTemplate_EveryFunctionFolderIsDeployed(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	folders, err := fs.Glob(os.DirFS(root), "functions/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, f := range folders {
		want = append(want, strings.Split(f, "/")[1])
	}
	for name, f := range tpl.Functions {
		got = append(got, name)
		shape := []string{f.CodeURI, f.Handler, f.Runtime, f.Arch, f.LogFormat, f.Tracing}
		if d := cmp.Diff([]string{".build/" + name, "bootstrap", "provided.al2023", "arm64", "JSON", "Active"}, shape); d != "" {
			t.Errorf("%s (-want +template):\n%s", name, d)
		}
		// An audit record must be stored within a minute of its time, or the log passes over it.
		if writes := f.May("dynamodb:PutItem", "Table.Arn", []string{"AUDIT#1"}); f.Timeout < 1 || writes && f.Timeout >= 60 {
			t.Errorf("%s may run %d s; an invocation that writes must be over within a minute", name, f.Timeout)
		}
	}
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("folders and deployed functions differ (-folders +template):\n%s", d)
	}
}

// served lists the routes that each function's handler has.
func served() map[string][]string {
	all := map[string][]string{"stripehook": httpapi.HookPatterns}
	for _, f := range []httpapi.Function{httpapi.ByAPI, httpapi.ByRegistry} {
		for _, e := range httpapi.Of(f) {
			all[string(f)] = append(all[string(f)], e.Pattern())
		}
		all[string(f)] = append(all[string(f)], web.Patterns(f)...)
	}
	return all
}

var wildcard = regexp.MustCompile(`\{[^}]+\}`)

// request is a request that a pattern of http.ServeMux matches.
func request(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, wildcard.ReplaceAllString(strings.TrimSuffix(path, "{$}"), "x1")
}

func TestGateway_EachRouteGoesToOneFunction(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	for name, patterns := range served() {
		for _, p := range patterns {
			method, path := request(p)
			if d := cmp.Diff([]string{name}, tpl.Owners(method, path)); d != "" {
				t.Errorf("%s: functions the gateway may send it to (-served +template):\n%s", p, d)
			}
		}
	}
}

func TestGateway_EachRouteIsServed(t *testing.T) {
	t.Parallel()
	patterns := served()
	for name, f := range read(t).Functions {
		for _, r := range f.Routes {
			if !slices.ContainsFunc(patterns[name], func(p string) bool { return r.Serves(request(p)) }) {
				t.Errorf("%s: nothing serves %s %s", name, r.Method, r.Path)
			}
		}
	}
}

// Each route of a function is a statement of its resource policy, which may
// have 20 KB: a little under 50 of them.
func TestGateway_ResourcePolicyStaysSmall(t *testing.T) {
	t.Parallel()
	for name, f := range read(t).Functions {
		if n := len(f.Routes); n > 30 {
			t.Errorf("%s has %d routes in the gateway; route by prefix", name, n)
		}
	}
}

func TestSettings_EachFunctionStartsWithItsOwn(t *testing.T) {
	t.Parallel()
	for name, f := range read(t).Functions {
		asked := map[string]bool{"GOGC": true, "GOMEMLIMIT": true} // Go's runtime reads these
		cfg, err := setup.Load(func(key string) string {
			asked[key] = true
			if f.Env[key] == "" {
				return ""
			}
			return handlers.Sample(key)
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for key := range f.Env {
			if !asked[key] {
				t.Errorf("%s is given %s, which nothing reads", name, key)
			}
		}
		parts := setup.Parts{
			Config: cfg, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Sealer: func(context.Context) (vault.Sealer, error) { return nil, nil },
		}
		if err := handlers.Make(name, parts); err != nil {
			t.Errorf("%s cannot start with what it is given: %v", name, err)
		}
		if cfg.Table == "" {
			t.Errorf("%s is not told its table", name)
		}
	}
}

// No secret stands in a function's settings: what a function is told is where its
// secrets are. The distribution alone is told one while deploying.
func TestSettings_HoldNoSecret(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(root + "/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const sent = `HeaderValue: !Sub "{{resolve:secretsmanager:evisit/${Stage}/origin:SecretString:sent}}"`
	if n := strings.Count(string(b), "{{resolve:"); n != 1 || !strings.Contains(string(b), sent) {
		t.Errorf("%d secrets are resolved while deploying, want the distribution's alone", n)
	}
	for name, f := range read(t).Functions {
		if folder, told := f.Env["EVISIT_SECRETS"]; told != (len(secretsOf[name]) > 0) || told && folder != "evisit/${Stage}" {
			t.Errorf("%s has secrets %v, and is told they are in %q", name, secretsOf[name], folder)
		}
	}
}

func TestStream_OnlyItsConsumersRead(t *testing.T) {
	t.Parallel()
	consumers := map[string]outbox.Consumer{"charge": outbox.Charge, "notify": outbox.Notify}
	for name, f := range read(t).Functions {
		to, reads := consumers[name]
		if !reads {
			if len(f.Streams) != 0 || f.May("dynamodb:GetRecords", "Table.StreamArn", nil) {
				t.Errorf("%s reads the stream", name)
			}
			continue
		}
		if len(f.Streams) != 1 || len(f.Streams[0].FilterCriteria.Filters) != 1 {
			t.Fatalf("%s: streams and filters: %+v", name, f.Streams)
		}
		s := f.Streams[0]
		var filter struct {
			DynamoDB struct {
				NewImage map[string]map[string][]string
			} `json:"dynamodb"`
		}
		into(t, []byte(s.FilterCriteria.Filters[0].Pattern), &filter)
		if d := cmp.Diff(map[string]map[string][]string{"to": {"S": {string(to)}}}, filter.DynamoDB.NewImage); d != "" {
			t.Errorf("filter of %s (-want +template):\n%s", name, d)
		}
		if s.Stream != "Table.StreamArn" || !s.BisectBatchOnFunctionError || !slices.Contains(s.FunctionResponseTypes, "ReportBatchItemFailures") ||
			s.MaximumRetryAttempts == nil || *s.MaximumRetryAttempts < 1 || s.DestinationConfig.OnFailure.Destination != "Undelivered.Arn" {
			t.Errorf("%s: a record that fails may block those behind it or be lost: %+v", name, s)
		}
	}
}

func TestSchedule_OfEachFunction(t *testing.T) {
	t.Parallel()
	want := map[string][]string{"deadline": {"rate(1 minute)"}, "sweep": {"rate(1 minute)"}, "verify": {"rate(1 hour)"}}
	for name, f := range read(t).Functions {
		if d := cmp.Diff(want[name], f.Schedules); d != "" {
			t.Errorf("%s (-want +template):\n%s", name, d)
		}
	}
}

func TestAlarms_EachReachesSomebody(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	n := 0
	for id, r := range tpl.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		n++
		var a struct{ AlarmActions []string }
		if err := tpl.Decode(id, &a); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"Alarms"}, a.AlarmActions); d != "" {
			t.Errorf("%s (-want +template):\n%s", id, d)
		}
	}
	if n == 0 {
		t.Error("there are no alarms")
	}
}

// A method that a webhook does not have is refused by its function, which says which
// one it has.
func TestGateway_WebhooksByAnyMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete} {
		if d := cmp.Diff([]string{"stripehook"}, read(t).Owners(method, "/stripe/webhook")); d != "" {
			t.Errorf("%s /stripe/webhook (-want +template):\n%s", method, d)
		}
	}
}

// The gateway is closed to all but the distribution: the functions that it calls
// accept the secret that the distribution alone sends, and no other may read it.
func TestGateway_ClosedToAllButTheDistribution(t *testing.T) {
	t.Parallel()
	for name, f := range read(t).Functions {
		if told := slices.Contains(secretsOf[name], secret.Origin); told != (len(f.Routes) > 0) {
			t.Errorf("%s has %d routes, and is told the secret %v", name, len(f.Routes), told)
		}
	}
	cfg, err := setup.Load(whole)
	if err != nil {
		t.Fatal(err)
	}
	source := func(context.Context, string) ([]byte, error) { return []byte(`{"accepted":"secret"}`), nil }
	h, err := stripehook.Handler(setup.Parts{Config: cfg, Secret: source, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/stripe/connect", http.NoBody))
	if w.Code != http.StatusForbidden {
		t.Errorf("past the distribution a webhook is answered %d", w.Code)
	}
}

func whole(name string) string {
	switch name {
	case "EVISIT_TABLE":
		return "x"
	case "EVISIT_STRIPE_MODE":
		return "live"
	}
	return ""
}

// A function of the stream has the time for one event at least, however long a service
// takes to answer.
func TestTemplate_StreamFunctionsHaveTimeForAnEvent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"charge", "notify"} {
		f := read(t).Functions[name]
		if have := time.Duration(f.Timeout) * time.Second; have < 2*awslambda.EventTime {
			t.Errorf("%s has %s, and an event may take %s", name, have, awslambda.EventTime)
		}
	}
}
