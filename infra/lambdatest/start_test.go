package lambdatest_test

import (
	"encoding/json"
	"maps"
	"path"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/safe"
	"evisit/pkg/secret"
)

// A line is one line of a function's log.
type line struct {
	Level string `json:"level"`
	Msg   string `json:"msg"`
	Err   string `json:"err"`
}

// refusesToStart runs a function that must end by itself with one line of log,
// and returns what that says.
func (w *world) refusesToStart(function string, env map[string]string) string {
	w.Helper()
	f := w.start(function, env)
	select {
	case <-f.Ended():
	case <-time.After(30 * time.Second):
		w.Fatalf("%s starts nevertheless", function)
	}
	if f.ExitCode() != 1 {
		w.Errorf("%s ended with %d, want 1", function, f.ExitCode())
	}
	log := f.Log()
	var l line
	if err := json.Unmarshal([]byte(log), &l); err != nil || strings.Count(log, "\n") != 1 {
		w.Fatalf("%s says, in more or less than one line: %s", function, log)
	}
	if l.Level != "ERROR" || l.Msg != function+" cannot start" {
		w.Errorf("%s says %+v", function, l)
	}
	return l.Err
}

func TestStart_LackingSettingIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, function := range functions {
		env := w.settings(function, newGuard(t, function))
		for name := range readTemplate(t).Functions[function].Env {
			if name == "GOGC" || name == "GOMEMLIMIT" || name == "EVISIT_STAFF_IDLE" || name == "EVISIT_METRICS" || name == "OIDC_SECOND_FACTOR" || name == "EVISIT_OPERATORS" { // they have defaults
				continue
			}
			without := maps.Clone(env)
			delete(without, name)
			if said := w.refusesToStart(function, without); !strings.Contains(said, name+" is not set") {
				t.Errorf("%s without %s says %q", function, name, said)
			}
		}
	}
}

func TestStart_WrongSettingWithoutItsValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const wrong = "not base64, and a secret"
	for _, c := range []struct{ function, name, value, want string }{
		{"sweep", "EVISIT_LOG_PUBLIC", wrong, "EVISIT_LOG_PUBLIC is not the base64 of"},
		{"api", "EVISIT_PAGES", "visit.example.org", "EVISIT_PAGES is not an address"},
		{"api", "EVISIT_CLOCK_OFFSET", "tomorrow", "EVISIT_CLOCK_OFFSET is not a duration"},
	} {
		env := w.settings(c.function, newGuard(t, c.function))
		env[c.name] = c.value
		said := w.refusesToStart(c.function, env)
		if !strings.Contains(said, c.want) || strings.Contains(said, wrong) {
			t.Errorf("%s with %s=%s says %q, want %q", c.function, c.name, c.value, said, c.want)
		}
	}
}

// A keyset that cannot be decrypted is told when it is first needed: by an error in
// the log, which raises an alarm, and never as altered content.
func TestKeyset_CannotBeDecrypted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event, key string
		keyset     []byte // nil: the installation's own
		want       string
	}{
		{"api/chart", safe.KeyARN, newKeyset(t, must(safe.New())), "opening the keyset under " + safe.KeyARN},
		{"notify/batch", safe.KeyARN + "0", nil, "opening the keyset under " + safe.KeyARN + "0"},
		{"deadline/minute", safe.KeyARN, newKeyset(t, must(safe.New())), "opening the keyset under " + safe.KeyARN},
	} {
		t.Run(c.event, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			scenes[c.event].plant(w)
			event := w.fill(w.read(c.event + ".json"))
			w.plantRows(event)
			function := path.Dir(c.event)
			env := w.settings(function, newGuard(t, function))
			env["EVISIT_KMS_KEY"] = c.key
			if c.keyset != nil {
				w.putSecret(secret.Content, secret.Keyset{Keyset: c.keyset})
			}
			f := w.start(function, env)
			r, err := f.Invoke(t.Context(), event)
			w.must(err)
			if function == "api" && !strings.Contains(string(r.Payload), `"statusCode":503`) {
				t.Errorf("the reply is %s", r.Payload)
			}
			w.must(f.Close()) // what it wrote has then arrived
			told := false
			for text := range strings.Lines(f.Log()) {
				var l line
				w.must(json.Unmarshal([]byte(text), &l))
				told = told || l.Level == "ERROR" && l.Msg == "a secret cannot be read or used" && strings.Contains(l.Err, c.want)
			}
			if !told || strings.Contains(f.Log(), "stored content is not what was committed") {
				t.Errorf("it logs:\n%s", f.Log())
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
