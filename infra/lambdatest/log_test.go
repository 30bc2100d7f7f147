package lambdatest_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/template"
)

// metricsOf sums the metrics that CloudWatch takes from the log of a function.
func metricsOf(t *testing.T, function, log string) map[string]int {
	t.Helper()
	sums := map[string]int{}
	for l := range strings.Lines(log) {
		var root map[string]json.RawMessage
		if err := json.Unmarshal([]byte(l), &root); err != nil {
			t.Errorf("a line of the log is not JSON: %s", l)
		}
		const head = `,"CloudWatchMetrics":[{"Namespace":"evisit/recorded","Dimensions":[["FunctionName"]],"Metrics":[`
		_, names, found := strings.Cut(string(root["_aws"]), head)
		if found != (root["_aws"] != nil) || found && string(root["FunctionName"]) != strconv.Quote(function) {
			t.Errorf("not metrics of %s: %s", function, l)
		}
		for _, m := range regexp.MustCompile(`{"Name":"(\w+)","Unit":"Count"}`).FindAllStringSubmatch(names, -1) {
			n, err := strconv.Atoi(string(root[m[1]]))
			if err != nil {
				t.Errorf("%s is not a number: %s", m[1], l)
			}
			sums[m[1]] += n
		}
	}
	return sums
}

// watched lists the metrics of our own that an alarm watches, by the functions that
// it watches.
func watched(t *testing.T, tpl template.Template, alarm string) map[string][]string {
	t.Helper()
	type source struct {
		Namespace, MetricName string
		Dimensions            []struct{ Name, Value string }
	}
	var a struct {
		source
		Metrics []struct{ MetricStat struct{ Metric source } }
	}
	if err := tpl.Decode(alarm, &a); err != nil {
		t.Fatal(err)
	}
	sources := []source{a.source}
	for _, m := range a.Metrics {
		sources = append(sources, m.MetricStat.Metric)
	}
	all := map[string][]string{}
	for _, s := range sources {
		if s.Namespace == "AWS/Lambda" { // beside our own, for a rate
			continue
		}
		for _, d := range s.Dimensions {
			if s.Namespace != "evisit/${Stage}" || d.Name != "FunctionName" {
				t.Errorf("%s watches %+v", alarm, s)
			}
			all[s.MetricName] = append(all[s.MetricName], d.Value)
		}
	}
	return all
}

// What a function does is in its log as the metrics that the template's alarms
// watch.
func TestLog_AlarmsWatchItsMetrics(t *testing.T) {
	t.Parallel()
	tpl := readTemplate(t)
	for name, test := range map[string]struct {
		function, event string
		plant           func(*world)
		counted         map[string]int
		alarm           string
		watches         map[string][]string
	}{
		"Parked": {
			"charge", "charge/stripe-said", plantSaid,
			map[string]int{"Held": 1, "Parked": 1},
			"ParkedAlarm",
			map[string][]string{"Parked": {"Charge", "Notify"}},
		},
		"BadSignature": {
			"stripehook", "stripehook/forged", func(*world) {},
			map[string]int{"BadSignature": 1},
			"BadSignatureAlarm",
			map[string][]string{"BadSignature": {"Stripehook"}},
		},
		"Unwanted": {
			"charge", "charge/unwanted", plantUnwanted,
			map[string]int{},
			"CaptureFailedAlarm",
			map[string][]string{"CaptureFailed": {"Charge"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(test.watches, watched(t, tpl, test.alarm)); d != "" {
				t.Errorf("%s (-want +template):\n%s", test.alarm, d)
			}
			w := newWorld(t)
			test.plant(w)
			event := w.fill(w.read(test.event + ".json"))
			w.plantRows(event)
			f := w.start(test.function, w.settings(test.function, newGuard(t, test.function)))
			if _, err := f.Invoke(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			w.must(f.Close()) // what it wrote has then arrived
			if d := cmp.Diff(test.counted, metricsOf(t, test.function, f.Log())); d != "" {
				t.Errorf("counted (-want +got):\n%s\n%s", d, f.Log())
			}
		})
	}
}
