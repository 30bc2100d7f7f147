package lambdatest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/guard"
)

var update = flag.Bool("update", false, "write the golden replies")

const folder = root + "/events"

// A scene is what must be there before an event and what must be after. An
// event that may come again is invoked twice, with the same reply.
type scene struct {
	plant func(*world)
	check func(*world)
	again bool
	times int // how often it is invoked once more
}

// Each file of events/ is an invocation as AWS sends it, FUNCTION/NAME.json,
// and beside it lies the reply, NAME.golden.json; `go test ./infra/lambdatest
// -update` writes the replies anew.
func TestEvents_RepliesAsRecorded(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(os.DirFS(folder), "*/*")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	for _, file := range files {
		name, isJSON := strings.CutSuffix(file, ".json")
		event, isGolden := strings.CutSuffix(name, ".golden")
		switch {
		case !isJSON:
			t.Errorf("events/%s is no event", file)
		case isGolden && !slices.Contains(files, event+".json"):
			t.Errorf("events/%s is the reply to no event", file)
		case !isGolden:
			names[path.Dir(name)] = append(names[path.Dir(name)], name)
		}
	}
	for name := range scenes {
		if !slices.Contains(files, name+".json") {
			t.Errorf("there is a scene for events/%s.json, which does not exist", name)
		}
	}
	for function := range names {
		if !slices.Contains(functions, function) {
			t.Errorf("events/%s: there is no such function", function)
		}
	}
	for _, function := range functions {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			replayAll(t, function, names[function])
		})
	}
}

func replayAll(t *testing.T, function string, names []string) {
	g := newGuard(t, function)
	t.Run("events", func(t *testing.T) {
		for _, name := range names {
			t.Run(path.Base(name), func(t *testing.T) {
				t.Parallel()
				replay(newWorld(t), function, name, g)
			})
		}
	})
	if unused := g.Unused(); !t.Failed() && len(unused) > 0 {
		t.Errorf("%s is allowed what none of its events needs: %q", function, unused)
	}
}

func replay(w *world, function, name string, g *guard.Guard) {
	sc := scenes[name]
	if sc.plant != nil {
		sc.plant(w)
	}
	event := w.fill(w.read(name + ".json"))
	w.plantRows(event)
	f := w.start(function, w.settings(function, g))
	r, err := f.Invoke(w.Context(), event)
	w.must(err)
	if r.Failed {
		w.Fatalf("failed: %s", r.Payload)
	}
	w.golden(name, r.Payload)
	for range sc.times {
		_, err := f.Invoke(w.Context(), event)
		w.must(err)
	}
	if sc.again {
		second, err := f.Invoke(w.Context(), event)
		w.must(err)
		if d := cmp.Diff(string(r.Payload), string(second.Payload)); d != "" {
			w.Errorf("the same event again has another reply (-first +second):\n%s", d)
		}
	}
	if sc.check != nil {
		sc.check(w)
	}
}

func (w *world) read(name string) []byte {
	w.Helper()
	b, err := os.ReadFile(path.Join(folder, name))
	w.must(err)
	return b
}

// Fields are what a recorded event cannot hold: {{token PERSON}} is an ID
// token, {{cookie PERSON}} the cookie of a session of theirs, {{earlier PERSON}} that of one that
// was last used some minutes ago, {{ended PERSON}} that
// of one that has ended, {{session VISIT}} the Checkout session that paid for a planted visit.
var field = regexp.MustCompile(`\{\{(token|cookie|earlier|ended|session) ([^}]+)\}\}`)

func (w *world) fill(event []byte) []byte {
	return field.ReplaceAllFunc(event, func(b []byte) []byte {
		m := field.FindSubmatch(b)
		switch of := string(m[2]); string(m[1]) {
		case "session":
			return []byte(w.payment(paymentOf(of)).Session)
		case "cookie":
			return []byte(w.signIn(of, sessionLife))
		case "earlier":
			return []byte(w.signedInBefore(of))
		case "ended":
			return []byte(w.signIn(of, 0))
		default:
			token, err := w.people.Token(of, sessionLife)
			w.must(err)
			return []byte(token)
		}
	})
}

// volatile is all that differs from one run to the next.
var volatile = []struct {
	is    *regexp.Regexp
	shown string
}{
	{regexp.MustCompile(`\\"next\\":\\"[^"\\]+\\"`), `\"next\":\"<cursor>\"`}, // it has the time of a row, and its hash
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z`), "<time>"},
	{regexp.MustCompile(`("Content-Length": )"\d+"`), `$1"<of the times>"`},
	{regexp.MustCompile(`(\\"id\\":\\"|/visits/)[a-z2-7]{16,26}\b`), "$1<id>"},
	{regexp.MustCompile(`(\\"number\\":\\")[A-Z2-7]{4}-[A-Z2-7]{4}\b`), "$1<number>"},
	{regexp.MustCompile(`style\.css\?v=[0-9a-f]{12}`), "style.css?v=<hash>"},
	{regexp.MustCompile(`\b(cs_test|pi|acclink)_[a-z2-7]{26}`), "${1}_<id>"},
	{regexp.MustCompile(`http://127\.0\.0\.1:\d+`), "<local>"},
}

func (w *world) golden(name string, reply []byte) {
	w.Helper()
	var b bytes.Buffer
	w.must(json.Indent(&b, bytes.TrimSpace(reply), "", "  "))
	b.WriteByte('\n')
	got := b.Bytes()
	for _, v := range volatile {
		got = v.is.ReplaceAll(got, []byte(v.shown))
	}
	file := path.Join(folder, name+".golden.json")
	if *update {
		w.must(os.WriteFile(file, got, 0o600))
		return
	}
	want, err := os.ReadFile(file)
	w.must(err)
	if d := cmp.Diff(string(want), string(got)); d != "" {
		w.Errorf("reply to %s (-want +got):\n%s", name, d)
	}
}
