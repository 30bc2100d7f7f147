package setup_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/metric"
	"evisit/pkg/setup"
)

// logged returns the line that a function of the environment writes.
func logged(t *testing.T, write func(*slog.Logger)) string {
	t.Helper()
	asLambda(t)
	return printed(t, func() {
		p, err := setup.AWS(setup.NewLog())
		if err != nil {
			t.Fatal(err)
		}
		write(p.Log)
	})
}

// A line with metrics is a document as CloudWatch's embedded metric format asks for
// it: a directive names metrics and dimensions, and each is a member of the root.
func TestMetrics_LineIsEmbeddedMetricFormat(t *testing.T) {
	t.Setenv("EVISIT_TABLE", "evisit")
	t.Setenv("EVISIT_METRICS", "evisit/trial")
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "evisit-charge")
	line := logged(t, func(log *slog.Logger) {
		log.With("with", 1).LogAttrs(t.Context(), slog.LevelInfo, "counted", metric.Held.Of(2), metric.Late.Of(1), slog.Int("other", 3))
	})
	var root map[string]json.RawMessage
	var at time.Time
	if err := errors.Join(json.Unmarshal([]byte(line), &root), json.Unmarshal(root["time"], &at)); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	delete(root, "time")
	got := map[string]string{}
	for name, v := range root {
		got[name] = string(v)
	}
	want := map[string]string{
		"level": `"INFO"`, "msg": `"counted"`, "with": "1", "Held": "2", "Late": "1", "other": "3", "FunctionName": `"evisit-charge"`,
		"_aws": fmt.Sprintf(`{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"evisit/trial","Dimensions":[["FunctionName"]],`+
			`"Metrics":[{"Name":"Held","Unit":"Count"},{"Name":"Late","Unit":"Count"}]}]}`, at.UnixMilli()),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the line (-want +got):\n%s", d)
	}
}

func TestMetrics_OtherLinesAreLeft(t *testing.T) {
	for name, test := range map[string]struct {
		namespace string
		write     func(*slog.Logger)
		number    string
	}{
		"NoMetrics":   {"evisit/trial", func(log *slog.Logger) { log.InfoContext(t.Context(), "x", "Held", 2) }, `"Held":2`},
		"NoNamespace": {"", func(log *slog.Logger) { log.LogAttrs(t.Context(), slog.LevelInfo, "x", metric.Held.Of(2)) }, `"Held":2`},
		"InAGroup": {
			"evisit/trial",
			func(log *slog.Logger) {
				log.WithGroup("of").LogAttrs(t.Context(), slog.LevelInfo, "x", metric.Held.Of(2))
			},
			`"of":{"Held":2}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("EVISIT_TABLE", "evisit")
			t.Setenv("EVISIT_METRICS", test.namespace)
			if line := logged(t, test.write); strings.Contains(line, "_aws") || !strings.Contains(line, test.number) {
				t.Errorf("the log says %s", line)
			}
		})
	}
}
